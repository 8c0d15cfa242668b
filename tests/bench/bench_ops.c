/*
** bench_ops.c - the kernel laboratory: how fast each kernel multiplies, beside OpenBLAS and
** the machine's own peak.
**
**     bench_ops            CSV on standard output: part,kernel,k,n,rows,value,unit,of_peak
**     bench_ops quick      fewer row counts
**     bench_ops peak       part "peak" alone
**     bench_ops layers     peak and layers alone
**
** part "peak"      multiply-adds on registers alone, GFLOP/s on one core
** part "product"   one matrix again and again, so that it stays in cache
** part "layers"    all linear layers of MiniLM (6 x 4 matrices, 42 MB) in turn, as the
** forward
**                 pass goes through them
** part "attention" one head of 32 after another: pack keys and values, scores, softmax,
** sum;
**                 GFLOP/s of its two products, everything else included
** part "rows"      elements per nanosecond of what is not a product
** part "vectors"   nanoseconds for one comparison of two vectors
** A figure is the median of REPEATS; the kernels of a row alternate, so that a disturbance
** of the machine hits all of them. Unset OPENBLAS_CORETYPE to see OpenBLAS at its best.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "memory.h"
#include "model.h"
#include "ops.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { REPEATS = 7, KERNELS = 5, MAX_ROWS = 512 };
static const int64_t REPEAT_NANOSECONDS = 4 * 1000 * 1000;

static const char *const kernel_names[KERNELS] = {"avx512", "avx2", "neon", "portable",
                                                  "openblas"};

/* Of this thread's own time: what else runs on the machine counts only as far as it takes
** caches and memory away. */
static int64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, by_size);
    return x[n / 2];
}

/* ---- Peak ---------------------------------------------------------------------------- */

static volatile float sink;

#if defined(__x86_64__)

/* 16 sums that don't wait for each other: more than latency times units of any core
** today. */
#define PEAK(name, instructions, type, zero, fma, width)                                   \
    __attribute__((target(instructions))) static double name(size_t turns)                 \
    {                                                                                      \
        type sum[16], a = zero;                                                            \
        for (int i = 0; i < 16; i++)                                                       \
            sum[i] = zero;                                                                 \
        for (size_t t = 0; t < turns; t++) {                                               \
            sum[0] = fma(a, a, sum[0]), sum[1] = fma(a, a, sum[1]);                        \
            sum[2] = fma(a, a, sum[2]), sum[3] = fma(a, a, sum[3]);                        \
            sum[4] = fma(a, a, sum[4]), sum[5] = fma(a, a, sum[5]);                        \
            sum[6] = fma(a, a, sum[6]), sum[7] = fma(a, a, sum[7]);                        \
            sum[8] = fma(a, a, sum[8]), sum[9] = fma(a, a, sum[9]);                        \
            sum[10] = fma(a, a, sum[10]), sum[11] = fma(a, a, sum[11]);                    \
            sum[12] = fma(a, a, sum[12]), sum[13] = fma(a, a, sum[13]);                    \
            sum[14] = fma(a, a, sum[14]), sum[15] = fma(a, a, sum[15]);                    \
            __asm__ volatile("" : "+x"(a));                                                \
        }                                                                                  \
        for (int i = 1; i < 16; i++)                                                       \
            sum[0] = fma(sum[i], a, sum[0]);                                               \
        float last[width];                                                                 \
        memcpy(last, &sum[0], sizeof last);                                                \
        sink = last[0];                                                                    \
        return 2.0 * width * 16 * (double)turns;                                           \
    }

#define ZERO256 _mm256_setzero_ps()
#define ZERO512 _mm512_setzero_ps()
PEAK(peak_avx2, "avx2,fma", __m256, ZERO256, _mm256_fmadd_ps, 8)
PEAK(peak_avx512, "avx512f", __m512, ZERO512, _mm512_fmadd_ps, 16)

#endif

static double peak_of(double (*flops)(size_t))
{
    double best[REPEATS];
    for (int i = 0; i < REPEATS; i++) {
        int64_t start = nanoseconds();
        double done = flops(1000000);
        best[i] = done / (double)(nanoseconds() - start);
    }
    return median(best, REPEATS);
}

/* Of the widest instructions this processor has; 0 where nobody wrote the loop. */
static double measure_peak(void)
{
#if defined(__x86_64__)
    if (enc_ops_find("avx512"))
        return peak_of(peak_avx512);
    if (enc_ops_find("avx2"))
        return peak_of(peak_avx2);
#endif
    return 0;
}

static double peak;

static void print_flops(const char *part, const char *kernel, size_t k, size_t n,
                        size_t rows, double gflops)
{
    printf("%s,%s,%zu,%zu,%zu,%.1f,GFLOP/s,%.3f\n", part, kernel, k, n, rows, gflops,
           peak > 0 ? gflops / peak : 0.0);
    fflush(stdout);
}

/* ---- Products ------------------------------------------------------------------------ */

static float *noises(size_t count)
{
    float *x = enc_alloc_array(count, sizeof *x);
    unsigned state = 1;
    for (size_t i = 0; x && i < count; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) * 0x1p-24f - 0.5f;
    }
    if (!x)
        exit(1);
    return x;
}

/* Products one after another; each reads x and writes y. */
typedef struct walk {
    const enc_ops *ops;
    enc_linear linear[24];
    size_t count;
    double products; /* per row */
} walk;

static void walk_add(walk *w, size_t in, size_t out)
{
    float *source = noises(in * out);
    float *packed = enc_alloc_array(w->ops->packed_size(out, in), sizeof *packed);
    if (!packed)
        exit(1);
    w->ops->pack(source, out, in, in, 1, packed);
    enc_free(source);
    w->linear[w->count++] = (enc_linear){in, out, packed, noises(out), ENC_WEIGHT_F32};
    w->products += (double)in * (double)out;
}

static void walk_free(walk *w)
{
    for (size_t i = 0; i < w->count; i++) {
        enc_free((void *)w->linear[i].packed);
        enc_free((void *)w->linear[i].bias);
    }
}

/* GFLOP/s of one repeat. */
static double walk_once(const walk *w, const float *x, float *y, size_t rows, size_t turns)
{
    int64_t start = nanoseconds();
    for (size_t t = 0; t < turns; t++)
        for (size_t i = 0; i < w->count; i++)
            enc_linear_apply(w->ops, &w->linear[i], x, rows, NULL, y, NULL, NULL);
    double spent = (double)(nanoseconds() - start);
    return 2 * w->products * (double)rows * (double)turns / spent;
}

/* All kernels in turns, one line for each. */
static void compare(const char *part, const walk *walks, const size_t *rows,
                    size_t row_counts)
{
    float *x = noises((size_t)MAX_ROWS * 4096), *y = noises((size_t)MAX_ROWS * 4096);
    for (size_t r = 0; r < row_counts; r++) {
        double got[KERNELS][REPEATS];
        size_t turns[KERNELS];
        for (int kernel = 0; kernel < KERNELS; kernel++) {
            if (!walks[kernel].ops)
                continue;
            double fast = walk_once(&walks[kernel], x, y, rows[r], 1);
            double once = 2 * walks[kernel].products * (double)rows[r] / fast;
            turns[kernel] = (size_t)((double)REPEAT_NANOSECONDS / once) + 1;
        }
        for (int i = 0; i < REPEATS; i++)
            for (int kernel = 0; kernel < KERNELS; kernel++)
                if (walks[kernel].ops)
                    got[kernel][i] =
                        walk_once(&walks[kernel], x, y, rows[r], turns[kernel]);
        for (int kernel = 0; kernel < KERNELS; kernel++) {
            const walk *w = &walks[kernel];
            if (w->ops)
                print_flops(part, w->ops->name, w->count > 1 ? 0 : w->linear[0].in,
                            w->count > 1 ? 0 : w->linear[0].out, rows[r],
                            median(got[kernel], REPEATS));
        }
    }
    enc_free(x);
    enc_free(y);
}

static void bench_product(size_t k, size_t n, const size_t *rows, size_t row_counts)
{
    walk walks[KERNELS] = {{0}};
    for (int i = 0; i < KERNELS; i++) {
        walks[i].ops = enc_ops_find(kernel_names[i]);
        if (walks[i].ops)
            walk_add(&walks[i], k, n);
    }
    compare("product", walks, rows, row_counts);
    for (int i = 0; i < KERNELS; i++)
        walk_free(&walks[i]);
}

static void bench_layers(const size_t *rows, size_t row_counts)
{
    walk walks[KERNELS] = {{0}};
    for (int i = 0; i < KERNELS; i++) {
        walks[i].ops = enc_ops_find(kernel_names[i]);
        for (int layer = 0; walks[i].ops && layer < 6; layer++) {
            walk_add(&walks[i], 384, 1152);
            walk_add(&walks[i], 384, 384);
            walk_add(&walks[i], 384, 1536);
            walk_add(&walks[i], 1536, 384);
        }
    }
    compare("layers", walks, rows, row_counts);
    for (int i = 0; i < KERNELS; i++)
        walk_free(&walks[i]);
}

/* ---- What is not a product ----------------------------------------------------------- */

typedef void (*row_work)(const enc_ops *ops, float *x, const float *w, size_t n);

static void do_gelu(const enc_ops *ops, float *x, const float *w, size_t n)
{
    (void)w;
    ops->activate[ENC_ACT_GELU](x, n);
}

static void do_tanh(const enc_ops *ops, float *x, const float *w, size_t n)
{
    (void)w;
    ops->activate[ENC_ACT_TANH](x, n);
}

static void do_softmax(const enc_ops *ops, float *x, const float *w, size_t n)
{
    (void)w;
    ops->softmax(x, n, 0.17677669f);
}

static void do_layer_norm(const enc_ops *ops, float *x, const float *w, size_t n)
{
    ops->layer_norm(x, n, w, w, 1e-12f);
}

static void do_pack_keys(const enc_ops *ops, float *x, const float *w, size_t n)
{
    ops->pack(w, n / 32, 32, 32, 1, x);
}

static void do_pack_values(const enc_ops *ops, float *x, const float *w, size_t n)
{
    ops->pack(w, 32, n / 32, 1, 32, x);
}

/* Rows one after another, as a matrix is gone through. */
static void bench_rows(const char *name, row_work work, size_t n)
{
    enum { ROWS = 64 };
    float *x = noises((n + 32) * ROWS), *w = noises(n);
    for (int kernel = 0; kernel < KERNELS; kernel++) {
        const enc_ops *ops = enc_ops_find(kernel_names[kernel]);
        double got[REPEATS];
        if (!ops || !ops->row_invariant)
            continue;
        for (int i = 0; i < REPEATS; i++) {
            size_t turns = 1000000 / n + 1;
            int64_t start = nanoseconds();
            for (size_t t = 0; t < turns; t++)
                work(ops, x + t % ROWS * n, w, n);
            got[i] = (double)(n * turns) / (double)(nanoseconds() - start);
        }
        printf("rows,%s %s,,%zu,1,%.3f,elements/ns,\n", ops->name, name, n,
               median(got, REPEATS));
    }
    enc_free(x);
    enc_free(w);
}

/* 12 heads over T tokens, as the forward pass does it. */
static void attend(const enc_ops *ops, const float *qkv, size_t tokens, float *keys,
                   float *values, float *scores, float *out)
{
    enum { HEADS = 12, D = 32, LD = 3 * HEADS * D, BLOCK = 48 };
    for (size_t head = 0; head < HEADS; head++) {
        const float *q = qkv + head * D;
        ops->pack(q + HEADS * D, tokens, D, LD, 1, keys);
        ops->pack(q + 2 * HEADS * D, D, tokens, 1, LD, values);
        for (size_t row = 0; row < tokens; row += BLOCK) {
            size_t count = tokens - row < BLOCK ? tokens - row : BLOCK;
            ops->multiply(q + row * LD, LD, count, keys, tokens, D, NULL, scores, tokens);
            for (size_t i = 0; i < count; i++)
                ops->softmax(scores + i * tokens, tokens, 0.17677669f);
            ops->multiply(scores, tokens, count, values, D, tokens, NULL,
                          out + row * HEADS * D + head * D, HEADS * D);
        }
    }
}

static void bench_attention(size_t tokens)
{
    float *qkv = noises(tokens * 1152), *out = noises(tokens * 384);
    float *keys = noises((tokens + 32) * 32), *values = noises(tokens * 64);
    float *scores = noises(48 * tokens);
    for (int kernel = 0; kernel < KERNELS; kernel++) {
        const enc_ops *ops = enc_ops_find(kernel_names[kernel]);
        double got[REPEATS];
        for (int i = 0; ops && i < REPEATS; i++) {
            size_t turns = 20000 / tokens / tokens * 20 + 2;
            int64_t start = nanoseconds();
            for (size_t t = 0; t < turns; t++)
                attend(ops, qkv, tokens, keys, values, scores, out);
            double spent = (double)(nanoseconds() - start) / (double)turns;
            got[i] = 12 * 2 * 2 * 32.0 * (double)(tokens * tokens) / spent;
        }
        if (ops)
            print_flops("attention", ops->name, 32, tokens, tokens, median(got, REPEATS));
    }
    enc_free(qkv), enc_free(out), enc_free(keys), enc_free(values), enc_free(scores);
}

static void print_nanoseconds(const char *kernel, const char *what, size_t n, double value)
{
    printf("vectors,%s %s,,%zu,1,%.1f,ns,\n", kernel, what, n, value);
}

static void bench_vectors(size_t n)
{
    float *a = noises(n), *b = noises(n);
    for (int kernel = 0; kernel < KERNELS; kernel++) {
        const enc_ops *ops = enc_ops_find(kernel_names[kernel]);
        double cosine[REPEATS], dot[REPEATS], int8[REPEATS], bits[REPEATS];
        if (!ops || !ops->row_invariant)
            continue;
        for (int i = 0; i < REPEATS; i++) {
            enum { TURNS = 20000 };
            int64_t t[5], isums[3], total = 0;
            double sums[3], sum = 0;
            t[0] = nanoseconds();
            for (int turn = 0; turn < TURNS; turn++)
                ops->cosine_sums(a, b, n, sums), sum += sums[0];
            t[1] = nanoseconds();
            for (int turn = 0; turn < TURNS; turn++)
                sum += ops->dot(a, b, n);
            t[2] = nanoseconds();
            for (int turn = 0; turn < TURNS; turn++)
                ops->int8_sums((int8_t *)a, (int8_t *)b, n, isums), total += isums[0];
            t[3] = nanoseconds();
            for (int turn = 0; turn < TURNS; turn++)
                total += ops->hamming((uint8_t *)a, (uint8_t *)b, n / 8);
            t[4] = nanoseconds();
            sink = (float)sum + (float)total;
            cosine[i] = (double)(t[1] - t[0]) / TURNS;
            dot[i] = (double)(t[2] - t[1]) / TURNS;
            int8[i] = (double)(t[3] - t[2]) / TURNS;
            bits[i] = (double)(t[4] - t[3]) / TURNS;
        }
        print_nanoseconds(ops->name, "cosine", n, median(cosine, REPEATS));
        print_nanoseconds(ops->name, "dot", n, median(dot, REPEATS));
        print_nanoseconds(ops->name, "int8 cosine", n, median(int8, REPEATS));
        print_nanoseconds(ops->name, "hamming", n, median(bits, REPEATS));
    }
    enc_free(a);
    enc_free(b);
}

int main(int argc, char **argv)
{
    static const size_t all[] = {1,  2,  3,  4,  5,  6,  8,   9,   12, 13,
                                 16, 18, 24, 32, 48, 64, 128, 256, 512};
    static const size_t some[] = {1, 4, 18, 256};
    bool quick = argc > 1 && !strcmp(argv[1], "quick");
    const size_t *rows = quick ? some : all;
    size_t row_counts = quick ? sizeof some / sizeof *some : sizeof all / sizeof *all;

    printf("# %s; OpenBLAS: %s\n", enc_cpu_describe(), enc_blas_describe());
    printf("part,kernel,k,n,rows,value,unit,of_peak\n");
    peak = measure_peak();
    print_flops("peak", "", 0, 0, 0, peak);
    if (argc > 1 && !strcmp(argv[1], "peak"))
        return 0;
    bench_layers(rows, row_counts);
    if (argc > 1 && !strcmp(argv[1], "layers"))
        return 0;
    static const size_t shapes[][2] = {{384, 384}, {384, 1152}, {384, 1536}, {1536, 384},
                                       {768, 768}, {768, 3072}, {3072, 768}, {1024, 1024}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (!quick || i < 4)
            bench_product(shapes[i][0], shapes[i][1], rows, row_counts);
    bench_attention(18);
    bench_attention(64);
    bench_attention(256);
    bench_rows("gelu", do_gelu, 1536);
    bench_rows("tanh", do_tanh, 384);
    bench_rows("layer_norm", do_layer_norm, 384);
    bench_rows("softmax", do_softmax, 18);
    bench_rows("softmax", do_softmax, 256);
    bench_rows("pack keys", do_pack_keys, 18 * 32);
    bench_rows("pack keys", do_pack_keys, 256 * 32);
    bench_rows("pack values", do_pack_values, 256 * 32);
    bench_vectors(384);
    bench_vectors(768);
    return 0;
}
