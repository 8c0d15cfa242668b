/*
** float_bits.h - numbers as their bits: float32 to bf16 and back, and to the nearest integer, the
** same bits on every kernel.
*/
#ifndef ENC_FLOAT_BITS_H
#define ENC_FLOAT_BITS_H

#include <stdint.h>
#include <string.h>

static inline uint32_t enc_bits_of_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float enc_float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* bfloat16 is the upper half of a float32. */
static inline float enc_float_of_bf16(uint16_t upper)
{
    return enc_float_of_bits((uint32_t)upper << 16);
}

/* The bits of a number: the upper half is it as bf16, to nearest even. The largest ones become
** infinite; what is no number may become infinite too. */
static inline uint32_t enc_bf16_rounded(uint32_t bits)
{
    return bits + 0x7fff + (bits >> 16 & 1);
}

/* The nearest integer, |x| <= 2^22, to even in the middle: adding 1.5 * 2^23 leaves it in the low
** bits of the sum. */
static inline int32_t enc_nearest(float x)
{
    return (int32_t)(enc_bits_of_float(x + 12582912.0f) - 0x4B400000);
}

#endif
