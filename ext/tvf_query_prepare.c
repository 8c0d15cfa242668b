/*
** tvf_query_prepare.c - see tvf_query.h.
*/
#include <jansson.h>
#include <string.h>

#include "tvf_query.h"

enum { SHOWN = 40 }; /* bytes of the SQL in a message */

/* ---- Reading the text ---- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

/* Behind white space and comments, as SQLite's tokenizer sees them; a comment may lack its
** end. */
static const char *skip_blank(const char *p, const char *end)
{
    for (;;) {
        if (p < end && is_space(*p)) {
            p++;
        } else if (end - p >= 2 && p[0] == '-' && p[1] == '-') {
            while (p < end && *p != '\n')
                p++;
        } else if (end - p >= 2 && p[0] == '/' && p[1] == '*') {
            p += 2;
            while (end - p >= 2 && !(p[0] == '*' && p[1] == '/'))
                p++;
            p = end - p >= 2 ? p + 2 : end;
        } else {
            return p;
        }
    }
}

static size_t word_length(const char *p, const char *end)
{
    const char *q = p;
    while (q < end && ((*q >= 'a' && *q <= 'z') || (*q >= 'A' && *q <= 'Z') || *q == '_'))
        q++;
    return (size_t)(q - p);
}

static bool begins_as_query(const char *word, size_t length)
{
    static const char *const first[] = {"SELECT", "VALUES", "WITH"};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (length == strlen(first[i]) &&
            sqlite3_strnicmp(word, first[i], (int)length) == 0)
            return true;
    return false;
}

/* How many bytes of [p, end) a message shows: at most `most`, no character cut in two. */
static int shown(const char *p, const char *end, int most)
{
    if (end - p <= most)
        return (int)(end - p);
    while (most > 0 && ((unsigned char)p[most] & 0xC0) == 0x80)
        most--;
    return most;
}

static int check_beginning(const char *function, enc_text sql, ctx_error *error)
{
    const char *end = sql.data + sql.size;
    const char *p = skip_blank(sql.data, end);
    size_t length = word_length(p, end);
    if (begins_as_query(p, length))
        return SQLITE_OK;
    if (p == end)
        return ctx_fail(error, SQLITE_ERROR, function, "sql is empty: it must be a SELECT");
    return ctx_fail(error, SQLITE_ERROR, function,
                    "sql must begin with SELECT, VALUES or WITH: it begins with '%.*s'",
                    shown(p, length ? p + length : end, length ? SHOWN : 4), p);
}

/* ---- The statement ---- */

/* SQLite's own failure; SQLITE_SCHEMA would make it start the outer statement again and
** again. */
static int fail_sqlite(sqlite3 *db, int rc, const char *function, ctx_error *error)
{
    return ctx_fail(error, rc == SQLITE_SCHEMA ? SQLITE_ERROR : rc, function, "%s",
                    sqlite3_errmsg(db));
}

static int check_statement(sqlite3_stmt *statement, const char *function, const char *tail,
                           const char *end, ctx_error *error)
{
    tail = skip_blank(tail, end);
    if (tail < end)
        return ctx_fail(error, SQLITE_ERROR, function,
                        "sql must be one statement: after its end comes '%.*s'",
                        shown(tail, end, SHOWN), tail);
    if (!sqlite3_stmt_readonly(statement))
        return ctx_fail(error, SQLITE_ERROR, function,
                        "sql must only read: this statement writes to the database");
    int columns = sqlite3_column_count(statement);
    if (columns != 1 && columns != 2)
        return ctx_fail(error, SQLITE_ERROR, function,
                        "sql must give 1 column (text) or 2 (key, text): it gives %d",
                        columns);
    return SQLITE_OK;
}

/* From this version on nothing is moved across AS MATERIALIZED; 3.38 still flattens it
** away. */
enum { FENCE = 3040000 };

/* Replaces the statement by one that reads all rows of it before it gives the first. The
** SQL may end in a comment of either form; what is put behind it ends both. */
static int materialise(sqlite3 *db, const char *function, const char *sql, size_t size,
                       sqlite3_stmt **statement, ctx_error *error)
{
    if (size && sql[size - 1] == ';')
        size--;
    sqlite3_str *text = sqlite3_str_new(db);
    sqlite3_str_appendall(text, "WITH \"embed_query rows\" AS MATERIALIZED (");
    sqlite3_str_append(text, sql, (int)size);
    sqlite3_str_appendall(text, "\n/**/) SELECT * FROM \"embed_query rows\"");
    char *wrapped = sqlite3_str_finish(text);
    if (!wrapped)
        return ctx_fail(error, SQLITE_NOMEM, function, "out of memory");
    sqlite3_finalize(*statement);
    int rc = sqlite3_prepare_v2(db, wrapped, -1, statement, NULL);
    sqlite3_free(wrapped);
    return rc == SQLITE_OK ? SQLITE_OK : fail_sqlite(db, rc, function, error);
}

/* ---- Parameters ---- */

static int bind_value(sqlite3_stmt *statement, int index, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return sqlite3_bind_text64(statement, index, json_string_value(value),
                                   json_string_length(value), SQLITE_TRANSIENT,
                                   SQLITE_UTF8);
    case JSON_INTEGER:
        return sqlite3_bind_int64(statement, index, json_integer_value(value));
    case JSON_REAL: return sqlite3_bind_double(statement, index, json_real_value(value));
    case JSON_TRUE: return sqlite3_bind_int(statement, index, 1);
    case JSON_FALSE: return sqlite3_bind_int(statement, index, 0);
    case JSON_NULL: return sqlite3_bind_null(statement, index);
    default: break;
    }
    /* Arrays and objects as JSON text, as json_each gives them: lists for json_each(?1). */
    char *text = json_dumps(value, JSON_COMPACT);
    if (!text)
        return SQLITE_NOMEM;
    int rc = sqlite3_bind_text64(statement, index, text, strlen(text), SQLITE_TRANSIENT,
                                 SQLITE_UTF8);
    free(text);
    return rc;
}

static int bind_params(sqlite3 *db, sqlite3_stmt *statement, const char *function,
                       const char *params, ctx_error *error)
{
    int wanted = sqlite3_bind_parameter_count(statement);
    json_t *array = params ? json_loads(params, JSON_ALLOW_NUL, NULL) : json_array();
    if (!array)
        return ctx_fail(error, SQLITE_NOMEM, function, "out of memory");
    int rc = SQLITE_OK;
    size_t given = json_array_size(array);
    if (given != (size_t)wanted)
        rc = ctx_fail(error, SQLITE_ERROR, function,
                      "sql has %d parameter%s, option params gives %lld value%s", wanted,
                      wanted == 1 ? "" : "s", (sqlite3_int64)given, given == 1 ? "" : "s");
    for (int i = 0; i < wanted && rc == SQLITE_OK; i++) {
        rc = bind_value(statement, i + 1, json_array_get(array, (size_t)i));
        if (rc != SQLITE_OK)
            fail_sqlite(db, rc, function, error);
    }
    json_decref(array);
    return rc;
}

int ctx_query_prepare(sqlite3 *db, const char *function, enc_text sql, const char *params,
                      sqlite3_stmt **out, bool *all_first, ctx_error *error)
{
    const char *tail;
    *out = NULL;
    *all_first = false;
    int rc = check_beginning(function, sql, error);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_prepare_v2(db, sql.data, (int)sql.size, out, &tail);
    if (rc != SQLITE_OK)
        return fail_sqlite(db, rc, function, error);
    rc = check_statement(*out, function, tail, sql.data + sql.size, error);
    if (rc == SQLITE_OK && sqlite3_txn_state(db, NULL) == SQLITE_TXN_WRITE) {
        if (sqlite3_libversion_number() >= FENCE)
            rc = materialise(db, function, sql.data, (size_t)(tail - sql.data), out, error);
        else
            *all_first = true;
    }
    if (rc == SQLITE_OK)
        rc = bind_params(db, *out, function, params, error);
    if (rc != SQLITE_OK) {
        sqlite3_finalize(*out);
        *out = NULL;
    }
    return rc;
}
