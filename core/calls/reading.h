/*
** reading.h - a text as the model reads it: prompt in front, tokens, cut to the model's length,
** template around.
*/
#ifndef ENC_READING_H
#define ENC_READING_H

#include "forward.h"

/* One sequence of tokens for the forward pass; tokens in the arena. Offsets count in the text
** without the prompt; tokens of the prompt have empty offsets at 0. */
typedef struct enc_sequence {
    enc_token *token;
    size_t count;
    const char *source; /* what the tokens' bytes are counted in */
    size_t text;   /* caller's number of the text */
    size_t skip;   /* leading tokens that pooling leaves out (include_prompt false) */
    size_t part;   /* the text's share of windows: 1 = the whole text */
} enc_sequence;

typedef struct enc_reading {
    enc_sequence *sequence;
    size_t count;   /* 1, or the number of windows (ENC_TRUNCATE_MEAN) */
    size_t total;   /* tokens of the whole text, special ones included (of one template) */
    size_t kept;    /* of these, how many the sequences hold */
    bool truncated; /* something was cut; total is a lower bound unless it was asked for */
} enc_reading;

/* `prompt` is a prompt's text, "" for none. want_total counts a text's tokens to its end even
** where the model reads only the beginning. */
int enc_read(const enc_model *model, enc_text text, const char *prompt,
             enum enc_truncate truncate, bool want_total, enc_arena *arena, enc_poll *poll,
             enc_reading *out, enc_error *err);

/* Whether the table of embeddings has a row for every token, which enc_read sees to. */
int enc_check_rows(const enc_model *model, const enc_token *token, size_t count, enc_error *err);

/* Packs the tokens of `count` sequences end to end, in the arena. False: out of memory. */
bool enc_pack(const enc_model *model, const enc_sequence *sequence, size_t count,
              enc_arena *arena, enc_batch *out);

#endif
