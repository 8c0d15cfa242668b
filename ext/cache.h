/*
** cache.h - recent results of one connection: least recently used goes first, bounded in
** bytes.
**
** A key is a list of parts (what is asked, the model's fingerprint, options, texts); two
** keys are equal when all parts are. A value is an array of floats. Best effort: what does
** not fit or finds no memory is not kept, and nobody is told.
*/
#ifndef CTX_CACHE_H
#define CTX_CACHE_H

#include <string.h>

#include "../core/encoder.h"

typedef struct ctx_cache ctx_cache;

typedef struct ctx_key {
    const enc_text *parts;
    int count;
} ctx_key;

/* A string as a part. */
static inline enc_text ctx_text_of(const char *string)
{
    return (enc_text){string, strlen(string)};
}

ctx_cache *ctx_cache_open(void); /* NULL: out of memory */
void ctx_cache_close(ctx_cache *cache);
void ctx_cache_clear(ctx_cache *cache);

/* The value [*length], valid until the next put or clear; NULL if there is none. */
const float *ctx_cache_get(ctx_cache *cache, ctx_key key, int *length);
void ctx_cache_put(ctx_cache *cache, ctx_key key, const float *value, int length);

#endif
