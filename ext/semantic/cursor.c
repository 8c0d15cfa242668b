/*
** cursor.c - xFilter and xNext: from the plan's values to rows.
**
** With a question the rows are an answer's (answer.h), nearest first, in a hybrid index fused
** with what words find (fuse.h); without one they are all rows by row id (walk.h).
**
** Rows that wait are embedded before a question and before all rows are read. Where a row is
** merely looked up by its id, as each DELETE and UPDATE does, they are not before its vector is
** read (columns.c; an UPDATE says that it uses all columns, and then reads few); nor with
** embed='manual' or where nothing can be written: then the answer is from what is stored.
*/
#include "cursor.h"

#include <string.h>

#include "pending.h"
#include "plan.h"
#include "query.h"
#include "vector_argument.h"

/* ---- Life ---- */

int ctx_cursor_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
    ctx_index_cursor *cursor = sqlite3_malloc64(sizeof *cursor);
    if (!cursor)
        return SQLITE_NOMEM;
    memset(cursor, 0, sizeof *cursor);
    ctx_filter_open(&cursor->filter);
    ctx_filter_open(&cursor->later);
    ctx_filter_open(&cursor->ranks);
    cursor->eof = true;
    ctx_kept_opened((ctx_index *)table);
    *out = &cursor->base;
    return SQLITE_OK;
}

/* Forgets the question and its answer; memory is kept for the next. */
static void reset(ctx_index_cursor *cursor)
{
    if (cursor->fusion)
        ctx_fusion_stop(cursor->fusion);
    if (cursor->answer)
        ctx_answer_stop(cursor->answer);
    ctx_filter_clear(&cursor->filter);
    ctx_filter_clear(&cursor->later);
    ctx_filter_clear(&cursor->ranks);
    sqlite3_value_free(cursor->question);
    sqlite3_value_free(cursor->k);
    sqlite3_value_free(cursor->among);
    cursor->question = cursor->k = cursor->among = NULL;
    cursor->has_later = cursor->ties = cursor->keeps = false;
    cursor->most = cursor->limit = -1;
    cursor->skip = cursor->counted = cursor->passed = 0;
    cursor->eof = true;
}

int ctx_cursor_close(sqlite3_vtab_cursor *base)
{
    ctx_index_cursor *cursor = (ctx_index_cursor *)base;
    reset(cursor);
    ctx_content_rest(ctx_cursor_index(cursor)->content);
    ctx_fusion_close(cursor->fusion);
    ctx_answer_close(cursor->answer);
    ctx_question_clear(&cursor->asked);
    ctx_walk_clear(&cursor->walk);
    ctx_kept_closed(ctx_cursor_index(cursor), &cursor->kept);
    sqlite3_free(cursor->vector);
    sqlite3_free(cursor->text.data);
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static bool is_fused(const ctx_index_cursor *cursor)
{
    return ctx_is_hybrid(&ctx_cursor_index(cursor)->config);
}

/* ---- The plan's values ---- */

static int keep(sqlite3_value **place, sqlite3_value *value)
{
    *place = sqlite3_value_dup(value);
    return *place ? SQLITE_OK : SQLITE_NOMEM;
}

static int read_k(ctx_index_cursor *cursor, sqlite3_value *value, ctx_error *error)
{
    char excerpt[CTX_EXCERPT_SIZE];
    if (ctx_is_whole(value, &cursor->most) && cursor->most >= 1)
        return keep(&cursor->k, value);
    return ctx_fail(error, SQLITE_ERROR, ctx_cursor_index(cursor)->config.name,
                    "k must be a whole number, 1 or more: got %s",
                    ctx_value_excerpt(value, excerpt));
}

/* rowid = X. Beside k, and where words are fused (so that a row's score depends on the others), it
** is a filter if X is a constant: a literal (the plan knows), a bound parameter. Otherwise X is of
** another table, and k rows are to be found before the join looks for X among them. Before 3.38 it
** may also be one value of IN (...), each in a call of its own, where k rows of them all are meant:
** nothing here could find these. */
static int read_same_rowid(ctx_index_cursor *cursor, char op, sqlite3_value *value,
                           ctx_error *error)
{
    bool counts = cursor->most >= 0 || (is_fused(cursor) && cursor->question);
    if (!counts || op == CTX_PLAN_IS || sqlite3_value_frombind(value))
        return ctx_filter_rowid(&cursor->filter, op, value);
    if (sqlite3_libversion_number() < 3038000)
        return ctx_fail(error, SQLITE_ERROR, ctx_cursor_index(cursor)->config.name,
                        "%s with rowid = or rowid IN (...) needs SQLite 3.38, this is %s; "
                        "write among = '[...]' instead", cursor->most >= 0 ? "k" : "MATCH",
                        sqlite3_libversion());
    cursor->has_later = true;
    return ctx_filter_rowid(&cursor->later, op, value);
}

static int read_rowid(ctx_index_cursor *cursor, char op, sqlite3_value *value, ctx_error *error)
{
    if (op == CTX_PLAN_IN)
        return ctx_filter_in(&cursor->filter, value);
    if (op == CTX_PLAN_EQ || op == CTX_PLAN_IS)
        return read_same_rowid(cursor, op, value, error);
    return ctx_filter_rowid(&cursor->filter, op, value);
}

static int read_value(ctx_index_cursor *cursor, const char *plan, sqlite3_value *value,
                      ctx_error *error)
{
    int code;
    switch (plan[0]) {
    case CTX_PLAN_QUESTION: return keep(&cursor->question, value);
    case CTX_PLAN_K: return read_k(cursor, value, error);
    case CTX_PLAN_AMONG:
        code = ctx_filter_among(&cursor->filter, value,
                                ctx_cursor_index(cursor)->config.name, error);
        if (code != SQLITE_OK || cursor->among)
            return code;
        return keep(&cursor->among, value);
    case CTX_PLAN_ROWID: return read_rowid(cursor, plan[1], value, error);
    case CTX_PLAN_DISTANCE:
        cursor->ties |= plan[1] == CTX_PLAN_GE && !is_fused(cursor);
        ctx_filter_distance(&cursor->filter, plan[1], value);
        return SQLITE_OK;
    case CTX_PLAN_RANK:
        cursor->ties |= plan[1] == CTX_PLAN_GE;
        ctx_filter_distance(&cursor->ranks, plan[1], value);
        return SQLITE_OK;
    case CTX_PLAN_LIMIT: cursor->limit = sqlite3_value_int64(value); return SQLITE_OK;
    default: cursor->skip = sqlite3_value_int64(value); return SQLITE_OK;
    }
}

static int read_plan(ctx_index_cursor *cursor, const char *plan, int argc, sqlite3_value **argv,
                     ctx_error *error)
{
    int code = SQLITE_OK;
    /* k decides what rowid = means: arguments come first in the plan. */
    for (int i = 0; i < argc && code == SQLITE_OK; i++)
        code = read_value(cursor, plan + 2 * i, argv[i], error);
    if (cursor->skip < 0)
        cursor->skip = 0;
    if (cursor->limit < 0)
        cursor->limit = -1;
    return code == SQLITE_OK ? ctx_filter_ready(&cursor->filter) : code;
}

/* ---- Rows that wait ---- */

int ctx_cursor_flush(ctx_index *index, ctx_error *error)
{
    sqlite3_int64 waiting;
    bool forbidden;
    if (index->config.manual)
        return SQLITE_OK;
    int code = ctx_pending_count(index->pending, &waiting, error);
    if (code != SQLITE_OK || waiting == 0)
        return code;
    code = ctx_pending_read_only(index->pending, &forbidden);
    if ((code & 0xff) == SQLITE_AUTH) /* a host that only reads, then */
        return SQLITE_OK;
    return code == SQLITE_OK && !forbidden ? ctx_pending_flush(index->pending, -1, error) : code;
}

/* ---- Rows ---- */

/* Whether the current row is none that counts for k. SQLite shows of (distance, rowid) > (?, ?)
** that distance >= ? and checks the rest by itself: of the rows at that very distance it turns
** away some after reading exactly their distance and their row id, and a page of k rows would
** lack as many. (SELECT distance, rowid ... WHERE distance >= ? reads the same of a row that
** it keeps; then k rows and those at the bound itself come.) The same goes for ranks. */
static bool tie(const ctx_index_cursor *cursor)
{
    double at = is_fused(cursor) ? -cursor->fused.score : cursor->row.distance;
    double from = is_fused(cursor) ? cursor->ranks.from : cursor->filter.from;
    return cursor->ties && cursor->reads == CTX_READ_KEY && at == from;
}

static bool has_enough(const ctx_index_cursor *cursor)
{
    return (cursor->most >= 0 && cursor->counted >= cursor->most) ||
           (cursor->limit >= 0 && cursor->passed - cursor->skip >= cursor->limit);
}

/* The row that the question's answer is at, taken over into cursor->fused if that is a fusion;
** NULL: it has ended. */
static const ctx_answer_row *near_now(ctx_index_cursor *cursor)
{
    if (!is_fused(cursor))
        return ctx_answer_now(cursor->answer);
    const ctx_fused_row *row = ctx_fusion_now(cursor->fusion);
    if (!row || -row->score > cursor->ranks.to) /* and so are all that follow */
        return NULL;
    cursor->fused = *row;
    return &cursor->fused.row;
}

static int go_on(ctx_index_cursor *cursor, ctx_error *error)
{
    return is_fused(cursor) ? ctx_fusion_next(cursor->fusion, error)
                            : ctx_answer_next(cursor->answer, error);
}

/* Goes from the answer's current row on to one that is to be given. */
static int find_near(ctx_index_cursor *cursor, ctx_error *error)
{
    const ctx_answer_row *row;
    while ((row = near_now(cursor)) && !has_enough(cursor)) {
        if (is_fused(cursor) && !ctx_filter_in_reach(&cursor->ranks, -cursor->fused.score)) {
            int code = go_on(cursor, error);
            if (code != SQLITE_OK)
                return code;
            continue;
        }
        cursor->counted++;
        bool passes = !cursor->has_later || ctx_filter_passes(&cursor->later, row->id);
        if (passes && ++cursor->passed > cursor->skip) {
            cursor->row = *row;
            cursor->eof = false;
            return SQLITE_OK;
        }
        if (has_enough(cursor))
            break;
        int code = go_on(cursor, error);
        if (code != SQLITE_OK)
            return code;
    }
    cursor->eof = true;
    return SQLITE_OK;
}

/* Keeps all rows that count. */
static int keep_near(ctx_index_cursor *cursor, ctx_error *error)
{
    const ctx_answer_row *row;
    while ((row = near_now(cursor))) {
        ctx_fused_row found = {.row = *row};
        if (is_fused(cursor))
            found = cursor->fused;
        if (!is_fused(cursor) || ctx_filter_in_reach(&cursor->ranks, -found.score)) {
            if (ctx_kept_add(&cursor->kept, &found, ++cursor->counted) != SQLITE_OK)
                return SQLITE_NOMEM;
            if (has_enough(cursor))
                break;
        }
        int code = go_on(cursor, error);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}

/* The one row that `later` leaves of those that are kept. */
static void show_kept(ctx_index_cursor *cursor)
{
    const ctx_filter *later = &cursor->later;
    const ctx_kept_row *kept =
        later->low == later->high ? ctx_kept_find(&cursor->kept, later->low) : NULL;
    cursor->eof = !kept || has_enough(cursor) || ++cursor->passed <= cursor->skip;
    if (cursor->eof)
        return;
    cursor->row = kept->row.row;
    cursor->fused = kept->row;
    cursor->counted = kept->position;
}

/* The first row of an answer. */
static int first_near(ctx_index_cursor *cursor, ctx_error *error)
{
    return cursor->keeps ? keep_near(cursor, error) : find_near(cursor, error);
}

/* Only a row that will be given is worth another pass over the codes. */
static int next_near(ctx_index_cursor *cursor, ctx_error *error)
{
    if (tie(cursor))
        cursor->counted--;
    cursor->eof = cursor->keeps || has_enough(cursor);
    if (cursor->eof)
        return SQLITE_OK;
    int code = go_on(cursor, error);
    return code == SQLITE_OK ? find_near(cursor, error) : code;
}

static int next_walked(ctx_index_cursor *cursor, ctx_error *error)
{
    ctx_index *index = ctx_cursor_index(cursor);
    sqlite3_int64 id;
    while (ctx_walk_now(&cursor->walk, &id)) {
        bool is = true;
        if (has_enough(cursor))
            break;
        if (index->config.content == CTX_CONTENT_EXTERNAL) {
            int code = ctx_content_exists(index->content, id, &is, error);
            if (code != SQLITE_OK)
                return code;
        }
        if (is && ctx_filter_passes(&cursor->filter, id) && ++cursor->passed > cursor->skip) {
            cursor->row = (ctx_answer_row){.id = id};
            cursor->eof = false;
            return SQLITE_OK;
        }
        ctx_walk_next(&cursor->walk);
    }
    cursor->eof = true;
    return SQLITE_OK;
}

/* Of sums that don't fit: any number. */
static sqlite3_int64 rows_to_read(const ctx_index_cursor *cursor)
{
    sqlite3_int64 sum, most = cursor->most;
    if (cursor->limit >= 0 && !cursor->has_later &&
        !__builtin_add_overflow(cursor->limit, cursor->skip, &sum) && (most < 0 || sum < most))
        most = sum;
    return most;
}

/* TEXT is a question in words, too; a number's text as well. */
static int start_fused(ctx_index_cursor *cursor, sqlite3_int64 rows, ctx_error *error)
{
    bool is_vector = sqlite3_value_type(cursor->question) == SQLITE_BLOB;
    const char *text = is_vector ? NULL : (const char *)sqlite3_value_text(cursor->question);
    size_t size = text ? (size_t)sqlite3_value_bytes(cursor->question) : 0;
    const float *q = cursor->asked.asks ? cursor->asked.vector : NULL;
    if (!cursor->fusion)
        cursor->fusion = ctx_fusion_open(ctx_cursor_index(cursor), cursor->answer);
    if (!cursor->fusion || (!is_vector && !text))
        return SQLITE_NOMEM;
    int code = ctx_fusion_start(cursor->fusion, text, size, q, &cursor->filter, rows, error);
    return code == SQLITE_OK ? first_near(cursor, error) : code;
}

static int start_near(ctx_index_cursor *cursor, int number, ctx_error *error)
{
    ctx_index *index = ctx_cursor_index(cursor);
    int code = ctx_cursor_flush(index, error);
    if (code == SQLITE_OK)
        code = ctx_question_read(index, cursor->question, &cursor->asked, error);
    if (code != SQLITE_OK || sqlite3_value_type(cursor->question) == SQLITE_NULL ||
        (!cursor->asked.asks && !is_fused(cursor)))
        return code;
    sqlite3_int64 rows = rows_to_read(cursor);
    if (rows == 0)
        return SQLITE_OK;
    if (!cursor->answer)
        cursor->answer = ctx_answer_open(index);
    if (!cursor->answer)
        return SQLITE_NOMEM;
    if (cursor->ties && rows > 0 && rows < INT64_MAX)
        rows++; /* the row that the page before ended with */
    if (is_fused(cursor))
        return start_fused(cursor, rows > 0 ? rows : 0, error);
    code = ctx_answer_start(cursor->answer, cursor->asked.vector, &cursor->filter,
                            rows > 0 ? rows : 0, number & CTX_PLAN_ORDERED, error);
    return code == SQLITE_OK ? first_near(cursor, error) : code;
}

/* A question that a join asks for one row id after the other. (What waits is written before
** the writes are counted.) */
static int start_kept(ctx_index_cursor *cursor, int number, const char *plan, int argc,
                      sqlite3_value **argv, ctx_error *error)
{
    ctx_index *index = ctx_cursor_index(cursor);
    cursor->keeps = true;
    int code = SQLITE_OK;
    ctx_kept_inherit(index, &cursor->kept);
    if (!ctx_kept_same(&cursor->kept, index, plan, argc, argv)) {
        code = ctx_cursor_flush(index, error);
        if (code == SQLITE_OK)
            code = ctx_kept_start(&cursor->kept, index, plan, argc, argv);
        if (code == SQLITE_OK)
            code = start_near(cursor, number, error);
        if (code == SQLITE_OK)
            ctx_kept_ready(&cursor->kept);
        cursor->counted = 0;
    }
    if (code == SQLITE_OK)
        show_kept(cursor);
    return code;
}

static int start_walk(ctx_index_cursor *cursor, int number, ctx_error *error)
{
    ctx_index *index = ctx_cursor_index(cursor);
    const ctx_filter *filter = &cursor->filter;
    int code = SQLITE_OK;
    cursor->flushed = filter->low < filter->high;
    if (cursor->flushed)
        code = ctx_cursor_flush(index, error);
    sqlite3_int64 most =
        index->config.content == CTX_CONTENT_EXTERNAL ? -1 : rows_to_read(cursor);
    if (code == SQLITE_OK)
        code = ctx_walk_start(&cursor->walk, index, filter, number & CTX_PLAN_DESCENDING,
                              most, error);
    return code == SQLITE_OK ? next_walked(cursor, error) : code;
}

/* Hands a failure to SQLite, which has a sentence of its own for a code without one. */
static int finish(ctx_index_cursor *cursor, int code, const ctx_error *error)
{
    cursor->shown.known = cursor->shown.proven = false;
    cursor->reads = CTX_READ_NOTHING;
    if (code == SQLITE_OK)
        return code;
    cursor->eof = true;
    return error->code ? ctx_vtab_error(cursor->base.pVtab, error) : code;
}

int ctx_cursor_filter(sqlite3_vtab_cursor *base, int number, const char *plan, int argc,
                      sqlite3_value **argv)
{
    ctx_index_cursor *cursor = (ctx_index_cursor *)base;
    ctx_index *index = ctx_cursor_index(cursor);
    ctx_error error = {0};
    reset(cursor);
    ctx_content_rest(index->content);
    int code = ctx_index_refresh(index, &error);
    if (code == SQLITE_OK && index->busy)
        code = ctx_fail(&error, SQLITE_LOCKED, index->config.name,
                        "the index is being written by this connection");
    if (code == SQLITE_OK)
        code = read_plan(cursor, plan, argc, argv, &error);
    cursor->nearest = number & CTX_PLAN_MATCH;
    if (code == SQLITE_OK)
        code = !cursor->nearest ? start_walk(cursor, number, &error)
               : cursor->has_later && !cursor->ties && ctx_kept_can(plan)
                   ? start_kept(cursor, number, plan, argc, argv, &error)
                   : start_near(cursor, number, &error);
    return finish(cursor, code, &error);
}

int ctx_cursor_next(sqlite3_vtab_cursor *base)
{
    ctx_index_cursor *cursor = (ctx_index_cursor *)base;
    ctx_error error = {0};
    int code;
    ctx_content_rest(ctx_cursor_index(cursor)->content);
    if (cursor->nearest) {
        code = next_near(cursor, &error);
    } else {
        ctx_walk_next(&cursor->walk);
        code = next_walked(cursor, &error);
    }
    return finish(cursor, code, &error);
}

int ctx_cursor_eof(sqlite3_vtab_cursor *base)
{
    return ((ctx_index_cursor *)base)->eof;
}

int ctx_cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *id)
{
    ctx_index_cursor *cursor = (ctx_index_cursor *)base;
    cursor->reads =
        cursor->reads == CTX_READ_DISTANCE ? CTX_READ_KEY : CTX_READ_MORE;
    *id = cursor->row.id;
    return SQLITE_OK;
}
