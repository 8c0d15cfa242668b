/*
** answer_rows.c - rows from the hits of a scan: distances, order, what is wanted, proven and
** there. See answer.c for how a row's place is proven.
*/
#include "answer_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pending.h"

enum { FIRST_ROOM = 64 };

/* So few vectors are read without looking for equal ones, which takes a handle first. */
enum { FEW_HITS = 32 };

int ctx_answer_no_memory(const ctx_answer *answer, ctx_error *error)
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

int ctx_answer_note_given(ctx_answer *answer, ctx_error *error)
{
    size_t count = answer->givens + answer->count;
    if (answer->in_order || answer->count == 0)
        return SQLITE_OK;
    if (count > answer->given_room) {
        sqlite3_int64 *more = sqlite3_realloc64(answer->given, 2 * count * sizeof *more);
        if (!more)
            return ctx_answer_no_memory(answer, error);
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
    if (!answer->in_order) /* what lists that were not read before have may be nearer */
        return !was_given(answer, row->id);
    return !answer->after || before(row, &answer->last) > 0;
}

void ctx_answer_score_bounds(const ctx_answer *answer, double *low, double *high)
{
    const ctx_filter *filter = answer->filter;
    enum enc_metric metric = answer->index->config.metric;
    bool roots = metric == ENC_L2; /* distances are >= 0 */
    double size = metric == ENC_COSINE ? 1 : answer->qq;
    *low = -HUGE_VAL;
    *high = HUGE_VAL;
    double far = filter->to, near = filter->from;
    if (answer->after && answer->in_order && answer->last.distance > near)
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

int ctx_answer_add_row(ctx_answer *answer, const ctx_answer_row *row, ctx_error *error)
{
    if (answer->count == answer->room) {
        size_t room = answer->room ? 2 * answer->room : FIRST_ROOM;
        ctx_answer_row *more = sqlite3_realloc64(answer->row, room * sizeof *more);
        if (!more)
            return ctx_answer_no_memory(answer, error);
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
    return isnan(row.distance) ? SQLITE_OK : ctx_answer_add_row(answer, &row, error);
}

int ctx_answer_add_whole_row(ctx_answer *answer, sqlite3_int64 id, ctx_error *error)
{
    ctx_row_entry entry;
    bool found;
    int code = ctx_storage_get(answer->index->storage, answer->generation, id, &entry,
                               &found, error);
    if (code != SQLITE_OK)
        return code;
    if (!found) /* never there, or lost? */
        return ctx_storage_prove(answer->index->storage, answer->generation, error);
    if (entry.chunks > answer->chunk_room) {
        ctx_chunk *more = sqlite3_realloc64(answer->chunk,
                                            (sqlite3_uint64)entry.chunks * sizeof *more);
        if (!more)
            return ctx_answer_no_memory(answer, error);
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

void ctx_answer_keep_nearest(ctx_answer *answer)
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

void ctx_answer_sort_wanted(ctx_answer *answer)
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

/* The known vector of the hit's score and reach, as equal ones have; -1: none. */
static int find_known(const ctx_answer *answer, const ctx_hit *hit)
{
    for (int i = 0; i < answer->knowns; i++)
        if (answer->known[i].score == hit->score && answer->known[i].reach == hit->reach)
            return i;
    return -1;
}

/* Adds the hit with the distance of the known vector, if it has that vector; *added. */
static int add_known(ctx_answer *answer, const ctx_hit *hit, int known, ctx_sums *at,
                     bool *added, ctx_error *error)
{
    int code = ctx_storage_holds(answer->index->storage, at, hit->slot,
                                 answer->known[known].checksum, added, error);
    if (code != SQLITE_OK || !*added)
        return code;
    ctx_answer_row row = {hit->id, hit->slot, answer->known[known].distance, hit->chunk};
    return ctx_answer_add_row(answer, &row, error);
}

/* The vector that was just measured is the hit's. */
static void note_known(ctx_answer *answer, const ctx_hit *hit, int known)
{
    if (known < 0) {
        known = answer->next_known;
        answer->next_known = (known + 1) % CTX_KNOWN;
        if (answer->knowns < CTX_KNOWN)
            answer->knowns++;
    }
    size_t size = (size_t)answer->dimensions * sizeof *answer->vector;
    answer->known[known] = (ctx_known){hit->score, hit->reach,
                                       enc_checksum(answer->vector, size),
                                       answer->row[answer->count - 1].distance};
}

/* The distances of hits first ... end - 1, read in the order in which they lie in the file. */
static int measure(ctx_answer *answer, size_t first, size_t end, ctx_error *error)
{
    ctx_hit *hit = answer->scan.hit;
    ctx_sums at = {0};
    int code = SQLITE_OK;
    if (end > first)
        qsort(hit + first, end - first, sizeof *hit, by_slot);
    for (size_t i = first; i < end && code == SQLITE_OK; i++) {
        int known = end - first < FEW_HITS ? -1 : find_known(answer, &hit[i]);
        bool added = false;
        if (known >= 0)
            code = add_known(answer, &hit[i], known, &at, &added, error);
        if (code != SQLITE_OK || added)
            continue;
        const size_t count = answer->count;
        code = add_chunk(answer, hit[i].id, hit[i].slot, hit[i].chunk, error);
        if (answer->count > count && end - first >= FEW_HITS)
            note_known(answer, &hit[i], known);
    }
    ctx_sums_close(&at);
    return code;
}

/* Rows of one chunk: the likeliest first, the others only as far as they can still be nearer
** than the last of those. Raises the threshold to what that leaves out. */
int ctx_answer_measure_single(ctx_answer *answer, size_t wanted, ctx_error *error)
{
    ctx_scan *scan = &answer->scan;
    if (wanted >= scan->hits)
        wanted = scan->hits;
    else
        qsort(scan->hit, scan->hits, sizeof *scan->hit, by_upper);
    int code = measure(answer, 0, wanted, error);
    if (code != SQLITE_OK || wanted == scan->hits)
        return code;
    ctx_answer_sort_wanted(answer);
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
int ctx_answer_measure_several(ctx_answer *answer, ctx_error *error)
{
    ctx_scan *scan = &answer->scan;
    int code = SQLITE_OK;
    if (scan->high == HUGE_VAL) {
        code = measure(answer, 0, scan->hits, error);
    } else if (scan->hits > 0) {
        qsort(scan->hit, scan->hits, sizeof *scan->hit, by_hit_id);
        for (size_t i = 0; i < scan->hits && code == SQLITE_OK; i++)
            if (i == 0 || scan->hit[i].id != scan->hit[i - 1].id)
                code = ctx_answer_add_whole_row(answer, scan->hit[i].id, error);
    }
    ctx_answer_keep_nearest(answer);
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

int ctx_answer_keep_existing(ctx_answer *answer, size_t wanted, bool *all, ctx_error *error)
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
