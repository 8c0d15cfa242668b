/*
** kept.h - the rows that answer a question, looked up by row id.
**
** `a LEFT JOIN search('...', 20) s ON s.rowid = a.id` comes to the cursor once for each row of
** a, with the same question and another row id: k rows are found first, and then there is one
** of that id among them or not. They are found at the first call and kept for the others, while
** those ask the same and nothing is written or rolled back on the connection. (A cursor does not
** outlive its statement, and what other connections write is not seen before that ends.)
**
** A subquery, `EXISTS (SELECT 1 FROM search('...', 20) s WHERE s.rowid = a.id)`, opens a cursor for
** each row of a, before SQLite 3.47 or so: the next one before the last is closed, which hands on
** what it has kept.
**
**   if (!ctx_kept_same(kept, ...)) {
**       ctx_kept_start(kept, ...);
**       ctx_kept_add(kept, row, position) for each row that counts;
**       ctx_kept_ready(kept);
**   }
**   row = ctx_kept_find(kept, id);
*/
#ifndef CTX_SEMANTIC_KEPT_H
#define CTX_SEMANTIC_KEPT_H

#include "fuse.h"

typedef struct ctx_kept_row {
    ctx_fused_row row;
    sqlite3_int64 position; /* among the rows that count, from 1 */
} ctx_kept_row;

/* Zeros: nothing is kept. */
typedef struct ctx_kept {
    bool ready;
    int writes;             /* sqlite3_total_changes when the question was asked, */
    unsigned rollbacks;     /* ... and the index's */
    char *plan;
    sqlite3_value **value;  /* [values] of the plan; NULL: a row id, any */
    int values;
    ctx_kept_row *row;      /* [count] by row id */
    size_t count, room;
} ctx_kept;

void ctx_kept_clear(ctx_kept *kept);

/* A cursor is opened; is closed, and its rows are the next one's, if there is one that stays open
** all the time in between; looks for rows that answer its question among those. */
void ctx_kept_opened(ctx_index *index);
void ctx_kept_closed(ctx_index *index, ctx_kept *kept);
void ctx_kept_inherit(ctx_index *index, ctx_kept *kept);

/* Whether what this plan asks can be told from what it asked before: sets of row ids can't. */
bool ctx_kept_can(const char *plan);
/* Whether what is kept answers it. */
bool ctx_kept_same(const ctx_kept *kept, const ctx_index *index, const char *plan, int argc,
                   sqlite3_value **argv);
/* Each of these fails for want of memory alone: SQLITE_NOMEM. */
int ctx_kept_start(ctx_kept *kept, const ctx_index *index, const char *plan, int argc,
                   sqlite3_value **argv);
int ctx_kept_add(ctx_kept *kept, const ctx_fused_row *row, sqlite3_int64 position);
void ctx_kept_ready(ctx_kept *kept);
/* NULL: none. */
const ctx_kept_row *ctx_kept_find(const ctx_kept *kept, sqlite3_int64 id);

#endif
