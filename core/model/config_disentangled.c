/*
** config_disentangled.c - config.json on what DeBERTa's attention knows of distances, and on
** its convolution. Absent keys have the reference's defaults: most of all that attention knows
** nothing of distances.
*/
#include <limits.h>
#include <math.h>
#include <string.h>

#include "config.h"
#include "file.h"
#include "memory.h"

enum { SPAN_MOST = 1 << 24, KERNEL_MOST = 1 << 16 };

/* ---- Which terms the scores have ----------------------------------------------------- */

static int add_term(const enc_json *json, const char *key, const char *name, size_t size,
                    enc_config *out, enc_error *err)
{
    char shown[ENC_TAIL];
    bool *term = NULL;
    if (size == 3 && memcmp(name, "c2p", 3) == 0)
        term = &out->content_to_position;
    if (size == 3 && memcmp(name, "p2c", 3) == 0)
        term = &out->position_to_content;
    size = size < sizeof shown ? size : sizeof shown - 1;
    memcpy(shown, name, size);
    shown[size] = '\0';
    if (!term)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: %s '%s' is not implemented (c2p, p2c)",
                        enc_tail(json->name, ENC_TAIL), key, enc_tail(shown, ENC_TAIL));
    if (*term)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: %s lists '%s' twice",
                        enc_tail(json->name, ENC_TAIL), key, shown);
    *term = true;
    return ENC_OK;
}

/* "c2p|p2c", in either case, with spaces */
static int split_terms(const enc_json *json, const char *key, const char *text, enc_config *out,
                       enc_error *err)
{
    int rc = ENC_OK;
    for (const char *next = text; rc == ENC_OK && next; ) {
        size_t size = strcspn(next, "|"), begin = strspn(next, " \t\n\r\f\v");
        char lower[4] = "";
        const char *name = next + begin;
        next = next[size] ? next + size + 1 : NULL;
        size = size > begin ? size - begin : 0;
        while (size > 0 && strchr(" \t\n\r\f\v", name[size - 1]))
            size--;
        for (size_t i = 0; size <= 3 && i < size; i++)
            lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
        rc = add_term(json, key, size <= 3 ? lower : name, size, out, err);
    }
    return rc;
}

static int read_terms(const enc_json *json, const char *key, enc_config *out, enc_error *err)
{
    char shown[ENC_JSON_SHOWN];
    const json_t *value = json_object_get(json->value, key);
    if (!value || json_is_null(value))
        return ENC_OK;
    if (json_is_string(value))
        return split_terms(json, key, json_string_value(value), out, err);
    int rc = ENC_OK;
    for (size_t i = 0; rc == ENC_OK && i < json_array_size(value); i++) {
        const json_t *term = json_array_get(value, i);
        rc = json_is_string(term)
            ? add_term(json, key, json_string_value(term), json_string_length(term), out, err)
            : enc_fail(err, ENC_CORRUPT, "%s: %s holds %s, must hold strings",
                       enc_tail(json->name, ENC_TAIL), key, enc_json_show(term, shown));
    }
    return json_is_array(value) ? rc
         : enc_fail(err, ENC_CORRUPT, "%s: %s is %s, must be an array or a string",
                    enc_tail(json->name, ENC_TAIL), key, enc_json_show(value, shown));
}

/* ---- Relative embeddings ------------------------------------------------------------- */

static int read_span(const enc_json *json, const enc_spelling *spelling, enc_config *out,
                     enc_error *err)
{
    const char *const *key = spelling->key;
    enc_disentangled *to = &out->disentangled;
    int buckets = 0;
    int rc = enc_json_int(json, key[ENC_KEY_SPAN], INT_MIN, SPAN_MOST, &to->reach, err);
    if (rc == ENC_OK && key[ENC_KEY_SPAN_BUCKETS])
        rc = enc_json_int(json, key[ENC_KEY_SPAN_BUCKETS], INT_MIN, SPAN_MOST, &buckets, err);
    if (rc != ENC_OK)
        return rc;
    if (buckets == 1)
        return enc_fail(err, ENC_CORRUPT, "%s: %s is 1, must be at least 2, or less than 1 for "
                        "none", enc_tail(json->name, ENC_TAIL), key[ENC_KEY_SPAN_BUCKETS]);
    if (to->reach < 1)
        to->reach = out->positions;
    to->buckets = buckets > 0 ? buckets : 0;
    to->span = buckets > 0 ? buckets : to->reach;
    return ENC_OK;
}

/* "layer_norm" or "none", or several joined by '|' */
static int read_norm(const enc_json *json, const char *key, enc_config *out, enc_error *err)
{
    const char *text = "none";
    int rc = key ? enc_json_string(json, key, &text, err) : ENC_OK;
    if (rc != ENC_OK)
        return rc;
    if (strcmp(text, "layer_norm") == 0 || strcmp(text, "layer_norm|none") == 0 ||
        strcmp(text, "none|layer_norm") == 0)
        out->normed_distances = true;
    else if (strcmp(text, "none") != 0 && *text)
        return enc_fail(err, ENC_UNSUPPORTED,
                        "%s: %s '%s' is not implemented (layer_norm, none)", enc_tail(json->name, ENC_TAIL), key, enc_tail(text, ENC_TAIL));
    return ENC_OK;
}

/* ---- The convolution ----------------------------------------------------------------- */

static int read_convolution(const enc_json *json, const enc_spelling *spelling, enc_config *out,
                            enc_error *err)
{
    const char *const *key = spelling->key, *shown;
    const char *name = enc_tail(json->name, ENC_TAIL);
    out->kernel_groups = 1;
    if (!key[ENC_KEY_KERNEL])
        return ENC_OK;
    int rc = enc_json_int(json, key[ENC_KEY_KERNEL], INT_MIN, KERNEL_MOST, &out->kernel, err);
    if (rc != ENC_OK || out->kernel <= 0) {
        out->kernel = 0;
        return rc;
    }
    if (out->kernel % 2 == 0)
        return enc_fail(err, ENC_CORRUPT, "%s: %s is %d, must be odd: others change a text's "
                        "length", name, key[ENC_KEY_KERNEL], out->kernel);
    rc = enc_json_int(json, key[ENC_KEY_KERNEL_GROUPS], 1, out->hidden_size,
                      &out->kernel_groups, err);
    if (rc == ENC_OK && out->hidden_size % out->kernel_groups != 0)
        rc = enc_fail(err, ENC_CORRUPT, "%s: %s %d is not divisible by %s %d", name,
                      key[ENC_KEY_WIDTH], out->hidden_size, key[ENC_KEY_KERNEL_GROUPS],
                      out->kernel_groups);
    return rc == ENC_OK ? enc_config_activation(json, key[ENC_KEY_KERNEL_ACTIVATION], "tanh",
                                                &out->kernel_activation, &shown, err) : rc;
}

int enc_config_disentangled(const enc_json *json, const enc_spelling *spelling,
                            enc_config *out, enc_error *err)
{
    const char *const *key = spelling->key;
    bool used = false;
    int rc = enc_json_bool(json, key[ENC_KEY_DISENTANGLED], &used, err);
    if (rc == ENC_OK)
        rc = read_terms(json, key[ENC_KEY_TERMS], out, err);
    /* Scores are sums of so many products, whether or not all of them are there. */
    int products = 1 + (out->content_to_position ? 1 : 0) + (out->position_to_content ? 1 : 0);
    out->attention_scale = 1.0f / sqrtf((float)out->head_size * (float)products);
    if (rc == ENC_OK && used && products > 1)
        rc = read_span(json, spelling, out, err);
    if (rc == ENC_OK && used)
        rc = read_norm(json, key[ENC_KEY_SPAN_NORM], out, err);
    if (rc == ENC_OK && key[ENC_KEY_SPAN_SHARED])
        rc = enc_json_bool(json, key[ENC_KEY_SPAN_SHARED], &out->shared_projections, err);
    return rc == ENC_OK ? read_convolution(json, spelling, out, err) : rc;
}
