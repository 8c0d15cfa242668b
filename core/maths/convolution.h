/*
** convolution.h - a convolution along a text: each token sees its neighbours (He et al. 2021,
** DeBERTa v2). Beyond the text's ends there are zeros.
**
**   y[t] = act(b + Σ_j W_j · x[t + j - (kernel-1)/2])     j = 0 ... kernel-1, W_j [D, D]
**
** With groups, numbers g·D/groups ... of y come from those of x alone. The rows that a token sees
** are laid side by side, so that the sum over neighbours is one product.
*/
#ifndef ENC_CONVOLUTION_H
#define ENC_CONVOLUTION_H

#include "ops.h"

typedef struct enc_convolution {
    size_t width;        /* D */
    size_t kernel;       /* tokens that one sees, odd */
    size_t groups;       /* a divisor of D */
    const float *packed; /* [groups] right-hand sides [kernel·D/groups, D/groups] */
    const float *bias;   /* [D] */
    enum enc_activation activation;
} enc_convolution;

/* Floats of `packed`. */
size_t enc_convolution_packed_size(const enc_ops *ops, size_t width, size_t kernel,
                                   size_t groups);

/* weight [D, D/groups, kernel], as checkpoints have it -> packed. `scratch` takes
** (D/groups)²·kernel floats. */
void enc_convolution_pack(const enc_ops *ops, const float *weight, size_t width, size_t kernel,
                          size_t groups, float *scratch, float *packed);

/* y [count, D] for the tokens first ... first+count-1 of a text x [rows, D]. `scratch` takes
** count·kernel·D/groups floats. */
void enc_convolve(const enc_convolution *c, const enc_ops *ops, const float *x, size_t rows,
                  size_t first, size_t count, float *scratch, float *y);

#endif
