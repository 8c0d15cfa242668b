/*
** joins.h - which neighbouring characters a BPE model may put into one token.
**
** Some checkpoints (Llama 2, Gemma) have no pre-tokenizer that cuts: the model is to see the
** whole text as one word. But no merge crosses the place between two characters that end
** and begin no two tokens of a merge, so what lies on both sides of it can be tokenized
** apart, and a long text never has to be held as a whole.
*/
#ifndef ENC_JOINS_H
#define ENC_JOINS_H

#include "bpe.h"

typedef struct enc_joins {
    uint64_t *pair; /* [1 << bits] of characters, by open addressing; 0: free */
    size_t count;
    int bits;       /* 0: nothing is known, any two may be joined */
    const enc_bpe *model;
} enc_joins; /* all zero: likewise */

/* The model must outlive it. */
int enc_joins_open(const enc_bpe *model, enc_joins *out, enc_error *err);
void enc_joins_close(enc_joins *joins);

/* Whether a token may hold both; false is certain. */
bool enc_joins_may(const enc_joins *joins, uint32_t left, uint32_t right);

#endif
