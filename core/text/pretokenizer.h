/*
** pretokenizer.h - where normalised text is cut into words, as "pre_tokenizer" says.
**
** Most of the supported pre-tokenizers decide between two neighbouring characters by what
** these two are, whatever lies around them. So each gives a character a code for its left
** side and one for its right side, and two neighbours stay together if right and left agree
** for every pre-tokenizer of the list. The codes of up to 16 of them are joined into one
** number. Such a list reads a text character by character.
**
** Others match patterns or change the text. They become a list of operations on pieces of
** text, each of which cuts every piece, or changes its characters; tokenizer_sections.c
** applies them one after the other.
*/
#ifndef ENC_PRETOKENIZER_H
#define ENC_PRETOKENIZER_H

#include "json_node.h"
#include "split_pattern.h"

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

enum enc_operation_kind {
    ENC_CUT_BY_SIDES,     /* between characters, see above */
    ENC_CUT_BY_PATTERN,   /* at matches */
    ENC_PUT_IN_FRONT,     /* `c`, unless the piece begins with it */
    ENC_PUT_AT_BEGINNING, /* the same, for the piece that begins the whole text */
    ENC_REPLACE_SPACE,    /* each space by `c` */
    ENC_TO_BYTES          /* each character by the letters of its bytes (bytes.h) */
};

/* What becomes of a match: the reference's names. */
enum enc_behavior {
    ENC_REMOVED,
    ENC_ISOLATED,
    ENC_MERGED_WITH_PREVIOUS,
    ENC_MERGED_WITH_NEXT,
    ENC_CONTIGUOUS,
    ENC_BEHAVIORS
};

typedef struct enc_operation {
    enum enc_operation_kind kind;
    enc_splitter sides;
    unsigned flags; /* of `sides` */
    enc_split_pattern *pattern;
    enum enc_behavior behavior;
    bool invert;    /* what lies between matches counts as the matches */
    uint32_t c;
} enc_operation;

static inline bool enc_operation_cuts(const enc_operation *operation)
{
    return operation->kind <= ENC_CUT_BY_PATTERN;
}

enum { ENC_PRETOKENIZERS_MOST = 16, ENC_OPERATIONS_MOST = 3 * ENC_PRETOKENIZERS_MOST };

typedef struct enc_pretokenizer {
    enc_operation operation[ENC_OPERATIONS_MOST];
    size_t operations;
    size_t parts;  /* pre-tokenizers these came from */
    bool by_pieces; /* not all of them cut by sides */
} enc_pretokenizer; /* all zero: the text is one word */

/* Appends what a "pre_tokenizer" value asks for; null asks for none. */
int enc_pretokenizer_read(enc_pretokenizer *pretokenizer, const enc_node *node,
                          enc_error *err);
/* Appends BertPreTokenizer. */
int enc_pretokenizer_add_bert(enc_pretokenizer *pretokenizer, const char *where,
                              enc_error *err);
void enc_pretokenizer_close(enc_pretokenizer *pretokenizer);

/* All of them together, if all cut by sides. Of a removed character the codes mean
** nothing. */
enc_sides enc_pretokenizer_sides(const enc_pretokenizer *pretokenizer, uint32_t c);

/* Number of the first operation that cuts; that of operations if there is none. */
size_t enc_pretokenizer_first_cut(const enc_pretokenizer *pretokenizer);

/* Whether every white space character is removed by one that cuts by sides. */
bool enc_pretokenizer_removes_space(const enc_pretokenizer *pretokenizer);

#endif
