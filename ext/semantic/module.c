/*
** module.c - the virtual table `semantic` as SQLite sees it: CREATE, connect, DROP, RENAME,
** transactions, registration. Questions are query.h's, writes update.h's.
**
** A transaction on an index: xUpdate notes rows in NAME_pending, xSync embeds them. What that
** writes are rows of ordinary tables in the same transaction, so ROLLBACK is SQLite's own; here
** only what memory holds beside them is dropped.
*/
#include <string.h>

#include "create.h"
#include "index.h"
#include "lists.h"
#include "pending.h"
#include "query.h"
#include "register.h"
#include "trigger.h"
#include "update.h"
#include "words.h"

/* From SQLite 3.44 on; earlier headers don't have the last member, and earlier libraries don't
** look for it. */
#if SQLITE_VERSION_NUMBER >= 3044000
typedef struct semantic_module {
    sqlite3_module base;
} semantic_module;
#else
typedef struct semantic_module {
    sqlite3_module base;
    int (*integrity)(sqlite3_vtab *, const char *, const char *, int, char **);
} semantic_module;
#endif

/* ---- Life ---- */

static void index_free(ctx_index *index)
{
    ctx_index **link = ctx_connection_indexes(index->connection);
    while (*link != index)
        link = &(*link)->next;
    *link = index->next;
    sqlite3_finalize(index->rows_next);
    ctx_words_close(index->words);
    ctx_pending_close(index->pending);
    ctx_storage_close(index->storage);
    ctx_lists_close(index->lists);
    ctx_content_close(index->content);
    ctx_config_clear(&index->config);
    enc_model_close(index->model);
    ctx_connection_release(index->connection);
    sqlite3_free(index->base.zErrMsg);
    sqlite3_free(index);
}

static ctx_index *index_new(sqlite3 *db, ctx_connection *connection)
{
    ctx_index *index = sqlite3_malloc64(sizeof *index);
    if (!index)
        return NULL;
    memset(index, 0, sizeof *index);
    index->db = db;
    index->connection = ctx_connection_retain(connection);
    index->question_bytes = -1;
    index->next = *ctx_connection_indexes(connection);
    *ctx_connection_indexes(connection) = index;
    return index;
}

/* Tells SQLite the columns. */
static int declare(const ctx_index *index, ctx_error *error)
{
    const ctx_config *config = &index->config;
    sqlite3_str *sql = sqlite3_str_new(index->db);
    sqlite3_str_appendall(sql, "CREATE TABLE x(");
    for (int i = 0; i < config->columns; i++)
        sqlite3_str_appendf(sql, "\"%w\", ", config->column[i]);
    for (int i = 0; i < CTX_HIDDEN_COLUMNS; i++)
        sqlite3_str_appendf(sql, "%s\"%w\" HIDDEN", i ? ", " : "",
                            ctx_hidden_column(config, i));
    sqlite3_str_appendchar(sql, 1, ')');
    char *declaration = sqlite3_str_finish(sql);
    int code = declaration ? sqlite3_declare_vtab(index->db, declaration) : SQLITE_NOMEM;
    sqlite3_free(declaration);
    if (code == SQLITE_OK)
        code = sqlite3_vtab_config(index->db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
    if (code == SQLITE_OK)
        code = sqlite3_vtab_config(index->db, SQLITE_VTAB_INNOCUOUS);
    if (code == SQLITE_OK)
        return code;
    return ctx_shadow_failed(index->db, config, code, error);
}

static int open_parts(ctx_index *index, ctx_error *error)
{
    int code = declare(index, error);
    if (code == SQLITE_OK)
        code = ctx_content_open(index->db, &index->config, &index->content, error);
    if (code == SQLITE_OK)
        code = ctx_storage_open(index->db, &index->config, &index->storage, error);
    if (code == SQLITE_OK)
        code = ctx_pending_open(index, &index->pending, error);
    if (code == SQLITE_OK)
        code = ctx_words_open(index->db, &index->config, &index->words, error);
    return code;
}

/* xConnect: from the stored configuration. If that is damaged, the columns are known from the
** statement that made the table, so that it can be dropped; whatever else is done with it reads
** the configuration again and fails. */
static int load(ctx_index *index, int argc, const char *const *argv, ctx_error *error)
{
    ctx_config *config = &index->config;
    int code = ctx_config_name(argv, config, error);
    if (code != SQLITE_OK)
        return code;
    code = ctx_config_load(index->db, config, error);
    if (code != SQLITE_CORRUPT_VTAB)
        return code;
    ctx_config_clear(config);
    return ctx_config_parse(argc, argv, config, error);
}

static int begin(sqlite3 *db, void *client, int argc, const char *const *argv, bool create,
                 sqlite3_vtab **out, char **message)
{
    ctx_error error = {0};
    ctx_index *index = index_new(db, client);
    if (!index)
        return SQLITE_NOMEM;
    int code = create ? ctx_index_create(index, argc, argv, &error)
                      : load(index, argc, argv, &error);
    if (code == SQLITE_OK)
        code = open_parts(index, &error);
    if (code == SQLITE_OK) {
        *out = &index->base;
        return code;
    }
    if (code != SQLITE_NOMEM)
        *message = sqlite3_mprintf("%s", error.message);
    index_free(index);
    return code;
}

static int semantic_create(sqlite3 *db, void *client, int argc, const char *const *argv,
                           sqlite3_vtab **out, char **message)
{
    return begin(db, client, argc, argv, true, out, message);
}

static int semantic_connect(sqlite3 *db, void *client, int argc, const char *const *argv,
                            sqlite3_vtab **out, char **message)
{
    return begin(db, client, argc, argv, false, out, message);
}

static int semantic_disconnect(sqlite3_vtab *table)
{
    index_free((ctx_index *)table);
    return SQLITE_OK;
}

/* Gives the failure to SQLite. */
static int finish(sqlite3_vtab *table, int code, const ctx_error *error)
{
    if (code == SQLITE_OK)
        return code;
    return error->code ? ctx_vtab_error(table, error) : code;
}

static int semantic_destroy(sqlite3_vtab *table)
{
    ctx_index *index = (ctx_index *)table;
    ctx_error error = {0};
    ctx_index_reset(index);
    int code = ctx_index_drop(index, &error);
    if (code != SQLITE_OK) { /* of which SQLite takes the code alone, and no sentence */
        sqlite3_log(code, "DROP TABLE \"%w\": %s", index->config.name, error.message);
        return finish(table, code, &error);
    }
    index_free(index);
    return SQLITE_OK;
}

/* ---- RENAME ---- */

static int rename_tables(ctx_index *index, const char *name, ctx_error *error)
{
    const ctx_config *config = &index->config;
    int code = ctx_content_rename(index->db, config, name, error);
    if (code == SQLITE_OK)
        code = ctx_storage_rename(index->db, config, name, error);
    if (code == SQLITE_OK)
        code = ctx_lists_rename(index->db, config, name, error);
    if (code == SQLITE_OK)
        code = ctx_pending_rename(index->db, config, name, error);
    if (code == SQLITE_OK)
        code = ctx_words_rename(index->db, config, name, error);
    if (code == SQLITE_OK)
        code = ctx_shadow_run(index->db, config, error, "ALTER TABLE \"%w\".\"%w_config\" "
                              "RENAME TO \"%w_config\"", name);
    return code;
}

static int semantic_rename(sqlite3_vtab *table, const char *name)
{
    ctx_index *index = (ctx_index *)table;
    ctx_error error = {0};
    char *copy = sqlite3_mprintf("%s", name);
    if (!copy)
        return SQLITE_NOMEM;
    int code = ctx_index_refresh(index, &error);
    if (code == SQLITE_OK)
        code = ctx_pending_commit(index->pending, &error);
    ctx_index_reset(index);
    if (code == SQLITE_OK)
        code = rename_tables(index, name, &error);
    if (code == SQLITE_OK)
        code = ctx_triggers_rename(index, name, &error);
    if (code == SQLITE_OK) {
        char *old = index->config.name;
        index->config.name = copy;
        copy = old;
        index->renamed = true;
    }
    sqlite3_free(copy);
    ctx_index_reset(index);
    return finish(table, code, &error);
}

/* ---- Transactions ---- */

static int semantic_begin(sqlite3_vtab *table)
{
    ((ctx_index *)table)->seen = (ctx_seen){0};
    return SQLITE_OK;
}

/* The index that the object stands for is there no more. A change of the schema in a transaction
** (ALTER TABLE of any table) makes SQLite connect another object to go on with, and DROP TABLE
** destroys that one; the first one still gets its xSync. */
static bool is_dropped(const ctx_index *index)
{
    const ctx_config *config = &index->config;
    char *name = sqlite3_mprintf("%s_config", config->name);
    int code = name ? sqlite3_table_column_metadata(index->db, config->schema, name, NULL, NULL,
                                                    NULL, NULL, NULL, NULL)
                    : SQLITE_NOMEM;
    sqlite3_free(name);
    return code == SQLITE_ERROR;
}

static int semantic_sync(sqlite3_vtab *table)
{
    ctx_index *index = (ctx_index *)table;
    ctx_error error = {0};
    if (index->renamed) /* the rows that came after that are another object's */
        return SQLITE_OK;
    const sqlite3_int64 version = index->config.version;
    int code = ctx_index_refresh(index, &error);
    if (code == SQLITE_CORRUPT_VTAB && is_dropped(index))
        return SQLITE_OK;
    if (version != index->config.version) /* maybe another index of this name: see above */
        ctx_index_reset(index);
    if (code == SQLITE_OK)
        code = ctx_pending_commit(index->pending, &error);
    return finish(table, code, &error);
}

/* xSync has written all there was. */
static int semantic_commit(sqlite3_vtab *table)
{
    return semantic_begin(table);
}

static int semantic_rollback(sqlite3_vtab *table)
{
    ctx_index_forget((ctx_index *)table);
    return SQLITE_OK;
}

static int semantic_savepoint(sqlite3_vtab *table, int number)
{
    (void)table, (void)number;
    return SQLITE_OK;
}

static int semantic_rollback_to(sqlite3_vtab *table, int number)
{
    (void)number;
    return semantic_rollback(table);
}

/* ---- The rest ---- */

static int semantic_shadow_name(const char *name)
{
    static const char *const names[] = {"config", "content", "rows",  "blocks", "codes",
                                        "vectors", "pending", "lists", "fts"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (sqlite3_stricmp(name, names[i]) == 0)
            return 1;
    return 0;
}

/* PRAGMA integrity_check and quick_check. */
static int semantic_integrity(sqlite3_vtab *table, const char *schema, const char *name,
                              int quick, char **message)
{
    ctx_index *index = (ctx_index *)table;
    ctx_error error = {0};
    char *findings = NULL;
    (void)quick;
    int code = ctx_index_check(index, &findings, &error);
    if (code == SQLITE_NOMEM || code == SQLITE_INTERRUPT || (code == SQLITE_OK && !findings))
        return code;
    *message = findings ? sqlite3_mprintf("semantic index %s.%s: %s", schema, name, findings)
                        : sqlite3_mprintf("semantic index %s.%s", schema, error.message);
    sqlite3_free(findings);
    return *message ? SQLITE_OK : SQLITE_NOMEM;
}

static const semantic_module module = {
    .base = {
        .iVersion = 4,
        .xCreate = semantic_create,
        .xConnect = semantic_connect,
        .xBestIndex = ctx_index_best,
        .xDisconnect = semantic_disconnect,
        .xDestroy = semantic_destroy,
        .xOpen = ctx_cursor_open,
        .xClose = ctx_cursor_close,
        .xFilter = ctx_cursor_filter,
        .xNext = ctx_cursor_next,
        .xEof = ctx_cursor_eof,
        .xColumn = ctx_cursor_column,
        .xRowid = ctx_cursor_rowid,
        .xUpdate = ctx_index_update,
        .xBegin = semantic_begin,
        .xSync = semantic_sync,
        .xCommit = semantic_commit,
        .xRollback = semantic_rollback,
        .xRename = semantic_rename,
        .xSavepoint = semantic_savepoint,
        .xRelease = semantic_savepoint,
        .xRollbackTo = semantic_rollback_to,
        .xShadowName = semantic_shadow_name,
#if SQLITE_VERSION_NUMBER >= 3044000
        .xIntegrity = semantic_integrity,
    },
#else
    },
    .integrity = semantic_integrity,
#endif
};

int ctx_register_semantic(ctx_connection *connection)
{
    int code = sqlite3_create_module_v2(ctx_connection_db(connection), "semantic", &module.base,
                                        ctx_connection_retain(connection),
                                        ctx_connection_release);
    return code == SQLITE_OK ? ctx_register_status(connection) : code;
}
