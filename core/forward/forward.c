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
    float *turns;           /* [longest text, head size] of rotary positions; NULL: none */
    float *narrow;          /* [T, E] embeddings before they are projected */
    float *x;               /* [T, D] hidden state */
    float *qkv;             /* [T, 3D] */
    float *heads;           /* [T, D] */
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

static bool project(const pass *p, const enc_linear *linear, const float *x, size_t rows,
                    float *y)
{
    return enc_linear_apply(p->ops, linear, x, rows, y, p->poll);
}

static void norm(const pass *p, const enc_norm *n, float *x, size_t rows)
{
    for (size_t row = 0; row < rows; row++)
        p->ops->layer_norm(x + row * n->width, n->width, n->weight, n->bias, n->eps);
}

/* Each text counts its tokens anew. */
static void count_positions(const pass *p)
{
    const enc_family *family = p->model->family;
    for (size_t i = 0; i < p->batch->count; i++) {
        size_t next = (size_t)p->model->config.first_position;
        for (size_t row = p->batch->start[i]; row < p->batch->start[i + 1]; row++) {
            bool padding = family->position == ENC_POSITION_AFTER_PAD &&
                           p->batch->id[row] == family->padding_idx;
            p->position[row] = padding ? (size_t)family->padding_idx : next++;
        }
    }
}

/* The turns of all positions up to the longest text's last. False: out of memory. */
static bool find_turns(pass *p, enc_arena *arena)
{
    size_t longest = 0, d = (size_t)p->model->config.head_size;
    if (p->model->family->position != ENC_POSITION_ROTARY)
        return true;
    for (size_t i = 0; i < p->batch->count; i++) {
        size_t rows = p->batch->start[i + 1] - p->batch->start[i];
        longest = rows > longest ? rows : longest;
    }
    p->turns = ENC_ARENA(arena, float, longest * d);
    if (p->turns)
        enc_rotary_fill(p->model->config.rotary_base, longest, d, p->turns);
    return p->turns;
}

/* table [T, E] = token + position + segment row, then norm. */
static void look_up(const pass *p, float *table)
{
    const enc_weights *w = &p->model->weights;
    const size_t width = (size_t)p->model->config.embedding_size;
    for (size_t row = 0; row < p->rows; row++) {
        float *to = table + row * width;
        memcpy(to, w->tokens + (size_t)p->batch->id[row] * width, width * sizeof *to);
        if (w->types) {
            size_t type = p->batch->type ? (size_t)p->batch->type[row] : 0;
            p->ops->add(w->types + type * width, to, width);
        }
        if (w->positions)
            p->ops->add(w->positions + p->position[row] * width, to, width);
    }
    norm(p, &w->embedding_norm, table, p->rows);
}

/* A stretch of the tables' rows, as wide as hidden states. */
static int project_embedding(void *context, size_t index, enc_arena *scratch)
{
    const pass *p = context;
    const enc_linear *projection = &p->model->weights.embedding_projection;
    stretch s = stretch_at(p, index);
    (void)scratch;
    return project(p, projection, p->narrow + s.first * projection->in, s.count,
                   p->x + s.first * p->width) ? ENC_OK : ENC_INTERRUPTED;
}

/* Hidden state 0. */
static int embed(pass *p, const enc_share *share, size_t stretches, enc_arena *arena)
{
    const enc_linear *projection = &p->model->weights.embedding_projection;
    if (!projection->packed) {
        look_up(p, p->x);
        return ENC_OK;
    }
    enc_mark mark = enc_arena_mark(arena);
    p->narrow = ENC_ARENA(arena, float, p->rows * projection->in);
    if (!p->narrow)
        return ENC_NOMEM;
    look_up(p, p->narrow);
    int rc = enc_share_run(share, project_embedding, p, stretches);
    enc_arena_release(arena, mark);
    return rc;
}

/* Q, K and V of a stretch of rows, side by side; Q and K turned if positions are rotary. */
static int project_qkv(void *context, size_t index, enc_arena *scratch)
{
    const pass *p = context;
    stretch s = stretch_at(p, index);
    const size_t heads = (size_t)p->model->config.heads;
    const size_t d = (size_t)p->model->config.head_size;
    (void)scratch;
    if (!project(p, &p->layer->qkv, p->x + s.first * p->width, s.count,
                 p->qkv + s.first * 3 * p->width))
        return ENC_INTERRUPTED;
    for (size_t row = s.first; p->turns && row < s.first + s.count; row++)
        enc_rotary_turn(p->qkv + row * 3 * p->width, 2 * heads, d,
                        p->turns + p->position[row] * d);
    return ENC_OK;
}

/* One head of one text. */
static int attend(void *context, size_t index, enc_arena *scratch)
{
    const pass *p = context;
    size_t heads = (size_t)p->model->config.heads;
    size_t text = index / heads, first = p->batch->start[text];
    return enc_attend(p->model, p->qkv + first * 3 * p->width,
                      p->batch->start[text + 1] - first, index % heads, scratch, p->poll,
                      p->heads + first * p->width);
}

/* wide [rows, F] = act(wide), or, from wide [rows, 2F], act(gate) · up. */
static void activate(const pass *p, float *wide, size_t rows)
{
    void (*function)(float *, size_t) = p->ops->activate[p->model->config.activation];
    size_t ffn = (size_t)p->model->config.ffn_size;
    if (p->model->family->ffn == ENC_FFN_DENSE) {
        if (function)
            function(wide, rows * ffn);
        return;
    }
    for (size_t row = 0; row < rows; row++) {
        float *to = wide + row * ffn, *gate = to + row * ffn, *up = gate + ffn;
        if (function)
            function(gate, ffn);
        for (size_t i = 0; i < ffn; i++)
            to[i] = gate[i] * up[i];
    }
}

/* What a block does with a stretch of rows once its heads are known: project them, residual and
** norm; feed forward, residual and norm. */
static int finish_block(void *context, size_t index, enc_arena *scratch)
{
    const pass *p = context;
    const enc_layer *layer = p->layer;
    stretch s = stretch_at(p, index);
    size_t at = s.first * p->width, cells = s.count * p->width;
    float *x = p->x + at, *sum = p->sum + at;
    float *wide = ENC_ARENA(scratch, float, s.count * layer->ffn_up.out);
    if (!wide)
        return ENC_NOMEM;

    if (!project(p, &layer->attention_out, p->heads + at, s.count, sum))
        return ENC_INTERRUPTED;
    p->ops->add(x, sum, cells);
    norm(p, &layer->attention_norm, sum, s.count);

    if (!project(p, &layer->ffn_up, sum, s.count, wide))
        return ENC_INTERRUPTED;
    activate(p, wide, s.count);
    if (!project(p, &layer->ffn_down, wide, s.count, x))
        return ENC_INTERRUPTED;
    p->ops->add(sum, x, cells);
    norm(p, &layer->ffn_norm, x, s.count);
    return ENC_OK;
}

/* The block p->layer, number 1 ... L. */
static int block(pass *p, const enc_share *share, size_t stretches, int number,
                 const enc_observer *observer)
{
    int rc = enc_share_run(share, project_qkv, p, stretches);
    if (rc == ENC_OK)
        rc = enc_share_run(share, attend, p,
                           p->batch->count * (size_t)p->model->config.heads);
    if (rc == ENC_OK && observer && observer->heads)
        observer->heads(observer->context, number, p->qkv, p->heads);
    return rc == ENC_OK ? enc_share_run(share, finish_block, p, stretches) : rc;
}

int enc_forward(const enc_model *model, const enc_batch *batch, int layers, enc_arena *arena,
                enc_poll *poll, const enc_observer *observer, float **out)
{
    pass p = {.model = model, .ops = model->ops, .batch = batch, .poll = poll,
              .rows = batch->start[batch->count], .width = (size_t)model->config.hidden_size};
    size_t cells = p.rows * p.width; /* bounded by the token limit of a batch */
    p.position = ENC_ARENA(arena, size_t, p.rows);
    p.x = ENC_ARENA(arena, float, cells);
    p.sum = ENC_ARENA(arena, float, cells);
    p.heads = ENC_ARENA(arena, float, cells);
    p.qkv = ENC_ARENA(arena, float, cells * 3);
    if (!p.position || !p.x || !p.sum || !p.heads || !p.qkv)
        return ENC_NOMEM;

    enc_share share = enc_share_plan(batch->alone, p.rows, arena, poll);
    p.stretch = p.ops->row_invariant ? enc_share_stretch(&share, p.rows) : 0;
    size_t stretches = p.stretch ? (p.rows + p.stretch - 1) / p.stretch : batch->count;
    count_positions(&p);
    if (!find_turns(&p, arena))
        return ENC_NOMEM;
    int rc = embed(&p, &share, stretches, arena);
    if (rc != ENC_OK)
        return rc;
    if (observer && observer->hidden)
        observer->hidden(observer->context, 0, p.x);
    for (int number = 1; number <= layers; number++) {
        p.layer = &model->weights.layer[number - 1];
        rc = block(&p, &share, stretches, number, observer);
        if (rc != ENC_OK)
            return rc;
        if (observer && observer->hidden)
            observer->hidden(observer->context, number, p.x);
    }
    *out = p.x;
    return ENC_OK;
}
