/* test_relative.c - core/maths/relative.c: buckets of distances, and the bias they give. */
#include "unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* Every distance's bias is its bucket's, wherever the first key stands. */
static void check_biases(int buckets, int reach)
{
    enum { HEADS = 3, ROWS = 400 };
    size_t runs = enc_relative_runs(buckets);
    float *table = calloc((size_t)buckets * HEADS, sizeof *table), product[ROWS], score[ROWS];
    float *bias = calloc(HEADS * runs, sizeof *bias);
    int *end = calloc(runs, sizeof *end), wrong = 0;
    for (int i = 0; i < buckets * HEADS; i++)
        table[i] = (float)i;
    for (int i = 0; i < ROWS; i++)
        product[i] = (float)(i % 7);
    enc_relative_spread(table, HEADS, buckets, reach, bias, end);
    enc_relative relative = {bias, end, runs, NULL};
    for (int head = 0; head < HEADS; head++)
        for (int from = -ROWS; from < 3 * ROWS; from += 19) {
            memcpy(score, product, sizeof score);
            enc_relative_add(&relative, (size_t)head, -(ptrdiff_t)from, score, ROWS, 0.5f);
            for (int i = 0; i < ROWS; i++) {
                int bucket = enc_relative_bucket(i - from, buckets, reach);
                wrong += (double)score[i] != i % 7 * 0.5 + bucket * HEADS + head;
            }
        }
    CHECK_INT(wrong, 0);
    free(table), free(bias), free(end);
}

TEST("relative: a score is the scaled product and the bias of its distance, far or near")
{
    check_biases(32, 128);
    check_biases(16, 32);
    check_biases(4, 2);
    check_biases(5, 2000);
    check_biases(12, 4);
    check_biases(13, 1 << 20);
    check_biases(900, 300);
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
    float slope[12], score[5] = {1, 2, 3, 4, 5};
    enc_relative_slopes(12, slope);
    for (int head = 0; head < 12; head++)
        CHECK_NEAR(slope[head],
                   head < 8 ? pow(2, -(head + 1)) : pow(2, -0.5 * (2 * (head - 8) + 1)), 1e-7);
    enc_relative relative = {.slope = slope};
    enc_relative_add(&relative, 1, -2, score, 5, 2);
    for (int i = 0; i < 5; i++)
        CHECK_NEAR(score[i], 2 * (i + 1) - 0.25 * abs(i - 2), 0);
}
