/*
** test_code.c - core/maths/code.c: codes stand for their vectors, and say how far off they are.
*/
#include <float.h>
#include <math.h>
#include <string.h>

#include "encoder.h"
#include "kernels.h"
#include "unit.h"

enum { MAX_LENGTH = 400, MAX_SIZE = 448 };

typedef struct made {
    uint8_t code[MAX_SIZE], rest[MAX_SIZE];
    float scale, error, coarse, offset;
} made;

static bool make_as(enum enc_metric metric, enum enc_vector_type type, const float *x,
                    size_t length, bool alone, made *to)
{
    enc_code_numbers n;
    if (!enc_code_make(metric, type, x, length, alone, to->code, to->rest, &n))
        return false;
    to->scale = n.scale;
    to->error = n.error;
    to->coarse = n.coarse;
    to->offset = n.offset;
    return true;
}

static bool make(enum enc_metric metric, enum enc_vector_type type, const float *x,
                 size_t length, made *to)
{
    return make_as(metric, type, x, length, false, to);
}

/* Byte i of an int8 code as encoder.h defines it. */
static int byte_at(const made *m, size_t length, size_t i)
{
    const size_t head = enc_code_head(ENC_INT8, length);
    const size_t at = i < head ? i : i - head, shift = i < head ? 0 : 4;
    return (m->code[at] >> shift & 15) << 4 | (m->rest[at] >> shift & 15);
}

/* |x - x'|, or x" for `coarse`; x of length 1 for a cosine. */
static long double distance(enum enc_metric metric, enum enc_vector_type type, const float *x,
                            size_t length, const made *m, bool coarse)
{
    long double squares = 0, sum = 0;
    for (size_t i = 0; i < length; i++)
        squares += (long double)x[i] * (long double)x[i];
    const long double size = metric == ENC_COSINE ? sqrtl(squares) : 1;
    for (size_t i = 0; i < length; i++) {
        const int byte = type == ENC_INT8 ? byte_at(m, length, i) : 0;
        const int number = coarse             ? 16 * (byte / 16) - 120
                           : type == ENC_INT8 ? byte - 128
                           : m->code[i / 8] >> i % 8 & 1 ? 1 : -1;
        const long double d = (long double)x[i] / size - (long double)m->scale * number;
        sum += d * d;
    }
    return sqrtl(sum);
}

/* Lengths of numbers from the smallest to the largest there are. */
static void fill(float *x, size_t length, int kind)
{
    static const float sizes[] = {1, FLT_MAX, 1e-30f, FLT_TRUE_MIN * 9, 1e25f};
    const float size = sizes[kind % 5];
    for (size_t i = 0; i < length; i++)
        x[i] = kind < 5    ? noise() * size
               : kind < 10 ? (i == length / 2 ? size : 0)
               : kind < 15 ? size
                           : size * noise() * 1e-3f;
    x[length / 3] = size;
}

enum { KINDS = 20 };

TEST("code: a vector is no further from its code than the error says, whatever its numbers")
{
    float x[MAX_LENGTH];
    for (size_t length = 1; length <= MAX_LENGTH; length += length < 70 ? 1 : 33)
        for (int kind = 0; kind < KINDS; kind++)
            for (int metric = ENC_COSINE; metric <= ENC_L2; metric++)
                for (int type = ENC_INT8; type <= ENC_BIT; type++) {
                    made m;
                    const enum enc_metric by = (enum enc_metric)metric;
                    const enum enc_vector_type as = (enum enc_vector_type)type;
                    fill(x, length, kind);
                    REQUIRE(make(by, as, x, length, &m));
                    CHECK((long double)m.error >= distance(by, as, x, length, &m, false));
                    CHECK(as == ENC_BIT || (long double)m.coarse >=
                                               distance(by, as, x, length, &m, true));
                    CHECK(isfinite(m.scale) && m.scale >= FLT_MIN);
                }
}

TEST("code: the error is no more than rounding to bytes makes it")
{
    float x[384], largest = 0;
    made m;
    for (size_t i = 0; i < 384; i++) {
        x[i] = noise();
        largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
    }
    REQUIRE(make(ENC_DOT, ENC_INT8, x, 384, &m));
    const double step = (double)largest / 127;
    CHECK_NEAR(m.scale, step, 1e-6 * step);
    CHECK_NEAR(m.error, step * sqrt(384.0 / 12), 0.1 * step * sqrt(384.0 / 12));
    CHECK(m.offset == 0);
    REQUIRE(make(ENC_COSINE, ENC_INT8, x, 384, &m));
    CHECK(m.error < 0.0065f);
    CHECK_NEAR(m.coarse, 16 * m.error, 0.1 * 16 * (double)m.error);
}

TEST("code: of one that stands alone the coarse error is how far its head is from it")
{
    float x[MAX_LENGTH], y[MAX_LENGTH];
    for (size_t length = 1; length <= MAX_LENGTH; length += length < 70 ? 1 : 33)
        for (int kind = 0; kind < KINDS; kind++) {
            made m;
            fill(x, length, kind);
            for (size_t i = 0; i < length; i++)
                x[i] *= 0.5f; /* FLT_MAX may be read as infinity */
            REQUIRE(make_as(ENC_DOT, ENC_INT8, x, length, true, &m));
            enc_code_read(ENC_INT8, m.code, m.rest, m.scale, length, y);
            const long double away = distance(ENC_DOT, ENC_INT8, y, length, &m, true);
            /* Reading rounds each number, of 127 scales at most. */
            const long double slack = 2e-5L * (long double)m.scale * sqrtl((long double)length);
            CHECK((long double)m.coarse >= away - slack);
            CHECK((long double)m.coarse <= away + slack);
            CHECK(m.error == 0);
        }
}

TEST("code: halves of 32 bytes or more hold upper and lower bits, the middle on in upper ones")
{
    float x[70], y[70];
    for (size_t length = 1; length <= 70; length++) {
        made m;
        for (size_t i = 0; i < length; i++)
            x[i] = (float)((int)(i * 37 % 255) - 127);
        x[length - 1] = 127;
        memset(&m, 0x55, sizeof m);
        REQUIRE(make(ENC_DOT, ENC_INT8, x, length, &m));
        const size_t head = enc_code_head(ENC_INT8, length);
        enc_code_read(ENC_INT8, m.code, m.rest, m.scale, length, y);
        for (size_t i = 0; i < 2 * head; i++) {
            CHECK_INT(byte_at(&m, length, i), i < length ? (int)x[i] + 128 : 128);
            CHECK(i >= length || y[i] == x[i]);
        }
        CHECK(m.code[head] == 0x55 && m.rest[head] == 0x55);
    }
}

TEST("code: what an int8 code says of a direction has length 1 and uses 127 either way")
{
    float x[MAX_LENGTH], y[MAX_LENGTH];
    for (size_t length = 1; length <= MAX_LENGTH; length += 7)
        for (int kind = 0; kind < KINDS; kind++) {
            made m;
            double squares = 0;
            int most = 0;
            fill(x, length, kind);
            REQUIRE(make(ENC_COSINE, ENC_INT8, x, length, &m));
            enc_code_read(ENC_INT8, m.code, m.rest, m.scale, length, y);
            for (size_t i = 0; i < length; i++) {
                const int byte = byte_at(&m, length, i), size = byte > 128 ? byte - 128 : 128 - byte;
                squares += (double)y[i] * (double)y[i];
                most = size > most ? size : most;
            }
            CHECK_NEAR(squares, 1, 1e-6);
            CHECK_INT(most, 127);
        }
}

TEST("code: bits are the signs, and their step is the mean of the sizes")
{
    const float x[10] = {3, -4, 0, 1, 0.5f, -0.5f, 2, -1, -2, 6};
    float y[10];
    made m;
    REQUIRE(make(ENC_DOT, ENC_BIT, x, 10, &m));
    CHECK_INT(m.code[0], 0x59);
    CHECK_INT(m.code[1], 0x02);
    CHECK(m.scale == 2);
    enc_code_read(ENC_BIT, m.code, NULL, m.scale, 10, y);
    for (int i = 0; i < 10; i++)
        CHECK(y[i] == (x[i] > 0 ? 2 : -2));
}

TEST("code: a code is a multiple of 64 bytes, filled up with what counts nothing")
{
    CHECK_INT(enc_code_size(ENC_INT8, 1), 64);
    CHECK_INT(enc_code_size(ENC_INT8, 384), 384);
    CHECK_INT(enc_code_size(ENC_INT8, 385), 448);
    CHECK_INT(enc_code_size(ENC_BIT, 384), 64);
    CHECK_INT(enc_code_size(ENC_BIT, 513), 128);
    CHECK_INT(enc_code_size(ENC_FLOAT32, 384), 0);
    CHECK_INT(enc_code_head(ENC_INT8, 1), 32);
    CHECK_INT(enc_code_head(ENC_INT8, 385), 224);
    CHECK_INT(enc_code_head(ENC_BIT, 384), 64);
    float x[65];
    made m;
    fill(x, 65, 0);
    REQUIRE(make(ENC_DOT, ENC_BIT, x, 65, &m));
    for (size_t i = 9; i < 64; i++)
        CHECK_INT(m.code[i], 0);
}

TEST("code: the zero vector has no direction, but a place")
{
    const float zero[3] = {0, -0.0f, 0};
    made m;
    for (int type = ENC_INT8; type <= ENC_BIT; type++) {
        REQUIRE(make(ENC_COSINE, (enum enc_vector_type)type, zero, 3, &m));
        CHECK(m.scale == 0 && m.offset == -INFINITY);
        REQUIRE(make(ENC_L2, (enum enc_vector_type)type, zero, 3, &m));
        CHECK(m.scale == 0 && m.offset == 0 && m.error == 0);
    }
}

TEST("code: the offset for l2 is half the length's square; beyond float32 nothing is known")
{
    const float x[2] = {3, 4}, large[2] = {3e19f, 4e19f};
    made m;
    REQUIRE(make(ENC_L2, ENC_INT8, x, 2, &m));
    CHECK(m.offset == -12.5f);
    REQUIRE(make(ENC_L2, ENC_INT8, large, 2, &m));
    CHECK(m.offset == -FLT_MAX && isinf(m.error) && isinf(m.coarse));
}

TEST("code: a vector with an element that is not finite has none, and nothing is written")
{
    const float bad[][2] = {{1, NAN}, {INFINITY, 1}, {-INFINITY, NAN}};
    for (size_t i = 0; i < 3; i++) {
        made m = {{7}, {7}, 7, 7, 7, 7};
        CHECK(!make(ENC_COSINE, ENC_INT8, bad[i], 2, &m));
        CHECK(m.code[0] == 7 && m.rest[0] == 7 && m.scale == 7 && m.error == 7 && m.offset == 7);
    }
}

TEST("code: alone it is a vector of its own: of length 1 for a cosine, with its own offset for l2")
{
    const float x[4] = {3, -1, 0.5f, 2}, large[2] = {3e19f, 4e19f};
    float y[4];
    made m;
    for (int type = ENC_INT8; type <= ENC_BIT; type++) {
        const enum enc_vector_type as = (enum enc_vector_type)type;
        for (int metric = ENC_COSINE; metric <= ENC_L2; metric++) {
            double squares = 0;
            REQUIRE(make_as((enum enc_metric)metric, as, x, 4, true, &m));
            enc_code_read(as, m.code, m.rest, m.scale, 4, y);
            for (int i = 0; i < 4; i++)
                squares += (double)y[i] * (double)y[i];
            CHECK(metric != ENC_COSINE || fabs(squares - 1) < 1e-6);
            CHECK_NEAR(m.offset, metric == ENC_L2 ? -squares / 2 : 0, 1e-6);
        }
        REQUIRE(make_as(ENC_L2, as, large, 2, true, &m));
        CHECK(isnan(m.offset));
    }
}
