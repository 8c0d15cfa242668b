/*
** test_stops.c - the host loses patience: its progress handler says stop, or another thread
** interrupts.
*/
#include <string.h>

#include "faults.h"

static struct {
    sqlite3 *db;
    long count, begin;
    bool on, by_interrupt;
} host;

static int progress(void *context)
{
    (void)context;
    long now = host.count++;
    bool stop = host.begin >= 0 && (host.on ? now >= host.begin : now == host.begin);
    if (stop && host.by_interrupt)
        sqlite3_interrupt(host.db);
    return stop && !host.by_interrupt;
}

static void arm(sqlite3 *db, long n, bool on)
{
    host.db = db;
    host.count = 0;
    host.begin = n;
    host.on = on;
    sqlite3_progress_handler(db, 1, progress, NULL);
}

static void arm_handler(sqlite3 *db, long n, bool on)
{
    host.by_interrupt = false;
    arm(db, n, on);
}

static void arm_interrupt(sqlite3 *db, long n, bool on)
{
    host.by_interrupt = true;
    arm(db, n, on);
}

static long disarm(sqlite3 *db)
{
    if (db)
        sqlite3_progress_handler(db, 0, NULL, NULL);
    host.begin = -1;
    return host.count;
}

/* ALTER TABLE says "error in table ...: interrupted" and gives SQLITE_ERROR, of which FTS5 makes
** its own; of a table that it was to open SQLite says no more than that. */
static bool says_interrupted(int code, const char *message)
{
    static const char word[] = "interrupted", altered[] = "SQL logic error";
    static const char opened[] = "vtable constructor failed: ";
    size_t size = strlen(message);
    static const char attached[] = "unable to open database: ";
    if ((code == SQLITE_INTERRUPT && strncmp(message, attached, sizeof attached - 1) == 0) ||
        ((code == SQLITE_INTERRUPT || code == SQLITE_ERROR) && strstr(message, opened)))
        return true;
    if (code == SQLITE_IOERR)
        return strstr(message, "was interrupted") != NULL;
    if (code == SQLITE_ERROR && size >= sizeof altered &&
        strcmp(message + size - sizeof altered + 1, altered) == 0)
        return true;
    return (code == SQLITE_INTERRUPT || code == SQLITE_ERROR) && size >= sizeof word - 1 &&
           strcmp(message + size - sizeof word + 1, word) == 0;
}

/* Before a statement returns SQLite asks the handler once more, even after a commit. */
static const fault by_handler = {
    "stops: an index with %s stays sound wherever the progress handler says stop", NULL,
    arm_handler, disarm, says_interrupted, NULL, 4, 500, true};
static const fault by_interrupt = {
    "stops: an index with %s stays sound wherever it is interrupted", NULL,
    arm_interrupt, disarm, says_interrupted, NULL, 4, 500, false};

__attribute__((constructor)) static void enter(void)
{
    faults_register(&by_handler);
    faults_register(&by_interrupt);
}
