/*
** sentences.h - a text as words, and which of them begin a sentence.
**
**     ctx_words words = {.text = text};
**     ctx_word word;
**     while (ctx_words_next(&words, &word))
**         ...
**
** A word is what stands between white space; where a script has none, a word ends behind each
** ideograph and behind a mark that ends a sentence. Its punctuation belongs to it.
**
** A sentence begins
**   - with the text, and behind a blank line;
**   - on a new line, unless with a small letter, which goes on with the line before;
**   - behind . ! ? and their kin, closing quotes and brackets, and white space; but a full stop
**     or an ellipsis ends no sentence before a small letter, and a full stop none behind a
**     single letter (J. Smith, U.S., e.g.), a title (Dr.) or a number that begins the sentence;
**   - behind the ideographic full stop and its kin, with or without white space.
** Inside a word, as in 3.14 or a.b@c.org, none does.
*/
#ifndef CTX_SENTENCES_H
#define CTX_SENTENCES_H

#include <stdbool.h>

#include "../core/encoder.h"

typedef struct ctx_word {
    size_t start; /* bytes of the text, end exclusive */
    size_t end;
    bool begins;  /* a sentence */
} ctx_word;

typedef struct ctx_words {
    enc_text text;
    size_t at;         /* where the next word is looked for */
    /* The word before it. */
    ctx_word last;
    size_t tail;       /* its end without closing quotes and brackets */
    uint32_t mark;     /* the character before tail */
    bool any;          /* there is one */
} ctx_words;

/* The next word; false: there is none. */
bool ctx_words_next(ctx_words *words, ctx_word *out);

#endif
