/*
** kernel_scan_avx2.c - scans over codes with AVX2: its products of bytes saturate, which those of
** four bits are too small for; single bits are widened to 16 on the way; compiled as kernel_avx2.c.
*/
#if !defined(__clang__)
/* With it gcc copies every sum to another register and back, in every turn of a loop. */
#pragma GCC optimize("no-tree-pre")
#endif

#include "kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define SCAN enc_scan_avx2
#define STEP 16

typedef __m256i taken;
typedef __m256i plane;
typedef __m256i ints;

/* Sixteen bits sixteen times; of each time its own bit. */
static inline taken taken_bits(const uint8_t *p)
{
    const __m256i bit =
        _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384,
                          -32768);
    int16_t bits;
    memcpy(&bits, p, sizeof bits);
    const __m256i own = _mm256_and_si256(_mm256_set1_epi16(bits), bit);
    return _mm256_srli_epi16(_mm256_cmpeq_epi16(own, bit), 15);
}

#include "kernel_scan_nibbles256.inc"

static inline plane plane_load(const int8_t *p)
{
    return _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)(const void *)p));
}

static inline ints ints_zero(void) { return _mm256_setzero_si256(); }

static inline ints ints_dot(ints s, taken x, plane p)
{
    return _mm256_add_epi32(s, _mm256_madd_epi16(x, p));
}

/* No sum of four products with four bits needs more than 16. */
static inline ints ints_dot_nibbles(ints s, nibbles x, numbers lower, numbers upper)
{
    const __m256i pairs = _mm256_add_epi16(_mm256_maddubs_epi16(x.lower, lower),
                                           _mm256_maddubs_epi16(x.upper, upper));
    return _mm256_add_epi32(s, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

#include "kernel_scan_fold256.inc"

#include "kernel_scan.inc"

#endif
