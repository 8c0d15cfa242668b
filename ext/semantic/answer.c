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
#include "answer_parts.h"

#include <math.h>
#include <string.h>

#include "pending.h"
#include "query.h"

/* Rows of the first pass where nobody said how many; of each later one so many times more. */
enum { FIRST_ROWS = 64, MORE = 8 };

/* A row looked up by its id costs as much as so many codes in a scan. */
enum { LOOKUP_CODES = 512, LOOKUPS_ALWAYS = 16 };

/* ---- Passes ---- */

/* Looks up every row that the filter leaves, if these are few beside `codes`. */
static int look_up(ctx_answer *answer, ctx_error *error)
{
    sqlite3_int64 id;
    int code = SQLITE_OK;
    bool more = ctx_filter_next(answer->filter, INT64_MIN, &id);
    while (more && code == SQLITE_OK) {
        code = ctx_answer_add_whole_row(answer, id, error);
        more = id < INT64_MAX && ctx_filter_next(answer->filter, id + 1, &id);
    }
    answer->scan.whole = true;
    ctx_answer_keep_nearest(answer);
    return code;
}

static int pass(ctx_answer *answer, const ctx_block_entry *directory, int blocks,
                size_t wanted, ctx_error *error)
{
    ctx_scan *scan = &answer->scan;
    scan->wanted = wanted;
    ctx_answer_score_bounds(answer, &scan->low, &scan->high);
    int code = ctx_scan_run(scan, directory, blocks, error);
    if (code != SQLITE_OK)
        return code;
    return scan->several ? ctx_answer_measure_several(answer, error)
                         : ctx_answer_measure_single(answer, wanted, error);
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

/* Adds what was read since vectors took `vectors` bytes, for semantic_status. */
static void count_bytes(ctx_answer *answer, int blocks, sqlite3_int64 vectors)
{
    ctx_index *index = answer->index;
    answer->bytes += blocks * (sqlite3_int64)sizeof(ctx_block_entry) + answer->scan.read +
                     ctx_storage_vector_bytes(index->storage) - vectors;
    answer->scan.read = 0;
    index->question_bytes = answer->bytes;
}

/* Makes the next rows, `wanted` if there are as many. */
static int make_rows(ctx_answer *answer, size_t wanted, ctx_error *error)
{
    ctx_block_entry *directory = NULL;
    const sqlite3_int64 vectors = ctx_storage_vector_bytes(answer->index->storage);
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
        ctx_answer_sort_wanted(answer);
        code = ctx_answer_keep_existing(answer, wanted, &all, error);
        all = all && (few || chosen == blocks);
        if (all || answer->count >= wanted)
            break;
        if (more > SIZE_MAX / 8)
            more = SIZE_MAX / 8;
    }
    sqlite3_free(directory);
    count_bytes(answer, blocks, vectors);
    if (code == SQLITE_OK && !all)
        code = ctx_answer_note_given(answer, error);
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
        return ctx_answer_no_memory(answer, error);
    }
    memcpy(answer->q, q, n * sizeof *q);
    answer->qq = enc_vector_compare(ENC_DOT, ENC_FLOAT32, q, q, n);
    answer->generation = config->generation;
    answer->knowns = answer->next_known = 0;
    return SQLITE_OK;
}

/* Its row comes behind those that are made, and goes again. */
int ctx_answer_measure(ctx_answer *answer, ctx_answer_row *row, ctx_error *error)
{
    const size_t count = answer->count;
    int code = ctx_answer_add_whole_row(answer, row->id, error);
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
                     sqlite3_int64 rows, bool in_order, ctx_error *error)
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
    answer->in_order = in_order || !answer->probe;
    answer->bytes = ctx_probe_bytes(answer->probe);
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

/* All that is still to come goes behind the rows that are made and not yet given. Where that fails,
** whoever wanted to write does not, and the answer is as before. */
static int settle(ctx_answer *answer, ctx_error *error)
{
    if (answer->complete || answer->at >= answer->count)
        return SQLITE_OK;
    size_t left = answer->count - answer->at;
    ctx_answer_row *made = sqlite3_malloc64(left * sizeof *made);
    if (!made)
        return ctx_answer_no_memory(answer, error);
    memcpy(made, answer->row + answer->at, left * sizeof *made);
    ctx_answer_row last = answer->last;
    bool after = answer->after;
    answer->last = made[left - 1];
    answer->after = true;
    int code = make_rows(answer, SIZE_MAX, error);
    size_t more = answer->count;
    for (size_t i = 0; i < left && code == SQLITE_OK; i++)
        code = ctx_answer_add_row(answer, &made[i], error);
    if (code == SQLITE_OK) {
        memmove(answer->row + left, answer->row, more * sizeof *made);
    } else {
        answer->at = 0;
        answer->count = left;
        answer->complete = false;
    }
    memcpy(answer->row, made, left * sizeof *made);
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
