/*
** kill_at.c - a library to be preloaded (LD_PRELOAD) that ends its process with SIGKILL at the
** n-th change of a file: for test_semantic_kill.py.
**
**   kill_at_arm(folder, n)   from now on changes of files below `folder` (an absolute path) are
**                            counted; the n-th (1, 2, ...) is not done, 0: all are
**   kill_at_count()          how many there were
**
** A change is a write, a truncation, a removal or a flush to the disk. Of a write that is the
** n-th the first half is done where n is odd. Flushes are only counted: what a killed process
** wrote is there for the next one all the same, and the test is the quicker for it.
*/
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

static char folder[4096];
static size_t folder_size;
static long deadline, count;

SHOWN void kill_at_arm(const char *path, long n);
SHOWN long kill_at_count(void);
SHOWN ssize_t write(int file, const void *data, size_t size);
SHOWN ssize_t pwrite(int file, const void *data, size_t size, off_t offset);
SHOWN ssize_t pwrite64(int file, const void *data, size_t size, off_t offset);
SHOWN int ftruncate(int file, off_t size);
SHOWN int ftruncate64(int file, off_t size);
SHOWN int fsync(int file);
SHOWN int fdatasync(int file);
SHOWN int unlink(const char *path);

typedef ssize_t pwrite_function(int, const void *, size_t, off_t);
typedef ssize_t write_function(int, const void *, size_t);
typedef int ftruncate_function(int, off_t);
typedef int unlink_function(const char *);

/* The next library's function of that name; its address goes into a pointer to a function. */
static void find(void *function, const char *name)
{
    void *address = dlsym(RTLD_NEXT, name);
    memcpy(function, &address, sizeof address);
}

void kill_at_arm(const char *path, long n)
{
    folder_size = strlen(path) < sizeof folder ? strlen(path) : 0;
    memcpy(folder, path, folder_size);
    deadline = n;
    count = 0;
}

long kill_at_count(void)
{
    return count;
}

/* Counts a change of the file; true: it is the last. */
static bool is_last(const char *path, size_t size)
{
    if (folder_size == 0 || size < folder_size || memcmp(path, folder, folder_size) != 0)
        return false;
    return ++count == deadline;
}

static bool is_last_of(int file)
{
    char link[64], path[sizeof folder];
    if (folder_size == 0)
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path);
    return size > 0 && is_last(path, (size_t)size);
}

static void end(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

ssize_t pwrite(int file, const void *data, size_t size, off_t offset)
{
    static pwrite_function *next;
    if (!next)
        find(&next, "pwrite");
    if (!is_last_of(file))
        return next(file, data, size, offset);
    if (count % 2 == 1 && next(file, data, size / 2, offset) < 0)
        perror("kill_at");
    end();
    return -1;
}

#ifndef pwrite64 /* musl: another word for pwrite */
ssize_t pwrite64(int file, const void *data, size_t size, off_t offset)
{
    return pwrite(file, data, size, offset);
}
#endif

ssize_t write(int file, const void *data, size_t size)
{
    static write_function *next;
    if (!next)
        find(&next, "write");
    if (!is_last_of(file))
        return next(file, data, size);
    if (count % 2 == 1 && next(file, data, size / 2) < 0)
        perror("kill_at");
    end();
    return -1;
}

int ftruncate(int file, off_t size)
{
    static ftruncate_function *next;
    if (!next)
        find(&next, "ftruncate");
    if (is_last_of(file))
        end();
    return next(file, size);
}

#ifndef ftruncate64
int ftruncate64(int file, off_t size)
{
    return ftruncate(file, size);
}
#endif

int fsync(int file)
{
    if (is_last_of(file))
        end();
    return 0;
}

int fdatasync(int file)
{
    return fsync(file);
}

int unlink(const char *path)
{
    static unlink_function *next;
    if (!next)
        find(&next, "unlink");
    if (is_last(path, strlen(path)))
        end();
    return next(path);
}
