/*
** kernel_scan_neon.c - scans over codes for arm64: products in 16 bits, two of which are summed
** into 32.
*/
#include "kernel.h"

#if defined(__aarch64__)

#include <arm_neon.h>

#define SCAN enc_scan_neon

#include "kernel_scan_neon.inc"

static inline ints ints_dot(ints s, taken x, plane p)
{
    s = vpadalq_s16(s, vmull_s8(vget_low_s8(x), vget_low_s8(p)));
    return vpadalq_s16(s, vmull_high_s8(x, p));
}

/* No sum of four products with four bits needs more than 16. */
static inline ints ints_dot_nibbles(ints s, nibbles x, numbers lower, numbers upper)
{
    const int16x8_t a = vmlal_s8(vmull_s8(vget_low_s8(x.lower), vget_low_s8(lower)),
                                 vget_low_s8(x.upper), vget_low_s8(upper));
    const int16x8_t b = vmlal_high_s8(vmull_high_s8(x.lower, lower), x.upper, upper);
    return vpadalq_s16(s, vaddq_s16(a, b));
}

#include "kernel_scan.inc"

#endif
