/*
** tokenizer_reader.h - a text that is being tokenized; for tokenizer_*.c alone.
*/
#ifndef ENC_TOKENIZER_READER_H
#define ENC_TOKENIZER_READER_H

#include "pieces.h"
#include "tokenizer_parts.h"

typedef struct enc_sections enc_sections;

typedef struct enc_reader {
    const enc_tokenizer *t;
    enc_source source;
    enc_lane lane;
    enc_matcher matcher;
    enc_pretoken word;
    uint32_t right; /* side of the word's last character */
    bool goes_on;   /* what follows belongs to the same word */
    bool whole;     /* words are not to be taken apart */
    enc_token_list list;
    bool failed;    /* out of memory */
    enc_arena *arena;
    enc_sections *sections; /* NULL: the text is read character by character */
    enc_symbol last;        /* of the stretch, after the normaliser, where it is read by */
    bool spoken;            /* sections; false: there was none so far */
} enc_reader;

/* Whether no more is to be read. */
bool enc_reader_is_over(const enc_reader *reader);
/* The word is complete: gives it to the model, and makes it empty. */
void enc_reader_finish_word(enc_reader *reader);
/* A token that is no part of any word. */
void enc_reader_add_token(enc_reader *reader, const enc_cut *cut);

/* The next character or added token of the stretch, after the normaliser. */
static inline enum enc_found enc_reader_next(enc_reader *r, enc_symbol *symbol,
                                             enc_cut *token)
{
    if (r->t->added.normalized.count > 0)
        return enc_matcher_next(&r->matcher, symbol, token);
    return enc_lane_next(&r->lane, r->t->normalizer.steps, symbol) ? ENC_FOUND_CHARACTER
                                                                   : ENC_FOUND_END;
}

/* Reads the stretch that begins at the cursor. */
void enc_reader_stretch(enc_reader *reader, enc_cursor cursor);

/* ---- tokenizer_sections.c ------------------------------------------------------------ */

/* For pre-tokenizers that work on pieces. False: out of memory. */
bool enc_sections_begin(enc_reader *reader);
/* Reads the stretch to its end. */
void enc_sections_read(enc_reader *reader);

/* ---- phrases_read.c ------------------------------------------------------------------ */

/* Reads the stretch that begins at the cursor phrase by phrase, as far as it goes, and moves
** the cursor there. False: the rest is to be read from there on with enc_reader_stretch. */
bool enc_phrases_read(enc_reader *reader, enc_cursor *cursor);

#endif
