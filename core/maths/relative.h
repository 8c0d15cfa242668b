/*
** relative.h - a bias on attention that depends on how far a key stands from its query.
**
** Raffel et al. 2019 (T5), section 2.1; Song et al. 2020 (MPNet). Distances share buckets: half
** of them for keys before the query, half for those behind; of each half the first half holds
** one distance each, the others ever wider ranges on a logarithmic scale, up to `reach`, beyond
** which all distances share the last.
*/
#ifndef ENC_RELATIVE_H
#define ENC_RELATIVE_H

#include <stddef.h>

typedef struct enc_relative {
    const float *bias; /* [H, 2·reach + 1], distance -reach ... reach; NULL: none */
    int reach;
} enc_relative;

/* The bucket, 0 ... buckets-1, of key position less query position. */
int enc_relative_bucket(int distance, int buckets, int reach);

/* table [at least buckets, H] as checkpoints have it -> bias [H, 2·reach + 1]. */
void enc_relative_spread(const float *table, int heads, int buckets, int reach, float *bias);

/* scores [rows] = scale·products + the bias of the query at `from`; may be the same memory. */
void enc_relative_add(const enc_relative *relative, size_t head, size_t from,
                      const float *products, size_t rows, float scale, float *scores);

#endif
