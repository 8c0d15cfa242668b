/*
** widen.h - numbers as a checkpoint stores them, made float32.
*/
#ifndef ENC_WIDEN_H
#define ENC_WIDEN_H

#include <stddef.h>

#include "checkpoint.h"

/* What is stored together: `elements` numbers in `bytes` bytes. One number, but for the
** quantised types; {0, 0} for ENC_DTYPE_OTHER. */
typedef struct enc_block {
    unsigned elements, bytes;
} enc_block;
enc_block enc_dtype_block(enum enc_dtype dtype);

/* raw [n] little-endian elements of `dtype` -> out [n]. Exact but for F64, which is rounded
** (beyond float32's range: infinite). raw may be out itself for F32. n is a multiple of the
** block's elements. */
void enc_widen(enum enc_dtype dtype, const void *raw, size_t n, float *out);

#endif
