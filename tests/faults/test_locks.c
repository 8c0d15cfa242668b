/*
** test_locks.c - somebody else has the lock that a statement needs: it says so, nothing is lost,
** and it gets through once the lock is free.
*/
#include <stdio.h>
#include <string.h>

#include "../unit/unit.h"
#include "state.h"

static const char *const shown[] = {
    "SELECT * FROM article",
    "SELECT rowid, body, vector FROM search",
    "SELECT rowid, distance FROM search WHERE search MATCH 'the bank'",
    "SELECT rowid, body, vector FROM own",
    NULL,
};

/* Commands are written to the table, so they take the lock, too. */
static const char *const sound[] = {
    "INSERT INTO search(search) VALUES('integrity-check')",
    "INSERT INTO own(own) VALUES('integrity-check')",
    "INSERT INTO mine(mine) VALUES('integrity-check')",
    NULL,
};

static const char *const acts[] = {
    "INSERT INTO article(body) VALUES('bread')",
    "INSERT INTO own(body) VALUES('bread'), ('flour')",
    "UPDATE article SET body = 'the tide' WHERE id = 1",
    "UPDATE own SET rowid = 9 WHERE rowid = 1",
    "DELETE FROM own WHERE rowid = 2",
    "INSERT INTO search(search) VALUES('rebuild')",
    "INSERT INTO search(search, rank) VALUES('rebuild', 1)",
    "INSERT INTO own(own) VALUES('optimize')",
    "ALTER TABLE own RENAME TO mine",
    "DROP TABLE own",
};
enum { ACTS = sizeof acts / sizeof *acts };

typedef struct pair {
    state state;
    sqlite3 *db, *other;
    view before;
} pair;

static bool open_pair(pair *p, const char *journal)
{
    *p = (pair){.db = NULL};
    bool good = state_make(&p->state, journal,
                           "CREATE TABLE article(id INTEGER PRIMARY KEY, body)");
    sqlite3 *db = good ? state_open(&p->state) : NULL;
    return db &&
           state_run(db, "CREATE VIRTUAL TABLE search USING semantic(body, model='tiny', "
                         "content='article', content_rowid='id');"
                         "INSERT INTO search(search) VALUES('triggers');"
                         "CREATE VIRTUAL TABLE own USING semantic(body, model='tiny');"
                         "INSERT INTO article(body) VALUES('the bank'), ('a river');"
                         "INSERT INTO own(body) VALUES('the bank'), ('a river')") &&
           state_take(&p->state, db);
}

/* Two connections to a fresh copy, both of which have looked. */
static bool begin_act(pair *p)
{
    view same;
    p->db = state_open(&p->state);
    p->other = p->db ? state_reopen(&p->state) : NULL;
    return p->other && state_look(p->db, shown, &p->before) &&
           state_look(p->other, shown, &same) && CHECK(!state_differs(shown, &same, &p->before));
}

static bool end_act(pair *p)
{
    bool good = CHECK_INT(sqlite3_close(p->other), SQLITE_OK);
    return CHECK_INT(sqlite3_close(p->db), SQLITE_OK) && good;
}

static bool is_as_before(pair *p)
{
    view now;
    return state_look(p->db, shown, &now) &&
           CHECK_STR(state_differs(shown, &now, &p->before), NULL);
}

/* The statement says that the lock is another's. */
static bool is_refused(sqlite3 *db, const char *sql)
{
    const char *rest;
    return CHECK_INT(state_play(db, sql, NULL, &rest) & 0xff, SQLITE_BUSY) &&
           CHECK(strstr(sqlite3_errmsg(db), "database is locked"));
}

/* The act's effect is what it is where nobody stands in the way. */
static bool took_effect(pair *p, const char *act)
{
    view now, want, checks;
    bool good = state_look(p->db, sound, &checks) && state_look(p->db, shown, &now);
    sqlite3_close(p->db);
    sqlite3_close(p->other);
    p->other = NULL;
    p->db = state_open(&p->state);
    return good && p->db && state_run(p->db, act) && state_look(p->db, shown, &want) &&
           CHECK_STR(state_differs(shown, &now, &want), NULL);
}

static void check_acts(pair *p, bool (*check)(pair *, const char *))
{
    for (int i = 0; i < ACTS; i++) {
        bool good = begin_act(p) && check(p, acts[i]);
        if (!good)
            printf("    %s\n", acts[i]);
        REQUIRE(end_act(p) && good);
    }
    state_free(&p->state);
}

/* ---- Another writes ---- */

static bool refused_while_written(pair *p, const char *act)
{
    return state_run(p->other, "BEGIN IMMEDIATE") && is_refused(p->db, act) && is_as_before(p) &&
           state_run(p->other, "ROLLBACK") && state_run(p->db, act) && took_effect(p, act);
}

static void write_beside(void)
{
    pair p;
    REQUIRE(open_pair(&p, "DELETE"));
    check_acts(&p, refused_while_written);
    REQUIRE(open_pair(&p, "WAL"));
    check_acts(&p, refused_while_written);
}

TEST("locks: while another writes, a statement that writes to an index is refused, and later not")
{
    unit_in_child(write_beside);
}

/* ---- Another reads when a transaction ends ---- */

static bool waits_at_commit(pair *p, const char *act)
{
    sqlite3_stmt *reader = NULL;
    sqlite3_prepare_v2(p->other, "SELECT * FROM article", -1, &reader, NULL);
    bool good = CHECK_INT(sqlite3_step(reader), SQLITE_ROW) && state_run(p->db, "BEGIN") &&
                state_run(p->db, act) && is_refused(p->db, "COMMIT") &&
                CHECK(!sqlite3_get_autocommit(p->db)) && is_refused(p->db, "COMMIT");
    sqlite3_finalize(reader);
    return good && state_run(p->db, "COMMIT") && took_effect(p, act);
}

static bool rolls_back_at_commit(pair *p, const char *act)
{
    sqlite3_stmt *reader = NULL;
    sqlite3_prepare_v2(p->other, "SELECT * FROM article", -1, &reader, NULL);
    bool good = CHECK_INT(sqlite3_step(reader), SQLITE_ROW) && state_run(p->db, "BEGIN") &&
                state_run(p->db, act) && is_refused(p->db, "COMMIT") &&
                state_run(p->db, "ROLLBACK");
    sqlite3_finalize(reader);
    return good && is_as_before(p) && state_run(p->db, act) && took_effect(p, act);
}

static void read_beside(void)
{
    pair p;
    REQUIRE(open_pair(&p, "DELETE"));
    check_acts(&p, waits_at_commit);
    REQUIRE(open_pair(&p, "DELETE"));
    check_acts(&p, rolls_back_at_commit);
}

TEST("locks: a COMMIT that a reader keeps waiting can be said again, or rolled back")
{
    unit_in_child(read_beside);
}

/* ---- What was read is old ---- */

static bool refused_with_old_snapshot(pair *p, const char *act)
{
    return state_run(p->db, "BEGIN; SELECT count(*) FROM article") &&
           state_run(p->other, "CREATE TABLE stranger(x)") && is_refused(p->db, act) &&
           state_run(p->db, "ROLLBACK") && state_run(p->other, "DROP TABLE stranger") &&
           is_as_before(p) && state_run(p->db, act) && took_effect(p, act);
}

static void write_with_old_snapshot(void)
{
    pair p;
    REQUIRE(open_pair(&p, "WAL"));
    check_acts(&p, refused_with_old_snapshot);
}

TEST("locks: a transaction that has read an old state can't write to an index, the next can")
{
    unit_in_child(write_with_old_snapshot);
}

/* ---- A question for which rows wait ---- */

/* Rows that a COMMIT had to leave, since their model had gone, wait for a question. */
static const char leave_waiting[] =
    "BEGIN; INSERT INTO own(body) VALUES('waits'); SELECT embed_model_default(NULL); "
    "SELECT embed_model_drop('tiny'); COMMIT";
static const char question[] = "SELECT rowid FROM own WHERE own MATCH 'the bank'";

static void ask_while_written(void)
{
    pair p;
    REQUIRE(open_pair(&p, "WAL") && begin_act(&p));
    REQUIRE(state_run(p.db, leave_waiting) && state_run(p.other, "BEGIN IMMEDIATE"));
    sqlite3 *third = state_reopen(&p.state);
    REQUIRE(third != NULL);
    CHECK(is_refused(third, question));
    CHECK(is_refused(third, question));
    REQUIRE(state_run(p.other, "COMMIT"));
    static rows seen;
    const char *rest;
    CHECK_INT(state_play(third, question, &seen, &rest), SQLITE_OK);
    CHECK_INT(seen.count, 3);
    CHECK(state_run(third, "INSERT INTO own(own) VALUES('integrity-check')"));
    CHECK_INT(sqlite3_close(third), SQLITE_OK);
    CHECK(end_act(&p));
    state_free(&p.state);
}

TEST("locks: a question for which rows would be embedded waits for the writer, too")
{
    unit_in_child(ask_while_written);
}

/* ---- One cache for two connections ---- */

static int count_locked(sqlite3 *db, const char *sql)
{
    const char *rest;
    return state_play(db, sql, NULL, &rest) & 0xff;
}

static void share_a_cache(void)
{
    pair p;
    REQUIRE(CHECK_INT(sqlite3_enable_shared_cache(1), SQLITE_OK));
    REQUIRE(open_pair(&p, "DELETE") && begin_act(&p));
    REQUIRE(state_run(p.other, "BEGIN; INSERT INTO own(body) VALUES('bread')"));
    CHECK_INT(count_locked(p.db, "INSERT INTO own(body) VALUES('flour')"), SQLITE_LOCKED);
    CHECK_INT(count_locked(p.db, "SELECT rowid, body, vector FROM own"), SQLITE_LOCKED);
    REQUIRE(state_run(p.other, "ROLLBACK"));
    CHECK(is_as_before(&p));
    CHECK(state_run(p.db, acts[1]) && took_effect(&p, acts[1]));
    CHECK(end_act(&p));
    state_free(&p.state);
}

TEST("locks: with a shared cache a statement is refused while another connection writes")
{
    unit_in_child(share_a_cache);
}
