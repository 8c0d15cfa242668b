/*
** kernel_scan_avx512bw.c - scans over codes with AVX-512 whose products of bytes saturate, which
** those of four bits are too small for; single bits are widened to 16 on the way; compiled as kernel_avx512.c.
*/
#if !defined(__clang__)
/* With it gcc copies every sum to another register and back, in every turn of a loop. */
#pragma GCC optimize("no-tree-pre")
#endif

#include "kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define SCAN enc_scan_avx512
#define STEP 32

typedef __m512i taken;
typedef __m512i plane;
typedef __m512i ints;

static inline taken taken_bits(const uint8_t *p)
{
    uint32_t bits;
    memcpy(&bits, p, sizeof bits);
    __m512i ones = _mm512_set1_epi16(1);
    __asm__("" : "+v"(ones)); /* left alone, gcc sets it anew from a general register */
    return _mm512_maskz_mov_epi16(bits, ones);
}

#include "kernel_scan_nibbles512.inc"

static inline plane plane_load(const int8_t *p)
{
    return _mm512_cvtepi8_epi16(_mm256_load_si256((const __m256i *)(const void *)p));
}

static inline ints ints_zero(void) { return _mm512_setzero_si512(); }

static inline ints ints_dot(ints s, taken x, plane p)
{
    return _mm512_add_epi32(s, _mm512_madd_epi16(x, p));
}

/* No sum of four products with four bits needs more than 16. */
static inline ints ints_dot_nibbles(ints s, nibbles x, numbers lower, numbers upper)
{
    const __m512i pairs = _mm512_add_epi16(_mm512_maddubs_epi16(x.lower, lower),
                                           _mm512_maddubs_epi16(x.upper, upper));
    return _mm512_add_epi32(s, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}

#include "kernel_scan_fold512.inc"

#include "kernel_scan.inc"

#endif
