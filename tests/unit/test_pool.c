/*
** test_pool.c - the process's threads: every piece of work once, whoever does it.
**
** The whole run has four threads on any machine, so that all tests use several. Tests that want
** a fresh process with other settings start this program again with UNIT_POOL_ROLE.
*/
#include "pool.h"

#include <fenv.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "encoding.h"

enum { THREADS = 4, MANY = 1000, PATIENCE = 10 };

/* ---- Tasks -------------------------------------------------------------------------- */

typedef struct tally {
    atomic_int done[MANY];
    atomic_int begun;
    atomic_int faults;
    enc_arena *caller;
    enc_poll *poll;
    atomic_bool helped; /* a helper has taken an item */
} tally;

static void count_item(void *context, size_t index, enc_arena *scratch)
{
    tally *t = context;
    (void)scratch;
    atomic_fetch_add(&t->done[index], 1);
}

static bool each_once(const tally *t, size_t count)
{
    for (size_t i = 0; i < MANY; i++)
        if (atomic_load(&t->done[i]) != (i < count))
            return false;
    return true;
}

/* False after PATIENCE seconds: a test must fail, not hang. */
static bool patient(int64_t begin)
{
    sched_yield();
    return enc_nanoseconds() - begin < PATIENCE * INT64_C(1000000000);
}

/* True once a helper is at work: so the rest of the run has both kinds of threads. */
static bool meet_helper(tally *t, const enc_arena *scratch)
{
    if (scratch != t->caller) {
        atomic_store(&t->helped, true);
        return true;
    }
    for (int64_t begin = enc_nanoseconds(); patient(begin);)
        if (atomic_load(&t->helped))
            return true;
    return false;
}

/* ---- Processes of their own --------------------------------------------------------- */

static bool runs(size_t count)
{
    static tally t;
    enc_arena arena = {0};
    memset(&t, 0, sizeof t);
    enc_pool_run(count_item, &t, count, false, SIZE_MAX, &arena, NULL);
    enc_arena_destroy(&arena);
    return each_once(&t, count);
}

/* What a fresh process finds; the exit status, 0 if all is well. */
static int play(const char *role)
{
    int size = atoi(role);
    if (strcmp(role, "lazy") == 0) {
        if (enc_pool_helpers() != 0 || !runs(1) || enc_pool_helpers() != 0)
            return 1;
        return !runs(3) || enc_pool_helpers() != 2 || !runs(MANY) || enc_pool_helpers() != 3;
    }
    if (strcmp(role, "no threads") == 0) {
        struct rlimit none = {1, 1};
        return setrlimit(RLIMIT_AS, &none) != 0 || !runs(MANY) || enc_pool_helpers() != 0;
    }
    if (size > 0 && enc_pool_size() != size)
        return 1;
    if (size == 0 && enc_pool_size() < 1)
        return 1;
    return !runs(100) || enc_pool_helpers() >= enc_pool_size();
}

__attribute__((constructor)) static void enter(void)
{
    const char *role = getenv("UNIT_POOL_ROLE");
    if (role)
        _exit(play(role));
    setenv("CONTEXTUAL_THREADS", "4", 0);
}

static int fresh_process(const char *role, const char *threads)
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (!CHECK(length > 0))
        return -1;
    self[length] = '\0';
    pid_t child = fork();
    if (child == 0) {
        setenv("UNIT_POOL_ROLE", role, 1);
        setenv("CONTEXTUAL_THREADS", threads, 1);
        execl(self, self, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

/* ---- Size --------------------------------------------------------------------------- */

TEST("pool: CONTEXTUAL_THREADS says how many threads a run may use, the caller included")
{
    CHECK_INT(fresh_process("1", "1"), 0);
    CHECK_INT(fresh_process("3", "3"), 0);
    CHECK_INT(fresh_process("256", "99999999999999999999"), 0);
}

TEST("pool: a CONTEXTUAL_THREADS that is no number from 1 counts as not set")
{
    CHECK_INT(fresh_process("0", ""), 0);
    CHECK_INT(fresh_process("0", "0"), 0);
    CHECK_INT(fresh_process("0", "-2"), 0);
    CHECK_INT(fresh_process("0", "many"), 0);
}

TEST("pool: no thread starts before there is work for it, and no more than there is work")
{
    CHECK_INT(fresh_process("lazy", "4"), 0);
}

TEST("pool: where no thread can be had the caller does everything")
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    SKIP("the sanitizers want the memory that is denied here");
#endif
    CHECK_INT(fresh_process("no threads", "4"), 0);
}

/* ---- Items -------------------------------------------------------------------------- */

TEST("pool: every item is done once, however many there are")
{
    static const size_t counts[] = {0, 1, 2, 3, 4, 5, 17, MANY};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        CHECK(runs(counts[i]));
    for (int i = 0; i < 300; i++)
        CHECK(runs(5));
}

static void claim_item(void *context, size_t index, enc_arena *scratch)
{
    tally *t = context;
    (void)scratch;
    int begun = atomic_fetch_add(&t->begun, 1);
    if ((int)index - begun >= THREADS) /* a lower one was left for later */
        atomic_fetch_add(&t->faults, 1);
    atomic_fetch_add(&t->done[index], 1);
}

TEST("pool: items begin in their order, so the longest can be put first")
{
    static tally t;
    enc_arena arena = {0};
    enc_pool_run(claim_item, &t, MANY, false, SIZE_MAX, &arena, NULL);
    CHECK(each_once(&t, MANY));
    CHECK_INT(t.faults, 0);
    enc_arena_destroy(&arena);
}

static void use_scratch(void *context, size_t index, enc_arena *scratch)
{
    tally *t = context;
    enc_mark mark = enc_arena_mark(scratch);
    unsigned char *bytes = enc_arena_take(scratch, 4000);
    if (!bytes || !meet_helper(t, scratch)) {
        atomic_fetch_add(&t->faults, 1);
        return;
    }
    memset(bytes, (int)index % 251, 4000);
    sched_yield();
    for (int i = 0; i < 4000; i++)
        if (bytes[i] != index % 251)
            atomic_fetch_add(&t->faults, 1);
    enc_arena_release(scratch, mark);
    atomic_fetch_add(&t->done[index], 1);
}

TEST("pool: each thread has scratch memory of its own, the caller the one it brought")
{
    static tally t;
    enc_arena arena = {0};
    char *mine = enc_arena_take(&arena, 100);
    REQUIRE(mine);
    memset(mine, 'm', 100);
    t.caller = &arena;
    enc_pool_run(use_scratch, &t, 200, false, SIZE_MAX, &arena, NULL);
    CHECK(each_once(&t, 200));
    CHECK_INT(t.faults, 0);
    CHECK(atomic_load(&t.helped));
    for (int i = 0; i < 100; i++)
        CHECK(mine[i] == 'm');
    enc_arena_destroy(&arena);
}

static void run_inside(void *context, size_t index, enc_arena *scratch)
{
    tally *t = context;
    static tally inner[20];
    memset(&inner[index], 0, sizeof inner[index]);
    enc_pool_run(count_item, &inner[index], 50, false, SIZE_MAX, scratch, NULL);
    if (!each_once(&inner[index], 50))
        atomic_fetch_add(&t->faults, 1);
    atomic_fetch_add(&t->done[index], 1);
}

TEST("pool: an item may start a run of its own")
{
    static tally t;
    enc_arena arena = {0};
    enc_pool_run(run_inside, &t, 20, false, SIZE_MAX, &arena, NULL);
    CHECK(each_once(&t, 20));
    CHECK_INT(t.faults, 0);
    enc_arena_destroy(&arena);
}

static void *call_often(void *faults)
{
    tally *t = calloc(1, sizeof *t);
    enc_arena arena = {0};
    for (int run = 0; run < 60; run++) {
        memset(t, 0, sizeof *t);
        enc_pool_run(count_item, t, 40, false, SIZE_MAX, &arena, NULL);
        if (!each_once(t, 40))
            atomic_fetch_add((atomic_int *)faults, 1);
    }
    enc_arena_destroy(&arena);
    free(t);
    return NULL;
}

TEST("pool: several callers at once each get all of their own work done")
{
    pthread_t caller[6];
    static atomic_int faults;
    for (int i = 0; i < 6; i++)
        REQUIRE(pthread_create(&caller[i], NULL, call_often, &faults) == 0);
    for (int i = 0; i < 6; i++)
        pthread_join(caller[i], NULL);
    CHECK_INT(faults, 0);
    CHECK(enc_pool_helpers() <= THREADS - 1);
}

/* ---- Stopping ----------------------------------------------------------------------- */

static void stop_at_10(void *context, size_t index, enc_arena *scratch)
{
    tally *t = context;
    (void)scratch;
    atomic_fetch_add(&t->begun, 1);
    if (index == 10)
        atomic_store(&t->poll->stop, true);
    while (index > 10 && !atomic_load(&t->poll->stop))
        sched_yield();
}

TEST("pool: after a stop no further item begins")
{
    static tally t;
    enc_arena arena = {0};
    enc_poll poll;
    enc_poll_begin(&poll, NULL, NULL, 0);
    t.poll = &poll;
    enc_pool_run(stop_at_10, &t, MANY, false, SIZE_MAX, &arena, &poll);
    /* Each other thread has at the stop an item of its own, before item 10 or behind it, that it
    ** has begun or not. */
    CHECK(t.begun >= 12 - THREADS && t.begun <= 10 + THREADS);
    enc_arena_destroy(&arena);
}

static void wait_for_stop(void *context, size_t index, enc_arena *scratch)
{
    tally *t = context;
    (void)index;
    if (!meet_helper(t, scratch))
        atomic_fetch_add(&t->faults, 1);
    if (scratch == t->caller)
        return; /* and wait for the helpers, who never end by themselves */
    for (int64_t begin = enc_nanoseconds(); !enc_poll_stop(t->poll);)
        if (!patient(begin)) {
            atomic_fetch_add(&t->faults, 1);
            return;
        }
}

static int once_helped(void *context)
{
    tally *t = context;
    return atomic_load(&t->helped);
}

TEST("pool: a caller that only waits for helpers still asks whether to go on")
{
    static tally t;
    enc_arena arena = {0};
    enc_poll poll;
    enc_poll_begin(&poll, once_helped, &t, 0);
    t.poll = &poll;
    t.caller = &arena;
    enc_pool_run(wait_for_stop, &t, 2, false, SIZE_MAX, &arena, &poll);
    CHECK_INT(t.faults, 0);
    CHECK(atomic_load(&poll.stop));
    enc_arena_destroy(&arena);
}

/* ---- What threads inherit ----------------------------------------------------------- */

static void look_around(void *context, size_t index, enc_arena *scratch)
{
    tally *t = context;
    sigset_t blocked;
    (void)index;
    if (!meet_helper(t, scratch))
        atomic_fetch_add(&t->faults, 1);
    if (scratch == t->caller)
        return;
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    if (!sigismember(&blocked, SIGINT) || !sigismember(&blocked, SIGALRM) ||
        !sigismember(&blocked, SIGPROF) || fegetround() != FE_TONEAREST)
        atomic_fetch_add(&t->faults, 1);
}

static void look_around_in_child(void)
{
    static tally t;
    enc_arena arena = {0};
    t.caller = &arena;
    fesetround(FE_UPWARD);
    enc_pool_run(look_around, &t, 20, false, SIZE_MAX, &arena, NULL);
    CHECK_INT(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
    CHECK_INT(t.faults, 0);
    CHECK(atomic_load(&t.helped));
    enc_arena_destroy(&arena);
}

TEST("pool: helpers take no signal of the host's and round to nearest, whoever starts them")
{
    if (UNDER_TSAN)
        SKIP("the thread sanitizer starts no threads after a fork");
    unit_in_child(look_around_in_child);
}

/* ---- Fork --------------------------------------------------------------------------- */

static void work_in_child(void)
{
    CHECK_INT(enc_pool_helpers(), 0);
    CHECK(runs(MANY));
    CHECK(enc_pool_helpers() <= THREADS - 1);
}

TEST("pool: a forked child starts threads of its own")
{
    if (UNDER_TSAN)
        SKIP("the thread sanitizer starts no threads after a fork");
    CHECK(runs(MANY));
    unit_in_child(work_in_child);
    CHECK(runs(MANY));
}

static void *work_until_told(void *stop)
{
    tally *t = calloc(1, sizeof *t);
    enc_arena arena = {0};
    while (!atomic_load((atomic_bool *)stop))
        enc_pool_run(count_item, t, 30, false, SIZE_MAX, &arena, NULL);
    enc_arena_destroy(&arena);
    free(t);
    return NULL;
}

TEST("pool: a child forked while other threads are at work can work too")
{
    if (UNDER_TSAN || UNDER_ASAN) /* their allocators' locks stay taken in the child */
        SKIP("the sanitizers do not go through a fork beside a thread that allocates");
    static atomic_bool stop;
    pthread_t other;
    REQUIRE(pthread_create(&other, NULL, work_until_told, &stop) == 0);
    for (int i = 0; i < 10; i++)
        unit_in_child(work_in_child);
    atomic_store(&stop, true);
    pthread_join(other, NULL);
}
