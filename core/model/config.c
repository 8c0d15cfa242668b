/*
** config.c - config.json: the encoder's sizes, checked before memory is taken by them.
**
** Sizes must be there; activation, eps and the number of segments have the defaults that
** the reference gives to absent keys. A key that would change the results and is not
** implemented is an error naming it.
*/
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "file.h"
#include "memory.h"

static const struct size {
    enum enc_key key;
    size_t place; /* in enc_config */
    int max;      /* 1 ... max */
    bool required;
} sizes[] = {
    {ENC_KEY_WIDTH, offsetof(enc_config, hidden_size), 65536, true},
    {ENC_KEY_EMBEDDING_WIDTH, offsetof(enc_config, embedding_size), 65536, true},
    {ENC_KEY_LAYERS, offsetof(enc_config, layers), ENC_MAX_LAYERS, true},
    {ENC_KEY_HEADS, offsetof(enc_config, heads), 1024, true},
    {ENC_KEY_KV_HEADS, offsetof(enc_config, kv_heads), 1024, false},
    {ENC_KEY_HEAD_SIZE, offsetof(enc_config, head_size), 65536, false},
    {ENC_KEY_FFN, offsetof(enc_config, ffn_size), 1 << 20, false},
    {ENC_KEY_VOCABULARY, offsetof(enc_config, vocabulary), 1 << 24, true},
    {ENC_KEY_POSITIONS, offsetof(enc_config, positions), 1 << 24, true},
    {ENC_KEY_TYPES, offsetof(enc_config, types), 1024, false},
    {ENC_KEY_GROUPS, offsetof(enc_config, groups), ENC_MAX_LAYERS, false},
    {ENC_KEY_RELATIVE_BUCKETS, offsetof(enc_config, relative_rows), 65536, false},
    {ENC_KEY_RELATIVE_REACH, offsetof(enc_config, relative_reach), 1 << 14, false},
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

/* BERT's own configurations, and those of its first descendants of the same build (SciBERT,
** BioBERT), are older than model_type. They say nothing that another family's don't, but leave
** out what those need; where the weights are those of another family, their names tell. */
static bool is_first_bert(const enc_json *json)
{
    const json_t *classes = json_object_get(json->value, "architectures");
    const char *class = json_string_value(json_array_get(classes, 0));
    return !enc_json_has(json, "model_type") && !enc_json_has(json, "embedding_size") &&
           json_integer_value(json_object_get(json->value, "type_vocab_size")) == 2 &&
           (!class || strncmp(class, "Bert", 4) == 0);
}

static int read_family(const enc_json *json, const enc_family **out, enc_error *err)
{
    const char *type = "bert";
    int rc = is_first_bert(json) ? ENC_OK : enc_json_require(json, "model_type", err);
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

/* D / H where nothing else is said; H a multiple of G. */
static int check_heads(const enc_json *json, const enc_spelling *spelling, enc_config *out,
                       enc_error *err)
{
    const char *const *key = spelling->key;
    const char *name = enc_tail(json->name, ENC_TAIL);
    if (out->head_size == 0)
        out->head_size = spelling->head_size;
    if (out->head_size == 0 && out->hidden_size % out->heads != 0)
        return enc_fail(err, ENC_CORRUPT, "%s: %s %d is not divisible by %s %d", name,
                        key[ENC_KEY_WIDTH], out->hidden_size, key[ENC_KEY_HEADS], out->heads);
    if (out->head_size == 0)
        out->head_size = out->hidden_size / out->heads;
    if (out->kv_heads == 0)
        out->kv_heads = out->heads;
    if (out->heads % out->kv_heads != 0)
        return enc_fail(err, ENC_CORRUPT, "%s: %s %d is not divisible by %s %d", name,
                        key[ENC_KEY_HEADS], out->heads, key[ENC_KEY_KV_HEADS], out->kv_heads);
    return ENC_OK;
}

static int read_sizes(const enc_json *json, const enc_spelling *spelling, enc_config *out,
                      enc_error *err)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const struct size *size = &sizes[i];
        const char *key = spelling->key[size->key];
        int *to = (int *)(void *)((char *)out + size->place);
        bool plain = spelling->plain_embeddings;
        bool needed = size->key == ENC_KEY_FFN ? !spelling->ffn_factor
                    : size->key == ENC_KEY_EMBEDDING_WIDTH ? !plain : size->required;
        int least = size->key == ENC_KEY_TYPES && plain ? 0 : 1;
        int rc = key && needed ? enc_json_require(json, key, err) : ENC_OK;
        if (key && rc == ENC_OK)
            rc = enc_json_int(json, key, least, size->max, to, err);
        if (rc != ENC_OK)
            return rc;
    }
    if (out->embedding_size == 0)
        out->embedding_size = out->hidden_size;
    if (out->ffn_size == 0)
        out->ffn_size = spelling->ffn_factor * out->hidden_size;
    if (!spelling->key[ENC_KEY_GROUPS])
        out->groups = out->layers;
    if (out->groups > out->layers)
        return enc_fail(err, ENC_CORRUPT, "%s: %s is %d, there are %d layers",
                        enc_tail(json->name, ENC_TAIL), spelling->key[ENC_KEY_GROUPS],
                        out->groups, out->layers);
    return check_heads(json, spelling, out, err);
}

static const struct activation *find_activation(const struct activation *table, size_t count,
                                                const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

/* "gated-gelu" -> "gelu_new", as T5's code has it; the gate is told by *gated. */
static const char *without_gate(const char *name, bool *gated)
{
    static const char prefix[] = "gated-";
    *gated = strncmp(name, prefix, sizeof prefix - 1) == 0;
    if (!*gated)
        return name;
    name += sizeof prefix - 1;
    return strcmp(name, "gelu") == 0 ? "gelu_new" : name;
}

static int pick_activation(const enc_json *json, const char *key, const char *name, bool glu,
                           enum enc_activation *out, const char **shown, enc_error *err)
{
    const struct activation *found =
        glu ? find_activation(gates, sizeof gates / sizeof *gates, name)
            : find_activation(activations, sizeof activations / sizeof *activations, name);
    if (!found)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: %s '%s' is not implemented (%s)",
                        enc_tail(json->name, ENC_TAIL), key, enc_tail(name, ENC_TAIL),
                        glu ? "swiglu, geglu, glu"
                            : "gelu, gelu_new, quick_gelu, relu, silu, tanh, ...");
    *out = found->activation;
    *shown = found->name;
    return ENC_OK;
}

int enc_config_activation(const enc_json *json, const char *key, const char *absent,
                          enum enc_activation *out, const char **name, enc_error *err)
{
    const char *said = absent;
    int rc = enc_json_string(json, key, &said, err);
    return rc == ENC_OK ? pick_activation(json, key, said, false, out, name, err) : rc;
}

static int read_activation(const enc_json *json, const enc_spelling *spelling,
                           enc_config *out, enc_error *err)
{
    const char *key = spelling->key[ENC_KEY_ACTIVATION];
    const char *alone = spelling->key[ENC_KEY_ACTIVATION_ALONE];
    const char *name = spelling->activation ? spelling->activation : "gelu";
    int rc = key ? enc_json_string(json, key, &name, err) : ENC_OK;
    if (rc == ENC_OK && spelling->gated_prefix)
        name = without_gate(name, &out->gated);
    if (rc == ENC_OK && spelling->key[ENC_KEY_GATED])
        rc = enc_json_bool(json, spelling->key[ENC_KEY_GATED], &out->gated, err);
    if (rc == ENC_OK && alone && enc_json_has(json, alone)) {
        key = alone;
        rc = enc_json_string(json, key, &name, err);
    }
    return rc == ENC_OK ? pick_activation(json, key, name, spelling->glu, &out->activation,
                                          &out->activation_name, err) : rc;
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

/* `used`: the spelling is the file's, and what is absent has a meaning. */
static int refuse_unfixed(const enc_json *json, const enc_spelling *spelling, bool used,
                          enc_error *err)
{
    for (const enc_fixed *fixed = spelling->fixed; fixed && fixed->key; fixed++) {
        const json_t *value = json_object_get(json->value, fixed->key);
        char shown[ENC_JSON_SHOWN];
        if (value && number_of(value) == fixed->value)
            continue;
        if (!value && (!used || fixed->absent == fixed->value))
            continue;
        return enc_fail(err, ENC_UNSUPPORTED, "%s: %s is %s, which is not implemented",
                        enc_tail(json->name, ENC_TAIL), fixed->key,
                        value ? enc_json_show(value, shown) : "missing");
    }
    return ENC_OK;
}

/* Where positions begin. */
static int read_positions(const enc_json *json, const enc_family *family,
                          const enc_spelling *spelling, enc_config *out, enc_error *err)
{
    const char *const *key = spelling->key;
    int rc = ENC_OK;
    out->positions_key = key[ENC_KEY_POSITIONS];
    out->padding_idx = family->padding_idx;
    if (key[ENC_KEY_PADDING])
        rc = enc_json_int(json, key[ENC_KEY_PADDING], 0, out->vocabulary - 1,
                          &out->padding_idx, err);
    if (rc == ENC_OK && key[ENC_KEY_ABSOLUTE]) {
        bool absolute = true;
        rc = enc_json_bool(json, key[ENC_KEY_ABSOLUTE], &absolute, err);
        out->without_positions = !absolute;
    }
    if (rc == ENC_OK && family->position == ENC_POSITION_AFTER_PAD)
        out->first_position = out->padding_idx + 1;
    if (rc == ENC_OK && out->positions_key && out->positions <= out->first_position)
        return enc_fail(err, ENC_CORRUPT, "%s: %s is %d, positions begin at %d",
                        enc_tail(json->name, ENC_TAIL), key[ENC_KEY_POSITIONS],
                        out->positions, out->first_position);
    return rc;
}

/* Buckets and reach of relative positions, from config.json or as the family has them; and
** whether the table has rows for all buckets. */
static int check_relative(const enc_json *json, const enc_family *family,
                          const enc_spelling *spelling, enc_config *out, enc_error *err)
{
    const char *const *key = spelling->key;
    int least = family->relative_buckets ? family->relative_buckets : 4;
    if (family->relative != ENC_RELATIVE_BUCKETS)
        return ENC_OK;
    if (out->relative_rows == 0)
        out->relative_rows = family->relative_buckets ? family->relative_buckets : 32;
    out->relative_buckets =
        family->relative_buckets ? family->relative_buckets : out->relative_rows;
    if (out->relative_reach == 0)
        out->relative_reach = family->relative_reach;
    if (out->relative_rows < least)
        return enc_fail(err, ENC_CORRUPT, "%s: %s is %d, must be %d ... 65536",
                        enc_tail(json->name, ENC_TAIL), key[ENC_KEY_RELATIVE_BUCKETS],
                        out->relative_rows, least);
    if (out->relative_reach <= out->relative_buckets / 4)
        return enc_fail(err, ENC_CORRUPT, "%s: %s is %d, must be more than a quarter of the %d "
                        "buckets", enc_tail(json->name, ENC_TAIL),
                        key[ENC_KEY_RELATIVE_REACH], out->relative_reach,
                        out->relative_buckets);
    return ENC_OK;
}

/* Which linear layers and norms have a bias. */
static int read_biases(const enc_json *json, const enc_family *family,
                       const enc_spelling *spelling, enc_config *out, enc_error *err)
{
    int rc = ENC_OK;
    out->biases = family->biases;
    for (const enc_bias_key *key = spelling->biases; rc == ENC_OK && key && key->key; key++) {
        bool has = false;
        rc = enc_json_bool(json, key->key, &has, err);
        if (has)
            out->biases |= key->biases;
    }
    return rc;
}

/* The numbers that products of queries and keys are multiplied by. */
static int read_scales(const enc_json *json, const enc_family *family,
                       const enc_spelling *spelling, enc_config *out, enc_error *err)
{
    const char *const *key = spelling->key;
    static const char range[] = "more than 0, at most 1e9";
    double divisor = spelling->attention_scale ? spelling->attention_scale : out->head_size;
    bool scales = !family->unscaled_attention;
    int rc = ENC_OK;
    if (key[ENC_KEY_ATTENTION_SCALE])
        rc = enc_json_real(json, key[ENC_KEY_ATTENTION_SCALE], 0, 1e9, range, &divisor, err);
    if (rc == ENC_OK && key[ENC_KEY_SCALE_ATTENTION])
        rc = enc_json_bool(json, key[ENC_KEY_SCALE_ATTENTION], &scales, err);
    if (rc == ENC_OK && key[ENC_KEY_SCALE_BY_LAYER])
        rc = enc_json_bool(json, key[ENC_KEY_SCALE_BY_LAYER], &out->scale_by_layer, err);
    out->attention_scale = scales ? 1.0f / sqrtf((float)divisor) : 1;
    out->embedding_scale = family->scaled_embeddings ? sqrtf((float)out->hidden_size) : 1;
    return rc;
}

/* Which keys a query sees. */
static int read_mask(const enc_json *json, const enc_family *family,
                     const enc_spelling *spelling, enc_config *out, enc_error *err)
{
    const char *key = spelling->key[ENC_KEY_CAUSAL];
    bool causal = true;
    int rc = key ? enc_json_bool(json, key, &causal, err) : ENC_OK;
    out->causal = family->causal && causal;
    return rc == ENC_OK ? enc_config_layers(json, spelling, out, err) : rc;
}

/* "BertForMaskedLM", "GPT2LMHeadModel", "LlamaForCausalLM" have a head, "BertModel" has none. */
static int read_architecture(const enc_json *json, enc_lm_config *out, enc_error *err)
{
    json_t *list = NULL;
    int rc = enc_json_container(json, "architectures", JSON_ARRAY, &list, err);
    const char *name = json_string_value(json_array_get(list, 0));
    out->saved = !name || strstr(name, "LM");
    snprintf(out->saved_as, sizeof out->saved_as, "%s", name ? name : "");
    return rc;
}

static int read_lm(const enc_json *json, const enc_spelling *spelling, enc_config *out,
                   enc_error *err)
{
    static const char tied_key[] = "tie_word_embeddings";
    const char *key = spelling->lm_activation, *name = "gelu";
    bool tied = false;
    double softcap = 0;
    out->lm.activation = out->activation;
    int rc = read_architecture(json, &out->lm, err);
    if (rc == ENC_OK)
        rc = enc_json_bool(json, tied_key, &tied, err);
    if (rc == ENC_OK)
        rc = enc_json_real(json, "final_logit_softcapping", 0, 1e30, "more than 0", &softcap,
                           err);
    if (rc == ENC_OK && key)
        rc = enc_json_string(json, key, &name, err);
    if (rc != ENC_OK)
        return rc;
    out->lm.tied = enc_json_has(json, tied_key) ? tied : -1;
    out->lm.softcap = (float)softcap;
    if (!key)
        return ENC_OK;
    const struct activation *found =
        find_activation(activations, sizeof activations / sizeof *activations, name);
    if (!found)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: %s '%s' is not implemented",
                        enc_tail(json->name, ENC_TAIL), key, enc_tail(name, ENC_TAIL));
    out->lm.activation = found->activation;
    return ENC_OK;
}

/* The first spelling that the file uses; the first of all if it uses none. */
static const enc_spelling *find_spelling(const enc_json *json, const enc_family *family)
{
    for (size_t i = 0; i < ENC_MAX_SPELLINGS && family->spelling[i]; i++)
        if (enc_json_has(json, family->spelling[i]->key[ENC_KEY_WIDTH]))
            return family->spelling[i];
    return family->spelling[0];
}

static int read_settings(const enc_json *json, const enc_family *family, enc_config *out,
                         enc_error *err)
{
    typedef int step(const enc_json *, const enc_family *, const enc_spelling *, enc_config *,
                     enc_error *);
    static step *const steps[] = {read_positions, check_relative, read_biases, read_scales,
                                  read_mask};
    const enc_spelling *spelling = find_spelling(json, family);
    const char *key = spelling->key[ENC_KEY_NORM_EPS];
    double eps = spelling->norm_eps > 0 ? spelling->norm_eps : 1e-12;
    out->gated = family->ffn == ENC_FFN_GATED;
    out->types = spelling->plain_embeddings ? 0 : 2;
    int rc = ENC_OK;
    /* A file may have the settings of one spelling and leftovers of the other. */
    for (size_t i = 0; rc == ENC_OK && i < ENC_MAX_SPELLINGS && family->spelling[i]; i++)
        rc = refuse_unfixed(json, family->spelling[i], family->spelling[i] == spelling, err);
    if (rc == ENC_OK)
        rc = read_sizes(json, spelling, out, err);
    for (size_t i = 0; rc == ENC_OK && i < sizeof steps / sizeof *steps; i++)
        rc = steps[i](json, family, spelling, out, err);
    if (rc == ENC_OK && family->relative == ENC_RELATIVE_DISENTANGLED)
        rc = enc_config_disentangled(json, spelling, out, err);
    if (rc == ENC_OK && family->position == ENC_POSITION_ROTARY)
        rc = enc_config_rope(json, spelling, out, err);
    if (rc == ENC_OK)
        rc = read_activation(json, spelling, out, err);
    if (rc == ENC_OK)
        rc = read_lm(json, spelling, out, err);
    if (rc == ENC_OK && key)
        rc = enc_json_real(json, key, 0, 0.1, "more than 0, at most 0.1", &eps, err);
    out->norm_eps = (float)eps;
    return rc;
}

int enc_config_parse(const enc_json *json, const enc_family **family, enc_config *out,
                     enc_error *err)
{
    *out = (enc_config){.groups = 1};
    int rc = read_family(json, family, err);
    if (rc == ENC_OK)
        rc = refuse_variants(json, err);
    return rc == ENC_OK ? read_settings(json, *family, out, err) : rc;
}

/* The reference puts an adapter's weights (Hu et al. 2021, "LoRA") on top where it finds them. */
static int refuse_adapter(const char *folder, const char *part, enc_error *err)
{
    enc_json json = ENC_JSON_NONE;
    char *name = enc_path_join(part, "adapter_config.json");
    int rc = name ? enc_json_load_if_there(folder, name, &json, err) : enc_nomem(err);
    if (rc == ENC_OK && json.value)
        rc = enc_fail(err, ENC_UNSUPPORTED, "%s is there: adapters are not implemented; save "
                      "the model with them merged (peft's merge_and_unload)",
                      enc_tail(json.name, ENC_TAIL));
    enc_json_free(&json);
    enc_free(name);
    return rc;
}

int enc_config_read(const char *folder, const char *part, const enc_family **family,
                    enc_config *out, enc_error *err)
{
    enc_json json = ENC_JSON_NONE;
    int rc = refuse_adapter(folder, part, err);
    if (rc != ENC_OK)
        return rc;
    char *name = enc_path_join(part, "config.json");
    rc = name ? enc_json_load(folder, name, &json, err) : enc_nomem(err);
    enc_free(name);
    if (rc == ENC_OK)
        rc = enc_config_parse(&json, family, out, err);
    enc_json_free(&json);
    return rc;
}
