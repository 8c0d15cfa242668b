/*
** config.c - config.json: the encoder's sizes, checked before memory is taken by them.
**
** Sizes must be there; activation, eps and the number of segments have the defaults that
** the reference gives to absent keys. A key that would change the results and is not
** implemented is an error naming it.
*/
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
    return ENC_OK;
}

static int read_activation(const enc_json *json, const char *key, enc_config *out,
                           enc_error *err)
{
    const char *name = "gelu";
    int rc = enc_json_string(json, key, &name, err);
    if (rc != ENC_OK)
        return rc;
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (strcmp(activations[i].name, name) == 0) {
            out->activation = activations[i].activation;
            out->activation_name = activations[i].name;
            return ENC_OK;
        }
    return enc_fail(err, ENC_UNSUPPORTED,
                    "%s: %s '%s' is not implemented (gelu, gelu_new, quick_gelu, relu, "
                    "silu, tanh, ...)", enc_tail(json->name, ENC_TAIL), key,
                    enc_tail(name, ENC_TAIL));
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

/* Where positions begin, and whether there are rows for all relative ones. */
static int read_positions(const enc_json *json, const enc_family *family, enc_config *out,
                          enc_error *err)
{
    const char *const *key = family->spelling->key;
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

static int read_settings(const enc_json *json, const enc_family *family, enc_config *out,
                         enc_error *err)
{
    const enc_spelling *spelling = family->spelling;
    const char *key = spelling->key[ENC_KEY_NORM_EPS];
    double eps = 1e-12;
    int rc = read_sizes(json, spelling, out, err);
    if (rc == ENC_OK)
        rc = read_positions(json, family, out, err);
    if (rc == ENC_OK)
        rc = read_activation(json, spelling->key[ENC_KEY_ACTIVATION], out, err);
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
