/* phrase_cache.c - see phrase_cache.h. */
#include "phrase_cache.h"

/* Sizes of the tables at first and at last, and what they grow by: a power of two each. */
enum { SMALL_FIRST = 9, SMALL_LAST = 15, LARGE_FIRST = 7, LARGE_LAST = 13, GROWTH = 2 };
_Static_assert((ENC_PHRASE_SMALL << SMALL_LAST) + (ENC_PHRASE_LARGE << LARGE_LAST) +
                   sizeof(enc_phrase_cache) <= ENC_PHRASE_CACHE_MOST, "all tables");

static void drop(void *kept)
{
    enc_phrase_cache *cache = kept;
    enc_free(cache->small);
    enc_free(cache->large);
    enc_free(cache);
}

enc_phrase_cache *enc_phrase_cache_of(enc_arena *arena)
{
    if (arena->kept)
        return arena->kept;
    enc_phrase_cache *cache = ENC_ZALLOC(enc_phrase_cache, 1);
    if (!cache)
        return NULL;
    cache->small_bits = SMALL_FIRST;
    cache->large_bits = LARGE_FIRST;
    cache->small = enc_alloc_zero((size_t)1 << SMALL_FIRST, ENC_PHRASE_SMALL);
    cache->large = enc_alloc_zero((size_t)1 << LARGE_FIRST, ENC_PHRASE_LARGE);
    if (!cache->small || !cache->large) {
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
    bool is_small = key->size <= ENC_PHRASE_SHORT && count <= ENC_PHRASE_SHORT_TOKENS;
    char **table = is_small ? &c->small : &c->large;
    int *bits = is_small ? &c->small_bits : &c->large_bits;
    size_t *put = is_small ? &c->small_put : &c->large_put;
    size_t bytes = is_small ? ENC_PHRASE_SMALL : ENC_PHRASE_LARGE;
    if (*bits < (is_small ? SMALL_LAST : LARGE_LAST) && ++*put > (size_t)1 << *bits) {
        *put = 0;
        grow(table, bits, bytes);
    }
    char *entry = make_room(*table, *bits, bytes, key->hash);
    enc_phrase *phrase = (enc_phrase *)(void *)entry;
    *phrase = (enc_phrase){.owner = key->owner, .kind = key->kind, .size = key->size,
                           .count = (uint8_t)count};
    memcpy(phrase + 1, key->word, key->size);
    return phrase;
}
