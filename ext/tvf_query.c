/*
** tvf_query.c - embed_query(sql [, model [, options]]): runs a SELECT on this connection
** and embeds its rows, all cores at work.
**
**   INSERT INTO vectors
**   SELECT key, embedding FROM embed_query('SELECT id, body FROM docs');
**
** The SELECT gives the text, or a key and the text; rows without a key have their number,
** from 1. Its parameters are given in option "params", a JSON array. The SELECT may call
** embed, tokens or embed_query itself.
**
** The SQL may come from anywhere, so the table is not for schemas (DIRECTONLY).
*/
#include "tvf_query.h"
#include "tvf_rows.h"

/* A SELECT that calls embed_query on its own text would go on until the stack ends. */
enum { DEEPEST = 8 };

typedef struct query_cursor {
    ctx_rows rows;
    sqlite3_stmt *statement; /* NULL once all its rows are read */
    sqlite3_int64 fed;       /* rows read */
} query_cursor;

static int add_row(query_cursor *cursor, const char *name, ctx_error *error)
{
    int columns = sqlite3_column_count(cursor->statement);
    enc_text text = {NULL, 0};
    int is_null;
    char what[48];
    sqlite3_snprintf(sizeof what, what, "the text of row %lld", ++cursor->fed);
    /* SQLite calls a column's value unprotected because another thread might step the
    ** statement; nobody can while the connection's mutex is held, as it is here. */
    sqlite3_value *value = sqlite3_column_value(cursor->statement, columns - 1);
    int rc = ctx_text_argument(value, name, what, &text, &is_null, error);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_value *key = NULL;
    if (columns == 2) {
        key = sqlite3_value_dup(sqlite3_column_value(cursor->statement, 0));
        if (!key)
            return SQLITE_NOMEM;
    }
    return ctx_rows_add(&cursor->rows, is_null ? NULL : text.data, text.size, key);
}

static int query_feed(ctx_rows *rows, ctx_error *error)
{
    query_cursor *cursor = (query_cursor *)rows;
    ctx_vtab *v = ctx_cursor_vtab(&rows->base);
    if (v->depth == DEEPEST)
        return ctx_fail(error, SQLITE_ERROR, v->name,
                        "statements run inside each other more than %d deep", DEEPEST);
    v->depth++;
    int rc = sqlite3_step(cursor->statement);
    v->depth--;
    if (rc == SQLITE_ROW)
        return add_row(cursor, v->name, error);
    if (rc == SQLITE_DONE) {
        rows->exhausted = true;
        rc = SQLITE_OK;
    } else {
        ctx_fail(error, rc == SQLITE_SCHEMA ? SQLITE_ERROR : rc, v->name, "%s",
                 sqlite3_errmsg(ctx_connection_db(v->connection)));
    }
    sqlite3_finalize(cursor->statement);
    cursor->statement = NULL;
    return rc;
}

static int query_start(ctx_cursor *base, ctx_error *error)
{
    query_cursor *cursor = (query_cursor *)base;
    const ctx_vtab *v = ctx_cursor_vtab(base);
    enc_text sql;
    bool is_null;
    int rc = ctx_cursor_arguments(base, CTX_QUERY_OPTIONS, &sql, &is_null, error);
    if (rc != SQLITE_OK || is_null)
        return rc;
    rc = ctx_query_prepare(ctx_connection_db(v->connection), v->name, sql,
                           base->options.params, &cursor->statement,
                           &cursor->rows.unbounded, error);
    if (rc != SQLITE_OK)
        return rc;
    cursor->fed = 0;
    cursor->rows.feed = query_feed;
    cursor->rows.first_key = 1;
    return ctx_rows_start(&cursor->rows, error);
}

static void query_clear(ctx_cursor *base)
{
    query_cursor *cursor = (query_cursor *)base;
    sqlite3_finalize(cursor->statement);
    cursor->statement = NULL;
    ctx_rows_clear(&cursor->rows);
}

const ctx_table ctx_embed_query_table = {
    .name = "embed_query",
    .columns = "key, text TEXT, embedding BLOB, tokens INTEGER, truncated INTEGER",
    .column_count = CTX_ROW_COLUMNS,
    .argument = {"sql", "model", "options"},
    .risk = SQLITE_VTAB_DIRECTONLY,
    .cursor_size = sizeof(query_cursor),
    .start = query_start,
    .next = ctx_rows_next,
    .column = ctx_rows_column,
    .clear = query_clear,
};
