/*
** ops.h - the table of operations that a kernel provides; forward pass and CPU meet here.
**
** One row per kernel: "avx512", "avx2", "neon", "openblas" and "portable" (no processor's
** own instructions; the definition of what the others compute), and rows that differ from
** one of these in the products for which a newer processor has instructions: "avx2-vnni",
** "avx512-vnni", "avx512-bf16", "neon-dotprod". The best one this CPU can run is chosen once
** per process; CONTEXTUAL_KERNEL=name forces one. Own kernels sum each
** element of a product over k in rising order with one accumulator, so that a row's bits do
** not depend on the rows beside it. OpenBLAS does not promise that (row_invariant false):
** there every text is a call of its own. Any number of threads may use a kernel at once.
**
** Matrices are row-major float32; ld... is the distance of two rows in floats.
*/
#ifndef ENC_OPS_H
#define ENC_OPS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "encoder.h"

/* After a product, element by element: y = activation(y). */
enum enc_activation {
    ENC_ACT_NONE = 0,
    ENC_ACT_GELU,      /* x/2 (1 + erf(x/sqrt 2)) */
    ENC_ACT_GELU_TANH, /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))): gelu_new and
                       ** gelu_pytorch_tanh */
    ENC_ACT_GELU_QUICK, /* x sigmoid(1.702 x) */
    ENC_ACT_RELU,
    ENC_ACT_SILU,      /* x sigmoid(x): silu, swish */
    ENC_ACT_TANH,
    ENC_ACT_SIGMOID,
    ENC_ACT_COUNT
};

/* Number types that a matrix of weights is held in. */
enum enc_weight_type {
    ENC_WEIGHT_F32 = 0,
    ENC_WEIGHT_BF16, /* the upper half of a float32, rounded to nearest even */
    ENC_WEIGHT_INT8, /* a scale for each column; rows of x get 8 bits too */
    ENC_WEIGHT_TYPES
};

/* A product with 8-bit weights sums 255 * 127 * k at most, in 32 bits: k may be this large. */
enum { ENC_INT8_MAX_DEPTH = INT32_MAX / (255 * 127) };

/* What follows a product, element by element: y = activation(x · B + bias) + residual. */
typedef struct enc_epilogue {
    const float *bias;     /* [n], or NULL */
    enum enc_activation activation;
    const float *residual; /* [rows, n]; NULL: none; does not overlap y */
    size_t ld_residual;    /* floats from row to row */
} enc_epilogue;

/* Of two vectors of n elements, at any address. All of it in one function: one on short vectors
** takes a few nanoseconds, as much as a call or two. */
typedef double enc_comparison(const void *a, const void *b, size_t n);

enum { ENC_VECTOR_TYPES = ENC_BIT + 1, ENC_METRICS = ENC_HAMMING + 1 };

/* Products with a packed right-hand side B [k, n] of one number type. */
typedef struct enc_product {
    /* Says how pack() lays numbers out; kernels with the same name here can take each other's
    ** packed matrices. */
    const char *layout;

    /* Bytes that pack() writes. Columns from c on, c a multiple of 32, are a right-hand side of
    ** their own that starts packed_size(c, k) bytes further on. */
    size_t (*packed_size)(size_t n, size_t k);

    /* Lays B out. Element (depth j, column i) stands at
    ** source[i*column_stride + j*depth_stride]: a weight matrix [out, in] has column_stride =
    ** in and depth_stride = 1. `packed` is aligned to 64 bytes. */
    void (*pack)(const float *source, size_t n, size_t k, size_t column_stride,
                 size_t depth_stride, void *packed);

    /* The other way: columns [n, k], as far as the number type has kept them. */
    void (*unpack)(const void *packed, size_t n, size_t k, float *columns);

    /* Bytes of a row of x as multiply() takes it, a multiple of 64; 0: multiply() takes the
    ** float32 themselves, and there is no prepare(). */
    size_t (*prepared_size)(size_t k);

    /* prepared [rows][prepared_size(k)], aligned to 64 bytes, from x [rows, k], `ldx` floats
    ** from row to row, and, if factor [k] is not NULL, each column of it times its own. Each row
    ** by itself. */
    void (*prepare)(const float *x, size_t ldx, size_t rows, size_t k, const float *factor,
                    void *prepared);

    /* enc_ops.exp_rows() and prepare() in one, in the number type's precision: prepared rows of
    ** exp(scale * (x - the row's largest)), x [rows, k], and sum [rows] the rows' sums. NULL:
    ** there is no such short cut. */
    void (*prepare_exp)(const float *x, size_t ldx, size_t rows, size_t k, float scale,
                        void *prepared, float *sum);

    /* y [rows, n] from x [rows, k], prepared or float32, `ldx` BYTES from row to row; y has
    ** `ldy` floats from row to row and does not overlap x. */
    void (*multiply)(const void *x, size_t ldx, size_t rows, const void *packed, size_t n,
                     size_t k, const enc_epilogue *epilogue, float *y, size_t ldy);
} enc_product;

/* A question q [n] for scans over codes (encoder.h): q is nearly low_step * (256 high + low);
** high_step is 256 low_step. Of a code that stands for x', [n] whole numbers times scale:
**   score = scale * (high_step * (x'/scale . high) + low_step * (x'/scale . low)) + offset
**   reach = error * by_error + scale * by_scale + |offset| * ENC_OFFSET_REACH + always
** every operation rounded to float32, nothing fused: every kernel gives the same bits. An int8
** code whose head is of `size` bytes is first judged by what that says, x" for x' and
**   reach = coarse * by_error + scale * by_scale_coarse + ...
** The elements of planes for int8 codes lie in two halves, as the code's do, the first `size` in
** the first one. */
typedef struct enc_planes {
    const int8_t *high; /* [size], aligned to 64 bytes; zeros where there is no element */
    const int8_t *low;
    size_t size;        /* n, for int8 each half of n, rounded up to multiples of 64 */
    int32_t high_sum;   /* of all elements */
    int32_t low_sum;
    float high_step;
    float low_step;
    float by_error;
    float by_scale;
    float by_scale_coarse;
    float always;
} enc_planes;

#define ENC_OFFSET_REACH 0x1p-21f

/* enc_question_scan (encoder.h) over codes whose heads are of `size` bytes, of int8 a multiple
** of 32, of others of 64; or enc_question_settle, which only reads `doubts`. */
typedef size_t enc_scan(const enc_planes *question, const enc_codes *codes, size_t size,
                        float threshold, enc_candidate *out, enc_doubts *doubts, size_t *rests);
enum { ENC_SETTLE = ENC_VECTOR_TYPES, ENC_SCANS };

typedef struct enc_ops {
    const char *name;
    bool row_invariant;

    /* The row that this one was made of by better products, NULL if it is none's copy. Its
    ** float32 has the same bits, and it computes in float32 with weights of bf16. */
    const struct enc_ops *base;

    /* Products with weights, by their number type. */
    const enc_product *product[ENC_WEIGHT_TYPES];

    /* The next three are product[ENC_WEIGHT_F32] in short, for matrices that are packed and
    ** multiplied on the way: keys, values, positions. */

    /* Floats that pack() writes for a right-hand side of n columns and depth k. Columns
    ** from c on, c a multiple of 32, are a right-hand side of their own that starts at
    ** packed + packed_size(c, k). */
    size_t (*packed_size)(size_t n, size_t k);

    /* Lays the right-hand side B [k, n] out as the kernel wants it. Element (depth j,
    ** column i) stands at source[i*column_stride + j*depth_stride]: a weight matrix
    ** [out, in] has column_stride = in and depth_stride = 1. `packed` is aligned to 64
    ** bytes. */
    void (*pack)(const float *source, size_t n, size_t k, size_t column_stride,
                 size_t depth_stride, float *packed);

    /* y [rows, n] = x [rows, k] · B (+ bias [n], if not NULL). x and y don't overlap. */
    void (*multiply)(const float *x, size_t ldx, size_t rows, const float *packed, size_t n,
                     size_t k, const float *bias, float *y, size_t ldy);

    /* In place, n elements. [enum enc_activation]; NONE is NULL. */
    void (*activate[ENC_ACT_COUNT])(float *x, size_t n);

    /* The same for rows of x [rows, n], ldx floats apart. */
    void (*activate_rows[ENC_ACT_COUNT])(float *x, size_t ldx, size_t rows, size_t n);

    /* The same for rows that become 8 bits: the two GELUs with an error of up to 1e-4, from
    ** x = 50 on 2e-6 x, which is far below half a step of these. */
    void (*activate_roughly[ENC_ACT_COUNT])(float *x, size_t ldx, size_t rows, size_t n);

    /* y = x + y, n elements. */
    void (*add)(const float *x, float *y, size_t n);

    /* y = x * y, n elements. */
    void (*scale)(const float *x, float *y, size_t n);

    /* In place on one row: x = weight * (x - mean) / sqrt(variance + eps) + bias. */
    void (*layer_norm)(float *x, size_t n, const float *weight, const float *bias,
                       float eps);

    /* In place on one row: x = weight * (x / sqrt(mean of x^2 + eps)). */
    void (*rms_norm)(float *x, size_t n, const float *weight, float eps);

    /* In place on one row: softmax(scale * x), scale > 0. An element that is -inf gives
    ** 0. */
    void (*softmax)(float *x, size_t n, float scale);

    /* The same for rows of attention, not yet divided: x [rows, n] becomes
    ** exp(scale * (x - the row's largest)), sum [rows] the rows' sums. ldx is a multiple of 32
    ** and n > 0; elements from n on up to the next multiple of 32 become 0. */
    void (*exp_rows)(float *x, size_t ldx, size_t rows, size_t n, float scale, float *sum);

    /* In place: each row of x [rows, n] times 1 / by[row]. */
    void (*divide_rows)(float *x, size_t ldx, size_t rows, size_t n, const float *by);

    /* y += a*x, n elements. */
    void (*accumulate)(float a, const float *x, float *y, size_t n);

    /* enc_vector_compare (encoder.h) by types and metrics; NULL where a pair makes no sense.
    ** Sums over floats are in double, sums over int8 and bits exact for n < 2^38. */
    enc_comparison *compare[ENC_VECTOR_TYPES][ENC_METRICS];

    /* Scans over codes, by their type, NULL for ENC_FLOAT32, and [ENC_SETTLE]. Sums of products
    ** are exact. */
    enc_scan *const *scan;
} enc_ops;

/* The kernel in use; chosen at the first call. A comparison of two short vectors takes a few
** nanoseconds, so that finding the kernel may not be a call. */
extern const enc_ops *_Atomic enc_ops_chosen; /* NULL before */
const enc_ops *enc_ops_choose(void);

static inline const enc_ops *enc_ops_get(void)
{
    const enc_ops *ops = atomic_load_explicit(&enc_ops_chosen, memory_order_acquire);
    return ops ? ops : enc_ops_choose();
}

/* The kernel named, if this CPU can run it (and, for "openblas", if it was linked); else
** NULL. For tests and the bench. */
const enc_ops *enc_ops_find(const char *name);

/* Names of what enc_ops_find would give, best first, separated by ", ". */
const char *enc_ops_names(void);

/* "CONTEXTUAL_KERNEL: no kernel 'x' here" where that variable names none of them and is
** ignored; else "". */
const char *enc_ops_note(void);

/* The CPU's own name and the instruction sets that matter: "AMD EPYC (avx2 fma
** avx512f)". */
const char *enc_cpu_describe(void);

/* OpenBLAS's own description of its build and core, "" if it is not linked. */
const char *enc_blas_describe(void);

#endif
