/*
** ops.h - the table of operations that a kernel provides; forward pass and CPU meet here.
**
** One row per kernel: "avx512", "avx2", "neon", "openblas" and "portable" (no processor's
** own instructions; the definition of what the others compute). The best one this CPU can
** run is chosen once per process; CONTEXTUAL_KERNEL=name forces one. Own kernels sum each
** element of a product over k in rising order with one accumulator, so that a row's bits do
** not depend on the rows beside it. OpenBLAS does not promise that (row_invariant false):
** there every text is a call of its own. Any number of threads may use a kernel at once.
**
** Matrices are row-major float32; ld... is the distance of two rows in floats.
*/
#ifndef ENC_OPS_H
#define ENC_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

typedef struct enc_ops {
    const char *name;
    bool row_invariant;

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

    /* y = x + y, n elements. */
    void (*add)(const float *x, float *y, size_t n);

    /* In place on one row: x = weight * (x - mean) / sqrt(variance + eps) + bias. */
    void (*layer_norm)(float *x, size_t n, const float *weight, const float *bias,
                       float eps);

    /* In place on one row: x = weight * (x / sqrt(mean of x^2 + eps)). */
    void (*rms_norm)(float *x, size_t n, const float *weight, float eps);

    /* In place on one row: softmax(scale * x), scale > 0. An element that is -inf gives
    ** 0. */
    void (*softmax)(float *x, size_t n, float scale);

    /* y += a*x, n elements. */
    void (*accumulate)(float a, const float *x, float *y, size_t n);

    /* Vector comparison with sums in double; any alignment of a and b. Each writes its
    ** sums: dot, a·a and b·b / dot alone / sum (a-b)^2 / sum |a-b|. */
    void (*cosine_sums)(const void *a, const void *b, size_t n, double sums[3]);
    double (*dot)(const void *a, const void *b, size_t n);
    double (*l2_squared)(const void *a, const void *b, size_t n);
    double (*l1)(const void *a, const void *b, size_t n);

    /* The same for int8, exact: a·b, a·a and b·b / sum (a-b)^2 / sum |a-b|; and the
    ** number of bits in which n bytes differ. n < 2^40. */
    void (*int8_sums)(const int8_t *a, const int8_t *b, size_t n, int64_t sums[3]);
    int64_t (*int8_l2_squared)(const int8_t *a, const int8_t *b, size_t n);
    int64_t (*int8_l1)(const int8_t *a, const int8_t *b, size_t n);
    int64_t (*hamming)(const uint8_t *a, const uint8_t *b, size_t n);
} enc_ops;

/* The kernel in use; chosen at the first call. */
const enc_ops *enc_ops_get(void);

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
