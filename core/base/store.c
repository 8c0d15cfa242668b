/* store.c - see store.h. */
#include "store.h"

#include <string.h>

#include "file.h"

enum { LINE = 64 };

/* The line before an array; little-endian, as all machines are that run this. */
typedef struct head {
    uint32_t kind;
    uint32_t extra;
    uint64_t bytes;
    char zero[LINE - 16];
} head;

_Static_assert(sizeof(head) == LINE, "arrays begin on lines");

int enc_store_refuse(const enc_store *s, const char *what, enc_error *err)
{
    return enc_fail(err, ENC_CORRUPT, "%s: %s: array %zu %s", enc_tail(s->name, ENC_TAIL),
                    s->part, s->count, what);
}

static size_t padding_of(size_t bytes) { return (LINE - bytes % LINE) % LINE; }

static int save(enc_store *s, const void *data, const enc_stored *what, enc_error *err)
{
    static const char zeros[LINE];
    const head line = {.kind = what->kind, .extra = what->extra, .bytes = what->bytes};
    int rc = s->append(s->context, &line, sizeof line, err);
    if (rc == ENC_OK && what->bytes > 0)
        rc = s->append(s->context, data, what->bytes, err);
    size_t padding = padding_of(what->bytes);
    return rc == ENC_OK && padding > 0 ? s->append(s->context, zeros, padding, err) : rc;
}

static int load(enc_store *s, const void **data, enc_stored *what, enc_error *err)
{
    head line;
    if (s->size - s->at < LINE)
        return enc_store_refuse(s, "is missing: the file ends before it", err);
    memcpy(&line, s->data + s->at, sizeof line);
    s->at += LINE;
    size_t left = s->size - s->at;
    if (line.bytes > left || padding_of((size_t)line.bytes) > left - line.bytes)
        return enc_fail(err, ENC_CORRUPT, "%s: %s: array %zu has %llu bytes, %zu are left",
                        enc_tail(s->name, ENC_TAIL), s->part, s->count,
                        (unsigned long long)line.bytes, left);
    *what = (enc_stored){line.kind, line.extra, (size_t)line.bytes};
    *data = line.kind ? s->data + s->at : NULL;
    s->at += what->bytes + padding_of(what->bytes);
    return ENC_OK;
}

int enc_store_array(enc_store *s, void *pointer, enc_stored *what, enc_error *err)
{
    const void *data;
    memcpy(&data, pointer, sizeof data);
    s->count++;
    if (enc_store_saves(s))
        return save(s, data, what, err);
    int rc = load(s, &data, what, err);
    if (rc == ENC_OK)
        memcpy(pointer, &data, sizeof data);
    return rc;
}

int enc_store_numbers(enc_store *s, void *pointer, size_t count, size_t size, bool needed,
                      enc_error *err)
{
    const void *data;
    size_t wanted;
    memcpy(&data, pointer, sizeof data);
    if (__builtin_mul_overflow(count, size, &wanted))
        return enc_store_refuse(s, "is to have more bytes than can be counted", err);
    enc_stored what = {data != NULL, 0, data ? wanted : 0};
    int rc = enc_store_array(s, pointer, &what, err);
    if (rc != ENC_OK || enc_store_saves(s))
        return rc;
    if (what.kind > 1 || (what.kind == 0 && needed))
        return enc_store_refuse(s, "is not what must be there", err);
    if (what.kind == 1 && what.bytes != wanted)
        return enc_fail(err, ENC_CORRUPT, "%s: %s: array %zu has %zu bytes, must have %zu",
                        enc_tail(s->name, ENC_TAIL), s->part, s->count, what.bytes, wanted);
    return ENC_OK;
}

int enc_store_value(enc_store *s, void *value, size_t size, enc_error *err)
{
    const void *data = value;
    int rc = enc_store_numbers(s, &data, 1, size, true, err);
    if (rc == ENC_OK && !enc_store_saves(s))
        memcpy(value, data, size);
    return rc;
}

int enc_store_end(const enc_store *s, enc_error *err)
{
    if (s->at == s->size)
        return ENC_OK;
    return enc_fail(err, ENC_CORRUPT, "%s: %s: %zu bytes follow the last array",
                    enc_tail(s->name, ENC_TAIL), s->part, s->size - s->at);
}
