/*
** kernel_avx512.c - the kernel for AVX-512; compiled with -mavx512f -mavx512dq -mavx512bw
** -mavx512vl -mfma, so nothing here may run before ops.c has asked the processor.
*/
#include "kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernel_x86.inc"

#define KERNEL enc_ops_avx512
#define KERNEL_NAME "avx512"
#define INT8_PRODUCT enc_int8_avx512
#define SCANS enc_scan_avx512
#define WIDTH 16
#define PANEL_VECS 2
#define LAYOUT "float32x32"
#define TILE_ROWS 12 /* 24 of the 32 registers are sums */

typedef __m512 vec;

/* The first n of 16 lanes. */
static inline __mmask16 first_lanes(size_t n)
{
    return n < 16 ? (__mmask16)((1u << n) - 1) : (__mmask16)0xffff;
}

static inline vec vec_load(const float *x) { return _mm512_loadu_ps(x); }
static inline void vec_store(float *x, vec v) { _mm512_storeu_ps(x, v); }

static inline vec vec_load_part(const float *x, size_t n, vec fill)
{
    return _mm512_mask_loadu_ps(fill, first_lanes(n), x);
}

static inline __m256 low_half(vec v) { return _mm512_castps512_ps256(v); }
static inline __m256 high_half(vec v) { return _mm512_extractf32x8_ps(v, 1); }

static inline void vec_store_part(float *x, vec v, size_t n)
{
    if (n >= 16) {
        _mm512_storeu_ps(x, v);
    } else if (n & 8) {
        _mm256_storeu_ps(x, low_half(v));
        store8_part(x + 8, high_half(v), n & 7);
    } else {
        store8_part(x, low_half(v), n);
    }
}

static inline vec vec_set(float x) { return _mm512_set1_ps(x); }
static inline vec vec_add(vec a, vec b) { return _mm512_add_ps(a, b); }
static inline vec vec_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
static inline vec vec_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static inline vec vec_div(vec a, vec b) { return _mm512_div_ps(a, b); }
static inline vec vec_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline vec vec_max(vec a, vec b) { return _mm512_max_ps(a, b); }
static inline vec vec_min(vec a, vec b) { return _mm512_min_ps(a, b); }

static inline vec vec_less(vec a, vec b, vec x, vec y)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), y, x);
}

static inline vec vec_abs(vec v) { return _mm512_andnot_ps(vec_set(-0.0f), v); }

static inline vec vec_copy_sign(vec size, vec sign)
{
    return _mm512_or_ps(vec_abs(size), _mm512_and_ps(vec_set(-0.0f), sign));
}

static inline vec vec_exp2_of_shifted(vec v)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(v), 23));
}

static inline vec vec_load_words(const void *x) { return _mm512_loadu_ps(x); }

static inline vec vec_low_half(vec v)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(v), 16));
}

static inline vec vec_high_half(vec v)
{
    return _mm512_and_ps(v, _mm512_castsi512_ps(_mm512_set1_epi32(-0x10000)));
}

static inline float vec_fold_add(vec v)
{
    return fold8_add(_mm256_add_ps(low_half(v), high_half(v)));
}

static inline float vec_fold_max(vec v)
{
    return fold8_max(_mm256_max_ps(low_half(v), high_half(v)));
}

#define WIDE_WIDTH 8

typedef __m512d wide;

static inline wide wide_load(const void *x)
{
    return _mm512_cvtps_pd(_mm256_loadu_ps(x));
}

static inline wide wide_load_part(const void *x, size_t n)
{
    return _mm512_cvtps_pd(_mm256_maskz_loadu_ps((__mmask8)first_lanes(n), x));
}

static inline wide wide_set(double x) { return _mm512_set1_pd(x); }
static inline wide wide_add(wide a, wide b) { return _mm512_add_pd(a, b); }
static inline wide wide_sub(wide a, wide b) { return _mm512_sub_pd(a, b); }
static inline wide wide_mul(wide a, wide b) { return _mm512_mul_pd(a, b); }
static inline wide wide_fma(wide a, wide b, wide c) { return _mm512_fmadd_pd(a, b, c); }
static inline wide wide_abs(wide v) { return _mm512_andnot_pd(wide_set(-0.0), v); }

static inline double wide_fold_add(wide v)
{
    return fold4_add(
        _mm256_add_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd(v, 1)));
}

#include "kernel_bytes_avx512.inc"

#include "kernel_body.inc"

#endif
