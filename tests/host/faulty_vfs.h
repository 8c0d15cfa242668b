/*
** faulty_vfs.h - the default VFS with calls that fail: what SQLite sees of a broken or a full
** disk.
**
** Calls on files of all kinds are counted (database, journal, WAL, temporary files), in one
** thread. Nothing is flushed to the disk: it is not the machine that fails here.
*/
#ifndef FAULTY_VFS_H
#define FAULTY_VFS_H

#include <stdbool.h>

enum faulty_calls {
    FAULTY_OPEN = 1,     /* SQLITE_CANTOPEN */
    FAULTY_READ = 2,     /* SQLITE_IOERR_READ, and the other SQLITE_IOERR_... of their calls: */
    FAULTY_WRITE = 4,    /* half of it is done */
    FAULTY_SYNC = 8,
    FAULTY_TRUNCATE = 16,
    FAULTY_SIZE = 32,
    FAULTY_DELETE = 64,
    FAULTY_ACCESS = 128,
    FAULTY_LOCK = 256,
    FAULTY_SHM = 512,    /* mapping a WAL's shared memory */
    FAULTY_SHM_LOCK = 1024,
    FAULTY_ALL = 2047,
    FAULTY_BUSY = 2048,  /* instead: SQLITE_BUSY, from locks of both kinds alone */
    FAULTY_FULL = 4096   /* instead: SQLITE_FULL, from writes alone, half of each done */
};

/* Makes it the default for connections opened from now on. */
bool faulty_vfs_use(void);
/* After the next n calls of these kinds (bits of enum faulty_calls) one fails; `on`: and all that
** follow it. n below 0: none, they are only counted. */
void faulty_vfs_arm(unsigned calls, long n, bool on);
/* From now on none fails. How many calls there were since faulty_vfs_arm. */
long faulty_vfs_disarm(void);

#endif
