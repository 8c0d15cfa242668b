/*
** answer.h - the rows that answer a question, nearest first, as many as are asked for.
**
**   ctx_answer_start   fixes the state that is answered from and makes the first rows
**   ctx_answer_now     the current row; NULL: there are no more
**   ctx_answer_next    goes on, by another pass over the codes where need be
**   ctx_answer_stop    ends it
**
** Rows come in the order of (distance, row id), each once. Without a number of rows first 64 are
** made, then eight times as many, and so on: a join that stops early never sorts the table. A
** later pass over an approximate index reads more of it, and may find rows that are nearer than
** some that were given: they come behind these, or not at all if the order must hold.
**
** The answer is the state at ctx_answer_start, whatever is written meanwhile. SQLite keeps other
** connections' writes out of a statement that is under way; this connection's own come to the
** tables of the storage only in a flush or a command, which first calls ctx_answers_settle: that
** makes all rows that are still to come. Passes read through statements that are reset at once,
** so no lock or snapshot outlives what SQLite itself holds. (After a ROLLBACK under a statement
** that goes on, the passes to come see the state that is then.)
*/
#ifndef CTX_SEMANTIC_ANSWER_H
#define CTX_SEMANTIC_ANSWER_H

#include "filter.h"
#include "index.h"
#include "scan.h"

typedef struct ctx_answer_row {
    sqlite3_int64 id;
    sqlite3_int64 slot;  /* of its nearest chunk */
    double distance;
    uint32_t chunk;      /* which that is */
} ctx_answer_row;

typedef struct ctx_answer ctx_answer;

/* An answer of the index, to be used for one question after the other; NULL: out of memory. */
ctx_answer *ctx_answer_open(ctx_index *index);
void ctx_answer_close(ctx_answer *answer);

/* A question `q` [dimensions], finite; the filter is ready and stays where it is until
** ctx_answer_stop. `rows` is how many are likely to be read: so many are made at once; 0: not
** known. `in_order`: the order must hold, see above. */
int ctx_answer_start(ctx_answer *answer, const float *q, const ctx_filter *filter,
                     sqlite3_int64 rows, bool in_order, ctx_error *error);
/* Takes the question in, for ctx_answer_measure alone; ctx_answer_start does so, too. */
int ctx_answer_aim(ctx_answer *answer, const float *q, ctx_error *error);
/* The distance of row->id and its nearest chunk; NaN and no chunk: it has none that has one. */
int ctx_answer_measure(ctx_answer *answer, ctx_answer_row *row, ctx_error *error);
const ctx_answer_row *ctx_answer_now(const ctx_answer *answer);
int ctx_answer_next(ctx_answer *answer, ctx_error *error);
void ctx_answer_stop(ctx_answer *answer);

#endif
