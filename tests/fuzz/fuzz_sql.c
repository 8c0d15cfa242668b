/*
** fuzz_sql.c - values from SQL: the first byte chooses a statement, the second the types of
** its two parameters, the third splits the rest between them. The statement may fail, with
** a sentence; the connection must go on.
*/
#include "fuzz.h"

#include <sqlite3.h>

int sqlite3_contextual_init(sqlite3 *db, char **message, const void *api);

static const char *const statements[] = {
    "SELECT cosine(?1, ?2)",
    "SELECT dot(?1, ?2), l2_distance(?1, ?2), l1_distance(?1, ?2), cosine_distance(?1, ?2)",
    "SELECT hamming_distance(?1, ?2), hamming_distance(vector_bit(?1), vector_bit(?2))",
    "SELECT vector_json(?1), vector_length(?2)",
    "SELECT vector_json(vector(?1)), vector_json(vector_int8(?2))",
    "SELECT vector_json(vector_add(?1, ?2)), vector_json(vector_sub(?1, ?2))",
    "SELECT vector_json(vector_scale(?1, ?2)), vector_json(vector_normalize(?1))",
    "SELECT vector_json(vector_slice(?1, 0, length(?2)))",
    "SELECT vector_json(vector_quantize(?1, ?2))",
    "SELECT vector_json(vector_sum(v, w)) FROM (SELECT ?1 AS v, ?2 AS w)",
    "SELECT vector_json(vector_avg(v)) FROM (SELECT ?1 AS v UNION ALL SELECT ?2)",
    "SELECT embed(?1, 'tiny', ?2)",
    "SELECT token_embedding(?1, ?2, -1, 'tiny')",
    "SELECT token_embedding(?1, 'bank', ?2, 'tiny')",
    "SELECT token_embedding(?1, 'bank', -1, 'tiny', ?2)",
    "SELECT static_embedding(?1, ?2)",
    "SELECT token_count(?1, 'tiny'), embed_info(?1, 'tiny'), embed_try(?1, ?2)",
    "SELECT * FROM tokens(?1, 'tiny', ?2)",
    "SELECT * FROM hidden_states(?1, 'tiny', ?2)",
    "SELECT sum(weight) FROM attention(?1, 'tiny') WHERE layer = ?2 OR head = ?2",
    "SELECT * FROM embed_each(?1, 'tiny', ?2)",
    "SELECT * FROM embed_query('SELECT value FROM json_each(?1)', 'tiny', ?2)",
    "SELECT similarity(?1, ?2, 'tiny')",
    "SELECT * FROM lm_head(?1, 'tiny', ?2)",
    "SELECT maxsim(?1, ?2, 'tiny')",
    "SELECT * FROM align(?1, ?2, 'tiny')",
    "SELECT semantic_highlight(?1, ?2, '<', '>', 'tiny')",
    "SELECT semantic_highlight('the bank', 'loan', ?1, ?2, 'tiny')",
};
enum { STATEMENTS = sizeof statements / sizeof *statements };

static sqlite3 *open_connection(void)
{
    sqlite3 *db = NULL;
    char *message = NULL;
    MUST(sqlite3_auto_extension((void (*)(void))sqlite3_contextual_init) == SQLITE_OK);
    MUST(sqlite3_open(":memory:", &db) == SQLITE_OK);
    sqlite3_exec(db, "SELECT embed_model('tiny', '" TEST_FOLDER "/golden/bert')", NULL,
                 NULL, &message);
    if (message)
        fprintf(stderr, "%s\n", message);
    MUST(!message);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 1 << 20);
    return db;
}

static void bind(sqlite3_stmt *statement, int index, int type, const uint8_t *data,
                 size_t size)
{
    const char *text = (const char *)data;
    char number[32];
    snprintf(number, sizeof number, "%.*s", (int)(size < 31 ? size : 31), text);
    switch (type % 5) {
    case 0: sqlite3_bind_blob64(statement, index, data, size, SQLITE_TRANSIENT); break;
    case 1:
        sqlite3_bind_text64(statement, index, text, size, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case 2: sqlite3_bind_int64(statement, index, atoll(number)); break;
    case 3: sqlite3_bind_double(statement, index, strtod(number, NULL)); break;
    default: break; /* NULL */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sqlite3 *db;
    if (!db)
        db = open_connection();
    if (size < 3)
        return -1;
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, statements[data[0] % STATEMENTS], -1, &statement, NULL);
    if (rc != SQLITE_OK)
        fprintf(stderr, "%s\n", sqlite3_errmsg(db));
    MUST(rc == SQLITE_OK);
    size_t first = (size - 3) * data[2] / 255;
    bind(statement, 1, data[1] / 5, data + 3, first);
    bind(statement, 2, data[1], data + 3 + first, size - 3 - first);
    for (int rows = 0; (rc = sqlite3_step(statement)) == SQLITE_ROW && rows < 1000; )
        rows++;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        MUST(strlen(sqlite3_errmsg(db)) > 10);
    MUST(rc != SQLITE_INTERNAL && rc != SQLITE_MISUSE && rc != SQLITE_CORRUPT);
    sqlite3_finalize(statement);
    return 0;
}
