/* words.c - NAME_fts in step with the content, and asking an FTS5 table: see words.h. */
#include "words.h"

#include <string.h>

enum { PUT_WORDS, DROP_WORDS, FIND_WORDS, STATEMENTS };

struct ctx_words {
    sqlite3 *db;
    const ctx_config *config;
    sqlite3_stmt *statement[STATEMENTS];
    bool no_phrases; /* the table has refused one */
};

/* ---- Life ---- */

int ctx_words_open(sqlite3 *db, const ctx_config *config, ctx_words **out, ctx_error *error)
{
    *out = NULL;
    if (!ctx_is_hybrid(config))
        return SQLITE_OK;
    ctx_words *words = sqlite3_malloc64(sizeof *words);
    if (!words)
        return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    *words = (ctx_words){.db = db, .config = config};
    *out = words;
    return SQLITE_OK;
}

void ctx_words_reset(ctx_words *words)
{
    if (!words)
        return;
    for (int i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(words->statement[i]);
        words->statement[i] = NULL;
    }
}

void ctx_words_close(ctx_words *words)
{
    ctx_words_reset(words);
    sqlite3_free(words);
}

sqlite3 *ctx_words_db(const ctx_words *words)
{
    return words->db;
}

const ctx_config *ctx_words_config(const ctx_words *words)
{
    return words->config;
}

/* ---- Statements ---- */

/* Whether it is external content that a statement on NAME_fts lacks, its table or a column. */
static bool lacks_content(const ctx_config *config, const char *message)
{
    static const char column[] = "no such column: content.";
    if (!config->fts || config->content != CTX_CONTENT_EXTERNAL)
        return false;
    size_t before = strlen("no such table: ") + strlen(config->schema) + 1;
    return strncmp(message, column, sizeof column - 1) == 0 ||
           (strncmp(message, "no such table: ", 15) == 0 && strlen(message) > before &&
            strcmp(message + before, config->content_table) == 0);
}

int ctx_words_failed(sqlite3 *db, const ctx_config *config, int code, ctx_error *error)
{
    const char *message = ctx_sqlite_message(db, code), *suffix = config->hybrid ? "" : "_fts";
    const char *table = config->hybrid ? config->hybrid : config->name;
    switch (code & 0xff) {
    case SQLITE_NOMEM: return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    case SQLITE_INTERRUPT:
        return ctx_fail(error, SQLITE_INTERRUPT, config->name, "interrupted");
    case SQLITE_CORRUPT:
        if (config->fts)
            return ctx_fail(error, SQLITE_CORRUPT_VTAB, config->name, "the FTS5 table '%s%s' is "
                            "damaged (%s): 'rebuild' makes it anew", table, suffix, message);
        return ctx_fail(error, SQLITE_CORRUPT_VTAB, config->name, "the FTS5 table '%s' is damaged "
                        "or out of step with its content (%s): INSERT INTO \"%w\"(\"%w\") "
                        "VALUES('rebuild')", table, message, table, table);
    case SQLITE_ERROR:
        if (strncmp(message, "no such module: ", 16) == 0)
            return ctx_fail(error, SQLITE_ERROR, config->name,
                            "words are searched in the FTS5 table '%s%s', and this SQLite has "
                            "no FTS5", table, suffix);
        if (config->hybrid && strncmp(message, "no such table: ", 15) == 0)
            return ctx_fail(error, SQLITE_ERROR, config->name,
                            "the FTS5 table '%s': %s; if it was renamed, INSERT INTO "
                            "\"%w\"(\"%w\", rank) VALUES('hybrid', 'table') says to what",
                            table, message, config->name, config->name);
        if (lacks_content(config, message))
            return ctx_content_failed(db, config, code, error);
        if (!config->hybrid && strncmp(message, "no such ", 8) == 0)
            code = SQLITE_CORRUPT_VTAB;
        break;
    default: break;
    }
    return ctx_fail(error, code, config->name, "the FTS5 table '%s%s': %s", table, suffix,
                    message);
}

int ctx_words_run(const ctx_words *words, char *sql, ctx_error *error)
{
    int code = sql ? sqlite3_exec(words->db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return code == SQLITE_OK ? code
                             : ctx_words_failed(words->db, words->config, code, error);
}

/* The indexed columns' names, each after a comma. */
static void append_names(const ctx_config *config, sqlite3_str *sql)
{
    for (int i = 0; i < config->columns; i++)
        if (!config->unindexed[i])
            sqlite3_str_appendf(sql, ", \"%w\"", config->column[i]);
}

/* A column of `content`; what is read as NULL there is NULL here. */
static void append_value(const ctx_config *config, sqlite3_str *sql, int column)
{
    if (config->content == CTX_CONTENT_OWN)
        sqlite3_str_appendf(sql, "content.c%d", column);
    else
        sqlite3_str_appendf(sql, "CASE typeof(content.\"%w\") WHEN 'blob' THEN NULL ELSE "
                            "content.\"%w\" END", ctx_config_source(config, column),
                            ctx_config_source(config, column));
}

static void append_content(const ctx_config *config, sqlite3_str *sql)
{
    bool own = config->content == CTX_CONTENT_OWN;
    sqlite3_str_appendf(sql, "\"%w\".\"%w%s\" AS content", config->schema,
                        own ? config->name : config->content_table, own ? "_content" : "");
}

void ctx_words_append_id(const ctx_words *words, sqlite3_str *sql)
{
    const ctx_config *config = words->config;
    sqlite3_str_appendf(sql, "content.\"%w\"",
                        config->content == CTX_CONTENT_OWN ? "id" : config->content_rowid);
}

void ctx_words_append_differing(const ctx_words *words, sqlite3_str *sql)
{
    const ctx_config *config = words->config;
    append_content(config, sql);
    sqlite3_str_appendf(sql, " LEFT JOIN \"%w\".\"%w_fts\" AS f ON f.rowid = ",
                        config->schema, config->name);
    ctx_words_append_id(words, sql);
    sqlite3_str_appendall(sql, " WHERE typeof(");
    ctx_words_append_id(words, sql);
    sqlite3_str_appendall(sql, ") = 'integer' AND (f.rowid IS NULL");
    for (int i = 0; i < config->columns; i++) {
        if (config->unindexed[i])
            continue;
        sqlite3_str_appendf(sql, " OR typeof(f.\"%w\") = 'blob' OR CAST(f.\"%w\" AS TEXT) IS "
                            "NOT CAST(", config->column[i], config->column[i]);
        append_value(config, sql, i);
        sqlite3_str_appendall(sql, " AS TEXT)");
    }
    sqlite3_str_appendchar(sql, 1, ')');
}

/* ?1 the id in the content, ?2 the id to write; then for each column whether it is given, and
** what. */
static void append_put(const ctx_words *words, sqlite3_str *sql)
{
    const ctx_config *config = words->config;
    sqlite3_str_appendf(sql, "INSERT OR REPLACE INTO \"%w\".\"%w_fts\"(rowid", config->schema,
                        config->name);
    append_names(config, sql);
    sqlite3_str_appendall(sql, ") SELECT ?2");
    for (int i = 0; i < config->columns; i++) {
        if (config->unindexed[i])
            continue;
        if (config->content == CTX_CONTENT_OWN) {
            sqlite3_str_appendf(sql, ", CASE WHEN ?%d", 2 * i + 3);
        } else {
            sqlite3_str_appendall(sql, ", CASE WHEN ");
            ctx_words_append_id(words, sql);
            sqlite3_str_appendall(sql, " IS NULL");
        }
        sqlite3_str_appendf(sql, " THEN ?%d ELSE ", 2 * i + 4);
        append_value(config, sql, i);
        sqlite3_str_appendall(sql, " END");
    }
    sqlite3_str_appendall(sql, " FROM (SELECT 1) LEFT JOIN ");
    append_content(config, sql);
    sqlite3_str_appendall(sql, " ON ");
    ctx_words_append_id(words, sql);
    sqlite3_str_appendall(sql, " = ?1 LIMIT 1");
}

static void append_find(const ctx_config *config, sqlite3_str *sql)
{
    char *table = config->hybrid ? sqlite3_mprintf("%w", config->hybrid)
                                 : sqlite3_mprintf("%w_fts", config->name);
    if (table)
        sqlite3_str_appendf(sql, "SELECT rowid FROM \"%w\".\"%s\" WHERE \"%s\" MATCH ?1 AND "
                            "rowid BETWEEN ?2 AND ?3 ORDER BY rank, rowid LIMIT ?4",
                            config->schema, table, table);
    sqlite3_free(table);
}

/* The statement, ready to be bound; prepared at its first use. */
static int use(ctx_words *words, int which, sqlite3_stmt **out, ctx_error *error)
{
    const ctx_config *config = words->config;
    sqlite3_stmt **place = &words->statement[which];
    *out = *place;
    if (*place)
        return SQLITE_OK;
    sqlite3_str *text = sqlite3_str_new(words->db);
    if (which == PUT_WORDS)
        append_put(words, text);
    else if (which == DROP_WORDS)
        sqlite3_str_appendf(text, "DELETE FROM \"%w\".\"%w_fts\" WHERE rowid = ?1",
                            config->schema, config->name);
    else
        append_find(config, text);
    char *sql = sqlite3_str_finish(text);
    if (!sql)
        return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    int code = sqlite3_prepare_v3(words->db, sql, -1, SQLITE_PREPARE_PERSISTENT, place, NULL);
    sqlite3_free(sql);
    *out = *place;
    return code == SQLITE_OK ? code : ctx_words_failed(words->db, config, code, error);
}

/* Runs a write to its end. */
static int finish(ctx_words *words, sqlite3_stmt *statement, ctx_error *error)
{
    int code = sqlite3_step(statement);
    if (code != SQLITE_DONE)
        ctx_words_failed(words->db, words->config, code, error);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return code == SQLITE_DONE ? SQLITE_OK : error->code;
}

/* ---- The table ---- */

int ctx_words_create(sqlite3 *db, const ctx_config *config, ctx_error *error)
{
    const ctx_words words = {.db = db, .config = config};
    if (!config->fts)
        return SQLITE_OK;
    sqlite3_str *columns = sqlite3_str_new(db);
    append_names(config, columns);
    char *list = sqlite3_str_finish(columns);
    if (!list)
        return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    char *sql = sqlite3_mprintf("CREATE VIRTUAL TABLE \"%w\".\"%w_fts\" USING fts5(%s)",
                                config->schema, config->name, list + 2);
    sqlite3_free(list);
    return ctx_words_run(&words, sql, error);
}

int ctx_words_drop(sqlite3 *db, const ctx_config *config, ctx_error *error)
{
    const ctx_words words = {.db = db, .config = config};
    if (!config->fts)
        return SQLITE_OK;
    return ctx_words_run(&words, sqlite3_mprintf("DROP TABLE IF EXISTS \"%w\".\"%w_fts\"",
                                                 config->schema, config->name), error);
}

int ctx_words_rename(sqlite3 *db, const ctx_config *config, const char *name,
                     ctx_error *error)
{
    const ctx_words words = {.db = db, .config = config};
    if (!config->fts)
        return SQLITE_OK;
    return ctx_words_run(&words, sqlite3_mprintf("ALTER TABLE \"%w\".\"%w_fts\" RENAME TO "
                                                 "\"%w_fts\"", config->schema, config->name,
                                                 name), error);
}

/* ---- Rows ---- */

int ctx_words_put(ctx_words *words, sqlite3_int64 old, sqlite3_int64 id,
                  sqlite3_value *const *values, ctx_error *error)
{
    sqlite3_stmt *put;
    if (!words || !words->config->fts)
        return SQLITE_OK;
    int code = old != id ? ctx_words_remove(words, old, error) : SQLITE_OK;
    if (code == SQLITE_OK)
        code = use(words, PUT_WORDS, &put, error);
    if (code != SQLITE_OK)
        return code;
    bool own = words->config->content == CTX_CONTENT_OWN;
    sqlite3_bind_int64(put, 1, own ? old : id);
    sqlite3_bind_int64(put, 2, id);
    for (int i = 0; i < words->config->columns && code == SQLITE_OK; i++) {
        if (words->config->unindexed[i])
            continue;
        bool given = !sqlite3_value_nochange(values[i]);
        if (own)
            sqlite3_bind_int(put, 2 * i + 3, given);
        if (given)
            code = sqlite3_bind_value(put, 2 * i + 4, values[i]);
    }
    if (code == SQLITE_OK)
        return finish(words, put, error);
    sqlite3_clear_bindings(put);
    return ctx_words_failed(words->db, words->config, code, error);
}

int ctx_words_remove(ctx_words *words, sqlite3_int64 id, ctx_error *error)
{
    sqlite3_stmt *drop;
    if (!words || !words->config->fts)
        return SQLITE_OK;
    int code = use(words, DROP_WORDS, &drop, error);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int64(drop, 1, id);
    return finish(words, drop, error);
}

/* ---- All rows ---- */

int ctx_words_clear(ctx_words *words, ctx_error *error)
{
    if (!words || !words->config->fts)
        return SQLITE_OK;
    return ctx_words_run(words, sqlite3_mprintf("DELETE FROM \"%w\".\"%w_fts\"",
                                                words->config->schema, words->config->name),
                         error);
}

int ctx_words_sync(ctx_words *words, ctx_error *error)
{
    if (!words || !words->config->fts)
        return SQLITE_OK;
    const ctx_config *config = words->config;
    sqlite3_str *sql = sqlite3_str_new(words->db);
    sqlite3_str_appendf(sql, "DELETE FROM \"%w\".\"%w_fts\" WHERE rowid NOT IN (SELECT ",
                        config->schema, config->name);
    ctx_words_append_id(words, sql);
    sqlite3_str_appendall(sql, " FROM ");
    append_content(config, sql);
    sqlite3_str_appendall(sql, " WHERE ");
    ctx_words_append_id(words, sql);
    sqlite3_str_appendall(sql, " IS NOT NULL); INSERT OR REPLACE INTO ");
    sqlite3_str_appendf(sql, "\"%w\".\"%w_fts\"(rowid", config->schema, config->name);
    append_names(config, sql);
    sqlite3_str_appendall(sql, ") SELECT ");
    ctx_words_append_id(words, sql);
    for (int i = 0; i < config->columns; i++) {
        if (config->unindexed[i])
            continue;
        sqlite3_str_appendall(sql, ", ");
        append_value(config, sql, i);
    }
    sqlite3_str_appendall(sql, " FROM ");
    ctx_words_append_differing(words, sql);
    return ctx_words_run(words, sqlite3_str_finish(sql), error);
}

int ctx_words_rebuild(ctx_words *words, ctx_error *error)
{
    if (!words || !words->config->fts)
        return SQLITE_OK;
    const ctx_config *config = words->config;
    int code = ctx_words_run(words, sqlite3_mprintf("INSERT INTO \"%w\".\"%w_fts\"(\"%w_fts\") "
                                                    "VALUES('rebuild')", config->schema,
                                                    config->name, config->name), error);
    return code == SQLITE_OK ? ctx_words_sync(words, error) : code;
}

/* ---- Questions ---- */

/* Whether that is what the last statement failed with: it says so before its first row. */
static bool refuses_phrases(const ctx_words *words)
{
    static const char refusal[] = "fts5: phrase queries are not supported";
    return strncmp(sqlite3_errmsg(words->db), refusal, sizeof refusal - 1) == 0;
}

/* Runs a query. *again: the table takes no phrases, which is known from now on. */
static int find(ctx_words *words, const char *query, sqlite3_int64 low, sqlite3_int64 high,
                int limit, ctx_on_word on, void *context, bool *again, ctx_error *error)
{
    sqlite3_stmt *find;
    int step = SQLITE_ROW, code = use(words, FIND_WORDS, &find, error);
    if (code != SQLITE_OK)
        return code;
    code = sqlite3_bind_text(find, 1, query, -1, SQLITE_STATIC); /* in UTF-16 it takes memory */
    if (code != SQLITE_OK)
        return ctx_words_failed(words->db, words->config, code, error);
    sqlite3_bind_int64(find, 2, low);
    sqlite3_bind_int64(find, 3, high);
    sqlite3_bind_int(find, 4, limit);
    while (code == SQLITE_OK && (step = sqlite3_step(find)) == SQLITE_ROW)
        code = on(context, sqlite3_column_int64(find, 0), error);
    if (code == SQLITE_OK && step == SQLITE_ERROR && !words->no_phrases)
        *again = words->no_phrases = refuses_phrases(words);
    if (code == SQLITE_OK && step != SQLITE_DONE && !*again)
        code = ctx_words_failed(words->db, words->config, step, error);
    sqlite3_reset(find);
    sqlite3_clear_bindings(find);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int ctx_words_find(ctx_words *words, const char *text, size_t size, sqlite3_int64 low,
                   sqlite3_int64 high, int limit, ctx_on_word on, void *context,
                   ctx_error *error)
{
    bool again;
    int code;
    do {
        char *query;
        again = false;
        if (ctx_words_query(text, size, !words->no_phrases, &query) != SQLITE_OK)
            return ctx_words_failed(words->db, words->config, SQLITE_NOMEM, error);
        code = query ? find(words, query, low, high, limit, on, context, &again, error)
                     : SQLITE_OK;
        sqlite3_free(query);
    } while (again);
    return code;
}
