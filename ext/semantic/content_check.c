/*
** content_check.c - whether an external table can be an index's content: content='articles',
** content_rowid='id'. See content.h.
**
** The id is a declared column that is unique and an integer for as long as the row lives. The
** bare rowid of a table is not: VACUUM may number the rows anew, and every vector would belong to
** another text.
*/
#include "content.h"

#include <string.h>

enum { TEXTS = 3 };

/* What is known of a table after the walk over its columns. */
typedef struct shape {
    bool there;
    bool is_table;    /* not a view and not a virtual table */
    bool has_id;      /* content_rowid is one of its columns */
    bool id_integer;  /* with INTEGER affinity */
    bool id_named_integer; /* its type is the word INTEGER */
    bool id_not_null;
    int key_columns;  /* of the primary key */
    bool id_in_key;
    char *candidate;  /* a column that would do as content_rowid, or NULL */
} shape;

static int failed(sqlite3 *db, const ctx_config *config, ctx_error *error)
{
    return ctx_fail(error, sqlite3_errcode(db), config->name, "%s", sqlite3_errmsg(db));
}

/* Prepares a question about the schema; the texts that are not NULL become ?1, ?2, ?3. */
static int ask(sqlite3 *db, const ctx_config *config, const char *sql, const char *const *text,
               sqlite3_stmt **out, ctx_error *error)
{
    *out = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, out, NULL);
    for (int i = 0; i < TEXTS && rc == SQLITE_OK; i++)
        if (text[i])
            rc = sqlite3_bind_text(*out, i + 1, text[i], -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        return SQLITE_OK;
    failed(db, config, error);
    sqlite3_finalize(*out);
    return error->code;
}

static const char *column_text(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text ? text : "";
}

/* INTEGER affinity, as SQLite decides it. */
static bool is_integer(const char *type)
{
    return sqlite3_strlike("%int%", type, 0) == 0;
}

/* ---- Columns ---- */

static void note_column(shape *table, const ctx_config *config, sqlite3_stmt *row)
{
    const char *name = column_text(row, 0), *type = column_text(row, 1);
    int key = sqlite3_column_int(row, 3);
    table->there = true;
    table->key_columns += key > 0;
    if (key > 0 && is_integer(type) && !table->candidate)
        table->candidate = sqlite3_mprintf("%s", name);
    if (!config->content_rowid || sqlite3_stricmp(name, config->content_rowid) != 0)
        return;
    table->has_id = true;
    table->id_integer = is_integer(type);
    table->id_named_integer = sqlite3_stricmp(type, "integer") == 0;
    table->id_not_null = sqlite3_column_int(row, 2);
    table->id_in_key = key > 0;
}

static int fail_column(const ctx_config *config, const char *column, const char *names,
                       ctx_error *error)
{
    return ctx_fail(error, SQLITE_ERROR, config->name,
                    "content='%s' has no column '%s': it has %s", config->content_table, column,
                    names);
}

/* Every column of the index must be one of the table's. */
static int check_names(const ctx_config *config, sqlite3_stmt *rows, shape *table, bool *found,
                       sqlite3_str *names)
{
    int rc;
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
        note_column(table, config, rows);
        const char *name = column_text(rows, 0);
        sqlite3_str_appendf(names, "%s%s", sqlite3_str_length(names) ? ", " : "", name);
        for (int i = 0; i < config->columns; i++)
            found[i] |= sqlite3_stricmp(name, ctx_config_source(config, i)) == 0;
    }
    return rc;
}

static int read_columns(sqlite3 *db, const ctx_config *config, shape *table, ctx_error *error)
{
    sqlite3_stmt *rows;
    int rc = ask(db, config,
                 "SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?1, ?2)",
                 (const char *const[TEXTS]){config->content_table, config->schema}, &rows, error);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_str *text = sqlite3_str_new(db);
    bool *found = sqlite3_malloc64((sqlite3_uint64)config->columns + 1);
    if (found)
        memset(found, 0, (size_t)config->columns + 1);
    rc = found ? check_names(config, rows, table, found, text) : SQLITE_NOMEM;
    if (rc != SQLITE_DONE)
        failed(db, config, error);
    sqlite3_finalize(rows);
    char *names = sqlite3_str_finish(text);
    if (rc == SQLITE_DONE)
        rc = SQLITE_OK;
    else
        rc = rc == SQLITE_NOMEM ? ctx_fail(error, rc, config->name, "out of memory") : rc;
    if (rc == SQLITE_OK && !table->there)
        rc = ctx_fail(error, SQLITE_ERROR, config->name,
                      "content='%s': there is no such table or view in %s",
                      config->content_table, config->schema);
    for (int i = 0; i < config->columns && rc == SQLITE_OK; i++)
        if (!found[i])
            rc = fail_column(config, ctx_config_source(config, i), names ? names : "", error);
    sqlite3_free(found);
    sqlite3_free(names);
    return rc;
}

/* ---- The id ---- */

static int read_kind(sqlite3 *db, const ctx_config *config, shape *table, ctx_error *error)
{
    char *sql = sqlite3_mprintf("SELECT type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%%' FROM"
                                " \"%w\".sqlite_master WHERE name = ?1 COLLATE NOCASE AND"
                                " type IN ('table', 'view')", config->schema);
    sqlite3_stmt *row;
    if (!sql)
        return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    int rc = ask(db, config, sql, (const char *const[TEXTS]){config->content_table}, &row, error);
    sqlite3_free(sql);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(row);
    table->is_table = rc == SQLITE_ROW && sqlite3_column_int(row, 0);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        failed(db, config, error);
    sqlite3_finalize(row);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : error->code;
}

/* `unique`: a whole index says that no two rows share the column. `key`: the primary key is an
** index of its own, so that its column is not the rowid by another name. */
static int read_indexes(sqlite3 *db, const ctx_config *config, bool *unique, bool *key,
                        ctx_error *error)
{
    sqlite3_stmt *rows;
    int rc = ask(db, config,
                 "SELECT l.origin = 'pk', (SELECT count(*) = 1 AND max(name = ?3 COLLATE NOCASE)"
                 " FROM pragma_index_info(l.name, ?2))"
                 " FROM pragma_index_list(?1, ?2) AS l WHERE l.\"unique\" AND NOT l.partial",
                 (const char *const[TEXTS]){config->content_table, config->schema,
                                            config->content_rowid}, &rows, error);
    if (rc != SQLITE_OK)
        return rc;
    *unique = *key = false;
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
        *key |= sqlite3_column_int(rows, 0) != 0;
        *unique |= sqlite3_column_int(rows, 1) != 0;
    }
    if (rc != SQLITE_DONE)
        failed(db, config, error);
    sqlite3_finalize(rows);
    return rc == SQLITE_DONE ? SQLITE_OK : error->code;
}

static int check_id(sqlite3 *db, const ctx_config *config, const shape *table, ctx_error *error)
{
    bool unique, key;
    int rc = read_indexes(db, config, &unique, &key, error);
    if (rc != SQLITE_OK)
        return rc;
    if (table->id_in_key && table->key_columns == 1 && table->id_named_integer && !key)
        return SQLITE_OK;
    if (unique && table->id_not_null && table->id_integer)
        return SQLITE_OK;
    const char *problem = !table->id_integer ? "is not declared INTEGER"
                          : !unique          ? "is not UNIQUE"
                                             : "may be NULL";
    return ctx_fail(error, SQLITE_ERROR, config->name,
                    "content_rowid='%s' %s: it must be the INTEGER PRIMARY KEY of '%s' or an "
                    "INTEGER NOT NULL UNIQUE column", config->content_rowid, problem,
                    config->content_table);
}

/* `rowid` and its other names, where no column has that name. */
static bool is_rowid(const char *name)
{
    return sqlite3_stricmp(name, "rowid") == 0 || sqlite3_stricmp(name, "oid") == 0 ||
           sqlite3_stricmp(name, "_rowid_") == 0;
}

static int fail_id(const ctx_config *config, const shape *table, ctx_error *error)
{
    char advice[160];
    sqlite3_snprintf(sizeof advice, advice, table->candidate ? "; '%s' may do" : "%s",
                     table->candidate ? table->candidate : "");
    if (!config->content_rowid)
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "content='%s' needs content_rowid: the INTEGER PRIMARY KEY, or an "
                        "INTEGER NOT NULL UNIQUE column%s", config->content_table, advice);
    if (is_rowid(config->content_rowid))
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "content_rowid='%s' is no column of '%s', and VACUUM may number bare "
                        "rowids anew: name the INTEGER PRIMARY KEY or an INTEGER NOT NULL "
                        "UNIQUE column%s", config->content_rowid, config->content_table,
                        advice);
    return ctx_fail(error, SQLITE_ERROR, config->name,
                    "content_rowid='%s' is no column of '%s'%s", config->content_rowid,
                    config->content_table, advice);
}

int ctx_content_check(sqlite3 *db, const ctx_config *config, ctx_error *error)
{
    shape table = {0};
    int rc = read_columns(db, config, &table, error);
    if (rc == SQLITE_OK)
        rc = read_kind(db, config, &table, error);
    if (rc == SQLITE_OK && !table.has_id)
        rc = fail_id(config, &table, error);
    if (rc == SQLITE_OK && table.is_table)
        rc = check_id(db, config, &table, error);
    sqlite3_free(table.candidate);
    return rc;
}
