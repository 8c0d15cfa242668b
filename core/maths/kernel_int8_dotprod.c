/*
** kernel_int8_dotprod.c - products with 8-bit weights for arm64 with dot products, one of whose
** instructions multiplies and sums four depths of 4 columns; compiled with
** -march=armv8.2-a+dotprod.
*/
#include "kernel.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <stdbool.h>
#include <string.h>

#include "kernel_int8.h"

#define PRODUCT enc_int8_dotprod
#define TILE_ROWS 6 /* 24 of the 32 registers are sums, 4 the panel */

#include "kernel_int8_neon.inc"

typedef int32x4_t sum;

static inline sum sum_start(ivec first) { return first; }
static inline ivec sum_total(sum s) { return s; }
static inline sum sum_dot(sum s, taken t, weights w) { return vdotq_s32(s, w, t); }

#include "kernel_int8.inc"

#endif
