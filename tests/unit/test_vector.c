/* test_vector.c - comparison, normalisation and quantisation of vectors. */
#include <math.h>
#include <string.h>

#include "encoder.h"
#include "unit.h"

static uint64_t state = 7;

static float noise(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(state >> 32) * 0x1p-31f;
}

static double float32(enum enc_metric metric, const float *a, const float *b, size_t n)
{
    return enc_vector_compare(metric, ENC_FLOAT32, a, b, n);
}

TEST("vector: known distances of small vectors")
{
    const float a[3] = {1, 2, 3}, b[3] = {4, -5, 6};
    CHECK_NEAR(float32(ENC_DOT, a, b, 3), 12, 0);
    CHECK_NEAR(float32(ENC_L1, a, b, 3), 13, 0);
    CHECK_NEAR(float32(ENC_L2, a, b, 3), sqrt(67), 1e-15);
    CHECK_NEAR(float32(ENC_COSINE, a, b, 3), 12 / sqrt(14 * 77), 1e-15);
}

TEST("vector: the cosine with itself is exactly 1, with its opposite exactly -1")
{
    for (size_t n = 1; n < 130; n++) {
        float a[130], b[130];
        for (size_t i = 0; i < n; i++)
            b[i] = -(a[i] = noise());
        CHECK(float32(ENC_COSINE, a, a, n) == 1);
        CHECK(float32(ENC_COSINE, a, b, n) == -1);
        CHECK(float32(ENC_L2, a, a, n) == 0);
    }
}

TEST("vector: the cosine is carried in double, also for huge and tiny vectors")
{
    static const float sizes[] = {1e-45f, 1e-38f, 1e-20f, 1, 1e19f, 3e38f};
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 6; j++) {
            const float a[4] = {sizes[i], 0, 0, 0}, b[4] = {sizes[j], sizes[j], 0, 0};
            CHECK_NEAR(float32(ENC_COSINE, a, b, 4), sqrt(0.5), 1e-15);
        }
    float a[1000], b[1000];
    for (int i = 0; i < 1000; i++) {
        a[i] = i % 2 ? 1e7f : 1;
        b[i] = i % 2 ? (i % 4 == 1 ? 1e7f : -1e7f) : 1;
    }
    CHECK(float32(ENC_DOT, a, b, 1000) == 500);
}

TEST("vector: a zero vector has no cosine, an empty one neither")
{
    const float zero[3] = {0, -0.0f, 0}, a[3] = {1, 2, 3};
    const int8_t small[3] = {0, 0, 0};
    CHECK(isnan(float32(ENC_COSINE, zero, a, 3)));
    CHECK(isnan(float32(ENC_COSINE, a, zero, 3)));
    CHECK(isnan(float32(ENC_COSINE, a, a, 0)));
    CHECK(isnan(enc_vector_compare(ENC_COSINE, ENC_INT8, small, small, 3)));
    CHECK(isnan(enc_vector_compare(ENC_COSINE, ENC_BIT, small, small, 0)));
    CHECK(float32(ENC_DOT, a, a, 0) == 0 && float32(ENC_L2, a, a, 0) == 0);
}

TEST("vector: int8 and bit vectors compare exactly; a pair that makes no sense is NaN")
{
    const int8_t a[3] = {127, -128, 3}, b[3] = {-128, 127, -4};
    CHECK(enc_vector_compare(ENC_DOT, ENC_INT8, a, b, 3) == -32524);
    CHECK(enc_vector_compare(ENC_L1, ENC_INT8, a, b, 3) == 517);
    CHECK_NEAR(enc_vector_compare(ENC_L2, ENC_INT8, a, b, 3), sqrt(130099), 1e-12);
    CHECK(enc_vector_compare(ENC_COSINE, ENC_INT8, a, a, 3) == 1);
    const uint8_t x[2] = {0xff, 0x0f}, y[2] = {0x0f, 0x0f};
    CHECK(enc_vector_compare(ENC_HAMMING, ENC_BIT, x, y, 16) == 4);
    CHECK(enc_vector_compare(ENC_COSINE, ENC_BIT, x, y, 16) == 0.5);
    CHECK(enc_vector_compare(ENC_COSINE, ENC_BIT, x, x, 16) == 1);
    CHECK(isnan(enc_vector_compare(ENC_L2, ENC_BIT, x, y, 16)));
    CHECK(isnan(enc_vector_compare(ENC_DOT, ENC_BIT, x, y, 16)));
    CHECK(isnan(enc_vector_compare(ENC_HAMMING, ENC_INT8, a, b, 3)));
    CHECK(isnan(enc_vector_compare(ENC_HAMMING, ENC_FLOAT32, a, b, 0)));
}

TEST("vector: blobs are read at any address")
{
    unsigned char space[2][4 * 100 + 4];
    float a[100], b[100];
    for (size_t i = 0; i < 100; i++) {
        a[i] = noise();
        b[i] = noise();
    }
    for (size_t shift = 0; shift < 4; shift++) {
        memcpy(space[0] + shift, a, sizeof a);
        memcpy(space[1] + 3 - shift, b, sizeof b);
        for (int metric = ENC_COSINE; metric <= ENC_L1; metric++)
            CHECK(enc_vector_compare((enum enc_metric)metric, ENC_FLOAT32, space[0] + shift,
                                     space[1] + 3 - shift, 100) ==
                  float32((enum enc_metric)metric, a, b, 100));
        CHECK_INT(enc_vector_not_finite(space[0] + shift, 100), -1);
    }
}

TEST("vector: the first element that is not finite is found, wherever it is")
{
    const float bad[3] = {NAN, INFINITY, -INFINITY};
    float v[130];
    for (size_t i = 0; i < 130; i++)
        v[i] = i % 2 ? 3e38f : -0.0f;
    for (size_t n = 0; n <= 130; n++) {
        CHECK_INT(enc_vector_not_finite(v, n), -1);
        if (n == 0)
            continue;
        float last = v[n - 1];
        v[n - 1] = bad[n % 3];
        CHECK_INT(enc_vector_not_finite(v, 130), n - 1);
        CHECK_INT(enc_vector_not_finite(v, n - 1), -1);
        v[n - 1] = last;
    }
}

TEST("vector: normalisation gives length 1, keeps the direction and leaves a zero vector")
{
    float zero[3] = {0, 0, 0}, tiny[2] = {3e-45f, 0}, huge[2] = {3e38f, -3e38f};
    CHECK(!enc_vector_normalize(zero, 3));
    CHECK(zero[0] == 0 && zero[1] == 0 && zero[2] == 0);
    CHECK(enc_vector_normalize(tiny, 2) && tiny[0] == 1 && tiny[1] == 0);
    CHECK(enc_vector_normalize(huge, 2) && huge[0] == -huge[1]);
    CHECK_NEAR((double)huge[0], sqrt(0.5), 1e-7);
    for (size_t n = 1; n < 400; n += 7) {
        float v[400], w[400];
        for (size_t i = 0; i < n; i++)
            w[i] = v[i] = 100 * noise();
        CHECK(enc_vector_normalize(v, n));
        CHECK_NEAR(float32(ENC_DOT, v, v, n), 1, 2e-7);
        CHECK_NEAR(float32(ENC_COSINE, v, w, n), 1, 1e-13);
    }
}

TEST("vector: int8 has steps of 2/255 from -1, drops the fraction and is clamped")
{
    /* As sqlite-vec 0.1.9 gives them; the step is rounded to float, so 1 is just below
    ** 127. */
    const float v[12] = {-1,     1,       0,  0.5f,     -0.5f,     2,
                         -2,     0.999f, -0.999f, INFINITY, -INFINITY, NAN};
    const int8_t want[12] = {-128, 126, 0, 63, -64, 127, -128, 126, -127, 127, -128, -128};
    int8_t out[12];
    enc_vector_to_int8(v, 12, out);
    for (int i = 0; i < 12; i++)
        CHECK_INT(out[i], want[i]);
}

TEST("vector: a bit is 1 where the element is greater than 0, bit 0 first")
{
    const float v[16] = {1, 0, -1, 1e-45f, -0.0f, 5, -5, 1, -1, -1, -1, -1, -1, -1, -1, 1};
    uint8_t out[2] = {0x55, 0x55};
    enc_vector_to_bit(v, 16, out);
    CHECK_INT(out[0], 0xa9);
    CHECK_INT(out[1], 0x80);
}
