/*
** share.h - pieces of one forward pass, done one after another or by the pool's threads.
**
** A batch that is alone is shared if it has so many rows that waking another thread costs less
** than it saves; batches of a larger run are not, for every thread has one of its own.
*/
#ifndef ENC_SHARE_H
#define ENC_SHARE_H

#include "memory.h"
#include "poll.h"

typedef struct enc_share {
    size_t threads; /* 1: one after another */
    enc_arena *arena;
    enc_poll *poll; /* may be NULL */
} enc_share;

/* Does piece `index`; what it takes from `scratch` is given back for it. Returns a code. */
typedef int (*enc_piece)(void *context, size_t index, enc_arena *scratch);

enc_share enc_share_plan(bool alone, size_t rows, enc_arena *arena, enc_poll *poll);

/* Rows of a piece: what stays in the cache with a panel of weights, and as many pieces for each
** thread as for the others. */
size_t enc_share_stretch(const enc_share *share, size_t rows);

/* Does pieces 0 ... count-1. ENC_OK, ENC_INTERRUPTED, or a piece's failure. */
int enc_share_run(const enc_share *share, enc_piece piece, void *context, size_t count);

#endif
