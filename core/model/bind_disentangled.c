/*
** bind_disentangled.c - DeBERTa's own tensors: relative embeddings, which every block projects
** once for all texts, a projection laid out head by head, and the convolution.
*/
#include <string.h>

#include "load.h"

/* Projections may take as much memory as the weights, or this. */
enum { FREE_FLOATS = 1 << 24 };

/* ---- Relative embeddings, projected -------------------------------------------------- */

typedef struct projector {
    enc_binder *b;
    float *rows;      /* [2·span, D] relative embeddings */
    float *projected; /* [2·span, at least H·d] */
    size_t count;     /* 2·span */
    size_t heads;     /* H */
    size_t d;
} projector;

/* H·d of `ld` columns of projected, from `from` on -> every head's right-hand side. */
static int keep(projector *p, const float *from, size_t ld, const float **to, enc_error *err)
{
    const enc_ops *ops = p->b->model->ops;
    size_t size = ops->packed_size(p->count, p->d);
    float *packed = enc_model_alloc(p->b->model, p->heads * size, sizeof *packed);
    if (!packed)
        return enc_nomem(err);
    for (size_t head = 0; head < p->heads; head++)
        ops->pack(from + head * p->d, p->count, p->d, ld, 1, packed + head * size);
    *to = packed;
    return ENC_OK;
}

/* By the projection that the block has for tokens: its queries and keys. */
static int project_shared(projector *p, enc_layer *layer, enc_error *err)
{
    const enc_linear *qkv = &layer->qkv;
    const enc_config *config = &p->b->model->config;
    enc_arena arena = {0};
    int rc = enc_linear_apply(p->b->model->ops, qkv, p->rows, p->count, NULL, p->projected,
                              &arena, NULL);
    enc_arena_destroy(&arena);
    if (rc != ENC_OK)
        return enc_nomem(err);
    if (config->position_to_content)
        rc = keep(p, p->projected, qkv->out, &layer->distances.queries, err);
    if (rc == ENC_OK && config->content_to_position)
        rc = keep(p, p->projected + p->heads * p->d, qkv->out, &layer->distances.keys, err);
    return rc;
}

/* By one for distances alone. */
static int project_apart(projector *p, const char *name, int block, bool bias, const float **to,
                         enc_error *err)
{
    enc_binder *b = p->b;
    const enc_ops *ops = b->model->ops;
    size_t width = (size_t)b->model->config.hidden_size, out = p->heads * p->d;
    const int64_t shape[] = {(int64_t)out, (int64_t)width};
    float *packed = NULL, *biases = NULL;
    int rc = enc_bind_tensor(b, name, block, "weight", 2, shape, NULL, err);
    if (rc == ENC_OK) {
        packed = ENC_ALLOC(float, ops->packed_size(out, width));
        biases = ENC_ALLOC(float, out);
        rc = packed && biases ? ENC_OK : enc_nomem(err);
    }
    if (rc == ENC_OK) {
        ops->pack(b->scratch, out, width, width, 1, packed);
        rc = bias ? enc_bind_tensor(b, name, block, "bias", 1, shape, biases, err) : ENC_OK;
    }
    if (rc == ENC_OK) {
        ops->multiply(p->rows, width, p->count, packed, out, width, bias ? biases : NULL,
                      p->projected, out);
        rc = keep(p, p->projected, out, to, err);
    }
    enc_free(packed);
    enc_free(biases);
    return rc;
}

static int project_layer(projector *p, int block, enc_layer *layer, enc_error *err)
{
    const enc_config *config = &p->b->model->config;
    const char *const *names = p->b->names->slot;
    int rc = ENC_OK;
    if (config->shared_projections)
        return project_shared(p, layer, err);
    if (config->content_to_position)
        rc = project_apart(p, names[ENC_SLOT_RELATIVE_KEY], block,
                           config->biases & ENC_BIAS_RELATIVE_KEY, &layer->distances.keys, err);
    if (rc == ENC_OK && config->position_to_content)
        rc = project_apart(p, names[ENC_SLOT_RELATIVE_QUERY], block, true,
                           &layer->distances.queries, err);
    return rc;
}

/* The table, normed where it has a norm. */
static int read_rows(projector *p, enc_error *err)
{
    enc_binder *b = p->b;
    const enc_config *config = &b->model->config;
    const char *const *names = b->names->slot;
    size_t width = (size_t)config->hidden_size;
    const int64_t shape[] = {(int64_t)p->count, config->hidden_size};
    enc_norm norm;
    int rc = enc_bind_tensor(b, names[ENC_SLOT_RELATIVE_ROWS], -1, "weight", 2, shape, NULL,
                             err);
    if (rc != ENC_OK)
        return rc;
    p->rows = ENC_ALLOC(float, p->count * width);
    if (!p->rows)
        return enc_nomem(err);
    memcpy(p->rows, b->scratch, p->count * width * sizeof *p->rows);
    if (!config->normed_distances)
        return ENC_OK;
    rc = enc_bind_norm(b, names[ENC_SLOT_RELATIVE_NORM], config->hidden_size, config->norm_eps,
                       &norm, err);
    for (size_t i = 0; rc == ENC_OK && i < p->count; i++)
        b->model->ops->layer_norm(p->rows + i * width, width, norm.weight, norm.bias, norm.eps);
    return rc;
}

/* Files of a few bytes must not ask for gigabytes. */
static int check_memory(const projector *p, enc_error *err)
{
    const enc_model *model = p->b->model;
    const enc_config *config = &model->config;
    int terms = (config->content_to_position ? 1 : 0) + (config->position_to_content ? 1 : 0);
    double floats = (double)p->count * (double)(p->heads * p->d) * terms *
                    config->layers;
    if (floats <= FREE_FLOATS || floats <= (double)model->info.parameters)
        return ENC_OK;
    return enc_fail(err, ENC_UNSUPPORTED, "%s: %d relative embeddings, projected by %d layers, "
                    "are more numbers than the %lld weights", p->b->says, (int)p->count,
                    config->layers, (long long)model->info.parameters);
}

static int bind_distances(enc_binder *b, enc_error *err)
{
    const enc_config *config = &b->model->config;
    projector p = {.b = b, .count = 2 * (size_t)config->disentangled.span,
                   .heads = (size_t)config->heads, .d = (size_t)config->head_size};
    int rc = read_rows(&p, err);
    if (rc == ENC_OK)
        rc = check_memory(&p, err);
    if (rc == ENC_OK) {
        p.projected = ENC_ALLOC(float, p.count * b->model->weights.layer->qkv.out);
        rc = p.projected ? ENC_OK : enc_nomem(err);
    }
    for (int i = 0; rc == ENC_OK && i < config->layers; i++)
        rc = project_layer(&p, i, &b->model->weights.layer[i], err);
    enc_free(p.rows);
    enc_free(p.projected);
    return rc;
}

/* ---- The convolution ----------------------------------------------------------------- */

static int bind_convolution(enc_binder *b, enc_error *err)
{
    enc_model *model = b->model;
    const enc_config *config = &model->config;
    const char *const *names = b->names->slot;
    const size_t width = (size_t)config->hidden_size, kernel = (size_t)config->kernel;
    const size_t groups = (size_t)config->kernel_groups, part = width / groups;
    const int64_t shape[] = {config->hidden_size, (int64_t)part, config->kernel};
    enc_convolution *to = &model->weights.convolution;
    int rc = enc_bind_tensor(b, names[ENC_SLOT_CONVOLUTION], -1, "weight", 3, shape, NULL, err);
    if (rc != ENC_OK)
        return rc;
    float *scratch = ENC_ALLOC(float, part * part * kernel);
    float *packed = enc_model_alloc(
        model, enc_convolution_packed_size(model->ops, width, kernel, groups), sizeof *packed);
    float *bias = enc_model_alloc(model, width, sizeof *bias);
    if (scratch && packed && bias)
        enc_convolution_pack(model->ops, b->scratch, width, kernel, groups, scratch, packed);
    else
        rc = enc_nomem(err);
    enc_free(scratch);
    *to = (enc_convolution){width, kernel, groups, packed, bias, config->kernel_activation};
    if (rc == ENC_OK)
        rc = enc_bind_tensor(b, names[ENC_SLOT_CONVOLUTION], -1, "bias", 1, shape, bias, err);
    return rc == ENC_OK ? enc_bind_norm(b, names[ENC_SLOT_CONVOLUTION_NORM],
                                        config->hidden_size, config->norm_eps,
                                        &model->weights.convolution_norm, err) : rc;
}

int enc_bind_disentangled(enc_binder *b, enc_error *err)
{
    const enc_config *config = &b->model->config;
    int rc = config->disentangled.span > 0 ? bind_distances(b, err) : ENC_OK;
    return rc == ENC_OK && config->kernel > 0 ? bind_convolution(b, err) : rc;
}

/* ---- Queries, keys and values head by head ------------------------------------------- */

int enc_bind_by_head(enc_binder *b, int block, enc_linear *to, enc_error *err)
{
    enc_model *model = b->model;
    const enc_config *config = &model->config;
    const char *const *names = b->names->slot;
    const size_t width = (size_t)config->hidden_size, heads = (size_t)config->heads;
    const size_t out = heads * (size_t)config->head_size;
    const size_t head = (size_t)config->head_size * width; /* numbers of one head's part */
    const int64_t shape[] = {3 * (int64_t)out, config->hidden_size};
    const int64_t length = (int64_t)out;
    int rc = enc_bind_tensor(b, names[ENC_SLOT_QKV], block, "weight", 2, shape, NULL, err);
    if (rc != ENC_OK)
        return rc;
    float *rows = ENC_ALLOC(float, 3 * out * width);
    float *bias = enc_model_alloc(model, 3 * out, sizeof *bias);
    if (rows && bias) {
        for (size_t i = 0; i < 3 * heads; i++)
            memcpy(rows + (i % 3 * heads + i / 3) * head, b->scratch + i * head,
                   head * sizeof *rows);
        memset(bias, 0, 3 * out * sizeof *bias);
        rc = enc_pack_linear(b, ENC_ROLE_QKV, rows, 3 * out, width, width, 1, to, err);
    } else {
        rc = enc_nomem(err);
    }
    enc_free(rows);
    to->bias = bias;
    if (rc == ENC_OK)
        rc = enc_bind_tensor(b, names[ENC_SLOT_QV_BIAS], block, "q_bias", 1, &length, bias,
                             err);
    return rc == ENC_OK ? enc_bind_tensor(b, names[ENC_SLOT_QV_BIAS], block, "v_bias", 1,
                                          &length, bias + 2 * out, err) : rc;
}
