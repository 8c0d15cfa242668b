/*
** kernel_openblas.c - products by OpenBLAS's sgemm; the one file that knows OpenBLAS.
**
** The library is linked in, single-threaded and private; its global settings are never
** touched. sgemm repacks the weights at every call, and the bits it gives a row depend on
** the rows beside it, so row_invariant is false and callers give every text a call of its
** own.
**
** A single-threaded build of OpenBLAS hands out its work buffers without a lock: two
** threads inside sgemm may get the same one, and wrong results. Linked with
**     -Wl,--wrap=blas_memory_alloc -Wl,--wrap=blas_memory_free
** its calls for buffers come through a lock here, and several threads may multiply at once,
** but never so many that it runs out of buffers, which it answers by ending the process.
** Linked without, the threads take turns.
*/
#include "kernel.h"

#if !defined(ENC_NO_OPENBLAS)

#include <cblas.h>
#include <pthread.h>
#include <string.h>

/* ---- Buffers ------------------------------------------------------------------------- */

/* OpenBLAS has 50 buffers or more; each takes some 32 MB of address space. */
enum { MAX_INSIDE = 16 };

static pthread_mutex_t buffer_lock = PTHREAD_MUTEX_INITIALIZER;

/* OpenBLAS's own, NULL where it was linked without --wrap. */
#define REAL __attribute__((weak, visibility("hidden")))
void *__real_blas_memory_alloc(int position) REAL;
void __real_blas_memory_free(void *buffer) REAL;
/* What OpenBLAS calls in their place. */
void *__wrap_blas_memory_alloc(int position);
void __wrap_blas_memory_free(void *buffer);

void *__wrap_blas_memory_alloc(int position)
{
    pthread_mutex_lock(&buffer_lock);
    void *buffer = __real_blas_memory_alloc(position);
    pthread_mutex_unlock(&buffer_lock);
    return buffer;
}

void __wrap_blas_memory_free(void *buffer)
{
    pthread_mutex_lock(&buffer_lock);
    __real_blas_memory_free(buffer);
    pthread_mutex_unlock(&buffer_lock);
}

/* Threads inside sgemm, and those that wait for their turn. */
static struct gate {
    pthread_mutex_t lock;
    pthread_cond_t left;
    int inside;
    int most;
} gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 1};

static void enter(void)
{
    pthread_mutex_lock(&gate.lock);
    while (gate.inside >= gate.most)
        pthread_cond_wait(&gate.left, &gate.lock);
    gate.inside++;
    pthread_mutex_unlock(&gate.lock);
}

static void leave(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.inside--;
    pthread_cond_signal(&gate.left);
    pthread_mutex_unlock(&gate.lock);
}

/* A forked child has none of the threads that were inside. */
static void after_fork(void)
{
    pthread_mutex_init(&buffer_lock, NULL);
    pthread_mutex_init(&gate.lock, NULL);
    pthread_cond_init(&gate.left, NULL);
    gate.inside = 0;
}

/* ---- The kernel ---------------------------------------------------------------------- */

static enc_ops table; /* written once, before any thread sees it */

static size_t blas_packed_size(size_t n, size_t k)
{
    return n * k;
}

/* "Packed" is the plain matrix [n, k]. */
static void blas_pack(const float *source, size_t n, size_t k, size_t column_stride,
                      size_t depth_stride, float *packed)
{
    for (size_t i = 0; i < n; i++) {
        const float *from = source + i * column_stride;
        float *to = packed + i * k;
        if (depth_stride == 1)
            memcpy(to, from, k * sizeof *to);
        else
            for (size_t j = 0; j < k; j++)
                to[j] = from[j * depth_stride];
    }
}

static void blas_multiply(const float *x, size_t ldx, size_t rows, const float *packed,
                          size_t n, size_t k, const float *bias, float *y, size_t ldy)
{
    for (size_t r = 0; r < rows; r++) {
        if (bias)
            memcpy(y + r * ldy, bias, n * sizeof *y);
        else
            memset(y + r * ldy, 0, n * sizeof *y);
    }
    /* Sizes that it would call an error, on the terminal. */
    if (rows == 0 || n == 0 || k == 0)
        return;
    enter();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, (blasint)n,
                (blasint)k, 1.0f, x, (blasint)ldx, packed, (blasint)k, 1.0f, y,
                (blasint)ldy);
    leave();
}

static size_t product_packed_size(size_t n, size_t k)
{
    return blas_packed_size(n, k) * sizeof(float);
}

static void product_pack(const float *source, size_t n, size_t k, size_t column_stride,
                         size_t depth_stride, void *packed)
{
    blas_pack(source, n, k, column_stride, depth_stride, packed);
}

static void product_unpack(const void *packed, size_t n, size_t k, float *columns)
{
    memcpy(columns, packed, n * k * sizeof *columns);
}

static void product_multiply(const void *x, size_t ldx, size_t rows, const void *packed,
                             size_t n, size_t k, const enc_epilogue *epilogue, float *y,
                             size_t ldy)
{
    void (*activate)(float *, size_t) = table.activate[epilogue->activation];
    blas_multiply(x, ldx / sizeof(float), rows, packed, n, k, epilogue->bias, y, ldy);
    for (size_t row = 0; activate && row < rows; row++)
        activate(y + row * ldy, n);
    for (size_t row = 0; epilogue->residual && row < rows; row++)
        table.add(epilogue->residual + row * epilogue->ld_residual, y + row * ldy, n);
}

static const enc_product float32_product = {
    .layout = "float32",
    .packed_size = product_packed_size,
    .pack = product_pack,
    .unpack = product_unpack,
    .multiply = product_multiply,
};

/* `vectors` with products by sgemm. */
static enc_ops with_blas(const enc_ops *vectors)
{
    enc_ops ops = *vectors;
    ops.name = "openblas";
    ops.row_invariant = false;
    ops.base = NULL;
    ops.product[ENC_WEIGHT_F32] = &float32_product;
    ops.packed_size = blas_packed_size;
    ops.pack = blas_pack;
    ops.multiply = blas_multiply;
    return ops;
}

const enc_ops *enc_ops_openblas(const enc_ops *vectors)
{
    static enc_ops base;
    table = with_blas(vectors);
    if (vectors->base) {
        base = with_blas(vectors->base);
        table.base = &base;
    }
    gate.most = __real_blas_memory_alloc ? MAX_INSIDE : 1;
    pthread_atfork(NULL, NULL, after_fork);
    return &table;
}

const char *enc_blas_describe(void)
{
    return openblas_get_config();
}

#else

const char *enc_blas_describe(void)
{
    return "";
}

#endif
