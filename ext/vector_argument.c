/* vector_argument.c - see vector_argument.h. */
#include "vector_argument.h"
#include "vector_text.h"

#include <math.h>
#include <string.h>

static const struct type_row {
    const char *name;
    unsigned subtype;
    unsigned bits; /* of one element */
} types[] = {
    [ENC_FLOAT32] = {"float32", CTX_SUBTYPE_FLOAT32, 32},
    [ENC_INT8] = {"int8", CTX_SUBTYPE_INT8, 8},
    [ENC_BIT] = {"bit", CTX_SUBTYPE_BIT, 1},
};

const char *ctx_vector_type_name(enum enc_vector_type type)
{
    return types[type].name;
}

size_t ctx_vector_bytes(enum enc_vector_type type, size_t length)
{
    return type == ENC_BIT ? length / 8 : length * (types[type].bits / 8);
}

static int out_of_memory(ctx_vector_call *call)
{
    return ctx_fail(&call->error, SQLITE_NOMEM, call->function, "out of memory");
}

/* ---- Values for messages ------------------------------------------------------------- */

const char *ctx_value_excerpt(sqlite3_value *value, char out[CTX_EXCERPT_SIZE])
{
    enum { SHOWN = 30 };
    int type = sqlite3_value_type(value);
    if (type == SQLITE_BLOB) {
        int bytes = sqlite3_value_bytes(value);
        return sqlite3_snprintf(CTX_EXCERPT_SIZE, out, "BLOB of %d bytes", bytes);
    }
    if (type == SQLITE_NULL)
        return sqlite3_snprintf(CTX_EXCERPT_SIZE, out, "NULL");
    const char *text = (const char *)sqlite3_value_text(value);
    if (!text)
        text = "";
    size_t end = strlen(text), size = end;
    if (end > SHOWN) /* not in the middle of a character */
        for (end = SHOWN; end > SHOWN - 4 && ((unsigned char)text[end] & 0xC0) == 0x80;)
            end--;
    const char *format = type == SQLITE_TEXT      ? "TEXT '%.*s%s'"
                         : type == SQLITE_INTEGER ? "INTEGER %.*s%s"
                                                  : "REAL %.*s%s";
    return sqlite3_snprintf(CTX_EXCERPT_SIZE, out, format, (int)end, text,
                            end < size ? "..." : "");
}

/* ---- Vectors ------------------------------------------------------------------------- */

static int fail_empty(ctx_vector_call *call, int position)
{
    return ctx_fail(&call->error, SQLITE_ERROR, call->function,
                    "argument %d is an empty vector", position);
}

static int fail_no_vector(ctx_vector_call *call, int position, enum enc_vector_type type)
{
    char excerpt[CTX_EXCERPT_SIZE];
    return ctx_fail(&call->error, SQLITE_ERROR, call->function,
                    "argument %d must be a BLOB of %s or a JSON array: got %s", position,
                    types[type].name,
                    ctx_value_excerpt(call->argument[position - 1], excerpt));
}

static int read_blob(ctx_vector_call *call, int position, enum enc_vector_type type,
                     ctx_vector *out)
{
    sqlite3_value *value = call->argument[position - 1];
    const void *data = sqlite3_value_blob(value);
    size_t bytes = (size_t)sqlite3_value_bytes(value);
    if (bytes == 0)
        return fail_empty(call, position);
    if (!data) /* expanding a zeroblob */
        return out_of_memory(call);
    if (type == ENC_FLOAT32 && bytes % sizeof(float) != 0)
        return ctx_fail(&call->error, SQLITE_ERROR, call->function,
                        "argument %d is %lld bytes, not a multiple of 4 (float32 vector)",
                        position, (sqlite3_int64)bytes);
    *out = (ctx_vector){data, bytes * 8 / types[type].bits, type, NULL};
    return SQLITE_OK;
}

static int read_text(ctx_vector_call *call, int position, enum enc_vector_type type,
                     ctx_vector *out)
{
    ctx_parsed *kept = call->keep ? sqlite3_get_auxdata(call->context, position - 1) : NULL;
    if (kept) {
        *out = (ctx_vector){kept->data, kept->length, type, NULL};
        return SQLITE_OK;
    }
    sqlite3_value *value = call->argument[position - 1];
    const char *text = (const char *)sqlite3_value_text(value);
    size_t size = (size_t)sqlite3_value_bytes(value);
    if (!text) /* converting the encoding ran out of memory */
        return out_of_memory(call);
    if (text[strspn(text, " \t\n\r")] != '[')
        return fail_no_vector(call, position, type);
    ctx_parsed *parsed = NULL;
    int rc = ctx_vector_parse(call, position, text, size, type, &parsed);
    if (rc != SQLITE_OK)
        return rc;
    if (parsed->length == 0) {
        sqlite3_free(parsed);
        return fail_empty(call, position);
    }
    *out = (ctx_vector){parsed->data, parsed->length, type, parsed};
    return SQLITE_OK;
}

/* What a BLOB's subtype says it is; `otherwise` where it says nothing. */
static enum enc_vector_type marked_type(sqlite3_value *blob, enum enc_vector_type otherwise)
{
    switch (sqlite3_value_subtype(blob)) {
    case CTX_SUBTYPE_FLOAT32: return ENC_FLOAT32;
    case CTX_SUBTYPE_INT8: return ENC_INT8;
    case CTX_SUBTYPE_BIT: return ENC_BIT;
    default: return otherwise;
    }
}

int ctx_vector_read(ctx_vector_call *call, int position, ctx_vector *out)
{
    /* Most of what a scan does besides SQLite's own work: each question is asked once. */
    sqlite3_value *value = call->argument[position - 1];
    if (sqlite3_value_type(value) == SQLITE_BLOB)
        return read_blob(call, position, marked_type(value, ENC_FLOAT32), out);
    return ctx_vector_read_as(call, position, ENC_FLOAT32, out);
}

int ctx_vector_read_as(ctx_vector_call *call, int position, enum enc_vector_type type,
                       ctx_vector *out)
{
    sqlite3_value *value = call->argument[position - 1];
    switch (sqlite3_value_type(value)) {
    case SQLITE_BLOB: {
        enum enc_vector_type marked = marked_type(value, type);
        if (marked == type)
            return read_blob(call, position, type, out);
        return ctx_fail(&call->error, SQLITE_ERROR, call->function,
                        "argument %d is a vector of %s, not %s: vector_quantize converts",
                        position, types[marked].name, types[type].name);
    }
    case SQLITE_TEXT: return read_text(call, position, type, out);
    case SQLITE_NULL: *out = (ctx_vector){0}; return SQLITE_OK;
    default: return fail_no_vector(call, position, type);
    }
}

void ctx_vector_done(ctx_vector_call *call, int position, ctx_vector *vector)
{
    if (call->keep && vector->owned)
        sqlite3_set_auxdata(call->context, position - 1, vector->owned, sqlite3_free);
    else if (vector->owned)
        sqlite3_free(vector->owned);
    *vector = (ctx_vector){0};
}

/* ---- Checks -------------------------------------------------------------------------- */

int ctx_vector_check_alike(ctx_vector_call *call, const ctx_vector *a, const ctx_vector *b)
{
    if (a->type != b->type)
        return ctx_fail(&call->error, SQLITE_ERROR, call->function,
                        "vectors differ in type: %s and %s", types[a->type].name,
                        types[b->type].name);
    if (a->length != b->length)
        return ctx_fail(&call->error, SQLITE_ERROR, call->function,
                        "vectors differ in length: %lld and %lld", (sqlite3_int64)a->length,
                        (sqlite3_int64)b->length);
    return SQLITE_OK;
}

int ctx_vector_check_finite(ctx_vector_call *call, int position, const ctx_vector *vector)
{
    if (vector->type != ENC_FLOAT32)
        return SQLITE_OK;
    ptrdiff_t index = enc_vector_not_finite(vector->data, vector->length);
    if (index < 0)
        return SQLITE_OK;
    return ctx_fail(&call->error, SQLITE_ERROR, call->function,
                    "argument %d is not finite at index %lld", position,
                    (sqlite3_int64)index);
}

int ctx_vector_check_type(ctx_vector_call *call, const ctx_vector *vector,
                          unsigned accepted)
{
    if (accepted >> vector->type & 1)
        return SQLITE_OK;
    const char *choice = accepted == CTX_NUMBERS ? "float32 or int8"
                         : accepted == CTX_BITS  ? "bit"
                                                 : "float32";
    return ctx_fail(&call->error, SQLITE_ERROR, call->function, "takes %s vectors, not %s",
                    choice, types[vector->type].name);
}

/* ---- Results ------------------------------------------------------------------------- */

void ctx_vector_result(ctx_vector_call *call, void *data, size_t length,
                       enum enc_vector_type type)
{
    size_t bytes = ctx_vector_bytes(type, length);
    sqlite3_result_blob64(call->context, data, bytes, sqlite3_free);
    sqlite3_result_subtype(call->context, types[type].subtype);
}

int ctx_vector_result_finite(ctx_vector_call *call, float *data, size_t length)
{
    ptrdiff_t index = enc_vector_not_finite(data, length);
    if (index < 0) {
        ctx_vector_result(call, data, length, ENC_FLOAT32);
        return SQLITE_OK;
    }
    sqlite3_free(data);
    return ctx_fail(&call->error, SQLITE_ERROR, call->function,
                    "the result is beyond float32 at index %lld", (sqlite3_int64)index);
}

/* ---- Numbers ------------------------------------------------------------------------- */

static int fail_number(ctx_vector_call *call, int position, const char *what,
                       const char *wanted)
{
    char excerpt[CTX_EXCERPT_SIZE];
    return ctx_fail(&call->error, SQLITE_ERROR, call->function, "%s must be %s: got %s",
                    what, wanted, ctx_value_excerpt(call->argument[position - 1], excerpt));
}

int ctx_number_argument(ctx_vector_call *call, int position, const char *what, double *out)
{
    sqlite3_value *value = call->argument[position - 1];
    int type = sqlite3_value_numeric_type(value);
    if (type != SQLITE_INTEGER && type != SQLITE_FLOAT)
        return fail_number(call, position, what, "a number");
    *out = sqlite3_value_double(value);
    return isfinite(*out) ? SQLITE_OK : fail_number(call, position, what, "finite");
}

int ctx_integer_argument(ctx_vector_call *call, int position, const char *what,
                         sqlite3_int64 *out)
{
    double number;
    int rc = ctx_number_argument(call, position, what, &number);
    if (rc != SQLITE_OK)
        return rc;
    if (number != trunc(number))
        return fail_number(call, position, what, "a whole number");
    *out = sqlite3_value_int64(call->argument[position - 1]); /* saturates */
    return SQLITE_OK;
}
