/*
** fts_columns.c - see fts_columns.h.
**
** FTS5 tells an auxiliary function neither the table's name nor those of its columns. So the
** FTS5 tables of the connection are asked for the row at hand: one that has as many columns,
** and in them the same texts under the same rowid, is the table, or is as good.
*/
#include "fts_columns.h"

#include <string.h>

typedef struct search {
    const ctx_fts_row *row;
    const char *name;
    int columns;
    int found;         /* the column's number, or -1 */
    sqlite3_str *seen; /* columns of the first table that has the row */
    ctx_error *error;
} search;

static int no_memory(search *s)
{
    return ctx_fail(s->error, SQLITE_NOMEM, s->row->function, "out of memory");
}

/* ---- One table ---- */

static int compare_column(const ctx_fts_row *row, sqlite3_stmt *statement, int column,
                          bool *same)
{
    const char *text = NULL;
    int size = 0, code = row->api->xColumnText(row->fts, column, &text, &size);
    *same = false;
    if (code != SQLITE_OK)
        return code;
    const char *other = (const char *)sqlite3_column_text(statement, column);
    *same = sqlite3_column_bytes(statement, column) == size &&
            (size == 0 || memcmp(other, text, (size_t)size) == 0);
    return SQLITE_OK;
}

/* Whether the statement's table has the row; a failure of its own is the statement's. */
static int compare_row(const search *s, sqlite3_stmt *statement, bool *same)
{
    int code = SQLITE_OK;
    *same = sqlite3_column_count(statement) == s->columns &&
            sqlite3_bind_int64(statement, 1, s->row->api->xRowid(s->row->fts)) == SQLITE_OK &&
            sqlite3_step(statement) == SQLITE_ROW;
    for (int i = 0; i < s->columns && *same && code == SQLITE_OK; i++)
        code = compare_column(s->row, statement, i, same);
    return code;
}

static int look_for_name(search *s, sqlite3_stmt *statement)
{
    bool first = sqlite3_str_length(s->seen) == 0;
    for (int i = 0; i < s->columns; i++) {
        const char *name = sqlite3_column_name(statement, i);
        if (!name)
            return SQLITE_NOMEM;
        if (s->found < 0 && sqlite3_stricmp(name, s->name) == 0)
            s->found = i;
        if (first)
            sqlite3_str_appendf(s->seen, "%s%s", i ? ", " : "", name);
    }
    return SQLITE_OK;
}

/* What was prepared and stepped is done, with `code` so far. Of two failures that are not the
** table's the first. */
static int finish(search *s, sqlite3_stmt *statement, int code)
{
    int end = sqlite3_finalize(statement);
    if (s->error->code != SQLITE_OK)
        return s->error->code;
    code = ctx_passing(code != SQLITE_OK ? code : end);
    return code == SQLITE_OK ? code
                             : ctx_fail(s->error, code, s->row->function, "%s",
                                        ctx_sqlite_message(s->row->db, code));
}

/* A table that can't be read (no module, an authorizer forbids it) is not the one. */
static int look_at_table(search *s, const char *schema, const char *table)
{
    sqlite3_stmt *statement = NULL;
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\".\"%w\" WHERE rowid = ?1", schema, table);
    if (!sql)
        return no_memory(s);
    int code = sqlite3_prepare_v2(s->row->db, sql, -1, &statement, NULL);
    sqlite3_free(sql);
    bool same = false;
    if (code == SQLITE_OK)
        code = compare_row(s, statement, &same);
    if (code == SQLITE_OK && same)
        code = look_for_name(s, statement);
    return finish(s, statement, code);
}

/* ---- All tables ---- */

static int look_at_schema(search *s, const char *schema)
{
    sqlite3_stmt *statement = NULL;
    char *sql = sqlite3_mprintf("SELECT name FROM \"%w\".sqlite_master WHERE type = 'table' "
                                "AND sql LIKE 'create%%virtual%%using%%fts5%%'", schema);
    if (!sql)
        return no_memory(s);
    int code = sqlite3_prepare_v2(s->row->db, sql, -1, &statement, NULL);
    sqlite3_free(sql);
    while (code == SQLITE_OK && s->found < 0 && sqlite3_step(statement) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(statement, 0);
        code = table ? look_at_table(s, schema, table) : SQLITE_OK;
    }
    return finish(s, statement, code);
}

static int look_everywhere(search *s)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(s->row->db, "PRAGMA database_list", -1, &statement, NULL);
    while (code == SQLITE_OK && s->found < 0 && sqlite3_step(statement) == SQLITE_ROW) {
        const char *schema = (const char *)sqlite3_column_text(statement, 1);
        code = schema ? look_at_schema(s, schema) : SQLITE_OK;
    }
    return finish(s, statement, code);
}

int ctx_fts_column(const ctx_fts_row *row, const char *name, int *number, char **choices,
                   ctx_error *error)
{
    search s = {row, name, row->api->xColumnCount(row->fts), -1, NULL, error};
    s.seen = sqlite3_str_new(row->db);
    int code = look_everywhere(&s);
    if (sqlite3_str_length(s.seen) == 0)
        sqlite3_str_appendf(s.seen, "0 to %d", s.columns - 1);
    *number = s.found;
    *choices = sqlite3_str_finish(s.seen);
    if (code == SQLITE_OK && !*choices)
        return no_memory(&s);
    return code;
}

/* ---- Texts ---- */

/* A table without texts shows empty ones; how many tokens they had it knows, or (-1) not even
** that. */
static int is_stored(const ctx_fts_row *row, int column, bool *stored)
{
    int tokens = 0;
    int code = row->api->xColumnSize(row->fts, column, &tokens);
    *stored = tokens == 0;
    return code;
}

int ctx_fts_text(const ctx_fts_row *row, int column, char **text, size_t *size, bool *stored,
                 ctx_error *error)
{
    sqlite3_str *joined = sqlite3_str_new(row->db);
    int first = column < 0 ? 0 : column, code = SQLITE_OK;
    int last = column < 0 ? row->api->xColumnCount(row->fts) - 1 : column;
    for (int i = first; i <= last && code == SQLITE_OK; i++) {
        const char *piece = NULL;
        int bytes = 0;
        code = row->api->xColumnText(row->fts, i, &piece, &bytes);
        if (code != SQLITE_OK || bytes == 0)
            continue;
        if (sqlite3_str_length(joined) > 0)
            sqlite3_str_append(joined, "\n", 1);
        sqlite3_str_append(joined, piece, bytes);
    }
    *size = (size_t)sqlite3_str_length(joined);
    *stored = true;
    int failed = sqlite3_str_errcode(joined);
    *text = sqlite3_str_finish(joined);
    if (code == SQLITE_OK)
        code = failed;
    if (code == SQLITE_OK && *size == 0)
        code = is_stored(row, column, stored);
    return code == SQLITE_OK ? code
                             : ctx_fail(error, code, row->function, "%s", sqlite3_errstr(code));
}
