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
** and no T² matrix exists. Of keys and values those are packed, as the kernel's right-hand side,
** that some query of the block sees: all of them at once where every query sees every key; where
** there is a window the work and memory of a block do not depend on T.
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
    float *keys;   /* Kᵀ [d, keys] packed */
    float *values; /* V [keys, d] packed */
    float *scores; /* [QUERY_ROWS, keys] */
} scratch;

static size_t sum_up_to(size_t a, size_t b, size_t most)
{
    return a < most && b < most - a ? a + b : most;
}

/* Room for the keys that a block of queries sees. */
static bool take(const enc_ops *ops, const enc_layer *layer, enc_arena *arena, size_t rows,
                 size_t d, scratch *s)
{
    size_t keys = sum_up_to(sum_up_to(layer->before, layer->after, rows), QUERY_ROWS, rows);
    s->keys = ENC_ARENA(arena, float, ops->packed_size(keys, d));
    s->values = ENC_ARENA(arena, float, ops->packed_size(d, keys));
    s->scores = ENC_ARENA(arena, float, (size_t)QUERY_ROWS * keys);
    return s->keys && s->values && s->scores;
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

int enc_attend(const enc_model *model, const enc_layer *layer, const float *qkv, size_t rows,
               size_t head, enc_arena *arena, enc_poll *poll, float *output)
{
    const enc_ops *ops = model->ops;
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
    if (!take(ops, layer, arena, rows, h.d, &s))
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
            ops->pack(k + keys.first * h.qkv, n, h.d, h.qkv, 1, s.keys);
            ops->pack(v + keys.first * h.qkv, h.d, n, 1, h.qkv, s.values);
            packed = keys;
        }
        ops->multiply(q + row * h.qkv, h.qkv, count, s.keys, n, h.d, NULL, s.scores, n);
        if (distances->span > 0) /* no family has windows too: the keys are all there are */
            enc_disentangled_add(&work, &terms, q, k, h.qkv, row, count, s.scores);
        enc_keys seen = {rows, row, keys.first, n};
        for (size_t i = 0; i < count; i++, seen.query++)
            enc_weigh(model, layer, head, &seen, s.scores + i * n, NULL);
        ops->multiply(s.scores, n, count, s.values, h.d, n, NULL, out + row * h.out, h.out);
        if (enc_poll_stop(poll))
            return ENC_INTERRUPTED;
    }
    return ENC_OK;
}
