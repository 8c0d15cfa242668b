/*
** follow.c - see follow.h.
**
** Of a trigger's body the names behind new. and old. count: the key and the columns, in the
** order in which trigger.c wrote them, VALUES (new."id", new."title"). A body in which they
** stand in another way, or another number of them, is not as the index made it: it says nothing.
*/
#include "follow.h"

#include <string.h>

#include "statement.h"
#include "trigger.h"
#include "words.h"

typedef struct names {
    char **fresh; /* [count] of new.name, in their order */
    int count, room;
    char *old;    /* of the last old.name, or NULL */
    bool odd;     /* one of them stands otherwise */
} names;

static void clear(names *n)
{
    for (int i = 0; i < n->count; i++)
        sqlite3_free(n->fresh[i]);
    sqlite3_free(n->fresh);
    sqlite3_free(n->old);
    *n = (names){0};
}

/* Takes over `name`; NULL, and no room for it, are SQLITE_NOMEM. */
static int add(names *n, bool fresh, char *name)
{
    if (name && fresh && n->count == n->room) {
        int room = n->room ? 2 * n->room : 8;
        char **more = sqlite3_realloc64(n->fresh, (sqlite3_uint64)room * sizeof *more);
        if (!more) {
            sqlite3_free(name);
            return SQLITE_NOMEM;
        }
        n->fresh = more;
        n->room = room;
    }
    if (!name)
        return SQLITE_NOMEM;
    if (fresh) {
        n->fresh[n->count++] = name;
    } else {
        sqlite3_free(n->old);
        n->old = name;
    }
    return SQLITE_OK;
}

/* Takes name behind new. or old.; `before`: the mark in front of that, '\0' if it is a word. */
static int read_name(const char **at, bool fresh, char before, int depth, names *n)
{
    char *name;
    if (!**at || ctx_is_mark(**at)) {
        n->odd = true;
        return SQLITE_OK;
    }
    ctx_take_word(at, &name);
    const char *next = ctx_skip_space(*at);
    n->odd |= depth != 1 || (before != '(' && before != ',') || (*next != ',' && *next != ')');
    return add(n, fresh, name);
}

/* Goes through the words of a body. */
static int read_body(const char *at, names *n)
{
    int code = SQLITE_OK, depth = 0;
    char before = '\0';
    while (code == SQLITE_OK && *(at = ctx_skip_space(at))) {
        if (ctx_is_mark(*at)) {
            before = *at++;
            depth += (before == '(') - (before == ')');
            continue;
        }
        bool bare = !ctx_is_quote(*at);
        char *word;
        ctx_take_word(&at, &word);
        if (!word)
            return SQLITE_NOMEM;
        bool fresh = sqlite3_stricmp(word, "new") == 0;
        bool row = bare && *at == '.' && (fresh || sqlite3_stricmp(word, "old") == 0);
        sqlite3_free(word);
        if (row) {
            at++;
            code = read_name(&at, fresh, before, depth, n);
        }
        before = '\0';
    }
    return code;
}

/* Gives *place another name; `own`: the one that NULL in it stands for. */
static int set(ctx_config *config, char **place, const char *own, const char *name)
{
    char *copy = NULL;
    if (strcmp(*place ? *place : own, name) == 0)
        return SQLITE_OK;
    bool is_own = own && strcmp(own, name) == 0;
    if (!is_own && !(copy = sqlite3_mprintf("%s", name)))
        return SQLITE_NOMEM;
    sqlite3_free(*place);
    *place = copy;
    config->moved = true;
    config->renames++;
    return SQLITE_OK;
}

/* The trigger of INSERT names all columns, that of UPDATE those that are indexed, that of
** DELETE the key alone. */
static int apply(ctx_config *config, const char *table, const names *n)
{
    int indexed = 0, at = 1;
    for (int i = 0; i < config->columns; i++)
        indexed += !config->unindexed[i];
    bool all = n->count == 1 + config->columns;
    const char *key = n->count > 0 ? n->fresh[0] : n->old;
    if (!key || n->odd || (n->count > 0 && !all && n->count != 1 + indexed))
        return SQLITE_OK;
    int code = set(config, &config->content_table, NULL, table);
    if (code == SQLITE_OK)
        code = set(config, &config->content_rowid, NULL, key);
    for (int i = 0; i < config->columns && at < n->count && code == SQLITE_OK; i++)
        if (all || !config->unindexed[i])
            code = set(config, &config->source[i], config->column[i], n->fresh[at++]);
    return code;
}

static int read_row(ctx_config *config, sqlite3_stmt *row)
{
    const char *table = (const char *)sqlite3_column_text(row, 0);
    const char *sql = (const char *)sqlite3_column_text(row, 1);
    const char *body = sql ? strstr(sql, CTX_TRIGGER_MARK) : NULL;
    names n = {0};
    if (!table || !body)
        return SQLITE_OK;
    int code = read_body(body + sizeof CTX_TRIGGER_MARK - 1, &n);
    if (code == SQLITE_OK)
        code = apply(config, table, &n);
    clear(&n);
    return code;
}

int ctx_follow(sqlite3 *db, ctx_config *config, ctx_error *error)
{
    sqlite3_stmt *rows = NULL;
    int code = SQLITE_OK, step = SQLITE_ROW;
    config->followed = true;
    if (config->content != CTX_CONTENT_EXTERNAL)
        return code;
    code = ctx_schema_prepare(db, config, &rows, error,
                              "SELECT tbl_name, sql FROM \"%w\".sqlite_master WHERE type = "
                              "'trigger' AND name COLLATE NOCASE IN ('%q_ad', '%q_ai', "
                              "'%q_au') ORDER BY name COLLATE NOCASE", config->name, config->name,
                              config->name);
    if ((code & 0xff) == SQLITE_AUTH) { /* a host that hides its schema: nothing is known */
        *error = (ctx_error){0};
        return SQLITE_OK;
    }
    while (code == SQLITE_OK && (step = sqlite3_step(rows)) == SQLITE_ROW)
        if (read_row(config, rows) != SQLITE_OK)
            code = ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    if (code == SQLITE_OK && step != SQLITE_DONE)
        code = ctx_shadow_failed(db, config, step, error);
    sqlite3_finalize(rows);
    config->followed = code == SQLITE_OK;
    return code;
}

/* ---- The command ---- */

/* The triggers are dropped while content is what it was, and made when it is the other. */
static int move_triggers(ctx_index *index, char **table, ctx_error *error)
{
    int dropped;
    int code = ctx_triggers_drop(index, &dropped, error);
    char *before = index->config.content_table;
    index->config.content_table = *table;
    *table = before;
    return code == SQLITE_OK && dropped > 0 ? ctx_triggers_make(index, error) : code;
}

int ctx_follow_to(ctx_index *index, const char *table, ctx_error *error)
{
    ctx_config *config = &index->config, other = *config;
    char *copy = sqlite3_mprintf("%s", table);
    if (!copy)
        return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    other.content_table = copy;
    int code = ctx_content_check(index->db, &other, error);
    if (code == SQLITE_OK)
        code = ctx_words_fit(index->db, &other, error);
    if (code == SQLITE_OK)
        code = move_triggers(index, &copy, error);
    if (code == SQLITE_OK)
        code = ctx_config_save_names(index->db, config, error);
    ctx_content_reset(index->content);
    ctx_words_reset(index->words);
    sqlite3_free(copy);
    return code;
}
