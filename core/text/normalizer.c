/* normalizer.c - see normalizer.h. */
#include "normalizer.h"

#include <string.h>

/* ---- Steps that look at one character ------------------------------------------------ */

typedef struct map_state {
    enc_symbol symbol;   /* the character below */
    uint32_t pending[3]; /* what it became */
    uint32_t next, count;
} map_state;

static size_t map_bytes(size_t below)
{
    (void)below;
    return sizeof(map_state);
}

static map_state *map_state_of(const enc_lane *lane, const enc_step *step)
{
    return (map_state *)(void *)(lane->state + step->offset);
}

static bool map_next(const enc_lane *lane, const enc_step *step, enc_symbol *out)
{
    map_state *s = map_state_of(lane, step);
    while (s->next >= s->count) {
        if (!enc_lane_next(lane, step->level - 1, &s->symbol))
            return false;
        s->count = (uint32_t)step->map(step->flags, s->symbol.c, s->pending);
        s->next = 0;
    }
    *out = s->symbol;
    out->c = s->pending[s->next++];
    return true;
}

static bool map_settle(const enc_lane *lane, const enc_step *step)
{
    const map_state *s = map_state_of(lane, step);
    return s->next >= s->count;
}

static const enc_step_kind character_map = {map_bytes, map_next, map_settle};

enum { CLEAN_TEXT = 1, CHINESE = 2 };

/* BertNormalizer's clean_text and handle_chinese_chars. */
static size_t map_bert(unsigned flags, uint32_t c, uint32_t out[3])
{
    uint32_t properties = enc_properties(c);
    if (flags & CLEAN_TEXT) {
        if (properties & ENC_BERT_REMOVED)
            return 0;
        if (properties & ENC_BERT_SPACE)
            c = ' ';
    }
    if (flags & CHINESE && properties & ENC_BERT_CHINESE) {
        out[0] = out[2] = ' ';
        out[1] = c;
        return 3;
    }
    out[0] = c;
    return 1;
}

static size_t map_lowercase(unsigned flags, uint32_t c, uint32_t out[3])
{
    (void)flags;
    return enc_lowercase(c, out);
}

static size_t map_strip_accents(unsigned flags, uint32_t c, uint32_t out[3])
{
    (void)flags;
    out[0] = c;
    return enc_properties(c) & ENC_ACCENT ? 0 : 1;
}

/* ---- The pipeline -------------------------------------------------------------------- */

static size_t aligned(size_t bytes) { return (bytes + 15) & ~(size_t)15; }

void enc_normalizer_begin(enc_normalizer *n)
{
    *n = (enc_normalizer){.state_bytes = aligned(sizeof(enc_cursor))};
}

int enc_normalizer_add(enc_normalizer *n, const enc_step_kind *kind, enc_character_map map,
                       unsigned flags, const char *where, enc_error *err)
{
    if (n->steps == ENC_STEPS_MOST)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: more than %d steps", where,
                        ENC_STEPS_MOST);
    size_t bytes = aligned(kind->state_bytes(n->state_bytes));
    if (bytes > ENC_STEP_STATE_MOST)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: too many steps that reorder characters",
                        where);
    n->step[n->steps] = (enc_step){kind, map, flags, n->steps + 1, n->state_bytes, bytes};
    n->steps++;
    n->state_bytes += bytes;
    return ENC_OK;
}

int enc_normalizer_add_lowercase(enc_normalizer *n, const char *where, enc_error *err)
{
    return enc_normalizer_add(n, &character_map, map_lowercase, 0, where, err);
}

int enc_normalizer_lowercase_first(enc_normalizer *n, const char *where, enc_error *err)
{
    enc_normalizer rest = *n;
    enc_normalizer_begin(n);
    int rc = enc_normalizer_add_lowercase(n, where, err);
    for (size_t i = 0; i < rest.steps && rc == ENC_OK; i++) {
        const enc_step *step = &rest.step[i];
        rc = enc_normalizer_add(n, step->kind, step->map, step->flags, where, err);
    }
    return rc;
}

int enc_normalizer_add_bert(enc_normalizer *n, bool clean_text, bool chinese,
                            bool strip_accents, bool lowercase, const char *where,
                            enc_error *err)
{
    unsigned flags = (clean_text ? CLEAN_TEXT : 0) | (chinese ? CHINESE : 0);
    int rc = ENC_OK;
    if (flags)
        rc = enc_normalizer_add(n, &character_map, map_bert, flags, where, err);
    if (rc == ENC_OK && strip_accents)
        rc = enc_normalizer_add(n, &enc_canonical_order, NULL, ENC_ORDER_DROPS_MARKS, where,
                                err);
    if (rc == ENC_OK && lowercase)
        rc = enc_normalizer_add_lowercase(n, where, err);
    return rc;
}

bool enc_normalizer_lowercases(const enc_normalizer *n)
{
    for (size_t i = 0; i < n->steps; i++)
        if (n->step[i].map == map_lowercase)
            return true;
    return false;
}

void enc_lane_begin(const enc_lane *lane, enc_cursor cursor)
{
    memset(lane->state, 0, lane->normalizer->state_bytes);
    *enc_lane_cursor(lane) = cursor;
}

bool enc_lane_settle(const enc_lane *lane)
{
    const enc_normalizer *n = lane->normalizer;
    for (size_t i = 0; i < n->steps; i++)
        if (!n->step[i].kind->settle(lane, &n->step[i]))
            return false;
    return true;
}

/* ---- tokenizer.json ------------------------------------------------------------------ */

static int read_bert(enc_normalizer *n, const enc_node *node, enc_error *err)
{
    bool clean_text, chinese, lowercase, strip_accents;
    char path[ENC_NODE_PATH];
    int rc = enc_node_bool(node, "clean_text", &clean_text, err);
    if (rc == ENC_OK)
        rc = enc_node_bool(node, "handle_chinese_chars", &chinese, err);
    if (rc == ENC_OK)
        rc = enc_node_bool(node, "lowercase", &lowercase, err);
    if (rc != ENC_OK)
        return rc;
    enc_node strip = enc_node_member(node, "strip_accents");
    strip_accents = lowercase;
    if (!enc_node_is_null(&strip)) {
        rc = enc_node_bool(node, "strip_accents", &strip_accents, err);
        if (rc != ENC_OK)
            return rc;
    }
    return enc_normalizer_add_bert(n, clean_text, chinese, strip_accents, lowercase,
                                   enc_node_path(node, path), err);
}

static int read_sequence(enc_normalizer *n, const enc_node *node, enc_error *err)
{
    enc_node list = enc_node_member(node, "normalizers");
    int rc = enc_node_expect(&list, JSON_ARRAY, err);
    for (size_t i = 0; rc == ENC_OK && i < json_array_size(list.value); i++) {
        enc_node element = enc_node_element(&list, i);
        rc = enc_node_expect(&element, JSON_OBJECT, err);
        if (rc == ENC_OK)
            rc = enc_normalizer_read(n, &element, err);
    }
    return rc;
}

/* The normalisers by name: those that are one step, and those that read more. */
static const struct row {
    const char *type;
    const enc_step_kind *kind;
    enc_character_map map;
    unsigned flags;
    int (*read)(enc_normalizer *n, const enc_node *node, enc_error *err);
} rows[] = {
    {"BertNormalizer", NULL, NULL, 0, read_bert},
    {"Lowercase", &character_map, map_lowercase, 0, NULL},
    {"StripAccents", &character_map, map_strip_accents, 0, NULL},
    {"NFD", &enc_canonical_order, NULL, 0, NULL},
    {"NFKD", &enc_canonical_order, NULL, ENC_ORDER_COMPATIBILITY, NULL},
    {"Sequence", NULL, NULL, 0, read_sequence},
};

static const char choices[] =
    "BertNormalizer, Lowercase, StripAccents, NFD, NFKD, Sequence";

int enc_normalizer_read(enc_normalizer *n, const enc_node *node, enc_error *err)
{
    if (enc_node_is_null(node))
        return ENC_OK;
    int rc = enc_node_expect(node, JSON_OBJECT, err);
    if (rc != ENC_OK)
        return rc;
    const char *type = json_string_value(json_object_get(node->value, "type"));
    for (size_t i = 0; type && i < sizeof rows / sizeof *rows; i++) {
        char path[ENC_NODE_PATH];
        const struct row *row = &rows[i];
        if (strcmp(row->type, type) == 0)
            return row->read ? row->read(n, node, err)
                             : enc_normalizer_add(n, row->kind, row->map, row->flags,
                                                  enc_node_path(node, path), err);
    }
    return enc_node_unsupported(node, choices, err);
}
