/*
** states.h - what a text's tokens mean where they stand: the tokens of a text, without special
** ones, and the last hidden state of each.
**
** A text that is longer than the model reads goes by windows, cut between sentences; so all
** of it is there.
*/
#ifndef CTX_STATES_H
#define CTX_STATES_H

#include "call.h"

typedef struct ctx_states {
    enc_model *model;  /* one reference */
    enc_token *token;  /* [count] places are those in the whole text */
    float *vector;     /* [count, width] scaled to length 1, or zero */
    float *norm;       /* [count] their lengths before */
    size_t count;
    size_t width;
    size_t first;      /* position of the first among all tokens, special ones included */
    size_t capacity;
} ctx_states;

/* *out is to be freed with ctx_states_free. Returns an enc_code. */
int ctx_states_read(enc_session *session, enc_model *model, enc_text text, ctx_states **out,
                    enc_error *err);
void ctx_states_free(void *states); /* NULL is fine */

/* The states of the text in argument `index` of a call that has its model. They stay with the
** statement where the argument is a constant: so, given back by ctx_states_keep alone. */
typedef struct ctx_kept_states {
    ctx_states *states;
    int index;
    bool is_new;
} ctx_kept_states;
int ctx_states_argument(ctx_call *call, int index, enc_text text, ctx_kept_states *out);
void ctx_states_keep(ctx_call *call, ctx_kept_states *kept);

/* For each token of a, the nearest of b, the first of several. */
typedef struct ctx_match {
    size_t *nearest; /* [a->count] */
    double *cosine;  /* [a->count] */
} ctx_match;

/* b has tokens. *out is to be freed with ctx_match_clear. Returns an enc_code. */
int ctx_states_match(enc_session *session, const ctx_states *a, const ctx_states *b,
                     ctx_match *out, enc_error *err);
void ctx_match_clear(ctx_match *match);

#endif
