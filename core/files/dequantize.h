/*
** dequantize.h - numbers that GGUF files store in blocks, made float32.
**
** A dtype is a row: how many elements a block has in how many bytes, and the function that
** widens blocks. The layouts and the order of the float32 operations are those of ggml, so
** that results are its bits: d and m are float16, and "d * q - m" is rounded twice.
*/
#ifndef ENC_DEQUANTIZE_H
#define ENC_DEQUANTIZE_H

#include "widen.h"

typedef struct enc_quant {
    enum enc_dtype dtype;
    enc_block block; /* a row of a tensor is whole blocks */
    /* raw [blocks * bytes] -> out [blocks * elements] */
    void (*widen)(const unsigned char *raw, size_t blocks, float *out);
} enc_quant;

/* The row of ENC_DTYPE_Q4_0 ... ENC_DTYPE_Q6_K; NULL for another dtype. */
const enc_quant *enc_quant_find(enum enc_dtype dtype);

#endif
