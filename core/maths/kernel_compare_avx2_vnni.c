/*
** kernel_compare_avx2_vnni.c - products of int8 with AVX-VNNI; compiled as kernel_avx2.c and
** with -mavxvnni.
*/
#if !defined(__clang__)
/* With it gcc copies every sum to another register and back, in every turn of a loop. */
#pragma GCC optimize("no-tree-pre")
#endif

#include "kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "kernel_bytes_fold.inc"

#define BYTES 32

typedef __m256i bytes;

static inline bytes bytes_load(const void *p) { return _mm256_loadu_si256(p); }

static inline bytes bytes_load_part(const char *p, size_t n, bool before)
{
    static const int8_t ramp[2 * BYTES] = {
        [BYTES] = -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    if (before)
        return _mm256_and_si256(bytes_load(p + n - BYTES), bytes_load(ramp + n));
    char copy[BYTES] = {0};
    memcpy(copy, p, n);
    return bytes_load(copy);
}

typedef __m256i ints;

static inline ints ints_zero(void) { return _mm256_setzero_si256(); }

static inline ints ints_shifted(ints s, bytes a, bytes b)
{
    return _mm256_dpbusd_avx_epi32(s, _mm256_xor_si256(a, _mm256_set1_epi8(-128)), b);
}

static inline ints ints_plain(ints s, bytes b)
{
    return _mm256_dpbusd_avx_epi32(s, _mm256_set1_epi8(1), b);
}

static inline ints ints_product(ints shifted, ints plain)
{
    return _mm256_sub_epi32(shifted, _mm256_slli_epi32(plain, 7));
}

static inline int32_t ints_fold(ints v) { return fold8_int32(v); }

static inline three ints_fold3(ints a, ints b, ints c, three total)
{
    return fold8_int32_3(a, b, c, total);
}

#include "kernel_bytes_vnni.inc"

void enc_compare_avx2_vnni(enc_ops *row)
{
    row->int8_sums = kernel_int8_sums;
    row->int8_dot = kernel_int8_dot;
}

#endif
