/* phrase_cache.c - see phrase_cache.h. */
#include "phrase_cache.h"

/* Sizes of the tables at first and at last, and what they grow by: a power of two each. */
static const struct sizes {
    int first, last;
    size_t bytes;
} sizes[ENC_PHRASE_TABLES] = {
    {9, 15, ENC_PHRASE_SMALL}, {7, 13, ENC_PHRASE_LARGE}, {4, 12, ENC_PHRASE_LARGEST}};
enum { GROWTH = 2 };
_Static_assert((ENC_PHRASE_SMALL << 15) + (ENC_PHRASE_LARGE << 13) +
                   (ENC_PHRASE_LARGEST << 12) + sizeof(enc_phrase_cache) <=
               ENC_PHRASE_CACHE_MOST, "all tables");

static void drop(void *kept)
{
    enc_phrase_cache *cache = kept;
    for (int i = 0; i < ENC_PHRASE_TABLES; i++)
        enc_free(cache->table[i]);
    enc_free(cache);
}

enc_phrase_cache *enc_phrase_cache_of(enc_arena *arena)
{
    if (arena->kept)
        return arena->kept;
    enc_phrase_cache *cache = ENC_ZALLOC(enc_phrase_cache, 1);
    bool ok = cache != NULL;
    for (int i = 0; i < ENC_PHRASE_TABLES && ok; i++) {
        cache->bits[i] = sizes[i].first;
        cache->table[i] = enc_alloc_zero((size_t)1 << sizes[i].first, sizes[i].bytes);
        ok = cache->table[i] != NULL;
    }
    if (!ok) {
        if (cache)
            drop(cache);
        return NULL;
    }
    arena->kept = cache;
    arena->drop = drop;
    return cache;
}

/* Place for an entry of that hash. Of two that stand there one goes that was not asked for
** since the other one came. */
static char *make_room(char *table, int bits, size_t bytes, uint64_t hash)
{
    size_t place = (size_t)(hash >> (64 - bits));
    enc_phrase *one = (enc_phrase *)(void *)(table + place * bytes);
    enc_phrase *other = (enc_phrase *)(void *)(table + (place ^ 1) * bytes);
    bool keeps = one->owner != 0 && (other->owner == 0 || (one->asked && !other->asked));
    one->asked = other->asked = false;
    return (char *)(keeps ? other : one);
}

/* Moves all entries to a larger table, unless there is no memory for it. */
static void grow(char **table, int *bits, size_t bytes)
{
    int wider = *bits + GROWTH;
    char *larger = enc_alloc_zero((size_t)1 << wider, bytes);
    if (!larger)
        return;
    for (size_t i = 0; i < (size_t)1 << *bits; i++) {
        enc_phrase_key key;
        char *old = *table + i * bytes;
        const enc_phrase *phrase = (const enc_phrase *)(const void *)old;
        if (phrase->owner == 0)
            continue;
        enc_phrase_key_set(&key, old + sizeof *phrase, phrase->size, old + bytes,
                           phrase->owner, phrase->kind);
        memcpy(make_room(larger, wider, bytes, key.hash), old, bytes);
    }
    enc_free(*table);
    *table = larger;
    *bits = wider;
}

enc_phrase *enc_phrase_cache_put(enc_phrase_cache *c, const enc_phrase_key *key, size_t count)
{
    int i = enc_phrase_table(key->size, count);
    size_t bytes = sizes[i].bytes;
    if (c->bits[i] < sizes[i].last && ++c->put[i] > (size_t)1 << c->bits[i]) {
        c->put[i] = 0;
        grow(&c->table[i], &c->bits[i], bytes);
    }
    char *entry = make_room(c->table[i], c->bits[i], bytes, key->hash);
    enc_phrase *phrase = (enc_phrase *)(void *)entry;
    *phrase = (enc_phrase){.owner = key->owner, .kind = key->kind, .size = key->size,
                           .count = (uint8_t)count};
    memcpy(phrase + 1, key->word, key->size);
    return phrase;
}
