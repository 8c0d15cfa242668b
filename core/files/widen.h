/*
** widen.h - numbers as a checkpoint stores them, made float32.
*/
#ifndef ENC_WIDEN_H
#define ENC_WIDEN_H

#include <stddef.h>

#include "checkpoint.h"

/* Bytes of one element of a type that is read as a weight; 0 for ENC_DTYPE_OTHER. */
size_t enc_dtype_size(enum enc_dtype dtype);

/* raw [n] little-endian elements of `dtype` -> out [n]. Exact but for F64, which is rounded
** (beyond float32's range: infinite). raw may be out itself for F32. */
void enc_widen(enum enc_dtype dtype, const void *raw, size_t n, float *out);

#endif
