/*
** kernel_int8_layout.c - matrices of 8-bit weights: into the layout of kernel_int8.h and back.
** The same for all kernels. Loops are written so that a compiler makes vectors of them.
*/
#include "kernel_int8.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "float_bits.h"
#include "kernel.h"

enum {
    LARGEST = 127, /* -128 has no opposite, and two products with it would not fit 16 bits */
    CHUNK = 64,    /* depths on their way, a multiple of INT8_DEPTHS */
    INFINITE = 0x7f800000
};

/* Largest |x|, as its bits, which are ordered like the numbers; from INFINITE on something is
** infinite or no number. */
static uint32_t largest_bits(const float *x, size_t count, size_t stride)
{
    uint32_t most = 0;
    for (size_t j = 0; j < count; j++) {
        const uint32_t bits = enc_bits_of_float(x[j * stride]) & 0x7fffffff;
        most = bits > most ? bits : most;
    }
    return most;
}

/* A column's scale. 0 for a column that is zero or so small that 1 / scale would overflow; not
** a number for one that is not finite. */
static float column_scale(const float *column, size_t k, size_t stride)
{
    uint32_t bits = stride == 1 ? largest_bits(column, k, 1) : largest_bits(column, k, stride);
    if (bits >= INFINITE)
        return NAN;
    float scale = enc_float_of_bits(bits) / (float)LARGEST;
    return scale < FLT_MIN ? 0.0f : scale;
}

static void quantise(const float *x, size_t count, size_t stride, float inverse, int8_t *to)
{
    for (size_t j = 0; j < count; j++)
        to[j] = (int8_t)enc_nearest(x[j * stride] * inverse);
}

/* Column `at` of a panel that has been filled with zeros. */
static void pack_column(const float *column, size_t k, size_t stride, size_t at, int8_t *panel)
{
    int8_t *behind = panel + int8_groups(k) * INT8_GROUP;
    float scale = column_scale(column, k, stride);
    int32_t sum = 0;
    memcpy(behind + at * sizeof scale, &scale, sizeof scale);
    if (!(scale > 0))
        return;
    float inverse = 1.0f / scale;
    for (size_t first = 0; first < k; first += CHUNK) {
        int8_t q[CHUNK] = {0};
        size_t count = k - first < CHUNK ? k - first : CHUNK;
        if (stride == 1)
            quantise(column + first, count, 1, inverse, q);
        else
            quantise(column + first * stride, count, stride, inverse, q);
        int8_t *to = panel + first / INT8_DEPTHS * INT8_GROUP + at * INT8_DEPTHS;
        for (size_t j = 0; j < count; j += INT8_DEPTHS, to += INT8_GROUP)
            memcpy(to, q + j, INT8_DEPTHS);
        for (size_t j = 0; j < CHUNK; j++)
            sum += q[j];
    }
    behind += INT8_COLUMNS * sizeof scale;
    memcpy(behind + at * sizeof sum, &sum, sizeof sum);
}

size_t enc_int8_packed_size(size_t n, size_t k)
{
    return (n + INT8_COLUMNS - 1) / INT8_COLUMNS * int8_panel_bytes(k);
}

void enc_int8_pack(const float *source, size_t n, size_t k, size_t column_stride,
                   size_t depth_stride, void *packed)
{
    memset(packed, 0, enc_int8_packed_size(n, k));
    for (size_t i = 0; i < n; i++)
        pack_column(source + i * column_stride, k, depth_stride, i % INT8_COLUMNS,
                    (int8_t *)packed + i / INT8_COLUMNS * int8_panel_bytes(k));
}

void enc_int8_unpack(const void *packed, size_t n, size_t k, float *columns)
{
    for (size_t i = 0; i < n; i++) {
        const size_t at = i % INT8_COLUMNS;
        const int8_t *panel =
            (const int8_t *)packed + i / INT8_COLUMNS * int8_panel_bytes(k);
        float scale;
        memcpy(&scale, panel + int8_groups(k) * INT8_GROUP + at * sizeof scale, sizeof scale);
        const int8_t *column = panel + at * INT8_DEPTHS;
        for (size_t j = 0; j < k; j++)
            columns[i * k + j] =
                scale * column[j / INT8_DEPTHS * INT8_GROUP + j % INT8_DEPTHS];
    }
}
