/* share.c - see share.h. */
#include "share.h"

#include <time.h>

#include "pool.h"

size_t enc_share_worth = (size_t)1 << 22;

enum {
    MOST_BLOCKS = 8, /* of a band: its memory does not grow with the machine */
    ALONE_ROWS = 48, /* fewer take the caller less time than another thread to begin */
    ROWS_OF_PIECE = 16
};

/* ---- Passes -------------------------------------------------------------------------- */

/* Nanoseconds. */
#define BORNE INT64_C(100000) /* that a pass's caller may be kept waiting, besides a quarter */
#define SHORTEST INT64_C(10000000) /* time of going alone */
#define LONGEST INT64_C(1600000000)
#define SOON INT64_C(20000000) /* after it: the other process is still there */

static atomic_llong alone_until, alone_for;

static int64_t idle_time(int64_t now)
{
    struct timespec run;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &run);
    return now - ((int64_t)run.tv_sec * 1000000000 + run.tv_nsec);
}

enc_share enc_share_begin(bool alone, size_t products, enc_arena *arena, enc_poll *poll)
{
    enc_share share = {1, arena, poll, 0, 0};
    size_t worth = products / enc_share_worth, cores = (size_t)enc_pool_cores();
    if (!alone || worth == 0 || cores == 1)
        return share;
    share.begun = enc_nanoseconds();
    if (share.begun < atomic_load(&alone_until))
        return share;
    share.threads = worth < cores ? 1 + worth : cores;
    share.idle = idle_time(share.begun);
    return share;
}

void enc_share_end(const enc_share *share)
{
    if (share->threads == 1)
        return;
    int64_t now = enc_nanoseconds(), waited = idle_time(now) - share->idle;
    if (waited < BORNE + (now - share->begun) / 4)
        return;
    int64_t last = atomic_load(&alone_for), next = SHORTEST;
    if (now - atomic_load(&alone_until) < SOON)
        next = 2 * last < LONGEST ? 2 * last : LONGEST;
    atomic_store(&alone_for, next);
    atomic_store(&alone_until, now + next);
}

/* ---- Pieces -------------------------------------------------------------------------- */

size_t enc_share_band(size_t threads, size_t rows)
{
    size_t most = ENC_SHARE_BLOCK * (threads < MOST_BLOCKS ? threads : MOST_BLOCKS);
    size_t bands = (rows + most - 1) / most;
    return bands > 0 ? (rows + bands - 1) / bands : 1;
}

typedef struct run {
    enc_piece piece;
    void *context;
    atomic_int failure; /* of a piece; ENC_OK: none so far */
} run;

static void do_piece(void *context, size_t index, enc_arena *scratch)
{
    run *r = context;
    if (atomic_load_explicit(&r->failure, memory_order_relaxed) != ENC_OK)
        return;
    enc_mark mark = enc_arena_mark(scratch);
    int rc = r->piece(r->context, index, scratch);
    enc_arena_release(scratch, mark);
    if (rc != ENC_OK)
        atomic_store(&r->failure, rc);
}

int enc_share_run(const enc_share *share, enc_piece piece, void *context, size_t count)
{
    run r = {.piece = piece, .context = context};
    atomic_init(&r.failure, ENC_OK);
    enc_pool_run(do_piece, &r, count, true, share->threads, share->arena, share->poll);
    if (share->poll && atomic_load(&share->poll->stop))
        return ENC_INTERRUPTED;
    return atomic_load(&r.failure);
}

typedef struct some_rows {
    enc_rows some;
    void *context;
    size_t rows;
} some_rows;

static int do_rows(void *context, size_t index, enc_arena *scratch)
{
    const some_rows *r = context;
    size_t first = index * ROWS_OF_PIECE, left = r->rows - first;
    return r->some(r->context, first, left < ROWS_OF_PIECE ? left : ROWS_OF_PIECE, scratch);
}

static int do_all_rows(void *context, size_t index, enc_arena *scratch)
{
    const some_rows *r = context;
    (void)index;
    return r->some(r->context, 0, r->rows, scratch);
}

int enc_share_rows(const enc_share *share, enc_rows some, void *context, size_t rows)
{
    some_rows r = {some, context, rows};
    if (share->threads == 1 || rows < ALONE_ROWS)
        return enc_share_run(share, do_all_rows, &r, rows > 0);
    return enc_share_run(share, do_rows, &r, (rows + ROWS_OF_PIECE - 1) / ROWS_OF_PIECE);
}
