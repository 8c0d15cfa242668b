/*
** flush.h - embeds and stores rows that wait; used by pending.c alone.
*/
#ifndef CTX_SEMANTIC_FLUSH_H
#define CTX_SEMANTIC_FLUSH_H

#include "pending.h"

/* Takes the first rows of NAME_pending, in the order of their ids, at most `rows` of them and a
** batch in all, to where they belong: embedded, moved or removed; *done says how many. */
int ctx_flush_batch(ctx_index *index, int rows, int *done, ctx_error *error);

#endif
