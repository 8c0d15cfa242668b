/*
** test_files.c - reads, writes and other calls on files fail, the disk is full, another has the
** lock: in both kinds of journal.
*/
#include <string.h>

#include "../host/faulty_vfs.h"
#include "faults.h"

/* ALTER TABLE gives SQLITE_ERROR for what went wrong below it. */
static bool is_code(int code, int want, const char *statement)
{
    return code == want || (code == SQLITE_ERROR && strncmp(statement, "ALTER", 5) == 0);
}

/* A sentence about the file, of SQLite's or ours; not one that puts it down to something else.
** Of an FTS5 table that can't be opened SQLite has no better one. */
static bool says_disk(int code, const char *message, const char *statement)
{
    return (is_code(code, SQLITE_IOERR, statement) || code == SQLITE_CANTOPEN) &&
           (strstr(message, "disk I/O error") || strstr(message, "unable to open database file")
            || faults_fts5_unopened(message));
}

static bool says_full(int code, const char *message, const char *statement)
{
    return is_code(code, SQLITE_FULL, statement) &&
           (strstr(message, "database or disk is full") || faults_fts5_unopened(message));
}

/* Another connection may have any lock at any moment. */
static bool says_busy(int code, const char *message, const char *statement)
{
    return is_code(code, SQLITE_BUSY, statement) &&
           (strstr(message, "database is locked") || faults_fts5_unopened(message));
}

static void arm_all(sqlite3 *db, long n, bool on)
{
    (void)db;
    faulty_vfs_arm(FAULTY_ALL, n, on);
}

static void arm_full(sqlite3 *db, long n, bool on)
{
    (void)db;
    faulty_vfs_arm(FAULTY_FULL, n, on);
}

static void arm_busy(sqlite3 *db, long n, bool on)
{
    (void)db;
    faulty_vfs_arm(FAULTY_BUSY, n, on);
}

static long disarm(sqlite3 *db)
{
    (void)db;
    return faulty_vfs_disarm();
}

static const fault faults[] = {
    {"files: an index with %s stays sound whichever call on a file fails", faulty_vfs_use,
     arm_all, disarm, says_disk, "DELETE", 3, 0, false, false},
    {"files: an index with %s stays sound whichever call on a file fails, with a WAL",
     faulty_vfs_use, arm_all, disarm, says_disk, "WAL", 3, 0, false, false},
    {"files: an index with %s stays sound when the disk is full", faulty_vfs_use, arm_full,
     disarm, says_full, "DELETE", 2, 0, false, false},
    {"files: an index with %s stays sound when the disk is full, with a WAL", faulty_vfs_use,
     arm_full, disarm, says_full, "WAL", 3, 0, false, false},
    {"files: an index with %s stays sound whichever lock another has", faulty_vfs_use, arm_busy,
     disarm, says_busy, "DELETE", 3, 0, false, false},
    {"files: an index with %s stays sound whichever lock another has, with a WAL",
     faulty_vfs_use, arm_busy, disarm, says_busy, "WAL", 3, 0, false, false},
};

__attribute__((constructor)) static void enter(void)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        faults_register(&faults[i]);
}
