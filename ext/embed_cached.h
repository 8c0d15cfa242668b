/*
** embed_cached.h - embeddings by way of the connection's cache.
*/
#ifndef CTX_EMBED_CACHED_H
#define CTX_EMBED_CACHED_H

#include "connection.h"

enum { CTX_EMBED_CACHED_MOST = 2 };

/* Embeds `count` <= CTX_EMBED_CACHED_MOST texts into out [count, dimensions]; those that are not
** in the cache go through the encoder in one batch. `dimensions` is what enc_embed_check gives. */
int ctx_embed_cached(ctx_connection *connection, enc_session *session,
                     const enc_model *model, const enc_text *texts, int count,
                     const enc_embed_options *wanted, int dimensions, float *out,
                     enc_error *failure);

#endif
