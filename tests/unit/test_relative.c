/* test_relative.c - core/maths/relative.c: buckets of distances, and the bias they give. */
#include "unit.h"

#include <math.h>
#include <stdlib.h>

#include "relative.h"

TEST("relative: near distances have buckets of their own, far ones share, both sides apart")
{
    /* distance -> bucket as transformers' MPNetEncoder.relative_position_bucket has them */
    static const struct { int distance, bucket; } rows[] = {
        {0, 0}, {-1, 1}, {-7, 7}, {-8, 8}, {-11, 8}, {-12, 9}, {-15, 9}, {-16, 10},
        {-22, 10}, {-23, 11}, {-31, 11}, {-32, 12}, {-45, 12}, {-46, 13}, {-63, 13},
        {-64, 14}, {-90, 14}, {-91, 15}, {-128, 15}, {-5000, 15},
        {1, 17}, {7, 23}, {8, 24}, {16, 26}, {64, 30}, {128, 31}, {5000, 31}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(enc_relative_bucket(rows[i].distance, 32, 128), rows[i].bucket);
}

TEST("relative: a score is the scaled product and the bias of its distance, far or near")
{
    enum { HEADS = 3, BUCKETS = 32, REACH = 128, ROWS = 400 };
    static float table[BUCKETS * HEADS], bias[HEADS * (2 * REACH + 1)];
    float product[ROWS], score[ROWS];
    for (int i = 0; i < BUCKETS * HEADS; i++)
        table[i] = (float)i;
    for (int i = 0; i < ROWS; i++)
        product[i] = (float)(i % 7);
    enc_relative_spread(table, HEADS, BUCKETS, REACH, bias);
    enc_relative relative = {bias, REACH};
    for (int head = 0; head < HEADS; head++)
        for (int from = 0; from < ROWS; from += 133) {
            enc_relative_add(&relative, (size_t)head, -(ptrdiff_t)from, product, ROWS, 0.5f,
                             score);
            for (int i = 0; i < ROWS; i++) {
                int bucket = enc_relative_bucket(i - from, BUCKETS, REACH);
                CHECK_NEAR(score[i], i % 7 * 0.5 + bucket * HEADS + head, 0);
            }
        }
}

TEST("relative: buckets and reach may be others than MPNet's")
{
    /* distance -> bucket as transformers' T5Attention._relative_position_bucket has them */
    static const struct { int distance, bucket; } rows[] = {
        {0, 0}, {-1, 1}, {-3, 3}, {-4, 4}, {-6, 4}, {-7, 5}, {-31, 7}, {-500, 7},
        {1, 9}, {3, 11}, {4, 12}, {7, 13}, {500, 15}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(enc_relative_bucket(rows[i].distance, 16, 32), rows[i].bucket);
}

TEST("relative: a bias that falls with the distance has the paper's slopes, any number of heads")
{
    /* Press et al. 2021: of 8 heads 1/2, 1/4, ... 1/256; of 12 those, then of 16 every other. */
    enum { REACH = 5, SPAN = 2 * REACH + 1 };
    float bias[12 * SPAN];
    enc_relative_fall(12, REACH, bias);
    for (int head = 0; head < 12; head++) {
        double slope = head < 8 ? pow(2, -(head + 1)) : pow(2, -0.5 * (2 * (head - 8) + 1));
        for (int distance = -REACH; distance <= REACH; distance++)
            CHECK_NEAR(bias[head * SPAN + REACH + distance], -slope * abs(distance), 1e-6);
    }
}
