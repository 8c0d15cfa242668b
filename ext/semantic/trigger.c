/*
** trigger.c - see trigger.h.
**
** Nothing of what a trigger does rests on old values but the key, so a row that the index does
** not know, or knows already, is no error: what is written is a note that the row changed or is
** gone, whatever conflict clause the statement has that fires the trigger. No trigger looks a row
** up: where one is deleted the index, too, finds it no more.
*/
#include "trigger.h"

#include <string.h>

enum { ON_INSERT, ON_DELETE, ON_UPDATE, TRIGGERS };
static const char *const suffixes[TRIGGERS] = {"ai", "ad", "au"};
static const char mark[] = CTX_TRIGGER_MARK;

enum state { ABSENT, OURS, FOREIGN };

/* What is known under the trigger's name. */
static int look(sqlite3 *db, const ctx_config *config, const char *suffix, enum state *state,
                ctx_error *error)
{
    sqlite3_stmt *statement;
    int code = ctx_schema_prepare(db, config, &statement, error,
                                  "SELECT sql FROM \"%w\".sqlite_master WHERE name = '%q_%q' "
                                  "COLLATE NOCASE AND type = 'trigger'", config->name, suffix);
    if (code != SQLITE_OK)
        return code;
    *state = ABSENT;
    if (sqlite3_step(statement) == SQLITE_ROW) {
        const char *sql = (const char *)sqlite3_column_text(statement, 0);
        *state = sql && strstr(sql, mark) ? OURS : FOREIGN;
    }
    code = sqlite3_finalize(statement);
    return code == SQLITE_OK ? code : ctx_shadow_failed(db, config, code, error);
}

/* ---- Their text ---- */

/* The columns that are indexed, or all; `source`: under the content's names. */
static void append_columns(sqlite3_str *sql, const ctx_config *config, bool all, bool source,
                           const char *format)
{
    for (int i = 0; i < config->columns; i++)
        if (all || !config->unindexed[i])
            sqlite3_str_appendf(sql, format,
                                source ? ctx_config_source(config, i) : config->column[i]);
}

static void append_delete(sqlite3_str *sql, const ctx_config *config)
{
    sqlite3_str_appendf(sql, "  INSERT INTO \"%w\"(\"%w\", rowid) VALUES ('delete', old.\"%w\");\n",
                        config->name, config->name, config->content_rowid);
}

/* With all columns where they cost nothing, so that follow.c learns of a RENAME of any. */
static void append_insert(sqlite3_str *sql, const ctx_config *config, bool all)
{
    sqlite3_str_appendf(sql, "  INSERT INTO \"%w\"(rowid", config->name);
    append_columns(sql, config, all, false, ", \"%w\"");
    sqlite3_str_appendf(sql, ") VALUES (new.\"%w\"", config->content_rowid);
    append_columns(sql, config, all, true, ", new.\"%w\"");
    sqlite3_str_appendall(sql, ");\n");
}

static char *trigger_text(const ctx_config *config, bool computed, int which)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendf(sql, "CREATE TRIGGER \"%w\".\"%w_%s\" AFTER ", config->schema,
                        config->name, suffixes[which]);
    if (which == ON_UPDATE && computed) {
        sqlite3_str_appendall(sql, "UPDATE");
    } else if (which == ON_UPDATE) {
        sqlite3_str_appendf(sql, "UPDATE OF \"%w\"", config->content_rowid);
        append_columns(sql, config, false, true, ", \"%w\"");
    } else {
        sqlite3_str_appendall(sql, which == ON_INSERT ? "INSERT" : "DELETE");
    }
    sqlite3_str_appendf(sql, " ON \"%w\" BEGIN %s\n", config->content_table, mark);
    if (which != ON_INSERT)
        append_delete(sql, config);
    if (which != ON_DELETE)
        append_insert(sql, config, which == ON_INSERT);
    sqlite3_str_appendall(sql, "END");
    return sqlite3_str_finish(sql);
}

/* ---- Making ---- */

/* Whether the content can have such triggers. */
static int check_content(sqlite3 *db, const ctx_config *config, ctx_error *error)
{
    sqlite3_stmt *statement;
    if (config->content != CTX_CONTENT_EXTERNAL)
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "'triggers' is for an index of another table's rows, "
                        "content='table'; this one is written to itself");
    int code = ctx_schema_prepare(db, config, &statement, error,
                                  "SELECT type = 'view', sql LIKE 'CREATE VIRTUAL%%' FROM "
                                  "\"%w\".sqlite_master WHERE name = %Q COLLATE NOCASE AND "
                                  "type IN ('table', 'view')",
                                  config->content_table);
    if (code != SQLITE_OK)
        return code;
    bool found = sqlite3_step(statement) == SQLITE_ROW;
    bool view = found && sqlite3_column_int(statement, 0);
    bool is_virtual = found && sqlite3_column_int(statement, 1);
    code = sqlite3_finalize(statement);
    if (code != SQLITE_OK)
        return ctx_shadow_failed(db, config, code, error);
    if (!found)
        return ctx_fail(error, SQLITE_ERROR, config->name, "there is no table '%s' in '%s'",
                        config->content_table, config->schema);
    if (view)
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "'%s' is a view: no trigger sees its rows change; make triggers on its "
                        "tables that write to '%s', or use 'sync'",
                        config->content_table, config->name);
    if (is_virtual)
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "'%s' is a virtual table, which can have no triggers: use 'sync'",
                        config->content_table);
    return SQLITE_OK;
}

/* Whether the key or an indexed column is a generated one: it changes though no UPDATE names it,
** so UPDATE OF would not see that. */
static int is_computed(sqlite3 *db, const ctx_config *config, bool *computed, ctx_error *error)
{
    sqlite3_stmt *statement;
    int code = ctx_schema_prepare(db, config, &statement, error,
                                  "PRAGMA \"%w\".table_xinfo(%Q)", config->content_table);
    *computed = false;
    if (code != SQLITE_OK)
        return code;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(statement, 1);
        if (sqlite3_column_int(statement, 6) < 2) /* generated: 2 virtual, 3 stored */
            continue;
        *computed |= name && sqlite3_stricmp(name, config->content_rowid) == 0;
        for (int i = 0; i < config->columns && name; i++)
            *computed |= !config->unindexed[i] &&
                         sqlite3_stricmp(name, ctx_config_source(config, i)) == 0;
    }
    code = sqlite3_finalize(statement);
    return code == SQLITE_OK ? code : ctx_shadow_failed(db, config, code, error);
}

static int make(sqlite3 *db, const ctx_config *config, ctx_error *error)
{
    enum state state[TRIGGERS];
    bool computed = false;
    int code = check_content(db, config, error);
    if (code == SQLITE_OK)
        code = is_computed(db, config, &computed, error);
    for (int i = 0; i < TRIGGERS && code == SQLITE_OK; i++) {
        code = look(db, config, suffixes[i], &state[i], error);
        if (code == SQLITE_OK && state[i] == FOREIGN)
            code = ctx_fail(error, SQLITE_ERROR, config->name,
                            "there is a trigger '%s_%s' that the index did not make: drop or "
                            "rename it", config->name, suffixes[i]);
    }
    for (int i = 0; i < TRIGGERS && code == SQLITE_OK; i++) {
        if (state[i] == OURS)
            continue;
        char *sql = trigger_text(config, computed, i);
        code = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
        sqlite3_free(sql);
        if (code != SQLITE_OK)
            code = ctx_shadow_failed(db, config, code, error);
    }
    return code;
}

static int drop(sqlite3 *db, const ctx_config *config, int *dropped, ctx_error *error)
{
    int code = SQLITE_OK;
    *dropped = 0;
    for (int i = 0; i < TRIGGERS && code == SQLITE_OK; i++) {
        enum state state;
        code = look(db, config, suffixes[i], &state, error);
        if (code != SQLITE_OK || state != OURS)
            continue;
        code = ctx_shadow_run(db, config, error, "DROP TRIGGER \"%w\".\"%w_%w\"", suffixes[i]);
        (*dropped)++;
    }
    return code;
}

int ctx_triggers_make(ctx_index *index, ctx_error *error)
{
    return make(index->db, &index->config, error);
}

int ctx_triggers_drop(ctx_index *index, int *dropped, ctx_error *error)
{
    return drop(index->db, &index->config, dropped, error);
}

int ctx_triggers_rename(ctx_index *index, const char *name, ctx_error *error)
{
    ctx_config renamed = index->config;
    int dropped;
    int code = drop(index->db, &index->config, &dropped, error);
    if (code != SQLITE_OK || dropped == 0)
        return code;
    renamed.name = sqlite3_mprintf("%s", name);
    code = renamed.name ? make(index->db, &renamed, error)
                        : ctx_fail(error, SQLITE_NOMEM, name, "out of memory");
    sqlite3_free(renamed.name);
    return code;
}
