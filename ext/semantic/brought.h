/*
** brought.h - vectors that rows bring along in the hidden column `vector`, as update.c needs them.
*/
#ifndef CTX_SEMANTIC_BROUGHT_H
#define CTX_SEMANTIC_BROUGHT_H

#include "index.h"

enum { CTX_VECTOR_MOST = 1 << 16 }; /* dimensions */

/* Reads a value that is not NULL: a BLOB of float32 or a JSON array, finite, of the index's
** dimensions where these are known. *vector [*length] is the caller's, sqlite3_free. */
int ctx_brought_read(ctx_index *index, sqlite3_value *value, float **vector, int *length,
                     ctx_error *error);

/* The vector that a row has now, waiting or stored (its first chunk's), NULL if none; *brought
** says whether the row came with it. sqlite3_free. */
int ctx_brought_current(ctx_index *index, sqlite3_int64 id, float **vector, bool *brought,
                        ctx_error *error);

#endif
