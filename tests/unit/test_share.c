/* test_share.c - pieces of one forward pass: the same ones, whoever does them. */
#include "share.h"

#include <time.h>

#include "encoding.h"
#include "pool.h"

enum { MOST = 400 };

/* Little models are shared too, so that every test of the encoder runs on several threads. */
__attribute__((constructor)) static void share_little(void)
{
    enc_share_worth = 1;
}

static size_t threads_for(bool alone, size_t products)
{
    return enc_share_begin(alone, products, NULL, NULL).threads;
}

/* Another process's work may have made passes go alone for a while. */
static bool sharing_comes_back(void)
{
    for (int64_t begin = enc_nanoseconds(); threads_for(true, SIZE_MAX) == 1;)
        if (enc_nanoseconds() - begin > INT64_C(5000000000))
            return false;
    return true;
}

TEST("share: a batch that is alone is shared by as many threads as its work is worth")
{
    if (enc_pool_cores() == 1)
        SKIP("there is one CPU");
    CHECK(sharing_comes_back());
    enc_share_worth = 1000;
    CHECK_INT(threads_for(true, 1000000), enc_pool_cores());
    CHECK_INT(threads_for(true, 1000), 2);
    CHECK_INT(threads_for(true, 999), 1);
    CHECK_INT(threads_for(false, 1000000), 1);
    enc_share_worth = 1;
}

static void sleep_for(int64_t nanoseconds)
{
    nanosleep(&(struct timespec){0, (long)nanoseconds}, NULL);
}

TEST("share: after a pass that was held up the next ones go alone for a while")
{
    if (enc_pool_cores() == 1)
        SKIP("there is one CPU");
    CHECK(sharing_comes_back());
    enc_share share = enc_share_begin(true, 1000000, NULL, NULL);
    CHECK(share.threads > 1);
    sleep_for(5000000);
    enc_share_end(&share);
    CHECK_INT(threads_for(true, 1000000), 1);
    CHECK(sharing_comes_back());
}

TEST("share: bands are short enough for the caches and of nearly the same size")
{
    for (size_t threads = 1; threads <= 40; threads++)
        for (size_t rows = 1; rows <= 2000; rows += 7) {
            size_t band = enc_share_band(threads, rows), bands = (rows + band - 1) / band;
            CHECK(band >= 1 && band <= 96 * threads && band <= 768);
            CHECK(bands * band < rows + bands);
        }
    CHECK(enc_share_band(2, 0) > 0);
}

typedef struct pieces {
    atomic_int done[MOST];
    int fail_at; /* -1: never */
    enc_poll *poll;
} pieces;

static int do_piece(void *context, size_t index, enc_arena *scratch)
{
    pieces *p = context;
    atomic_fetch_add(&p->done[index], 1);
    if (!enc_arena_take(scratch, 100000))
        return ENC_NOMEM;
    if (p->poll && index == 20)
        atomic_store(&p->poll->stop, true);
    return (int)index == p->fail_at ? ENC_NOMEM : ENC_OK;
}

static int run_pieces(pieces *p, size_t threads, size_t count, enc_poll *poll)
{
    enc_arena arena = {0};
    enc_share share = {threads, &arena, poll, 0, 0};
    memset(p->done, 0, sizeof p->done);
    int rc = enc_share_run(&share, do_piece, p, count);
    CHECK_INT(arena.depth, 0);
    enc_arena_destroy(&arena);
    return rc;
}

TEST("share: every piece is done once and gives its scratch memory back")
{
    static pieces p = {.fail_at = -1};
    static const size_t counts[] = {0, 1, 2, 7, MOST};
    for (size_t threads = 1; threads <= 4; threads += 3)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            CHECK_INT(run_pieces(&p, threads, counts[c], NULL), ENC_OK);
            for (size_t i = 0; i < MOST; i++)
                CHECK_INT(p.done[i], i < counts[c]);
        }
}

static int count_rows(void *context, size_t first, size_t count, enc_arena *scratch)
{
    pieces *p = context;
    (void)scratch;
    for (size_t i = first; i < first + count; i++)
        atomic_fetch_add(&p->done[i], 1);
    return ENC_OK;
}

TEST("share: every row is done once")
{
    static pieces p;
    enc_arena arena = {0};
    for (size_t threads = 1; threads <= 4; threads += 3)
        for (size_t rows = 0; rows <= MOST; rows += rows < 100 ? 1 : 50) {
            enc_share share = {threads, &arena, NULL, 0, 0};
            memset(p.done, 0, sizeof p.done);
            CHECK_INT(enc_share_rows(&share, count_rows, &p, rows), ENC_OK);
            for (size_t i = 0; i < MOST; i++)
                CHECK_INT(p.done[i], i < rows);
        }
    enc_arena_destroy(&arena);
}

TEST("share: a piece that fails is the answer, and the rest is left out")
{
    static pieces p = {.fail_at = 30};
    for (size_t threads = 1; threads <= 4; threads += 3) {
        CHECK_INT(run_pieces(&p, threads, MOST, NULL), ENC_NOMEM);
        int done = 0;
        for (size_t i = 0; i < MOST; i++)
            done += p.done[i];
        CHECK(threads == 1 ? done == 31 : done >= 31);
    }
}

TEST("share: a stop is the answer although no piece has seen it")
{
    static pieces p = {.fail_at = -1};
    enc_poll poll;
    enc_poll_begin(&poll, NULL, NULL, 0);
    p.poll = &poll;
    CHECK_INT(run_pieces(&p, 4, MOST, &poll), ENC_INTERRUPTED);
    p.poll = NULL;
}
