/*
** modules.c - sentence-transformers' modules: how token vectors become one embedding.
**
** modules.json lists them: a Transformer, a Pooling, then steps on the pooled vector. Their
** classes have moved between generations of the library: sentence_transformers.models.Dense
** became sentence_transformers.base.modules.dense.Dense; the last part of the name tells.
** Each has a folder with its config.json and weights. What is not implemented is an error
** naming it: a module left out would give other vectors in silence.
*/
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "json.h"
#include "load.h"

static const char list_name[] = "modules.json";

/* The part of a dotted name behind its last dot. */
static const char *last_part(const char *dotted)
{
    const char *dot = strrchr(dotted, '.');
    return dot ? dot + 1 : dotted;
}

/* ---- Which modules ------------------------------------------------------------------- */

static const struct kind {
    const char *name;
    enum enc_module_kind kind;
} kinds[] = {
    {"Transformer", ENC_MODULE_TRANSFORMER}, {"Pooling", ENC_MODULE_POOLING},
    {"Dense", ENC_MODULE_DENSE},             {"Normalize", ENC_MODULE_NORMALIZE},
    {"LayerNorm", ENC_MODULE_LAYER_NORM},    {"Dropout", ENC_MODULE_DROPOUT},
    {"StaticEmbedding", ENC_MODULE_STATIC},
};

static int find_kind(const char *type, int index, enum enc_module_kind *out, enc_error *err)
{
    static const char library[] = "sentence_transformers.";
    if (strncmp(type, library, sizeof library - 1) == 0)
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            if (strcmp(kinds[i].name, last_part(type)) == 0) {
                *out = kinds[i].kind;
                return ENC_OK;
            }
    return enc_fail(err, ENC_UNSUPPORTED,
                    "%s: module %d is '%s', which is not implemented (Transformer, "
                    "Pooling, Dense, Normalize, LayerNorm, Dropout, StaticEmbedding)", list_name, index,
                    enc_tail(type, ENC_TAIL));
}

/* Module 0 makes token vectors, module 1 pools them, the rest works on what is pooled. A
** StaticEmbedding does the first two. */
static int check_order(int index, enum enc_module_kind kind, bool is_static, enc_error *err)
{
    static const char *const wanted[] = {"Transformer", "Pooling",
                                         "a step after the Pooling"};
    int place = kind == ENC_MODULE_TRANSFORMER ? 0 : kind == ENC_MODULE_POOLING ? 1 : 2;
    int expected = index < 2 ? index : 2;
    if (kind == ENC_MODULE_STATIC)
        place = 0;
    if (is_static && index == 1)
        expected = 2;
    if (place == expected)
        return ENC_OK;
    return enc_fail(err, ENC_UNSUPPORTED, "%s: module %d is %s, must be %s", list_name,
                    index, kinds[kind].name, wanted[expected]);
}

/* The path without "." and without slashes too many: "./1_Pooling/" is "1_Pooling". An
** absolute one keeps its slash. NULL: out of memory. */
static char *tidy_path(const char *path)
{
    const char *start = path;
    char *tidy = enc_copy_string(path, strlen(path)), *to = tidy;
    while (tidy && *path) {
        size_t length = strcspn(path, "/"), slash = path[length] == '/';
        bool skipped = (length == 1 && path[0] == '.') || (length == 0 && path > start);
        if (!skipped) {
            memmove(to, path, length + slash);
            to += length + slash;
        }
        path += length + slash;
    }
    if (tidy && to > tidy + 1 && to[-1] == '/')
        to--;
    if (tidy)
        *to = '\0';
    return tidy;
}

static int read_module(json_t *value, int index, bool is_static, enc_module *out,
                       enc_error *err)
{
    char shown[ENC_JSON_SHOWN], name[48];
    if (!json_is_object(value))
        return enc_fail(err, ENC_CORRUPT, "%s: module %d is %s, must be an object",
                        list_name, index, enc_json_show(value, shown));
    snprintf(name, sizeof name, "%s: module %d", list_name, index);
    enc_json entry = {value, name};
    const char *type = "", *path = "";
    int rc = enc_json_require(&entry, "type", err);
    if (rc == ENC_OK)
        rc = enc_json_string(&entry, "type", &type, err);
    if (rc == ENC_OK)
        rc = enc_json_string(&entry, "path", &path, err);
    if (rc == ENC_OK)
        rc = find_kind(type, index, &out->kind, err);
    if (rc == ENC_OK)
        rc = check_order(index, out->kind, is_static, err);
    if (rc != ENC_OK)
        return rc;
    char *tidy = tidy_path(path);
    if (!tidy)
        return enc_nomem(err);
    if (tidy[0] && !enc_path_is_inside(tidy)) {
        enc_free(tidy);
        return enc_fail(err, ENC_CORRUPT,
                        "%s: path '%s' of module %d leads out of the folder", list_name,
                        enc_tail(path, ENC_TAIL), index);
    }
    out->part = tidy;
    return ENC_OK;
}

/* A StaticEmbedding comes first. */
static bool is_static(const enc_module_list *list)
{
    return list->count > 0 && list->at[0].kind == ENC_MODULE_STATIC;
}

static int read_list(json_t *root, enc_module_list *out, enc_error *err)
{
    char shown[ENC_JSON_SHOWN];
    size_t count = json_array_size(root);
    if (!json_is_array(root))
        return enc_fail(err, ENC_CORRUPT, "%s holds %s, must be an array", list_name,
                        enc_json_show(root, shown));
    if (count > ENC_MAX_MODULES)
        return enc_fail(err, ENC_UNSUPPORTED, "%s lists %zu modules, the limit is %d",
                        list_name, count, ENC_MAX_MODULES);
    for (size_t i = 0; i < count; i++) {
        int rc = read_module(json_array_get(root, i), (int)i, is_static(out), &out->at[i], err);
        if (rc != ENC_OK)
            return rc;
        out->count++;
    }
    if (count < 2 && !is_static(out))
        return enc_fail(err, ENC_UNSUPPORTED,
                        "%s lists no Pooling, which makes one vector of a text's tokens",
                        list_name);
    return ENC_OK;
}

int enc_modules_list(const char *folder, enc_module_list *out, enc_error *err)
{
    *out = (enc_module_list){0};
    if (!enc_file_exists(folder, list_name))
        return ENC_OK;
    char *data;
    size_t size;
    json_t *root = NULL;
    int rc = enc_file_load(folder, list_name, ENC_SETTINGS_LIMIT, &data, &size, err);
    if (rc == ENC_OK)
        rc = enc_json_parse(data, size, list_name, &root, err);
    if (rc == ENC_OK)
        rc = read_list(root, out, err);
    json_decref(root);
    enc_free(data);
    if (rc != ENC_OK)
        enc_modules_free(out);
    return rc;
}

void enc_modules_free(enc_module_list *list)
{
    for (int i = 0; i < list->count; i++)
        enc_free(list->at[i].part);
    *list = (enc_module_list){0};
}

/* ---- Pooling ------------------------------------------------------------------------- */

/* In the order in which their results are joined; the old configuration has a boolean for
** each, the new one names those that are on. */
static const struct mode {
    enum enc_pooling bit;
    const char *flag;
    const char *name;
} modes[] = {
    {ENC_POOL_CLS, "pooling_mode_cls_token", "cls"},
    {ENC_POOL_MAX, "pooling_mode_max_tokens", "max"},
    {ENC_POOL_MEAN, "pooling_mode_mean_tokens", "mean"},
    {ENC_POOL_MEAN_SQRT_LEN, "pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"},
    {ENC_POOL_WEIGHTEDMEAN, "pooling_mode_weightedmean_tokens", "weightedmean"},
    {ENC_POOL_LASTTOKEN, "pooling_mode_lasttoken", "lasttoken"},
};

enum { MODES = sizeof modes / sizeof *modes };

static int read_mode_flags(const enc_json *json, unsigned *pooling, enc_error *err)
{
    for (int i = 0; i < MODES; i++) {
        bool on = false;
        int rc = enc_json_bool(json, modes[i].flag, &on, err);
        if (rc != ENC_OK)
            return rc;
        *pooling |= on ? modes[i].bit : 0;
    }
    return ENC_OK;
}

/* One name of pooling_mode; its bit must lie beyond those already there. */
static int add_mode(const enc_json *json, const json_t *value, unsigned *pooling,
                    enc_error *err)
{
    char shown[ENC_JSON_SHOWN];
    const char *name = json_string_value(value);
    int i = 0;
    while (i < MODES && !(name && strcmp(modes[i].name, name) == 0))
        i++;
    if (i == MODES)
        return enc_fail(err, ENC_UNSUPPORTED,
                        "%s: pooling_mode is %s, must be cls, max, mean, "
                        "mean_sqrt_len_tokens, weightedmean or lasttoken",
                        enc_tail(json->name, ENC_TAIL), enc_json_show(value, shown));
    if (*pooling >= (unsigned)modes[i].bit)
        return enc_fail(err, ENC_UNSUPPORTED,
                        "%s: pooling_mode lists '%s' out of order (cls, max, mean, "
                        "mean_sqrt_len_tokens, weightedmean, lasttoken)",
                        enc_tail(json->name, ENC_TAIL), name);
    *pooling |= modes[i].bit;
    return ENC_OK;
}

static int read_modes(const enc_json *json, unsigned *pooling, enc_error *err)
{
    const json_t *value = json_object_get(json->value, "pooling_mode");
    if (!value || json_is_null(value))
        return read_mode_flags(json, pooling, err);
    if (!json_is_array(value))
        return add_mode(json, value, pooling, err);
    for (size_t i = 0; i < json_array_size(value); i++) {
        int rc = add_mode(json, json_array_get(value, i), pooling, err);
        if (rc != ENC_OK)
            return rc;
    }
    return ENC_OK;
}

static bool is_known(const char *key)
{
    static const char *const others[] = {"word_embedding_dimension", "embedding_dimension",
                                         "pooling_mode", "include_prompt"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(others[i], key) == 0)
            return true;
    for (int i = 0; i < MODES; i++)
        if (strcmp(modes[i].flag, key) == 0)
            return true;
    return false;
}

static int check_pooling(const enc_json *json, int width, enc_error *err)
{
    const char *key, *name = enc_tail(json->name, ENC_TAIL);
    json_t *value;
    json_object_foreach(json->value, key, value)
        if (!is_known(key) && !json_is_false(value) && !json_is_null(value))
            return enc_fail(err, ENC_UNSUPPORTED, "%s: %s is not implemented", name,
                            enc_tail(key, ENC_TAIL));
    static const char *const sizes[] = {"word_embedding_dimension", "embedding_dimension"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int said = width;
        int rc = enc_json_int(json, sizes[i], 1, INT32_MAX, &said, err);
        if (rc != ENC_OK)
            return rc;
        if (said != width)
            return enc_fail(err, ENC_CORRUPT,
                            "%s: %s is %d, config.json says hidden_size %d", name, sizes[i],
                            said, width);
    }
    return ENC_OK;
}

static int load_part(const char *folder, const char *part, enc_json *out, enc_error *err)
{
    *out = (enc_json)ENC_JSON_NONE;
    char *name = enc_path_join(part, "config.json");
    int rc = name ? enc_json_load(folder, name, out, err) : enc_nomem(err);
    enc_free(name);
    return rc;
}

static int read_pooling(enc_model *model, const char *folder, const char *part,
                        enc_error *err)
{
    enc_modules *to = &model->modules;
    enc_json json;
    to->pooling = 0;
    int rc = load_part(folder, part, &json, err);
    if (rc == ENC_OK)
        rc = check_pooling(&json, model->config.hidden_size, err);
    if (rc == ENC_OK)
        rc = read_modes(&json, &to->pooling, err);
    if (rc == ENC_OK)
        rc = enc_json_bool(&json, "include_prompt", &to->include_prompt, err);
    if (to->pooling == 0)
        to->pooling = ENC_POOL_MEAN; /* none is on: the reference takes the mean */
    enc_json_free(&json);
    return rc;
}

/* ---- Steps --------------------------------------------------------------------------- */

/* activation_function, a class of torch.nn. */
static int read_activation(const enc_json *json, enum enc_activation *out, enc_error *err)
{
    static const struct { const char *name; enum enc_activation activation; } classes[] = {
        {"Identity", ENC_ACT_NONE}, {"Tanh", ENC_ACT_TANH},       {"ReLU", ENC_ACT_RELU},
        {"GELU", ENC_ACT_GELU},     {"Sigmoid", ENC_ACT_SIGMOID}, {"SiLU", ENC_ACT_SILU}};
    const char *name = "torch.nn.modules.activation.Tanh"; /* what the reference takes */
    int rc = enc_json_string(json, "activation_function", &name, err);
    if (rc != ENC_OK)
        return rc;
    if (strncmp(name, "torch.nn.", 9) == 0)
        for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
            if (strcmp(classes[i].name, last_part(name)) == 0) {
                *out = classes[i].activation;
                return ENC_OK;
            }
    return enc_fail(err, ENC_UNSUPPORTED,
                    "%s: activation_function '%s' is not implemented (torch.nn's Identity, "
                    "Tanh, ReLU, GELU, Sigmoid, SiLU)", enc_tail(json->name, ENC_TAIL),
                    enc_tail(name, ENC_TAIL));
}

/* A size that must be what the module before gives. */
static int check_width(const enc_json *json, const char *key, int width, enc_error *err)
{
    int said = 0;
    int rc = enc_json_require(json, key, err);
    if (rc == ENC_OK)
        rc = enc_json_int(json, key, 1, INT32_MAX, &said, err);
    if (rc == ENC_OK && said != width)
        rc = enc_fail(err, ENC_CORRUPT,
                      "%s: %s is %d, the module before it gives %d numbers",
                      enc_tail(json->name, ENC_TAIL), key, said, width);
    return rc;
}

/* Dense may be told to work on something else than the pooled vector. */
static int check_feature(const enc_json *json, const char *key, enc_error *err)
{
    const char *feature = "sentence_embedding";
    int rc = enc_json_string(json, key, &feature, err);
    if (rc == ENC_OK && strcmp(feature, "sentence_embedding") != 0)
        rc = enc_fail(err, ENC_UNSUPPORTED,
                      "%s: %s '%s' is not implemented (sentence_embedding)",
                      enc_tail(json->name, ENC_TAIL), key, enc_tail(feature, ENC_TAIL));
    return rc;
}

static int read_dense(const enc_json *json, enc_binder *binder, int *width, enc_step *step,
                      enc_error *err)
{
    int out = 0;
    bool bias = true;
    int rc = check_width(json, "in_features", *width, err);
    if (rc == ENC_OK)
        rc = enc_json_require(json, "out_features", err);
    if (rc == ENC_OK)
        rc = enc_json_int(json, "out_features", 1, 1 << 20, &out, err);
    if (rc == ENC_OK)
        rc = enc_json_bool(json, "bias", &bias, err);
    if (rc == ENC_OK)
        rc = check_feature(json, "module_input_name", err);
    if (rc == ENC_OK)
        rc = check_feature(json, "module_output_name", err);
    if (rc == ENC_OK)
        rc = read_activation(json, &step->activation, err);
    if (rc == ENC_OK)
        rc = enc_bind_linear(binder, ENC_ROLE_REST, "linear", *width, out, bias, &step->dense, err);
    *width = out;
    return rc;
}

static int read_layer_norm(const enc_json *json, enc_binder *binder, int width,
                           enc_step *step, enc_error *err)
{
    const float eps = 1e-5f; /* torch.nn.LayerNorm's own; the module has no key for it */
    int rc = check_width(json, "dimension", width, err);
    if (rc == ENC_OK)
        rc = enc_bind_norm(binder, "norm", width, eps, &step->norm, err);
    return rc;
}

/* A step with a folder of its own. */
static int read_step(enc_model *model, const char *folder, const enc_module *module,
                     enc_digest *digest, int *width, enc_step *step, enc_error *err)
{
    enc_json json;
    enc_binder binder = {.model = model, .digest = digest, .prefix = ""};
    int rc = load_part(folder, module->part, &json, err);
    if (rc == ENC_OK)
        rc = enc_checkpoint_open(folder, module->part, &binder.checkpoint, err);
    binder.says = json.name;
    if (rc == ENC_OK && step->kind == ENC_STEP_DENSE)
        rc = read_dense(&json, &binder, width, step, err);
    else if (rc == ENC_OK)
        rc = read_layer_norm(&json, &binder, *width, step, err);
    if (rc == ENC_OK)
        rc = enc_checkpoint_unchanged(binder.checkpoint, err);
    enc_checkpoint_close(binder.checkpoint);
    enc_binder_clear(&binder);
    enc_json_free(&json);
    return rc;
}

static int add_step(enc_model *model, const char *folder, const enc_module *module,
                    enc_digest *digest, int *width, enc_error *err)
{
    enc_modules *to = &model->modules;
    if (module->kind == ENC_MODULE_DROPOUT)
        return ENC_OK; /* does nothing outside of training */
    if (to->step_count == ENC_MAX_STEPS)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: more than %d steps after the Pooling",
                        list_name, ENC_MAX_STEPS);
    enc_step *step = &to->step[to->step_count++];
    step->kind = module->kind == ENC_MODULE_DENSE       ? ENC_STEP_DENSE
                 : module->kind == ENC_MODULE_NORMALIZE ? ENC_STEP_NORMALIZE
                                                        : ENC_STEP_LAYER_NORM;
    int rc = ENC_OK;
    if (step->kind != ENC_STEP_NORMALIZE)
        rc = read_step(model, folder, module, digest, width, step, err);
    enc_digest_number(digest, step->kind);
    enc_digest_number(digest, step->activation);
    return rc;
}

int enc_modules_read(enc_model *model, const char *folder, const enc_module_list *list,
                     enc_digest *digest, enc_error *err)
{
    enc_modules *to = &model->modules;
    to->pooling = ENC_POOL_MEAN;
    to->include_prompt = true;
    bool pools = list->count > 0 && !is_static(list);
    int rc = pools ? read_pooling(model, folder, list->at[1].part, err) : ENC_OK;
    int width = model->config.hidden_size * __builtin_popcount(to->pooling);
    enc_digest_number(digest, to->pooling);
    enc_digest_number(digest, to->include_prompt);
    for (int i = pools ? 2 : 1; rc == ENC_OK && i < list->count; i++)
        rc = add_step(model, folder, &list->at[i], digest, &width, err);
    model->info.dimensions = width;
    return rc;
}
