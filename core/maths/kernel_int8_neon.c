/*
** kernel_int8_neon.c - products with 8-bit weights for arm64 without dot products. Products of 8
** bits fit 16, and neighbours are added to sums of 32: a column has two of these.
*/
#include "kernel.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <stdbool.h>
#include <string.h>

#include "kernel_int8.h"

#define PRODUCT enc_int8_neon
#define TILE_ROWS 3 /* 24 of the 32 registers are sums, 4 the panel */

#include "kernel_int8_neon.inc"

/* Of columns 0 and 1, of columns 2 and 3. */
typedef struct sum {
    int32x4_t low;
    int32x4_t high;
} sum;

static inline sum sum_start(ivec first)
{
    const ivec none = ivec_set(0);
    return (sum){vzip1q_s32(first, none), vzip2q_s32(first, none)};
}

static inline ivec sum_total(sum s) { return vpaddq_s32(s.low, s.high); }

static inline sum sum_dot(sum s, taken t, weights w)
{
    const int16x8_t low = vmull_s8(vget_low_s8(t), vget_low_s8(w));
    const int16x8_t high = vmull_high_s8(t, w);
    return (sum){vpadalq_s16(s.low, low), vpadalq_s16(s.high, high)};
}

#include "kernel_int8.inc"

#endif
