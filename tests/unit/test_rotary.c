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
