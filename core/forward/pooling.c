/*
** pooling.c - see pooling.h. What each mode means, and the order in which several are joined,
** is that of sentence-transformers' Pooling module.
*/
#include "pooling.h"

#include <math.h>
#include <string.h>

/* In the order of concatenation: the order of enc_pooling's bits. */
static const char *const mode_names[] = {"cls", "max", "mean", "mean_sqrt_len",
                                         "weightedmean", "lasttoken"};
enum { MODES = sizeof mode_names / sizeof *mode_names };

static unsigned mode_of(const char *name, size_t size)
{
    if (size == 5 && memcmp(name, "first", 5) == 0)
        return ENC_POOL_CLS;
    if (size == 4 && memcmp(name, "last", 4) == 0)
        return ENC_POOL_LASTTOKEN;
    for (unsigned i = 0; i < MODES; i++)
        if (strlen(mode_names[i]) == size && memcmp(name, mode_names[i], size) == 0)
            return 1u << i;
    return 0;
}

unsigned enc_pooling_parse(const char *name)
{
    unsigned modes = 0;
    for (;;) {
        size_t size = strcspn(name, "+");
        unsigned mode = mode_of(name, size);
        if (!mode)
            return 0;
        modes |= mode;
        if (name[size] == '\0')
            return modes;
        name += size + 1;
    }
}

const char *enc_pooling_names(void)
{
    return "cls, max, mean, mean_sqrt_len, weightedmean, lasttoken";
}

/* ---- Planning ---- */

int enc_layer_number(const enc_model *model, int layer, enc_error *err)
{
    int layers = model->config.layers;
    if (layer >= -layers - 1 && layer <= layers)
        return layer < 0 ? layer + layers + 1 : layer;
    enc_fail(err, ENC_INVALID, "layer %d is out of range: the model has layers 0 to %d, or -1 "
             "to %d from the end", layer, layers, -layers - 1);
    return -1;
}

static bool ends_in_normalize(const enc_modules *modules)
{
    return modules->step_count > 0 &&
           modules->step[modules->step_count - 1].kind == ENC_STEP_NORMALIZE;
}

static int plan_width(const enc_model *model, enc_finish *out, enc_error *err)
{
    out->pooled = model->config.hidden_size * __builtin_popcount(out->pooling);
    out->full = out->pooled;
    for (int i = 0; i < model->modules.step_count; i++) {
        const enc_step *step = &model->modules.step[i];
        bool dense = step->kind == ENC_STEP_DENSE;
        size_t takes = dense ? step->dense.in : step->norm.width;
        if (step->kind == ENC_STEP_NORMALIZE)
            continue;
        if (takes != (size_t)out->full)
            return enc_fail(err, ENC_INVALID, "this pooling gives %d numbers, the checkpoint's "
                            "%s layer takes %zu", out->full, dense ? "Dense" : "LayerNorm",
                            takes);
        out->full = dense ? (int)step->dense.out : out->full;
    }
    return ENC_OK;
}

int enc_finish_plan(const enc_model *model, const enc_embed_options *options,
                    enc_finish *out, enc_error *err)
{
    static const enc_embed_options plain = ENC_EMBED_DEFAULTS;
    const enc_modules *modules = &model->modules;
    if (!options)
        options = &plain;
    out->pooling = options->pooling ? options->pooling : modules->pooling;
    if (out->pooling >> MODES)
        return enc_fail(err, ENC_INVALID, "pooling 0x%x is unknown, must be made of %s",
                        out->pooling, enc_pooling_names());
    out->steps_normalize = options->normalize != 0;
    out->layer = enc_layer_number(
        model, options->layer == ENC_LAYER_DEFAULT ? -1 : options->layer, err);
    if (out->layer < 0)
        return ENC_INVALID;
    out->mixed = model->mixes_layers && options->layer == ENC_LAYER_DEFAULT;
    if (options->truncate == ENC_TRUNCATE_NONE)
        return enc_fail(err, ENC_INVALID, "truncate 'none' is for tokens; an embedding takes "
                        "end, start, error or mean");
    if (plan_width(model, out, err) != ENC_OK)
        return ENC_INVALID;
    if (options->dimensions < 0 || options->dimensions > out->full)
        return enc_fail(err, ENC_INVALID, "dimensions is %d, must be 1 to %d",
                        options->dimensions, out->full);
    out->dimensions = out->full;
    if (options->dimensions > 0)
        out->dimensions = options->dimensions;
    else if (modules->truncate_dim > 0 && modules->truncate_dim < out->full)
        out->dimensions = modules->truncate_dim;
    out->normalize = options->normalize == 1 ||
                     (options->normalize == -1 && options->dimensions > 0 &&
                      ends_in_normalize(modules));
    out->unit = out->normalize || (out->steps_normalize && ends_in_normalize(modules) &&
                                   out->dimensions == out->full);
    return ENC_OK;
}

int enc_embed_check(const enc_model *model, const enc_embed_options *options,
                    int *dimensions, enc_error *err)
{
    enc_finish finish;
    const char *text;
    int rc = enc_finish_plan(model, options, &finish, err);
    if (rc == ENC_OK)
        rc = enc_model_prompt(model, options ? options->prompt : NULL, &text, err);
    *dimensions = rc == ENC_OK ? finish.dimensions : 0;
    return rc;
}

/* ---- Pooling ---- */

typedef struct rows {
    const enc_ops *ops;
    const float *x; /* [count, width] */
    size_t count;
    size_t width;
    size_t first;   /* rows before it don't count */
} rows;

static void pool_max(const rows *r, float *out)
{
    for (size_t j = 0; j < r->width; j++)
        out[j] = -1e9f; /* the reference's value where nothing counts */
    for (size_t i = r->first; i < r->count; i++)
        for (size_t j = 0; j < r->width; j++)
            if (r->x[i * r->width + j] > out[j])
                out[j] = r->x[i * r->width + j];
}

/* Σ weight_i·x_i / divisor; weight_i = i + 1 if `rising`, else 1. */
static void pool_sum(const rows *r, bool rising, float divisor, float *out)
{
    memset(out, 0, r->width * sizeof *out);
    for (size_t i = r->first; i < r->count; i++)
        r->ops->accumulate(rising ? (float)(i + 1) : 1.0f, r->x + i * r->width, out, r->width);
    for (size_t j = 0; j < r->width; j++)
        out[j] /= divisor;
}

static float at_least(double value)
{
    return value > 1e-9 ? (float)value : 1e-9f; /* the reference's clamp */
}

static void pool_mode(const rows *r, unsigned mode, float *out)
{
    double count = r->count > r->first ? (double)(r->count - r->first) : 0.0;
    double weights = 0.0; /* first+1 + ... + count */
    for (size_t i = r->first; i < r->count; i++)
        weights += (double)(i + 1);
    switch (mode) {
    case ENC_POOL_CLS: /* the first row that counts; the first of all if none does */
        memcpy(out, r->x + (r->first < r->count ? r->first : 0) * r->width,
               r->width * sizeof *out);
        break;
    case ENC_POOL_MAX:
        pool_max(r, out);
        break;
    case ENC_POOL_MEAN:
        pool_sum(r, false, at_least(count), out);
        break;
    case ENC_POOL_MEAN_SQRT_LEN:
        pool_sum(r, false, sqrtf(at_least(count)), out);
        break;
    case ENC_POOL_WEIGHTEDMEAN:
        pool_sum(r, true, at_least(weights), out);
        break;
    default: /* ENC_POOL_LASTTOKEN; nothing if no row counts */
        if (r->first < r->count)
            memcpy(out, r->x + (r->count - 1) * r->width, r->width * sizeof *out);
        else
            memset(out, 0, r->width * sizeof *out);
        break;
    }
}

/* ---- The modules after pooling ---- */

static void normalize(float *v, size_t length)
{
    double sum = 0.0;
    for (size_t i = 0; i < length; i++)
        sum += (double)v[i] * (double)v[i];
    double norm = sqrt(sum);
    if (norm < 1e-12) /* torch.nn.functional.normalize's eps */
        norm = 1e-12;
    for (size_t i = 0; i < length; i++)
        v[i] = (float)((double)v[i] / norm);
}

/* Runs one step on v [*width]; the result is v or, for DENSE, other. */
static float *apply_step(const enc_ops *ops, const enc_step *step, bool may_normalize,
                         float *v, float *other, size_t *width)
{
    switch (step->kind) {
    case ENC_STEP_DENSE:
        ops->multiply(v, step->dense.in, 1, step->dense.packed, step->dense.out,
                      step->dense.in, step->dense.bias, other, step->dense.out);
        *width = step->dense.out;
        if (ops->activate[step->activation])
            ops->activate[step->activation](other, *width);
        return other;
    case ENC_STEP_LAYER_NORM:
        ops->layer_norm(v, *width, step->norm.weight, step->norm.bias, step->norm.eps);
        return v;
    case ENC_STEP_NORMALIZE:
        if (may_normalize)
            normalize(v, *width);
        return v;
    }
    return v;
}

static size_t widest(const enc_model *model, const enc_finish *finish)
{
    size_t width = (size_t)finish->pooled;
    for (int i = 0; i < model->modules.step_count; i++)
        if (model->modules.step[i].kind == ENC_STEP_DENSE &&
            model->modules.step[i].dense.out > width)
            width = model->modules.step[i].dense.out;
    return width;
}

size_t enc_pool_scratch(const enc_model *model, const enc_finish *finish)
{
    return 2 * widest(model, finish);
}

void enc_pool_sequence(const enc_model *model, const enc_finish *finish, const float *x,
                       size_t count, size_t skip, float *scratch, float *out)
{
    rows r = {model->ops, x, count, (size_t)model->config.hidden_size, skip};
    float *v = scratch, *other = scratch + widest(model, finish);
    size_t width = 0;
    for (unsigned i = 0; i < MODES; i++) {
        if (!(finish->pooling & 1u << i))
            continue;
        pool_mode(&r, 1u << i, v + width);
        width += r.width;
    }
    for (int i = 0; i < model->modules.step_count; i++) {
        float *result = apply_step(model->ops, &model->modules.step[i],
                                   finish->steps_normalize, v, other, &width);
        if (result == other) {
            other = v;
            v = result;
        }
    }
    memcpy(out, v, (size_t)finish->dimensions * sizeof *out);
    if (finish->normalize)
        normalize(out, (size_t)finish->dimensions);
}

/* The mean of all hidden states. */
typedef struct mixture {
    const enc_ops *ops;
    float *sum; /* [cells] */
    size_t cells;
    float share;
} mixture;

static void add_layer(void *context, int layer, const float *x)
{
    const mixture *m = context;
    (void)layer;
    m->ops->accumulate(m->share, x, m->sum, m->cells);
}

int enc_pooled_states(const enc_model *model, const enc_finish *finish, const enc_batch *batch,
                      enc_arena *arena, enc_poll *poll, float **out)
{
    if (!finish->mixed)
        return enc_forward(model, batch, finish->layer, arena, poll, NULL, out);
    mixture mix = {model->ops, NULL,
                   batch->start[batch->count] * (size_t)model->config.hidden_size,
                   1.0f / (float)(finish->layer + 1)};
    enc_observer observer = {&mix, add_layer, NULL};
    mix.sum = ENC_ARENA(arena, float, mix.cells);
    if (!mix.sum)
        return ENC_NOMEM;
    memset(mix.sum, 0, mix.cells * sizeof *mix.sum);
    float *last;
    int rc = enc_forward(model, batch, finish->layer, arena, poll, &observer, &last);
    *out = mix.sum;
    return rc;
}
