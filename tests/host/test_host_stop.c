/*
** test_host_stop.c - the extension inside a C program that forks, ends, or says stop. See host.h.
*/
#include "host.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Fork -------------------------------------------------------------------------- */

#define MANY                                                                               \
    "SELECT hex(embedding) FROM embed_query('" ENDLESS " LIMIT 200', 'tiny') "             \
    "WHERE key = 77"

static void child_embeds_too(const char *want, const char *want_many)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(INSTRUMENTED ? 100 : 20);
        sqlite3 *db = host_open();
        char *many = db ? host_value(db, MANY) : NULL;
        _exit(!(db && host_embeds_as(db, want) && many && strcmp(many, want_many) == 0));
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
}

HOST_TEST("host: a child of fork embeds the same bits as its parent")
{
    if (!FORKS_WITH_THREADS)
        SKIP("the thread sanitizer does not go through this fork");
    sqlite3 *db = host_open();
    REQUIRE(db);
    char *want = host_embedding(db), *want_many = host_value(db, MANY);
    for (int i = 0; i < 5; i++) {
        child_embeds_too(want, want_many);
        CHECK(host_embeds_as(db, want));
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
    sqlite3 *db = host_open(), *busy = host_open();
    REQUIRE(db && busy);
    char *want = host_embedding(db), *want_many = host_value(db, MANY);
    pthread_t worker;
    REQUIRE(pthread_create(&worker, NULL, embed_on_and_on, busy) == 0);
    for (int i = 0; i < 20; i++) {
        host_sleep_ms(i);
        child_embeds_too(want, want_many);
    }
    for (int i = 0; i < 10; i++, host_sleep_ms(2))
        sqlite3_interrupt(busy);
    pthread_join(worker, NULL);
    CHECK(host_embeds_as(db, want));
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
            sqlite3 *db = host_open();
            alarm(60);
            if (!db || pthread_create(&worker, NULL, embed_on_and_on, db) != 0)
                _exit(1);
            host_sleep_ms(7 * i);
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
    double fired; /* when, in host_milliseconds() */
    atomic_bool done;
} timer;

/* Again and again: an interrupt that comes before the statement has begun is lost. */
static void *interrupt_later(void *context)
{
    timer *self = context;
    host_sleep_ms(self->ms);
    self->fired = host_milliseconds();
    while (!atomic_load(&self->done)) {
        sqlite3_interrupt(self->db);
        host_sleep_ms(2);
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
    double now = host_milliseconds();
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
    sqlite3 *db = host_open();
    REQUIRE(db);
    char *want = host_embedding(db);
    for (long ms = 1; ms < 200; ms += 40) {
        check_interrupt(db, LONG_QUERY, ms);
        check_interrupt(db, LONG_EMBED, ms);
        CHECK(host_embeds_as(db, want));
    }
    CHECK(host_run(db, "CREATE TABLE long_text AS "
                  "SELECT replace(hex(zeroblob(2000000)), '00', 'ab ') AS body"));
    for (long ms = 10; ms < 100; ms *= 2)
        check_interrupt(db, LONG_TOKENS, ms);
    CHECK(host_embeds_as(db, want));
    sqlite3_free(want);
    sqlite3_close(db);
}

HOST_TEST("host: an interrupted read keeps the transaction, a write rolls back")
{
    sqlite3 *db = host_open();
    REQUIRE(db);
    CHECK(host_run(db, "CREATE TABLE t(a); BEGIN; INSERT INTO t VALUES (1)"));
    check_interrupt(db, LONG_QUERY, 30);
    CHECK(!sqlite3_get_autocommit(db));
    CHECK_INT(host_number(db, "SELECT count(*) FROM t"), 1);
    check_interrupt(db, "INSERT INTO t SELECT embedding FROM embed_query('" ENDLESS
                        " LIMIT 10000000', 'tiny')", 30);
    CHECK(sqlite3_get_autocommit(db));
    CHECK_INT(host_number(db, "SELECT count(*) FROM t"), 0);
    sqlite3_close(db);
}

static int past_deadline(void *context)
{
    return host_milliseconds() > *(double *)context;
}

/* Milliseconds by which `sql` goes on after a deadline that a handler watches. */
static double deadline_answer(sqlite3 *db, const char *sql, int steps)
{
    double deadline = host_milliseconds() + 50;
    sqlite3_progress_handler(db, steps, past_deadline, &deadline);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    double late = host_milliseconds() - deadline;
    sqlite3_progress_handler(db, 0, NULL, NULL);
    CHECK_INT(rc, SQLITE_INTERRUPT);
    return late;
}

HOST_TEST("host: a progress handler's time limit holds, whatever its number of steps")
{
    static const char *const long_queries[] = {LONG_QUERY, LONG_EMBED};
    sqlite3 *db = host_open();
    REQUIRE(db);
    char *want = host_embedding(db);
    for (int steps = 1; steps <= 100000; steps *= 10) {
        for (int i = 0; i < 2; i++) {
            double late = INFINITY;
            for (int try = 0; try < TRIES && late > ANSWER_MS; try++)
                late = deadline_answer(db, long_queries[i], steps);
            CHECK_NEAR(late, 0, ANSWER_MS);
        }
        CHECK(host_embeds_as(db, want));
    }
    sqlite3_free(want);
    sqlite3_close(db);
}

HOST_TEST("host: a progress handler that never stops is asked, and the query ends")
{
    sqlite3 *db = host_open();
    REQUIRE(db);
    double never = 1e300;
    for (int steps = 1; steps <= 100000; steps *= 100) {
        sqlite3_progress_handler(db, steps, past_deadline, &never);
        CHECK_INT(host_number(db, COUNT_300), 300);
    }
    sqlite3_close(db);
}
