/*
** faults.c - see faults.h.
*/
#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/unit.h"
#include "memory.h"
#include "scenarios.h"
#include "state.h"

/* A fault in a scenario; the act that is under way. */
typedef struct run {
    const fault *fault;
    const scenario *scenario;
    state state; /* before the act */
    view before, after;
    rows rows;   /* that the act gives */
    sqlite3_int64 sqlite_memory, core_memory; /* in use when no connection is open */
} run;

enum { NO_LIMIT = 1 << 30, MOST_BAD = 5 /* points of an act */ };

/* ---- Without a fault ---------------------------------------------------------------- */

static bool closes(run *r, sqlite3 *db)
{
    return CHECK_INT(sqlite3_close(db), SQLITE_OK) &&
           CHECK_INT(sqlite3_memory_used(), r->sqlite_memory) &&
           CHECK_INT(enc_memory_used(), r->core_memory);
}

/* The state of things before the act, after it, and how many chances it has; -1: a check failed. */
static long learn(run *r, const char *act)
{
    const char *const *shown = r->scenario->shown, *rest;
    sqlite3 *db = state_open(&r->state);
    bool good = db && state_look(db, shown, &r->before);
    sqlite3_close(db);
    r->sqlite_memory = sqlite3_memory_used();
    r->core_memory = enc_memory_used();
    if (!good || !(db = state_open(&r->state)))
        return -1;
    r->rows = (rows){0};
    r->fault->arm(db, -1, false);
    good = CHECK_INT(state_play(db, act, &r->rows, &rest), SQLITE_OK);
    long count = r->fault->disarm(db);
    if (!good)
        printf("    %s: %s\n", act, sqlite3_errmsg(db));
    r->rows.known = true;
    good = good && state_look(db, shown, &r->after);
    good = closes(r, db) && good;
    return good ? count : -1;
}

/* ---- With one ------------------------------------------------------------------------ */

typedef struct point {
    const char *act;
    long n;
    bool on;
    bool goes_on; /* a transaction that the failure left is gone on with, not rolled back */
} point;

static bool is_as(run *r, const view *now, const view *want, const char *which)
{
    const char *differs = state_differs(r->scenario->shown, now, want);
    bool good = CHECK(!differs);
    if (!good)
        printf("    not as %s the act: %s\n", which, differs);
    return good;
}

/* What the statement that failed has said. */
static bool says(run *r, sqlite3 *db, int rc, bool struck)
{
    const char *message = sqlite3_errmsg(db);
    bool good = CHECK(struck) && CHECK(r->fault->says(rc & 0xff, message));
    if (!good)
        printf("    it said %d: %s\n", rc, message);
    return good;
}

/* After a failure, with nothing failing any more: goes on with the transaction that is left, or
** back. *done: the act is. */
static bool settle(run *r, sqlite3 *db, const point *p, const char *rest, bool *done)
{
    bool good = true;
    *done = false;
    if (!sqlite3_get_autocommit(db)) {
        *done = p->goes_on && !r->fault->late;
        good = state_run(db, *done ? rest : "ROLLBACK");
    }
    /* FTS5 forgets what it held at a failure when it is asked again, and that one fails. */
    if (r->scenario->fts5)
        sqlite3_exec(db, r->scenario->shown[0], NULL, NULL, NULL);
    return good;
}

/* The state of things is that before or that after the act; and another connection sees the
** same. */
static bool sees(run *r, sqlite3 *db, bool done, bool *is_after)
{
    const char *const *shown = r->scenario->shown;
    view now, again;
    if (!state_look(db, shown, &now))
        return false;
    *is_after = done || ((r->state.journal || r->fault->late) && !state_differs(shown, &now, &r->after));
    bool good = *is_after ? is_as(r, &now, &r->after, "after")
                          : is_as(r, &now, &r->before, "before");
    if (!r->state.journal || !good)
        return good;
    sqlite3 *other = state_reopen(&r->state);
    good = other && state_look(other, shown, &again) && is_as(r, &again, &now, "shown after");
    return CHECK_INT(sqlite3_close(other), SQLITE_OK) && good;
}

/* The act once more, with nothing failing. */
static bool repeats(run *r, sqlite3 *db, const char *act)
{
    view now;
    const char *rest;
    r->rows.wrong = false;
    return CHECK_INT(state_play(db, act, &r->rows, &rest), SQLITE_OK) &&
           CHECK(!r->rows.wrong) && state_look(db, r->scenario->shown, &now) &&
           is_as(r, &now, &r->after, "after");
}

/* The connection is closed while everything still fails: that takes no memory and writes
** nothing that matters. */
static bool closes_failing(run *r, sqlite3 *db)
{
    bool good = CHECK_INT(sqlite3_close(db), SQLITE_OK);
    r->fault->disarm(NULL);
    return good && CHECK_INT(sqlite3_memory_used(), r->sqlite_memory) &&
           CHECK_INT(enc_memory_used(), r->core_memory);
}

static bool try_point(run *r, const point *p)
{
    const char *rest = p->act;
    bool done, is_after = false;
    sqlite3 *db = state_open(&r->state);
    if (!db)
        return false;
    r->rows.wrong = false;
    r->fault->arm(db, p->n, p->on);
    int rc = state_play(db, p->act, &r->rows, &rest);
    done = rc == SQLITE_OK;
    if (p->on && p->n % 5 == 0 && !sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    else if (p->on && p->n % 5 == 1 && sqlite3_get_autocommit(db) && !done)
        return closes_failing(r, db);
    long chances = r->fault->disarm(db);
    bool good = CHECK(!r->rows.wrong);
    if (!done && !(p->on && p->n % 5 == 0))
        good = says(r, db, rc, chances > p->n) && good;
    if (!done)
        good = settle(r, db, p, rest, &done) && good;
    good = sees(r, db, done, &is_after) && good;
    if (good && !is_after && p->n % 3 == 0)
        good = repeats(r, db, p->act);
    return closes(r, db) && good;
}

/* ---- All ----------------------------------------------------------------------------- */

/* How far from one point to the next, of so many. */
static long stride(const fault *what, long count)
{
    const char *wish = getenv("FAULTS");
    long points = wish ? atol(wish) : what->points;
    if (points <= 0)
        points = what->most ? what->most : NO_LIMIT;
    return count > points ? (count + points - 1) / points : 1;
}

static bool try_act(run *r, const char *act, int number, long *tried)
{
    long count = learn(r, act);
    bool good = count >= 0;
    long step = good ? stride(r->fault, count) : 1;
    int bad = 0;
    /* Modes take turns where not all points are tried. */
    for (long n = number % step, turn = number; good && n < count; n += step, turn++)
        for (int on = 0; bad < MOST_BAD && on < 2; on++) {
            if (step > 1 && on != turn % 2)
                continue;
            point p = {act, n, on, turn % 4 < 2};
            ++*tried;
            if (!try_point(r, &p)) {
                printf("    chance %ld%s of: %s\n", n, on ? " and all after" : "", act);
                bad++;
            }
        }
    sqlite3 *db = good ? state_open(&r->state) : NULL;
    return db && state_run(db, act) && state_take(&r->state, db);
}

typedef struct test_row {
    const fault *fault;
    const scenario *scenario;
} test_row;

static void run_scenario(void)
{
    const test_row *row = unit_row();
    setenv("CONTEXTUAL_THREADS", "1", 1); /* the same chances in the same order each time */
    if (getenv("FAULTS"))
        alarm(0); /* all points take longer than a test may */
    run *r = calloc(1, sizeof *r);
    long tried = 0;
    r->fault = row->fault;
    r->scenario = row->scenario;
    REQUIRE(!r->fault->use || r->fault->use());
    bool good = state_make(&r->state, r->fault->journal, r->scenario->setup);
    sqlite3 *keeper = NULL; /* holds the model open */
    good = good && CHECK_INT(sqlite3_open(":memory:", &keeper), SQLITE_OK) &&
           CHECK_INT(state_load(keeper), SQLITE_OK);
    char *sql = sqlite3_mprintf("SELECT embed_model('tiny', '%q'), "
                                "embed_model_default('tiny')", test_data("golden/bert"));
    good = good && state_run(keeper, sql) &&
           state_run(keeper, "SELECT embed('the bank', 'tiny')");
    sqlite3_free(sql);
    for (int i = 0; good && r->scenario->acts[i]; i++)
        good = try_act(r, r->scenario->acts[i], i, &tried);
    if (getenv("FAULTS"))
        printf("  %ld points of %s\n", tried, r->scenario->name);
    CHECK(!good || tried > 0);
    sqlite3_close(keeper);
    state_free(&r->state);
    free(r);
}

static void run_in_child(void)
{
    unit_in_child(run_scenario);
}

void faults_register(const fault *what)
{
    for (int i = 0; i < scenario_count; i++) {
        unit_test *test = calloc(1, sizeof *test);
        test_row *row = calloc(1, sizeof *row);
        char *sentence = malloc(200);
        if (!test || !row || !sentence)
            abort();
        snprintf(sentence, 200, what->sentence, scenarios[i].name);
        *row = (test_row){what, &scenarios[i]};
        *test = (unit_test){.sentence = sentence, .file = __FILE__, .line = __LINE__,
                            .run = run_in_child, .row = row};
        unit_register(test);
    }
}
