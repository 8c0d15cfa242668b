/*
** share.h - pieces of one forward pass, done one after another or by the pool's threads.
**
** A batch that is alone is shared by as many threads as its work is worth. The pass is then a row
** of short runs of the pool, each of which is cut finely, for a run ends when the last piece that
** somebody has begun is done. A batch of a larger call is not shared, for every thread has one of
** its own.
**
** An array of rows is treated in bands, within which a step of a block is shared by rows or by
** tiles of a product (linear.c).
**
** Threads that share a pass wait for each other, so other processes' work on one CPU holds all of
** them up. A pass whose caller was kept waiting too long makes the following ones go alone, for a
** hundredth of a second, and for twice as long each time that it soon happens again.
**
** Where the kernel's bits depend on the rows of a product every
** text is a band, whole bands are what is shared, and nothing within them is.
*/
#ifndef ENC_SHARE_H
#define ENC_SHARE_H

#include "memory.h"
#include "poll.h"

typedef struct enc_share {
    size_t threads; /* 1: one after another */
    enc_arena *arena;
    enc_poll *poll; /* may be NULL */
    int64_t begun;  /* of a pass: monotonic time, */
    int64_t idle;   /* less the time that the calling thread has run */
} enc_share;

/* Does piece `index`; what it takes from `scratch` is given back for it. Returns a code. */
typedef int (*enc_piece)(void *context, size_t index, enc_arena *scratch);
/* Does rows first ... first+count-1; likewise. */
typedef int (*enc_rows)(void *context, size_t first, size_t count, enc_arena *scratch);

/* Products of numbers that are worth a further thread: some 50 microseconds of one core, ten
** times what it costs to wake it. Tests set it lower. */
extern size_t enc_share_worth;

/* For a batch in which `products` numbers are multiplied; and when all of it is done. */
enc_share enc_share_begin(bool alone, size_t products, enc_arena *arena, enc_poll *poll);
void enc_share_end(const enc_share *share);

/* Most rows of a product at a time: what stays in the cache with a panel of weights. */
enum { ENC_SHARE_BLOCK = 96 };

/* Rows of a band: a block for each thread, and bands of nearly the same size. */
size_t enc_share_band(size_t threads, size_t rows);

/* Does pieces 0 ... count-1. ENC_OK, ENC_INTERRUPTED, or a piece's failure. */
int enc_share_run(const enc_share *share, enc_piece piece, void *context, size_t count);

/* Does rows 0 ... rows-1, in any parts; few of them at once. As enc_share_run. */
int enc_share_rows(const enc_share *share, enc_rows some, void *context, size_t rows);

#endif
