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

/* A number that must be there. */
static int require_real(const enc_json *object, const char *key, double above, double most,
                        const char *range, double *out, enc_error *err)
{
    int rc = enc_json_require(object, key, err);
    return rc == ENC_OK ? enc_json_real(object, key, above, most, range, out, err) : rc;
}

static int read_llama3(const enc_json *object, enc_rope *out, enc_error *err)
{
    static const char range[] = "more than 0, at most 1e9";
    int rc = require_real(object, "low_freq_factor", 0, 1e9, range, &out->low, err);
    if (rc == ENC_OK)
        rc = require_real(object, "high_freq_factor", 0, 1e9, range, &out->high, err);
    if (rc == ENC_OK)
        rc = require_real(object, "original_max_position_embeddings", 0, 1e9, range,
                          &out->original, err);
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

static int read_yarn(const enc_json *object, int positions, enc_rope *out, enc_error *err)
{
    static const char range[] = "more than 0, at most 1e9";
    double attention = 0, mscale = 0, mscale_all = 0;
    const struct { const char *key; double *to; } numbers[] = {
        {"original_max_position_embeddings", &out->original},
        {"beta_fast", &out->fast}, {"beta_slow", &out->slow},
        {"attention_factor", &attention}, {"mscale", &mscale}, {"mscale_all_dim", &mscale_all}};
    int rc = ENC_OK;
    out->original = positions;
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

/* One object: type, base, and what the type wants. */
static int read_object(const enc_json *object, const enc_spelling *spelling, int positions,
                       enc_rope *out, enc_error *err)
{
    static const char range[] = "more than 0, at most 1e12";
    const char *name = "default", *base_key = spelling->key[ENC_KEY_ROTARY_BASE];
    double base = (double)out->base, share = 1;
    int rc = enc_json_string(object, "type", &name, err);
    if (rc == ENC_OK)
        rc = enc_json_string(object, "rope_type", &name, err);
    if (rc == ENC_OK && base_key)
        rc = enc_json_real(object, base_key, 0, 1e12, range, &base, err);
    if (rc == ENC_OK)
        rc = enc_json_real(object, "partial_rotary_factor", 0, 1, "more than 0, at most 1",
                           &share, err);
    if (rc != ENC_OK)
        return rc;
    out->base = (float)base;
    if (enc_json_has(object, "partial_rotary_factor"))
        out->share = (float)share;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, name) != 0)
            continue;
        out->kind = types[i].kind;
        if (out->kind != ENC_ROPE_DEFAULT)
            rc = require_real(object, "factor", 0, 1e9, "more than 0, at most 1e9",
                              &out->factor, err);
        if (rc == ENC_OK && out->kind == ENC_ROPE_LLAMA3)
            rc = read_llama3(object, out, err);
        if (rc == ENC_OK && out->kind == ENC_ROPE_YARN)
            rc = read_yarn(object, positions, out, err);
        return rc;
    }
    return enc_fail(err, ENC_UNSUPPORTED, "%s: rope_type '%s' is not implemented (default, "
                    "linear, llama3, yarn)", enc_tail(object->name, ENC_TAIL),
                    enc_tail(name, ENC_TAIL));
}

/* The member of an object that says how layers of one kind turn. */
static int read_member(const enc_json *object, const char *member,
                       const enc_spelling *spelling, int positions, enc_rope *out,
                       enc_error *err)
{
    enc_json inside = {NULL, object->name};
    int rc = enc_json_container(object, member, JSON_OBJECT, &inside.value, err);
    if (rc != ENC_OK || !inside.value)
        return rc;
    return read_object(&inside, spelling, positions, out, err);
}

/* rope_parameters, or rope_scaling. */
static int read_either(const enc_json *object, const enc_spelling *spelling, enc_config *out,
                       enc_error *err)
{
    if (enc_json_has(object, "full_attention") || enc_json_has(object, "sliding_attention")) {
        int rc = read_member(object, "full_attention", spelling, out->positions,
                             &out->rope[0], err);
        return rc == ENC_OK ? read_member(object, "sliding_attention", spelling,
                                          out->positions, &out->rope[1], err) : rc;
    }
    int rc = read_object(object, spelling, out->positions, &out->rope[0], err);
    return rc == ENC_OK && !spelling->scaling_is_global
               ? read_object(object, spelling, out->positions, &out->rope[1], err) : rc;
}

/* Bases that stand in config.json itself. */
static int read_bases(const enc_json *json, const enc_spelling *spelling, enc_config *out,
                      enc_error *err)
{
    static const char range[] = "more than 0, at most 1e12";
    const char *const *key = spelling->key;
    const char *of_local = key[ENC_KEY_ROTARY_LOCAL_BASE];
    double base = spelling->rotary_base, local = spelling->rotary_local_base, share = 1;
    int rc = ENC_OK;
    if (key[ENC_KEY_ROTARY_BASE])
        rc = enc_json_real(json, key[ENC_KEY_ROTARY_BASE], 0, 1e12, range, &base, err);
    if (local == 0 || json_is_null(json_object_get(json->value, of_local)))
        local = base;
    if (rc == ENC_OK && of_local)
        rc = enc_json_real(json, of_local, 0, 1e12, range, &local, err);
    if (rc == ENC_OK)
        rc = enc_json_real(json, "partial_rotary_factor", 0, 1, "more than 0, at most 1",
                           &share, err);
    const enc_rope plain = {.base = (float)base, .share = (float)share, .truncate = true,
                            .attention = 1};
    out->rope[0] = out->rope[1] = plain;
    out->rope[1].base = (float)local;
    return rc;
}

int enc_config_rope(const enc_json *json, const enc_spelling *spelling, enc_config *out,
                    enc_error *err)
{
    static const enum enc_key objects[] = {ENC_KEY_ROTARY_SCALING, ENC_KEY_ROTARY};
    int rc = read_bases(json, spelling, out, err);
    for (size_t i = 0; rc == ENC_OK && i < sizeof objects / sizeof *objects; i++) {
        const char *key = spelling->key[objects[i]];
        enc_json inside = {NULL, json->name};
        if (key)
            rc = enc_json_container(json, key, JSON_OBJECT, &inside.value, err);
        if (rc == ENC_OK && inside.value)
            rc = read_either(&inside, spelling, out, err);
    }
    for (size_t i = 0; rc == ENC_OK && i < 2; i++) {
        int turned = (int)((float)out->head_size * out->rope[i].share);
        if (turned < 2 || turned % 2 != 0)
            rc = enc_fail(err, ENC_CORRUPT, "%s: heads have %d numbers, rotary positions turn "
                          "pairs of them", enc_tail(json->name, ENC_TAIL), turned);
    }
    return rc;
}
