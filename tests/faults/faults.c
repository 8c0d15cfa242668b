/*
** faults.c - see faults.h.
*/
#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/unit.h"
#include "encoder.h"
#include "memory.h"
#include "scenarios.h"
#include "state.h"

/* A fault in a scenario; the act that is under way. */
typedef struct run {
    const fault *fault;
    const scenario *scenario;
    const char *act;
    bool inside;    /* a transaction in which rows wait; else the act is one of its own */
    state state;    /* before the act */
    view untouched; /* what it shows */
    view before;    /* that; inside: with what the transaction did before the act */
    view after;
    rows rows;      /* that the act gives */
    uint64_t changes; /* that it tells of */
    sqlite3_int64 sqlite_memory, core_memory; /* in use when no connection is open */
} run;

enum { NO_LIMIT = 1 << 30, MOST_BAD = 5 /* points of an act */ };

/* ---- Without a fault ---------------------------------------------------------------- */

/* Models that nobody has open stay in memory for a while. */
static bool has_no_leak(const run *r)
{
    enc_model_trim();
    return CHECK_INT(sqlite3_memory_used(), r->sqlite_memory) &&
           CHECK_INT(enc_memory_used(), r->core_memory);
}

static bool closes(run *r, sqlite3 *db)
{
    return CHECK_INT(sqlite3_close(db), SQLITE_OK) && has_no_leak(r);
}

/* The transaction around the act. The index may be gone, or not be there yet. */
static bool begins(run *r, sqlite3 *db)
{
    if (!r->inside)
        return true;
    bool good = state_run(db, "BEGIN");
    sqlite3_exec(db, r->scenario->waits, NULL, NULL, NULL);
    return good;
}

static bool commits(run *r, sqlite3 *db)
{
    return !r->inside || state_run(db, "COMMIT");
}

/* The states of things around the act, and how many chances it has; -1: a check failed. */
static long learn(run *r)
{
    const char *const *shown = r->scenario->shown, *rest;
    sqlite3 *db = state_open(&r->state);
    bool good = db && state_look(db, shown, &r->untouched) && begins(r, db) &&
                commits(r, db) && state_look(db, shown, &r->before);
    if (good)
        sqlite3_exec(db, r->act, NULL, NULL, NULL); /* what a model keeps then */
    sqlite3_close(db);
    enc_model_trim();
    r->sqlite_memory = sqlite3_memory_used();
    r->core_memory = enc_memory_used();
    if (!good || !(db = state_open(&r->state)))
        return -1;
    r->rows = (rows){0};
    good = begins(r, db);
    r->fault->arm(db, -1, false);
    good = good && CHECK_INT(state_play(db, r->act, &r->rows, &rest), SQLITE_OK);
    long count = r->fault->disarm(db);
    if (!good)
        printf("    %s: %s\n", r->act, sqlite3_errmsg(db));
    r->rows.known = true;
    r->changes = r->rows.changes;
    good = good && commits(r, db) && state_look(db, shown, &r->after);
    good = closes(r, db) && good;
    return good ? count : -1;
}

/* ---- With one ------------------------------------------------------------------------ */

/* What is done with a transaction that the failure left. */
enum way { BACK, AGAIN /* the statement, and what follows */, WITHOUT /* it */ };

typedef struct point {
    long n;
    bool on;
    enum way way;
} point;

/* What is to be seen afterwards. SOUND: what follows the statement that failed, without it. */
enum outcome { UNTOUCHED, BEFORE, AFTER, SOUND };

static bool is_as(run *r, const view *now, const view *want, const char *which)
{
    const char *differs = state_differs(r->scenario->shown, now, want);
    bool good = CHECK(!differs);
    if (!good)
        printf("    not as %s the act: %s\n", which, differs);
    return good;
}

bool faults_fts5_unopened(const char *message)
{
    static const char failed[] = "vtable constructor failed: ";
    const char *found = strstr(message, failed), *end = found ? found + strlen(found) : NULL;
    return found && end - found > (long)sizeof failed + 3 && strcmp(end - 4, "_fts") == 0;
}

/* What the statement that failed has said. */
static bool says(run *r, int rc, const char *message, const char *statement, bool struck)
{
    bool good = CHECK(struck) && CHECK(r->fault->says(rc & 0xff, message, statement));
    if (!good)
        printf("    it said %d: %s\n", rc, message);
    return good;
}

/* Runs what follows the statement that failed. Where it stands on that, it may fail, too. */
static bool goes_on_without(sqlite3 *db, const char *rest, bool *followed)
{
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(db, rest, -1, &statement, &rest);
    sqlite3_finalize(statement);
    *followed = *rest;
    while (*rest && !sqlite3_get_autocommit(db) &&
           state_play(db, rest, NULL, &rest) != SQLITE_OK) {
        sqlite3_prepare_v2(db, rest, -1, &statement, &rest);
        sqlite3_finalize(statement);
    }
    return sqlite3_get_autocommit(db) || state_run(db, "COMMIT");
}

/* After a failure, with nothing failing any more: what becomes of the transaction. */
static bool settle(run *r, sqlite3 *db, const point *p, const char *rest, enum outcome *out)
{
    bool good = true, followed = false;
    *out = UNTOUCHED;
    /* After an ALTER TABLE that failed SQLite takes its own word for the new schema; and names of
    ** models know no transaction. */
    bool once = strncmp(rest, "ALTER", 5) == 0 || strstr(rest, "embed_model_drop");
    /* Without a command 'content' the next statement drops what the index stands on. */
    bool needed = p->way == WITHOUT && strstr(rest, "'content'");
    const enum way way = once || needed ? BACK : p->way;
    if (!sqlite3_get_autocommit(db)) {
        if (way == AGAIN && !r->fault->late) {
            good = state_run(db, rest) && commits(r, db);
            *out = AFTER;
        } else if (way == WITHOUT) {
            good = goes_on_without(db, rest, &followed);
            *out = r->inside && !followed ? BEFORE : SOUND;
        } else
            good = state_run(db, "ROLLBACK");
    }
    state_tidy(db);
    /* FTS5 forgets what it held at a failure when it is asked again, and that one fails. */
    if (r->scenario->fts5)
        sqlite3_exec(db, r->scenario->shown[0], NULL, NULL, NULL);
    return good;
}

/* A connection that knows nothing of the failure sees the same. */
static bool sees_anew(run *r, sqlite3 *db, const view *now)
{
    view again;
    sqlite3 *other = r->state.journal ? state_reopen(&r->state) : state_copy(db);
    bool good = other && state_look(other, r->scenario->shown, &again) &&
                is_as(r, &again, now, "shown after");
    return CHECK_INT(sqlite3_close(other), SQLITE_OK) && good;
}

/* The state of things is one that may be; *out: which of those. */
static bool sees(run *r, sqlite3 *db, const point *p, enum outcome *out)
{
    const char *const *shown = r->scenario->shown;
    const view *want[] = {&r->untouched, &r->before, &r->after};
    static const char *const names[] = {"it was before", "before", "after"};
    view now;
    bool good = state_look(db, shown, &now);
    bool also_after = (*out == UNTOUCHED && r->state.journal) || r->fault->late;
    if (good && also_after && (*out == UNTOUCHED || *out == BEFORE) &&
        !state_differs(shown, &now, &r->after))
        *out = AFTER;
    if (good && *out != SOUND)
        good = is_as(r, &now, want[*out], names[*out]);
    else if (good)
        good = CHECK(state_is_sound(shown, &now, &r->before));
    return good && (!(r->state.journal || p->n % 4 == 0) || sees_anew(r, db, &now));
}

/* The act once more, with nothing failing. */
static bool repeats(run *r, sqlite3 *db)
{
    view now;
    const char *rest;
    r->rows.wrong = false;
    return begins(r, db) && CHECK_INT(state_play(db, r->act, &r->rows, &rest), SQLITE_OK) &&
           CHECK(!r->rows.wrong) && commits(r, db) &&
           state_look(db, r->scenario->shown, &now) && is_as(r, &now, &r->after, "after");
}

/* The connection is closed while everything still fails: that takes no memory, and what was not
** committed is not there afterwards. */
static bool closes_failing(run *r, sqlite3 *db)
{
    enum outcome out = UNTOUCHED;
    point p = {.n = 1};
    bool good = CHECK_INT(sqlite3_close(db), SQLITE_OK);
    r->fault->disarm(NULL);
    good = good && has_no_leak(r);
    if (!good || !r->state.journal)
        return good;
    db = state_reopen(&r->state);
    good = db && sees(r, db, &p, &out);
    return closes(r, db) && good;
}

static bool try_point(run *r, const point *p)
{
    const char *rest = r->act;
    char message[256];
    enum outcome out = AFTER;
    sqlite3 *db = state_open(&r->state);
    if (!db || !begins(r, db))
        return false;
    r->rows.wrong = false;
    r->fault->arm(db, p->n, p->on);
    int rc = state_play(db, r->act, &r->rows, &rest);
    sqlite3_snprintf(sizeof message, message, "%s", sqlite3_errmsg(db));
    if (p->on && p->n % 5 == 0 && !sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    else if (p->on && p->n % 5 == 1 && rc != SQLITE_OK)
        return closes_failing(r, db) && says(r, rc, message, rest, true);
    bool undone = r->inside && sqlite3_get_autocommit(db); /* with a success, too: by us */
    long chances = r->fault->disarm(db);
    bool good = CHECK(!r->rows.wrong);
    if (rc != SQLITE_OK) {
        good = says(r, rc, message, rest, chances > p->n) && good;
        good = settle(r, db, p, rest, &out) && good;
    } else {
        good = CHECK(r->rows.changes == r->changes) && good;
        good = (undone || commits(r, db)) && good;
        out = undone ? UNTOUCHED : AFTER;
    }
    good = sees(r, db, p, &out) && good;
    if (good && out == UNTOUCHED && p->n % 3 == 0)
        good = repeats(r, db);
    return closes(r, db) && good;
}

/* ---- All ----------------------------------------------------------------------------- */

/* How far from one point to the next, of so many. */
static long stride(const run *r, long count)
{
    const char *wish = getenv("FAULTS");
    long points = wish ? atol(wish) : r->inside ? r->fault->points / 2 : r->fault->points;
    if (points <= 0)
        points = r->fault->most ? r->fault->most : NO_LIMIT;
    if (r->scenario->most && points > r->scenario->most)
        points = r->scenario->most;
    return count > points ? (count + points - 1) / points : 1;
}

static bool try_points(run *r, int number, long *tried)
{
    long count = learn(r);
    bool good = count >= 0;
    long step = good ? stride(r, count) : 1;
    int bad = 0;
    if (getenv("FAULTS"))
        printf("  %6ld chances%s: %s\n", count, r->inside ? ", inside" : "", r->act);
    /* Modes take turns where not all points are tried. */
    for (long n = number % step, turn = number; good && n < count; n += step, turn++)
        for (int on = 0; bad < MOST_BAD && on < 2; on++) {
            if (step > 1 && on != turn % 2)
                continue;
            point p = {n, on, (enum way)(turn / 2 % 3)};
            ++*tried;
            if (!try_point(r, &p)) {
                printf("    chance %ld%s%s of: %s\n", n, on ? " and all after" : "",
                       r->inside ? " inside a transaction" : "", r->act);
                bad++;
            }
        }
    return good;
}

/* In a transaction of its own, and in one in which rows wait. */
static bool try_act(run *r, const char *act, int number, long *tried)
{
    bool alone = strncmp(act, "BEGIN", 5) == 0 || strstr(act, "VACUUM") || strstr(act, "ATTACH");
    r->act = act;
    r->inside = false;
    if (!try_points(r, number, tried))
        return false;
    r->inside = r->scenario->waits && !alone && !(r->scenario->fts5 && r->fault->lasts);
    if (r->inside && !try_points(r, number + 1, tried))
        return false;
    sqlite3 *db = state_open(&r->state);
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
