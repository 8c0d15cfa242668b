/*
** tvf_attention.c - attention(text [, model]) and attention_heads(text [, model]): what
** each head of each block does.
**
**   SELECT to_token, weight FROM attention('the river bank')
**    WHERE layer = 6 AND head = 0 AND from_token = 'bank' ORDER BY weight DESC;
**
** attention gives q·k/sqrt(head_size) and its softmax for each pair of tokens, one row of
** the matrix at a time. attention_heads gives the vectors behind them: for each token its
** query, key and value, and output, the sum of all tokens' values by this token's weights.
** With both, attention can be done by hand:
**
**   SELECT vector_sum(h.value, a.weight) FROM attention('the river bank') a
**     JOIN attention_heads('the river bank') h
**       ON h.layer = a.layer AND h.head = a.head AND h.position = a.to_position
**    WHERE a.layer = 6 AND a.head = 0 AND a.from_position = 3;
*/
#include <math.h>

#include "tvf_pass.h"

/* ---- What both tables share ---- */

enum { AXIS_LAYER, AXIS_HEAD, AXIS_FROM, AXIS_TO };

static int fail_no_heads(const ctx_cursor *cursor, const enc_model_info *info,
                         ctx_error *error)
{
    const char *name = (const char *)sqlite3_value_text(cursor->argument[1]);
    return ctx_fail(error, SQLITE_ERROR, ctx_cursor_vtab(cursor)->name,
                    "%s%Q has no attention: %s", name ? "the model " : "the default model ",
                    name ? name : info->family,
                    info->layers == 0 ? "it is a table of vectors, one for each token"
                                      : "its layers read tokens one after another");
}

/* Runs the pass and opens the axes: layers 1 ... L, heads, positions (once or twice). */
static int open_axes(ctx_cursor *cursor, enum ctx_pass_kind kind, ctx_error *error)
{
    enc_text text;
    bool is_null;
    int rc = ctx_cursor_arguments(cursor, 0, &text, &is_null, error);
    if (rc != SQLITE_OK || is_null)
        return rc;
    const enc_model_info *info = enc_model_describe(cursor->model);
    if (info->heads == 0)
        return fail_no_heads(cursor, info, error);
    rc = ctx_axis_open(cursor, AXIS_LAYER, 1, info->layers);
    if (rc == SQLITE_OK)
        rc = ctx_axis_open(cursor, AXIS_HEAD, 0, info->heads - 1);
    if (rc != SQLITE_OK || cursor->axis[AXIS_LAYER].count == 0 ||
        cursor->axis[AXIS_HEAD].count == 0)
        return rc;
    rc = ctx_pass_run(cursor, text, kind, error);
    if (rc != SQLITE_OK)
        return rc;
    int last = (int)enc_trace_tokens(cursor->pass->trace)->count - 1;
    int axes = ctx_cursor_vtab(cursor)->table->axes;
    for (int i = AXIS_FROM; i < axes && rc == SQLITE_OK; i++)
        rc = ctx_axis_open(cursor, i, 0, last);
    return rc;
}

static void result_token(ctx_cursor *cursor, sqlite3_context *context, int position)
{
    ctx_token_result(context, cursor,
                     &enc_trace_tokens(cursor->pass->trace)->token[position],
                     CTX_TOKEN_STRING);
}

/* ---- attention ---- */

typedef struct attention_cursor {
    ctx_cursor base;
    float *score;  /* [T], then weight [T]: one row of the matrix */
    float *weight;
    int layer, head, from; /* which row; layer 0: none yet */
} attention_cursor;

enum {
    ATT_LAYER,
    ATT_HEAD,
    ATT_FROM_POSITION,
    ATT_FROM_TOKEN,
    ATT_TO_POSITION,
    ATT_TO_TOKEN,
    ATT_SCORE,
    ATT_WEIGHT,
    ATT_COLUMNS
};

static int attention_start(ctx_cursor *base, ctx_error *error)
{
    attention_cursor *cursor = (attention_cursor *)base;
    int rc = open_axes(base, CTX_PASS_ATTENTION, error);
    if (rc != SQLITE_OK || !ctx_axes_any(base))
        return rc;
    size_t count = enc_trace_tokens(base->pass->trace)->count;
    cursor->score = sqlite3_malloc64(2 * count * sizeof *cursor->score);
    if (!cursor->score)
        return SQLITE_NOMEM;
    cursor->weight = cursor->score + count;
    cursor->layer = 0;
    return SQLITE_OK;
}

/* The row of the matrix in which the cursor stands, computed when a column first asks. */
static void compute_row(attention_cursor *cursor)
{
    int layer = ctx_axis_value(&cursor->base, AXIS_LAYER);
    int head = ctx_axis_value(&cursor->base, AXIS_HEAD);
    int from = ctx_axis_value(&cursor->base, AXIS_FROM);
    if (layer == cursor->layer && head == cursor->head && from == cursor->from)
        return;
    enc_trace_attention(cursor->base.pass->trace, layer, head, (size_t)from, cursor->score,
                        cursor->weight);
    cursor->layer = layer;
    cursor->head = head;
    cursor->from = from;
}

static void attention_column(ctx_cursor *base, sqlite3_context *context, int column)
{
    attention_cursor *cursor = (attention_cursor *)base;
    int from = ctx_axis_value(base, AXIS_FROM);
    int to = ctx_axis_value(base, AXIS_TO);
    switch (column) {
    case ATT_LAYER: sqlite3_result_int(context, ctx_axis_value(base, AXIS_LAYER)); break;
    case ATT_HEAD: sqlite3_result_int(context, ctx_axis_value(base, AXIS_HEAD)); break;
    case ATT_FROM_POSITION: sqlite3_result_int(context, from); break;
    case ATT_FROM_TOKEN: result_token(base, context, from); break;
    case ATT_TO_POSITION: sqlite3_result_int(context, to); break;
    case ATT_TO_TOKEN: result_token(base, context, to); break;
    default:
        compute_row(cursor);
        if (column == ATT_WEIGHT)
            sqlite3_result_double(context, (double)cursor->weight[to]);
        else if (!isinf(cursor->score[to])) /* NULL: a token that is not looked at */
            sqlite3_result_double(context, (double)cursor->score[to]);
    }
}

static void attention_clear(ctx_cursor *base)
{
    attention_cursor *cursor = (attention_cursor *)base;
    sqlite3_free(cursor->score);
    cursor->score = cursor->weight = NULL;
}

const ctx_table ctx_attention_table = {
    .name = "attention",
    .synonym = "embed_attention",
    .columns = "layer INTEGER, head INTEGER, from_position INTEGER, from_token TEXT, "
               "to_position INTEGER, to_token TEXT, score REAL, weight REAL",
    .column_count = ATT_COLUMNS,
    .argument = {"text", "model"},
    .axes = 4,
    .axis = {ATT_LAYER, ATT_HEAD, ATT_FROM_POSITION, ATT_TO_POSITION},
    .risk = SQLITE_VTAB_INNOCUOUS,
    .cursor_size = sizeof(attention_cursor),
    .start = attention_start,
    .column = attention_column,
    .clear = attention_clear,
};

/* ---- attention_heads ---- */

enum {
    HEADS_LAYER,
    HEADS_HEAD,
    HEADS_POSITION,
    HEADS_TOKEN,
    HEADS_QUERY,
    HEADS_KEY,
    HEADS_VALUE,
    HEADS_OUTPUT,
    HEADS_COLUMNS
};

static void heads_column(ctx_cursor *cursor, sqlite3_context *context, int column)
{
    static const enum enc_head_part part[HEADS_COLUMNS] = {
        [HEADS_QUERY] = ENC_HEAD_QUERY,
        [HEADS_KEY] = ENC_HEAD_KEY,
        [HEADS_VALUE] = ENC_HEAD_VALUE,
        [HEADS_OUTPUT] = ENC_HEAD_OUTPUT,
    };
    int layer = ctx_axis_value(cursor, AXIS_LAYER);
    int head = ctx_axis_value(cursor, AXIS_HEAD);
    int position = ctx_axis_value(cursor, AXIS_FROM);
    switch (column) {
    case HEADS_LAYER: sqlite3_result_int(context, layer); break;
    case HEADS_HEAD: sqlite3_result_int(context, head); break;
    case HEADS_POSITION: sqlite3_result_int(context, position); break;
    case HEADS_TOKEN: result_token(cursor, context, position); break;
    default:
        ctx_result_vector(context,
                          enc_trace_head(cursor->pass->trace, part[column], layer, head,
                                         (size_t)position),
                          enc_model_describe(cursor->model)->head_size, ENC_FLOAT32);
    }
}

static int start_heads(ctx_cursor *cursor, ctx_error *error)
{
    return open_axes(cursor, CTX_PASS_HEADS, error);
}

const ctx_table ctx_attention_heads_table = {
    .name = "attention_heads",
    .synonym = "embed_attention_heads",
    .columns = "layer INTEGER, head INTEGER, position INTEGER, token TEXT, "
               "query BLOB, key BLOB, value BLOB, output BLOB",
    .column_count = HEADS_COLUMNS,
    .argument = {"text", "model"},
    .axes = 3,
    .axis = {HEADS_LAYER, HEADS_HEAD, HEADS_POSITION},
    .risk = SQLITE_VTAB_INNOCUOUS,
    .cursor_size = sizeof(ctx_cursor),
    .start = start_heads,
    .column = heads_column,
};
