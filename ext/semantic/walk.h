/*
** walk.h - all rows of an index by row id, without a question.
**
** Which rows these are is fixed at the start, so that rows can be deleted and written while they
** are read. They are kept as runs of neighbouring ids: a table without gaps costs nothing.
*/
#ifndef CTX_SEMANTIC_WALK_H
#define CTX_SEMANTIC_WALK_H

#include "filter.h"
#include "index.h"

typedef struct ctx_run {
    sqlite3_int64 first;
    sqlite3_int64 count;
} ctx_run;

typedef struct ctx_walk {
    ctx_run *run; /* [runs] in the order of the walk */
    size_t runs, room;
    bool down;
    size_t at;            /* the current run */
    sqlite3_int64 offset; /* and row in it */
} ctx_walk;

/* Finds the rows that pass the filter; `most` ends it early, -1: all. The memory of an earlier
** walk is used again. */
int ctx_walk_start(ctx_walk *walk, ctx_index *index, const ctx_filter *filter, bool down,
                   sqlite3_int64 most, ctx_error *error);
void ctx_walk_clear(ctx_walk *walk);

/* The current row; false: there are no more. */
bool ctx_walk_now(const ctx_walk *walk, sqlite3_int64 *id);
void ctx_walk_next(ctx_walk *walk);

/* Whether the index has a row of that id: pending and not gone, or not pending and stored; and
** external content, that row still. */
int ctx_index_has(ctx_index *index, sqlite3_int64 id, bool *has, ctx_error *error);

#endif
