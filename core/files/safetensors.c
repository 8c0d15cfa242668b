/* safetensors.c - see safetensors.h. */
#include "safetensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "memory.h"

enum { LENGTH_BYTES = 8, HEADER_LIMIT = 100 * 1000 * 1000 };

static const struct dtype {
    const char *name;
    unsigned bytes; /* of one element */
    enum enc_dtype dtype;
} dtypes[] = {
    {"F32", 4, ENC_DTYPE_F32},     {"F16", 2, ENC_DTYPE_F16},
    {"BF16", 2, ENC_DTYPE_BF16},   {"F64", 8, ENC_DTYPE_F64},
    {"BOOL", 1, ENC_DTYPE_OTHER},  {"U8", 1, ENC_DTYPE_OTHER},
    {"I8", 1, ENC_DTYPE_OTHER},    {"U16", 2, ENC_DTYPE_OTHER},
    {"I16", 2, ENC_DTYPE_OTHER},   {"U32", 4, ENC_DTYPE_OTHER},
    {"I32", 4, ENC_DTYPE_OTHER},   {"U64", 8, ENC_DTYPE_OTHER},
    {"I64", 8, ENC_DTYPE_OTHER},   {"F8_E4M3", 1, ENC_DTYPE_OTHER},
    {"F8_E5M2", 1, ENC_DTYPE_OTHER}};

static const struct dtype *find_dtype(const char *name)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(dtypes[i].name, name) == 0)
            return &dtypes[i];
    return NULL;
}

/* ---- One tensor ---------------------------------------------------------------------- */

/* Where a message is about: file and tensor. */
typedef struct place {
    const char *file;
    const char *tensor;
} place;

static int refuse(place at, const json_t *got, const char *key, const char *expected,
                  enc_error *err)
{
    char shown[ENC_JSON_SHOWN];
    return enc_fail(err, ENC_CORRUPT, "%s: tensor '%s': %s is %s, must be %s", at.file,
                    at.tensor, key, enc_json_show(got, shown), expected);
}

/* A JSON array of integers >= 0 into numbers; *count is how many. */
static int read_numbers(place at, const json_t *array, const char *key, int64_t *numbers,
                        size_t most, size_t *count, enc_error *err)
{
    if (!json_is_array(array))
        return refuse(at, array, key, "an array", err);
    *count = json_array_size(array);
    if (*count > most)
        return enc_fail(err, ENC_CORRUPT,
                        "%s: tensor '%s': %s has %zu numbers, the limit is %zu", at.file,
                        at.tensor, key, *count, most);
    for (size_t i = 0; i < *count; i++) {
        const json_t *number = json_array_get(array, i);
        if (!json_is_integer(number) || json_integer_value(number) < 0) {
            char what[32];
            snprintf(what, sizeof what, "%s[%zu]", key, i);
            return refuse(at, number, what, "an integer from 0", err);
        }
        numbers[i] = json_integer_value(number);
    }
    return ENC_OK;
}

/* Bytes that shape and dtype make; false: more than 2^64. */
static bool multiply_shape(const enc_tensor *tensor, unsigned width, uint64_t *bytes)
{
    *bytes = width;
    for (int i = 0; i < tensor->rank; i++)
        if (__builtin_mul_overflow(*bytes, (uint64_t)tensor->shape[i], bytes))
            return false;
    return true;
}

/* offset is left relative to the data's start. */
static int read_tensor(place at, const json_t *entry, enc_tensor *tensor, enc_error *err)
{
    char shown[ENC_SHAPE_SHOWN];
    if (!json_is_object(entry))
        return refuse(at, entry, "the entry", "an object", err);
    const json_t *spelled = json_object_get(entry, "dtype");
    if (!json_is_string(spelled))
        return refuse(at, spelled, "dtype", "a string", err);
    const struct dtype *dtype = find_dtype(json_string_value(spelled));
    if (!dtype)
        return enc_fail(err, ENC_UNSUPPORTED,
                        "%s: tensor '%s': dtype %s is not known (F32, F16, BF16, F64, ...)",
                        at.file, at.tensor, enc_json_show(spelled, shown));
    tensor->dtype = dtype->dtype;
    tensor->dtype_name = dtype->name;

    size_t rank, two;
    int64_t range[2];
    int rc = read_numbers(at, json_object_get(entry, "shape"), "shape", tensor->shape,
                          ENC_MAX_RANK, &rank, err);
    if (rc == ENC_OK)
        rc = read_numbers(at, json_object_get(entry, "data_offsets"), "data_offsets", range,
                          2, &two, err);
    if (rc != ENC_OK)
        return rc;
    if (two != 2)
        return enc_fail(err, ENC_CORRUPT,
                        "%s: tensor '%s': data_offsets has %zu numbers, must have 2",
                        at.file, at.tensor, two);
    tensor->rank = (int)rank;
    uint64_t bytes;
    if (!multiply_shape(tensor, dtype->bytes, &bytes))
        return enc_fail(err, ENC_CORRUPT, "%s: tensor '%s': shape %s overflows", at.file,
                        at.tensor, enc_shape_show(tensor->shape, tensor->rank, shown));
    if (range[1] < range[0] || (uint64_t)(range[1] - range[0]) != bytes)
        return enc_fail(err, ENC_CORRUPT,
                        "%s: tensor '%s': shape %s of %s takes %" PRIu64 " bytes, "
                        "data_offsets are [%" PRId64 ", %" PRId64 "]", at.file, at.tensor,
                        enc_shape_show(tensor->shape, tensor->rank, shown), dtype->name,
                        bytes, range[0], range[1]);
    tensor->offset = (uint64_t)range[0];
    tensor->bytes = bytes;
    return ENC_OK;
}

/* ---- The header ---------------------------------------------------------------------- */

static int check_metadata(const char *file, json_t *metadata, enc_error *err)
{
    const char *key;
    json_t *value;
    char shown[ENC_JSON_SHOWN];
    if (!json_is_object(metadata))
        return enc_fail(err, ENC_CORRUPT, "%s: __metadata__ is %s, must be an object", file,
                        enc_json_show(metadata, shown));
    json_object_foreach(metadata, key, value)
        if (!json_is_string(value))
            return enc_fail(err, ENC_CORRUPT,
                            "%s: __metadata__ '%s' is %s, must be a string", file,
                            enc_tail(key, ENC_TAIL), enc_json_show(value, shown));
    return ENC_OK;
}

static int by_offset(const void *a, const void *b)
{
    const enc_tensor *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* Sorts by place and checks that the places tile [0, data_bytes). */
static int check_places(const char *file, enc_tensor *tensor, size_t count,
                        uint64_t data_bytes, enc_error *err)
{
    uint64_t end = 0;
    qsort(tensor, count, sizeof *tensor, by_offset);
    for (size_t i = 0; i < count; i++) {
        const enc_tensor *t = &tensor[i];
        if (t->offset != end)
            return enc_fail(err, ENC_CORRUPT,
                            "%s: tensor '%s': data_offsets [%" PRIu64 ", %" PRIu64
                            "] do not begin at %" PRIu64 ", where %s%s%s ends", file,
                            enc_tail(t->name, ENC_TAIL), t->offset, t->offset + t->bytes,
                            end, i > 0 ? "tensor '" : "the header",
                            i > 0 ? enc_tail(t[-1].name, ENC_TAIL) : "", i > 0 ? "'" : "");
        end += t->bytes; /* the entry's second offset, an int64 */
    }
    if (end != data_bytes)
        return enc_fail(err, ENC_CORRUPT,
                        "%s: the tensors take %" PRIu64 " bytes, the file holds %" PRIu64
                        " bytes of data", file, end, data_bytes);
    return ENC_OK;
}

/* Tensors of the parsed header into fresh places at the list's end. */
static int read_entries(const enc_file *file, int index, uint64_t data_start,
                        json_t *header, enc_tensor_list *list, enc_error *err)
{
    const char *name = enc_tail(file->name, ENC_TAIL), *key;
    json_t *entry;
    size_t most = json_object_size(header), first = list->count;
    if (!enc_tensor_list_reserve(list, most))
        return enc_nomem(err);
    json_object_foreach(header, key, entry) {
        enc_tensor tensor = {.file = index};
        int rc;
        if (strcmp(key, "__metadata__") == 0)
            rc = check_metadata(name, entry, err);
        else
            rc = read_tensor((place){name, enc_tail(key, ENC_TAIL)}, entry, &tensor, err);
        if (rc != ENC_OK)
            return rc;
        if (!tensor.dtype_name)
            continue;
        tensor.name = enc_copy_string(key, strlen(key));
        if (!tensor.name)
            return enc_nomem(err);
        list->at[list->count++] = tensor;
    }
    int rc = check_places(name, list->at + first, list->count - first,
                          file->size - data_start, err);
    for (size_t i = first; i < list->count; i++)
        list->at[i].offset += data_start;
    return rc;
}

static int fail_start(const char *name, const char *start, size_t size, uint64_t length,
                      uint64_t file_size, enc_error *err)
{
    const char *disguise = enc_file_disguise(start, size);
    if (disguise)
        return enc_fail(err, ENC_UNSUPPORTED, "%s is %s", name, disguise);
    if (file_size < LENGTH_BYTES)
        return enc_fail(err, ENC_CORRUPT,
                        "%s is %" PRIu64 " bytes, shorter than its 8-byte header length",
                        name, file_size);
    if (length > HEADER_LIMIT)
        return enc_fail(err, ENC_CORRUPT,
                        "%s: header length %" PRIu64 " exceeds the limit %d", name, length,
                        HEADER_LIMIT);
    if (length > file_size - LENGTH_BYTES)
        return enc_fail(err, ENC_CORRUPT,
                        "%s: header of %" PRIu64 " bytes does not fit in a file of %" PRIu64
                        " bytes", name, length, file_size);
    return enc_fail(err, ENC_CORRUPT,
                    "%s: header is not a JSON object: it must begin with '{'", name);
}

int enc_safetensors_read(const enc_file *file, int index, enc_tensor_list *list,
                         enc_error *err)
{
    const char *name = enc_tail(file->name, ENC_TAIL);
    char start[64] = {0};
    size_t there = file->size < sizeof start ? (size_t)file->size : sizeof start;
    int rc = enc_file_read(file, 0, start, there, err);
    if (rc != ENC_OK)
        return rc;
    uint64_t length = 0;
    for (int i = LENGTH_BYTES - 1; i >= 0; i--)
        length = length << 8 | (unsigned char)start[i];
    if (file->size < LENGTH_BYTES || length > HEADER_LIMIT ||
        length > file->size - LENGTH_BYTES || length == 0 || start[LENGTH_BYTES] != '{')
        return fail_start(name, start, there, length, file->size, err);

    char shown[ENC_TAIL + 16];
    snprintf(shown, sizeof shown, "%s: header", name);
    char *text = enc_alloc((size_t)length);
    json_t *header = NULL;
    rc = text ? ENC_OK : enc_nomem(err);
    if (rc == ENC_OK)
        rc = enc_file_read(file, LENGTH_BYTES, text, (size_t)length, err);
    if (rc == ENC_OK)
        rc = enc_json_parse(text, (size_t)length, shown, &header, err);
    enc_free(text);
    if (rc == ENC_OK)
        rc = read_entries(file, index, LENGTH_BYTES + length, header, list, err);
    json_decref(header);
    return rc;
}

const enc_format enc_format_safetensors = {
    .name = "safetensors",
    .weights = "model.safetensors",
    .index = "model.safetensors.index.json",
    .list = enc_safetensors_read};
