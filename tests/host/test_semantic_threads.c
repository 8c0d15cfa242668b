/*
** test_semantic_threads.c - two threads, each with a connection of its own to one file, ask a
** semantic index and change it at the same time: they share the codes that the process keeps
** (block_cache.h). Every answer holds what its own transaction shows.
*/
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "../unit/unit.h"

enum { ROUNDS = 120, ROWS = 200 };

typedef struct worker {
    const char *file;
    int number;
    long wrong, failed;
    char message[200];
} worker;

static sqlite3 *open_file(const char *file)
{
    sqlite3 *db = NULL;
    const char *path = getenv("CONTEXTUAL_LIBRARY");
    if (sqlite3_open(file, &db) != SQLITE_OK)
        return db;
    sqlite3_busy_timeout(db, 20000);
    sqlite3_enable_load_extension(db, 1);
    sqlite3_load_extension(db, path ? path : test_data("../contextual.so"), NULL, NULL);
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
    for (int i = 0; i < ROUNDS; i++) {
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

static void work_together(void)
{
    char file[] = "/tmp/contextual.XXXXXX";
    int made = mkstemp(file);
    REQUIRE(made >= 0);
    close(made);
    worker both[2] = {{.file = file}, {.file = file, .number = 1}}, first = {.file = file};
    sqlite3 *db = open_file(file);
    sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    run(&first, db, "CREATE VIRTUAL TABLE s USING semantic(body, model='')", 0, 0);
    run(&first, db, "WITH RECURSIVE n(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM n WHERE "
                    "i < %d) INSERT INTO s(rowid, vector) "
                    "SELECT i, vector('[' || i || ', 3, 4]') FROM n",
        ROWS - 1, 0);
    pthread_t thread[2];
    for (int i = 0; i < 2; i++)
        REQUIRE(pthread_create(&thread[i], NULL, work, &both[i]) == 0);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    run(&first, db, "INSERT INTO s(s) VALUES('integrity-check')", 0, 0);
    CHECK_STR(first.message, "");
    for (int i = 0; i < 2; i++) {
        CHECK_STR(both[i].message, "");
        CHECK_INT(both[i].failed + both[i].wrong, 0);
    }
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
    unlink(file);
}

TEST("host: two threads ask and change a semantic index at the same time")
{
    unit_in_child(work_together);
}
