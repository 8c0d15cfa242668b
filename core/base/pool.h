/*
** pool.h - the process's one pool of threads, and its only owner of threads.
**
** Size: CONTEXTUAL_THREADS, else the CPUs of the process (affinity) capped by the cgroup's
** quota. Helper threads start at the first run that wants them, block every signal, and are
** started anew in the child after a fork. Where a thread can't be had the caller does the work
** alone. Runs of several callers share the helpers; the caller always works too and never
** waits for a helper that has not taken an item.
**
** Runs may be short: one after another costs about a microsecond each, because a helper that
** found no more work looks out for the next run for ENC_POOL_LINGER before it sleeps.
*/
#ifndef ENC_POOL_H
#define ENC_POOL_H

#include <stddef.h>

#include "memory.h"
#include "poll.h"

/* Does item `index`. `scratch` belongs to the thread it runs on (the caller's own arena on the
** calling thread); the item releases what it takes. Must look at the run's poll now and then. */
typedef void (*enc_task)(void *context, size_t index, enc_arena *scratch);

enum { ENC_POOL_LINGER = 50 * 1000 }; /* nanoseconds that a thread waits without sleeping */

/* Threads a run may use, the caller included. */
int enc_pool_size(void);
/* Those of them that can run at the same time: no more than there are CPUs. */
int enc_pool_cores(void);
/* Helpers alive now. */
int enc_pool_helpers(void);

/* Runs task for index 0 ... count-1, each once, by at most `threads` threads, the caller included
** (no more than the pool's size); returns when all are done. Items are begun in rising order, one
** at a time; where they are `alike`, several that follow each other are taken at once, fewer
** towards the end. Asks `poll` while it waits for helpers; after a stop the items not yet begun
** are skipped. */
void enc_pool_run(enc_task task, void *context, size_t count, bool alike, size_t threads,
                  enc_arena *scratch, enc_poll *poll);

#endif
