/*
** compose.c - the step that composes what canonical order has decomposed (NFC, NFKC).
**
** A starter takes in the marks after it (and starters, as Hangul's) that compose with it
** and are not blocked by an equal or higher combining class between (The Unicode Standard,
** section 3.11). What stays between is given after it, so a run of marks is read ahead from
** a copy of the steps below to see what the starter becomes, and then once more to give
** what is left.
**
** The reference aligns by counting: a composed character takes as many source characters as
** began a decomposition in it, and what is left after it takes those that follow, in order.
**
** Nearly all text is of characters that come back as they were and begin with a starter that
** nothing before takes in, and of marks that compose with nothing and stand in order between
** two of these. Where the source goes on so, its next character is given at once.
*/
#include <string.h>

#include "memory.h"
#include "normalizer.h"

/* One character of the decomposed text. */
typedef struct item {
    enc_symbol symbol;
    uint8_t class; /* canonical combining class */
    bool first;    /* of its decomposition */
} item;

/* Readers of the step below: MAIN where that stands, the others from copies. */
enum { MAIN, RUN, ALIGN, READERS };

typedef struct compose_state {
    item starter;     /* read and not yet given */
    item next;        /* read after the starter */
    bool has_starter, has_next, ended;
    item run;         /* the run's first item, which RUN and ALIGN stand behind */
    bool run_begins, align_begins; /* ... and whether they have it still to come */
    bool giving;      /* RUN gives what the starter of that run has left over */
    uint32_t taken;   /* what the run's starter has become, as RUN goes over it again */
    int class;        /* of the last mark that was left, as RUN goes over it; -1: none */
    size_t left;      /* marks that RUN has to give yet */
    size_t consumed;  /* source characters of the run that were taken */
    size_t aligned;   /* source characters of the run that ALIGN passed */
    enc_symbol place; /* the last of them */
} compose_state;

static size_t compose_bytes(const enc_step *step, size_t below)
{
    (void)step;
    return sizeof(compose_state) + (READERS - 1) * below;
}

static compose_state *state_of(const enc_lane *lane, const enc_step *step)
{
    return (compose_state *)(void *)(lane->state + step->offset);
}

static char *reader_state(const enc_lane *lane, const enc_step *step, int which)
{
    return which == MAIN ? lane->state
                         : lane->state + step->offset + sizeof(compose_state) +
                               (size_t)(which - 1) * step->offset;
}

static void copy_reader(const enc_lane *lane, const enc_step *step, int to)
{
    memcpy(reader_state(lane, step, to), lane->state, step->offset);
}

static bool read_item(const enc_lane *lane, const enc_step *step, int which, item *out)
{
    enc_lane below = enc_lane_below(lane, reader_state(lane, step, which));
    if (!enc_lane_next(&below, step->level - 1, &out->symbol))
        return false;
    out->first = !(out->symbol.c & ENC_ORDER_CONTINUES);
    out->symbol.c &= ~ENC_ORDER_CONTINUES;
    out->class = enc_combining_class(out->symbol.c);
    return true;
}

/* The next item of the run, from RUN or ALIGN. */
static bool read_again(const enc_lane *lane, const enc_step *step, int which, item *out)
{
    compose_state *s = state_of(lane, step);
    bool *begins = which == RUN ? &s->run_begins : &s->align_begins;
    if (!*begins)
        return read_item(lane, step, which, out);
    *begins = false;
    *out = s->run;
    return true;
}

/* What becomes of an item after a starter that is now *c, when the last mark left was of
** class *class: it is taken in (*c changes), left over, or ends the run. */
enum fate { TAKEN, LEFT, ENDS };

static enum fate fate_of(const item *it, uint32_t *c, int *class)
{
    if (*class < it->class) {
        uint32_t composed = enc_compose(*c, it->symbol.c);
        if (composed) {
            *c = composed;
            return TAKEN;
        }
    }
    if (it->class == 0)
        return ENDS;
    *class = it->class;
    return LEFT;
}

/* The source character with that number in the run, from 1; 0: the one before the run's
** first, which the starter goes on. */
static enc_symbol align(const enc_lane *lane, const enc_step *step, size_t number)
{
    compose_state *s = state_of(lane, step);
    item it;
    while (s->aligned < number && read_again(lane, step, ALIGN, &it)) {
        if (!it.first)
            continue;
        s->aligned++;
        s->place = it.symbol;
    }
    return s->place;
}

/* The starter's run begins with `next`: reads it to its end, which becomes `next`, and gives
** what the starter has become. */
static enc_symbol take_run(const enc_lane *lane, const enc_step *step)
{
    compose_state *s = state_of(lane, step);
    uint32_t c = s->starter.symbol.c;
    int class = -1;
    size_t left = 0, consumed = s->starter.first;
    item it = s->next;
    copy_reader(lane, step, RUN);
    copy_reader(lane, step, ALIGN);
    s->run = s->next;
    s->run_begins = s->align_begins = true;
    for (;;) {
        enum fate fate = fate_of(&it, &c, &class);
        if (fate == ENDS)
            break;
        left += fate == LEFT;
        consumed += fate == TAKEN && it.first;
        s->has_next = read_item(lane, step, MAIN, &it);
        if (!s->has_next)
            break;
    }
    s->ended = !s->has_next;
    enc_symbol out = s->starter.symbol;
    s->aligned = s->starter.first;
    s->place = s->starter.symbol;
    s->consumed = consumed;
    if (left > 0 || (consumed > 0 && !s->starter.first)) {
        s->giving = left > 0;
        s->left = left;
        s->taken = s->starter.symbol.c;
        s->class = -1;
        out = align(lane, step, consumed > 0);
    }
    s->next = it;
    out.c = c;
    return out;
}

/* Goes over the run again to the next mark that was left over. */
static enc_symbol give_left(const enc_lane *lane, const enc_step *step)
{
    compose_state *s = state_of(lane, step);
    item it = s->starter;
    while (read_again(lane, step, RUN, &it) && fate_of(&it, &s->taken, &s->class) == TAKEN)
        continue;
    s->consumed += it.first;
    s->giving = --s->left > 0;
    enc_symbol out = align(lane, step, s->consumed);
    out.c = it.symbol.c;
    return out;
}

/* ---- Characters that stay ------------------------------------------------------------ */

/* Of which characters it is known beforehand; how many marks are looked at. */
enum { STABLE_BELOW = 0x10000, MARKS_AHEAD = 4 };

/* A bit for each character below that; the step's data. */
typedef struct stable {
    uint64_t bits[STABLE_BELOW / 64];
} stable;

/* Whether what the character decomposes into is composed to it again, and no character before
** can take in any of that. */
static bool comes_back(uint32_t c, bool compatibility)
{
    uint32_t parts[ENC_EXPANSION] = {c}, made;
    size_t count = 1;
    if (enc_properties(c) & (compatibility ? ENC_DECOMPOSES_COMPAT : ENC_DECOMPOSES))
        count = compatibility ? enc_decompose_compat(c, parts) : enc_decompose(c, parts);
    if (count == 0 || enc_properties(parts[0]) & ENC_COMPOSES || enc_combining_class(parts[0]))
        return false;
    made = parts[0];
    for (size_t i = 1; i < count && made; i++)
        made = enc_compose(made, parts[i]);
    return made == c;
}

static void *find_stable(bool compatibility)
{
    stable *s = ENC_ZALLOC(stable, 1);
    for (uint32_t c = 0; c < STABLE_BELOW && s; c++)
        s->bits[c / 64] |= (uint64_t)comes_back(c, compatibility) << c % 64;
    return s;
}

static bool is_stable(const stable *s, uint32_t c)
{
    unsigned changes = ENC_DECOMPOSES | ENC_DECOMPOSES_COMPAT | ENC_COMPOSES;
    if (c < STABLE_BELOW)
        return s->bits[c / 64] >> c % 64 & 1;
    return !(enc_properties(c) & changes) && enc_combining_class(c) == 0;
}

/* The class of a mark that is no part of any composition or decomposition; 0: it is none. */
static int class_of_mark(uint32_t c)
{
    uint32_t properties = enc_properties(c);
    unsigned changes = ENC_DECOMPOSES | ENC_DECOMPOSES_COMPAT | ENC_COMPOSES;
    return properties & changes ? 0 : (int)(properties >> 24);
}

/* Whether the source's text at `at` is a stable character, after marks in order, the first of
** them no lower than `class`. False also where that is not known yet. */
static bool goes_on_stable(const enc_lane *lane, const enc_step *step, const char *at,
                           int class)
{
    const enc_source *source = lane->source;
    for (int i = 0; i < MARKS_AHEAD && at < source->stop; i++) {
        uint32_t c = enc_utf8_next(&at, source->finish);
        if (is_stable(step->data, c))
            return true;
        int next = class_of_mark(c);
        if (next == 0 || next < class)
            return false;
        class = next;
    }
    return false;
}

/* Whether the source's next character stays as and where it is. */
static bool stays(const enc_lane *lane, const enc_step *step)
{
    const enc_source *source = lane->source;
    const char *at = enc_lane_cursor(lane)->at;
    if (at >= source->stop)
        return false;
    uint32_t c = enc_utf8_next(&at, source->finish);
    int class = is_stable(step->data, c) ? 0 : class_of_mark(c);
    return (class > 0 || is_stable(step->data, c)) && goes_on_stable(lane, step, at, class);
}

/* Whether what is read next is the source's next character, and nothing of it is read yet. */
static bool reads_source(const enc_lane *lane, const enc_step *step)
{
    const enc_step *order = step - 1;
    return order->level == 1 && order->kind->settle(lane, order);
}

/* ---- The step ------------------------------------------------------------------------ */

static bool compose_next(const enc_lane *lane, const enc_step *step, enc_symbol *out)
{
    compose_state *s = state_of(lane, step);
    if (s->giving) {
        *out = give_left(lane, step);
        return true;
    }
    if (!s->has_next && !s->ended) {
        if (reads_source(lane, step) && stays(lane, step))
            return enc_source_next(lane->source, enc_lane_cursor(lane), out);
        s->has_next = read_item(lane, step, MAIN, &s->next);
        s->ended = !s->has_next;
    }
    if (!s->has_next)
        return false;
    s->starter = s->next;
    s->has_next = false;
    *out = s->starter.symbol;
    if (s->starter.class) /* a mark without a starter */
        return true;
    if (reads_source(lane, step) &&
        goes_on_stable(lane, step, enc_lane_cursor(lane)->at, 0))
        return true;
    s->has_next = read_item(lane, step, MAIN, &s->next);
    s->ended = !s->has_next;
    if (!s->has_next || (s->next.class == 0 && !(enc_properties(s->next.symbol.c) &
                                                  ENC_COMPOSES)))
        return true;
    *out = take_run(lane, step);
    return true;
}

static void close_stable(void *data) { enc_free(data); }

static const enc_step_kind composition = {compose_bytes, compose_next, NULL, close_stable,
                                          enc_step_begins_anew};

int enc_normalizer_add_composed(enc_normalizer *n, bool compatibility, const char *where,
                                enc_error *err)
{
    enc_step order = {.kind = &enc_canonical_order, .flags = ENC_ORDER_FOR_COMPOSE};
    enc_step compose = {.kind = &composition, .data = find_stable(compatibility)};
    if (!compose.data)
        return enc_nomem(err);
    order.flags |= compatibility ? ENC_ORDER_COMPATIBILITY : 0;
    int rc = enc_normalizer_add(n, order, where, err);
    if (rc == ENC_OK)
        return enc_normalizer_add(n, compose, where, err);
    close_stable(compose.data);
    return rc;
}
