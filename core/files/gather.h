/*
** gather.h - a tensor whose numbers do not stand row by row: a transposed or cut-out view.
**
** The stretch of the file from its first number to its last is loaded and picked from.
*/
#ifndef ENC_GATHER_H
#define ENC_GATHER_H

#include <stddef.h>

#include "checkpoint.h"
#include "file.h"

typedef struct enc_gather {
    const enc_tensor *tensor;
    char *stored;                /* from the first number to the last */
    size_t width;                /* bytes of a number */
    int64_t index[ENC_MAX_RANK]; /* of the next number */
} enc_gather; /* all zero: closed */

/* Numbers from the tensor's first to its last, both counted; 0 if it has none. false: more
** than 2^63. */
bool enc_tensor_span(const enc_tensor *tensor, uint64_t *span);

/* The tensor is strided, has numbers of `width` bytes, and lies inside the file. */
int enc_gather_open(const enc_file *file, const enc_tensor *tensor, size_t width,
                    enc_gather *out, enc_error *err);
/* The next n numbers of the tensor in row-major order, which it must have, to raw. */
void enc_gather_next(enc_gather *gather, size_t n, void *raw);
void enc_gather_close(enc_gather *gather);

#endif
