/*
** lm_head.h - a checkpoint's language-model head: what guesses tokens from hidden states.
**
**     z = norm(act(W x + b))            or z = x, where the head has no such step
**     logits = table · z + bias         [V]; capped: c · tanh(logits / c)
**
** Most heads use the table of token embeddings again ("tied": Press and Wolf 2017, "Using the
** output embedding to improve language models"), which is there already. The rest of a head is
** read when it is first asked for: who wants embeddings alone pays nothing for it. From then on
** it is the model's, never changed, shared by all threads.
*/
#ifndef ENC_LM_HEAD_H
#define ENC_LM_HEAD_H

#include <stdint.h>

#include "encoder.h"
#include "ops.h"
#include "table.h"

typedef struct enc_lm_head {
    size_t width;             /* E */
    size_t vocabulary;        /* V */
    float *dense;             /* D -> E, packed (ops.h); NULL: z is x */
    float *dense_bias;        /* [E] or NULL */
    enum enc_activation activation;
    float *norm_weight;       /* [E] */
    float *norm_bias;         /* [E] */
    float norm_eps;
    enc_table table;          /* [V, E]; the model's own, or of */
    float *own_table;
    float *bias;              /* [V] or NULL */
    float softcap;            /* c; 0: logits are not capped */
    bool borrowed;            /* all of it lies in a saved model's file */
} enc_lm_head;

/* The model's head, which the first call reads; any number of threads may ask at once.
** ENC_UNSUPPORTED, with a sentence that says what is missing, where the checkpoint has none. */
int enc_lm_head_get(const enc_model *model, const enc_lm_head **out, enc_error *err);
void enc_lm_head_free(enc_lm_head *head);

/* Marks what a head is made of as used, for enc_model_info.unused_tensors. */
struct enc_checkpoint;
void enc_lm_head_mark(const enc_model *model, const struct enc_checkpoint *checkpoint);

/* Bytes that the model's head holds beside the model's own; 0 before it was read. */
int64_t enc_lm_head_bytes(const enc_model *model);

#endif
