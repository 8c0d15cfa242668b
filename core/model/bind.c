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
    int64_t shape[3];
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
    return enc_tensor_check_shape(b->checkpoint, tensor, w->rank, w->shape, b->says, err);
}

/* What is told of a tensor before its numbers. */
static void note(enc_binder *b, const want *w, const enc_tensor *tensor)
{
    enc_digest_text(b->digest, w->pattern);
    enc_digest_number(b->digest, w->block);
    enc_digest_text(b->digest, w->parameters[0]);
    enc_digest_text(b->digest, tensor->dtype_name);
    for (int i = 0; i < w->rank; i++)
        enc_digest_number(b->digest, w->shape[i]);
    b->model->info.parameters += (int64_t)enc_tensor_elements(tensor);
}

static int read(enc_binder *b, const want *w, enc_tensor *tensor, float *to, enc_error *err)
{
    note(b, w, tensor);
    return enc_checkpoint_read(b->checkpoint, tensor, to, b->digest, err);
}

static int bind_numbers(enc_binder *b, const want *w, float **to, enc_error *err)
{
    enc_tensor *tensor;
    int rc = locate(b, w, &tensor, err);
    if (rc != ENC_OK)
        return rc;
    *to = enc_model_alloc(b->model, (size_t)enc_tensor_elements(tensor), sizeof **to);
    if (!*to)
        return enc_nomem(err);
    return read(b, w, tensor, *to, err);
}

/* A tensor that is used as it is stored. */
static int bind_plain(enc_binder *b, const want *w, const float **to, enc_error *err)
{
    float *numbers = NULL;
    int rc = bind_numbers(b, w, &numbers, err);
    *to = numbers;
    return rc;
}

static int bind_table(enc_binder *b, const char *name, int rows, int width,
                      const float **to, enc_error *err)
{
    want w = {name, NO_BLOCK, weight_names, 2, {rows, width}};
    return bind_plain(b, &w, to, err);
}

static int bind_tokens(enc_binder *b, const char *name, int rows, int width, enc_table *to,
                       enc_error *err)
{
    want w = {name, NO_BLOCK, weight_names, 2, {rows, width}};
    enc_tensor *tensor;
    int rc = locate(b, &w, &tensor, err);
    if (rc != ENC_OK)
        return rc;
    note(b, &w, tensor);
    return enc_read_table(b->model, b->checkpoint, tensor, (size_t)rows, (size_t)width,
                          b->digest, to, err);
}

/* weight + 1, where that is what is meant. */
static int bind_norm(enc_binder *b, const char *name, int block, int width, enc_norm *to,
                     enc_error *err)
{
    want weight = {name, block, norm_weight_names, 1, {width, 0}};
    want bias = {name, block, norm_bias_names, 1, {width, 0}};
    const enc_config *config = &b->model->config;
    float *numbers;
    to->kind = b->model->family->norm;
    to->width = (size_t)width;
    to->eps = config->norm_eps;
    int rc = bind_numbers(b, &weight, &numbers, err);
    if (rc != ENC_OK)
        return rc;
    to->weight = numbers;
    for (int i = 0; b->names->norms_less_one && i < width; i++)
        numbers[i] += 1;
    if (to->kind == ENC_NORM_RMS)
        return ENC_OK;
    if (config->biases & ENC_BIAS_NORM)
        return bind_plain(b, &bias, &to->bias, err);
    float *zeros = enc_model_alloc(b->model, (size_t)width, sizeof *zeros);
    if (!zeros)
        return enc_nomem(err);
    memset(zeros, 0, (size_t)width * sizeof *zeros);
    to->bias = zeros;
    return ENC_OK;
}

int enc_bind_norm(enc_binder *b, const char *name, int width, float eps, enc_norm *to,
                  enc_error *err)
{
    want weight = {name, NO_BLOCK, norm_weight_names, 1, {width, 0}};
    want bias = {name, NO_BLOCK, norm_bias_names, 1, {width, 0}};
    to->kind = ENC_NORM_LAYER;
    to->width = (size_t)width;
    to->eps = eps;
    int rc = bind_plain(b, &weight, &to->weight, err);
    return rc == ENC_OK ? bind_plain(b, &bias, &to->bias, err) : rc;
}

/* ---- Linear layers ------------------------------------------------------------------- */

int enc_binder_reserve(enc_binder *b, size_t floats, enc_error *err)
{
    if (floats <= b->room)
        return ENC_OK;
    enc_free(b->scratch);
    b->scratch = ENC_ALLOC(float, floats);
    b->room = b->scratch ? floats : 0;
    return b->scratch ? ENC_OK : enc_nomem(err);
}

int enc_bind_tensor(enc_binder *b, const char *name, int block, const char *parameter, int rank,
                    const int64_t *shape, float *to, enc_error *err)
{
    const char *const parameters[] = {parameter, NULL};
    want w = {name, block, parameters, rank, {0}};
    memcpy(w.shape, shape, (size_t)rank * sizeof *shape);
    enc_tensor *tensor;
    int rc = locate(b, &w, &tensor, err);
    if (rc == ENC_OK && !to) {
        rc = enc_binder_reserve(b, (size_t)enc_tensor_elements(tensor), err);
        to = b->scratch;
    }
    return rc == ENC_OK ? read(b, &w, tensor, to, err) : rc;
}

/* Matrices that become one, and what is alike in them. */
typedef struct parts {
    enum enc_role role;
    const char *name[3];
    int out[3];        /* rows of each */
    int count;
    int block;
    int in;
    bool bias;
    bool transposed;   /* the one there is, is stored as [in, out] */
} parts;

static size_t rows_of(const parts *p)
{
    size_t rows = 0;
    for (int i = 0; i < p->count; i++)
        rows += (size_t)p->out[i];
    return rows;
}

static int read_matrices(enc_binder *b, const parts *p, enc_error *err)
{
    size_t at = 0;
    int rc = ENC_OK;
    for (int i = 0; rc == ENC_OK && i < p->count; i++) {
        want w = {p->name[i], p->block, weight_names, 2, {p->out[i], p->in}};
        enc_tensor *tensor;
        if (p->transposed) {
            w.shape[0] = p->in;
            w.shape[1] = p->out[i];
        }
        rc = locate(b, &w, &tensor, err);
        /* Room for all of them once the first shows that the size is no lie. */
        if (rc == ENC_OK && i == 0)
            rc = enc_binder_reserve(b, rows_of(p) * (size_t)p->in, err);
        if (rc == ENC_OK)
            rc = read(b, &w, tensor, b->scratch + at, err);
        at += (size_t)p->out[i] * (size_t)p->in;
    }
    return rc;
}

static int bind_parts(enc_binder *b, const parts *p, enc_linear *to, enc_error *err)
{
    size_t rows = rows_of(p), in = (size_t)p->in, at = 0;
    int rc = read_matrices(b, p, err);
    if (rc == ENC_OK)
        rc = enc_pack_linear(b, p->role, b->scratch, rows, in, p->transposed ? 1 : in,
                             p->transposed ? rows : 1, to, err);
    if (rc != ENC_OK || !p->bias)
        return rc;
    float *biases = enc_model_alloc(b->model, rows, sizeof *biases);
    to->bias = biases;
    rc = biases ? ENC_OK : enc_nomem(err);
    for (int i = 0; rc == ENC_OK && i < p->count; i++) {
        want w = {p->name[i], p->block, bias_names, 1, {p->out[i], 0}};
        enc_tensor *tensor;
        rc = locate(b, &w, &tensor, err);
        if (rc == ENC_OK)
            rc = read(b, &w, tensor, biases + at, err);
        at += (size_t)p->out[i];
    }
    return rc;
}

int enc_bind_linear(enc_binder *b, enum enc_role role, const char *name, int in, int out,
                    bool bias, enc_linear *to, enc_error *err)
{
    parts p = {role, {name}, {out}, 1, NO_BLOCK, in, bias, false};
    return bind_parts(b, &p, to, err);
}

/* ---- The encoder --------------------------------------------------------------------- */

static int bind_buckets(enc_binder *b, enc_error *err)
{
    const enc_config *config = &b->model->config;
    enc_relative *to = &b->model->weights.relative;
    const int64_t shape[] = {config->relative_rows, config->heads};
    int rc = enc_bind_tensor(b, b->names->slot[ENC_SLOT_RELATIVE_BIAS], NO_BLOCK, "weight", 2,
                             shape, NULL, err);
    if (rc != ENC_OK)
        return rc;
    to->runs = enc_relative_runs(config->relative_buckets);
    float *bias = enc_model_alloc(b->model, (size_t)config->heads * to->runs, sizeof *bias);
    int *end = enc_model_alloc(b->model, to->runs, sizeof *end);
    if (!bias || !end)
        return enc_nomem(err);
    enc_relative_spread(b->scratch, config->heads, config->relative_buckets,
                        config->relative_reach, bias, end);
    to->bias = bias;
    to->end = end;
    return ENC_OK;
}

static int bind_slopes(enc_binder *b, enc_error *err)
{
    int heads = b->model->config.heads;
    float *slope = enc_model_alloc(b->model, (size_t)heads, sizeof *slope);
    if (!slope)
        return enc_nomem(err);
    enc_relative_slopes(heads, slope);
    b->model->weights.relative.slope = slope;
    return ENC_OK;
}

/* By what the checkpoint has of factors: an enlargement of each wave's length. */
static int divide_frequencies(enc_binder *b, size_t count, float *frequency, enc_error *err)
{
    want w = {b->names->slot[ENC_SLOT_ROTARY_FACTORS], NO_BLOCK, weight_names, 1,
              {(int64_t)count, 0}};
    enc_tensor *tensor;
    if (!w.pattern || !find(b, b->prefix, &w))
        return ENC_OK;
    int rc = locate(b, &w, &tensor, err);
    if (rc == ENC_OK)
        rc = enc_binder_reserve(b, count, err);
    if (rc == ENC_OK)
        rc = read(b, &w, tensor, b->scratch, err);
    for (size_t i = 0; rc == ENC_OK && i < count; i++) {
        if (!(b->scratch[i] > 0))
            return enc_fail(err, ENC_CORRUPT, "%s: tensor '%s' is not more than 0 at element "
                            "%zu", enc_checkpoint_file(b->checkpoint, tensor),
                            enc_tail(tensor->name, ENC_TAIL), i);
        frequency[i] /= b->scratch[i];
    }
    return rc;
}

/* Frequencies of rotary positions; local layers may turn as global ones do. */
static int bind_rotary(enc_binder *b, int which, enc_error *err)
{
    const enc_rope *rope = &b->model->config.rope[which];
    enc_rotary *to = &b->model->weights.rotary[which];
    to->turned = (size_t)b->model->config.head_size;
    to->interleaved = b->names->interleaved;
    to->attention = rope->attention;
    float *frequency = enc_model_alloc(b->model, to->turned / 2, sizeof *frequency);
    if (!frequency)
        return enc_nomem(err);
    enc_rotary_frequencies(rope, to->turned, frequency);
    to->frequency = frequency;
    return divide_frequencies(b, to->turned / 2, frequency, err);
}

/* The token table; where it stands under its other name alone, under that. */
static const char *tokens_name(const enc_binder *b)
{
    const char *const *names = b->names->slot;
    want tokens = {names[ENC_SLOT_TOKENS], NO_BLOCK, weight_names, 2, {0, 0}};
    want tied = {names[ENC_SLOT_TOKENS_TIED], NO_BLOCK, weight_names, 2, {0, 0}};
    return tied.pattern && !find(b, b->prefix, &tokens) && find(b, b->prefix, &tied)
               ? tied.pattern : tokens.pattern;
}

static int bind_embeddings(enc_binder *b, enc_error *err)
{
    const enc_config *config = &b->model->config;
    const enc_family *family = b->model->family;
    const char *const *names = b->names->slot;
    enc_weights *to = &b->model->weights;
    int width = config->embedding_size;
    bool learned = !config->without_positions && (family->position == ENC_POSITION_LEARNED ||
                                                  family->position == ENC_POSITION_AFTER_PAD);
    int rc = bind_tokens(b, tokens_name(b), config->vocabulary, width, &to->tokens, err);
    if (rc == ENC_OK && learned)
        rc = bind_table(b, names[ENC_SLOT_POSITIONS], config->positions, width,
                        &to->positions, err);
    if (rc == ENC_OK && family->token_types && config->types > 0)
        rc = bind_table(b, names[ENC_SLOT_TYPES], config->types, width, &to->types, err);
    if (rc == ENC_OK && names[ENC_SLOT_EMBEDDING_NORM])
        rc = bind_norm(b, names[ENC_SLOT_EMBEDDING_NORM], NO_BLOCK,
                       family->projected_first ? config->hidden_size : width,
                       &to->embedding_norm, err);
    if (rc == ENC_OK && (family->always_projected || width != config->hidden_size))
        rc = enc_bind_linear(b, ENC_ROLE_PROJECTION, names[ENC_SLOT_EMBEDDING_PROJECTION],
                             width, config->hidden_size, !family->projected_first,
                             &to->embedding_projection, err);
    return rc;
}

/* Those of a part's three norms that have names. */
static int bind_norms(enc_binder *b, enum enc_slot first, int block, bool without_first,
                      enc_norms *to, enc_error *err)
{
    enc_norm *norms[] = {&to->before, &to->within, &to->after};
    int rc = ENC_OK;
    for (int i = without_first ? 1 : 0; rc == ENC_OK && i < 3; i++) {
        const char *name = b->names->slot[(int)first + i];
        if (name)
            rc = bind_norm(b, name, block, b->model->config.hidden_size, norms[i], err);
    }
    return rc;
}

static int bind_attention(enc_binder *b, int block, enc_layer *to, enc_error *err)
{
    const enc_config *config = &b->model->config;
    const char *const *names = b->names->slot;
    int width = config->hidden_size, d = config->head_size;
    int queries = config->heads * d, keys = config->kv_heads * d;
    bool transposed = b->names->transposed;
    parts qkv = {ENC_ROLE_QKV,
                 {names[ENC_SLOT_QUERY], names[ENC_SLOT_KEY], names[ENC_SLOT_VALUE]},
                 {queries, keys, keys}, 3, block, width, config->biases & ENC_BIAS_QKV,
                 transposed};
    parts fused = {ENC_ROLE_QKV, {names[ENC_SLOT_QKV]}, {queries + 2 * keys}, 1, block, width,
                   config->biases & ENC_BIAS_QKV, transposed};
    parts out = {ENC_ROLE_ATTENTION_OUT, {names[ENC_SLOT_ATTENTION_OUT]}, {width}, 1, block,
                 queries, config->biases & ENC_BIAS_OUT, transposed};
    int rc = b->names->by_head
        ? enc_bind_by_head(b, block, &to->qkv, err)
        : bind_parts(b, names[ENC_SLOT_QKV] ? &fused : &qkv, &to->qkv, err);
    if (rc == ENC_OK)
        rc = bind_parts(b, &out, &to->attention_out, err);
    if (rc == ENC_OK && names[ENC_SLOT_QUERY_NORM])
        rc = bind_norm(b, names[ENC_SLOT_QUERY_NORM], block, d, &to->query_norm, err);
    if (rc == ENC_OK && names[ENC_SLOT_KEY_NORM])
        rc = bind_norm(b, names[ENC_SLOT_KEY_NORM], block, d, &to->key_norm, err);
    return rc == ENC_OK ? bind_norms(b, ENC_SLOT_ATTENTION_NORM_BEFORE, block,
                                     block == 0 && b->model->family->unnormed_start,
                                     &to->attention_norms, err) : rc;
}

static int bind_ffn(enc_binder *b, int block, enc_layer *to, enc_error *err)
{
    const enc_config *config = &b->model->config;
    const char *const *names = b->names->slot;
    int width = config->hidden_size, ffn = config->ffn_size;
    bool bias = config->biases & ENC_BIAS_FFN_UP, transposed = b->names->transposed;
    const char *dense = names[names[ENC_SLOT_FFN_DENSE] ? ENC_SLOT_FFN_DENSE : ENC_SLOT_FFN_UP];
    parts up = {ENC_ROLE_FFN_UP, {dense}, {ffn}, 1, block, width, bias, transposed};
    parts gated = {ENC_ROLE_FFN_UP, {names[ENC_SLOT_FFN_GATE], names[ENC_SLOT_FFN_UP]},
                   {ffn, ffn}, 2, block, width, bias, transposed};
    parts fused = {ENC_ROLE_FFN_UP, {names[ENC_SLOT_FFN_GATE_UP]}, {2 * ffn}, 1, block, width,
                   bias, transposed};
    parts down = {config->gated ? ENC_ROLE_GATED_DOWN : ENC_ROLE_FFN_DOWN,
                  {names[ENC_SLOT_FFN_DOWN]}, {width}, 1, block, ffn,
                  config->biases & ENC_BIAS_FFN_DOWN, transposed};
    int rc = bind_parts(b, !config->gated ? &up : names[ENC_SLOT_FFN_GATE_UP] ? &fused : &gated,
                        &to->ffn_up, err);
    if (rc == ENC_OK)
        rc = bind_parts(b, &down, &to->ffn_down, err);
    return rc == ENC_OK ? bind_norms(b, ENC_SLOT_FFN_NORM_BEFORE, block, false, &to->ffn_norms,
                                     err) : rc;
}

int enc_layer_group(const enc_config *config, int number)
{
    return (int)((double)number / ((double)config->layers / (double)config->groups));
}

/* What a layer has of its own although its weights may be another's. */
void enc_layer_set(enc_model *model, int number, enc_layer *to)
{
    const enc_config *config = &model->config;
    bool local = config->local[number];
    to->before = local && config->before >= 0 ? (size_t)config->before : SIZE_MAX;
    to->after = config->causal ? 0
                : local && config->after >= 0 ? (size_t)config->after : SIZE_MAX;
    if (model->family->position == ENC_POSITION_ROTARY)
        to->rotary = &model->weights.rotary[local ? 1 : 0];
    to->scale = config->attention_scale;
    if (config->scale_by_layer)
        to->scale /= (float)(number + 1);
}

/* The first layer behind `first` that does not share its weights. */
static int end_of_group(const enc_config *config, int first, int *group)
{
    int end = first + 1;
    *group = enc_layer_group(config, first);
    while (end < config->layers && enc_layer_group(config, end) == *group)
        end++;
    return end;
}

/* Whether attention itself has weights, which are bound behind all blocks: no block works before. */
static bool settles_late(const enc_binder *b)
{
    return b->model->family->relative == ENC_RELATIVE_DISENTANGLED;
}

/* Layers 0 ... L-1; of those that share their weights the first is bound. */
static int bind_layers(enc_binder *b, enc_error *err)
{
    enc_model *model = b->model;
    const enc_config *config = &model->config;
    size_t layers = (size_t)config->layers;
    enc_layer *layer = enc_model_alloc(model, layers, sizeof *layer);
    int rc = layer ? ENC_OK : enc_nomem(err), group;
    model->weights.layer = layer;
    for (int first = 0, end; rc == ENC_OK && first < config->layers; first = end) {
        end = end_of_group(config, first, &group);
        layer[first] = (enc_layer){0};
        rc = bind_attention(b, group, &layer[first], err);
        if (rc == ENC_OK)
            rc = bind_ffn(b, group, &layer[first], err);
        for (int i = first; i < end; i++) {
            layer[i] = layer[first];
            enc_layer_set(model, i, &layer[i]);
        }
        if (rc == ENC_OK && !settles_late(b))
            rc = enc_settle(b, first, end, err);
    }
    return rc;
}

static int settle_all(enc_binder *b, enc_error *err)
{
    const enc_config *config = &b->model->config;
    int rc = ENC_OK, group;
    for (int first = 0, end; rc == ENC_OK && first < config->layers; first = end) {
        end = end_of_group(config, first, &group);
        rc = enc_settle(b, first, end, err);
    }
    return rc;
}

_Static_assert(ENC_SLOT_ATTENTION_NORM_AFTER == ENC_SLOT_ATTENTION_NORM_BEFORE + 2 &&
                   ENC_SLOT_FFN_NORM_AFTER == ENC_SLOT_FFN_NORM_BEFORE + 2,
               "norms are bound as three slots in a row");

/* The names, and the first prefix of theirs, under which there is a token table; where there is
** none the first names with their last prefix. */
static void find_names(enc_binder *b)
{
    const enc_names *const *names = b->model->family->names;
    if (b->names)
        return;
    for (int i = 0; i < ENC_MAX_NAMES && names[i]; i++) {
        b->names = names[i];
        for (const char *const *prefix = names[i]->prefixes; *prefix; prefix++) {
            b->prefix = *prefix;
            want w = {tokens_name(b), NO_BLOCK, weight_names, 2, {0, 0}};
            if (find(b, b->prefix, &w))
                return;
        }
    }
    b->names = names[0];
    for (const char *const *prefix = names[0]->prefixes; *prefix; prefix++)
        b->prefix = *prefix;
}

int enc_bind_encoder(enc_binder *b, enc_error *err)
{
    const enc_family *family = b->model->family;
    find_names(b);
    memcpy(b->model->lm, b->names->lm, sizeof b->model->lm);
    int rc = bind_embeddings(b, err);
    if (rc == ENC_OK && family->relative == ENC_RELATIVE_BUCKETS)
        rc = bind_buckets(b, err);
    if (rc == ENC_OK && family->relative == ENC_RELATIVE_ALIBI)
        rc = bind_slopes(b, err);
    for (int i = 0; rc == ENC_OK && family->position == ENC_POSITION_ROTARY && i < 2; i++)
        rc = bind_rotary(b, i, err);
    if (rc == ENC_OK)
        rc = bind_layers(b, err);
    if (rc == ENC_OK && family->relative == ENC_RELATIVE_DISENTANGLED)
        rc = enc_bind_disentangled(b, err);
    if (rc == ENC_OK && settles_late(b))
        rc = settle_all(b, err);
    if (rc == ENC_OK && b->names->slot[ENC_SLOT_FINAL_NORM])
        rc = bind_norm(b, b->names->slot[ENC_SLOT_FINAL_NORM], NO_BLOCK,
                       b->model->config.hidden_size, &b->model->weights.final_norm, err);
    b->model->weights.attention = b->model->scheme->attention;
    return rc;
}

void enc_binder_clear(enc_binder *b)
{
    enc_calibration_close(b->calibration);
    enc_free(b->scratch);
    b->calibration = NULL;
    b->scratch = NULL;
    b->room = 0;
}
