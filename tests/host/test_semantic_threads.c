/*
** test_semantic_threads.c - several threads, each with a connection of its own to one file, ask
** semantic indexes and change them at the same time: they share the codes that the process keeps
** (block_cache.h) and the model. Every answer holds what its own transaction shows.
*/
#include "host.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TURNS = 120, ROWS = 200 };

typedef struct worker {
    const char *file;
    int number;
    long wrong, failed;
    char message[200];
} worker;

static sqlite3 *open_file(const char *file)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(file, &db) != SQLITE_OK)
        return db;
    sqlite3_busy_timeout(db, 60000);
    sqlite3_enable_load_extension(db, 1);
    sqlite3_load_extension(db, host_library(), NULL, NULL);
    return db;
}

static int count_rows(void *wrong, int columns, char **values, char **names)
{
    (void)columns, (void)names;
    *(long *)wrong += !values[0] || values[0][0] != '1';
    return 0;
}

static void run(worker *w, sqlite3 *db, const char *format, int a, int b)
{
    char *sql = sqlite3_mprintf(format, a, b), *message = NULL;
    if (sqlite3_exec(db, sql, count_rows, &w->wrong, &message) != SQLITE_OK) {
        w->failed++;
        sqlite3_snprintf(sizeof w->message, w->message, "%s: %s", sql, message);
    }
    sqlite3_free(message);
    sqlite3_free(sql);
}

/* Each thread changes the rows whose ids leave its number when divided by two. */
static void *work(void *context)
{
    worker *w = context;
    sqlite3 *db = open_file(w->file);
    for (int i = 0; i < TURNS; i++) {
        int id = 2 * (i * 7 % (ROWS / 2)) + w->number;
        run(w, db, "REPLACE INTO s(rowid, vector) VALUES(%d, vector('[%d, 1, 2]'))", id, i + 5);
        run(w, db, "SELECT count(*) = 1 FROM s WHERE rowid = %d AND vector = "
                   "vector('[%d, 1, 2]')", id, i + 5);
        run(w, db, "SELECT count(*) = 5 AND min(distance = cosine_distance(vector, "
                   "vector('[%d, 1, 2]'))) FROM s(vector('[%d, 1, 2]'), 5)", i + 5, i + 5);
        if (i % 10 == 0)
            run(w, db, "DELETE FROM s WHERE rowid = %d", id, 0);
    }
    sqlite3_close(db);
    return NULL;
}

/* A file of its own with connections in WAL mode; the first of them. */
static sqlite3 *make_file(char file[])
{
    int made = mkstemp(file);
    if (!CHECK(made >= 0))
        return NULL;
    close(made);
    sqlite3 *db = open_file(file);
    sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    return db;
}

static void join_all(pthread_t *thread, worker *workers, int count)
{
    for (int i = 0; i < count; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < count; i++) {
        CHECK_STR(workers[i].message, "");
        CHECK_INT(workers[i].failed + workers[i].wrong, 0);
    }
}

static void remove_file(sqlite3 *db, const char *file)
{
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
    unlink(file);
}

HOST_TEST("host: two threads ask and change a semantic index at the same time")
{
    char file[] = "/tmp/contextual.XXXXXX";
    worker both[2] = {{.file = file}, {.file = file, .number = 1}}, first = {.file = file};
    sqlite3 *db = make_file(file);
    REQUIRE(db);
    run(&first, db, "CREATE VIRTUAL TABLE s USING semantic(body, model='')", 0, 0);
    run(&first, db, "WITH RECURSIVE n(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM n WHERE "
                    "i < %d) INSERT INTO s(rowid, vector) "
                    "SELECT i, vector('[' || i || ', 3, 4]') FROM n",
        ROWS - 1, 0);
    pthread_t thread[2];
    for (int i = 0; i < 2; i++)
        REQUIRE(pthread_create(&thread[i], NULL, work, &both[i]) == 0);
    join_all(thread, both, 2);
    run(&first, db, "INSERT INTO s(s) VALUES('integrity-check')", 0, 0);
    CHECK_STR(first.message, "");
    remove_file(db, file);
}

/* ---- Many ask while one writes ------------------------------------------------------ */

enum { ASKING = 3, TEXTS = 24, VECTORS = 600, WRITES = INSTRUMENTED ? 30 : 100 };

static atomic_bool written; /* the one that writes is done */

#define BIND "SELECT embed_model('tiny', '" TEST_FOLDER "/golden/bert') IS NOT NULL"
#define LENDS "SELECT group_concat(rowid || ' ' || distance) FROM t('who lends money', 7)"

/* A text is another, one comes and one goes, and so it is with vectors in several blocks: how
** many there are stays, and that one of them is [1, 1, 1]. */
static void change(worker *w, sqlite3 *db, int i)
{
    run(w, db, "BEGIN IMMEDIATE", 0, 0);
    run(w, db, "DELETE FROM t WHERE rowid = %d", i, 0);
    run(w, db, "INSERT INTO t(rowid, body) VALUES(%d, 'The bank lends %d pounds.')", i + TEXTS,
        i);
    run(w, db, "UPDATE t SET body = 'Bread rises %d times.' WHERE rowid = %d", i, i + TEXTS / 2);
    run(w, db, "REPLACE INTO s(rowid, vector) SELECT 1 + (value + %d) %% %d, "
               "vector('[' || value || ', 9, 4]') FROM json_each('[1, 150, 300, 450]')", i,
        VECTORS);
    run(w, db, "DELETE FROM s WHERE rowid = %d", 10000 + i, 0);
    run(w, db, "INSERT INTO s(rowid, vector) VALUES(%d, vector('[1, 1, 1]'))", 10001 + i, 0);
}

static void *write_all(void *context)
{
    worker *w = context;
    sqlite3 *db = open_file(w->file);
    run(w, db, BIND, 0, 0);
    for (int i = 0; i < WRITES; i++) {
        if (i % 7 == 6) {
            change(w, db, i);
            run(w, db, "INSERT INTO t(t) VALUES('sync')", 0, 0);
            run(w, db, "ROLLBACK", 0, 0);
        }
        change(w, db, i);
        run(w, db, "COMMIT", 0, 0);
        if (i % 16 == 8)
            run(w, db, "INSERT INTO s(s) VALUES('optimize')", 0, 0);
    }
    atomic_store(&written, true);
    sqlite3_close(db);
    return NULL;
}

/* Each question twice in one transaction, the second time when others have written. */
static void ask(worker *w, sqlite3 *db)
{
    run(w, db, "BEGIN", 0, 0);
    run(w, db, "SELECT count(*) = %d AND (SELECT count(*) FROM s) = %d FROM t", TEXTS,
        VECTORS + 1);
    for (int i = 0; i < 2; i++) {
        run(w, db, "SELECT count(*) = 5 AND min(distance = cosine_distance(vector, "
                   "embed('who lends money', 'tiny'))) FROM t('who lends money', 5)", 0, 0);
        run(w, db, "SELECT (" LENDS ") = (" LENDS ")", 0, 0);
        run(w, db, "SELECT count(*) = 1 AND min(abs(distance)) < 1e-6 "
                   "FROM s(vector('[1, 1, 1]'), 1)", 0, 0);
    }
    run(w, db, "COMMIT", 0, 0);
}

static void *ask_all(void *context)
{
    worker *w = context;
    while (!atomic_load(&written) && !w->failed) {
        sqlite3 *db = open_file(w->file);
        run(w, db, BIND, 0, 0);
        for (int i = 0; i < 6; i++)
            ask(w, db);
        if (w->number == 1)
            run(w, db, "SELECT contextual_release() IS NOT NULL", 0, 0);
        sqlite3_close(db);
    }
    return NULL;
}

/* `cache`: bytes of codes that the process keeps. */
static void ask_while_one_writes(int cache)
{
    char file[] = "/tmp/contextual.XXXXXX";
    worker workers[1 + ASKING] = {{0}}, first = {.file = file};
    pthread_t thread[1 + ASKING];
    sqlite3 *db = make_file(file);
    REQUIRE(db);
    run(&first, db, BIND, 0, 0);
    run(&first, db, "CREATE VIRTUAL TABLE s USING semantic(body, model='', index='ivf', "
                    "cache=%d)", cache, 0);
    run(&first, db, "CREATE VIRTUAL TABLE t USING semantic(body, model='tiny', cache=%d)", cache,
        0);
    run(&first, db, "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE "
                    "i < %d) INSERT INTO s(rowid, vector) "
                    "SELECT i, vector('[' || i || ', ' || (i %% 7) || ', -4]') FROM n", VECTORS, 0);
    run(&first, db, "INSERT INTO s(rowid, vector) VALUES(10000, vector('[1, 1, 1]'))", 0, 0);
    run(&first, db, "WITH RECURSIVE n(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM n WHERE "
                    "i < %d) INSERT INTO t(rowid, body) "
                    "SELECT i, 'The river has ' || i || ' banks.' FROM n", TEXTS - 1, 0);
    atomic_store(&written, false);
    for (int i = 0; i <= ASKING; i++) {
        workers[i] = (worker){.file = file, .number = i};
        REQUIRE(pthread_create(&thread[i], NULL, i ? ask_all : write_all, &workers[i]) == 0);
    }
    join_all(thread, workers, 1 + ASKING);
    run(&first, db, "INSERT INTO s(s) VALUES('integrity-check')", 0, 0);
    run(&first, db, "INSERT INTO t(t) VALUES('integrity-check')", 0, 0);
    ask(&first, db);
    CHECK_STR(first.message, "");
    CHECK_INT(first.wrong, 0);
    remove_file(db, file);
}

HOST_TEST("host: three threads ask while one writes, opens and closes come between")
{
    ask_while_one_writes(-1);
}

HOST_TEST("host: ... with room for no block in memory")
{
    ask_while_one_writes(0);
}
