/* gguf_config.c - see gguf_config.h. */
#include "gguf_config.h"

#include <stdio.h>
#include <string.h>

#include "encoder.h"
#include "memory.h"
#include "names.h"

enum { KEY_SIZE = 192, NAME_SIZE = 96 };

/* ---- Architectures ------------------------------------------------------------------------ */

static const struct architecture {
    const char *name;       /* general.architecture */
    const char *model_type; /* the family */
    const enc_names *names;
    const char *first;      /* of the names of block 0 */
    bool bidirectional;     /* although the family is causal */
} architectures[] = {
    {"bert", "bert", &enc_names_gguf_bert, "blk.0.", false},
    {"nomic-bert", "nomic_bert", &enc_names_gguf_nomic, "blk.0.", false},
    {"jina-bert-v2", "jina_bert_v2", &enc_names_gguf_jina_v2, "blk.0.", false},
    {"modern-bert", "modernbert", &enc_names_gguf_modernbert, "blk.0.", false},
    {"llama", "llama", &enc_names_gguf_llama, "blk.0.", false},
    {"qwen2", "qwen2", &enc_names_gguf_qwen2, "blk.0.", false},
    {"qwen3", "qwen3", &enc_names_gguf_qwen3, "blk.0.", false},
    {"gemma-embedding", "gemma3_text", &enc_names_gguf_gemma, "blk.0.", true},
    {"t5encoder", "t5", &enc_names_gguf_t5, "enc.blk.0.", false},
};

/* What is read from, and written to, while the object is built. */
typedef struct builder {
    const enc_gguf *gguf;
    const enc_checkpoint *checkpoint;
    const struct architecture *architecture;
    const enc_spelling *spelling;
    enc_names *names;
    json_t *object;
    enc_error *err;
} builder;

static int find_architecture(builder *b)
{
    static const char key[] = "general.architecture";
    char *name = NULL;
    int rc = enc_gguf_require(b->gguf, key, b->err);
    if (rc == ENC_OK)
        rc = enc_gguf_string(b->gguf, key, &name, b->err);
    for (size_t i = 0; name && i < sizeof architectures / sizeof *architectures; i++)
        if (strcmp(architectures[i].name, name) == 0)
            b->architecture = &architectures[i];
    if (rc == ENC_OK && !b->architecture)
        rc = enc_fail(b->err, ENC_UNSUPPORTED,
                      "%s: %s '%s' is not an encoder this build runs (bert, nomic-bert, "
                      "jina-bert-v2, modern-bert, llama, qwen2, qwen3, gemma-embedding, "
                      "t5encoder)", b->gguf->name, key, enc_tail(name, ENC_TAIL));
    enc_free(name);
    return rc;
}

/* "bert.block_count" */
static const char *key_of(const builder *b, const char *suffix, char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "%s.%s", b->architecture->name, suffix);
    return out;
}

/* A tensor of block 0, or, without `block`, of the whole. */
static const enc_tensor *tensor_of(const builder *b, bool block, const char *name)
{
    char whole[NAME_SIZE];
    snprintf(whole, sizeof whole, "%s%s", block ? b->architecture->first : "", name);
    return enc_checkpoint_find(b->checkpoint, whole);
}

/* ---- Values ------------------------------------------------------------------------------- */

static int put(builder *b, const char *key, json_t *value)
{
    return json_object_set_new(b->object, key, value) == 0 ? ENC_OK : enc_nomem(b->err);
}

/* One number for all blocks, although some files give a list with one for each. */
static int read_int(const builder *b, const char *suffix, int64_t *out)
{
    char key[KEY_SIZE];
    const enc_gguf_value *value = enc_gguf_find(b->gguf, key_of(b, suffix, key));
    if (!value || !value->list)
        return enc_gguf_int(b->gguf, key, 0, INT32_MAX, out, b->err);
    int rc = enc_gguf_list(b->gguf, key, ENC_GGUF_I32, &value, b->err);
    for (uint64_t i = 0; rc == ENC_OK && i < value->count; i++) {
        int64_t first = enc_gguf_int_at(b->gguf, value, 0);
        if (first < 0 || first > INT32_MAX || enc_gguf_int_at(b->gguf, value, i) != first)
            return enc_fail(b->err, ENC_UNSUPPORTED, "%s: %s differs between blocks (%lld, then "
                            "%lld), which is not implemented", b->gguf->name, key,
                            (long long)first, (long long)enc_gguf_int_at(b->gguf, value, i));
        *out = first;
    }
    return rc;
}

/* The setting as the family's spelling calls it. */
static int put_int(builder *b, enum enc_key to, int64_t number)
{
    const char *key = b->spelling->key[to];
    return key && number >= 0 ? put(b, key, json_integer(number)) : ENC_OK;
}

/* `fallback` below 0: none, the key may be absent. */
static int copy_real(builder *b, enum enc_key to, const char *suffix, const char *other,
                     double fallback)
{
    char key[KEY_SIZE];
    double number = fallback;
    int rc = ENC_OK;
    if (!b->spelling->key[to])
        return ENC_OK;
    if (other)
        rc = enc_gguf_real(b->gguf, key_of(b, other, key), &number, b->err);
    if (rc == ENC_OK)
        rc = enc_gguf_real(b->gguf, key_of(b, suffix, key), &number, b->err);
    return rc == ENC_OK && number >= 0 ? put(b, b->spelling->key[to], json_real(number)) : rc;
}

/* ---- Sizes -------------------------------------------------------------------------------- */

static int copy_sizes(builder *b)
{
    static const struct { enum enc_key to; const char *suffix; bool required; } sizes[] = {
        {ENC_KEY_WIDTH, "embedding_length", true},
        {ENC_KEY_LAYERS, "block_count", true},
        {ENC_KEY_HEADS, "attention.head_count", true},
        {ENC_KEY_FFN, "feed_forward_length", true},
        {ENC_KEY_POSITIONS, "context_length", true},
        {ENC_KEY_KV_HEADS, "attention.head_count_kv", false},
        {ENC_KEY_RELATIVE_BUCKETS, "attention.relative_buckets_count", false},
    };
    char key[KEY_SIZE];
    int rc = ENC_OK;
    for (size_t i = 0; rc == ENC_OK && i < sizeof sizes / sizeof *sizes; i++) {
        int64_t number = -1;
        if (sizes[i].required)
            rc = enc_gguf_require(b->gguf, key_of(b, sizes[i].suffix, key), b->err);
        if (rc == ENC_OK)
            rc = read_int(b, sizes[i].suffix, &number);
        if (rc == ENC_OK)
            rc = put_int(b, sizes[i].to, number);
    }
    return rc;
}

/* Rows of the token table and of that of segments. */
static int copy_tables(builder *b)
{
    const enc_tensor *tokens = tensor_of(b, false, "token_embd.weight");
    const enc_tensor *types = tensor_of(b, false, "token_types.weight");
    if (!tokens)
        return enc_fail(b->err, ENC_CORRUPT, "%s: tensor 'token_embd.weight' is missing",
                        b->gguf->name);
    int rc = put_int(b, ENC_KEY_VOCABULARY, tokens->shape[0]);
    if (rc == ENC_OK && types)
        rc = put_int(b, ENC_KEY_TYPES, types->shape[0]);
    return rc;
}

/* A head's width, where it is said: keys and values alike, all of it turned or a part. */
static int copy_heads(builder *b)
{
    int64_t width = 0, heads = 1, keys = 0, values, turned;
    int rc = read_int(b, "embedding_length", &width);
    if (rc == ENC_OK)
        rc = read_int(b, "attention.head_count", &heads);
    keys = heads > 0 ? width / heads : 0;
    if (rc == ENC_OK)
        rc = read_int(b, "attention.key_length", &keys);
    values = turned = keys;
    if (rc == ENC_OK)
        rc = read_int(b, "attention.value_length", &values);
    if (rc == ENC_OK)
        rc = read_int(b, "rope.dimension_count", &turned);
    if (rc == ENC_OK && values != keys)
        rc = enc_fail(b->err, ENC_UNSUPPORTED, "%s: %s.attention.value_length is %lld, must be "
                      "key_length %lld", b->gguf->name, b->architecture->name,
                      (long long)values, (long long)keys);
    if (rc == ENC_OK)
        rc = put_int(b, ENC_KEY_HEAD_SIZE, keys);
    if (rc == ENC_OK)
        rc = put_int(b, ENC_KEY_ATTENTION_SCALE, keys);
    if (rc == ENC_OK && turned != keys && keys > 0)
        rc = put(b, "partial_rotary_factor", json_real((double)turned / (double)keys));
    return rc;
}

/* ---- Rotary positions --------------------------------------------------------------------- */

/* The factor by which texts may be longer than those the model was trained on. */
static int put_scaling(builder *b, const char *type, double factor)
{
    static const struct { const char *suffix, *key; } numbers[] = {
        {"rope.scaling.original_context_length", "original_max_position_embeddings"},
        {"rope.scaling.yarn_attn_factor", "attention_factor"},
        {"rope.scaling.yarn_beta_fast", "beta_fast"},
        {"rope.scaling.yarn_beta_slow", "beta_slow"}};
    char key[KEY_SIZE];
    int rc = ENC_OK;
    json_t *object = json_pack("{ss sf}", "rope_type", type, "factor", factor);
    const char *to = b->spelling->key[ENC_KEY_ROTARY_SCALING];
    if (!object || !to) {
        json_decref(object);
        return object ? enc_fail(b->err, ENC_UNSUPPORTED, "%s: %s '%s' is not implemented for "
                                 "this architecture", b->gguf->name,
                                 key_of(b, "rope.scaling.type", key), type)
                      : enc_nomem(b->err);
    }
    for (size_t i = 0; rc == ENC_OK && i < sizeof numbers / sizeof *numbers; i++) {
        double number = 0;
        rc = enc_gguf_real(b->gguf, key_of(b, numbers[i].suffix, key), &number, b->err);
        if (rc == ENC_OK && enc_gguf_find(b->gguf, key) &&
            json_object_set_new(object, numbers[i].key, json_real(number)) != 0)
            rc = enc_nomem(b->err);
    }
    if (rc == ENC_OK)
        return put(b, to, object);
    json_decref(object);
    return rc;
}

static int copy_rope(builder *b)
{
    char key[KEY_SIZE], *type = NULL;
    double factor = 0;
    int rc = copy_real(b, ENC_KEY_ROTARY_BASE, "rope.freq_base", NULL, 10000);
    if (rc == ENC_OK)
        rc = copy_real(b, ENC_KEY_ROTARY_LOCAL_BASE, "rope.freq_base_swa", NULL, 10000);
    if (rc == ENC_OK)
        rc = enc_gguf_real(b->gguf, key_of(b, "rope.scale_linear", key), &factor, b->err);
    if (rc == ENC_OK)
        rc = enc_gguf_real(b->gguf, key_of(b, "rope.scaling.factor", key), &factor, b->err);
    if (rc == ENC_OK)
        rc = enc_gguf_string(b->gguf, key_of(b, "rope.scaling.type", key), &type, b->err);
    const char *name = type ? type : factor > 0 ? "linear" : "none";
    if (rc == ENC_OK && (strcmp(name, "linear") == 0 || strcmp(name, "yarn") == 0)) {
        if (factor > 0 && factor != 1)
            rc = put_scaling(b, name, factor);
    } else if (rc == ENC_OK && strcmp(name, "none") != 0) {
        rc = enc_fail(b->err, ENC_UNSUPPORTED, "%s: %s '%s' is not implemented (none, linear, "
                      "yarn)", b->gguf->name, key, enc_tail(name, ENC_TAIL));
    }
    enc_free(type);
    return rc;
}

/* ---- Windows ------------------------------------------------------------------------------ */

/* A bool for each block, true: it has a window; or, `value` NULL, no block has one. */
static int put_layers(builder *b, const enc_gguf_value *value)
{
    int64_t blocks = 0;
    json_t *list = json_array();
    int rc = list ? read_int(b, "block_count", &blocks) : enc_nomem(b->err);
    if (rc == ENC_OK && (blocks > ENC_MAX_LAYERS || (value && value->count != (uint64_t)blocks)))
        rc = enc_fail(b->err, ENC_CORRUPT, "%s: %s has %llu elements, block_count is %lld",
                      b->gguf->name, value ? value->key : "block_count",
                      value ? (unsigned long long)value->count : 0, (long long)blocks);
    for (int64_t i = 0; rc == ENC_OK && i < blocks; i++) {
        bool local = value && enc_gguf_int_at(b->gguf, value, (uint64_t)i) != 0;
        if (json_array_append_new(list, json_string(local ? "sliding_attention"
                                                          : "full_attention")) != 0)
            rc = enc_nomem(b->err);
    }
    if (rc == ENC_OK)
        return put(b, b->spelling->key[ENC_KEY_LAYER_TYPES], list);
    json_decref(list);
    return rc;
}

static int copy_windows(builder *b)
{
    static const char pattern_suffix[] = "attention.sliding_window_pattern";
    char key[KEY_SIZE];
    int64_t window = 0, pattern = -1;
    const enc_gguf_value *value;
    int rc = read_int(b, "attention.sliding_window", &window);
    /* llama.cpp gives those families whose spelling asks for it (Qwen) no windows. */
    if (rc != ENC_OK || !b->spelling->key[ENC_KEY_WINDOW] ||
        b->spelling->key[ENC_KEY_USE_WINDOW])
        return rc;
    if (window == 0)
        return put_layers(b, NULL);
    rc = put_int(b, ENC_KEY_WINDOW, window);
    value = enc_gguf_find(b->gguf, key_of(b, pattern_suffix, key));
    if (rc == ENC_OK && value && value->list) {
        rc = enc_gguf_list(b->gguf, key, value->type == ENC_GGUF_BOOL ? ENC_GGUF_BOOL
                                                                      : ENC_GGUF_I32,
                           &value, b->err);
        return rc == ENC_OK ? put_layers(b, value) : rc;
    }
    if (rc == ENC_OK)
        rc = read_int(b, pattern_suffix, &pattern);
    return rc == ENC_OK ? put_int(b, ENC_KEY_PATTERN, pattern) : rc;
}

/* ---- What changes the result and is not implemented ------------------------------------------ */

static int refuse_variants(const builder *b)
{
    static const struct { const char *suffix; double plain; } numbers[] = {
        {"expert_count", 0},           {"attn_logit_softcapping", 0},
        {"attention.clamp_kqv", 0},    {"attention.scale", 0},
        {"residual_scale", 1},         {"embedding_scale", 1},
        {"rope.scaling.attn_factor", 1}, {"rope.scaling.alpha", 0},
        {"attention.max_alibi_bias", 8}, {"moe_every_n_layers", 0},
        {"attention.shared_kv_layers", 0}};
    char key[KEY_SIZE];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        double number = numbers[i].plain;
        int rc = enc_gguf_real(b->gguf, key_of(b, numbers[i].suffix, key), &number, b->err);
        if (rc != ENC_OK)
            return rc;
        if (number != numbers[i].plain && number != 0)
            return enc_fail(b->err, ENC_UNSUPPORTED,
                            "%s: %s is there and not %d, which is not implemented",
                            b->gguf->name, key, (int)numbers[i].plain);
    }
    return ENC_OK;
}

/* ---- Tensors -------------------------------------------------------------------------------- */

/* Which of the names this file uses. */
static void choose_names(builder *b)
{
    const char **slot = b->names->slot;
    if (tensor_of(b, true, "attn_qkv.weight"))
        slot[ENC_SLOT_QKV] = "blk.%d.attn_qkv";
    if (!tensor_of(b, false, "token_types.weight"))
        slot[ENC_SLOT_TYPES] = NULL;
    /* Together: the gate's rows first. */
    if (slot[ENC_SLOT_FFN_GATE] && !tensor_of(b, true, "ffn_gate.weight"))
        slot[ENC_SLOT_FFN_GATE_UP] = slot[ENC_SLOT_FFN_UP];
}

static unsigned biases_of(const builder *b)
{
    static const struct { const char *name; unsigned bias; } tensors[] = {
        {"attn_q.bias", ENC_BIAS_QKV},         {"attn_qkv.bias", ENC_BIAS_QKV},
        {"attn_output.bias", ENC_BIAS_OUT},    {"ffn_up.bias", ENC_BIAS_FFN_UP},
        {"ffn_down.bias", ENC_BIAS_FFN_DOWN},  {"attn_output_norm.bias", ENC_BIAS_NORM},
        {"ffn_norm.bias", ENC_BIAS_NORM}};
    unsigned biases = 0;
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        if (tensor_of(b, true, tensors[i].name))
            biases |= tensors[i].bias;
    return biases;
}

/* The feed-forward's function, where the file or its tensors say it. */
static int copy_activation(builder *b)
{
    const char *to = b->spelling->key[ENC_KEY_ACTIVATION];
    char key[KEY_SIZE], *name = NULL;
    if (!to)
        return ENC_OK;
    if (b->spelling->gated_prefix)
        return put(b, to, json_string(tensor_of(b, true, "ffn_gate.weight") ? "gated-gelu"
                                                                          : "relu"));
    int rc = enc_gguf_string(b->gguf, key_of(b, "hidden_activation", key), &name, b->err);
    if (rc == ENC_OK && name)
        rc = put(b, to, json_string(name));
    enc_free(name);
    return rc;
}

/* Whether a token sees those behind it. */
static int copy_mask(builder *b, const enc_family *family)
{
    const char *const *to = b->spelling->key;
    char key[KEY_SIZE];
    bool usual = family->causal && !b->architecture->bidirectional, causal = usual;
    int rc = enc_gguf_bool(b->gguf, key_of(b, "attention.causal", key), &causal, b->err);
    if (rc == ENC_OK && to[ENC_KEY_BIDIRECTIONAL])
        return put(b, to[ENC_KEY_BIDIRECTIONAL], json_boolean(!causal));
    if (rc == ENC_OK && to[ENC_KEY_CAUSAL])
        return put(b, to[ENC_KEY_CAUSAL], json_boolean(causal));
    if (rc == ENC_OK && causal != usual)
        rc = enc_fail(b->err, ENC_UNSUPPORTED, "%s: %s is %s, which is not implemented",
                      b->gguf->name, key, causal ? "true" : "false");
    return rc;
}

/* ---- The whole -------------------------------------------------------------------------------- */

static int fill(builder *b, const enc_family *family)
{
    bool rms = family->norm == ENC_NORM_RMS;
    static const char plain[] = "attention.layer_norm_epsilon";
    static const char root[] = "attention.layer_norm_rms_epsilon";
    typedef int step(builder *);
    static step *const steps[] = {copy_sizes, copy_tables, copy_heads, copy_windows,
                                  copy_activation};
    int rc = put(b, "model_type", json_string(family->model_type));
    if (rc == ENC_OK)
        rc = copy_mask(b, family);
    for (size_t i = 0; rc == ENC_OK && i < sizeof steps / sizeof *steps; i++)
        rc = steps[i](b);
    if (rc == ENC_OK && family->position == ENC_POSITION_ROTARY)
        rc = copy_rope(b);
    /* Files of some converters have the one where the other is meant. */
    if (rc == ENC_OK)
        rc = copy_real(b, ENC_KEY_NORM_EPS, rms ? root : plain, rms ? plain : root, -1);
    return rc;
}

static int parse(builder *b, const enc_family **family, enc_config *out)
{
    enc_json json = {b->object, (char *)b->gguf->name};
    int rc = fill(b, *family);
    if (rc == ENC_OK)
        rc = enc_config_parse(&json, family, out, b->err);
    if (rc != ENC_OK)
        return rc;
    choose_names(b);
    out->biases = biases_of(b);
    if (!b->names->slot[ENC_SLOT_TYPES])
        out->types = 0;
    out->lm.saved = b->names->lm[0] != NULL;
    out->lm.tied = !tensor_of(b, false, "output.weight");
    return ENC_OK;
}

int enc_gguf_config(const enc_gguf *gguf, const enc_checkpoint *checkpoint,
                    const enc_family **family, enc_config *out, enc_names *names,
                    enc_error *err)
{
    builder b = {.gguf = gguf, .checkpoint = checkpoint, .names = names, .err = err};
    int rc = find_architecture(&b);
    if (rc == ENC_OK)
        rc = refuse_variants(&b);
    if (rc != ENC_OK)
        return rc;
    *family = enc_family_find(b.architecture->model_type);
    b.spelling = (*family)->spelling[0];
    *names = *b.architecture->names;
    b.object = json_object();
    rc = b.object ? parse(&b, family, out) : enc_nomem(err);
    json_decref(b.object);
    return rc;
}

/* ---- Pooling ---------------------------------------------------------------------------------- */

int enc_gguf_pooling(const enc_gguf *gguf, bool causal, unsigned *out, enc_error *err)
{
    enum { NONE, MEAN, CLS, LAST, RANK };
    char key[KEY_SIZE], *name = NULL;
    int64_t type = NONE;
    int rc = enc_gguf_string(gguf, "general.architecture", &name, err);
    if (rc != ENC_OK)
        return rc;
    snprintf(key, sizeof key, "%s.pooling_type", name);
    enc_free(name);
    rc = enc_gguf_int(gguf, key, NONE, RANK, &type, err);
    if (rc == ENC_OK && type == RANK)
        rc = enc_fail(err, ENC_UNSUPPORTED, "%s: %s is %d (rank): the model compares two texts "
                      "and has no embeddings", gguf->name, key, RANK);
    *out = type == CLS                                ? ENC_POOL_CLS
           : type == LAST || (type == NONE && causal) ? ENC_POOL_LASTTOKEN
                                                      : ENC_POOL_MEAN;
    return rc;
}
