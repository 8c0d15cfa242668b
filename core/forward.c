/*
** forward.c - the transformer encoder, in the order of the paper (Vaswani et al. 2017, "Attention
** is all you need"; Devlin et al. 2018 for BERT's three embeddings).
**
**   token + position + segment embedding, norm
**   for each block:
**       Q, K, V = x·W + b                      attention.c: scores QKᵀ/√d, softmax,
**       heads = softmax(QKᵀ/√d)·V              weighted values, head by head
**       x = norm(x + heads·W + b)
**       x = norm(x + W₂·act(W₁·x + b₁) + b₂)
**
** The texts of a batch lie end to end in one matrix x [T, D]; only attention knows where each
** begins. A property of the family decides each step (model.h); no family is named here.
*/
#include "forward.h"

#include <string.h>

typedef struct pass {
    const enc_model *model;
    const enc_ops *ops;
    const enc_batch *batch;
    const enc_observer *observer;
    enc_poll *poll;
    enc_arena *arena;
    size_t rows;     /* T */
    size_t width;    /* D */
    float *qkv;      /* [T, 3D] */
    float *heads;    /* [T, D] */
    float *sum;      /* [T, D] a sublayer's output */
    float *ffn;      /* [FFN_ROWS or the longest text, F] */
} pass;

/* Rows that go through the feed-forward together: what they widen to stays in the cache. */
enum { FFN_ROWS = 96 };

static int refused(const pass *p)
{
    return enc_poll_stop(p->poll) ? ENC_INTERRUPTED : ENC_NOMEM;
}

static bool project(const pass *p, const enc_linear *linear, const float *x, float *y)
{
    return enc_linear_apply(p->ops, linear, x, p->rows, p->batch->start, p->batch->count, y,
                            p->poll);
}

static void norm(const pass *p, const enc_norm *n, float *x)
{
    for (size_t row = 0; row < p->rows; row++)
        p->ops->layer_norm(x + row * p->width, p->width, n->weight, n->bias, n->eps);
}

/* x [T, D] = token + position + segment row, then norm. */
static void embed(const pass *p, float *x)
{
    const enc_weights *w = &p->model->weights;
    const size_t width = p->width;
    for (size_t i = 0; i < p->batch->count; i++) {
        size_t first = p->batch->start[i];
        for (size_t row = first; row < p->batch->start[i + 1]; row++) {
            float *to = x + row * width;
            memcpy(to, w->tokens + (size_t)p->batch->id[row] * width, width * sizeof *to);
            if (w->types) {
                size_t type = p->batch->type ? (size_t)p->batch->type[row] : 0;
                p->ops->add(w->types + type * width, to, width);
            }
            if (w->positions)
                p->ops->add(w->positions + (row - first) * width, to, width);
        }
    }
    norm(p, &w->embedding_norm, x);
}

/* p->sum = heads of x, concatenated and projected. */
static int attention(pass *p, const enc_layer *layer, int number, const float *x)
{
    if (!project(p, &layer->qkv, x, p->qkv))
        return ENC_INTERRUPTED;
    for (size_t i = 0; i < p->batch->count; i++) {
        size_t first = p->batch->start[i];
        bool interrupted;
        if (!enc_attend(p->model, p->qkv + first * 3 * p->width,
                        p->batch->start[i + 1] - first, p->arena, p->poll,
                        p->heads + first * p->width, &interrupted))
            return interrupted ? ENC_INTERRUPTED : ENC_NOMEM;
    }
    if (p->observer && p->observer->heads)
        p->observer->heads(p->observer->context, number, p->qkv, p->heads);
    return project(p, &layer->attention_out, p->heads, p->sum) ? ENC_OK : ENC_INTERRUPTED;
}

/* The rows from `row` on that the feed-forward takes at once: a text at a time where the
** kernel wants texts to be calls of their own. */
static size_t ffn_end(const pass *p, size_t row, size_t *text)
{
    if (!p->ops->row_invariant)
        return p->batch->start[++*text];
    return row + FFN_ROWS < p->rows ? row + FFN_ROWS : p->rows;
}

/* p->sum = down(act(up(x))), a few rows at a time. */
static int feed_forward(pass *p, const enc_layer *layer, const float *x)
{
    void (*activate)(float *, size_t) = p->ops->activate[p->model->config.activation];
    size_t text = 0;
    for (size_t row = 0, end; row < p->rows; row = end) {
        end = ffn_end(p, row, &text);
        size_t rows = end - row, whole[2] = {0, end - row};
        if (!enc_linear_apply(p->ops, &layer->ffn_up, x + row * p->width, rows, whole, 1,
                              p->ffn, p->poll))
            return ENC_INTERRUPTED;
        if (activate)
            activate(p->ffn, rows * layer->ffn_up.out);
        if (!enc_linear_apply(p->ops, &layer->ffn_down, p->ffn, rows, whole, 1,
                              p->sum + row * p->width, p->poll))
            return ENC_INTERRUPTED;
    }
    return ENC_OK;
}

/* Residual and norm around a sublayer (post-norm): p->sum = norm(x + p->sum); the old x becomes
** the next sublayer's place to write. */
static void close_sublayer(pass *p, const enc_norm *n, float **x)
{
    p->ops->add(*x, p->sum, p->rows * p->width);
    norm(p, n, p->sum);
    float *fresh = p->sum;
    p->sum = *x;
    *x = fresh;
}

static bool take_scratch(pass *p, float **x)
{
    const enc_config *config = &p->model->config;
    size_t ffn_rows = FFN_ROWS;
    for (size_t i = 0; i < p->batch->count && !p->ops->row_invariant; i++)
        if (p->batch->start[i + 1] - p->batch->start[i] > ffn_rows)
            ffn_rows = p->batch->start[i + 1] - p->batch->start[i];
    size_t cells = p->rows * p->width; /* bounded by the token limit of a batch */
    *x = ENC_ARENA(p->arena, float, cells);
    p->sum = ENC_ARENA(p->arena, float, cells);
    p->heads = ENC_ARENA(p->arena, float, cells);
    p->qkv = ENC_ARENA(p->arena, float, cells * 3);
    p->ffn = ENC_ARENA(p->arena, float, ffn_rows * (size_t)config->ffn_size);
    return *x && p->sum && p->heads && p->qkv && p->ffn;
}

static void show(const pass *p, int layer, const float *x)
{
    if (p->observer && p->observer->hidden)
        p->observer->hidden(p->observer->context, layer, x);
}

int enc_forward(const enc_model *model, const enc_batch *batch, int layers, enc_arena *arena,
                enc_poll *poll, const enc_observer *observer, float **out)
{
    pass p = {.model = model, .ops = model->ops, .batch = batch, .observer = observer,
              .poll = poll, .arena = arena, .rows = batch->start[batch->count],
              .width = (size_t)model->config.hidden_size};
    float *x;
    if (!take_scratch(&p, &x))
        return refused(&p);
    embed(&p, x);
    show(&p, 0, x);
    for (int number = 1; number <= layers; number++) {
        const enc_layer *layer = &model->weights.layer[number - 1];
        int rc = attention(&p, layer, number, x);
        if (rc != ENC_OK)
            return rc;
        close_sublayer(&p, &layer->attention_norm, &x);
        rc = feed_forward(&p, layer, x);
        if (rc != ENC_OK)
            return rc;
        close_sublayer(&p, &layer->ffn_norm, &x);
        show(&p, number, x);
    }
    *out = x;
    return ENC_OK;
}
