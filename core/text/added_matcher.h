/*
** added_matcher.h - finds added tokens in normalised text while it is being read.
**
** Sits behind the normaliser and passes its characters on, but for those that make an added
** token. To decide it reads ahead: as far as some token's content goes on, and through
** white space, which a token that follows may take in (lstrip).
*/
#ifndef ENC_ADDED_MATCHER_H
#define ENC_ADDED_MATCHER_H

#include "memory.h"
#include "normalizer.h"

typedef struct enc_matcher {
    const enc_patterns *patterns;
    const enc_lane *lane;
    enc_arena *arena;
    bool drops_space;  /* of white space only the first of a run need be passed on: then
                       ** long runs take no memory */
    enc_symbol usual[64];
    enc_symbol *queue; /* [count] from `head` on: read ahead, not yet passed on */
    size_t head, count, capacity;
    size_t pass;       /* characters at the head that are decided: to be passed on */
    size_t held;       /* white space after them that the next token may take in */
    size_t dropped;    /* white space left out of `held` */
    size_t swallowed;  /* at the head: belong to a token (rstrip), but may begin another */
    uint32_t previous; /* the character before the head; 0: none */
    bool ended;        /* nothing more to read in this stretch */
    bool failed;       /* out of memory */
} enc_matcher;

enum enc_found { ENC_FOUND_END, ENC_FOUND_CHARACTER, ENC_FOUND_TOKEN };

void enc_matcher_begin(enc_matcher *matcher, const enc_patterns *patterns,
                       const enc_lane *lane, bool drops_space, enc_arena *arena);
/* A new stretch of text begins. */
void enc_matcher_restart(enc_matcher *matcher);

/* What comes next. */
enum enc_found enc_matcher_next(enc_matcher *matcher, enc_symbol *character,
                                enc_cut *token);

/* Whether nothing has been read ahead. */
static inline bool enc_matcher_settled(const enc_matcher *matcher)
{
    return matcher->count == 0 && matcher->dropped == 0;
}

/* Whether a character (after normalisation) can be passed on without being looked at. */
bool enc_matcher_ignores(const enc_patterns *patterns, uint32_t c);

#endif
