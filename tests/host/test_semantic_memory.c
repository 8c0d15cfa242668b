/*
** test_semantic_memory.c - SQLite's n-th allocation fails while a semantic index is made,
** changed, asked, rebuilt, renamed or dropped: the act says "out of memory", the index is sound
** and agrees with the table beside it, and the same act then gets through.
**
** MEMORY=n tries n allocations of each act, evenly spread (default 40); 0: all.
*/
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "failing.h"

/* Each finds what those before it left. */
static const char *const acts[] = {
    "CREATE VIRTUAL TABLE own USING semantic(body, model='tiny')",
    "CREATE TABLE article(id INTEGER PRIMARY KEY, body)",
    "CREATE VIRTUAL TABLE search USING semantic(body, model='tiny', content='article', "
    "content_rowid='id', chunk=16, overlap=4)",
    "INSERT INTO search(search) VALUES('triggers')",
    "CREATE VIRTUAL TABLE bare USING semantic(body, model='', content='')",
    "INSERT INTO own(body) VALUES('the bank'), ('a river'), ('bread'), ('the tide')",
    "BEGIN; INSERT INTO article VALUES(1, 'the bank'), (2, NULL); "
    "INSERT INTO article VALUES(3, 'a river. The other river, which is longer, has more words "
    "in it than fit a chunk of sixteen tokens. And so has this one.'); COMMIT",
    "INSERT INTO bare(rowid, vector) VALUES(4, vector('[1, 2]')), (9, vector('[2, 1]'))",
    "SELECT rowid, distance, body FROM own WHERE own MATCH 'money' AND k = 2",
    "SELECT rowid, snippet, chunk_start FROM search WHERE search MATCH 'money' ORDER BY rank "
    "LIMIT 2",
    "SELECT rowid FROM search('money', 2) WHERE rowid IN (SELECT id FROM article)",
    "SELECT rowid, vector FROM own",
    "SELECT rowid FROM bare WHERE bare MATCH vector('[1, 1]') AND among = '[4, 5]'",
    "SELECT a.id, s.rowid FROM article a, search(a.body, 2) s",
    "UPDATE own SET body = 'the bank of the river' WHERE rowid = 2",
    "UPDATE own SET rowid = 20 WHERE rowid = 3",
    "INSERT OR REPLACE INTO own(rowid, body) VALUES(20, 'flour')",
    "DELETE FROM own WHERE rowid = 1",
    "UPDATE article SET id = 7 WHERE id = 3",
    "DELETE FROM article WHERE id = 2",
    "BEGIN; SAVEPOINT s; INSERT INTO own(body) VALUES('gone'); ROLLBACK TO s; "
    "INSERT INTO own(body) VALUES('here'); COMMIT",
    "INSERT INTO own(own) VALUES('optimize')",
    "INSERT INTO search(search, rank) VALUES('rebuild', 1)",
    "UPDATE article SET body = 'the sea' WHERE id = 1",
    "INSERT INTO search(search) VALUES('rebuild')",
    "INSERT INTO own(own) VALUES('rebuild')",
    "INSERT INTO search(search) VALUES('sync')",
    "INSERT INTO search(search) VALUES('integrity-check')",
    "SELECT * FROM semantic_status",
    "ALTER TABLE own RENAME TO mine",
    "INSERT INTO search(search) VALUES('drop-triggers')",
    "INSERT INTO mine(mine) VALUES('delete-all')",
    "DROP TABLE mine",
    "DROP TABLE search",
    "DROP TABLE bare",
};
enum { ACTS = sizeof acts / sizeof *acts, MOST = 100000 };

/* What must hold of an index that is there. */
static const char *const sound[][2] = {
    {"own", "INSERT INTO own(own) VALUES('integrity-check')"},
    {"own", "SELECT count(*) = 0 FROM own WHERE vector IS NOT embed(body, 'tiny')"},
    {"mine", "INSERT INTO mine(mine) VALUES('integrity-check')"},
    {"search", "INSERT INTO search(search) VALUES('integrity-check')"},
    {"bare", "INSERT INTO bare(bare) VALUES('integrity-check')"},
    {"search", "SELECT (SELECT count(*) FROM article) >= (SELECT count(*) FROM search)"},
    {"search", "SELECT count(*) = 0 FROM search WHERE body <> (SELECT body FROM article WHERE "
               "id = search.rowid) OR length(body) < 40 AND vector IS NOT embed(body, 'tiny')"},
};

/* Runs the statements; *holds false: a row did not end in 1. */
static int run(sqlite3 *db, const char *sql, bool *holds)
{
    int rc = SQLITE_OK;
    while (rc == SQLITE_OK && *sql) {
        sqlite3_stmt *statement = NULL;
        rc = sqlite3_prepare_v2(db, sql, -1, &statement, &sql);
        if (rc != SQLITE_OK || !statement)
            break;
        while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
            if (holds && !sqlite3_column_int(statement, 0))
                *holds = false;
        rc = sqlite3_finalize(statement);
    }
    return rc;
}

static bool is_there(sqlite3 *db, const char *table)
{
    char *sql = sqlite3_mprintf("SELECT count(*) FROM sqlite_master WHERE name = %Q", table);
    bool there = true;
    bool good = CHECK_INT(run(db, sql, &there), SQLITE_OK);
    sqlite3_free(sql);
    return good && there;
}

static bool is_sound(sqlite3 *db, const char *after)
{
    bool good = true;
    for (size_t i = 0; good && i < sizeof sound / sizeof *sound; i++) {
        bool holds = true;
        if (is_there(db, sound[i][0])) {
            good = CHECK_INT(run(db, sound[i][1], &holds), SQLITE_OK) && CHECK(holds);
            if (!good)
                printf("    %s: %s\n", sound[i][1], sqlite3_errmsg(db));
        }
    }
    if (!good)
        printf("    after: %s\n", after);
    return good;
}

static bool copy(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    return backup && sqlite3_backup_step(backup, -1) == SQLITE_DONE &&
           sqlite3_backup_finish(backup) == SQLITE_OK;
}

static sqlite3 *open_with(sqlite3 *state)
{
    sqlite3 *db = NULL;
    const char *path = getenv("CONTEXTUAL_LIBRARY");
    bool good = sqlite3_open(":memory:", &db) == SQLITE_OK && (!state || copy(state, db));
    sqlite3_enable_load_extension(db, 1);
    if (good && state) {
        good = sqlite3_load_extension(db, path ? path : test_data("../contextual.so"), NULL,
                                      NULL) == SQLITE_OK;
        char *sql = sqlite3_mprintf("SELECT embed_model('tiny', '%q/golden/bert'), "
                                    "embed_model_default('tiny')", test_data(""));
        good = good && run(db, sql, NULL) == SQLITE_OK;
        sqlite3_free(sql);
    }
    CHECK(good);
    return db;
}

/* The act with allocation n failing, and once more; *failed: it did. */
static bool try_act(sqlite3 *state, const char *act, long n, bool *failed)
{
    sqlite3 *db = open_with(state);
    failing_forget();
    failing_after(n);
    int rc = run(db, act, NULL);
    failing_after(-1);
    *failed = failing_has_failed();
    bool good = rc == SQLITE_OK || CHECK(*failed && (rc & 0xff) == SQLITE_NOMEM) ||
                CHECK_STR(sqlite3_errmsg(db), "out of memory");
    if (!sqlite3_get_autocommit(db))
        run(db, "ROLLBACK", NULL);
    good = is_sound(db, act) && good;
    if (rc != SQLITE_OK) {
        good = CHECK_INT(run(db, act, NULL), SQLITE_OK) && good;
        good = is_sound(db, act) && good;
    }
    if (!good)
        printf("    allocation %ld of: %s\n", n, act);
    if (!*failed)
        CHECK(copy(db, state));
    return CHECK_INT(sqlite3_close(db), SQLITE_OK) && good;
}

/* How many allocations the act makes. */
static long allocations(sqlite3 *state, const char *act)
{
    sqlite3 *db = open_with(state);
    failing_after(MOST);
    CHECK_INT(run(db, act, NULL), SQLITE_OK);
    long count = MOST - failing_after(-1);
    sqlite3_close(db);
    return count;
}

static void fail_everywhere(void)
{
    REQUIRE(failing_use());
    const char *wish = getenv("MEMORY");
    long points = wish ? atol(wish) : 40, tried = 0;
    sqlite3 *state = open_with(NULL);
    bool good = true, failed = false;
    for (int i = 0; good && i < ACTS; i++) {
        long count = allocations(state, acts[i]), step = 1;
        if (points > 0 && count > points)
            step = count / points;
        for (long n = i % step; good && n < count; n += step, tried++)
            good = try_act(state, acts[i], n, &failed);
        good = good && try_act(state, acts[i], -1, &failed);
    }
    CHECK(tried > ACTS);
    sqlite3_close(state);
    CHECK_INT(sqlite3_memory_used(), 0);
}

TEST("host: whichever allocation of SQLite's fails, a semantic index stays sound")
{
    if (UNDER_TSAN)
        SKIP("backups in both directions look to the thread sanitizer like locks in both orders");
    unit_in_child(fail_everywhere);
}
