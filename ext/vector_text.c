/*
** vector_text.c - JSON arrays to vectors and back.
**
** Numbers are printed from their decimal digits, since C's printf follows the process's
** locale.
*/
#include "vector_text.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* Parsing takes about sixteen times the text in memory; no vector needs so much text. */
enum { MAX_JSON_BYTES = 16 * 1024 * 1024 };

/* ---- Reading ------------------------------------------------------------------------- */

/* Stores element i; NULL, or what is wrong with it. */
static const char *store(const json_t *element, enum enc_vector_type type,
                         ctx_parsed *parsed, size_t i)
{
    if (!json_is_number(element))
        return "is not a number";
    double x = json_number_value(element);
    if (type == ENC_FLOAT32) {
        parsed->data[i] = (float)x;
        return isfinite(parsed->data[i]) ? NULL : "is beyond float32";
    }
    if (type == ENC_INT8) {
        if (x < INT8_MIN || x > INT8_MAX || x != trunc(x))
            return "is not a whole number from -128 to 127";
        ((int8_t *)parsed->data)[i] = (int8_t)x;
        return NULL;
    }
    if (x != 0 && x != 1)
        return "is neither 0 nor 1";
    ((uint8_t *)parsed->data)[i / 8] |= (uint8_t)((x != 0) << (i % 8));
    return NULL;
}

static int convert(ctx_vector_call *call, int position, const json_t *array,
                   enum enc_vector_type type, ctx_parsed **out)
{
    size_t count = json_array_size(array);
    if (type == ENC_BIT && count % 8 != 0)
        return ctx_fail(&call->error, SQLITE_ERROR, call->function,
                        "argument %d has %lld elements, not a multiple of 8 (bit vector)",
                        position, (sqlite3_int64)count);
    /* MAX_JSON_BYTES bounds count, so the size can't wrap. */
    size_t bytes = sizeof(ctx_parsed) + count * sizeof(float);
    ctx_parsed *parsed = sqlite3_malloc64(bytes);
    if (!parsed)
        return ctx_fail(&call->error, SQLITE_NOMEM, call->function, "out of memory");
    memset(parsed, 0, bytes);
    parsed->length = count;
    for (size_t i = 0; i < count; i++) {
        const char *problem = store(json_array_get(array, i), type, parsed, i);
        if (!problem)
            continue;
        sqlite3_free(parsed);
        return ctx_fail(&call->error, SQLITE_ERROR, call->function,
                        "argument %d %s at index %lld", position, problem,
                        (sqlite3_int64)i);
    }
    *out = parsed;
    return SQLITE_OK;
}

int ctx_vector_parse(ctx_vector_call *call, int position, const char *json, size_t size,
                     enum enc_vector_type type, ctx_parsed **out)
{
    if (size > MAX_JSON_BYTES)
        return ctx_fail(&call->error, SQLITE_TOOBIG, call->function,
                        "argument %d is %lld bytes of JSON, the limit is %d", position,
                        (sqlite3_int64)size, MAX_JSON_BYTES);
    json_error_t problem;
    json_t *array = json_loadb(json, size, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL,
                               &problem);
    if (!array) {
        if (json_error_code(&problem) == json_error_out_of_memory)
            return ctx_fail(&call->error, SQLITE_NOMEM, call->function, "out of memory");
        /* The parser quotes the input after " near "; the byte's number says it better. */
        const char *quote = strstr(problem.text, " near ");
        size_t length = quote ? (size_t)(quote - problem.text) : strlen(problem.text);
        return ctx_fail(&call->error, SQLITE_ERROR, call->function,
                        "argument %d is not a JSON array of numbers: %.*s at byte %d",
                        position, (int)length, problem.text, problem.position);
    }
    int rc = convert(call, position, array, type, out);
    json_decref(array);
    return rc;
}

/* ---- Printing ------------------------------------------------------------------------ */

/* 10^n, right to 2^-49 of itself, |n| <= 60. */
static double power_of_ten(int n)
{
    static const double exact[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int left = n < 0 ? -n : n;
    double power = 1;
    for (; left > 22; left -= 22)
        power *= 1e22;
    power *= exact[left];
    return n < 0 ? 1 / power : power;
}

/* Whether digits * 10^exponent rounds to x. Where the product is not exact, every double
** within 2^-46 of it must round to x, so that what was rounded on the way can't matter; a
** decimal that this turns down in vain costs one more digit. */
static bool reads_back(int64_t digits, int exponent, float x)
{
    double y = (double)digits * power_of_ten(exponent);
    double slack = exponent >= 0 && y < 0x1p53 ? 0 : y * 0x1p-46;
    return (float)(y - slack) == x && (float)(y + slack) == x;
}

/* The fewest digits for x > 0: x = *digits * 10^*exponent. Nine are always enough. */
static void shortest(float x, int64_t *digits, int *exponent)
{
    int magnitude = (int)floor(log10((double)x));
    for (int count = 1;; count++) {
        *exponent = magnitude - (count - 1);
        *digits = (int64_t)llround((double)x * power_of_ten(-*exponent));
        if (count == 9 || reads_back(*digits, *exponent, x))
            break;
    }
    while (*digits % 10 == 0) {
        *digits /= 10;
        *exponent += 1;
    }
}

static char *put(char *at, const char *text, int count)
{
    for (int i = 0; i < count; i++)
        *at++ = text[i];
    return at;
}

/* Decimal digits of n, at least one. */
static char *put_integer(char *at, int64_t n)
{
    char text[20];
    int start = sizeof text;
    do {
        text[--start] = (char)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    return put(at, text + start, (int)sizeof text - start);
}

size_t ctx_float_print(float value, char out[CTX_FLOAT_TEXT_SIZE])
{
    int64_t digits = 0;
    int exponent = 0;
    if (value != 0)
        shortest(fabsf(value), &digits, &exponent);
    char text[20];
    int count = (int)(put_integer(text, digits) - text);
    int point = count + exponent; /* where the point stands, counted from the first digit */
    char *at = out;
    if (signbit(value))
        *at++ = '-';
    if (exponent >= 0 && point <= 9) { /* 1200 */
        at = put(at, text, count);
        at = put(at, "00000000", exponent);
    } else if (point > 0 && point < count) { /* 1.25 */
        at = put(at, text, point);
        *at++ = '.';
        at = put(at, text + point, count - point);
    } else if (point <= 0 && point > -4) { /* 0.00125 */
        at = put(at, "0.000", 2 - point);
        at = put(at, text, count);
    } else { /* 1.25e-40 */
        at = put(at, text, 1);
        if (count > 1)
            *at++ = '.';
        at = put(at, text + 1, count - 1);
        at = put(at, "e-", point < 1 ? 2 : 1);
        at = put_integer(at, point < 1 ? 1 - point : point - 1);
    }
    *at = '\0';
    return (size_t)(at - out);
}

char *ctx_vector_print(const ctx_vector *vector, size_t *size)
{
    /* Longest elements with their comma: "-1.17549435e-38", "-128". */
    size_t each = vector->type == ENC_FLOAT32 ? CTX_FLOAT_TEXT_SIZE : sizeof "-128";
    char *out = sqlite3_malloc64((sqlite3_uint64)vector->length * each + sizeof "[]");
    if (!out)
        return NULL;
    const uint8_t *bytes = vector->data;
    char *at = out;
    for (size_t i = 0; i < vector->length; i++) {
        float element;
        if (vector->type == ENC_FLOAT32)
            memcpy(&element, bytes + i * sizeof element, sizeof element);
        else if (vector->type == ENC_INT8)
            element = (int8_t)bytes[i];
        else
            element = (float)(bytes[i / 8] >> (i % 8) & 1);
        char text[CTX_FLOAT_TEXT_SIZE];
        size_t used = ctx_float_print(element, text);
        *at++ = i == 0 ? '[' : ',';
        memcpy(at, text, used);
        at += used;
    }
    memcpy(at, "]", sizeof "]");
    *size = (size_t)(at + 1 - out);
    return out;
}
