/*
** dequantize.h - GGUF's tensor types: blocks of numbers, made float32.
**
** A type is a row: what it is called, how many elements a block has and how many bytes, and
** the function that widens blocks. A type whose row has no function is known (its tensors
** can be stepped over) but its numbers are not read.
**
** The layouts and the order of the float32 operations are those of ggml, so that results are
** its bits: d and m are float16, "d * q" or "d * q - m" is rounded after each operation.
*/
#ifndef ENC_DEQUANTIZE_H
#define ENC_DEQUANTIZE_H

#include <stddef.h>
#include <stdint.h>

typedef struct enc_quant {
    uint32_t id;       /* in the file */
    const char *name;  /* as ggml has it */
    unsigned elements; /* of a block; a row of a tensor is whole blocks */
    unsigned bytes;    /* of a block */
    /* block [blocks * bytes] -> out [blocks * elements]; NULL: not implemented */
    void (*widen)(const unsigned char *block, size_t blocks, float *out);
} enc_quant;

/* The row for a type's number; NULL if there is none. */
const enc_quant *enc_quant_find(uint32_t id);

/* "F32, F16, ...": the types that are read, for messages. */
extern const char enc_quant_choices[];

#endif
