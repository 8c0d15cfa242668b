/*
** update.h - writes: xUpdate (update.c) and the commands INSERT INTO t(t [, rank]) VALUES(...)
** (command.c): rebuild, sync, optimize, integrity-check, triggers, drop-triggers, delete-all,
** content, weights, probes; 'delete', which comes with a rowid, is update.c's.
*/
#ifndef CTX_SEMANTIC_UPDATE_H
#define CTX_SEMANTIC_UPDATE_H

#include "index.h"

/* xUpdate. */
int ctx_index_update(sqlite3_vtab *table, int argc, sqlite3_value **argv,
                     sqlite3_int64 *rowid);

/* A command by its name; `value` is that of the rank column, NULL if none is given. */
int ctx_index_command(ctx_index *index, const char *command, sqlite3_value *value,
                      ctx_error *error);

/* Everything 'integrity-check' finds, as one text; *findings NULL: nothing is wrong. sqlite3_free.
** Compares content, rows, codes, vectors and a nested FTS5 table; needs no model. */
int ctx_index_check(ctx_index *index, char **findings, ctx_error *error);

/* Registers the table semantic_status. */
int ctx_register_status(ctx_connection *connection);

#endif
