/*
** saved_settings.c - what a model is, but for its numbers, as JSON and back.
**
** Every field of enc_config, and of what else a model remembers of its checkpoint, is a row
** below: one list serves both ways. A saved model is told nothing twice: what follows from the
** family or from other fields is found again when it is loaded, by the code that finds it for a
** checkpoint. Ranges are those that the readers of checkpoints grant; what fields must be to
** one another is checked in check_config, as the rest of the program relies on it.
*/
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "file.h"
#include "saved.h"

enum kind { INTEGER, SIZE, LONG, BOOLEAN, FLOAT, DOUBLE, TEXT, NAME };

typedef struct field {
    const char *key;
    size_t place;  /* in the struct */
    enum kind kind;
    int64_t least, most; /* INTEGER, SIZE, LONG; NAME: most bytes */
} field;

#define INT_(type, name, least, most) {#name, offsetof(type, name), INTEGER, least, most}
#define OTHER_(type, name, kind) {#name, offsetof(type, name), kind, 0, INT64_MAX}
#define C_INT(name, least, most) INT_(enc_config, name, least, most)
#define C(kind, name) OTHER_(enc_config, name, kind)

#define ROPE(name)                                                                          \
    C_INT(name.kind, 0, ENC_ROPE_YARN), C(FLOAT, name.base), C(DOUBLE, name.factor),        \
        C(DOUBLE, name.original), C(DOUBLE, name.low), C(DOUBLE, name.high),                \
        C(DOUBLE, name.fast), C(DOUBLE, name.slow), C(BOOLEAN, name.truncate),              \
        C(FLOAT, name.attention)

static const field config_fields[] = {
    C_INT(hidden_size, 1, 65536),
    C_INT(embedding_size, 1, 65536),
    C_INT(layers, 0, ENC_MAX_LAYERS),
    C_INT(groups, 0, ENC_MAX_LAYERS),
    C_INT(heads, 0, 1024),
    C_INT(kv_heads, 0, 1024),
    C_INT(head_size, 0, 65536),
    C_INT(ffn_size, 0, INT32_MAX / 2),
    C_INT(vocabulary, 1, INT32_MAX - 1),
    C_INT(positions, 0, 1 << 24),
    C(TEXT, positions_key),
    C_INT(first_position, 0, 1 << 24),
    C_INT(padding_idx, 0, INT32_MAX - 1),
    C_INT(relative_rows, 0, 65536),
    C_INT(relative_buckets, 0, 65536),
    C_INT(relative_reach, 0, INT32_MAX - 1),
    C(BOOLEAN, without_positions),
    C_INT(types, 0, 1024),
    C_INT(biases, 0, ENC_BIAS_ALL | ENC_BIAS_RELATIVE_KEY),
    C(BOOLEAN, causal),
    C(BOOLEAN, gated),
    C(FLOAT, norm_eps),
    C(FLOAT, embedding_scale),
    C(FLOAT, attention_scale),
    C(BOOLEAN, scale_by_layer),
    C_INT(before, ENC_NO_WINDOW, INT32_MAX - 1),
    C_INT(after, ENC_NO_WINDOW, INT32_MAX - 1),
    ROPE(rope[0]),
    ROPE(rope[1]),
    C_INT(disentangled.span, 0, 1 << 24),
    C_INT(disentangled.buckets, 0, 1 << 24),
    C_INT(disentangled.reach, 0, 1 << 24),
    C(BOOLEAN, content_to_position),
    C(BOOLEAN, position_to_content),
    C(BOOLEAN, shared_projections),
    C(BOOLEAN, normed_distances),
    C_INT(kernel, 0, 1 << 16),
    C_INT(kernel_groups, 0, 65536),
    C_INT(kernel_activation, 0, ENC_ACT_COUNT - 1),
    C_INT(activation, 0, ENC_ACT_COUNT - 1),
    C(TEXT, activation_name),
    C_INT(lm.tied, -1, 1),
    C(BOOLEAN, lm.saved),
    {"lm.saved_as", offsetof(enc_config, lm.saved_as), NAME, 0, 63},
    C_INT(lm.activation, 0, ENC_ACT_COUNT - 1),
    C(FLOAT, lm.softcap),
};

/* enc_config's `local` is told as text; every other field is a row above. Who adds a field
** meets this line, and adds a row. */
_Static_assert(sizeof(void *) != 8 || sizeof(enc_config) == 1384,
               "every field of enc_config has a row in config_fields");

#define M_INT(name, least, most) INT_(struct enc_model, name, least, most)
#define M(kind, name) OTHER_(struct enc_model, name, kind)

static const field model_fields[] = {
    M(BOOLEAN, empty_is_zero),
    M(SIZE, max_characters),
    M(SIZE, max_tokens),
    M(BOOLEAN, keeps_end),
    M(BOOLEAN, one_type),
    M_INT(modules.pooling, 1, 2 * ENC_POOL_LASTTOKEN - 1),
    M(BOOLEAN, modules.include_prompt),
    M_INT(modules.default_prompt, -1, INT32_MAX - 1),
    M_INT(modules.max_tokens, 0, INT32_MAX),
    M_INT(modules.truncate_dim, 0, INT32_MAX),
    M(BOOLEAN, modules.lower_case),
    M(TEXT, modules.similarity),
    M(TEXT, info.fingerprint),
    M(TEXT, info.quantize),
    M(TEXT, info.unused_tensors),
    M(LONG, info.parameters),
};

_Static_assert(sizeof(enum enc_activation) == sizeof(int) &&
                   sizeof(enum enc_rope_kind) == sizeof(int), "enums are read as INTEGER");

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Fields to JSON ------------------------------------------------------------------ */

static json_t *to_json(const field *f, const void *from)
{
    const char *at = (const char *)from + f->place;
    switch (f->kind) {
    case INTEGER: return json_integer(*(const int *)(const void *)at);
    case SIZE: return json_integer((json_int_t)*(const size_t *)(const void *)at);
    case LONG: return json_integer(*(const int64_t *)(const void *)at);
    case BOOLEAN: return json_boolean(*(const bool *)(const void *)at);
    case FLOAT: return json_real((double)*(const float *)(const void *)at);
    case DOUBLE: return json_real(*(const double *)(const void *)at);
    case NAME: return json_string(at);
    case TEXT: {
        const char *text = *(const char *const *)(const void *)at;
        return text ? json_string(text) : json_null();
    }
    }
    return NULL;
}

/* NULL: out of memory. */
static json_t *fields_to_json(const field *f, size_t count, const void *from)
{
    json_t *object = json_object();
    for (size_t i = 0; object && i < count; i++)
        if (json_object_set_new(object, f[i].key, to_json(&f[i], from)) != 0) {
            json_decref(object);
            object = NULL;
        }
    return object;
}

/* Which layers have a window: "0110". */
static json_t *locals_to_json(const enc_config *config)
{
    char text[ENC_MAX_LAYERS + 1] = "";
    for (int i = 0; i < config->layers; i++)
        text[i] = config->local[i] ? '1' : '0';
    return json_string(text);
}

static json_t *prompts_to_json(const enc_modules *modules)
{
    json_t *list = json_array();
    for (int i = 0; list && i < modules->prompt_count; i++)
        if (json_array_append_new(list, json_pack("[s, s]", modules->prompt[i].name,
                                                  modules->prompt[i].text)) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

/* Kind, numbers that it gives, activation. */
static json_t *steps_to_json(const enc_modules *modules)
{
    json_t *list = json_array();
    for (int i = 0; list && i < modules->step_count; i++) {
        const enc_step *step = &modules->step[i];
        json_t *one = json_pack("[i, I, i]", (int)step->kind, (json_int_t)step->dense.out,
                                (int)step->activation);
        if (json_array_append_new(list, one) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

json_t *enc_saved_settings(const enc_model *model)
{
    enum { MEMBERS = 7 };
    json_t *object = json_pack("{s:s, s:s, s:o*, s:o*, s:o*, s:o*, s:o*}",
                     "version", enc_version(), "family", model->family->model_type,
                     "config", fields_to_json(config_fields, COUNT(config_fields),
                                              &model->config),
                     "local", locals_to_json(&model->config),
                     "model", fields_to_json(model_fields, COUNT(model_fields), model),
                     "prompts", prompts_to_json(&model->modules),
                     "steps", steps_to_json(&model->modules));
    if (object && json_object_size(object) == MEMBERS)
        return object;
    json_decref(object); /* a member that is NULL was left out */
    return NULL;
}

/* ---- JSON to fields ------------------------------------------------------------------ */

static int refuse(const enc_node *node, const char *expected, enc_error *err)
{
    return enc_node_refuse(node, expected, err);
}

static int to_integer(const field *f, const enc_node *node, int64_t *out, enc_error *err)
{
    *out = json_integer_value(node->value);
    if (json_is_integer(node->value) && *out >= f->least && *out <= f->most)
        return ENC_OK;
    return refuse(node, "an integer in its range", err);
}

static int to_real(const enc_node *node, double *out, enc_error *err)
{
    *out = json_number_value(node->value);
    return json_is_number(node->value) && isfinite((float)*out)
               ? ENC_OK : refuse(node, "a number", err);
}

static int to_text(enc_model *model, const enc_node *node, char **out, enc_error *err)
{
    *out = NULL;
    if (json_is_null(node->value))
        return ENC_OK;
    if (!json_is_string(node->value))
        return refuse(node, "a string or null", err);
    *out = enc_model_copy(model, json_string_value(node->value));
    return *out ? ENC_OK : enc_nomem(err);
}

static int from_json(enc_model *model, const field *f, const enc_node *node, void *to,
                     enc_error *err)
{
    void *at = (char *)to + f->place;
    int64_t integer = 0;
    double real = 0;
    char *text = NULL;
    int rc = ENC_OK;
    if (f->kind <= LONG)
        rc = to_integer(f, node, &integer, err);
    else if (f->kind == FLOAT || f->kind == DOUBLE)
        rc = to_real(node, &real, err);
    else if (f->kind == TEXT)
        rc = to_text(model, node, &text, err);
    else if (f->kind == BOOLEAN)
        rc = json_is_boolean(node->value) ? ENC_OK : refuse(node, "true or false", err);
    else if (!json_is_string(node->value) ||
             json_string_length(node->value) > (size_t)f->most)
        rc = refuse(node, "a short string", err);
    if (rc != ENC_OK)
        return rc;
    switch (f->kind) {
    case INTEGER: *(int *)at = (int)integer; break;
    case SIZE: *(size_t *)at = (size_t)integer; break;
    case LONG: *(int64_t *)at = integer; break;
    case BOOLEAN: *(bool *)at = json_is_true(node->value); break;
    case FLOAT: *(float *)at = (float)real; break;
    case DOUBLE: *(double *)at = real; break;
    case TEXT: *(const char **)at = text; break;
    case NAME: memcpy(at, json_string_value(node->value),
                      json_string_length(node->value) + 1); break;
    }
    return ENC_OK;
}

/* All fields must be there, and no other: a later version's would change the result. */
static int fields_from_json(enc_model *model, const enc_node *object, const field *f,
                            size_t count, void *to, enc_error *err)
{
    int rc = enc_node_expect(object, JSON_OBJECT, err);
    for (size_t i = 0; rc == ENC_OK && i < count; i++) {
        enc_node node = enc_node_member(object, f[i].key);
        rc = from_json(model, &f[i], &node, to, err);
    }
    if (rc == ENC_OK && json_object_size(object->value) != count) {
        char path[ENC_NODE_PATH];
        rc = enc_fail(err, ENC_UNSUPPORTED, "%s has %zu settings, this library knows %zu",
                      enc_node_path(object, path), json_object_size(object->value), count);
    }
    return rc;
}

static int locals_from_json(const enc_node *node, enc_config *config, enc_error *err)
{
    const char *text = json_string_value(node->value);
    if (!text || strlen(text) != (size_t)config->layers ||
        strspn(text, "01") != (size_t)config->layers)
        return refuse(node, "a digit, 0 or 1, for each layer", err);
    for (int i = 0; i < config->layers; i++)
        config->local[i] = text[i] == '1';
    return ENC_OK;
}

static int prompts_from_json(enc_model *model, const enc_node *list, enc_error *err)
{
    enc_modules *to = &model->modules;
    int rc = enc_node_expect(list, JSON_ARRAY, err);
    if (rc != ENC_OK)
        return rc;
    size_t count = json_array_size(list->value);
    to->prompt = enc_model_alloc(model, count, sizeof *to->prompt);
    if (!to->prompt)
        return enc_nomem(err);
    for (size_t i = 0; rc == ENC_OK && i < count; i++) {
        enc_node pair = enc_node_element(list, i);
        enc_node name = enc_node_element(&pair, 0), text = enc_node_element(&pair, 1);
        rc = enc_node_expect(&name, JSON_STRING, err);
        if (rc == ENC_OK)
            rc = enc_node_expect(&text, JSON_STRING, err);
        if (rc == ENC_OK)
            rc = to_text(model, &name, &to->prompt[i].name, err);
        if (rc == ENC_OK)
            rc = to_text(model, &text, &to->prompt[i].text, err);
    }
    to->prompt_count = (int)count;
    return rc;
}

static int steps_from_json(const enc_node *list, enc_modules *to, enc_error *err)
{
    int rc = enc_node_expect(list, JSON_ARRAY, err);
    if (rc == ENC_OK && json_array_size(list->value) > ENC_MAX_STEPS)
        rc = refuse(list, "an array of at most 8 steps", err);
    for (size_t i = 0; rc == ENC_OK && i < json_array_size(list->value); i++) {
        enc_node step = enc_node_element(list, i);
        enc_node kind = enc_node_element(&step, 0), out = enc_node_element(&step, 1);
        enc_node activation = enc_node_element(&step, 2);
        int numbers[3] = {0};
        rc = enc_node_to_int(&kind, 0, ENC_STEP_LAYER_NORM, &numbers[0], err);
        if (rc == ENC_OK)
            rc = enc_node_to_int(&out, 0, 1 << 20, &numbers[1], err);
        if (rc == ENC_OK)
            rc = enc_node_to_int(&activation, 0, ENC_ACT_COUNT - 1, &numbers[2], err);
        to->step[i].kind = (enum enc_step_kind)numbers[0];
        to->step[i].dense.out = (size_t)numbers[1];
        to->step[i].activation = (enum enc_activation)numbers[2];
        to->step_count = (int)i + 1;
    }
    return rc;
}

/* ---- What fields must be to one another ---------------------------------------------- */

static bool sizes_hold(const enc_config *c, const enc_family *family)
{
    const int64_t qkv = ((int64_t)c->heads + 2 * (int64_t)c->kv_heads) * c->head_size;
    if (c->layers == 0)
        return true;
    return c->groups >= 1 && c->groups <= c->layers && c->heads >= 1 && c->kv_heads >= 1 &&
           c->heads % c->kv_heads == 0 && c->head_size >= 1 && qkv <= 1 << 26 &&
           c->ffn_size >= 1 &&
           (family->position != ENC_POSITION_ROTARY || c->head_size % 2 == 0);
}

static bool positions_hold(const enc_config *c, const enc_family *family)
{
    bool padded = family->position == ENC_POSITION_AFTER_PAD;
    bool table = family->position == ENC_POSITION_LEARNED || padded;
    return c->without_positions || !table ||
           (c->positions > c->first_position && (!padded || c->padding_idx < c->positions));
}

static bool distances_hold(const enc_config *c, const enc_family *family)
{
    const enc_disentangled *d = &c->disentangled;
    bool windows = c->causal || memchr(c->local, 1, (size_t)c->layers);
    if (family->relative == ENC_RELATIVE_BUCKETS &&
        (c->relative_buckets < 4 || c->relative_rows < c->relative_buckets ||
         c->relative_reach <= c->relative_buckets / 4))
        return false;
    if (family->relative != ENC_RELATIVE_DISENTANGLED)
        return d->span == 0 && c->kernel == 0;
    return (d->span == 0 || !windows) &&
           (c->kernel == 0 || (c->kernel % 2 == 1 && c->kernel_groups >= 1 &&
                               c->hidden_size % c->kernel_groups == 0));
}

static int check_config(const enc_node *root, const enc_model *model, enc_error *err)
{
    const enc_config *c = &model->config;
    const enc_family *family = model->family;
    char path[ENC_NODE_PATH];
    const char *wrong = !sizes_hold(c, family)       ? "sizes"
                        : !positions_hold(c, family) ? "positions"
                        : !distances_hold(c, family) ? "distances"
                        : model->modules.default_prompt >= model->modules.prompt_count
                            ? "prompts" : NULL;
    if (!wrong)
        return ENC_OK;
    return enc_fail(err, ENC_CORRUPT, "%s: settings contradict one another (%s)",
                    enc_node_path(root, path), wrong);
}

/* One of the texts that the rest of the program compares with. */
static int check_similarity(const enc_node *root, enc_modules *modules, enc_error *err)
{
    static const char *const known[] = {"cosine", "dot", "euclidean", "manhattan"};
    for (size_t i = 0; modules->similarity && i < COUNT(known); i++)
        if (strcmp(known[i], modules->similarity) == 0)
            return ENC_OK;
    return refuse(root, "settings with a known similarity", err);
}

static int check_fingerprint(const enc_node *root, const enc_model *model, enc_error *err)
{
    const char *hex = model->info.fingerprint;
    if (hex && strlen(hex) == ENC_DIGEST_HEX - 1 &&
        strspn(hex, "0123456789abcdef") == ENC_DIGEST_HEX - 1 && model->info.quantize &&
        model->info.unused_tensors)
        return ENC_OK;
    return refuse(root, "settings with a fingerprint", err);
}

int enc_saved_settings_read(enc_model *model, const enc_node *root, enc_error *err)
{
    enc_node config = enc_node_member(root, "config"), local = enc_node_member(root, "local");
    enc_node own = enc_node_member(root, "model"), prompts = enc_node_member(root, "prompts");
    enc_node steps = enc_node_member(root, "steps");
    int rc = fields_from_json(model, &config, config_fields, COUNT(config_fields),
                              &model->config, err);
    if (rc == ENC_OK)
        rc = locals_from_json(&local, &model->config, err);
    if (rc == ENC_OK)
        rc = fields_from_json(model, &own, model_fields, COUNT(model_fields), model, err);
    if (rc == ENC_OK)
        rc = prompts_from_json(model, &prompts, err);
    if (rc == ENC_OK)
        rc = steps_from_json(&steps, &model->modules, err);
    if (rc == ENC_OK)
        rc = check_config(root, model, err);
    if (rc == ENC_OK)
        rc = check_similarity(root, &model->modules, err);
    return rc == ENC_OK ? check_fingerprint(root, model, err) : rc;
}
