/*
** fuzz_semantic.c - shadow tables of semantic indexes, a row at a time: the first byte chooses
** the index, the second what is done with it then; each 6 bytes more are one change of a row.
**
** As they are, changed rows are noticed: every answer is the one of the whole index or
** SQLITE_CORRUPT_VTAB with a sentence, and integrity-check tells whether there is damage. With
** checksums made to fit (semantic_seal.h) answers may be any, and the process goes on.
** FUZZ_SHOW=1 says which rows are changed and what fails then.
*/
#include "fuzz.h"

#include <sqlite3.h>
#include <stdbool.h>

#include "semantic_seal.h"

int sqlite3_contextual_init(sqlite3 *db, char **message, const void *api);

enum { CORRUPT_VTAB = 267, MOST_TABLES = 16 };

/* ---- Indexes ------------------------------------------------------------------------ */

static const struct kind {
    int dimensions, rows; /* vectors, */
    int texts;            /* and texts, that are put */
    const char *create, *after;
} kinds[] = {
    {16, 80, 0, "CREATE VIRTUAL TABLE s USING semantic(body, model='')", ""},
    {16, 300, 0, "CREATE VIRTUAL TABLE s USING semantic(body, model='', index='ivf')", ""},
    {24, 300, 0, "CREATE VIRTUAL TABLE s USING semantic(body, model='', index='ivf', "
                 "quantize='int8', metric='dot')", ""},
    {70, 300, 0, "CREATE VIRTUAL TABLE s USING semantic(body, model='', index='ivf', "
                 "quantize='bit', metric='l2')", ""},
    {8, 1100, 0, "CREATE VIRTUAL TABLE s USING semantic(body, model='', index='ivf')",
     "INSERT INTO s(s) VALUES('optimize'); INSERT INTO s(s, rank) VALUES('probes', 1);"
     "INSERT INTO s(rowid, vector) SELECT 5000, vector FROM s WHERE rowid = 7"},
    {0, 0, 10, "CREATE VIRTUAL TABLE s USING semantic(body, model='tiny', content='', "
               "embed='manual')",
     "INSERT INTO s(s) VALUES('sync'); DELETE FROM s WHERE rowid = 3;"
     "REPLACE INTO s(rowid, body) VALUES(4, 'bread'), (21, 'oven'), (22, NULL);"
     "UPDATE s SET rowid = 30 WHERE rowid = 8"},
    {0, 0, 10, "CREATE VIRTUAL TABLE s USING semantic(body, model='tiny')",
     "INSERT INTO s(s, rank) VALUES('rebuild', 4)"},
    {64, 150, 0, "CREATE VIRTUAL TABLE s USING semantic(body, model='', index='ivf'); "
                 "CREATE VIRTUAL TABLE o USING semantic(body, model='', index='ivf')",
     "INSERT INTO o(rowid, vector) SELECT rowid, vector_slice(vector, 0, 9) FROM s"}};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char *const questions[] = {
    "SELECT rowid, distance, vector FROM s WHERE s MATCH ?1 AND k = 10",
    "SELECT rowid, distance, chunk_start FROM s WHERE s MATCH ?2",
    "SELECT rowid, distance FROM s WHERE s MATCH ?1 AND distance < 0.9 AND rowid > 5",
    "SELECT rowid, vector FROM s",
    "SELECT count(*) FROM s",
    "SELECT rowid, vector FROM s WHERE rowid IN (1, 3, 4, 7, 21, 30, 200, 5000)",
    "SELECT rows, chunks, dimensions, lists FROM semantic_status WHERE \"index\" = 's'"};
enum { QUESTIONS = sizeof questions / sizeof *questions };
enum { STATUS = QUESTIONS - 1 }; /* counts, and proves nothing */

/* What is done then; each may fail with a sentence. */
static const char *const acts[] = {
    "INSERT INTO s(s) VALUES('sync')",
    "INSERT INTO s(s) VALUES('optimize')",
    "INSERT INTO s(s) VALUES('rebuild')",
    "INSERT INTO s(s, rank) VALUES('rebuild', 3)",
    "DELETE FROM s WHERE rowid IN (1, 4, 64)",
    "REPLACE INTO s(rowid, vector) SELECT 2, ?1",
    "INSERT INTO s(vector) VALUES(?2)",
    "UPDATE s SET rowid = 9000 WHERE rowid = 5",
    "SELECT rowid, distance FROM o WHERE o MATCH ?3",
    "DROP TABLE s"};
enum { ACTS = sizeof acts / sizeof *acts };

/* A whole index as a file, and what it answers. */
static struct whole {
    unsigned char *file;
    sqlite3_int64 size;
    uint64_t answer[QUESTIONS], rows; /* checksums; of the shadow tables' rows */
    unsigned char question[3][4 * 128];
    int bytes[3];
} wholes[KINDS];

static sqlite3 *open_connection(void)
{
    sqlite3 *db = NULL;
    MUST(sqlite3_auto_extension((void (*)(void))sqlite3_contextual_init) == SQLITE_OK);
    MUST(sqlite3_open(":memory:", &db) == SQLITE_OK);
    sqlite3_cancel_auto_extension((void (*)(void))sqlite3_contextual_init);
    sqlite3_extended_result_codes(db, 1);
    MUST(sqlite3_exec(db, "SELECT embed_model('tiny', '" TEST_FOLDER "/golden/bert')", NULL,
                      NULL, NULL) == SQLITE_OK);
    return db;
}

static void must(sqlite3 *db, const char *sql)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
    MUST(rc == SQLITE_OK);
}

static uint64_t mix(uint64_t sum, const void *data, size_t size)
{
    const unsigned char *at = data;
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ at[i]) * 0x100000001b3;
    return sum ^ sum >> 29;
}

/* Steps to the end; *sum is the checksum of the rows. SQLite's code, finalized. */
static int answer(sqlite3_stmt *statement, uint64_t *sum)
{
    int rc;
    *sum = 1;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const int type = sqlite3_column_type(statement, i);
            const void *data = sqlite3_column_blob(statement, i);
            *sum = mix(*sum, &type, sizeof type);
            *sum = mix(*sum, data, data ? (size_t)sqlite3_column_bytes(statement, i) : 0);
        }
    if (rc == SQLITE_DONE)
        rc = SQLITE_OK;
    sqlite3_finalize(statement);
    return rc;
}

static int ask(sqlite3 *db, const struct whole *w, const char *sql, uint64_t *sum)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    *sum = 0;
    if (rc != SQLITE_OK)
        return rc;
    for (int i = 0; i < 3; i++)
        sqlite3_bind_blob(statement, i + 1, w->question[i], w->bytes[i], SQLITE_STATIC);
    return answer(statement, sum);
}

static void put_vectors(sqlite3 *db, const struct kind *kind)
{
    sqlite3_stmt *insert = NULL;
    unsigned seed = 7;
    float vector[128];
    MUST(sqlite3_prepare_v2(db, "INSERT INTO s(rowid, vector) VALUES(?1, ?2)", -1, &insert,
                            NULL) == SQLITE_OK);
    for (int row = 1; row <= kind->rows; row++) {
        for (int i = 0; i < kind->dimensions; i++) {
            seed = seed * 1103515245u + 12345u;
            vector[i] = (float)(seed >> 8 & 0xffff) / 32768 - 1;
        }
        sqlite3_bind_int(insert, 1, row);
        sqlite3_bind_blob(insert, 2, vector, 4 * kind->dimensions, SQLITE_STATIC);
        MUST(sqlite3_step(insert) == SQLITE_DONE);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
}

static void put_texts(sqlite3 *db, const struct kind *kind)
{
    for (int row = 1; row <= kind->texts; row++) {
        char *sql = sqlite3_mprintf("INSERT INTO s(rowid, body) VALUES(%d, 'the bank %d')", row,
                                    row);
        must(db, sql);
        sqlite3_free(sql);
    }
}

static void keep_question(sqlite3 *db, struct whole *w, int number, const char *sql)
{
    sqlite3_stmt *row = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW && sqlite3_column_type(row, 0) == SQLITE_BLOB) {
        w->bytes[number] = sqlite3_column_bytes(row, 0);
        MUST((size_t)w->bytes[number] <= sizeof w->question[number]);
        memcpy(w->question[number], sqlite3_column_blob(row, 0), (size_t)w->bytes[number]);
    }
    sqlite3_finalize(row);
}

/* The shadow tables but for content; how many. */
static int shadow_tables(sqlite3 *db, char name[MOST_TABLES][32])
{
    sqlite3_stmt *row = NULL;
    int count = 0;
    MUST(sqlite3_prepare_v2(db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name "
                                "GLOB '[so]_*' AND name NOT GLOB '*_content' ORDER BY name",
                            -1, &row, NULL) == SQLITE_OK);
    while (sqlite3_step(row) == SQLITE_ROW) {
        MUST(count < MOST_TABLES);
        snprintf(name[count++], 32, "%s", (const char *)sqlite3_column_text(row, 0));
    }
    sqlite3_finalize(row);
    return count;
}

static uint64_t rows_of(sqlite3 *db)
{
    char name[MOST_TABLES][32];
    const int count = shadow_tables(db, name);
    uint64_t all = 1;
    for (int i = 0; i < count; i++) {
        sqlite3_stmt *rows = NULL;
        uint64_t sum;
        char *sql = sqlite3_mprintf("SELECT * FROM %s ORDER BY 1, 2", name[i]);
        MUST(sqlite3_prepare_v2(db, sql, -1, &rows, NULL) == SQLITE_OK);
        MUST(answer(rows, &sum) == SQLITE_OK);
        all = mix(all, &sum, sizeof sum);
        sqlite3_free(sql);
    }
    return all;
}

static struct whole *find_whole(int number)
{
    struct whole *w = &wholes[number];
    const struct kind *kind = &kinds[number];
    if (w->file)
        return w;
    sqlite3 *db = open_connection();
    must(db, kind->create);
    must(db, "BEGIN");
    if (kind->rows)
        put_vectors(db, kind);
    put_texts(db, kind);
    must(db, "COMMIT");
    must(db, kind->after);
    must(db, "INSERT INTO s(s) VALUES('integrity-check')");
    keep_question(db, w, 0, "SELECT vector FROM s WHERE rowid = 7");
    keep_question(db, w, 1, "SELECT vector FROM s WHERE rowid = 2");
    keep_question(db, w, 2, "SELECT vector FROM o WHERE rowid = 2");
    for (int i = 0; i < QUESTIONS; i++)
        MUST(ask(db, w, questions[i], &w->answer[i]) == SQLITE_OK);
    w->rows = rows_of(db);
    w->file = sqlite3_serialize(db, "main", &w->size, 0);
    MUST(w->file && sqlite3_close(db) == SQLITE_OK);
    return w;
}

static sqlite3 *open_copy(const struct whole *w)
{
    sqlite3 *db = open_connection();
    unsigned char *copy = sqlite3_malloc64((sqlite3_uint64)w->size);
    MUST(copy);
    memcpy(copy, w->file, (size_t)w->size);
    MUST(sqlite3_deserialize(db, "main", copy, w->size, w->size,
                             SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE) ==
         SQLITE_OK);
    return db;
}

/* ---- Changes ------------------------------------------------------------------------ */

enum { CHANGE = 6, MOST_COLUMNS = 8 };

typedef struct row {
    int columns;
    sqlite3_value *value[MOST_COLUMNS];
    char table[32];
} row;

/* Row number `at` of the table, if there are so many. */
static bool read_row(sqlite3 *db, const char *table, int at, row *out)
{
    sqlite3_stmt *rows = NULL;
    char *sql = sqlite3_mprintf("SELECT * FROM %s LIMIT 1 OFFSET %d %% "
                                "max(1, (SELECT count(*) FROM %s))", table, at, table);
    memset(out, 0, sizeof *out);
    snprintf(out->table, sizeof out->table, "%s", table);
    if (sqlite3_prepare_v2(db, sql, -1, &rows, NULL) == SQLITE_OK &&
        sqlite3_step(rows) == SQLITE_ROW) {
        out->columns = sqlite3_column_count(rows);
        for (int i = 0; i < out->columns; i++)
            out->value[i] = sqlite3_value_dup(sqlite3_column_value(rows, i));
    }
    sqlite3_finalize(rows);
    sqlite3_free(sql);
    return out->columns > 0;
}

static void free_row(row *r)
{
    for (int i = 0; i < r->columns; i++)
        sqlite3_value_free(r->value[i]);
}

static void bind_and_run(sqlite3 *db, char *sql, const row *r)
{
    sqlite3_stmt *statement = NULL;
    MUST(sql);
    MUST(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK);
    for (int i = 0; i < sqlite3_bind_parameter_count(statement); i++)
        sqlite3_bind_value(statement, i + 1, r->value[i]);
    sqlite3_step(statement); /* a key that SQLite refuses leaves the row out */
    sqlite3_finalize(statement);
    sqlite3_free(sql);
}

static void delete_row(sqlite3 *db, const row *r)
{
    static const char *const keys[][2] = {
        {"_rows", "generation = ?1 AND id"}, {"_config", "name"}, {"_vectors", "part"},
        {"_lists", "list"}, {"_pending", "id"}, {"_blocks", "block"}, {"_codes", "block"}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(r->table + 1, keys[i][0]) == 0)
            bind_and_run(db, sqlite3_mprintf("DELETE FROM %s WHERE %s = ?%d", r->table,
                                             keys[i][1], i ? 1 : 2), r);
}

static void write_row(sqlite3 *db, const row *r)
{
    bind_and_run(db, sqlite3_mprintf("REPLACE INTO %s VALUES(%.*s)", r->table,
                                     4 * r->columns - 2, "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8"), r);
}

/* A value by the database itself, of the SQL expression of ?1. */
static void set_value(sqlite3 *db, sqlite3_value **value, char *expression)
{
    sqlite3_stmt *select = NULL;
    char *sql = sqlite3_mprintf("SELECT %s", expression);
    MUST(sqlite3_prepare_v2(db, sql, -1, &select, NULL) == SQLITE_OK);
    sqlite3_bind_value(select, 1, *value);
    if (sqlite3_step(select) == SQLITE_ROW) {
        sqlite3_value_free(*value);
        *value = sqlite3_value_dup(sqlite3_column_value(select, 0));
    }
    sqlite3_finalize(select);
    sqlite3_free(sql);
    sqlite3_free(expression);
}

/* Bytes of a BLOB or text, from `at` on, become others. */
static void change_bytes(sqlite3 *db, sqlite3_value **value, size_t at, int what)
{
    static const uint64_t numbers[] = {0, 1, UINT64_MAX, INT64_MAX, UINT32_MAX, 1 << 20,
                                       0x7f80000000000000, 0x7fc000007fc00000};
    const size_t size = (size_t)sqlite3_value_bytes(*value);
    const void *data = sqlite3_value_blob(*value);
    unsigned char *copy = sqlite3_malloc64(size + 1);
    sqlite3_stmt *select = NULL;
    MUST(copy);
    if (data && size) {
        memcpy(copy, data, size);
        size_t width = what & 1 ? 8 : 4;
        at %= size;
        if (what < 128)
            copy[at] ^= (unsigned char)(1 << what % 8);
        else if (at - at % 4 + width <= size)
            memcpy(copy + at - at % 4, &numbers[what / 2 % 8], width);
        MUST(sqlite3_prepare_v2(db, "SELECT ?1", -1, &select, NULL) == SQLITE_OK);
        sqlite3_bind_blob(select, 1, copy, (int)size, SQLITE_STATIC);
        sqlite3_step(select);
        sqlite3_value_free(*value);
        *value = sqlite3_value_dup(sqlite3_column_value(select, 0));
        sqlite3_finalize(select);
    }
    sqlite3_free(copy);
}

/* The column of another row. */
static void take_over(sqlite3 *db, const row *r, sqlite3_value **value, int column, int at)
{
    row other;
    if (read_row(db, r->table, at, &other)) {
        sqlite3_value_free(*value);
        *value = sqlite3_value_dup(other.value[column]);
    }
    free_row(&other);
}

static void change_value(sqlite3 *db, const row *r, int column, int way, int number, int what)
{
    sqlite3_value **value = (sqlite3_value **)(uintptr_t)&r->value[column];
    if (sqlite3_value_type(*value) == SQLITE_BLOB && way < 20)
        change_bytes(db, value, (size_t)number, what);
    else if (way < 10)
        set_value(db, value, sqlite3_mprintf("CAST(?1 AS INT) + %d", number - 30000));
    else if (way < 14)
        set_value(db, value, sqlite3_mprintf("CAST(?1 AS INT) + (1 << %d)", what % 63));
    else if (way < 24)
        take_over(db, r, value, column, number);
    else if (way < 26)
        set_value(db, value, sqlite3_mprintf("substr(?1, 1, %d)", number));
    else if (way == 26)
        set_value(db, value, sqlite3_mprintf("CAST(?1 || x'%02x' AS BLOB)", what));
    else if (way == 27)
        set_value(db, value, sqlite3_mprintf(what & 1 ? "NULL" : "'text'"));
    else if (way == 28)
        set_value(db, value, sqlite3_mprintf(what & 1 ? "9223372036854775807" : "-?1"));
    else if (way == 29)
        set_value(db, value, sqlite3_mprintf("%d", what));
}

/* `other`: rows of the other index may come. */
static void change(sqlite3 *db, const uint8_t byte[CHANGE], bool other)
{
    char table[MOST_TABLES][32];
    const int tables = shadow_tables(db, table), which = byte[0] % tables;
    const int way = byte[2] / 8, number = byte[3] | byte[4] << 8;
    row r;
    if (read_row(db, table[which], byte[1], &r)) {
        MUST(r.columns <= MOST_COLUMNS);
        if (getenv("FUZZ_SHOW"))
            fprintf(stderr, "%s, row %s, column %d, way %d, number %d, what %d\n", table[which],
                    sqlite3_value_text(r.value[0]), byte[2] % 8 % r.columns, way, number,
                    byte[5]);
        if (way == 30) {
            delete_row(db, &r);
        } else if (way == 31 && other && table[which][0] == 'o') {
            r.table[0] = 's';
            write_row(db, &r);
        } else {
            /* Else the row as it was stays, if its key is changed. Settings more than there are
            ** mean nothing. */
            if (!(way & 1) || strcmp(table[which] + 1, "_config") == 0)
                delete_row(db, &r);
            change_value(db, &r, byte[2] % 8 % r.columns, way, number, byte[5]);
            write_row(db, &r);
        }
    }
    free_row(&r);
}

/* ---- What must hold ----------------------------------------------------------------- */

/* A statement may fail, with a sentence. */
static void must_explain(sqlite3 *db, int rc)
{
    if (getenv("FUZZ_SHOW"))
        fprintf(stderr, "%d: %s\n", rc, sqlite3_errmsg(db));
    MUST((rc & 0xff) != SQLITE_INTERNAL && (rc & 0xff) != SQLITE_MISUSE && rc != SQLITE_CORRUPT);
    MUST(rc == SQLITE_OK || strlen(sqlite3_errmsg(db)) > 10);
}

/* What is as it was, and what is not, of an index whose checksums nobody mended. */
static void must_notice(sqlite3 *db, const struct whole *w)
{
    const bool damaged = rows_of(db) != w->rows;
    uint64_t sum;
    for (int i = 0; i < STATUS; i++) {
        const int rc = ask(db, w, questions[i], &sum);
        must_explain(db, rc);
        MUST(rc == CORRUPT_VTAB || (rc == SQLITE_OK && sum == w->answer[i]));
        MUST(rc == SQLITE_OK || damaged);
    }
    const int rc = ask(db, w, "INSERT INTO s(s) VALUES('integrity-check')", &sum);
    must_explain(db, rc);
    MUST(rc == (damaged ? CORRUPT_VTAB : SQLITE_OK));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > 3 + 16 * CHANGE)
        return -1;
    const struct whole *w = find_whole(data[0] % KINDS);
    const bool sealed = data[1] & 1, two = data[0] % KINDS == KINDS - 1;
    sqlite3 *db = open_copy(w);
    uint64_t sum;
    for (size_t at = 3; at + CHANGE <= size; at += CHANGE)
        change(db, data + at, two && sealed);
    if (sealed) {
        semantic_seal(db, "s");
        for (int i = 0; i < QUESTIONS; i++)
            must_explain(db, ask(db, w, questions[i], &sum));
        must_explain(db, ask(db, w, "INSERT INTO s(s) VALUES('integrity-check')", &sum));
    } else if (!two) {
        must_notice(db, w);
    }
    for (int i = 0; i < 2; i++)
        must_explain(db, ask(db, w, acts[(i ? data[2] : data[1] / 2) % ACTS], &sum));
    for (int i = 0; i < QUESTIONS; i++)
        must_explain(db, ask(db, w, questions[i], &sum));
    MUST(sqlite3_close(db) == SQLITE_OK);
    return 0;
}
