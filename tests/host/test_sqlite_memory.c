/*
** test_sqlite_memory.c - SQLite's n-th allocation fails, for n = 1, 2, 3 ... until all
** statements get through: each gives its value or "out of memory", nothing leaks, the
** connection closes.
*/
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "failing.h"

/* ---- What is run ---- */

static const char *const statements[] = {
    "SELECT embed_model('tiny', :tests || '/golden/bert')",
    "SELECT embed_model_default(NULL)",
    "SELECT hex(embed('the bank', 'tiny'))",
    "SELECT hex(embed('the bank', 'tiny', '{\"dimensions\": 8, \"type\": \"bit\"}'))",
    "SELECT hex(embed_try('a river', embed_model_default('tiny'), 'query'))",
    "SELECT similarity('the bank', 'a river', 'tiny')",
    "SELECT embed_info('the bank', 'tiny')",
    "SELECT hex(token_embedding('the bank', 'bank', '[0,1]', 'tiny', '{\"combine\":\"sum\"}'))",
    "SELECT hex(static_embedding('bank', 'tiny'))",
    "SELECT cosine(vector('[1, 2]'), '[2, 1]')",
    "SELECT hex(vector_avg(value)) FROM json_each('[\"[1,2]\", \"[3,4]\"]')",
    "SELECT group_concat(token) FROM tokens('the bank', 'tiny')",
    "SELECT hex(vector_sum(vector, 2)) FROM hidden_states('the bank', 'tiny') WHERE layer = 1",
    "SELECT sum(weight) > 0.9 FROM attention('the bank', 'tiny') WHERE layer = 1 AND head = 0",
    "SELECT hex(embedding) FROM embed_each('[\"a\", \"b\"]', 'tiny') WHERE key = 1",
    "SELECT hex(embedding) FROM embed_query('SELECT ''a'' UNION ALL SELECT ''b''', 'tiny')",
    "SELECT count(*) >= 0 FROM embed_models",
    "SELECT json_type(contextual_info())",
    "SELECT embed_model_drop('tiny')",
};
enum { STATEMENTS = sizeof statements / sizeof *statements, MOST = 20000 };

static char *values[STATEMENTS]; /* of the run without a failure */

static const char *library(void)
{
    const char *path = getenv("CONTEXTUAL_LIBRARY");
    return path ? path : test_data("../contextual.so");
}

/* Steps one statement; its value goes to *value, to be freed. */
static int step(sqlite3 *db, const char *sql, char **value)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    int folder = sqlite3_bind_parameter_index(statement, ":tests");
    if (rc == SQLITE_OK && folder)
        rc = sqlite3_bind_text(statement, folder, test_data(""), -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    long left = failing_after(-1); /* a number's text is made by column_text: not under test */
    if (rc == SQLITE_ROW && sqlite3_column_text(statement, 0))
        *value = strdup((const char *)sqlite3_column_text(statement, 0));
    failing_after(left);
    int end = sqlite3_finalize(statement);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? end : rc;
}

/* A statement that fails for want of memory may take what follows with it (a name that was
** not bound); what it may not do is give another value. */
static bool run_statement(sqlite3 *db, int i)
{
    char *value = NULL;
    bool before = failing_has_failed();
    int rc = step(db, statements[i], &value);
    bool good = true;
    if (rc == SQLITE_OK && !values[i])
        values[i] = strdup(value ? value : "NULL");
    else if (rc == SQLITE_OK)
        good = CHECK_STR(value ? value : "NULL", values[i]);
    else if (failing_has_failed() && !before)
        good = CHECK_INT(rc & 0xff, SQLITE_NOMEM);
    if (!good)
        printf("    after: %s\n", statements[i]);
    free(value);
    return good;
}

/* One whole life, in which allocation n fails; false: a check failed. */
static bool whole_life(long n)
{
    sqlite3 *db = NULL;
    bool good = CHECK_INT(sqlite3_open(":memory:", &db), SQLITE_OK);
    sqlite3_enable_load_extension(db, 1);
    failing_forget();
    failing_after(n);
    char *message = NULL;
    int rc = sqlite3_load_extension(db, library(), NULL, &message);
    sqlite3_free(message);
    good = good && CHECK(rc == SQLITE_OK || failing_has_failed());
    for (int i = 0; rc == SQLITE_OK && good && i < STATEMENTS; i++)
        good = run_statement(db, i);
    failing_after(-1);
    return CHECK_INT(sqlite3_close(db), SQLITE_OK) && good;
}

static void fail_everywhere(void)
{
    REQUIRE(failing_use());
    REQUIRE(whole_life(-1));
    sqlite3_int64 before = sqlite3_memory_used();
    long n = 0;
    while (n < MOST && whole_life(n) && failing_has_failed())
        n++;
    CHECK(n > 500 && n < MOST);
    CHECK_INT(sqlite3_memory_used(), before);
}

TEST("host: whichever allocation of SQLite's fails, the answer is right or out of memory")
{
    unit_in_child(fail_everywhere);
}
