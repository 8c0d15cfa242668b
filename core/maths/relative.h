/*
** relative.h - a bias on attention that depends on how far a key stands from its query.
**
** Learned (Raffel et al. 2019, T5, section 2.1; Song et al. 2020, MPNet): distances share buckets,
** half of them for keys before the query, half for those behind; of each half the first half
** holds one distance each, the others ever wider ranges on a logarithmic scale, up to `reach`,
** beyond which all distances share the last.
** Or falling with the distance, each head by a slope of its own (Press et al. 2021, ALiBi).
*/
#ifndef ENC_RELATIVE_H
#define ENC_RELATIVE_H

#include <stddef.h>

/* All zero: there is no bias. */
typedef struct enc_relative {
    const float *bias;  /* [H, runs]: of runs of distances that share a bucket */
    const int *end;     /* [runs]: the distance behind each run, rising */
    size_t runs;
    const float *slope; /* [H], in place of these */
} enc_relative;

/* The bucket, 0 ... buckets-1, of key position less query position. buckets >= 4,
** reach > buckets / 4. */
int enc_relative_bucket(int distance, int buckets, int reach);

/* How many runs there are of so many buckets. */
size_t enc_relative_runs(int buckets);

/* table [at least buckets, H] as checkpoints have it -> bias [H, runs], end [runs]. */
void enc_relative_spread(const float *table, int heads, int buckets, int reach, float *bias,
                         int *end);

/* The slopes of bias that falls: slope [H]. */
void enc_relative_slopes(int heads, float *slope);

/* In place: x [count] = scale·x + the bias of a query whose first key stands `first` behind it
** (before it if negative). */
void enc_relative_add(const enc_relative *relative, size_t head, ptrdiff_t first, float *x,
                      size_t count, float scale);

#endif
