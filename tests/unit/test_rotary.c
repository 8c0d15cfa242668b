/* test_rotary.c - core/maths/rotary.c: pairs turned by their position's angles. */
#include "unit.h"

#include <math.h>
#include <string.h>

#include "rotary.h"

enum { POSITIONS = 3000, D = 8 };
static float turns[POSITIONS * D];

/* All of D numbers, base 1000. */
static enc_rotary plain(void)
{
    static float frequency[D / 2];
    enc_rope rope = {.base = 1000};
    enc_rotary_frequencies(&rope, D, frequency);
    return (enc_rotary){frequency, D, false, 1};
}

TEST("rotary: each pair of each head is turned by position · base^(-2i/d)")
{
    float x[2 * D], y[2 * D];
    enc_rotary rotary = plain();
    enc_rotary_fill(&rotary, POSITIONS, turns);
    for (int i = 0; i < 2 * D; i++)
        x[i] = (float)(i * i % 11) - 5;
    for (size_t position = 0; position < 20; position++) {
        memcpy(y, x, sizeof y);
        enc_rotary_turn(&rotary, y, 2, D, turns + position * D);
        for (int head = 0; head < 2; head++)
            for (int i = 0; i < D / 2; i++) {
                double angle = (double)position * pow(1000, -2.0 * i / D);
                double a = x[head * D + i], b = x[head * D + i + D / 2];
                CHECK_NEAR(y[head * D + i], a * cos(angle) - b * sin(angle), 1e-5);
                CHECK_NEAR(y[head * D + i + D / 2], b * cos(angle) + a * sin(angle), 1e-5);
            }
    }
}

TEST("rotary: position 0 turns nothing, and a product depends on the distance alone")
{
    float q[D], k[D], x[D], y[D];
    for (int i = 0; i < D; i++) {
        q[i] = (float)(i % 3) - 1;
        k[i] = (float)(i % 4) - 2;
    }
    enc_rotary rotary = plain();
    enc_rotary_fill(&rotary, POSITIONS, turns);
    memcpy(x, q, sizeof x);
    enc_rotary_turn(&rotary, x, 1, D, turns);
    CHECK(memcmp(x, q, sizeof x) == 0);
    double first = 0;
    for (size_t at = 0; at + 7 < POSITIONS; at += 500) {
        double product = 0;
        memcpy(x, q, sizeof x), memcpy(y, k, sizeof y);
        enc_rotary_turn(&rotary, x, 1, D, turns + at * D);
        enc_rotary_turn(&rotary, y, 1, D, turns + (at + 7) * D);
        for (int i = 0; i < D; i++)
            product += (double)x[i] * y[i];
        if (at == 0)
            first = product;
        CHECK_NEAR(product, first, 2e-3);
    }
}

static void check_frequencies(const enc_rope *rope, const double *want)
{
    float frequency[8];
    enc_rotary_frequencies(rope, 16, frequency);
    for (int i = 0; i < 8; i++)
        CHECK_NEAR(frequency[i], want[i], 2e-7 * want[i]);
}

TEST("rotary: frequencies of stretched models are the reference's")
{
    /* What transformers' LlamaRotaryEmbedding holds as inv_freq for heads of 16 numbers. */
    static const double linear[] = {
        0.3333333432674408, 0.10540925711393356, 0.03333333507180214, 0.010540925897657871,
        0.003333333181217313, 0.0010540926596149802, 0.0003333333588670939,
        0.0001054092645063065};
    static const double llama3[] = {
        1.0, 0.024240344762802124, 0.004700753837823868, 0.0009115831344388425,
        0.00017677668074611574, 3.428102354519069e-05, 6.647869668086059e-06,
        1.289173155782919e-06};
    static const double yarn[] = {
        1.0, 0.19764235615730286, 0.02500000037252903, 0.007905694656074047,
        0.0024999999441206455, 0.0007905694656074047, 0.0002500000118743628,
        7.905694656074047e-05};
    static const double uncut[] = {
        1.0, 0.30403566360473633, 0.07859360426664352, 0.018747353926301003,
        0.007905694656074047, 0.0033338037319481373, 0.0014058533124625683,
        0.0005928434547968209};
    enc_rope rope = {ENC_ROPE_LINEAR, .base = 10000, .factor = 3};
    check_frequencies(&rope, linear);
    rope = (enc_rope){ENC_ROPE_LLAMA3, .base = 500000, .factor = 8, .original = 32, .low = 1,
                      .high = 4};
    check_frequencies(&rope, llama3);
    rope = (enc_rope){ENC_ROPE_YARN, .base = 10000, .factor = 4, .original = 32, .fast = 32,
                      .slow = 1, .truncate = true};
    check_frequencies(&rope, yarn);
    rope = (enc_rope){ENC_ROPE_YARN, .base = 1000, .factor = 4, .original = 32, .fast = 8,
                      .slow = 0.5};
    check_frequencies(&rope, uncut);
}

TEST("rotary: interleaved pairs are neighbours, and what is not turned stays")
{
    enc_rotary rotary = plain();
    float row[D], x[D + 2], y[D + 2];
    rotary.interleaved = true;
    rotary.attention = 1.5f;
    enc_rotary_fill(&rotary, POSITIONS, turns);
    memcpy(row, turns + 7 * D, sizeof row);
    for (int i = 0; i < D + 2; i++)
        y[i] = x[i] = (float)(i * i % 11) - 5;
    enc_rotary_turn(&rotary, y, 1, D + 2, row);
    for (int i = 0; i < D / 2; i++) {
        double angle = 7 * pow(1000, -2.0 * i / D), a = x[2 * i], b = x[2 * i + 1];
        CHECK_NEAR(y[2 * i], 1.5 * (a * cos(angle) - b * sin(angle)), 1e-5);
        CHECK_NEAR(y[2 * i + 1], 1.5 * (b * cos(angle) + a * sin(angle)), 1e-5);
    }
    CHECK(memcmp(y + D, x + D, 2 * sizeof *x) == 0);
}
