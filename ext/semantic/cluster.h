/*
** cluster.h - the centroids of an approximate index: k-means on a sample of its vectors.
**
** Vectors go to the centroid with the best score (lists.h: cosine, where a centroid is the mean
** direction; else Euclidean distance). The sample is every n-th vector, kept as int8 codes, at
** most 64 for each list and 32 MiB in all; the first centroids are every n-th of the sample: the
** same vectors give the same lists.
*/
#ifndef CTX_SEMANTIC_CLUSTER_H
#define CTX_SEMANTIC_CLUSTER_H

#include "lists.h"

/* The centroids [count, dimensions] of the vectors in the blocks of the directory, which hold
** `vectors` of them: fills *out, sqlite3_free'd. */
int ctx_cluster(ctx_index *index, const ctx_block_entry *directory, int blocks,
                sqlite3_int64 vectors, int count, float **out, ctx_error *error);

#endif
