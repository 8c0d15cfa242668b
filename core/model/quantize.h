/*
** quantize.h - what the option `quantize` stands for: a number type for every matrix, by what it
** is for, so that a model is the same on every CPU.
**
** int8 follows SmoothQuant (Xiao et al. 2023, "SmoothQuant: accurate and efficient post-training
** quantization for large language models"): channels of x that are large make 8 bits coarse for
** all others, so x's columns are divided by s and W's multiplied,
**
**   x Wᵀ = (x / s) (W s)ᵀ      s_j = √(max |x_j| / max |W_j|), that is alpha = 1/2
**
** where max |x_j| is over the calibration texts, read by the model itself while it is loaded. Of s
** five bits are kept, so that kernels that differ in x's last bits agree in it. (s can't be folded
** into the norm before: where norms stand behind the sum the residual takes the same numbers.)
*/
#ifndef ENC_QUANTIZE_H
#define ENC_QUANTIZE_H

#include "digest.h"
#include "error.h"
#include "weights.h"

/* What a matrix is for. */
enum enc_role {
    ENC_ROLE_TOKENS,     /* the table */
    ENC_ROLE_PROJECTION, /* of embeddings, where the table is narrower */
    ENC_ROLE_QKV,
    ENC_ROLE_ATTENTION_OUT,
    ENC_ROLE_FFN_UP,
    ENC_ROLE_FFN_DOWN,
    ENC_ROLE_GATED_DOWN, /* ... of what a gate was multiplied with */
    ENC_ROLE_REST,       /* behind the pooling */
    ENC_ROLES
};

typedef struct enc_scheme {
    const char *name; /* as the option spells it */
    int recipe;       /* to be counted up when the same name comes to mean other numbers */
    enum enc_weight_type type[ENC_ROLES];
    enum enc_weight_type attention; /* of products of queries, keys, weights and values */
    unsigned smoothed; /* 1 << role of those that are, which takes a calibration */
} enc_scheme;

/* By name; NULL if there is none. */
const enc_scheme *enc_scheme_find(const char *name);
/* "none, bf16 or int8": for messages. */
extern const char enc_scheme_names[];

/* Of a scheme that changes anything: all that the vectors depend on, calibration included. */
void enc_scheme_digest(const enc_scheme *scheme, enc_digest *digest);

/* Texts that activations are measured on; the last is NULL. */
extern const char *const enc_calibration_texts[];

/* factor [in], 1/s, of largest |x_j| and the matrix [out, in], which takes s over. */
void enc_smooth(const float *largest, float *matrix, size_t out, size_t in, float *factor);

#endif
