/* random.c - numbers that nobody had before; see encoder.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "encoder.h"

static bool fill(int file, uint64_t *to)
{
    char *at = (char *)to;
    size_t left = sizeof *to;
    while (left > 0) {
        const ssize_t got = file < 0 ? getrandom(at, left, 0) : read(file, at, left);
        if (got <= 0 && !(got < 0 && errno == EINTR))
            return false;
        at += got > 0 ? got : 0;
        left -= got > 0 ? (size_t)got : 0;
    }
    return true;
}

/* Where a sandbox forbids both: no two calls, threads, processes or boots have all of these in
** common. */
static uint64_t from_the_clock(void)
{
    static atomic_uint_least64_t calls;
    struct timespec now[3];
    clock_gettime(CLOCK_REALTIME, &now[0]);
    clock_gettime(CLOCK_MONOTONIC, &now[1]);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now[2]);
    uint64_t of[8] = {(uint64_t)getpid(), atomic_fetch_add(&calls, 1),
                      (uint64_t)(uintptr_t)now};
    for (int i = 0; i < 3; i++)
        of[3 + i] = (uint64_t)now[i].tv_sec * 1000000007u ^ (uint64_t)now[i].tv_nsec;
    return enc_checksum(of, sizeof of);
}

uint64_t enc_random(void)
{
    uint64_t number = 0;
    if (fill(-1, &number))
        return number;
    const int file = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    const bool there = file >= 0 && fill(file, &number);
    if (file >= 0)
        close(file);
    return there ? number : from_the_clock();
}
