/*
** linear.h - a linear layer that the threads of a pass share; one thread's is in weights.h.
*/
#ifndef ENC_LINEAR_H
#define ENC_LINEAR_H

#include "model.h"
#include "share.h"

/* As enc_linear_apply: y [rows, out] of x [rows, in], `ldx` floats from row to row. */
int enc_linear_share(const enc_ops *ops, const enc_linear *linear, const float *x, size_t ldx,
                     size_t rows, const enc_after *after, float *y, const enc_share *share);

#endif
