/*
** bind.c - a checkpoint's tensors become the model's weights.
**
** Each tensor is found by its family's name, its shape compared with what the settings say,
** read and, if it is a matrix, packed for the kernel. One matrix at a time exists unpacked.
** The order of reading is fixed, so that the digest depends on the tensors alone and not on
** how files are cut or which kernel runs.
*/
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "load.h"

enum { NAME_SIZE = 192, NO_BLOCK = -1 };

/* Spellings of a parameter, current first. */
static const char *const weight_names[] = {"weight", NULL};
static const char *const bias_names[] = {"bias", NULL};
static const char *const norm_weight_names[] = {"weight", "gamma", NULL};
static const char *const norm_bias_names[] = {"bias", "beta", NULL};

/* One tensor that is wanted. */
typedef struct want {
    const char *pattern;             /* name without prefix and parameter; may hold a %d */
    int block;                       /* what %d stands for */
    const char *const *parameters;
    int rank;
    int64_t shape[2];
} want;

static void write_name(char out[NAME_SIZE], const char *prefix, const want *w,
                       const char *parameter)
{
    const char *number = strstr(w->pattern, "%d");
    if (number)
        snprintf(out, NAME_SIZE, "%s%.*s%d%s.%s", prefix, (int)(number - w->pattern),
                 w->pattern, w->block, number + 2, parameter);
    else
        snprintf(out, NAME_SIZE, "%s%s.%s", prefix, w->pattern, parameter);
}

static enc_tensor *find(const enc_binder *b, const char *prefix, const want *w)
{
    enc_tensor *tensor = NULL;
    for (int i = 0; !tensor && w->parameters[i]; i++) {
        char name[NAME_SIZE];
        write_name(name, prefix, w, w->parameters[i]);
        tensor = enc_checkpoint_find(b->checkpoint, name);
    }
    return tensor;
}

static int fail_missing(const enc_binder *b, const want *w, enc_error *err)
{
    char name[NAME_SIZE], layers[ENC_TAIL + 48] = "";
    write_name(name, b->prefix, w, w->parameters[0]);
    if (w->block != NO_BLOCK)
        snprintf(layers, sizeof layers, " (%s says %d layers)", b->says,
                 b->model->config.layers);
    return enc_fail(err, ENC_CORRUPT, "%s: tensor '%s' is missing%s",
                    enc_checkpoint_file(b->checkpoint, NULL), name, layers);
}

static int locate(const enc_binder *b, const want *w, enc_tensor **out, enc_error *err)
{
    enc_tensor *tensor = *out = find(b, b->prefix, w);
    if (!tensor)
        return fail_missing(b, w, err);
    if (tensor->rank == w->rank &&
        memcmp(tensor->shape, w->shape, (size_t)w->rank * sizeof *w->shape) == 0)
        return ENC_OK;
    char has[ENC_SHAPE_SHOWN], says[ENC_SHAPE_SHOWN];
    return enc_fail(err, ENC_CORRUPT, "%s: tensor '%s' has shape %s, %s says %s",
                    enc_checkpoint_file(b->checkpoint, tensor),
                    enc_tail(tensor->name, ENC_TAIL),
                    enc_shape_show(tensor->shape, tensor->rank, has), b->says,
                    enc_shape_show(w->shape, w->rank, says));
}

static int read(enc_binder *b, const want *w, enc_tensor *tensor, float *to, enc_error *err)
{
    enc_digest_text(b->digest, w->pattern);
    enc_digest_number(b->digest, w->block);
    enc_digest_text(b->digest, w->parameters[0]);
    enc_digest_text(b->digest, tensor->dtype_name);
    for (int i = 0; i < w->rank; i++)
        enc_digest_number(b->digest, w->shape[i]);
    b->model->info.parameters += (int64_t)enc_tensor_elements(tensor);
    return enc_checkpoint_read(b->checkpoint, tensor, to, b->digest, err);
}

/* A tensor that is used as it is stored. */
static int bind_plain(enc_binder *b, const want *w, const float **to, enc_error *err)
{
    enc_tensor *tensor;
    int rc = locate(b, w, &tensor, err);
    if (rc != ENC_OK)
        return rc;
    size_t count = (size_t)enc_tensor_elements(tensor);
    float *numbers = enc_model_alloc(b->model, count, sizeof *numbers);
    if (!numbers)
        return enc_nomem(err);
    *to = numbers;
    return read(b, w, tensor, numbers, err);
}

static int bind_table(enc_binder *b, const char *name, int rows, int width,
                      const float **to, enc_error *err)
{
    want w = {name, NO_BLOCK, weight_names, 2, {rows, width}};
    return bind_plain(b, &w, to, err);
}

int enc_bind_norm(enc_binder *b, const char *name, int block, int width, float eps,
                  enc_norm *to, enc_error *err)
{
    want weight = {name, block, norm_weight_names, 1, {width, 0}};
    want bias = {name, block, norm_bias_names, 1, {width, 0}};
    to->width = (size_t)width;
    to->eps = eps;
    int rc = bind_plain(b, &weight, &to->weight, err);
    return rc == ENC_OK ? bind_plain(b, &bias, &to->bias, err) : rc;
}

/* ---- Linear layers ------------------------------------------------------------------- */

static int reserve(enc_binder *b, size_t floats, enc_error *err)
{
    if (floats <= b->room)
        return ENC_OK;
    enc_free(b->scratch);
    b->scratch = ENC_ALLOC(float, floats);
    b->room = b->scratch ? floats : 0;
    return b->scratch ? ENC_OK : enc_nomem(err);
}

/* scratch [rows, in] -> packed */
static int pack(enc_binder *b, size_t rows, size_t in, enc_linear *to, enc_error *err)
{
    const enc_ops *ops = b->model->ops;
    float *packed = enc_model_alloc(b->model, ops->packed_size(rows, in), sizeof *packed);
    if (!packed)
        return enc_nomem(err);
    ops->pack(b->scratch, rows, in, in, 1, packed);
    to->in = in;
    to->out = rows;
    to->packed = packed;
    return ENC_OK;
}

int enc_bind_linear(enc_binder *b, const char *const *names, int names_count, int block,
                    int in, int out, bool bias, enc_linear *to, enc_error *err)
{
    size_t part = (size_t)out * (size_t)in, columns = (size_t)names_count * (size_t)out;
    enc_tensor *tensor;
    int rc = ENC_OK;
    for (int i = 0; rc == ENC_OK && i < names_count; i++) {
        want w = {names[i], block, weight_names, 2, {out, in}};
        rc = locate(b, &w, &tensor, err);
        /* Room for all of them once the first shows that the size is no lie. */
        if (rc == ENC_OK && i == 0)
            rc = reserve(b, columns * (size_t)in, err);
        if (rc == ENC_OK)
            rc = read(b, &w, tensor, b->scratch + (size_t)i * part, err);
    }
    if (rc == ENC_OK)
        rc = pack(b, columns, (size_t)in, to, err);
    if (rc != ENC_OK || !bias)
        return rc;
    float *biases = enc_model_alloc(b->model, columns, sizeof *biases);
    to->bias = biases;
    rc = biases ? ENC_OK : enc_nomem(err);
    for (int i = 0; rc == ENC_OK && i < names_count; i++) {
        want w = {names[i], block, bias_names, 1, {out, 0}};
        rc = locate(b, &w, &tensor, err);
        if (rc == ENC_OK)
            rc = read(b, &w, tensor, biases + (size_t)i * (size_t)out, err);
    }
    return rc;
}

/* ---- The encoder --------------------------------------------------------------------- */

static int bind_relative(enc_binder *b, enc_error *err)
{
    const enc_config *config = &b->model->config;
    const enc_family *family = b->model->family;
    enc_relative *to = &b->model->weights.relative;
    want w = {family->names[ENC_SLOT_RELATIVE_BIAS], NO_BLOCK, weight_names, 2,
              {config->relative_rows, config->heads}};
    enc_tensor *tensor;
    int rc = locate(b, &w, &tensor, err);
    if (rc == ENC_OK)
        rc = reserve(b, (size_t)enc_tensor_elements(tensor), err);
    if (rc == ENC_OK)
        rc = read(b, &w, tensor, b->scratch, err);
    if (rc != ENC_OK)
        return rc;
    to->reach = family->relative_reach;
    float *bias = enc_model_alloc(b->model, (size_t)config->heads,
                                  (size_t)(2 * to->reach + 1) * sizeof *bias);
    if (!bias)
        return enc_nomem(err);
    enc_relative_spread(b->scratch, config->heads, family->relative_buckets, to->reach, bias);
    to->bias = bias;
    return ENC_OK;
}

static int bind_embeddings(enc_binder *b, enc_error *err)
{
    const enc_config *config = &b->model->config;
    const enc_family *family = b->model->family;
    const char *const *names = family->names;
    enc_weights *to = &b->model->weights;
    int width = config->embedding_size;
    int rc = bind_table(b, names[ENC_SLOT_TOKENS], config->vocabulary, width, &to->tokens,
                        err);
    if (rc == ENC_OK && family->position != ENC_POSITION_ROTARY)
        rc = bind_table(b, names[ENC_SLOT_POSITIONS], config->positions, width,
                        &to->positions, err);
    if (rc == ENC_OK && family->token_types)
        rc = bind_table(b, names[ENC_SLOT_TYPES], config->types, width, &to->types, err);
    if (rc == ENC_OK)
        rc = enc_bind_norm(b, names[ENC_SLOT_EMBEDDING_NORM], NO_BLOCK, width,
                           config->norm_eps, &to->embedding_norm, err);
    if (rc == ENC_OK && width != config->hidden_size)
        rc = enc_bind_linear(b, &names[ENC_SLOT_EMBEDDING_PROJECTION], 1, NO_BLOCK, width,
                             config->hidden_size, true, &to->embedding_projection, err);
    return rc;
}

static int bind_layer(enc_binder *b, int block, enc_layer *to, enc_error *err)
{
    const enc_config *config = &b->model->config;
    const enc_family *family = b->model->family;
    const char *const *names = family->names;
    int width = config->hidden_size, ffn = config->ffn_size;
    bool bias = !family->without_bias, gated = family->ffn == ENC_FFN_GATED;
    float eps = config->norm_eps;
    int rc = family->qkv == ENC_QKV_FUSED
        ? enc_bind_linear(b, &names[ENC_SLOT_QKV], 1, block, width, 3 * width, bias, &to->qkv,
                          err)
        : enc_bind_linear(b, &names[ENC_SLOT_QUERY], 3, block, width, width, bias, &to->qkv,
                          err);
    if (rc == ENC_OK)
        rc = enc_bind_linear(b, &names[ENC_SLOT_ATTENTION_OUT], 1, block, width, width,
                             bias, &to->attention_out, err);
    if (rc == ENC_OK)
        rc = enc_bind_norm(b, names[ENC_SLOT_ATTENTION_NORM], block, width, eps,
                           &to->attention_norm, err);
    if (rc == ENC_OK)
        rc = enc_bind_linear(b, &names[gated ? ENC_SLOT_FFN_GATE : ENC_SLOT_FFN_UP],
                             gated ? 2 : 1, block, width, ffn, bias, &to->ffn_up, err);
    if (rc == ENC_OK)
        rc = enc_bind_linear(b, &names[ENC_SLOT_FFN_DOWN], 1, block, ffn, width, bias,
                             &to->ffn_down, err);
    if (rc == ENC_OK)
        rc = enc_bind_norm(b, names[ENC_SLOT_FFN_NORM], block, width, eps, &to->ffn_norm,
                           err);
    return rc;
}

_Static_assert(ENC_SLOT_KEY == ENC_SLOT_QUERY + 1 && ENC_SLOT_VALUE == ENC_SLOT_QUERY + 2,
               "query, key and value are bound as three names in a row");
_Static_assert(ENC_SLOT_FFN_UP == ENC_SLOT_FFN_GATE + 1, "gate and up are bound as two");

/* The first prefix under which there is a token table; the last one if there is none. */
static const char *find_prefix(const enc_binder *b)
{
    const enc_family *family = b->model->family;
    want tokens = {family->names[ENC_SLOT_TOKENS], NO_BLOCK, weight_names, 2, {0, 0}};
    const char *const *prefix = family->prefixes;
    while (prefix[1] && !find(b, *prefix, &tokens))
        prefix++;
    return *prefix;
}

int enc_bind_encoder(enc_binder *b, enc_error *err)
{
    enc_model *model = b->model;
    size_t layers = (size_t)model->config.layers;
    b->prefix = find_prefix(b);
    int rc = bind_embeddings(b, err);
    if (rc == ENC_OK && model->family->relative_buckets > 0)
        rc = bind_relative(b, err);
    if (rc == ENC_OK) {
        model->weights.layer = enc_model_alloc(model, layers, sizeof *model->weights.layer);
        rc = model->weights.layer ? ENC_OK : enc_nomem(err);
    }
    if (rc == ENC_OK)
        memset(model->weights.layer, 0, layers * sizeof *model->weights.layer);
    for (size_t i = 0; rc == ENC_OK && i < layers; i++)
        rc = bind_layer(b, (int)i, &model->weights.layer[i], err);
    return rc;
}
