/*
** fuse.c - see fuse.h.
**
** What both lists have to their depth is fused at once and sorted: the head. Behind it comes
** the tail, the answer's further rows that words did not find, whose scores fall from row to
** row; it is read only where the head's next row does not surely precede it.
*/
#include "fuse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "walk.h"

struct ctx_fusion {
    ctx_index *index;
    ctx_answer *answer;
    const ctx_filter *filter;
    bool has_vector;        /* there is a question for the answer */
    size_t depth;           /* to which both lists count */
    double meaning, words;  /* weights; 0: the list is left out */
    ctx_fused_row *head;    /* [count] the next one at `at` */
    size_t count, room, at;
    sqlite3_int64 *found;   /* [found_count] what words found, ascending, for the tail */
    size_t found_count;
    bool runs;              /* the answer has been started */
    bool fresh;             /* its current row has not been looked at */
    sqlite3_int64 position; /* of the answer's row that was looked at last */
    ctx_fused_row tail;     /* its row, if has_tail: to be given */
    bool has_tail;
    ctx_fused_row now;
    bool has_now;
};

static int no_memory(const ctx_fusion *f, ctx_error *error)
{
    return ctx_fail(error, SQLITE_NOMEM, f->index->config.name, "out of memory");
}

static double part(double weight, sqlite3_int64 rank)
{
    return rank > 0 ? weight / (double)(CTX_FUSE_CONSTANT + rank) : 0;
}

static double score_of(const ctx_fusion *f, const ctx_fused_row *row)
{
    return part(f->meaning, row->semantic_rank) + part(f->words, row->bm25_rank);
}

static int before(const ctx_fused_row *a, const ctx_fused_row *b)
{
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->row.id > b->row.id) - (a->row.id < b->row.id);
}

static int by_score(const void *a, const void *b)
{
    return before(a, b);
}

static int by_id(const void *a, const void *b)
{
    const ctx_fused_row *x = a, *y = b;
    return (x->row.id > y->row.id) - (x->row.id < y->row.id);
}

static int add(ctx_fusion *f, const ctx_fused_row *row, ctx_error *error)
{
    if (f->count == f->room) {
        size_t room = f->room ? 2 * f->room : 64;
        ctx_fused_row *more = sqlite3_realloc64(f->head, room * sizeof *more);
        if (!more)
            return no_memory(f, error);
        f->head = more;
        f->room = room;
    }
    f->head[f->count++] = *row;
    return SQLITE_OK;
}

/* ---- Words ---- */

/* Finds the row's nearest chunk, unless it is known. */
static int measure(ctx_fusion *f, ctx_fused_row *row, ctx_error *error)
{
    if (row->measured)
        return SQLITE_OK;
    row->measured = true;
    row->row.distance = NAN;
    return f->has_vector ? ctx_answer_measure(f->answer, &row->row, error) : SQLITE_OK;
}

static bool has_bounds(const ctx_filter *filter)
{
    return filter->from > -HUGE_VAL || filter->to < HUGE_VAL || filter->beyond_from ||
           filter->before_to;
}

/* What words find. */
typedef struct wording {
    ctx_fusion *fusion;
    sqlite3_int64 rows; /* that FTS5 gave, whether they count or not */
} wording;

static int take_word(void *context, sqlite3_int64 id, ctx_error *error)
{
    wording *w = context;
    ctx_fusion *f = w->fusion;
    ctx_fused_row row = {.row = {.id = id}};
    bool is;
    w->rows++;
    if (!ctx_filter_passes(f->filter, id))
        return SQLITE_OK;
    int code = ctx_index_has(f->index, id, &is, error);
    if (code != SQLITE_OK || !is)
        return code;
    if (has_bounds(f->filter)) {
        code = measure(f, &row, error);
        if (code != SQLITE_OK || !ctx_filter_in_reach(f->filter, row.row.distance))
            return code;
    }
    row.bm25_rank = (sqlite3_int64)f->count + 1;
    code = add(f, &row, error);
    return code == SQLITE_OK && f->count == f->depth ? SQLITE_DONE : code;
}

/* The list of words, by row id. Few rows are sorted in less time than all, and mostly the first
** ones do. */
static int find_words(ctx_fusion *f, const char *text, size_t size, ctx_error *error)
{
    const ctx_filter *filter = f->filter;
    wording w = {.fusion = f};
    if (filter->low > filter->high)
        return SQLITE_OK;
    int code = ctx_words_find(f->index->words, text, size, filter->low, filter->high,
                              (int)f->depth, take_word, &w, error);
    if (code == SQLITE_OK && (size_t)w.rows == f->depth && f->count < f->depth) {
        f->count = 0;
        code = ctx_words_find(f->index->words, text, size, filter->low, filter->high, -1,
                              take_word, &w, error);
    }
    ctx_content_rest(f->index->content);
    if (code != SQLITE_OK || f->count == 0)
        return code;
    qsort(f->head, f->count, sizeof *f->head, by_id);
    f->found = sqlite3_malloc64(f->count * sizeof *f->found);
    if (!f->found)
        return no_memory(f, error);
    for (size_t i = 0; i < f->count; i++)
        f->found[i] = f->head[i].row.id;
    f->found_count = f->count;
    return SQLITE_OK;
}

/* The place among what words found, found_count: not there. */
static size_t look_up(const ctx_fusion *f, sqlite3_int64 id)
{
    size_t at = ctx_ids_from(f->found, f->found_count, id);
    return at < f->found_count && f->found[at] == id ? at : f->found_count;
}

/* ---- Head and tail ---- */

/* The answer's next row; NULL: there is none. */
static int next_near(ctx_fusion *f, const ctx_answer_row **row, ctx_error *error)
{
    int code = SQLITE_OK;
    *row = NULL;
    if (!f->runs)
        return code;
    if (!f->fresh && ctx_answer_now(f->answer))
        code = ctx_answer_next(f->answer, error);
    f->fresh = false;
    if (code == SQLITE_OK)
        *row = ctx_answer_now(f->answer);
    f->position += *row != NULL;
    return code;
}

/* Puts the nearest rows beside what words found, and the distance of what only they did, as far
** as the first `rows` go (0: all). */
static int make_head(ctx_fusion *f, sqlite3_int64 rows, ctx_error *error)
{
    const ctx_answer_row *near;
    int code = SQLITE_OK;
    while (code == SQLITE_OK && f->position < (sqlite3_int64)f->depth) {
        code = next_near(f, &near, error);
        if (code != SQLITE_OK || !near)
            break;
        size_t at = look_up(f, near->id);
        ctx_fused_row row = {.row = *near, .semantic_rank = f->position, .measured = true};
        if (at == f->found_count) {
            code = add(f, &row, error);
        } else {
            row.bm25_rank = f->head[at].bm25_rank;
            f->head[at] = row;
        }
    }
    for (size_t i = 0; i < f->count; i++)
        f->head[i].score = score_of(f, &f->head[i]);
    if (f->count > 0)
        qsort(f->head, f->count, sizeof *f->head, by_score);
    size_t given = rows > 0 && (sqlite3_uint64)rows < f->count ? (size_t)rows : f->count;
    for (size_t i = 0; i < given && code == SQLITE_OK; i++)
        code = measure(f, &f->head[i], error);
    return code;
}

/* Finds the tail's next row, if there is none at hand. */
static int find_tail(ctx_fusion *f, ctx_error *error)
{
    const ctx_answer_row *near;
    while (!f->has_tail) {
        int code = next_near(f, &near, error);
        if (code != SQLITE_OK || !near)
            return code;
        if (look_up(f, near->id) < f->found_count)
            continue;
        f->tail = (ctx_fused_row){.row = *near, .semantic_rank = f->position};
        f->tail.score = score_of(f, &f->tail);
        f->has_tail = true;
    }
    return SQLITE_OK;
}

/* Makes the next row the current one. */
static int advance(ctx_fusion *f, ctx_error *error)
{
    ctx_fused_row *head = f->at < f->count ? &f->head[f->at] : NULL;
    int code = SQLITE_OK;
    f->has_now = false;
    if (!head || head->score <= part(f->meaning, f->position + 1))
        code = find_tail(f, error);
    if (code != SQLITE_OK)
        return code;
    if (f->has_tail && (!head || before(&f->tail, head) < 0)) {
        f->now = f->tail;
        f->has_tail = false;
    } else if (head) {
        code = measure(f, head, error);
        if (code != SQLITE_OK)
            return code;
        f->now = *head;
        f->at++;
    } else {
        return SQLITE_OK;
    }
    f->has_now = true;
    return SQLITE_OK;
}

/* How deep both lists go: through a small index, where that costs little. */
static int find_depth(ctx_fusion *f, ctx_error *error)
{
    ctx_block_entry *directory = NULL;
    int blocks = 0;
    sqlite3_int64 chunks = 0;
    int code = ctx_storage_blocks(f->index->storage, f->index->config.generation, &directory,
                                  &blocks, error);
    for (int i = 0; i < blocks && code == SQLITE_OK; i++)
        chunks += directory[i].used;
    sqlite3_free(directory);
    f->depth = chunks <= CTX_FUSE_ALL ? CTX_FUSE_ALL : CTX_FUSE_DEPTH;
    return code;
}

/* ---- Life ---- */

ctx_fusion *ctx_fusion_open(ctx_index *index, ctx_answer *answer)
{
    ctx_fusion *f = sqlite3_malloc64(sizeof *f);
    if (!f)
        return NULL;
    memset(f, 0, sizeof *f);
    f->index = index;
    f->answer = answer;
    return f;
}

void ctx_fusion_close(ctx_fusion *f)
{
    if (!f)
        return;
    ctx_fusion_stop(f);
    sqlite3_free(f->head);
    sqlite3_free(f);
}

void ctx_fusion_stop(ctx_fusion *f)
{
    ctx_answer_stop(f->answer);
    sqlite3_free(f->found);
    f->found = NULL;
    f->found_count = f->count = f->at = 0;
    f->position = 0;
    f->runs = f->fresh = f->has_tail = f->has_now = false;
}

int ctx_fusion_start(ctx_fusion *f, const char *text, size_t size, const float *q,
                     const ctx_filter *filter, sqlite3_int64 rows, ctx_error *error)
{
    const ctx_config *config = &f->index->config;
    int code = SQLITE_OK;
    ctx_fusion_stop(f);
    f->filter = filter;
    f->has_vector = q != NULL;
    f->words = text ? config->weight_words : 0;
    f->meaning = text || config->weight_meaning > 0 ? config->weight_meaning : 1;
    code = find_depth(f, error);
    if (code == SQLITE_OK && q)
        code = ctx_answer_aim(f->answer, q, error);
    if (code == SQLITE_OK && f->words > 0)
        code = find_words(f, text, size, error);
    if (code == SQLITE_OK && q && f->meaning > 0) {
        sqlite3_int64 depth = f->found_count > 0 ? (sqlite3_int64)f->depth : rows;
        code = ctx_answer_start(f->answer, q, filter, depth, false, error);
        f->runs = f->fresh = code == SQLITE_OK;
    }
    if (code == SQLITE_OK && f->found_count > 0)
        code = make_head(f, rows, error);
    return code == SQLITE_OK ? advance(f, error) : code;
}

const ctx_fused_row *ctx_fusion_now(const ctx_fusion *f)
{
    return f->has_now ? &f->now : NULL;
}

int ctx_fusion_next(ctx_fusion *f, ctx_error *error)
{
    return advance(f, error);
}
