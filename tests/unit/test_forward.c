/* test_forward.c - the forward pass over packed texts. */
#include <jansson.h>

#include "checkpoint_copy.h"
#include "encoding.h"
#include "forward.h"
#include "kernels.h"

/* ---- The paper in double precision, on the checkpoint's own tensors ----------------- */

typedef struct tensors {
    char *data;      /* model.safetensors */
    json_t *header;
    const char *first; /* number */
} tensors;

static bool tensors_open(tensors *t)
{
    size_t size;
    uint64_t length = 0;
    t->data = copy_read(test_data("golden/bert"), "model.safetensors", &size);
    if (t->data)
        memcpy(&length, t->data, sizeof length);
    t->header = t->data ? json_loadb(t->data + 8, length, 0, NULL) : NULL;
    t->first = t->data + 8 + length;
    return CHECK(t->header != NULL);
}

static void tensors_close(tensors *t)
{
    json_decref(t->header);
    free(t->data);
}

/* A tensor's numbers; `block` stands for #. */
static const float *tensor(const tensors *t, const char *name, const char *end, int block)
{
    char full[160];
    const char *mark = strchr(name, '#');
    if (mark)
        snprintf(full, sizeof full, "bert.%.*s%d%s%s", (int)(mark - name), name, block,
                 mark + 1, end);
    else
        snprintf(full, sizeof full, "bert.%s%s", name, end);
    const json_t *entry = json_object_get(t->header, full);
    const json_t *range = json_object_get(entry, "data_offsets");
    if (!CHECK(entry != NULL))
        exit(2);
    return (const float *)(const void *)(t->first +
                                         json_integer_value(json_array_get(range, 0)));
}

enum { FFN = 64, MOST_ROWS = 64 };
typedef double row[FFN];

static void linear_exactly(const tensors *t, const char *name, int block, const double *x,
                           size_t in, size_t out, double *y)
{
    const float *weight = tensor(t, name, ".weight", block);
    const float *bias = tensor(t, name, ".bias", block);
    for (size_t i = 0; i < out; i++) {
        y[i] = bias[i];
        for (size_t j = 0; j < in; j++)
            y[i] += weight[i * in + j] * x[j];
    }
}

static void norm_exactly(const tensors *t, const char *name, int block, double *x)
{
    const float *weight = tensor(t, name, ".weight", block);
    const float *bias = tensor(t, name, ".bias", block);
    double mean = 0, variance = 0;
    for (int i = 0; i < WIDTH; i++)
        mean += x[i] / WIDTH;
    for (int i = 0; i < WIDTH; i++)
        variance += (x[i] - mean) * (x[i] - mean) / WIDTH;
    for (size_t i = 0; i < WIDTH; i++)
        x[i] = weight[i] * (x[i] - mean) / sqrt(variance + 1e-12) + bias[i];
}

static void embed_exactly(const tensors *t, const int32_t *id, const int32_t *type,
                          size_t rows, row *x)
{
    const float *token = tensor(t, "embeddings.word_embeddings", ".weight", 0);
    const float *position = tensor(t, "embeddings.position_embeddings", ".weight", 0);
    const float *segment = tensor(t, "embeddings.token_type_embeddings", ".weight", 0);
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < WIDTH; i++)
            x[r][i] = (double)token[(size_t)id[r] * WIDTH + i] + position[r * WIDTH + i] +
                      segment[(size_t)type[r] * WIDTH + i];
        norm_exactly(t, "embeddings.LayerNorm", 0, x[r]);
    }
}

static void attend_exactly(row *q, row *k, row *v, size_t rows, size_t r, double *heads)
{
    for (size_t at = 0; at < WIDTH; at += HEAD_SIZE) {
        double weight[MOST_ROWS] = {0};
        for (size_t j = 0; j < rows; j++)
            for (size_t i = at; i < at + HEAD_SIZE; i++)
                weight[j] += q[r][i] * k[j][i];
        softmax(weight, rows, 1 / sqrt(HEAD_SIZE));
        for (size_t i = at; i < at + HEAD_SIZE; i++) {
            heads[i] = 0;
            for (size_t j = 0; j < rows; j++)
                heads[i] += weight[j] * v[j][i];
        }
    }
}

static void block_exactly(const tensors *t, int block, size_t rows, row *x)
{
    static row q[MOST_ROWS], k[MOST_ROWS], v[MOST_ROWS];
#define NAME(rest) "encoder.layer.#" rest
    for (size_t r = 0; r < rows; r++) {
        linear_exactly(t, NAME(".attention.self.query"), block, x[r], WIDTH, WIDTH, q[r]);
        linear_exactly(t, NAME(".attention.self.key"), block, x[r], WIDTH, WIDTH, k[r]);
        linear_exactly(t, NAME(".attention.self.value"), block, x[r], WIDTH, WIDTH, v[r]);
    }
    for (size_t r = 0; r < rows; r++) {
        double heads[WIDTH], sum[WIDTH], wide[FFN];
        attend_exactly(q, k, v, rows, r, heads);
        linear_exactly(t, NAME(".attention.output.dense"), block, heads, WIDTH, WIDTH, sum);
        for (int i = 0; i < WIDTH; i++)
            x[r][i] += sum[i];
        norm_exactly(t, NAME(".attention.output.LayerNorm"), block, x[r]);
        linear_exactly(t, NAME(".intermediate.dense"), block, x[r], WIDTH, FFN, wide);
        for (int i = 0; i < FFN; i++)
            wide[i] *= 0.5 * (1 + erf(wide[i] / sqrt(2.0)));
        linear_exactly(t, NAME(".output.dense"), block, wide, FFN, WIDTH, sum);
        for (int i = 0; i < WIDTH; i++)
            x[r][i] += sum[i];
        norm_exactly(t, NAME(".output.LayerNorm"), block, x[r]);
    }
#undef NAME
}

/* ---- What the pass shows ------------------------------------------------------------ */

typedef struct seen {
    float hidden[BLOCKS + 1][160 * WIDTH];
    char order[32]; /* "0 h1 1 h2 2 " */
    size_t rows;
} seen;

static void see_hidden(void *context, int layer, const float *x)
{
    seen *s = context;
    size_t at = strlen(s->order);
    snprintf(s->order + at, sizeof s->order - at, "%d ", layer);
    memcpy(s->hidden[layer], x, s->rows * WIDTH * sizeof *x);
}

static void see_heads(void *context, int layer, const float *qkv, const float *output)
{
    seen *s = context;
    size_t at = strlen(s->order);
    (void)qkv, (void)output;
    snprintf(s->order + at, sizeof s->order - at, "h%d ", layer);
}

static int forward(const encoder *e, const enc_batch *batch, int layers, enc_poll *poll,
                   seen *s, float *out)
{
    enc_arena arena = {0};
    enc_observer observer = {s, see_hidden, see_heads};
    float *x = NULL;
    size_t rows = batch->start[batch->count];
    if (s)
        *s = (seen){.rows = rows};
    int rc = enc_forward(e->model, batch, layers, &arena, poll, s ? &observer : NULL, &x);
    if (rc == ENC_OK && out)
        memcpy(out, x, rows * WIDTH * sizeof *out);
    enc_arena_destroy(&arena);
    return rc;
}

/* Ids that no tokenizer would give, but the table has. */
static void some_ids(int32_t *id, size_t count)
{
    for (size_t i = 0; i < count; i++)
        id[i] = (int32_t)((i * 97 + 41) % 588);
}

TEST("forward: each hidden state is what the paper's formulas give in double precision")
{
    enum { ROWS = 50 };
    static row want[MOST_ROWS];
    static seen s;
    int32_t id[ROWS], type[ROWS];
    const size_t start[2] = {0, ROWS};
    tensors t;
    encoder e;
    REQUIRE(tensors_open(&t));
    REQUIRE(encoder_open(&e, "bert"));
    some_ids(id, ROWS);
    for (int i = 0; i < ROWS; i++)
        type[i] = i >= 20;
    enc_batch batch = {id, type, start, 1, false, NULL};
    CHECK_INT(forward(&e, &batch, BLOCKS, NULL, &s, NULL), ENC_OK);
    embed_exactly(&t, id, type, ROWS, want);
    for (int layer = 0; layer <= BLOCKS; layer++) {
        if (layer > 0)
            block_exactly(&t, layer - 1, ROWS, want);
        for (size_t r = 0; r < ROWS; r++)
            CHECK_NEAR(distance(s.hidden[layer] + r * WIDTH, want[r], WIDTH), 0, 1e-5);
    }
    encoder_close(&e);
    tensors_close(&t);
}

TEST("forward: hidden states have the same bits alone, among others, and shared by threads")
{
    static const size_t start[] = {0, 1, 8, 8, 72, 90, 154, 155};
    enum { TEXTS = 7, ROWS = 155 };
    static float together[ROWS * WIDTH], alone[ROWS * WIDTH];
    int32_t id[ROWS];
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    some_ids(id, ROWS);
    enc_batch batch = {id, NULL, start, TEXTS, false, NULL};
    CHECK_INT(forward(&e, &batch, BLOCKS, NULL, NULL, together), ENC_OK);
    for (size_t i = 0; i < TEXTS; i++) {
        size_t rows = start[i + 1] - start[i];
        const size_t whole[2] = {0, rows};
        enc_batch one = {id + start[i], NULL, whole, 1, false, NULL};
        CHECK_INT(forward(&e, &one, BLOCKS, NULL, NULL, alone), ENC_OK);
        CHECK(same_bits(alone, together + start[i] * WIDTH, rows * WIDTH));
    }
    batch.alone = true; /* threads share the rows */
    CHECK_INT(forward(&e, &batch, BLOCKS, NULL, NULL, alone), ENC_OK);
    CHECK(same_bits(alone, together, ROWS * WIDTH));
    encoder_close(&e);
}

TEST("forward: no segments are segments of 0")
{
    enum { ROWS = 9 };
    const size_t start[2] = {0, ROWS};
    int32_t id[ROWS], zero[ROWS] = {0}, one[ROWS];
    float none[ROWS * WIDTH], first[ROWS * WIDTH], second[ROWS * WIDTH];
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    some_ids(id, ROWS);
    for (int i = 0; i < ROWS; i++)
        one[i] = 1;
    enc_batch batch = {id, NULL, start, 1, false, NULL};
    CHECK_INT(forward(&e, &batch, BLOCKS, NULL, NULL, none), ENC_OK);
    batch.type = zero;
    CHECK_INT(forward(&e, &batch, BLOCKS, NULL, NULL, first), ENC_OK);
    batch.type = one;
    CHECK_INT(forward(&e, &batch, BLOCKS, NULL, NULL, second), ENC_OK);
    CHECK(same_bits(none, first, ROWS * WIDTH));
    CHECK(!same_bits(none, second, ROWS * WIDTH));
    encoder_close(&e);
}

TEST("forward: fewer blocks stop at that hidden state, and no later block runs")
{
    enum { ROWS = 12 };
    static seen all, s;
    const size_t start[2] = {0, ROWS};
    int32_t id[ROWS];
    float out[ROWS * WIDTH];
    static const char *const order[] = {"0 ", "0 h1 1 ", "0 h1 1 h2 2 "};
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    some_ids(id, ROWS);
    enc_batch batch = {id, NULL, start, 1, false, NULL};
    CHECK_INT(forward(&e, &batch, BLOCKS, NULL, &all, NULL), ENC_OK);
    for (int layers = 0; layers <= BLOCKS; layers++) {
        CHECK_INT(forward(&e, &batch, layers, NULL, &s, out), ENC_OK);
        CHECK_STR(s.order, order[layers]);
        CHECK(same_bits(out, all.hidden[layers], ROWS * WIDTH));
    }
    encoder_close(&e);
}

TEST("forward: a stop ends it between two products, and the next pass is whole again")
{
    enum { ROWS = 40 };
    const size_t start[2] = {0, ROWS};
    int32_t id[ROWS];
    float before[ROWS * WIDTH], after[ROWS * WIDTH];
    encoder e;
    enc_poll poll;
    REQUIRE(encoder_open(&e, "bert"));
    some_ids(id, ROWS);
    enc_batch batch = {id, NULL, start, 1, false, NULL};
    CHECK_INT(forward(&e, &batch, BLOCKS, NULL, NULL, before), ENC_OK);
    enc_poll_begin(&poll, NULL, NULL, 0);
    atomic_store(&poll.stop, true);
    CHECK_INT(forward(&e, &batch, BLOCKS, &poll, NULL, NULL), ENC_INTERRUPTED);
    CHECK_INT(forward(&e, &batch, 0, &poll, NULL, NULL), ENC_INTERRUPTED);
    CHECK_INT(forward(&e, &batch, BLOCKS, NULL, NULL, after), ENC_OK);
    CHECK(same_bits(before, after, ROWS * WIDTH));
    encoder_close(&e);
}
