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
