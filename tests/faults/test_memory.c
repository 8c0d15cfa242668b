/*
** test_memory.c - allocations fail: SQLite's, which are the extension's too, and the encoder's.
*/
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../host/failing.h"
#include "faults.h"
#include "memory.h"

/* ALTER TABLE has a sentence of SQLite's own where it keeps the new schema for a moment. */
static bool says_out_of_memory(int code, const char *message, const char *statement)
{
    static const char temporary[] = "unable to open a temporary database";
    if (code != SQLITE_NOMEM)
        return false;
    return strcmp(message, "out of memory") == 0 ||
           (strncmp(statement, "ALTER", 5) == 0 &&
            strncmp(message, temporary, sizeof temporary - 1) == 0);
}

/* ---- SQLite's ---- */

static void arm_sqlite(sqlite3 *db, long n, bool on)
{
    (void)db;
    failing_count(n, on);
}

static long disarm_sqlite(sqlite3 *db)
{
    (void)db;
    return failing_counted();
}

/* ---- The encoder's ---- */

static struct {
    atomic_long count;
    long begin; /* the call that fails; below 0: none */
    bool on, counts;
} core;

static void *take(size_t bytes)
{
    if (core.counts) {
        long now = atomic_fetch_add(&core.count, 1);
        if (core.begin >= 0 && (core.on ? now >= core.begin : now == core.begin))
            return NULL;
    }
    return malloc(bytes);
}

static void give(void *block) { free(block); }

static bool use_core(void)
{
    static const enc_allocator failing = {take, give};
    enc_set_allocator(&failing);
    return true;
}

static void arm_core(sqlite3 *db, long n, bool on)
{
    (void)db;
    core.begin = n;
    core.on = on;
    atomic_store(&core.count, 0);
    core.counts = true;
}

static long disarm_core(sqlite3 *db)
{
    (void)db;
    core.counts = false;
    return atomic_load(&core.count);
}

static const fault sqlite_memory = {
    "memory: an index with %s stays sound whichever allocation of SQLite's fails",
    failing_use, arm_sqlite, disarm_sqlite, says_out_of_memory, NULL, 8, 0, false, false};
static const fault core_memory = {
    "memory: an index with %s stays sound whichever allocation of the encoder's fails",
    use_core, arm_core, disarm_core, says_out_of_memory, NULL, 4, 0, false, false};

__attribute__((constructor)) static void enter(void)
{
    faults_register(&sqlite_memory);
    faults_register(&core_memory);
}
