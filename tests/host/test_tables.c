/*
** test_tables.c - what the table-valued functions make the encoder do, in every order of
** joins, and how they end when the host says stop. Runs on an encoder that counts
** (counting_encoder.c) and the tables' own objects: no checkpoint, no maths.
*/
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../unit/unit.h"
#include "counting_encoder.h"

/* ---- Memory that runs out on request ---- */

static sqlite3_mem_methods real_memory;
static long countdown; /* 0: never; n: the n-th allocation from now fails, once */
static bool ran_out;

static bool fails_now(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    ran_out = true;
    return true;
}

static void *take(int size)
{
    return fails_now() ? NULL : real_memory.xMalloc(size);
}

static void *resize(void *block, int size)
{
    return fails_now() ? NULL : real_memory.xRealloc(block, size);
}

__attribute__((constructor)) static void wrap_memory(void)
{
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
    sqlite3_mem_methods wrapped = real_memory;
    wrapped.xMalloc = take;
    wrapped.xRealloc = resize;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &wrapped);
}

/* ---- A connection for each test ---- */

static sqlite3 *open_db(void)
{
    sqlite3 *db = NULL;
    sqlite3_auto_extension((void (*)(void))counting_load);
    sqlite3_open(":memory:", &db);
    sqlite3_cancel_auto_extension((void (*)(void))counting_load);
    int models = counting_encoder.models;
    counting_encoder = (counting){.models = models, .db = db};
    return db;
}

/* Nothing may be left: no statement, no trace, no reference to a model. */
static void close_db(sqlite3 *db)
{
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
    CHECK_INT(counting_encoder.traces, 0);
    CHECK_INT(counting_encoder.models, 0);
}

/* All rows of `sql`, columns separated by blanks, rows by "; "; or the error. sqlite3_free
** it. */
static char *all_rows(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    sqlite3_str *out = sqlite3_str_new(NULL);
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    while (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *text = (const char *)sqlite3_column_text(statement, i);
            sqlite3_str_appendf(out, "%s%s", i ? " " : "", text ? text : "NULL");
        }
        sqlite3_str_appendall(out, "; ");
    }
    if (sqlite3_finalize(statement) != SQLITE_OK || rc != SQLITE_OK)
        sqlite3_str_appendf(out, "error: %s", sqlite3_errmsg(db));
    char *text = sqlite3_str_finish(out);
    return text ? text : sqlite3_mprintf("");
}

static void check_rows(sqlite3 *db, const char *sql, const char *want)
{
    char *got = all_rows(db, sql);
    CHECK_STR(got, want);
    sqlite3_free(got);
}

static void run(sqlite3 *db, const char *sql)
{
    CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void forget_counts(void)
{
    counting *c = &counting_encoder;
    c->tokenized = c->passes = c->blocks = c->states = c->attended = 0;
    c->guessed = 0;
    c->embed_calls = c->embedded = c->largest = 0;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- What is computed ---- */

TEST("hidden_states: WHERE layer = k runs k blocks and keeps one state")
{
    sqlite3 *db = open_db();
    for (int k = 0; k <= COUNTING_LAYERS; k++) {
        char *sql = sqlite3_mprintf("SELECT count(*), min(layer), max(layer) FROM "
                                    "hidden_states('a b') WHERE layer = %d", k);
        char *want = sqlite3_mprintf("4 %d %d; ", k, k);
        forget_counts();
        check_rows(db, sql, want);
        CHECK_INT(counting_encoder.passes, 1);
        CHECK_INT(counting_encoder.blocks, k);
        CHECK_INT(counting_encoder.states, 1);
        sqlite3_free(sql);
        sqlite3_free(want);
    }
    close_db(db);
}

TEST("hidden_states: option layer -1 is the last layer and keeps no other")
{
    sqlite3 *db = open_db();
    check_rows(db, "SELECT DISTINCT layer FROM hidden_states('a', NULL, '{\"layer\": -1}')",
               "6; ");
    CHECK_INT(counting_encoder.states, 1);
    check_rows(db, "SELECT count(*) FROM hidden_states('a', NULL, '{\"layer\": -1}') "
                   "WHERE layer = 0", "0; ");
    CHECK_INT(counting_encoder.passes, 1);
    close_db(db);
}

TEST("hidden_states: layer IN (0, 6) is one forward pass")
{
    sqlite3 *db = open_db();
    check_rows(db, "SELECT layer, position FROM hidden_states('') "
                   "WHERE layer IN (0, 6, 9, 6)", "0 0; 0 1; 6 0; 6 1; ");
    CHECK_INT(counting_encoder.passes, sqlite3_libversion_number() >= 3038000 ? 1 : 2);
    forget_counts();
    check_rows(db, "SELECT DISTINCT layer FROM hidden_states('') "
                   "WHERE layer = 2 OR layer = 1", "1; 2; ");
    CHECK(counting_encoder.blocks <= (sqlite3_libversion_number() >= 3038000 ? 2 : 7));
    close_db(db);
}

TEST("hidden_states: a layer that no constraint leaves is not computed")
{
    sqlite3 *db = open_db();
    check_rows(db, "SELECT DISTINCT layer FROM hidden_states('a') "
                   "WHERE layer > 1 AND layer <= 3.5", "2; 3; ");
    CHECK_INT(counting_encoder.blocks, 3);
    CHECK_INT(counting_encoder.states, 2);
    forget_counts();
    check_rows(db, "SELECT DISTINCT layer FROM hidden_states('a') "
                   "WHERE layer BETWEEN 1 AND 2", "1; 2; ");
    CHECK_INT(counting_encoder.blocks, 2);
    forget_counts();
    check_rows(db, "SELECT * FROM hidden_states('a') WHERE layer = 7", "");
    check_rows(db, "SELECT * FROM hidden_states('a') WHERE layer = 4.5", "");
    check_rows(db, "SELECT * FROM hidden_states('a') WHERE layer = -1", "");
    check_rows(db, "SELECT * FROM hidden_states('a') WHERE layer = NULL", "");
    check_rows(db, "SELECT * FROM hidden_states('a') WHERE layer < 2 AND layer > 3", "");
    CHECK_INT(counting_encoder.passes, 0);
    close_db(db);
}

TEST("hidden_states: a join that asks for layer after layer takes two passes at most")
{
    sqlite3 *db = open_db();
    run(db, "CREATE TABLE k(v); INSERT INTO k VALUES (1), (5), (2), (6), (0)");
    check_rows(db, "SELECT k.v, count(*) FROM k CROSS JOIN hidden_states('a') h "
                   "ON h.layer = k.v GROUP BY 1", "0 3; 1 3; 2 3; 5 3; 6 3; ");
    CHECK(counting_encoder.passes <= 2);
    forget_counts();
    check_rows(db, "SELECT count(*) FROM hidden_states('a') x JOIN hidden_states('a') y "
                   "ON y.layer = x.layer - 1 AND y.position = x.position", "18; ");
    CHECK(counting_encoder.passes <= 2);
    close_db(db);
}

TEST("a forward pass is shared while cursors are open and freed with the last one")
{
    sqlite3 *db = open_db();
    run(db, "SELECT * FROM hidden_states('a') WHERE layer = 3");
    CHECK_INT(counting_encoder.traces, 0);
    run(db, "SELECT * FROM hidden_states('a') WHERE layer = 3");
    CHECK_INT(counting_encoder.passes, 2);
    close_db(db);
}

TEST("hidden_states: other text, prompt or truncation is another pass")
{
    sqlite3 *db = open_db();
    run(db, "CREATE TABLE d(t, o); INSERT INTO d VALUES ('a', NULL), ('b', NULL),"
            " ('b', '{\"prompt\": \"x\"}'), ('b', '{\"truncate\": \"start\"}'),"
            " ('b', '{}')");
    check_rows(db, "SELECT count(*) FROM d, hidden_states(d.t, NULL, d.o) h "
                   "WHERE h.layer = 1", "15; ");
    CHECK_INT(counting_encoder.passes, 5);
    close_db(db);
}

TEST("attention: one head of one token computes one row of the matrix")
{
    sqlite3 *db = open_db();
    check_rows(db, "SELECT count(*), sum(weight) FROM attention('a b') "
                   "WHERE layer = 2 AND head = 1 AND from_position = 3", "4 1.0; ");
    CHECK_INT(counting_encoder.blocks, 2);
    CHECK_INT(counting_encoder.attended, 1);
    forget_counts();
    check_rows(db, "SELECT from_position, score FROM attention('a b') "
                   "WHERE layer = 2 AND head = 1 AND to_position = 3",
               "0 3.0; 1 3.0; 2 3.0; 3 3.0; ");
    CHECK_INT(counting_encoder.attended, 4);
    forget_counts();
    check_rows(db, "SELECT count(*) FROM attention('a b')", "192; ");
    CHECK_INT(counting_encoder.attended, 0);
    check_rows(db, "SELECT count(*) FROM attention('a b') WHERE layer = 0", "0; ");
    CHECK_INT(counting_encoder.passes, 1);
    close_db(db);
}

TEST("arguments from an outer table: one pass a row, none for NULL")
{
    sqlite3 *db = open_db();
    run(db, "CREATE TABLE docs(id INTEGER PRIMARY KEY, body);"
            "INSERT INTO docs(body) VALUES ('a'), (NULL), ('b c')");
    check_rows(db, "SELECT id, count(layer) FROM docs LEFT JOIN hidden_states(docs.body) h "
                   "ON h.layer = 6 GROUP BY id", "1 3; 2 0; 3 4; ");
    CHECK_INT(counting_encoder.passes, 2);
    close_db(db);
}

/* ---- Every order of joins against an ordinary table ---- */

static const char *const forms[] = {
    "SELECT quote(v), layer, position FROM %s k, %s h WHERE %s ORDER BY 1, 2, 3",
    "SELECT quote(v), layer, position FROM %s k CROSS JOIN %s h WHERE %s ORDER BY 1, 2, 3",
    "SELECT quote(v), layer, position FROM %s k LEFT JOIN %s h ON %s ORDER BY 1, 2, 3",
    "SELECT quote(v), layer, position FROM %s k LEFT JOIN %s h WHERE %s ORDER BY 1, 2, 3",
    "SELECT quote(v), (SELECT count(*) FROM %2$s h WHERE %3$s) FROM %1$s k ORDER BY 1",
    "SELECT quote(v) FROM %s k WHERE EXISTS (SELECT 1 FROM %s h WHERE %s) ORDER BY 1",
    ("SELECT quote(v), layer, position FROM %2$s h CROSS JOIN %1$s k WHERE %3$s "
     "ORDER BY 1, 2, 3"),
    ("SELECT quote(v), layer, position FROM %2$s h LEFT JOIN %1$s k ON %3$s "
     "ORDER BY 1, 2, 3"),
};

/* From 3.39 on; before 3.42, SQLite loses the arguments of a table on the right of RIGHT
** JOIN (json_each gives wrong rows there, these tables an error). */
static const char *const outer_forms[] = {
    "SELECT quote(v), layer, position FROM %s k RIGHT JOIN %s h ON %s ORDER BY 1, 2, 3",
    "SELECT quote(v), layer, position FROM %s k FULL JOIN %s h ON %s ORDER BY 1, 2, 3",
    ("SELECT quote(v), layer, position FROM %2$s h RIGHT JOIN %1$s k ON %3$s "
     "ORDER BY 1, 2, 3"),
};

static const char *const conditions[] = {
    "h.layer = v", "h.layer < v", "h.layer <= v", "h.layer > v", "h.layer >= v",
    "h.position = v", "h.position >= v AND h.layer = 2", "h.layer BETWEEN v AND v + 2",
    "h.layer IN (v, 3)", "h.layer IN (v, 3) AND h.position IN (0, v)",
    "h.layer IN (SELECT v)",
    "h.layer = v OR h.position = 1", "h.layer = 1 OR (h.layer = v AND h.position > 0)",
    "h.layer = v + 0", "h.layer IS v", "h.layer <> v", "NOT h.layer > v", "h.layer = +v",
    "h.layer = '4'", "h.layer < '4'", "h.layer IN ('4', 'x', NULL, 5.0)", "+h.layer = '4'",
    "h.layer < x'00'", "h.layer > 'x'", "h.layer > 1e300", "h.layer < 9223372036854775807",
    "h.layer = 4.0", "h.layer > 3.5 AND h.layer < 5", "h.layer = v COLLATE NOCASE",
    "(h.layer, h.position) = (v, 1)", "(h.layer, h.position) > (v, 1)",
};

/* The two texts must be equal; shows the statement that differs. */
static void check_same(sqlite3 *db, const char *form, const char *keys,
                       const char *condition)
{
    char *table = sqlite3_mprintf(form, keys, "hidden_states('a b')", condition);
    char *plain = sqlite3_mprintf(form, keys, "plain", condition);
    char *got = all_rows(db, table);
    char *want = all_rows(db, plain);
    if (strcmp(got, want) != 0) {
        CHECK_STR(table, "");
        CHECK_STR(got, want);
    }
    sqlite3_free(table);
    sqlite3_free(plain);
    sqlite3_free(got);
    sqlite3_free(want);
}

TEST("constraints give the rows that an ordinary table gives, in every order of joins")
{
    static const char *const keys[] = {"any", "texts", "integers", "reals", "numbers"};
    sqlite3 *db = open_db();
    run(db, "CREATE TABLE plain(layer INTEGER, position INTEGER);"
            "INSERT INTO plain SELECT layer, position FROM hidden_states('a b');"
            "CREATE TABLE any(v); CREATE TABLE texts(v TEXT);"
            "CREATE TABLE integers(v INTEGER);"
            "CREATE TABLE reals(v REAL); CREATE TABLE numbers(v NUMERIC);"
            "INSERT INTO any VALUES (0), (4), ('4'), ('4.0'), (' 4'), ('4x'), (4.5), (-1), "
            "(NULL), ('x'), (x'34'), (1e300), (-1e300), (6), (9223372036854775807), ('');"
            "INSERT INTO texts SELECT v FROM any; INSERT INTO integers SELECT v FROM any;"
            "INSERT INTO reals SELECT v FROM any; INSERT INTO numbers SELECT v FROM any");
    enum {
        FORMS = sizeof forms / sizeof *forms,
        OUTER = sizeof outer_forms / sizeof *outer_forms
    };
    for (size_t c = 0; c < sizeof conditions / sizeof *conditions; c++)
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            for (int f = 0; f < FORMS; f++)
                check_same(db, forms[f], keys[k], conditions[c]);
            for (int f = 0; f < OUTER && sqlite3_libversion_number() >= 3042000; f++)
                check_same(db, outer_forms[f], keys[k], conditions[c]);
        }
    close_db(db);
}

TEST("the text may come from a table on either side of the join")
{
    static const char *const statements[] = {
        "SELECT id, position FROM docs, tokens(docs.body) ORDER BY 1, 2",
        "SELECT id, position FROM tokens(docs.body), docs ORDER BY 1, 2",
        "SELECT id, position FROM docs JOIN tokens ON text = body ORDER BY 1, 2",
        "SELECT id, position FROM tokens JOIN docs ON text = body ORDER BY 1, 2",
        "SELECT id, position FROM tokens, docs WHERE body = text ORDER BY 1, 2",
        "SELECT id, t.position FROM docs CROSS JOIN tokens(docs.body) t ORDER BY 1, 2",
        "SELECT id, position FROM docs LEFT JOIN tokens(docs.body, NULL) t ORDER BY 1, 2",
        ("SELECT id, position FROM docs LEFT JOIN tokens(body, 'counting', '{}') "
         "ORDER BY 1, 2"),
    };
    sqlite3 *db = open_db();
    run(db, "CREATE TABLE docs(id INTEGER PRIMARY KEY, body TEXT);"
            "INSERT INTO docs VALUES (1, 'a'), (2, '')");
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        check_rows(db, statements[i], "1 0; 1 1; 1 2; 2 0; 2 1; ");
    close_db(db);
}

TEST("OR over two texts or two columns meets each row once")
{
    sqlite3 *db = open_db();
    check_rows(db, "SELECT text, position FROM tokens "
                   "WHERE (text = 'a' AND position = 1) OR "
                   "(text = 'b' AND position = 1) OR (text = 'a' AND position < 2) "
                   "ORDER BY 1, 2", "a 0; a 1; b 1; ");
    check_rows(db, "SELECT layer, position FROM hidden_states('a') "
                   "WHERE (layer = 1 AND position = 2) OR (layer = 1 AND position = 2) "
                   "OR position = 2 AND layer < 2 ORDER BY 1", "0 2; 1 2; ");
    close_db(db);
}

TEST("hidden columns give the arguments back, and a second constraint on one is checked")
{
    sqlite3 *db = open_db();
    check_rows(db, "SELECT text, model, options FROM tokens('a', 'counting') "
                   "WHERE position = 0", "a counting NULL; ");
    check_rows(db, "SELECT count(*) FROM tokens('a') WHERE text = 'b'", "0; ");
    check_rows(db, "SELECT count(*) FROM tokens('a') WHERE text = 'a'", "3; ");
    check_rows(db, "SELECT count(*) FROM tokens('a') WHERE text LIKE 'A%'", "3; ");
    check_rows(db, "SELECT count(*) FROM tokens('a', NULL, NULL)", "3; ");
    check_rows(db, "SELECT count(*) FROM tokens('a') WHERE model IS NULL", "3; ");
    check_rows(db, "SELECT count(*) FROM tokens WHERE text IN ('a', 'b c')", "7; ");
    close_db(db);
}

/* ---- embed_query and embed_each ---- */

static const char *const ten_thousand =
    "CREATE TABLE docs(id INTEGER PRIMARY KEY, body TEXT);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
    "INSERT INTO docs SELECT i, printf('%.*c', 1 + (i * 7919) % 50, 'x') FROM n";

TEST("embed_query: large batches, rows in the query's order")
{
    sqlite3 *db = open_db();
    run(db, ten_thousand);
    check_rows(db, "SELECT count(*), min(ok) FROM (SELECT key = row_number() OVER () AND "
                   "text = body AND tokens = length(body) AS ok FROM "
                   "embed_query('SELECT id, body FROM docs') JOIN docs ON id = key)",
               "10000 1; ");
    CHECK_INT(counting_encoder.embedded, 10000);
    CHECK(counting_encoder.largest >= 4000);
    CHECK(counting_encoder.largest <= 4096);
    CHECK(counting_encoder.embed_calls <= 8);
    close_db(db);
}

TEST("embed_query: LIMIT 1 reads ahead a few rows only")
{
    sqlite3 *db = open_db();
    run(db, ten_thousand);
    check_rows(db, "SELECT key FROM embed_query('SELECT id, body FROM docs') LIMIT 1",
               "1; ");
    CHECK(counting_encoder.embedded <= 32);
    close_db(db);
}

TEST("embed_query: the texts read ahead stay below 8 MiB and one text")
{
    sqlite3 *db = open_db();
    run(db, "CREATE TABLE docs AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
            "FROM n WHERE i < 60) SELECT printf('%.*c', 1000000, 'x') AS body FROM n");
    check_rows(db, "SELECT count(*), sum(tokens) FROM embed_query('SELECT body FROM docs')",
               "60 60000000; ");
    CHECK_INT(counting_encoder.largest, 9);
    close_db(db);
}

TEST("INSERT INTO t SELECT ... FROM embed_query('... FROM t') ends")
{
    sqlite3 *db = open_db();
    run(db, ten_thousand);
    run(db, "INSERT INTO docs(body) SELECT text FROM embed_query('SELECT body FROM docs')");
    check_rows(db, "SELECT count(*) FROM docs", "20000; ");
    run(db, "BEGIN; INSERT INTO docs(body) SELECT text FROM embed_query("
            "'SELECT body FROM docs ORDER BY id DESC; -- the newest first'); COMMIT");
    check_rows(db, "SELECT count(*) FROM docs", "40000; ");
    check_rows(db, "SELECT count(*) FROM docs a JOIN docs b ON b.id = 40001 - a.id "
                   "WHERE a.body = b.body", "40000; ");
    run(db, "CREATE TEMP TABLE copy AS SELECT text FROM embed_query("
            "'SELECT body FROM docs WHERE id <= ? /* no end', NULL, '{\"params\": [3]}')");
    check_rows(db, "SELECT count(*) FROM copy", "3; ");
    run(db, "INSERT INTO copy SELECT text FROM embed_query("
            "'WITH q AS (SELECT text FROM copy) SELECT * FROM q') UNION ALL "
            "SELECT key FROM embed_query('VALUES(1), (2)')");
    check_rows(db, "SELECT count(*) FROM copy", "8; ");
    run(db, "DELETE FROM docs WHERE id IN (SELECT key FROM embed_query("
            "'SELECT id, body FROM docs WHERE id > 10'))");
    check_rows(db, "SELECT count(*) FROM docs", "10; ");
    close_db(db);
}

TEST("embed_query: its SELECT may call tokens and embed_query, to a depth")
{
    sqlite3 *db = open_db();
    check_rows(db, "SELECT key, text FROM embed_query('SELECT position, token FROM "
                   "tokens(''a b'')')", "0 [CLS]; 1 a; 2 b; 3 [SEP]; ");
    check_rows(db, "SELECT text FROM embed_query("
                   "'SELECT text FROM embed_query(''VALUES(1)'')')", "1; ");
    run(db, "CREATE TABLE s(q); INSERT INTO s VALUES ('SELECT text FROM "
            "embed_query((SELECT q FROM s))')");
    char *got = all_rows(db, "SELECT * FROM embed_query((SELECT q FROM s))");
    CHECK(strstr(got, "statements run inside each other more than 8 deep") != NULL);
    sqlite3_free(got);
    check_rows(db, "SELECT text FROM embed_query('VALUES(1)')", "1; ");
    close_db(db);
}

TEST("embed_query: a cursor that is not read to its end leaves nothing open")
{
    sqlite3 *db = open_db();
    sqlite3_stmt *statement;
    run(db, ten_thousand);
    sqlite3_prepare_v2(db, "SELECT key FROM embed_query('SELECT id, body FROM docs')", -1,
                       &statement, NULL);
    CHECK_INT(sqlite3_step(statement), SQLITE_ROW);
    CHECK_INT(sqlite3_reset(statement), SQLITE_OK);
    CHECK(sqlite3_next_stmt(db, statement) == NULL);
    CHECK_INT(sqlite3_step(statement), SQLITE_ROW);
    sqlite3_finalize(statement);
    run(db, "DROP TABLE docs");
    close_db(db);
}

/* ---- Stopping ---- */

TEST("embed_query: an interrupt in the middle of a batch stops it within 100 ms")
{
    sqlite3 *db = open_db();
    run(db, ten_thousand);
    counting_encoder.delay = 1000;
    counting_encoder.interrupt_at = 1000;
    counting_encoder.embedded = 0;
    run(db, "BEGIN; UPDATE docs SET body = body || '!' WHERE id = 1");
    check_rows(db, "SELECT count(*) FROM embed_query('SELECT body FROM docs')",
               "error: interrupted");
    CHECK(counting_encoder.embedded < 1100); /* of 1 ms each */
    CHECK_INT(sqlite3_get_autocommit(db), 0); /* a read keeps the transaction */
    counting_encoder.delay = 0;
    check_rows(db, "SELECT count(*) FROM embed_query('SELECT body FROM docs')", "10000; ");
    run(db, "COMMIT");
    close_db(db);
}

static int stop_after(void *deadline)
{
    return seconds() > *(double *)deadline;
}

TEST("embed_query and embed_each: a progress handler of any n stops them within 100 ms")
{
    sqlite3 *db = open_db();
    run(db, ten_thousand);
    counting_encoder.delay = 1000;
    static const char *const statements[] = {
        "SELECT count(*) FROM embed_each((SELECT json_group_array(body) FROM docs))",
        "SELECT count(*) FROM embed_query('SELECT body FROM docs')",
    };
    /* Each of the n steps between two questions takes fifty times as long under valgrind. */
    const int most = getenv("UNDER") ? 1000 : 100000;
    for (int n = 1; n <= most; n *= 10) {
        double late = 1; /* the best of three: other processes may hold the machine */
        for (int try = 0; try < 3 && late >= 0.1; try++) {
            double deadline = seconds() + 0.3;
            sqlite3_progress_handler(db, n, stop_after, &deadline);
            check_rows(db, statements[n % 20 == 0], "error: interrupted");
            late = seconds() - deadline;
        }
        CHECK(late >= 0 && late < 0.1);
    }
    sqlite3_progress_handler(db, 0, NULL, NULL);
    close_db(db);
}

TEST("embed_query: an interrupt while its SELECT runs ends it")
{
    sqlite3 *db = open_db();
    double deadline = seconds() + 0.1;
    sqlite3_progress_handler(db, 1000, stop_after, &deadline);
    check_rows(db, "SELECT count(*) FROM embed_query("
                   "'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                   "SELECT max(i) FROM n')", "error: interrupted");
    sqlite3_progress_handler(db, 0, NULL, NULL);
    close_db(db);
}

TEST("an interrupted INSERT ... SELECT FROM embed_query leaves no row")
{
    sqlite3 *db = open_db();
    run(db, ten_thousand);
    run(db, "CREATE TABLE v(k, e)");
    counting_encoder.delay = 100;
    counting_encoder.interrupt_at = 5000;
    check_rows(db, "INSERT INTO v SELECT key, embedding FROM "
                   "embed_query('SELECT id, body FROM docs')", "error: interrupted");
    check_rows(db, "SELECT count(*) FROM v", "0; ");
    close_db(db);
}

/* ---- Memory ---- */

/* Number of rows, or minus the result code. */
static int count_rows(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int rows = 0;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            sqlite3_column_blob(statement, i);
        rows++;
        rc = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE || rc == SQLITE_OK ? rows : -(rc & 0xff);
}

TEST("lm_head: the table of tokens is asked for the places that rows are made of alone")
{
    sqlite3 *db = open_db();
    check_rows(db, "SELECT position, logprob, top FROM lm_head('a b', NULL, '{\"top\": 1}') "
                   "WHERE position IN (1, 3, 9)",
               "1 -96.0 [{\"token\":\"\\u0001\",\"token_id\":1,\"logprob\":-0.0}]; "
               "3 -80.0 [{\"token\":\"\\u0003\",\"token_id\":3,\"logprob\":-0.0}]; ");
    CHECK_INT(counting_encoder.passes, 1);
    CHECK_INT(counting_encoder.guessed, 2);
    forget_counts();
    check_rows(db, "SELECT count(token), count(*) FROM lm_head('a b c')", "5 5; ");
    CHECK_INT(counting_encoder.guessed, 0);
    check_rows(db, "SELECT entropy FROM lm_head('a b c d e f') LIMIT 1", "256.0; ");
    CHECK_INT(counting_encoder.guessed, 1);
    forget_counts();
    check_rows(db, "SELECT count(logprob), sum(rank) FROM lm_head('a b c d e f g h i j')",
               "12 1099; ");
    CHECK_INT(counting_encoder.guessed, 12);
    close_db(db);
}

TEST("lm_head: a join that asks for place after place is one forward pass")
{
    sqlite3 *db = open_db();
    run(db, "CREATE TABLE k(v); INSERT INTO k VALUES (0), (2), (1), (7)");
    check_rows(db, "SELECT k.v, count(logprob) FROM k CROSS JOIN lm_head('a') h "
                   "ON h.position = k.v GROUP BY k.v", "0 1; 1 1; 2 1; ");
    CHECK_INT(counting_encoder.passes, 1);
    CHECK_INT(counting_encoder.guessed, 3);
    close_db(db);
}

TEST("every allocation may fail: the statement says so or is right, and the next one works")
{
    static const char *const statements[] = {
        "SELECT *, rowid FROM tokens('a b', 'counting', '{\"prompt\": \"x\"}')",
        "SELECT *, text FROM hidden_states('a b') WHERE layer IN (1, 4) AND position > 0",
        "SELECT a.weight FROM k JOIN attention(k.v) a ON a.layer = 2 AND a.head = 1",
        "SELECT * FROM attention_heads('a') WHERE layer = 3",
        "SELECT *, text FROM lm_head('a b', NULL, '{\"top\": 3}') WHERE position > 1",
        "SELECT * FROM embed_models",
        "SELECT * FROM embed_each('[\"a\", null, 1.5]')",
        ("SELECT * FROM embed_query('SELECT v, v FROM k WHERE v <> ?', NULL,"
         " '{\"params\": [\"x\"]}')"),
        "INSERT INTO k SELECT text FROM embed_query('SELECT v FROM k LIMIT 2')",
    };
    sqlite3 *db = open_db();
    run(db, "CREATE TABLE k(v); INSERT INTO k VALUES ('a b'), (NULL), ('c')");
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        int want = count_rows(db, statements[i]);
        CHECK(want >= 0);
        long n = 1;
        for (ran_out = true; ran_out && n < 10000; n++) {
            run(db, "DELETE FROM k WHERE rowid > 3");
            ran_out = false;
            countdown = n;
            int got = count_rows(db, statements[i]);
            countdown = 0;
            CHECK(got == want || got == -SQLITE_NOMEM);
        }
        CHECK(n > 2 && n < 10000);
        run(db, "DELETE FROM k WHERE rowid > 3");
        CHECK_INT(count_rows(db, statements[i]), want);
    }
    close_db(db);
}
