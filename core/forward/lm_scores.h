/*
** lm_scores.h - hidden states to log-probabilities of tokens, by a head (lm_head.h).
**
** In two steps: what stands before the table for all rows at once, then the table for a few
** rows at a time, so that nothing of size T·V exists.
*/
#ifndef ENC_LM_SCORES_H
#define ENC_LM_SCORES_H

#include "lm_head.h"
#include "memory.h"
#include "poll.h"

/* z [rows, E] of x [rows, D], one text's last hidden states. False: stopped. */
bool enc_lm_project(const enc_model *model, const enc_lm_head *head, const float *x,
                    size_t rows, float *z, enc_poll *poll);

/* The log-softmax of the logits of `count` rows of z, out [count, V]. Every row has the bits
** that it has alone. Shared by the pool's threads where it is work enough. ENC_OK or
** ENC_INTERRUPTED. */
int enc_lm_score(const enc_model *model, const enc_lm_head *head, const float *z,
                 const size_t *row, size_t count, float *out, enc_arena *arena,
                 enc_poll *poll);

#endif
