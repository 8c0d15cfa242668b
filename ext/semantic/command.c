/*
** command.c - the commands of an index, INSERT INTO search(search [, rank]) VALUES('rebuild'
** [, rows]): see update.h. 'weights', 'content' and 'hybrid' have a text there: VALUES('weights',
** '1,0.5').
** rebuild.h does the work of 'rebuild', check.c of 'integrity-check'.
*/
#include <string.h>

#include "compare.h"
#include "config_settings.h"
#include "follow.h"
#include "optimize.h"
#include "pending.h"
#include "query.h"
#include "rebuild.h"
#include "trigger.h"
#include "update.h"
#include "words.h"

typedef int run_command(ctx_index *index, sqlite3_int64 rows, ctx_error *error);

/* Notes a row that changed with no trigger to see it. */
static int note(void *context, sqlite3_int64 id, enum ctx_difference what, ctx_error *error)
{
    ctx_index *index = context;
    if (what == CTX_ROW_LEFT)
        return ctx_pending_remove(index->pending, id, error);
    return ctx_pending_add(index->pending, id, (enc_text){NULL, 0}, NULL, error);
}

static int run_sync(ctx_index *index, sqlite3_int64 rows, ctx_error *error)
{
    int code = SQLITE_OK;
    if (index->config.content == CTX_CONTENT_EXTERNAL) {
        code = ctx_compare(index, note, index, error);
        if (code == SQLITE_OK)
            code = ctx_words_sync(index->words, error);
    }
    if (code != SQLITE_OK)
        return code;
    return ctx_pending_flush(index->pending, rows, error);
}

static int run_probes(ctx_index *index, sqlite3_int64 lists, ctx_error *error)
{
    ctx_config *config = &index->config;
    if (config->index != CTX_INDEX_IVF)
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "'probes' is for approximate indexes: this one was made without "
                        "index='ivf', and reads all");
    const sqlite3_int64 most = ctx_setting_find("probes")->most;
    config->probes = lists > most ? (int)most : lists < 0 ? 0 : (int)lists;
    return ctx_config_save(index->db, config, error);
}

static int run_check(ctx_index *index, sqlite3_int64 rows, ctx_error *error)
{
    char *findings = NULL;
    (void)rows;
    int code = ctx_index_check(index, &findings, error);
    if (code == SQLITE_OK && findings)
        code = ctx_fail(error, SQLITE_CORRUPT_VTAB, index->config.name, "%s", findings);
    sqlite3_free(findings);
    return code;
}

static int run_triggers(ctx_index *index, sqlite3_int64 rows, ctx_error *error)
{
    (void)rows;
    return ctx_triggers_make(index, error);
}

static int run_drop_triggers(ctx_index *index, sqlite3_int64 rows, ctx_error *error)
{
    int dropped;
    (void)rows;
    return ctx_triggers_drop(index, &dropped, error);
}

static int run_delete_all(ctx_index *index, sqlite3_int64 rows, ctx_error *error)
{
    (void)rows;
    return ctx_delete_all(index, error);
}

/* The weights of words and meaning from now on. */
static int set_weights(ctx_index *index, const char *given, ctx_error *error)
{
    ctx_config *config = &index->config;
    double weights[2];
    char text[64];
    if (!ctx_is_hybrid(config))
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "weights are for an index made with hybrid or fts");
    if (!given || !ctx_weights_parse(given, weights))
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "'weights' takes " CTX_WEIGHTS ": INSERT INTO \"%w\"(\"%w\", rank) "
                        "VALUES('weights', '1,0.5')", config->name, config->name);
    sqlite3_snprintf(sizeof text, text, "%.8f,%.8f", weights[0], weights[1]);
    int code = ctx_config_put_text(index->db, config, "weights", text, error);
    if (code != SQLITE_OK)
        return code;
    config->weight_meaning = weights[0];
    config->weight_words = weights[1];
    return ctx_config_save(index->db, config, error);
}

static int set_content(ctx_index *index, const char *given, ctx_error *error)
{
    const ctx_config *config = &index->config;
    if (config->content != CTX_CONTENT_EXTERNAL)
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "'content' is for an index of another table's rows, content='table'");
    if (!given || !*given)
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "'content' takes a table's name: INSERT INTO \"%w\"(\"%w\", rank) "
                        "VALUES('content', 'table')", config->name, config->name);
    return ctx_follow_to(index, given, error);
}

/* FTS5 tables follow no RENAME, so their names can't be told from triggers, as content's are. */
static int set_hybrid(ctx_index *index, const char *given, ctx_error *error)
{
    ctx_config *config = &index->config, other = *config;
    if (!config->hybrid)
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "'hybrid' is for an index made with hybrid='table'");
    if (!given || !*given)
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "'hybrid' takes the name of an FTS5 table: INSERT INTO \"%w\"(\"%w\", rank)"
                        " VALUES('hybrid', 'table')", config->name, config->name);
    char *copy = other.hybrid = sqlite3_mprintf("%s", given);
    if (!copy)
        return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    int code = ctx_words_fit(index->db, &other, error);
    if (code == SQLITE_OK)
        code = ctx_config_put_text(index->db, config, "hybrid", copy, error);
    if (code == SQLITE_OK)
        code = ctx_config_save(index->db, config, error);
    if (code == SQLITE_OK) {
        copy = config->hybrid;
        config->hybrid = other.hybrid;
        ctx_words_reset(index->words);
    }
    sqlite3_free(copy);
    return code;
}

static const struct command {
    const char *name;
    bool numbered; /* takes a number of rows */
    run_command *run; /* NULL: it takes a text */
    int (*set)(ctx_index *index, const char *given, ctx_error *error);
} commands[] = {
    {"rebuild", true, ctx_rebuild, NULL},
    {"sync", true, run_sync, NULL},
    {"optimize", true, ctx_optimize, NULL},
    {"integrity-check", false, run_check, NULL},
    {"triggers", false, run_triggers, NULL},
    {"drop-triggers", false, run_drop_triggers, NULL},
    {"delete-all", false, run_delete_all, NULL},
    {"content", false, NULL, set_content},
    {"hybrid", false, NULL, set_hybrid},
    {"weights", false, NULL, set_weights},
    {"probes", true, run_probes, NULL},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int fail_unknown(const ctx_index *index, const char *name, ctx_error *error)
{
    char list[160] = "";
    for (int i = 0; i < COMMANDS; i++) {
        size_t used = strlen(list);
        sqlite3_snprintf((int)(sizeof list - used), list + used, "%s%s", i ? ", " : "",
                         commands[i].name);
    }
    return ctx_fail(error, SQLITE_ERROR, index->config.name,
                    "there is no command '%s'; known: %s", name, list);
}

/* -1: all. */
static int read_rows(const ctx_index *index, const struct command *command,
                     sqlite3_value *value, sqlite3_int64 *rows, ctx_error *error)
{
    const char *name = index->config.name;
    *rows = -1;
    if (!value || sqlite3_value_type(value) == SQLITE_NULL)
        return SQLITE_OK;
    if (!command->run)
        return SQLITE_OK;
    if (!command->numbered)
        return ctx_fail(error, SQLITE_ERROR, name, "'%s' takes no number", command->name);
    bool probes = command->run == run_probes; /* a number of lists, 0: as measured */
    if (ctx_is_whole(value, rows) && *rows > (probes ? -1 : 0))
        return SQLITE_OK;
    if (probes)
        return ctx_fail(error, SQLITE_ERROR, name,
                        "'probes' takes a number of lists, a whole one, 0: as many as "
                        "'optimize' measured, not %s", sqlite3_value_text(value));
    return ctx_fail(error, SQLITE_ERROR, name,
                    "'%s' takes a number of rows, a whole one above 0, not %s", command->name,
                    sqlite3_value_text(value));
}

int ctx_index_command(ctx_index *index, const char *command, sqlite3_value *value,
                      ctx_error *error)
{
    sqlite3_int64 rows;
    int found = 0;
    while (found < COMMANDS && sqlite3_stricmp(commands[found].name, command) != 0)
        found++;
    if (found == COMMANDS)
        return fail_unknown(index, command, error);
    int code = read_rows(index, &commands[found], value, &rows, error);
    if (code == SQLITE_OK)
        code = ctx_index_refresh(index, error);
    if (code == SQLITE_OK)
        code = ctx_answers_settle(index, error);
    if (code != SQLITE_OK)
        return code;
    bool text = value && sqlite3_value_type(value) == SQLITE_TEXT;
    const char *given = text ? (const char *)sqlite3_value_text(value) : NULL;
    if (text && !given)
        return ctx_fail(error, SQLITE_NOMEM, index->config.name, "out of memory");
    index->busy++;
    code = commands[found].run ? commands[found].run(index, rows, error)
                               : commands[found].set(index, given, error);
    index->busy--;
    if (code != SQLITE_OK)
        ctx_index_forget(index);
    ctx_content_rest(index->content);
    return code;
}
