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

/* NaN for a zero vector: the squares of float32 are so far from the smallest double that their
** product is 0 only where a sum is. One root of the product of two sums, not a product of two
** roots: then a vector's cosine with itself is exactly 1. */
static double cosine_of(double ab, double aa, double bb)
{
    const double squares = aa * bb;
    if (!(squares > 0))
        return NAN;
    double cosine = ab / sqrt(squares);
    return cosine > 1 ? 1 : cosine < -1 ? -1 : cosine;
}

static double float32_cosine(const void *a, const void *b, size_t length)
{
    double sums[3];
    enc_ops_get()->cosine_sums(a, b, length, sums);
    return cosine_of(sums[0], sums[1], sums[2]);
}

static double float32_dot(const void *a, const void *b, size_t length)
{
    return enc_ops_get()->dot(a, b, length);
}

static double float32_l2(const void *a, const void *b, size_t length)
{
    return sqrt(enc_ops_get()->l2_squared(a, b, length));
}

static double float32_l1(const void *a, const void *b, size_t length)
{
    return enc_ops_get()->l1(a, b, length);
}

static double int8_cosine(const void *a, const void *b, size_t length)
{
    int64_t sums[3];
    enc_ops_get()->int8_sums(a, b, length, sums);
    return cosine_of((double)sums[0], (double)sums[1], (double)sums[2]);
}

static double int8_dot(const void *a, const void *b, size_t length)
{
    return (double)enc_ops_get()->int8_dot(a, b, length);
}

static double int8_l2(const void *a, const void *b, size_t length)
{
    return sqrt((double)enc_ops_get()->int8_l2_squared(a, b, length));
}

static double int8_l1(const void *a, const void *b, size_t length)
{
    return (double)enc_ops_get()->int8_l1(a, b, length);
}

static double bit_hamming(const void *a, const void *b, size_t length)
{
    return (double)enc_ops_get()->hamming(a, b, length / 8);
}

/* As +1 and -1 the dot product is what agrees less what differs. */
static double bit_cosine(const void *a, const void *b, size_t length)
{
    const double elements = (double)(int64_t)length;
    return length > 0 ? (elements - 2 * bit_hamming(a, b, length)) / elements : NAN;
}

/* NULL: makes no sense. A comparison of short vectors takes a few nanoseconds: one jump leads
** to it. */
typedef double comparison(const void *a, const void *b, size_t length);

static comparison *const comparisons[3][5] = {
    [ENC_FLOAT32] = {[ENC_COSINE] = float32_cosine,
                     [ENC_DOT] = float32_dot,
                     [ENC_L2] = float32_l2,
                     [ENC_L1] = float32_l1},
    [ENC_INT8] = {[ENC_COSINE] = int8_cosine,
                  [ENC_DOT] = int8_dot,
                  [ENC_L2] = int8_l2,
                  [ENC_L1] = int8_l1},
    [ENC_BIT] = {[ENC_COSINE] = bit_cosine, [ENC_HAMMING] = bit_hamming},
};

double enc_vector_compare(enum enc_metric metric, enum enc_vector_type type, const void *a,
                          const void *b, size_t length)
{
    comparison *compare = comparisons[type][metric];
    return compare ? compare(a, b, length) : NAN;
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
