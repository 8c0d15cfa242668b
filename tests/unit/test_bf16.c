/*
** test_bf16.c - products with weights of bf16, on every kernel that this processor can run.
*/
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "unit.h"

static const enc_product *bf16_of(const enc_ops *ops)
{
    return ops->product[ENC_WEIGHT_BF16];
}

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t to_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* To nearest, halfway to even, by arithmetic alone. */
static float rounded(float x)
{
    int exponent;
    float part = frexpf(x, &exponent);
    return x == 0 ? x : ldexpf(rintf(ldexpf(part, 8)), exponent - 8);
}

/* Exactly as large as it must be, so that a sanitizer sees a step beyond. */
static void *room(size_t bytes)
{
    void *room = NULL;
    if (posix_memalign(&room, 64, bytes > 0 ? (bytes + 63) / 64 * 64 : 64))
        return NULL;
    return room;
}

static void *packed(const enc_product *product, const float *w, size_t n, size_t k)
{
    void *p = room(product->packed_size(n, k));
    if (p)
        product->pack(w, n, k, k, 1, p);
    return p;
}

/* y = epilogue(x · w) as linear.c would ask for it. */
static bool multiply(const enc_product *product, const float *x, size_t ldx, size_t rows,
                     const void *p, size_t n, size_t k, const enc_epilogue *epilogue, float *y,
                     size_t ldy)
{
    if (!product->prepare) {
        product->multiply(x, ldx * sizeof *x, rows, p, n, k, epilogue, y, ldy);
        return true;
    }
    size_t size = product->prepared_size(k);
    void *prepared = room(rows * size);
    if (!prepared)
        return false;
    product->prepare(x, ldx, rows, k, NULL, prepared);
    product->multiply(prepared, size, rows, p, n, k, epilogue, y, ldy);
    free(prepared);
    return true;
}

/* ---- Numbers ---- */

TEST("bf16: weights are rounded to nearest, halfway to even, and unpack as they were kept")
{
    enum { N = 37, K = 51 };
    FOR_KERNELS(ops)
    {
        float *w = noises(N * K), *back = noises(N * K);
        void *p = packed(bf16_of(ops), w, N, K);
        REQUIRE(w && back && p);
        bf16_of(ops)->unpack(p, N, K, back);
        for (size_t i = 0; i < N * K; i++)
            CHECK(back[i] == rounded(w[i]));
        void *again = packed(bf16_of(ops), back, N, K);
        REQUIRE(again != NULL);
        CHECK(!memcmp(p, again, bf16_of(ops)->packed_size(N, K)));
        enc_free(w), enc_free(back), free(p), free(again);
    }
}

TEST("bf16: halves, infinities, NaN, zeros and denormal weights keep what they are")
{
    static const uint32_t want[][2] = {
        {0x3f808000, 0x3f800000}, {0x3f818000, 0x3f820000}, {0x3f808001, 0x3f810000},
        {0xbf808000, 0xbf800000}, {0x7f7fffff, 0x7f800000}, {0x7f800000, 0x7f800000},
        {0xff800000, 0xff800000}, {0x00000000, 0x00000000}, {0x80000000, 0x80000000},
        {0x00018000, 0x00020000}, {0x007fffff, 0x00800000}, {0x00000001, 0x00000000}};
    enum { COUNT = sizeof want / sizeof *want };
    FOR_KERNELS(ops)
        for (size_t odd = 0; odd < 2; odd++) {
            float w[COUNT + 3] = {0}, back[COUNT + 3];
            for (size_t i = 0; i < COUNT; i++)
                w[i + odd] = from_bits(want[i][0]);
            w[COUNT + 1] = from_bits(0x7f800001);
            w[COUNT + 2] = from_bits(0xffffffff);
            void *p = packed(bf16_of(ops), w, 1, COUNT + 3);
            REQUIRE(p != NULL);
            bf16_of(ops)->unpack(p, 1, COUNT + 3, back);
            for (size_t i = 0; i < COUNT; i++)
                CHECK(i + odd == COUNT + 1 || to_bits(back[i + odd]) == want[i][1]);
            CHECK(isnan(back[COUNT + 1]) && isnan(back[COUNT + 2]));
            free(p);
        }
}

TEST("bf16: any stride packs to the same matrix, and every kernel packs the same bytes")
{
    static const size_t sizes[] = {1, 2, 3, 8, 15, 16, 17, 18, 31, 32, 33, 50, 77};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    const enc_product *portable = bf16_of(enc_ops_find("portable"));
    FOR_KERNELS(ops)
        for (size_t a = 0; a < SIZES; a++)
            for (size_t b = 0; b < SIZES; b++) {
                const enc_product *product = bf16_of(ops);
                size_t n = sizes[a], k = sizes[b], size = product->packed_size(n, k);
                float *w = noises(n * k), *t = noises(n * k), *wide = noises(2 * n * k);
                void *p1 = room(size), *p2 = room(size), *p3 = room(size);
                void *truth = packed(portable, w, n, k);
                REQUIRE(w && t && wide && p1 && p2 && p3 && truth);
                for (size_t i = 0; i < n; i++)
                    for (size_t j = 0; j < k; j++)
                        t[j * n + i] = wide[2 * (i * k + j)] = w[i * k + j];
                product->pack(w, n, k, k, 1, p1);
                product->pack(t, n, k, 1, n, p2);
                product->pack(wide, n, k, 2 * k, 2, p3);
                CHECK_STR(product->layout, portable->layout);
                CHECK_INT(size, portable->packed_size(n, k));
                CHECK(!memcmp(p1, truth, size));
                CHECK(!memcmp(p2, truth, size));
                CHECK(!memcmp(p3, truth, size));
                enc_free(w), enc_free(t), enc_free(wide);
                free(p1), free(p2), free(p3), free(truth);
            }
}

/* ---- Products ---- */

typedef struct shape {
    size_t rows, n, k;
    bool biased, residual;
} shape;

/* Largest |y - (x W^T + bias + residual)| beyond what rounding may cost: of x, where a kernel
** rounds it, and of summing k terms. */
static double product_excess(const enc_product *product, const shape *s, const float *x,
                             size_t ldx, const float *w, const enc_epilogue *epilogue,
                             const float *y, size_t ldy)
{
    double worst = -1;
    for (size_t r = 0; r < s->rows; r++)
        for (size_t i = 0; i < s->n; i++) {
            double sum = epilogue->bias ? (double)epilogue->bias[i] : 0, size = fabs(sum);
            for (size_t j = 0; j < s->k; j++) {
                float element = x[r * ldx + j];
                double term = (double)(product->prepare ? rounded(element) : element) *
                              (double)rounded(w[i * s->k + j]);
                sum += term;
                size += fabs(term);
            }
            if (epilogue->residual)
                sum += (double)epilogue->residual[r * epilogue->ld_residual + i];
            double error = fabs((double)y[r * ldy + i] - sum);
            double bound = (size + 1) * (double)(s->k + 3) * 0x1p-24;
            worst = error - bound > worst ? error - bound : worst;
        }
    return worst;
}

static void check_product(const enc_ops *ops, const shape *s)
{
    enum { GAP = 3 };
    const size_t ldx = s->k + GAP, ldy = s->n + GAP;
    const enc_product *product = bf16_of(ops);
    float *x = noises(s->rows * ldx), *w = noises(s->n * s->k), *bias = noises(s->n);
    float *residual = noises(s->rows * ldy), *y = noises(s->rows * ldy);
    void *p = packed(product, w, s->n, s->k);
    REQUIRE(x && w && bias && residual && y && p);
    for (size_t i = 0; i < s->rows * ldy; i++)
        y[i] = 77;
    enc_epilogue epilogue = {s->biased ? bias : NULL, ENC_ACT_NONE,
                             s->residual ? residual : NULL, ldy};
    REQUIRE(multiply(product, x, ldx, s->rows, p, s->n, s->k, &epilogue, y, ldy));
    CHECK(product_excess(product, s, x, ldx, w, &epilogue, y, ldy) <= 0);
    size_t touched = 0;
    for (size_t r = 0; r < s->rows; r++)
        for (size_t i = s->n; i < ldy; i++)
            touched += y[r * ldy + i] != 77.0f;
    CHECK_INT(touched, 0);
    enc_free(x), enc_free(w), enc_free(bias), enc_free(residual), enc_free(y), free(p);
}

TEST("bf16: a product of any shape is right, with and without bias and residual")
{
    static const size_t rows[] = {1, 2, 3, 4, 5, 6, 7, 12, 13, 25};
    static const size_t widths[] = {1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 97, 200};
    static const size_t depths[] = {1, 2, 5, 8, 9, 31, 32, 33, 64};
    FOR_KERNELS(ops)
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
            for (size_t n = 0; n < sizeof widths / sizeof *widths; n++)
                for (size_t k = 0; k < sizeof depths / sizeof *depths; k++)
                    check_product(ops, &(shape){rows[r], widths[n], depths[k],
                                                (r + n + k) % 2, (r + n + k) % 3 == 0});
}

TEST("bf16: products of the depths that encoders have are right")
{
    static const size_t depths[] = {312, 384, 768, 1024, 1536, 3072};
    FOR_KERNELS(ops)
        for (size_t k = 0; k < sizeof depths / sizeof *depths; k++) {
            check_product(ops, &(shape){13, 40, depths[k], true, false});
            check_product(ops, &(shape){1, 130, depths[k], false, true});
        }
}

TEST("bf16: nothing to multiply leaves the bias, and no rows leave everything")
{
    FOR_KERNELS(ops)
    {
        float x[4] = {1, 2, 3, 4}, bias[3] = {5, 6, 7}, y[6] = {9, 9, 9, 9, 9, 9};
        float none[32] = {0};
        enc_epilogue epilogue = {.bias = bias};
        CHECK(multiply(bf16_of(ops), x, 1, 2, none, 3, 0, &epilogue, y, 3));
        CHECK(y[0] == 5 && y[1] == 6 && y[2] == 7 && y[3] == 5 && y[4] == 6 && y[5] == 7);
        CHECK(multiply(bf16_of(ops), x, 1, 0, none, 3, 0, &epilogue, y, 3));
        CHECK(y[0] == 5 && y[5] == 7);
    }
}

TEST("bf16: the epilogue is the activation of the product, then the residual")
{
    enum { ROWS = 14, N = 70, K = 40 };
    FOR_KERNELS(ops)
        for (int kind = 0; kind < ENC_ACT_COUNT; kind++) {
            float *x = noises(ROWS * K), *w = noises(N * K), *bias = noises(N);
            float *want = noises(ROWS * N), *y = noises(ROWS * N), *old = noises(ROWS * N);
            void *p = packed(bf16_of(ops), w, N, K);
            REQUIRE(x && w && bias && want && y && old && p);
            enc_epilogue plain = {.bias = bias};
            enc_epilogue all = {bias, (enum enc_activation)kind, old, N};
            REQUIRE(multiply(bf16_of(ops), x, K, ROWS, p, N, K, &plain, want, N));
            REQUIRE(multiply(bf16_of(ops), x, K, ROWS, p, N, K, &all, y, N));
            if (ops->activate[kind])
                ops->activate[kind](want, ROWS * N);
            ops->add(old, want, ROWS * N);
            CHECK(!memcmp(y, want, ROWS * N * sizeof *y));
            enc_free(x), enc_free(w), enc_free(bias), enc_free(want), enc_free(y);
            enc_free(old), free(p);
        }
}

/* Whether each row of a product has the bits that it has alone. */
static bool rows_stand_alone(const enc_ops *ops, size_t n, size_t k, size_t most)
{
    const enc_epilogue none = {0};
    float *x = noises(most * k), *w = noises(n * k);
    float *alone = noises(most * n), *y = noises(most * n);
    void *p = packed(bf16_of(ops), w, n, k);
    bool same = x && w && alone && y && p;
    for (size_t r = 0; same && r < most; r++)
        same = multiply(bf16_of(ops), x + r * k, k, 1, p, n, k, &none, alone + r * n, n);
    for (size_t rows = 1; same && rows <= most; rows++)
        same = multiply(bf16_of(ops), x, k, rows, p, n, k, &none, y, n) &&
               !memcmp(y, alone, rows * n * sizeof *y);
    enc_free(x), enc_free(w), enc_free(alone), enc_free(y), free(p);
    return same;
}

TEST("bf16: rows times factors have the bits of rows that were multiplied before")
{
    enum { ROWS = 2, MOST = 70 };
    FOR_KERNELS(ops)
    {
        const enc_product *product = ops->product[ENC_WEIGHT_BF16];
        for (size_t k = 1; product->prepare && k <= MOST; k++) {
            const size_t size = ROWS * product->prepared_size(k);
            float *x = noises(ROWS * k), *factor = noises(k), *scaled = noises(ROWS * k);
            void *q = room(size), *want = room(size);
            REQUIRE(x && factor && scaled && q && want);
            for (size_t i = 0; i < ROWS * k; i++)
                scaled[i] = x[i] * factor[i % k];
            product->prepare(x, k, ROWS, k, factor, q);
            product->prepare(scaled, k, ROWS, k, NULL, want);
            CHECK(!memcmp(q, want, size));
            enc_free(x), enc_free(factor), enc_free(scaled);
            free(q), free(want);
        }
    }
}

TEST("bf16: a row's bits do not depend on its place or the number of rows")
{
    FOR_KERNELS(ops)
    {
        CHECK(rows_stand_alone(ops, 40, 70, 60));
        CHECK(rows_stand_alone(ops, 7, 385, 60));
        CHECK(rows_stand_alone(ops, 33, 1024, 30));
    }
}

TEST("bf16: a packed matrix may be cut at any multiple of 32 columns without changing a bit")
{
    enum { ROWS = 13, N = 200, K = 51 };
    FOR_KERNELS(ops)
    {
        const enc_product *product = bf16_of(ops);
        const enc_epilogue none = {0};
        float *x = noises(ROWS * K), *w = noises(N * K), *whole = noises(ROWS * N);
        float *parts = noises(ROWS * N);
        char *p = packed(product, w, N, K);
        REQUIRE(x && w && whole && parts && p);
        REQUIRE(multiply(product, x, K, ROWS, p, N, K, &none, whole, N));
        for (size_t step = 32; step < N; step += 32) {
            for (size_t first = 0; first < N; first += step)
                REQUIRE(multiply(product, x, K, ROWS, p + product->packed_size(first, K),
                                 N - first < step ? N - first : step, K, &none, parts + first,
                                 N));
            CHECK(!memcmp(whole, parts, ROWS * N * sizeof *whole));
        }
        enc_free(x), enc_free(w), enc_free(whole), enc_free(parts), free(p);
    }
}

TEST("bf16: kernels with fused multiply-add in float32 give the same bits")
{
    enum { ROWS = 15, N = 71, K = 385 };
    static const char *const fused[] = {"avx512", "avx2", "neon"};
    float *x = noises(ROWS * K), *w = noises(N * K), *bias = noises(N), *want = NULL;
    const enc_epilogue epilogue = {.bias = bias, .activation = ENC_ACT_GELU};
    REQUIRE(x && w && bias);
    for (size_t i = 0; i < sizeof fused / sizeof *fused; i++) {
        const enc_ops *ops = enc_ops_find(fused[i]);
        if (!ops)
            continue;
        float *y = noises(ROWS * N);
        void *p = packed(bf16_of(ops), w, N, K);
        REQUIRE(y && p);
        REQUIRE(multiply(bf16_of(ops), x, K, ROWS, p, N, K, &epilogue, y, N));
        CHECK(!want || !memcmp(y, want, ROWS * N * sizeof *y));
        enc_free(want), free(p);
        want = y;
    }
    enc_free(x), enc_free(w), enc_free(bias), enc_free(want);
}

TEST("bf16: rows of attention become exp of their distance to the row's largest")
{
    enum { ROWS = 5, MOST = 257 };
    static const size_t widths[] = {1, 2, 15, 16, 17, 31, 32, 33, 64, 95, MOST};
    const float scale = 0.3f;
    FOR_KERNELS(ops)
    {
        const enc_product *product = bf16_of(ops);
        for (size_t w = 0; product->prepare_exp && w < sizeof widths / sizeof *widths; w++) {
            const size_t n = widths[w], size = product->prepared_size(n);
            float *x = noises(ROWS * n), sum[ROWS], alone;
            char *all = room(ROWS * size), *one = room(size);
            REQUIRE(x && all && one);
            for (size_t i = 0; i < ROWS * n; i++)
                x[i] *= 60; /* so that some of exp are very small */
            x[n - 1] = n > 1 ? -INFINITY : 1;
            product->prepare_exp(x, n, ROWS, n, scale, all, sum);
            for (size_t row = 0; row < ROWS; row++) {
                const float *from = x + row * n;
                float most = from[0];
                double total = 0;
                for (size_t i = 0; i < n; i++)
                    most = from[i] > most ? from[i] : most;
                for (size_t i = 0; i < size / 2; i++) {
                    uint16_t half;
                    memcpy(&half, all + row * size + 2 * i, sizeof half);
                    float got = from_bits((uint32_t)half << 16);
                    double want = i < n ? exp(((double)from[i] - most) * scale) : 0;
                    total += want;
                    CHECK(fabs(got - want) <= want * (1.0 / 256 + 8e-5));
                }
                CHECK(fabs(sum[row] - total) <= total * 8e-5);
                product->prepare_exp(from, n, 1, n, scale, one, &alone);
                CHECK(!memcmp(one, all + row * size, size) &&
                      to_bits(alone) == to_bits(sum[row]));
            }
            enc_free(x), free(all), free(one);
        }
    }
}
