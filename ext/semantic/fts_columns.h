/*
** fts_columns.h - the columns of the FTS5 table whose row an auxiliary function sees, by name.
*/
#ifndef CTX_FTS_COLUMNS_H
#define CTX_FTS_COLUMNS_H

#include <stdbool.h>

#include "connection.h"

/* A row as FTS5 shows it to an auxiliary function. */
typedef struct ctx_fts_row {
    const Fts5ExtensionApi *api;
    Fts5Context *fts;
    sqlite3 *db;
    const char *function; /* messages begin with it */
} ctx_fts_row;

/* The number of the column `name`; -1 if there is none, *choices then is a list of those that
** there are ("title, body", or "0 to 2" where their names can't be found), to be freed with
** sqlite3_free. */
int ctx_fts_column(const ctx_fts_row *row, const char *name, int *number, char **choices,
                   ctx_error *error);

/* The text of a column, or of all that are not empty, joined by newlines (column -1), in memory
** to be freed with sqlite3_free. *stored is false if the table keeps no text (content=''). */
int ctx_fts_text(const ctx_fts_row *row, int column, char **text, size_t *size, bool *stored,
                 ctx_error *error);

#endif
