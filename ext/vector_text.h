/*
** vector_text.h - vectors as JSON text.
*/
#ifndef CTX_VECTOR_TEXT_H
#define CTX_VECTOR_TEXT_H

#include "vector_argument.h"

/* What an array came to: elements of the type asked for, a block from sqlite3_malloc64. */
typedef struct ctx_parsed {
    size_t length;
    float data[]; /* float32 [length], or the bytes of an int8 or bit vector */
} ctx_parsed;

/* Parses a JSON array of numbers that fit the type (float32: finite once rounded; int8:
** whole, -128 ... 127; bit: 0 or 1, a multiple of 8 of them). The length may be 0. */
int ctx_vector_parse(ctx_vector_call *call, int position, const char *json, size_t size,
                     enum enc_vector_type type, ctx_parsed **out);

/* Enough for any float32 with its terminating NUL. */
enum { CTX_FLOAT_TEXT_SIZE = 24 };

/* Writes a finite float32 in the fewest digits that read back to the same bits; returns the
** length. Whole numbers have no point: "1", "-0", "0.1", "1e-40". */
size_t ctx_float_print(float value, char out[CTX_FLOAT_TEXT_SIZE]);

/* The JSON array of a vector of finite elements, from sqlite3_malloc64; NULL: out of
** memory. */
char *ctx_vector_print(const ctx_vector *vector, size_t *size);

#endif
