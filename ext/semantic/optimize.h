/*
** optimize.h - the command 'optimize'.
**
** index='flat': rows move until no block but the last has free slots.
**
** index='ivf': vectors come together in lists (lists.h), so that a question reads a few of them.
** The first call finds the centroids; then vectors of blocks without a list move to the blocks of
** their lists, with a number at most so many a call; the last measures how far questions must
** go (probe.h). Everything is in place and in whole steps: between two calls, and where a call is
** interrupted and the transaction goes on, questions answer from all that there is, exactly until
** the measure is taken. Later calls take only what is new; where the index has grown to twice
** what it was or most of it is new, they begin anew.
*/
#ifndef CTX_SEMANTIC_OPTIMIZE_H
#define CTX_SEMANTIC_OPTIMIZE_H

#include "index.h"

/* At most `rows` rows, -1: all. */
int ctx_optimize(ctx_index *index, sqlite3_int64 rows, ctx_error *error);

#endif
