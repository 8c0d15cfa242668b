/*
** weights.h - an encoder's weights as the forward pass takes them.
**
** Matrices of linear layers are packed for the kernel in use (ops.h), in the number type that
** was asked for, and exist in that layout only. The table of tokens has a number type too
** (table.h). Everything else is float32.
*/
#ifndef ENC_WEIGHTS_H
#define ENC_WEIGHTS_H

#include "convolution.h"
#include "disentangled.h"
#include "family.h"
#include "memory.h"
#include "ops.h"
#include "poll.h"
#include "relative.h"
#include "rotary.h"
#include "table.h"

typedef struct enc_linear {
    size_t in;
    size_t out;
    const void *packed; /* W [out, in] as ops->product[type]->pack left it */
    const float *bias;  /* [out], or NULL */
    enum enc_weight_type type;
    const float *smooth; /* [in] factors of x's columns before they get 8 bits, whose inverses W
                         ** has taken over (quantize.h); NULL: 1 */
    float *largest;      /* [in] of |x| so far, while a model is calibrated; else NULL. For one
                         ** thread at a time */
} enc_linear;

typedef struct enc_norm {
    size_t width;        /* D of what it takes */
    const float *weight; /* [D]; NULL: there is no such norm */
    const float *bias;   /* [D]; ENC_NORM_LAYER */
    float eps;
    enum enc_norm_kind kind;
} enc_norm;

/* Where norms stand about a part f of a block (Xiong et al. 2020, "On layer normalization in
** the transformer architecture"): after(x + within(f(before(x)))). Most families have one of
** them; those that are absent do nothing. */
typedef struct enc_norms {
    enc_norm before;
    enc_norm within;
    enc_norm after;
} enc_norms;

/* One block. Those that share weights differ in what stands first. */
typedef struct enc_layer {
    size_t before;             /* keys that a query sees before itself, and behind; SIZE_MAX: */
    size_t after;              /* all of them */
    const enc_rotary *rotary;  /* NULL: positions do not turn */
    float scale;               /* of products of queries and keys */

    enc_linear qkv;            /* D -> (H + 2G)·d: queries, keys and values side by side */
    enc_norm query_norm;       /* of every head */
    enc_norm key_norm;
    enc_disentangled_head distances; /* of the first of H heads, which stand in a row */
    enc_linear attention_out;  /* H·d -> D */
    enc_norms attention_norms;
    enc_linear ffn_up;         /* D -> F; gated: D -> 2F, gate and up side by side */
    enc_linear ffn_down;       /* F -> D */
    enc_norms ffn_norms;
} enc_layer;

typedef struct enc_weights {
    enc_table tokens;       /* [V, E] */
    const float *positions; /* [P, E]; NULL if the family has none */
    const float *types;     /* [types, E]; NULL if the family has none */
    enc_norm embedding_norm;
    enc_linear embedding_projection; /* E -> D; packed is NULL where there is none */
    enum enc_weight_type attention; /* of keys and values, where attention multiplies with them */
    enc_relative relative;  /* of all blocks */
    enc_rotary rotary[2];   /* of global and of local layers */
    enc_convolution convolution; /* of hidden state 0, added to block 1's output; packed is NULL
                                 ** where there is none */
    enc_norm convolution_norm;   /* of the sum */
    enc_layer *layer;       /* [L] */
    enc_norm final_norm;    /* behind the last block */
} enc_weights;

/* What follows a linear layer: y = activation(x Wᵀ + b) + residual. */
typedef struct enc_after {
    enum enc_activation activation;
    const float *residual; /* [rows, out]; NULL: none */
} enc_after;

/* y [rows, out] of x [rows, in], in pieces between which `poll` is asked; `after` may be NULL.
** Where the kernel is not row-invariant the rows must be those of one text. `scratch` takes what
** x becomes for the product and is left as it was; NULL will do for a float32 layer. Implemented
** in linear.c. Returns ENC_OK, ENC_NOMEM or ENC_INTERRUPTED. */
int enc_linear_apply(const enc_ops *ops, const enc_linear *linear, const float *x, size_t rows,
                     const enc_after *after, float *y, enc_arena *scratch, enc_poll *poll);

#endif
