/* poll.c - see poll.h. */
#include "poll.h"

#include <time.h>

int64_t enc_nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void enc_poll_begin(enc_poll *poll, enc_progress progress, void *context, int64_t next)
{
    poll->progress = progress;
    poll->context = context;
    poll->owner = pthread_self();
    poll->next = next;
    atomic_init(&poll->stop, false);
}

bool enc_poll_stop(enc_poll *poll)
{
    if (!poll)
        return false;
    if (atomic_load_explicit(&poll->stop, memory_order_relaxed))
        return true;
    if (!poll->progress || !pthread_equal(poll->owner, pthread_self()))
        return false;
    int64_t now = enc_nanoseconds();
    if (now < poll->next)
        return false;
    bool stop = poll->progress(poll->context) != 0;
    poll->next = enc_nanoseconds() + ENC_POLL_NANOSECONDS;
    if (stop)
        atomic_store(&poll->stop, true);
    return stop;
}
