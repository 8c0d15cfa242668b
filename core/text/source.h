/*
** source.h - the text a tokenizer reads, character by character, up to the next added
** token.
**
** Added tokens that match the text as it is (`normalized: false`) cut it into stretches,
** each of which is normalised alone. The search for them runs only a little ahead of the
** reading, so that a reader that has enough never pays for the rest of a long text:
**
**     enc_source source;
**     enc_source_begin(&source, text, patterns, poll);
**     do {
**         read with enc_source_next until it gives false;
**     } while (enc_source_cut(&source, &cursor, &cut));
**
** Reading can be done over: a cursor is a plain value, and enc_source_next gives the same
** from a copy of it, as long as no cut was passed.
*/
#ifndef ENC_SOURCE_H
#define ENC_SOURCE_H

#include "added_tokens.h"
#include "poll.h"
#include "unicode.h"

/* A character of a text on its way to the model, and the source character it came from. */
typedef struct enc_symbol {
    uint32_t c;
    uint32_t size;    /* bytes of the source character */
    size_t byte;      /* where it begins */
    size_t character; /* its number, from 0 */
} enc_symbol;

typedef struct enc_cursor {
    const char *at;
    size_t character;
} enc_cursor;

/* What RobertaProcessing leaves out of offsets: white space, and the letter that stands for
** it in byte-level vocabularies. */
static inline bool enc_is_trimmed(uint32_t c) { return c == 0x120 || enc_is_whitespace(c); }

/* An added token where it stands: its first and last symbol, and how many characters
** enc_is_trimmed it has at its ends (lstrip and rstrip take in the white space beside
** it). */
typedef struct enc_cut {
    int32_t id;
    bool empty; /* lstrip and rstrip left nothing of it */
    enc_symbol first;
    enc_symbol last;
    size_t leading;
    size_t trailing;
} enc_cut;

typedef struct enc_source {
    const char *data;
    const char *stop;   /* what lies before is known to be free of added tokens */
    const char *finish; /* the text's end */
    const enc_patterns *patterns;
    const char *start;  /* of the stretch */
    const char *search; /* where the search for added tokens goes on */
    const enc_added_token *found; /* the one at the stretch's end; NULL: not found yet */
    const char *found_start;
    const char *found_match; /* end of its content */
    const char *found_stop;
    enc_poll *poll;
    int countdown; /* characters until poll is asked */
    bool stopped;  /* poll said stop: the text seems to end */
} enc_source;

/* patterns and poll may be NULL; text.data may be NULL if there are no bytes. */
void enc_source_begin(enc_source *source, enc_text text, const enc_patterns *patterns,
                      enc_poll *poll);
enc_cursor enc_source_cursor(const enc_source *source);

/* Makes sure that text lies before source->stop beyond `at`; false: the stretch ends
** there. */
bool enc_source_more(enc_source *source, const char *at);

/* Asks poll; true: stop. */
bool enc_source_poll(enc_source *source);

/* One more character is worked on; true: stop. */
static inline bool enc_source_step(enc_source *source)
{
    return --source->countdown <= 0 && enc_source_poll(source);
}

/* The next character of the stretch; false at its end. */
static inline bool enc_source_next(enc_source *source, enc_cursor *cursor, enc_symbol *out)
{
    if (cursor->at >= source->stop && !enc_source_more(source, cursor->at))
        return false;
    if (enc_source_step(source))
        return false;
    const char *at = cursor->at;
    out->byte = (size_t)(at - source->data);
    out->character = cursor->character++;
    out->c = enc_utf8_next(&cursor->at, source->finish);
    out->size = (uint32_t)(cursor->at - at);
    return true;
}

/* At the end of a stretch: gives the added token that ended it and moves the cursor past
** it, to the next stretch. False at the text's end. */
bool enc_source_cut(enc_source *source, enc_cursor *cursor, enc_cut *out);

#endif
