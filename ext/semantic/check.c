/* check.c - what 'integrity-check' and PRAGMA integrity_check find: see update.h. */
#include <string.h>

#include "compare.h"
#include "lists.h"
#include "pending.h"
#include "pending_sum.h"
#include "rebuild.h"
#include "update.h"
#include "words.h"

enum { MOST_FINDINGS = 20, KINDS = CTX_ROW_LEFT + 1 };

typedef struct findings {
    const char *name; /* of the index */
    sqlite3_str *list;
    int count;
    bool external; /* content: a row that left it unseen is no damage: no question finds it */
    sqlite3_str *rows[KINDS]; /* "1, 2, 5" */
} findings;

static bool more(findings *f)
{
    return ++f->count <= MOST_FINDINGS;
}

/* A ctx_finding: goes on until the list is full. */
static bool report(void *context, const char *sentence)
{
    findings *f = context;
    size_t name = strlen(f->name);
    if (!more(f))
        return false;
    if (strncmp(sentence, f->name, name) == 0 && strncmp(sentence + name, ": ", 2) == 0)
        sentence += name + 2; /* the whole list has the name in front */
    sqlite3_str_appendf(f->list, "%s%s", sqlite3_str_length(f->list) ? "; " : "", sentence);
    return true;
}

/* Rows of which the same is to be said are listed in one sentence. */
static int report_row(void *context, sqlite3_int64 id, enum ctx_difference what,
                      ctx_error *error)
{
    findings *f = context;
    (void)error;
    if (what == CTX_ROW_LEFT && f->external)
        return SQLITE_OK;
    if (!more(f))
        return SQLITE_DONE;
    sqlite3_str *rows = f->rows[what];
    sqlite3_str_appendf(rows, "%s%lld", sqlite3_str_length(rows) ? ", " : "", id);
    return SQLITE_OK;
}

/* False: out of memory. */
static bool append_rows(findings *f, enum ctx_difference what)
{
    static const char *const sentences[KINDS] = {
        [CTX_ROW_MISSING] = "of the content, these rows are not in the index: ",
        [CTX_ROW_CHANGED] = "these rows have another text than was embedded: ",
        [CTX_ROW_LEFT] = "these rows are in the index and not in the content: "};
    bool lost = sqlite3_str_errcode(f->rows[what]) != SQLITE_OK;
    char *rows = sqlite3_str_finish(f->rows[what]);
    if (rows)
        sqlite3_str_appendf(f->list, "%s%s%s", sqlite3_str_length(f->list) ? "; " : "",
                            sentences[what], rows);
    sqlite3_free(rows);
    return !lost;
}

/* Reports the rows that wait, of those selected, that are not sound; `all`: every one. */
static int report_waiting(ctx_index *index, findings *f, bool all, sqlite3_stmt *row,
                          ctx_error *error)
{
    char text[80];
    int step;
    while ((step = sqlite3_step(row)) == SQLITE_ROW) {
        if (!all && ctx_pending_sound(row))
            continue;
        sqlite3_snprintf(sizeof text, text, "row %lld of those that wait is damaged",
                         sqlite3_column_int64(row, CTX_PENDING_ID));
        if (!report(f, text))
            break;
    }
    int code = sqlite3_finalize(row);
    return code == SQLITE_OK ? code : ctx_shadow_failed(index->db, &index->config, code, error);
}

/* Rows that wait: their checksums, and that of own content a row waits because it is there, or
** because it went. */
static int check_pending(ctx_index *index, findings *f, ctx_error *error)
{
    const ctx_config *config = &index->config;
    const int before = f->count;
    sqlite3_stmt *row;
    int code = ctx_shadow_prepare(index->db, config, &row, error, "SELECT " CTX_PENDING_COLUMNS
                                  " FROM \"%w\".\"%w_pending\"");
    if (code == SQLITE_OK)
        code = report_waiting(index, f, false, row, error);
    if (code == SQLITE_OK && f->count == before) {
        code = ctx_pending_prove(index->pending, error);
        if (code == SQLITE_CORRUPT_VTAB) {
            error->code = SQLITE_OK;
            return report(f, error->message) ? SQLITE_OK : SQLITE_DONE;
        }
    }
    if (code != SQLITE_OK || f->count > before || config->content != CTX_CONTENT_OWN)
        return code;
    code = ctx_shadow_prepare(index->db, config, &row, error,
                              "SELECT id FROM \"%w\".\"%w_pending\" WHERE gone = (id IN "
                              "(SELECT id FROM \"%w\".\"%w_content\"))", config->schema,
                              config->name);
    return code == SQLITE_OK ? report_waiting(index, f, true, row, error) : code;
}

/* Codes and vectors, those of a rebuild by steps by their own geometry. */
static int check_storage(ctx_index *index, const ctx_rebuild_state *state, findings *f,
                         ctx_error *error)
{
    ctx_rebuild_saved saved;
    int now = index->config.generation, next = state->active ? state->generation : 0;
    int code = ctx_storage_check(index->storage, now, next, report, f, error);
    if (code != SQLITE_OK || !state->active)
        return code;
    code = ctx_rebuild_enter(index, state, &saved, error);
    if (code != SQLITE_OK)
        return code;
    code = ctx_storage_check(index->storage, next, now, report, f, error);
    ctx_rebuild_leave(index, &saved, error);
    return code;
}

static int look(ctx_index *index, findings *f, ctx_error *error)
{
    /* Not _refresh: rows of it that nobody reads while the version is the same count, too. */
    ctx_rebuild_state state;
    int code = ctx_config_load(index->db, &index->config, error);
    if (code == SQLITE_OK)
        code = ctx_index_refresh(index, error);
    if (code == SQLITE_OK)
        code = ctx_rebuild_read(index, &state, error);
    if (code == SQLITE_OK)
        code = check_pending(index, f, error);
    if (code == SQLITE_OK)
        code = check_storage(index, &state, f, error);
    if (code == SQLITE_OK)
        code = ctx_lists_check(index, report, f, error);
    if (code == SQLITE_OK && f->count == 0) /* comparing relies on sound tables */
        code = ctx_compare(index, report_row, f, error);
    if (code == SQLITE_OK)
        code = ctx_words_check(index->words, report, f, error);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int ctx_index_check(ctx_index *index, char **out, ctx_error *error)
{
    findings f = {.name = index->config.name,
                  .list = sqlite3_str_new(NULL),
                  .external = index->config.content == CTX_CONTENT_EXTERNAL};
    for (int i = 0; i < KINDS; i++)
        f.rows[i] = sqlite3_str_new(NULL);
    bool lost = false;
    int code = look(index, &f, error);
    for (int i = 0; i < KINDS; i++)
        lost |= !append_rows(&f, i);
    if (f.count > MOST_FINDINGS)
        sqlite3_str_appendall(f.list, "; and more");
    *out = NULL;
    if (code == SQLITE_CORRUPT_VTAB && f.count > 0)
        code = SQLITE_OK; /* the sentence of damage that ended it is one of them or follows */
    lost |= sqlite3_str_errcode(f.list) == SQLITE_NOMEM;
    char *text = sqlite3_str_finish(f.list);
    if (lost) {
        sqlite3_free(text);
        return ctx_fail(error, SQLITE_NOMEM, index->config.name, "out of memory");
    }
    if (code == SQLITE_OK)
        *out = text;
    else
        sqlite3_free(text);
    return code;
}
