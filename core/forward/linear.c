/*
** linear.c - y = activation(x Wᵀ + b) + residual over many rows, cut into calls short enough to
** be interrupted.
**
** Where a kernel gives every row the same bits whatever stands beside it, rows are cut into
** blocks that stay in the second-level cache together with a panel of weights. Elsewhere the
** rows, one text's, go together, and the cut over columns depends on their number alone.
** Rows become what the product takes (8 bits, bf16) block by block, once for all columns.
*/
#include "model.h"

enum {
    BLOCK_ROWS = 96,
    COLUMN_STEP = 32,    /* a packed matrix may be cut at multiples of it, see ops.h */
    CALL_PRODUCTS = 1 << 27 /* a millisecond of a fast kernel, tens of a slow one */
};

/* One layer's rows on their way. */
typedef struct stream {
    const enc_linear *linear;
    const enc_product *product;
    enc_epilogue epilogue; /* of column 0 of the rows' first */
    const void *x;         /* rows as the product takes them */
    size_t ldx;            /* bytes */
    float *y;
    enc_poll *poll;
} stream;

/* `rows` rows, in calls of at most CALL_PRODUCTS. False: stopped. */
static bool apply_rows(const stream *s, size_t rows)
{
    const size_t in = s->linear->in, out = s->linear->out;
    size_t per_column = rows * in;
    size_t step = per_column > 0 ? CALL_PRODUCTS / per_column : out;
    step = step < COLUMN_STEP ? COLUMN_STEP : step / COLUMN_STEP * COLUMN_STEP;
    for (size_t first = 0; first < out; first += step) {
        if (enc_poll_stop(s->poll))
            return false;
        size_t columns = out - first < step ? out - first : step;
        enc_epilogue epilogue = s->epilogue;
        if (epilogue.bias)
            epilogue.bias += first;
        if (epilogue.residual)
            epilogue.residual += first;
        s->product->multiply(s->x, s->ldx, rows,
                             (const char *)s->linear->packed +
                                 s->product->packed_size(first, in),
                             columns, in, &epilogue, s->y + first, out);
    }
    return true;
}

int enc_linear_apply(const enc_ops *ops, const enc_linear *linear, const float *x, size_t rows,
                     const enc_after *after, float *y, enc_arena *scratch, enc_poll *poll)
{
    static const enc_after nothing;
    const enc_product *product = ops->product[linear->type];
    const size_t in = linear->in, out = linear->out;
    const size_t most = ops->row_invariant && rows > BLOCK_ROWS ? BLOCK_ROWS : rows;
    after = after ? after : &nothing;
    stream s = {linear, product, {linear->bias, after->activation, after->residual, out},
                x, in * sizeof(float), y, poll};
    enc_mark mark = {0};
    void *prepared = NULL;
    if (product->prepare && rows > 0) {
        mark = enc_arena_mark(scratch);
        s.ldx = product->prepared_size(in);
        s.x = prepared = ENC_ARENA(scratch, char, most * s.ldx);
        if (!prepared)
            return ENC_NOMEM;
    }
    int rc = ENC_OK;
    for (size_t first = 0; rc == ENC_OK && first < rows; first += most) {
        size_t block = rows - first < most ? rows - first : most;
        s.y = y + first * out;
        if (after->residual)
            s.epilogue.residual = after->residual + first * out;
        if (prepared)
            product->prepare(x + first * in, in, block, in, prepared);
        else
            s.x = x + first * in;
        rc = apply_rows(&s, block) ? ENC_OK : ENC_INTERRUPTED;
    }
    if (prepared)
        enc_arena_release(scratch, mark);
    return rc;
}
