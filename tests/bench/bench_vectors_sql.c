/*
** bench_vectors_sql.c - where the time of a scan in SQL goes.
**
**     bench_vectors_sql LIBRARY [SQLITE_VEC]
**
** SELECT sum(f(v, ?)) over 100,000 vectors of 384 in a database in memory and in one in a file,
** nanoseconds a row, as lines "sql,kernel,database,work,elements,value,unit,share of cosine". The
** functions f grow: what each takes more than the one before it is what it does more.
**   row       sum(length(v)), which does not read the vector
**   call      a function that looks at nothing: v is fetched, the function called
**   sums      besides takes the two BLOBs and compares them
**   cosine    ours: besides checks the arguments
** The works alternate; the figures are medians of REPEATS.
*/
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "encoder.h"
#include "ops.h"
#include "timing.h"

enum { REPEATS = 9, ROWS = 100000, LENGTH = 384, SIZE = LENGTH * sizeof(float) };

static void call(sqlite3_context *context, int count, sqlite3_value **value)
{
    (void)count, (void)value;
    sqlite3_result_double(context, 1);
}

static void sums(sqlite3_context *context, int count, sqlite3_value **value)
{
    (void)count;
    const void *a = sqlite3_value_blob(value[0]), *b = sqlite3_value_blob(value[1]);
    double cosine = enc_vector_compare(ENC_COSINE, ENC_FLOAT32, a, b, LENGTH);
    sqlite3_result_double(context, cosine);
}

typedef struct work {
    const char *name, *sql;
} work;

static const work works[] = {
    {"row", "SELECT sum(length(v)) FROM t"},
    {"call", "SELECT sum(bench_call(v, ?)) FROM t"},
    {"sums", "SELECT sum(bench_sums(v, ?)) FROM t"},
    {"cosine", "SELECT sum(cosine(v, ?)) FROM t"},
    {"dot", "SELECT sum(dot(v, ?)) FROM t"},
    {"l2_distance", "SELECT sum(l2_distance(v, ?)) FROM t"},
    {"sqlite-vec's vec_distance_cosine", "SELECT sum(vec_distance_cosine(v, ?)) FROM t"},
};

enum { WORKS = sizeof works / sizeof *works, COSINE = 3 };

static void must(int rc, sqlite3 *db)
{
    if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE)
        return;
    fprintf(stderr, "bench_vectors_sql: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static void load(sqlite3 *db, const char *library)
{
    char *message = NULL;
    sqlite3_enable_load_extension(db, 1);
    if (sqlite3_load_extension(db, library, NULL, &message) != SQLITE_OK) {
        fprintf(stderr, "bench_vectors_sql: %s\n", message);
        exit(1);
    }
}

static void fill(sqlite3 *db)
{
    static float data[1 << 20];
    enum { PLACES = sizeof data / sizeof *data - LENGTH };
    sqlite3_stmt *insert;
    fill_with_noise(data, sizeof data / sizeof *data);
    must(sqlite3_exec(db, "CREATE TABLE t(v BLOB); BEGIN", NULL, NULL, NULL), db);
    must(sqlite3_prepare_v2(db, "INSERT INTO t VALUES (?)", -1, &insert, NULL), db);
    for (size_t i = 0; i < ROWS; i++) {
        sqlite3_bind_blob(insert, 1, data + i * 7 % PLACES, SIZE, SQLITE_STATIC);
        must(sqlite3_step(insert), db);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), db);
}

/* Nanoseconds a row. */
static double run(sqlite3 *db, const work *w, const float *query)
{
    sqlite3_stmt *statement;
    must(sqlite3_prepare_v2(db, w->sql, -1, &statement, NULL), db);
    if (sqlite3_bind_parameter_count(statement) > 0)
        sqlite3_bind_blob(statement, 1, query, SIZE, SQLITE_STATIC);
    int64_t start = nanoseconds();
    must(sqlite3_step(statement), db);
    double spent = (double)(nanoseconds() - start);
    sqlite3_finalize(statement);
    return spent / ROWS;
}

static void bench(const char *where, const char *path, const char *library, const char *vec)
{
    sqlite3 *db = NULL;
    float query[LENGTH];
    double seen[WORKS][REPEATS];
    size_t count = vec ? WORKS : WORKS - 1;
    must(sqlite3_open(path, &db), db);
    load(db, library);
    if (vec)
        load(db, vec);
    enum { FLAGS = SQLITE_UTF8 | SQLITE_DETERMINISTIC };
    sqlite3_create_function(db, "bench_call", 2, FLAGS, NULL, call, NULL, NULL);
    sqlite3_create_function(db, "bench_sums", 2, FLAGS, NULL, sums, NULL, NULL);
    fill(db);
    fill_with_noise(query, LENGTH);
    for (size_t i = 0; i < REPEATS; i++)
        for (size_t w = 0; w < count; w++)
            seen[w][i] = run(db, &works[w], query);
    double cosine = median(seen[COSINE], REPEATS);
    for (size_t w = 0; w < count; w++) {
        double value = median(seen[w], REPEATS);
        printf("sql,%s,%s,%s,%d,%.0f,ns,%.2f\n", enc_ops_get()->name, where, works[w].name,
               LENGTH, value, value / cosine);
    }
    fflush(stdout);
    sqlite3_close(db);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 1;
    const char *vec = argc > 2 ? argv[2] : NULL;
    char path[] = "/tmp/bench_vectors_XXXXXX";
    bench("memory", ":memory:", argv[1], vec);
    int file = mkstemp(path);
    if (file < 0)
        return 1;
    bench("file", path, argv[1], vec);
    close(file);
    unlink(path);
    return 0;
}
