/*
** semantic_seal.h - makes the checksums of a semantic index's shadow tables fit what is in them,
** so that damage goes past them: a file may come from somebody who computed them, too.
*/
#ifndef SEMANTIC_SEAL_H
#define SEMANTIC_SEAL_H

#include <sqlite3.h>

/* Seals what can be: rows of the wrong type or length stay as they are, and all but NAME_config
** where that does not describe an index. The extension is loaded on the connection. */
void semantic_seal(sqlite3 *db, const char *index);

#endif
