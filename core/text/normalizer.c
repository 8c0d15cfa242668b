/* normalizer.c - see normalizer.h. */
#include "normalizer.h"

#include <string.h>

#include "bytes.h"

/* ---- Steps that look at one character ------------------------------------------------ */

typedef struct map_state {
    enc_symbol symbol;   /* the character below */
    uint32_t pending[4]; /* what it became */
    uint32_t next, count;
} map_state;

static size_t map_bytes(const enc_step *step, size_t below)
{
    (void)step;
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

static bool map_begins_anew(const enc_step *step, uint32_t *space)
{
    uint32_t out[4];
    bool one = step->map(step->flags, *space, out) == 1;
    *space = one ? out[0] : *space;
    return one;
}

bool enc_step_begins_anew(const enc_step *step, uint32_t *space)
{
    (void)step;
    unsigned changes = ENC_DECOMPOSES | ENC_DECOMPOSES_COMPAT | ENC_COMPOSES;
    return !(enc_properties(*space) & changes) && enc_combining_class(*space) == 0;
}

static const enc_step_kind character_map = {map_bytes, map_next, map_settle, NULL,
                                            map_begins_anew};

enum { CLEAN_TEXT = 1, CHINESE = 2 };

/* BertNormalizer's clean_text and handle_chinese_chars. */
static size_t map_bert(unsigned flags, uint32_t c, uint32_t out[4])
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

static size_t map_lowercase(unsigned flags, uint32_t c, uint32_t out[4])
{
    (void)flags;
    return enc_lowercase(c, out);
}

static size_t map_strip_accents(unsigned flags, uint32_t c, uint32_t out[4])
{
    (void)flags;
    out[0] = c;
    return enc_properties(c) & ENC_ACCENT ? 0 : 1;
}

/* The letters that stand for the character's bytes. */
static size_t map_byte_level(unsigned flags, uint32_t c, uint32_t out[4])
{
    char bytes[4];
    size_t size = enc_utf8_put(c, bytes);
    (void)flags;
    for (size_t i = 0; i < size; i++)
        out[i] = enc_byte_letter((unsigned char)bytes[i]);
    return size;
}

/* ---- The pipeline -------------------------------------------------------------------- */

static size_t aligned(size_t bytes) { return (bytes + 15) & ~(size_t)15; }

void enc_normalizer_begin(enc_normalizer *n)
{
    *n = (enc_normalizer){.state_bytes = aligned(sizeof(enc_cursor)), .growth = 1};
}

void enc_normalizer_close(enc_normalizer *n)
{
    for (size_t i = 0; i < n->steps; i++)
        if (n->step[i].kind->close)
            n->step[i].kind->close(n->step[i].data);
    enc_normalizer_begin(n);
}

int enc_normalizer_add(enc_normalizer *n, enc_step step, const char *where, enc_error *err)
{
    int rc = ENC_OK;
    size_t bytes = 0, growth = 0;
    if (n->steps == ENC_STEPS_MOST)
        rc = enc_fail(err, ENC_UNSUPPORTED, "%s: more than %d steps", where,
                      ENC_STEPS_MOST);
    else if ((bytes = aligned(step.kind->state_bytes(&step, n->state_bytes))) >
             ENC_STEP_STATE_MOST)
        rc = enc_fail(err, ENC_UNSUPPORTED, "%s: too many steps that reorder characters",
                      where);
    else if (__builtin_mul_overflow(n->growth, step.growth ? step.growth : 1, &growth) ||
             growth > ENC_GROWTH_MOST)
        rc = enc_fail(err, ENC_UNSUPPORTED, "%s: with it one character may become %zu, the "
                      "limit is %d", where, growth, ENC_GROWTH_MOST);
    if (rc != ENC_OK) {
        if (step.kind->close)
            step.kind->close(step.data);
        return rc;
    }
    step.level = n->steps + 1;
    step.offset = n->state_bytes;
    step.bytes = bytes;
    n->step[n->steps++] = step;
    n->state_bytes += bytes;
    n->growth = growth;
    return ENC_OK;
}

int enc_normalizer_add_lowercase(enc_normalizer *n, const char *where, enc_error *err)
{
    enc_step step = {.kind = &character_map, .map = map_lowercase};
    return enc_normalizer_add(n, step, where, err);
}

int enc_normalizer_lowercase_first(enc_normalizer *n, const char *where, enc_error *err)
{
    enc_normalizer rest = *n;
    enc_normalizer_begin(n);
    int rc = enc_normalizer_add_lowercase(n, where, err);
    size_t i = 0;
    for (; i < rest.steps && rc == ENC_OK; i++)
        rc = enc_normalizer_add(n, rest.step[i], where, err);
    for (; i < rest.steps; i++)
        if (rest.step[i].kind->close)
            rest.step[i].kind->close(rest.step[i].data);
    return rc;
}

int enc_normalizer_add_bert(enc_normalizer *n, bool clean_text, bool chinese,
                            bool strip_accents, bool lowercase, const char *where,
                            enc_error *err)
{
    enc_step map = {.kind = &character_map, .map = map_bert};
    enc_step strip = {.kind = &enc_canonical_order, .flags = ENC_ORDER_DROPS_MARKS};
    map.flags = (clean_text ? CLEAN_TEXT : 0) | (chinese ? CHINESE : 0);
    int rc = ENC_OK;
    if (map.flags)
        rc = enc_normalizer_add(n, map, where, err);
    if (rc == ENC_OK && strip_accents)
        rc = enc_normalizer_add(n, strip, where, err);
    if (rc == ENC_OK && lowercase)
        rc = enc_normalizer_add_lowercase(n, where, err);
    return rc;
}

bool enc_normalizer_is_local(const enc_normalizer *n)
{
    for (size_t i = 0; i < n->steps; i++)
        if (!n->step[i].kind->settle)
            return false;
    return true;
}

bool enc_normalizer_begins_anew(const enc_normalizer *n, uint32_t *space)
{
    for (size_t i = 0; i < n->steps; i++)
        if (!n->step[i].kind->begins_anew || !n->step[i].kind->begins_anew(&n->step[i], space))
            return false;
    return true;
}

bool enc_normalizer_isolates_chinese(const enc_normalizer *n)
{
    size_t i = 0;
    while (i < n->steps && n->step[i].map == map_lowercase)
        i++;
    return i < n->steps && n->step[i].map == map_bert && n->step[i].flags & CHINESE;
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

bool enc_lane_shifts(const enc_lane *lane)
{
    const enc_normalizer *n = lane->normalizer;
    for (size_t i = 0; i < n->steps; i++)
        if (n->step[i].kind == &enc_charsmap_step && enc_charsmap_shifts(lane, &n->step[i]))
            return true;
    return false;
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

static int read_nfc(enc_normalizer *n, const enc_node *node, enc_error *err)
{
    char path[ENC_NODE_PATH];
    return enc_normalizer_add_composed(n, false, enc_node_path(node, path), err);
}

static int read_nfkc(enc_normalizer *n, const enc_node *node, enc_error *err)
{
    char path[ENC_NODE_PATH];
    return enc_normalizer_add_composed(n, true, enc_node_path(node, path), err);
}

/* The normalisers by name: those that are one step, and those that read more. */
static const struct row {
    const char *type;
    enc_step step;
    int (*read)(enc_normalizer *n, const enc_node *node, enc_error *err);
} rows[] = {
    {"BertNormalizer", {0}, read_bert},
    {"Lowercase", {.kind = &character_map, .map = map_lowercase}, NULL},
    {"StripAccents", {.kind = &character_map, .map = map_strip_accents}, NULL},
    {"NFC", {0}, read_nfc},
    {"NFD", {.kind = &enc_canonical_order}, NULL},
    {"NFKC", {0}, read_nfkc},
    {"NFKD", {.kind = &enc_canonical_order, .flags = ENC_ORDER_COMPATIBILITY}, NULL},
    {"Strip", {0}, enc_normalizer_read_strip},
    {"Replace", {0}, enc_normalizer_read_replace},
    {"Prepend", {0}, enc_normalizer_read_prepend},
    {"Precompiled", {0}, enc_normalizer_read_charsmap},
    {"ByteLevel", {.kind = &character_map, .map = map_byte_level}, NULL},
    {"Sequence", {0}, read_sequence},
};

static const char choices[] =
    "BertNormalizer, Lowercase, StripAccents, NFC, NFD, NFKC, NFKD, Strip, Replace, "
    "Prepend, Precompiled, ByteLevel, Sequence";

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
                             : enc_normalizer_add(n, row->step, enc_node_path(node, path),
                                                  err);
    }
    return enc_node_unsupported(node, choices, err);
}
