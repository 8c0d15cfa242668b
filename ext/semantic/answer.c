/*
** answer.c - see answer.h.
**
** How a row's place is proven. A pass (scan.c) gives hits and a threshold: every chunk that is
** not a hit and could matter has a true score below it. The hits' distances are computed from
** the float32 vectors as cosine_distance, dot and l2_distance compute them. A row of that list
** whose score reaches the threshold is nearer than everything that is not in the list, so the
** list, sorted, is the answer as far as its rows reach the threshold. If they are too few (rows
** that are gone from the content, chunks of one row that counted as several, bounds on the
** distance), another pass asks for more. So the threshold only decides how much work is done;
** that nothing is lost rests on the comparison at the end alone.
*/
#include "answer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pending.h"
#include "probe.h"
#include "query.h"

/* Rows of the first pass where nobody said how many; of each later one so many times more. */
enum { FIRST_ROWS = 64, MORE = 8 };

/* A row looked up by its id costs as much as so many codes in a scan. */
enum { LOOKUP_CODES = 512, LOOKUPS_ALWAYS = 16 };

struct ctx_answer {
    ctx_index *index;
    ctx_answer *next;      /* in index->answers, while it runs */
    bool runs;
    float *q;              /* [dimensions] */
    float *vector;         /* [dimensions] */
    int dimensions;        /* of these two */
    double qq;             /* |q|^2 */
    enc_question *question;
    ctx_probe *probe;      /* of an approximate index; NULL: all blocks are read */
    sqlite3_int64 *given;  /* [givens] ids of all rows that were made, ascending; with `probe` */
    size_t givens, given_room;
    const ctx_filter *filter;
    int generation;
    bool ask_pending;      /* rows waited when the question came: see exists() */
    ctx_scan scan;
    ctx_chunk *chunk;      /* [chunk_room] of one row */
    int chunk_room;
    ctx_answer_row *row;   /* [count] made, the current one at `at` */
    size_t count, room, at;
    size_t batch;          /* rows of the next pass */
    bool complete;         /* no rows after these */
    bool after;            /* rows up to `last` have been given */
    ctx_answer_row last;
};

static int no_memory(const ctx_answer *answer, ctx_error *error)
{
    return ctx_fail(error, SQLITE_NOMEM, answer->index->config.name, "out of memory");
}

/* ---- Distances ---- */

/* As the SQL functions compute it; NaN where a vector has no direction (cosine). */
static double distance_between(const ctx_answer *answer, const float *x)
{
    enum enc_metric metric = answer->index->config.metric;
    double value = enc_vector_compare(metric, ENC_FLOAT32, x, answer->q,
                                      (size_t)answer->dimensions);
    return metric == ENC_COSINE ? 1 - value : metric == ENC_DOT ? -value : value;
}

/* The score (encoder.h, "Codes") of a vector at that distance. */
static double score_at(const ctx_answer *answer, double distance)
{
    switch (answer->index->config.metric) {
    case ENC_COSINE: return 1 - distance;
    case ENC_DOT: return -distance;
    default: return (answer->qq - distance * distance) / 2;
    }
}

static int before(const ctx_answer_row *a, const ctx_answer_row *b)
{
    if (a->distance != b->distance)
        return a->distance < b->distance ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static int by_distance(const void *a, const void *b)
{
    return before(a, b);
}

/* ---- Rows of an approximate index ---- */

static int by_number(const void *a, const void *b)
{
    sqlite3_int64 x = *(const sqlite3_int64 *)a, y = *(const sqlite3_int64 *)b;
    return (x > y) - (x < y);
}

static bool was_given(const ctx_answer *answer, sqlite3_int64 id)
{
    return answer->givens && bsearch(&id, answer->given, answer->givens,
                                     sizeof *answer->given, by_number);
}

/* Notes the rows that were made. */
static int note_given(ctx_answer *answer, ctx_error *error)
{
    size_t count = answer->givens + answer->count;
    if (!answer->probe || answer->count == 0)
        return SQLITE_OK;
    if (count > answer->given_room) {
        sqlite3_int64 *more = sqlite3_realloc64(answer->given, 2 * count * sizeof *more);
        if (!more)
            return no_memory(answer, error);
        answer->given = more;
        answer->given_room = 2 * count;
    }
    for (size_t i = 0; i < answer->count; i++)
        answer->given[answer->givens++] = answer->row[i].id;
    qsort(answer->given, answer->givens, sizeof *answer->given, by_number);
    return SQLITE_OK;
}

/* Whether the row is to be given, by its distance. */
static bool is_wanted(const ctx_answer *answer, const ctx_answer_row *row)
{
    if (!ctx_filter_in_reach(answer->filter, row->distance))
        return false;
    if (answer->probe) /* what lists that were not read before have may be nearer */
        return !was_given(answer, row->id);
    return !answer->after || before(row, &answer->last) > 0;
}

/* Scores that can be wanted, with room for roundings. */
static void score_bounds(const ctx_answer *answer, double *low, double *high)
{
    const ctx_filter *filter = answer->filter;
    enum enc_metric metric = answer->index->config.metric;
    bool roots = metric == ENC_L2; /* distances are >= 0 */
    double size = metric == ENC_COSINE ? 1 : answer->qq;
    *low = -HUGE_VAL;
    *high = HUGE_VAL;
    double far = (double)filter->to, near = (double)filter->from;
    if (answer->after && !answer->probe && answer->last.distance > near)
        near = answer->last.distance;
    if (far < HUGE_VAL) {
        double s = score_at(answer, roots && far < 0 ? 0 : far);
        *low = s - ctx_scan_slack(s, size);
    }
    if (near > (roots ? 0 : -HUGE_VAL)) {
        double s = score_at(answer, near);
        *high = s + ctx_scan_slack(s, size);
    }
}

/* ---- The list ---- */

static int add_row(ctx_answer *answer, const ctx_answer_row *row, ctx_error *error)
{
    if (answer->count == answer->room) {
        size_t room = answer->room ? 2 * answer->room : FIRST_ROWS;
        ctx_answer_row *more = sqlite3_realloc64(answer->row, room * sizeof *more);
        if (!more)
            return no_memory(answer, error);
        answer->row = more;
        answer->room = room;
    }
    answer->row[answer->count++] = *row;
    return SQLITE_OK;
}

static int add_chunk(ctx_answer *answer, sqlite3_int64 id, sqlite3_int64 slot,
                     uint32_t chunk, ctx_error *error)
{
    int code = ctx_storage_vector(answer->index->storage, slot, answer->vector, error);
    if (code != SQLITE_OK)
        return code;
    ctx_answer_row row = {id, slot, distance_between(answer, answer->vector), chunk};
    return isnan(row.distance) ? SQLITE_OK : add_row(answer, &row, error);
}

/* All chunks of a row. */
static int add_whole_row(ctx_answer *answer, sqlite3_int64 id, ctx_error *error)
{
    ctx_row_entry entry;
    bool found;
    int code = ctx_storage_get(answer->index->storage, answer->generation, id, &entry,
                               &found, error);
    if (code != SQLITE_OK || !found)
        return code;
    if (entry.chunks > answer->chunk_room) {
        ctx_chunk *more = sqlite3_realloc64(answer->chunk,
                                            (sqlite3_uint64)entry.chunks * sizeof *more);
        if (!more)
            return no_memory(answer, error);
        answer->chunk = more;
        answer->chunk_room = entry.chunks;
    }
    if (entry.chunks > 0)
        memcpy(answer->chunk, entry.chunk, (size_t)entry.chunks * sizeof *entry.chunk);
    for (int i = 0; i < entry.chunks && code == SQLITE_OK; i++)
        code = add_chunk(answer, id, answer->chunk[i].slot, (uint32_t)i, error);
    return code;
}

static int by_id(const void *a, const void *b)
{
    const ctx_answer_row *x = a, *y = b;
    if (x->id != y->id)
        return (x->id > y->id) - (x->id < y->id);
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return (x->chunk > y->chunk) - (x->chunk < y->chunk);
}

/* Leaves of each row its nearest chunk (of equal ones the first). */
static void keep_nearest(ctx_answer *answer)
{
    if (answer->count == 0)
        return;
    qsort(answer->row, answer->count, sizeof *answer->row, by_id);
    size_t kept = 1;
    for (size_t i = 1; i < answer->count; i++)
        if (answer->row[kept - 1].id != answer->row[i].id)
            answer->row[kept++] = answer->row[i];
    answer->count = kept;
}

/* Leaves the rows that are wanted, nearest first. */
static void sort_wanted(ctx_answer *answer)
{
    size_t kept = 0;
    for (size_t i = 0; i < answer->count; i++)
        if (is_wanted(answer, &answer->row[i]))
            answer->row[kept++] = answer->row[i];
    answer->count = kept;
    if (kept > 0)
        qsort(answer->row, kept, sizeof *answer->row, by_distance);
}

/* ---- From hits to rows ---- */

static int by_upper(const void *a, const void *b)
{
    const ctx_hit *x = a, *y = b;
    float p = x->score + x->reach, q = y->score + y->reach;
    return (p < q) - (p > q);
}

static int by_slot(const void *a, const void *b)
{
    const ctx_hit *x = a, *y = b;
    return (x->slot > y->slot) - (x->slot < y->slot);
}

static int by_hit_id(const void *a, const void *b)
{
    const ctx_hit *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* The distances of hits first ... end - 1, read in the order in which they lie in the file. */
static int measure(ctx_answer *answer, size_t first, size_t end, ctx_error *error)
{
    ctx_hit *hit = answer->scan.hit;
    int code = SQLITE_OK;
    if (end > first)
        qsort(hit + first, end - first, sizeof *hit, by_slot);
    for (size_t i = first; i < end && code == SQLITE_OK; i++)
        code = add_chunk(answer, hit[i].id, hit[i].slot, hit[i].chunk, error);
    return code;
}

/* Rows of one chunk: the likeliest first, the others only as far as they can still be nearer
** than the last of those. Raises the threshold to what that leaves out. */
static int measure_single(ctx_answer *answer, size_t wanted, ctx_error *error)
{
    ctx_scan *scan = &answer->scan;
    if (wanted >= scan->hits)
        wanted = scan->hits;
    else
        qsort(scan->hit, scan->hits, sizeof *scan->hit, by_upper);
    int code = measure(answer, 0, wanted, error);
    if (code != SQLITE_OK || wanted == scan->hits)
        return code;
    sort_wanted(answer);
    size_t end = scan->hits;
    if (answer->count == wanted) {
        double least = score_at(answer, answer->row[wanted - 1].distance);
        double bound = least - ctx_scan_slack(least, scan->most_reach);
        end = wanted;
        while (end < scan->hits && (double)scan->hit[end].score + scan->hit[end].reach >= bound)
            end++;
        if (end < scan->hits) {
            scan->whole = false;
            if (least > scan->threshold)
                scan->threshold = least;
        }
    }
    return measure(answer, wanted, end, error);
}

/* Rows of several chunks: a row's nearest chunk reaches the threshold, or the row is none of
** the nearest. With a lower bound on the distance all its chunks count, also those that are
** too near to be hits: one of them takes the row away. */
static int measure_several(ctx_answer *answer, ctx_error *error)
{
    ctx_scan *scan = &answer->scan;
    int code = SQLITE_OK;
    if (scan->high == HUGE_VAL) {
        code = measure(answer, 0, scan->hits, error);
    } else if (scan->hits > 0) {
        qsort(scan->hit, scan->hits, sizeof *scan->hit, by_hit_id);
        for (size_t i = 0; i < scan->hits && code == SQLITE_OK; i++)
            if (i == 0 || scan->hit[i].id != scan->hit[i - 1].id)
                code = add_whole_row(answer, scan->hit[i].id, error);
    }
    keep_nearest(answer);
    return code;
}

/* Whether the row is (still) there: external content can lose rows behind the index's back,
** and where rows wait and are not to be flushed one may have been deleted. */
static int exists(ctx_answer *answer, sqlite3_int64 id, bool *is, ctx_error *error)
{
    ctx_index *index = answer->index;
    *is = true;
    if (answer->ask_pending) {
        enum ctx_pending_state state;
        int code = ctx_pending_state(index->pending, id, &state, error);
        if (code != SQLITE_OK || state == CTX_PENDING_GONE) {
            *is = false;
            return code;
        }
    }
    if (index->config.content == CTX_CONTENT_EXTERNAL)
        return ctx_content_exists(index->content, id, is, error);
    return SQLITE_OK;
}

/* Of the sorted rows leaves those that are proven and exist, `wanted` at most; *all: every row
** of the list was looked at. */
static int keep_existing(ctx_answer *answer, size_t wanted, bool *all, ctx_error *error)
{
    const ctx_scan *scan = &answer->scan;
    size_t kept = 0, i = 0;
    int code = SQLITE_OK;
    for (; i < answer->count && kept < wanted && code == SQLITE_OK; i++) {
        bool is;
        if (!scan->whole && !(score_at(answer, answer->row[i].distance) >= scan->threshold))
            break;
        code = exists(answer, answer->row[i].id, &is, error);
        if (code == SQLITE_OK && is)
            answer->row[kept++] = answer->row[i];
    }
    *all = scan->whole && i == answer->count;
    answer->count = kept;
    ctx_content_rest(answer->index->content);
    return code;
}

/* ---- Passes ---- */

/* Looks up every row that the filter leaves, if these are few beside `codes`. */
static int look_up(ctx_answer *answer, ctx_error *error)
{
    sqlite3_int64 id;
    int code = SQLITE_OK;
    bool more = ctx_filter_next(answer->filter, INT64_MIN, &id);
    while (more && code == SQLITE_OK) {
        code = add_whole_row(answer, id, error);
        more = id < INT64_MAX && ctx_filter_next(answer->filter, id + 1, &id);
    }
    answer->scan.whole = true;
    keep_nearest(answer);
    return code;
}

static int pass(ctx_answer *answer, const ctx_block_entry *directory, int blocks,
                size_t wanted, ctx_error *error)
{
    ctx_scan *scan = &answer->scan;
    scan->wanted = wanted;
    score_bounds(answer, &scan->low, &scan->high);
    int code = ctx_scan_run(scan, directory, blocks, error);
    if (code != SQLITE_OK)
        return code;
    return scan->several ? measure_several(answer, error)
                         : measure_single(answer, wanted, error);
}

/* The blocks that an approximate index reads for `rows` rows come first, *chosen of them. As many
** vectors are read for each row, and more where the filter leaves few of them. */
static int choose(ctx_answer *answer, ctx_block_entry *directory, int blocks, size_t rows,
                  bool further, int *chosen, ctx_error *error)
{
    enum { VECTORS_PER_ROW = 16 };
    double all = 0, most = (double)ctx_filter_count(answer->filter);
    *chosen = blocks;
    if (!answer->probe)
        return SQLITE_OK;
    for (int i = 0; i < blocks; i++)
        all += directory[i].used;
    double vectors = VECTORS_PER_ROW * (double)rows * (most < all && most > 0 ? all / most : 1);
    return ctx_probe_choose(answer->probe, directory, blocks,
                            vectors < all ? (sqlite3_int64)vectors : INT64_MAX, further, chosen,
                            error);
}

static bool is_few(sqlite3_int64 rows, const ctx_block_entry *directory, int blocks)
{
    sqlite3_int64 codes = 0;
    for (int i = 0; i < blocks; i++)
        codes += directory[i].used;
    return rows <= LOOKUPS_ALWAYS || rows <= codes / LOOKUP_CODES;
}

/* Makes the next rows, `wanted` if there are as many. */
static int make_rows(ctx_answer *answer, size_t wanted, ctx_error *error)
{
    ctx_block_entry *directory = NULL;
    int blocks = 0, chosen = 0;
    sqlite3_int64 most = ctx_filter_count(answer->filter);
    bool all = false;
    int code = SQLITE_OK;
    if (most > LOOKUPS_ALWAYS)
        code = ctx_storage_blocks(answer->index->storage, answer->generation, &directory,
                                  &blocks, error);
    bool few = code == SQLITE_OK && is_few(most, directory, blocks);
    if (few) /* all at once: they are not to be looked up again */
        wanted = SIZE_MAX;
    for (size_t more = wanted; code == SQLITE_OK; more = 4 * more + 16) {
        answer->count = answer->at = 0;
        if (!few)
            code = choose(answer, directory, blocks, more, more > wanted, &chosen, error);
        if (code != SQLITE_OK)
            break;
        size_t given = more < SIZE_MAX / 8 ? answer->givens : 0;
        code = few ? look_up(answer, error)
                   : pass(answer, directory, chosen, more + given, error);
        if (code != SQLITE_OK)
            break;
        sort_wanted(answer);
        code = keep_existing(answer, wanted, &all, error);
        all = all && (few || chosen == blocks);
        if (all || answer->count >= wanted)
            break;
        if (more > SIZE_MAX / 8)
            more = SIZE_MAX / 8;
    }
    sqlite3_free(directory);
    if (code == SQLITE_OK)
        code = note_given(answer, error);
    if (code != SQLITE_OK)
        answer->count = 0;
    answer->complete = all || code != SQLITE_OK;
    return code;
}

/* ---- Life ---- */

ctx_answer *ctx_answer_open(ctx_index *index)
{
    ctx_answer *answer = sqlite3_malloc64(sizeof *answer);
    if (!answer)
        return NULL;
    memset(answer, 0, sizeof *answer);
    answer->index = index;
    return answer;
}

void ctx_answer_close(ctx_answer *answer)
{
    if (!answer)
        return;
    ctx_answer_stop(answer);
    ctx_scan_clear(&answer->scan);
    sqlite3_free(answer->q);
    sqlite3_free(answer->vector);
    sqlite3_free(answer->chunk);
    sqlite3_free(answer->row);
    sqlite3_free(answer->given);
    sqlite3_free(answer);
}

void ctx_answer_stop(ctx_answer *answer)
{
    if (answer->runs) {
        ctx_answer **link = &answer->index->answers;
        while (*link != answer)
            link = &(*link)->next;
        *link = answer->next;
    }
    enc_question_close(answer->question);
    answer->question = NULL;
    ctx_probe_close(answer->probe);
    answer->probe = NULL;
    answer->givens = 0;
    answer->runs = answer->after = false;
    answer->count = answer->at = 0;
    answer->complete = true;
}

int ctx_answer_aim(ctx_answer *answer, const float *q, ctx_error *error)
{
    const ctx_config *config = &answer->index->config;
    size_t n = (size_t)config->dimensions;
    if (answer->dimensions != config->dimensions) {
        sqlite3_free(answer->q);
        sqlite3_free(answer->vector);
        answer->dimensions = config->dimensions;
        answer->q = sqlite3_malloc64(n * sizeof *answer->q);
        answer->vector = sqlite3_malloc64(n * sizeof *answer->vector);
    }
    if (!answer->q || !answer->vector) {
        answer->dimensions = 0;
        return no_memory(answer, error);
    }
    memcpy(answer->q, q, n * sizeof *q);
    answer->qq = enc_vector_compare(ENC_DOT, ENC_FLOAT32, q, q, n);
    answer->generation = config->generation;
    return SQLITE_OK;
}

/* Its row comes behind those that are made, and goes again. */
int ctx_answer_measure(ctx_answer *answer, ctx_answer_row *row, ctx_error *error)
{
    const size_t count = answer->count;
    int code = add_whole_row(answer, row->id, error);
    row->distance = NAN;
    for (size_t i = count; i < answer->count; i++)
        if (i == count || answer->row[i].distance < row->distance)
            *row = answer->row[i];
    answer->count = count;
    return code;
}

/* Takes the question in for passes over the codes. */
static int open_question(ctx_answer *answer, const float *q, ctx_error *error)
{
    const ctx_config *config = &answer->index->config;
    int code = ctx_answer_aim(answer, q, error);
    if (code != SQLITE_OK)
        return code;
    enc_error failure = {0};
    if (enc_question_open(config->metric, ctx_config_codes(config), answer->q,
                          (size_t)config->dimensions, &answer->question, &failure) != ENC_OK)
        return ctx_fail_encoder(error, config->name, &failure);
    return SQLITE_OK;
}

int ctx_answer_start(ctx_answer *answer, const float *q, const ctx_filter *filter,
                     sqlite3_int64 rows, ctx_error *error)
{
    ctx_index *index = answer->index;
    sqlite3_int64 waiting = 0;
    ctx_answer_stop(answer);
    int code = open_question(answer, q, error);
    if (code == SQLITE_OK)
        code = ctx_pending_count(index->pending, &waiting, error);
    if (code == SQLITE_OK)
        code = ctx_probe_open(index, q, &answer->probe, error);
    if (code != SQLITE_OK)
        return code;
    answer->filter = filter;
    answer->ask_pending = waiting > 0;
    answer->scan.connection = index->connection;
    answer->scan.storage = index->storage;
    answer->scan.config = &index->config;
    answer->scan.question = answer->question;
    answer->scan.filter = filter;
    answer->scan.several = index->config.chunk > 0;
    size_t first = rows > 0 && (sqlite3_uint64)rows < SIZE_MAX / 64 ? (size_t)rows : FIRST_ROWS;
    answer->batch = first < SIZE_MAX / (64 * MORE) ? first * MORE : first;
    code = make_rows(answer, first, error);
    answer->next = index->answers;
    index->answers = answer;
    answer->runs = true;
    return code;
}

const ctx_answer_row *ctx_answer_now(const ctx_answer *answer)
{
    return answer->at < answer->count ? &answer->row[answer->at] : NULL;
}

int ctx_answer_next(ctx_answer *answer, ctx_error *error)
{
    answer->last = answer->row[answer->at++];
    answer->after = true;
    if (answer->at < answer->count || answer->complete)
        return SQLITE_OK;
    size_t wanted = answer->batch;
    if (answer->batch < SIZE_MAX / (64 * MORE))
        answer->batch *= MORE;
    return make_rows(answer, wanted, error);
}

/* All that is still to come goes behind the rows that are made and not yet given. */
static int settle(ctx_answer *answer, ctx_error *error)
{
    if (answer->complete || answer->at >= answer->count)
        return SQLITE_OK;
    size_t left = answer->count - answer->at;
    ctx_answer_row *made = sqlite3_malloc64(left * sizeof *made);
    if (!made)
        return no_memory(answer, error);
    memcpy(made, answer->row + answer->at, left * sizeof *made);
    ctx_answer_row last = answer->last;
    bool after = answer->after;
    answer->last = made[left - 1];
    answer->after = true;
    int code = make_rows(answer, SIZE_MAX, error);
    size_t more = answer->count;
    for (size_t i = 0; i < left && code == SQLITE_OK; i++)
        code = add_row(answer, &made[i], error);
    if (code == SQLITE_OK) {
        memmove(answer->row + left, answer->row, more * sizeof *made);
        memcpy(answer->row, made, left * sizeof *made);
    }
    answer->last = last;
    answer->after = after;
    sqlite3_free(made);
    return code;
}

int ctx_answers_settle(ctx_index *index, ctx_error *error)
{
    int code = SQLITE_OK;
    for (ctx_answer *a = index->answers; a && code == SQLITE_OK; a = a->next)
        code = settle(a, error);
    return code;
}
