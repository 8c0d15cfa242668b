/* template.c - see template.h. */
#include "template.h"

#include <string.h>

static void put(enc_template *t, int32_t id, int32_t type)
{
    t->item[t->count++] = (enc_template_item){id, type};
}

static void clear(enc_templates *t)
{
    t->single.count = t->pair.count = 0;
}

void enc_templates_begin(enc_templates *t)
{
    *t = (enc_templates){0};
    put(&t->single, ENC_TEMPLATE_A, 0);
    put(&t->pair, ENC_TEMPLATE_A, 0);
    put(&t->pair, ENC_TEMPLATE_B, 1);
}

void enc_templates_bert(int32_t cls, int32_t sep, enc_templates *t)
{
    clear(t);
    put(&t->single, cls, 0);
    put(&t->single, ENC_TEMPLATE_A, 0);
    put(&t->single, sep, 0);
    t->pair = t->single;
    put(&t->pair, ENC_TEMPLATE_B, 1);
    put(&t->pair, sep, 1);
}

/* <s> A </s> and <s> A </s></s> B </s>, all of type 0. */
static void set_roberta(int32_t cls, int32_t sep, enc_templates *t)
{
    clear(t);
    put(&t->single, cls, 0);
    put(&t->single, ENC_TEMPLATE_A, 0);
    put(&t->single, sep, 0);
    t->pair = t->single;
    put(&t->pair, sep, 0);
    put(&t->pair, ENC_TEMPLATE_B, 0);
    put(&t->pair, sep, 0);
}

static int32_t largest(const enc_template *t, bool type)
{
    int32_t most = type ? 0 : -1;
    for (size_t i = 0; i < t->count; i++) {
        int32_t value = type ? t->item[i].type : t->item[i].id;
        most = value > most ? value : most;
    }
    return most;
}

int32_t enc_templates_max_id(const enc_templates *t)
{
    int32_t a = largest(&t->single, false), b = largest(&t->pair, false);
    return a > b ? a : b;
}

int32_t enc_templates_max_type(const enc_templates *t)
{
    int32_t a = largest(&t->single, true), b = largest(&t->pair, true);
    return a > b ? a : b;
}

size_t enc_templates_specials(const enc_templates *t, bool pair)
{
    return pair ? t->pair.count - 2 : t->single.count - 1; /* but A and B */
}

static size_t copy(const enc_token *from, size_t count, int32_t type, enc_token *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = from[i];
        out[i].type = type;
    }
    return count;
}

size_t enc_templates_apply(const enc_templates *templates, const enc_token *a,
                           size_t a_count, const enc_token *b, size_t b_count, bool pair,
                           enc_token *out)
{
    const enc_template *t = pair ? &templates->pair : &templates->single;
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++) {
        const enc_template_item *item = &t->item[i];
        if (item->id == ENC_TEMPLATE_A)
            count += copy(a, a_count, item->type, out + count);
        else if (item->id == ENC_TEMPLATE_B)
            count += copy(b, b_count, item->type, out + count);
        else
            out[count++] = (enc_token){.id = item->id, .word = -1, .type = item->type,
                                       .special = true};
    }
    return count;
}

/* ---- tokenizer.json ------------------------------------------------------------------ */

static int read_processor(const enc_node *node, enc_templates *out, enc_error *err);

static int add(const enc_node *node, enc_template *t, int32_t id, int type, enc_error *err)
{
    char path[ENC_NODE_PATH];
    if (t->count == ENC_TEMPLATE_MOST)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: more than %d tokens in a template",
                        enc_node_path(node, path), ENC_TEMPLATE_MOST);
    put(t, id, type);
    return ENC_OK;
}

/* {"id": "[CLS]", "ids": [101], "tokens": ["[CLS]"]}; of these only the ids are used. */
static int check_special(const enc_node *special, enc_error *err)
{
    const char *name;
    char path[ENC_NODE_PATH];
    enc_node ids = enc_node_member(special, "ids");
    enc_node tokens = enc_node_member(special, "tokens");
    int rc = enc_node_string(special, "id", &name, err);
    if (rc == ENC_OK)
        rc = enc_node_expect(&ids, JSON_ARRAY, err);
    if (rc == ENC_OK)
        rc = enc_node_expect(&tokens, JSON_ARRAY, err);
    for (size_t i = 0; rc == ENC_OK && i < json_array_size(tokens.value); i++) {
        enc_node token = enc_node_element(&tokens, i);
        rc = enc_node_expect(&token, JSON_STRING, err);
    }
    if (rc == ENC_OK && json_array_size(ids.value) != json_array_size(tokens.value))
        rc = enc_fail(err, ENC_CORRUPT, "%s has %zu ids and %zu tokens",
                      enc_node_path(special, path), json_array_size(ids.value),
                      json_array_size(tokens.value));
    return rc;
}

static int read_special(const enc_node *piece, const enc_node *specials, enc_template *t,
                        enc_error *err)
{
    const char *name;
    char path[ENC_NODE_PATH], shown[ENC_NODE_SHOWN];
    int type, id;
    int rc = enc_node_string(piece, "id", &name, err);
    if (rc == ENC_OK)
        rc = enc_node_int(piece, "type_id", 0, INT32_MAX, &type, err);
    if (rc != ENC_OK)
        return rc;
    enc_node special = enc_node_member(specials, name);
    if (!special.value)
        return enc_fail(err, ENC_CORRUPT, "%s '%s' is not in post_processor.special_tokens",
                        enc_node_path(piece, path),
                        enc_node_shorten(name, strlen(name), shown));
    enc_node ids = enc_node_member(&special, "ids");
    rc = check_special(&special, err);
    for (size_t i = 0; rc == ENC_OK && i < json_array_size(ids.value); i++) {
        enc_node element = enc_node_element(&ids, i);
        rc = enc_node_to_int(&element, 0, INT32_MAX, &id, err);
        if (rc == ENC_OK)
            rc = add(piece, t, id, type, err);
    }
    return rc;
}

static int read_text(const enc_node *piece, enc_template *t, enc_error *err)
{
    const char *name;
    int type;
    int rc = enc_node_string(piece, "id", &name, err);
    if (rc == ENC_OK)
        rc = enc_node_int(piece, "type_id", 0, INT32_MAX, &type, err);
    if (rc != ENC_OK)
        return rc;
    enc_node id = enc_node_member(piece, "id");
    if (strcmp(name, "A") != 0 && strcmp(name, "B") != 0)
        return enc_node_refuse(&id, "'A' or 'B'", err);
    return add(piece, t, name[0] == 'A' ? ENC_TEMPLATE_A : ENC_TEMPLATE_B, type, err);
}

static size_t occurrences(const enc_template *t, int32_t id)
{
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++)
        count += t->item[i].id == id;
    return count;
}

static int read_template(const enc_node *node, const char *key, const enc_node *specials,
                         bool pair, enc_template *out, enc_error *err)
{
    enc_node list = enc_node_member(node, key);
    char path[ENC_NODE_PATH];
    int rc = enc_node_expect(&list, JSON_ARRAY, err);
    for (size_t i = 0; rc == ENC_OK && i < json_array_size(list.value); i++) {
        enc_node element = enc_node_element(&list, i);
        enc_node special = enc_node_member(&element, "SpecialToken");
        enc_node text = enc_node_member(&element, "Sequence");
        if (special.value)
            rc = read_special(&special, specials, out, err);
        else if (text.value)
            rc = read_text(&text, out, err);
        else
            rc = enc_node_refuse(&element, "a SpecialToken or a Sequence", err);
    }
    if (rc != ENC_OK)
        return rc;
    if (occurrences(out, ENC_TEMPLATE_A) != 1 || occurrences(out, ENC_TEMPLATE_B) != pair)
        return enc_fail(err, ENC_UNSUPPORTED, "%s must hold %s", enc_node_path(&list, path),
                        pair ? "the texts A and B once each" : "the text A once and no B");
    return ENC_OK;
}

static int read_processing(const enc_node *node, enc_templates *out, enc_error *err)
{
    enc_node specials = enc_node_member(node, "special_tokens");
    int rc = enc_node_expect(&specials, JSON_OBJECT, err);
    clear(out);
    if (rc == ENC_OK)
        rc = read_template(node, "single", &specials, false, &out->single, err);
    if (rc == ENC_OK)
        rc = read_template(node, "pair", &specials, true, &out->pair, err);
    return rc;
}

/* ["[SEP]", 102] */
static int read_named_id(const enc_node *node, const char *key, int *out, enc_error *err)
{
    enc_node pair = enc_node_member(node, key);
    int rc = enc_node_expect(&pair, JSON_ARRAY, err);
    if (rc != ENC_OK)
        return rc;
    enc_node token = enc_node_element(&pair, 0), id = enc_node_element(&pair, 1);
    rc = enc_node_expect(&token, JSON_STRING, err);
    return rc == ENC_OK ? enc_node_to_int(&id, 0, INT32_MAX, out, err) : rc;
}

static int read_bert(const enc_node *node, enc_templates *out, enc_error *err)
{
    int cls, sep;
    int rc = read_named_id(node, "cls", &cls, err);
    if (rc == ENC_OK)
        rc = read_named_id(node, "sep", &sep, err);
    if (rc == ENC_OK)
        enc_templates_bert(cls, sep, out);
    return rc;
}

static int add_trim(const enc_node *node, bool prefix_space, enc_templates *t,
                    enc_error *err)
{
    char path[ENC_NODE_PATH];
    if (t->trims == ENC_TRIMS_MOST)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: offsets are trimmed more than %d times",
                        enc_node_path(node, path), ENC_TRIMS_MOST);
    t->trim[t->trims++] = (enc_trim){prefix_space, t->together};
    return ENC_OK;
}

static int read_roberta(const enc_node *node, enc_templates *out, enc_error *err)
{
    int cls, sep;
    bool trim, prefix_space;
    int rc = read_named_id(node, "cls", &cls, err);
    if (rc == ENC_OK)
        rc = read_named_id(node, "sep", &sep, err);
    if (rc == ENC_OK)
        rc = enc_node_bool(node, "trim_offsets", &trim, err);
    if (rc == ENC_OK)
        rc = enc_node_bool(node, "add_prefix_space", &prefix_space, err);
    if (rc != ENC_OK)
        return rc;
    set_roberta(cls, sep, out);
    return trim ? add_trim(node, prefix_space, out, err) : ENC_OK;
}

/* ByteLevel, which puts no token anywhere. */
static int read_byte_level(const enc_node *node, enc_templates *out, enc_error *err)
{
    bool trim, prefix_space, pattern;
    int rc = enc_node_bool(node, "trim_offsets", &trim, err);
    if (rc == ENC_OK)
        rc = enc_node_bool(node, "add_prefix_space", &prefix_space, err);
    if (rc == ENC_OK && enc_node_member(node, "use_regex").value)
        rc = enc_node_bool(node, "use_regex", &pattern, err);
    return rc == ENC_OK && trim ? add_trim(node, prefix_space, out, err) : rc;
}

/* Those of a list follow one another; one of them may put special tokens, the others trim
** what they find. */
static int read_sequence(const enc_node *node, enc_templates *out, enc_error *err)
{
    enc_node list = enc_node_member(node, "processors");
    int rc = enc_node_expect(&list, JSON_ARRAY, err);
    for (size_t i = 0; rc == ENC_OK && i < json_array_size(list.value); i++) {
        enc_node element = enc_node_element(&list, i);
        rc = enc_node_expect(&element, JSON_OBJECT, err);
        if (rc == ENC_OK)
            rc = read_processor(&element, out, err);
    }
    return rc;
}

/* What a processor puts around the texts: nothing; templates, between which each text stays
** by itself; or special tokens that belong to the text for those that follow. */
enum wrapping { NOTHING, APART, TOGETHER };

static const struct row {
    const char *type;
    enum wrapping wrapping;
    int (*read)(const enc_node *node, enc_templates *out, enc_error *err);
} rows[] = {
    {"TemplateProcessing", APART, read_processing},
    {"BertProcessing", TOGETHER, read_bert},
    {"RobertaProcessing", TOGETHER, read_roberta},
    {"ByteLevel", NOTHING, read_byte_level},
    {"Sequence", NOTHING, read_sequence},
};

static const char choices[] =
    "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, Sequence";

static int read_processor(const enc_node *node, enc_templates *out, enc_error *err)
{
    char path[ENC_NODE_PATH];
    const char *type = json_string_value(json_object_get(node->value, "type"));
    for (size_t i = 0; type && i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        if (strcmp(row->type, type) != 0)
            continue;
        if (row->wrapping != NOTHING && out->wrapped)
            return enc_fail(err, ENC_UNSUPPORTED, "%s: %s after another processor with "
                            "special tokens is not supported", enc_node_path(node, path),
                            type);
        int rc = row->read(node, out, err);
        out->wrapped |= row->wrapping != NOTHING;
        out->together |= row->wrapping == TOGETHER;
        return rc;
    }
    return enc_node_unsupported(node, choices, err);
}

int enc_templates_read(const enc_node *node, enc_templates *out, enc_error *err)
{
    enc_templates_begin(out);
    if (enc_node_is_null(node))
        return ENC_OK;
    int rc = enc_node_expect(node, JSON_OBJECT, err);
    return rc == ENC_OK ? read_processor(node, out, err) : rc;
}
