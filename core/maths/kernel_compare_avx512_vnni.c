/*
** kernel_compare_avx512_vnni.c - products of int8 with AVX512_VNNI; compiled as kernel_avx512.c
** and with -mavx512vnni.
*/
#if !defined(__clang__)
/* With it gcc copies every sum to another register and back, in every turn of a loop. */
#pragma GCC optimize("no-tree-pre")
#endif

#include "kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "kernel_bytes_fold.inc"

#define BYTES 64

typedef __m512i bytes;

static inline bytes bytes_load(const void *p) { return _mm512_loadu_si512(p); }

/* A load under a mask is slow for data that is in no cache: for short vectors alone. */
static inline bytes bytes_load_part(const char *p, size_t n, bool before)
{
    const uint64_t last = UINT64_MAX << (BYTES - n);
    if (before)
        return _mm512_maskz_mov_epi8(last, bytes_load(p + n - BYTES));
    return _mm512_maskz_loadu_epi8(last >> (BYTES - n), p);
}

typedef __m512i ints;

static inline ints ints_zero(void) { return _mm512_setzero_si512(); }

static inline ints ints_shifted(ints s, bytes a, bytes b)
{
    return _mm512_dpbusd_epi32(s, _mm512_xor_si512(a, _mm512_set1_epi8(-128)), b);
}

static inline ints ints_plain(ints s, bytes b)
{
    return _mm512_dpbusd_epi32(s, _mm512_set1_epi8(1), b);
}

static inline ints ints_product(ints shifted, ints plain)
{
    return _mm512_sub_epi32(shifted, _mm512_slli_epi32(plain, 7));
}

static inline __m256i halves_added(ints v)
{
    return _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
}

static inline int32_t ints_fold(ints v) { return fold8_int32(halves_added(v)); }

static inline three ints_fold3(ints a, ints b, ints c, three total)
{
    return fold8_int32_3(halves_added(a), halves_added(b), halves_added(c), total);
}

#include "kernel_bytes_vnni.inc"

void enc_compare_avx512_vnni(enc_ops *row)
{
    row->int8_sums = kernel_int8_sums;
    row->int8_dot = kernel_int8_dot;
}

#endif
