/*
** forward.c - the transformer encoder, in the order of the paper (Vaswani et al. 2017, "Attention
** is all you need"; Devlin et al. 2018 for BERT's three embeddings).
**
**   x = norm(token + position + segment embedding), projected where the tables are narrower
**   for each block:
**       Q, K, V = x·W + b                      rotary.c: Q and K turned by their positions
**       heads = softmax(QKᵀ/√d)·V              attention.c: scores, softmax, weighted values
**       x = norm(x + heads·W + b)
**       x = norm(x + W₂·act(W₁·x + b₁) + b₂)   or W₂·(act(W₀·x) · W₁·x), gated
**       x = norm(x + act(convolution of hidden state 0)) behind the first, where there is one
**   x = norm(x) behind the last block, in families that have that norm
**
** where a norm of x + f(x) may as well stand before or within: x + norm(f(norm(x))), see
** weights.h.
**
** The texts of a batch lie end to end in one matrix x [T, D]; only attention knows where each
** begins. A property of the family decides each step (model.h); no family is named here.
**
** All but attention treats rows by themselves, so the work is cut into stretches of rows, which
** the pool's threads share if the batch is alone (share.h).
*/
#include "forward.h"

#include <string.h>

#include "rotary.h"
#include "share.h"

typedef struct pass {
    const enc_model *model;
    const enc_ops *ops;
    const enc_batch *batch;
    enc_poll *poll;
    size_t rows;            /* T */
    size_t width;           /* D */
    size_t stretch;         /* rows of a stretch; 0: every text is one */
    const enc_layer *layer; /* the block at work */
    size_t *position;       /* [T] rows of the position table, or of turns */
    float *turns[2];        /* [longest text, turned] of global and of local layers */
    float *narrow;          /* [T, E] embeddings before they are projected */
    float *convolved;       /* [T, D] hidden state 0's convolution; NULL: none */
    float *x;               /* [T, D] hidden state */
    enc_heads h;
    float *qkv;             /* [T, (H + 2G)·d] */
    float *heads;           /* [T, H·d] */
    float *sum;             /* [T, D] attention's output, then norm(x + it) */
} pass;

/* Rows [first, first + count) and all that is theirs. */
typedef struct stretch {
    size_t first;
    size_t count;
} stretch;

static stretch stretch_at(const pass *p, size_t index)
{
    if (p->stretch == 0)
        return (stretch){p->batch->start[index],
                         p->batch->start[index + 1] - p->batch->start[index]};
    size_t first = index * p->stretch, left = p->rows - first;
    return (stretch){first, left < p->stretch ? left : p->stretch};
}

static int project(const pass *p, const enc_linear *linear, const float *x, size_t rows,
                   const enc_after *after, float *y, enc_arena *scratch)
{
    return enc_linear_apply(p->ops, linear, x, rows, after, y, scratch, p->poll);
}

/* In place; nothing where there is no such norm. */
static void norm(const pass *p, const enc_norm *n, float *x, size_t rows)
{
    const enc_ops *ops = p->ops;
    for (size_t row = 0; n->weight && row < rows; row++, x += n->width)
        if (n->kind == ENC_NORM_LAYER)
            ops->layer_norm(x, n->width, n->weight, n->bias, n->eps);
        else
            ops->rms_norm(x, n->width, n->weight, n->eps);
}

/* norm(x) in fresh memory, or x itself where there is no such norm. NULL: out of memory. */
static const float *normed(const pass *p, const enc_norm *n, const float *x, size_t rows,
                           enc_arena *scratch)
{
    if (!n->weight)
        return x;
    float *copy = ENC_ARENA(scratch, float, rows * n->width);
    if (copy) {
        memcpy(copy, x, rows * n->width * sizeof *copy);
        norm(p, n, copy, rows);
    }
    return copy;
}

/* Each text counts its tokens anew. */
static void count_positions(const pass *p)
{
    const enc_config *config = &p->model->config;
    const bool skips = p->model->family->position == ENC_POSITION_AFTER_PAD;
    for (size_t i = 0; i < p->batch->count; i++) {
        size_t next = (size_t)config->first_position;
        for (size_t row = p->batch->start[i]; row < p->batch->start[i + 1]; row++) {
            bool padding = skips && p->batch->id[row] == config->padding_idx;
            p->position[row] = padding ? (size_t)config->padding_idx : next++;
        }
    }
}

/* The turns of all positions up to the longest text's last. False: out of memory. */
static bool find_turns(pass *p, enc_arena *arena)
{
    size_t longest = 0;
    for (size_t i = 0; i < p->batch->count; i++) {
        size_t rows = p->batch->start[i + 1] - p->batch->start[i];
        longest = rows > longest ? rows : longest;
    }
    for (int i = 0; i < 2; i++) {
        const enc_rotary *rotary = &p->model->weights.rotary[i];
        if (!rotary->frequency)
            continue;
        p->turns[i] = ENC_ARENA(arena, float, longest * rotary->turned);
        if (!p->turns[i])
            return false;
        enc_rotary_fill(rotary, longest, p->turns[i]);
    }
    return true;
}

enum { LOOKED_UP_ROWS = 64 }; /* between two looks at whether to stop */

/* table [T, E] = norm(token + position + segment row). False: stopped. */
static bool look_up(const pass *p, const enc_norm *last, float *table)
{
    const enc_weights *w = &p->model->weights;
    const size_t width = (size_t)p->model->config.embedding_size;
    const float scale = p->model->config.embedding_scale;
    for (size_t row = 0; row < p->rows; row++) {
        float *to = table + row * width;
        enc_text none = {NULL, 0};
        if (row % LOOKED_UP_ROWS == 0 && enc_poll_stop(p->poll))
            return false;
        enc_token_row(p->model, p->batch->id[row], p->batch->word ? p->batch->word[row] : none,
                      to, p->poll);
        for (size_t i = 0; scale != 1 && i < width; i++)
            to[i] *= scale;
        if (w->types) {
            bool typed = p->batch->type && !p->model->one_type;
            size_t type = typed ? (size_t)p->batch->type[row] : 0;
            p->ops->add(w->types + type * width, to, width);
        }
        if (w->positions)
            p->ops->add(w->positions + p->position[row] * width, to, width);
        norm(p, last, to, 1);
    }
    return !enc_poll_stop(p->poll); /* for the last row may be half done */
}

/* A stretch of the tables' rows, as wide as hidden states. */
static int project_embedding(void *context, size_t index, enc_arena *scratch)
{
    const pass *p = context;
    const enc_linear *projection = &p->model->weights.embedding_projection;
    const enc_norm *last = &p->model->weights.embedding_norm;
    stretch s = stretch_at(p, index);
    float *x = p->x + s.first * p->width;
    int rc = project(p, projection, p->narrow + s.first * projection->in, s.count, NULL, x,
                     scratch);
    if (rc == ENC_OK && p->model->family->projected_first)
        norm(p, last, x, s.count);
    return rc;
}

/* Hidden state 0. */
static int embed(pass *p, const enc_share *share, size_t stretches, enc_arena *arena)
{
    static const enc_norm none;
    const enc_linear *projection = &p->model->weights.embedding_projection;
    const enc_norm *last = &p->model->weights.embedding_norm;
    if (!projection->packed)
        return look_up(p, last, p->x) ? ENC_OK : ENC_INTERRUPTED;
    enc_mark mark = enc_arena_mark(arena);
    p->narrow = ENC_ARENA(arena, float, p->rows * projection->in);
    if (!p->narrow)
        return ENC_NOMEM;
    int rc = ENC_INTERRUPTED;
    if (look_up(p, p->model->family->projected_first ? &none : last, p->narrow))
        rc = enc_share_run(share, project_embedding, p, stretches);
    enc_arena_release(arena, mark);
    return rc;
}

/* One row's queries and keys: each head normed, then turned by its position. */
static void prepare_row(const pass *p, float *qkv, size_t position)
{
    const enc_layer *layer = p->layer;
    const enc_heads *h = &p->h;
    norm(p, &layer->query_norm, qkv + enc_heads_query(h, 0), h->count);
    norm(p, &layer->key_norm, qkv + enc_heads_key(h, 0), h->kv);
    if (layer->rotary)
        enc_rotary_turn(layer->rotary, qkv, h->count + h->kv, h->d,
                        p->turns[layer->rotary - p->model->weights.rotary] +
                            position * layer->rotary->turned);
}

/* Q, K and V of a stretch of rows, side by side. */
static int project_qkv(void *context, size_t index, enc_arena *scratch)
{
    const pass *p = context;
    const enc_layer *layer = p->layer;
    stretch s = stretch_at(p, index);
    const float *x = normed(p, &layer->attention_norms.before, p->x + s.first * p->width,
                            s.count, scratch);
    float *qkv = p->qkv + s.first * p->h.qkv;
    if (!x)
        return ENC_NOMEM;
    int rc = project(p, &layer->qkv, x, s.count, NULL, qkv, scratch);
    if (layer->rotary || layer->query_norm.weight || layer->key_norm.weight)
        for (size_t row = 0; rc == ENC_OK && row < s.count; row++)
            prepare_row(p, qkv + row * p->h.qkv, p->position[s.first + row]);
    return rc;
}

/* One head of one text. */
static int attend(void *context, size_t index, enc_arena *scratch)
{
    const pass *p = context;
    size_t text = index / p->h.count, first = p->batch->start[text];
    return enc_attend(p->model, p->layer, p->qkv + first * p->h.qkv,
                      p->batch->start[text + 1] - first, index % p->h.count, scratch, p->poll,
                      p->heads + first * p->h.out);
}

/* wide [rows, F] = act(gate) · up of wide [rows, 2F], gate and up side by side; in place. */
static void gate(const pass *p, float *wide, size_t rows)
{
    void (*function)(float *, size_t) = p->ops->activate[p->model->config.activation];
    size_t ffn = (size_t)p->model->config.ffn_size;
    for (size_t row = 0; row < rows; row++) {
        float *to = wide + row * ffn, *first = to + row * ffn, *up = first + ffn;
        if (function)
            function(first, ffn);
        for (size_t i = 0; i < ffn; i++)
            to[i] = first[i] * up[i];
    }
}

/* to = after(x + within(linear(from))), norms that stand about a part of a block. */
static int add_to(const pass *p, const enc_linear *linear, const enc_norms *norms,
                  const float *from, const float *x, size_t rows, float *to,
                  enc_arena *scratch)
{
    const enc_after add = {ENC_ACT_NONE, norms->within.weight ? NULL : x};
    int rc = project(p, linear, from, rows, &add, to, scratch);
    if (rc != ENC_OK)
        return rc;
    if (norms->within.weight) {
        norm(p, &norms->within, to, rows);
        p->ops->add(x, to, rows * p->width);
    }
    norm(p, &norms->after, to, rows);
    return ENC_OK;
}

/* What a block does with a stretch of rows once its heads are known: project them, residual and
** norm; feed forward, residual and norm. */
static int finish_block(void *context, size_t index, enc_arena *scratch)
{
    const pass *p = context;
    const enc_layer *layer = p->layer;
    const bool gated = p->model->config.gated;
    const enc_after activation = {gated ? ENC_ACT_NONE : p->model->config.activation, NULL};
    stretch s = stretch_at(p, index);
    float *x = p->x + s.first * p->width, *sum = p->sum + s.first * p->width;
    float *wide = ENC_ARENA(scratch, float, s.count * layer->ffn_up.out);
    if (!wide)
        return ENC_NOMEM;

    int rc = add_to(p, &layer->attention_out, &layer->attention_norms,
                    p->heads + s.first * p->h.out, x, s.count, sum, scratch);
    if (rc != ENC_OK)
        return rc;

    const float *in = normed(p, &layer->ffn_norms.before, sum, s.count, scratch);
    if (!in)
        return ENC_NOMEM;
    rc = project(p, &layer->ffn_up, in, s.count, &activation, wide, scratch);
    if (rc != ENC_OK)
        return rc;
    if (gated)
        gate(p, wide, s.count);
    return add_to(p, &layer->ffn_down, &layer->ffn_norms, wide, sum, s.count, x, scratch);
}

/* The norm behind the last block, of a stretch of rows. */
static int norm_last(void *context, size_t index, enc_arena *scratch)
{
    const pass *p = context;
    stretch s = stretch_at(p, index);
    (void)scratch;
    norm(p, &p->model->weights.final_norm, p->x + s.first * p->width, s.count);
    return ENC_OK;
}

/* ---- The convolution beside block 1 ---- */

enum { CONVOLVED_ROWS = 32 }; /* between two looks at whether to stop */

/* y [count, D] for the rows first ... first+count-1 of text number `text`, all of it. */
static int convolve_part(const pass *p, size_t text, stretch part, enc_arena *scratch)
{
    const enc_convolution *c = &p->model->weights.convolution;
    size_t begin = p->batch->start[text], rows = p->batch->start[text + 1] - begin;
    float *unfolded = ENC_ARENA(scratch, float,
                                CONVOLVED_ROWS * c->kernel * (c->width / c->groups));
    if (!unfolded)
        return ENC_NOMEM;
    for (size_t done = 0; done < part.count; done += CONVOLVED_ROWS) {
        size_t left = part.count - done, count = left < CONVOLVED_ROWS ? left : CONVOLVED_ROWS;
        size_t row = part.first + done;
        enc_convolve(c, p->ops, p->x + begin * p->width, rows, row - begin, count, unfolded,
                     p->convolved + row * p->width);
        if (enc_poll_stop(p->poll))
            return ENC_INTERRUPTED;
    }
    return ENC_OK;
}

/* convolved = the convolution of hidden state 0, of a stretch of rows. */
static int convolve(void *context, size_t index, enc_arena *scratch)
{
    const pass *p = context;
    stretch s = stretch_at(p, index);
    int rc = ENC_OK;
    for (size_t text = 0; rc == ENC_OK && text < p->batch->count; text++) {
        size_t first = p->batch->start[text], end = p->batch->start[text + 1];
        first = first > s.first ? first : s.first;
        end = end < s.first + s.count ? end : s.first + s.count;
        enc_mark mark = enc_arena_mark(scratch);
        if (first < end)
            rc = convolve_part(p, text, (stretch){first, end - first}, scratch);
        enc_arena_release(scratch, mark);
    }
    return rc;
}

/* x = norm(x + convolved), of a stretch of rows. */
static int add_convolved(void *context, size_t index, enc_arena *scratch)
{
    const pass *p = context;
    stretch s = stretch_at(p, index);
    size_t at = s.first * p->width;
    (void)scratch;
    p->ops->add(p->convolved + at, p->x + at, s.count * p->width);
    norm(p, &p->model->weights.convolution_norm, p->x + at, s.count);
    return ENC_OK;
}

/* Block `number`, 1 ... L, and behind the last one the last norm. */
static int block(pass *p, const enc_share *share, size_t stretches, int number,
                 const enc_observer *observer)
{
    bool convolves = number == 1 && p->convolved;
    p->layer = &p->model->weights.layer[number - 1];
    int rc = convolves ? enc_share_run(share, convolve, p, stretches) : ENC_OK;
    if (rc == ENC_OK)
        rc = enc_share_run(share, project_qkv, p, stretches);
    if (rc == ENC_OK)
        rc = enc_share_run(share, attend, p, p->batch->count * p->h.count);
    if (rc == ENC_OK && observer && observer->heads)
        observer->heads(observer->context, number, p->qkv, p->heads);
    if (rc == ENC_OK)
        rc = enc_share_run(share, finish_block, p, stretches);
    if (rc == ENC_OK && convolves)
        rc = enc_share_run(share, add_convolved, p, stretches);
    if (rc == ENC_OK && number == p->model->config.layers)
        rc = enc_share_run(share, norm_last, p, stretches);
    return rc;
}

/* Memory of all rows; sizes are bounded by the token limit of a batch. */
static bool take(pass *p, enc_arena *arena, int layers)
{
    p->position = ENC_ARENA(arena, size_t, p->rows);
    p->x = ENC_ARENA(arena, float, p->rows * p->width);
    if (!p->position || !p->x)
        return false;
    count_positions(p);
    if (layers == 0)
        return true;
    p->sum = ENC_ARENA(arena, float, p->rows * p->width);
    p->heads = ENC_ARENA(arena, float, p->rows * p->h.out);
    p->qkv = ENC_ARENA(arena, float, p->rows * p->h.qkv);
    bool convolves = p->model->weights.convolution.packed;
    if (convolves)
        p->convolved = ENC_ARENA(arena, float, p->rows * p->width);
    return p->sum && p->heads && p->qkv && (p->convolved || !convolves) && find_turns(p, arena);
}

static int transform(const enc_model *model, const enc_batch *batch, int layers,
                     enc_arena *arena, enc_poll *poll, const enc_observer *observer,
                     float **out)
{
    pass p = {.model = model, .ops = model->ops, .batch = batch, .poll = poll,
              .rows = batch->start[batch->count], .h = enc_heads_of(model),
              .width = (size_t)model->config.hidden_size};
    if (!take(&p, arena, layers))
        return ENC_NOMEM;
    enc_share share = enc_share_plan(batch->alone, p.rows, arena, poll);
    p.stretch = p.ops->row_invariant ? enc_share_stretch(&share, p.rows) : 0;
    size_t stretches = p.stretch ? (p.rows + p.stretch - 1) / p.stretch : batch->count;
    int rc = embed(&p, &share, stretches, arena);
    for (int number = 0; rc == ENC_OK && number <= layers; number++) {
        if (number > 0)
            rc = block(&p, &share, stretches, number, observer);
        if (rc == ENC_OK && observer && observer->hidden)
            observer->hidden(observer->context, number, p.x);
    }
    *out = p.x;
    return rc;
}

int enc_forward(const enc_model *model, const enc_batch *batch, int layers, enc_arena *arena,
                enc_poll *poll, const enc_observer *observer, float **out)
{
    switch (model->family->shape) {
    case ENC_SHAPE_TRANSFORMER:
        return transform(model, batch, layers, arena, poll, observer, out);
    case ENC_SHAPE_ELMO:
        return enc_elmo_forward(model, batch, layers, arena, poll, observer, out);
    }
    return ENC_UNSUPPORTED;
}
