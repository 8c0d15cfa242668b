/*
** test_tables_joins.c - the rows of the table-valued functions in every form and order of joins
** against an ordinary table. Runs on the encoder that counts (counting_encoder.c).
*/
#include <string.h>

#include "../unit/unit.h"
#include "tables_host.h"

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
