/*
** tvf_rows.c - see tvf_rows.h.
*/
#include "tvf_rows.h"

#include <limits.h>
#include <string.h>

enum { FIRST_ROWS = 32, GROWTH = 4, WINDOW_ROWS = 4096, WINDOW_BYTES = 8 * 1024 * 1024 };

static int no_memory(ctx_rows *rows, ctx_error *error)
{
    return ctx_fail(error, SQLITE_NOMEM, ctx_cursor_vtab(&rows->base)->name,
                    "out of memory");
}

/* ---- The window ---- */

static bool reserve_bytes(ctx_rows *rows, size_t more)
{
    if (more <= rows->size - rows->used)
        return true;
    size_t size = rows->used + more + rows->size / 2 + 4096;
    char *bytes = sqlite3_realloc64(rows->bytes, size);
    if (!bytes)
        return false;
    rows->bytes = bytes;
    rows->size = size;
    return true;
}

static bool reserve_row(ctx_rows *rows)
{
    if (rows->count < rows->capacity)
        return true;
    if (rows->capacity > INT_MAX / 2)
        return false;
    int capacity = rows->capacity ? rows->capacity * 2 : FIRST_ROWS;
    ctx_row *row = sqlite3_realloc64(rows->row, (sqlite3_uint64)capacity * sizeof *row);
    if (!row)
        return false;
    rows->row = row;
    rows->capacity = capacity;
    return true;
}

int ctx_rows_add(ctx_rows *rows, const char *text, size_t size, sqlite3_value *key)
{
    if (!text)
        size = 0;
    if (!reserve_row(rows) || !reserve_bytes(rows, size)) {
        sqlite3_value_free(key);
        return SQLITE_NOMEM;
    }
    rows->row[rows->count++] = (ctx_row){key, rows->used, size, text == NULL, 0};
    if (size)
        memcpy(rows->bytes + rows->used, text, size);
    rows->used += size;
    return SQLITE_OK;
}

/* Forgets the rows, keeps their memory for the next ones. */
static void empty(ctx_rows *rows)
{
    for (int i = 0; i < rows->count; i++)
        sqlite3_value_free(rows->row[i].key);
    rows->count = 0;
    rows->used = 0;
    rows->at = 0;
}

static bool has_room(const ctx_rows *rows)
{
    return rows->unbounded || (rows->count < rows->limit && rows->used < WINDOW_BYTES);
}

/* ---- Embedding it ---- */

static int embed_texts(ctx_rows *rows, const enc_text *texts, int count, ctx_error *error)
{
    sqlite3_uint64 cells = (sqlite3_uint64)count * (sqlite3_uint64)rows->dimensions;
    rows->vector = sqlite3_malloc64(cells * sizeof *rows->vector);
    rows->report = sqlite3_malloc64((sqlite3_uint64)count * sizeof *rows->report);
    if (!rows->vector || !rows->report)
        return no_memory(rows, error);
    enc_error failure = {0};
    if (enc_embed(rows->base.session, rows->base.model, texts, (size_t)count,
                  &rows->options, rows->vector, rows->report, &failure) != ENC_OK)
        return ctx_fail_encoder(error, ctx_cursor_vtab(&rows->base)->name, &failure);
    return SQLITE_OK;
}

static int embed_window(ctx_rows *rows, ctx_error *error)
{
    int count = 0;
    sqlite3_free(rows->vector);
    sqlite3_free(rows->report);
    rows->vector = NULL;
    rows->report = NULL;
    enc_text *texts = sqlite3_malloc64(((sqlite3_uint64)rows->count + 1) * sizeof *texts);
    if (!texts)
        return no_memory(rows, error);
    for (int i = 0; i < rows->count; i++) {
        ctx_row *row = &rows->row[i];
        if (row->is_null)
            continue;
        texts[count].data = row->size ? rows->bytes + row->offset : "";
        texts[count].size = row->size;
        row->embedded = count++;
    }
    int rc = count ? embed_texts(rows, texts, count, error) : SQLITE_OK;
    sqlite3_free(texts);
    return rc;
}

/* Reads and embeds the next window; eof if there is none. */
static int advance(ctx_rows *rows, ctx_error *error)
{
    int rc = SQLITE_OK;
    empty(rows);
    while (rc == SQLITE_OK && !rows->exhausted && has_room(rows))
        rc = rows->feed(rows, error);
    rows->limit = rows->limit > WINDOW_ROWS / GROWTH ? WINDOW_ROWS : rows->limit * GROWTH;
    rows->base.eof = rows->count == 0;
    if (rc != SQLITE_OK || rows->base.eof)
        return rc;
    return embed_window(rows, error);
}

/* ---- The table ---- */

int ctx_rows_start(ctx_rows *rows, ctx_error *error)
{
    ctx_options_embed(&rows->base.options, &rows->options);
    int rc = ctx_options_check(&rows->base.options, rows->base.model,
                               ctx_cursor_vtab(&rows->base)->name, &rows->dimensions,
                               error);
    if (rc != SQLITE_OK)
        return rc;
    rows->limit = FIRST_ROWS;
    return advance(rows, error);
}

int ctx_rows_next(ctx_cursor *cursor, ctx_error *error)
{
    ctx_rows *rows = (ctx_rows *)cursor;
    cursor->row++;
    if (++rows->at < rows->count)
        return SQLITE_OK;
    return advance(rows, error);
}

static void result_embedding(const ctx_rows *rows, sqlite3_context *context, int index)
{
    size_t offset = (size_t)index * (size_t)rows->dimensions;
    ctx_result_vector(context, rows->vector + offset, rows->dimensions,
                      rows->base.options.type);
}

void ctx_rows_column(ctx_cursor *cursor, sqlite3_context *context, int column)
{
    ctx_rows *rows = (ctx_rows *)cursor;
    const ctx_row *row = &rows->row[rows->at];
    if (column == CTX_ROW_KEY) {
        if (row->key)
            sqlite3_result_value(context, row->key);
        else
            sqlite3_result_int64(context, rows->first_key + cursor->row);
        return;
    }
    if (row->is_null)
        return;
    switch (column) {
    case CTX_ROW_TEXT:
        sqlite3_result_text64(context, row->size ? rows->bytes + row->offset : "",
                              row->size, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case CTX_ROW_EMBEDDING: result_embedding(rows, context, row->embedded); break;
    case CTX_ROW_TOKENS:
        sqlite3_result_int64(context, (sqlite3_int64)rows->report[row->embedded].tokens);
        break;
    default: sqlite3_result_int(context, rows->report[row->embedded].truncated); break;
    }
}

void ctx_rows_clear(ctx_rows *rows)
{
    empty(rows);
    sqlite3_free(rows->row);
    sqlite3_free(rows->bytes);
    sqlite3_free(rows->vector);
    sqlite3_free(rows->report);
    rows->row = NULL;
    rows->bytes = NULL;
    rows->vector = NULL;
    rows->report = NULL;
    rows->capacity = 0;
    rows->size = 0;
    rows->exhausted = rows->unbounded = false;
}
