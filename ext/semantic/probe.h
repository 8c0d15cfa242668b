/*
** probe.h - which blocks of an approximate index a question reads.
**
** A question's lists are those whose centroid has a score (encoder.h, "Codes") no more than
** config.lists_gap below the best one's: few where the question lies amid a list, more where
** it lies between many. 'optimize' measures that gap: it asks for the nearest neighbours of some
** of the vectors, all lists read, and takes the gap that leads to 98 % of them. Questions are less
** at home among the vectors than these themselves, whose neighbours often share their list: so
** at least twice as many lists are read as the root of their number. Until it is measured
** everything is read, and answers are exact. So they stay where questions would read more than
** 0.6 of all vectors, as of random ones, which have no lists to find: in the order of lists a
** byte costs more than in that of the blocks. INSERT INTO t(t, rank) VALUES('probes', n) sets a
** fixed number of lists instead, 0 the measure again.
**
** Blocks without a list, of rows that came after 'optimize', are always read. More lists are, in
** the order of their scores, where these hold too few vectors for the rows that are wanted, or
** for what a filter leaves of them.
*/
#ifndef CTX_SEMANTIC_PROBE_H
#define CTX_SEMANTIC_PROBE_H

#include "lists.h"

typedef struct ctx_probe ctx_probe;

/* The lists in the order of the question `q` [dimensions]. *out NULL: all blocks are to be read,
** as in an index without lists. */
int ctx_probe_open(ctx_index *index, const float *q, ctx_probe **out, ctx_error *error);
void ctx_probe_close(ctx_probe *probe); /* NULL is fine */

/* Sorts the directory [blocks]: first those to be read, *count of them, the likeliest first.
** They are at least those of the last call, more of them if `further`, and hold at least
** `vectors` vectors if there are as many. */
int ctx_probe_choose(ctx_probe *probe, ctx_block_entry *directory, int blocks,
                     sqlite3_int64 vectors, bool further, int *count, ctx_error *error);

/* Bytes of centroids that ctx_probe_open read; NULL: 0. */
sqlite3_int64 ctx_probe_bytes(const ctx_probe *probe);

/* Measures config.lists_gap and config.lists_share, which are the caller's to save. */
int ctx_probe_measure(ctx_index *index, ctx_error *error);

#endif
