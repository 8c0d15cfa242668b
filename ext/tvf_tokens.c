/*
** tvf_tokens.c - tokens(text [, model [, options]]): the tokens a model reads of a text.
**
**   SELECT token, substr('unbelievable', start, length) FROM tokens('unbelievable');
**
** start and length count characters from 1 as substr does, byte_start and byte_end are
** offsets into the UTF-8 bytes; special tokens have no place in the text and give NULL.
*/
#include "tvf.h"

typedef struct tokens_cursor {
    ctx_cursor base;
    enc_tokens *tokens;
} tokens_cursor;

enum {
    POSITION,
    TOKEN,
    TOKEN_ID,
    WORD,
    START,
    LENGTH,
    BYTE_START,
    BYTE_END,
    SPECIAL,
    COLUMNS
};

static int tokens_start(ctx_cursor *base, ctx_error *error)
{
    tokens_cursor *cursor = (tokens_cursor *)base;
    enc_text text;
    bool is_null;
    int rc = ctx_cursor_arguments(base, CTX_TOKENS_OPTIONS, &text, &is_null, error);
    if (rc != SQLITE_OK || is_null)
        return rc;
    enc_error failure = {0};
    if (enc_tokenize(base->session, base->model, text, base->options.prompt,
                     base->options.truncate, &cursor->tokens, &failure) != ENC_OK)
        return ctx_fail_encoder(error, ctx_cursor_vtab(base)->name, &failure);
    return ctx_axis_open(base, 0, 0, (int)cursor->tokens->count - 1);
}

static void tokens_column(ctx_cursor *base, sqlite3_context *context, int column)
{
    static const enum ctx_token_column shared[COLUMNS] = {
        [TOKEN] = CTX_TOKEN_STRING,          [TOKEN_ID] = CTX_TOKEN_ID,
        [WORD] = CTX_TOKEN_WORD,             [START] = CTX_TOKEN_START,
        [LENGTH] = CTX_TOKEN_LENGTH,         [BYTE_START] = CTX_TOKEN_BYTE_START,
        [BYTE_END] = CTX_TOKEN_BYTE_END,     [SPECIAL] = CTX_TOKEN_SPECIAL,
    };
    int position = ctx_axis_value(base, 0);
    if (column == POSITION)
        sqlite3_result_int(context, position);
    else
        ctx_token_result(context, base,
                         &((tokens_cursor *)base)->tokens->token[position], shared[column]);
}

static void tokens_clear(ctx_cursor *base)
{
    tokens_cursor *cursor = (tokens_cursor *)base;
    enc_tokens_free(cursor->tokens);
    cursor->tokens = NULL;
}

const ctx_table ctx_tokens_table = {
    .name = "tokens",
    .synonym = "embed_tokens",
    .columns = "position INTEGER, token TEXT, token_id INTEGER, word INTEGER, "
               "start INTEGER, length INTEGER, byte_start INTEGER, byte_end INTEGER, "
               "special INTEGER",
    .column_count = COLUMNS,
    .argument = {"text", "model", "options"},
    .axes = 1,
    .axis = {POSITION},
    .risk = SQLITE_VTAB_INNOCUOUS,
    .cursor_size = sizeof(tokens_cursor),
    .start = tokens_start,
    .column = tokens_column,
    .clear = tokens_clear,
};
