/* phrase_cache.c - see phrase_cache.h. */
#include "phrase_cache.h"

/* At first, and what they grow by. */
enum { RING = 32 << 10, RING_GROWTH = 4, SET_BITS = 7, SET_BITS_GROWTH = 2 };

static void drop(void *kept)
{
    enc_phrase_cache *cache = kept;
    enc_free(cache->set);
    enc_free(cache->ring);
    enc_free(cache);
}

enc_phrase_cache *enc_phrase_cache_of(enc_arena *arena)
{
    if (arena->kept)
        return arena->kept;
    enc_phrase_cache *cache = ENC_ZALLOC(enc_phrase_cache, 1);
    if (!cache)
        return NULL;
    cache->bits = SET_BITS;
    cache->size = RING;
    cache->set = ENC_ZALLOC(enc_phrase_set, (size_t)1 << SET_BITS);
    cache->ring = enc_alloc(RING);
    if (!cache->set || !cache->ring) {
        drop(cache);
        return NULL;
    }
    arena->kept = cache;
    arena->drop = drop;
    return cache;
}

/* ---- Sets ---------------------------------------------------------------------------- */

/* In a set that is full another one goes. Returns whether there is one more then. */
static bool enter(enc_phrase_set *set, uint32_t tag, uint32_t place)
{
    unsigned i = 0;
    while (i < ENC_PHRASE_ENTRIES && set->place[i] != 0)
        i++;
    bool is_free = i < ENC_PHRASE_ENTRIES;
    i = is_free ? i : tag % ENC_PHRASE_ENTRIES;
    set->tag[i] = tag;
    set->place[i] = place;
    return is_free;
}

/* The slot that says where the entry lies; NULL: it was put out of its set. */
static uint32_t *slot_of(enc_phrase_cache *c, uint32_t tag, uint32_t place)
{
    enc_phrase_set *set = enc_phrase_set_of(c, tag);
    for (unsigned i = 0; i < ENC_PHRASE_ENTRIES; i++)
        if (set->place[i] == place)
            return &set->place[i];
    return NULL;
}

/* Moves all to more sets, unless there is no memory for them. */
static void grow_sets(enc_phrase_cache *c)
{
    enc_phrase_cache wider = {.bits = c->bits + SET_BITS_GROWTH};
    wider.bits = wider.bits < ENC_PHRASE_SET_BITS_MOST ? wider.bits : ENC_PHRASE_SET_BITS_MOST;
    wider.set = ENC_ZALLOC(enc_phrase_set, (size_t)1 << wider.bits);
    if (!wider.set)
        return;
    for (size_t i = 0; i < (size_t)1 << c->bits; i++) {
        const enc_phrase_set *old = &c->set[i];
        for (unsigned j = 0; j < ENC_PHRASE_ENTRIES; j++)
            if (old->place[j] != 0)
                enter(enc_phrase_set_of(&wider, old->tag[j]), old->tag[j], old->place[j]);
    }
    enc_free(c->set);
    c->set = wider.set;
    c->bits = wider.bits;
}

/* ---- The ring ------------------------------------------------------------------------ */

static uint32_t place_of(size_t at) { return (uint32_t)(at / 8 + 1); }

/* Takes away the oldest entry, or moves it to the head if it was asked for. */
static void take_oldest(enc_phrase_cache *c, bool moves)
{
    enc_phrase *old = (enc_phrase *)(void *)(c->ring + c->tail);
    size_t bytes = enc_phrase_bytes(old->size, old->count);
    uint32_t *slot = slot_of(c, old->tag, place_of(c->tail));
    c->tail += bytes;
    if (!slot)
        return;
    if (!moves || !old->asked) {
        *slot = 0;
        c->entries--;
        return;
    }
    old->asked = false;
    memmove(c->ring + c->head, old, bytes);
    *slot = place_of(c->head);
    c->head += bytes;
}

/* A larger ring with all entries, which lie in [0, head). False: out of memory. */
static bool grow_ring(enc_phrase_cache *c)
{
    size_t size = RING_GROWTH * c->size;
    size = size < ENC_PHRASE_RING_MOST ? size : ENC_PHRASE_RING_MOST;
    char *larger = enc_alloc(size);
    if (!larger)
        return false;
    memcpy(larger, c->ring, c->head);
    enc_free(c->ring);
    c->ring = larger;
    c->size = size;
    return true;
}

/* Makes the head a place with so many bytes. */
static void make_room(enc_phrase_cache *c, size_t bytes)
{
    for (;;) {
        while (c->tail < c->lap && c->head + bytes > c->tail)
            take_oldest(c, c->head + bytes <= c->size);
        if (c->head + bytes <= c->size)
            return;
        if (c->size < ENC_PHRASE_RING_MOST && grow_ring(c))
            return;
        c->lap = c->head;
        c->head = c->tail = 0;
    }
}

enc_phrase *enc_phrase_cache_put(enc_phrase_cache *c, const enc_phrase_key *key, size_t count)
{
    if (c->bits < ENC_PHRASE_SET_BITS_MOST &&
        c->entries > (size_t)ENC_PHRASE_ENTRIES / 2 << c->bits)
        grow_sets(c);
    size_t bytes = enc_phrase_bytes(key->size, count);
    make_room(c, bytes);
    c->entries += enter(enc_phrase_set_of(c, key->tag), key->tag, place_of(c->head));
    enc_phrase *phrase = (enc_phrase *)(void *)(c->ring + c->head);
    c->head += bytes;
    *phrase = (enc_phrase){.owner = key->owner, .tag = key->tag, .kind = key->kind,
                           .size = key->size, .count = (uint8_t)count};
    memcpy((char *)phrase + ENC_PHRASE_HEAD, key->word, 8 * enc_phrase_words(key->size));
    return phrase;
}
