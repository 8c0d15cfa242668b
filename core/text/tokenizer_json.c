/* tokenizer_json.c - tokenizer.json into the parts of a tokenizer. */
#include <string.h>

#include "file.h"
#include "tokenizer_parts.h"

static int read_added_token(const enc_node *node, enc_added_token *t, enc_error *err)
{
    int id;
    int rc = enc_node_string(node, "content", &t->text, err);
    if (rc == ENC_OK)
        rc = enc_node_int(node, "id", 0, INT32_MAX, &id, err);
    if (rc == ENC_OK)
        rc = enc_node_bool(node, "single_word", &t->single_word, err);
    if (rc == ENC_OK)
        rc = enc_node_bool(node, "lstrip", &t->lstrip, err);
    if (rc == ENC_OK)
        rc = enc_node_bool(node, "rstrip", &t->rstrip, err);
    if (rc == ENC_OK)
        rc = enc_node_bool(node, "normalized", &t->normalized, err);
    if (rc == ENC_OK)
        rc = enc_node_bool(node, "special", &t->special, err);
    if (rc == ENC_OK)
        t->size = strlen(t->text);
    return rc;
}

static int read_added_tokens(enc_tokenizer *t, const enc_node *list, enc_error *err)
{
    char path[ENC_NODE_PATH];
    if (enc_node_is_null(list))
        return enc_tokenizer_set_added(t, NULL, 0, enc_node_path(list, path), err);
    int rc = enc_node_expect(list, JSON_ARRAY, err);
    if (rc != ENC_OK)
        return rc;
    size_t count = json_array_size(list->value);
    enc_added_token *tokens = ENC_ZALLOC(enc_added_token, count);
    if (!tokens)
        return enc_nomem(err);
    for (size_t i = 0; i < count && rc == ENC_OK; i++) {
        enc_node element = enc_node_element(list, i);
        rc = enc_node_expect(&element, JSON_OBJECT, err);
        if (rc == ENC_OK)
            rc = read_added_token(&element, &tokens[i], err);
    }
    if (rc == ENC_OK)
        rc = enc_tokenizer_set_added(t, tokens, count, enc_node_path(list, path), err);
    enc_free(tokens);
    return rc;
}

static int check_version(const enc_node *root, enc_error *err)
{
    char path[ENC_NODE_PATH], shown[ENC_JSON_SHOWN];
    const char *version = "1.0";
    enc_node node = enc_node_member(root, "version");
    if (!node.value)
        return ENC_OK;
    int rc = enc_node_string(root, "version", &version, err);
    if (rc == ENC_OK && strcmp(version, "1.0") != 0)
        rc = enc_fail(err, ENC_UNSUPPORTED, "%s %s is not supported (1.0)",
                      enc_node_path(&node, path), enc_json_show(node.value, shown));
    return rc;
}

/* The length and the rest of it are for who calls the tokenizer to say. */
static int read_truncation(enc_tokenizer *t, const enc_node *truncation, enc_error *err)
{
    char path[ENC_NODE_PATH];
    const char *side = "Right";
    if (enc_node_is_null(truncation))
        return ENC_OK;
    int rc = enc_node_expect(truncation, JSON_OBJECT, err);
    if (rc != ENC_OK || !enc_node_member(truncation, "direction").value)
        return rc;
    rc = enc_node_string(truncation, "direction", &side, err);
    t->keeps_end = rc == ENC_OK && strcmp(side, "Left") == 0;
    if (rc == ENC_OK && !t->keeps_end && strcmp(side, "Right") != 0)
        rc = enc_fail(err, ENC_UNSUPPORTED, "%s.direction is '%s', must be 'Right' or 'Left'",
                      enc_node_path(truncation, path), enc_tail(side, ENC_TAIL));
    return rc;
}

static int read_parts(enc_tokenizer *t, const enc_node *root, enc_error *err)
{
    enc_node model = enc_node_member(root, "model");
    enc_node normalizer = enc_node_member(root, "normalizer");
    enc_node pretokenizer = enc_node_member(root, "pre_tokenizer");
    enc_node processor = enc_node_member(root, "post_processor");
    enc_node added = enc_node_member(root, "added_tokens");
    enc_node truncation = enc_node_member(root, "truncation");
    int rc = check_version(root, err);
    if (rc == ENC_OK)
        rc = read_truncation(t, &truncation, err);
    if (rc == ENC_OK)
        rc = enc_tokenizer_read_model(t, &model, err);
    if (rc == ENC_OK)
        rc = enc_normalizer_read(&t->normalizer, &normalizer, err);
    if (rc == ENC_OK)
        rc = enc_pretokenizer_read(&t->pretokenizer, &pretokenizer, err);
    if (rc == ENC_OK)
        rc = enc_templates_read(&processor, &t->templates, err);
    if (rc == ENC_OK)
        rc = read_added_tokens(t, &added, err);
    return rc;
}

int enc_tokenizer_keep_settings(enc_tokenizer *t, json_t *root, enc_error *err)
{
    json_t *copy = json_copy(root), *model = json_copy(json_object_get(root, "model"));
    json_object_del(model, "vocab");
    json_object_del(model, "merges");
    if (copy && json_object_set_new(copy, "model", model) == 0)
        t->settings = enc_json_text(copy);
    json_decref(copy);
    return t->settings ? ENC_OK : enc_nomem(err);
}

int enc_tokenizer_read_value(enc_tokenizer *t, const char *file_name, json_t *root,
                             enc_error *err)
{
    enc_node node = enc_node_file(file_name, root);
    int rc = enc_node_expect(&node, JSON_OBJECT, err);
    if (rc == ENC_OK)
        rc = read_parts(t, &node, err);
    return rc == ENC_OK ? enc_tokenizer_keep_settings(t, root, err) : rc;
}

int enc_tokenizer_read_json(enc_tokenizer *t, const enc_tokenizer_files *files,
                            enc_error *err)
{
    static const char name[] = "tokenizer.json";
    json_t *root;
    int rc = enc_json_parse(files->json.data, files->json.size, name, &root, err);
    if (rc != ENC_OK)
        return rc;
    t->from_text = true;
    rc = enc_tokenizer_read_value(t, name, root, err);
    json_decref(root);
    return rc;
}
