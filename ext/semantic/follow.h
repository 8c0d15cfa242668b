/*
** follow.h - what external content is called now.
**
** ALTER TABLE ... RENAME tells no index, but SQLite rewrites the triggers on the table: in
** sqlite_master they stand on the table's new name, with the new names of its columns. So an
** index that has its triggers follows: its content is the table that they are on, whatever it
** is called, and whatever else has the old name now. An index without triggers goes by the names
** that NAME_config has, those of CREATE or those that it last followed to.
**
** The index's own columns keep the names that CREATE gave them.
*/
#ifndef CTX_SEMANTIC_FOLLOW_H
#define CTX_SEMANTIC_FOLLOW_H

#include "index.h"

/* Looks the names of external content up: content_table, content_rowid and source of a
** configuration as it was loaded; `moved` if they are not the same. For ctx_index_refresh. */
int ctx_follow(sqlite3 *db, ctx_config *config, ctx_error *error);

/* The command 'content': from now on the content is `table`, which has columns of the same
** names. Triggers that the index has move along. Rows are not looked at: that is for 'sync'. */
int ctx_follow_to(ctx_index *index, const char *table, ctx_error *error);

#endif
