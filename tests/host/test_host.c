/*
** test_host.c - the extension inside a C program: life and death of connections, threads,
** forks, interrupts. Each test runs in a process of its own (unit_in_child), so that it
** sees the library as a host sees it that has just started.
*/
#include "../unit/unit.h"

#include <dirent.h>
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HOST_TEST(sentence)                                                                \
    static void UNIT_NAME(host_body_, __LINE__)(void);                                     \
    TEST(sentence)                                                                         \
    {                                                                                      \
        unit_in_child(UNIT_NAME(host_body_, __LINE__));                                    \
    }                                                                                      \
    static void UNIT_NAME(host_body_, __LINE__)(void)

/* Instrumented code is slower, and its memory is not the program's own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { INSTRUMENTED = 1 };
#else
enum { INSTRUMENTED = 0 };
#endif
#if defined(__SANITIZE_THREAD__)
enum { FORKS_WITH_THREADS = 0 }; /* the thread sanitizer does not go through such a fork */
#else
enum { FORKS_WITH_THREADS = 1 };
#endif

enum { ANSWER_MS = INSTRUMENTED ? 5000 : 100, ROUNDS = INSTRUMENTED ? 100 : 1000 };

#define TEXT "We sat on the bank of the river and watched the water."

/* Rows without end, for embed_query: SELECT ... FROM rows. */
#define ENDLESS                                                                            \
    "WITH RECURSIVE rows(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM rows) "             \
    "SELECT ''The fisherman rested on the bank. '' || n FROM rows"

#define COUNT_300 "SELECT count(*) FROM embed_query('" ENDLESS " LIMIT 300', 'tiny')"

#define LONG_QUERY "SELECT count(*) FROM embed_query('" ENDLESS "', 'tiny')"
#define LONG_EMBED                                                                         \
    "WITH RECURSIVE rows(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM rows) "             \
    "SELECT count(embed('The bank approved the loan. ' || n, 'tiny')) FROM rows"
#define LONG_TOKENS                                                                        \
    "SELECT count(*) FROM tokens((SELECT body FROM long_text), 'tiny', "                   \
    "'{\"truncate\":\"none\"}')"

/* ---- Connections ------------------------------------------------------------------- */

static const char *library(void)
{
    const char *path = getenv("CONTEXTUAL_LIBRARY");
    return path ? path : test_data("../contextual.so");
}

static int load(sqlite3 *db)
{
    char *message = NULL;
    sqlite3_enable_load_extension(db, 1);
    int rc = sqlite3_load_extension(db, library(), NULL, &message);
    CHECK_STR(message, NULL);
    sqlite3_free(message);
    return rc;
}

static bool run(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    sqlite3_exec(db, sql, NULL, NULL, &message);
    bool good = CHECK_STR(message, NULL);
    sqlite3_free(message);
    return good;
}

static bool bind_model(sqlite3 *db, const char *name, const char *path)
{
    char *sql = sqlite3_mprintf("SELECT embed_model(%Q, %Q)", name, path);
    bool good = run(db, sql);
    sqlite3_free(sql);
    return good;
}

/* A connection with the extension and the tiny model, NULL (and a failed check) without. */
static sqlite3 *open_tiny(void)
{
    sqlite3 *db = NULL;
    if (CHECK_INT(sqlite3_open(":memory:", &db), SQLITE_OK) &&
        CHECK_INT(load(db), SQLITE_OK) && bind_model(db, "tiny", test_data("golden/bert")))
        return db;
    sqlite3_close(db);
    return NULL;
}

/* The first column of the first row as text, "" for none; to be freed. */
static char *value(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    char *text = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        text = sqlite3_mprintf("%s", sqlite3_column_text(statement, 0));
    else
        CHECK_STR(sqlite3_errmsg(db), "not an error");
    sqlite3_finalize(statement);
    return text ? text : sqlite3_mprintf("");
}

static long long number(sqlite3 *db, const char *sql)
{
    char *text = value(db, sql);
    long long result = atoll(text);
    sqlite3_free(text);
    return result;
}

/* The tiny model's embedding of TEXT, in hexadecimal. */
static char *embedding(sqlite3 *db)
{
    return value(db, "SELECT hex(embed('" TEXT "', 'tiny'))");
}

static bool embeds_as(sqlite3 *db, const char *want)
{
    char *got = embedding(db);
    bool same = strlen(got) > 0 && strcmp(got, want) == 0;
    sqlite3_free(got);
    return same;
}

/* ---- The process ------------------------------------------------------------------- */

static int entries(const char *folder)
{
    int count = 0;
    DIR *directory = opendir(folder);
    for (struct dirent *entry; directory && (entry = readdir(directory)); )
        count += entry->d_name[0] != '.';
    if (directory)
        closedir(directory);
    return count;
}

static int threads(void) { return entries("/proc/self/task"); }
static int descriptors(void) { return entries("/proc/self/fd"); }

static long long resident_bytes(void)
{
    long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %lld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static double milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* ---- Life of connections ----------------------------------------------------------- */

HOST_TEST("host: loading opens no file for good and starts no thread")
{
    sqlite3 *db = NULL;
    REQUIRE(sqlite3_open(":memory:", &db) == SQLITE_OK);
    int before = threads(), open_before = descriptors();
    CHECK_INT(load(db), SQLITE_OK);
    CHECK_INT(threads(), before);
    CHECK_INT(descriptors(), open_before);
    sqlite3_close(db);
}

HOST_TEST("host: with one thread allowed, embedding many rows starts none")
{
    setenv("CONTEXTUAL_THREADS", "1", 1);
    sqlite3 *db = open_tiny();
    REQUIRE(db);
    int before = threads();
    CHECK_INT(number(db, COUNT_300), 300);
    CHECK_INT(threads(), before);
    sqlite3_close(db);
}

HOST_TEST("host: a second load on the same connection is welcome")
{
    sqlite3 *db = open_tiny();
    REQUIRE(db);
    char *want = embedding(db);
    CHECK_INT(load(db), SQLITE_OK);
    char *got = value(db, "SELECT contextual_version()");
    CHECK(strlen(got) > 0);
    if (!embeds_as(db, want)) /* names may have to be bound again */
        CHECK(bind_model(db, "tiny", test_data("golden/bert")) && embeds_as(db, want));
    sqlite3_free(got);
    sqlite3_free(want);
    sqlite3_close(db);
}

static void open_embed_close(const char *want)
{
    sqlite3 *db = open_tiny();
    CHECK(db && embeds_as(db, want));
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}

HOST_TEST("host: open, load, embed, close, a thousand times, leaves nothing behind")
{
    sqlite3 *db = open_tiny();
    REQUIRE(db);
    char *want = embedding(db);
    sqlite3_close(db);
    for (int i = 0; i < ROUNDS / 10; i++)
        open_embed_close(want);
    long long resident = resident_bytes();
    int threads_before = threads(), open_before = descriptors();
    for (int i = 0; i < ROUNDS; i++)
        open_embed_close(want);
    CHECK_INT(threads(), threads_before);
    CHECK_INT(descriptors(), open_before);
    if (!INSTRUMENTED)
        CHECK(resident_bytes() - resident < 512 * 1024);
    sqlite3_free(want);
}

HOST_TEST("host: what is released is loaded again when it is wanted, with the same bits")
{
    sqlite3 *db = open_tiny();
    REQUIRE(db);
    char *want = embedding(db);
    for (int i = 0; i < 20; i++) {
        CHECK(run(db, "SELECT embed_model_drop('tiny')"));
        CHECK(run(db, "SELECT contextual_release()"));
        CHECK(bind_model(db, "tiny", test_data("golden/bert")));
        CHECK(embeds_as(db, want));
    }
    sqlite3_free(want);
    sqlite3_close(db);
}

HOST_TEST("host: a statement that is still open keeps what it needs")
{
    sqlite3 *db = open_tiny();
    REQUIRE(db);
    sqlite3_stmt *statement = NULL;
    REQUIRE(sqlite3_prepare_v2(db, "SELECT token FROM tokens('" TEXT "', 'tiny')", -1,
                               &statement, NULL) == SQLITE_OK);
    CHECK_INT(sqlite3_step(statement), SQLITE_ROW);
    CHECK(run(db, "SELECT embed_model_drop('tiny')"));
    CHECK(run(db, "SELECT contextual_release()"));
    int rows = 1;
    while (sqlite3_step(statement) == SQLITE_ROW)
        rows++;
    CHECK(rows > 5);
    CHECK_INT(sqlite3_close_v2(db), SQLITE_OK);
    CHECK_INT(sqlite3_finalize(statement), SQLITE_OK);
}

/* ---- Threads ----------------------------------------------------------------------- */

enum { THREADS = 8, CONNECTIONS = 16 };

static void run_threads(int count, void *(*body)(void *), void *context)
{
    pthread_t thread[THREADS];
    int running = 0;
    while (running < count &&
           CHECK(pthread_create(&thread[running], NULL, body, context) == 0))
        running++;
    while (running > 0)
        pthread_join(thread[--running], NULL);
}

static void *open_and_close(void *want)
{
    for (int i = 0; i < ROUNDS / 40; i++)
        open_embed_close(want);
    return NULL;
}

HOST_TEST("host: eight threads open and close connections of their own")
{
    sqlite3 *db = open_tiny();
    REQUIRE(db);
    char *want = embedding(db);
    sqlite3_close(db);
    run_threads(THREADS, open_and_close, want);
    sqlite3_free(want);
}

HOST_TEST("host: eight threads that load the same model first all get the same vectors")
{
    /* The reference comes from a process of its own, so that nothing is loaded here yet. */
    int pipes[2];
    char want[4096] = "";
    REQUIRE(pipe(pipes) == 0);
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *db = open_tiny();
        char *text = db ? embedding(db) : sqlite3_mprintf("");
        _exit(write(pipes[1], text, strlen(text)) < 0);
    }
    close(pipes[1]);
    for (ssize_t size = 0, got; (size_t)size < sizeof want - 1 &&
         (got = read(pipes[0], want + size, sizeof want - 1 - (size_t)size)) > 0; )
        size += got;
    close(pipes[0]);
    waitpid(child, NULL, 0);
    REQUIRE(strlen(want) > 0);
    run_threads(THREADS, open_and_close, want);
}

typedef struct shared_model {
    atomic_int next;
    sqlite3 *db[CONNECTIONS];
    char *vector[CONNECTIONS];
    const char *path;
} shared_model;

static void *open_real(void *context)
{
    shared_model *shared = context;
    for (int i; (i = atomic_fetch_add(&shared->next, 1)) < CONNECTIONS; ) {
        sqlite3 *db = NULL;
        if (!CHECK_INT(sqlite3_open(":memory:", &db), SQLITE_OK) ||
            !CHECK_INT(load(db), SQLITE_OK) || !bind_model(db, "real", shared->path))
            continue;
        shared->db[i] = db;
        shared->vector[i] = value(db, "SELECT hex(embed('" TEXT "', 'real'))");
    }
    return NULL;
}

HOST_TEST("host: 16 connections in 8 threads hold one copy of the weights")
{
    const char *path = test_model();
    if (!path)
        SKIP("all-MiniLM-L6-v2 is not there (make model)");
    shared_model shared = {.path = path};
    atomic_init(&shared.next, CONNECTIONS - 1);
    open_real(&shared); /* one, for the reference */
    long long one = resident_bytes();
    REQUIRE(shared.db[CONNECTIONS - 1]);
    long long bytes =
        number(shared.db[CONNECTIONS - 1], "SELECT bytes FROM embed_models "
                                           "WHERE name = 'real'");
    CHECK(bytes > 80 << 20);
    sqlite3_close(shared.db[CONNECTIONS - 1]);
    char *want = shared.vector[CONNECTIONS - 1];

    atomic_store(&shared.next, 0);
    run_threads(THREADS, open_real, &shared);
    if (!INSTRUMENTED)
        CHECK(resident_bytes() - one < bytes / 10);
    for (int i = 0; i < CONNECTIONS; i++) {
        CHECK_STR(shared.vector[i], want);
        sqlite3_free(shared.vector[i]);
        sqlite3_close(shared.db[i]);
    }
    sqlite3_free(want);
}

static void *embed_on_small_stack(void *want)
{
    open_embed_close(want);
    return NULL;
}

HOST_TEST("host: a thread with a stack of 128 KiB can load a model and embed")
{
    if (INSTRUMENTED)
        SKIP("instrumented code wants a larger stack");
    sqlite3 *db = open_tiny();
    REQUIRE(db);
    char *want = embedding(db);
    CHECK(run(db, "SELECT embed_model_drop('tiny'); SELECT contextual_release()"));
    sqlite3_close(db);
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 128 * 1024);
    REQUIRE(pthread_create(&thread, &attributes, embed_on_small_stack, want) == 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    sqlite3_free(want);
}

static pthread_t embedding_thread;
static atomic_int signals_here, signals_elsewhere;

static void count_signal(int number_)
{
    (void)number_;
    if (pthread_equal(pthread_self(), embedding_thread))
        atomic_fetch_add(&signals_here, 1);
    else
        atomic_fetch_add(&signals_elsewhere, 1);
}

static void *send_signals(void *context)
{
    atomic_bool *done = context;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    while (!atomic_load(done)) {
        kill(getpid(), SIGUSR1);
        sleep_ms(1);
    }
    return NULL;
}

HOST_TEST("host: signals reach the host's threads, never a helper of ours")
{
    sqlite3 *db = open_tiny();
    REQUIRE(db);
    embedding_thread = pthread_self();
    struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    atomic_bool done = false;
    pthread_t sender;
    REQUIRE(pthread_create(&sender, NULL, send_signals, &done) == 0);
    double begin = milliseconds();
    while (milliseconds() - begin < 300)
        CHECK(run(db, COUNT_300));
    atomic_store(&done, true);
    pthread_join(sender, NULL);
    CHECK(atomic_load(&signals_here) > 10);
    CHECK_INT(atomic_load(&signals_elsewhere), 0);
    sqlite3_close(db);
}

HOST_TEST("host: the smallest double is still a number after loading and embedding")
{
    sqlite3 *db = open_tiny();
    REQUIRE(db);
    CHECK(run(db, COUNT_300));
    volatile double tiny = 5e-324;
    CHECK(tiny * 1.0 > 0);
    sqlite3_close(db);
}

/* ---- Fork -------------------------------------------------------------------------- */

#define MANY                                                                               \
    "SELECT hex(embedding) FROM embed_query('" ENDLESS " LIMIT 200', 'tiny') "             \
    "WHERE key = 77"

static void child_embeds_too(const char *want, const char *want_many)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(INSTRUMENTED ? 100 : 20);
        sqlite3 *db = open_tiny();
        char *many = db ? value(db, MANY) : NULL;
        _exit(!(db && embeds_as(db, want) && many && strcmp(many, want_many) == 0));
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
}

HOST_TEST("host: a child of fork embeds the same bits as its parent")
{
    if (!FORKS_WITH_THREADS)
        SKIP("the thread sanitizer does not go through this fork");
    sqlite3 *db = open_tiny();
    REQUIRE(db);
    char *want = embedding(db), *want_many = value(db, MANY);
    for (int i = 0; i < 5; i++) {
        child_embeds_too(want, want_many);
        CHECK(embeds_as(db, want));
    }
    sqlite3_free(want);
    sqlite3_free(want_many);
    sqlite3_close(db);
}

/* Embeds rows without end until sqlite3_interrupt(db). */
static void *embed_on_and_on(void *db)
{
    int rc = sqlite3_exec(db, LONG_QUERY, NULL, NULL, NULL);
    CHECK_INT(rc, SQLITE_INTERRUPT);
    return NULL;
}

HOST_TEST("host: a fork in the middle of another thread's work leaves both whole")
{
    if (INSTRUMENTED)
        SKIP("the sanitizers' own locks do not survive such a fork");
    /* SQLite's own counters have a lock that a fork would leave locked. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3 *db = open_tiny(), *busy = open_tiny();
    REQUIRE(db && busy);
    char *want = embedding(db), *want_many = value(db, MANY);
    pthread_t worker;
    REQUIRE(pthread_create(&worker, NULL, embed_on_and_on, busy) == 0);
    for (int i = 0; i < 20; i++) {
        sleep_ms(i);
        child_embeds_too(want, want_many);
    }
    for (int i = 0; i < 10; i++, sleep_ms(2))
        sqlite3_interrupt(busy);
    pthread_join(worker, NULL);
    CHECK(embeds_as(db, want));
    sqlite3_free(want);
    sqlite3_free(want_many);
    sqlite3_close(db);
    sqlite3_close(busy);
}

/* ---- The end of the process -------------------------------------------------------- */

HOST_TEST("host: a process may end while another thread embeds")
{
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            pthread_t worker;
            sqlite3 *db = open_tiny();
            alarm(60);
            if (!db || pthread_create(&worker, NULL, embed_on_and_on, db) != 0)
                _exit(1);
            sleep_ms(7 * i);
            fclose(stdout); /* what the parent has buffered is the parent's to write */
            exit(7);
        }
        int status = -1;
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status));
        /* Leak detectors count what the running thread held, with a status of their own. */
        if (!INSTRUMENTED)
            CHECK_INT(WEXITSTATUS(status), 7);
    }
}

/* ---- Stopping ---------------------------------------------------------------------- */

typedef struct timer {
    sqlite3 *db;
    long ms;
    double fired; /* when, in milliseconds() */
    atomic_bool done;
} timer;

/* Again and again: an interrupt that comes before the statement has begun is lost. */
static void *interrupt_later(void *context)
{
    timer *self = context;
    sleep_ms(self->ms);
    self->fired = milliseconds();
    while (!atomic_load(&self->done)) {
        sqlite3_interrupt(self->db);
        sleep_ms(2);
    }
    return NULL;
}

/* Milliseconds from the interrupt, `ms` after the beginning of `sql`, to its answer. */
static double interrupt_answer(sqlite3 *db, const char *sql, long ms)
{
    timer self = {db, ms, 0, false};
    pthread_t thread;
    char *message = NULL;
    if (pthread_create(&thread, NULL, interrupt_later, &self) != 0)
        return INFINITY;
    int rc = sqlite3_exec(db, sql, NULL, NULL, &message);
    double now = milliseconds();
    atomic_store(&self.done, true);
    pthread_join(thread, NULL);
    CHECK_INT(rc, SQLITE_INTERRUPT);
    CHECK_STR(message, "interrupted");
    sqlite3_free(message);
    return now - self.fired;
}

/* Another program may hold the processor for longer than the limit: the best of a few tries
** tells what this one does. */
enum { TRIES = 6 };

/* Runs `sql`, which would take very long, and interrupts it after `ms`. */
static void check_interrupt(sqlite3 *db, const char *sql, long ms)
{
    double late = INFINITY;
    for (int i = 0; i < TRIES && late > ANSWER_MS; i++)
        late = interrupt_answer(db, sql, ms);
    CHECK_NEAR(late, 0, ANSWER_MS);
}

HOST_TEST("host: sqlite3_interrupt is answered within 100 ms, and the connection goes on")
{
    sqlite3 *db = open_tiny();
    REQUIRE(db);
    char *want = embedding(db);
    for (long ms = 1; ms < 200; ms += 40) {
        check_interrupt(db, LONG_QUERY, ms);
        check_interrupt(db, LONG_EMBED, ms);
        CHECK(embeds_as(db, want));
    }
    CHECK(run(db, "CREATE TABLE long_text AS "
                  "SELECT replace(hex(zeroblob(2000000)), '00', 'ab ') AS body"));
    for (long ms = 10; ms < 100; ms *= 2)
        check_interrupt(db, LONG_TOKENS, ms);
    CHECK(embeds_as(db, want));
    sqlite3_free(want);
    sqlite3_close(db);
}

HOST_TEST("host: an interrupted read keeps the transaction, a write rolls back")
{
    sqlite3 *db = open_tiny();
    REQUIRE(db);
    CHECK(run(db, "CREATE TABLE t(a); BEGIN; INSERT INTO t VALUES (1)"));
    check_interrupt(db, LONG_QUERY, 30);
    CHECK(!sqlite3_get_autocommit(db));
    CHECK_INT(number(db, "SELECT count(*) FROM t"), 1);
    check_interrupt(db, "INSERT INTO t SELECT embedding FROM embed_query('" ENDLESS
                        " LIMIT 10000000', 'tiny')", 30);
    CHECK(sqlite3_get_autocommit(db));
    CHECK_INT(number(db, "SELECT count(*) FROM t"), 0);
    sqlite3_close(db);
}

static int past_deadline(void *context)
{
    return milliseconds() > *(double *)context;
}

/* Milliseconds by which `sql` goes on after a deadline that a handler watches. */
static double deadline_answer(sqlite3 *db, const char *sql, int steps)
{
    double deadline = milliseconds() + 50;
    sqlite3_progress_handler(db, steps, past_deadline, &deadline);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    double late = milliseconds() - deadline;
    sqlite3_progress_handler(db, 0, NULL, NULL);
    CHECK_INT(rc, SQLITE_INTERRUPT);
    return late;
}

HOST_TEST("host: a progress handler's time limit holds, whatever its number of steps")
{
    static const char *const long_queries[] = {LONG_QUERY, LONG_EMBED};
    sqlite3 *db = open_tiny();
    REQUIRE(db);
    char *want = embedding(db);
    for (int steps = 1; steps <= 100000; steps *= 10) {
        for (int i = 0; i < 2; i++) {
            double late = INFINITY;
            for (int try = 0; try < TRIES && late > ANSWER_MS; try++)
                late = deadline_answer(db, long_queries[i], steps);
            CHECK_NEAR(late, 0, ANSWER_MS);
        }
        CHECK(embeds_as(db, want));
    }
    sqlite3_free(want);
    sqlite3_close(db);
}

HOST_TEST("host: a progress handler that never stops is asked, and the query ends")
{
    sqlite3 *db = open_tiny();
    REQUIRE(db);
    double never = 1e300;
    for (int steps = 1; steps <= 100000; steps *= 100) {
        sqlite3_progress_handler(db, steps, past_deadline, &never);
        CHECK_INT(number(db, COUNT_300), 300);
    }
    sqlite3_close(db);
}

/* ---- Two SQLite libraries ---------------------------------------------------------- */

static bool copy_file(const char *from, const char *to)
{
    char buffer[65536];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    bool good = in && out;
    for (size_t got; good && (got = fread(buffer, 1, sizeof buffer, in)) > 0; )
        good = fwrite(buffer, 1, got, out) == got;
    if (in)
        fclose(in);
    if (out)
        good = fclose(out) == 0 && good;
    return good;
}

/* The second library's functions, by name; the types are those of the first one's. */
#define SECOND(name) __typeof__(name) *second_##name = \
    __extension__(__typeof__(name) *)dlsym(handle, #name)

HOST_TEST("host: a second SQLite library in the process is refused, the first one goes on")
{
    if (INSTRUMENTED)
        SKIP("the sanitizers do not allow a second copy");
    Dl_info info;
    const char *second = test_tmp("libsqlite3-second.so");
    REQUIRE(dladdr(__extension__(void *)sqlite3_libversion, &info) != 0);
    REQUIRE(copy_file(info.dli_fname, second));
    void *handle = dlopen(second, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    REQUIRE(handle);
    SECOND(sqlite3_open);
    SECOND(sqlite3_enable_load_extension);
    SECOND(sqlite3_load_extension);
    REQUIRE(second_sqlite3_open && second_sqlite3_enable_load_extension &&
            second_sqlite3_load_extension);

    sqlite3 *db = open_tiny(), *other = NULL;
    REQUIRE(db);
    char *want = embedding(db), *message = NULL;
    REQUIRE(second_sqlite3_open(":memory:", &other) == SQLITE_OK);
    second_sqlite3_enable_load_extension(other, 1);
    CHECK_INT(second_sqlite3_load_extension(other, library(), NULL, &message),
              SQLITE_ERROR);
    CHECK(message && strstr(message, "another SQLite library") != NULL);
    CHECK(embeds_as(db, want));
    sqlite3_free(want);
    sqlite3_close(db);
}
