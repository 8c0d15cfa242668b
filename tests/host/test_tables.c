/*
** test_tables.c - what the table-valued functions make the encoder do, and how they end when
** the host says stop or memory runs out. Runs on an encoder that counts (counting_encoder.c)
** and the tables' own objects: no checkpoint, no maths.
*/
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../unit/unit.h"
#include "counting_encoder.h"
#include "failing.h"
#include "tables_host.h"

__attribute__((constructor)) static void use_failing_memory(void)
{
    failing_use();
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
        for (bool failed = true; failed && n < 10000; n++) {
            run(db, "DELETE FROM k WHERE rowid > 3");
            failing_forget();
            failing_after(n - 1);
            int got = count_rows(db, statements[i]);
            failing_after(-1);
            failed = failing_has_failed();
            CHECK(got == want || got == -SQLITE_NOMEM);
        }
        CHECK(n > 2 && n < 10000);
        run(db, "DELETE FROM k WHERE rowid > 3");
        CHECK_INT(count_rows(db, statements[i]), want);
    }
    close_db(db);
}
