/*
** kernel_portable.c - the kernel without any processor's instructions: the definition of
** what the others compute, and the one for processors that have no other. A `vec` is four
** floats of the compiler's own vector type, on which + - * / < mean the same as on one
** float; it becomes SSE2, NEON or four single operations.
*/
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernel.h"

#define KERNEL enc_ops_portable
#define KERNEL_NAME "portable"
#define INT8_PRODUCT enc_int8_portable
#define SCANS enc_scan_portable
#define WIDTH 4
#define PANEL_VECS 2
#define LAYOUT "float32x8"
#define TILE_ROWS 4 /* 8 of 16 registers are sums; products need some more */

typedef float vec __attribute__((vector_size(16)));
typedef int32_t vec_bits __attribute__((vector_size(16)));

static inline vec vec_load(const float *x)
{
    vec v;
    memcpy(&v, x, sizeof v);
    return v;
}

static inline void vec_store(float *x, vec v)
{
    memcpy(x, &v, sizeof v);
}

static inline vec vec_load_part(const float *x, size_t n, vec fill)
{
    for (size_t i = 0; i < WIDTH && i < n; i++)
        fill[i] = x[i];
    return fill;
}

static inline void vec_store_part(float *x, vec v, size_t n)
{
    for (size_t i = 0; i < WIDTH && i < n; i++)
        x[i] = v[i];
}

static inline vec vec_set(float x) { return (vec){x, x, x, x}; }
static inline vec vec_add(vec a, vec b) { return a + b; }
static inline vec vec_sub(vec a, vec b) { return a - b; }
static inline vec vec_mul(vec a, vec b) { return a * b; }
static inline vec vec_div(vec a, vec b) { return a / b; }
static inline vec vec_fma(vec a, vec b, vec c) { return a * b + c; }

/* A comparison gives a lane all bits or none. */
static inline vec vec_choose(vec_bits where, vec x, vec y)
{
    return (vec)((where & (vec_bits)x) | (~where & (vec_bits)y));
}

static inline vec vec_less(vec a, vec b, vec x, vec y) { return vec_choose(a < b, x, y); }
static inline vec vec_max(vec a, vec b) { return vec_choose(a > b, a, b); }
static inline vec vec_min(vec a, vec b) { return vec_choose(a < b, a, b); }

static inline vec vec_abs(vec v)
{
    return (vec)((vec_bits)v & ~(vec_bits)vec_set(-0.0f));
}

static inline vec vec_copy_sign(vec size, vec sign)
{
    return vec_choose((vec_bits)vec_set(-0.0f), sign, size);
}

/* 2^i of i + 127 + 1.5 * 2^23. */
static inline vec vec_exp2_of_shifted(vec v) { return (vec)((vec_bits)v << 23); }

static inline vec vec_load_words(const void *x)
{
    vec v;
    memcpy(&v, x, sizeof v);
    return v;
}

static inline vec vec_low_half(vec v) { return (vec)((vec_bits)v << 16); }
static inline vec vec_high_half(vec v) { return (vec)((vec_bits)v & ~0xffff); }

static inline float vec_fold_add(vec v) { return (v[0] + v[2]) + (v[1] + v[3]); }

static inline float vec_fold_max(vec v)
{
    vec most = vec_max(v, (vec){v[2], v[3], v[0], v[1]});
    return most[0] > most[1] ? most[0] : most[1];
}

static inline void transpose_8x8(const float *from, size_t from_stride, float *to,
                                 size_t to_stride)
{
    for (size_t j = 0; j < 8; j++)
        for (size_t i = 0; i < 8; i++)
            to[j * to_stride + i] = from[i * from_stride + j];
}

#define WIDE_WIDTH 2

typedef double wide __attribute__((vector_size(16)));

static inline wide wide_load(const void *x)
{
    float v[2];
    memcpy(v, x, sizeof v);
    return (wide){v[0], v[1]};
}

/* n is 1. */
static inline wide wide_load_part(const void *x, size_t n)
{
    float v[2] = {0};
    memcpy(v, x, n * sizeof *v);
    return (wide){v[0], v[1]};
}

static inline wide wide_set(double x) { return (wide){x, x}; }
static inline wide wide_add(wide a, wide b) { return a + b; }
static inline wide wide_sub(wide a, wide b) { return a - b; }
static inline wide wide_mul(wide a, wide b) { return a * b; }
static inline wide wide_fma(wide a, wide b, wide c) { return a * b + c; }
static inline wide wide_abs(wide v) { return (wide){fabs(v[0]), fabs(v[1])}; }
static inline double wide_fold_add(wide v) { return v[0] + v[1]; }

#include "kernel_body.inc"
