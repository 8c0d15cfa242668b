/*
** attention.c - scaled dot-product attention of one head in one sequence.
**
**   scores  [T, T]  = Q·Kᵀ / √d      d = head size; plus a bias of the distance between query
**                                    and key, if the family has one (relative.h)
**   weights [T, T]  = softmax of each row of scores
**   output  [T, d]  = weights · V
**
** A head's K and V are packed as the kernel's right-hand side once; queries go through in blocks
** of rows, so that scores take QUERY_ROWS·T floats and no T² matrix exists.
*/
#include <math.h>

#include "forward.h"

enum { QUERY_ROWS = 48 };

typedef struct scratch {
    float *keys;   /* Kᵀ [d, T] packed */
    float *values; /* V [T, d] packed */
    float *scores; /* [QUERY_ROWS, T] */
} scratch;

static bool take(const enc_ops *ops, enc_arena *arena, size_t rows, size_t d, scratch *s)
{
    s->keys = ENC_ARENA(arena, float, ops->packed_size(rows, d));
    s->values = ENC_ARENA(arena, float, ops->packed_size(d, rows));
    s->scores = ENC_ARENA(arena, float, (size_t)QUERY_ROWS * rows);
    return s->keys && s->values && s->scores;
}

void enc_weigh(const enc_model *model, size_t head, size_t from, float *products, size_t rows,
               float *scores)
{
    const enc_relative *relative = &model->weights.relative;
    float scale = 1.0f / sqrtf((float)model->config.head_size);
    if (relative->bias) {
        enc_relative_add(relative, head, from, products, rows, scale, products);
        scale = 1;
    }
    for (size_t i = 0; scores && i < rows; i++)
        scores[i] = products[i] * scale;
    model->ops->softmax(products, rows, scale);
}

int enc_attend(const enc_model *model, const float *qkv, size_t rows, size_t head,
               enc_arena *arena, enc_poll *poll, float *output)
{
    const enc_ops *ops = model->ops;
    const size_t width = (size_t)model->config.hidden_size, ld = 3 * width;
    const size_t d = (size_t)model->config.head_size;
    const float *q = qkv + head * d, *k = q + width, *v = k + width; /* columns of qkv */
    float *out = output + head * d;
    scratch s;
    if (!take(ops, arena, rows, d, &s))
        return ENC_NOMEM;
    ops->pack(k, rows, d, ld, 1, s.keys);
    ops->pack(v, d, rows, 1, ld, s.values);
    for (size_t row = 0; row < rows; row += QUERY_ROWS) {
        size_t count = rows - row < QUERY_ROWS ? rows - row : QUERY_ROWS;
        ops->multiply(q + row * ld, ld, count, s.keys, rows, d, NULL, s.scores, rows);
        for (size_t i = 0; i < count; i++)
            enc_weigh(model, head, row + i, s.scores + i * rows, rows, NULL);
        ops->multiply(s.scores, rows, count, s.values, d, rows, NULL, out + row * width,
                      width);
        if (enc_poll_stop(poll))
            return ENC_INTERRUPTED;
    }
    return ENC_OK;
}
