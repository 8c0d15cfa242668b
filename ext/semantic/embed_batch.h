/*
** embed_batch.h - rows into chunks, chunks into vectors, vectors into the storage: what a flush of
** rows that wait (flush.c) and a rebuild have in common.
*/
#ifndef CTX_SEMANTIC_EMBED_BATCH_H
#define CTX_SEMANTIC_EMBED_BATCH_H

#include "index.h"

typedef struct ctx_batch_row {
    sqlite3_int64 id;
    enc_text text;       /* data NULL, and no vector: a row without text, which has no chunk */
    const float *vector; /* [dimensions] brought along; NULL: embed the text */
} ctx_batch_row;

/* Chunks and embeds the rows [count] and puts them into a generation of the storage, for which the
** configuration stands. Writes the storage at the end; after a failure it has forgotten all. */
int ctx_embed_batch(ctx_index *index, int generation, const ctx_batch_row *row, int count,
                    ctx_error *error);

/* The hash of a row's text, as storage keeps it: covers the model's fingerprint and the options
** that change vectors, so that another model's rows are embedded again. Its lowest bit says that
** the row brought its vector: ctx_same_text leaves that out. */
sqlite3_uint64 ctx_row_hash(const ctx_index *index, enc_text text, const float *vector);
static inline bool ctx_same_text(sqlite3_uint64 a, sqlite3_uint64 b)
{
    return (a | 1) == (b | 1);
}
static inline bool ctx_brought_vector(sqlite3_uint64 hash)
{
    return hash & 1;
}

#endif
