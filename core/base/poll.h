/*
** poll.h - one place that asks "go on?" while a call is under way.
**
** The thread that entered the library asks the caller's progress callback every few
** milliseconds; helper threads of the same call look at the flag that this leaves behind.
*/
#ifndef ENC_POLL_H
#define ENC_POLL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "encoder.h"

enum { ENC_POLL_NANOSECONDS = 10 * 1000 * 1000 };

typedef struct enc_poll {
    enc_progress progress; /* may be NULL */
    void *context;
    pthread_t owner;       /* only this thread calls progress */
    int64_t next;          /* monotonic time of the next question; owner's own */
    atomic_bool stop;      /* set once: everybody returns ENC_INTERRUPTED */
} enc_poll;

/* For the calling thread. `next` is carried over between calls of a session (0 at first), so
** that many short calls are interrupted as soon as one long one. */
void enc_poll_begin(enc_poll *poll, enc_progress progress, void *context, int64_t next);

/* True: stop now. Cheap enough for every few hundred microseconds of work. poll may be NULL. */
bool enc_poll_stop(enc_poll *poll);

/* enc_poll_stop at every 65,536th step of a loop whose steps take some nanoseconds. */
static inline bool enc_poll_step(enc_poll *poll, size_t *steps)
{
    return (++*steps & 0xFFFF) == 0 && enc_poll_stop(poll);
}

/* The same after `count` such steps at once. */
static inline bool enc_poll_steps(enc_poll *poll, size_t *steps, size_t count)
{
    size_t before = *steps >> 16;
    *steps += count;
    return *steps >> 16 != before && enc_poll_stop(poll);
}

int64_t enc_nanoseconds(void); /* monotonic clock */

#endif
