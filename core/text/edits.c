/*
** edits.c - the normaliser's steps that change a text at its ends: Strip and Prepend. A text
** is here what stands between two added tokens that are matched before normalisation.
*/
#include <string.h>

#include "memory.h"
#include "normalizer.h"

/* ---- Strip --------------------------------------------------------------------------- */

enum { STRIP_LEFT = 1, STRIP_RIGHT = 2 };

typedef struct strip_state {
    bool begun;
    size_t inner; /* white space to come that something else follows */
} strip_state; /* then room for a copy of the state below */

static size_t strip_bytes(const enc_step *step, size_t below)
{
    (void)step;
    return ((sizeof(strip_state) + 15) & ~(size_t)15) + below;
}

/* Whether something follows the white space read last; counts what there is of it yet. If
** nothing does, all of it was read. */
static bool is_inner(const enc_lane *lane, const enc_step *step, size_t *count)
{
    char *copy = lane->state + step->offset + ((sizeof(strip_state) + 15) & ~(size_t)15);
    enc_lane below = enc_lane_below(lane, copy);
    enc_symbol symbol;
    memcpy(copy, lane->state, step->offset);
    for (*count = 0; enc_lane_next(&below, step->level - 1, &symbol); ++*count)
        if (!enc_is_whitespace(symbol.c))
            return true;
    memcpy(lane->state, copy, step->offset);
    return false;
}

static bool strip_next(const enc_lane *lane, const enc_step *step, enc_symbol *out)
{
    strip_state *s = (strip_state *)(void *)(lane->state + step->offset);
    do {
        if (!enc_lane_next(lane, step->level - 1, out))
            return false;
    } while (!s->begun && !lane->inside && step->flags & STRIP_LEFT &&
             enc_is_whitespace(out->c));
    s->begun = true;
    if (!(step->flags & STRIP_RIGHT) || !enc_is_whitespace(out->c))
        return true;
    if (s->inner > 0) {
        s->inner--;
        return true;
    }
    return is_inner(lane, step, &s->inner);
}

static const enc_step_kind strip = {strip_bytes, strip_next, NULL, NULL, enc_step_begins_anew};

int enc_normalizer_read_strip(enc_normalizer *n, const enc_node *node, enc_error *err)
{
    char path[ENC_NODE_PATH];
    bool left, right;
    int rc = enc_node_bool(node, "strip_left", &left, err);
    if (rc == ENC_OK)
        rc = enc_node_bool(node, "strip_right", &right, err);
    if (rc != ENC_OK)
        return rc;
    enc_step step = {.kind = &strip};
    step.flags = (left ? STRIP_LEFT : 0) | (right ? STRIP_RIGHT : 0);
    return enc_normalizer_add(n, step, enc_node_path(node, path), err);
}

/* ---- Prepend ------------------------------------------------------------------------- */

typedef struct prefix {
    size_t length;
    uint32_t c[];
} prefix;

typedef struct prepend_state {
    bool begun;
    size_t next;      /* of the prefix; at its length: `first` is next */
    enc_symbol first; /* of the text, where the prefix is aligned to */
} prepend_state;

static size_t prepend_bytes(const enc_step *step, size_t below)
{
    (void)step;
    (void)below;
    return sizeof(prepend_state);
}

/* An empty text stays empty. */
static bool prepend_next(const enc_lane *lane, const enc_step *step, enc_symbol *out)
{
    prepend_state *s = (prepend_state *)(void *)(lane->state + step->offset);
    const prefix *p = step->data;
    if (!s->begun) {
        if (!enc_lane_next(lane, step->level - 1, &s->first))
            return false;
        s->begun = true;
        s->next = lane->whole && !lane->inside ? 0 : p->length;
    }
    if (s->next > p->length)
        return enc_lane_next(lane, step->level - 1, out);
    *out = s->first;
    if (s->next < p->length)
        out->c = p->c[s->next];
    s->next++;
    return true;
}

static const enc_step_kind prepend = {prepend_bytes, prepend_next, NULL, enc_free,
                                      enc_step_begins_anew};

int enc_normalizer_read_prepend(enc_normalizer *n, const enc_node *node, enc_error *err)
{
    char path[ENC_NODE_PATH];
    const char *text;
    int rc = enc_node_string(node, "prepend", &text, err);
    if (rc != ENC_OK)
        return rc;
    size_t size = strlen(text);
    prefix *p = enc_alloc(sizeof *p + size * sizeof *p->c);
    if (!p)
        return enc_nomem(err);
    p->length = 0;
    for (const char *at = text, *end = text + size; at < end;)
        p->c[p->length++] = enc_utf8_next(&at, end);
    enc_step step = {.kind = &prepend, .data = p};
    return enc_normalizer_add(n, step, enc_node_path(node, path), err);
}
