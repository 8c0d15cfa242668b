/* compare.c - see compare.h. */
#include "compare.h"

#include "embed_batch.h"
#include "pending.h"

int ctx_stored_next(ctx_index *index, int generation, sqlite3_int64 from, sqlite3_int64 *id,
                    bool *found, ctx_error *error)
{
    if (!index->rows_next) {
        int code = ctx_shadow_prepare(index->db, &index->config, &index->rows_next, error,
                                      "SELECT id FROM \"%w\".\"%w_rows\" WHERE generation = ?1 "
                                      "AND id >= ?2 ORDER BY id LIMIT 1");
        if (code != SQLITE_OK)
            return code;
    }
    sqlite3_bind_int(index->rows_next, 1, generation);
    sqlite3_bind_int64(index->rows_next, 2, from);
    *found = sqlite3_step(index->rows_next) == SQLITE_ROW;
    /* Other ids come behind all whole numbers: going on from one would begin again. */
    const bool whole = !*found ||
                       sqlite3_column_type(index->rows_next, 0) == SQLITE_INTEGER;
    if (*found)
        *id = sqlite3_column_int64(index->rows_next, 0);
    int code = sqlite3_reset(index->rows_next);
    if (code != SQLITE_OK)
        return ctx_shadow_failed(index->db, &index->config, code, error);
    return whole ? SQLITE_OK
                 : ctx_fail(error, SQLITE_CORRUPT_VTAB, index->config.name,
                            "a row of the table '%s_rows' is damaged: its id is not INTEGER",
                            index->config.name);
}

typedef struct comparison {
    ctx_index *index;
    ctx_on_difference on;
    void *context;
    ctx_error *error;
    ctx_buffer text;
} comparison;

static int is_pending(comparison *c, sqlite3_int64 id, bool *pending)
{
    enum ctx_pending_state state = CTX_NOT_PENDING;
    int code = ctx_pending_state(c->index->pending, id, &state, c->error);
    *pending = state != CTX_NOT_PENDING;
    return code;
}

/* A row of the content. */
static int compare_row(comparison *c, sqlite3_int64 id)
{
    ctx_index *index = c->index;
    bool pending, exists, any, found;
    ctx_row_entry entry;
    int code = is_pending(c, id, &pending);
    if (code != SQLITE_OK || pending)
        return code;
    code = ctx_storage_get(index->storage, index->config.generation, id, &entry, &found,
                           c->error);
    if (code != SQLITE_OK)
        return code;
    if (!found)
        return c->on(c->context, id, CTX_ROW_MISSING, c->error);
    code = ctx_content_text(index->content, id, &c->text, &exists, &any, c->error);
    enc_text text = {any ? c->text.data : NULL, any ? c->text.size : 0};
    /* Without a model no vector comes from a text. */
    bool same = !*index->config.model || !exists ||
                ctx_same_text(entry.hash, ctx_row_hash(index, text, NULL));
    if (code != SQLITE_OK || same)
        return code;
    return c->on(c->context, id, CTX_ROW_CHANGED, c->error);
}

/* A row of the index. */
static int look_for(comparison *c, sqlite3_int64 id)
{
    bool pending, exists;
    int code = is_pending(c, id, &pending);
    if (code == SQLITE_OK && !pending)
        code = ctx_content_exists(c->index->content, id, &exists, c->error);
    if (code != SQLITE_OK || pending || exists)
        return code;
    return c->on(c->context, id, CTX_ROW_LEFT, c->error);
}

static int walk(comparison *c, bool content)
{
    ctx_index *index = c->index;
    sqlite3_int64 from = INT64_MIN, id;
    for (;;) {
        bool found;
        int code = content ? ctx_content_next(index->content, from, &id, &found, c->error)
                           : ctx_stored_next(index, index->config.generation, from, &id, &found,
                                             c->error);
        if (code != SQLITE_OK || !found)
            return code;
        code = content ? compare_row(c, id) : look_for(c, id);
        if (code != SQLITE_OK || id == INT64_MAX)
            return code;
        from = id + 1;
    }
}

int ctx_compare(ctx_index *index, ctx_on_difference on, void *context, ctx_error *error)
{
    comparison c = {index, on, context, error, {NULL, 0, 0}};
    if (index->config.content == CTX_CONTENT_NONE)
        return SQLITE_OK;
    int code = walk(&c, true);
    if (code == SQLITE_OK)
        code = walk(&c, false);
    sqlite3_free(c.text.data);
    return code;
}
