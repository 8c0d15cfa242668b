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
*/
#include <string.h>

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

static bool compose_next(const enc_lane *lane, const enc_step *step, enc_symbol *out)
{
    compose_state *s = state_of(lane, step);
    if (s->giving) {
        *out = give_left(lane, step);
        return true;
    }
    if (!s->has_next && !s->ended) {
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
    s->has_next = read_item(lane, step, MAIN, &s->next);
    s->ended = !s->has_next;
    if (!s->has_next || (s->next.class == 0 && !(enc_properties(s->next.symbol.c) &
                                                  ENC_COMPOSES)))
        return true;
    *out = take_run(lane, step);
    return true;
}

const enc_step_kind enc_canonical_composition = {compose_bytes, compose_next, NULL, NULL,
                                                 enc_step_begins_anew};
