/*
** tables_host.h - a connection with the tables on the encoder that counts, and what a statement
** gives there.
*/
#ifndef TABLES_HOST_H
#define TABLES_HOST_H

#include <sqlite3.h>

/* A connection whose tables ask counting_encoder, which begins to count anew. */
sqlite3 *open_db(void);
/* Checks that nothing is left: no statement, no trace, no reference to a model. */
void close_db(sqlite3 *db);

/* All rows of `sql`, columns separated by blanks, rows by "; "; or the error. sqlite3_free
** it. */
char *all_rows(sqlite3 *db, const char *sql);
void check_rows(sqlite3 *db, const char *sql, const char *want);
void run(sqlite3 *db, const char *sql);

#endif
