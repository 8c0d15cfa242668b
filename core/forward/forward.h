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
} enc_batch;

/* Sees intermediate values on their way; either callback may be NULL. */
typedef struct enc_observer {
    void *context;
    /* hidden state `layer` of the whole batch, x [T, D] */
    void (*hidden)(void *context, int layer, const float *x);
    /* inside block `layer`: qkv [T, 3D], output [T, D] the heads' outputs side by side */
    void (*heads)(void *context, int layer, const float *qkv, const float *output);
} enc_observer;

/* Runs the first `layers` blocks. *out is the last hidden state [T, D], in the arena. Ids,
** types and positions must be inside their tables: the caller's duty, checked at load and by
** truncation. Returns ENC_OK, ENC_NOMEM or ENC_INTERRUPTED. */
int enc_forward(const enc_model *model, const enc_batch *batch, int layers, enc_arena *arena,
                enc_poll *poll, const enc_observer *observer, float **out);

/* One head's attention inside one sequence (attention.c): qkv [rows, 3D] as the projection left
** it; writes the head's columns of output [rows, D]. Returns as enc_forward. */
int enc_attend(const enc_model *model, const float *qkv, size_t rows, size_t head,
               enc_arena *arena, enc_poll *poll, float *output);

/* One query's products with all keys, QKᵀ [rows], become its weights, in place; `scores`, if not
** NULL, what softmax sees: scaled, with the bias of relative positions. */
void enc_weigh(const enc_model *model, size_t head, size_t from, float *products, size_t rows,
               float *scores);

#endif
