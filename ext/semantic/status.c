/*
** status.c - the table semantic_status: one row for each semantic index of all schemas of the
** connection.
**
**   SELECT * FROM semantic_status;
**
**   schema, "index"          "main", "search"
**   rows, chunks             that questions see
**   pending                  rows that wait to be embedded
**   stale                    of the rows, those whose content is gone, and, while a rebuild by
**                            steps is under way, those that it has yet to do
**   model, fingerprint, dimensions
**   bytes                    of codes and vectors with all that belongs to them
**   progress                 0 ... 1 of a rebuild by steps; NULL if there is none
**   lists                    of an approximate index, once 'optimize' has made them
**   probes                   lists that a question reads, where the command 'probes' said so
**   share                    of the codes that a question reads, as 'optimize' measured it;
**                            NULL before: all are
**   question_bytes           that the last question on this connection read of codes, lists and
**                            vectors, in the process's memory or in the file; NULL: there was none
**
** Everything is read from the shadow tables when the query begins: no index is opened, no model
** loaded, nothing written. What can't be read is NULL, unless it is memory, the file or the
** host's patience that fails. Rows are counted only for columns that the statement uses.
*/
#include <limits.h>
#include <string.h>

#include "follow.h"
#include "index.h"
#include "rebuild.h"
#include "statement.h"
#include "update.h"

enum status_column {
    STATUS_SCHEMA, STATUS_INDEX, STATUS_ROWS, STATUS_CHUNKS, STATUS_PENDING, STATUS_STALE,
    STATUS_MODEL, STATUS_FINGERPRINT, STATUS_DIMENSIONS, STATUS_BYTES, STATUS_PROGRESS,
    STATUS_LISTS, STATUS_PROBES, STATUS_SHARE, STATUS_QUESTION_BYTES
};
static const char declaration[] =
    "CREATE TABLE x(schema TEXT, \"index\" TEXT, rows INT, chunks INT, pending INT, stale INT, "
    "model TEXT, fingerprint TEXT, dimensions INT, bytes INT, progress REAL, lists INT, "
    "probes INT, share REAL, question_bytes INT)";

typedef struct status_table {
    sqlite3_vtab base;
    ctx_connection *connection; /* one reference */
} status_table;

enum { UNKNOWN = -1 };

typedef struct status_row {
    ctx_config config;   /* model NULL: it can't be read */
    sqlite3_int64 rows, chunks, pending, stale, bytes; /* UNKNOWN: NULL */
    sqlite3_int64 question_bytes;
    double progress;     /* < 0: NULL */
} status_row;

typedef struct status_cursor {
    sqlite3_vtab_cursor base;
    status_row *list;
    int count, at;
} status_cursor;

/* ---- Finding indexes ---- */

/* Whether it is CREATE VIRTUAL TABLE name USING semantic, as sqlite_master keeps it. */
static int look_at(const char *sql, bool *is_semantic)
{
    static const char *const words[] = {"CREATE", "VIRTUAL", "TABLE", NULL, "USING", "semantic"};
    *is_semantic = true;
    for (size_t i = 0; i < sizeof words / sizeof *words && *is_semantic; i++) {
        char *word;
        sql = ctx_skip_space(sql);
        ctx_take_word(&sql, &word);
        if (!word)
            return SQLITE_NOMEM;
        *is_semantic = !words[i] || sqlite3_stricmp(word, words[i]) == 0;
        sqlite3_free(word);
    }
    return SQLITE_OK;
}

static int add(status_cursor *cursor, const char *schema, const char *name)
{
    sqlite3_uint64 size = ((sqlite3_uint64)cursor->count + 1) * sizeof *cursor->list;
    status_row *list = sqlite3_realloc64(cursor->list, size);
    if (!list)
        return SQLITE_NOMEM;
    cursor->list = list;
    status_row *row = &list[cursor->count++];
    const char *const names[] = {NULL, schema, name};
    ctx_error error = {0};
    *row = (status_row){.rows = UNKNOWN, .chunks = UNKNOWN, .pending = UNKNOWN,
                        .stale = UNKNOWN, .bytes = UNKNOWN, .progress = UNKNOWN,
                        .question_bytes = UNKNOWN};
    return ctx_config_name(names, &row->config, &error);
}

static int find_in_schema(status_cursor *cursor, sqlite3 *db, const char *schema)
{
    sqlite3_stmt *statement;
    char *sql = sqlite3_mprintf("SELECT name, sql FROM \"%w\".sqlite_master "
                                "WHERE type = 'table' AND rootpage = 0 ORDER BY name", schema);
    if (!sql)
        return SQLITE_NOMEM;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    sqlite3_free(sql);
    if (code != SQLITE_OK)
        return ctx_passing(code);
    while (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        const char *text = (const char *)sqlite3_column_text(statement, 1);
        bool is_semantic = false;
        if (name && text)
            code = look_at(text, &is_semantic);
        if (code == SQLITE_OK && is_semantic)
            code = add(cursor, schema, name);
    }
    int end = sqlite3_finalize(statement);
    return code == SQLITE_OK ? ctx_passing(end) : code;
}

static int find_all(status_cursor *cursor, sqlite3 *db)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(db, "PRAGMA database_list", -1, &statement, NULL);
    while (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        const char *schema = (const char *)sqlite3_column_text(statement, 1);
        code = schema ? find_in_schema(cursor, db, schema) : SQLITE_NOMEM;
    }
    int end = sqlite3_finalize(statement);
    return code == SQLITE_OK ? end : code;
}

/* ---- Reading one ---- */

typedef struct reading {
    sqlite3 *db;
    const ctx_config *config;
    int failure; /* the first of ctx_passing */
} reading;

static void note(reading *r, int code)
{
    if (r->failure == SQLITE_OK)
        r->failure = ctx_passing(code);
}

/* The number that a statement gives; `prepared`: how that went. UNKNOWN if it fails. */
static sqlite3_int64 one_number(reading *r, sqlite3_stmt *statement, int prepared)
{
    sqlite3_int64 number = UNKNOWN;
    if (prepared == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW &&
        sqlite3_column_type(statement, 0) == SQLITE_INTEGER)
        number = sqlite3_column_int64(statement, 0);
    int code = sqlite3_finalize(statement);
    note(r, prepared == SQLITE_OK ? code : prepared);
    return number;
}

static sqlite3_int64 count_rows(reading *r, int generation, sqlite3_int64 from)
{
    sqlite3_stmt *statement;
    ctx_error error = {0};
    int code = ctx_shadow_prepare(r->db, r->config, &statement, &error,
                                  "SELECT count(*) FROM \"%w\".\"%w_rows\" "
                                  "WHERE generation = %d AND id >= %lld", generation, from);
    return one_number(r, statement, code);
}

static sqlite3_int64 count_pending(reading *r)
{
    sqlite3_stmt *statement;
    ctx_error error = {0};
    int code = ctx_shadow_prepare(r->db, r->config, &statement, &error,
                                  "SELECT count(*) FROM \"%w\".\"%w_pending\"");
    return one_number(r, statement, code);
}

static sqlite3_int64 count_chunks(reading *r)
{
    sqlite3_stmt *statement;
    ctx_error error = {0};
    int code = ctx_shadow_prepare(r->db, r->config, &statement, &error,
                                  "SELECT coalesce(sum(used), 0) FROM \"%w\".\"%w_blocks\" "
                                  "WHERE generation = %d AND block > 0", r->config->generation);
    return one_number(r, statement, code);
}

/* Rows from `place` on, and rows that are in no content. */
static sqlite3_int64 count_stale(reading *r, bool rebuilding, sqlite3_int64 place)
{
    const ctx_config *config = r->config;
    sqlite3_stmt *statement;
    ctx_error error = {0};
    if (config->content != CTX_CONTENT_EXTERNAL)
        return rebuilding ? count_rows(r, config->generation, place) : 0;
    int code = ctx_shadow_prepare(
        r->db, config, &statement, &error,
        "SELECT count(*) FROM \"%w\".\"%w_rows\" AS r WHERE generation = %d AND "
        "((%d AND id >= %lld) OR NOT EXISTS (SELECT 1 FROM \"%w\".\"%w\" AS c "
        "WHERE c.\"%w\" = r.id))", config->generation, rebuilding, place, config->schema,
        config->content_table, config->content_rowid);
    return one_number(r, statement, code);
}

static sqlite3_int64 count_bytes(reading *r)
{
    ctx_storage *storage = NULL;
    ctx_error error = {0};
    sqlite3_int64 bytes;
    int code = ctx_storage_open(r->db, r->config, &storage, &error);
    if (code == SQLITE_OK)
        code = ctx_storage_bytes(storage, &bytes, &error);
    ctx_storage_close(storage);
    note(r, code);
    return code == SQLITE_OK ? bytes : UNKNOWN;
}

/* An index that was renamed may have two objects, of which one was asked. */
static sqlite3_int64 find_question_bytes(ctx_connection *connection, const ctx_config *config)
{
    sqlite3_int64 bytes = UNKNOWN;
    for (ctx_index *i = *ctx_connection_indexes(connection); i && bytes < 0; i = i->next)
        if (sqlite3_stricmp(i->config.schema, config->schema) == 0 &&
            sqlite3_stricmp(i->config.name, config->name) == 0)
            bytes = i->question_bytes;
    return bytes;
}

static int read_row(status_row *row, ctx_connection *connection, unsigned used)
{
    ctx_config *config = &row->config;
    reading r = {.db = ctx_connection_db(connection), .config = config};
    ctx_error error = {0};
    ctx_rebuild_state state = {.active = false};
    int code = ctx_config_load(r.db, config, &error);
    if (code == SQLITE_OK)
        code = ctx_follow(r.db, config, &error);
    if (code != SQLITE_OK)
        return ctx_passing(code);
    code = ctx_rebuild_load(r.db, config, &state, &error);
    note(&r, code);
    state.active = state.active && code == SQLITE_OK;
    if (used & 1u << STATUS_ROWS)
        row->rows = count_rows(&r, config->generation, INT64_MIN);
    if (used & 1u << STATUS_CHUNKS)
        row->chunks = count_chunks(&r);
    if (used & 1u << STATUS_PENDING)
        row->pending = count_pending(&r);
    if (used & 1u << STATUS_STALE)
        row->stale = count_stale(&r, state.active, state.place);
    if (used & 1u << STATUS_BYTES)
        row->bytes = count_bytes(&r);
    row->question_bytes = find_question_bytes(connection, config);
    if (!state.active || !(used & 1u << STATUS_PROGRESS))
        return r.failure;
    double done = (double)count_rows(&r, state.generation, INT64_MIN);
    double left = (double)count_rows(&r, config->generation, state.place);
    row->progress = done + left > 0 && done >= 0 && left >= 0 ? done / (done + left) : 0;
    return r.failure;
}

/* ---- The table ---- */

static int status_connect(sqlite3 *db, void *client, int argc, const char *const *argv,
                          sqlite3_vtab **out, char **message)
{
    (void)argc, (void)argv, (void)message;
    status_table *table = sqlite3_malloc64(sizeof *table);
    if (!table)
        return SQLITE_NOMEM;
    memset(table, 0, sizeof *table);
    table->connection = ctx_connection_retain(client);
    int code = sqlite3_declare_vtab(db, declaration);
    if (code == SQLITE_OK) {
        *out = &table->base;
        return code;
    }
    ctx_connection_release(table->connection);
    sqlite3_free(table);
    return code;
}

static int status_disconnect(sqlite3_vtab *table)
{
    ctx_connection_release(((status_table *)table)->connection);
    sqlite3_free(table);
    return SQLITE_OK;
}

static int status_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    info->idxNum = (int)(info->colUsed & INT_MAX); /* there are fewer columns */
    info->estimatedCost = 10000;
    info->estimatedRows = 4;
    return SQLITE_OK;
}

static int status_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
    (void)table;
    status_cursor *cursor = sqlite3_malloc64(sizeof *cursor);
    if (!cursor)
        return SQLITE_NOMEM;
    memset(cursor, 0, sizeof *cursor);
    *out = &cursor->base;
    return SQLITE_OK;
}

static void clear(status_cursor *cursor)
{
    for (int i = 0; i < cursor->count; i++)
        ctx_config_clear(&cursor->list[i].config);
    sqlite3_free(cursor->list);
    cursor->list = NULL;
    cursor->count = cursor->at = 0;
}

static int status_close(sqlite3_vtab_cursor *base)
{
    clear((status_cursor *)base);
    sqlite3_free(base);
    return SQLITE_OK;
}

static int status_filter(sqlite3_vtab_cursor *base, int number, const char *plan, int argc,
                         sqlite3_value **argv)
{
    (void)plan, (void)argc, (void)argv;
    status_cursor *cursor = (status_cursor *)base;
    ctx_connection *connection = ((status_table *)base->pVtab)->connection;
    clear(cursor);
    int code = find_all(cursor, ctx_connection_db(connection));
    for (int i = 0; i < cursor->count && code == SQLITE_OK; i++)
        code = read_row(&cursor->list[i], connection, (unsigned)number);
    return code;
}

static int status_next(sqlite3_vtab_cursor *base)
{
    ((status_cursor *)base)->at++;
    return SQLITE_OK;
}

static int status_eof(sqlite3_vtab_cursor *base)
{
    const status_cursor *cursor = (const status_cursor *)base;
    return cursor->at >= cursor->count;
}

static void result_number(sqlite3_context *context, sqlite3_int64 number)
{
    if (number >= 0)
        sqlite3_result_int64(context, number);
}

static void result_text(sqlite3_context *context, const char *text)
{
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT); /* NULL is NULL */
}

static int status_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const status_cursor *cursor = (const status_cursor *)base;
    const status_row *row = &cursor->list[cursor->at];
    const ctx_config *config = &row->config;
    switch ((enum status_column)column) {
    case STATUS_SCHEMA: result_text(context, config->schema); break;
    case STATUS_INDEX: result_text(context, config->name); break;
    case STATUS_ROWS: result_number(context, row->rows); break;
    case STATUS_CHUNKS: result_number(context, row->chunks); break;
    case STATUS_PENDING: result_number(context, row->pending); break;
    case STATUS_STALE: result_number(context, row->stale); break;
    case STATUS_MODEL: result_text(context, config->model); break;
    case STATUS_FINGERPRINT:
        result_text(context, *config->fingerprint ? config->fingerprint : NULL);
        break;
    case STATUS_DIMENSIONS:
        result_number(context, config->dimensions ? config->dimensions : UNKNOWN);
        break;
    case STATUS_BYTES: result_number(context, row->bytes); break;
    case STATUS_PROGRESS:
        if (row->progress >= 0)
            sqlite3_result_double(context, row->progress);
        break;
    case STATUS_LISTS: result_number(context, config->lists ? config->lists : UNKNOWN); break;
    case STATUS_PROBES:
        result_number(context, config->probes ? config->probes : UNKNOWN);
        break;
    case STATUS_SHARE:
        if (config->lists && config->lists_gap >= 0 && !config->probes)
            sqlite3_result_double(context, config->lists_share / 1e6);
        break;
    case STATUS_QUESTION_BYTES: result_number(context, row->question_bytes); break;
    }
    return SQLITE_OK;
}

static int status_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *id)
{
    *id = ((status_cursor *)base)->at;
    return SQLITE_OK;
}

/* No xCreate: eponymous only. */
static const sqlite3_module module = {
    .xConnect = status_connect,
    .xDisconnect = status_disconnect,
    .xBestIndex = status_best_index,
    .xOpen = status_open,
    .xClose = status_close,
    .xFilter = status_filter,
    .xNext = status_next,
    .xEof = status_eof,
    .xColumn = status_column,
    .xRowid = status_rowid,
};

int ctx_register_status(ctx_connection *connection)
{
    return sqlite3_create_module_v2(ctx_connection_db(connection), "semantic_status", &module,
                                    ctx_connection_retain(connection), ctx_connection_release);
}
