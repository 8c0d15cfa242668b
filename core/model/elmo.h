/*
** elmo.h - weights of ELMo (Peters et al. 2018, "Deep contextualized word representations"):
** words as characters, through convolutions of several widths (Kim et al. 2016), then layers of
** LSTMs with a projection, one reading forwards and one backwards.
*/
#ifndef ENC_ELMO_H
#define ENC_ELMO_H

#include "model.h"

enum { ENC_ELMO_FILTERS = 16, ENC_ELMO_HIGHWAYS = 8, ENC_ELMO_LAYERS = 16 };

/* Ids of characters: a byte's value, then these; there is a row of the table for each. */
enum enc_elmo_character {
    ENC_ELMO_TEXT_START = 256,
    ENC_ELMO_TEXT_END,
    ENC_ELMO_WORD_START,
    ENC_ELMO_WORD_END,
    ENC_ELMO_PADDING,
    ENC_ELMO_CHARACTERS = 261
};

typedef struct enc_elmo_filter {
    size_t width;      /* characters it sees */
    enc_linear linear; /* width * character width -> count */
} enc_elmo_filter;

/* carry·relu(transform(x)) + (1 - carry)·x, Srivastava et al. 2015. */
typedef struct enc_elmo_highway {
    enc_linear transform;
    enc_linear carry;
} enc_elmo_highway;

/* Hochreiter and Schmidhuber 1997, with a projection of the output: Sak et al. 2014. The four
** parts of the gates stand side by side: input, candidate, forget, output. */
typedef struct enc_lstm {
    enc_linear input;      /* P -> 4C, with the bias */
    enc_linear recurrent;  /* P -> 4C */
    enc_linear projection; /* C -> P */
} enc_lstm;

typedef struct enc_elmo {
    const float *characters; /* [ENC_ELMO_CHARACTERS, character_width] */
    size_t character_width;
    size_t word_length;      /* characters of a word, marks and padding included */
    enc_elmo_filter filter[ENC_ELMO_FILTERS];
    int filters;
    size_t features;         /* of all filters together */
    enum enc_activation activation;
    enc_elmo_highway highway[ENC_ELMO_HIGHWAYS];
    int highways;
    enc_linear projection;   /* features -> P */
    enc_lstm lstm[ENC_ELMO_LAYERS][2]; /* forwards, backwards */
    size_t width;            /* P */
    size_t cell;             /* C */
    float cell_clip;         /* INFINITY: none */
    float projection_clip;
    bool skips;              /* a layer's input is added to its output, but for the first's */
} enc_elmo;

#endif
