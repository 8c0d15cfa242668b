/*
** linear.c - y = x Wᵀ + b over many rows, cut into calls short enough to be interrupted.
**
** Where a kernel gives every row the same bits whatever stands beside it, rows are cut into
** blocks that stay in the second-level cache together with a panel of weights. Elsewhere the
** rows, one text's, go together, and the cut over columns depends on their number alone.
*/
#include "model.h"

enum {
    BLOCK_ROWS = 96,
    COLUMN_STEP = 32,    /* a packed matrix may be cut at multiples of it, see ops.h */
    CALL_PRODUCTS = 1 << 27 /* a millisecond of a fast kernel, tens of a slow one */
};

/* x [rows, in], y [rows, out], in calls of at most CALL_PRODUCTS. False: stopped. */
static bool apply_rows(const enc_ops *ops, const enc_linear *linear, const float *x,
                       size_t rows, float *y, enc_poll *poll)
{
    size_t per_column = rows * linear->in;
    size_t step = per_column > 0 ? CALL_PRODUCTS / per_column : linear->out;
    step = step < COLUMN_STEP ? COLUMN_STEP : step / COLUMN_STEP * COLUMN_STEP;
    for (size_t first = 0; first < linear->out; first += step) {
        if (enc_poll_stop(poll))
            return false;
        size_t columns = linear->out - first < step ? linear->out - first : step;
        ops->multiply(x, linear->in, rows,
                      linear->packed + ops->packed_size(first, linear->in), columns,
                      linear->in, linear->bias ? linear->bias + first : NULL, y + first,
                      linear->out);
    }
    return true;
}

bool enc_linear_apply(const enc_ops *ops, const enc_linear *linear, const float *x,
                      size_t rows, float *y, enc_poll *poll)
{
    size_t most = ops->row_invariant ? BLOCK_ROWS : rows;
    for (size_t first = 0; first < rows; first += most) {
        size_t block = rows - first < most ? rows - first : most;
        if (!apply_rows(ops, linear, x + first * linear->in, block, y + first * linear->out,
                        poll))
            return false;
    }
    return true;
}
