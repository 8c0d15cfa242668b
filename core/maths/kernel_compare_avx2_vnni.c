/*
** kernel_compare_avx2_vnni.c - comparisons of int8 with AVX-VNNI; compiled as kernel_avx2.c and
** with -mavxvnni.
*/
#if !defined(__clang__)
/* With it gcc copies every sum to another register and back, in every turn of a loop. */
#pragma GCC optimize("no-tree-pre")
#endif

#include "kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
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

static inline bytes bytes_set(int8_t x) { return _mm256_set1_epi8(x); }
static inline bytes bytes_flip(bytes v) { return _mm256_xor_si256(v, bytes_set(-128)); }

static inline bytes bytes_distance(bytes a, bytes b)
{
    return _mm256_sub_epi8(_mm256_max_epi8(a, b), _mm256_min_epi8(a, b));
}

typedef __m256i ints;

static inline ints ints_zero(void) { return _mm256_setzero_si256(); }
static inline ints ints_add(ints a, ints b) { return _mm256_add_epi32(a, b); }
static inline ints ints_sub(ints a, ints b) { return _mm256_sub_epi32(a, b); }

static inline ints ints_dot(ints s, bytes a, bytes b)
{
    return _mm256_dpbusd_avx_epi32(s, a, b);
}

static inline int32_t ints_fold(ints v) { return fold8_int32(v); }

static inline three ints_fold3(ints a, ints b, ints c)
{
    return fold8_int32_3(a, b, c);
}

#include "kernel_bytes_vnni.inc"

void enc_compare_avx2_vnni(enc_ops *row)
{
    put_into(row);
}

#endif
