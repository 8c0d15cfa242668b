/*
** phrase_cache.h - what short phrases of a text came to, kept from call to call.
**
** A phrase is a stretch of bytes that a tokenizer reads alike wherever it stands
** (phrases.h): " the", " word,". Looking one up costs some nanoseconds, so natural text, in
** which few phrases make up nearly everything, is read as fast as these can be found.
**
** An entry is found by its bytes, its kind and its tokenizer, all of which it holds, so that a
** collision costs time and never changes a result. Entries take the bytes that they need and
** lie in a ring in the order they came, so that scripts without spaces, whose phrases are long,
** have room for as much text as others; a table of sets of eight, a cache line each, says where
** they lie. When the ring is full the oldest go, but for those that were asked for. A cache
** begins small and grows with what is put into it, to at most ENC_PHRASE_CACHE_MOST bytes. It
** is kept by an arena (memory.h), so it belongs to one thread.
*/
#ifndef ENC_PHRASE_CACHE_H
#define ENC_PHRASE_CACHE_H

#include <string.h>

#include "memory.h"

enum {
    ENC_PHRASE_WORDS = 31, /* of 8 bytes, to hold the longest phrase */
    ENC_PHRASE_MOST = 8 * ENC_PHRASE_WORDS, /* bytes, */
    ENC_PHRASE_MOST_TOKENS = 128,           /* and tokens of a phrase */
    ENC_PHRASE_ENTRIES = 8, /* of a set */
    ENC_PHRASE_RING_MOST = 4 << 20, /* bytes */
    ENC_PHRASE_SET_BITS_MOST = 14,
    ENC_PHRASE_CACHE_MOST = ENC_PHRASE_RING_MOST + (65 << ENC_PHRASE_SET_BITS_MOST)
};

/* Offsets count from the phrase's beginning. */
typedef struct enc_phrase_token {
    uint32_t id; /* and ENC_PHRASE_BEGINS if it is of another word than the one before */
    uint8_t byte_start, byte_end, char_start, char_end;
} enc_phrase_token;
#define ENC_PHRASE_BEGINS (UINT32_C(1) << 31)

typedef struct enc_phrase {
    uint32_t owner;     /* number of the tokenizer */
    uint32_t tag;       /* of the key */
    uint8_t kind;       /* see phrases.h, as `borders` */
    uint8_t borders;
    uint8_t size;       /* bytes, */
    uint8_t characters;
    uint8_t count;      /* and tokens of it */
    bool asked;         /* for, since it was put at the ring's head */
} enc_phrase; /* then its bytes, then zeros up to a multiple of 8, then its tokens */

typedef struct enc_phrase_key {
    uint64_t word[ENC_PHRASE_WORDS]; /* the bytes, then zeros up to a multiple of 8 */
    uint32_t owner;
    uint32_t tag; /* hash of all else */
    uint8_t kind;
    uint8_t size; /* 1 ... ENC_PHRASE_MOST */
} enc_phrase_key;

/* What enc_phrases_borders said of a character. */
enum { ENC_PHRASE_ENDS = 1024 };
typedef struct enc_phrase_end {
    uint32_t owner, last;
    uint8_t borders;
} enc_phrase_end;

/* Where entries lie whose tags have the same first bits. */
typedef struct enc_phrase_set {
    uint32_t tag[ENC_PHRASE_ENTRIES];
    uint32_t place[ENC_PHRASE_ENTRIES]; /* in the ring, in units of 8 bytes and plus 1; 0:
                                        ** none */
} enc_phrase_set;

typedef struct enc_phrase_cache {
    enc_phrase_set *set; /* [1 << bits] */
    int bits;
    size_t entries;      /* that the sets have */
    char *ring;          /* [size] entries in [tail, lap), then in [0, head) */
    size_t size, head, tail, lap;
    enc_phrase_end end[ENC_PHRASE_ENDS]; /* by the last bits of the character */
} enc_phrase_cache;
_Static_assert(sizeof(enc_phrase_set) == 64 && sizeof(enc_phrase_token) == 8 &&
                   sizeof(enc_phrase_cache) <= 1 << ENC_PHRASE_SET_BITS_MOST,
               "as ENC_PHRASE_CACHE_MOST counts");

/* The arena's cache, made if there is none; NULL: out of memory. */
enc_phrase_cache *enc_phrase_cache_of(enc_arena *arena);

/* Room for the phrase with that key, which is not there, and `count` tokens, at most
** ENC_PHRASE_MOST_TOKENS: borders, characters and tokens are to be filled in. Others that were
** found before may lie elsewhere then. */
enc_phrase *enc_phrase_cache_put(enc_phrase_cache *cache, const enc_phrase_key *key,
                                 size_t count);

/* ---- Entries ------------------------------------------------------------------------- */

/* The bytes of a phrase, in words of 8. */
static inline size_t enc_phrase_words(size_t size) { return (size + 7) / 8; }

enum { ENC_PHRASE_HEAD = (sizeof(enc_phrase) + 7) / 8 * 8 };

static inline size_t enc_phrase_bytes(size_t size, size_t count)
{
    return ENC_PHRASE_HEAD + 8 * enc_phrase_words(size) + count * sizeof(enc_phrase_token);
}

static inline enc_phrase_token *enc_phrase_tokens(enc_phrase *phrase)
{
    return (enc_phrase_token *)(void *)((char *)phrase + ENC_PHRASE_HEAD) +
           enc_phrase_words(phrase->size);
}

/* ---- Search -------------------------------------------------------------------------- */

/* The word's first `bytes` bytes, 1 to 8, as they lie in memory, the others zero. */
static inline uint64_t enc_phrase_head(uint64_t word, size_t bytes)
{
    unsigned shift = 8 * (unsigned)(8 - bytes);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return word << shift >> shift;
#else
    return word >> shift << shift;
#endif
}

/* For bytes [at, at + size), 1 to ENC_PHRASE_MOST, of a text that ends at `finish`. */
static inline void enc_phrase_key_set(enc_phrase_key *key, const char *at, size_t size,
                                      const char *finish, uint32_t owner, unsigned kind)
{
    size_t last = (size - 1) / 8;
    uint64_t hash = (uint64_t)owner << 32 | kind << 8 | size;
    key->word[last] = 0;
    if ((size_t)(finish - at) >= 8 * (last + 1))
        memcpy(&key->word[last], at + 8 * last, 8);
    else
        memcpy(&key->word[last], at + 8 * last, size - 8 * last);
    key->word[last] = enc_phrase_head(key->word[last], size - 8 * last);
    for (size_t i = 0; i < last; i++) {
        memcpy(&key->word[i], at + 8 * i, 8);
        hash = (hash ^ key->word[i]) * UINT64_C(0x9ddfea08eb382d69);
        hash ^= hash >> 32;
    }
    hash = (hash ^ key->word[last]) * UINT64_C(0x9ddfea08eb382d69);
    key->tag = (uint32_t)((hash ^ hash >> 32) * UINT64_C(0x9ae16a3b2f90404f) >> 32);
    key->owner = owner;
    key->kind = (uint8_t)kind;
    key->size = (uint8_t)size;
}

static inline bool enc_phrase_is(const enc_phrase *phrase, const enc_phrase_key *key)
{
    if (phrase->owner != key->owner || phrase->size != key->size || phrase->kind != key->kind)
        return false;
    const char *text = (const char *)phrase + ENC_PHRASE_HEAD;
    for (size_t i = 0, words = enc_phrase_words(key->size); i < words; i++) {
        uint64_t word;
        memcpy(&word, text + 8 * i, 8);
        if (word != key->word[i])
            return false;
    }
    return true;
}

static inline enc_phrase_set *enc_phrase_set_of(const enc_phrase_cache *cache, uint32_t tag)
{
    return &cache->set[tag >> (32 - cache->bits)];
}

/* A bit for each entry of the set with that tag. */
static inline unsigned enc_phrase_tagged(const enc_phrase_set *set, uint32_t tag)
{
    unsigned found = 0;
    for (unsigned i = 0; i < ENC_PHRASE_ENTRIES; i++)
        found |= (unsigned)(set->tag[i] == tag && set->place[i] != 0) << i;
    return found;
}

static inline enc_phrase *enc_phrase_at(const enc_phrase_cache *cache, uint32_t place)
{
    return (enc_phrase *)(void *)(cache->ring + 8 * (size_t)(place - 1));
}

/* Has the processor fetch what says where the phrase is, */
static inline void enc_phrase_cache_fetch(const enc_phrase_cache *cache,
                                          const enc_phrase_key *key)
{
    if (key->size > 0)
        __builtin_prefetch(enc_phrase_set_of(cache, key->tag));
}

/* and, once that has come, the phrase. */
static inline void enc_phrase_cache_fetch_phrase(const enc_phrase_cache *cache,
                                                 const enc_phrase_key *key)
{
    if (key->size == 0)
        return;
    const enc_phrase_set *set = enc_phrase_set_of(cache, key->tag);
    unsigned found = enc_phrase_tagged(set, key->tag);
    if (found) {
        const char *at = (const char *)enc_phrase_at(cache, set->place[__builtin_ctz(found)]);
        __builtin_prefetch(at);
        __builtin_prefetch(at + ENC_PHRASE_HEAD + 2 * (size_t)key->size);
    }
}

/* The phrase with that key; NULL: it is not there. */
static inline enc_phrase *enc_phrase_cache_find(enc_phrase_cache *cache,
                                                const enc_phrase_key *key)
{
    enc_phrase_set *set = enc_phrase_set_of(cache, key->tag);
    for (unsigned found = enc_phrase_tagged(set, key->tag); found; found &= found - 1) {
        enc_phrase *phrase = enc_phrase_at(cache, set->place[__builtin_ctz(found)]);
        if (enc_phrase_is(phrase, key)) {
            phrase->asked = true;
            return phrase;
        }
    }
    return NULL;
}

#endif
