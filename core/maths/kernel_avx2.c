/*
** kernel_avx2.c - the kernel for AVX2 with FMA; compiled with -mavx2 -mfma, so nothing
** here may run before ops.c has asked the processor.
*/
#include "kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernel_x86.inc"

#define KERNEL enc_ops_avx2
#define KERNEL_NAME "avx2"
#define INT8_PRODUCT enc_int8_avx2
#define SCANS enc_scan_avx2
#define WIDTH 8
#define PANEL_VECS 2
#define LAYOUT "float32x16"
#define TILE_ROWS 6  /* 12 of the 16 registers are sums, 2 the panel, 1 an element of x */

typedef __m256 vec;

/* The first n of 8 lanes, n <= 8. */
static inline __m256i first_lanes(size_t n)
{
    static const int32_t ramp[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(const void *)(ramp + 8 - (n < 8 ? n : 8)));
}

static inline vec vec_load(const float *x) { return _mm256_loadu_ps(x); }
static inline void vec_store(float *x, vec v) { _mm256_storeu_ps(x, v); }

static inline vec vec_load_part(const float *x, size_t n, vec fill)
{
    __m256i lanes = first_lanes(n);
    return _mm256_blendv_ps(fill, _mm256_maskload_ps(x, lanes), _mm256_castsi256_ps(lanes));
}

static inline void vec_store_part(float *x, vec v, size_t n)
{
    if (n >= 8)
        _mm256_storeu_ps(x, v);
    else
        store8_part(x, v, n);
}

static inline vec vec_set(float x) { return _mm256_set1_ps(x); }
static inline vec vec_add(vec a, vec b) { return _mm256_add_ps(a, b); }
static inline vec vec_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
static inline vec vec_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
static inline vec vec_div(vec a, vec b) { return _mm256_div_ps(a, b); }
static inline vec vec_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
static inline vec vec_max(vec a, vec b) { return _mm256_max_ps(a, b); }
static inline vec vec_min(vec a, vec b) { return _mm256_min_ps(a, b); }

static inline vec vec_less(vec a, vec b, vec x, vec y)
{
    return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}

static inline vec vec_abs(vec v) { return _mm256_andnot_ps(vec_set(-0.0f), v); }

static inline vec vec_copy_sign(vec size, vec sign)
{
    return _mm256_or_ps(vec_abs(size), _mm256_and_ps(vec_set(-0.0f), sign));
}

static inline vec vec_exp2_of_shifted(vec v)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(v), 23));
}

static inline vec vec_load_words(const void *x) { return _mm256_loadu_ps(x); }

static inline vec vec_low_half(vec v)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(v), 16));
}

/* Two shifts: a mask would take one of the 16 registers. */
static inline vec vec_high_half(vec v)
{
    __m256i low = _mm256_srli_epi32(_mm256_castps_si256(v), 16);
    return _mm256_castsi256_ps(_mm256_slli_epi32(low, 16));
}

static inline float vec_fold_add(vec v) { return fold8_add(v); }
static inline float vec_fold_max(vec v) { return fold8_max(v); }

#define WIDE_WIDTH 4

typedef __m256d wide;

static inline wide wide_load(const void *x) { return _mm256_cvtps_pd(_mm_loadu_ps(x)); }

static inline wide wide_load_part(const void *x, size_t n)
{
    return _mm256_cvtps_pd(_mm_maskload_ps(x, _mm256_castsi256_si128(first_lanes(n))));
}

static inline wide wide_set(double x) { return _mm256_set1_pd(x); }
static inline wide wide_add(wide a, wide b) { return _mm256_add_pd(a, b); }
static inline wide wide_sub(wide a, wide b) { return _mm256_sub_pd(a, b); }
static inline wide wide_mul(wide a, wide b) { return _mm256_mul_pd(a, b); }
static inline wide wide_fma(wide a, wide b, wide c) { return _mm256_fmadd_pd(a, b, c); }
static inline wide wide_abs(wide v) { return _mm256_andnot_pd(wide_set(-0.0), v); }
static inline double wide_fold_add(wide v) { return fold4_add(v); }

#include "kernel_bytes_avx2.inc"

#include "kernel_body.inc"

#endif
