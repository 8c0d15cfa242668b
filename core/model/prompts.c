/*
** prompts.c - sentence-transformers' settings beside the modules: what is put in front of a
** text, how long one may be, how embeddings are compared.
*/
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "json.h"
#include "load.h"

/* ---- sentence_bert_config.json ------------------------------------------------------- */

/* What may be passed to the reference's loaders without changing what a text becomes. */
static bool is_harmless(const char *key)
{
    static const char *const keys[] = {
        "add_pooling_layer", "attn_implementation", "clean_up_tokenization_spaces",
        "device_map", "dtype", "low_cpu_mem_usage", "padding_side", "revision", "torch_dtype",
        "trust_remote_code", "use_cache", "use_fast", "use_safetensors"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

/* Objects that are passed on to model, tokenizer and configuration. */
static int refuse_arguments(const enc_json *json, enc_error *err)
{
    static const char *const objects[] = {
        "model_args", "model_kwargs", "tokenizer_args", "processor_kwargs",
        "processing_kwargs", "config_args", "config_kwargs"};
    const char *name = enc_tail(json->name, ENC_TAIL);
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        json_t *object = NULL, *value;
        const char *key;
        int rc = enc_json_container(json, objects[i], JSON_OBJECT, &object, err);
        if (rc != ENC_OK)
            return rc;
        json_object_foreach(object, key, value)
            if (!is_harmless(key))
                return enc_fail(err, ENC_UNSUPPORTED, "%s: %s: %s is not implemented", name,
                                objects[i], enc_tail(key, ENC_TAIL));
    }
    return ENC_OK;
}

/* Keys with which a Transformer would do something else, and what must stand there. */
static int refuse_variants(const enc_json *json, enc_error *err)
{
    static const struct { const char *key, *value; } only[] = {
        {"transformer_task", "feature-extraction"},
        {"module_output_name", "token_embeddings"}};
    static const char other_tokenizer[] = "tokenizer_name_or_path";
    const char *name = enc_tail(json->name, ENC_TAIL);
    for (size_t i = 0; i < sizeof only / sizeof *only; i++) {
        const char *value = only[i].value;
        int rc = enc_json_string(json, only[i].key, &value, err);
        if (rc != ENC_OK)
            return rc;
        if (strcmp(value, only[i].value) != 0)
            return enc_fail(err, ENC_UNSUPPORTED, "%s: %s '%s' is not implemented (%s)",
                            name, only[i].key, enc_tail(value, ENC_TAIL), only[i].value);
    }
    if (enc_json_has(json, other_tokenizer))
        return enc_fail(err, ENC_UNSUPPORTED, "%s: %s is not implemented", name,
                        other_tokenizer);
    return refuse_arguments(json, err);
}

/* modality_config.text: the model is called plainly and its last hidden state taken. */
static int check_modality(const enc_json *json, enc_error *err)
{
    static const struct { const char *key, *value; } only[] = {
        {"method", "forward"}, {"method_output_name", "last_hidden_state"}};
    json_t *modalities = NULL, *text = NULL;
    int rc = enc_json_container(json, "modality_config", JSON_OBJECT, &modalities, err);
    if (rc != ENC_OK || !modalities)
        return rc;
    char name[ENC_TAIL + 32];
    snprintf(name, sizeof name, "%s: modality_config", enc_tail(json->name, ENC_TAIL));
    enc_json outer = {modalities, name};
    rc = enc_json_require(&outer, "text", err);
    if (rc == ENC_OK)
        rc = enc_json_container(&outer, "text", JSON_OBJECT, &text, err);
    enc_json inner = {text, name};
    for (size_t i = 0; rc == ENC_OK && i < sizeof only / sizeof *only; i++) {
        const char *value = only[i].value;
        rc = enc_json_string(&inner, only[i].key, &value, err);
        if (rc == ENC_OK && strcmp(value, only[i].value) != 0)
            rc = enc_fail(err, ENC_UNSUPPORTED, "%s: %s '%s' is not implemented (%s)",
                          name, only[i].key, enc_tail(value, ENC_TAIL), only[i].value);
    }
    return rc;
}

/* The first of the names that older versions gave the file. */
static int load_sentence_config(const char *folder, const char *part, enc_json *json,
                                enc_error *err)
{
    static const char *const names[] = {
        "sentence_bert_config.json", "sentence_roberta_config.json",
        "sentence_distilbert_config.json", "sentence_camembert_config.json",
        "sentence_albert_config.json", "sentence_xlm-roberta_config.json",
        "sentence_xlnet_config.json"};
    enum { NAMES = sizeof names / sizeof *names };
    *json = (enc_json)ENC_JSON_NONE;
    int rc = ENC_OK;
    for (int i = 0; rc == ENC_OK && !json->value && i < NAMES; i++) {
        char *name = enc_path_join(part, names[i]);
        rc = name ? enc_json_load_if_there(folder, name, json, err) : enc_nomem(err);
        enc_free(name);
    }
    return rc;
}

int enc_sentence_config_read(const char *folder, const char *part, enc_modules *out,
                             enc_error *err)
{
    enc_json json;
    int rc = load_sentence_config(folder, part, &json, err);
    if (rc == ENC_OK && json.value) {
        rc = refuse_variants(&json, err);
        if (rc == ENC_OK)
            rc = check_modality(&json, err);
        if (rc == ENC_OK)
            rc = enc_json_int(&json, "max_seq_length", 1, INT32_MAX, &out->max_tokens, err);
        if (rc == ENC_OK)
            rc = enc_json_bool(&json, "do_lower_case", &out->lower_case, err);
    }
    enc_json_free(&json);
    return rc;
}

/* ---- config_sentence_transformers.json ----------------------------------------------- */

static int read_prompts(enc_model *model, const enc_json *json, enc_error *err)
{
    enc_modules *to = &model->modules;
    json_t *prompts = NULL, *value;
    const char *key;
    int rc = enc_json_container(json, "prompts", JSON_OBJECT, &prompts, err);
    if (rc != ENC_OK || json_object_size(prompts) == 0)
        return rc;
    to->prompt = enc_model_alloc(model, json_object_size(prompts), sizeof *to->prompt);
    if (!to->prompt)
        return enc_nomem(err);
    json_object_foreach(prompts, key, value) {
        char shown[ENC_JSON_SHOWN];
        const char *text = json_is_null(value) ? "" : json_string_value(value);
        if (!text)
            return enc_fail(err, ENC_CORRUPT, "%s: prompt '%s' is %s, must be a string",
                            enc_tail(json->name, ENC_TAIL), enc_tail(key, ENC_TAIL),
                            enc_json_show(value, shown));
        enc_prompt *prompt = &to->prompt[to->prompt_count];
        prompt->name = enc_model_copy(model, key);
        prompt->text = enc_model_copy(model, text);
        if (!prompt->name || !prompt->text)
            return enc_nomem(err);
        to->prompt_count++;
    }
    return ENC_OK;
}

static int find_prompt(const enc_modules *modules, const char *name)
{
    for (int i = 0; i < modules->prompt_count; i++)
        if (strcmp(modules->prompt[i].name, name) == 0)
            return i;
    return -1;
}

/* Puts ", NAME" behind `list` for every prompt that is not there by convention, as far as
** there is room; a name is never cut. */
static void list_prompts(const enc_modules *modules, char *list, size_t size)
{
    size_t at = strlen(list);
    for (int i = 0; i < modules->prompt_count; i++) {
        const char *name = modules->prompt[i].name;
        size_t length = strlen(name);
        if (strcmp(name, "query") == 0 || strcmp(name, "document") == 0)
            continue;
        if (at + length + 6 > size) { /* ", ", the name, and room for "..." */
            memcpy(list + at, "...", 4);
            return;
        }
        memcpy(list + at, ", ", 2);
        memcpy(list + at + 2, name, length + 1);
        at += length + 2;
    }
}

static int read_default_prompt(enc_modules *to, const enc_json *json, enc_error *err)
{
    const char *name = NULL;
    int rc = enc_json_string(json, "default_prompt_name", &name, err);
    if (rc != ENC_OK || !name)
        return rc;
    to->default_prompt = find_prompt(to, name);
    /* The reference has these two, empty, where the file does not give them. */
    if (to->default_prompt >= 0 || strcmp(name, "query") == 0 ||
        strcmp(name, "document") == 0)
        return ENC_OK;
    char names[256] = "query, document";
    list_prompts(to, names, sizeof names);
    return enc_fail(err, ENC_CORRUPT,
                    "%s: default_prompt_name '%s' is not one of the prompts: %s",
                    enc_tail(json->name, ENC_TAIL), enc_tail(name, ENC_TAIL), names);
}

static int read_similarity(enc_modules *to, const enc_json *json, enc_error *err)
{
    static const char *const names[] = {"cosine", "dot", "euclidean", "manhattan"};
    const char *name = names[0];
    int rc = enc_json_string(json, "similarity_fn_name", &name, err);
    if (rc != ENC_OK)
        return rc;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) {
            to->similarity = names[i];
            return ENC_OK;
        }
    return enc_fail(err, ENC_UNSUPPORTED,
                    "%s: similarity_fn_name is '%s', must be cosine, dot, euclidean or "
                    "manhattan", enc_tail(json->name, ENC_TAIL), enc_tail(name, ENC_TAIL));
}

/* The file also serves rerankers and sparse encoders. */
static int check_type(const enc_json *json, enc_error *err)
{
    const char *type = "SentenceTransformer";
    int rc = enc_json_string(json, "model_type", &type, err);
    if (rc == ENC_OK && strcmp(type, "SentenceTransformer") != 0)
        rc = enc_fail(err, ENC_UNSUPPORTED,
                      "%s: model_type '%s' is not implemented (SentenceTransformer)",
                      enc_tail(json->name, ENC_TAIL), enc_tail(type, ENC_TAIL));
    return rc;
}

int enc_prompts_read(enc_model *model, const char *folder, enc_digest *digest,
                     enc_error *err)
{
    enc_modules *to = &model->modules;
    enc_json json;
    to->default_prompt = -1;
    to->similarity = "cosine";
    int rc = enc_json_load_if_there(folder, "config_sentence_transformers.json", &json,
                                    err);
    if (rc == ENC_OK && json.value) {
        rc = check_type(&json, err);
        if (rc == ENC_OK)
            rc = read_prompts(model, &json, err);
        if (rc == ENC_OK)
            rc = read_default_prompt(to, &json, err);
        if (rc == ENC_OK)
            rc = read_similarity(to, &json, err);
        if (rc == ENC_OK)
            rc = enc_json_int(&json, "truncate_dim", 1, INT32_MAX, &to->truncate_dim, err);
    }
    enc_json_free(&json);
    for (int i = 0; i < to->prompt_count; i++) {
        enc_digest_text(digest, to->prompt[i].name);
        enc_digest_text(digest, to->prompt[i].text);
    }
    enc_digest_number(digest, to->default_prompt);
    enc_digest_number(digest, to->truncate_dim);
    return rc;
}

/* ---- A prompt by name ---------------------------------------------------------------- */

int enc_model_prompt(const enc_model *model, const char *name, const char **text,
                     enc_error *err)
{
    static const char *const query[] = {"query", NULL};
    static const char *const document[] = {"document", "passage", "corpus", NULL};
    const enc_modules *modules = &model->modules;
    const char *const only[] = {name, NULL};
    const char *const *wanted = only;
    int found = -1;
    *text = "";
    if (name && !*name)
        return ENC_OK;
    if (name && strcmp(name, "query") == 0)
        wanted = query;
    else if (name && strcmp(name, "document") == 0)
        wanted = document;
    for (; found < 0 && *wanted; wanted++)
        found = find_prompt(modules, *wanted);
    if (found < 0 && name && wanted == only + 1) {
        char names[320] = "query, document";
        list_prompts(modules, names, sizeof names);
        return enc_fail(err, ENC_INVALID, "there is no prompt '%s'; the model has: %s",
                        enc_tail(name, 100), names);
    }
    if (found < 0)
        found = modules->default_prompt;
    *text = found < 0 ? "" : modules->prompt[found].text;
    return ENC_OK;
}
