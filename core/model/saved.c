/* saved.c - see saved.h. */
#include "saved.h"

#include <string.h>

#include "file.h"

/* ---- Saving -------------------------------------------------------------------------- */

typedef struct saving {
    const enc_model *model;
    const enc_lm_head *head; /* NULL: there is none, as `no_head` says */
    enc_error no_head;
    enc_saved_writer writer;
} saving;

/* Layouts of the kernel in use, by number type. */
static json_t *layouts(const enc_ops *ops)
{
    json_t *list = json_array();
    for (int type = 0; list && type < ENC_WEIGHT_TYPES; type++) {
        const enc_product *product = ops->product[type];
        json_t *name = product ? json_string(product->layout) : json_null();
        if (json_array_append_new(list, name) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *describe_head(const saving *s)
{
    const enc_lm_head *head = s->head;
    if (!head)
        return json_string(s->no_head.message);
    return json_pack("{s:i, s:f, s:f}", "activation", (int)head->activation, "norm_eps",
                     (double)head->norm_eps, "softcap", (double)head->softcap);
}

static int write_settings(saving *s, enc_error *err)
{
    json_t *root = enc_saved_settings(s->model), *tokenizer = NULL;
    int rc = root ? enc_tokenizer_describe(s->model->tokenizer, &tokenizer, err)
                  : enc_nomem(err);
    if (rc == ENC_OK && (json_object_set_new(root, "tokenizer", tokenizer) != 0 ||
                         json_object_set_new(root, "layouts", layouts(s->model->ops)) != 0 ||
                         json_object_set_new(root, "head", describe_head(s)) != 0))
        rc = enc_nomem(err);
    char *text = rc == ENC_OK ? enc_json_text(root) : NULL;
    json_decref(root);
    if (rc == ENC_OK && !text)
        rc = enc_nomem(err);
    if (rc == ENC_OK)
        rc = enc_saved_begin(&s->writer, ENC_SAVED_SETTINGS, err);
    if (rc == ENC_OK)
        rc = enc_saved_append(&s->writer, text, strlen(text), err);
    enc_free(text);
    return rc;
}

/* The arrays of a part, of a model that nothing is written to although the walks that serve
** both ways could. */
static int write_arrays(saving *s, enum enc_saved_part part, enc_error *err)
{
    enc_model *model = (enc_model *)s->model;
    enc_store store = {.name = s->writer.path, .part = enc_saved_part_name(part),
                       .append = enc_saved_append, .context = &s->writer};
    enc_saved_numbers numbers = {.model = model, .store = &store};
    int rc = enc_saved_begin(&s->writer, part, err);
    if (rc != ENC_OK)
        return rc;
    if (part == ENC_SAVED_TOKENIZER)
        return enc_tokenizer_store(model->tokenizer, &store, err);
    if (part == ENC_SAVED_WEIGHTS)
        return enc_saved_weights(&numbers, err);
    enc_lm_head head = s->head ? *s->head : (enc_lm_head){0};
    return s->head ? enc_saved_head(&numbers, &head, err) : ENC_OK;
}

int enc_saved_write(const enc_model *model, const char *path, enc_poll *poll, uint64_t *bytes,
                    enc_error *err)
{
    saving s = {.model = model};
    if (model->elmo)
        return enc_fail(err, ENC_UNSUPPORTED, "ELMo can't be saved; it is read from "
                        "options.json and weights.hdf5");
    int rc = enc_lm_head_get(model, &s.head, &s.no_head);
    if (rc != ENC_OK && rc != ENC_UNSUPPORTED) /* the checkpoint is no longer what it was */
        return enc_fail(err, rc, "%s", s.no_head.message);
    rc = enc_saved_create(path, poll, &s.writer, err);
    if (rc != ENC_OK)
        return rc;
    rc = write_settings(&s, err);
    for (int part = ENC_SAVED_TOKENIZER; rc == ENC_OK && part < ENC_SAVED_PARTS; part++)
        rc = write_arrays(&s, (enum enc_saved_part)part, err);
    if (rc == ENC_OK)
        rc = enc_saved_commit(&s.writer, bytes, err);
    enc_saved_abandon(&s.writer);
    return rc;
}

/* ---- Loading ------------------------------------------------------------------------- */

typedef struct loading {
    enc_model *model;
    const char *name; /* the file's, for messages */
    enc_node root;
    enc_saved_numbers numbers;
} loading;

static enc_store open_part(const loading *l, enum enc_saved_part part)
{
    const enc_saved_map *map = l->model->saved;
    return (enc_store){.name = l->name, .part = enc_saved_part_name(part),
                       .data = map->part[part].data, .size = map->part[part].size};
}

static int read_family(loading *l, enc_error *err)
{
    const char *type;
    int rc = enc_node_string(&l->root, "family", &type, err);
    if (rc != ENC_OK)
        return rc;
    const enc_family *family = enc_family_find(type);
    if (strcmp(type, enc_static_family.model_type) == 0)
        family = &enc_static_family;
    l->model->family = family;
    if (family && family->shape == ENC_SHAPE_TRANSFORMER)
        return ENC_OK;
    return enc_fail(err, ENC_UNSUPPORTED, "%s: the family '%s' is not one of this library (%s)",
                    l->name, enc_tail(type, ENC_TAIL), enc_family_names());
}

static int read_scheme(loading *l, enc_error *err)
{
    l->model->scheme = enc_scheme_find(l->model->info.quantize);
    if (l->model->scheme) {
        l->model->weights.attention = l->model->scheme->attention;
        return ENC_OK;
    }
    return enc_fail(err, ENC_UNSUPPORTED, "%s: quantize is '%s', must be %s", l->name,
                    enc_tail(l->model->info.quantize, ENC_TAIL), enc_scheme_names);
}

/* A table of vectors has no layers and no other width, any other model has layers. */
static int check_layers(const loading *l, enc_error *err)
{
    const enc_config *config = &l->model->config;
    bool is_static = l->model->family == &enc_static_family;
    if (is_static ? config->layers == 0 && config->embedding_size == config->hidden_size
                  : config->layers > 0)
        return ENC_OK;
    return enc_fail(err, ENC_CORRUPT, "%s: a model of the family '%s' with %d layers, %d "
                    "numbers wide, its table %d", l->name, l->model->family->model_type, config->layers,
                    config->hidden_size, config->embedding_size);
}

static int read_layouts(loading *l, enc_error *err)
{
    enc_node list = enc_node_member(&l->root, "layouts");
    int rc = enc_node_expect(&list, JSON_ARRAY, err);
    for (size_t type = 0; rc == ENC_OK && type < ENC_WEIGHT_TYPES; type++) {
        enc_node name = enc_node_element(&list, type);
        if (enc_node_is_null(&name))
            continue;
        rc = enc_node_expect(&name, JSON_STRING, err);
        l->numbers.layout[type] = json_string_value(name.value);
    }
    return rc;
}

/* A static model's limit of tokens is its own, and no types are looked at. */
static int accept_tokenizer(loading *l, enc_digest *digest, enc_error *err)
{
    enc_model *model = l->model;
    if (model->family != &enc_static_family)
        return model->max_tokens > INT32_MAX
                   ? enc_fail(err, ENC_CORRUPT, "%s: max_tokens is %zu", l->name,
                              model->max_tokens)
                   : enc_model_accept_tokenizer(model, l->name, l->name,
                                                (int)model->max_tokens, digest, err);
    int32_t id = enc_tokenizer_max_id(model->tokenizer);
    if (id < model->config.vocabulary)
        return ENC_OK;
    return enc_fail(err, ENC_CORRUPT, "%s: a token has id %d, there are %d rows", l->name,
                    (int)id, model->config.vocabulary);
}

static int read_tokenizer(loading *l, enc_digest *digest, enc_error *err)
{
    enc_store store = open_part(l, ENC_SAVED_TOKENIZER);
    enc_node node = enc_node_member(&l->root, "tokenizer");
    int rc = enc_tokenizer_restore(&node, l->model->modules.lower_case, &store,
                                   &l->model->tokenizer, err);
    return rc == ENC_OK ? accept_tokenizer(l, digest, err) : rc;
}

static int read_weights(loading *l, enc_error *err)
{
    enc_store store = open_part(l, ENC_SAVED_WEIGHTS);
    l->numbers.store = &store;
    int rc = enc_saved_weights(&l->numbers, err);
    return rc == ENC_OK ? enc_store_end(&store, err) : rc;
}

static int read_head_settings(const enc_node *node, enc_lm_head *head, enc_error *err)
{
    enc_node eps = enc_node_member(node, "norm_eps"), cap = enc_node_member(node, "softcap");
    int activation = 0;
    int rc = enc_node_int(node, "activation", 0, ENC_ACT_COUNT - 1, &activation, err);
    if (rc == ENC_OK && !json_is_number(eps.value))
        rc = enc_node_refuse(&eps, "a number", err);
    if (rc == ENC_OK && !json_is_number(cap.value))
        rc = enc_node_refuse(&cap, "a number", err);
    head->activation = (enum enc_activation)activation;
    head->norm_eps = (float)json_number_value(eps.value);
    head->softcap = (float)json_number_value(cap.value);
    return rc;
}

/* An object, or the sentence that says what the checkpoint lacked. */
static int read_head(loading *l, enc_error *err)
{
    enc_model *model = l->model;
    enc_node node = enc_node_member(&l->root, "head");
    enc_store store = open_part(l, ENC_SAVED_HEAD);
    if (json_is_string(node.value)) {
        model->no_head = enc_model_copy(model, json_string_value(node.value));
        return model->no_head ? enc_store_end(&store, err) : enc_nomem(err);
    }
    int rc = enc_node_expect(&node, JSON_OBJECT, err);
    enc_lm_head *head = rc == ENC_OK ? ENC_ZALLOC(enc_lm_head, 1) : NULL;
    if (rc == ENC_OK && !head)
        rc = enc_nomem(err);
    if (rc != ENC_OK)
        return rc;
    head->borrowed = true;
    atomic_store(&model->lm_head, head); /* freed with the model, whatever follows */
    l->numbers.store = &store;
    rc = read_head_settings(&node, head, err);
    if (rc == ENC_OK)
        rc = enc_saved_head(&l->numbers, head, err);
    return rc == ENC_OK ? enc_store_end(&store, err) : rc;
}

static int read_all(loading *l, enc_digest *digest, enc_error *err)
{
    int rc = read_family(l, err);
    if (rc == ENC_OK)
        rc = enc_saved_settings_read(l->model, &l->root, err);
    if (rc == ENC_OK)
        rc = read_scheme(l, err);
    if (rc == ENC_OK)
        rc = check_layers(l, err);
    if (rc == ENC_OK)
        rc = read_layouts(l, err);
    if (rc == ENC_OK)
        rc = read_tokenizer(l, digest, err);
    if (rc == ENC_OK)
        rc = read_weights(l, err);
    return rc == ENC_OK ? read_head(l, err) : rc;
}

int enc_saved_load(enc_model *model, const char *path, enc_digest *digest, enc_error *err)
{
    const char *slash = strrchr(path, '/');
    loading l = {.model = model, .name = enc_tail(slash ? slash + 1 : path, ENC_TAIL),
                 .numbers = {.model = model}};
    json_t *root = NULL;
    model->saved = ENC_ZALLOC(enc_saved_map, 1);
    int rc = model->saved ? enc_saved_open(path, l.name, model->saved, err) : enc_nomem(err);
    if (rc == ENC_OK)
        rc = enc_json_parse(model->saved->part[ENC_SAVED_SETTINGS].data,
                            model->saved->part[ENC_SAVED_SETTINGS].size, l.name, &root, err);
    l.root = enc_node_file(l.name, root);
    if (rc == ENC_OK)
        rc = enc_node_expect(&l.root, JSON_OBJECT, err);
    if (rc == ENC_OK)
        rc = read_all(&l, digest, err);
    json_decref(root);
    return rc;
}
