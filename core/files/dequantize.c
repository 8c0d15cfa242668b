/* dequantize.c - see dequantize.h. Blocks of 32 first, then the "K" types: blocks of 256 in 8
** or 16 parts, each part with a scale (and a minimum) of 4 to 8 bits. */
#include "dequantize.h"

enum { SMALL = 32, LARGE = 256 };

static float half_at(const unsigned char *raw)
{
    float value;
    enc_widen(ENC_DTYPE_F16, raw, 1, &value);
    return value;
}

/* ---- Blocks of 32: byte j has element j in its low half and j + 16 in its high half --- */

/* d, 16 bytes: (q - 8) * d */
static void widen_q4_0(const unsigned char *block, size_t blocks, float *out)
{
    for (size_t b = 0; b < blocks; b++, block += 18, out += SMALL) {
        const float d = half_at(block);
        const unsigned char *q = block + 2;
        for (int j = 0; j < SMALL / 2; j++) {
            out[j] = d * (float)((q[j] & 15) - 8);
            out[j + SMALL / 2] = d * (float)((q[j] >> 4) - 8);
        }
    }
}

/* d, m, 16 bytes: q * d + m */
static void widen_q4_1(const unsigned char *block, size_t blocks, float *out)
{
    for (size_t b = 0; b < blocks; b++, block += 20, out += SMALL) {
        const float d = half_at(block), m = half_at(block + 2);
        const unsigned char *q = block + 4;
        for (int j = 0; j < SMALL / 2; j++) {
            out[j] = d * (float)(q[j] & 15) + m;
            out[j + SMALL / 2] = d * (float)(q[j] >> 4) + m;
        }
    }
}

/* Element j of a block of five-bit numbers: four bits of `low`, the fifth is bit j of the
** four bytes of `high`. */
static int five_bits(const unsigned char *high, const unsigned char *low, int j)
{
    int four = j < SMALL / 2 ? low[j] & 15 : low[j - SMALL / 2] >> 4;
    return four | (high[j / 8] >> j % 8 & 1) << 4;
}

/* d, 4 bytes of fifth bits, 16 bytes: (q - 16) * d */
static void widen_q5_0(const unsigned char *block, size_t blocks, float *out)
{
    for (size_t b = 0; b < blocks; b++, block += 22, out += SMALL) {
        const float d = half_at(block);
        for (int j = 0; j < SMALL; j++)
            out[j] = d * (float)(five_bits(block + 2, block + 6, j) - 16);
    }
}

/* d, m, 4 bytes of fifth bits, 16 bytes: q * d + m */
static void widen_q5_1(const unsigned char *block, size_t blocks, float *out)
{
    for (size_t b = 0; b < blocks; b++, block += 24, out += SMALL) {
        const float d = half_at(block), m = half_at(block + 2);
        for (int j = 0; j < SMALL; j++)
            out[j] = d * (float)five_bits(block + 4, block + 8, j) + m;
    }
}

/* d, 32 signed bytes: q * d */
static void widen_q8_0(const unsigned char *block, size_t blocks, float *out)
{
    for (size_t b = 0; b < blocks; b++, block += 34, out += SMALL) {
        const float d = half_at(block);
        for (int j = 0; j < SMALL; j++)
            out[j] = d * (float)(signed char)block[2 + j];
    }
}

/* ---- Blocks of 256 -------------------------------------------------------------------- */

/* Element i of a block that keeps two bits of it: 32 bytes hold 128 elements, bits 0 and 1 of
** all bytes first. */
static int two_bits(const unsigned char *packed, int i)
{
    return packed[i / 128 * 32 + i % 32] >> i % 128 / 32 * 2 & 3;
}

/* Element i of a block that keeps one bit of it: 32 bytes, bit 0 of all bytes first. */
static int one_bit(const unsigned char *packed, int i)
{
    return packed[i % 32] >> i / 32 & 1;
}

/* 16 bytes of scale (low half) and minimum (high half) of 16 elements each, 64 bytes, d, dmin:
** q * (d * scale) - dmin * minimum */
static void widen_q2_k(const unsigned char *block, size_t blocks, float *out)
{
    for (size_t b = 0; b < blocks; b++, block += 84, out += LARGE) {
        const float d = half_at(block + 80), dmin = half_at(block + 82);
        for (int i = 0; i < LARGE; i++) {
            const float scale = d * (float)(block[i / 16] & 15);
            const float minimum = dmin * (float)(block[i / 16] >> 4);
            out[i] = scale * (float)two_bits(block + 16, i) - minimum;
        }
    }
}

/* The 16 scales of six bits in 12 bytes: four bits in the first eight, two in the last four. */
static int q3_scale(const unsigned char *packed, int part)
{
    int low = part < 8 ? packed[part] & 15 : packed[part - 8] >> 4;
    int high = packed[8 + part % 4] >> part / 4 * 2 & 3;
    return (low | high << 4) - 32;
}

/* 32 bytes of third bits, 64 bytes, 12 bytes of scales, d: q * (d * scale), where q is two bits
** less four unless the third bit is set */
static void widen_q3_k(const unsigned char *block, size_t blocks, float *out)
{
    for (size_t b = 0; b < blocks; b++, block += 110, out += LARGE) {
        const float d = half_at(block + 108);
        for (int i = 0; i < LARGE; i++) {
            const float scale = d * (float)q3_scale(block + 96, i / 16);
            const int q = two_bits(block + 32, i) - (one_bit(block, i) ? 0 : 4);
            out[i] = scale * (float)q;
        }
    }
}

/* Scale and minimum of part 0 ... 7, six bits each, from 12 bytes: those of the first four in
** the low six bits of bytes 0 ... 3 and 4 ... 7; of the others the upper two bits stand above
** those, and the lower four in the halves of bytes 8 ... 11. */
static void q4_scales(const unsigned char *packed, int part, int *scale, int *minimum)
{
    if (part < 4) {
        *scale = packed[part] & 63;
        *minimum = packed[part + 4] & 63;
    } else {
        *scale = (packed[part + 4] & 15) | (packed[part - 4] >> 6) << 4;
        *minimum = packed[part + 4] >> 4 | (packed[part] >> 6) << 4;
    }
}

/* Element i of a block that keeps four bits of it: 32 bytes hold 64 elements, low halves
** first. */
static int four_bits(const unsigned char *packed, int i)
{
    return packed[i / 64 * 32 + i % 32] >> i % 64 / 32 * 4 & 15;
}

/* d, dmin, 12 bytes of scales and minimums, 128 bytes: q * (d * scale) - dmin * minimum */
static void widen_q4_k(const unsigned char *block, size_t blocks, float *out)
{
    for (size_t b = 0; b < blocks; b++, block += 144, out += LARGE) {
        const float d = half_at(block), dmin = half_at(block + 2);
        for (int part = 0; part < LARGE / 32; part++) {
            int scale, minimum;
            q4_scales(block + 4, part, &scale, &minimum);
            const float step = d * (float)scale, least = dmin * (float)minimum;
            for (int i = part * 32; i < part * 32 + 32; i++)
                out[i] = step * (float)four_bits(block + 16, i) - least;
        }
    }
}

/* d, dmin, 12 bytes of scales and minimums, 32 bytes of fifth bits, 128 bytes: likewise */
static void widen_q5_k(const unsigned char *block, size_t blocks, float *out)
{
    for (size_t b = 0; b < blocks; b++, block += 176, out += LARGE) {
        const float d = half_at(block), dmin = half_at(block + 2);
        for (int part = 0; part < LARGE / 32; part++) {
            int scale, minimum;
            q4_scales(block + 4, part, &scale, &minimum);
            const float step = d * (float)scale, least = dmin * (float)minimum;
            for (int i = part * 32; i < part * 32 + 32; i++) {
                const int q = four_bits(block + 48, i) | one_bit(block + 16, i) << 4;
                out[i] = step * (float)q - least;
            }
        }
    }
}

/* 128 bytes, 64 bytes of upper two bits, 16 signed scales, d: (q - 32) * (d * scale). Here 64
** bytes hold 128 elements, low halves first. */
static void widen_q6_k(const unsigned char *block, size_t blocks, float *out)
{
    for (size_t b = 0; b < blocks; b++, block += 210, out += LARGE) {
        const float d = half_at(block + 208);
        for (int i = 0; i < LARGE; i++) {
            const float scale = d * (float)(signed char)block[192 + i / 16];
            const int low = block[i / 128 * 64 + i % 64] >> i % 128 / 64 * 4 & 15;
            const int q = (low | two_bits(block + 128, i) << 4) - 32;
            out[i] = scale * (float)q;
        }
    }
}

/* ---- The table ------------------------------------------------------------------------ */

static const enc_quant quants[] = {
    {ENC_DTYPE_Q4_0, {SMALL, 18}, widen_q4_0},  {ENC_DTYPE_Q4_1, {SMALL, 20}, widen_q4_1},
    {ENC_DTYPE_Q5_0, {SMALL, 22}, widen_q5_0},  {ENC_DTYPE_Q5_1, {SMALL, 24}, widen_q5_1},
    {ENC_DTYPE_Q8_0, {SMALL, 34}, widen_q8_0},  {ENC_DTYPE_Q2_K, {LARGE, 84}, widen_q2_k},
    {ENC_DTYPE_Q3_K, {LARGE, 110}, widen_q3_k}, {ENC_DTYPE_Q4_K, {LARGE, 144}, widen_q4_k},
    {ENC_DTYPE_Q5_K, {LARGE, 176}, widen_q5_k}, {ENC_DTYPE_Q6_K, {LARGE, 210}, widen_q6_k},
};

const enc_quant *enc_quant_find(enum enc_dtype dtype)
{
    for (size_t i = 0; i < sizeof quants / sizeof *quants; i++)
        if (quants[i].dtype == dtype)
            return &quants[i];
    return NULL;
}
