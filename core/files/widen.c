/* widen.c - see widen.h. */
#include "widen.h"

#include <stdint.h>
#include <string.h>

#include "dequantize.h"
#include "float_bits.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "weights are read in place: a little-endian machine is needed"
#endif

enc_block enc_dtype_block(enum enc_dtype dtype)
{
    switch (dtype) {
    case ENC_DTYPE_F16: case ENC_DTYPE_BF16: return (enc_block){1, 2};
    case ENC_DTYPE_F32: return (enc_block){1, 4};
    case ENC_DTYPE_F64: return (enc_block){1, 8};
    case ENC_DTYPE_OTHER: break;
    default: return enc_quant_find(dtype)->block;
    }
    return (enc_block){0, 0};
}

/* IEEE 754 binary16: sign, 5 bits of exponent (bias 15), 10 of fraction. */
static float from_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = half >> 10 & 31, fraction = half & 0x3FF;
    if (exponent == 31)
        return enc_float_of_bits(sign | 0x7F800000 | fraction << 13);
    if (exponent > 0)
        return enc_float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float subnormal = (float)fraction * 0x1p-24f;
    return sign ? -subnormal : subnormal;
}

static void widen_halves(const unsigned char *raw, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, raw + 2 * i, sizeof half);
        out[i] = from_half(half);
    }
}

static void widen_bfloats(const unsigned char *raw, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t upper;
        memcpy(&upper, raw + 2 * i, sizeof upper);
        out[i] = enc_float_of_bf16(upper);
    }
}

static void narrow_doubles(const unsigned char *raw, size_t n, float *out)
{
    /* Half a unit beyond the largest float32: from here on rounding gives infinity, and the
    ** conversion of a value out of range would be undefined. */
    const double limit = 0x1.ffffffp127;
    for (size_t i = 0; i < n; i++) {
        double value;
        memcpy(&value, raw + 8 * i, sizeof value);
        if (value >= limit)
            out[i] = enc_float_of_bits(0x7F800000);
        else if (value <= -limit)
            out[i] = enc_float_of_bits(0xFF800000);
        else
            out[i] = (float)value;
    }
}

void enc_widen(enum enc_dtype dtype, const void *raw, size_t n, float *out)
{
    switch (dtype) {
    case ENC_DTYPE_F32:
        if (raw != out)
            memcpy(out, raw, n * sizeof *out);
        break;
    case ENC_DTYPE_F16: widen_halves(raw, n, out); break;
    case ENC_DTYPE_BF16: widen_bfloats(raw, n, out); break;
    case ENC_DTYPE_F64: narrow_doubles(raw, n, out); break;
    case ENC_DTYPE_OTHER: break;
    default: {
        const enc_quant *quant = enc_quant_find(dtype);
        quant->widen(raw, n / quant->block.elements, out);
    }
    }
}
