/*
** vector.c - vectors as SQL sees them: comparison, normalisation, quantisation (encoder.h).
**
** Comparisons are the kernel's (ops.h).
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

/* Apart, with the same arguments: else every comparison would save registers for this call. */
static __attribute__((noinline, cold)) double
compare_with_first_kernel(enum enc_metric metric, enum enc_vector_type type, const void *a,
                          const void *b, size_t length)
{
    enc_ops_choose();
    return enc_vector_compare(metric, type, a, b, length);
}

double enc_vector_compare(enum enc_metric metric, enum enc_vector_type type, const void *a,
                          const void *b, size_t length)
{
    const enc_ops *ops = atomic_load_explicit(&enc_ops_chosen, memory_order_acquire);
    if (!ops)
        return compare_with_first_kernel(metric, type, a, b, length);
    enc_comparison *compare = ops->compare[type][metric];
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
    double norm = sqrt(enc_vector_compare(ENC_DOT, ENC_FLOAT32, v, v, length));
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
