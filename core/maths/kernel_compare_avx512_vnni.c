/*
** kernel_compare_avx512_vnni.c - comparisons of int8 with AVX512_VNNI; compiled as kernel_avx512.c
** and with -mavx512vnni.
*/
#if !defined(__clang__)
/* With it gcc copies every sum to another register and back, in every turn of a loop. */
#pragma GCC optimize("no-tree-pre")
#endif

#include "kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>

#include "kernel_bytes_fold512.inc"

#define BYTES 64

typedef __m512i bytes;

static inline bytes bytes_load(const void *p) { return _mm512_loadu_si512(p); }

/* A load under a mask is slow for data that is in no cache: for short vectors alone; gcc must
** not make one of the two steps. */
static inline bytes bytes_load_part(const char *p, size_t n, bool before)
{
    const uint64_t last = UINT64_MAX << (BYTES - n);
    if (before) {
        bytes all = bytes_load(p + n - BYTES);
        __asm__("" : "+v"(all));
        return _mm512_maskz_mov_epi8(last, all);
    }
    return _mm512_maskz_loadu_epi8(last >> (BYTES - n), p);
}

static inline bytes bytes_set(int8_t x) { return _mm512_set1_epi8(x); }
static inline bytes bytes_flip(bytes v) { return _mm512_xor_si512(v, bytes_set(-128)); }

static inline bytes bytes_distance(bytes a, bytes b)
{
    return _mm512_sub_epi8(_mm512_max_epi8(a, b), _mm512_min_epi8(a, b));
}

typedef __m512i ints;

static inline ints ints_zero(void) { return _mm512_setzero_si512(); }
static inline ints ints_add(ints a, ints b) { return _mm512_add_epi32(a, b); }
static inline ints ints_sub(ints a, ints b) { return _mm512_sub_epi32(a, b); }

static inline ints ints_dot(ints s, bytes a, bytes b)
{
    return _mm512_dpbusd_epi32(s, a, b);
}

static inline int32_t ints_fold(ints v) { return fold16_int32(v); }

static inline three ints_fold3(ints a, ints b, ints c)
{
    return fold16_int32_3(a, b, c);
}

#include "kernel_bytes_vnni.inc"

void enc_compare_avx512_vnni(enc_ops *row)
{
    put_into(row);
}

#endif
