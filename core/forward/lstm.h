/*
** lstm.h - one LSTM over sequences that lie end to end.
*/
#ifndef ENC_LSTM_FORWARD_H
#define ENC_LSTM_FORWARD_H

#include "elmo.h"

/* x [T, P] -> y [T, P], each sequence start[i] ... start[i+1]-1 by itself from a state of
** zeros, from its end to its beginning if `backwards`. ENC_OK, ENC_NOMEM or ENC_INTERRUPTED. */
int enc_lstm_run(const enc_ops *ops, const enc_elmo *elmo, const enc_lstm *lstm,
                 bool backwards, const float *x, const size_t *start, size_t count,
                 enc_arena *arena, enc_poll *poll, float *y);

#endif
