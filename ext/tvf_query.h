/*
** tvf_query.h - embed_query's SELECT: refused or prepared, with its parameters.
*/
#ifndef CTX_TVF_QUERY_H
#define CTX_TVF_QUERY_H

#include "tvf.h"

/* Prepares the one SELECT in `sql`, which lives on until the statement is finalized, and
** binds `params` (JSON text of an array; NULL: none). It must begin with SELECT, VALUES or
** WITH, only read, give 1 or 2 columns, and nothing may follow it but white space and
** comments: other statements are refused before SQLite sees them, since some PRAGMAs act
** when they are prepared. *all_first says that the caller must read all rows before it
** gives any; this is so within a write transaction, where the rows given may go into the
** table that is read. SQLite does it by itself, in its temporary storage, from 3.40 on. */
int ctx_query_prepare(sqlite3 *db, const char *function, enc_text sql, const char *params,
                      sqlite3_stmt **out, bool *all_first, ctx_error *error);

#endif
