/*
** row_ids.h - which row ids an index has, for xUpdate: a new row's id, and whether one is taken.
**
** From the second row of a transaction on, the largest id is remembered (ctx_seen): rows that come
** in the order of their ids, as most do, need no look-up then. Whoever writes notes each xUpdate
** that went well and forgets at anything else.
*/
#ifndef CTX_SEMANTIC_ROW_IDS_H
#define CTX_SEMANTIC_ROW_IDS_H

#include "index.h"

/* Whether nothing but xUpdate wrote since the last row: then the configuration need not be looked
** at again either. */
bool ctx_row_ids_steady(ctx_index *index);
void ctx_row_ids_forget(ctx_index *index);
/* An xUpdate went well: the row `*old` was changed or erased (NULL: none), `*now` is one (NULL:
** it was erased). */
void ctx_row_ids_note(ctx_index *index, const sqlite3_int64 *old, const sqlite3_int64 *now);

/* Whether a row of that id is there, waiting ones included. */
int ctx_row_ids_have(ctx_index *index, sqlite3_int64 id, bool *there, ctx_error *error);
/* The id of a row that comes without one: the largest and one more, as SQLite does; beyond the
** largest integer, any that is free. */
int ctx_row_ids_next(ctx_index *index, sqlite3_int64 *id, ctx_error *error);

#endif
