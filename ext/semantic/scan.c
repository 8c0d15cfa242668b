/*
** scan.c - see scan.h.
**
** Why nothing is lost: let t be the n-th best of the lower bounds score - reach of n different
** rows that count. Then n rows are known whose true scores are >= t, so a chunk whose upper
** bound score + reach is below t is behind them all. Bounds are float32, and distances are
** computed in double from float32 vectors; both roundings are far below ctx_scan_slack, by
** which t is lowered before anything is dropped. A row with several chunks counts once, with
** its best lower bound. Chunks that may be beyond `high` don't count, but those that certainly
** are need not be kept: they are of no use to the caller.
**
** Codes that their heads leave in doubt (encoder.h) and that are unlikely to raise the threshold
** are put off until all blocks are read or the room for them is full. Most of them the threshold
** has settled by then; the rests of the others are asked for one block ahead.
*/
#include "scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Hits that come together before the threshold is looked at again: a few, since each look
** costs as much as there are hits, and every code that the threshold stops saves more. Of equal
** vectors so many stay that a look waits for a part of them, 1 / MANY. */
enum { FRESH = 2, MANY = 16 };

/* Codes that are put off at a time: 2 MiB of them. Beside its bytes a slot has so many of numbers
** in a block, nearly. */
enum { MOST_LATER = 128 << 10, SLOT_NUMBERS = 40 };

/* The host is asked whether to go on after so many bytes of codes, some 2 ms. */
enum { ASK_EVERY = 64 << 20 };

void ctx_scan_clear(ctx_scan *scan)
{
    sqlite3_free(scan->hit);
    sqlite3_free(scan->candidate);
    sqlite3_free(scan->best);
    sqlite3_free(scan->later.doubt);
    sqlite3_free(scan->put_off);
    *scan = (ctx_scan){0};
}

static int no_memory(const ctx_scan *scan, ctx_error *error)
{
    return ctx_fail(error, SQLITE_NOMEM, scan->config->name, "out of memory");
}

/* Room for `count` elements of `size` bytes. */
static int make_room(const ctx_scan *scan, void **array, size_t *room, size_t count,
                     size_t size, ctx_error *error)
{
    if (count <= *room)
        return SQLITE_OK;
    size_t more = count + count / 2;
    void *grown = sqlite3_realloc64(*array, more * size);
    if (!grown)
        return no_memory(scan, error);
    *array = grown;
    *room = more;
    return SQLITE_OK;
}

/* ---- The threshold ---- */

static float lower_bound(const ctx_hit *hit)
{
    return hit->score - hit->reach;
}

static int by_row(const void *a, const void *b)
{
    const ctx_hit *x = *(ctx_hit *const *)a, *y = *(ctx_hit *const *)b;
    if (x->id != y->id)
        return (x->id > y->id) - (x->id < y->id);
    float p = lower_bound(x), q = lower_bound(y);
    return (p < q) - (p > q);
}

/* The n-th largest lower bound, n >= 1, n <= count; reorders (Hoare's selection). */
static float nth_lower(ctx_hit **list, size_t count, size_t n)
{
    size_t first = 0, last = count - 1, target = n - 1;
    while (first < last) {
        float pivot = lower_bound(list[first + (last - first) / 2]);
        size_t i = first, j = last;
        for (;;) {
            while (lower_bound(list[i]) > pivot)
                i++;
            while (lower_bound(list[j]) < pivot)
                j--;
            if (i >= j)
                break;
            ctx_hit *swap = list[i];
            list[i++] = list[j];
            list[j--] = swap;
        }
        if (target <= j)
            last = j;
        else
            first = j + 1;
    }
    return lower_bound(list[target]);
}

/* The value to pass to the encoder: below the threshold by all that roundings may be. */
static float cut(const ctx_scan *scan)
{
    double t = scan->threshold;
    if (!isfinite(t))
        return (float)t;
    t -= ctx_scan_slack(t, scan->most_reach);
    return t > -(double)INFINITY ? nextafterf((float)t, -INFINITY) : -INFINITY;
}

static void drop_hits(ctx_scan *scan)
{
    float least = cut(scan);
    size_t kept = 0;
    for (size_t i = 0; i < scan->hits; i++)
        if (scan->hit[i].score + scan->hit[i].reach >= least)
            scan->hit[kept++] = scan->hit[i];
    scan->hits = kept;
}

/* Raises the threshold as far as the hits prove. */
static int raise_threshold(ctx_scan *scan, ctx_error *error)
{
    scan->fresh = 0;
    if (scan->hits < scan->wanted)
        return SQLITE_OK;
    int code = make_room(scan, (void **)&scan->best, &scan->best_room, scan->hits,
                         sizeof *scan->best, error);
    if (code != SQLITE_OK)
        return code;
    size_t count = 0;
    for (size_t i = 0; i < scan->hits; i++) {
        ctx_hit *hit = &scan->hit[i];
        double upper = (double)hit->score + hit->reach;
        if (upper + ctx_scan_slack(upper, hit->reach) <= scan->high)
            scan->best[count++] = hit;
    }
    if (scan->several) {
        qsort(scan->best, count, sizeof *scan->best, by_row);
        size_t rows = 0;
        for (size_t i = 0; i < count; i++)
            if (rows == 0 || scan->best[rows - 1]->id != scan->best[i]->id)
                scan->best[rows++] = scan->best[i];
        count = rows;
    }
    if (count < scan->wanted)
        return SQLITE_OK;
    double t = nth_lower(scan->best, count, scan->wanted);
    if (t > scan->threshold) {
        scan->threshold = t;
        scan->whole = false;
        drop_hits(scan);
    }
    return SQLITE_OK;
}

/* ---- The pass ---- */

static int add_hits(ctx_scan *scan, const ctx_block *block, size_t count, ctx_error *error)
{
    int code = make_room(scan, (void **)&scan->hit, &scan->room, scan->hits + count,
                         sizeof *scan->hit, error);
    if (code != SQLITE_OK)
        return code;
    sqlite3_int64 first_slot = block->number * scan->config->block_rows;
    for (size_t i = 0; i < count; i++) {
        const enc_candidate *c = &scan->candidate[i];
        sqlite3_int64 id = block->id[c->index];
        double lower = (double)c->score - c->reach;
        if (block->chunk[c->index] == CTX_FREE || !ctx_filter_passes(scan->filter, id) ||
            lower - ctx_scan_slack(lower, c->reach) > scan->high)
            continue;
        if (c->reach > scan->most_reach)
            scan->most_reach = c->reach;
        scan->hit[scan->hits++] = (ctx_hit){id, first_slot + c->index,
                                            block->chunk[c->index], c->score, c->reach};
        scan->fresh++;
    }
    return SQLITE_OK;
}

/* Bytes of a block that a pass reads: what is streamed of `heads` slots, the rests of codes that were
** looked at, and of those slots that stay what is looked up besides. */
static sqlite3_int64 bytes_read(const ctx_scan *scan, const ctx_block *block, size_t heads,
                                size_t rests, size_t stayed)
{
    const ctx_config *config = scan->config;
    const enc_codes *codes = &block->codes;
    enum enc_vector_type type = ctx_config_codes(config);
    size_t head = enc_code_head(type, (size_t)config->dimensions);
    size_t rest = enc_code_size(type, (size_t)config->dimensions) - head;
    size_t error = codes->error ? sizeof *codes->error : 0;
    size_t slot = head + sizeof *codes->scale + (rest ? sizeof *codes->coarse : error) +
                  (codes->offset ? sizeof *codes->offset : 0);
    return (sqlite3_int64)(heads * slot + rests * (rest + (rest ? error : 0)) +
                           stayed * (sizeof *block->id + sizeof *block->chunk));
}

/* Adds the first `count` candidates, of a block, and raises the threshold if they are enough. */
static int take_candidates(ctx_scan *scan, const ctx_block *block, size_t count,
                           ctx_error *error)
{
    int code = add_hits(scan, block, count, error);
    size_t enough = scan->wanted / 4 > FRESH ? scan->wanted / 4 : FRESH;
    if (enough < scan->hits / MANY)
        enough = scan->hits / MANY;
    if (code == SQLITE_OK && scan->fresh >= enough)
        code = raise_threshold(scan, error);
    return code;
}

/* Scans the block and releases it, at once or when what it puts off is settled. `next` is the one
** that follows, or NULL. */
static int scan_block(ctx_scan *scan, const ctx_block *block, const ctx_block *next,
                      ctx_error *error)
{
    int code = make_room(scan, (void **)&scan->candidate, &scan->candidate_room,
                         block->codes.count, sizeof *scan->candidate, error);
    if (code != SQLITE_OK) {
        ctx_block_release(block);
        return code;
    }
    size_t rests = 0, before = scan->later.count;
    enc_codes codes = block->codes;
    codes.next = next ? next->codes.code : NULL;
    size_t count = enc_question_scan(scan->question, &codes, cut(scan), scan->candidate,
                                     &scan->later, &rests);
    scan->read += bytes_read(scan, block, codes.count, rests, count);
    code = take_candidates(scan, block, count, error);
    if (scan->later.count > before)
        scan->put_off[scan->put_offs++] = (ctx_put_off){block, scan->later.count};
    else
        ctx_block_release(block);
    return code;
}

/* ---- What was put off ---- */

/* Room for what is put off, where all blocks may be in memory: they are held until it is
** settled. */
static int open_later(ctx_scan *scan, int blocks, ctx_error *error)
{
    const ctx_config *config = scan->config;
    const size_t dimensions = (size_t)config->dimensions;
    const size_t code_size = enc_code_size(ctx_config_codes(config), dimensions);
    const size_t rows = (size_t)config->block_rows * (size_t)blocks;
    scan->later.count = scan->put_offs = 0;
    if (ctx_config_codes(config) != ENC_INT8 ||
        (config->cache >= 0 && (size_t)config->cache / (code_size + SLOT_NUMBERS) < rows)) {
        scan->later.room = 0;
        return SQLITE_OK;
    }
    int code = make_room(scan, (void **)&scan->later.doubt, &scan->doubt_room,
                         rows < MOST_LATER ? rows : MOST_LATER, sizeof *scan->later.doubt,
                         error);
    if (code == SQLITE_OK)
        code = make_room(scan, (void **)&scan->put_off, &scan->put_off_room, (size_t)blocks,
                         sizeof *scan->put_off, error);
    scan->later.room = code == SQLITE_OK ? scan->doubt_room : 0;
    return code;
}

/* The doubts of the n-th block that has some. */
static enc_doubts put_off_of(const ctx_scan *scan, size_t n)
{
    size_t first = n > 0 ? scan->put_off[n - 1].end : 0;
    return (enc_doubts){scan->later.doubt + first, scan->put_off[n].end - first, 0};
}

/* Drops the doubts that the threshold settles. */
static void drop_doubts(ctx_scan *scan)
{
    const float least = cut(scan);
    size_t kept = 0, blocks = 0, i = 0;
    for (size_t n = 0; n < scan->put_offs; n++) {
        const size_t before = kept;
        for (; i < scan->put_off[n].end; i++) {
            scan->later.doubt[kept] = scan->later.doubt[i];
            kept += !(scan->later.doubt[kept].most < least);
        }
        if (kept > before)
            scan->put_off[blocks++] = (ctx_put_off){scan->put_off[n].block, kept};
        else
            ctx_block_release(scan->put_off[n].block);
    }
    scan->later.count = kept;
    scan->put_offs = blocks;
}

static int settle_block(ctx_scan *scan, size_t n, ctx_error *error)
{
    const ctx_block *block = scan->put_off[n].block;
    size_t rests = 0;
    enc_doubts doubts = put_off_of(scan, n);
    size_t count = enc_question_settle(scan->question, &block->codes, cut(scan),
                                       scan->candidate, &doubts, &rests);
    scan->read += bytes_read(scan, block, 0, rests, count);
    return take_candidates(scan, block, count, error);
}

static void fetch_put_off(const ctx_scan *scan, size_t n)
{
    enc_doubts doubts = put_off_of(scan, n);
    enc_question_fetch(scan->question, &scan->put_off[n].block->codes, &doubts);
}

static void release_put_off(ctx_scan *scan)
{
    for (size_t n = 0; n < scan->put_offs; n++)
        ctx_block_release(scan->put_off[n].block);
    scan->later.count = scan->put_offs = 0;
}

/* Settles what was put off, by rests that are asked for one block ahead. */
static int settle(ctx_scan *scan, ctx_error *error)
{
    int code = raise_threshold(scan, error);
    drop_doubts(scan);
    if (scan->put_offs > 0)
        fetch_put_off(scan, 0);
    for (size_t n = 0; n < scan->put_offs && code == SQLITE_OK; n++) {
        if (n + 1 < scan->put_offs)
            fetch_put_off(scan, n + 1);
        code = settle_block(scan, n, error);
    }
    release_put_off(scan);
    return code;
}

/* ---- All ---- */

/* The first block from number `at` on that has rows; *block: it, or NULL behind the last one. */
static int open_block(ctx_scan *scan, const ctx_block_entry *directory, int blocks, int *at,
                      const ctx_block **block, ctx_error *error)
{
    *block = NULL;
    while (*at < blocks && directory[*at].used == 0)
        ++*at;
    return *at < blocks ? ctx_storage_block(scan->storage, &directory[*at], block, error)
                        : SQLITE_OK;
}

/* Every block once. The next one is taken before this one is read, whose last bytes are read
** while the next one's first ones come. */
static int scan_blocks(ctx_scan *scan, const ctx_block_entry *directory, int blocks,
                       ctx_error *error)
{
    const ctx_config *config = scan->config;
    const size_t code_size = enc_code_size(ctx_config_codes(config), (size_t)config->dimensions);
    size_t read = 0;
    int at = 0, then;
    const ctx_block *block = NULL, *next = NULL;
    int code = open_block(scan, directory, blocks, &at, &block, error);
    for (; block && code == SQLITE_OK; at = then, block = next) {
        then = at + 1;
        code = open_block(scan, directory, blocks, &then, &next, error);
        if (code == SQLITE_OK)
            code = scan_block(scan, block, next, error);
        else
            ctx_block_release(block);
        if (code == SQLITE_OK && scan->later.room > 0 &&
            scan->later.room - scan->later.count < (size_t)config->block_rows)
            code = settle(scan, error);
        read += code_size * (size_t)config->block_rows;
        if (code == SQLITE_OK && read >= ASK_EVERY) {
            read = 0;
            if (ctx_connection_stopped(scan->connection))
                code = ctx_fail(error, SQLITE_INTERRUPT, config->name, "interrupted");
        }
    }
    ctx_block_release(block);
    return code;
}

int ctx_scan_run(ctx_scan *scan, const ctx_block_entry *directory, int blocks,
                 ctx_error *error)
{
    scan->hits = scan->fresh = 0;
    scan->most_reach = 0;
    scan->threshold = scan->low;
    scan->whole = true;
    int code = open_later(scan, blocks, error);
    if (code == SQLITE_OK)
        code = scan_blocks(scan, directory, blocks, error);
    if (code == SQLITE_OK)
        code = settle(scan, error);
    if (code == SQLITE_OK)
        code = raise_threshold(scan, error);
    release_put_off(scan); /* where something failed */
    /* What was dropped is below the whole slack, the rows that it was measured by may be below
    ** the threshold by their own roundings: half of it parts the two. */
    if (isfinite(scan->threshold))
        scan->threshold -= ctx_scan_slack(scan->threshold, scan->most_reach) / 2;
    return code;
}
