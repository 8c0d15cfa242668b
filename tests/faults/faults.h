/*
** faults.h - every act of a scenario with its n-th chance to fail taken, for one n after the
** other.
**
** What can fail is a `fault`: allocations, calls on files, the host's patience. Once the n-th
** chance fails alone, once it and all that follow. After each the statement has said so, or has
** got through; the rows that it gave and the changes that it told of are the right ones; the database is
** as it was before the act or as it is after it, and sound, for another connection, too; the same
** connection goes on; nothing leaks. Each act stands alone, and in a transaction in which other
** rows wait: which is then rolled back, gone on with, or committed without the act.
*/
#ifndef FAULTS_H
#define FAULTS_H

#include <sqlite3.h>
#include <stdbool.h>

typedef struct fault {
    const char *sentence; /* of the test, the scenario's name in its place */
    bool (*use)(void);    /* once in a process, before SQLite is used otherwise; or NULL */
    /* From now on chances are counted, and the one after the next n fails (n below 0: none);
    ** `on`: and all that follow it. */
    void (*arm)(sqlite3 *db, long n, bool on);
    long (*disarm)(sqlite3 *db); /* none fails; how many chances there were */
    /* As the failing statement should. */
    bool (*says)(int code, const char *message, const char *statement);
    const char *journal;  /* of a database in a file; NULL: in memory */
    int points;           /* that are tried of an act unless FAULTS says another number */
    int most;             /* of which all are tried at most; 0: no limit */
    bool late;            /* a statement may say so that has had its effect */
    bool lasts;           /* as long as a statement runs; FTS5 has one until a transaction ends */
} fault;

/* Whether a message is all that SQLite has of an FTS5 table that couldn't be opened. */
bool faults_fts5_unopened(const char *message);
/* One test for each scenario. Environment: FAULTS=n points of each act, evenly spread; 0: all. */
void faults_register(const fault *what);

#endif
