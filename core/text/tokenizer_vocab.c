/*
** tokenizer_vocab.c - a checkpoint that has vocab.txt and no tokenizer.json, as
** transformers' BertTokenizerFast reads it with tokenizer_config.json and
** special_tokens_map.json.
*/
#include <stdlib.h>
#include <string.h>

#include "tokenizer_parts.h"

static const char vocab_name[] = "vocab.txt", config_name[] = "tokenizer_config.json",
                  special_name[] = "special_tokens_map.json";

/* ---- vocab.txt ----------------------------------------------------------------------- */

/* A line ends with \n, \r\n or \r. Sets *next to what follows; returns the line's size. */
static size_t cut_line(const char *at, const char *end, const char **next)
{
    const char *stop = at;
    while (stop < end && *stop != '\n' && *stop != '\r')
        stop++;
    *next = stop;
    if (stop < end)
        *next += stop + 1 < end && stop[0] == '\r' && stop[1] == '\n' ? 2 : 1;
    return (size_t)(stop - at);
}

static bool is_utf8(const char *text, size_t size)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    const char *at = text, *end = text + size;
    while (at < end) {
        const char *begin = at;
        if (enc_utf8_next(&at, end) == 0xFFFD &&
            (at - begin != 3 || memcmp(begin, replacement, 3) != 0))
            return false;
    }
    return true;
}

/* The token of line number n, from 0, has id n; of equal lines the last one counts. */
static int read_vocabulary(enc_text file, enc_vocabulary *out, enc_error *err)
{
    const char *end = file.data + file.size, *next;
    size_t count = 0, lines = 0;
    int rc = ENC_OK;
    for (const char *at = file.data; at < end; at = next, lines++)
        cut_line(at, end, &next);
    if (lines > INT32_MAX)
        return enc_fail(err, ENC_UNSUPPORTED, "%s has %zu lines, the limit is %d",
                        vocab_name, lines, INT32_MAX);
    enc_vocabulary_item *items = ENC_ALLOC(enc_vocabulary_item, lines);
    if (!items)
        return enc_nomem(err);
    for (const char *at = file.data; at < end && rc == ENC_OK; at = next, count++) {
        size_t size = cut_line(at, end, &next);
        items[count] = (enc_vocabulary_item){at, size, (int32_t)count};
        if (!is_utf8(at, size))
            rc = enc_fail(err, ENC_CORRUPT, "%s: line %zu is not UTF-8", vocab_name,
                          count + 1);
    }
    if (rc == ENC_OK)
        rc = enc_vocabulary_open(items, count, vocab_name, out, err);
    enc_free(items);
    return rc;
}

/* ---- The JSON files beside it -------------------------------------------------------- */

typedef struct settings {
    enc_tokenizer *t;
    enc_node config, special;
    enc_added_token *token; /* [count] */
    size_t count, capacity;
    enc_error *err;
} settings;

/* In the order in which transformers adds them. */
enum { BOS, EOS, UNK, SEP, PAD, CLS, MASK, ROLES };
static const struct role {
    const char *key, *fallback;
} roles[ROLES] = {{"bos_token", NULL},     {"eos_token", NULL},     {"unk_token", "[UNK]"},
                  {"sep_token", "[SEP]"},  {"pad_token", "[PAD]"},  {"cls_token", "[CLS]"},
                  {"mask_token", "[MASK]"}};

/* special_tokens_map.json goes before tokenizer_config.json unless that lists its
** tokens. */
static enc_node find_setting(const settings *s, const char *key)
{
    enc_node listed = enc_node_member(&s->config, "added_tokens_decoder");
    enc_node special = enc_node_member(&s->special, key);
    enc_node config = enc_node_member(&s->config, key);
    return enc_node_is_null(&special) || listed.value ? config : special;
}

static int optional_bool(const enc_node *node, const char *key, bool *out, enc_error *err)
{
    enc_node member = enc_node_member(node, key);
    return enc_node_is_null(&member) ? ENC_OK : enc_node_bool(node, key, out, err);
}

/* "[CLS]", or {"content": "[CLS]", "lstrip": false, ...} where all but content may be
** absent; tokens spelled either way are special, and then not normalised unless the file
** says so. */
static int read_token(const enc_node *node, bool special, enc_added_token *t,
                      enc_error *err)
{
    *t = (enc_added_token){.special = special};
    if (json_is_string(node->value)) {
        t->text = json_string_value(node->value);
        t->size = strlen(t->text);
        return ENC_OK;
    }
    if (!json_is_object(node->value))
        return enc_node_refuse(node, "a string or an object with content", err);
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

static bool is_listed(const settings *s, const enc_added_token *t)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->token[i].size == t->size && memcmp(s->token[i].text, t->text, t->size) == 0)
            return true;
    return false;
}

static int append(settings *s, const enc_added_token *t)
{
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? s->capacity * 2 : 16;
        enc_added_token *token = enc_realloc_array(s->token, capacity, sizeof *token);
        if (!token)
            return enc_nomem(s->err);
        s->token = token;
        s->capacity = capacity;
    }
    s->token[s->count++] = *t;
    return ENC_OK;
}

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

/* "added_tokens_decoder": {"0": {"content": "[PAD]", ...}, ...}, in the order of the
** ids. */
static int read_listed(settings *s)
{
    enc_node list = enc_node_member(&s->config, "added_tokens_decoder");
    const char *key;
    char path[ENC_NODE_PATH];
    json_t *value;
    int rc;
    if (enc_node_is_null(&list))
        return ENC_OK;
    rc = enc_node_expect(&list, JSON_OBJECT, s->err);
    if (rc != ENC_OK)
        return rc;
    json_object_foreach(list.value, key, value) {
        enc_added_token t;
        enc_node node = {&list, key, 0, value};
        rc = read_token(&node, false, &t, s->err);
        if (rc != ENC_OK)
            return rc;
        t.id = parse_id(key);
        if (t.id < 0)
            return enc_fail(s->err, ENC_CORRUPT, "%s, the key must be an id 0 ... %d",
                            enc_node_path(&node, path), INT32_MAX);
        rc = append(s, &t);
        if (rc != ENC_OK)
            return rc;
    }
    if (s->count > 0)
        qsort(s->token, s->count, sizeof *s->token, by_id);
    return ENC_OK;
}

/* The tokens with a role: [CLS] and its like. */
static int read_roles(settings *s, enc_added_token role[ROLES])
{
    size_t listed = s->count;
    int rc = ENC_OK;
    for (size_t i = 0; i < ROLES && rc == ENC_OK; i++) {
        enc_node node = find_setting(s, roles[i].key);
        const char *fallback = roles[i].fallback;
        role[i] = (enc_added_token){.text = fallback,
                                    .size = fallback ? strlen(fallback) : 0,
                                    .special = true};
        if (!enc_node_is_null(&node))
            rc = read_token(&node, true, &role[i], s->err);
        for (size_t j = 0; j < listed && role[i].text; j++)
            if (strcmp(s->token[j].text, role[i].text) == 0)
                s->token[j].special = true;
        if (rc == ENC_OK && role[i].text && !is_listed(s, &role[i]))
            rc = append(s, &role[i]);
    }
    return rc;
}

static int read_additional(settings *s)
{
    enc_node list = find_setting(s, "additional_special_tokens");
    int rc = ENC_OK;
    if (enc_node_is_null(&list))
        return ENC_OK;
    rc = enc_node_expect(&list, JSON_ARRAY, s->err);
    for (size_t i = 0; rc == ENC_OK && i < json_array_size(list.value); i++) {
        enc_added_token t;
        enc_node element = enc_node_element(&list, i);
        rc = read_token(&element, true, &t, s->err);
        if (rc == ENC_OK && !is_listed(s, &t))
            rc = append(s, &t);
    }
    return rc;
}

static int find_role(const settings *s, const enc_added_token *t, int32_t *id)
{
    char shown[ENC_NODE_SHOWN];
    *id = enc_vocabulary_id(s->t->vocabulary, t->text, t->size);
    if (*id >= 0)
        return ENC_OK;
    return enc_fail(s->err, ENC_CORRUPT, "%s has no token '%s'", vocab_name,
                    enc_node_shorten(t->text, t->size, shown));
}

/* ---- The whole ----------------------------------------------------------------------- */

/* Tokenizers of transformers that are BERT's but for the name. */
static int check_class(const enc_node *config, enc_error *err)
{
    static const char *const names[] = {"BertTokenizer", "DistilBertTokenizer",
                                        "ElectraTokenizer", "MobileBertTokenizer",
                                        "SqueezeBertTokenizer"};
    enc_node node = enc_node_member(config, "tokenizer_class");
    char path[ENC_NODE_PATH], shown[ENC_JSON_SHOWN];
    const char *class;
    if (enc_node_is_null(&node))
        return ENC_OK;
    int rc = enc_node_string(config, "tokenizer_class", &class, err);
    if (rc != ENC_OK)
        return rc;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i]);
        if (strncmp(class, names[i], length) == 0 &&
            (!class[length] || strcmp(class + length, "Fast") == 0))
            return ENC_OK;
    }
    return enc_fail(err, ENC_UNSUPPORTED, "%s %s is not supported without tokenizer.json "
                    "(BertTokenizer and its like are)", enc_node_path(&node, path),
                    enc_json_show(node.value, shown));
}

static int read_steps(const settings *s)
{
    bool lower = true, chinese = true, strip;
    enc_tokenizer *t = s->t;
    int rc = check_class(&s->config, s->err);
    if (rc == ENC_OK)
        rc = optional_bool(&s->config, "do_lower_case", &lower, s->err);
    if (rc == ENC_OK)
        rc = optional_bool(&s->config, "tokenize_chinese_chars", &chinese, s->err);
    strip = lower;
    if (rc == ENC_OK)
        rc = optional_bool(&s->config, "strip_accents", &strip, s->err);
    if (rc == ENC_OK)
        rc = enc_normalizer_add_bert(&t->normalizer, true, chinese, strip, lower,
                                     config_name, s->err);
    if (rc == ENC_OK)
        rc = enc_pretokenizer_add_bert(&t->pretokenizer, config_name, s->err);
    return rc;
}

static int read_parts(settings *s, enc_text vocab)
{
    enc_added_token role[ROLES];
    enc_vocabulary vocabulary;
    enc_wordpiece model;
    int32_t cls, sep;
    int rc = read_listed(s);
    if (rc == ENC_OK)
        rc = read_roles(s, role);
    if (rc == ENC_OK)
        rc = read_additional(s);
    if (rc == ENC_OK)
        rc = read_vocabulary(vocab, &vocabulary, s->err);
    if (rc == ENC_OK)
        rc = enc_wordpiece_open(&vocabulary, role[UNK].text, "##", 100, vocab_name, &model,
                                s->err);
    if (rc != ENC_OK)
        return rc;
    enc_tokenizer_set_wordpiece(s->t, &model);
    rc = read_steps(s);
    if (rc == ENC_OK)
        rc = find_role(s, &role[CLS], &cls);
    if (rc == ENC_OK)
        rc = find_role(s, &role[SEP], &sep);
    if (rc != ENC_OK)
        return rc;
    enc_templates_bert(cls, sep, &s->t->templates);
    return enc_tokenizer_set_added(s->t, s->token, s->count, config_name, s->err);
}

static int parse(enc_text file, const char *name, json_t **value, enc_node *node,
                 enc_error *err)
{
    *node = enc_node_file(name, NULL);
    if (!file.data)
        return ENC_OK;
    enc_json json = ENC_JSON_NONE; /* its reader knows of integers with 31 digits */
    int rc = enc_json_from(file.data, file.size, name, &json, err);
    *value = json_incref(json.value);
    *node = enc_node_file(name, *value);
    enc_json_free(&json);
    return rc;
}

int enc_tokenizer_read_vocab(enc_tokenizer *t, const enc_tokenizer_files *files,
                             enc_error *err)
{
    settings s = {.t = t, .err = err};
    json_t *config = NULL, *special = NULL;
    int rc = parse(files->config, config_name, &config, &s.config, err);
    if (rc == ENC_OK)
        rc = parse(files->special, special_name, &special, &s.special, err);
    if (rc == ENC_OK)
        rc = read_parts(&s, files->vocab);
    enc_free(s.token);
    json_decref(config);
    json_decref(special);
    return rc;
}
