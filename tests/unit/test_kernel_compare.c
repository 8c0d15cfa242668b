/*
** test_kernel_compare.c - sums over two vectors on every kernel.
*/
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "unit.h"

TEST("kernel: sums over two vectors have the same bits on every kernel, at any address")
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
            double got[3], want[3];
            plain->cosine_sums(a, b, n, want);
            for (size_t shift = 0; shift < 4; shift++) {
                const unsigned char *pa = bytes[0] + shift, *pb = bytes[1] + 3 - shift;
                memcpy(bytes[0] + shift, a, sizeof a);
                memcpy(bytes[1] + 3 - shift, b, sizeof b);
                ops->cosine_sums(pa, pb, n, got);
                CHECK(!memcmp(got, want, sizeof got));
                CHECK(ops->dot(pa, pb, n) == want[0]);
                CHECK(ops->l2_squared(pa, pb, n) == plain->l2_squared(a, b, n));
                CHECK(ops->l1(pa, pb, n) == plain->l1(a, b, n));
            }
        }
}

static int8_t any_byte(void)
{
    return (int8_t)(noise() * 127.9f);
}

TEST("kernel: sums over int8 and over bits are exact, whatever the length and the values")
{
    FOR_KERNELS(ops)
        for (size_t n = 0; n <= 200; n++) {
            int8_t a[201], b[201];
            int64_t want[3] = {0}, l2 = 0, l1 = 0, bits = 0, got[3];
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
            ops->int8_sums(a + 1, b, n, got);
            CHECK(!memcmp(got, want, sizeof got));
            CHECK_INT(ops->int8_dot(a + 1, b, n), want[0]);
            CHECK_INT(ops->int8_l2_squared(a + 1, b, n), l2);
            CHECK_INT(ops->int8_l1(a + 1, b, n), l1);
            CHECK_INT(ops->hamming((uint8_t *)a + 1, (uint8_t *)b, n), bits);
        }
}

/* The address sanitizer sees a byte too much. */
TEST("kernel: comparisons read the vectors and nothing beside them")
{
    FOR_KERNELS(ops)
        for (size_t n = 1; n <= 140; n++) {
            unsigned char *a = malloc(4 * n), *b = malloc(4 * n), *c = malloc(n);
            REQUIRE(a && b && c);
            memset(a, 0, 4 * n), memset(b, 0, 4 * n), memset(c, 0, n);
            const int8_t *last = (int8_t *)a + 3 * n, *whole = (int8_t *)c;
            double sums[3];
            int64_t exact[3];
            ops->cosine_sums(a, b, n, sums);
            ops->int8_sums(last, whole, n, exact);
            CHECK(sums[0] == 0 && exact[0] == 0);
            CHECK(ops->dot(a, b, n) == 0);
            CHECK(ops->l2_squared(a, b, n) == 0);
            CHECK(ops->l1(a, b, n) == 0);
            CHECK_INT(ops->int8_dot(last, whole, n), 0);
            CHECK_INT(ops->int8_l2_squared(last, whole, n), 0);
            CHECK_INT(ops->int8_l1(last, whole, n), 0);
            CHECK_INT(ops->hamming(a + 3 * n, c, n), 0);
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
        int64_t got[3];
        ops->int8_sums(a, b, N, got);
        CHECK_INT(got[0], -16256LL * N);
        CHECK_INT(got[1], 16384LL * N);
        CHECK_INT(got[2], 16129LL * N);
        CHECK_INT(ops->int8_dot(a, b, N), -16256LL * N);
        CHECK_INT(ops->int8_l2_squared(a, b, N), 65025LL * N);
        CHECK_INT(ops->int8_l1(a, b, N), 255LL * N);
        CHECK_INT(ops->hamming((uint8_t *)a, (uint8_t *)b, N), 8LL * N);
    }
    enc_free(a), enc_free(b);
}
