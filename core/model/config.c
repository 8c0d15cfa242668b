/*
** config.c - config.json: the encoder's sizes, checked before memory is taken by them.
**
** Sizes must be there; activation, eps and the number of segments have the defaults that
** the reference gives to absent keys. A key that would change the results and is not
** implemented is an error naming it.
*/
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "file.h"
#include "json.h"
#include "load.h"

static const struct size {
    enum enc_key key;
    size_t place; /* in enc_config */
    int max;      /* 1 ... max */
    bool required;
} sizes[] = {
    {ENC_KEY_WIDTH, offsetof(enc_config, hidden_size), 65536, true},
    {ENC_KEY_EMBEDDING_WIDTH, offsetof(enc_config, embedding_size), 65536, true},
    {ENC_KEY_LAYERS, offsetof(enc_config, layers), 1024, true},
    {ENC_KEY_HEADS, offsetof(enc_config, heads), 1024, true},
    {ENC_KEY_FFN, offsetof(enc_config, ffn_size), 1 << 20, true},
    {ENC_KEY_VOCABULARY, offsetof(enc_config, vocabulary), 1 << 24, true},
    {ENC_KEY_POSITIONS, offsetof(enc_config, positions), 1 << 20, true},
    {ENC_KEY_TYPES, offsetof(enc_config, types), 1024, false},
};

/* The activation, as transformers names them; gelu_new, gelu_fast, gelu_accurate and
** gelu_pytorch_tanh are one function written in four ways. */
static const struct activation {
    const char *name;
    enum enc_activation activation;
} activations[] = {
    {"gelu", ENC_ACT_GELU},
    {"gelu_python", ENC_ACT_GELU},
    {"gelu_new", ENC_ACT_GELU_TANH},
    {"gelu_fast", ENC_ACT_GELU_TANH},
    {"gelu_accurate", ENC_ACT_GELU_TANH},
    {"gelu_pytorch_tanh", ENC_ACT_GELU_TANH},
    {"quick_gelu", ENC_ACT_GELU_QUICK},
    {"relu", ENC_ACT_RELU},
    {"silu", ENC_ACT_SILU},
    {"swish", ENC_ACT_SILU},
    {"tanh", ENC_ACT_TANH},
    {"sigmoid", ENC_ACT_SIGMOID},
    {"linear", ENC_ACT_NONE},
};

/* The same after a gate, in the words of the papers (Shazeer 2020, "GLU variants"). */
static const struct activation gates[] = {
    {"swiglu", ENC_ACT_SILU},
    {"geglu", ENC_ACT_GELU},
    {"glu", ENC_ACT_SIGMOID},
};

static int read_family(const enc_json *json, const enc_family **out, enc_error *err)
{
    const char *type = NULL;
    int rc = enc_json_require(json, "model_type", err);
    if (rc == ENC_OK)
        rc = enc_json_string(json, "model_type", &type, err);
    if (rc != ENC_OK)
        return rc;
    *out = enc_family_find(type);
    if (!*out)
        return enc_fail(err, ENC_UNSUPPORTED,
                        "%s: model_type '%s' is not an encoder this build runs (%s)",
                        enc_tail(json->name, ENC_TAIL), enc_tail(type, ENC_TAIL),
                        enc_family_names());
    return ENC_OK;
}

/* Heads whose width is said and is not their share of the hidden state. */
static int check_head_size(const enc_json *json, const enc_spelling *spelling,
                           const enc_config *config, enc_error *err)
{
    const char *key = spelling->key[ENC_KEY_HEAD_SIZE];
    int size = config->head_size;
    int rc = key ? enc_json_int(json, key, 1, 65536, &size, err) : ENC_OK;
    if (rc != ENC_OK || size == config->head_size)
        return rc;
    return enc_fail(err, ENC_UNSUPPORTED, "%s: %s is %d, only %s / %s = %d is implemented",
                    enc_tail(json->name, ENC_TAIL), key, size, spelling->key[ENC_KEY_WIDTH],
                    spelling->key[ENC_KEY_HEADS], config->head_size);
}

static int read_sizes(const enc_json *json, const enc_spelling *spelling, enc_config *out,
                      enc_error *err)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const struct size *size = &sizes[i];
        const char *key = spelling->key[size->key];
        int *to = (int *)(void *)((char *)out + size->place);
        int rc = key && size->required ? enc_json_require(json, key, err) : ENC_OK;
        if (key && rc == ENC_OK)
            rc = enc_json_int(json, key, 1, size->max, to, err);
        if (rc != ENC_OK)
            return rc;
    }
    if (out->hidden_size % out->heads != 0)
        return enc_fail(err, ENC_CORRUPT,
                        "%s: %s %d is not divisible by %s %d",
                        enc_tail(json->name, ENC_TAIL), spelling->key[ENC_KEY_WIDTH],
                        out->hidden_size, spelling->key[ENC_KEY_HEADS], out->heads);
    if (!spelling->key[ENC_KEY_EMBEDDING_WIDTH])
        out->embedding_size = out->hidden_size;
    out->head_size = out->hidden_size / out->heads;
    return check_head_size(json, spelling, out, err);
}

static int read_activation(const enc_json *json, const enc_spelling *spelling,
                           enc_config *out, enc_error *err)
{
    const struct activation *table = spelling->glu ? gates : activations;
    size_t count = spelling->glu ? sizeof gates / sizeof *gates
                                 : sizeof activations / sizeof *activations;
    const char *key = spelling->key[ENC_KEY_ACTIVATION];
    const char *name = spelling->activation ? spelling->activation : "gelu";
    int rc = enc_json_string(json, key, &name, err);
    if (rc != ENC_OK)
        return rc;
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0) {
            out->activation = table[i].activation;
            out->activation_name = table[i].name;
            return ENC_OK;
        }
    return enc_fail(err, ENC_UNSUPPORTED, "%s: %s '%s' is not implemented (%s)",
                    enc_tail(json->name, ENC_TAIL), key, enc_tail(name, ENC_TAIL),
                    spelling->glu ? "swiglu, geglu, glu"
                                  : "gelu, gelu_new, quick_gelu, relu, silu, tanh, ...");
}

/* Settings under which the reference computes something else than this encoder. */
static int refuse_variants(const enc_json *json, enc_error *err)
{
    static const char *const flags[] = {"is_decoder", "add_cross_attention"};
    const char *name = enc_tail(json->name, ENC_TAIL), *positions = "absolute";
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        bool set = false;
        int rc = enc_json_bool(json, flags[i], &set, err);
        if (rc != ENC_OK)
            return rc;
        if (set)
            return enc_fail(err, ENC_UNSUPPORTED,
                            "%s: %s is true, which is not implemented", name, flags[i]);
    }
    int rc = enc_json_string(json, "position_embedding_type", &positions, err);
    if (rc != ENC_OK)
        return rc;
    if (strcmp(positions, "absolute") != 0)
        return enc_fail(err, ENC_UNSUPPORTED,
                        "%s: position_embedding_type '%s' is not implemented (absolute)",
                        name, enc_tail(positions, ENC_TAIL));
    if (enc_json_has(json, "quantization_config"))
        return enc_fail(err, ENC_UNSUPPORTED,
                        "%s: quantization_config is there: weights are read as floats only",
                        name);
    if (json_object_size(json_object_get(json->value, "pruned_heads")) > 0)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: pruned_heads are not implemented", name);
    return ENC_OK;
}

/* A number, true (1), false or null (0); NaN for anything else. */
static double number_of(const json_t *value)
{
    if (json_is_number(value))
        return json_number_value(value);
    return json_is_true(value) ? 1 : json_is_false(value) || json_is_null(value) ? 0 : NAN;
}

static int refuse_unfixed(const enc_json *json, const enc_spelling *spelling, enc_error *err)
{
    for (const enc_fixed *fixed = spelling->fixed; fixed && fixed->key; fixed++) {
        const json_t *value = json_object_get(json->value, fixed->key);
        char shown[ENC_JSON_SHOWN];
        if (value && number_of(value) == fixed->value)
            continue;
        if (!value && fixed->absent == fixed->value)
            continue;
        return enc_fail(err, ENC_UNSUPPORTED, "%s: %s is %s, which is not implemented",
                        enc_tail(json->name, ENC_TAIL), fixed->key,
                        value ? enc_json_show(value, shown) : "missing");
    }
    return ENC_OK;
}

/* Where positions begin, and whether there are rows for all relative ones. */
static int read_positions(const enc_json *json, const enc_family *family,
                          const enc_spelling *spelling, enc_config *out, enc_error *err)
{
    const char *const *key = spelling->key;
    out->positions_key = key[ENC_KEY_POSITIONS];
    if (family->position == ENC_POSITION_AFTER_PAD)
        out->first_position = family->padding_idx + 1;
    if (out->positions <= out->first_position)
        return enc_fail(err, ENC_CORRUPT, "%s: %s is %d, positions begin at %d",
                        enc_tail(json->name, ENC_TAIL), key[ENC_KEY_POSITIONS],
                        out->positions, out->first_position);
    out->relative_rows = family->relative_buckets;
    if (!key[ENC_KEY_RELATIVE_BUCKETS])
        return ENC_OK;
    return enc_json_int(json, key[ENC_KEY_RELATIVE_BUCKETS], family->relative_buckets, 65536,
                        &out->relative_rows, err);
}

/* The base of rotary positions, by itself or in an object that may ask for other rotations. */
static int read_rotary(const enc_json *json, const enc_spelling *spelling, enc_config *out,
                       enc_error *err)
{
    const char *key = spelling->key[ENC_KEY_ROTARY], *type = "default";
    const char *name = enc_tail(json->name, ENC_TAIL);
    double base = (double)spelling->rotary_base;
    enc_json inside = {NULL, json->name};
    int rc = ENC_OK;
    if (key)
        rc = enc_json_container(json, key, JSON_OBJECT, &inside.value, err);
    if (rc == ENC_OK && inside.value)
        rc = enc_json_string(&inside, "rope_type", &type, err);
    if (rc != ENC_OK)
        return rc;
    if (strcmp(type, "default") != 0)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: rope_type '%s' is not implemented (default)",
                        name, enc_tail(type, ENC_TAIL));
    if (out->head_size % 2 != 0)
        return enc_fail(err, ENC_CORRUPT, "%s: heads have %d numbers, rotary positions turn "
                        "pairs of them", name, out->head_size);
    const char *of_base = spelling->key[ENC_KEY_ROTARY_BASE];
    bool within = inside.value && enc_json_has(&inside, of_base);
    rc = enc_json_real(within ? &inside : json, of_base, 0, 1e12, "more than 0, at most 1e12",
                       &base, err);
    out->rotary_base = (float)base;
    return rc;
}

/* The first spelling that the file uses; the first of all if it uses none. */
static const enc_spelling *find_spelling(const enc_json *json, const enc_family *family)
{
    const enc_spelling *other = family->spelling[1];
    return other && enc_json_has(json, other->key[ENC_KEY_WIDTH]) &&
           !enc_json_has(json, family->spelling[0]->key[ENC_KEY_WIDTH])
               ? other : family->spelling[0];
}

static int read_settings(const enc_json *json, const enc_family *family, enc_config *out,
                         enc_error *err)
{
    const enc_spelling *spelling = find_spelling(json, family);
    const char *key = spelling->key[ENC_KEY_NORM_EPS];
    double eps = 1e-12;
    int rc = refuse_unfixed(json, spelling, err);
    if (rc == ENC_OK)
        rc = read_sizes(json, spelling, out, err);
    if (rc == ENC_OK)
        rc = read_positions(json, family, spelling, out, err);
    if (rc == ENC_OK && family->position == ENC_POSITION_ROTARY)
        rc = read_rotary(json, spelling, out, err);
    if (rc == ENC_OK)
        rc = read_activation(json, spelling, out, err);
    if (rc == ENC_OK && key)
        rc = enc_json_real(json, key, 0, 0.1, "more than 0, at most 0.1", &eps, err);
    out->norm_eps = (float)eps;
    return rc;
}

int enc_config_read(const char *folder, const char *part, const enc_family **family,
                    enc_config *out, enc_error *err)
{
    enc_json json = ENC_JSON_NONE;
    *out = (enc_config){.types = 2};
    char *name = enc_path_join(part, "config.json");
    int rc = name ? enc_json_load(folder, name, &json, err) : enc_nomem(err);
    enc_free(name);
    if (rc == ENC_OK)
        rc = read_family(&json, family, err);
    if (rc == ENC_OK)
        rc = refuse_variants(&json, err);
    if (rc == ENC_OK)
        rc = read_settings(&json, *family, out, err);
    enc_json_free(&json);
    return rc;
}
