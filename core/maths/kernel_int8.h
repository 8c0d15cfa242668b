/*
** kernel_int8.h - what the 8-bit products of all kernels have in common: how a matrix is laid
** out, so that one packed file serves every processor, and how a row becomes 8 bits, so that
** every kernel computes the same integers.
**
** Weights: an integer of -127 ... 127 and a scale for each column, w = scale * q. Rows of x: an
** integer of 0 ... 255, and a scale and a zero point for each row, x = scale * (q - zero). Then
**     y = (sum of q_x q_w - zero * sum of q_w) * (scale_x * scale_w) + bias
** where the bracket is exact in 32 bits and the rest is one multiplication and one addition in
** float32, never fused: the bits are the same on every kernel, as far as the activation.
**
** Layout "int8x32": panels of 32 columns. In a panel, groups of 4 depths, [32][4] integers
** each, then 32 float scales, then the 32 columns' sums of integers. Depths beyond k and columns
** beyond n are zero.
*/
#ifndef ENC_KERNEL_INT8_H
#define ENC_KERNEL_INT8_H

#include <stddef.h>
#include <stdint.h>

#define INT8_LAYOUT "int8x32"

enum {
    INT8_COLUMNS = 32, /* of a panel */
    INT8_DEPTHS = 4,   /* of a group */
    INT8_GROUP = INT8_COLUMNS * INT8_DEPTHS,
    INT8_LINE = 64 /* bytes; prepared rows start at a multiple */
};

/* At least one, so that loops over them may test behind. */
static inline size_t int8_groups(size_t k)
{
    return k > 0 ? (k + INT8_DEPTHS - 1) / INT8_DEPTHS : 1;
}

/* Bytes of a panel, a multiple of 64: integers, scales, sums. */
static inline size_t int8_panel_bytes(size_t k)
{
    return int8_groups(k) * INT8_GROUP + INT8_COLUMNS * (sizeof(float) + sizeof(int32_t));
}

/* For enc_product; the same for all kernels. */
size_t enc_int8_packed_size(size_t n, size_t k);
void enc_int8_pack(const float *source, size_t n, size_t k, size_t column_stride,
                   size_t depth_stride, void *packed);
void enc_int8_unpack(const void *packed, size_t n, size_t k, float *columns);

#endif
