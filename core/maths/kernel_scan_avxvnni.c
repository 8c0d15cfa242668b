/*
** kernel_scan_avxvnni.c - scans over codes with AVX-VNNI, one of whose instructions multiplies
** bytes without a sign by bytes with one and sums four neighbours, nothing saturated; compiled
** as kernel_avx2.c and with -mavxvnni.
*/
#if !defined(__clang__)
/* With it gcc copies every sum to another register and back, in every turn of a loop. */
#pragma GCC optimize("no-tree-pre")
#endif

#include "kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define SCAN enc_scan_avx_vnni
#define STEP 32

typedef __m256i taken;
typedef __m256i plane;
typedef __m256i ints;

/* Each of four bytes eight times; of each time its own bit. */
static inline taken taken_bits(const uint8_t *p)
{
    const __m256i which = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202,
                                             0x0303030303030303);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201);
    int32_t bits;
    memcpy(&bits, p, sizeof bits);
    const __m256i own =
        _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(bits), which), bit);
    return _mm256_and_si256(_mm256_cmpeq_epi8(own, bit), _mm256_set1_epi8(1));
}

#include "kernel_scan_nibbles256.inc"

static inline plane plane_load(const int8_t *p)
{
    return _mm256_load_si256((const __m256i *)(const void *)p);
}

static inline ints ints_zero(void) { return _mm256_setzero_si256(); }

static inline ints ints_dot(ints s, taken x, plane p)
{
    return _mm256_dpbusd_avx_epi32(s, x, p);
}

static inline ints ints_dot_nibbles(ints s, nibbles x, numbers lower, numbers upper)
{
    return _mm256_dpbusd_avx_epi32(_mm256_dpbusd_avx_epi32(s, x.lower, lower), x.upper, upper);
}

#include "kernel_scan_fold256.inc"

#include "kernel_scan.inc"

#endif
