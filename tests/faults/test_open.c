/*
** test_open.c - memory or the file fails while a new connection is opened, gets the extension and
** asks its first question: each step gets through or says so, and nothing is left when the
** connection is closed.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../host/failing.h"
#include "../host/faulty_vfs.h"
#include "../unit/unit.h"
#include "memory.h"
#include "state.h"

static const char question[] =
    "SELECT rowid, body, snippet FROM own WHERE own MATCH 'the bank' AND k = 2";

static rows seen; /* of the question where nothing fails */

/* One connection's whole life; the code of the first step that failed. */
static int whole_life(const char *path)
{
    sqlite3 *db = NULL;
    const char *rest;
    int rc = sqlite3_open(path, &db);
    if (rc == SQLITE_OK)
        rc = state_load(db);
    if (rc == SQLITE_OK)
        rc = state_play(db, "SELECT embed_model('tiny', tests || '/golden/bert') FROM place", NULL,
                        &rest);
    if (rc == SQLITE_OK)
        rc = state_play(db, question, &seen, &rest);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
    return rc & 0xff;
}

static bool make_state(state *s, const char **path)
{
    if (!state_make(s, "DELETE", "CREATE TABLE place(tests)"))
        return false;
    char *sql = sqlite3_mprintf("INSERT INTO place VALUES(%Q);"
                                "CREATE VIRTUAL TABLE own USING semantic(body, model='tiny');"
                                "INSERT INTO own(body) VALUES('the bank'), ('a river')",
                                test_data(""));
    sqlite3 *db = state_open(s);
    bool good = db && state_run(db, sql);
    if (good)
        *path = test_tmp("faults.db");
    sqlite3_free(sql);
    good = CHECK_INT(sqlite3_close(db), SQLITE_OK) && good && whole_life(*path) == SQLITE_OK;
    seen.known = true;
    return good && CHECK_INT(seen.count, 2);
}

/* What fails, and how it is said. */
typedef struct cause {
    bool (*use)(void);
    void (*arm)(long n, bool on);
    long (*disarm)(void);
    bool (*fits)(int code);
    long step; /* from one chance to the next, unless FAULTS is 0 */
} cause;

static const cause *why;

/* A life for each chance, or for those that lie `step` apart. */
static void fail_each(void)
{
    state s;
    const char *path = NULL;
    const char *wish = getenv("FAULTS");
    const long step = wish && !atol(wish) ? 1 : why->step;
    setenv("CONTEXTUAL_THREADS", "1", 1);
    REQUIRE(why->use() && make_state(&s, &path));
    if (wish)
        alarm(0);
    sqlite3_int64 before = sqlite3_memory_used(), core = enc_memory_used();
    why->arm(-1, false);
    REQUIRE(CHECK_INT(whole_life(path), SQLITE_OK));
    long count = why->disarm();
    bool good = CHECK(count > 0);
    for (long n = 0; n < count && good; n += step)
        for (int on = 0; on < 2; on++) {
            why->arm(n, on);
            int rc = whole_life(path);
            why->disarm();
            good = CHECK(rc == SQLITE_OK || why->fits(rc)) && CHECK(!seen.wrong) &&
                   CHECK_INT(sqlite3_memory_used(), before) &&
                   CHECK_INT(enc_memory_used(), core) && good;
            if (!good)
                printf("    chance %ld%s gave %d\n", n, on ? " and all after" : "", rc);
        }
    CHECK_INT(whole_life(path), SQLITE_OK);
    state_free(&s);
}

static void fail_lives(const cause *what)
{
    why = what;
    unit_in_child(fail_each);
}

/* ---- Memory ---- */

static bool is_nomem(int code) { return code == SQLITE_NOMEM; }

TEST("open: whichever allocation of SQLite's fails, a connection's first question is right or not "
     "answered")
{
    static const cause memory = {failing_use, failing_count, failing_counted, is_nomem, 97};
    fail_lives(&memory);
}

/* ---- The file ---- */

static void arm_file(long n, bool on) { faulty_vfs_arm(FAULTY_ALL, n, on); }

static bool is_of_file(int code)
{
    return code == SQLITE_IOERR || code == SQLITE_CANTOPEN;
}

TEST("open: whichever call on the file fails, a connection's first question is right or not "
     "answered")
{
    static const cause file = {faulty_vfs_use, arm_file, faulty_vfs_disarm, is_of_file, 1};
    fail_lives(&file);
}
