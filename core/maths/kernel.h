/*
** kernel.h - the kernels that ops.c chooses from; not for the forward pass, which sees
** ops.h.
**
** How a kernel is made: kernel_<name>.c defines a vector of floats and a dozen operations
** on it, then includes kernel_body.inc, which writes every function of the table in these
** terms. The same source thus runs on every instruction set, in the same order of
** summation. A file of another architecture compiles to nothing.
*/
#ifndef ENC_KERNEL_H
#define ENC_KERNEL_H

#include <math.h>

#include "ops.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Loops over registers have to disappear, at any level of optimisation. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)") /* "unroll" alone may be by a factor */
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

/* Vectors of a scan are short and the next one mostly lies behind this one, further than the
** processor's own prefetching sees: comparisons fetch ahead of the place where they read the
** second one. An address with nothing behind it does no harm. */
static ALWAYS_INLINE void enc_fetch_ahead(const void *place)
{
    enum { AHEAD = 8192 };
    __builtin_prefetch((const void *)((uintptr_t)place + AHEAD));
}

/* From sums of products. NaN for a zero vector: the squares of float32 are so far from the
** smallest double that their product is 0 only where a sum is. One root of the product of two
** sums, not a product of two roots: then a vector's cosine with itself is exactly 1. */
static ALWAYS_INLINE double enc_cosine_of(double ab, double aa, double bb)
{
    const double squares = aa * bb;
    if (!(squares > 0))
        return NAN;
    const double cosine = ab / sqrt(squares);
    return cosine > 1 ? 1 : cosine < -1 ? -1 : cosine;
}

extern const enc_ops enc_ops_portable;
extern const enc_product enc_int8_portable;
extern enc_scan *const enc_scan_portable[ENC_SCANS];

#if defined(__aarch64__)
extern const enc_ops enc_ops_neon;
extern const enc_product enc_int8_neon;
extern const enc_product enc_int8_dotprod;
extern enc_scan *const enc_scan_neon[ENC_SCANS];
extern enc_scan *const enc_scan_dotprod[ENC_SCANS];
#endif

#if defined(__x86_64__)
extern const enc_ops enc_ops_avx2;   /* AVX2, FMA */
extern const enc_ops enc_ops_avx512; /* AVX-512 F, DQ, BW, VL */
extern const enc_product enc_bf16_avx512; /* AVX512_BF16 besides */
extern const enc_product enc_int8_avx2;
extern const enc_product enc_int8_avx_vnni;
extern const enc_product enc_int8_avx512;
extern const enc_product enc_int8_avx512_vnni;
extern enc_scan *const enc_scan_avx2[ENC_SCANS];
extern enc_scan *const enc_scan_avx_vnni[ENC_SCANS];
extern enc_scan *const enc_scan_avx512[ENC_SCANS];
extern enc_scan *const enc_scan_avx512_vnni[ENC_SCANS];

/* Put what these instructions do better into a copy of the row of AVX2 or AVX-512. */
void enc_compare_avx2_vnni(enc_ops *row);     /* AVX-VNNI: int8 */
void enc_compare_avx512_vnni(enc_ops *row);   /* AVX512_VNNI: the same */
void enc_compare_avx512_popcnt(enc_ops *row); /* AVX512_VPOPCNTDQ: bits that differ */
#endif

#if !defined(ENC_NO_OPENBLAS)
/* The table of the "openblas" kernel: products by sgemm, everything else from `vectors`.
** To be called once. */
const enc_ops *enc_ops_openblas(const enc_ops *vectors);
#endif

#endif
