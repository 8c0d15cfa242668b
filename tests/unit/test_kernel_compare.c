/*
** test_kernel_compare.c - sums over two vectors on every kernel.
*/
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "unit.h"

TEST("kernel: comparisons of floats have the same bits on every kernel, at any address")
{
    const enc_ops *plain = enc_ops_find("portable");
    FOR_KERNELS(ops)
        for (size_t n = 0; n <= 130; n++) {
            unsigned char bytes[2][4 * 132 + 3];
            float a[132], b[132];
            for (size_t i = 0; i < 132; i++) {
                a[i] = noise();
                b[i] = 30 * noise();
            }
            for (size_t shift = 0; shift < 4; shift++) {
                const unsigned char *pa = bytes[0] + shift, *pb = bytes[1] + 3 - shift;
                memcpy(bytes[0] + shift, a, sizeof a);
                memcpy(bytes[1] + 3 - shift, b, sizeof b);
                for (int metric = ENC_COSINE; metric <= ENC_L1; metric++) {
                    double got = ops->compare[ENC_FLOAT32][metric](pa, pb, n);
                    double want = plain->compare[ENC_FLOAT32][metric](a, b, n);
                    CHECK(got == want || (n == 0 && isnan(got) && isnan(want)));
                }
            }
        }
}

TEST("kernel: every kernel compares what makes sense, and nothing else")
{
    FOR_KERNELS(ops)
        for (int metric = ENC_COSINE; metric < ENC_METRICS; metric++) {
            bool numbers = metric != ENC_HAMMING;
            bool bits = metric == ENC_COSINE || metric == ENC_HAMMING;
            CHECK((ops->compare[ENC_FLOAT32][metric] != NULL) == numbers);
            CHECK((ops->compare[ENC_INT8][metric] != NULL) == numbers);
            CHECK((ops->compare[ENC_BIT][metric] != NULL) == bits);
        }
}

static double int8(const enc_ops *ops, enum enc_metric metric, const int8_t *a,
                   const int8_t *b, size_t n)
{
    return ops->compare[ENC_INT8][metric](a, b, n);
}

/* Of sums a·b, a·a and b·b. */
static double cosine(const int64_t sums[3])
{
    return (double)sums[0] / sqrt((double)sums[1] * (double)sums[2]);
}

static int8_t any_byte(void)
{
    return (int8_t)(noise() * 127.9f);
}

/* Around a turn of the longest loop and two of them, behind those up to `few`. */
static size_t next_length(size_t n, size_t few)
{
    return n == few ? 380 : n == 450 ? 760 : n == 840 ? 1530 : n + 1;
}

enum { LENGTH_MOST = 1540 };

TEST("kernel: sums over int8 and over bits are exact, whatever the length and the values")
{
    FOR_KERNELS(ops)
        for (size_t n = 0; n <= LENGTH_MOST; n = next_length(n, 200)) {
            int8_t a[LENGTH_MOST + 1], b[LENGTH_MOST + 1];
            int64_t want[3] = {0}, l2 = 0, l1 = 0, bits = 0;
            for (size_t i = 0; i < n; i++) {
                a[i + 1] = n % 3 ? any_byte() : -128;
                b[i] = n % 3 ? any_byte() : n % 2 ? -128 : 127;
                int x = a[i + 1], y = b[i];
                want[0] += x * y, want[1] += x * x, want[2] += y * y;
                l2 += (x - y) * (x - y);
                l1 += abs(x - y);
                for (int bit = 0; bit < 8; bit++)
                    bits += (x ^ y) >> bit & 1;
            }
            const double angle = int8(ops, ENC_COSINE, a + 1, b, n);
            if (want[1] == 0 || want[2] == 0)
                CHECK(isnan(angle)); /* zeros have no direction */
            else
                CHECK(angle == cosine(want));
            CHECK(int8(ops, ENC_DOT, a + 1, b, n) == (double)want[0]);
            CHECK(int8(ops, ENC_L2, a + 1, b, n) == sqrt((double)l2));
            CHECK(int8(ops, ENC_L1, a + 1, b, n) == (double)l1);
            const double same = (double)(int64_t)(8 * n) - 2 * (double)bits;
            CHECK(ops->compare[ENC_BIT][ENC_HAMMING](a + 1, b, 8 * n) == (double)bits);
            CHECK(n == 0 || ops->compare[ENC_BIT][ENC_COSINE](a + 1, b, 8 * n) ==
                                same / (double)(8 * n));
        }
}

/* The address sanitizer sees a byte too much. */
TEST("kernel: comparisons read the vectors and nothing beside them")
{
    FOR_KERNELS(ops)
        for (size_t n = 1; n <= LENGTH_MOST; n = next_length(n, 140)) {
            unsigned char *a = malloc(4 * n), *b = malloc(4 * n), *c = malloc(n);
            REQUIRE(a && b && c);
            memset(a, 0, 4 * n), memset(b, 0, 4 * n), memset(c, 0, n);
            const int8_t *last = (int8_t *)a + 3 * n, *whole = (int8_t *)c;
            CHECK(isnan(ops->compare[ENC_FLOAT32][ENC_COSINE](a, b, n)));
            CHECK(isnan(int8(ops, ENC_COSINE, last, whole, n)));
            for (int metric = ENC_DOT; metric <= ENC_L1; metric++) {
                CHECK(ops->compare[ENC_FLOAT32][metric](a, b, n) == 0);
                CHECK(int8(ops, (enum enc_metric)metric, last, whole, n) == 0);
            }
            CHECK(ops->compare[ENC_BIT][ENC_COSINE](last, whole, 8 * n) == 1);
            CHECK(ops->compare[ENC_BIT][ENC_HAMMING](last, whole, 8 * n) == 0);
            free(a), free(b), free(c);
        }
}

TEST("kernel: sums over a million int8 of the largest size do not overflow")
{
    enum { N = 1000003 };
    int8_t *a = ENC_ALLOC(int8_t, N), *b = ENC_ALLOC(int8_t, N);
    REQUIRE(a && b);
    memset(a, -128, N);
    memset(b, 127, N);
    FOR_KERNELS(ops)
    {
        const int64_t sums[3] = {-16256LL * N, 16384LL * N, 16129LL * N};
        CHECK(int8(ops, ENC_COSINE, a, b, N) == cosine(sums));
        CHECK(int8(ops, ENC_DOT, a, b, N) == -16256.0 * N);
        CHECK(int8(ops, ENC_L2, a, b, N) == sqrt(65025.0 * N));
        CHECK(int8(ops, ENC_L1, a, b, N) == 255.0 * N);
        CHECK(ops->compare[ENC_BIT][ENC_HAMMING](a, b, 8 * (size_t)N) == 8.0 * N);
    }
    enc_free(a), enc_free(b);
}
