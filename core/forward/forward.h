/*
** forward.h - the forward pass over a batch of token sequences packed end to end.
*/
#ifndef ENC_FORWARD_H
#define ENC_FORWARD_H

#include "model.h"
#include "poll.h"

/* Sequences end to end: sequence i is rows start[i] ... start[i+1]-1. No padding, no mask
** tensor: attention runs inside each sequence. */
typedef struct enc_batch {
    const int32_t *id;    /* [T] rows of the token table */
    const int32_t *type;  /* [T] segments; NULL: all 0 */
    const size_t *start;  /* [count + 1] */
    size_t count;
    bool alone;           /* no other batch of this call is at work: the pool may share it */
    const enc_text *word; /* [T] the tokens' own text, where the model reads it; else NULL */
} enc_batch;

/* Sees intermediate values on their way; either callback may be NULL. */
typedef struct enc_observer {
    void *context;
    /* hidden state `layer` of the whole batch, x [T, D] */
    void (*hidden)(void *context, int layer, const float *x);
    /* inside block `layer`: qkv [T, (H + 2G)·d], output [T, H·d] the heads' outputs side by
    ** side */
    void (*heads)(void *context, int layer, const float *qkv, const float *output);
} enc_observer;

/* Runs the first `layers` blocks. *out is the last hidden state [T, D], in the arena. Ids,
** types and positions must be inside their tables: the caller's duty, checked at load and by
** truncation. Returns ENC_OK, ENC_NOMEM or ENC_INTERRUPTED. */
int enc_forward(const enc_model *model, const enc_batch *batch, int layers, enc_arena *arena,
                enc_poll *poll, const enc_observer *observer, float **out);

/* Block `number` alone: x [T, D] is the hidden state before it and becomes the one behind it. For
** a transformer. */
int enc_forward_block(const enc_model *model, const enc_batch *batch, int number, float *x,
                      enc_arena *arena, enc_poll *poll);

/* enc_forward for ENC_SHAPE_ELMO (elmo_forward.c). */
int enc_elmo_forward(const enc_model *model, const enc_batch *batch, int layers,
                     enc_arena *arena, enc_poll *poll, const enc_observer *observer,
                     float **out);

/* The token table's row [E] of a token (lookup.c); `word` is its text where the model reads
** it. Of a long word it is left half done once the poll says to stop, which the caller must
** ask then. */
void enc_token_row(const enc_model *model, int32_t id, enc_text word, float *to,
                   enc_poll *poll);

/* ---- Heads --------------------------------------------------------------------------- */

/* How queries, keys and values of all heads stand side by side in a row of qkv, and the heads'
** outputs in a row of output. */
typedef struct enc_heads {
    size_t d;     /* numbers of a head */
    size_t count; /* H */
    size_t kv;    /* G: of keys and values */
    size_t qkv;   /* (H + 2G)·d */
    size_t out;   /* H·d */
} enc_heads;

enc_heads enc_heads_of(const enc_model *model);

/* The first column of a head's query in qkv; of the key and the value that it shares with its
** neighbours. */
size_t enc_heads_query(const enc_heads *heads, size_t head);
size_t enc_heads_key(const enc_heads *heads, size_t head);
size_t enc_heads_value(const enc_heads *heads, size_t head);

/* One head's attention inside one sequence (attention.c): qkv [rows, (H + 2G)·d] as the
** projection left it; writes the head's columns of output [rows, H·d]. Returns as
** enc_forward. */
int enc_attend(const enc_model *model, const enc_layer *layer, const float *qkv, size_t rows,
               size_t head, enc_arena *arena, enc_poll *poll, float *output);

/* What keys and values are packed for in attention. */
const enc_product *enc_attention_product(const enc_model *model);

/* y [rows, n] = x [rows, k] · packed. `prepared` has room for the rows where the product wants
** them prepared. */
void enc_attention_multiply(const enc_product *product, const float *x, size_t ldx, size_t rows,
                            const void *packed, size_t n, size_t k, void *prepared, float *y,
                            size_t ldy);

/* A query and the keys it has been multiplied with: at least those that it sees. */
typedef struct enc_keys {
    size_t rows;  /* of the sequence */
    size_t query; /* its row */
    size_t first; /* row of the first key */
    size_t count; /* of keys */
} enc_keys;

/* A query's products with keys, QKᵀ [keys->count], become its weights, in place, 0 for keys that
** it doesn't see; `scores`, if not NULL, what softmax sees: scaled, with the bias of relative
** positions; -infinity for keys that it doesn't see. */
void enc_weigh(const enc_model *model, const enc_layer *layer, size_t head,
               const enc_keys *keys, float *products, float *scores);

#endif
