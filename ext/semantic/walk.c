/* walk.c - see walk.h. */
#include "walk.h"

#include "pending.h"

void ctx_walk_clear(ctx_walk *walk)
{
    sqlite3_free(walk->run);
    *walk = (ctx_walk){0};
}

bool ctx_walk_now(const ctx_walk *walk, sqlite3_int64 *id)
{
    if (walk->at == walk->runs)
        return false;
    sqlite3_int64 first = walk->run[walk->at].first;
    *id = walk->down ? first - walk->offset : first + walk->offset;
    return true;
}

void ctx_walk_next(ctx_walk *walk)
{
    if (++walk->offset == walk->run[walk->at].count) {
        walk->offset = 0;
        walk->at++;
    }
}

static int add(ctx_walk *walk, const ctx_index *index, sqlite3_int64 id, ctx_error *error)
{
    if (walk->runs > 0) {
        /* Unsigned: neighbours of the ends of the range wrap and match nothing. */
        ctx_run *last = &walk->run[walk->runs - 1];
        sqlite3_uint64 count = (sqlite3_uint64)last->count;
        sqlite3_uint64 first = (sqlite3_uint64)last->first;
        if ((sqlite3_uint64)id == (walk->down ? first - count : first + count)) {
            last->count++;
            return SQLITE_OK;
        }
    }
    if (walk->runs == walk->room) {
        size_t room = walk->room ? 2 * walk->room : 16;
        ctx_run *more = sqlite3_realloc64(walk->run, room * sizeof *more);
        if (!more)
            return ctx_fail(error, SQLITE_NOMEM, index->config.name, "out of memory");
        walk->run = more;
        walk->room = room;
    }
    walk->run[walk->runs++] = (ctx_run){id, 1};
    return SQLITE_OK;
}

int ctx_index_has(ctx_index *index, sqlite3_int64 id, bool *has, ctx_error *error)
{
    enum ctx_pending_state state;
    *has = false;
    int code = ctx_pending_state(index->pending, id, &state, error);
    if (code != SQLITE_OK || state == CTX_PENDING_GONE)
        return code;
    *has = state == CTX_PENDING_HERE;
    if (code == SQLITE_OK && state == CTX_NOT_PENDING && index->config.manual)
        code = ctx_pending_count(index->pending, NULL, error); /* a note may be missing */
    if (code == SQLITE_OK && !*has) {
        ctx_row_entry entry;
        code = ctx_storage_get(index->storage, index->config.generation, id, &entry, has,
                               error);
        if (code == SQLITE_OK && !*has)
            code = ctx_storage_prove(index->storage, index->config.generation, error);
    }
    if (code == SQLITE_OK && *has && index->config.content == CTX_CONTENT_EXTERNAL)
        code = ctx_content_exists(index->content, id, has, error);
    return code;
}

/* The members of the filter, one look-up each. */
static int walk_members(ctx_walk *walk, ctx_index *index, const ctx_filter *filter,
                        ctx_error *error)
{
    int code = SQLITE_OK;
    size_t n = filter->members;
    for (size_t i = 0; i < n && code == SQLITE_OK; i++) {
        sqlite3_int64 id = filter->member[walk->down ? n - 1 - i : i];
        bool has;
        if (!ctx_filter_passes(filter, id))
            continue;
        code = ctx_index_has(index, id, &has, error);
        if (code == SQLITE_OK && has)
            code = add(walk, index, id, error);
    }
    return code;
}

static int prepare(ctx_index *index, bool waiting, bool down, sqlite3_stmt **out,
                   ctx_error *error)
{
    const ctx_config *c = &index->config;
    const char *order = down ? "DESC" : "ASC";
    if (!waiting)
        return ctx_shadow_prepare(index->db, c, out, error,
                                  "SELECT id FROM \"%w\".\"%w_rows\" WHERE generation = %d "
                                  "AND id BETWEEN ?1 AND ?2 ORDER BY id %s",
                                  c->generation, order);
    return ctx_shadow_prepare(
        index->db, c, out, error,
        "SELECT id FROM \"%w\".\"%w_rows\" WHERE generation = %d AND id BETWEEN ?1 AND ?2 "
        "AND id NOT IN (SELECT id FROM \"%w\".\"%w_pending\" WHERE gone) "
        "UNION SELECT id FROM \"%w\".\"%w_pending\" WHERE NOT gone AND id BETWEEN ?1 AND ?2 "
        "ORDER BY id %s",
        c->generation, c->schema, c->name, c->schema, c->name, order);
}

/* All rows between the filter's bounds. */
static int walk_range(ctx_walk *walk, ctx_index *index, const ctx_filter *filter,
                      sqlite3_int64 most, ctx_error *error)
{
    sqlite3_stmt *statement = NULL;
    sqlite3_int64 waiting = 0, found = 0;
    int code = ctx_storage_prove(index->storage, index->config.generation, error);
    if (code == SQLITE_OK)
        code = ctx_pending_count(index->pending, &waiting, error);
    if (code == SQLITE_OK)
        code = prepare(index, waiting > 0, walk->down, &statement, error);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int64(statement, 1, filter->low);
    sqlite3_bind_int64(statement, 2, filter->high);
    int step = SQLITE_ROW;
    while (code == SQLITE_OK && found != most &&
           (step = sqlite3_step(statement)) == SQLITE_ROW) {
        code = add(walk, index, sqlite3_column_int64(statement, 0), error);
        found++;
    }
    if (code == SQLITE_OK && step != SQLITE_ROW && step != SQLITE_DONE)
        code = ctx_shadow_failed(index->db, &index->config, step, error);
    sqlite3_finalize(statement);
    return code;
}

int ctx_walk_start(ctx_walk *walk, ctx_index *index, const ctx_filter *filter, bool down,
                   sqlite3_int64 most, ctx_error *error)
{
    walk->runs = walk->at = 0;
    walk->offset = 0;
    walk->down = down;
    if (filter->low > filter->high)
        return SQLITE_OK;
    if (filter->chosen)
        return walk_members(walk, index, filter, error);
    if (filter->low == filter->high) {
        bool has;
        int code = ctx_index_has(index, filter->low, &has, error);
        return code == SQLITE_OK && has ? add(walk, index, filter->low, error) : code;
    }
    return walk_range(walk, index, filter, most, error);
}
