/*
** normalizer.h - a pipeline of steps over characters, as tokenizer.json's "normalizer"
** says.
**
** Reading pulls: the last step asks the one before it for a character, down to the source.
** A step may give several characters for one, none, or others in another order, and each
** keeps the source character it is aligned to, as the reference aligns it. The state of a
** whole pipeline is one flat block, so that a step which must look ahead copies the block
** of the steps below it and reads on from the copy.
**
**     enc_lane lane = {&normalizer, &source, state};       state: normalizer.state_bytes
**     enc_lane_begin(&lane, cursor);
**     while (enc_lane_next(&lane, normalizer.steps, &symbol)) ...
**
** A new kind of step is a row with a `next` function (and a row in the table of names).
*/
#ifndef ENC_NORMALIZER_H
#define ENC_NORMALIZER_H

#include "json_node.h"
#include "source.h"

typedef struct enc_normalizer enc_normalizer;
typedef struct enc_step enc_step;

typedef struct enc_lane {
    const enc_normalizer *normalizer;
    enc_source *source;
    char *state; /* [normalizer->state_bytes], aligned to 16; an enc_cursor comes first */
    bool whole;  /* with what is put in front of every text (Prepend) */
    bool inside; /* what is read goes on a text: at its beginning nothing is put or stripped */
} enc_lane;

typedef struct enc_step_kind {
    /* Bytes of state, which begins zeroed, above `below` bytes of the steps before. */
    size_t (*state_bytes)(const enc_step *step, size_t below);
    /* The step's next character; false at the stretch's end. */
    bool (*next)(const enc_lane *lane, const enc_step *step, enc_symbol *out);
    /* Between two characters: false if more is ready without reading; else what was read
    ** before is forgotten, for the reader may skip some text itself. NULL: what becomes of
    ** an ASCII character depends on those around it, and nothing may be skipped. */
    bool (*settle)(const enc_lane *lane, const enc_step *step);
    void (*close)(void *data); /* of the step; may be NULL */
    /* Whether the step treats a text that begins with *space, and goes on one whose last
    ** character it leaves neither white space nor that one, as it would apart from it
    ** (lane->inside), and that one as if it ended there. Then *space becomes what the step
    ** makes of it. NULL: never. */
    bool (*begins_anew)(const enc_step *step, uint32_t *space);
} enc_step_kind;

/* One character becomes up to 4 others; `flags` are the step's. Returns how many. */
typedef size_t (*enc_character_map)(unsigned flags, uint32_t c, uint32_t out[4]);

struct enc_step {
    const enc_step_kind *kind;
    enc_character_map map;
    unsigned flags;
    void *data;    /* the kind's own, closed with the normaliser */
    size_t growth; /* characters that one may become, if they are many; 0: they are not */
    size_t level;  /* number of steps up to and with this one */
    size_t offset; /* of its state */
    size_t bytes;
};

enum {
    ENC_STEPS_MOST = 16,
    ENC_STEP_STATE_MOST = 128 * 1024,
    ENC_GROWTH_MOST = 4096 /* of all steps together: work is linear in the text */
};

struct enc_normalizer {
    enc_step step[ENC_STEPS_MOST];
    size_t steps;
    size_t state_bytes;
    size_t growth; /* product of the steps' */
};

/* No step at all: text is taken as it is. */
void enc_normalizer_begin(enc_normalizer *normalizer);
void enc_normalizer_close(enc_normalizer *normalizer);

/* Appends the steps that a "normalizer" value asks for; null asks for none. */
int enc_normalizer_read(enc_normalizer *normalizer, const enc_node *node, enc_error *err);

/* Appends the steps of one of the reference's normalisers. `where` names it in messages. */
int enc_normalizer_add_bert(enc_normalizer *normalizer, bool clean_text, bool chinese,
                            bool strip_accents, bool lowercase, const char *where,
                            enc_error *err);
int enc_normalizer_add_lowercase(enc_normalizer *normalizer, const char *where,
                                 enc_error *err);
/* Puts that step in front of those that are there. */
int enc_normalizer_lowercase_first(enc_normalizer *normalizer, const char *where,
                                   enc_error *err);
/* For the steps' own files: one step with kind, map, flags and data; data is taken over
** (and closed at once on failure). */
int enc_normalizer_add(enc_normalizer *normalizer, enc_step step, const char *where,
                       enc_error *err);

/* Whether some step lowercases. */
bool enc_normalizer_lowercases(const enc_normalizer *normalizer);
/* Whether an ASCII character becomes the same wherever it stands. */
bool enc_normalizer_is_local(const enc_normalizer *normalizer);
/* Whether all steps begin anew at *space (see enc_step_kind). */
bool enc_normalizer_begins_anew(const enc_normalizer *normalizer, uint32_t *space);
/* Whether BertNormalizer's handle_chinese_chars comes before all else that is not
** lowercasing. */
bool enc_normalizer_isolates_chinese(const enc_normalizer *normalizer);

/* ---- Reading ------------------------------------------------------------------------- */

void enc_lane_begin(const enc_lane *lane, enc_cursor cursor);

static inline enc_cursor *enc_lane_cursor(const enc_lane *lane)
{
    return (enc_cursor *)(void *)lane->state;
}

/* The next character after `steps` steps. */
static inline bool enc_lane_next(const enc_lane *lane, size_t steps, enc_symbol *out)
{
    if (steps == 0)
        return enc_source_next(lane->source, enc_lane_cursor(lane), out);
    const enc_step *step = &lane->normalizer->step[steps - 1];
    return step->kind->next(lane, step, out);
}

/* A lane that reads what is below `step` from a state of its own. */
static inline enc_lane enc_lane_below(const enc_lane *lane, char *state)
{
    enc_lane below = *lane;
    below.state = state;
    return below;
}

/* Whether the first characters read, as they became nothing, shift the places of those to come
** (see charsmap_step.c), or may yet do so. */
bool enc_lane_shifts(const enc_lane *lane);

/* See enc_step_kind; true if all steps are settled. For local normalisers alone. */
bool enc_lane_settle(const enc_lane *lane);

/* ---- Kinds --------------------------------------------------------------------------- */

/* canonical_order.c: decomposition and canonical ordering (NFD, NFKD). */
extern const enc_step_kind enc_canonical_order;
enum {
    ENC_ORDER_COMPATIBILITY = 1, /* NFKD */
    ENC_ORDER_DROPS_MARKS = 2,   /* and what BertNormalizer takes for accents is left out */
    ENC_ORDER_FOR_COMPOSE = 4    /* characters that go on a decomposition are marked */
};
#define ENC_ORDER_CONTINUES (UINT32_C(1) << 31) /* that mark, in enc_symbol's c */

/* compose.c: appends canonical order and composition of what that gives (NFC, NFKC). */
int enc_normalizer_add_composed(enc_normalizer *normalizer, bool compatibility,
                                const char *where, enc_error *err);

/* begins_anew of steps that leave alone what neither decomposes nor composes. */
bool enc_step_begins_anew(const enc_step *step, uint32_t *space);

/* edits.c: each appends the step that a node of its "type" asks for. */
int enc_normalizer_read_strip(enc_normalizer *normalizer, const enc_node *node,
                              enc_error *err);
int enc_normalizer_read_prepend(enc_normalizer *normalizer, const enc_node *node,
                                enc_error *err);
/* replace.c */
int enc_normalizer_read_replace(enc_normalizer *normalizer, const enc_node *node,
                                enc_error *err);
/* charsmap_step.c */
extern const enc_step_kind enc_charsmap_step;
bool enc_charsmap_shifts(const enc_lane *lane, const enc_step *step);
int enc_normalizer_read_charsmap(enc_normalizer *normalizer, const enc_node *node,
                                 enc_error *err);
/* The same from a map that is there, which is taken over. */
typedef struct enc_charsmap enc_charsmap;
int enc_normalizer_add_charsmap(enc_normalizer *normalizer, enc_charsmap *map,
                                const char *where, enc_error *err);

#endif
