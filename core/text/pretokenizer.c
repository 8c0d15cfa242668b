/* pretokenizer.c - see pretokenizer.h. */
#include "pretokenizer.h"

#include <string.h>

#include "unicode.h"

static const enc_sides joined = {0, 0, false}, other_kind = {1, 1, false},
                       alone = {ENC_LEFT_CUT, ENC_RIGHT_CUT, false}, removed = {0, 0, true};

/* ---- What each of them does ---------------------------------------------------------- */

static enc_sides split_bert(unsigned flags, uint32_t properties)
{
    (void)flags;
    return properties & ENC_WHITESPACE ? removed
           : properties & ENC_BERT_PUNCTUATION ? alone : joined;
}

static enc_sides split_whitespace(unsigned flags, uint32_t properties)
{
    (void)flags;
    return properties & ENC_WHITESPACE ? removed : joined;
}

/* \w+|[^\w\s]+ */
static enc_sides split_words(unsigned flags, uint32_t properties)
{
    (void)flags;
    return properties & ENC_WORD ? joined
           : properties & ENC_WHITESPACE ? removed : other_kind;
}

/* What happens to a delimiter: the reference's names, and the delimiter's sides. */
static const struct behavior {
    const char *name;
    enc_sides sides;
} behaviors[ENC_BEHAVIORS] = {
    [ENC_REMOVED] = {"Removed", {0, 0, true}},
    [ENC_ISOLATED] = {"Isolated", {ENC_LEFT_CUT, ENC_RIGHT_CUT, false}},
    [ENC_MERGED_WITH_PREVIOUS] = {"MergedWithPrevious", {0, ENC_RIGHT_CUT, false}},
    [ENC_MERGED_WITH_NEXT] = {"MergedWithNext", {ENC_LEFT_CUT, 0, false}},
    [ENC_CONTIGUOUS] = {"Contiguous", {1, 1, false}},
};

static enc_sides split_punctuation(unsigned behavior, uint32_t properties)
{
    return properties & ENC_BERT_PUNCTUATION ? behaviors[behavior].sides : joined;
}

static enc_sides split_digits(unsigned behavior, uint32_t properties)
{
    return properties & ENC_NUMERIC ? behaviors[behavior].sides : joined;
}

/* ---- The list ------------------------------------------------------------------------ */

enum { TO_BYTES_MOST = 4 };

/* Appends the operations of one pre-tokenizer; takes over their patterns. */
static int add(enc_pretokenizer *p, const enc_operation *operation, size_t count,
               const char *where, enc_error *err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < p->operations; i++)
        bytes += p->operation[i].kind == ENC_TO_BYTES;
    bool grows = bytes == TO_BYTES_MOST && operation[count - 1].kind == ENC_TO_BYTES;
    if (grows || p->parts == ENC_PRETOKENIZERS_MOST) {
        for (size_t i = 0; i < count; i++)
            enc_split_pattern_close(operation[i].pattern);
        return grows ? enc_fail(err, ENC_UNSUPPORTED, "%s: more than %d of type ByteLevel, "
                                "each of which may double a text", where, TO_BYTES_MOST)
                     : enc_fail(err, ENC_UNSUPPORTED, "%s: more than %d pre-tokenizers", where,
                                ENC_PRETOKENIZERS_MOST);
    }
    p->parts++;
    for (size_t i = 0; i < count; i++) {
        p->by_pieces |= operation[i].kind != ENC_CUT_BY_SIDES;
        p->operation[p->operations++] = operation[i];
    }
    return ENC_OK;
}

static int add_sides(enc_pretokenizer *p, enc_splitter sides, unsigned flags,
                     const enc_node *node, enc_error *err)
{
    char path[ENC_NODE_PATH];
    enc_operation operation = {.kind = ENC_CUT_BY_SIDES, .sides = sides, .flags = flags};
    return add(p, &operation, 1, enc_node_path(node, path), err);
}

int enc_pretokenizer_add_bert(enc_pretokenizer *p, const char *where, enc_error *err)
{
    enc_operation operation = {.kind = ENC_CUT_BY_SIDES, .sides = split_bert};
    return add(p, &operation, 1, where, err);
}

void enc_pretokenizer_close(enc_pretokenizer *p)
{
    for (size_t i = 0; i < p->operations; i++)
        enc_split_pattern_close(p->operation[i].pattern);
    *p = (enc_pretokenizer){0};
}

enc_sides enc_pretokenizer_sides(const enc_pretokenizer *p, uint32_t c)
{
    enc_sides all = {0, 0, false};
    uint32_t properties = enc_properties(c);
    for (size_t i = 0; i < p->operations; i++) {
        const enc_operation *o = &p->operation[i];
        enc_sides one = o->sides(o->flags, properties);
        all.left |= one.left << 2 * i;
        all.right |= one.right << 2 * i;
        all.removed |= one.removed;
    }
    return all;
}

size_t enc_pretokenizer_first_cut(const enc_pretokenizer *p)
{
    size_t i = 0;
    while (i < p->operations && !enc_operation_cuts(&p->operation[i]))
        i++;
    return i;
}

bool enc_pretokenizer_removes_space(const enc_pretokenizer *p)
{
    for (size_t i = 0; i < p->operations; i++) {
        const enc_operation *o = &p->operation[i];
        if (o->kind == ENC_CUT_BY_SIDES && o->sides(o->flags, ENC_WHITESPACE).removed)
            return true;
    }
    return false;
}

/* ---- tokenizer.json ------------------------------------------------------------------ */

static int read_behavior(const enc_node *node, unsigned *out, enc_error *err)
{
    char path[ENC_NODE_PATH], shown[ENC_JSON_SHOWN];
    const char *name;
    enc_node behavior = enc_node_member(node, "behavior");
    int rc = enc_node_string(node, "behavior", &name, err);
    if (rc != ENC_OK)
        return rc;
    for (*out = 0; *out < ENC_BEHAVIORS; ++*out)
        if (strcmp(behaviors[*out].name, name) == 0)
            return ENC_OK;
    return enc_fail(err, ENC_CORRUPT, "%s is %s, must be Removed, Isolated, "
                    "MergedWithPrevious, MergedWithNext or Contiguous",
                    enc_node_path(&behavior, path), enc_json_show(behavior.value, shown));
}

static int read_punctuation(enc_pretokenizer *p, const enc_node *node, enc_error *err)
{
    unsigned behavior = ENC_ISOLATED;
    if (enc_node_member(node, "behavior").value) {
        int rc = read_behavior(node, &behavior, err);
        if (rc != ENC_OK)
            return rc;
    }
    return add_sides(p, split_punctuation, behavior, node, err);
}

static int read_digits(enc_pretokenizer *p, const enc_node *node, enc_error *err)
{
    bool individual;
    int rc = enc_node_bool(node, "individual_digits", &individual, err);
    if (rc != ENC_OK)
        return rc;
    return add_sides(p, split_digits, individual ? ENC_ISOLATED : ENC_CONTIGUOUS, node, err);
}

/* A pattern that the reference has built in, or that of a single character. */
static int open_pattern(const char *text, size_t size, bool literal, enc_operation *out,
                        enc_error *err)
{
    *out = (enc_operation){.kind = ENC_CUT_BY_PATTERN, .behavior = ENC_ISOLATED};
    return enc_split_pattern_open(text, size, literal, &out->pattern, err);
}

static int read_byte_level(enc_pretokenizer *p, const enc_node *node, enc_error *err)
{
    static const char gpt2[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?"
                               "[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    enc_operation list[3];
    size_t count = 0;
    char path[ENC_NODE_PATH];
    bool space, trim, pattern = true;
    int rc = enc_node_bool(node, "add_prefix_space", &space, err);
    if (rc == ENC_OK)
        rc = enc_node_bool(node, "trim_offsets", &trim, err); /* for the post-processor */
    if (rc == ENC_OK && enc_node_member(node, "use_regex").value)
        rc = enc_node_bool(node, "use_regex", &pattern, err);
    if (rc != ENC_OK)
        return rc;
    if (space)
        list[count++] = (enc_operation){.kind = ENC_PUT_IN_FRONT, .c = ' '};
    if (pattern)
        rc = open_pattern(gpt2, sizeof gpt2 - 1, false, &list[count++], err);
    if (rc != ENC_OK)
        return rc;
    list[count++] = (enc_operation){.kind = ENC_TO_BYTES};
    return add(p, list, count, enc_node_path(node, path), err);
}

/* "prepend_scheme", or in files of before "add_prefix_space". */
static int read_scheme(const enc_node *node, const char **out, enc_error *err)
{
    char path[ENC_NODE_PATH];
    bool space = true;
    enc_node old = enc_node_member(node, "add_prefix_space");
    enc_node scheme = enc_node_member(node, "prepend_scheme");
    int rc = ENC_OK;
    if (!enc_node_is_null(&old))
        rc = enc_node_bool(node, "add_prefix_space", &space, err);
    *out = space ? "always" : "never";
    if (rc == ENC_OK && scheme.value)
        rc = enc_node_string(node, "prepend_scheme", out, err);
    if (rc != ENC_OK)
        return rc;
    if (strcmp(*out, "always") != 0 && strcmp(*out, "never") != 0 &&
        strcmp(*out, "first") != 0)
        return enc_node_refuse(&scheme, "always, never or first", err);
    if (!space && strcmp(*out, "never") != 0)
        return enc_fail(err, ENC_CORRUPT, "%s is %s but add_prefix_space is false",
                        enc_node_path(&scheme, path), *out);
    return ENC_OK;
}

static int read_metaspace(enc_pretokenizer *p, const enc_node *node, enc_error *err)
{
    enc_operation list[3];
    size_t count = 0;
    const char *text, *scheme;
    char path[ENC_NODE_PATH];
    bool split = true;
    enc_node replacement = enc_node_member(node, "replacement");
    enc_node splits = enc_node_member(node, "split");
    int rc = enc_node_string(node, "replacement", &text, err);
    if (rc == ENC_OK)
        rc = read_scheme(node, &scheme, err);
    if (rc == ENC_OK && !enc_node_is_null(&splits))
        rc = enc_node_bool(node, "split", &split, err);
    if (rc != ENC_OK)
        return rc;
    size_t size = strlen(text);
    if (enc_utf8_count(text, size) != 1)
        return enc_node_refuse(&replacement, "a single character", err);
    const char *at = text;
    uint32_t c = enc_utf8_next(&at, text + size);
    list[count++] = (enc_operation){.kind = ENC_REPLACE_SPACE, .c = c};
    if (strcmp(scheme, "never") != 0)
        list[count++] = (enc_operation){
            .kind = strcmp(scheme, "first") == 0 ? ENC_PUT_AT_BEGINNING : ENC_PUT_IN_FRONT,
            .c = c};
    if (split) {
        rc = open_pattern(text, size, true, &list[count], err);
        list[count++].behavior = ENC_MERGED_WITH_NEXT;
    }
    return rc == ENC_OK ? add(p, list, count, enc_node_path(node, path), err) : rc;
}

static int read_split(enc_pretokenizer *p, const enc_node *node, enc_error *err)
{
    enc_operation operation;
    const char *text;
    unsigned behavior;
    bool invert;
    char path[ENC_NODE_PATH], shown[ENC_NODE_SHOWN];
    enc_node pattern = enc_node_member(node, "pattern");
    int rc = enc_node_expect(&pattern, JSON_OBJECT, err);
    if (rc == ENC_OK)
        rc = read_behavior(node, &behavior, err);
    if (rc == ENC_OK)
        rc = enc_node_bool(node, "invert", &invert, err);
    if (rc != ENC_OK)
        return rc;
    bool literal = json_object_get(pattern.value, "String") != NULL;
    const char *key = literal ? "String" : "Regex";
    enc_node expression = enc_node_member(&pattern, key);
    rc = enc_node_string(&pattern, key, &text, err);
    if (rc == ENC_OK)
        rc = open_pattern(text, strlen(text), literal, &operation, err);
    if (rc != ENC_OK)
        return rc;
    operation.behavior = (enum enc_behavior)behavior;
    operation.invert = invert;
    if (!operation.pattern)
        return enc_fail(err, ENC_UNSUPPORTED, "%s '%s' is not supported",
                        enc_node_path(&expression, path),
                        enc_node_shorten(text, strlen(text), shown));
    return add(p, &operation, 1, enc_node_path(node, path), err);
}

static int read_sequence(enc_pretokenizer *p, const enc_node *node, enc_error *err)
{
    enc_node list = enc_node_member(node, "pretokenizers");
    int rc = enc_node_expect(&list, JSON_ARRAY, err);
    for (size_t i = 0; rc == ENC_OK && i < json_array_size(list.value); i++) {
        enc_node element = enc_node_element(&list, i);
        rc = enc_node_expect(&element, JSON_OBJECT, err);
        if (rc == ENC_OK)
            rc = enc_pretokenizer_read(p, &element, err);
    }
    return rc;
}

/* The pre-tokenizers by name: those without settings, and those that read some. */
static const struct row {
    const char *type;
    enc_splitter sides;
    int (*read)(enc_pretokenizer *p, const enc_node *node, enc_error *err);
} rows[] = {
    {"BertPreTokenizer", split_bert, NULL},
    {"Whitespace", split_words, NULL},
    {"WhitespaceSplit", split_whitespace, NULL},
    {"ByteLevel", NULL, read_byte_level},
    {"Metaspace", NULL, read_metaspace},
    {"Punctuation", NULL, read_punctuation},
    {"Digits", NULL, read_digits},
    {"Split", NULL, read_split},
    {"Sequence", NULL, read_sequence},
};

static const char choices[] =
    "BertPreTokenizer, Whitespace, WhitespaceSplit, ByteLevel, Metaspace, Punctuation, "
    "Digits, Split, Sequence";

int enc_pretokenizer_read(enc_pretokenizer *p, const enc_node *node, enc_error *err)
{
    if (enc_node_is_null(node))
        return ENC_OK;
    int rc = enc_node_expect(node, JSON_OBJECT, err);
    if (rc != ENC_OK)
        return rc;
    const char *type = json_string_value(json_object_get(node->value, "type"));
    for (size_t i = 0; type && i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].type, type) == 0)
            return rows[i].read ? rows[i].read(p, node, err)
                                : add_sides(p, rows[i].sides, 0, node, err);
    return enc_node_unsupported(node, choices, err);
}
