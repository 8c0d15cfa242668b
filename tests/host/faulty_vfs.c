/*
** faulty_vfs.c - see faulty_vfs.h.
*/
#include "faulty_vfs.h"

#include <sqlite3.h>
#include <string.h>

typedef struct faulty_file {
    sqlite3_file base;
    sqlite3_file *real; /* right behind this */
} faulty_file;

static sqlite3_vfs *plain; /* the VFS underneath */
static unsigned kinds;
static long begin = -1, count; /* the call that fails; calls so far */
static bool for_ever;

void faulty_vfs_arm(unsigned calls, long n, bool on)
{
    kinds = calls & FAULTY_FULL   ? FAULTY_FULL | FAULTY_WRITE
            : calls & FAULTY_BUSY ? FAULTY_BUSY | FAULTY_LOCK | FAULTY_SHM_LOCK
                                  : calls;
    begin = n;
    count = 0;
    for_ever = on;
}

long faulty_vfs_disarm(void)
{
    kinds = 0;
    return count;
}

static bool fails(unsigned kind)
{
    if (!(kinds & kind))
        return false;
    long now = count++;
    return begin >= 0 && (for_ever ? now >= begin : now == begin);
}

static sqlite3_file *real(sqlite3_file *file)
{
    return ((faulty_file *)file)->real;
}

/* ---- Files ------------------------------------------------------------------------- */

static int faulty_close(sqlite3_file *file)
{
    return real(file)->pMethods->xClose(real(file));
}

static int faulty_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    if (fails(FAULTY_READ))
        return SQLITE_IOERR_READ;
    return real(file)->pMethods->xRead(real(file), data, size, offset);
}

static int faulty_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    const bool full = kinds & FAULTY_FULL;
    if (!fails(FAULTY_WRITE))
        return real(file)->pMethods->xWrite(real(file), data, size, offset);
    int rc = real(file)->pMethods->xWrite(real(file), data, size / 2, offset);
    return rc != SQLITE_OK ? rc : full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int faulty_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (fails(FAULTY_TRUNCATE))
        return SQLITE_IOERR_TRUNCATE;
    return real(file)->pMethods->xTruncate(real(file), size);
}

static int faulty_sync(sqlite3_file *file, int flags)
{
    (void)file, (void)flags;
    return fails(FAULTY_SYNC) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int faulty_size(sqlite3_file *file, sqlite3_int64 *size)
{
    if (fails(FAULTY_SIZE))
        return SQLITE_IOERR_FSTAT;
    return real(file)->pMethods->xFileSize(real(file), size);
}

static int faulty_lock(sqlite3_file *file, int level)
{
    if (fails(FAULTY_LOCK))
        return kinds & FAULTY_BUSY ? SQLITE_BUSY : SQLITE_IOERR_LOCK;
    return real(file)->pMethods->xLock(real(file), level);
}

static int faulty_unlock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xUnlock(real(file), level);
}

static int faulty_reserved(sqlite3_file *file, int *is)
{
    if (!(kinds & FAULTY_BUSY) && fails(FAULTY_LOCK))
        return SQLITE_IOERR_CHECKRESERVEDLOCK;
    return real(file)->pMethods->xCheckReservedLock(real(file), is);
}

static int faulty_control(sqlite3_file *file, int what, void *argument)
{
    return real(file)->pMethods->xFileControl(real(file), what, argument);
}

static int faulty_sector(sqlite3_file *file)
{
    return real(file)->pMethods->xSectorSize(real(file));
}

static int faulty_traits(sqlite3_file *file)
{
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int faulty_shm_map(sqlite3_file *file, int region, int size, int extend,
                          void volatile **out)
{
    if (fails(FAULTY_SHM))
        return SQLITE_IOERR_SHMMAP;
    return real(file)->pMethods->xShmMap(real(file), region, size, extend, out);
}

static int faulty_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    /* Of the locks of a WAL readers share those from the fourth on. */
    bool shared = kinds & FAULTY_BUSY && offset >= 3;
    if (flags & SQLITE_SHM_LOCK && !shared && fails(FAULTY_SHM_LOCK))
        return kinds & FAULTY_BUSY ? SQLITE_BUSY : SQLITE_IOERR_SHMLOCK;
    return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}

static void faulty_shm_barrier(sqlite3_file *file)
{
    real(file)->pMethods->xShmBarrier(real(file));
}

static int faulty_shm_unmap(sqlite3_file *file, int remove)
{
    return real(file)->pMethods->xShmUnmap(real(file), remove);
}

/* No mapping of the file: what is read so is no call. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = faulty_close,
    .xRead = faulty_read,
    .xWrite = faulty_write,
    .xTruncate = faulty_truncate,
    .xSync = faulty_sync,
    .xFileSize = faulty_size,
    .xLock = faulty_lock,
    .xUnlock = faulty_unlock,
    .xCheckReservedLock = faulty_reserved,
    .xFileControl = faulty_control,
    .xSectorSize = faulty_sector,
    .xDeviceCharacteristics = faulty_traits,
    .xShmMap = faulty_shm_map,
    .xShmLock = faulty_shm_lock,
    .xShmBarrier = faulty_shm_barrier,
    .xShmUnmap = faulty_shm_unmap,
};

/* ---- The VFS ----------------------------------------------------------------------- */

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                       int *got)
{
    faulty_file *own = (faulty_file *)file;
    (void)vfs;
    file->pMethods = NULL;
    if (fails(FAULTY_OPEN))
        return SQLITE_CANTOPEN;
    own->real = (sqlite3_file *)(void *)(own + 1);
    memset(own->real, 0, (size_t)plain->szOsFile);
    int rc = plain->xOpen(plain, name, own->real, flags, got);
    if (own->real->pMethods)
        file->pMethods = &methods;
    return rc;
}

static int faulty_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs, (void)sync;
    return fails(FAULTY_DELETE) ? SQLITE_IOERR_DELETE : plain->xDelete(plain, name, 0);
}

static int faulty_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    (void)vfs;
    *out = 0;
    return fails(FAULTY_ACCESS) ? SQLITE_IOERR_ACCESS : plain->xAccess(plain, name, flags, out);
}

/* Nobody is there to wait for. */
static int faulty_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return microseconds;
}

bool faulty_vfs_use(void)
{
    static sqlite3_vfs faulty;
    if (sqlite3_initialize() != SQLITE_OK || !(plain = sqlite3_vfs_find(NULL)))
        return false;
    if (plain == &faulty)
        return true;
    faulty = *plain; /* what is not replaced takes no notice of the VFS that it is called with */
    faulty.zName = "faulty";
    faulty.szOsFile = (int)sizeof(faulty_file) + plain->szOsFile;
    faulty.pNext = NULL;
    faulty.xOpen = faulty_open;
    faulty.xDelete = faulty_delete;
    faulty.xAccess = faulty_access;
    faulty.xSleep = faulty_sleep;
    return sqlite3_vfs_register(&faulty, 1) == SQLITE_OK;
}
