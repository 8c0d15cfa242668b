/*
** elmo.c - ELMo as AllenNLP distributes it: options.json says the sizes, weights.hdf5 has the
** matrices as TensorFlow laid them out, [in, out].
*/
#include "elmo.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "hdf5.h"
#include "json.h"
#include "load.h"
#include "words.h"

static const char options_name[] = "options.json";
static const char weights_name[] = "weights.hdf5";

static const enc_family elmo_family = {.model_type = "elmo", .shape = ENC_SHAPE_ELMO};

bool enc_elmo_is_folder(const char *folder)
{
    return enc_file_exists(folder, options_name) && enc_file_exists(folder, weights_name);
}

/* ---- options.json -------------------------------------------------------------------- */

typedef struct sizes {
    int filter[ENC_ELMO_FILTERS][2]; /* width, count */
    int character_width;
    int projection;
    int cell;
    int layers;
} sizes;

static int require_int(const enc_json *json, const char *key, int min, int max, int *out,
                       enc_error *err)
{
    int rc = enc_json_require(json, key, err);
    return rc == ENC_OK ? enc_json_int(json, key, min, max, out, err) : rc;
}

static int inside(const enc_json *json, const char *key, enc_json *out, enc_error *err)
{
    *out = (enc_json){NULL, json->name};
    int rc = enc_json_require(json, key, err);
    return rc == ENC_OK ? enc_json_container(json, key, JSON_OBJECT, &out->value, err) : rc;
}

static int read_filters(const enc_json *json, enc_elmo *to, sizes *s, enc_error *err)
{
    json_t *list = NULL;
    int rc = enc_json_require(json, "filters", err);
    if (rc == ENC_OK)
        rc = enc_json_container(json, "filters", JSON_ARRAY, &list, err);
    if (rc != ENC_OK)
        return rc;
    size_t count = json_array_size(list);
    if (count < 1 || count > ENC_ELMO_FILTERS)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: filters has %zu entries, must have 1 to %d",
                        json->name, count, ENC_ELMO_FILTERS);
    for (size_t i = 0; i < count; i++) {
        const json_t *pair = json_array_get(list, i);
        json_int_t width = json_integer_value(json_array_get(pair, 0));
        json_int_t maps = json_integer_value(json_array_get(pair, 1));
        if (json_array_size(pair) != 2 || width < 1 || width > (json_int_t)to->word_length ||
            maps < 1 || maps > 65536)
            return enc_fail(err, ENC_CORRUPT, "%s: filters[%zu] must be [width from 1 to %zu, "
                            "number from 1 to 65536]", json->name, i, to->word_length);
        s->filter[i][0] = (int)width;
        s->filter[i][1] = (int)maps;
        to->features += (size_t)maps;
    }
    to->filters = (int)count;
    return ENC_OK;
}

static int read_characters(const enc_json *json, enc_elmo *to, sizes *s, enc_error *err)
{
    int length = 50, characters = ENC_ELMO_CHARACTERS + 1;
    const char *activation = "relu";
    enc_json table;
    int rc = enc_json_int(json, "max_characters_per_token", 4, 1024, &length, err);
    if (rc == ENC_OK) /* with the padding of batches, which has no row, or without */
        rc = enc_json_int(json, "n_characters", ENC_ELMO_CHARACTERS, ENC_ELMO_CHARACTERS + 1,
                          &characters, err);
    to->word_length = (size_t)length;
    if (rc == ENC_OK)
        rc = inside(json, "embedding", &table, err);
    if (rc == ENC_OK)
        rc = require_int(&table, "dim", 1, 4096, &s->character_width, err);
    if (rc == ENC_OK)
        rc = enc_json_string(json, "activation", &activation, err);
    if (rc == ENC_OK)
        rc = require_int(json, "n_highway", 0, ENC_ELMO_HIGHWAYS, &to->highways, err);
    if (rc == ENC_OK)
        rc = read_filters(json, to, s, err);
    if (rc != ENC_OK)
        return rc;
    to->character_width = (size_t)s->character_width;
    to->activation = strcmp(activation, "tanh") == 0 ? ENC_ACT_TANH : ENC_ACT_RELU;
    if (to->activation == ENC_ACT_RELU && strcmp(activation, "relu") != 0)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: activation '%.40s' is not implemented "
                        "(relu, tanh)", json->name, activation);
    return ENC_OK;
}

static int read_clip(const enc_json *json, const char *key, float *out, enc_error *err)
{
    double clip = HUGE_VAL;
    int rc = enc_json_real(json, key, 0, 1e30, "more than 0", &clip, err);
    *out = (float)clip;
    return rc;
}

static int read_lstm(const enc_json *json, enc_elmo *to, sizes *s, enc_error *err)
{
    int rc = require_int(json, "projection_dim", 1, 32768, &s->projection, err);
    if (rc == ENC_OK)
        rc = require_int(json, "dim", 1, 65536, &s->cell, err);
    if (rc == ENC_OK)
        rc = require_int(json, "n_layers", 1, ENC_ELMO_LAYERS, &s->layers, err);
    if (rc == ENC_OK)
        rc = enc_json_bool(json, "use_skip_connections", &to->skips, err);
    if (rc == ENC_OK)
        rc = read_clip(json, "cell_clip", &to->cell_clip, err);
    if (rc == ENC_OK)
        rc = read_clip(json, "proj_clip", &to->projection_clip, err);
    to->width = (size_t)s->projection;
    to->cell = (size_t)s->cell;
    return rc;
}

static int read_options(const char *folder, enc_elmo *to, sizes *s, enc_digest *digest,
                        enc_error *err)
{
    enc_json json, part;
    bool both = true;
    int rc = enc_json_load(folder, options_name, &json, err);
    if (rc == ENC_OK)
        rc = enc_json_bool(&json, "bidirectional", &both, err);
    if (rc == ENC_OK && !both)
        rc = enc_fail(err, ENC_UNSUPPORTED, "%s: bidirectional is false, which is not "
                      "implemented", json.name);
    if (rc == ENC_OK)
        rc = inside(&json, "char_cnn", &part, err);
    if (rc == ENC_OK)
        rc = read_characters(&part, to, s, err);
    if (rc == ENC_OK)
        rc = inside(&json, "lstm", &part, err);
    if (rc == ENC_OK)
        rc = read_lstm(&part, to, s, err);
    enc_json_free(&json);
    if (rc != ENC_OK)
        return rc;
    float clips[] = {to->cell_clip, to->projection_clip};
    enc_digest_bytes(digest, clips, sizeof clips);
    enc_digest_number(digest, to->skips);
    enc_digest_number(digest, to->activation);
    enc_digest_number(digest, (int64_t)to->word_length);
    return ENC_OK;
}

/* ---- weights.hdf5 -------------------------------------------------------------------- */

typedef struct binder {
    enc_model *model;
    enc_checkpoint *checkpoint;
    enc_digest *digest;
    enc_error *err;
    int code; /* of the first failure: what follows does nothing */
} binder;

/* The tensor of that shape, in fresh memory for enc_free; NULL once something has failed. */
static float *load(binder *b, const char *name, int rank, const int64_t *shape)
{
    char is[ENC_SHAPE_SHOWN], must[ENC_SHAPE_SHOWN];
    if (b->code != ENC_OK)
        return NULL;
    enc_tensor *tensor = enc_checkpoint_find(b->checkpoint, name);
    if (!tensor) {
        b->code = enc_fail(b->err, ENC_CORRUPT, "%s has no '%s', which %s asks for",
                           weights_name, name, options_name);
        return NULL;
    }
    bool same = tensor->rank == rank;
    for (int i = 0; same && i < rank; i++)
        same = tensor->shape[i] == shape[i];
    if (!same) {
        b->code = enc_fail(b->err, ENC_CORRUPT, "%s: '%s' has shape %s, %s says %s",
                           weights_name, name,
                           enc_shape_show(tensor->shape, tensor->rank, is), options_name,
                           enc_shape_show(shape, rank, must));
        return NULL;
    }
    float *out = ENC_ALLOC(float, (size_t)enc_tensor_elements(tensor));
    b->code = out ? enc_checkpoint_read(b->checkpoint, tensor, out, b->digest, b->err)
                  : enc_nomem(b->err);
    b->model->info.parameters += (int64_t)enc_tensor_elements(tensor);
    if (b->code == ENC_OK)
        return out;
    enc_free(out);
    return NULL;
}

static float *keep(binder *b, const float *from, size_t count)
{
    float *kept = b->code == ENC_OK ? enc_model_alloc(b->model, count, sizeof *kept) : NULL;
    if (kept)
        memcpy(kept, from, count * sizeof *kept);
    else if (b->code == ENC_OK)
        b->code = enc_nomem(b->err);
    return kept;
}

/* matrix [in, out] row by row, bias [out] or NULL */
static void pack(binder *b, const float *matrix, const float *bias, size_t in, size_t out,
                 enc_linear *to)
{
    if (b->code != ENC_OK)
        return;
    const enc_ops *ops = b->model->ops;
    float *packed = enc_model_alloc(b->model, ops->packed_size(out, in), sizeof *packed);
    if (!packed) {
        b->code = enc_nomem(b->err);
        return;
    }
    ops->pack(matrix, out, in, 1, out, packed);
    *to = (enc_linear){.in = in, .out = out, .packed = packed,
                       .bias = bias ? keep(b, bias, out) : NULL};
}

static void bind_linear(binder *b, const char *matrix_name, const char *bias_name, size_t in,
                        size_t out, enc_linear *to)
{
    int64_t shape[] = {(int64_t)in, (int64_t)out};
    float *matrix = load(b, matrix_name, 2, shape), *bias = load(b, bias_name, 1, shape + 1);
    pack(b, matrix, bias, in, out, to);
    enc_free(matrix);
    enc_free(bias);
}

static void bind_filter(binder *b, int number, const sizes *s, enc_elmo_filter *to)
{
    char matrix_name[32], bias_name[32];
    int width = s->filter[number][0], count = s->filter[number][1];
    int64_t shape[] = {1, width, s->character_width, count};
    snprintf(matrix_name, sizeof matrix_name, "CNN/W_cnn_%d", number);
    snprintf(bias_name, sizeof bias_name, "CNN/b_cnn_%d", number);
    float *matrix = load(b, matrix_name, 4, shape), *bias = load(b, bias_name, 1, shape + 3);
    to->width = (size_t)width;
    pack(b, matrix, bias, (size_t)width * (size_t)s->character_width, (size_t)count,
         &to->linear);
    enc_free(matrix);
    enc_free(bias);
}

static void bind_highway(binder *b, int number, size_t width, enc_elmo_highway *to)
{
    char names[4][40];
    static const char *const parts[] = {"W_transform", "b_transform", "W_carry", "b_carry"};
    for (int i = 0; i < 4; i++)
        snprintf(names[i], sizeof names[i], "CNN_high_%d/%s", number, parts[i]);
    bind_linear(b, names[0], names[1], width, width, &to->transform);
    bind_linear(b, names[2], names[3], width, width, &to->carry);
}

/* W_0 has the rows of the input above those of the state; TensorFlow adds 1 to the forget
** gate, which lets a state stay. */
static void bind_lstm(binder *b, int direction, int layer, const enc_elmo *e, enc_lstm *to)
{
    char names[3][80];
    static const char *const parts[] = {"W_0", "B", "W_P_0"};
    size_t gates = 4 * e->cell;
    int64_t all[] = {(int64_t)(2 * e->width), (int64_t)gates};
    int64_t last[] = {(int64_t)e->cell, (int64_t)e->width};
    for (int i = 0; i < 3; i++)
        snprintf(names[i], sizeof names[i], "RNN_%d/RNN/MultiRNNCell/Cell%d/LSTMCell/%s",
                 direction, layer, parts[i]);
    float *matrix = load(b, names[0], 2, all), *bias = load(b, names[1], 1, all + 1);
    float *projection = load(b, names[2], 2, last);
    for (size_t i = 2 * e->cell; projection && i < 3 * e->cell; i++)
        bias[i] += 1;
    pack(b, matrix, bias, e->width, gates, &to->input);
    pack(b, projection ? matrix + e->width * gates : NULL, NULL, e->width, gates,
         &to->recurrent);
    pack(b, projection, NULL, e->cell, e->width, &to->projection);
    enc_free(matrix);
    enc_free(bias);
    enc_free(projection);
}

static void bind_all(binder *b, const sizes *s, enc_elmo *to)
{
    int64_t table[] = {ENC_ELMO_CHARACTERS, s->character_width};
    float *characters = load(b, "char_embed", 2, table);
    to->characters = keep(b, characters, (size_t)(table[0] * table[1]));
    enc_free(characters);
    for (int i = 0; i < to->filters; i++)
        bind_filter(b, i, s, &to->filter[i]);
    for (int i = 0; i < to->highways; i++)
        bind_highway(b, i, to->features, &to->highway[i]);
    bind_linear(b, "CNN_proj/W_proj", "CNN_proj/b_proj", to->features, to->width,
                &to->projection);
    for (int layer = 0; layer < s->layers; layer++)
        for (int direction = 0; direction < 2; direction++)
            bind_lstm(b, direction, layer, to, &to->lstm[layer][direction]);
}

static int read_weights(enc_model *model, const char *folder, const sizes *s, enc_elmo *to,
                        enc_digest *digest, enc_error *err)
{
    binder b = {.model = model, .digest = digest, .err = err};
    b.code = enc_checkpoint_open_file(folder, weights_name, &enc_format_hdf5, &b.checkpoint,
                                      err);
    if (b.code == ENC_OK)
        bind_all(&b, s, to);
    if (b.code == ENC_OK)
        b.code = enc_checkpoint_unchanged(b.checkpoint, err);
    if (b.code == ENC_OK)
        b.code = enc_model_list_unused(model, b.checkpoint, err);
    enc_checkpoint_close(b.checkpoint);
    return b.code;
}

/* ---- Both ---------------------------------------------------------------------------- */

int enc_elmo_load_folder(enc_model *model, const char *folder, enc_digest *digest,
                         enc_error *err)
{
    sizes s = {0};
    enc_words words = {.spelled = true};
    if (model->scheme->type[ENC_ROLE_QKV] != ENC_WEIGHT_F32)
        return enc_fail(err, ENC_UNSUPPORTED, "quantize is '%s': an ELMo model is float32 alone, "
                        "'none'", model->scheme->name);
    enc_elmo *elmo = enc_model_alloc(model, 1, sizeof *elmo);
    if (!elmo)
        return enc_nomem(err);
    memset(elmo, 0, sizeof *elmo);
    enc_digest_text(digest, elmo_family.model_type);
    int rc = read_options(folder, elmo, &s, digest, err);
    if (rc == ENC_OK)
        rc = read_weights(model, folder, &s, elmo, digest, err);
    if (rc == ENC_OK)
        rc = enc_tokenizer_of_words(&words, &model->tokenizer, err);
    if (rc != ENC_OK)
        return rc;
    model->family = &elmo_family;
    model->elmo = elmo;
    model->words = enc_tokenizer_words(model->tokenizer);
    model->config.hidden_size = model->config.embedding_size = 2 * s.projection;
    model->config.layers = s.layers;
    model->config.embedding_scale = 1;
    model->modules.pooling = ENC_POOL_MEAN;
    model->modules.include_prompt = true;
    model->mixes_layers = true;
    model->info.dimensions = model->config.hidden_size;
    return ENC_OK;
}
