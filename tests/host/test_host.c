/*
** test_host.c - the extension inside a C program: life and death of connections, threads, two
** SQLite libraries. See host.h.
*/
#include "host.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Life of connections ----------------------------------------------------------- */

HOST_TEST("host: loading opens no file for good and starts no thread")
{
    sqlite3 *db = NULL;
    REQUIRE(sqlite3_open(":memory:", &db) == SQLITE_OK);
    int before = host_threads(), open_before = host_descriptors();
    CHECK_INT(host_load(db), SQLITE_OK);
    CHECK_INT(host_threads(), before);
    CHECK_INT(host_descriptors(), open_before);
    sqlite3_close(db);
}

HOST_TEST("host: with one thread allowed, embedding many rows starts none")
{
    setenv("CONTEXTUAL_THREADS", "1", 1);
    sqlite3 *db = host_open();
    REQUIRE(db);
    int before = host_threads();
    CHECK_INT(host_number(db, COUNT_300), 300);
    CHECK_INT(host_threads(), before);
    sqlite3_close(db);
}

HOST_TEST("host: a second load on the same connection is welcome")
{
    sqlite3 *db = host_open();
    REQUIRE(db);
    char *want = host_embedding(db);
    CHECK_INT(host_load(db), SQLITE_OK);
    char *got = host_value(db, "SELECT contextual_version()");
    CHECK(strlen(got) > 0);
    if (!host_embeds_as(db, want)) /* names may have to be bound again */
        CHECK(host_bind(db, "tiny", test_data("golden/bert")) && host_embeds_as(db, want));
    sqlite3_free(got);
    sqlite3_free(want);
    sqlite3_close(db);
}

static void open_embed_close(const char *want)
{
    sqlite3 *db = host_open();
    CHECK(db && host_embeds_as(db, want));
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}

HOST_TEST("host: open, load, embed, close, a thousand times, leaves nothing behind")
{
    sqlite3 *db = host_open();
    REQUIRE(db);
    char *want = host_embedding(db);
    sqlite3_close(db);
    for (int i = 0; i < ROUNDS / 10; i++)
        open_embed_close(want);
    long long resident = host_resident();
    int threads_before = host_threads(), open_before = host_descriptors();
    for (int i = 0; i < ROUNDS; i++)
        open_embed_close(want);
    CHECK_INT(host_threads(), threads_before);
    CHECK_INT(host_descriptors(), open_before);
    if (!INSTRUMENTED)
        CHECK(host_resident() - resident < 512 * 1024);
    sqlite3_free(want);
}

HOST_TEST("host: what is released is loaded again when it is wanted, with the same bits")
{
    sqlite3 *db = host_open();
    REQUIRE(db);
    char *want = host_embedding(db);
    for (int i = 0; i < 20; i++) {
        CHECK(host_run(db, "SELECT embed_model_drop('tiny')"));
        CHECK(host_run(db, "SELECT contextual_release()"));
        CHECK(host_bind(db, "tiny", test_data("golden/bert")));
        CHECK(host_embeds_as(db, want));
    }
    sqlite3_free(want);
    sqlite3_close(db);
}

HOST_TEST("host: a statement that is still open keeps what it needs")
{
    sqlite3 *db = host_open();
    REQUIRE(db);
    sqlite3_stmt *statement = NULL;
    REQUIRE(sqlite3_prepare_v2(db, "SELECT token FROM tokens('" TEXT "', 'tiny')", -1,
                               &statement, NULL) == SQLITE_OK);
    CHECK_INT(sqlite3_step(statement), SQLITE_ROW);
    CHECK(host_run(db, "SELECT embed_model_drop('tiny')"));
    CHECK(host_run(db, "SELECT contextual_release()"));
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
    sqlite3 *db = host_open();
    REQUIRE(db);
    char *want = host_embedding(db);
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
        sqlite3 *db = host_open();
        char *text = db ? host_embedding(db) : sqlite3_mprintf("");
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
            !CHECK_INT(host_load(db), SQLITE_OK) || !host_bind(db, "real", shared->path))
            continue;
        shared->db[i] = db;
        shared->vector[i] = host_value(db, "SELECT hex(embed('" TEXT "', 'real'))");
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
    long long one = host_resident();
    REQUIRE(shared.db[CONNECTIONS - 1]);
    long long bytes =
        host_number(shared.db[CONNECTIONS - 1], "SELECT bytes FROM embed_models "
                                           "WHERE name = 'real'");
    CHECK(bytes > 80 << 20);
    sqlite3_close(shared.db[CONNECTIONS - 1]);
    char *want = shared.vector[CONNECTIONS - 1];

    atomic_store(&shared.next, 0);
    run_threads(THREADS, open_real, &shared);
    if (!INSTRUMENTED)
        CHECK(host_resident() - one < bytes / 10);
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
    sqlite3 *db = host_open();
    REQUIRE(db);
    char *want = host_embedding(db);
    CHECK(host_run(db, "SELECT embed_model_drop('tiny'); SELECT contextual_release()"));
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
        host_sleep_ms(1);
    }
    return NULL;
}

HOST_TEST("host: signals reach the host's threads, never a helper of ours")
{
    sqlite3 *db = host_open();
    REQUIRE(db);
    embedding_thread = pthread_self();
    struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    atomic_bool done = false;
    pthread_t sender;
    REQUIRE(pthread_create(&sender, NULL, send_signals, &done) == 0);
    double begin = host_milliseconds();
    while (host_milliseconds() - begin < 300)
        CHECK(host_run(db, COUNT_300));
    atomic_store(&done, true);
    pthread_join(sender, NULL);
    CHECK(atomic_load(&signals_here) > 10);
    CHECK_INT(atomic_load(&signals_elsewhere), 0);
    sqlite3_close(db);
}

HOST_TEST("host: the smallest double is still a number after loading and embedding")
{
    sqlite3 *db = host_open();
    REQUIRE(db);
    CHECK(host_run(db, COUNT_300));
    volatile double tiny = 5e-324;
    CHECK(tiny * 1.0 > 0);
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

    sqlite3 *db = host_open(), *other = NULL;
    REQUIRE(db);
    char *want = host_embedding(db), *message = NULL;
    REQUIRE(second_sqlite3_open(":memory:", &other) == SQLITE_OK);
    second_sqlite3_enable_load_extension(other, 1);
    CHECK_INT(second_sqlite3_load_extension(other, host_library(), NULL, &message),
              SQLITE_ERROR);
    CHECK(message && strstr(message, "another SQLite library") != NULL);
    CHECK(host_embeds_as(db, want));
    sqlite3_free(want);
    sqlite3_close(db);
}
