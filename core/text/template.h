/*
** template.h - the special tokens put around a text or between two, as "post_processor"
** says.
*/
#ifndef ENC_TEMPLATE_H
#define ENC_TEMPLATE_H

#include "json_node.h"
#include "vocabulary.h"

/* A special token, or the place of a text. */
typedef struct enc_template_item {
    int32_t id;   /* of the special token; ENC_TEMPLATE_A or _B */
    int32_t type; /* segment */
} enc_template_item;

enum { ENC_TEMPLATE_A = -1, ENC_TEMPLATE_B = -2, ENC_TEMPLATE_MOST = 64 };

typedef struct enc_template {
    enc_template_item item[ENC_TEMPLATE_MOST];
    size_t count;
} enc_template;

/* That offsets leave out white space at a token's ends, as RobertaProcessing and ByteLevel
** have it. */
typedef struct enc_trim {
    bool prefix_space; /* but for one space before the first token */
    bool behind_special; /* the first token is a special one */
} enc_trim;

enum { ENC_TRIMS_MOST = 4 };

typedef struct enc_templates {
    enc_template single;
    enc_template pair;
    enc_trim trim[ENC_TRIMS_MOST]; /* [trims] one after the other */
    size_t trims;
    bool wrapped;  /* something put special tokens around the texts ... */
    bool together; /* ... and they are the texts' own for what follows it */
} enc_templates;

/* No special tokens: the texts alone, of types 0 and 1. */
void enc_templates_begin(enc_templates *templates);

/* From a "post_processor" value; null: as enc_templates_begin. */
int enc_templates_read(const enc_node *node, enc_templates *out, enc_error *err);

/* [CLS] A [SEP], and [CLS] A [SEP] B [SEP] with B and the last [SEP] of type 1. */
void enc_templates_bert(int32_t cls, int32_t sep, enc_templates *out);

int32_t enc_templates_max_id(const enc_templates *templates);
int32_t enc_templates_max_type(const enc_templates *templates);
/* Special tokens of one text or of a pair. */
size_t enc_templates_specials(const enc_templates *templates, bool pair);

/* Writes the tokens of `a` (and `b`, if there are any: then it is a pair) with the special
** tokens to `out`; returns how many. */
size_t enc_templates_apply(const enc_templates *templates, const enc_token *a,
                           size_t a_count, const enc_token *b, size_t b_count, bool pair,
                           enc_token *out);

#endif
