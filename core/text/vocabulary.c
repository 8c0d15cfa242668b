/* vocabulary.c - see vocabulary.h. */
#include "vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "json_node.h"
#include "memory.h"

/* Natural vocabularies need some dozens of probes at most; more is made to be slow. */
enum { PROBES = 1024, BITS_MOST = 30 };

static size_t first_slot(const enc_vocabulary *v, uint64_t hash)
{
    return (size_t)(hash >> (64 - v->bits));
}

/* memcmp costs a call; tokens are a few bytes long. */
static inline bool is_same(const char *a, const char *b, size_t size)
{
    for (; size >= 4; a += 4, b += 4, size -= 4) {
        uint32_t x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        if (x != y)
            return false;
    }
    for (size_t i = 0; i < size; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

int32_t enc_vocabulary_find(const enc_vocabulary *v, uint64_t hash, const char *head,
                            size_t head_size, const char *tail, size_t tail_size)
{
    size_t mask = ((size_t)1 << v->bits) - 1;
    for (size_t i = first_slot(v, hash);; i = (i + 1) & mask) {
        enc_vocabulary_slot slot = v->slot[i];
        if (slot.entry == 0)
            return -1;
        if (slot.tag != (uint32_t)hash)
            continue;
        const enc_vocabulary_entry *entry = &v->entry[slot.entry - 1];
        const char *text = v->text + entry->start;
        if (entry->size == head_size + tail_size && is_same(text, head, head_size) &&
            is_same(text + head_size, tail, tail_size))
            return entry->id;
    }
}

int32_t enc_vocabulary_id(const enc_vocabulary *v, const char *text, size_t size)
{
    uint64_t hash = enc_vocabulary_hash(ENC_VOCABULARY_SEED, text, size);
    return enc_vocabulary_find(v, hash, "", 0, text, size);
}

int32_t enc_vocabulary_max_id(const enc_vocabulary *v)
{
    return v->count ? v->entry[v->count - 1].id : -1;
}

const char *enc_vocabulary_string(const enc_vocabulary *v, int32_t id, size_t *size)
{
    size_t low = 0, high = v->count;
    if (id >= 0 && (size_t)id < v->count && v->entry[id].id == id) { /* no gaps so far */
        low = (size_t)id;
        high = low + 1;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const enc_vocabulary_entry *entry = &v->entry[middle];
        if (entry->id == id) {
            *size = entry->size;
            return v->text + entry->start;
        }
        if (entry->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- Building ------------------------------------------------------------------------ */

static int by_id(const void *a, const void *b)
{
    const enc_vocabulary_item *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* One block for slots, entries and text; slots zeroed. */
static int reserve(enc_vocabulary *v, size_t count, size_t text, const char *where,
                   enc_error *err)
{
    v->bits = 4;
    while (v->bits < BITS_MOST && count > (size_t)1 << (v->bits - 1))
        v->bits++;
    if (v->bits == BITS_MOST || text > UINT32_MAX)
        return enc_fail(err, ENC_UNSUPPORTED, "%s has %zu tokens of %zu bytes, the limits "
                        "are %zu and %zu", where, count, text, (size_t)1 << (BITS_MOST - 2),
                        (size_t)UINT32_MAX);
    size_t slots = sizeof *v->slot << v->bits, entries = sizeof *v->entry * count;
    v->bytes = slots + entries + text;
    v->slot = enc_alloc(v->bytes);
    if (!v->slot)
        return enc_nomem(err);
    memset(v->slot, 0, slots);
    v->entry = (void *)((char *)v->slot + slots);
    v->text = (char *)v->slot + slots + entries;
    return ENC_OK;
}

/* Puts entry number `number` into the table. False: too many probes. */
static bool insert(enc_vocabulary *v, size_t number)
{
    const enc_vocabulary_entry *entry = &v->entry[number];
    uint64_t hash = enc_vocabulary_hash(ENC_VOCABULARY_SEED, v->text + entry->start,
                                        entry->size);
    size_t mask = ((size_t)1 << v->bits) - 1, i = first_slot(v, hash);
    for (int probes = 0; v->slot[i].entry != 0; i = (i + 1) & mask)
        if (++probes > PROBES)
            return false;
    v->slot[i] = (enc_vocabulary_slot){(uint32_t)hash, (uint32_t)number + 1};
    return true;
}

static int fail_same_id(const enc_vocabulary_item *a, const enc_vocabulary_item *b,
                        const char *where, enc_error *err)
{
    char first[ENC_NODE_SHOWN], second[ENC_NODE_SHOWN];
    return enc_fail(err, ENC_CORRUPT, "%s: id %d belongs to both '%s' and '%s'", where,
                    a->id, enc_node_shorten(a->text, a->size, first),
                    enc_node_shorten(b->text, b->size, second));
}

int enc_vocabulary_open(enc_vocabulary_item *items, size_t count, const char *where,
                        enc_vocabulary *out, enc_error *err)
{
    enc_vocabulary v = {0};
    size_t text = 0;
    for (size_t i = 0; i < count; i++)
        if (__builtin_add_overflow(text, items[i].size + 1, &text))
            return enc_nomem(err);
    int rc = reserve(&v, count, text, where, err);
    if (rc != ENC_OK)
        return rc;
    if (count)
        qsort(items, count, sizeof *items, by_id);
    text = 0;
    v.count = count;
    for (size_t i = 0; i < count; i++) {
        const enc_vocabulary_item *item = &items[i];
        memcpy(v.text + text, item->text, item->size);
        v.text[text + item->size] = '\0';
        v.entry[i] = (enc_vocabulary_entry){(uint32_t)text, (uint32_t)item->size, item->id};
        text += item->size + 1;
        v.longest = item->size > v.longest ? item->size : v.longest;
    }
    /* From the back, so that of equal texts the one with the largest id comes first. */
    for (size_t i = count; i > 0 && rc == ENC_OK; i--) {
        const enc_vocabulary_item *item = &items[i - 1];
        if (i < count && item->id == items[i].id)
            rc = fail_same_id(item, &items[i], where, err);
        else if (enc_vocabulary_id(&v, item->text, item->size) < 0) {
            v.different++;
            if (!insert(&v, i - 1))
                rc = enc_fail(err, ENC_CORRUPT, "%s: more than %d tokens share one hash",
                              where, PROBES);
        }
    }
    if (rc != ENC_OK) {
        enc_vocabulary_close(&v);
        return rc;
    }
    *out = v;
    return ENC_OK;
}

void enc_vocabulary_close(enc_vocabulary *v)
{
    if (!v->borrowed)
        enc_free(v->slot);
    *v = (enc_vocabulary){0};
}

/* ---- tokenizer.json ------------------------------------------------------------------ */

static int fail_id(const char *where, const char *token, json_t *value, enc_error *err)
{
    char text[ENC_NODE_SHOWN], shown[ENC_JSON_SHOWN];
    return enc_fail(err, ENC_CORRUPT, "%s['%s'] is %s, must be an id 0 ... %d", where,
                    enc_node_shorten(token, strlen(token), text),
                    enc_json_show(value, shown), INT32_MAX);
}

int enc_vocabulary_read(const enc_node *node, enc_vocabulary *out, enc_error *err)
{
    char path[ENC_NODE_PATH];
    const char *where = enc_node_path(node, path);
    int rc = enc_node_expect(node, JSON_OBJECT, err);
    if (rc != ENC_OK)
        return rc;
    size_t count = 0;
    enc_vocabulary_item *items = ENC_ALLOC(enc_vocabulary_item,
                                           json_object_size(node->value));
    if (!items)
        return enc_nomem(err);
    const char *token;
    json_t *value;
    json_object_foreach(node->value, token, value) {
        json_int_t id = json_integer_value(value);
        if (!json_is_integer(value) || id < 0 || id > INT32_MAX) {
            rc = fail_id(where, token, value, err);
            break;
        }
        items[count++] = (enc_vocabulary_item){token, strlen(token), (int32_t)id};
    }
    if (rc == ENC_OK)
        rc = enc_vocabulary_open(items, count, where, out, err);
    enc_free(items);
    return rc;
}
