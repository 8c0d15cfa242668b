/* torch_old.c - see torch_old.h. */
#include "torch_old.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW = 64 * 1024 * 1024, /* bytes of the file in which the pickles must be */
    VALUES_BASE = 1024 * 1024, /* their values may take so much, and a quarter of the file */
    VERSION = 1001,
};

typedef struct reader {
    const enc_file *file;
    const char *name;
    const char *const *classes;
    unsigned (*bytes_of)(int64_t class);
    enc_arena *arena;
    size_t most;
    size_t size; /* of old->data */
    size_t at;   /* where the next pickle begins */
    enc_torch_old *old;
    enc_error *err;
} reader;

static int next_pickle(reader *r, enc_pickle *out)
{
    size_t used = 0;
    int rc = enc_pickle_read_first(r->old->data + r->at, r->size - r->at, r->classes, r->most,
                                   r->name, r->arena, out, &used, r->err);
    r->at += used;
    return rc;
}

/* ---- What stands before the state dict ----------------------------------------------- */

static bool is_text(const enc_pickle *value, const char *text)
{
    return value->kind == ENC_PICKLE_TEXT && value->length == strlen(text) &&
           memcmp(value->text, text, value->length) == 0;
}

static int check_version(reader *r)
{
    enc_pickle version;
    int rc = next_pickle(r, &version);
    if (rc == ENC_OK && !(version.kind == ENC_PICKLE_INT && version.number == VERSION))
        rc = enc_fail(r->err, ENC_UNSUPPORTED, "%s: its version is not %d, which torch.save "
                      "writes", r->name, VERSION);
    return rc;
}

static int check_machine(reader *r)
{
    enc_pickle facts;
    int rc = next_pickle(r, &facts);
    if (rc == ENC_OK && facts.kind != ENC_PICKLE_DICT)
        rc = enc_fail(r->err, ENC_CORRUPT, "%s: of the machine it says %s, must be a dict",
                      r->name, enc_pickle_what(&facts));
    if (rc != ENC_OK)
        return rc;
    for (const enc_pickle_item *item = facts.object->items; item; item = item->next)
        if (is_text(&item->key, "little_endian") &&
            !(item->value.kind == ENC_PICKLE_BOOL && item->value.number))
            return enc_fail(r->err, ENC_UNSUPPORTED, "%s: its little_endian is not True, "
                            "other files are not read", r->name);
    return ENC_OK;
}

/* ---- Storages ------------------------------------------------------------------------ */

static int compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
    return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int by_key(const void *a, const void *b)
{
    const enc_torch_storage *x = a, *y = b;
    return compare(x->key, x->length, y->key, y->length);
}

static enc_torch_storage *find(const enc_torch_old *old, const enc_pickle *key)
{
    if (key->kind != ENC_PICKLE_TEXT || old->count == 0)
        return NULL;
    const enc_torch_storage wanted = {.key = key->text, .length = key->length};
    return bsearch(&wanted, old->storage, old->count, sizeof wanted, by_key);
}

const enc_torch_storage *enc_torch_old_find(const enc_torch_old *old, const enc_pickle *key)
{
    return find(old, key);
}

/* The storage that a tensor, or a parameter with a tensor in it, lies in; what is neither is
** for the reader of the dict to refuse. */
static bool storage_of(const reader *r, const enc_pickle *value, enc_torch_storage *out)
{
    for (int depth = 0; depth < 2; depth++)
        if (value->kind == ENC_PICKLE_CALL && value->object->arguments.length > 0)
            value = &value->object->arguments.at[0];
    const enc_pickle *part = value->at;
    if (value->kind != ENC_PICKLE_ID || value->length <= ENC_STORAGE_ELEMENTS ||
        part[ENC_STORAGE_CLASS].kind != ENC_PICKLE_CLASS ||
        part[ENC_STORAGE_KEY].kind != ENC_PICKLE_TEXT ||
        part[ENC_STORAGE_ELEMENTS].kind != ENC_PICKLE_INT)
        return false;
    *out = (enc_torch_storage){part[ENC_STORAGE_KEY].text, part[ENC_STORAGE_KEY].length,
                               r->bytes_of(part[ENC_STORAGE_CLASS].number),
                               (uint64_t)part[ENC_STORAGE_ELEMENTS].number, 0};
    return out->bytes > 0;
}

/* Several tensors may lie in one storage, of which all must say the same. */
static int merge(reader *r)
{
    enc_torch_old *old = r->old;
    char shown[ENC_PICKLE_SHOWN];
    size_t kept = 0;
    qsort(old->storage, old->count, sizeof *old->storage, by_key);
    for (size_t i = 0; i < old->count; i++) {
        const enc_torch_storage *last = kept > 0 ? &old->storage[kept - 1] : NULL;
        const enc_torch_storage *next = &old->storage[i];
        if (!last || by_key(last, next) != 0)
            old->storage[kept++] = *next;
        else if (last->bytes != next->bytes || last->elements != next->elements)
            return enc_fail(r->err, ENC_CORRUPT, "%s: its storage %s is told in two ways",
                            r->name, enc_pickle_show(next->key, next->length, shown));
    }
    old->count = kept;
    return ENC_OK;
}

static int collect(reader *r)
{
    enc_torch_old *old = r->old;
    const enc_pickle *value = &old->value;
    bool holds = value->kind == ENC_PICKLE_DICT || value->kind == ENC_PICKLE_CALL;
    if (!holds || value->object->count == 0)
        return ENC_OK;
    old->storage = ENC_ALLOC(enc_torch_storage, value->object->count);
    if (!old->storage)
        return enc_nomem(r->err);
    for (const enc_pickle_item *item = value->object->items; item; item = item->next)
        old->count += storage_of(r, &item->value, &old->storage[old->count]);
    return old->count > 0 ? merge(r) : ENC_OK;
}

/* The storage at *offset, which is moved to its end. */
static int place(reader *r, const enc_pickle *key, uint64_t *offset)
{
    char shown[ENC_PICKLE_SHOWN];
    enc_torch_storage *storage = find(r->old, key);
    unsigned char head[8];
    uint64_t elements = 0, bytes;
    if (!storage || storage->offset > 0)
        return enc_fail(r->err, ENC_CORRUPT, "%s: its storage %s %s", r->name,
                        key->kind == ENC_PICKLE_TEXT
                            ? enc_pickle_show(key->text, key->length, shown)
                            : enc_pickle_what(key),
                        storage ? "is there twice" : "is that of no tensor");
    enc_pickle_show(storage->key, storage->length, shown);
    bool fits = r->file->size >= sizeof head && *offset <= r->file->size - sizeof head;
    int rc = fits ? enc_file_read(r->file, *offset, head, sizeof head, r->err) : ENC_OK;
    if (rc != ENC_OK)
        return rc;
    for (int i = 7; fits && i >= 0; i--)
        elements = elements << 8 | head[i];
    if (fits && elements != storage->elements)
        return enc_fail(r->err, ENC_CORRUPT, "%s: its storage %s has %" PRIu64 " elements, not "
                        "the %" PRIu64 " it is said to have", r->name, shown, elements,
                        storage->elements);
    *offset += sizeof head;
    if (!fits || __builtin_mul_overflow(elements, storage->bytes, &bytes) ||
        bytes > r->file->size - *offset)
        return enc_fail(r->err, ENC_CORRUPT, "%s: its storage %s of %" PRIu64 " elements ends "
                        "behind the file's %" PRIu64 " bytes", r->name, shown,
                        storage->elements, r->file->size);
    storage->offset = *offset;
    *offset += bytes;
    return ENC_OK;
}

static int place_all(reader *r)
{
    enc_pickle keys;
    int rc = next_pickle(r, &keys);
    if (rc == ENC_OK && keys.kind != ENC_PICKLE_LIST)
        rc = enc_fail(r->err, ENC_CORRUPT, "%s: the storages are told as %s, must be a list",
                      r->name, enc_pickle_what(&keys));
    if (rc != ENC_OK)
        return rc;
    uint64_t offset = r->at;
    for (const enc_pickle_item *item = keys.object->items; item; item = item->next) {
        rc = place(r, &item->key, &offset);
        if (rc != ENC_OK)
            return rc;
    }
    return ENC_OK;
}

/* ---- The file ------------------------------------------------------------------------ */

int enc_torch_old_open(const enc_file *file, const char *const *classes,
                       unsigned (*bytes_of)(int64_t class), enc_arena *arena,
                       enc_torch_old *out, enc_error *err)
{
    *out = (enc_torch_old){0};
    reader r = {.file = file, .name = enc_tail(file->name, ENC_TAIL), .classes = classes,
                .bytes_of = bytes_of, .arena = arena, .old = out, .err = err,
                .most = (size_t)(file->size / 4) + VALUES_BASE,
                .size = file->size < WINDOW ? (size_t)file->size : WINDOW,
                .at = sizeof ENC_TORCH_OLD_START - 1};
    if (r.size < r.at)
        return enc_fail(err, ENC_CORRUPT, "%s ends early, at %zu bytes", r.name, r.size);
    out->data = enc_alloc(r.size);
    int rc = out->data ? enc_file_read(file, 0, out->data, r.size, err) : enc_nomem(err);
    if (rc == ENC_OK)
        rc = check_version(&r);
    if (rc == ENC_OK)
        rc = check_machine(&r);
    size_t begin = r.at;
    if (rc == ENC_OK)
        rc = next_pickle(&r, &out->value);
    out->size = r.at - begin;
    if (rc == ENC_OK)
        rc = collect(&r);
    if (rc == ENC_OK)
        rc = place_all(&r);
    if (rc != ENC_OK)
        enc_torch_old_close(out);
    return rc;
}

void enc_torch_old_close(enc_torch_old *old)
{
    enc_free(old->data);
    enc_free(old->storage);
    *old = (enc_torch_old){0};
}
