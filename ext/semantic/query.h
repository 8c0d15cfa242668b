/*
** query.h - questions: what xBestIndex promises, what a cursor does.
**
** The parts are plan.c (xBestIndex), cursor.c (xFilter, xNext) and columns.c (xColumn); filter.c
** (which row ids may be answered), question.c (the question's vector), probe.c (the blocks that an
** approximate index reads), scan.c (the nearest chunks, exactly), answer.c and answer_rows.c (rows
** from chunks, lazily), fuse.c (words beside them), kept.c (the same question for many row ids);
** walk.c (all rows by row id).
*/
#ifndef CTX_SEMANTIC_QUERY_H
#define CTX_SEMANTIC_QUERY_H

#include "index.h"

int ctx_index_best(sqlite3_vtab *table, sqlite3_index_info *info);
int ctx_cursor_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out);
int ctx_cursor_close(sqlite3_vtab_cursor *cursor);
int ctx_cursor_filter(sqlite3_vtab_cursor *cursor, int number, const char *plan, int argc,
                      sqlite3_value **argv);
int ctx_cursor_next(sqlite3_vtab_cursor *cursor);
int ctx_cursor_eof(sqlite3_vtab_cursor *cursor);
int ctx_cursor_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column);
int ctx_cursor_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *id);

/* Makes all rows that open cursors have still to give: called before anything writes, moves or
** removes rows, codes or vectors in the storage's tables, so that what is being read stays as it
** was when it was asked. Costs nothing where no cursor stands open half-way. */
int ctx_answers_settle(ctx_index *index, ctx_error *error);

#endif
