/* test_share.c - pieces of one forward pass: the same ones, whoever does them. */
#include "share.h"

#include "encoding.h"
#include "pool.h"

enum { MOST = 400 };

static enc_share plan(bool alone, size_t rows, enc_arena *arena, enc_poll *poll)
{
    return enc_share_plan(alone, rows, arena, poll);
}

TEST("share: a long text that is alone is shared by all threads, nothing else is")
{
    CHECK_INT(plan(true, 512, NULL, NULL).threads, enc_pool_size());
    CHECK_INT(plan(true, 9, NULL, NULL).threads, 1);
    CHECK_INT(plan(false, 512, NULL, NULL).threads, 1);
}

TEST("share: stretches are short enough for the cache and as many for each thread")
{
    for (size_t threads = 1; threads <= 5; threads++)
        for (size_t rows = 1; rows <= 2000; rows += 7) {
            enc_share share = {.threads = threads};
            size_t stretch = enc_share_stretch(&share, rows);
            size_t pieces = stretch ? (rows + stretch - 1) / stretch : 0;
            CHECK(stretch >= 1 && stretch <= 96);
            CHECK(pieces * stretch >= rows);
            if (rows >= 200)
                CHECK((pieces + threads - 1) / threads * stretch * threads <= rows + rows / 4);
        }
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
    enc_share share = {threads, &arena, poll};
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
