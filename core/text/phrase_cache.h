/*
** phrase_cache.h - what short phrases of a text came to, kept from call to call.
**
** A phrase is a stretch of bytes that a tokenizer reads alike wherever it stands
** (phrases.h): " the", " word,". Looking one up costs some nanoseconds, so natural text, in
** which few phrases make up nearly everything, is read as fast as these can be found.
**
** An entry is found by its bytes, its kind and its tokenizer, all of which it holds, so that a
** collision costs time and never changes a result. Entries have three sizes, each in a table of
** its own with two places for a key; the largest are for scripts without spaces. A cache begins
** small and grows with what is put into it, to at most ENC_PHRASE_CACHE_MOST bytes. It is kept
** by an arena (memory.h), so it belongs to one thread.
*/
#ifndef ENC_PHRASE_CACHE_H
#define ENC_PHRASE_CACHE_H

#include <string.h>

#include "memory.h"

/* Bytes and tokens of a phrase in the entries of each table. */
enum {
    ENC_PHRASE_SHORT = 20, ENC_PHRASE_SHORT_TOKENS = 4,
    ENC_PHRASE_LONG = 52, ENC_PHRASE_LONG_TOKENS = 16,
    ENC_PHRASE_MOST = 180, ENC_PHRASE_MOST_TOKENS = 56,
    ENC_PHRASE_WORDS = 23, /* of 8 bytes, to hold the longest */
    ENC_PHRASE_CACHE_MOST = 52 << 17 /* bytes */
};
enum { ENC_PHRASE_TABLES = 3 };

/* Offsets count from the phrase's beginning. */
typedef struct enc_phrase_token {
    uint32_t id; /* and ENC_PHRASE_BEGINS if it is of another word than the one before */
    uint8_t byte_start, byte_end, char_start, char_end;
} enc_phrase_token;
#define ENC_PHRASE_BEGINS (UINT32_C(1) << 31)

typedef struct enc_phrase {
    uint32_t owner;     /* number of the tokenizer; 0: no phrase */
    uint8_t kind;       /* see phrases.h, as `borders` */
    uint8_t borders;
    uint8_t size;       /* bytes, */
    uint8_t characters;
    uint8_t count;      /* and tokens of it */
    bool asked;         /* for, since another one was put beside it */
} enc_phrase; /* then its bytes, then its tokens */

/* The table for phrases of that size with so many tokens. */
static inline int enc_phrase_table(size_t size, size_t count)
{
    if (size <= ENC_PHRASE_SHORT && count <= ENC_PHRASE_SHORT_TOKENS)
        return 0;
    return size <= ENC_PHRASE_LONG && count <= ENC_PHRASE_LONG_TOKENS ? 1 : 2;
}

static inline enc_phrase_token *enc_phrase_tokens(enc_phrase *phrase)
{
    static const unsigned char room[] = {ENC_PHRASE_SHORT, ENC_PHRASE_LONG, ENC_PHRASE_MOST};
    int table = enc_phrase_table(phrase->size, phrase->count);
    return (enc_phrase_token *)(void *)((char *)(phrase + 1) + room[table]);
}

typedef struct enc_phrase_key {
    uint64_t word[ENC_PHRASE_WORDS]; /* the bytes, then zeros up to a multiple of 8 */
    uint64_t hash;
    uint32_t owner;
    uint8_t kind;
    uint8_t size; /* 1 ... ENC_PHRASE_MOST */
} enc_phrase_key;

/* What enc_phrases_borders said of a character. */
enum { ENC_PHRASE_ENDS = 1024 };
typedef struct enc_phrase_end {
    uint32_t owner, last;
    uint8_t borders;
} enc_phrase_end;

typedef struct enc_phrase_cache {
    char *table[ENC_PHRASE_TABLES]; /* [1 << bits] entries */
    int bits[ENC_PHRASE_TABLES];
    size_t put[ENC_PHRASE_TABLES];  /* entries since the table was made */
    enc_phrase_end end[ENC_PHRASE_ENDS]; /* by the last bits of the character */
} enc_phrase_cache;

/* The arena's cache, made if there is none; NULL: out of memory. */
enc_phrase_cache *enc_phrase_cache_of(enc_arena *arena);

/* Room for the phrase with that key, which is not there, and `count` tokens, at most
** ENC_PHRASE_MOST_TOKENS: borders, characters and tokens are to be filled in. */
enc_phrase *enc_phrase_cache_put(enc_phrase_cache *cache, const enc_phrase_key *key,
                                 size_t count);

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
    key->hash = (hash ^ hash >> 32) * UINT64_C(0x9ae16a3b2f90404f);
    key->owner = owner;
    key->kind = (uint8_t)kind;
    key->size = (uint8_t)size;
}

static inline bool enc_phrase_is(const enc_phrase *phrase, const enc_phrase_key *key)
{
    if (phrase->owner != key->owner || phrase->size != key->size || phrase->kind != key->kind)
        return false;
    const char *text = (const char *)(phrase + 1);
    size_t last = (size_t)(key->size - 1) / 8;
    uint64_t word;
    for (size_t i = 0; i < last; i++) {
        memcpy(&word, text + 8 * i, 8);
        if (word != key->word[i])
            return false;
    }
    memcpy(&word, text + 8 * last, 8); /* reaches into the tokens at most */
    return enc_phrase_head(word, key->size - 8 * last) == key->word[last];
}

/* Bytes of an entry. */
enum {
    ENC_PHRASE_SMALL = 12 + ENC_PHRASE_SHORT + 8 * ENC_PHRASE_SHORT_TOKENS,
    ENC_PHRASE_LARGE = 12 + ENC_PHRASE_LONG + 8 * ENC_PHRASE_LONG_TOKENS,
    ENC_PHRASE_LARGEST = 12 + ENC_PHRASE_MOST + 8 * ENC_PHRASE_MOST_TOKENS
};
_Static_assert(sizeof(enc_phrase) == 12 && sizeof(enc_phrase_token) == 8, "as counted here");

static inline char *enc_phrase_place(const enc_phrase_cache *cache, int table, size_t bytes,
                                     const enc_phrase_key *key)
{
    return cache->table[table] + (size_t)(key->hash >> (64 - cache->bits[table])) * bytes;
}

static inline enc_phrase *enc_phrase_search(enc_phrase_cache *cache, int table, size_t bytes,
                                            const enc_phrase_key *key)
{
    size_t place = (size_t)(key->hash >> (64 - cache->bits[table]));
    char *entries = cache->table[table];
    enc_phrase *first = (enc_phrase *)(void *)(entries + place * bytes);
    enc_phrase *second = (enc_phrase *)(void *)(entries + (place ^ 1) * bytes);
    enc_phrase *found = enc_phrase_is(first, key) ? first
                        : enc_phrase_is(second, key) ? second : NULL;
    if (found)
        found->asked = true;
    return found;
}

/* Has the processor fetch where the phrase would be. */
static inline void enc_phrase_cache_fetch(const enc_phrase_cache *cache,
                                          const enc_phrase_key *key)
{
    if (key->size == 0)
        return;
    if (key->size <= ENC_PHRASE_SHORT)
        __builtin_prefetch(enc_phrase_place(cache, 0, ENC_PHRASE_SMALL, key));
    else if (key->size <= ENC_PHRASE_LONG)
        __builtin_prefetch(enc_phrase_place(cache, 1, ENC_PHRASE_LARGE, key));
    else
        __builtin_prefetch(enc_phrase_place(cache, 2, ENC_PHRASE_LARGEST, key));
}

/* The phrase with that key; NULL: it is not there. */
static inline enc_phrase *enc_phrase_cache_find(enc_phrase_cache *cache,
                                                const enc_phrase_key *key)
{
    enc_phrase *found = NULL;
    if (key->size <= ENC_PHRASE_SHORT)
        found = enc_phrase_search(cache, 0, ENC_PHRASE_SMALL, key);
    if (!found && key->size <= ENC_PHRASE_LONG)
        found = enc_phrase_search(cache, 1, ENC_PHRASE_LARGE, key);
    if (!found && key->size > ENC_PHRASE_LONG_TOKENS) /* else it has no more tokens than that */
        found = enc_phrase_search(cache, 2, ENC_PHRASE_LARGEST, key);
    return found;
}

#endif
