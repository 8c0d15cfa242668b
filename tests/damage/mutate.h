/*
** mutate.h - files damaged in one of many ways, the same way for the same number.
*/
#ifndef MUTATE_H
#define MUTATE_H

#include <stddef.h>
#include <stdint.h>

enum mutate_kind {
    MUTATE_BYTES,      /* bits, numbers, stretches, the length */
    MUTATE_TEXT,       /* these, and numbers in digits and lines */
    MUTATE_JSON,       /* these, and values replaced, taken away, doubled, moved */
    MUTATE_SAFETENSORS, /* the bytes, and the JSON in the header with its length put right */
    MUTATE_SAVED       /* a saved model's parts, with its sizes and checksums put right */
};

/* A fresh mutant of the bytes, for free(). */
char *mutate(enum mutate_kind kind, const char *data, size_t size, uint64_t number,
             size_t *mutant_size);

/* MUTATE_SAVED (mutate_saved.c). */
char *mutate_saved(const char *data, size_t size, uint64_t number, size_t *mutant_size);

#endif
