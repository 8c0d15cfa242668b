/*
** phrases.h - where a text can be taken apart, so that each part is tokenized by itself.
**
** A phrase begins with white space, goes on with something else and ends before the next
** white space: " the", "\n  word,". If the tokenizer reads each of them as it would read it
** alone, what it came to can be kept (phrase_cache.h). Whether that is so follows from what
** the tokenizer is made of: all steps of its normaliser begin anew at that white space, no
** added token reaches across, and the pre-tokenizer cuts there (or leaves both sides in one
** word, of which the model can join nothing across: joins.h). That may depend on what stands
** before the border; then it is asked of the last character of each phrase.
*/
#ifndef ENC_PHRASES_H
#define ENC_PHRASES_H

#include <stdbool.h>
#include <stdint.h>

struct enc_tokenizer;

enum { ENC_PHRASE_SPACES = 4 }; /* bytes that may begin a phrase: space, \t, \n, \r */

typedef struct enc_phrases {
    uint32_t owner;      /* number of the tokenizer, of which no two have the same; 0: its
                         ** texts can't be taken apart */
    bool always;         /* at every white space of these, whatever stands before it */
    bool chinese;        /* also before and behind each Chinese character */
    uint8_t space[33];   /* by byte: its bit, 0 if no phrase begins with it */
    uint32_t becomes[ENC_PHRASE_SPACES]; /* what the normaliser makes of it */
    uint8_t ascii[128];  /* enc_phrases_borders of ASCII */
} enc_phrases;

/* Once the tokenizer has all its parts. */
void enc_phrases_settle(struct enc_tokenizer *tokenizer);

/* Where a phrase ends with that character, after the normaliser: a bit for each space before
** which a word ends (low half), or where one goes on (high half). */
uint8_t enc_phrases_borders(const struct enc_tokenizer *tokenizer, uint32_t last);

#endif
