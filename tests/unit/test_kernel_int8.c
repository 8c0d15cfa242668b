/*
** test_kernel_int8.c - products with 8-bit weights: on every kernel the bits of a definition that
** is written out here in the plainest way.
*/
#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "unit.h"

enum { GAP = 3 };

/* ---- The definition ------------------------------------------------------------------ */

/* Weights [n, k] as integers with a scale for each column. */
static void quantise_columns(const float *w, size_t n, size_t k, int32_t *q, float *scale)
{
    for (size_t i = 0; i < n; i++) {
        float most = 0;
        for (size_t j = 0; j < k; j++)
            most = fabsf(w[i * k + j]) > most ? fabsf(w[i * k + j]) : most;
        scale[i] = most / 127.0f < FLT_MIN ? 0.0f : most / 127.0f;
        const float inverse = scale[i] > 0 ? 1.0f / scale[i] : 0.0f;
        for (size_t j = 0; j < k; j++)
            q[i * k + j] = (int32_t)nearbyintf(w[i * k + j] * inverse);
    }
}

/* A row as integers of 0 ... 255 less their zero point. Returns its scale. */
static float quantise_row(const float *x, size_t k, int32_t *q)
{
    float low = 0, high = 0;
    for (size_t j = 0; j < k; j++) {
        low = x[j] < low ? x[j] : low;
        high = x[j] > high ? x[j] : high;
    }
    float scale = high * (1.0f / 255.0f) - low * (1.0f / 255.0f);
    scale = scale < FLT_MIN ? 0.0f : scale;
    const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
    const int32_t zero = (int32_t)nearbyintf(-low * inverse);
    for (size_t j = 0; j < k; j++) {
        int32_t at = (int32_t)nearbyintf(x[j] * inverse) + zero;
        q[j] = (at > 255 ? 255 : at < 0 ? 0 : at) - zero;
    }
    return scale;
}

/* y [rows, n] without activation and residual; y has n floats from row to row. */
static bool define(const float *x, size_t ldx, size_t rows, const float *w, size_t n, size_t k,
                   const float *bias, float *y)
{
    int32_t *wq = ENC_ALLOC(int32_t, n * k + 1), *xq = ENC_ALLOC(int32_t, k + 1);
    float *scale = ENC_ALLOC(float, n + 1);
    if (!wq || !xq || !scale)
        return false;
    quantise_columns(w, n, k, wq, scale);
    for (size_t r = 0; r < rows; r++) {
        const float row_scale = quantise_row(x + r * ldx, k, xq);
        for (size_t i = 0; i < n; i++) {
            int64_t sum = 0;
            for (size_t j = 0; j < k; j++)
                sum += (int64_t)xq[j] * wq[i * k + j];
            y[r * n + i] = (float)sum * (row_scale * scale[i]) + (bias ? bias[i] : 0.0f);
        }
    }
    enc_free(wq), enc_free(xq), enc_free(scale);
    return true;
}

/* ---- A kernel's ---------------------------------------------------------------------- */

/* Memory of exactly this size: an instrument sees one byte more. */
static void *packed(const enc_ops *ops, const float *w, size_t n, size_t k)
{
    const enc_product *product = ops->product[ENC_WEIGHT_INT8];
    void *p = enc_alloc_array(product->packed_size(n, k), 1);
    if (p)
        product->pack(w, n, k, k, 1, p);
    return p;
}

static void *prepared(const enc_ops *ops, const float *x, size_t ldx, size_t rows, size_t k)
{
    const enc_product *product = ops->product[ENC_WEIGHT_INT8];
    void *p = enc_alloc_array(rows * product->prepared_size(k), 1);
    if (p)
        product->prepare(x, ldx, rows, k, NULL, p);
    return p;
}

static void multiply(const enc_ops *ops, const void *x, size_t rows, const void *p, size_t n,
                     size_t k, const float *bias, float *y, size_t ldy)
{
    const enc_product *product = ops->product[ENC_WEIGHT_INT8];
    const enc_epilogue epilogue = {bias, ENC_ACT_NONE, NULL, 0};
    product->multiply(x, product->prepared_size(k), rows, p, n, k, &epilogue, y, ldy);
}

/* x has exactly rows of k numbers `ldx` apart, the last one not followed by a gap. */
static void check_product(const float *x, size_t ldx, size_t rows, const float *w, size_t n,
                          size_t k, const float *bias)
{
    float *want = ENC_ALLOC(float, rows * n + 1);
    REQUIRE(want && define(x, ldx, rows, w, n, k, bias, want));
    FOR_KERNELS(ops)
    {
        const size_t ldy = n + GAP;
        void *p = packed(ops, w, n, k), *q = prepared(ops, x, ldx, rows, k);
        float *y = ENC_ALLOC(float, rows * ldy);
        REQUIRE(p && q && y);
        for (size_t i = 0; i < rows * ldy; i++)
            y[i] = 77;
        multiply(ops, q, rows, p, n, k, bias, y, ldy);
        size_t unlike = 0, touched = 0;
        for (size_t r = 0; r < rows; r++) {
            unlike += memcmp(y + r * ldy, want + r * n, n * sizeof *y) != 0;
            for (size_t i = n; i < ldy; i++)
                touched += y[r * ldy + i] != 77.0f;
        }
        CHECK_INT(unlike, 0);
        CHECK_INT(touched, 0);
        enc_free(p), enc_free(q), enc_free(y);
    }
    enc_free(want);
}

static void check_noise(size_t rows, size_t n, size_t k, bool biased)
{
    const size_t ldx = k + GAP;
    float *x = noises((rows - 1) * ldx + k), *w = noises(n * k), *bias = noises(n);
    REQUIRE(x && w && bias);
    check_product(x, ldx, rows, w, n, k, biased ? bias : NULL);
    enc_free(x), enc_free(w), enc_free(bias);
}

TEST("int8: a product of any shape is exact in integers and has the same bits everywhere")
{
    static const size_t widths[] = {1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 48, 64, 97};
    static const size_t depths[] = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 55, 56, 64, 66};
    for (size_t n = 0; n < sizeof widths / sizeof *widths; n++)
        for (size_t k = 0; k < sizeof depths / sizeof *depths; k++)
            check_noise(1 + (n * 7 + k) % 14, widths[n], depths[k], (n + k) % 2);
}

TEST("int8: any number of rows is right")
{
    for (size_t rows = 1; rows <= 40; rows++)
        check_noise(rows, 65, 22, rows % 2);
}

TEST("int8: products of the depths that encoders have are right")
{
    static const size_t depths[] = {312, 384, 768, 1024, 1536, 3072};
    for (size_t k = 0; k < sizeof depths / sizeof *depths; k++) {
        check_noise(13, 40, depths[k], true);
        check_noise(1, 130, depths[k], false);
    }
}

TEST("int8: the largest integers at the greatest depth do not overflow")
{
    enum { N = 3, K = ENC_INT8_MAX_DEPTH };
    static const float ends[][2] = {{1, 1}, {-1, -1}, {1, -1}, {-1, 0.5f}, {0, 1}};
    float *x = ENC_ALLOC(float, 5 * K), *w = ENC_ALLOC(float, N * K);
    REQUIRE(x && w);
    for (size_t j = 0; j < K; j++) {
        for (size_t r = 0; r < 5; r++)
            x[r * K + j] = ends[r][j % 2];
        w[j] = 3;
        w[K + j] = -3;
        w[2 * K + j] = j % 2 ? 3 : -3;
    }
    check_product(x, K, 5, w, N, K, NULL);
    enc_free(x), enc_free(w);
}

TEST("int8: rows and columns of zeros, of very small and of very large numbers give no nonsense")
{
    enum { ROWS = 6, N = 5, K = 9 };
    static const float size[ROWS] = {0, 1e-44f, 1e-37f, 1e-30f, 1e37f, 3e38f};
    float x[ROWS * K], w[N * K], bias[N] = {1, -2, 3, -4, 5};
    for (size_t i = 0; i < ROWS * K; i++)
        x[i] = size[i / K] * noise();
    for (size_t i = 0; i < N * K; i++)
        w[i] = size[i / K] * noise();
    check_product(x, K, ROWS, w, N, K, bias);
    for (size_t i = 0; i < ROWS * K; i++)
        x[i] = i % K == 4 ? 3e38f : -3e38f;
    for (size_t i = 0; i < N * K; i++)
        w[i] = i % K == 4 ? 1 : -1;
    check_product(x, K, ROWS, w, N, K, bias);
}

TEST("int8: nothing to multiply leaves the bias, and no rows leave everything")
{
    FOR_KERNELS(ops)
    {
        float x[4] = {1, 2, 3, 4}, bias[3] = {5, 6, 7}, y[6] = {9, 9, 9, 9, 9, 9};
        void *p = packed(ops, x, 3, 0), *q = prepared(ops, x, 1, 2, 0);
        REQUIRE(p && q);
        multiply(ops, q, 2, p, 3, 0, bias, y, 3);
        CHECK(y[0] == 5 && y[1] == 6 && y[2] == 7 && y[3] == 5 && y[4] == 6 && y[5] == 7);
        multiply(ops, q, 0, p, 3, 0, NULL, y, 3);
        CHECK(y[0] == 5 && y[5] == 7);
        enc_free(p), enc_free(q);
    }
}

TEST("int8: a row with an infinite number or none gives no numbers, the rows beside it theirs")
{
    enum { ROWS = 5, N = 40, K = 70 };
    float *x = noises(ROWS * K), *w = noises(N * K), *want = noises(ROWS * N);
    REQUIRE(x && w && want);
    REQUIRE(define(x, K, ROWS, w, N, K, NULL, want));
    x[K + 3] = NAN;
    x[3 * K + 69] = INFINITY;
    x[4 * K] = -INFINITY;
    FOR_KERNELS(ops)
    {
        void *p = packed(ops, w, N, K), *q = prepared(ops, x, K, ROWS, K);
        float *y = noises(ROWS * N);
        REQUIRE(p && q && y);
        multiply(ops, q, ROWS, p, N, K, NULL, y, N);
        CHECK(!memcmp(y, want, N * sizeof *y));
        CHECK(!memcmp(y + 2 * N, want + 2 * N, N * sizeof *y));
        for (size_t i = 0; i < N; i++)
            CHECK(isnan(y[N + i]) && isnan(y[3 * N + i]) && isnan(y[4 * N + i]));
        enc_free(p), enc_free(q), enc_free(y);
    }
    enc_free(x), enc_free(w), enc_free(want);
}

TEST("int8: a column with an infinite weight or none gives no numbers, those beside it theirs")
{
    enum { ROWS = 2, N = 4, K = 70 };
    FOR_KERNELS(ops)
    {
        float *x = noises(ROWS * K), *w = noises(N * K), y[ROWS * N];
        w[3] = NAN;
        w[2 * K + 69] = -INFINITY;
        void *p = packed(ops, w, N, K), *q = prepared(ops, x, K, ROWS, K);
        REQUIRE(x && w && p && q);
        multiply(ops, q, ROWS, p, N, K, NULL, y, N);
        CHECK(isnan(y[0]) && !isnan(y[1]) && isnan(y[2]) && !isnan(y[3]));
        CHECK(isnan(y[4]) && !isnan(y[5]) && isnan(y[6]) && !isnan(y[7]));
        enc_free(x), enc_free(w), enc_free(p), enc_free(q);
    }
}

/* ---- What follows a product ---------------------------------------------------------- */

/* Whether y is activation(plain) + residual, bit for bit. */
static bool follows(const enc_ops *ops, const enc_epilogue *epilogue, float *plain,
                    const float *residual, size_t count, const float *y)
{
    if (epilogue->activation != ENC_ACT_NONE)
        ops->activate_roughly[epilogue->activation](plain, count, 1, count);
    for (size_t i = 0; residual && i < count; i++)
        plain[i] = plain[i] + residual[i];
    return !memcmp(plain, y, count * sizeof *y);
}

TEST("int8: activation and residual follow the product, also where y itself is added")
{
    enum { ROWS = 27, N = 77, K = 50 };
    const enc_ops *portable = enc_ops_find("portable");
    FOR_KERNELS(ops)
        for (int act = 0; act < 2 * ENC_ACT_COUNT; act++) {
            const enc_product *product = ops->product[ENC_WEIGHT_INT8];
            /* Without a product of its own a kernel takes another's, activations and all. */
            if (product == portable->product[ENC_WEIGHT_INT8] && ops != portable)
                continue;
            float *x = noises(ROWS * K), *w = noises(N * K), *bias = noises(N);
            float *plain = noises(ROWS * N), *y = noises(ROWS * N), *before = noises(ROWS * N);
            void *p = packed(ops, w, N, K), *q = prepared(ops, x, K, ROWS, K);
            REQUIRE(x && w && bias && plain && y && before && p && q);
            bool added = act >= ENC_ACT_COUNT;
            enc_epilogue epilogue = {bias, (enum enc_activation)(act % ENC_ACT_COUNT),
                                     added ? y : NULL, N};
            memcpy(before, y, ROWS * N * sizeof *y);
            multiply(ops, q, ROWS, p, N, K, bias, plain, N);
            product->multiply(q, product->prepared_size(K), ROWS, p, N, K, &epilogue, y, N);
            CHECK(follows(ops, &epilogue, plain, added ? before : NULL, ROWS * N, y));
            enc_free(x), enc_free(w), enc_free(bias), enc_free(plain), enc_free(y);
            enc_free(before), enc_free(p), enc_free(q);
        }
}

/* ---- Rows ---------------------------------------------------------------------------- */

TEST("int8: each row of a product has the bits that it has alone")
{
    enum { MOST = 40, N = 70, K = 90 };
    FOR_KERNELS(ops)
    {
        const size_t size = ops->product[ENC_WEIGHT_INT8]->prepared_size(K);
        float *x = noises(MOST * K), *w = noises(N * K), *bias = noises(N);
        float *alone = noises(MOST * N), *y = noises(MOST * N);
        void *p = packed(ops, w, N, K);
        REQUIRE(x && w && bias && alone && y && p);
        for (size_t r = 0; r < MOST; r++) {
            void *q = prepared(ops, x + r * K, K, 1, K);
            REQUIRE(q != NULL);
            multiply(ops, q, 1, p, N, K, bias, alone + r * N, N);
            enc_free(q);
        }
        void *q = prepared(ops, x, K, MOST, K);
        REQUIRE(q != NULL);
        for (size_t rows = 1; rows <= MOST; rows++) {
            size_t first = (MOST - rows) / 2;
            multiply(ops, (char *)q + first * size, rows, p, N, K, bias, y, N);
            CHECK(!memcmp(y, alone + first * N, rows * N * sizeof *y));
        }
        enc_free(x), enc_free(w), enc_free(bias), enc_free(alone), enc_free(y);
        enc_free(p), enc_free(q);
    }
}

TEST("int8: rows times factors have the bits of rows that were multiplied before")
{
    enum { ROWS = 3, MOST = 150, LD = MOST + GAP };
    float *x = noises(ROWS * LD), *factor = noises(MOST), *scaled = noises(ROWS * LD);
    REQUIRE(x && factor && scaled);
    for (size_t i = 0; i < ROWS * LD; i++)
        scaled[i] = i % LD < MOST ? x[i] * factor[i % LD] : x[i];
    FOR_KERNELS(ops)
        for (size_t k = 1; k <= MOST; k++) {
            const enc_product *product = ops->product[ENC_WEIGHT_INT8];
            void *want = prepared(ops, scaled, LD, ROWS, k);
            float *exact = noises(k);
            void *q = enc_alloc_array(ROWS * product->prepared_size(k), 1);
            REQUIRE(want && exact && q);
            memcpy(exact, factor, k * sizeof *exact); /* one number more would be seen */
            product->prepare(x, LD, ROWS, k, exact, q);
            CHECK(!memcmp(q, want, ROWS * product->prepared_size(k)));
            enc_free(want), enc_free(exact), enc_free(q);
        }
    enc_free(x), enc_free(factor), enc_free(scaled);
}

TEST("int8: a row's numbers are kept to half a step of its range")
{
    enum { K = 67 };
    float *unit = ENC_ALLOC(float, K * K), y[K];
    REQUIRE(unit != NULL);
    for (size_t i = 0; i < K * K; i++)
        unit[i] = i / K == i % K;
    FOR_KERNELS(ops)
        for (int turn = 0; turn < 50; turn++) {
            float *x = noises(K), low = 0, high = 0;
            void *p = packed(ops, unit, K, K);
            REQUIRE(x && p);
            for (size_t j = 0; j < K; j++) {
                x[j] += turn % 3 == 0 ? 2.0f : turn % 3 == 1 ? -0.7f : 0;
                low = x[j] < low ? x[j] : low;
                high = x[j] > high ? x[j] : high;
            }
            void *q = prepared(ops, x, K, 1, K);
            REQUIRE(q != NULL);
            multiply(ops, q, 1, p, K, K, NULL, y, K);
            for (size_t j = 0; j < K; j++)
                CHECK_NEAR(y[j], x[j], (high - low) / 255 * 0.5001f);
            enc_free(x), enc_free(p), enc_free(q);
        }
    enc_free(unit);
}

/* ---- Packed matrices ----------------------------------------------------------------- */

TEST("int8: columns of a packed matrix may be cut every 32")
{
    enum { ROWS = 19, N = 200, K = 50 };
    FOR_KERNELS(ops)
    {
        const enc_product *product = ops->product[ENC_WEIGHT_INT8];
        float *x = noises(ROWS * K), *w = noises(N * K), *bias = noises(N);
        float *whole = noises(ROWS * N), *parts = noises(ROWS * N);
        char *p = packed(ops, w, N, K);
        void *q = prepared(ops, x, K, ROWS, K);
        REQUIRE(x && w && bias && whole && parts && p && q);
        multiply(ops, q, ROWS, p, N, K, bias, whole, N);
        for (size_t first = 0; first < N; first += 96)
            multiply(ops, q, ROWS, p + product->packed_size(first, K),
                     N - first < 96 ? N - first : 96, K, bias + first, parts + first, N);
        CHECK(!memcmp(whole, parts, ROWS * N * sizeof *whole));
        enc_free(x), enc_free(w), enc_free(bias), enc_free(whole), enc_free(parts);
        enc_free(p), enc_free(q);
    }
}

TEST("int8: a matrix has one layout on all kernels, and -128 never stands in it")
{
    const enc_product *truth = enc_ops_find("portable")->product[ENC_WEIGHT_INT8];
    static const size_t sizes[] = {1, 3, 4, 31, 32, 33, 50, 130};
    FOR_KERNELS(ops)
        for (size_t a = 0; a < 8; a++)
            for (size_t b = 0; b < 8; b++) {
                const enc_product *product = ops->product[ENC_WEIGHT_INT8];
                size_t n = sizes[a], k = sizes[b], size = truth->packed_size(n, k);
                float *w = noises(n * k);
                REQUIRE(w != NULL);
                signed char *one = packed(ops, w, n, k);
                signed char *other = enc_alloc_array(size, 1);
                REQUIRE(one && other);
                truth->pack(w, n, k, k, 1, other);
                CHECK_STR(product->layout, truth->layout);
                CHECK_INT(product->packed_size(n, k), size);
                CHECK_INT(size % 64, 0);
                CHECK_INT(product->prepared_size(k) % 64, 0);
                CHECK(!memcmp(one, other, size));
                const size_t integers = (k + 3) / 4 * 128, panel = integers + 256;
                for (size_t i = 0; i < size; i++)
                    CHECK(i % panel >= integers || one[i] != -128);
                enc_free(w), enc_free(one), enc_free(other);
            }
}

TEST("int8: a matrix of any stride packs to the same bytes and unpacks to half a step")
{
    static const size_t sizes[] = {1, 3, 8, 18, 32, 33, 77};
    const enc_product *product = enc_ops_get()->product[ENC_WEIGHT_INT8];
    for (size_t a = 0; a < 7; a++)
        for (size_t b = 0; b < 7; b++) {
            size_t n = sizes[a], k = sizes[b], size = product->packed_size(n, k);
            float *w = noises(n * k), *t = noises(n * k), *wide = noises(2 * n * k);
            float *back = noises(n * k);
            char *p1 = enc_alloc_array(size, 1), *p2 = enc_alloc_array(size, 1);
            char *p3 = enc_alloc_array(size, 1);
            REQUIRE(w && t && wide && back && p1 && p2 && p3);
            for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < k; j++)
                    t[j * n + i] = wide[2 * (i * k + j)] = w[i * k + j];
            product->pack(w, n, k, k, 1, p1);
            product->pack(t, n, k, 1, n, p2);
            product->pack(wide, n, k, 2 * k, 2, p3);
            CHECK(!memcmp(p1, p2, size));
            CHECK(!memcmp(p1, p3, size));
            product->unpack(p1, n, k, back);
            for (size_t i = 0; i < n * k; i++)
                CHECK_NEAR(back[i], w[i], 0.5001f / 127);
            enc_free(w), enc_free(t), enc_free(wide), enc_free(back);
            enc_free(p1), enc_free(p2), enc_free(p3);
        }
}
