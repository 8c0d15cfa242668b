/*
** kept.c - see kept.h.
*/
#include "kept.h"

#include <stdlib.h>
#include <string.h>

#include "plan.h"

static void forget_values(ctx_kept *kept)
{
    for (int i = 0; i < kept->values; i++)
        sqlite3_value_free(kept->value[i]);
    sqlite3_free(kept->value);
    sqlite3_free(kept->plan);
    kept->value = NULL;
    kept->plan = NULL;
    kept->values = 0;
    kept->ready = false;
}

void ctx_kept_clear(ctx_kept *kept)
{
    forget_values(kept);
    sqlite3_free(kept->row);
    *kept = (ctx_kept){0};
}

/* ---- From cursor to cursor ---- */

void ctx_kept_opened(ctx_index *index)
{
    index->cursors++;
}

void ctx_kept_closed(ctx_index *index, ctx_kept *kept)
{
    const bool last = --index->cursors == 0;
    if (kept->ready && !last && !index->kept) {
        index->kept = sqlite3_malloc64(sizeof *index->kept);
        if (index->kept)
            *index->kept = (ctx_kept){0};
    }
    if (kept->ready && !last && index->kept) {
        ctx_kept_clear(index->kept);
        *index->kept = *kept;
        *kept = (ctx_kept){0};
    }
    ctx_kept_clear(kept);
    if (last && index->kept) {
        ctx_kept_clear(index->kept);
        sqlite3_free(index->kept);
        index->kept = NULL;
    }
}

void ctx_kept_inherit(ctx_index *index, ctx_kept *kept)
{
    if (kept->ready || !index->kept || !index->kept->ready)
        return;
    ctx_kept_clear(kept);
    *kept = *index->kept;
    *index->kept = (ctx_kept){0};
}

/* ---- The question ---- */

bool ctx_kept_can(const char *plan)
{
    for (; *plan; plan += 2)
        if (plan[0] == CTX_PLAN_ROWID && plan[1] == CTX_PLAN_IN)
            return false;
    return true;
}

/* Whether the value at plan[0 ... 1] is that of the join: see read_same_rowid in cursor.c. */
static bool is_of_join(const char *plan, sqlite3_value *value)
{
    return plan[0] == CTX_PLAN_ROWID && plan[1] == CTX_PLAN_EQ &&
           !sqlite3_value_frombind(value);
}

bool ctx_kept_same(const ctx_kept *kept, const ctx_index *index, const char *plan, int argc,
                   sqlite3_value **argv)
{
    if (!kept->ready || kept->writes != sqlite3_total_changes(index->db) ||
        kept->rollbacks != index->rollbacks || kept->values != argc ||
        strcmp(kept->plan, plan) != 0)
        return false;
    for (int i = 0; i < argc; i++) {
        bool any = is_of_join(plan + 2 * i, argv[i]);
        if (any != !kept->value[i] || (!any && !ctx_is_same(kept->value[i], argv[i])))
            return false;
    }
    return true;
}

int ctx_kept_start(ctx_kept *kept, const ctx_index *index, const char *plan, int argc,
                   sqlite3_value **argv)
{
    forget_values(kept);
    kept->count = 0;
    kept->writes = sqlite3_total_changes(index->db);
    kept->rollbacks = index->rollbacks;
    kept->plan = sqlite3_mprintf("%s", plan);
    kept->value = sqlite3_malloc64((sqlite3_uint64)argc * sizeof(sqlite3_value *));
    if (!kept->plan || !kept->value)
        return SQLITE_NOMEM;
    for (; kept->values < argc; kept->values++) {
        int i = kept->values;
        bool any = is_of_join(plan + 2 * i, argv[i]);
        kept->value[i] = any ? NULL : sqlite3_value_dup(argv[i]);
        if (!any && !kept->value[i])
            return SQLITE_NOMEM;
    }
    return SQLITE_OK;
}

/* ---- The rows ---- */

int ctx_kept_add(ctx_kept *kept, const ctx_fused_row *row, sqlite3_int64 position)
{
    if (kept->count == kept->room) {
        size_t room = kept->room ? 2 * kept->room : 32;
        ctx_kept_row *more = sqlite3_realloc64(kept->row, room * sizeof *more);
        if (!more)
            return SQLITE_NOMEM;
        kept->row = more;
        kept->room = room;
    }
    kept->row[kept->count++] = (ctx_kept_row){.row = *row, .position = position};
    return SQLITE_OK;
}

static int by_id(const void *a, const void *b)
{
    const ctx_kept_row *x = a, *y = b;
    return (x->row.row.id > y->row.row.id) - (x->row.row.id < y->row.row.id);
}

void ctx_kept_ready(ctx_kept *kept)
{
    if (kept->count > 1)
        qsort(kept->row, kept->count, sizeof *kept->row, by_id);
    kept->ready = true;
}

const ctx_kept_row *ctx_kept_find(const ctx_kept *kept, sqlite3_int64 id)
{
    ctx_kept_row wanted = {.row.row.id = id};
    return kept->count ? bsearch(&wanted, kept->row, kept->count, sizeof *kept->row, by_id)
                       : NULL;
}
