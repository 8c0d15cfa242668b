/*
** kernel_scan_avx512vnni.c - scans over codes with AVX512_VNNI, one of whose instructions
** multiplies bytes without a sign by bytes with one and sums four neighbours, nothing
** saturated; compiled as kernel_avx512.c and with -mavx512vnni.
*/
#if !defined(__clang__)
/* With it gcc copies every sum to another register and back, in every turn of a loop. */
#pragma GCC optimize("no-tree-pre")
#endif

#include "kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define SCAN enc_scan_avx512_vnni
#define STEP 64

typedef __m512i taken;
typedef __m512i plane;
typedef __m512i ints;

static inline taken taken_bits(const uint8_t *p)
{
    __mmask64 bits; /* by itself gcc goes through a general register, which takes longer */
    __asm__("kmovq %1, %0" : "=Yk"(bits) : "m"(*(const char(*)[8])(const void *)p));
    __m512i ones = _mm512_set1_epi8(1);
    __asm__("" : "+v"(ones)); /* left alone, gcc sets it anew from a general register */
    return _mm512_maskz_mov_epi8(bits, ones);
}

#include "kernel_scan_nibbles512.inc"

static inline plane plane_load(const int8_t *p) { return _mm512_load_si512(p); }
static inline ints ints_zero(void) { return _mm512_setzero_si512(); }
static inline ints ints_dot(ints s, taken x, plane p) { return _mm512_dpbusd_epi32(s, x, p); }

static inline ints ints_dot_nibbles(ints s, nibbles x, numbers lower, numbers upper)
{
    return _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(s, x.lower, lower), x.upper, upper);
}

#include "kernel_scan_fold512.inc"

#include "kernel_scan.inc"

#endif
