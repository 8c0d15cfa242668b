/*
** canonical_order.c - the step that decomposes and sorts combining marks (NFD, NFKD), and
** for BertNormalizer's strip_accents leaves the nonspacing ones out.
**
** Between two starters (characters of combining class 0) stands a run of marks, which the
** canonical order sorts stably by class (The Unicode Standard, section 3.11). A run may be
** as long as the text, so it is not kept: where a mark of it is to be given at all, the run
** is read once to count, and then once for each class that has something to give. Most runs
** give nothing, as their accents are left out, and are read just once.
**
** The reference aligns by counting: of what a character decomposes into the first takes the
** next source character, and the others share the one taken last, in the sorted order. So
** the k-th first one of a sorted run is aligned to the k-th source character of the run,
** whichever that was.
*/
#include <string.h>

#include "normalizer.h"

/* One piece of a decomposition. */
typedef struct item {
    uint32_t c;
    uint8_t class; /* canonical combining class */
    bool first;    /* of its decomposition */
} item;

/* A place in the characters below, with the decomposition that was begun. */
typedef struct place {
    enc_symbol symbol; /* the decomposed character */
    item items[ENC_EXPANSION];
    size_t next, count;
} place;

/* Places are read independently; each has a state of the steps below. */
enum { MAIN, RUN, SCAN, ALIGN, PLACES };

typedef struct order_state {
    place place[PLACES];
    bool in_run;         /* RUN stands at the first mark of the run that MAIN is in */
    int class;           /* that is being given; 0: none */
    size_t seen;         /* first items of the class that SCAN passed */
    size_t aligned;      /* first items of the run that ALIGN passed */
    size_t before[256];  /* first items of lower classes */
    uint64_t kept[4];    /* classes that have something to give */
} order_state;

static size_t order_bytes(const enc_step *step, size_t below)
{
    (void)step;
    return sizeof(order_state) + (PLACES - 1) * below;
}

static order_state *state_of(const enc_lane *lane, const enc_step *step)
{
    return (order_state *)(void *)(lane->state + step->offset);
}

/* MAIN reads the steps below where they stand, the others their own copies of them. */
static enc_lane lane_of(const enc_lane *lane, const enc_step *step, int which)
{
    enc_lane below = *lane;
    if (which != MAIN)
        below.state += sizeof(order_state) + (size_t)which * step->offset;
    return below;
}

static void copy_place(const enc_lane *lane, const enc_step *step, int to, int from)
{
    order_state *s = state_of(lane, step);
    memcpy(lane_of(lane, step, to).state, lane_of(lane, step, from).state, step->offset);
    s->place[to] = s->place[from];
}

static void decompose(place *p, unsigned flags)
{
    uint32_t parts[ENC_EXPANSION];
    uint32_t properties = enc_properties(p->symbol.c);
    bool compatibility = flags & ENC_ORDER_COMPATIBILITY;
    p->next = 0;
    p->count = 1;
    p->items[0] = (item){p->symbol.c, (uint8_t)(properties >> 24), true};
    if (!(properties & (compatibility ? ENC_DECOMPOSES_COMPAT : ENC_DECOMPOSES)))
        return;
    p->count = compatibility ? enc_decompose_compat(p->symbol.c, parts)
                             : enc_decompose(p->symbol.c, parts);
    for (size_t i = 0; i < p->count; i++)
        p->items[i] = (item){parts[i], enc_combining_class(parts[i]), i == 0};
}

static bool read_item(const enc_lane *lane, const enc_step *step, int which, item *out)
{
    place *p = &state_of(lane, step)->place[which];
    if (p->next >= p->count) {
        enc_lane below = lane_of(lane, step, which);
        if (!enc_lane_next(&below, step->level - 1, &p->symbol))
            return false;
        decompose(p, step->flags);
    }
    *out = p->items[p->next++];
    return true;
}

static bool is_dropped(const enc_step *step, uint32_t c)
{
    return step->flags & ENC_ORDER_DROPS_MARKS && enc_is_mark(c);
}

static uint32_t shown(const enc_step *step, const item *it)
{
    bool marked = step->flags & ENC_ORDER_FOR_COMPOSE && !it->first;
    return marked ? it->c | ENC_ORDER_CONTINUES : it->c;
}

/* The next class after `class` that has something to give, 0 if there is none. */
static int next_class(const order_state *s, int class)
{
    while (++class < 256)
        if (s->kept[class / 64] >> class % 64 & 1)
            return class;
    return 0;
}

static void begin_class(const enc_lane *lane, const enc_step *step, int class)
{
    order_state *s = state_of(lane, step);
    s->class = class;
    s->seen = 0;
    if (class)
        copy_place(lane, step, SCAN, RUN);
}

/* Counts the run that begins at RUN, and sets MAIN behind it. */
static void begin_run(const enc_lane *lane, const enc_step *step)
{
    order_state *s = state_of(lane, step);
    item it;
    size_t sum = 0;
    memset(s->before, 0, sizeof s->before);
    memset(s->kept, 0, sizeof s->kept);
    copy_place(lane, step, SCAN, RUN);
    while (read_item(lane, step, SCAN, &it)) {
        if (it.class == 0) {
            s->place[SCAN].next--;
            break;
        }
        s->before[it.class] += it.first;
        if (!is_dropped(step, it.c))
            s->kept[it.class / 64] |= UINT64_C(1) << it.class % 64;
    }
    copy_place(lane, step, MAIN, SCAN);
    copy_place(lane, step, ALIGN, RUN);
    s->aligned = 0;
    for (int class = 0; class < 256; class++) {
        size_t here = s->before[class];
        s->before[class] = sum;
        sum += here;
    }
    s->in_run = false;
    begin_class(lane, step, next_class(s, 0));
}

/* The character that holds first item number `number` of the run, from 1; 0: the one
** before. */
static enc_symbol align(const enc_lane *lane, const enc_step *step, size_t number)
{
    order_state *s = state_of(lane, step);
    item it;
    while (s->aligned < number && read_item(lane, step, ALIGN, &it))
        s->aligned += it.first;
    return s->place[ALIGN].symbol;
}

static bool next_of_run(const enc_lane *lane, const enc_step *step, enc_symbol *out)
{
    order_state *s = state_of(lane, step);
    item it;
    while (s->class) {
        while (read_item(lane, step, SCAN, &it) && it.class) {
            if (it.class != s->class)
                continue;
            s->seen += it.first;
            if (is_dropped(step, it.c))
                continue;
            *out = align(lane, step, s->before[s->class] + s->seen);
            out->c = shown(step, &it);
            return true;
        }
        begin_class(lane, step, next_class(s, s->class));
    }
    return false;
}

static bool order_next(const enc_lane *lane, const enc_step *step, enc_symbol *out)
{
    order_state *s = state_of(lane, step);
    item it;
    for (;;) {
        if (s->class && next_of_run(lane, step, out))
            return true;
        if (!read_item(lane, step, MAIN, &it))
            return false;
        if (it.class == 0) {
            s->in_run = false;
        } else if (!s->in_run) {
            copy_place(lane, step, RUN, MAIN);
            s->place[RUN].next--;
            s->in_run = true;
        }
        if (is_dropped(step, it.c))
            continue;
        if (it.class) {
            begin_run(lane, step);
            continue;
        }
        *out = s->place[MAIN].symbol;
        out->c = shown(step, &it);
        return true;
    }
}

static bool order_settle(const enc_lane *lane, const enc_step *step)
{
    order_state *s = state_of(lane, step);
    if (s->class || s->place[MAIN].next < s->place[MAIN].count)
        return false;
    s->in_run = false;
    return true;
}

const enc_step_kind enc_canonical_order = {order_bytes, order_next, order_settle, NULL,
                                           enc_step_begins_anew};
