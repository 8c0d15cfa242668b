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
** All but attention treats rows by themselves, so it is done band by band of rows. If the batch is
** alone the pool's threads share the work (share.h): each step within a band, or, where the
** kernel's bits forbid that, the bands.
*/
#include "forward.h"

#include <string.h>

#include "linear.h"
#include "rotary.h"

typedef struct pass {
    const enc_model *model;
    const enc_ops *ops;
    const enc_batch *batch;
    enc_poll *poll;
    size_t rows;            /* T */
    size_t width;           /* D */
    size_t band;            /* rows of a band; 0: every text is one */
    size_t bands;
    enc_share across;       /* who shares bands */
    enc_share within;       /* who shares what is not cut into bands; within a band only its */
                            /* threads count */
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

/* Rows [first, first + count) and all that is theirs, and who works on them. */
typedef struct band {
    const pass *p;
    size_t first;
    size_t count;
    enc_share share;
    float *wide; /* [count, F]; gated: [count, 2F] */
} band;

static int project(const band *b, const enc_linear *linear, const float *x, size_t ldx,
                   const enc_after *after, float *y)
{
    return enc_linear_share(b->p->ops, linear, x, ldx, b->count, after, y, &b->share);
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

typedef struct norming {
    const pass *p;
    const enc_norm *n;
    const float *from; /* or NULL: x itself */
    float *x;
} norming;

static int norm_rows(void *context, size_t first, size_t count, enc_arena *scratch)
{
    const norming *w = context;
    float *x = w->x + first * w->n->width;
    (void)scratch;
    if (w->from)
        memcpy(x, w->from + first * w->n->width, count * w->n->width * sizeof *x);
    norm(w->p, w->n, x, count);
    return ENC_OK;
}

/* *to = norm(x) in fresh memory, or x itself where there is no such norm. */
static int normed(const band *b, const enc_norm *n, const float *x, const float **to)
{
    norming w = {b->p, n, x, NULL};
    *to = x;
    if (!n->weight)
        return ENC_OK;
    *to = w.x = ENC_ARENA(b->share.arena, float, b->count * n->width);
    return w.x ? enc_share_rows(&b->share, norm_rows, &w, b->count) : ENC_NOMEM;
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

typedef struct lookup {
    const pass *p;
    const enc_norm *last;
    float *table;
} lookup;

/* table [T, E] = norm(token + position + segment row). */
static int look_up(void *context, size_t first, size_t count, enc_arena *scratch)
{
    const lookup *l = context;
    const pass *p = l->p;
    const enc_weights *w = &p->model->weights;
    const size_t width = (size_t)p->model->config.embedding_size;
    const float scale = p->model->config.embedding_scale;
    (void)scratch;
    for (size_t row = first; row < first + count; row++) {
        float *to = l->table + row * width;
        enc_text none = {NULL, 0};
        if ((row - first) % LOOKED_UP_ROWS == 0 && enc_poll_stop(p->poll))
            return ENC_INTERRUPTED;
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
        norm(p, l->last, to, 1);
    }
    /* the last row may be half done */
    return enc_poll_stop(p->poll) ? ENC_INTERRUPTED : ENC_OK;
}

/* ---- Bands --------------------------------------------------------------------------- */

typedef int (*band_step)(const band *b);

typedef struct banded {
    const pass *p;
    band_step step;
} banded;

static int do_band(void *context, size_t index, enc_arena *scratch)
{
    const banded *w = context;
    const pass *p = w->p;
    band b = {p, index * p->band, p->band, {p->within.threads, scratch, p->poll, 0, 0},
              NULL};
    if (p->band == 0) {
        b.first = p->batch->start[index];
        b.count = p->batch->start[index + 1] - b.first;
        b.share.threads = 1;
    } else if (p->rows - b.first < p->band) {
        b.count = p->rows - b.first;
    }
    return w->step(&b);
}

static int each_band(const pass *p, band_step step)
{
    banded w = {p, step};
    return enc_share_run(&p->across, do_band, &w, p->bands);
}

/* The tables' rows, as wide as hidden states. */
static int project_embedding(const band *b)
{
    const pass *p = b->p;
    const enc_linear *projection = &p->model->weights.embedding_projection;
    float *x = p->x + b->first * p->width;
    norming last = {p, &p->model->weights.embedding_norm, NULL, x};
    int rc = project(b, projection, p->narrow + b->first * projection->in, projection->in, NULL,
                     x);
    if (rc == ENC_OK && p->model->family->projected_first)
        rc = enc_share_rows(&b->share, norm_rows, &last, b->count);
    return rc;
}

/* Hidden state 0. */
static int embed(pass *p, enc_arena *arena)
{
    static const enc_norm none;
    const enc_linear *projection = &p->model->weights.embedding_projection;
    lookup l = {p, &p->model->weights.embedding_norm, p->x};
    if (!projection->packed)
        return enc_share_rows(&p->within, look_up, &l, p->rows);
    enc_mark mark = enc_arena_mark(arena);
    l.table = p->narrow = ENC_ARENA(arena, float, p->rows * projection->in);
    if (p->model->family->projected_first)
        l.last = &none;
    int rc = p->narrow ? enc_share_rows(&p->within, look_up, &l, p->rows) : ENC_NOMEM;
    if (rc == ENC_OK)
        rc = each_band(p, project_embedding);
    enc_arena_release(arena, mark);
    return rc;
}

/* ---- A block ------------------------------------------------------------------------- */

/* Which of the model's turns the block takes. */
static bool is_local(const pass *p)
{
    return p->layer->rotary == &p->model->weights.rotary[1];
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
                        p->turns[is_local(p)] + position * layer->rotary->turned);
}

static int prepare_rows(void *context, size_t first, size_t count, enc_arena *scratch)
{
    const band *b = context;
    const pass *p = b->p;
    (void)scratch;
    for (size_t row = b->first + first; row < b->first + first + count; row++)
        prepare_row(p, p->qkv + row * p->h.qkv, p->position[row]);
    return ENC_OK;
}

/* Q, K and V of a band, side by side. */
static int project_qkv(const band *b)
{
    const pass *p = b->p;
    const enc_layer *layer = p->layer;
    const float *x;
    int rc = normed(b, &layer->attention_norms.before, p->x + b->first * p->width, &x);
    if (rc == ENC_OK)
        rc = project(b, &layer->qkv, x, p->width, NULL, p->qkv + b->first * p->h.qkv);
    if (layer->rotary || layer->query_norm.weight || layer->key_norm.weight)
        if (rc == ENC_OK)
            rc = enc_share_rows(&b->share, prepare_rows, (void *)b, b->count);
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

/* wide [rows, F of 2F] = act(gate) · up of wide [rows, 2F], gate and up side by side; in place. */
static int gate_rows(void *context, size_t first, size_t count, enc_arena *scratch)
{
    const band *b = context;
    void (*function)(float *, size_t) = b->p->ops->activate[b->p->model->config.activation];
    const size_t ffn = (size_t)b->p->model->config.ffn_size;
    (void)scratch;
    for (size_t row = first; row < first + count; row++) {
        float *gate = b->wide + row * 2 * ffn, *up = gate + ffn;
        if (function)
            function(gate, ffn);
        b->p->ops->scale(up, gate, ffn);
    }
    return ENC_OK;
}

/* to = after(x + within(to)), or after(to) where that sum has been made. */
typedef struct settling {
    const pass *p;
    const enc_norms *norms;
    const float *x;
    float *to;
} settling;

static int settle_rows(void *context, size_t first, size_t count, enc_arena *scratch)
{
    const settling *w = context;
    const size_t at = first * w->p->width;
    (void)scratch;
    if (w->norms->within.weight) {
        norm(w->p, &w->norms->within, w->to + at, count);
        w->p->ops->add(w->x + at, w->to + at, count * w->p->width);
    }
    norm(w->p, &w->norms->after, w->to + at, count);
    return ENC_OK;
}

/* to = after(x + within(linear(from))), norms that stand about a part of a block. */
static int add_to(const band *b, const enc_linear *linear, const enc_norms *norms,
                  const float *from, size_t ld_from, const float *x, float *to)
{
    const enc_after add = {ENC_ACT_NONE, norms->within.weight ? NULL : x};
    settling w = {b->p, norms, x, to};
    int rc = project(b, linear, from, ld_from, &add, to);
    if (rc == ENC_OK && (norms->within.weight || norms->after.weight))
        rc = enc_share_rows(&b->share, settle_rows, &w, b->count);
    return rc;
}

/* What a block does with a band once its heads are known: project them, residual and norm; feed
** forward, residual and norm. */
static int finish_block(const band *of)
{
    band b = *of;
    const pass *p = b.p;
    const enc_layer *layer = p->layer;
    const bool gated = p->model->config.gated;
    const enc_after activation = {gated ? ENC_ACT_NONE : p->model->config.activation, NULL};
    float *x = p->x + b.first * p->width, *sum = p->sum + b.first * p->width;
    const float *in;
    b.wide = ENC_ARENA(b.share.arena, float, b.count * layer->ffn_up.out);
    if (!b.wide)
        return ENC_NOMEM;

    int rc = add_to(&b, &layer->attention_out, &layer->attention_norms,
                    p->heads + b.first * p->h.out, p->h.out, x, sum);
    if (rc == ENC_OK)
        rc = normed(&b, &layer->ffn_norms.before, sum, &in);
    if (rc == ENC_OK)
        rc = project(&b, &layer->ffn_up, in, p->width, &activation, b.wide);
    if (rc == ENC_OK && gated)
        rc = enc_share_rows(&b.share, gate_rows, &b, b.count);
    if (rc == ENC_OK)
        rc = add_to(&b, &layer->ffn_down, &layer->ffn_norms, b.wide, layer->ffn_up.out, sum, x);
    return rc;
}

/* ---- The convolution beside block 1 ---- */

enum { CONVOLVED_ROWS = 32 }; /* between two looks at whether to stop */

/* y [count, D] for the rows first ... first+count-1 of text number `text`, all of it. */
static int convolve_part(const pass *p, size_t text, size_t first, size_t rows,
                         enc_arena *scratch)
{
    const enc_convolution *c = &p->model->weights.convolution;
    size_t begin = p->batch->start[text], all = p->batch->start[text + 1] - begin;
    float *unfolded = ENC_ARENA(scratch, float,
                                CONVOLVED_ROWS * c->kernel * (c->width / c->groups));
    if (!unfolded)
        return ENC_NOMEM;
    for (size_t done = 0; done < rows; done += CONVOLVED_ROWS) {
        size_t left = rows - done, count = left < CONVOLVED_ROWS ? left : CONVOLVED_ROWS;
        size_t row = first + done;
        enc_convolve(c, p->ops, p->x + begin * p->width, all, row - begin, count, unfolded,
                     p->convolved + row * p->width);
        if (enc_poll_stop(p->poll))
            return ENC_INTERRUPTED;
    }
    return ENC_OK;
}

/* Texts' parts among rows first ... first+count-1. */
static int convolve_rows(const pass *p, size_t first, size_t count, enc_arena *scratch)
{
    int rc = ENC_OK;
    for (size_t text = 0; rc == ENC_OK && text < p->batch->count; text++) {
        size_t begin = p->batch->start[text], end = p->batch->start[text + 1];
        begin = begin > first ? begin : first;
        end = end < first + count ? end : first + count;
        enc_mark mark = enc_arena_mark(scratch);
        if (begin < end)
            rc = convolve_part(p, text, begin, end - begin, scratch);
        enc_arena_release(scratch, mark);
    }
    return rc;
}

static int convolve_piece(void *context, size_t first, size_t count, enc_arena *scratch)
{
    const band *b = context;
    return convolve_rows(b->p, b->first + first, count, scratch);
}

/* convolved = the convolution of hidden state 0, of a band. */
static int convolve(const band *b)
{
    return enc_share_rows(&b->share, convolve_piece, (void *)b, b->count);
}

/* x = norm(x + convolved) */
static int add_convolved(void *context, size_t first, size_t count, enc_arena *scratch)
{
    const pass *p = context;
    size_t at = first * p->width;
    (void)scratch;
    p->ops->add(p->convolved + at, p->x + at, count * p->width);
    norm(p, &p->model->weights.convolution_norm, p->x + at, count);
    return ENC_OK;
}

/* Block `number`, 1 ... L, and behind the last one the last norm. */
static int block(pass *p, int number, const enc_observer *observer)
{
    const bool convolves = number == 1 && p->convolved;
    norming last = {p, &p->model->weights.final_norm, NULL, p->x};
    p->layer = &p->model->weights.layer[number - 1];
    int rc = convolves ? each_band(p, convolve) : ENC_OK;
    if (rc == ENC_OK)
        rc = each_band(p, project_qkv);
    if (rc == ENC_OK)
        rc = enc_share_run(&p->within, attend, p, p->batch->count * p->h.count);
    if (rc == ENC_OK && observer && observer->heads)
        observer->heads(observer->context, number, p->qkv, p->heads);
    if (rc == ENC_OK)
        rc = each_band(p, finish_block);
    if (rc == ENC_OK && convolves)
        rc = enc_share_rows(&p->within, add_convolved, p, p->rows);
    if (rc == ENC_OK && number == p->model->config.layers && last.n->weight)
        rc = enc_share_rows(&p->within, norm_rows, &last, p->rows);
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

/* Numbers that a pass multiplies, but for the heads'. */
static size_t products(const enc_model *model, size_t rows, int layers)
{
    size_t sum = 0;
    for (int i = 0; i < layers; i++) {
        const enc_layer *l = &model->weights.layer[i];
        sum += l->qkv.in * l->qkv.out + l->attention_out.in * l->attention_out.out +
               l->ffn_up.in * l->ffn_up.out + l->ffn_down.in * l->ffn_down.out;
    }
    return sum * rows;
}

static void share_out(pass *p, int layers, enc_arena *arena)
{
    p->within = enc_share_begin(p->batch->alone, products(p->model, p->rows, layers), arena,
                               p->poll);
    p->across = p->within;
    p->bands = p->batch->count;
    if (p->ops->row_invariant) {
        p->across.threads = 1;
        p->band = enc_share_band(p->within.threads, p->rows);
        p->bands = (p->rows + p->band - 1) / p->band;
    }
}

/* Makes p->x, hidden state `from`, hidden state `to`; x is hidden state `from` [T, D], which 0
** does without. */
static int transform(pass *p, const float *x, int from, int to, enc_arena *arena,
                     const enc_observer *observer)
{
    if (!take(p, arena, to))
        return ENC_NOMEM;
    share_out(p, to, arena);
    int rc = ENC_OK;
    if (x)
        memcpy(p->x, x, p->rows * p->width * sizeof *x);
    else
        rc = embed(p, arena);
    for (int number = from; rc == ENC_OK && number <= to; number++) {
        if (number > from)
            rc = block(p, number, observer);
        if (rc == ENC_OK && observer && observer->hidden)
            observer->hidden(observer->context, number, p->x);
    }
    enc_share_end(&p->within);
    return rc;
}

static pass begin(const enc_model *model, const enc_batch *batch, enc_poll *poll)
{
    return (pass){.model = model, .ops = model->ops, .batch = batch, .poll = poll,
                  .rows = batch->start[batch->count], .h = enc_heads_of(model),
                  .width = (size_t)model->config.hidden_size};
}

int enc_forward_block(const enc_model *model, const enc_batch *batch, int number, float *x,
                      enc_arena *arena, enc_poll *poll)
{
    pass p = begin(model, batch, poll);
    enc_mark mark = enc_arena_mark(arena);
    int rc = transform(&p, x, number - 1, number, arena, NULL);
    if (rc == ENC_OK)
        memcpy(x, p.x, p.rows * p.width * sizeof *x);
    enc_arena_release(arena, mark);
    return rc;
}

int enc_forward(const enc_model *model, const enc_batch *batch, int layers, enc_arena *arena,
                enc_poll *poll, const enc_observer *observer, float **out)
{
    pass p = begin(model, batch, poll);
    int rc;
    switch (model->family->shape) {
    case ENC_SHAPE_TRANSFORMER:
        rc = transform(&p, NULL, 0, layers, arena, observer);
        *out = p.x;
        return rc;
    case ENC_SHAPE_ELMO:
        return enc_elmo_forward(model, batch, layers, arena, poll, observer, out);
    }
    return ENC_UNSUPPORTED;
}
