/*
** vector.c - vectors as SQL sees them: comparison, normalisation, quantisation (encoder.h).
**
** The sums come from the kernel (ops.h): in double over floats, exact over int8 and bits.
** Vectors arrive in blobs, at any address, so floats are read with memcpy.
*/
#include <math.h>
#include <string.h>

#include "encoder.h"
#include "ops.h"

static float float_at(const void *v, size_t i)
{
    float x;
    memcpy(&x, (const char *)v + i * sizeof x, sizeof x);
    return x;
}

/* NaN for a zero vector. One root of the product of two sums, not a product of two
** roots: then a vector's cosine with itself is exactly 1. */
static double cosine_of(double ab, double aa, double bb)
{
    if (aa == 0 || bb == 0)
        return NAN;
    double cosine = ab / sqrt(aa * bb);
    return cosine > 1 ? 1 : cosine < -1 ? -1 : cosine;
}

static double compare_float32(enum enc_metric metric, const void *a, const void *b,
                              size_t length)
{
    const enc_ops *ops = enc_ops_get();
    double sums[3];
    switch (metric) {
    case ENC_COSINE:
        ops->cosine_sums(a, b, length, sums);
        return cosine_of(sums[0], sums[1], sums[2]);
    case ENC_DOT: return ops->dot(a, b, length);
    case ENC_L2: return sqrt(ops->l2_squared(a, b, length));
    case ENC_L1: return ops->l1(a, b, length);
    case ENC_HAMMING: break;
    }
    return NAN;
}

static double compare_int8(enum enc_metric metric, const int8_t *a, const int8_t *b,
                           size_t length)
{
    const enc_ops *ops = enc_ops_get();
    int64_t sums[3];
    switch (metric) {
    case ENC_COSINE:
        ops->int8_sums(a, b, length, sums);
        return cosine_of((double)sums[0], (double)sums[1], (double)sums[2]);
    case ENC_DOT: return (double)ops->int8_dot(a, b, length);
    case ENC_L2: return sqrt((double)ops->int8_l2_squared(a, b, length));
    case ENC_L1: return (double)ops->int8_l1(a, b, length);
    case ENC_HAMMING: break;
    }
    return NAN;
}

/* As +1 and -1 the dot product is what agrees less what differs. */
static double compare_bit(enum enc_metric metric, const uint8_t *a, const uint8_t *b,
                          size_t length)
{
    if (metric != ENC_HAMMING && metric != ENC_COSINE)
        return NAN;
    double differing = (double)enc_ops_get()->hamming(a, b, length / 8);
    if (metric == ENC_HAMMING)
        return differing;
    return length > 0 ? ((double)length - 2 * differing) / (double)length : NAN;
}

double enc_vector_compare(enum enc_metric metric, enum enc_vector_type type, const void *a,
                          const void *b, size_t length)
{
    switch (type) {
    case ENC_FLOAT32: return compare_float32(metric, a, b, length);
    case ENC_INT8: return compare_int8(metric, a, b, length);
    case ENC_BIT: return compare_bit(metric, a, b, length);
    }
    return NAN;
}

/* All bits of the exponent set: infinite or NaN. */
static bool not_finite(const void *v, size_t i)
{
    uint32_t bits;
    memcpy(&bits, (const char *)v + i * sizeof bits, sizeof bits);
    return (bits & 0x7f800000u) == 0x7f800000u;
}

ptrdiff_t enc_vector_not_finite(const void *v, size_t length)
{
    /* Whole blocks first, without a branch per element. */
    enum { BLOCK = 32 };
    size_t i = 0;
    for (; i + BLOCK <= length; i += BLOCK) {
        unsigned any = 0;
        for (size_t j = 0; j < BLOCK; j++)
            any |= not_finite(v, i + j);
        if (any)
            break;
    }
    for (; i < length; i++)
        if (not_finite(v, i))
            return (ptrdiff_t)i;
    return -1;
}

bool enc_vector_normalize(float *v, size_t length)
{
    double norm = sqrt(enc_ops_get()->dot(v, v, length));
    if (norm == 0)
        return false;
    for (size_t i = 0; i < length; i++)
        v[i] = (float)(v[i] / norm);
    return true;
}

void enc_vector_to_int8(const float *v, size_t length, int8_t *out)
{
    /* The step is a float there, the rest is double, and the fraction is dropped. */
    const double step = 2.0f / 255.0f;
    for (size_t i = 0; i < length; i++) {
        double level = ((double)float_at(v, i) + 1.0) / step - 128.0;
        level = level > 127.0 ? 127.0 : level;
        out[i] = (int8_t)(level > -128.0 ? level : -128.0);
    }
}

void enc_vector_to_bit(const float *v, size_t length, uint8_t *out)
{
    for (size_t byte = 0; byte < length / 8; byte++) {
        unsigned bits = 0;
        for (unsigned i = 0; i < 8; i++)
            bits |= (unsigned)(float_at(v, 8 * byte + i) > 0) << i;
        out[byte] = (uint8_t)bits;
    }
}
