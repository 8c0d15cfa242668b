/* torch.c - see torch.h. */
#include "torch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gather.h"
#include "memory.h"
#include "pickle.h"
#include "torch_old.h"
#include "zip.h"

enum {
    PICKLE_LIMIT = 64 * 1024 * 1024,
    /* Bytes that the pickle's values may take, besides half as many as the file has. */
    VALUES_BASE = 1024 * 1024,
    PATH_LIMIT = 512,
};

/* What a pickle may name. The storages come last, in the order of `storages`. */
enum { ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, FIRST_STORAGE };

static const char *const classes[] = {
    "collections.OrderedDict", "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter", "torch.FloatStorage", "torch.HalfStorage",
    "torch.BFloat16Storage", "torch.DoubleStorage", "torch.LongStorage", "torch.IntStorage",
    "torch.ShortStorage", "torch.CharStorage", "torch.ByteStorage", "torch.BoolStorage",
    NULL};

static const struct storage {
    const char *name; /* of its dtype, as safetensors spells it */
    unsigned bytes;   /* of one element */
    enum enc_dtype dtype;
} storages[] = {
    {"F32", 4, ENC_DTYPE_F32},   {"F16", 2, ENC_DTYPE_F16},   {"BF16", 2, ENC_DTYPE_BF16},
    {"F64", 8, ENC_DTYPE_F64},   {"I64", 8, ENC_DTYPE_OTHER}, {"I32", 4, ENC_DTYPE_OTHER},
    {"I16", 2, ENC_DTYPE_OTHER}, {"I8", 1, ENC_DTYPE_OTHER},  {"U8", 1, ENC_DTYPE_OTHER},
    {"BOOL", 1, ENC_DTYPE_OTHER}};

/* Where a message is about, and what is needed to look things up. */
typedef struct reader {
    const char *file;
    const char *tensor;
    const enc_torch_old *old; /* NULL: it is a zip archive */
    const enc_zip *zip;
    const char *archive; /* the folder that all entries are in */
    int archive_length;
    size_t pickle_size;
    enc_error *err;
} reader;

/* ---- One tensor ---------------------------------------------------------------------- */

static int refuse(const reader *r, const char *what, const enc_pickle *got,
                  const char *expected)
{
    return enc_fail(r->err, ENC_CORRUPT, "%s: tensor '%s': %s is %s, must be %s", r->file,
                    r->tensor, what, enc_pickle_what(got), expected);
}

/* A tuple of integers >= 0. */
static int read_tuple(const reader *r, const char *what, const enc_pickle *from,
                      int64_t numbers[ENC_MAX_RANK], int *count)
{
    if (from->kind != ENC_PICKLE_TUPLE)
        return refuse(r, what, from, "a tuple");
    if (from->length > ENC_MAX_RANK)
        return enc_fail(r->err, ENC_CORRUPT,
                        "%s: tensor '%s': %s has %" PRIu32 " numbers, the limit is %d",
                        r->file, r->tensor, what, from->length, ENC_MAX_RANK);
    *count = (int)from->length;
    for (int i = 0; i < *count; i++) {
        if (from->at[i].kind != ENC_PICKLE_INT)
            return refuse(r, what, &from->at[i], "integers");
        if (from->at[i].number < 0)
            return enc_fail(r->err, ENC_CORRUPT,
                            "%s: tensor '%s': %s has %" PRId64 ", must be from 0", r->file,
                            r->tensor, what, from->at[i].number);
        numbers[i] = from->at[i].number;
    }
    return ENC_OK;
}

/* Where a storage lies in a file of the old kind, whose length it has checked. */
static int find_old(const reader *r, const enc_pickle *key, uint64_t *offset)
{
    char shown[ENC_PICKLE_SHOWN];
    const enc_torch_storage *found = enc_torch_old_find(r->old, key);
    *offset = found ? found->offset : 0;
    if (*offset > 0)
        return ENC_OK;
    return enc_fail(r->err, ENC_CORRUPT, "%s: tensor '%s': its storage %s is not in the file",
                    r->file, r->tensor, enc_pickle_show(key->text, key->length, shown));
}

static unsigned bytes_of(int64_t class)
{
    return class >= FIRST_STORAGE ? storages[class - FIRST_STORAGE].bytes : 0;
}

/* ('storage', class, key, device, elements), and None in the old format: where it lies, and how
** many elements. */
static int find_storage(const reader *r, const enc_pickle *id, const struct storage **out,
                        uint64_t *offset, uint64_t *elements)
{
    if (id->kind != ENC_PICKLE_ID)
        return refuse(r, "its storage", id, "a storage");
    const enc_pickle *part = id->at;
    if (id->length != (r->old ? 6 : 5) || part[1].kind != ENC_PICKLE_CLASS ||
        part[1].number < FIRST_STORAGE || part[2].kind != ENC_PICKLE_TEXT ||
        part[4].kind != ENC_PICKLE_INT || part[4].number < 0)
        return enc_fail(r->err, ENC_CORRUPT,
                        "%s: tensor '%s': its storage is not told as ('storage', class, "
                        "key, device, size)", r->file, r->tensor);
    *out = &storages[part[1].number - FIRST_STORAGE];
    *elements = (uint64_t)part[4].number;
    if (r->old && part[ENC_STORAGE_VIEW].kind != ENC_PICKLE_NONE)
        return enc_fail(r->err, ENC_UNSUPPORTED, "%s: tensor '%s': its storage is part of "
                        "another, as PyTorch before 0.4 wrote it", r->file, r->tensor);
    if (r->old)
        return find_old(r, &part[2], offset);
    char path[PATH_LIMIT], key[ENC_PICKLE_SHOWN];
    enc_pickle_show(part[2].text, part[2].length, key);
    int length = snprintf(path, sizeof path, "%.*s/data/%s", r->archive_length, r->archive,
                          key);
    const enc_zip_entry *entry = enc_zip_find(r->zip, path, (size_t)length);
    if (!entry)
        return enc_fail(r->err, ENC_CORRUPT,
                        "%s: tensor '%s': its storage data/%s is not in the archive",
                        r->file, r->tensor, key);
    if (entry->size / (*out)->bytes != *elements || entry->size % (*out)->bytes != 0)
        return enc_fail(r->err, ENC_CORRUPT,
                        "%s: tensor '%s': its storage data/%s has %" PRIu64
                        " bytes, not the %" PRIu64 " elements of %s it is said to have",
                        r->file, r->tensor, key, entry->size, *elements, (*out)->name);
    return enc_zip_place(r->zip, entry, offset, r->err);
}

/* Whether the numbers stand row by row; a dimension of one has no say. */
static bool is_dense(const enc_tensor *tensor)
{
    int64_t next = 1;
    for (int i = tensor->rank - 1; i >= 0; i--) {
        if (tensor->shape[i] != 1 && tensor->stride[i] != next)
            return false;
        if (__builtin_mul_overflow(next, tensor->shape[i], &next))
            return false;
    }
    return true;
}

/* Shape, strides and offset lie inside the storage's elements. */
static int check_view(const reader *r, enc_tensor *tensor, int64_t first, uint64_t elements)
{
    char shape[ENC_SHAPE_SHOWN], strides[ENC_SHAPE_SHOWN];
    uint64_t span, count = 1;
    bool fits = enc_tensor_span(tensor, &span) && (uint64_t)first <= elements &&
                span <= elements - (uint64_t)first;
    for (int i = 0; span > 0 && i < tensor->rank; i++)
        if (__builtin_mul_overflow(count, (uint64_t)tensor->shape[i], &count))
            fits = false;
    if (!fits)
        return enc_fail(r->err, ENC_CORRUPT,
                        "%s: tensor '%s' of shape %s with strides %s from element %" PRId64
                        " does not fit in its storage of %" PRIu64 " elements", r->file,
                        r->tensor, enc_shape_show(tensor->shape, tensor->rank, shape),
                        enc_shape_show(tensor->stride, tensor->rank, strides), first,
                        elements);
    if (count > span && span > 0 && tensor->dtype != ENC_DTYPE_OTHER)
        return enc_fail(r->err, ENC_UNSUPPORTED,
                        "%s: tensor '%s' of shape %s repeats %" PRIu64 " numbers (strides "
                        "%s); save it with .contiguous()", r->file, r->tensor,
                        enc_shape_show(tensor->shape, tensor->rank, shape), span,
                        enc_shape_show(tensor->stride, tensor->rank, strides));
    tensor->bytes = count < span ? count : span;
    tensor->strided = span > 0 && !is_dense(tensor);
    return ENC_OK;
}

/* _rebuild_tensor_v2(storage, offset, shape, strides, ...), in a _rebuild_parameter(...) or
** not. What follows tells of gradients. */
static int read_tensor(const reader *r, const enc_pickle *value, enc_tensor *tensor)
{
    if (value->kind == ENC_PICKLE_CALL && value->object->called == REBUILD_PARAMETER &&
        value->object->arguments.length > 0)
        value = &value->object->arguments.at[0];
    if (value->kind != ENC_PICKLE_CALL || value->object->called != REBUILD_TENSOR)
        return enc_fail(r->err, ENC_UNSUPPORTED,
                        "%s: '%s' is %s, must be a tensor: a state dict is read, as "
                        "torch.save(model.state_dict(), ...) writes it", r->file, r->tensor,
                        value->kind == ENC_PICKLE_CALL && value->object->called ==
                        ORDERED_DICT ? "a dict" : enc_pickle_what(value));
    const enc_pickle *argument = value->object->arguments.at;
    if (value->object->arguments.length < 4)
        return enc_fail(r->err, ENC_CORRUPT,
                        "%s: tensor '%s' is made of %" PRIu32 " values, 4 are needed",
                        r->file, r->tensor, value->object->arguments.length);
    if (value->object->arguments.length > 6)
        return enc_fail(r->err, ENC_UNSUPPORTED,
                        "%s: tensor '%s' is a view that negates or conjugates its storage; "
                        "save it with .resolve_neg() or .resolve_conj()", r->file,
                        r->tensor);
    if (argument[1].kind != ENC_PICKLE_INT)
        return refuse(r, "its offset", &argument[1], "an integer");
    if (argument[1].number < 0)
        return enc_fail(r->err, ENC_CORRUPT, "%s: tensor '%s': its offset is %" PRId64
                        ", must be from 0", r->file, r->tensor, argument[1].number);
    const struct storage *storage = NULL;
    uint64_t offset = 0, elements = 0;
    int strides = 0;
    int rc = find_storage(r, &argument[0], &storage, &offset, &elements);
    if (rc == ENC_OK)
        rc = read_tuple(r, "its shape", &argument[2], tensor->shape, &tensor->rank);
    if (rc == ENC_OK)
        rc = read_tuple(r, "its strides", &argument[3], tensor->stride, &strides);
    if (rc == ENC_OK && strides != tensor->rank)
        rc = enc_fail(r->err, ENC_CORRUPT,
                      "%s: tensor '%s' has %d dimensions and %d strides", r->file,
                      r->tensor, tensor->rank, strides);
    if (rc != ENC_OK)
        return rc;
    tensor->dtype = storage->dtype;
    tensor->dtype_name = storage->name;
    rc = check_view(r, tensor, argument[1].number, elements);
    tensor->bytes *= storage->bytes;
    tensor->offset = offset + (uint64_t)argument[1].number * storage->bytes;
    return rc;
}

/* ---- The dict ------------------------------------------------------------------------ */

/* A name in plain ASCII, in fresh memory. */
static int read_name(const reader *r, const enc_pickle *key, char **out)
{
    char shown[ENC_PICKLE_SHOWN];
    if (key->kind != ENC_PICKLE_TEXT)
        return enc_fail(r->err, ENC_UNSUPPORTED,
                        "%s: a key of the dict is %s, must be a tensor's name", r->file,
                        enc_pickle_what(key));
    for (uint32_t i = 0; i < key->length; i++)
        if (key->text[i] < 0x20 || key->text[i] > 0x7e)
            return enc_fail(r->err, ENC_UNSUPPORTED,
                            "%s: the tensor's name '%s' is not printable ASCII", r->file,
                            enc_pickle_show(key->text, key->length, shown));
    *out = enc_copy_string(key->text, key->length);
    return *out ? ENC_OK : enc_nomem(r->err);
}

/* Different names stand in the pickle one beside another, but one name, recalled again and
** again, would be copied as often. */
static int check_names(const reader *r, const enc_pickle_object *dict)
{
    uint64_t bytes = 0;
    for (const enc_pickle_item *item = dict->items; item; item = item->next)
        bytes += item->key.kind == ENC_PICKLE_TEXT ? item->key.length : 0;
    if (bytes <= r->pickle_size)
        return ENC_OK;
    return enc_fail(r->err, ENC_CORRUPT, "%s: its %zu tensors have names of %" PRIu64
                    " bytes, the pickle has %zu: one name is there twice", r->file,
                    dict->count, bytes, r->pickle_size);
}

static int read_dict(reader *r, const enc_pickle *value, int index, enc_tensor_list *list)
{
    bool is_dict = value->kind == ENC_PICKLE_DICT ||
                   (value->kind == ENC_PICKLE_CALL && value->object->called == ORDERED_DICT);
    if (!is_dict)
        return enc_fail(r->err, ENC_UNSUPPORTED,
                        "%s holds %s, must be a dict of tensors, as torch.save("
                        "model.state_dict(), ...) writes it", r->file,
                        enc_pickle_what(value));
    int names = check_names(r, value->object);
    if (names != ENC_OK)
        return names;
    if (!enc_tensor_list_reserve(list, value->object->count))
        return enc_nomem(r->err);
    for (const enc_pickle_item *item = value->object->items; item; item = item->next) {
        enc_tensor *tensor = &list->at[list->count];
        *tensor = (enc_tensor){.file = index};
        int rc = read_name(r, &item->key, &tensor->name);
        if (rc != ENC_OK)
            return rc;
        list->count++;
        r->tensor = enc_tail(tensor->name, ENC_TAIL);
        rc = read_tensor(r, &item->value, tensor);
        if (rc != ENC_OK)
            return rc;
    }
    return ENC_OK;
}

/* ---- The file ------------------------------------------------------------------------ */

/* The content of an entry, at most `limit` bytes, in fresh memory. */
static int load_entry(const enc_zip *zip, const enc_zip_entry *entry, size_t limit,
                      char **out, enc_error *err)
{
    char shown[ENC_ZIP_SHOWN];
    uint64_t offset;
    if (entry->size > limit)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: entry '%s' is %" PRIu64
                        " bytes, the limit is %zu", enc_tail(zip->file->name, ENC_TAIL),
                        enc_zip_show(entry, shown), entry->size, limit);
    int rc = enc_zip_place(zip, entry, &offset, err);
    if (rc != ENC_OK)
        return rc;
    *out = enc_alloc((size_t)entry->size);
    if (!*out)
        return enc_nomem(err);
    rc = enc_file_read(zip->file, offset, *out, (size_t)entry->size, err);
    if (rc != ENC_OK) {
        enc_free(*out);
        *out = NULL;
    }
    return rc;
}

/* ARCHIVE/byteorder, which newer versions of torch write, must be "little". */
static int check_order(const reader *r)
{
    static const char little[] = "little";
    char path[PATH_LIMIT], *order = NULL;
    int length = snprintf(path, sizeof path, "%.*s/byteorder", r->archive_length,
                          r->archive);
    const enc_zip_entry *entry = enc_zip_find(r->zip, path, (size_t)length);
    if (!entry)
        return ENC_OK;
    int rc = load_entry(r->zip, entry, sizeof path, &order, r->err);
    if (rc == ENC_OK && (entry->size != strlen(little) ||
                         memcmp(order, little, strlen(little)) != 0))
        rc = enc_fail(r->err, ENC_UNSUPPORTED,
                      "%s: its byteorder is '%s', only little is read", r->file,
                      enc_pickle_show(order, (size_t)entry->size, path));
    enc_free(order);
    return rc;
}

/* ARCHIVE/data.pkl, in whatever folder all of the archive is in. */
static const enc_zip_entry *find_pickle(const enc_zip *zip, int *archive_length)
{
    static const char name[] = "/data.pkl";
    const size_t length = strlen(name);
    for (size_t i = 0; i < zip->count; i++) {
        const enc_zip_entry *entry = &zip->entry[i];
        const char *slash = memchr(entry->name, '/', entry->length);
        if (slash && entry->length - (size_t)(slash - entry->name) == length &&
            memcmp(slash, name, length) == 0 && slash - entry->name < PATH_LIMIT / 2) {
            *archive_length = (int)(slash - entry->name);
            return entry;
        }
    }
    return NULL;
}

static int read_archive(const enc_zip *zip, int index, enc_tensor_list *list, enc_error *err)
{
    reader r = {.file = enc_tail(zip->file->name, ENC_TAIL), .zip = zip, .err = err};
    const enc_zip_entry *entry = find_pickle(zip, &r.archive_length);
    if (!entry)
        return enc_fail(err, ENC_UNSUPPORTED,
                        "%s is a zip archive without data.pkl: not what torch.save writes",
                        r.file);
    r.archive = entry->name;
    r.pickle_size = (size_t)entry->size;
    enc_arena arena = {0};
    enc_pickle value = {0};
    char *pickle = NULL;
    size_t most = (size_t)(zip->file->size / 2) + VALUES_BASE;
    int rc = check_order(&r);
    if (rc == ENC_OK)
        rc = load_entry(zip, entry, PICKLE_LIMIT, &pickle, err);
    if (rc == ENC_OK)
        rc = enc_pickle_read(pickle, (size_t)entry->size, classes, most, r.file, &arena,
                             &value, err);
    if (rc == ENC_OK)
        rc = read_dict(&r, &value, index, list);
    enc_arena_destroy(&arena);
    enc_free(pickle);
    return rc;
}

static int read_old(const enc_file *file, int index, enc_tensor_list *list, enc_error *err)
{
    enc_torch_old old;
    enc_arena arena = {0};
    reader r = {.file = enc_tail(file->name, ENC_TAIL), .old = &old, .err = err};
    int rc = enc_torch_old_open(file, classes, bytes_of, &arena, &old, err);
    r.pickle_size = old.size;
    if (rc == ENC_OK)
        rc = read_dict(&r, &old.value, index, list);
    enc_torch_old_close(&old);
    enc_arena_destroy(&arena);
    return rc;
}

/* What is neither a zip archive nor of the old kind may be told what it is. */
static int check_start(const enc_file *file, bool *is_old, enc_error *err)
{
    static const char zip[] = "PK\003\004", old[] = ENC_TORCH_OLD_START;
    const char *name = enc_tail(file->name, ENC_TAIL);
    char start[64] = {0};
    size_t there = file->size < sizeof start ? (size_t)file->size : sizeof start;
    int rc = enc_file_read(file, 0, start, there, err);
    *is_old = memcmp(start, old, sizeof old - 1) == 0;
    if (rc != ENC_OK || *is_old || memcmp(start, zip, sizeof zip - 1) == 0)
        return rc;
    const char *disguise = enc_file_disguise(start, there);
    if (disguise)
        return enc_fail(err, ENC_UNSUPPORTED, "%s is %s", name, disguise);
    return enc_fail(err, ENC_CORRUPT,
                    "%s does not begin as a zip archive, in which torch.save writes", name);
}

int enc_torch_read(const enc_file *file, int index, enc_tensor_list *list, enc_error *err)
{
    enc_zip zip;
    bool is_old;
    int rc = check_start(file, &is_old, err);
    if (rc == ENC_OK && is_old)
        return read_old(file, index, list, err);
    if (rc == ENC_OK)
        rc = enc_zip_open(file, &zip, err);
    if (rc != ENC_OK)
        return rc;
    rc = read_archive(&zip, index, list, err);
    enc_zip_close(&zip);
    return rc;
}

const enc_format enc_format_torch = {
    .name = "PyTorch",
    .weights = "pytorch_model.bin",
    .index = "pytorch_model.bin.index.json",
    .list = enc_torch_read};
