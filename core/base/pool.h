/*
** pool.h - the process's one pool of threads, and its only owner of threads.
**
** Size: CONTEXTUAL_THREADS, else the CPUs of the process (affinity) capped by the cgroup's
** quota. Helper threads start at the first run that wants them, block every signal, and are
** started anew in the child after a fork. Where a thread can't be had the caller does the work
** alone. Runs of several callers share the helpers; the caller always works too and never
** waits for a helper that has not taken an item.
*/
#ifndef ENC_POOL_H
#define ENC_POOL_H

#include <stddef.h>

#include "memory.h"
#include "poll.h"

/* Does item `index`. `scratch` belongs to the thread it runs on (the caller's own arena on the
** calling thread); the item releases what it takes. Must look at the run's poll now and then. */
typedef void (*enc_task)(void *context, size_t index, enc_arena *scratch);

/* Threads a run may use, the caller included. */
int enc_pool_size(void);
/* Helpers alive now. */
int enc_pool_helpers(void);

/* Runs task for index 0 ... count-1, each once, in any order, items claimed one at a time in
** rising order; returns when all are done. Asks `poll` while it waits for helpers; after a stop
** the items not yet begun are skipped. */
void enc_pool_run(enc_task task, void *context, size_t count, enc_arena *scratch,
                  enc_poll *poll);

#endif
