/* quantize.c - see quantize.h. */
#include "quantize.h"

#include <math.h>
#include <string.h>

/* A gate's product has outliers that 8 bits for a whole row can't hold; the projection of narrow
** tables is a sliver of the work. The first blocks' activation has a few columns that are a dozen
** times as large as all others for some tokens, and all blocks carry their error on: smoothing takes
** it away (all-MiniLM-L6-v2: the worst of 2,000 cosines is .9959 without, .9979 with it, .9978 if
** the first block's FFN_DOWN had 16 bits instead). */
static const enc_scheme schemes[] = {
    {.name = "none"},
    {.name = "bf16",
     .recipe = 1,
     .attention = ENC_WEIGHT_BF16,
     .type = {[ENC_ROLE_TOKENS] = ENC_WEIGHT_BF16, [ENC_ROLE_PROJECTION] = ENC_WEIGHT_BF16,
              [ENC_ROLE_QKV] = ENC_WEIGHT_BF16, [ENC_ROLE_ATTENTION_OUT] = ENC_WEIGHT_BF16,
              [ENC_ROLE_FFN_UP] = ENC_WEIGHT_BF16, [ENC_ROLE_FFN_DOWN] = ENC_WEIGHT_BF16,
              [ENC_ROLE_GATED_DOWN] = ENC_WEIGHT_BF16}},
    {.name = "int8",
     .recipe = 2,
     .smoothed = 1u << ENC_ROLE_QKV | 1u << ENC_ROLE_ATTENTION_OUT | 1u << ENC_ROLE_FFN_UP |
                 1u << ENC_ROLE_FFN_DOWN,
     .attention = ENC_WEIGHT_BF16,
     .type = {[ENC_ROLE_TOKENS] = ENC_WEIGHT_INT8, [ENC_ROLE_PROJECTION] = ENC_WEIGHT_BF16,
              [ENC_ROLE_QKV] = ENC_WEIGHT_INT8, [ENC_ROLE_ATTENTION_OUT] = ENC_WEIGHT_INT8,
              [ENC_ROLE_FFN_UP] = ENC_WEIGHT_INT8, [ENC_ROLE_FFN_DOWN] = ENC_WEIGHT_INT8,
              [ENC_ROLE_GATED_DOWN] = ENC_WEIGHT_BF16}},
};

const char enc_scheme_names[] = "none, bf16 or int8";

const enc_scheme *enc_scheme_find(const char *name)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strcmp(schemes[i].name, name) == 0)
            return &schemes[i];
    return NULL;
}

void enc_scheme_digest(const enc_scheme *scheme, enc_digest *digest)
{
    if (scheme == schemes)
        return;
    enc_digest_text(digest, scheme->name);
    enc_digest_number(digest, scheme->recipe);
    for (size_t i = 0; scheme->smoothed && enc_calibration_texts[i]; i++)
        enc_digest_text(digest, enc_calibration_texts[i]);
}

/* The root of a / b to five bits, 1 where either is 0. */
static float root_of_ratio(float a, float b)
{
    enum { STEPS = 32 };
    int exponent;
    if (!(a > 0) || !(b > 0))
        return 1;
    float part = frexpf(sqrtf(a) / sqrtf(b), &exponent); /* in [1/2, 1) */
    return ldexpf(nearbyintf(part * STEPS) / STEPS, exponent);
}

void enc_smooth(const float *largest, float *matrix, size_t out, size_t in, float *factor)
{
    memset(factor, 0, in * sizeof *factor);
    for (size_t i = 0; i < out; i++)
        for (size_t j = 0; j < in; j++) {
            float size = fabsf(matrix[i * in + j]);
            factor[j] = size > factor[j] ? size : factor[j];
        }
    for (size_t j = 0; j < in; j++)
        factor[j] = 1 / root_of_ratio(largest[j], factor[j]);
    for (size_t i = 0; i < out; i++)
        for (size_t j = 0; j < in; j++)
            matrix[i * in + j] /= factor[j];
}
