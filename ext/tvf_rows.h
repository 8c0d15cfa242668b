/*
** tvf_rows.h - tables that embed many texts: embed_each and embed_query.
**
** Both give key, text, embedding, tokens, truncated. Texts come one after another from a
** feed; a window of them is read ahead and embedded at once, over all cores, and then
** served in the order in which they came. The window starts small, so that the first row
** (and a LIMIT) is quick, and grows to WINDOW_ROWS rows or WINDOW_BYTES bytes of text, so
** that memory stays bounded however long the feed is. How texts fall into windows does not
** change a bit of any embedding.
*/
#ifndef CTX_TVF_ROWS_H
#define CTX_TVF_ROWS_H

#include "tvf.h"

typedef struct ctx_row {
    sqlite3_value *key; /* NULL pointer: the row's number in the call, from first_key on */
    size_t offset;      /* into ctx_rows.bytes */
    size_t size;
    bool is_null;       /* no text: the embedding is NULL */
    int embedded;       /* index of its embedding; not for NULL */
} ctx_row;

typedef struct ctx_rows {
    ctx_cursor base;
    /* Adds the next text by ctx_rows_add, or sets `exhausted`. */
    int (*feed)(struct ctx_rows *rows, ctx_error *error);
    bool exhausted;
    bool unbounded; /* the first window takes all */

    int first_key;  /* key of the call's first row where the feed gives none */
    ctx_row *row;   /* the window */
    int count;
    int capacity;
    int limit;      /* rows it may take now */
    int at;         /* the current row */
    char *bytes;    /* their texts, end to end */
    size_t used;
    size_t size;

    enc_embed_options options;
    int dimensions;
    float *vector; /* [embedded, dimensions] */
    enc_embed_report *report;
} ctx_rows;

/* Columns of both tables. */
enum { CTX_ROW_KEY, CTX_ROW_TEXT, CTX_ROW_EMBEDDING, CTX_ROW_TOKENS, CTX_ROW_TRUNCATED,
       CTX_ROW_COLUMNS };

/* Checks the options and goes to the first row; the cursor's arguments are read. */
int ctx_rows_start(ctx_rows *rows, ctx_error *error);
/* Adds one text to the window: copies it, NULL for none, and takes key. */
int ctx_rows_add(ctx_rows *rows, const char *text, size_t size, sqlite3_value *key);

/* Callbacks of ctx_table; clear is for the table's own clear to call. */
int ctx_rows_next(ctx_cursor *cursor, ctx_error *error);
void ctx_rows_column(ctx_cursor *cursor, sqlite3_context *context, int column);
void ctx_rows_clear(ctx_rows *rows);

#endif
