/*
** storage_tables.c - the shadow tables of the storage: made, dropped, renamed, emptied; their
** statements and blob handles.
*/
#include "storage_parts.h"

/* ---- Tables ---- */

enum { TABLES = 4 }; /* rows, blocks, codes, vectors */

int ctx_storage_create(sqlite3 *db, const ctx_config *config, ctx_error *error)
{
    static const char *const create[] = {
        "CREATE TABLE \"%w\".\"%w_rows\"(generation INTEGER, id INTEGER, hash INTEGER,"
        " chunks BLOB, PRIMARY KEY (generation, id)) WITHOUT ROWID",
        "CREATE TABLE \"%w\".\"%w_blocks\"(block INTEGER PRIMARY KEY, generation INTEGER,"
        " stamp INTEGER, used INTEGER, list)",
        "CREATE TABLE \"%w\".\"%w_codes\"(block INTEGER PRIMARY KEY, data BLOB)",
        "CREATE TABLE \"%w\".\"%w_vectors\"(part INTEGER PRIMARY KEY, data BLOB)"};
    int code = SQLITE_OK;
    for (int i = 0; i < TABLES && code == SQLITE_OK; i++)
        code = ctx_shadow_run(db, config, error, create[i]);
    return code;
}

int ctx_storage_drop(sqlite3 *db, const ctx_config *config, ctx_error *error)
{
    static const char *const drop[] = {"DROP TABLE IF EXISTS \"%w\".\"%w_rows\"",
                                       "DROP TABLE IF EXISTS \"%w\".\"%w_blocks\"",
                                       "DROP TABLE IF EXISTS \"%w\".\"%w_codes\"",
                                       "DROP TABLE IF EXISTS \"%w\".\"%w_vectors\""};
    int code = SQLITE_OK;
    for (int i = 0; i < TABLES && code == SQLITE_OK; i++)
        code = ctx_shadow_run(db, config, error, drop[i]);
    return code;
}

int ctx_storage_rename(sqlite3 *db, const ctx_config *config, const char *name,
                       ctx_error *error)
{
    static const char *const rename[] = {
        "ALTER TABLE \"%w\".\"%w_rows\" RENAME TO \"%w_rows\"",
        "ALTER TABLE \"%w\".\"%w_blocks\" RENAME TO \"%w_blocks\"",
        "ALTER TABLE \"%w\".\"%w_codes\" RENAME TO \"%w_codes\"",
        "ALTER TABLE \"%w\".\"%w_vectors\" RENAME TO \"%w_vectors\""};
    int code = SQLITE_OK;
    for (int i = 0; i < TABLES && code == SQLITE_OK; i++)
        code = ctx_shadow_run(db, config, error, rename[i], name);
    return code;
}

/* What belongs to no block of the directory goes too, and so do rows of a generation that
** neither questions nor a rebuild know: damage ends here. */
int ctx_storage_clear(ctx_storage *storage, int generation, ctx_error *error)
{
    static const char *const clear[] = {
        "DELETE FROM \"%w\".\"%w_rows\" WHERE generation IS %d"
        " OR typeof(generation) <> 'integer' OR generation NOT BETWEEN %d AND %d",
        "DELETE FROM \"%w\".\"%w_blocks\" WHERE generation IS %d"
        " OR typeof(generation) <> 'integer' OR generation NOT BETWEEN %d AND %d"};
    sqlite3 *db = storage->db;
    const ctx_config *config = storage->config;
    ctx_storage_forget(storage);
    for (int i = 0; i < 2; i++)
        ctx_directory_forget(&storage->directory[i]);
    int code = SQLITE_OK, current = config->generation;
    for (int i = 0; i < 2 && code == SQLITE_OK; i++)
        code = ctx_shadow_run(db, config, error, clear[i], generation, current, current + 1);
    /* Each statement names one schema and table; the directory is in the same schema, but its
    ** name has to be written out. */
    char *blocks = sqlite3_mprintf("\"%w\".\"%w_blocks\"", config->schema, config->name);
    if (!blocks)
        return ctx_storage_nomem(storage, error);
    if (code == SQLITE_OK)
        code = ctx_shadow_run(db, config, error,
                              "DELETE FROM \"%w\".\"%w_codes\" WHERE block NOT IN"
                              " (SELECT block FROM %s)", blocks);
    if (code == SQLITE_OK)
        code = ctx_shadow_run(db, config, error,
                              "DELETE FROM \"%w\".\"%w_vectors\" WHERE part / %d NOT IN"
                              " (SELECT block FROM %s)", CTX_PARTS, blocks);
    sqlite3_free(blocks);
    return code;
}

int ctx_storage_bytes(ctx_storage *storage, sqlite3_int64 *bytes, ctx_error *error)
{
    static const char *const sum[] = {
        "SELECT sum(length(chunks) + 20) FROM \"%w\".\"%w_rows\"",
        "SELECT count(*) * 40 FROM \"%w\".\"%w_blocks\"",
        "SELECT sum(length(data) + 8) FROM \"%w\".\"%w_codes\"",
        "SELECT sum(length(data) + 8) FROM \"%w\".\"%w_vectors\""};
    *bytes = 0;
    for (int i = 0; i < TABLES; i++) {
        sqlite3_stmt *statement = NULL;
        int code = ctx_shadow_prepare(storage->db, storage->config, &statement, error, sum[i]);
        if (code != SQLITE_OK)
            return code;
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            *bytes += sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
        if (code != SQLITE_ROW)
            return ctx_shadow_failed(storage->db, storage->config, code, error);
    }
    return SQLITE_OK;
}

/* ---- Statements ---- */

static const char *const statements[CTX_STORAGE_STATEMENTS] = {
    [CTX_GET_ROW] = "SELECT hash, chunks FROM \"%w\".\"%w_rows\""
                    " WHERE generation = ?1 AND id = ?2",
    [CTX_PUT_ROW] = "INSERT OR REPLACE INTO \"%w\".\"%w_rows\" VALUES(?1, ?2, ?3, ?4)",
    [CTX_DELETE_ROW] = "DELETE FROM \"%w\".\"%w_rows\" WHERE generation = ?1 AND id = ?2",
    [CTX_ANY_ROW] = "SELECT id FROM \"%w\".\"%w_rows\" WHERE generation = ?1 LIMIT 1",
    [CTX_ALL_ROWS] = "SELECT id, hash, chunks FROM \"%w\".\"%w_rows\""
                     " WHERE generation = ?1",
    [CTX_LAST_ROW] = "SELECT id FROM \"%w\".\"%w_rows\" WHERE generation = ?1"
                     " ORDER BY id DESC LIMIT 1",
    [CTX_DIRECTORY] = "SELECT block, generation, stamp, used, list"
                      " FROM \"%w\".\"%w_blocks\""
                      " WHERE generation = ?1 AND block > 0 ORDER BY block",
    [CTX_TOTALS] = "SELECT block, generation, stamp, used, list FROM \"%w\".\"%w_blocks\""
                   " WHERE block = -?1",
    [CTX_PUT_ENTRY] = "INSERT OR REPLACE INTO \"%w\".\"%w_blocks\""
                      " VALUES(?1, ?2, ?3, ?4, ?5)",
    [CTX_DELETE_ENTRY] = "DELETE FROM \"%w\".\"%w_blocks\" WHERE block = ?1",
    [CTX_LAST_BLOCK] = "SELECT max(block) FROM \"%w\".\"%w_blocks\"",
    [CTX_GENERATION] = "SELECT generation FROM \"%w\".\"%w_blocks\" WHERE block = ?1",
    [CTX_PUT_CODES] = "INSERT OR REPLACE INTO \"%w\".\"%w_codes\" VALUES(?1, ?2)",
    [CTX_DELETE_CODES] = "DELETE FROM \"%w\".\"%w_codes\" WHERE block = ?1",
    [CTX_GET_PART] = "SELECT data FROM \"%w\".\"%w_vectors\" WHERE part = ?1",
    [CTX_PUT_PART] = "INSERT OR REPLACE INTO \"%w\".\"%w_vectors\" VALUES(?1, ?2)",
    [CTX_DELETE_PART] = "DELETE FROM \"%w\".\"%w_vectors\" WHERE part = ?1",
};

int ctx_storage_statement(ctx_storage *storage, enum ctx_storage_statement which,
                          sqlite3_stmt **out, ctx_error *error)
{
    int code = SQLITE_OK;
    if (!storage->statement[which])
        code = ctx_shadow_prepare(storage->db, storage->config, &storage->statement[which],
                                  error, statements[which]);
    *out = storage->statement[which];
    return code;
}

int ctx_storage_run(ctx_storage *storage, sqlite3_stmt *statement, ctx_error *error)
{
    int code = sqlite3_step(statement);
    if (code != SQLITE_DONE)
        code = ctx_shadow_failed(storage->db, storage->config, code, error);
    else
        code = SQLITE_OK;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement); /* they may point to memory that goes */
    return code;
}

/* ---- Handles ---- */

int ctx_storage_blob_failed(ctx_storage *storage, const char *table, sqlite3_int64 row,
                            int code, ctx_error *error)
{
    if ((code & 0xff) == SQLITE_ERROR || (code & 0xff) == SQLITE_ABORT)
        return ctx_storage_damaged(storage, error, table, row, "it is missing or no BLOB");
    return ctx_shadow_failed(storage->db, storage->config, code, error);
}

int ctx_storage_blob(ctx_storage *storage, const char *table, sqlite3_int64 row, bool write,
                     sqlite3_blob **blob, ctx_error *error)
{
    int code;
    if (*blob) {
        code = sqlite3_blob_reopen(*blob, row);
    } else {
        const ctx_config *config = storage->config;
        char *name = sqlite3_mprintf("%s_%s", config->name, table);
        if (!name)
            return ctx_storage_nomem(storage, error);
        code = sqlite3_blob_open(storage->db, config->schema, name, "data", row, write, blob);
        sqlite3_free(name);
    }
    if (code != SQLITE_OK)
        return ctx_storage_blob_failed(storage, table, row, code, error);
    return SQLITE_OK;
}
