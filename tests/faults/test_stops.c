/*
** test_stops.c - the host loses patience: its progress handler says stop, or another thread
** interrupts.
*/
#include <string.h>

#include "../unit/unit.h"
#include "faults.h"
#include "state.h"

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

static bool ends_with(const char *message, const char *end)
{
    size_t size = strlen(message), last = strlen(end);
    return size >= last && strcmp(message + size - last, end) == 0;
}

/* ALTER TABLE says "error in table ...: interrupted" and gives SQLITE_ERROR, of which FTS5 makes
** its own, an attached database "unable to open database: ..."; of an FTS5 table that it was to
** open SQLite says no more than that. */
static bool says_interrupted(int code, const char *message, const char *statement)
{
    static const char attached[] = "unable to open database: ";
    bool alters = strncmp(statement, "ALTER", 5) == 0;
    switch (code) {
    case SQLITE_INTERRUPT:
        return ends_with(message, "interrupted") || faults_fts5_unopened(message) ||
               (strncmp(message, attached, sizeof attached - 1) == 0);
    case SQLITE_ERROR:
        return faults_fts5_unopened(message) ||
               (alters && (ends_with(message, "interrupted") ||
                           ends_with(message, "SQL logic error")));
    default:
        return code == SQLITE_IOERR && strstr(message, "was interrupted");
    }
}

/* Before a statement returns SQLite asks the handler once more, even after a commit. */
static const fault by_handler = {
    "stops: an index with %s stays sound wherever the progress handler says stop", NULL,
    arm_handler, disarm, says_interrupted, NULL, 4, 500, true, false};
static const fault by_interrupt = {
    "stops: an index with %s stays sound wherever it is interrupted", NULL,
    arm_interrupt, disarm, says_interrupted, NULL, 4, 500, false, true};

__attribute__((constructor)) static void enter(void)
{
    faults_register(&by_handler);
    faults_register(&by_interrupt);
}

/* SQLite's parser makes SQLITE_ERROR of it inside a statement. */
static void interrupt_create(void)
{
    static const char create[] = "CREATE VIRTUAL TABLE own USING semantic(body, model='')";
    state s;
    REQUIRE(state_make(&s, NULL, ""));
    int refused = 0;
    for (long n = 0, chances = 1; n < chances; n++) {
        const char *rest;
        sqlite3 *db = state_open(&s);
        REQUIRE(db != NULL);
        arm_interrupt(db, n, true);
        int code = state_play(db, create, NULL, &rest);
        chances = disarm(db);
        refused += code != SQLITE_OK;
        CHECK(code == SQLITE_OK || code == SQLITE_INTERRUPT);
        sqlite3_close(db);
    }
    CHECK(refused > 500);
    state_free(&s);
}

TEST("stops: an index that can't be made since it is interrupted says SQLITE_INTERRUPT, always")
{
    unit_in_child(interrupt_create);
}
