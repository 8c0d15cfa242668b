/*
** tvf_hidden.c - hidden_states(text [, model [, options]]): the vector of each token after
** each block; layer 0 is what the embedding layer gives.
**
**   SELECT layer, vector FROM hidden_states('by the river bank') WHERE token = 'bank';
**
** WHERE layer = k computes k blocks and no more. Option "layer" does the same and counts
** from the end where it is negative: {"layer": -1} is the last.
*/
#include "tvf_pass.h"

enum { LAYER, POSITION, TOKEN, TOKEN_ID, WORD, START, LENGTH, SPECIAL, VECTOR, COLUMNS };
enum { AXIS_LAYER, AXIS_POSITION };

/* Opens the axis of layers 0 ... L and applies the option. */
static int open_layers(ctx_cursor *cursor, ctx_error *error)
{
    int layers = enc_model_describe(cursor->model)->layers;
    int layer = cursor->options.layer;
    int rc = ctx_axis_open(cursor, AXIS_LAYER, 0, layers);
    if (rc != SQLITE_OK || layer == ENC_LAYER_DEFAULT)
        return rc;
    if (layer < -layers - 1 || layer > layers)
        return ctx_fail(error, SQLITE_ERROR, ctx_cursor_vtab(cursor)->name,
                        "layer %d is out of range: the model has layers 0 to %d, or -1 "
                        "to %d from the end", layer, layers, -layers - 1);
    ctx_axis_narrow(&cursor->axis[AXIS_LAYER], layer < 0 ? layers + 1 + layer : layer);
    return SQLITE_OK;
}

static int hidden_start(ctx_cursor *cursor, ctx_error *error)
{
    enc_text text;
    bool is_null;
    int rc = ctx_cursor_arguments(cursor, CTX_STATES_OPTIONS, &text, &is_null, error);
    if (rc == SQLITE_OK && !is_null)
        rc = open_layers(cursor, error);
    if (rc != SQLITE_OK || is_null || cursor->axis[AXIS_LAYER].count == 0)
        return rc;
    rc = ctx_pass_run(cursor, text, CTX_PASS_HIDDEN, error);
    if (rc != SQLITE_OK)
        return rc;
    return ctx_axis_open(cursor, AXIS_POSITION, 0,
                         (int)enc_trace_tokens(cursor->pass->trace)->count - 1);
}

static void hidden_column(ctx_cursor *cursor, sqlite3_context *context, int column)
{
    static const enum ctx_token_column shared[COLUMNS] = {
        [TOKEN] = CTX_TOKEN_STRING, [TOKEN_ID] = CTX_TOKEN_ID,
        [WORD] = CTX_TOKEN_WORD,    [START] = CTX_TOKEN_START,
        [LENGTH] = CTX_TOKEN_LENGTH, [SPECIAL] = CTX_TOKEN_SPECIAL,
    };
    const enc_trace *trace = cursor->pass->trace;
    int layer = ctx_axis_value(cursor, AXIS_LAYER);
    int position = ctx_axis_value(cursor, AXIS_POSITION);
    if (column == LAYER)
        sqlite3_result_int(context, layer);
    else if (column == POSITION)
        sqlite3_result_int(context, position);
    else if (column == VECTOR)
        ctx_result_vector(context, enc_trace_hidden(trace, layer, (size_t)position),
                          enc_model_describe(cursor->model)->hidden_size, ENC_FLOAT32);
    else
        ctx_token_result(context, cursor, &enc_trace_tokens(trace)->token[position],
                         shared[column]);
}

const ctx_table ctx_hidden_states_table = {
    .name = "hidden_states",
    .synonym = "embed_hidden_states",
    .columns = "layer INTEGER, position INTEGER, token TEXT, token_id INTEGER, "
               "word INTEGER, start INTEGER, length INTEGER, special INTEGER, vector BLOB",
    .column_count = COLUMNS,
    .argument = {"text", "model", "options"},
    .axes = 2,
    .axis = {LAYER, POSITION},
    .risk = SQLITE_VTAB_INNOCUOUS,
    .cursor_size = sizeof(ctx_cursor),
    .start = hidden_start,
    .column = hidden_column,
};
