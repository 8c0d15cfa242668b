/*
** pool.c - see pool.h.
**
** A run is a `job` on its caller's stack, in a list while it has items to give away. Helpers
** sleep on one condition variable; one that wakes joins the first job of the list, which is
** counted in job->helpers, and takes items by an atomic counter until none is left. The caller
** does the same, takes the job off the list, and waits until no helper is inside.
*/
#include "pool.h"

#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "cpu_count.h"

enum { HELPER_STACK = 1024 * 1024, MAX_THREADS = 256, WAIT_NANOSECONDS = 2 * 1000 * 1000 };

typedef struct job {
    struct job *next;
    enc_task task;
    void *context;
    size_t count;
    atomic_size_t taken; /* items given out; >= count: nothing left */
    enc_poll *poll;
    int helpers;         /* inside the job; under the pool's mutex */
} job;

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t work; /* a job came */
    pthread_cond_t left; /* a helper left a job */
    job *jobs;
    int size;            /* threads a run may use; 0: not counted yet */
    int helpers;         /* alive */
    bool watches_fork;
} pool = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER,
          NULL, 0, 0, false};

/* Times are those of the monotonic clock: a wait must not grow when somebody sets the time. */
static void make_conditions(void)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool.work, &attributes);
    pthread_cond_init(&pool.left, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* ---- Fork: the child has no helpers and no other thread's jobs ---- */

static void before_fork(void) { pthread_mutex_lock(&pool.mutex); }
static void after_fork_parent(void) { pthread_mutex_unlock(&pool.mutex); }

static void after_fork_child(void)
{
    pthread_mutex_init(&pool.mutex, NULL);
    make_conditions();
    pool.jobs = NULL;
    pool.helpers = 0;
}

/* ---- Size ---- */

static int wanted_size(void)
{
    const char *text = getenv("CONTEXTUAL_THREADS");
    int size = 0;
    for (; text && *text >= '0' && *text <= '9' && size <= MAX_THREADS; text++)
        size = size * 10 + (*text - '0');
    if (size < 1)
        size = enc_cpu_count();
    return size < MAX_THREADS ? size : MAX_THREADS;
}

static int size_locked(void)
{
    if (pool.size == 0)
        pool.size = wanted_size();
    return pool.size;
}

int enc_pool_size(void)
{
    pthread_mutex_lock(&pool.mutex);
    int size = size_locked();
    pthread_mutex_unlock(&pool.mutex);
    return size;
}

int enc_pool_helpers(void)
{
    pthread_mutex_lock(&pool.mutex);
    int helpers = pool.helpers;
    pthread_mutex_unlock(&pool.mutex);
    return helpers;
}

/* ---- Work ---- */

static bool stopped(const job *run)
{
    return run->poll && atomic_load_explicit(&run->poll->stop, memory_order_relaxed);
}

static void take_items(job *run, enc_arena *scratch)
{
    for (;;) {
        size_t index = atomic_fetch_add(&run->taken, 1);
        if (index >= run->count)
            return;
        if (!stopped(run))
            run->task(run->context, index, scratch);
    }
}

static job *job_with_work(void)
{
    for (job *run = pool.jobs; run; run = run->next)
        if (atomic_load(&run->taken) < run->count)
            return run;
    return NULL;
}

static void *helper(void *unused)
{
    (void)unused;
    enc_arena scratch = {0};
    fesetenv(FE_DFL_ENV); /* the creating thread's rounding and traps are not ours */
    pthread_mutex_lock(&pool.mutex);
    for (;;) {
        job *run = job_with_work();
        if (!run) {
            pthread_cond_wait(&pool.work, &pool.mutex);
            continue;
        }
        run->helpers++;
        pthread_mutex_unlock(&pool.mutex);
        take_items(run, &scratch);
        pthread_mutex_lock(&pool.mutex);
        if (--run->helpers == 0)
            pthread_cond_broadcast(&pool.left);
    }
    return NULL;
}

static bool start_helper(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setstacksize(&attributes, HELPER_STACK);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread, &attributes, helper, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return !failed;
}

static void publish(job *run)
{
    pthread_mutex_lock(&pool.mutex);
    if (!pool.watches_fork) { /* the first run; there is no helper yet */
        make_conditions();
        pool.watches_fork =
            pthread_atfork(before_fork, after_fork_parent, after_fork_child) == 0;
    }
    size_t wanted = (size_t)size_locked() - 1;
    if (wanted > run->count - 1)
        wanted = run->count - 1;
    while (pool.watches_fork && (size_t)pool.helpers < wanted && start_helper())
        pool.helpers++;
    run->next = pool.jobs;
    pool.jobs = run;
    pthread_cond_broadcast(&pool.work);
    pthread_mutex_unlock(&pool.mutex);
}

static void wait_a_little(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += WAIT_NANOSECONDS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&pool.left, &pool.mutex, &until);
}

static void withdraw(job *run)
{
    pthread_mutex_lock(&pool.mutex);
    job **link = &pool.jobs;
    while (*link != run)
        link = &(*link)->next;
    *link = run->next;
    while (run->helpers > 0) {
        wait_a_little();
        pthread_mutex_unlock(&pool.mutex);
        enc_poll_stop(run->poll); /* outside the lock: it runs the host's code */
        pthread_mutex_lock(&pool.mutex);
    }
    pthread_mutex_unlock(&pool.mutex);
}

void enc_pool_run(enc_task task, void *context, size_t count, enc_arena *scratch,
                  enc_poll *poll)
{
    job run = {.task = task, .context = context, .count = count, .poll = poll};
    atomic_init(&run.taken, 0);
    if (count < 2 || enc_pool_size() < 2) {
        take_items(&run, scratch);
        return;
    }
    publish(&run);
    take_items(&run, scratch);
    withdraw(&run);
}
