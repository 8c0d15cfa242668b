/*
** tvf_lm_head.c - lm_head(text [, model [, options]]): what the checkpoint's language-model
** head expects at each token.
**
**   SELECT json_extract(top, '$[0].token') FROM lm_head('Paris is in [MASK]', 'bert')
**    WHERE token = '[MASK]';
**   SELECT token, -logprob / ln(2) AS surprisal FROM lm_head('the horse raced', 'gpt2');
**
** All numbers of a row speak of one distribution: which token stands at this place. A masked
** model computes it from the whole text, a causal one from the tokens before: there the first
** token has none, and a row behind the last, without a token, says what comes next.
**
** Log-probabilities of all V tokens are at hand for the next few rows only.
*/
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "tvf_pass.h"

enum {
    POSITION,
    TOKEN,
    TOKEN_ID,
    WORD,
    START,
    LENGTH,
    SPECIAL,
    LOGPROB,
    RANK,
    ENTROPY,
    TOP,
    COLUMNS
};

enum { MOST_ROWS = 16, WINDOW_BYTES = 8 * 1024 * 1024 };

typedef struct lm_cursor {
    ctx_cursor base;
    float *logprob; /* [held, V]: of axis values from number `first` on */
    int first;
    int held;
    int window;     /* rows to compute next time; grows, so that LIMIT 1 computes one */
} lm_cursor;

static int lm_start(ctx_cursor *base, ctx_error *error)
{
    lm_cursor *cursor = (lm_cursor *)base;
    enc_text text;
    bool is_null;
    int rc = ctx_cursor_arguments(base, CTX_LM_OPTIONS, &text, &is_null, error);
    if (rc != SQLITE_OK || is_null)
        return rc;
    rc = ctx_pass_lm(base, text, error);
    if (rc != SQLITE_OK)
        return rc;
    size_t first, end;
    enc_lm_places(base->pass->lm, &first, &end);
    cursor->held = 0;
    cursor->window = 1;
    return ctx_axis_open(base, 0, 0, (int)end - 1);
}

/* ---- Log-probabilities, some rows ahead ---- */

static size_t vocabulary(const lm_cursor *cursor)
{
    return (size_t)enc_model_describe(cursor->base.model)->vocabulary;
}

/* Whether the current place has a distribution. */
static bool is_guessed(const ctx_cursor *base)
{
    size_t first, end;
    enc_lm_places(base->pass->lm, &first, &end);
    return (size_t)ctx_axis_value(base, 0) >= first;
}

/* Computes the current row and the next ones. */
static int fill(lm_cursor *cursor, ctx_error *error)
{
    const ctx_cursor *base = &cursor->base;
    const ctx_axis *axis = &base->axis[0];
    const char *name = ctx_cursor_vtab(base)->name;
    size_t place[MOST_ROWS];
    int count = axis->count - axis->at;
    sqlite3_uint64 bytes = (sqlite3_uint64)vocabulary(cursor) * sizeof *cursor->logprob;
    sqlite3_uint64 twice = 2 * bytes * (sqlite3_uint64)cursor->window;
    if (count > cursor->window)
        count = cursor->window;
    for (int i = 0; i < count; i++)
        place[i] = (size_t)axis->value[axis->at + i];
    float *room = sqlite3_realloc64(cursor->logprob, bytes * (sqlite3_uint64)count);
    if (!room)
        return ctx_fail(error, SQLITE_NOMEM, name, "out of memory");
    cursor->logprob = room;
    cursor->held = 0;
    enc_error failure = {0};
    if (enc_lm_logprobs(base->session, base->pass->lm, place, (size_t)count, room,
                        &failure) != ENC_OK)
        return ctx_fail_encoder(error, name, &failure);
    cursor->first = axis->at;
    cursor->held = count;
    if (cursor->window < MOST_ROWS && twice <= WINDOW_BYTES)
        cursor->window *= 2;
    return SQLITE_OK;
}

/* [V] of the current place; NULL after the context was given an error. */
static const float *current(lm_cursor *cursor, sqlite3_context *context)
{
    int at = cursor->base.axis[0].at;
    ctx_error error;
    if (at < cursor->first || at >= cursor->first + cursor->held)
        if (fill(cursor, &error) != SQLITE_OK) {
            ctx_result_error(context, &error);
            return NULL;
        }
    return cursor->logprob + (size_t)(at - cursor->first) * vocabulary(cursor);
}

/* ---- Columns ---- */

/* A number that JSON has no name for is null. */
static json_t *real(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

/* {"token": "bank", "token_id": 2924, "logprob": -0.25}; NULL: out of memory. */
static json_t *describe(const lm_cursor *cursor, const float *logprob, int32_t id)
{
    size_t size = 0;
    const char *string = enc_token_string(cursor->base.model, id, &size);
    json_t *entry = json_object();
    bool whole = entry &&
                 json_object_set_new(entry, "token", string ? json_stringn(string, size)
                                                            : json_null()) == 0 &&
                 json_object_set_new(entry, "token_id", json_integer(id)) == 0 &&
                 json_object_set_new(entry, "logprob", real((double)logprob[id])) == 0;
    if (whole)
        return entry;
    json_decref(entry);
    return NULL;
}

static void result_top(const lm_cursor *cursor, sqlite3_context *context,
                       const float *logprob)
{
    enum { FLOAT_DIGITS = 9 };
    size_t count = (size_t)cursor->base.options.top, all = vocabulary(cursor);
    if (count > all)
        count = all;
    int32_t *id = sqlite3_malloc64((count + 1) * sizeof *id);
    json_t *list = json_array();
    if (id)
        enc_lm_top(logprob, all, count, id);
    bool whole = id && list;
    for (size_t i = 0; whole && i < count; i++)
        whole = json_array_append_new(list, describe(cursor, logprob, id[i])) == 0;
    char *text = whole ? json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(FLOAT_DIGITS))
                       : NULL;
    if (text) {
        sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
        sqlite3_result_subtype(context, CTX_SUBTYPE_JSON);
    } else {
        sqlite3_result_error_nomem(context);
    }
    free(text);
    json_decref(list);
    sqlite3_free(id);
}

static void result_guess(lm_cursor *cursor, sqlite3_context *context, int column,
                         const enc_token *token)
{
    if (!is_guessed(&cursor->base) || (!token && column != ENTROPY && column != TOP))
        return;
    const float *logprob = current(cursor, context);
    if (!logprob)
        return;
    switch (column) {
    case LOGPROB: sqlite3_result_double(context, (double)logprob[token->id]); break;
    case RANK:
        sqlite3_result_int64(context, (sqlite3_int64)enc_lm_rank(
                                          logprob, vocabulary(cursor), token->id));
        break;
    case ENTROPY:
        sqlite3_result_double(context, enc_lm_entropy(logprob, vocabulary(cursor)));
        break;
    default: result_top(cursor, context, logprob);
    }
}

static void lm_column(ctx_cursor *base, sqlite3_context *context, int column)
{
    static const enum ctx_token_column shared[COLUMNS] = {
        [TOKEN] = CTX_TOKEN_STRING,  [TOKEN_ID] = CTX_TOKEN_ID,
        [WORD] = CTX_TOKEN_WORD,     [START] = CTX_TOKEN_START,
        [LENGTH] = CTX_TOKEN_LENGTH, [SPECIAL] = CTX_TOKEN_SPECIAL,
    };
    const enc_tokens *tokens = enc_lm_tokens(base->pass->lm);
    int position = ctx_axis_value(base, 0);
    const enc_token *token =
        (size_t)position < tokens->count ? &tokens->token[position] : NULL;
    if (column == POSITION)
        sqlite3_result_int(context, position);
    else if (column >= LOGPROB)
        result_guess((lm_cursor *)base, context, column, token);
    else if (token)
        ctx_token_result(context, base, token, shared[column]);
}

static void lm_clear(ctx_cursor *base)
{
    lm_cursor *cursor = (lm_cursor *)base;
    sqlite3_free(cursor->logprob);
    cursor->logprob = NULL;
    cursor->held = 0;
}

const ctx_table ctx_lm_head_table = {
    .name = "lm_head",
    .synonym = "embed_lm_head",
    .columns = "position INTEGER, token TEXT, token_id INTEGER, word INTEGER, start INTEGER, "
               "length INTEGER, special INTEGER, logprob REAL, rank INTEGER, entropy REAL, "
               "top TEXT",
    .column_count = COLUMNS,
    .argument = {"text", "model", "options"},
    .axes = 1,
    .axis = {POSITION},
    .risk = SQLITE_VTAB_INNOCUOUS,
    .cursor_size = sizeof(lm_cursor),
    .start = lm_start,
    .column = lm_column,
    .clear = lm_clear,
};
