/* tokenizer_settings.c - see tokenizer_settings.h. */
#include "tokenizer_settings.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* Each is compared with all others. */
enum { TOKENS_MOST = 16384 };

static const char *const keys[ENC_ROLES] = {
    [ENC_BOS] = "bos_token", [ENC_EOS] = "eos_token", [ENC_UNK] = "unk_token",
    [ENC_SEP] = "sep_token", [ENC_PAD] = "pad_token", [ENC_CLS] = "cls_token",
    [ENC_MASK] = "mask_token"};

/* ---- Files --------------------------------------------------------------------------- */

static int parse(enc_text file, const char *name, enc_node *node, enc_error *err)
{
    *node = enc_node_file(name, NULL);
    if (!file.data)
        return ENC_OK;
    enc_json json = ENC_JSON_NONE; /* its reader knows of integers with 31 digits */
    int rc = enc_json_from(file.data, file.size, name, &json, err);
    *node = enc_node_file(name, json_incref(json.value));
    enc_json_free(&json);
    return rc;
}

int enc_settings_open(const enc_tokenizer_files *files, enc_settings *out, enc_error *err)
{
    *out = (enc_settings){.err = err};
    int rc = parse(files->config, "tokenizer_config.json", &out->config, err);
    if (rc == ENC_OK)
        rc = parse(files->special, "special_tokens_map.json", &out->special, err);
    if (rc == ENC_OK)
        rc = parse(files->added, "added_tokens.json", &out->added, err);
    return rc;
}

void enc_settings_close(enc_settings *s)
{
    json_decref(s->config.value);
    json_decref(s->special.value);
    json_decref(s->added.value);
    enc_free(s->token);
    *s = (enc_settings){0};
}

/* ---- Members ------------------------------------------------------------------------- */

int enc_settings_bool(const enc_settings *s, const char *key, bool *out)
{
    enc_node node = enc_node_member(&s->config, key);
    if (!node.value)
        return ENC_OK;
    if (json_is_null(node.value)) {
        *out = false;
        return ENC_OK;
    }
    return enc_node_bool(&s->config, key, out, s->err);
}

int enc_settings_string(const enc_settings *s, const char *key, const char **out)
{
    enc_node node = enc_node_member(&s->config, key);
    return enc_node_is_null(&node) ? ENC_OK
                                   : enc_node_string(&s->config, key, out, s->err);
}

int enc_settings_int(const enc_settings *s, const char *key, int min, int max, int *out)
{
    char name[] = "tokenizer_config.json"; /* where 10^30 stands, all integers are reals */
    const enc_json json = {s->config.value, name};
    return enc_json_int(&json, key, min, max, out, s->err);
}

/* special_tokens_map.json goes before tokenizer_config.json unless that lists its
** tokens. */
static enc_node find_setting(const enc_settings *s, const char *key)
{
    enc_node listed = enc_node_member(&s->config, "added_tokens_decoder");
    enc_node special = enc_node_member(&s->special, key);
    enc_node config = enc_node_member(&s->config, key);
    return enc_node_is_null(&special) || listed.value ? config : special;
}

/* ---- Tokens -------------------------------------------------------------------------- */

static int optional_bool(const enc_node *node, const char *key, bool *out, enc_error *err)
{
    enc_node member = enc_node_member(node, key);
    return enc_node_is_null(&member) ? ENC_OK : enc_node_bool(node, key, out, err);
}

/* {"content": "[CLS]", "lstrip": false, ...}, where all but content may be absent; special
** tokens are not normalised unless the file says so. */
static int read_object(const enc_node *node, bool special, enc_added_token *t,
                       enc_error *err)
{
    *t = (enc_added_token){.special = special, .id = t->id};
    int rc = enc_node_string(node, "content", &t->text, err);
    if (rc == ENC_OK && !special)
        rc = optional_bool(node, "special", &t->special, err);
    t->normalized = !t->special;
    if (rc == ENC_OK)
        rc = optional_bool(node, "single_word", &t->single_word, err);
    if (rc == ENC_OK)
        rc = optional_bool(node, "lstrip", &t->lstrip, err);
    if (rc == ENC_OK)
        rc = optional_bool(node, "rstrip", &t->rstrip, err);
    if (rc == ENC_OK)
        rc = optional_bool(node, "normalized", &t->normalized, err);
    if (rc == ENC_OK)
        t->size = strlen(t->text);
    return rc;
}

/* The same, or the text alone: then with the flags that *t has. */
static int read_token(const enc_node *node, enc_added_token *t, enc_error *err)
{
    if (json_is_string(node->value)) {
        t->text = json_string_value(node->value);
        t->size = strlen(t->text);
        return ENC_OK;
    }
    if (!json_is_object(node->value))
        return enc_node_refuse(node, "a string or an object with content", err);
    return read_object(node, true, t, err);
}

bool enc_settings_has(const enc_settings *s, const char *text, size_t size)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->token[i].size == size && memcmp(s->token[i].text, text, size) == 0)
            return true;
    return false;
}

/* Whether added_tokens_decoder has it. */
static bool is_listed(const enc_settings *s, const char *text)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->token[i].id >= 0 && strcmp(s->token[i].text, text) == 0)
            return true;
    return false;
}

int enc_settings_add(enc_settings *s, const enc_added_token *t)
{
    if (s->count == TOKENS_MOST)
        return enc_fail(s->err, ENC_UNSUPPORTED, "the tokenizer's files name more than %d "
                        "added tokens", TOKENS_MOST);
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? s->capacity * 2 : 16;
        enc_added_token *token = enc_realloc_array(s->token, capacity, sizeof *token);
        if (!token)
            return enc_nomem(s->err);
        s->token = token;
        s->capacity = capacity;
    }
    enc_added_token *added = &s->token[s->count++];
    *added = *t;
    /* What the vocabulary's file brought was added before, and stays to be found in the text
    ** as it is. */
    for (size_t i = 0; added->special && added->normalized && i < s->pieces; i++)
        added->normalized = s->token[i].size != t->size ||
                            memcmp(s->token[i].text, t->text, t->size) != 0;
    return ENC_OK;
}

/* ---- Lists --------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    int32_t x = ((const enc_added_token *)a)->id, y = ((const enc_added_token *)b)->id;
    return (x > y) - (x < y);
}

/* A key that spells an id; -1 for any other. */
static int32_t parse_id(const char *key)
{
    int64_t id = 0;
    const char *at = key;
    for (; *at >= '0' && *at <= '9' && id <= INT32_MAX; at++)
        id = id * 10 + (*at - '0');
    return at > key && !*at && id <= INT32_MAX ? (int32_t)id : -1;
}

/* "added_tokens_decoder": {"0": {"content": "[PAD]", ...}, ...} */
static int read_decoder(const enc_node *list, enc_added_token *tokens, enc_error *err)
{
    const char *key;
    char path[ENC_NODE_PATH];
    json_t *value;
    size_t count = 0;
    json_object_foreach(list->value, key, value) {
        enc_node node = {list, key, 0, value};
        int rc = enc_node_expect(&node, JSON_OBJECT, err);
        if (rc == ENC_OK)
            rc = read_object(&node, false, &tokens[count], err);
        if (rc != ENC_OK)
            return rc;
        tokens[count].id = parse_id(key);
        if (tokens[count++].id < 0)
            return enc_fail(err, ENC_CORRUPT, "%s, the key must be an id 0 ... %d",
                            enc_node_path(&node, path), INT32_MAX);
    }
    return ENC_OK;
}

/* Whether the files give a token a role. */
static bool is_named(const enc_settings *s, const char *text)
{
    for (size_t i = 0; i < ENC_ROLES; i++) {
        enc_node node = find_setting(s, keys[i]);
        enc_node content = enc_node_member(&node, "content");
        const char *named = json_string_value(content.value ? content.value : node.value);
        if (named && strcmp(named, text) == 0)
            return true;
    }
    enc_node list = find_setting(s, "additional_special_tokens");
    for (size_t i = 0; i < json_array_size(list.value); i++) {
        json_t *value = json_array_get(list.value, i);
        json_t *content = json_object_get(value, "content");
        const char *named = json_string_value(content ? content : value);
        if (named && strcmp(named, text) == 0)
            return true;
    }
    return false;
}

/* added_tokens.json: {"[MASK]": 128000} */
static int read_added(const enc_settings *s, enc_added_token *tokens)
{
    const char *key;
    json_t *value;
    size_t count = 0;
    json_object_foreach(s->added.value, key, value) {
        enc_node node = {&s->added, key, 0, value};
        int id, rc = enc_node_to_int(&node, 0, INT32_MAX, &id, s->err);
        if (rc != ENC_OK)
            return rc;
        bool special = is_named(s, key);
        tokens[count++] = (enc_added_token){.text = key, .size = strlen(key), .id = id,
                                            .normalized = !special, .special = special};
    }
    return ENC_OK;
}

/* In the order of the ids; tokens with a role are special. */
static int read_listed(enc_settings *s, const enc_role_defaults *defaults)
{
    enc_node list = enc_node_member(&s->config, "added_tokens_decoder");
    bool decoder = list.value != NULL;
    int rc = enc_node_is_null(&list) ? ENC_OK : enc_node_expect(&list, JSON_OBJECT, s->err);
    if (rc != ENC_OK)
        return rc;
    size_t count = json_object_size(decoder ? list.value : s->added.value);
    enc_added_token *tokens = ENC_ZALLOC(enc_added_token, count);
    if (!tokens)
        return enc_nomem(s->err);
    rc = decoder ? read_decoder(&list, tokens, s->err) : read_added(s, tokens);
    if (rc == ENC_OK && count)
        qsort(tokens, count, sizeof *tokens, by_id);
    for (size_t i = 0; i < count && rc == ENC_OK; i++) {
        tokens[i].special |= is_named(s, tokens[i].text);
        for (size_t role = 0; role < ENC_ROLES; role++) {
            enc_node node = find_setting(s, keys[role]);
            const char *text = enc_node_is_null(&node) ? defaults->text[role] : NULL;
            tokens[i].special |= text && strcmp(text, tokens[i].text) == 0;
        }
        tokens[i].id = decoder ? tokens[i].id : ENC_NO_ID;
        rc = enc_settings_add(s, &tokens[i]);
    }
    enc_free(tokens);
    return rc;
}

/* The tokens with a role: [CLS] and its like. */
static int read_roles(enc_settings *s, const enc_role_defaults *defaults)
{
    int rc = ENC_OK;
    for (size_t i = 0; i < ENC_ROLES && rc == ENC_OK; i++) {
        enc_node node = find_setting(s, keys[i]);
        const char *text = defaults->text[i];
        enc_added_token *role = &s->role[i];
        *role = (enc_added_token){.text = text,
                                  .size = text ? strlen(text) : 0,
                                  .lstrip = defaults->lstrip >> i & 1,
                                  .normalized = defaults->normalized >> i & 1,
                                  .special = true,
                                  .id = ENC_NO_ID};
        if (!enc_node_is_null(&node))
            rc = read_token(&node, role, s->err);
        if (rc != ENC_OK || !role->text)
            continue;
        bool decides = json_is_object(node.value) || (defaults->decides >> i & 1);
        bool listed = !enc_node_is_null(&node) && is_listed(s, role->text);
        if ((decides && !listed) || !enc_settings_has(s, role->text, role->size))
            rc = enc_settings_add(s, role);
    }
    return rc;
}

static int read_additional(enc_settings *s)
{
    enc_node list = find_setting(s, "additional_special_tokens");
    if (enc_node_is_null(&list))
        return ENC_OK;
    int rc = enc_node_expect(&list, JSON_ARRAY, s->err);
    for (size_t i = 0; rc == ENC_OK && i < json_array_size(list.value); i++) {
        enc_added_token t = {.special = true, .id = ENC_ADDITIONAL};
        enc_node element = enc_node_element(&list, i);
        rc = read_token(&element, &t, s->err);
        if (rc == ENC_OK && !enc_settings_has(s, t.text, t.size))
            rc = enc_settings_add(s, &t);
    }
    return rc;
}

int enc_settings_read_tokens(enc_settings *s, const enc_role_defaults *defaults)
{
    int rc = read_listed(s, defaults);
    if (rc == ENC_OK)
        rc = read_roles(s, defaults);
    if (rc == ENC_OK)
        rc = read_additional(s);
    return rc;
}
