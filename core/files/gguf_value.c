/* gguf_value.c - see gguf.h; the values of a header that has been read. */
#include "gguf.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* ---- Elements -------------------------------------------------------------------------- */

enum kind { INTEGER, REAL, BOOLEAN, STRING };

static enum kind kind_of(enum enc_gguf_type type)
{
    switch (type) {
    case ENC_GGUF_F32: case ENC_GGUF_F64: return REAL;
    case ENC_GGUF_BOOL: return BOOLEAN;
    case ENC_GGUF_STRING: return STRING;
    default: return INTEGER;
    }
}

#define ELEMENT(type, header, index)                                                       \
    do {                                                                                   \
        type element;                                                                      \
        memcpy(&element, (header) + (index) * sizeof element, sizeof element);             \
        return element;                                                                    \
    } while (0)

int64_t enc_gguf_int_at(const enc_gguf *gguf, const enc_gguf_value *value, uint64_t index)
{
    const unsigned char *from = gguf->header + value->at;
    switch (value->type) {
    case ENC_GGUF_U8: case ENC_GGUF_BOOL: return from[index];
    case ENC_GGUF_I8: return (signed char)from[index];
    case ENC_GGUF_U16: ELEMENT(uint16_t, from, index);
    case ENC_GGUF_I16: ELEMENT(int16_t, from, index);
    case ENC_GGUF_U32: ELEMENT(uint32_t, from, index);
    case ENC_GGUF_I32: ELEMENT(int32_t, from, index);
    case ENC_GGUF_U64: case ENC_GGUF_I64: ELEMENT(int64_t, from, index);
    default: return (int64_t)0;
    }
}

double enc_gguf_real_at(const enc_gguf *gguf, const enc_gguf_value *value, uint64_t index)
{
    const unsigned char *from = gguf->header + value->at;
    if (value->type == ENC_GGUF_F32)
        ELEMENT(float, from, index);
    if (value->type == ENC_GGUF_F64)
        ELEMENT(double, from, index);
    return (double)enc_gguf_int_at(gguf, value, index);
}

enc_text enc_gguf_next(const enc_gguf *gguf, size_t *at)
{
    uint64_t length;
    memcpy(&length, gguf->header + *at, sizeof length);
    enc_text text = {(const char *)gguf->header + *at + sizeof length, (size_t)length};
    *at += sizeof length + (size_t)length;
    return text;
}

/* ---- By key ---------------------------------------------------------------------------- */

static int compare_key(const void *key, const void *value)
{
    return strcmp(key, ((const enc_gguf_value *)value)->key);
}

const enc_gguf_value *enc_gguf_find(const enc_gguf *gguf, const char *key)
{
    if (gguf->count == 0)
        return NULL;
    return bsearch(key, gguf->value, gguf->count, sizeof *gguf->value, compare_key);
}

int enc_gguf_require(const enc_gguf *gguf, const char *key, enc_error *err)
{
    if (enc_gguf_find(gguf, key))
        return ENC_OK;
    return enc_fail(err, ENC_CORRUPT, "%s: %s is missing", gguf->name, key);
}

static int refuse(const enc_gguf *gguf, const enc_gguf_value *value, const char *expected,
                  enc_error *err)
{
    static const char *const names[] = {"an integer", "a real number", "a bool", "a string"};
    return enc_fail(err, ENC_CORRUPT, "%s: %s is %s%s, must be %s", gguf->name, value->key,
                    value->list ? "a list, each element " : "", names[kind_of(value->type)],
                    expected);
}

/* The single value of one of two kinds; NULL in *out: absent. */
static int find_one(const enc_gguf *gguf, const char *key, enum kind kind, enum kind other,
                    const char *expected, const enc_gguf_value **out, enc_error *err)
{
    const enc_gguf_value *value = enc_gguf_find(gguf, key);
    *out = value;
    if (!value)
        return ENC_OK;
    enum kind is = kind_of(value->type);
    if (value->list || (is != kind && is != other))
        return refuse(gguf, value, expected, err);
    return ENC_OK;
}

int enc_gguf_int(const enc_gguf *gguf, const char *key, int64_t min, int64_t max, int64_t *out,
                 enc_error *err)
{
    const enc_gguf_value *value;
    int rc = find_one(gguf, key, INTEGER, INTEGER, "an integer", &value, err);
    if (rc != ENC_OK || !value)
        return rc;
    int64_t number = enc_gguf_int_at(gguf, value, 0);
    if (value->type == ENC_GGUF_U64 && number < 0)
        number = INT64_MAX;
    if (number < min || number > max)
        return enc_fail(err, ENC_CORRUPT,
                        "%s: %s is %" PRId64 ", must be %" PRId64 " ... %" PRId64, gguf->name,
                        key, number, min, max);
    *out = number;
    return ENC_OK;
}

int enc_gguf_real(const enc_gguf *gguf, const char *key, double *out, enc_error *err)
{
    const enc_gguf_value *value;
    int rc = find_one(gguf, key, REAL, INTEGER, "a number", &value, err);
    if (rc != ENC_OK || !value)
        return rc;
    double number = enc_gguf_real_at(gguf, value, 0);
    if (!isfinite(number))
        return enc_fail(err, ENC_CORRUPT, "%s: %s is not finite", gguf->name, key);
    *out = number;
    return ENC_OK;
}

int enc_gguf_bool(const enc_gguf *gguf, const char *key, bool *out, enc_error *err)
{
    const enc_gguf_value *value;
    int rc = find_one(gguf, key, BOOLEAN, BOOLEAN, "true or false", &value, err);
    if (rc == ENC_OK && value)
        *out = enc_gguf_int_at(gguf, value, 0) != 0;
    return rc;
}

int enc_gguf_string(const enc_gguf *gguf, const char *key, char **out, enc_error *err)
{
    const enc_gguf_value *value;
    int rc = find_one(gguf, key, STRING, STRING, "a string", &value, err);
    if (rc != ENC_OK || !value)
        return rc;
    size_t at = value->at;
    enc_text text = enc_gguf_next(gguf, &at);
    if (memchr(text.data, 0, text.size) || !enc_gguf_is_utf8(text))
        return enc_fail(err, ENC_CORRUPT, "%s: %s is not UTF-8 without NUL", gguf->name, key);
    *out = enc_copy_string(text.data, text.size);
    return *out ? ENC_OK : enc_nomem(err);
}

int enc_gguf_list(const enc_gguf *gguf, const char *key, enum enc_gguf_type kind,
                  const enc_gguf_value **out, enc_error *err)
{
    static const char *const expected[] = {"a list of integers", "a list of numbers",
                                           "a list of bools", "a list of strings"};
    const enc_gguf_value *value = enc_gguf_find(gguf, key);
    if (!value)
        return ENC_OK;
    if (!value->list || kind_of(value->type) != kind_of(kind))
        return refuse(gguf, value, expected[kind_of(kind)], err);
    *out = value;
    return ENC_OK;
}

/* Unicode 15, table 3-7: bytes behind `lead`, and what the first of them may be; -1: no lead. */
static int tail_of(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    *high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead < 0x80)
        return 0;
    if (lead < 0xc2 || lead > 0xf4)
        return -1;
    return lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
}

bool enc_gguf_is_utf8(enc_text text)
{
    const unsigned char *at = (const unsigned char *)text.data, *end = at + text.size;
    while (at < end) {
        unsigned char low, high;
        int tail = tail_of(*at++, &low, &high);
        if (tail < 0 || tail > end - at)
            return false;
        for (; tail > 0; tail--, at++, low = 0x80, high = 0xbf)
            if (*at < low || *at > high)
                return false;
    }
    return true;
}
