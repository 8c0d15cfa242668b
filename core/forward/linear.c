/*
** linear.c - y = activation(x Wᵀ + b) + residual over many rows, cut into tiles: of rows, that stay
** in the second-level cache together with a panel of weights, and of columns, short enough to be
** interrupted and, where threads share them, to be done at about the same time.
**
** Where a kernel's bits depend on the rows beside a row, the rows, one text's, go together, and the
** cut over columns depends on their number alone. Rows become what the product takes (8 bits, bf16)
** once for all columns.
*/
#include "linear.h"

enum {
    COLUMN_STEP = 32, /* a packed matrix may be cut at multiples of it, see ops.h */
    CALL_PRODUCTS = 1 << 27, /* a millisecond of a fast kernel, tens of a slow one */
    TILE_PRODUCTS = 1 << 18, /* some microseconds */
    TILES_OF_THREAD = 8,
    FEW_ROWS = 16 /* fewer take as long: they wait for the weights */
};

/* Tiles of a product side by side, [blocks, across] of them; number i is in block i % blocks, so
** that threads that take them in turn share a panel of weights. */
typedef struct tiles {
    const enc_linear *linear;
    const enc_product *product;
    enc_epilogue epilogue; /* of all rows and columns */
    const float *source;   /* [rows, in], ld_source floats from row to row */
    size_t ld_source;
    const char *x;         /* the same as the product takes them */
    size_t ldx;            /* bytes */
    float *y;
    size_t rows;
    size_t blocks;
    size_t height;  /* rows of a block */
    size_t across;
    size_t columns; /* of a tile */
    enc_poll *poll;
} tiles;

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t parts(size_t whole, size_t part)
{
    return (whole + part - 1) / part;
}

static void cut(tiles *t, const enc_ops *ops, size_t threads)
{
    const size_t in = t->linear->in, out = t->linear->out;
    t->blocks = ops->row_invariant ? parts(t->rows, ENC_SHARE_BLOCK) : 1;
    t->height = parts(t->rows, t->blocks);
    t->blocks = parts(t->rows, t->height);
    size_t limit = CALL_PRODUCTS, most = out;
    if (threads > 1) {
        limit = TILE_PRODUCTS;
        most = parts(out * t->blocks, threads * TILES_OF_THREAD);
    }
    size_t cost = in * (t->height > FEW_ROWS ? t->height : FEW_ROWS);
    size_t columns = smaller(limit / (cost > 0 ? cost : 1), most);
    t->columns = columns < COLUMN_STEP ? COLUMN_STEP : columns / COLUMN_STEP * COLUMN_STEP;
    t->across = parts(out, t->columns);
}

static int prepare_rows(void *context, size_t first, size_t count, enc_arena *scratch)
{
    const tiles *t = context;
    (void)scratch;
    t->product->prepare(t->source + first * t->ld_source, t->ld_source, count, t->linear->in,
                        t->linear->smooth, (char *)t->x + first * t->ldx);
    return ENC_OK;
}

static int do_tile(void *context, size_t index, enc_arena *scratch)
{
    const tiles *t = context;
    const size_t in = t->linear->in, out = t->linear->out;
    size_t row = index % t->blocks * t->height, column = index / t->blocks * t->columns;
    size_t rows = smaller(t->rows - row, t->height);
    enc_epilogue epilogue = t->epilogue;
    (void)scratch;
    if (enc_poll_stop(t->poll))
        return ENC_INTERRUPTED;
    if (epilogue.bias)
        epilogue.bias += column;
    if (epilogue.residual)
        epilogue.residual += row * out + column;
    t->product->multiply(t->x + row * t->ldx, t->ldx, rows,
                         (const char *)t->linear->packed + t->product->packed_size(column, in),
                         smaller(out - column, t->columns), in, &epilogue,
                         t->y + row * out + column, out);
    return ENC_OK;
}

/* What a calibration wants to know of x [rows, in]. */
static void note_largest(const enc_linear *linear, const float *x, size_t ldx, size_t rows)
{
    for (size_t row = 0; row < rows; row++, x += ldx)
        for (size_t i = 0; i < linear->in; i++) {
            float size = x[i] < 0 ? -x[i] : x[i];
            if (size > linear->largest[i])
                linear->largest[i] = size;
        }
}

/* Rows that are prepared together, then multiplied. */
static int apply_band(tiles *t, const enc_ops *ops, const enc_share *share, void *prepared)
{
    int rc = ENC_OK;
    t->x = prepared ? prepared : (const void *)t->source;
    if (prepared)
        rc = enc_share_rows(share, prepare_rows, t, t->rows);
    cut(t, ops, share->threads);
    if (rc == ENC_OK)
        rc = enc_share_run(share, do_tile, t, t->blocks * t->across);
    return rc;
}

int enc_linear_share(const enc_ops *ops, const enc_linear *linear, const float *x, size_t ldx,
                     size_t rows, const enc_after *after, float *y, const enc_share *share)
{
    const enc_product *product = ops->product[linear->type];
    const size_t in = linear->in, out = linear->out;
    const size_t band = ops->row_invariant ? enc_share_band(share->threads, rows) : rows;
    enc_mark mark = enc_arena_mark(share->arena);
    tiles t = {.linear = linear, .product = product, .ldx = ldx * sizeof(float),
               .ld_source = ldx, .poll = share->poll};
    void *prepared = NULL;
    if (linear->largest)
        note_largest(linear, x, ldx, rows);
    if (product->prepare && rows > 0) {
        t.ldx = product->prepared_size(in);
        prepared = ENC_ARENA(share->arena, char, band * t.ldx);
        if (!prepared)
            return ENC_NOMEM;
    }
    int rc = ENC_OK;
    for (size_t first = 0; rc == ENC_OK && first < rows; first += band) {
        t.rows = smaller(rows - first, band);
        t.source = x + first * ldx;
        t.y = y + first * out;
        t.epilogue = (enc_epilogue){linear->bias, ENC_ACT_NONE, NULL, out};
        if (after)
            t.epilogue.activation = after->activation;
        if (after && after->residual)
            t.epilogue.residual = after->residual + first * out;
        rc = apply_band(&t, ops, share, prepared);
    }
    enc_arena_release(share->arena, mark);
    return rc;
}

int enc_linear_apply(const enc_ops *ops, const enc_linear *linear, const float *x, size_t rows,
                     const enc_after *after, float *y, enc_arena *scratch, enc_poll *poll)
{
    enc_arena none = {0};
    const enc_share alone = {1, scratch ? scratch : &none, poll, 0, 0};
    return enc_linear_share(ops, linear, x, linear->in, rows, after, y, &alone);
}
