/*
** trigger.h - the three triggers that keep an index in step with its external content:
** NAME_ai, NAME_ad and NAME_au on the content table. Ours are known by a comment in them.
*/
#ifndef CTX_SEMANTIC_TRIGGER_H
#define CTX_SEMANTIC_TRIGGER_H

#include "index.h"

#define CTX_TRIGGER_MARK "/* semantic index */"

/* Makes those that are not there. A trigger of such a name that is not ours, content that is no
** external table, a view: a sentence, and nothing is made. */
int ctx_triggers_make(ctx_index *index, ctx_error *error);
/* Drops those that are ours; *dropped: how many. */
int ctx_triggers_drop(ctx_index *index, int *dropped, ctx_error *error);
/* The index gets another name: its triggers are dropped and made anew. */
int ctx_triggers_rename(ctx_index *index, const char *name, ctx_error *error);

#endif
