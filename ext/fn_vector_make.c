/*
** fn_vector_make.c - SQL functions that make, convert and compute vectors.
**
**   vector(v)            float32 of a JSON array or a BLOB, checked
**   vector_int8(v)       marks a BLOB as int8, or makes one of a JSON array
**   vector_bit(v)        the same for bits
**   vector_json(v)       JSON text, in the fewest digits that read back to the same vector
**   vector_length(v)     number of elements
**   vector_add(a, b)  vector_sub(a, b)       element by element; int8 saturates
**   vector_scale(v, factor)
**   vector_normalize(v)  scaled to length 1; NULL for a zero vector
**   vector_slice(v, start, end)   elements start, ..., end - 1, counted from 0
**   vector_quantize(v, type)      'int8' (elements in [-1, 1] become -128 ... 127) or 'bit'
**                                 (1 where an element is > 0)
**
** NULL in, NULL out. No result holds an element that is not finite.
*/
#include "register.h"
#include "vector_argument.h"
#include "vector_text.h"

#include <string.h>

/* ---- What they share ----------------------------------------------------------------- */

/* Sets the result that belongs to the first argument, read as v. */
typedef int body(ctx_vector_call *call, const ctx_vector *v);

/* NULL if any argument is. */
static void run(sqlite3_context *context, int argc, sqlite3_value **argv,
                const char *function, body *make)
{
    for (int i = 0; i < argc; i++)
        if (sqlite3_value_type(argv[i]) == SQLITE_NULL)
            return;
    ctx_vector_call call = {context, argv, function, true, {0}};
    ctx_vector v;
    int rc = ctx_vector_read(&call, 1, &v);
    if (rc == SQLITE_OK) {
        rc = ctx_vector_check_finite(&call, 1, &v);
        if (rc == SQLITE_OK)
            rc = make(&call, &v);
        ctx_vector_done(&call, 1, &v);
    }
    if (rc != SQLITE_OK)
        ctx_result_error(context, &call.error);
}

/* The SQL function vector_NAME, which runs make_NAME. */
#define FUNCTION(name)                                                                     \
    static void vector_##name(sqlite3_context *context, int argc, sqlite3_value **argv)    \
    {                                                                                      \
        run(context, argc, argv, "vector_" #name, make_##name);                            \
    }

static int out_of_memory(ctx_vector_call *call)
{
    return ctx_fail(&call->error, SQLITE_NOMEM, call->function, "out of memory");
}

/* An aligned copy of elements start, ..., start + length - 1, from sqlite3_malloc64; NULL:
** out of memory. Of bits, start and length are multiples of 8. */
static void *copy(const ctx_vector *v, size_t start, size_t length)
{
    size_t bytes = ctx_vector_bytes(v->type, length);
    void *out = sqlite3_malloc64(bytes);
    if (out)
        memcpy(out, (const char *)v->data + ctx_vector_bytes(v->type, start), bytes);
    return out;
}

/* ---- Reading and writing ------------------------------------------------------------- */

static int give_copy(ctx_vector_call *call, const ctx_vector *v)
{
    void *out = copy(v, 0, v->length);
    if (!out)
        return out_of_memory(call);
    ctx_vector_result(call, out, v->length, v->type);
    return SQLITE_OK;
}

static void read_as(sqlite3_context *context, sqlite3_value **argv,
                    enum enc_vector_type type, const char *function)
{
    ctx_vector_call call = {context, argv, function, true, {0}};
    ctx_vector v;
    int rc = ctx_vector_read_as(&call, 1, type, &v);
    if (rc == SQLITE_OK) {
        if (v.data) {
            rc = ctx_vector_check_finite(&call, 1, &v);
            if (rc == SQLITE_OK)
                rc = give_copy(&call, &v);
        }
        ctx_vector_done(&call, 1, &v);
    }
    if (rc != SQLITE_OK)
        ctx_result_error(context, &call.error);
}

static void vector(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    read_as(context, argv, ENC_FLOAT32, "vector");
}

static void vector_int8(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    read_as(context, argv, ENC_INT8, "vector_int8");
}

static void vector_bit(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    read_as(context, argv, ENC_BIT, "vector_bit");
}

static int make_json(ctx_vector_call *call, const ctx_vector *v)
{
    size_t size = 0;
    char *text = ctx_vector_print(v, &size);
    if (!text)
        return out_of_memory(call);
    sqlite3_result_text64(call->context, text, size, sqlite3_free, SQLITE_UTF8);
    sqlite3_result_subtype(call->context, CTX_SUBTYPE_JSON);
    return SQLITE_OK;
}
FUNCTION(json)

static int make_length(ctx_vector_call *call, const ctx_vector *v)
{
    sqlite3_result_int64(call->context, (sqlite3_int64)v->length);
    return SQLITE_OK;
}
FUNCTION(length)

/* ---- Arithmetic ---------------------------------------------------------------------- */

/* a + sign * b. */
static int give_sum(ctx_vector_call *call, const ctx_vector *a, const ctx_vector *b,
                    int sign)
{
    void *out = copy(a, 0, a->length);
    if (!out)
        return out_of_memory(call);
    if (a->type == ENC_INT8) {
        int8_t *sum = out;
        const int8_t *other = b->data;
        for (size_t i = 0; i < a->length; i++) {
            int x = sum[i] + sign * other[i];
            sum[i] = (int8_t)(x > INT8_MAX ? INT8_MAX : x < INT8_MIN ? INT8_MIN : x);
        }
        ctx_vector_result(call, sum, a->length, ENC_INT8);
        return SQLITE_OK;
    }
    float *sum = out;
    for (size_t i = 0; i < a->length; i++) {
        float other;
        memcpy(&other, (const char *)b->data + i * sizeof other, sizeof other);
        sum[i] += (float)sign * other;
    }
    return ctx_vector_result_finite(call, sum, a->length);
}

static int add_or_subtract(ctx_vector_call *call, const ctx_vector *a, int sign)
{
    ctx_vector b;
    int rc = ctx_vector_read(call, 2, &b);
    if (rc != SQLITE_OK)
        return rc;
    rc = ctx_vector_check_alike(call, a, &b);
    if (rc == SQLITE_OK)
        rc = ctx_vector_check_type(call, a, CTX_NUMBERS);
    if (rc == SQLITE_OK)
        rc = ctx_vector_check_finite(call, 2, &b);
    if (rc == SQLITE_OK)
        rc = give_sum(call, a, &b, sign);
    ctx_vector_done(call, 2, &b);
    return rc;
}

static int make_add(ctx_vector_call *call, const ctx_vector *v)
{
    return add_or_subtract(call, v, 1);
}
FUNCTION(add)

static int make_sub(ctx_vector_call *call, const ctx_vector *v)
{
    return add_or_subtract(call, v, -1);
}
FUNCTION(sub)

static int make_scale(ctx_vector_call *call, const ctx_vector *v)
{
    double factor;
    int rc = ctx_vector_check_type(call, v, CTX_FLOATS);
    if (rc == SQLITE_OK)
        rc = ctx_number_argument(call, 2, "argument 2 (factor)", &factor);
    if (rc != SQLITE_OK)
        return rc;
    float *out = copy(v, 0, v->length);
    if (!out)
        return out_of_memory(call);
    for (size_t i = 0; i < v->length; i++)
        out[i] = (float)(out[i] * factor);
    return ctx_vector_result_finite(call, out, v->length);
}
FUNCTION(scale)

static int make_normalize(ctx_vector_call *call, const ctx_vector *v)
{
    int rc = ctx_vector_check_type(call, v, CTX_FLOATS);
    if (rc != SQLITE_OK)
        return rc;
    float *out = copy(v, 0, v->length);
    if (!out)
        return out_of_memory(call);
    if (enc_vector_normalize(out, v->length))
        return ctx_vector_result_finite(call, out, v->length);
    sqlite3_free(out); /* zero: it has no direction */
    return SQLITE_OK;
}
FUNCTION(normalize)

/* ---- Slices and smaller types -------------------------------------------------------- */

static int make_slice(ctx_vector_call *call, const ctx_vector *v)
{
    sqlite3_int64 start, end, length = (sqlite3_int64)v->length;
    int rc = ctx_integer_argument(call, 2, "argument 2 (start)", &start);
    if (rc == SQLITE_OK)
        rc = ctx_integer_argument(call, 3, "argument 3 (end)", &end);
    if (rc != SQLITE_OK)
        return rc;
    if (start < 0 || start >= length)
        return ctx_fail(&call->error, SQLITE_ERROR, call->function,
                        "start is %lld, it must be from 0 to %lld", start, length - 1);
    if (end <= start || end > length)
        return ctx_fail(&call->error, SQLITE_ERROR, call->function,
                        "end is %lld, it must be from %lld to %lld", end, start + 1,
                        length);
    if (v->type == ENC_BIT && (start % 8 != 0 || end % 8 != 0))
        return ctx_fail(&call->error, SQLITE_ERROR, call->function,
                        "start and end of a bit vector must be multiples of 8: "
                        "got %lld and %lld", start, end);
    void *out = copy(v, (size_t)start, (size_t)(end - start));
    if (!out)
        return out_of_memory(call);
    ctx_vector_result(call, out, (size_t)(end - start), v->type);
    return SQLITE_OK;
}
FUNCTION(slice)

static int quantize_to_int8(ctx_vector_call *call, const ctx_vector *v)
{
    float *copied = copy(v, 0, v->length);
    int8_t *out = copied ? sqlite3_malloc64(v->length) : NULL;
    if (out)
        enc_vector_to_int8(copied, v->length, out);
    sqlite3_free(copied);
    if (!out)
        return out_of_memory(call);
    ctx_vector_result(call, out, v->length, ENC_INT8);
    return SQLITE_OK;
}

static int quantize_to_bit(ctx_vector_call *call, const ctx_vector *v)
{
    if (v->length % 8 != 0)
        return ctx_fail(&call->error, SQLITE_ERROR, call->function,
                        "a bit vector needs a multiple of 8 elements: argument 1 has %lld",
                        (sqlite3_int64)v->length);
    uint8_t *out = sqlite3_malloc64(v->length / 8);
    if (!out)
        return out_of_memory(call);
    if (v->type == ENC_INT8) {
        const int8_t *element = v->data;
        memset(out, 0, v->length / 8);
        for (size_t i = 0; i < v->length; i++)
            out[i / 8] |= (uint8_t)((element[i] > 0) << (i % 8));
    } else {
        float *copied = copy(v, 0, v->length);
        if (!copied) {
            sqlite3_free(out);
            return out_of_memory(call);
        }
        enc_vector_to_bit(copied, v->length, out);
        sqlite3_free(copied);
    }
    ctx_vector_result(call, out, v->length, ENC_BIT);
    return SQLITE_OK;
}

static int make_quantize(ctx_vector_call *call, const ctx_vector *v)
{
    const char *wanted = (const char *)sqlite3_value_text(call->argument[1]);
    if (!wanted)
        return out_of_memory(call);
    int type = ENC_FLOAT32;
    while (type <= ENC_BIT && strcmp(wanted, ctx_vector_type_name(type)) != 0)
        type++;
    if (type > ENC_BIT) {
        char excerpt[CTX_EXCERPT_SIZE];
        return ctx_fail(&call->error, SQLITE_ERROR, call->function,
                        "argument 2 (type) must be 'float32', 'int8' or 'bit': got %s",
                        ctx_value_excerpt(call->argument[1], excerpt));
    }
    if (type == (int)v->type)
        return give_copy(call, v);
    if (type < (int)v->type)
        return ctx_fail(&call->error, SQLITE_ERROR, call->function,
                        "a vector of %s can't become %s again",
                        ctx_vector_type_name(v->type), ctx_vector_type_name(type));
    return type == ENC_INT8 ? quantize_to_int8(call, v) : quantize_to_bit(call, v);
}
FUNCTION(quantize)

/* ---- Registration -------------------------------------------------------------------- */

int ctx_register_vector_makers(ctx_connection *connection)
{
    enum { TAKES = CTX_PURE | CTX_TAKES_VECTOR, MAKES = TAKES | CTX_GIVES_VECTOR };
    static const ctx_function rows[] = {
        {"vector", 1, MAKES, vector, NULL, NULL, NULL, NULL},
        {"vector_int8", 1, MAKES, vector_int8, NULL, NULL, NULL, NULL},
        {"vector_bit", 1, MAKES, vector_bit, NULL, NULL, NULL, NULL},
        {"vector_json", 1, MAKES, vector_json, NULL, NULL, NULL, NULL},
        {"vector_length", 1, TAKES, vector_length, NULL, NULL, NULL, NULL},
        {"vector_add", 2, MAKES, vector_add, NULL, NULL, NULL, NULL},
        {"vector_sub", 2, MAKES, vector_sub, NULL, NULL, NULL, NULL},
        {"vector_scale", 2, MAKES, vector_scale, NULL, NULL, NULL, NULL},
        {"vector_normalize", 1, MAKES, vector_normalize, NULL, NULL, NULL, NULL},
        {"vector_slice", 3, MAKES, vector_slice, NULL, NULL, NULL, NULL},
        {"vector_quantize", 2, MAKES, vector_quantize, NULL, NULL, NULL, NULL},
    };
    return ctx_register_functions(connection, rows, sizeof rows / sizeof *rows);
}
