/*
** settle.c - weights in the number types of the model's scheme (quantize.h).
**
** What SmoothQuant changes waits in float32 until its block is there: the hidden states of the
** calibration texts go through the block, each column's largest number is noted, the weights are
** changed and packed anew. So of one block at a time four matrices are held in float32.
*/
#include <string.h>

#include "load.h"

/* ---- Matrices ------------------------------------------------------------------------ */

static bool waits(const enc_model *model, enum enc_role role, size_t in)
{
    return (model->scheme->smoothed >> role & 1) && in <= ENC_INT8_MAX_DEPTH;
}

static int pack_as(enc_model *model, enum enc_weight_type type, const float *source,
                   size_t row_stride, size_t column_stride, enc_linear *to, enc_error *err)
{
    const enc_product *product = model->ops->product[type];
    void *packed = enc_model_alloc(model, product->packed_size(to->out, to->in), 1);
    if (!packed)
        return enc_nomem(err);
    product->pack(source, to->out, to->in, row_stride, column_stride, packed);
    to->packed = packed;
    to->type = type;
    return ENC_OK;
}

int enc_pack_linear(enc_binder *b, enum enc_role role, const float *source, size_t out,
                    size_t in, size_t row_stride, size_t column_stride, enc_linear *to,
                    enc_error *err)
{
    enum enc_weight_type type = waits(b->model, role, in) ? ENC_WEIGHT_F32
                                                          : b->model->scheme->type[role];
    if (type == ENC_WEIGHT_INT8 && in > ENC_INT8_MAX_DEPTH)
        type = ENC_WEIGHT_BF16;
    to->in = in;
    to->out = out;
    return pack_as(b->model, type, source, row_stride, column_stride, to, err);
}

/* ---- The table of tokens ------------------------------------------------------------- */

typedef struct filling {
    enc_table *table;
    void *rows;
    float *scale;
    float *line;  /* [E] of the row under way */
    size_t have;  /* numbers of it */
    size_t row;
} filling;

static void fill(void *context, const float *numbers, size_t count)
{
    filling *f = context;
    const size_t width = f->table->width;
    while (count > 0) {
        size_t n = width - f->have < count ? width - f->have : count;
        memcpy(f->line + f->have, numbers, n * sizeof *numbers);
        numbers += n;
        count -= n;
        f->have += n;
        if (f->have < width)
            return;
        enc_table_write(f->table, f->rows, f->scale, f->row++, f->line);
        f->have = 0;
    }
}

int enc_read_table(enc_model *model, enc_checkpoint *checkpoint, enc_tensor *tensor, size_t rows,
                   size_t width, enc_digest *digest, enc_table *to, enc_error *err)
{
    const enum enc_weight_type type = model->scheme->type[ENC_ROLE_TOKENS];
    const bool scaled = type == ENC_WEIGHT_INT8;
    filling f = {.table = to};
    *to = (enc_table){.type = type, .width = width};
    f.rows = enc_model_alloc(model, rows, width * enc_table_number(type));
    f.scale = scaled ? enc_model_alloc(model, rows, sizeof *f.scale) : NULL;
    if (!f.rows || (scaled && !f.scale))
        return enc_nomem(err);
    to->rows = f.rows;
    to->scale = f.scale;
    if (type == ENC_WEIGHT_F32)
        return enc_checkpoint_read(checkpoint, tensor, f.rows, digest, err);
    f.line = ENC_ALLOC(float, width);
    const enc_number_sink sink = {&f, fill};
    int rc = f.line ? enc_checkpoint_stream(checkpoint, tensor, &sink, digest, err)
                    : enc_nomem(err);
    enc_free(f.line);
    return rc;
}

/* ---- Blocks -------------------------------------------------------------------------- */

/* From float32 to int8, with what was noted of x; the memory of both goes. */
static int smooth(enc_binder *b, enc_linear *linear, enc_error *err)
{
    enc_model *model = b->model;
    const size_t in = linear->in, out = linear->out;
    void *before = (void *)linear->packed;
    float *factor = enc_model_alloc(model, in, sizeof *factor);
    int rc = factor ? enc_binder_reserve(b, out * in, err) : enc_nomem(err);
    if (rc != ENC_OK)
        return rc;
    model->ops->product[ENC_WEIGHT_F32]->unpack(before, out, in, b->scratch);
    enc_smooth(linear->largest, b->scratch, out, in, factor);
    linear->smooth = factor;
    rc = pack_as(model, ENC_WEIGHT_INT8, b->scratch, in, 1, linear, err);
    if (rc != ENC_OK)
        return rc;
    enc_model_give(model, linear->largest);
    enc_model_give(model, before);
    linear->largest = NULL;
    return ENC_OK;
}

static int observe(enc_model *model, enc_linear *linear, enc_error *err)
{
    linear->largest = enc_model_alloc(model, linear->in, sizeof *linear->largest);
    if (!linear->largest)
        return enc_nomem(err);
    memset(linear->largest, 0, linear->in * sizeof *linear->largest);
    return ENC_OK;
}

/* The group's layers have the first one's matrices. */
static void share(enc_layer *layer, int first, int end)
{
    for (int i = first + 1; i < end; i++) {
        layer[i].qkv = layer[first].qkv;
        layer[i].attention_out = layer[first].attention_out;
        layer[i].ffn_up = layer[first].ffn_up;
        layer[i].ffn_down = layer[first].ffn_down;
    }
}

int enc_settle(enc_binder *b, int first, int end, enc_error *err)
{
    enc_model *model = b->model;
    enc_layer *layer = model->weights.layer;
    enc_linear *part[] = {&layer[first].qkv, &layer[first].attention_out,
                          &layer[first].ffn_up, &layer[first].ffn_down};
    enum { PARTS = sizeof part / sizeof *part };
    int rc = ENC_OK;
    if (!model->scheme->smoothed)
        return ENC_OK;
    /* In float32 where that can be: what is noted should hardly differ between CPUs. */
    const enc_ops *ops = model->ops;
    model->ops = ops->base ? ops->base : ops;
    if (!b->calibration)
        rc = enc_calibration_open(model, &b->calibration, err);
    for (int i = 0; rc == ENC_OK && i < PARTS; i++)
        if (part[i]->type == ENC_WEIGHT_F32)
            rc = observe(model, part[i], err);
    share(layer, first, end);
    for (int i = first; rc == ENC_OK && i < end; i++)
        rc = enc_calibration_step(b->calibration, i + 1, err);
    for (int i = 0; rc == ENC_OK && i < PARTS; i++)
        if (part[i]->type == ENC_WEIGHT_F32)
            rc = smooth(b, part[i], err);
    share(layer, first, end);
    model->ops = ops;
    return rc;
}
