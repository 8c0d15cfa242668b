/* gguf.c - see gguf.h; the header is read in growing pieces, as nothing says how long it is. */
#include "gguf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "widen.h"

enum {
    FIXED = 24,           /* magic, version, count of tensors, count of keys */
    FIRST_PIECE = 65536,  /* bytes read at first */
    HEADER_LIMIT = 256 * 1024 * 1024,
    MAX_KEYS = 4096,
    MAX_TENSORS = 65536,
    MAX_NAME = 1024,      /* bytes of a key or of a tensor's name */
    MAX_RANK = 4,
    LEAST_TENSOR = 33,    /* bytes of one in the list: a name of one byte, one size */
    ALIGNMENT = 32,       /* where general.alignment does not say */
    MAX_ALIGNMENT = 1 << 20
};

/* What a tensor's type is called, and its block; those with a dtype of their own are read. */
static const struct type {
    const char *name;
    uint32_t id;
    enum enc_dtype dtype;
    enc_block block;
} types[] = {
    {"F32", 0, ENC_DTYPE_F32, {1, 4}},        {"F16", 1, ENC_DTYPE_F16, {1, 2}},
    {"Q4_0", 2, ENC_DTYPE_Q4_0, {32, 18}},    {"Q4_1", 3, ENC_DTYPE_Q4_1, {32, 20}},
    {"Q5_0", 6, ENC_DTYPE_Q5_0, {32, 22}},    {"Q5_1", 7, ENC_DTYPE_Q5_1, {32, 24}},
    {"Q8_0", 8, ENC_DTYPE_Q8_0, {32, 34}},    {"Q8_1", 9, ENC_DTYPE_OTHER, {32, 40}},
    {"Q2_K", 10, ENC_DTYPE_Q2_K, {256, 84}},  {"Q3_K", 11, ENC_DTYPE_Q3_K, {256, 110}},
    {"Q4_K", 12, ENC_DTYPE_Q4_K, {256, 144}}, {"Q5_K", 13, ENC_DTYPE_Q5_K, {256, 176}},
    {"Q6_K", 14, ENC_DTYPE_Q6_K, {256, 210}}, {"Q8_K", 15, ENC_DTYPE_OTHER, {256, 292}},
    {"IQ2_XXS", 16, ENC_DTYPE_OTHER, {256, 66}}, {"IQ2_XS", 17, ENC_DTYPE_OTHER, {256, 74}},
    {"IQ3_XXS", 18, ENC_DTYPE_OTHER, {256, 98}}, {"IQ1_S", 19, ENC_DTYPE_OTHER, {256, 50}},
    {"IQ4_NL", 20, ENC_DTYPE_OTHER, {32, 18}},   {"IQ3_S", 21, ENC_DTYPE_OTHER, {256, 110}},
    {"IQ2_S", 22, ENC_DTYPE_OTHER, {256, 82}},   {"IQ4_XS", 23, ENC_DTYPE_OTHER, {256, 136}},
    {"I8", 24, ENC_DTYPE_OTHER, {1, 1}},         {"I16", 25, ENC_DTYPE_OTHER, {1, 2}},
    {"I32", 26, ENC_DTYPE_OTHER, {1, 4}},        {"I64", 27, ENC_DTYPE_OTHER, {1, 8}},
    {"F64", 28, ENC_DTYPE_F64, {1, 8}},          {"IQ1_M", 29, ENC_DTYPE_OTHER, {256, 56}},
    {"BF16", 30, ENC_DTYPE_BF16, {1, 2}},        {"TQ1_0", 34, ENC_DTYPE_OTHER, {256, 54}},
    {"TQ2_0", 35, ENC_DTYPE_OTHER, {256, 66}},   {"MXFP4", 39, ENC_DTYPE_OTHER, {32, 17}},
    {"NVFP4", 40, ENC_DTYPE_OTHER, {64, 36}},    {"Q1_0", 41, ENC_DTYPE_OTHER, {128, 18}},
};

static const struct type *find_type(uint64_t id)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].id == id)
            return &types[i];
    return NULL;
}

/* Bytes of a setting's value, but for strings. */
static const unsigned char widths[ENC_GGUF_TYPE_COUNT] = {
    [ENC_GGUF_U8] = 1, [ENC_GGUF_I8] = 1, [ENC_GGUF_U16] = 2, [ENC_GGUF_I16] = 2,
    [ENC_GGUF_U32] = 4, [ENC_GGUF_I32] = 4, [ENC_GGUF_F32] = 4, [ENC_GGUF_BOOL] = 1,
    [ENC_GGUF_U64] = 8, [ENC_GGUF_I64] = 8, [ENC_GGUF_F64] = 8};

static uint64_t number_at(const unsigned char *bytes, unsigned width)
{
    uint64_t number = 0;
    for (unsigned i = width; i-- > 0;)
        number = number << 8 | bytes[i];
    return number;
}

/* ---- Reading on ---------------------------------------------------------------------- */

typedef struct reader {
    const enc_file *file;
    const char *name;
    unsigned char *bytes; /* [loaded] of the file's beginning */
    size_t loaded, room, at;
    const char *key;      /* that is being read; NULL: `what` says it */
    const char *what;     /* "key", "tensor" */
    uint64_t index;       /* of the key or tensor, or of the list's element */
    bool element;         /* an element of the list `key` */
    enc_error *err;
} reader;

enum { SHOWN = ENC_TAIL + 48 };

/* "key 3", "bert.block_count", "tokenizer.ggml.tokens[17]" */
static const char *place(const reader *r, char out[SHOWN])
{
    if (!r->key)
        snprintf(out, SHOWN, "%s %" PRIu64, r->what, r->index);
    else if (r->element)
        snprintf(out, SHOWN, "%s[%" PRIu64 "]", enc_tail(r->key, ENC_TAIL), r->index);
    else
        snprintf(out, SHOWN, "%s", enc_tail(r->key, ENC_TAIL));
    return out;
}

static int fail_remains(const reader *r, uint64_t bytes, enc_error *err)
{
    char shown[SHOWN];
    return enc_fail(err, ENC_CORRUPT,
                    "%s: %s takes %" PRIu64 " bytes at %zu, the file has %" PRIu64 " bytes",
                    r->name, place(r, shown), bytes, r->at, r->file->size);
}

/* Makes `bytes` more bytes from r->at on be there. */
static int need(reader *r, uint64_t bytes)
{
    if (bytes <= r->loaded - r->at)
        return ENC_OK;
    if (bytes > r->file->size - r->at)
        return fail_remains(r, bytes, r->err);
    uint64_t wanted = r->at + bytes;
    if (wanted > HEADER_LIMIT) {
        char shown[SHOWN];
        return enc_fail(r->err, ENC_UNSUPPORTED,
                        "%s: %s passes the limit of %d bytes for the header", r->name,
                        place(r, shown), HEADER_LIMIT);
    }
    uint64_t room = r->room ? 2 * (uint64_t)r->room : FIRST_PIECE;
    room = room < wanted ? wanted : room;
    room = room > r->file->size ? r->file->size : room;
    unsigned char *grown = enc_realloc(r->bytes, (size_t)room);
    if (!grown)
        return enc_nomem(r->err);
    r->bytes = grown;
    r->room = (size_t)room;
    int rc = enc_file_read(r->file, r->loaded, r->bytes + r->loaded, r->room - r->loaded,
                           r->err);
    if (rc == ENC_OK)
        r->loaded = r->room;
    return rc;
}

static int read_number(reader *r, unsigned width, uint64_t *out)
{
    int rc = need(r, width);
    if (rc != ENC_OK)
        return rc;
    *out = number_at(r->bytes + r->at, width);
    r->at += width;
    return ENC_OK;
}

static int skip(reader *r, uint64_t bytes)
{
    int rc = need(r, bytes);
    if (rc == ENC_OK)
        r->at += (size_t)bytes;
    return rc;
}

static int skip_string(reader *r)
{
    uint64_t length = 0;
    int rc = read_number(r, 8, &length);
    return rc == ENC_OK ? skip(r, length) : rc;
}

/* A key or a tensor's name: printable ASCII, in fresh memory. */
static int read_name(reader *r, char **out)
{
    char shown[SHOWN];
    uint64_t length = 0;
    int rc = read_number(r, 8, &length);
    if (rc == ENC_OK && (length == 0 || length > MAX_NAME))
        rc = enc_fail(r->err, ENC_CORRUPT,
                      "%s: the name of %s has %" PRIu64 " bytes, must have 1 ... %d", r->name,
                      place(r, shown), length, MAX_NAME);
    size_t start = r->at;
    if (rc == ENC_OK)
        rc = skip(r, length);
    for (size_t i = 0; rc == ENC_OK && i < length; i++)
        if (r->bytes[start + i] < 0x20 || r->bytes[start + i] > 0x7e)
            rc = enc_fail(r->err, ENC_CORRUPT,
                          "%s: the name of %s has byte 0x%02x at %zu, names are ASCII",
                          r->name, place(r, shown), (unsigned)r->bytes[start + i], i);
    if (rc != ENC_OK)
        return rc;
    *out = enc_copy_string((const char *)r->bytes + start, (size_t)length);
    return *out ? ENC_OK : enc_nomem(r->err);
}

/* ---- Keys and values ------------------------------------------------------------------ */

static int read_type(reader *r, enum enc_gguf_type *out)
{
    char shown[SHOWN];
    uint64_t type = 0;
    int rc = read_number(r, 4, &type);
    if (rc == ENC_OK && type >= ENC_GGUF_TYPE_COUNT)
        rc = enc_fail(r->err, ENC_CORRUPT, "%s: %s has type %" PRIu64 ", types are 0 ... %d",
                      r->name, place(r, shown), type, ENC_GGUF_TYPE_COUNT - 1);
    *out = (enum enc_gguf_type)type;
    return rc;
}

/* The type of a list's elements, and how many they are. */
static int read_list(reader *r, enc_gguf_value *value)
{
    char shown[SHOWN];
    int rc = read_type(r, &value->type);
    if (rc == ENC_OK && value->type == ENC_GGUF_LIST)
        rc = enc_fail(r->err, ENC_UNSUPPORTED, "%s: %s is a list of lists, which is not read",
                      r->name, place(r, shown));
    value->list = true;
    return rc == ENC_OK ? read_number(r, 8, &value->count) : rc;
}

static int skip_elements(reader *r, const enc_gguf_value *value)
{
    uint64_t bytes;
    if (value->type != ENC_GGUF_STRING)
        return __builtin_mul_overflow(value->count, widths[value->type], &bytes)
                   ? fail_remains(r, UINT64_MAX, r->err) : skip(r, bytes);
    /* A string is at least its length. */
    if (value->count > (r->file->size - r->at) / 8)
        return fail_remains(r, value->count > UINT64_MAX / 8 ? UINT64_MAX : value->count * 8,
                            r->err);
    int rc = ENC_OK;
    r->element = value->list;
    for (r->index = 0; rc == ENC_OK && r->index < value->count; r->index++)
        rc = skip_string(r);
    r->element = false;
    return rc;
}

static int check_bools(const reader *r, const enc_gguf_value *value)
{
    char shown[SHOWN];
    for (uint64_t i = 0; i < value->count; i++)
        if (r->bytes[value->at + i] > 1)
            return enc_fail(r->err, ENC_CORRUPT, "%s: %s is %d, a bool must be 0 or 1",
                            r->name, place(r, shown), r->bytes[value->at + i]);
    return ENC_OK;
}

static int read_value(reader *r, enc_gguf_value *value)
{
    int rc = read_name(r, &value->key);
    r->key = value->key;
    value->count = 1;
    if (rc == ENC_OK)
        rc = read_type(r, &value->type);
    if (rc == ENC_OK && value->type == ENC_GGUF_LIST)
        rc = read_list(r, value);
    value->at = r->at;
    if (rc == ENC_OK)
        rc = skip_elements(r, value);
    if (rc == ENC_OK && value->type == ENC_GGUF_BOOL)
        rc = check_bools(r, value);
    r->key = NULL;
    return rc;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const enc_gguf_value *)a)->key, ((const enc_gguf_value *)b)->key);
}

static int read_values(reader *r, uint64_t count, enc_gguf *out)
{
    out->value = ENC_ZALLOC(enc_gguf_value, count);
    int rc = out->value ? ENC_OK : enc_nomem(r->err);
    r->what = "key";
    for (uint64_t i = 0; rc == ENC_OK && i < count; i++) {
        r->index = i;
        out->count++;
        rc = read_value(r, &out->value[i]);
    }
    if (rc != ENC_OK)
        return rc;
    qsort(out->value, out->count, sizeof *out->value, by_key);
    for (size_t i = 1; i < out->count; i++)
        if (by_key(&out->value[i - 1], &out->value[i]) == 0)
            return enc_fail(r->err, ENC_CORRUPT, "%s: key '%s' is there twice", r->name,
                            enc_tail(out->value[i].key, ENC_TAIL));
    return ENC_OK;
}

/* ---- Tensors --------------------------------------------------------------------------- */

/* Bytes of a tensor; its rows must be whole blocks. */
static int measure(reader *r, enc_tensor *tensor, enc_block block)
{
    char shown[ENC_SHAPE_SHOWN];
    const char *name = enc_tail(tensor->name, ENC_TAIL);
    uint64_t elements = 1, bytes;
    bool over = false;
    for (int i = 0; i < tensor->rank; i++)
        over = over || __builtin_mul_overflow(elements, (uint64_t)tensor->shape[i], &elements);
    over = over || __builtin_mul_overflow(elements / block.elements, block.bytes, &bytes);
    if (over || elements > INT64_MAX)
        return enc_fail(r->err, ENC_CORRUPT, "%s: tensor '%s': shape %s overflows", r->name,
                        name, enc_shape_show(tensor->shape, tensor->rank, shown));
    if (tensor->shape[tensor->rank - 1] % block.elements != 0)
        return enc_fail(r->err, ENC_CORRUPT,
                        "%s: tensor '%s': rows of %" PRId64 " numbers are no whole blocks of "
                        "type %s, which have %u", r->name, name,
                        tensor->shape[tensor->rank - 1], tensor->dtype_name, block.elements);
    tensor->bytes = bytes;
    return ENC_OK;
}

/* The file gives the shape with the last dimension first. */
static int read_shape(reader *r, enc_tensor *tensor)
{
    const char *name = enc_tail(tensor->name, ENC_TAIL);
    uint64_t rank = 0, number = 0;
    int rc = read_number(r, 4, &rank);
    if (rc == ENC_OK && (rank == 0 || rank > MAX_RANK))
        rc = enc_fail(r->err, ENC_CORRUPT,
                      "%s: tensor '%s' has %" PRIu64 " dimensions, must have 1 ... %d",
                      r->name, name, rank, MAX_RANK);
    for (uint64_t i = rank; rc == ENC_OK && i-- > 0;) {
        rc = read_number(r, 8, &number);
        if (rc == ENC_OK && (number == 0 || number > INT64_MAX))
            rc = enc_fail(r->err, ENC_CORRUPT,
                          "%s: tensor '%s': dimension %" PRIu64 " is %" PRIu64
                          ", must be 1 ... 2^63 - 1", r->name, name, i, number);
        tensor->shape[i] = (int64_t)number;
    }
    tensor->rank = (int)rank;
    return rc;
}

static int read_tensor(reader *r, enc_tensor *tensor)
{
    uint64_t type = 0;
    int rc = read_name(r, &tensor->name);
    r->key = tensor->name;
    if (rc == ENC_OK)
        rc = read_shape(r, tensor);
    if (rc == ENC_OK)
        rc = read_number(r, 4, &type);
    if (rc == ENC_OK)
        rc = read_number(r, 8, &tensor->offset);
    if (rc != ENC_OK)
        return rc;
    const struct type *found = find_type(type);
    if (!found)
        return enc_fail(r->err, ENC_UNSUPPORTED,
                        "%s: tensor '%s' has type %" PRIu64 ", which is not known (%s)",
                        r->name, enc_tail(tensor->name, ENC_TAIL), type, enc_format_gguf.dtypes);
    tensor->dtype = found->dtype;
    tensor->dtype_name = found->name;
    r->key = NULL;
    return measure(r, tensor, found->block);
}

static uint64_t padded(uint64_t bytes, uint64_t alignment)
{
    return bytes + (alignment - bytes % alignment) % alignment;
}

/* Places are relative to `start`; each tensor begins at the first multiple of the alignment
** behind the one before, and the file ends behind the last. */
static int check_places(const reader *r, enc_tensor *tensor, size_t count, uint64_t alignment,
                        enc_error *err)
{
    uint64_t start = padded(r->at, alignment), end = 0, most = r->file->size;
    if (start > most && count > 0)
        return enc_fail(err, ENC_CORRUPT,
                        "%s: the data begin at %" PRIu64 ", the file has %" PRIu64 " bytes",
                        r->name, start, most);
    for (size_t i = 0; i < count; i++) {
        const uint64_t place = padded(end, alignment);
        if (tensor[i].offset != place)
            return enc_fail(err, ENC_CORRUPT,
                            "%s: tensor '%s' is at %" PRIu64 " of the data, must be at %" PRIu64,
                            r->name, enc_tail(tensor[i].name, ENC_TAIL), tensor[i].offset,
                            place);
        if (place > most - start || tensor[i].bytes > most - start - place)
            return enc_fail(err, ENC_CORRUPT,
                            "%s: tensor '%s' takes %" PRIu64 " bytes at %" PRIu64
                            ", the file has %" PRIu64 " bytes", r->name,
                            enc_tail(tensor[i].name, ENC_TAIL), tensor[i].bytes, start + place,
                            most);
        tensor[i].offset = start + place;
        end = place + tensor[i].bytes;
    }
    if (count > 0 && most - start > padded(end, alignment))
        return enc_fail(err, ENC_CORRUPT,
                        "%s: the tensors end at %" PRIu64 ", the file has %" PRIu64 " bytes",
                        r->name, start + end, most);
    return ENC_OK;
}

static int read_tensors(reader *r, uint64_t count, uint64_t alignment, int index,
                        enc_tensor_list *list)
{
    size_t first = list->count;
    /* A count that lies must not take memory: the file ends before. */
    uint64_t most = (r->file->size - r->at) / LEAST_TENSOR + 1;
    int rc = enc_tensor_list_reserve(list, count < most ? count : most) ? ENC_OK
                                                                        : enc_nomem(r->err);
    r->what = "tensor";
    for (uint64_t i = 0; rc == ENC_OK && i < count; i++) {
        enc_tensor *tensor = &list->at[list->count++];
        *tensor = (enc_tensor){.file = index};
        r->index = i;
        rc = read_tensor(r, tensor);
    }
    return rc == ENC_OK ? check_places(r, list->at + first, count, alignment, r->err) : rc;
}

/* ---- The file -------------------------------------------------------------------------- */

static int check_start(reader *r)
{
    const char *start = (const char *)r->bytes, *disguise;
    uint64_t version = number_at(r->bytes + 4, 4);
    bool swapped = memcmp(start, "FUGG", 4) == 0;
    if (!swapped && memcmp(start, "GGUF", 4) != 0) {
        disguise = enc_file_disguise(start, r->loaded);
        return enc_fail(r->err, ENC_UNSUPPORTED, "%s %s%s", r->name,
                        disguise ? "is " : "does not begin with 'GGUF'",
                        disguise ? disguise : "");
    }
    if (swapped || (version != 0 && (version & 0xffff) == 0))
        return enc_fail(r->err, ENC_UNSUPPORTED,
                        "%s is a big-endian GGUF file; little-endian ones are read", r->name);
    if (version != 2 && version != 3)
        return enc_fail(r->err, ENC_UNSUPPORTED, "%s: GGUF version is %" PRIu64
                        ", must be 2 or 3", r->name, version);
    return ENC_OK;
}

static int read_count(reader *r, const char *what, int limit, uint64_t *out)
{
    int rc = read_number(r, 8, out);
    if (rc == ENC_OK && *out > (uint64_t)limit)
        rc = enc_fail(r->err, ENC_CORRUPT, "%s: the number of %s is %" PRIu64
                      ", the limit is %d", r->name, what, *out, limit);
    return rc;
}

/* Tensors of other files would be missing here. */
static int check_whole(const enc_gguf *gguf, enc_error *err)
{
    int64_t parts = 1;
    int rc = enc_gguf_int(gguf, "split.count", 0, UINT16_MAX, &parts, err);
    if (rc == ENC_OK && parts > 1)
        rc = enc_fail(err, ENC_UNSUPPORTED,
                      "%s: split.count is %" PRId64 ": it is one part of a model; join the "
                      "parts first", gguf->name, parts);
    return rc;
}

static int read_alignment(const enc_gguf *gguf, int64_t *out, enc_error *err)
{
    *out = ALIGNMENT;
    int rc = enc_gguf_int(gguf, "general.alignment", 1, MAX_ALIGNMENT, out, err);
    if (rc == ENC_OK && (*out & (*out - 1)) != 0)
        rc = enc_fail(err, ENC_CORRUPT,
                      "%s: general.alignment is %" PRId64 ", must be a power of two",
                      gguf->name, *out);
    return rc;
}

static int read_all(reader *r, int index, enc_gguf *out, enc_tensor_list *list)
{
    uint64_t tensors = 0, keys = 0;
    int64_t alignment = ALIGNMENT;
    r->what = "header";
    int rc = r->file->size < FIXED
        ? enc_fail(r->err, ENC_CORRUPT, "%s has %" PRIu64 " bytes, a GGUF file begins with %d",
                   r->name, r->file->size, FIXED) : need(r, FIXED);
    if (rc == ENC_OK)
        rc = check_start(r);
    r->at = 8;
    if (rc == ENC_OK)
        rc = read_count(r, "tensors", MAX_TENSORS, &tensors);
    if (rc == ENC_OK)
        rc = read_count(r, "keys", MAX_KEYS, &keys);
    if (rc == ENC_OK)
        rc = read_values(r, keys, out);
    out->header = r->bytes;
    out->size = r->loaded;
    if (rc == ENC_OK)
        rc = check_whole(out, r->err);
    if (rc == ENC_OK)
        rc = read_alignment(out, &alignment, r->err);
    if (rc == ENC_OK && list)
        rc = read_tensors(r, tensors, (uint64_t)alignment, index, list);
    out->header = r->bytes;
    out->size = r->loaded;
    return rc;
}

int enc_gguf_read(const enc_file *file, int index, enc_gguf *out, enc_tensor_list *list,
                  enc_error *err)
{
    const char *name = enc_tail(file->name, ENC_TAIL);
    reader r = {.file = file, .name = name, .err = err};
    enc_gguf gguf = {.name = name};
    int rc = read_all(&r, index, &gguf, list);
    if (out && rc == ENC_OK)
        *out = gguf;
    else
        enc_gguf_free(&gguf);
    if (out && rc != ENC_OK)
        *out = (enc_gguf){0};
    return rc;
}

static int list_tensors(const enc_file *file, int index, enc_tensor_list *list, enc_error *err)
{
    return enc_gguf_read(file, index, NULL, list, err);
}

const enc_format enc_format_gguf = {
    .name = "GGUF",
    .dtypes = "F32, F16, BF16, F64, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K",
    .list = list_tensors,
};

void enc_gguf_free(enc_gguf *gguf)
{
    for (size_t i = 0; i < gguf->count; i++)
        enc_free(gguf->value[i].key);
    enc_free(gguf->value);
    enc_free(gguf->header);
    *gguf = (enc_gguf){0};
}
