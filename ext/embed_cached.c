/* embed_cached.c - see embed_cached.h. */
#include "embed_cached.h"

#include <string.h>

#include "cache.h"

/* What an embedding depends on, as a key of the cache: the model, the options, the text. */
typedef struct embed_key {
    int numbers[7];
    enc_text parts[6];
} embed_key;

static ctx_key make_key(embed_key *key, const enc_model *model,
                        const enc_embed_options *wanted, enc_text text)
{
    const enc_model_info *info = enc_model_describe(model);
    const int numbers[] = {(int)wanted->pooling, wanted->normalize, wanted->dimensions,
                           wanted->layer, (int)wanted->truncate, wanted->prompt != NULL,
                           wanted->nothing_is_zero};
    memcpy(key->numbers, numbers, sizeof numbers);
    key->parts[0] = ctx_text_of("embed");
    key->parts[1] = ctx_text_of(info->fingerprint);
    key->parts[2] = ctx_text_of(info->quantize);
    key->parts[3] = (enc_text){(const char *)key->numbers, sizeof key->numbers};
    key->parts[4] = ctx_text_of(wanted->prompt ? wanted->prompt : "");
    key->parts[5] = text;
    return (ctx_key){key->parts, sizeof key->parts / sizeof *key->parts};
}

int ctx_embed_cached(ctx_connection *connection, enc_session *session,
                     const enc_model *model, const enc_text *texts, int count,
                     const enc_embed_options *wanted, int dimensions, float *out,
                     enc_error *failure)
{
    ctx_cache *cache = ctx_connection_cache(connection);
    enc_text missing[CTX_EMBED_CACHED_MOST];
    float *place[CTX_EMBED_CACHED_MOST];
    embed_key key;
    int misses = 0, length;
    for (int i = 0; i < count; i++) {
        float *row = out + (size_t)i * (size_t)dimensions;
        const float *kept =
            ctx_cache_get(cache, make_key(&key, model, wanted, texts[i]), &length);
        if (kept && length == dimensions) {
            memcpy(row, kept, (size_t)dimensions * sizeof *row);
        } else {
            missing[misses] = texts[i];
            place[misses++] = row;
        }
    }
    if (misses == 0)
        return ENC_OK;
    /* Rows missed are side by side: the only one, or both. */
    int code = enc_embed(session, model, missing, (size_t)misses, wanted, place[0], NULL,
                         failure);
    for (int i = 0; i < misses && code == ENC_OK; i++)
        ctx_cache_put(cache, make_key(&key, model, wanted, missing[i]), place[i], dimensions);
    return code;
}
