/*
** kernel_int8_portable.c - products with 8-bit weights without any processor's instructions:
** the definition of what the others compute, bit for bit.
*/
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "kernel.h"
#include "kernel_int8.h"

#define PRODUCT enc_int8_portable
#define FLOATS enc_ops_portable
#define WIDTH 4
#define TILE_VECS 4
#define TILE_ROWS 3
#define ROW_BYTES 1
#define PARTS 1
#define MIDDLE 0

/* Sums wrap on their way and are right in the end. */
typedef uint32_t ivec __attribute__((vector_size(16)));
typedef int32_t ivec_signed __attribute__((vector_size(16)));
typedef float fvec __attribute__((vector_size(16)));
typedef ivec sum;

static inline ivec ivec_load(const int32_t *from)
{
    ivec v;
    memcpy(&v, from, sizeof v);
    return v;
}

static inline fvec fvec_load(const float *from)
{
    fvec v;
    memcpy(&v, from, sizeof v);
    return v;
}

static inline void fvec_store(float *to, fvec v) { memcpy(to, &v, sizeof v); }
static inline ivec ivec_set(int32_t x)
{
    const uint32_t bits = (uint32_t)x;
    return (ivec){bits, bits, bits, bits};
}

static inline ivec ivec_mul(ivec a, ivec b) { return a * b; }
static inline fvec fvec_set(float x) { return (fvec){x, x, x, x}; }
static inline fvec fvec_add(fvec a, fvec b) { return a + b; }
static inline fvec fvec_mul(fvec a, fvec b) { return a * b; }

static inline fvec fvec_of(ivec v)
{
    return __builtin_convertvector((ivec_signed)v, fvec);
}


static inline sum sum_start(ivec first) { return first; }
static inline ivec sum_total(sum s) { return s; }

/* Four columns of a group, depth by depth; four depths of a row. */
typedef struct weights {
    ivec depth[INT8_DEPTHS];
} weights;

typedef struct taken {
    int32_t depth[INT8_DEPTHS];
} taken;

static ALWAYS_INLINE weights weights_load(const int8_t *group, int part)
{
    weights w;
    (void)part;
    UNROLL
    for (size_t j = 0; j < INT8_DEPTHS; j++)
        w.depth[j] = (ivec)(ivec_signed){group[j], group[INT8_DEPTHS + j],
                                         group[2 * INT8_DEPTHS + j],
                                         group[3 * INT8_DEPTHS + j]};
    return w;
}

static ALWAYS_INLINE taken taken_load(const uint8_t *x, int part)
{
    (void)part;
    return (taken){{x[0], x[1], x[2], x[3]}};
}

static ALWAYS_INLINE sum sum_dot(sum s, taken t, weights w)
{
    UNROLL
    for (size_t j = 0; j < INT8_DEPTHS; j++)
        s += ivec_set(t.depth[j]) * w.depth[j];
    return s;
}

/* Smallest and largest of x and 0; whether all of x are finite. */
typedef struct range {
    float low;
    float high;
    bool finite;
} range;

static ALWAYS_INLINE range row_range(const float *x, const float *factor, size_t k)
{
    float low = 0, high = 0, rest = 0;
    for (size_t j = 0; j < k; j++) {
        const float v = factor ? x[j] * factor[j] : x[j];
        low = v < low ? v : low;
        high = v > high ? v : high;
        rest += v * 0.0f; /* not a number from the first that is not finite */
    }
    return (range){low, high, rest == 0};
}

/* Numbers of a prepared row: x (times its factor) * inverse to the nearest integer, even in the middle, plus zero,
** at most 255. To `to` and to the end of the last group, where the weights are 0. */
static ALWAYS_INLINE void row_quantise(const float *x, const float *factor, size_t k,
                                       float inverse, int32_t zero, uint8_t *to)
{
    for (size_t j = 0; j < k; j++) {
        const float v = factor ? x[j] * factor[j] : x[j];
        int32_t q = (int32_t)nearbyintf(v * inverse) + zero;
        to[j] = (uint8_t)(q > 255 ? 255 : q);
    }
}

#include "kernel_int8.inc"
