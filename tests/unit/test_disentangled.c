/* test_disentangled.c - core/maths/disentangled.c: rows of distances, and what they add. */
#include "disentangled.h"
#include "encoding.h"
#include "kernels.h"

TEST("disentangled: without buckets every distance has its row, those beyond the span the last")
{
    const enc_disentangled way = {.span = 4};
    static const struct { int distance, row; } rows[] = {
        {0, 4}, {1, 5}, {3, 7}, {4, 7}, {5, 7}, {90000, 7},
        {-1, 3}, {-3, 1}, {-4, 0}, {-5, 0}, {-90000, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(enc_disentangled_row(&way, rows[i].distance), rows[i].row);
}

/* Rows of distances and of the same distances the other way, as transformers'
** make_log_bucket_position and the clamp after it have them. */
enum { LISTED = 34 };
static const int listed[LISTED] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 20, 31, 32, 33, 47, 63, 64, 65, 100, 128, 129, 200,
    255, 256, 300, 400, 510, 511, 512, 513, 1000, 9000};
static const struct scale {
    int buckets, reach, ahead[LISTED], behind[LISTED];
} scales[] = {
    {8, 64, {8, 9, 10, 11, 12, 13, 13, 13, 13, 13, 14, 14, 14, 15, 15, 15, 15, 15, 15, 15,
     15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15},  {8, 7, 6, 5, 4, 3, 3, 3, 3,
     3, 2, 2, 2, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
    {256, 512, {256, 257, 258, 259, 260, 261, 262, 263, 264, 265, 268, 269, 276, 287, 288,
     289, 303, 319, 320, 321, 356, 384, 385, 425, 448, 448, 463, 489, 511, 511, 511, 511,
     511, 511},  {256, 255, 254, 253, 252, 251, 250, 249, 248, 247, 244, 243, 236, 225,
     224, 223, 209, 193, 192, 191, 156, 128, 127, 87, 64, 64, 49, 23, 1, 1, 0, 0, 0, 0}},
    {6, 13, {6, 7, 8, 9, 10, 10, 10, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11,
     11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11},  {6, 5, 4, 3, 2, 2, 2, 1, 1,
     1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
    {7, 20, {7, 8, 9, 10, 11, 11, 11, 11, 12, 12, 12, 12, 13, 13, 13, 13, 13, 13, 13, 13,
     13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13},  {7, 6, 5, 4, 3, 3, 3, 3, 2,
     2, 2, 2, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
    {2, 10, {2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
     3, 3, 3, 3, 3, 3, 3, 3},  {2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
     1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
    {9, 48, {9, 10, 11, 12, 13, 14, 14, 14, 14, 14, 15, 15, 15, 16, 16, 16, 16, 17, 17,
     17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17},  {9, 8, 7, 6, 5, 4, 4,
     4, 4, 4, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
    {8, 5, {8, 9, 10, 11, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
     0, 0, 0, 0, 0, 0, 0, 0, 0},  {8, 7, 6, 5, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
    {8, 4, {8, 9, 10, 11, 12, 10, 8, 7, 5, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
     0, 0, 0, 0, 0, 0, 0, 0, 0},  {8, 7, 6, 5, 4, 6, 8, 9, 11, 12, 15, 15, 15, 15, 15, 15,
     15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15}},
    {5, 3, {5, 6, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
     0, 0, 0, 0, 0, 0, 0, 0},  {5, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},};

TEST("disentangled: far distances share rows as in the reference, whatever buckets and reach")
{
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        const enc_disentangled way = {scales[i].buckets, scales[i].buckets, scales[i].reach};
        for (int j = 0; j < LISTED; j++) {
            CHECK_INT(enc_disentangled_row(&way, listed[j]), scales[i].ahead[j]);
            CHECK_INT(enc_disentangled_row(&way, -listed[j]), scales[i].behind[j]);
        }
    }
}

/* ---- What is added ------------------------------------------------------------------- */

enum { D = 12, LD = 2 * D + 5, BLOCK = 48 };

/* q and k side by side, as in a projection; relative keys and queries [2·span, D]. */
typedef struct head {
    const enc_ops *ops;
    enc_disentangled way;
    size_t rows;
    float *qk;                       /* [rows, LD] */
    float *keys, *queries;           /* [2·span, D] */
    float *packed_keys, *packed_queries;
} head;

static float *packed(const enc_ops *ops, const float *matrix, size_t rows)
{
    float *to = ENC_ALLOC(float, ops->packed_size(rows, D));
    ops->pack(matrix, rows, D, D, 1, to);
    return to;
}

static head head_new(const enc_ops *ops, enc_disentangled way, size_t rows)
{
    size_t relative = 2 * (size_t)way.span;
    head h = {ops, way, rows, noises(rows * LD), noises(relative * D), noises(relative * D),
              NULL, NULL};
    h.packed_keys = packed(ops, h.keys, relative);
    h.packed_queries = packed(ops, h.queries, relative);
    return h;
}

static void head_free(head *h)
{
    enc_free(h->qk), enc_free(h->keys), enc_free(h->queries);
    enc_free(h->packed_keys), enc_free(h->packed_queries);
}

static double product(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < D; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* All rows in blocks of `block` queries, over scores that are 1. */
static float *add_all(const head *h, const enc_disentangled_head *terms, size_t block)
{
    enc_arena arena = {0};
    enc_disentangled_work work;
    float *scores = ENC_ALLOC(float, h->rows * h->rows);
    for (size_t i = 0; i < h->rows * h->rows; i++)
        scores[i] = 1;
    CHECK(enc_disentangled_begin(&h->way, h->ops, h->rows, D, block, &arena, &work));
    for (size_t first = 0; first < h->rows; first += block) {
        size_t count = h->rows - first < block ? h->rows - first : block;
        enc_disentangled_add(&work, terms, h->qk, h->qk + D, LD, first, count,
                             scores + first * h->rows, h->rows);
    }
    enc_arena_destroy(&arena);
    return scores;
}

static void check_terms(const head *h, bool keys, bool queries)
{
    const enc_disentangled_head terms = {keys ? h->packed_keys : NULL,
                                         queries ? h->packed_queries : NULL};
    float *scores = add_all(h, &terms, BLOCK);
    for (size_t i = 0; i < h->rows; i++)
        for (size_t j = 0; j < h->rows; j++) {
            int row = enc_disentangled_row(&h->way, (ptrdiff_t)i - (ptrdiff_t)j);
            double want = 1;
            if (keys)
                want += product(h->qk + i * LD, h->keys + row * D);
            if (queries)
                want += product(h->qk + j * LD + D, h->queries + row * D);
            CHECK_NEAR(scores[i * h->rows + j], want, 1e-5);
        }
    enc_free(scores);
}

TEST("disentangled: queries meet the rows of keys' distances, and keys those of queries'")
{
    static const enc_disentangled ways[] = {
        {.span = 4}, {.span = 100}, {.span = 1}, {16, 16, 64}, {64, 64, 200}, {7, 7, 20},
        {8, 8, 4}, {8, 8, 5}};
    static const size_t rows[] = {1, 2, 47, 48, 49, 150};
    FOR_KERNELS(ops)
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
            for (size_t j = 0; j < sizeof rows / sizeof *rows; j++) {
                head h = head_new(ops, ways[i], rows[j]);
                check_terms(&h, true, true);
                check_terms(&h, true, false);
                check_terms(&h, false, true);
                check_terms(&h, false, false);
                head_free(&h);
            }
}

TEST("disentangled: a query's scores have the same bits alone and in a block")
{
    FOR_KERNELS(ops) {
        if (!ops->row_invariant)
            continue;
        head h = head_new(ops, (enc_disentangled){32, 32, 90}, 130);
        const enc_disentangled_head terms = {h.packed_keys, h.packed_queries};
        float *together = add_all(&h, &terms, BLOCK), *alone = add_all(&h, &terms, 1);
        CHECK(memcmp(together, alone, h.rows * h.rows * sizeof *alone) == 0);
        enc_free(together), enc_free(alone);
        head_free(&h);
    }
}

TEST("disentangled: the memory of a text grows with its length, not with its square")
{
    const enc_disentangled way = {.span = 5000};
    enc_arena arena = {0};
    enc_disentangled_work work;
    CHECK(enc_disentangled_begin(&way, enc_ops_get(), 5000, D, BLOCK, &arena, &work));
    CHECK(arena.depth < 4u << 20);
    enc_arena_destroy(&arena);
}
