/*
** pool.c - see pool.h.
**
** A run takes one of the pool's slots and publishes its items there in one atomic word, from
** which whoever works takes the next. To take an item is all that binds a helper to a run: until
** then it may look at a slot at any time, whosever it is, and nobody waits for it. The caller
** takes items too until there are none, and waits for those that helpers have taken.
**
** A helper without work looks at the slots for a while, then sleeps on a condition variable of
** its own. Who publishes wakes one sleeper, who wakes two more while there is work.
*/
#include "pool.h"

#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "cpu_count.h"

enum {
    HELPER_STACK = 1024 * 1024,
    MAX_THREADS = 256,
    SLOTS = 64, /* runs at a time, those inside items included; more are done alone */
    CACHE_LINE = 64,
    LOOKS = 16, /* between two looks at the clock */
    WAIT_NANOSECONDS = 2 * 1000 * 1000,
    RETRY_NANOSECONDS = 1000 * 1000 * 1000
};

typedef struct slot {
    _Alignas(CACHE_LINE) _Atomic uint64_t work; /* items << 32 | the next one; next = items:
                                                ** nothing to take. Who takes one may read on */
    enc_task task;
    void *context;
    enc_poll *poll;
    atomic_size_t threads; /* helpers of a lower number may take items */
    atomic_size_t part;    /* one of so many parts of what is left is taken at once; > 0 */
    atomic_int cpu;        /* that the caller was on when it published */
    _Alignas(CACHE_LINE) atomic_size_t left; /* items not yet done */
    atomic_bool waits; /* the caller sleeps until `left` is 0 */
    atomic_bool taken; /* the slot is some run's */
} slot;

typedef struct sleeper {
    pthread_cond_t wake;
    atomic_bool asleep; /* set by the helper, reset by who wakes it; both under the mutex */
} sleeper;

static struct {
    slot slot[SLOTS];
    atomic_size_t slots;           /* that were ever taken */
    sleeper sleeper[MAX_THREADS];  /* [number]; 0 is no helper but stands for the caller */
    atomic_size_t asleep;
    pthread_mutex_t mutex;
    pthread_cond_t done;           /* a run's last item is done */
    atomic_size_t size;            /* threads a run may use; 0: not counted yet */
    atomic_size_t cores;
    atomic_size_t helpers;         /* alive; grows under the mutex */
    int64_t retry;                 /* no thread could be had: not again before then */
    bool watches_fork;
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* Times are those of the monotonic clock: a wait must not grow when somebody sets the time. */
static void make_conditions(void)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool.done, &attributes);
    for (size_t i = 0; i < MAX_THREADS; i++)
        pthread_cond_init(&pool.sleeper[i].wake, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* ---- Fork: the child has no helpers and no other thread's runs ---- */

static void before_fork(void) { pthread_mutex_lock(&pool.mutex); }
static void after_fork_parent(void) { pthread_mutex_unlock(&pool.mutex); }

static void after_fork_child(void)
{
    pthread_mutex_init(&pool.mutex, NULL);
    make_conditions();
    for (size_t i = 0; i < SLOTS; i++) {
        atomic_store(&pool.slot[i].work, 0);
        atomic_store(&pool.slot[i].waits, false);
        atomic_store(&pool.slot[i].taken, false);
    }
    for (size_t i = 0; i < MAX_THREADS; i++)
        atomic_store(&pool.sleeper[i].asleep, false);
    atomic_store(&pool.asleep, 0);
    atomic_store(&pool.helpers, 0);
}

/* ---- Size ---- */

/* What CONTEXTUAL_THREADS says; 0: nothing of use. */
static size_t size_told(void)
{
    const char *text = getenv("CONTEXTUAL_THREADS");
    size_t size = 0;
    for (; text && *text >= '0' && *text <= '9' && size <= MAX_THREADS; text++)
        size = size * 10 + (size_t)(*text - '0');
    return size;
}

static size_t at_most(size_t a, size_t most)
{
    return a < most ? a : most;
}

/* Counted once, by whoever asks first. */
static void count_threads(void)
{
    pthread_mutex_lock(&pool.mutex);
    if (atomic_load(&pool.size) == 0) {
        size_t told = size_told(), cores = (size_t)enc_cpu_count();
        size_t size = at_most(told > 0 ? told : cores, MAX_THREADS);
        atomic_store(&pool.cores, at_most(cores, size));
        atomic_store(&pool.size, size);
    }
    pthread_mutex_unlock(&pool.mutex);
}

int enc_pool_size(void)
{
    if (atomic_load(&pool.size) == 0)
        count_threads();
    return (int)atomic_load(&pool.size);
}

int enc_pool_cores(void)
{
    if (atomic_load(&pool.size) == 0)
        count_threads();
    return (int)atomic_load(&pool.cores);
}

int enc_pool_helpers(void)
{
    return (int)atomic_load(&pool.helpers);
}

/* ---- Items ---- */

/* Takes the slot's next items, *index and on; their number, 0: there are none. The word is all
** that counts: should it have become another run's since it was looked at, the items are that
** one's. */
static size_t take(slot *s, size_t *index)
{
    uint64_t work = atomic_load(&s->work);
    for (;;) {
        size_t next = (uint32_t)work, left = (size_t)(work >> 32) - next;
        if (left == 0)
            return 0;
        size_t count = left / atomic_load_explicit(&s->part, memory_order_relaxed);
        count = count > 0 ? count : 1;
        if (atomic_compare_exchange_weak(&s->work, &work, work + count)) {
            *index = next;
            return count;
        }
    }
}

static bool has_work(slot *s)
{
    uint64_t work = atomic_load(&s->work);
    return (uint32_t)work < work >> 32;
}

/* Does items until there are none to take; the number done. As long as the last of them is not
** counted as done, the slot stays the run's. */
static size_t do_items(slot *s, enc_arena *scratch)
{
    size_t index, count, done = 0;
    for (; (count = take(s, &index)) > 0; done += count)
        for (size_t i = index; i < index + count; i++)
            if (!s->poll || !atomic_load_explicit(&s->poll->stop, memory_order_relaxed))
                s->task(s->context, i, scratch);
    if (done > 0 && atomic_fetch_sub(&s->left, done) == done && atomic_load(&s->waits)) {
        pthread_mutex_lock(&pool.mutex);
        pthread_cond_broadcast(&pool.done);
        pthread_mutex_unlock(&pool.mutex);
    }
    return done;
}

/* ---- Waiting ---- */

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

/* A time without sleep. */
typedef struct vigil {
    int64_t until;
    unsigned looks;
} vigil;

/* False once it is over. */
static bool watch(vigil *v)
{
    relax();
    if (++v->looks % LOOKS != 0)
        return true;
    int64_t now = enc_nanoseconds();
    if (v->until == 0)
        v->until = now + ENC_POOL_LINGER;
    return now < v->until;
}

/* ---- Helpers ---- */

/* A slot whose items helper `number` may take. */
static slot *find_work(size_t number)
{
    size_t slots = atomic_load(&pool.slots);
    for (slot *s = pool.slot; s < pool.slot + slots; s++)
        if (has_work(s) && number < atomic_load(&s->threads))
            return s;
    return NULL;
}

/* Wakes up to `count` of the helpers that may take items of s. */
static void wake(const slot *s, size_t count)
{
    if (atomic_load(&pool.asleep) == 0)
        return;
    size_t threads = atomic_load(&s->threads);
    pthread_mutex_lock(&pool.mutex);
    for (size_t number = 1; count > 0 && number < threads; number++) {
        sleeper *who = &pool.sleeper[number];
        if (!atomic_load(&who->asleep))
            continue;
        atomic_store(&who->asleep, false);
        atomic_fetch_sub(&pool.asleep, 1);
        pthread_cond_signal(&who->wake);
        count--;
    }
    pthread_mutex_unlock(&pool.mutex);
}

/* On the caller's own CPU a helper only stands in its way, and the kernel may leave it there for
** long: they never wait for each other long enough. So it goes to another one, if it may. */
static void leave_cpu(int cpu)
{
    cpu_set_t all, others;
    if (sched_getcpu() != cpu || cpu < 0 || cpu >= CPU_SETSIZE ||
        sched_getaffinity(0, sizeof all, &all) != 0)
        return;
    others = all;
    CPU_CLR(cpu, &others);
    if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0)
        return;
    sched_setaffinity(0, sizeof all, &all);
}

/* Until somebody wakes this helper, who publishes work that it has not seen. */
static void sleep_on(size_t number)
{
    sleeper *self = &pool.sleeper[number];
    pthread_mutex_lock(&pool.mutex);
    atomic_store(&self->asleep, true);
    atomic_fetch_add(&pool.asleep, 1);
    if (find_work(number)) { /* its publisher may have seen nobody asleep */
        atomic_store(&self->asleep, false);
        atomic_fetch_sub(&pool.asleep, 1);
    }
    while (atomic_load(&self->asleep))
        pthread_cond_wait(&self->wake, &pool.mutex);
    pthread_mutex_unlock(&pool.mutex);
}

static void *helper(void *sleeper_of_it)
{
    const size_t number = (size_t)((sleeper *)sleeper_of_it - pool.sleeper);
    enc_arena scratch = {0};
    vigil v = {0};
    bool woken = true;
    slot *last = NULL;
    fesetenv(FE_DFL_ENV); /* the creating thread's rounding and traps are not ours */
    for (;;) {
        slot *s = find_work(number);
        last = s ? s : last;
        if (last)
            leave_cpu(atomic_load_explicit(&last->cpu, memory_order_relaxed));
        if (s) {
            if (woken)
                wake(s, 2);
            do_items(s, &scratch);
            woken = false;
            v = (vigil){0};
        } else if (!watch(&v)) {
            sleep_on(number);
            woken = true;
            last = NULL;
            v = (vigil){0};
        }
    }
    return NULL;
}

static bool start_helper(size_t number)
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
    int failed = pthread_create(&thread, &attributes, helper, &pool.sleeper[number]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return !failed;
}

/* At least `wanted` helpers, if they can be had. */
static void start_helpers(size_t wanted)
{
    if (atomic_load_explicit(&pool.helpers, memory_order_relaxed) >= wanted)
        return;
    pthread_mutex_lock(&pool.mutex);
    if (!pool.watches_fork) { /* there is no helper yet */
        make_conditions();
        pool.watches_fork =
            pthread_atfork(before_fork, after_fork_parent, after_fork_child) == 0;
    }
    size_t alive = atomic_load(&pool.helpers);
    if (pool.watches_fork && alive < wanted && enc_nanoseconds() >= pool.retry) {
        while (alive < wanted && start_helper(alive + 1))
            atomic_store(&pool.helpers, ++alive);
        pool.retry = alive < wanted ? enc_nanoseconds() + RETRY_NANOSECONDS : 0;
    }
    pthread_mutex_unlock(&pool.mutex);
}

/* ---- Runs ---- */

/* NULL: all are taken. */
static slot *take_slot(void)
{
    for (size_t i = 0; i < SLOTS; i++) {
        slot *s = &pool.slot[i];
        if (atomic_load_explicit(&s->taken, memory_order_relaxed) ||
            atomic_exchange(&s->taken, true))
            continue;
        size_t slots = atomic_load(&pool.slots);
        while (slots < i + 1 && !atomic_compare_exchange_weak(&pool.slots, &slots, i + 1))
            ;
        return s;
    }
    return NULL;
}

static void sleep_a_little(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += WAIT_NANOSECONDS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&pool.done, &pool.mutex, &until);
}

/* Until the items that helpers have taken are done. */
static void wait_for_helpers(slot *s, enc_poll *poll)
{
    for (vigil v = {0}; atomic_load(&s->left) > 0;)
        if (!watch(&v))
            break;
    if (atomic_load(&s->left) == 0)
        return;
    pthread_mutex_lock(&pool.mutex);
    atomic_store(&s->waits, true);
    while (atomic_load(&s->left) > 0) {
        sleep_a_little();
        pthread_mutex_unlock(&pool.mutex);
        enc_poll_stop(poll); /* outside the lock: it runs the host's code */
        pthread_mutex_lock(&pool.mutex);
    }
    atomic_store(&s->waits, false);
    pthread_mutex_unlock(&pool.mutex);
}

static void run_alone(enc_task task, void *context, size_t count, enc_arena *scratch,
                      const enc_poll *poll)
{
    for (size_t i = 0; i < count; i++)
        if (!poll || !atomic_load_explicit(&poll->stop, memory_order_relaxed))
            task(context, i, scratch);
}

void enc_pool_run(enc_task task, void *context, size_t count, bool alike,
                  size_t threads, enc_arena *scratch, enc_poll *poll)
{
    const size_t size = threads > 1 ? (size_t)enc_pool_size() : 1;
    threads = at_most(at_most(threads, size), count);
    slot *s = threads > 1 && count <= UINT32_MAX ? take_slot() : NULL;
    if (!s) {
        run_alone(task, context, count, scratch, poll);
        return;
    }
    start_helpers(threads - 1);
    s->task = task;
    s->context = context;
    s->poll = poll;
    atomic_store_explicit(&s->cpu, sched_getcpu(), memory_order_relaxed);
    atomic_store_explicit(&s->part, alike ? 2 * threads : SIZE_MAX, memory_order_relaxed);
    atomic_store(&s->threads, threads);
    atomic_store(&s->left, count);
    atomic_store(&s->work, (uint64_t)count << 32);
    wake(s, 1);
    do_items(s, scratch);
    wait_for_helpers(s, poll);
    atomic_store(&s->taken, false);
}
