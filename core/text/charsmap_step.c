/*
** charsmap_step.c - the normaliser's step Precompiled: SentencePiece's map of characters
** (charsmap.h), applied as the reference does.
**
** Grapheme clusters of less than 6 bytes are looked up as a whole, then what is not found
** character by character; the shortest key that the cluster begins with counts, so what
** comes after it is lost. Reading goes in units: so many characters below become so many
** others.
**
** The reference aligns by counting. A unit's characters take its source characters one by
** one, and more of them share the last. Of a unit that leaves nothing the source characters
** go to the character before, which, if it was such a further one, then takes the first of
** them. With no character before they are forgotten: all that follows in the text is
** aligned that many characters too early.
*/
#include <string.h>

#include "charsmap.h"
#include "grapheme.h"
#include "normalizer.h"

enum { CLUSTER_BYTES = 6 }; /* clusters this long are not looked up */

typedef struct unit {
    enc_symbol symbol[CLUSTER_BYTES]; /* [symbols] what it was */
    size_t symbols;
    size_t number; /* of the first symbol in the text, from 0 */
    size_t at, end; /* what it becomes: bytes of the map's text; if `kept`: itself */
    size_t length; /* in characters */
    bool kept;
} unit;

typedef struct map_state {
    unit now, next;
    bool has_next;
    size_t given;          /* characters of `now` */
    bool any;              /* something was given */
    size_t forgotten;      /* source characters */
    /* Reading clusters: */
    enc_symbol cluster[CLUSTER_BYTES]; /* [held] from `head` on one by one */
    size_t head, held;
    enc_symbol ahead;      /* read behind them */
    bool has_ahead, ended, begun;
    bool is_long;          /* the cluster goes on, and is too long to be looked up */
    enc_grapheme_cluster grapheme;
    size_t read;           /* symbols that became units */
    /* A reader of the step below that lags behind by what was forgotten: */
    size_t lagging;        /* symbols it has read */
    enc_symbol place;      /* the last of them */
} map_state; /* then room for a copy of the state below */

static size_t aligned_state(void) { return (sizeof(map_state) + 15) & ~(size_t)15; }

static size_t map_bytes(const enc_step *step, size_t below)
{
    (void)step;
    return aligned_state() + below;
}

static map_state *state_of(const enc_lane *lane, const enc_step *step)
{
    return (map_state *)(void *)(lane->state + step->offset);
}

static char *lagging_state(const enc_lane *lane, const enc_step *step)
{
    return lane->state + step->offset + aligned_state();
}

/* ---- Units --------------------------------------------------------------------------- */

static bool peek(const enc_lane *lane, const enc_step *step)
{
    map_state *s = state_of(lane, step);
    if (!s->has_ahead && !s->ended) {
        s->has_ahead = enc_lane_next(lane, step->level - 1, &s->ahead);
        s->ended = !s->has_ahead;
    }
    return s->has_ahead;
}

/* Looks the characters up. */
static bool look_up(const enc_charsmap *map, const enc_symbol *symbol, size_t count, unit *u)
{
    char text[4 * CLUSTER_BYTES];
    const char *out;
    size_t size = 0, length;
    for (size_t i = 0; i < count; i++)
        size += enc_utf8_put(symbol[i].c, text + size);
    u->kept = !map->begins[(unsigned char)text[0]] ||
              !enc_charsmap_find(map, text, size, &out, &length);
    u->symbols = count;
    u->length = 1;
    memcpy(u->symbol, symbol, count * sizeof *symbol);
    if (u->kept)
        return false;
    u->at = (size_t)(out - map->text);
    u->end = u->at + length;
    u->length = enc_utf8_count(out, length);
    return true;
}

/* Reads the cluster that begins with the symbol ahead into `cluster`, as far as it is short;
** whether it is. */
static bool read_cluster(const enc_lane *lane, const enc_step *step)
{
    map_state *s = state_of(lane, step);
    char bytes[4];
    size_t size = enc_utf8_put(s->ahead.c, bytes);
    s->head = 0;
    s->held = 1;
    s->cluster[0] = s->ahead;
    s->has_ahead = false;
    enc_grapheme_begin(&s->grapheme, s->ahead.c);
    while (peek(lane, step) && enc_grapheme_joins(&s->grapheme, s->ahead.c)) {
        size += enc_utf8_put(s->ahead.c, bytes);
        s->is_long = size >= CLUSTER_BYTES;
        if (s->is_long)
            break; /* the symbol ahead belongs to it */
        s->cluster[s->held++] = s->ahead;
        s->has_ahead = false;
    }
    return !s->is_long;
}

/* The next unit; false at the text's end. */
static bool read_unit(const enc_lane *lane, const enc_step *step, unit *u)
{
    map_state *s = state_of(lane, step);
    const enc_charsmap *map = step->data;
    bool joined = false;
    u->number = s->read;
    while (s->held == 0) {
        if (!peek(lane, step))
            return false;
        if (s->is_long) {
            /* The first symbol ahead is known to join, the others are asked. */
            s->cluster[0] = s->ahead;
            s->head = 0;
            s->held = 1;
            s->has_ahead = false;
            s->is_long = peek(lane, step) && enc_grapheme_joins(&s->grapheme, s->ahead.c);
            break;
        }
        if (!read_cluster(lane, step) || s->held == 1)
            break;
        joined = look_up(map, s->cluster, s->held, u);
        if (!joined)
            break;
        s->held = 0;
        s->read += u->symbols;
        return true;
    }
    look_up(map, &s->cluster[s->head++], 1, u);
    s->held--;
    s->read++;
    return true;
}

/* ---- Characters ---------------------------------------------------------------------- */

/* Where a character stands that the symbol with that number was found for. */
static enc_symbol align(const enc_lane *lane, const enc_step *step, const enc_symbol *symbol,
                        size_t number)
{
    map_state *s = state_of(lane, step);
    if (s->forgotten == 0)
        return *symbol;
    enc_lane below = enc_lane_below(lane, lagging_state(lane, step));
    while (s->lagging + s->forgotten <= number &&
           enc_lane_next(&below, step->level - 1, &s->place))
        s->lagging++;
    return s->place;
}

/* The unit's next character. */
static enc_symbol give(const enc_lane *lane, const enc_step *step)
{
    map_state *s = state_of(lane, step);
    const enc_charsmap *map = step->data;
    unit *u = &s->now;
    size_t i = s->given++, last = u->symbols - 1;
    uint32_t c = u->symbol[0].c;
    if (!u->kept) {
        const char *at = map->text + u->at;
        c = enc_utf8_next(&at, map->text + u->end);
        u->at = (size_t)(at - map->text);
    }
    enc_symbol out;
    if (i > last && s->given == u->length && !s->has_next)
        s->has_next = read_unit(lane, step, &s->next);
    if (i > last && s->given == u->length && s->has_next && s->next.length == 0)
        out = align(lane, step, &s->next.symbol[0], s->next.number);
    else
        out = align(lane, step, &u->symbol[i < last ? i : last],
                    u->number + (i < last ? i : last));
    out.c = c;
    s->any = true;
    return out;
}

static bool charsmap_next(const enc_lane *lane, const enc_step *step, enc_symbol *out)
{
    map_state *s = state_of(lane, step);
    if (!s->begun) {
        s->begun = true;
        memcpy(lagging_state(lane, step), lane->state, step->offset);
    }
    while (s->given >= s->now.length) {
        if (s->has_next)
            s->now = s->next;
        else if (!read_unit(lane, step, &s->now))
            return false;
        s->has_next = false;
        s->given = 0;
        if (s->now.length == 0 && !s->any)
            s->forgotten += s->now.symbols;
    }
    *out = give(lane, step);
    return true;
}

static void close_charsmap(void *data) { enc_charsmap_close(data); }

bool enc_charsmap_shifts(const enc_lane *lane, const enc_step *step)
{
    const map_state *s = state_of(lane, step);
    return !s->any || s->forgotten > 0;
}

/* A space may stand in a cluster with what follows, which must not become nothing; a control
** stands alone. */
static bool charsmap_begins_anew(const enc_step *step, uint32_t *space)
{
    const enc_charsmap *map = step->data;
    const char *out, byte = (char)*space;
    size_t length;
    if (*space > ' ' || map->begins[' '])
        return false;
    if (!map->begins[*space] || !enc_charsmap_find(map, &byte, 1, &out, &length))
        return true;
    if (length == 0 || enc_utf8_count(out, length) != 1)
        return false;
    *space = enc_utf8_next(&out, out + length);
    return true;
}

const enc_step_kind enc_charsmap_step = {map_bytes, charsmap_next, NULL, close_charsmap,
                                         charsmap_begins_anew};

int enc_normalizer_add_charsmap(enc_normalizer *n, enc_charsmap *map, const char *where,
                                enc_error *err)
{
    enc_step step = {.kind = &enc_charsmap_step, .data = map, .growth = map->longest};
    return enc_normalizer_add(n, step, where, err);
}

int enc_normalizer_read_charsmap(enc_normalizer *n, const enc_node *node, enc_error *err)
{
    char path[ENC_NODE_PATH];
    const char *text;
    enc_charsmap *map;
    enc_node blob = enc_node_member(node, "precompiled_charsmap");
    int rc = enc_node_string(node, "precompiled_charsmap", &text, err);
    if (rc == ENC_OK)
        rc = enc_charsmap_open(text, strlen(text), false, enc_node_path(&blob, path), &map,
                               err);
    if (rc != ENC_OK)
        return rc;
    return enc_normalizer_add_charsmap(n, map, enc_node_path(node, path), err);
}
