/*
** tvf_pass.h - forward passes that tables look into, shared while they can be.
**
** A pass keeps the hidden states and the blocks that were asked for of one text. A join or
** an IN may ask for the same text again and again, one layer at a time; so a cursor, and
** the table for as long as one of its cursors is open, keep the last pass. The first time a
** text comes only what is asked for is computed; when a layer is missing from a pass that
** is at hand, the next one keeps all layers, so that the third question finds its answer
** there.
*/
#ifndef CTX_TVF_PASS_H
#define CTX_TVF_PASS_H

#include "tvf.h"

struct ctx_pass {
    int references;
    enc_model *model; /* one reference */
    char *text;
    size_t size;
    char *prompt; /* a prompt's name, or NULL */
    enum enc_truncate truncate;
    bool *hidden;    /* [L+1] hidden states that trace holds */
    bool *attention; /* [L+1] blocks whose heads trace holds */
    enc_trace *trace;
    enc_lm *lm;      /* in place of all that: what a language model expects */
};

/* HEADS is ATTENTION with values and outputs; a table asks for the one or the other. */
enum ctx_pass_kind { CTX_PASS_HIDDEN, CTX_PASS_ATTENTION, CTX_PASS_HEADS };

/* Makes cursor->pass a pass over `text` with the cursor's model and options that holds the
** layers of axis 0: their hidden states or their attention. */
int ctx_pass_run(ctx_cursor *cursor, enc_text text, enum ctx_pass_kind kind,
                 ctx_error *error);

/* Makes cursor->pass a pass over `text` with the cursor's model and options that has `lm`. */
int ctx_pass_lm(ctx_cursor *cursor, enc_text text, ctx_error *error);

/* Lets go of one reference; NULL is fine. */
void ctx_pass_release(ctx_pass *pass);

#endif
