/* test_attention.c - attention of one sequence: softmax(QKᵀ/√d)·V, head by head. */
#include "encoding.h"
#include "forward.h"
#include "kernels.h"

/* Heads without a checkpoint. */
static enc_model heads_of(const enc_ops *ops, int heads, int head_size)
{
    enc_model model = {.ops = ops};
    model.config.heads = model.config.kv_heads = heads;
    model.config.head_size = head_size;
    model.config.hidden_size = heads * head_size;
    return model;
}

/* Every query sees every key. */
static enc_layer open_layer(const enc_model *model)
{
    return (enc_layer){.before = SIZE_MAX, .after = SIZE_MAX,
                       .scale = 1 / sqrtf((float)model->config.head_size)};
}

static void attend(const enc_model *model, const float *qkv, size_t rows, float *out)
{
    enc_arena arena = {0};
    enc_layer layer = open_layer(model);
    for (size_t head = 0; head < (size_t)model->config.heads; head++)
        CHECK_INT(enc_attend(model, &layer, qkv, rows, head, &arena, NULL, out), ENC_OK);
    enc_arena_destroy(&arena);
}

/* One row of one head, in double precision. qkv [rows, 3·width]. */
static void attend_exactly(const float *qkv, size_t rows, size_t width, size_t d,
                           size_t head, size_t row, double *out)
{
    double *weight = calloc(rows, sizeof *weight);
    const float *q = qkv + row * 3 * width + head * d;
    for (size_t j = 0; j < rows; j++)
        for (size_t i = 0; i < d; i++)
            weight[j] += (double)q[i] * qkv[j * 3 * width + width + head * d + i];
    softmax(weight, rows, 1 / sqrt((double)d));
    for (size_t i = 0; i < d; i++) {
        out[i] = 0;
        for (size_t j = 0; j < rows; j++)
            out[i] += weight[j] * qkv[j * 3 * width + 2 * width + head * d + i];
    }
    free(weight);
}

static void check_attention(const enc_ops *ops, size_t heads, size_t d, size_t rows)
{
    enc_model model = heads_of(ops, (int)heads, (int)d);
    size_t width = heads * d;
    float *qkv = noises(rows * 3 * width), *out = noises(rows * width);
    double want[128];
    for (size_t i = 0; i < rows * 3 * width; i++)
        qkv[i] *= 3;
    attend(&model, qkv, rows, out);
    for (size_t row = 0; row < rows; row++)
        for (size_t head = 0; head < heads; head++) {
            attend_exactly(qkv, rows, width, d, head, row, want);
            CHECK_NEAR(distance(out + row * width + head * d, want, d), 0, 5e-6);
        }
    enc_free(qkv), enc_free(out);
}

TEST("attention: every head's rows are its values, weighted by softmax(q·k/sqrt(d))")
{
    FOR_KERNELS(ops)
    {
        check_attention(ops, 1, 8, 1);
        check_attention(ops, 4, 8, 5);
        check_attention(ops, 2, 64, 48);
        check_attention(ops, 3, 20, 49);
        check_attention(ops, 1, 33, 130);
    }
}

/* Of numbers that bf16 holds exactly scores are as exact as in float32; only the weights, each
** right to 2^-9, are not. */
static void check_bf16(const enc_ops *ops, size_t heads, size_t d, size_t rows)
{
    enc_model model = heads_of(ops, (int)heads, (int)d);
    size_t width = heads * d;
    float *qkv = noises(rows * 3 * width), *out = noises(rows * width);
    double want[128];
    model.weights.attention = ENC_WEIGHT_BF16;
    for (size_t i = 0; i < rows * 3 * width; i++)
        qkv[i] = roundf(qkv[i] * 64) / 32;
    attend(&model, qkv, rows, out);
    for (size_t row = 0; row < rows; row++)
        for (size_t head = 0; head < heads; head++) {
            attend_exactly(qkv, rows, width, d, head, row, want);
            CHECK_NEAR(distance(out + row * width + head * d, want, d), 0, 2 * 0x1p-8);
        }
    enc_free(qkv), enc_free(out);
}

TEST("attention: products of bf16 give what float32 gives, but for the rounding of weights")
{
    FOR_KERNELS(ops)
    {
        check_bf16(ops, 1, 8, 1);
        check_bf16(ops, 4, 8, 5);
        check_bf16(ops, 2, 64, 48);
        check_bf16(ops, 3, 20, 49);
        check_bf16(ops, 1, 33, 130);
    }
}

TEST("attention: a token alone looks at itself and at nothing else")
{
    FOR_KERNELS(ops)
    {
        enc_model model = heads_of(ops, 2, 4);
        float *qkv = noises(24), out[8];
        attend(&model, qkv, 1, out);
        CHECK(same_bits(out, qkv + 16, 8));
        enc_free(qkv);
    }
}

TEST("attention: scores of any size give weights, the largest score all of it")
{
    enum { ROWS = 3, D = 4 };
    float qkv[ROWS * 3 * D] = {0}, out[ROWS * D];
    for (int row = 0; row < ROWS; row++) {
        qkv[row * 3 * D] = 1e18f;               /* query */
        qkv[row * 3 * D + D] = 1e18f * (float)(row - 1); /* key */
        qkv[row * 3 * D + 2 * D] = (float)(row + 1);     /* value */
    }
    FOR_KERNELS(ops)
    {
        enc_model model = heads_of(ops, 1, D);
        attend(&model, qkv, ROWS, out);
        for (int row = 0; row < ROWS; row++)
            CHECK_NEAR(out[row * D], 3, 0);
    }
}

TEST("attention: tokens that ask alike get the same bits, wherever they stand")
{
    enum { ROWS = 100, D = 16 };
    FOR_KERNELS(ops)
    {
        if (!ops->row_invariant)
            continue;
        enc_model model = heads_of(ops, 1, D);
        float *qkv = noises(ROWS * 3 * D), out[ROWS * D];
        for (int row = 1; row < ROWS; row++)
            memcpy(qkv + row * 3 * D, qkv, D * sizeof *qkv);
        attend(&model, qkv, ROWS, out);
        for (int row = 1; row < ROWS; row++)
            CHECK(same_bits(out + row * D, out, D));
        enc_free(qkv);
    }
}

TEST("attention: a head writes its own columns and no others")
{
    enum { ROWS = 5, D = 8 };
    FOR_KERNELS(ops)
    {
        enc_model model = heads_of(ops, 3, D);
        float *qkv = noises(ROWS * 9 * D), out[ROWS * 3 * D];
        enc_arena arena = {0};
        enc_layer layer = open_layer(&model);
        for (int i = 0; i < ROWS * 3 * D; i++)
            out[i] = 77;
        CHECK_INT(enc_attend(&model, &layer, qkv, ROWS, 1, &arena, NULL, out), ENC_OK);
        for (int i = 0; i < ROWS * 3 * D; i++)
            CHECK((out[i] == 77) == (i / D % 3 != 1));
        enc_free(qkv);
        enc_arena_destroy(&arena);
    }
}

/* ---- Windows and shared keys ---- */

/* What one layer asks for. */
typedef struct shape {
    size_t heads, kv, d, rows, before, after;
} shape;

/* The weights of one row by the definition, in double precision. */
static void weigh_exactly(const shape *s, const float *qkv, size_t head, size_t row,
                          double *weight)
{
    size_t ld = (s->heads + 2 * s->kv) * s->d, key = s->heads + head / (s->heads / s->kv);
    double sum = 0;
    for (size_t j = 0; j < s->rows; j++) {
        bool seen = j <= row ? row - j <= s->before : j - row <= s->after;
        double score = 0;
        for (size_t i = 0; i < s->d; i++)
            score += (double)qkv[row * ld + head * s->d + i] *
                     (double)qkv[j * ld + key * s->d + i];
        score /= sqrt((double)s->d);
        sum += weight[j] = seen ? exp(score) : 0;
    }
    for (size_t j = 0; j < s->rows; j++)
        weight[j] /= sum;
}

static void check_shape(const enc_ops *ops, const shape *s)
{
    enc_model model = heads_of(ops, (int)s->heads, (int)s->d);
    enc_layer layer = open_layer(&model);
    enc_arena arena = {0};
    size_t width = (s->heads + 2 * s->kv) * s->d, wide = s->heads * s->d;
    float *qkv = noises(s->rows * width), *out = noises(s->rows * wide);
    double *weight = calloc(s->rows, sizeof *weight), want[64];
    model.config.kv_heads = (int)s->kv;
    layer.before = s->before;
    layer.after = s->after;
    for (size_t head = 0; head < s->heads; head++)
        CHECK_INT(enc_attend(&model, &layer, qkv, s->rows, head, &arena, NULL, out), ENC_OK);
    for (size_t row = 0; row < s->rows; row++)
        for (size_t head = 0; head < s->heads; head++) {
            size_t value = s->heads + s->kv + head / (s->heads / s->kv);
            weigh_exactly(s, qkv, head, row, weight);
            memset(want, 0, sizeof want);
            for (size_t j = 0; j < s->rows; j++)
                for (size_t i = 0; i < s->d; i++)
                    want[i] += weight[j] * (double)qkv[j * width + value * s->d + i];
            CHECK_NEAR(distance(out + row * wide + head * s->d, want, s->d), 0, 2e-6);
        }
    enc_free(qkv), enc_free(out), free(weight);
    enc_arena_destroy(&arena);
}

TEST("attention: a query sees the keys of its window and no others, whatever the window")
{
    static const size_t ends[] = {0, 1, 2, 7, 47, 48, 49, 99, SIZE_MAX};
    FOR_KERNELS(ops)
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
            for (size_t j = 0; j < sizeof ends / sizeof *ends; j++) {
                check_shape(ops, &(shape){1, 1, 5, 100, ends[i], ends[j]});
                check_shape(ops, &(shape){1, 1, 4, 3, ends[i], ends[j]});
            }
}

TEST("attention: heads in a row share keys and values, evenly")
{
    FOR_KERNELS(ops)
    {
        check_shape(ops, &(shape){4, 2, 6, 50, SIZE_MAX, 0});
        check_shape(ops, &(shape){6, 1, 3, 20, SIZE_MAX, SIZE_MAX});
        check_shape(ops, &(shape){6, 3, 3, 20, 4, 0});
    }
}

TEST("attention: with a window, memory does not grow with the text")
{
    enum { ROWS = 20000, D = 4 };
    enc_model model = heads_of(enc_ops_get(), 1, D);
    enc_layer layer = open_layer(&model);
    enc_arena arena = {0};
    float *qkv = noises(ROWS * 3 * D), *out = noises(ROWS * D);
    size_t peak[2];
    layer.before = layer.after = 64;
    for (int i = 0; i < 2; i++) {
        enc_mark mark = enc_arena_mark(&arena);
        CHECK_INT(enc_attend(&model, &layer, qkv, i ? ROWS : ROWS / 10, 0, &arena, NULL, out),
                  ENC_OK);
        peak[i] = arena.depth;
        enc_arena_release(&arena, mark);
    }
    CHECK(peak[0] == peak[1]);
    enc_free(qkv), enc_free(out);
    enc_arena_destroy(&arena);
}

TEST("attention: a row shows scores of keys that are seen, -infinity and 0 for others")
{
    enum { ROWS = 9, D = 4 };
    enc_model model = heads_of(enc_ops_get(), 1, D);
    enc_layer layer = open_layer(&model);
    const enc_keys keys = {ROWS, 4, 0, ROWS};
    float weight[ROWS], score[ROWS];
    layer.before = 2;
    layer.after = 1;
    for (size_t i = 0; i < ROWS; i++)
        weight[i] = (float)i;
    enc_weigh(&model, &layer, 0, &keys, weight, score);
    for (size_t i = 0; i < ROWS; i++) {
        bool seen = i >= 2 && i <= 5;
        CHECK(seen ? score[i] == (float)i / 2 : isinf(score[i]) && score[i] < 0);
        CHECK(seen ? weight[i] > 0 : weight[i] == 0);
    }
}

static void *no_memory(size_t bytes)
{
    (void)bytes;
    return NULL;
}

TEST("attention: a stop is told apart from a lack of memory")
{
    enum { ROWS = 60, D = 8 };
    enc_model model = heads_of(enc_ops_get(), 1, D);
    float *qkv = noises(ROWS * 3 * D), out[ROWS * D];
    enc_arena arena = {0};
    enc_layer layer = open_layer(&model);
    enc_poll poll;
    enc_poll_begin(&poll, NULL, NULL, 0);
    enc_set_allocator(&(enc_allocator){no_memory, free});
    CHECK_INT(enc_attend(&model, &layer, qkv, ROWS, 0, &arena, &poll, out), ENC_NOMEM);
    enc_set_allocator(&(enc_allocator){malloc, free});
    atomic_store(&poll.stop, true);
    CHECK_INT(enc_attend(&model, &layer, qkv, ROWS, 0, &arena, &poll, out), ENC_INTERRUPTED);
    enc_free(qkv);
    enc_arena_destroy(&arena);
}
