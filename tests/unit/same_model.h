/*
** same_model.h - whether two models do the same with a text: tokens, embeddings, hidden states,
** attention, guesses.
*/
#ifndef SAME_MODEL_H
#define SAME_MODEL_H

#include "encoder.h"

/* Checks that all is alike, to the last bit if `tolerance` is 0, else within tolerance ·
** max(1, |number|); what they tell of themselves too, but for path and memory. `label` is for
** messages. */
void same_model(const enc_model *a, const enc_model *b, const enc_text *text, size_t count,
                double tolerance, const char *label);

#endif
