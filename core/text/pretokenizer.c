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
} behaviors[] = {
    {"Removed", {0, 0, true}},
    {"Isolated", {ENC_LEFT_CUT, ENC_RIGHT_CUT, false}},
    {"MergedWithPrevious", {0, ENC_RIGHT_CUT, false}},
    {"MergedWithNext", {ENC_LEFT_CUT, 0, false}},
    {"Contiguous", {1, 1, false}},
};
enum { REMOVED, ISOLATED, MERGED_WITH_PREVIOUS, MERGED_WITH_NEXT, CONTIGUOUS, BEHAVIORS };

static enc_sides split_punctuation(unsigned behavior, uint32_t properties)
{
    return properties & ENC_BERT_PUNCTUATION ? behaviors[behavior].sides : joined;
}

static enc_sides split_digits(unsigned behavior, uint32_t properties)
{
    return properties & ENC_NUMERIC ? behaviors[behavior].sides : joined;
}

/* ---- The list ------------------------------------------------------------------------ */

static int add(enc_pretokenizer *p, enc_splitter sides, unsigned flags, const char *where,
               enc_error *err)
{
    if (p->steps == ENC_SPLITTERS_MOST)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: more than %d pre-tokenizers", where,
                        ENC_SPLITTERS_MOST);
    p->step[p->steps].sides = sides;
    p->step[p->steps++].flags = flags;
    return ENC_OK;
}

int enc_pretokenizer_add_bert(enc_pretokenizer *p, const char *where, enc_error *err)
{
    return add(p, split_bert, 0, where, err);
}

enc_sides enc_pretokenizer_sides(const enc_pretokenizer *p, uint32_t c)
{
    enc_sides all = {0, 0, false};
    uint32_t properties = enc_properties(c);
    for (size_t i = 0; i < p->steps; i++) {
        enc_sides one = p->step[i].sides(p->step[i].flags, properties);
        all.left |= one.left << 2 * i;
        all.right |= one.right << 2 * i;
        all.removed |= one.removed;
    }
    return all;
}

bool enc_pretokenizer_removes_space(const enc_pretokenizer *p)
{
    for (size_t i = 0; i < p->steps; i++)
        if (p->step[i].sides(p->step[i].flags, ENC_WHITESPACE).removed)
            return true;
    return false;
}

/* ---- tokenizer.json ------------------------------------------------------------------ */

static int read_punctuation(enc_pretokenizer *p, const enc_node *node, enc_error *err)
{
    char path[ENC_NODE_PATH], shown[ENC_JSON_SHOWN];
    const char *name = "Isolated";
    enc_node behavior = enc_node_member(node, "behavior");
    if (behavior.value) {
        int rc = enc_node_string(node, "behavior", &name, err);
        if (rc != ENC_OK)
            return rc;
    }
    for (unsigned i = 0; i < BEHAVIORS; i++)
        if (strcmp(behaviors[i].name, name) == 0)
            return add(p, split_punctuation, i, enc_node_path(node, path), err);
    return enc_fail(err, ENC_CORRUPT, "%s is %s, must be Removed, Isolated, "
                    "MergedWithPrevious, MergedWithNext or Contiguous",
                    enc_node_path(&behavior, path), enc_json_show(behavior.value, shown));
}

static int read_digits(enc_pretokenizer *p, const enc_node *node, enc_error *err)
{
    char path[ENC_NODE_PATH];
    bool individual;
    int rc = enc_node_bool(node, "individual_digits", &individual, err);
    if (rc != ENC_OK)
        return rc;
    return add(p, split_digits, individual ? ISOLATED : CONTIGUOUS,
               enc_node_path(node, path), err);
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
    {"Punctuation", NULL, read_punctuation},
    {"Digits", NULL, read_digits},
    {"Sequence", NULL, read_sequence},
};

static const char choices[] =
    "BertPreTokenizer, Whitespace, WhitespaceSplit, Punctuation, Digits, Sequence";

int enc_pretokenizer_read(enc_pretokenizer *p, const enc_node *node, enc_error *err)
{
    if (enc_node_is_null(node))
        return ENC_OK;
    int rc = enc_node_expect(node, JSON_OBJECT, err);
    if (rc != ENC_OK)
        return rc;
    const char *type = json_string_value(json_object_get(node->value, "type"));
    for (size_t i = 0; type && i < sizeof rows / sizeof *rows; i++) {
        char path[ENC_NODE_PATH];
        if (strcmp(rows[i].type, type) == 0)
            return rows[i].read ? rows[i].read(p, node, err)
                                : add(p, rows[i].sides, 0, enc_node_path(node, path), err);
    }
    return enc_node_unsupported(node, choices, err);
}
