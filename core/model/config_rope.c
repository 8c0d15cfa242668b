/*
** config_rope.c - how rotary positions turn, as config.json says it in either generation's
** spelling: a base and an object rope_scaling; or an object rope_parameters with base and type,
** which may hold one such object for layers with a window and one for those without.
*/
#include <math.h>
#include <string.h>

#include "config.h"
#include "file.h"

static const struct type {
    const char *name;
    enum enc_rope_kind kind;
} types[] = {
    {"default", ENC_ROPE_DEFAULT},
    {"linear", ENC_ROPE_LINEAR},
    {"llama3", ENC_ROPE_LLAMA3},
    {"yarn", ENC_ROPE_YARN},
};

static const char range[] = "more than 0, at most 1e9";
static const char base_range[] = "more than 0, at most 1e12";

/* A number that must be there. */
static int require_real(const enc_json *object, const char *key, double *out, enc_error *err)
{
    int rc = enc_json_require(object, key, err);
    return rc == ENC_OK ? enc_json_real(object, key, 0, 1e9, range, out, err) : rc;
}

static int read_llama3(const enc_json *object, enc_rope *out, enc_error *err)
{
    int rc = require_real(object, "low_freq_factor", &out->low, err);
    if (rc == ENC_OK)
        rc = require_real(object, "high_freq_factor", &out->high, err);
    if (rc != ENC_OK || out->high > out->low)
        return rc;
    char high[ENC_JSON_SHOWN], low[ENC_JSON_SHOWN];
    return enc_fail(err, ENC_CORRUPT, "%s: high_freq_factor %s is not more than "
                    "low_freq_factor %s", enc_tail(object->name, ENC_TAIL),
                    enc_json_show(json_object_get(object->value, "high_freq_factor"), high),
                    enc_json_show(json_object_get(object->value, "low_freq_factor"), low));
}

/* YaRN's temperature (its section 3.4), as the reference spells it. */
static double temperature(double factor, double mscale)
{
    return factor <= 1 ? 1 : 0.1 * mscale * log(factor) + 1;
}

static int read_yarn(const enc_json *object, enc_rope *out, enc_error *err)
{
    double attention = 0, mscale = 0, mscale_all = 0;
    const struct { const char *key; double *to; } numbers[] = {
        {"beta_fast", &out->fast}, {"beta_slow", &out->slow},
        {"attention_factor", &attention}, {"mscale", &mscale}, {"mscale_all_dim", &mscale_all}};
    int rc = ENC_OK;
    out->fast = 32;
    out->slow = 1;
    for (size_t i = 0; rc == ENC_OK && i < sizeof numbers / sizeof *numbers; i++)
        rc = enc_json_real(object, numbers[i].key, 0, 1e9, range, numbers[i].to, err);
    if (rc == ENC_OK)
        rc = enc_json_bool(object, "truncate", &out->truncate, err);
    if (attention == 0)
        attention = mscale > 0 && mscale_all > 0
                        ? temperature(out->factor, mscale) / temperature(out->factor, mscale_all)
                        : temperature(out->factor, 1);
    out->attention = (float)attention;
    return rc;
}

/* Heads of which a part is turned: the reference has them in families that are not here, in
** those that are it fails or does not look. */
static int refuse_part(const enc_json *object, enc_error *err)
{
    double part = 1;
    char shown[ENC_JSON_SHOWN];
    static const char key[] = "partial_rotary_factor";
    int rc = enc_json_real(object, key, 0, 1, "more than 0, at most 1", &part, err);
    if (rc != ENC_OK || part == 1)
        return rc;
    return enc_fail(err, ENC_UNSUPPORTED, "%s: %s is %s, which is not implemented",
                    enc_tail(object->name, ENC_TAIL), key,
                    enc_json_show(json_object_get(object->value, key), shown));
}

static int read_type(const enc_json *object, enum enc_rope_kind *out, enc_error *err)
{
    const char *name = "default";
    int rc = enc_json_string(object, "type", &name, err);
    if (rc == ENC_OK)
        rc = enc_json_string(object, "rope_type", &name, err);
    if (rc != ENC_OK)
        return rc;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0) {
            *out = types[i].kind;
            return ENC_OK;
        }
    return enc_fail(err, ENC_UNSUPPORTED, "%s: rope_type '%s' is not implemented (default, "
                    "linear, llama3, yarn)", enc_tail(object->name, ENC_TAIL),
                    enc_tail(name, ENC_TAIL));
}

/* One object: type, base, and what the type wants. */
static int read_object(const enc_json *object, const enc_config *config, enc_rope *out,
                       enc_error *err)
{
    double base = (double)out->base;
    int rc = read_type(object, &out->kind, err);
    if (rc == ENC_OK)
        rc = refuse_part(object, err);
    if (rc == ENC_OK)
        rc = enc_json_real(object, "rope_theta", 0, 1e12, base_range, &base, err);
    out->base = (float)base;
    if (rc != ENC_OK || out->kind == ENC_ROPE_DEFAULT)
        return rc;
    if (out->original == 0) {
        out->original = config->positions;
        rc = enc_json_real(object, "original_max_position_embeddings", 0, 1e9, range,
                           &out->original, err);
    }
    if (rc == ENC_OK && out->kind == ENC_ROPE_YARN &&
        json_is_null(json_object_get(object->value, "factor")))
        out->factor = config->positions / out->original;
    else if (rc == ENC_OK)
        rc = require_real(object, "factor", &out->factor, err);
    if (rc == ENC_OK && out->kind == ENC_ROPE_LLAMA3)
        rc = read_llama3(object, out, err);
    if (rc == ENC_OK && out->kind == ENC_ROPE_YARN)
        rc = read_yarn(object, out, err);
    return rc;
}

/* Bases, and the length before stretching, that stand in config.json itself. */
static int read_bases(const enc_json *json, const enc_spelling *spelling, enc_config *out,
                      enc_error *err)
{
    const char *key = spelling->key[ENC_KEY_ROTARY_BASE];
    const char *of_local = spelling->key[ENC_KEY_ROTARY_LOCAL_BASE];
    double base = spelling->rotary_base, local = spelling->rotary_local_base, original = 0;
    int rc = key ? enc_json_real(json, key, 0, 1e12, base_range, &base, err) : ENC_OK;
    if (local == 0 || json_is_null(json_object_get(json->value, of_local)))
        local = base;
    if (rc == ENC_OK && of_local)
        rc = enc_json_real(json, of_local, 0, 1e12, base_range, &local, err);
    if (rc == ENC_OK)
        rc = enc_json_real(json, "original_max_position_embeddings", 0, 1e9, range, &original,
                           err);
    if (rc == ENC_OK)
        rc = refuse_part(json, err);
    for (int i = 0; i < 2; i++)
        out->rope[i] = (enc_rope){.base = (float)(i ? local : base), .original = original,
                                  .truncate = true, .attention = 1};
    return rc;
}

/* The object under a key, NULL without one or where it is empty. */
static int find_object(const enc_json *json, const char *key, enc_json *out, enc_error *err)
{
    *out = (enc_json){NULL, json->name};
    int rc = key ? enc_json_container(json, key, JSON_OBJECT, &out->value, err) : ENC_OK;
    if (json_object_size(out->value) == 0)
        out->value = NULL;
    return rc;
}

/* rope_parameters of families whose layers turn alike, in which rope_scaling takes its place. */
static int read_alike(const enc_json *json, const enc_spelling *spelling, enc_config *out,
                      enc_error *err)
{
    enc_json object;
    int rc = find_object(json, spelling->key[ENC_KEY_ROTARY_SCALING], &object, err);
    if (rc == ENC_OK && !object.value)
        rc = find_object(json, spelling->key[ENC_KEY_ROTARY], &object, err);
    if (rc == ENC_OK && object.value)
        rc = read_object(&object, out, &out->rope[0], err);
    out->rope[1] = out->rope[0];
    return rc;
}

/* rope_parameters of families in which layers with a window turn by themselves: an object for
** each kind. rope_scaling comes on top. */
static int read_apart(const enc_json *json, const enc_spelling *spelling, enc_config *out,
                      enc_error *err)
{
    static const char *const kinds[] = {"full_attention", "sliding_attention"};
    const char *key = spelling->key[ENC_KEY_ROTARY];
    enc_json both, scaling, object;
    int rc = find_object(json, key, &both, err);
    if (rc == ENC_OK)
        rc = find_object(json, spelling->key[ENC_KEY_ROTARY_SCALING], &scaling, err);
    if (rc == ENC_OK && both.value && !enc_json_has(&both, kinds[0]) &&
        !enc_json_has(&both, kinds[1]))
        return enc_fail(err, ENC_UNSUPPORTED, "%s: %s has neither %s nor %s",
                        enc_tail(json->name, ENC_TAIL), key, kinds[0], kinds[1]);
    for (int i = 0; rc == ENC_OK && i < 2; i++) {
        if (both.value)
            rc = find_object(&both, kinds[i], &object, err);
        if (rc == ENC_OK && both.value && object.value)
            rc = read_object(&object, out, &out->rope[i], err);
        if (rc == ENC_OK && scaling.value && !(i && spelling->scaling_is_global))
            rc = read_object(&scaling, out, &out->rope[i], err);
        if (rc == ENC_OK && !out->rope[i].truncate) /* versions of the reference differ */
            return enc_fail(err, ENC_UNSUPPORTED, "%s: truncate is false for %s, which is not "
                            "implemented", enc_tail(json->name, ENC_TAIL), kinds[i]);
    }
    return rc;
}

int enc_config_rope(const enc_json *json, const enc_spelling *spelling, enc_config *out,
                    enc_error *err)
{
    int rc = read_bases(json, spelling, out, err);
    if (rc == ENC_OK)
        rc = spelling->rotary_local_base > 0 ? read_apart(json, spelling, out, err)
                                             : read_alike(json, spelling, out, err);
    if (rc == ENC_OK && out->head_size % 2 != 0)
        return enc_fail(err, ENC_CORRUPT, "%s: heads have %d numbers, rotary positions turn "
                        "pairs of them", enc_tail(json->name, ENC_TAIL), out->head_size);
    return rc;
}
