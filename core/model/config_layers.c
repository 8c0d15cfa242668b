/*
** config_layers.c - which layers of config.json have a window: all but a few of a model may let
** a token see its neighbours alone (Beltagy et al. 2020, "Longformer").
*/
#include <string.h>

#include "config.h"
#include "file.h"

static int read_types(const enc_json *json, const char *key, const json_t *types,
                      enc_config *out, enc_error *err)
{
    const char *name = enc_tail(json->name, ENC_TAIL);
    char shown[ENC_JSON_SHOWN];
    if (json_array_size(types) != (size_t)out->layers)
        return enc_fail(err, ENC_CORRUPT, "%s: %s has %zu elements, there are %d layers", name,
                        key, json_array_size(types), out->layers);
    for (int i = 0; i < out->layers; i++) {
        const json_t *element = json_array_get(types, (size_t)i);
        const char *type = json_is_string(element) ? json_string_value(element) : "";
        out->local[i] = strcmp(type, "sliding_attention") == 0;
        if (!out->local[i] && strcmp(type, "full_attention") != 0)
            return enc_fail(err, ENC_UNSUPPORTED, "%s: %s[%d] is %s, which is not implemented "
                            "(full_attention, sliding_attention)", name, key, i,
                            enc_json_show(element, shown));
    }
    return ENC_OK;
}

static bool follows(enum enc_pattern pattern, int n, int layer)
{
    switch (pattern) {
    case ENC_PATTERN_ALL:
        return true;
    case ENC_PATTERN_GLOBAL_FIRST:
        return layer % n != 0;
    case ENC_PATTERN_GLOBAL_LAST:
        return (layer + 1) % n != 0;
    case ENC_PATTERN_FROM:
        return layer >= n;
    }
    return false;
}

static int read_pattern(const enc_json *json, const enc_spelling *spelling, enc_config *out,
                        enc_error *err)
{
    const char *const *key = spelling->key;
    int n = spelling->pattern_number, rc = ENC_OK;
    if (key[ENC_KEY_PATTERN])
        rc = enc_json_int(json, key[ENC_KEY_PATTERN],
                          spelling->pattern == ENC_PATTERN_FROM ? 0 : 1, 1 << 20, &n, err);
    for (int i = 0; rc == ENC_OK && i < out->layers; i++)
        out->local[i] = follows(spelling->pattern, n, i);
    return rc;
}

/* Keys that a local layer's query sees. The reference counts three ways: the query and those
** before it; so many before and behind it; or half of them before, half behind. */
static void set_window(int window, bool halved, enc_config *out)
{
    out->before = out->causal ? window - 1 : halved ? window / 2 : window;
    out->after = out->causal ? 0 : out->before;
}

static int read_window(const enc_json *json, const enc_spelling *spelling, enc_config *out,
                       enc_error *err)
{
    const char *const *key = spelling->key;
    const char *of_both = key[ENC_KEY_BIDIRECTIONAL];
    bool used = !key[ENC_KEY_USE_WINDOW], both = !out->causal && !key[ENC_KEY_CAUSAL];
    bool absent = !json_object_get(json->value, key[ENC_KEY_WINDOW]);
    int window = absent ? spelling->window : 0;
    int rc = enc_json_int(json, key[ENC_KEY_WINDOW], 1, INT32_MAX, &window, err);
    if (rc == ENC_OK && !used)
        rc = enc_json_bool(json, key[ENC_KEY_USE_WINDOW], &used, err);
    if (rc == ENC_OK && of_both)
        rc = enc_json_bool(json, of_both, &both, err);
    if (both)
        out->causal = false;
    if (rc == ENC_OK && used && window > 0)
        set_window(window, both, out);
    return rc;
}

int enc_config_layers(const enc_json *json, const enc_spelling *spelling, enc_config *out,
                      enc_error *err)
{
    const char *types_key = spelling->key[ENC_KEY_LAYER_TYPES];
    json_t *types = NULL;
    int rc = ENC_OK;
    out->before = out->after = ENC_NO_WINDOW;
    if (!spelling->key[ENC_KEY_WINDOW])
        return ENC_OK;
    rc = read_window(json, spelling, out, err);
    if (rc == ENC_OK && types_key)
        rc = enc_json_container(json, types_key, JSON_ARRAY, &types, err);
    if (rc != ENC_OK)
        return rc;
    return types ? read_types(json, types_key, types, out, err)
                 : read_pattern(json, spelling, out, err);
}
