/*
** attention.c - scaled dot-product attention of one head in one sequence.
**
**   scores  [T, T]  = Q·Kᵀ / √d      d = head size; plus a bias of the distance between query
**                                    and key, if the family has one (relative.h)
**   weights [T, T]  = softmax of each row of scores, over the keys that the query sees
**   output  [T, d]  = weights · V
**
** Several heads may share keys and values (Shazeer 2019, "Fast transformer decoding"; Ainslie et
** al. 2023, "GQA"). Queries go through in blocks of rows, so that scores take QUERY_ROWS·T floats
** and no T² matrix exists; what is left to divide by the sum of a row of weights is the row of
** output, which is shorter. Of keys and values those are packed, as the kernel's right-hand side,
** that some query of the block sees: all of them at once where every query sees every key; where
** there is a window the work and memory of a block do not depend on T.
**
** Both products are of float32 or, where the model says so and the processor has instructions for
** it, of bf16; weights are then computed as exactly as bf16 can keep them.
*/
#include <math.h>

#include "forward.h"

enum { QUERY_ROWS = 48 };

/* ---- Heads in a row of qkv ---- */

enc_heads enc_heads_of(const enc_model *model)
{
    size_t count = (size_t)model->config.heads, kv = (size_t)model->config.kv_heads;
    size_t d = (size_t)model->config.head_size;
    return (enc_heads){d, count, kv, (count + 2 * kv) * d, count * d};
}

size_t enc_heads_query(const enc_heads *heads, size_t head)
{
    return head * heads->d;
}

size_t enc_heads_key(const enc_heads *heads, size_t head)
{
    return (heads->count + head / (heads->count / heads->kv)) * heads->d;
}

size_t enc_heads_value(const enc_heads *heads, size_t head)
{
    return enc_heads_key(heads, head) + heads->kv * heads->d;
}

/* ---- One head ---- */

/* Keys first ... end-1. */
typedef struct range {
    size_t first;
    size_t end;
} range;

static range keys_of(const enc_layer *layer, size_t query, size_t rows)
{
    return (range){query > layer->before ? query - layer->before : 0,
                   rows - query > layer->after ? query + layer->after + 1 : rows};
}

typedef struct scratch {
    void *keys;    /* Kᵀ [d, keys] packed */
    void *values;  /* V [keys, d] packed */
    size_t ld;     /* of scores: keys, and up to the next multiple of 32 */
    float *scores; /* [QUERY_ROWS, ld] */
    float *sum;    /* [QUERY_ROWS] what is left to divide by */
    void *prepared; /* queries, then weights, as the product takes them */
} scratch;

static size_t sum_up_to(size_t a, size_t b, size_t most)
{
    return a < most && b < most - a ? a + b : most;
}

static size_t padded(size_t keys)
{
    return (keys + 31) / 32 * 32;
}

/* Room for the keys that a block of queries sees. */
static bool take(const enc_product *product, const enc_layer *layer, enc_arena *arena,
                 size_t rows, size_t d, scratch *s)
{
    size_t keys = sum_up_to(sum_up_to(layer->before, layer->after, rows), QUERY_ROWS, rows);
    s->keys = ENC_ARENA(arena, char, product->packed_size(keys, d));
    s->values = ENC_ARENA(arena, char, product->packed_size(d, keys));
    s->scores = ENC_ARENA(arena, float, (size_t)QUERY_ROWS * padded(keys));
    s->sum = ENC_ARENA(arena, float, QUERY_ROWS);
    s->prepared = NULL;
    if (product->prepare) {
        s->prepared = ENC_ARENA(arena, char,
                                QUERY_ROWS * product->prepared_size(keys > d ? keys : d));
        if (!s->prepared)
            return false;
    }
    return s->keys && s->values && s->scores && s->sum;
}

/* bf16 for the sake of its instructions: without them it would be float32 and packing besides. */
const enc_product *enc_attention_product(const enc_model *model)
{
    const enc_ops *ops = model->ops;
    const enc_product *product = ops->product[model->weights.attention];
    return product->prepare ? product : ops->product[ENC_WEIGHT_F32];
}

void enc_attention_multiply(const enc_product *product, const float *x, size_t ldx, size_t rows,
                            const void *packed, size_t n, size_t k, void *prepared, float *y,
                            size_t ldy)
{
    static const enc_epilogue nothing;
    if (product->prepare) {
        product->prepare(x, ldx, rows, k, NULL, prepared);
        product->multiply(prepared, product->prepared_size(k), rows, packed, n, k, &nothing, y,
                          ldy);
    } else {
        product->multiply(x, ldx * sizeof *x, rows, packed, n, k, &nothing, y, ldy);
    }
}

/* Keys that the query doesn't see. */
static void hide(float *products, float *scores, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        products[i] = 0;
        if (scores)
            scores[i] = -INFINITY;
    }
}

void enc_weigh(const enc_model *model, const enc_layer *layer, size_t head,
               const enc_keys *keys, float *products, float *scores)
{
    const enc_relative *relative = &model->weights.relative;
    range seen = keys_of(layer, keys->query, keys->rows);
    size_t first = seen.first - keys->first, end = seen.end - keys->first;
    size_t count = end - first;
    float *x = products + first, scale = layer->scale;
    if (relative->bias || relative->slope) {
        enc_relative_add(relative, head, (ptrdiff_t)seen.first - (ptrdiff_t)keys->query, x,
                         count, scale);
        scale = 1;
    }
    for (size_t i = 0; scores && i < count; i++)
        scores[first + i] = x[i] * scale;
    model->ops->softmax(x, count, scale);
    hide(products, scores, 0, first);
    hide(products, scores, end, keys->count);
}

/* y [count, d] = weights · V */
static void multiply_values(const enc_product *product, const scratch *s, size_t count,
                            size_t d, size_t keys, float *y, size_t ldy)
{
    static const enc_epilogue nothing;
    const void *weights = s->prepared ? s->prepared : (const void *)s->scores;
    const size_t ld = s->prepared ? product->prepared_size(keys) : s->ld * sizeof *s->scores;
    product->multiply(weights, ld, count, s->values, d, keys, &nothing, y, ldy);
}

/* Products of queries first ... first+count-1 with `keys` become weights, as the product with
** values takes them, but for a division of each row by its sum. */
static void weigh_block(const enc_model *model, const enc_product *product,
                        const enc_layer *layer, size_t head, size_t rows, size_t first,
                        size_t count, range keys, scratch *s)
{
    const enc_relative *relative = &model->weights.relative;
    const size_t n = keys.end - keys.first;
    const range seen_first = keys_of(layer, first, rows);
    const range seen_last = keys_of(layer, first + count - 1, rows);
    float scale = layer->scale;
    const bool windows = seen_first.end < keys.end || seen_last.first > keys.first;
    if (windows) {
        enc_keys seen = {rows, first, keys.first, n};
        for (size_t i = 0; i < count; i++, seen.query++) {
            enc_weigh(model, layer, head, &seen, s->scores + i * s->ld, NULL);
            s->sum[i] = 1;
        }
    } else if (relative->bias || relative->slope) {
        for (size_t i = 0; i < count; i++)
            enc_relative_add(relative, head, (ptrdiff_t)keys.first - (ptrdiff_t)(first + i),
                             s->scores + i * s->ld, n, scale);
        scale = 1;
    }
    if (!windows && product->prepare_exp) {
        product->prepare_exp(s->scores, s->ld, count, n, scale, s->prepared, s->sum);
        return;
    }
    if (!windows)
        model->ops->exp_rows(s->scores, s->ld, count, n, scale, s->sum);
    if (product->prepare)
        product->prepare(s->scores, s->ld, count, n, NULL, s->prepared);
}

int enc_attend(const enc_model *model, const enc_layer *layer, const float *qkv, size_t rows,
               size_t head, enc_arena *arena, enc_poll *poll, float *output)
{
    const enc_ops *ops = model->ops;
    const enc_product *product = enc_attention_product(model);
    const enc_heads h = enc_heads_of(model);
    const float *q = qkv + enc_heads_query(&h, head), *k = qkv + enc_heads_key(&h, head);
    const float *v = qkv + enc_heads_value(&h, head); /* columns of qkv */
    float *out = output + head * h.d;
    const enc_disentangled *distances = &model->config.disentangled;
    enc_disentangled_head terms = enc_disentangled_of(distances, ops, &layer->distances, head,
                                                      h.d);
    enc_disentangled_work work;
    range packed = {0, 0};
    scratch s;
    if (!take(product, layer, arena, rows, h.d, &s))
        return ENC_NOMEM;
    if (distances->span > 0 && rows > 0 &&
        !enc_disentangled_begin(distances, ops, rows, h.d, QUERY_ROWS, arena, &work))
        return ENC_NOMEM;
    for (size_t row = 0; row < rows; row += QUERY_ROWS) {
        size_t count = rows - row < QUERY_ROWS ? rows - row : QUERY_ROWS;
        range keys = {keys_of(layer, row, rows).first,
                      keys_of(layer, row + count - 1, rows).end};
        size_t n = keys.end - keys.first;
        if (keys.first != packed.first || keys.end != packed.end) {
            product->pack(k + keys.first * h.qkv, n, h.d, h.qkv, 1, s.keys);
            product->pack(v + keys.first * h.qkv, h.d, n, 1, h.qkv, s.values);
            packed = keys;
        }
        s.ld = padded(n);
        enc_attention_multiply(product, q + row * h.qkv, h.qkv, count, s.keys, n, h.d,
                               s.prepared, s.scores, s.ld);
        if (distances->span > 0) /* no family has windows too: the keys are all there are */
            enc_disentangled_add(&work, &terms, q, k, h.qkv, row, count, s.scores, s.ld);
        weigh_block(model, product, layer, head, rows, row, count, keys, &s);
        multiply_values(product, &s, count, h.d, n, out + row * h.out, h.out);
        ops->divide_rows(out + row * h.out, h.out, count, h.d, s.sum);
        if (enc_poll_stop(poll))
            return ENC_INTERRUPTED;
    }
    return ENC_OK;
}
