/*
** pooling.h - from the hidden states of one sequence to its embedding.
*/
#ifndef ENC_POOLING_H
#define ENC_POOLING_H

#include "forward.h"

/* How the caller's options and the checkpoint's modules come together. */
typedef struct enc_finish {
    unsigned pooling;   /* bits of enc_pooling */
    bool steps_normalize; /* the checkpoint's Normalize steps are obeyed */
    int layer;          /* hidden state to pool */
    bool mixed;         /* the mean of hidden states 0 ... layer in its place */
    int pooled;         /* numbers that pooling gives */
    int full;           /* numbers after the steps */
    int dimensions;     /* numbers kept of these */
    bool normalize;     /* scale to length 1 at the very end */
    bool unit;          /* the result has length 1, one way or the other */
} enc_finish;

/* Checks the options against the model. options NULL: the checkpoint's own way. */
int enc_finish_plan(const enc_model *model, const enc_embed_options *options,
                    enc_finish *out, enc_error *err);

/* Number of a hidden state counted from the end if negative; -1 if there is no such layer and
** err says so. */
int enc_layer_number(const enc_model *model, int layer, enc_error *err);

/* Encodes the batch: *out [T, D], in the arena, is the hidden state that is pooled, or the mean
** of them where `finish` says mixed. Returns ENC_OK, ENC_NOMEM or ENC_INTERRUPTED. */
int enc_pooled_states(const enc_model *model, const enc_finish *finish, const enc_batch *batch,
                      enc_arena *arena, enc_poll *poll, float **out);

/* x [rows, D], of which the first `skip` are left out -> out [finish->dimensions].
** scratch [2 · max(pooled, widest step)] floats. */
void enc_pool_sequence(const enc_model *model, const enc_finish *finish, const float *x,
                       size_t rows, size_t skip, float *scratch, float *out);

/* Floats of scratch that enc_pool_sequence wants. */
size_t enc_pool_scratch(const enc_model *model, const enc_finish *finish);

#endif
