/* share.c - see share.h. */
#include "share.h"

#include "pool.h"

/* 64 rows of a small model take some 6 ms, of which waking threads twice a block is a few per
** cent; with fewer rows the gain is lost in it. */
enum { SHARE_ROWS = 64, STRETCH_ROWS = 96 };

enc_share enc_share_plan(bool alone, size_t rows, enc_arena *arena, enc_poll *poll)
{
    enc_share share = {1, arena, poll};
    if (alone && rows >= SHARE_ROWS)
        share.threads = (size_t)enc_pool_size();
    return share;
}

size_t enc_share_stretch(const enc_share *share, size_t rows)
{
    size_t pieces = (rows + STRETCH_ROWS - 1) / STRETCH_ROWS;
    pieces = (pieces + share->threads - 1) / share->threads * share->threads;
    return pieces > 0 && rows > pieces ? (rows + pieces - 1) / pieces : 1;
}

typedef struct run {
    enc_piece piece;
    void *context;
    atomic_int failure; /* of a piece; ENC_OK: none so far */
} run;

static void do_piece(void *context, size_t index, enc_arena *scratch)
{
    run *r = context;
    if (atomic_load(&r->failure) != ENC_OK)
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
    if (share->threads > 1) {
        enc_pool_run(do_piece, &r, count, share->arena, share->poll);
        if (share->poll && atomic_load(&share->poll->stop))
            return ENC_INTERRUPTED;
    } else {
        for (size_t i = 0; i < count; i++)
            do_piece(&r, i, share->arena);
    }
    return atomic_load(&r.failure);
}
