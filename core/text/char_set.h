/*
** char_set.h - sets of characters, as patterns write them: a, \s, \p{L}, [^\r\n\p{N}].
**
** Classes are those of the reference's pattern engine (unicode.h).
*/
#ifndef ENC_CHAR_SET_H
#define ENC_CHAR_SET_H

#include "unicode.h"

/* Characters from low to high; or those with one of the categories or properties; or, if
** negated, all others. */
typedef struct enc_char_term {
    uint32_t low, high;
    uint32_t properties; /* bits of enc_properties; 0 with categories 0: the range */
    uint16_t categories; /* bits 1 << enum enc_category */
    bool negated;
    bool bracketed;      /* \w between brackets: without the superscript digits and
                         ** fractions of Latin-1, which it has outside */
} enc_char_term;

enum { ENC_CHAR_TERMS_MOST = 160 };

typedef struct enc_char_set {
    uint64_t ascii[2]; /* which of them it has */
    enc_char_term term[ENC_CHAR_TERMS_MOST]; /* [count] it has what one of them has */
    size_t count;
    size_t beyond; /* terms, the first ones, that may tell something of others than ASCII */
    bool negated;
} enc_char_set;

/* enc_char_set_has for characters beyond ASCII; what `ascii` is made from. */
bool enc_char_set_asks(const enc_char_set *set, uint32_t c);

static inline bool enc_char_set_has(const enc_char_set *set, uint32_t c)
{
    if (c < 128)
        return set->ascii[c / 64] >> c % 64 & 1;
    return enc_char_set_asks(set, c);
}

/* Whether it has nothing but white space; false where that is not easily seen. */
bool enc_char_set_is_space(const enc_char_set *set);

/* Reads one atom of a pattern at *at: a character, an escape, a class or a bracket
** expression; *at moves behind it. False: it is not of the kinds understood here, or has
** more than ENC_CHAR_TERMS_MOST terms. */
bool enc_char_set_read(const char **at, const char *end, enc_char_set *out);

/* The set of one character; with fold also those that the engine takes for the same letter
** where case is ignored (ASCII letters alone, as 's' for U+017F). */
void enc_char_set_one(uint32_t c, bool fold, enc_char_set *out);

/* Adds the other cases of the ASCII letters it has. */
void enc_char_set_fold(enc_char_set *set);

#endif
