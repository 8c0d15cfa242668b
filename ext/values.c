/*
** values.c - SQL values in and out: text arguments (connection.h), vector results
** (options.h).
*/
#include "options.h"

#include <math.h>
#include <string.h>

int ctx_text_argument(sqlite3_value *value, const char *function, const char *what,
                      enc_text *out, int *is_null, ctx_error *error)
{
    int type = value ? sqlite3_value_type(value) : SQLITE_NULL;
    *is_null = type == SQLITE_NULL;
    if (*is_null)
        return SQLITE_OK;
    if (type == SQLITE_BLOB)
        return ctx_fail(error, SQLITE_ERROR, function,
                        "%s must be TEXT: got BLOB of %d bytes; use CAST(x AS TEXT) if it "
                        "is UTF-8 text", what, sqlite3_value_bytes(value));
    const char *text = (const char *)sqlite3_value_text(value);
    if (!text) /* converting the encoding ran out of memory: not to be taken for SQL NULL */
        return ctx_fail(error, SQLITE_NOMEM, function, "out of memory");
    out->data = text;
    out->size = (size_t)sqlite3_value_bytes(value);
    return SQLITE_OK;
}

int ctx_is_whole(sqlite3_value *value, sqlite3_int64 *out)
{
    int type = sqlite3_value_type(value);
    double number = type == SQLITE_FLOAT ? sqlite3_value_double(value) : 0;
    *out = sqlite3_value_int64(value);
    return type == SQLITE_INTEGER || (type == SQLITE_FLOAT && number == floor(number) &&
                                      number >= -0x1p63 && number < 0x1p63);
}

int ctx_is_same(sqlite3_value *a, sqlite3_value *b)
{
    if (!a || !b)
        return a == b;
    int type = sqlite3_value_type(a);
    if (type != sqlite3_value_type(b))
        return 0;
    if (type == SQLITE_NULL)
        return 1;
    if (type == SQLITE_INTEGER)
        return sqlite3_value_int64(a) == sqlite3_value_int64(b);
    if (type == SQLITE_FLOAT)
        return sqlite3_value_double(a) == sqlite3_value_double(b);
    const void *x = type == SQLITE_TEXT ? sqlite3_value_text(a) : sqlite3_value_blob(a);
    const void *y = type == SQLITE_TEXT ? sqlite3_value_text(b) : sqlite3_value_blob(b);
    int size = sqlite3_value_bytes(a);
    return size == sqlite3_value_bytes(b) &&
           (size == 0 || (x && y && memcmp(x, y, (size_t)size) == 0));
}

void ctx_result_vector(sqlite3_context *context, const float *vector, int length,
                       enum enc_vector_type type)
{
    size_t n = (size_t)length;
    if (type == ENC_FLOAT32) {
        sqlite3_result_blob64(context, vector, n * sizeof *vector, SQLITE_TRANSIENT);
        sqlite3_result_subtype(context, CTX_SUBTYPE_FLOAT32);
        return;
    }
    if (type == ENC_BIT && n % 8 != 0) {
        char *message = sqlite3_mprintf("a bit vector's length must be a multiple of 8: "
                                        "this one is %d", length);
        if (message)
            sqlite3_result_error(context, message, -1);
        else
            sqlite3_result_error_nomem(context);
        sqlite3_free(message);
        return;
    }
    size_t size = type == ENC_BIT ? n / 8 : n;
    void *packed = sqlite3_malloc64(size ? size : 1);
    if (!packed) {
        sqlite3_result_error_nomem(context);
        return;
    }
    if (type == ENC_BIT)
        enc_vector_to_bit(vector, n, packed);
    else
        enc_vector_to_int8(vector, n, packed);
    sqlite3_result_blob64(context, packed, size, sqlite3_free);
    sqlite3_result_subtype(context, type == ENC_BIT ? CTX_SUBTYPE_BIT : CTX_SUBTYPE_INT8);
}
