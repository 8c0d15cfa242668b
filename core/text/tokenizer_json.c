/* tokenizer_json.c - tokenizer.json into the parts of a tokenizer. */
#include <string.h>

#include "tokenizer_parts.h"

static const char name[] = "tokenizer.json";

static int read_wordpiece(enc_tokenizer *t, const enc_node *node, enc_error *err)
{
    enc_wordpiece model;
    int rc = enc_wordpiece_read(node, &model, err);
    if (rc == ENC_OK)
        enc_tokenizer_set_wordpiece(t, &model);
    return rc;
}

static const struct row {
    const char *type;
    int (*read)(enc_tokenizer *t, const enc_node *node, enc_error *err);
} models[] = {
    {"WordPiece", read_wordpiece},
};

static const char choices[] = "WordPiece";

static int read_model(enc_tokenizer *t, const enc_node *node, enc_error *err)
{
    int rc = enc_node_expect(node, JSON_OBJECT, err);
    if (rc != ENC_OK)
        return rc;
    enc_node named = enc_node_member(node, "type");
    const char *type = json_string_value(named.value);
    /* Files of 2020 have no type; this key is WordPiece's own. */
    if (!named.value && json_object_get(node->value, "max_input_chars_per_word"))
        type = "WordPiece";
    for (size_t i = 0; type && i < sizeof models / sizeof *models; i++)
        if (strcmp(models[i].type, type) == 0)
            return models[i].read(t, node, err);
    return enc_node_unsupported(node, choices, err);
}

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
        return enc_tokenizer_set_added(t, NULL, 0, name, err);
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
    char shown[ENC_JSON_SHOWN];
    const char *version = "1.0";
    enc_node node = enc_node_member(root, "version");
    if (!node.value)
        return ENC_OK;
    int rc = enc_node_string(root, "version", &version, err);
    if (rc == ENC_OK && strcmp(version, "1.0") != 0)
        rc = enc_fail(err, ENC_UNSUPPORTED, "%s: version %s is not supported (1.0)", name,
                      enc_json_show(node.value, shown));
    return rc;
}

static int read_parts(enc_tokenizer *t, const enc_node *root, enc_error *err)
{
    enc_node model = enc_node_member(root, "model");
    enc_node normalizer = enc_node_member(root, "normalizer");
    enc_node pretokenizer = enc_node_member(root, "pre_tokenizer");
    enc_node processor = enc_node_member(root, "post_processor");
    enc_node added = enc_node_member(root, "added_tokens");
    int rc = check_version(root, err);
    if (rc == ENC_OK)
        rc = read_model(t, &model, err);
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

int enc_tokenizer_read_json(enc_tokenizer *t, const enc_tokenizer_files *files,
                            enc_error *err)
{
    json_t *value;
    int rc = enc_json_parse(files->json.data, files->json.size, name, &value, err);
    if (rc != ENC_OK)
        return rc;
    enc_node root = enc_node_file(name, value);
    rc = enc_node_expect(&root, JSON_OBJECT, err);
    if (rc == ENC_OK)
        rc = read_parts(t, &root, err);
    json_decref(value);
    return rc;
}
