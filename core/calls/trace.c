/*
** trace.c - enc_trace: one forward pass that is looked at on its way.
**
** Of each block asked for the trace keeps queries, keys and values [T, (H + 2G)·d] and the heads'
** outputs [T, H·d]. A row of attention is computed from these when it is asked for, by the same
** kernel operations as in the forward pass (attention.c), so that it shows what happened there.
*/
#include <string.h>

#include "reading.h"
#include "session.h"

struct enc_trace {
    const enc_model *model;
    enc_tokens *tokens;
    float **hidden;       /* [L+1] of [T, D]; NULL where not asked for */
    enc_heads heads;
    float **qkv;          /* [L+1] of [T, kept]: queries and keys, then values if kept */
    float **output;       /* [L+1] of [T, H·d], or NULL */
    size_t kept;          /* (H + 2G)·d, or (H + G)·d without values */
    void *packed_keys;    /* Kᵀ of one head, for enc_trace_attention */
    void *prepared;       /* a query as their product takes it; NULL: as it is */
    int packed_layer;     /* which; -1: none */
    int packed_head;
    enc_arena arena;      /* holds these two and the next */
    enc_disentangled_work distances; /* where attention knows of them */
    size_t rows;          /* T */
    bool out_of_memory;
};

/* ---- What the forward pass shows is copied ---- */

typedef struct watcher {
    enc_trace *trace;
    const enc_trace_request *request;
} watcher;

/* The first `width` numbers of each row, which has `ld`. */
static float *copy(enc_trace *trace, const float *x, size_t ld, size_t width)
{
    float *kept = ENC_ALLOC(float, trace->rows * width);
    if (!kept)
        trace->out_of_memory = true;
    for (size_t row = 0; kept && row < trace->rows; row++)
        memcpy(kept + row * width, x + row * ld, width * sizeof *x);
    return kept;
}

static void keep_hidden(void *context, int layer, const float *x)
{
    watcher *w = context;
    enc_trace *t = w->trace;
    const size_t width = (size_t)t->model->config.hidden_size;
    if (w->request->hidden && w->request->hidden[layer])
        t->hidden[layer] = copy(t, x, width, width);
}

static void keep_heads(void *context, int layer, const float *qkv, const float *output)
{
    watcher *w = context;
    enc_trace *t = w->trace;
    if (!w->request->attention || !w->request->attention[layer])
        return;
    t->qkv[layer] = copy(t, qkv, t->heads.qkv, t->kept);
    if (!w->request->weights_alone)
        t->output[layer] = copy(t, output, t->heads.out, t->heads.out);
}

/* ---- Running ---- */

static int highest_layer(const enc_model *model, const enc_trace_request *request)
{
    for (int layer = model->config.layers; layer > 0; layer--)
        if ((request->hidden && request->hidden[layer]) ||
            (request->attention && request->attention[layer]))
            return layer;
    return 0;
}

static bool asks_for_heads(const enc_model *model, const enc_trace_request *request)
{
    for (int layer = 1; request->attention && layer <= model->config.layers; layer++)
        if (request->attention[layer])
            return true;
    return false;
}

static enc_trace *trace_new(const enc_model *model, enc_tokens *tokens, bool weights_alone)
{
    size_t layers = (size_t)model->config.layers + 1;
    enc_trace *t = ENC_ZALLOC(enc_trace, 1);
    if (!t)
        return NULL;
    t->model = model;
    t->rows = tokens->count;
    t->packed_layer = -1;
    t->heads = enc_heads_of(model);
    t->kept = t->heads.qkv - (weights_alone ? t->heads.kv * t->heads.d : 0);
    t->hidden = ENC_ZALLOC(float *, layers);
    t->qkv = ENC_ZALLOC(float *, layers);
    t->output = ENC_ZALLOC(float *, layers);
    const enc_product *product = enc_attention_product(model);
    const size_t d = t->heads.d;
    t->packed_keys = ENC_ARENA(&t->arena, char, product->packed_size(t->rows, d));
    if (product->prepare)
        t->prepared = ENC_ARENA(&t->arena, char, product->prepared_size(d));
    const enc_disentangled *distances = &model->config.disentangled;
    bool known = distances->span == 0 || t->rows == 0 ||
                 enc_disentangled_begin(distances, model->ops, t->rows, t->heads.d, 1,
                                        &t->arena, &t->distances);
    if (t->hidden && t->qkv && t->output && t->packed_keys &&
        (t->prepared || !product->prepare) && known) {
        t->tokens = tokens;
        return t;
    }
    enc_trace_free(t);
    return NULL;
}

static int run(enc_call *call, enc_trace *t, const char *source,
               const enc_trace_request *request, enc_error *err)
{
    if (t->rows == 0)
        return ENC_OK;
    watcher w = {t, request};
    enc_observer observer = {&w, keep_hidden, keep_heads};
    enc_sequence sequence = {.token = t->tokens->token, .count = t->rows,
                             .source = source};
    enc_batch batch;
    float *x;
    if (!enc_pack(t->model, &sequence, 1, call->arena, &batch))
        return enc_nomem(err);
    batch.alone = true;
    int rc = enc_forward(t->model, &batch, highest_layer(t->model, request), call->arena,
                         &call->poll, &observer, &x);
    if (rc == ENC_INTERRUPTED)
        return enc_fail(err, rc, "interrupted");
    return rc == ENC_NOMEM || t->out_of_memory ? enc_nomem(err) : ENC_OK;
}

int enc_trace_run(enc_session *session, const enc_model *model, enc_text text,
                  const enc_trace_request *request, enc_trace **out, enc_error *err)
{
    enc_tokens *tokens;
    *out = NULL;
    if (request->truncate == ENC_TRUNCATE_NONE || request->truncate == ENC_TRUNCATE_MEAN)
        return enc_fail(err, ENC_INVALID,
                        "truncate %s; hidden states take end, start or error",
                        request->truncate == ENC_TRUNCATE_NONE ? "'none' is for tokens"
                                                               : "'mean' is for embeddings");
    if (model->config.heads == 0 && asks_for_heads(model, request))
        return enc_fail(err, ENC_UNSUPPORTED, "the model has no attention");
    int rc = enc_tokenize(session, model, text, request->prompt, request->truncate, &tokens,
                          err);
    if (rc != ENC_OK)
        return rc;
    enc_trace *t = trace_new(model, tokens, request->weights_alone);
    if (!t) {
        enc_tokens_free(tokens);
        return enc_nomem(err);
    }
    enc_call call;
    enc_call_begin(&call, session);
    rc = run(&call, t, text.data, request, err);
    enc_call_end(&call);
    if (rc == ENC_OK)
        *out = t;
    else
        enc_trace_free(t);
    return rc;
}

static void free_all(float **blocks, int layers)
{
    for (int i = 0; blocks && i <= layers; i++)
        enc_free(blocks[i]);
    enc_free(blocks);
}

void enc_trace_free(enc_trace *t)
{
    if (!t)
        return;
    free_all(t->hidden, t->model->config.layers);
    free_all(t->qkv, t->model->config.layers);
    free_all(t->output, t->model->config.layers);
    enc_arena_destroy(&t->arena);
    enc_tokens_free(t->tokens);
    enc_free(t);
}

/* ---- Looking ---- */

const enc_tokens *enc_trace_tokens(const enc_trace *trace)
{
    return trace->tokens;
}

static bool in_range(const enc_trace *t, int layer, size_t position)
{
    return layer >= 0 && layer <= t->model->config.layers && position < t->rows;
}

const float *enc_trace_hidden(const enc_trace *t, int layer, size_t position)
{
    if (!in_range(t, layer, position) || !t->hidden[layer])
        return NULL;
    return t->hidden[layer] + position * (size_t)t->model->config.hidden_size;
}

const float *enc_trace_head(const enc_trace *t, enum enc_head_part part, int layer, int head,
                            size_t position)
{
    const enc_heads *h = &t->heads;
    if (!in_range(t, layer, position) || !t->qkv[layer] || head < 0 || (size_t)head >= h->count)
        return NULL;
    const float *qkv = t->qkv[layer] + position * t->kept;
    if (!t->output[layer] && (part == ENC_HEAD_VALUE || part == ENC_HEAD_OUTPUT))
        return NULL;
    switch (part) {
    case ENC_HEAD_QUERY:
        return qkv + enc_heads_query(h, (size_t)head);
    case ENC_HEAD_KEY:
        return qkv + enc_heads_key(h, (size_t)head);
    case ENC_HEAD_VALUE:
        return qkv + enc_heads_value(h, (size_t)head);
    case ENC_HEAD_OUTPUT:
        return t->output[layer] + position * h->out + (size_t)head * h->d;
    }
    return NULL;
}

/* products [T] of one query += what it and the keys say to their distances */
static void add_distances(const enc_trace *t, const enc_layer *block, size_t head, size_t from,
                          float *products)
{
    const float *qkv = t->qkv[block - t->model->weights.layer + 1];
    enc_disentangled_head terms = enc_disentangled_of(
        &t->model->config.disentangled, t->model->ops, &block->distances, head, t->heads.d);
    enc_disentangled_add(&t->distances, &terms, qkv + enc_heads_query(&t->heads, head),
                         qkv + enc_heads_key(&t->heads, head), t->kept, from, 1, products,
                         t->rows);
}

bool enc_trace_attention(const enc_trace *trace, int layer, int head, size_t from,
                         float *score, float *weight)
{
    enc_trace *t = (enc_trace *)trace; /* the packed keys are a cache, not state */
    const enc_product *product = enc_attention_product(t->model);
    const size_t d = t->heads.d, ld = t->kept;
    const float *query = enc_trace_head(t, ENC_HEAD_QUERY, layer, head, from);
    if (!query)
        return false;
    const enc_layer *block = &t->model->weights.layer[layer - 1];
    if (t->packed_layer != layer || t->packed_head != head) {
        product->pack(enc_trace_head(t, ENC_HEAD_KEY, layer, head, 0), t->rows, d, ld, 1,
                      t->packed_keys);
        t->packed_layer = layer;
        t->packed_head = head;
    }
    fenv_t host; /* see enc_call_begin */
    fegetenv(&host);
    fesetenv(FE_DFL_ENV);
    enc_attention_multiply(product, query, ld, 1, t->packed_keys, t->rows, d, t->prepared,
                           weight, t->rows);
    if (t->distances.rows > 0)
        add_distances(t, block, (size_t)head, from, weight);
    const enc_keys keys = {t->rows, from, 0, t->rows};
    enc_weigh(t->model, block, (size_t)head, &keys, weight, score);
    fesetenv(&host);
    return true;
}
