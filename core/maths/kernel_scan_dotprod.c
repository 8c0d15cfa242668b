/*
** kernel_scan_dotprod.c - scans over codes for arm64 with dot products, one of whose
** instructions multiplies bytes and sums four neighbours; compiled with
** -march=armv8.2-a+dotprod.
*/
#include "kernel.h"

#if defined(__aarch64__)

#include <arm_neon.h>

#define SCAN enc_scan_dotprod

#include "kernel_scan_neon.inc"

static inline ints ints_dot(ints s, taken x, plane p) { return vdotq_s32(s, x, p); }

static inline ints ints_dot_nibbles(ints s, nibbles x, numbers lower, numbers upper)
{
    return vdotq_s32(vdotq_s32(s, x.lower, lower), x.upper, upper);
}

#include "kernel_scan.inc"

#endif
