/*
** pretokenizer.h - where normalised text is cut into words, as "pre_tokenizer" says.
**
** Each of the supported pre-tokenizers decides between two neighbouring characters by what
** these two are, whatever lies around them. So each gives a character a code for its left
** side and one for its right side, and two neighbours stay together if right and left agree
** for every pre-tokenizer of the list. The codes of up to 16 of them are joined into one
** number.
*/
#ifndef ENC_PRETOKENIZER_H
#define ENC_PRETOKENIZER_H

#include "json_node.h"

typedef struct enc_sides {
    uint32_t left;
    uint32_t right;
    bool removed; /* the character is no part of any word */
} enc_sides;

/* What one pre-tokenizer makes of a character with these properties (unicode.h). Codes: 0
** and 1 are two kinds that stay with their own; ENC_LEFT_CUT and ENC_RIGHT_CUT agree with
** none. */
enum { ENC_RIGHT_CUT = 2, ENC_LEFT_CUT = 3 };
typedef enc_sides (*enc_splitter)(unsigned flags, uint32_t properties);

enum { ENC_SPLITTERS_MOST = 16 };

typedef struct enc_pretokenizer {
    struct {
        enc_splitter sides;
        unsigned flags;
    } step[ENC_SPLITTERS_MOST];
    size_t steps;
} enc_pretokenizer; /* all zero: the text is one word */

/* Appends what a "pre_tokenizer" value asks for; null asks for none. */
int enc_pretokenizer_read(enc_pretokenizer *pretokenizer, const enc_node *node,
                          enc_error *err);
/* Appends BertPreTokenizer. */
int enc_pretokenizer_add_bert(enc_pretokenizer *pretokenizer, const char *where,
                              enc_error *err);

/* All of them together. Of a removed character the codes mean nothing. */
enc_sides enc_pretokenizer_sides(const enc_pretokenizer *pretokenizer, uint32_t c);

/* Whether every white space character is removed. */
bool enc_pretokenizer_removes_space(const enc_pretokenizer *pretokenizer);

#endif
