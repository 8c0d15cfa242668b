/*
** test_files.c - reads, writes and other calls on files fail, and the disk is full: in both kinds
** of journal.
*/
#include <string.h>

#include "../host/faulty_vfs.h"
#include "faults.h"

/* A sentence about the file, of SQLite's or ours; not one that puts it down to something else.
** Of an FTS5 table that can't be opened SQLite has no better one. */
static bool says_disk(int code, const char *message)
{
    return (code == SQLITE_IOERR || code == SQLITE_CANTOPEN) &&
           (strstr(message, "disk I/O error") || strstr(message, "unable to open database file")
            || strstr(message, "vtable constructor failed: "));
}

static bool says_full(int code, const char *message)
{
    return code == SQLITE_FULL && strstr(message, "database or disk is full");
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

static long disarm(sqlite3 *db)
{
    (void)db;
    return faulty_vfs_disarm();
}

static const fault faults[] = {
    {"files: an index with %s stays sound whichever call on a file fails", faulty_vfs_use,
     arm_all, disarm, says_disk, "DELETE", 4, 0, false},
    {"files: an index with %s stays sound whichever call on a file fails, with a WAL",
     faulty_vfs_use, arm_all, disarm, says_disk, "WAL", 4, 0, false},
    {"files: an index with %s stays sound when the disk is full", faulty_vfs_use, arm_full,
     disarm, says_full, "DELETE", 3, 0, false},
    {"files: an index with %s stays sound when the disk is full, with a WAL", faulty_vfs_use,
     arm_full, disarm, says_full, "WAL", 3, 0, false},
};

__attribute__((constructor)) static void enter(void)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        faults_register(&faults[i]);
}
