/*
** words_check.c - whether an FTS5 table fits an index, at CREATE; whether it is in step with
** it, in 'integrity-check'. See words.h.
**
** What content an FTS5 table has stands in the statement that made it and nowhere else, so that
** is taken apart: fts5(title, body, content = 'articles', content_rowid = "id").
*/
#include "words.h"

#include <string.h>

#include "statement.h"

/* ---- The statement that made the table ---- */

typedef struct made_with {
    char *content;       /* NULL: its own */
    char *content_rowid; /* NULL: not said */
} made_with;

static void made_with_clear(made_with *made)
{
    sqlite3_free(made->content);
    sqlite3_free(made->content_rowid);
}

/* Goes through a statement's pieces; `key = value` with a bare key is an option. False: out of
** memory, as when there is no statement (in UTF-16 reading it takes memory). */
static bool read_statement(const char *at, made_with *made)
{
    while (at && *(at = ctx_skip_space(at))) {
        if (ctx_is_mark(*at)) {
            at++;
            continue;
        }
        bool bare = !ctx_is_quote(*at);
        char *key, *value;
        ctx_take_word(&at, &key);
        at = ctx_skip_space(at);
        char **place = key && sqlite3_stricmp(key, "content") == 0 ? &made->content
                       : key && sqlite3_stricmp(key, "content_rowid") == 0
                           ? &made->content_rowid
                           : NULL;
        bool lost = !key;
        sqlite3_free(key);
        if (!lost && bare && place && *at == '=') {
            at = ctx_skip_space(at + 1);
            ctx_take_word(&at, &value);
            lost = !value;
            sqlite3_free(*place);
            *place = value;
        }
        if (lost)
            return false;
    }
    return at != NULL;
}

/* ---- At CREATE ---- */

static int failed(sqlite3 *db, const ctx_config *config, ctx_error *error)
{
    int code = sqlite3_errcode(db);
    return ctx_fail(error, code == SQLITE_OK ? SQLITE_NOMEM : code, config->name, "%s",
                    code == SQLITE_OK ? "out of memory" : sqlite3_errmsg(db));
}

static int has_fts5(sqlite3 *db, const ctx_config *config, ctx_error *error)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &statement, NULL);
    sqlite3_finalize(statement);
    if (code == SQLITE_OK)
        return code;
    if (code == SQLITE_ERROR || code == SQLITE_AUTH)
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "%s needs FTS5, and this SQLite has none",
                        config->fts ? "fts='1'" : "hybrid");
    return failed(db, config, error);
}

/* The statement that made the table; a sentence if it is no FTS5 table. */
static int find_statement(sqlite3 *db, const ctx_config *config, made_with *made,
                          ctx_error *error)
{
    sqlite3_stmt *row;
    char *sql = sqlite3_mprintf("SELECT sql, sql LIKE 'create%%virtual%%table%%using%%fts5%%' "
                                "FROM \"%w\".sqlite_master WHERE name = %Q COLLATE NOCASE AND "
                                "type IN ('table', 'view')", config->schema, config->hybrid);
    int code = sql ? sqlite3_prepare_v2(db, sql, -1, &row, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    if (code != SQLITE_OK)
        return failed(db, config, error);
    code = sqlite3_step(row);
    if (code == SQLITE_DONE)
        code = ctx_fail(error, SQLITE_ERROR, config->name,
                        "hybrid='%s': there is no such table in %s", config->hybrid,
                        config->schema);
    else if (code != SQLITE_ROW)
        code = failed(db, config, error);
    else if (!sqlite3_column_int(row, 1))
        code = ctx_fail(error, SQLITE_ERROR, config->name,
                        "hybrid='%s' is no FTS5 table", config->hybrid);
    else
        code = read_statement((const char *)sqlite3_column_text(row, 0), made)
                   ? SQLITE_OK
                   : ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    sqlite3_finalize(row);
    return code;
}

/* Whether content_rowid is the table's rowid by another name. */
static int is_rowid(sqlite3 *db, const ctx_config *config, bool *is, ctx_error *error)
{
    static const char *const sql =
        "SELECT (SELECT sum(pk > 0) = 1 AND max(pk > 0 AND name = ?1 COLLATE NOCASE AND "
        "type = 'INTEGER' COLLATE NOCASE) FROM pragma_table_info(?2, ?3)) AND NOT EXISTS "
        "(SELECT 1 FROM pragma_index_list(?2, ?3) WHERE origin = 'pk')";
    sqlite3_stmt *row;
    int code = sqlite3_prepare_v2(db, sql, -1, &row, NULL);
    if (code != SQLITE_OK)
        return failed(db, config, error);
    const char *const text[] = {config->content_rowid, config->content_table, config->schema};
    for (int i = 0; i < 3 && code == SQLITE_OK; i++)
        code = sqlite3_bind_text(row, i + 1, text[i], -1, SQLITE_STATIC);
    if (code != SQLITE_OK)
        code = failed(db, config, error);
    *is = code == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW && sqlite3_column_int(row, 0);
    int end = sqlite3_finalize(row);
    if (code != SQLITE_OK)
        return code;
    return end == SQLITE_OK ? end : failed(db, config, error);
}

/* Both have external content: it must be the same, by the same id. */
static int compare_content(sqlite3 *db, const ctx_config *config, const made_with *made,
                           ctx_error *error)
{
    const char *id = made->content_rowid ? made->content_rowid : "rowid";
    bool same = sqlite3_stricmp(id, config->content_rowid) == 0;
    if (sqlite3_stricmp(made->content, config->content_table) != 0)
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "hybrid='%s' has content='%s', the index has content='%s': they must "
                        "be the same", config->hybrid, made->content, config->content_table);
    if (!same && (sqlite3_stricmp(id, "rowid") == 0 || sqlite3_stricmp(id, "oid") == 0 ||
                  sqlite3_stricmp(id, "_rowid_") == 0)) {
        int code = is_rowid(db, config, &same, error);
        if (code != SQLITE_OK)
            return code;
    }
    if (same)
        return SQLITE_OK;
    return ctx_fail(error, SQLITE_ERROR, config->name,
                    "hybrid='%s' has content_rowid='%s', the index has content_rowid='%s': "
                    "they must be the same", config->hybrid, id, config->content_rowid);
}

int ctx_words_fit(sqlite3 *db, const ctx_config *config, ctx_error *error)
{
    made_with made = {0};
    int code = ctx_is_hybrid(config) ? has_fts5(db, config, error) : SQLITE_OK;
    if (code != SQLITE_OK || !config->hybrid)
        return code;
    code = find_statement(db, config, &made, error);
    if (code == SQLITE_OK && config->content == CTX_CONTENT_EXTERNAL && made.content &&
        *made.content)
        code = compare_content(db, config, &made, error);
    made_with_clear(&made);
    return code;
}

/* ---- 'integrity-check' ---- */

typedef struct checker {
    const ctx_words *words;
    bool (*report)(void *context, const char *sentence);
    void *context;
    ctx_error *error;
    char *table; /* the FTS5 table's name */
} checker;

enum { MOST_LISTED = 20 };

static int report(checker *c, char *sentence)
{
    if (!sentence)
        return ctx_fail(c->error, SQLITE_NOMEM, ctx_words_config(c->words)->name,
                        "out of memory");
    bool more = c->report(c->context, sentence);
    sqlite3_free(sentence);
    return more ? SQLITE_OK : SQLITE_DONE;
}

/* FTS5's own, with 1 against external content, too. It is a statement that writes: where nothing
** can be written it is left out. */
static int check_table(checker *c)
{
    const ctx_config *config = ctx_words_config(c->words);
    sqlite3 *db = ctx_words_db(c->words);
    char *sql = sqlite3_mprintf("INSERT INTO \"%w\".\"%w\"(\"%w\", rank) "
                                "VALUES('integrity-check', 1)", config->schema, c->table, c->table);
    int code = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    if (code == SQLITE_OK || (code & 0xff) == SQLITE_READONLY)
        return SQLITE_OK;
    const char *message = sqlite3_errmsg(db);
    if (config->hybrid && (code & 0xff) == SQLITE_ERROR && strncmp(message, "no such ", 8) != 0) {
        code = report(c, sqlite3_mprintf("the FTS5 table '%s' can't be checked: %s; if its "
                                         "content was renamed, which FTS5 does not follow, make "
                                         "it anew", c->table, message));
        return code == SQLITE_OK ? SQLITE_DONE : code; /* nor can it be read */
    }
    if ((code & 0xff) != SQLITE_CORRUPT)
        return ctx_words_failed(db, config, code, c->error);
    if (config->fts)
        return report(c, sqlite3_mprintf("the FTS5 table '%s' is damaged: 'rebuild' makes it "
                                         "anew", c->table));
    return report(c, sqlite3_mprintf("the FTS5 table '%s' is damaged or out of step with its "
                                     "content: INSERT INTO \"%w\"(\"%w\") VALUES('rebuild')",
                                     c->table, c->table, c->table));
}

/* Reports the rows that `sql` (freed here) selects in one sentence. */
static int check_rows(checker *c, char *sql, const char *sentence)
{
    sqlite3 *db = ctx_words_db(c->words);
    const ctx_config *config = ctx_words_config(c->words);
    sqlite3_stmt *row = NULL;
    int count = 0, step;
    int code = sql ? sqlite3_prepare_v2(db, sql, -1, &row, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    if (code != SQLITE_OK)
        return ctx_words_failed(db, config, code, c->error);
    sqlite3_str *list = sqlite3_str_new(NULL);
    while ((step = sqlite3_step(row)) == SQLITE_ROW && count++ < MOST_LISTED)
        sqlite3_str_appendf(list, "%s%lld", count > 1 ? ", " : "",
                            sqlite3_column_int64(row, 0));
    if (count > MOST_LISTED)
        sqlite3_str_appendall(list, " and more");
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        code = (step & 0xff) == SQLITE_CORRUPT ? SQLITE_OK /* check_table has reported it */
                                              : ctx_words_failed(db, config, step, c->error);
    sqlite3_finalize(row);
    char *rows = sqlite3_str_finish(list);
    if (code == SQLITE_OK && count > 0)
        code = report(c, sqlite3_mprintf(sentence, c->table, rows ? rows : ""));
    sqlite3_free(rows);
    return code;
}

static char *missing_rows(const checker *c)
{
    const ctx_config *config = ctx_words_config(c->words);
    bool own = config->content == CTX_CONTENT_OWN;
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "SELECT ");
    ctx_words_append_id(c->words, sql);
    sqlite3_str_appendall(sql, " FROM ");
    if (config->fts) {
        ctx_words_append_differing(c->words, sql);
        return sqlite3_str_finish(sql);
    }
    sqlite3_str_appendf(sql, "\"%w\".\"%w%s\" AS content WHERE typeof(", config->schema,
                        own ? config->name : config->content_table, own ? "_content" : "");
    ctx_words_append_id(c->words, sql);
    sqlite3_str_appendall(sql, ") = 'integer' AND ");
    ctx_words_append_id(c->words, sql);
    sqlite3_str_appendf(sql, " NOT IN (SELECT rowid FROM \"%w\".\"%w\")", config->schema,
                        config->hybrid);
    return sqlite3_str_finish(sql);
}

static int check_against_content(checker *c)
{
    const ctx_config *config = ctx_words_config(c->words);
    if (config->content == CTX_CONTENT_NONE)
        return SQLITE_OK;
    int code = check_rows(c, missing_rows(c),
                          config->fts ? "of the content, these rows are not in '%s', or with "
                                        "another text: %s"
                                      : "of the content, these rows are not in '%s': %s");
    if (code != SQLITE_OK || config->content == CTX_CONTENT_EXTERNAL)
        return code; /* what left external content unseen is no damage: no question finds it */
    return check_rows(c, sqlite3_mprintf("SELECT rowid FROM \"%w\".\"%w\" WHERE rowid NOT IN "
                                         "(SELECT id FROM \"%w\".\"%w_content\")",
                                         config->schema, c->table, config->schema,
                                         config->name),
                      "these rows are in '%s' and not in the content: %s");
}

int ctx_words_check(ctx_words *words, bool (*on)(void *context, const char *sentence),
                    void *context, ctx_error *error)
{
    if (!words)
        return SQLITE_OK;
    const ctx_config *config = ctx_words_config(words);
    checker c = {.words = words, .report = on, .context = context, .error = error};
    c.table = config->hybrid ? sqlite3_mprintf("%s", config->hybrid)
                             : sqlite3_mprintf("%s_fts", config->name);
    if (!c.table)
        return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    int code = check_table(&c);
    if (code == SQLITE_OK)
        code = check_against_content(&c);
    sqlite3_free(c.table);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}
