/*
** test_ops.c - the choice of a kernel, and products on every kernel this processor can run.
*/
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "kernels.h"
#include "unit.h"

static float *packed(const enc_ops *ops, const float *w, size_t n, size_t k)
{
    float *p = ENC_ALLOC(float, ops->packed_size(n, k) + 1);
    if (p)
        ops->pack(w, n, k, k, 1, p);
    return p;
}

/* ---- The choice ---------------------------------------------------------------------- */

TEST("ops: the portable kernel is always there and a name that is none finds nothing")
{
    CHECK(enc_ops_find("portable") != NULL);
    CHECK(enc_ops_find("abacus") == NULL);
    CHECK(enc_ops_find("") == NULL);
    CHECK(strstr(enc_ops_names(), "portable") != NULL);
}

TEST("ops: the best kernel is chosen, or the one that CONTEXTUAL_KERNEL names")
{
    const char *wanted = getenv("CONTEXTUAL_KERNEL");
    const enc_ops *forced = wanted && *wanted ? enc_ops_find(wanted) : NULL;
    const enc_ops *best = NULL;
    FOR_KERNELS(ops)
        if (!best)
            best = ops;
    CHECK(enc_ops_get() == (forced ? forced : best));
    if (wanted && *wanted && !forced)
        CHECK(strstr(enc_ops_note(), "CONTEXTUAL_KERNEL") != NULL);
}

TEST("ops: a kernel is offered only where the processor has its instructions")
{
    enc_cpu cpu;
    enc_cpu_detect(&cpu);
    CHECK((enc_ops_find("avx2") != NULL) == cpu.avx2);
    CHECK((enc_ops_find("avx512") != NULL) == cpu.avx512);
    CHECK(!cpu.avx512 || cpu.avx2);
    CHECK((enc_ops_find("avx2-vnni") != NULL) == cpu.avx_vnni);
    CHECK((enc_ops_find("avx512-vnni") != NULL) == cpu.avx512_vnni);
    CHECK((enc_ops_find("avx512-bf16") != NULL) == cpu.avx512_bf16);
    CHECK((enc_ops_find("neon-dotprod") != NULL) == cpu.dotprod);
    CHECK(strlen(enc_cpu_describe()) > 0);
    CHECK_STR(enc_cpu_describe(), cpu.text);
    CHECK((strlen(enc_blas_describe()) > 0) == (enc_ops_find("openblas") != NULL));
}

/* ---- Products ------------------------------------------------------------------------ */

/* Largest |y - (x W^T + bias)| beyond what summing k terms in float may cost. */
static double product_excess(const float *x, size_t ldx, size_t rows, const float *w,
                             size_t n, size_t k, const float *bias, const float *y,
                             size_t ldy)
{
    double worst = -1;
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < n; i++) {
            double sum = bias ? (double)bias[i] : 0, size = fabs(sum);
            for (size_t j = 0; j < k; j++) {
                double term = (double)x[r * ldx + j] * (double)w[i * k + j];
                sum += term;
                size += fabs(term);
            }
            double error = fabs((double)y[r * ldy + i] - sum);
            double bound = size * (double)(k + 2) * 0x1p-24;
            worst = error - bound > worst ? error - bound : worst;
        }
    }
    return worst;
}

static void check_product(const enc_ops *ops, size_t rows, size_t n, size_t k, bool biased)
{
    enum { GAP = 3 };
    const size_t ldx = k + GAP, ldy = n + GAP;
    float *x = noises(rows * ldx), *w = noises(n * k), *bias = noises(n);
    float *y = noises(rows * ldy), *p = packed(ops, w, n, k);
    REQUIRE(x && w && bias && y && p);
    for (size_t i = 0; i < rows * ldy; i++)
        y[i] = 77;
    ops->multiply(x, ldx, rows, p, n, k, biased ? bias : NULL, y, ldy);
    CHECK(product_excess(x, ldx, rows, w, n, k, biased ? bias : NULL, y, ldy) <= 0);
    size_t touched = 0;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = n; i < ldy; i++)
            touched += y[r * ldy + i] != 77.0f;
    CHECK_INT(touched, 0);
    enc_free(x), enc_free(w), enc_free(bias), enc_free(y), enc_free(p);
}

TEST("ops: a product of any shape is right, with and without bias, and writes nothing else")
{
    static const size_t rows[] = {1, 2, 3, 4, 5, 6, 7, 12, 13, 25};
    static const size_t widths[] = {1,  2,  7,  8,  15, 16, 17,  31,
                                    32, 33, 48, 63, 64, 97, 129, 200};
    static const size_t depths[] = {1, 2, 5, 8, 9, 33, 64};
    FOR_KERNELS(ops)
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
            for (size_t n = 0; n < sizeof widths / sizeof *widths; n++)
                for (size_t k = 0; k < sizeof depths / sizeof *depths; k++)
                    check_product(ops, rows[r], widths[n], depths[k], (r + n + k) % 2);
}

TEST("ops: products of the depths that encoders have are right")
{
    static const size_t depths[] = {312, 384, 768, 1024, 1536, 3072};
    FOR_KERNELS(ops)
        for (size_t k = 0; k < sizeof depths / sizeof *depths; k++) {
            check_product(ops, 13, 40, depths[k], true);
            check_product(ops, 1, 130, depths[k], false);
        }
}

TEST("ops: nothing to multiply leaves the bias, and no rows leave everything")
{
    FOR_KERNELS(ops)
    {
        float x[4] = {1, 2, 3, 4}, bias[3] = {5, 6, 7}, y[6] = {9, 9, 9, 9, 9, 9};
        float none[16] = {0};
        ops->multiply(x, 1, 2, none, 3, 0, bias, y, 3);
        CHECK(y[0] == 5 && y[1] == 6 && y[2] == 7 && y[3] == 5 && y[4] == 6 && y[5] == 7);
        ops->multiply(x, 1, 0, none, 3, 0, NULL, y, 3);
        CHECK(y[0] == 5 && y[5] == 7);
    }
}

/* Whether each row of a product has the bits that it has alone. */
static bool rows_stand_alone(const enc_ops *ops, size_t n, size_t k, size_t ldx,
                             size_t most)
{
    float *x = noises(most * ldx), *w = noises(n * k), *bias = noises(n);
    float *alone = noises(most * n), *y = noises(most * n), *p = packed(ops, w, n, k);
    bool same = x && w && bias && alone && y && p;
    for (size_t r = 0; same && r < most; r++)
        ops->multiply(x + r * ldx, ldx, 1, p, n, k, bias, alone + r * n, n);
    for (size_t rows = 1; same && rows <= most; rows++) {
        ops->multiply(x, ldx, rows, p, n, k, bias, y, n);
        same = !memcmp(y, alone, rows * n * sizeof *y);
    }
    enc_free(x), enc_free(w), enc_free(bias), enc_free(alone), enc_free(y), enc_free(p);
    return same;
}

TEST("ops: a row's bits do not depend on its place or the number of rows, 1 to 130")
{
    FOR_KERNELS(ops)
    {
        if (!ops->row_invariant)
            continue;
        CHECK(rows_stand_alone(ops, 40, 70, 70, 130));
        CHECK(rows_stand_alone(ops, 7, 384, 384, 130));
        CHECK(rows_stand_alone(ops, 70, 32, 1152, 50));
        CHECK(rows_stand_alone(ops, 33, 1024, 1024, 30));
        CHECK(rows_stand_alone(ops, 33, 1100, 4096, 30));
    }
}

enum { SHARED_ROWS = 30, SHARED_N = 64, SHARED_K = 100, THREADS = 8, TURNS = 40 };

typedef struct shared {
    const enc_ops *ops;
    const float *x, *packed, *want;
    int wrong[THREADS];
} shared;

typedef struct worker {
    shared *of;
    int number;
} worker;

static void *multiply_again(void *context)
{
    worker *w = context;
    const shared *s = w->of;
    float *y = ENC_ALLOC(float, SHARED_ROWS * SHARED_N);
    for (int turn = 0; y && turn < TURNS; turn++) {
        s->ops->multiply(s->x, SHARED_K, SHARED_ROWS, s->packed, SHARED_N, SHARED_K, NULL,
                         y, SHARED_N);
        w->of->wrong[w->number] += !!memcmp(y, s->want, SHARED_ROWS * SHARED_N * sizeof *y);
    }
    enc_free(y);
    return NULL;
}

TEST("ops: threads that multiply at once don't disturb each other")
{
    FOR_KERNELS(ops)
    {
        float *x = noises(SHARED_ROWS * SHARED_K), *w = noises(SHARED_N * SHARED_K);
        float *want = noises(SHARED_ROWS * SHARED_N);
        float *p = packed(ops, w, SHARED_N, SHARED_K);
        REQUIRE(x && w && want && p);
        ops->multiply(x, SHARED_K, SHARED_ROWS, p, SHARED_N, SHARED_K, NULL, want,
                      SHARED_N);
        shared s = {ops, x, p, want, {0}};
        pthread_t thread[THREADS];
        worker workers[THREADS];
        int started = 0, wrong = 0;
        for (; started < THREADS; started++) {
            workers[started] = (worker){&s, started};
            if (pthread_create(&thread[started], NULL, multiply_again, &workers[started]))
                break;
        }
        for (int i = 0; i < started; i++) {
            pthread_join(thread[i], NULL);
            wrong += s.wrong[i];
        }
        CHECK_INT(wrong, 0);
        enc_free(x), enc_free(w), enc_free(want), enc_free(p);
    }
}

TEST("ops: a packed matrix may be cut at any multiple of 32 columns without changing a bit")
{
    enum { ROWS = 13, N = 200, K = 50 };
    FOR_KERNELS(ops)
    {
        if (!ops->row_invariant)
            continue;
        float *x = noises(ROWS * K), *w = noises(N * K), *whole = noises(ROWS * N);
        float *parts = noises(ROWS * N), *p = packed(ops, w, N, K);
        REQUIRE(x && w && whole && parts && p);
        ops->multiply(x, K, ROWS, p, N, K, NULL, whole, N);
        for (size_t first = 0; first < N; first += 96)
            ops->multiply(x, K, ROWS, p + ops->packed_size(first, K),
                          N - first < 96 ? N - first : 96, K, NULL, parts + first, N);
        CHECK(!memcmp(whole, parts, ROWS * N * sizeof *whole));
        enc_free(x), enc_free(w), enc_free(whole), enc_free(parts), enc_free(p);
    }
}

TEST("ops: keys, values and any other stride pack to the same matrix")
{
    static const size_t sizes[] = {1, 3, 8, 16, 18, 32, 33, 50, 77};
    FOR_KERNELS(ops)
        for (size_t a = 0; a < 9; a++)
            for (size_t b = 0; b < 9; b++) {
                size_t n = sizes[a], k = sizes[b], size = ops->packed_size(n, k);
                float *w = noises(n * k), *t = noises(n * k), *wide = noises(2 * n * k);
                float *p1 = noises(size), *p2 = noises(size), *p3 = noises(size);
                REQUIRE(w && t && wide && p1 && p2 && p3);
                for (size_t i = 0; i < n; i++)
                    for (size_t j = 0; j < k; j++)
                        t[j * n + i] = wide[2 * (i * k + j)] = w[i * k + j];
                ops->pack(w, n, k, k, 1, p1);
                ops->pack(t, n, k, 1, n, p2);
                ops->pack(wide, n, k, 2 * k, 2, p3);
                CHECK(!memcmp(p1, p2, size * sizeof *p1));
                CHECK(!memcmp(p1, p3, size * sizeof *p1));
                enc_free(w), enc_free(t), enc_free(wide);
                enc_free(p1), enc_free(p2), enc_free(p3);
            }
}
