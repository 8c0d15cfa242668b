/*
** disentangled.h - attention that also looks at how far a key stands from its query.
**
** He et al. 2020 (DeBERTa), section 3.1: to the product of query i and key j come two more, with
** rows of projected relative embeddings,
**
**   score [i, j] = Q[i]·K[j] + Q[i]·Kʳ[δ(i - j)] + K[j]·Qʳ[δ(i - j)]
**
** content to position (c2p) and position to content (p2c). δ gives a distance its row, of 2·span:
** one for each distance up to span either way, or (He et al. 2021, DeBERTaV3) one for each up to
** span/2 and then ever wider ranges on a logarithmic scale; beyond, all share the outermost rows.
**
** Queries go through in blocks, as in attention.c. Of Q·Kʳᵀ and K·Qʳᵀ only that exists which a
** block's distances ask for, of the latter for a few keys at once. So the memory grows with the
** length of the text, not with its square.
*/
#ifndef ENC_DISENTANGLED_H
#define ENC_DISENTANGLED_H

#include "memory.h"
#include "ops.h"

typedef struct enc_disentangled {
    int span;    /* half of the relative embeddings; 0: none */
    int buckets; /* on the logarithmic scale; 0: each distance has its own row */
    int reach;   /* of the logarithmic scale: from this distance on rows are the outermost */
} enc_disentangled;

/* One head's projections of the relative embeddings, packed as the right-hand side
** [d, 2·span]. */
typedef struct enc_disentangled_head {
    const float *keys;    /* Kʳᵀ; NULL: no content to position */
    const float *queries; /* Qʳᵀ; NULL: no position to content */
} enc_disentangled_head;

/* Those of `head`, where the heads' projections stand in a row and `first` is the first's. */
enc_disentangled_head enc_disentangled_of(const enc_disentangled *way, const enc_ops *ops,
                                          const enc_disentangled_head *first, size_t head,
                                          size_t head_size);

/* What the blocks of one text share, in the arena. */
typedef struct enc_disentangled_work {
    const enc_ops *ops;
    size_t rows;         /* T */
    size_t head_size;    /* d */
    const int32_t *row;  /* [2T - 1] δ of query less key, -(T-1) ... T-1 */
    float *products;     /* of a block of queries, or some keys, and rows asked for */
} enc_disentangled_work;

/* δ of query less key: 0 ... 2·span-1. */
int enc_disentangled_row(const enc_disentangled *way, ptrdiff_t distance);

/* For one text of `rows` > 0 tokens, with heads of `head_size` numbers, of which at most `block`
** queries are looked at at once. False: out of memory. */
bool enc_disentangled_begin(const enc_disentangled *way, const enc_ops *ops, size_t rows,
                            size_t head_size, size_t block, enc_arena *arena,
                            enc_disentangled_work *out);

/* scores [count, T], ld_scores floats from row to row, += what the distances add for queries
** first ... first+count-1. q and k are one head's columns of all T queries and keys, ld floats
** from row to row. */
void enc_disentangled_add(const enc_disentangled_work *work, const enc_disentangled_head *head,
                          const float *q, const float *k, size_t ld, size_t first,
                          size_t count, float *scores, size_t ld_scores);

#endif
