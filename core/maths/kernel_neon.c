/*
** kernel_neon.c - the kernel for arm64, every one of which has these instructions.
*/
#include "kernel.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define KERNEL enc_ops_neon
#define KERNEL_NAME "neon"
#define INT8_PRODUCT enc_int8_neon
#define SCANS enc_scan_neon
#define WIDTH 4
#define PANEL_VECS 4
#define LAYOUT "float32x16"
#define TILE_ROWS 6 /* 24 of the 32 registers are sums, 4 the panel */

typedef float32x4_t vec;

static inline vec vec_load(const float *x) { return vld1q_f32(x); }
static inline void vec_store(float *x, vec v) { vst1q_f32(x, v); }
static inline vec vec_set(float x) { return vdupq_n_f32(x); }
static inline vec vec_add(vec a, vec b) { return vaddq_f32(a, b); }
static inline vec vec_sub(vec a, vec b) { return vsubq_f32(a, b); }
static inline vec vec_mul(vec a, vec b) { return vmulq_f32(a, b); }
static inline vec vec_div(vec a, vec b) { return vdivq_f32(a, b); }
static inline vec vec_fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
static inline vec vec_max(vec a, vec b) { return vmaxq_f32(a, b); }
static inline vec vec_min(vec a, vec b) { return vminq_f32(a, b); }
static inline vec vec_abs(vec v) { return vabsq_f32(v); }

static inline vec vec_load_part(const float *x, size_t n, vec fill)
{
    float lane[WIDTH];
    vst1q_f32(lane, fill);
    for (size_t i = 0; i < WIDTH && i < n; i++)
        lane[i] = x[i];
    return vld1q_f32(lane);
}

static inline void vec_store_part(float *x, vec v, size_t n)
{
    float lane[WIDTH];
    vst1q_f32(lane, v);
    for (size_t i = 0; i < WIDTH && i < n; i++)
        x[i] = lane[i];
}

static inline vec vec_less(vec a, vec b, vec x, vec y)
{
    return vbslq_f32(vcltq_f32(a, b), x, y);
}

static inline vec vec_copy_sign(vec size, vec sign)
{
    return vbslq_f32(vdupq_n_u32(0x80000000u), sign, size);
}

static inline vec vec_exp2_of_shifted(vec v)
{
    return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(v), 23));
}

static inline vec vec_load_words(const void *x)
{
    return vreinterpretq_f32_u8(vld1q_u8(x));
}

static inline vec vec_low_half(vec v)
{
    return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(v), 16));
}

static inline vec vec_high_half(vec v)
{
    uint32x4_t high = vandq_u32(vreinterpretq_u32_f32(v), vdupq_n_u32(0xffff0000u));
    return vreinterpretq_f32_u32(high);
}

static inline float vec_fold_add(vec v)
{
    float32x2_t x = vadd_f32(vget_low_f32(v), vget_high_f32(v));
    return vget_lane_f32(x, 0) + vget_lane_f32(x, 1);
}

static inline float vec_fold_max(vec v) { return vmaxvq_f32(v); }

static inline void transpose_8x8(const float *from, size_t from_stride, float *to,
                                 size_t to_stride)
{
    for (size_t i = 0; i < 8; i += 4) {
        for (size_t j = 0; j < 8; j += 4) {
            const float *row = from + i * from_stride + j;
            float32x4_t a = vld1q_f32(row), b = vld1q_f32(row + from_stride);
            float32x4_t c = vld1q_f32(row + 2 * from_stride);
            float32x4_t d = vld1q_f32(row + 3 * from_stride);
            float64x2_t ab0 = vreinterpretq_f64_f32(vtrn1q_f32(a, b));
            float64x2_t ab1 = vreinterpretq_f64_f32(vtrn2q_f32(a, b));
            float64x2_t cd0 = vreinterpretq_f64_f32(vtrn1q_f32(c, d));
            float64x2_t cd1 = vreinterpretq_f64_f32(vtrn2q_f32(c, d));
            float *column = to + j * to_stride + i;
            vst1q_f32(column, vreinterpretq_f32_f64(vtrn1q_f64(ab0, cd0)));
            vst1q_f32(column + to_stride, vreinterpretq_f32_f64(vtrn1q_f64(ab1, cd1)));
            vst1q_f32(column + 2 * to_stride, vreinterpretq_f32_f64(vtrn2q_f64(ab0, cd0)));
            vst1q_f32(column + 3 * to_stride, vreinterpretq_f32_f64(vtrn2q_f64(ab1, cd1)));
        }
    }
}

#define WIDE_WIDTH 2

typedef float64x2_t wide;

static inline wide wide_load(const void *x)
{
    return vcvt_f64_f32(vreinterpret_f32_u8(vld1_u8(x)));
}

/* n is 1. */
static inline wide wide_load_part(const void *x, size_t n)
{
    float lane[WIDE_WIDTH] = {0};
    memcpy(lane, x, n * sizeof *lane);
    return wide_load(lane);
}

static inline wide wide_set(double x) { return vdupq_n_f64(x); }
static inline wide wide_add(wide a, wide b) { return vaddq_f64(a, b); }
static inline wide wide_sub(wide a, wide b) { return vsubq_f64(a, b); }
static inline wide wide_mul(wide a, wide b) { return vmulq_f64(a, b); }
static inline wide wide_fma(wide a, wide b, wide c) { return vfmaq_f64(c, a, b); }
static inline wide wide_abs(wide v) { return vabsq_f64(v); }

static inline double wide_fold_add(wide v)
{
    return vgetq_lane_f64(v, 0) + vgetq_lane_f64(v, 1);
}

#include "kernel_body.inc"

#endif
