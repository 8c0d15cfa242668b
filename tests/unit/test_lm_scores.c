/* test_lm_scores.c - a head's arithmetic, beside the same in double precision. */
#include "lm_scores.h"

#include "encoding.h"
#include "model.h"

enum { VOCABULARY = 1000, DEPTH = 40, PLACES = 300 };

static float number(unsigned i) /* -1 ... 1, the same on every machine */
{
    return (float)(int32_t)(i * 2654435761u) / 2147483648.0F;
}

static float *numbers(size_t count, unsigned seed)
{
    float *x = malloc(count * sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = number((unsigned)i + seed);
    return x;
}

/* log-softmax of c·tanh((table · z + bias) / c). */
static void reference(const enc_lm_head *head, const float *z, double *out)
{
    double sum = 0, largest = -INFINITY;
    for (size_t v = 0; v < head->vocabulary; v++) {
        out[v] = head->bias ? (double)head->bias[v] : 0;
        for (size_t k = 0; k < head->width; k++)
            out[v] += (double)((const float *)head->table.rows)[v * head->width + k] * (double)z[k];
        if (head->softcap > 0)
            out[v] = (double)head->softcap * tanh(out[v] / (double)head->softcap);
        if (out[v] > largest)
            largest = out[v];
    }
    for (size_t v = 0; v < head->vocabulary; v++)
        sum += exp(out[v] - largest);
    for (size_t v = 0; v < head->vocabulary; v++)
        out[v] -= largest + log(sum);
}

static void check_head(const enc_model *model, enc_lm_head *head)
{
    float *z = numbers(PLACES * DEPTH, 77), *out = calloc(PLACES, VOCABULARY * sizeof *out);
    float *alone = calloc(VOCABULARY, sizeof *alone);
    double *want = calloc(VOCABULARY, sizeof *want);
    size_t row[PLACES];
    enc_arena arena = {0};
    for (size_t i = 0; i < PLACES; i++)
        row[i] = PLACES - 1 - i;
    CHECK_INT(enc_lm_score(model, head, z, row, PLACES, out, &arena, NULL), ENC_OK);
    for (size_t i = 0; i < PLACES; i += 37) {
        reference(head, z + row[i] * DEPTH, want);
        CHECK_NEAR(distance(out + i * VOCABULARY, want, VOCABULARY), 0, 2e-6);
        CHECK_INT(enc_lm_score(model, head, z, &row[i], 1, alone, &arena, NULL), ENC_OK);
        CHECK(same_bits(alone, out + i * VOCABULARY, VOCABULARY));
    }
    enc_arena_destroy(&arena);
    free(z);
    free(out);
    free(alone);
    free(want);
}

TEST("lm_scores: logits, bias, cap and log-softmax; a row's bits don't depend on others")
{
    enc_model model = {.ops = enc_ops_get()};
    float *table = numbers(VOCABULARY * DEPTH, 1), *bias = numbers(VOCABULARY, 2);
    enc_lm_head head = {.width = DEPTH, .vocabulary = VOCABULARY,
                        .table = {ENC_WEIGHT_F32, DEPTH, table, NULL}};
    check_head(&model, &head);
    head.bias = bias;
    check_head(&model, &head);
    head.softcap = 2.5F;
    check_head(&model, &head);
    free(table);
    free(bias);
}

static int stop_at_once(void *context)
{
    (void)context;
    return 1;
}

TEST("lm_scores: they can be stopped")
{
    enc_model model = {.ops = enc_ops_get()};
    float *table = numbers(VOCABULARY * DEPTH, 1), out[VOCABULARY];
    enc_lm_head head = {.width = DEPTH, .vocabulary = VOCABULARY,
                        .table = {ENC_WEIGHT_F32, DEPTH, table, NULL}};
    size_t row = 0;
    enc_arena arena = {0};
    enc_poll poll;
    enc_poll_begin(&poll, stop_at_once, NULL, 0);
    CHECK_INT(enc_lm_score(&model, &head, table, &row, 1, out, &arena, &poll),
              ENC_INTERRUPTED);
    enc_arena_destroy(&arena);
    free(table);
}
