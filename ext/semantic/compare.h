/*
** compare.h - where content and index differ; for 'sync', 'integrity-check' and 'rebuild'.
*/
#ifndef CTX_SEMANTIC_COMPARE_H
#define CTX_SEMANTIC_COMPARE_H

#include "index.h"

enum ctx_difference {
    CTX_ROW_MISSING, /* the content has it, the index does not */
    CTX_ROW_CHANGED, /* its text is not the one that was embedded */
    CTX_ROW_LEFT     /* the index has it, the content does not */
};

/* Called for each such row, in two runs by id; a result other than SQLITE_OK ends the walk. */
typedef int (*ctx_on_difference)(void *context, sqlite3_int64 id, enum ctx_difference what,
                                 ctx_error *error);

/* Compares all rows but those that wait, a row at a time; for content='' there is nothing to
** compare. The callback may change the index. */
int ctx_compare(ctx_index *index, ctx_on_difference on, void *context, ctx_error *error);

/* The smallest id >= `from` that is stored in the generation, *found. */
int ctx_stored_next(ctx_index *index, int generation, sqlite3_int64 from, sqlite3_int64 *id,
                    bool *found, ctx_error *error);

#endif
