/*
** lm_scores.c - see lm_scores.h.
**
** The table stands row by row, as embeddings want it, so a logit is a dot product of two rows.
** Each row of the table is read, and made float32 if it is not, once for all rows of z, which
** stay in the cache. Sums are carried in double, in one order: neither neighbours nor threads
** change a bit.
*/
#include "lm_scores.h"

#include <math.h>
#include <string.h>

#include "model.h"
#include "share.h"

enum {
    PIECE_BYTES = 1 << 20 /* of the table: a millisecond's work at most */
};

bool enc_lm_project(const enc_model *model, const enc_lm_head *head, const float *x,
                    size_t rows, float *z, enc_poll *poll)
{
    const enc_ops *ops = model->ops;
    if (!head->dense) {
        memcpy(z, x, rows * head->width * sizeof *z);
        return true;
    }
    const enc_linear dense = {.in = (size_t)model->config.hidden_size, .out = head->width,
                              .packed = head->dense, .bias = head->dense_bias};
    const enc_after after = {head->activation, NULL};
    if (enc_linear_apply(ops, &dense, x, rows, &after, z, NULL, poll) != ENC_OK)
        return false;
    for (size_t i = 0; head->norm_weight && i < rows; i++)
        ops->layer_norm(z + i * head->width, head->width, head->norm_weight, head->norm_bias,
                        head->norm_eps);
    return true;
}

typedef struct work {
    const enc_lm_head *head;
    const enc_ops *ops;
    const float *z;
    const size_t *row;
    size_t count;
    size_t stretch; /* rows of the table in a piece */
    float *out;     /* [count, V] */
    enc_poll *poll;
} work;

/* The logits of a stretch of the vocabulary. */
static int score_stretch(void *context, size_t index, enc_arena *scratch)
{
    const work *w = context;
    const enc_lm_head *head = w->head;
    size_t first = index * w->stretch, last = first + w->stretch;
    if (last > head->vocabulary)
        last = head->vocabulary;
    float *room = ENC_ARENA(scratch, float, head->width);
    if (!room)
        return ENC_NOMEM;
    enc_comparison *dot = w->ops->compare[ENC_FLOAT32][ENC_DOT];
    if (enc_poll_stop(w->poll))
        return ENC_INTERRUPTED;
    for (size_t v = first; v < last; v++) {
        const float *token = enc_table_row(&head->table, v, room);
        const double bias = head->bias ? (double)head->bias[v] : 0;
        for (size_t i = 0; i < w->count; i++) {
            double logit = dot(token, w->z + w->row[i] * head->width, head->width);
            w->out[i * head->vocabulary + v] = (float)(logit + bias);
        }
    }
    return ENC_OK;
}

/* One row of logits becomes its log-softmax. */
static int normalize_row(void *context, size_t index, enc_arena *scratch)
{
    const work *w = context;
    const size_t count = w->head->vocabulary;
    const double cap = (double)w->head->softcap;
    float *x = w->out + index * count;
    (void)scratch;
    if (enc_poll_stop(w->poll))
        return ENC_INTERRUPTED;
    for (size_t v = 0; cap > 0 && v < count; v++)
        x[v] = (float)(cap * tanh((double)x[v] / cap));
    double largest = (double)x[0], sum = 0;
    for (size_t v = 1; v < count; v++)
        if ((double)x[v] > largest)
            largest = (double)x[v];
    for (size_t v = 0; v < count; v++)
        sum += exp((double)x[v] - largest);
    const double all = largest + log(sum);
    for (size_t v = 0; v < count; v++)
        x[v] = (float)((double)x[v] - all);
    return ENC_OK;
}

int enc_lm_score(const enc_model *model, const enc_lm_head *head, const float *z,
                 const size_t *row, size_t count, float *out, enc_arena *arena,
                 enc_poll *poll)
{
    size_t stretch = PIECE_BYTES / (head->width * sizeof(float));
    work w = {head, model->ops, z, row, count, stretch > 0 ? stretch : 1, out, poll};
    enc_share share = enc_share_begin(true, count * head->vocabulary * head->width, arena,
                                      poll);
    int rc = enc_share_run(&share, score_stretch, &w,
                           (head->vocabulary + w.stretch - 1) / w.stretch);
    if (rc == ENC_OK)
        rc = enc_share_run(&share, normalize_row, &w, count);
    enc_share_end(&share);
    return rc;
}
