/* words.c - see words.h: the words and their rows. */
#include "words.h"

#include <string.h>

#include "unicode.h"
#include "vocabulary.h"

/* Natural words need some dozens of probes at most; more is made to be slow. */
enum { PROBES = 1024, BITS_MOST = 30 };

static uint64_t hash_of(const char *text, size_t size)
{
    return enc_vocabulary_hash(ENC_VOCABULARY_SEED, text, size);
}

static size_t first_slot(const enc_words *w, uint64_t hash)
{
    return (size_t)(hash >> (64 - w->bits));
}

/* ---- Adding -------------------------------------------------------------------------- */

int enc_words_open(size_t capacity, const char *where, enc_words *out, enc_error *err)
{
    enc_words w = {.capacity = capacity, .bits = 4};
    *out = (enc_words){0};
    while (w.bits < BITS_MOST && capacity > (size_t)1 << (w.bits - 1))
        w.bits++;
    if (w.bits == BITS_MOST)
        return enc_fail(err, ENC_UNSUPPORTED, "%s has %zu words, the limit is %zu", where,
                        capacity, (size_t)1 << (BITS_MOST - 2));
    w.slot = ENC_ZALLOC(enc_words_slot, (size_t)1 << w.bits);
    w.entry = ENC_ALLOC(enc_words_entry, capacity);
    if (w.slot && w.entry) {
        *out = w;
        return ENC_OK;
    }
    enc_words_close(&w);
    return enc_nomem(err);
}

void enc_words_close(enc_words *w)
{
    enc_free(w->slot);
    enc_free(w->entry);
    enc_free(w->text);
    *w = (enc_words){0};
}

/* Room for `size` more bytes of text and a NUL. */
static int reserve(enc_words *w, size_t size, const char *where, enc_error *err)
{
    if (size >= UINT32_MAX - w->used)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: the words have more than %zu bytes", where,
                        (size_t)UINT32_MAX);
    if (w->used + size + 1 <= w->room)
        return ENC_OK;
    size_t room = w->room / 2 * 3 + size + 4096;
    char *text = enc_realloc(w->text, room);
    if (!text)
        return enc_nomem(err);
    w->text = text;
    w->room = room;
    return ENC_OK;
}

int enc_words_add(enc_words *w, const char *text, size_t size, const char *where, bool *fresh,
                  enc_error *err)
{
    uint64_t hash = hash_of(text, size);
    size_t mask = ((size_t)1 << w->bits) - 1, i = first_slot(w, hash);
    *fresh = false;
    for (int probes = 0; w->slot[i].word != 0; i = (i + 1) & mask) {
        const enc_words_entry *e = &w->entry[w->slot[i].word - 1];
        if (w->slot[i].tag == (uint32_t)hash && e->size == size &&
            (size == 0 || memcmp(w->text + e->start, text, size) == 0))
            return ENC_OK;
        if (++probes > PROBES)
            return enc_fail(err, ENC_CORRUPT, "%s: more than %d words share one hash", where,
                            PROBES);
    }
    int rc = reserve(w, size, where, err);
    if (rc != ENC_OK)
        return rc;
    w->entry[w->count++] = (enc_words_entry){(uint32_t)w->used, (uint32_t)size};
    w->slot[i] = (enc_words_slot){(uint32_t)hash, (uint32_t)w->count};
    if (size > 0)
        memcpy(w->text + w->used, text, size);
    w->text[w->used + size] = '\0';
    w->used += size + 1;
    w->longest = size > w->longest ? size : w->longest;
    *fresh = true;
    return ENC_OK;
}

/* ---- Finding ------------------------------------------------------------------------- */

int32_t enc_words_find(const enc_words *w, const char *text, size_t size)
{
    if (w->count == 0 || size > w->longest)
        return ENC_NO_ROW;
    uint64_t hash = hash_of(text, size);
    size_t mask = ((size_t)1 << w->bits) - 1;
    for (size_t i = first_slot(w, hash); w->slot[i].word != 0; i = (i + 1) & mask) {
        const enc_words_entry *e = &w->entry[w->slot[i].word - 1];
        if (w->slot[i].tag == (uint32_t)hash && e->size == size &&
            (size == 0 || memcmp(w->text + e->start, text, size) == 0))
            return (int32_t)(w->slot[i].word - 1);
    }
    return ENC_NO_ROW;
}

int32_t enc_words_find_folded(const enc_words *w, enc_arena *arena, enc_text text,
                              enc_error *err)
{
    int32_t row = enc_words_find(w, text.data, text.size);
    if (row != ENC_NO_ROW || w->subwords.longest > 0 || text.size / 4 > w->longest)
        return row; /* no character of lower case is a quarter as long */
    enc_mark mark = enc_arena_mark(arena);
    char *lower = ENC_ARENA(arena, char, text.size * 8 + 8);
    size_t size = 0;
    if (!lower) {
        enc_nomem(err);
        return ENC_NO_ROW;
    }
    for (const char *at = text.data, *end = at + text.size; at < end;) {
        uint32_t to[3];
        size_t count = enc_lowercase(enc_utf8_next(&at, end), to);
        for (size_t i = 0; i < count; i++)
            size += enc_utf8_put(to[i], lower + size);
    }
    row = enc_words_find(w, lower, size);
    enc_arena_release(arena, mark);
    return row;
}

const char *enc_words_string(const enc_words *w, int32_t row, size_t *size)
{
    if (row < 0 || (size_t)row >= w->count)
        return NULL;
    *size = w->entry[row].size;
    return w->text + w->entry[row].start;
}

int64_t enc_words_bytes(const enc_words *w)
{
    size_t slots = w->slot ? (sizeof *w->slot) << w->bits : 0;
    return (int64_t)(slots + w->capacity * sizeof *w->entry + w->room);
}
