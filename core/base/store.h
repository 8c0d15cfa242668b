/*
** store.h - arrays on their way into a file or out of it: one list of calls serves both ways.
**
**     enc_store_numbers(store, &v->entry, v->count, sizeof *v->entry, true, err)
**
** Saving, the array at the pointer is appended. Loading, the pointer is set to where the array
** lies among the file's bytes, which are never written to and outlive what points to them: no
** array is copied. What can be absent is a null pointer, both ways.
**
** Each array begins on a line of 64 bytes, behind a line that says how long it is. Nothing the
** bytes say is believed: lengths are compared with what remains and with what the caller wants.
** What the numbers mean is for the caller to check before they index anything.
*/
#ifndef ENC_STORE_H
#define ENC_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

typedef struct enc_store {
    const char *name; /* of the file, for messages, */
    const char *part; /* and what of it: "weights" */
    /* Saving: takes bytes in their order; NULL: loading. */
    int (*append)(void *context, const void *data, size_t size, enc_error *err);
    void *context;
    const char *data; /* loading: [size], aligned to 64 bytes */
    size_t size;
    size_t at;        /* read so far */
    size_t count;     /* arrays so far */
} enc_store;

static inline bool enc_store_saves(const enc_store *store) { return store->append != NULL; }

/* One array with two numbers of the caller's own. `pointer` is the address of a pointer to the
** array; loading sets all four. */
typedef struct enc_stored {
    uint32_t kind;  /* 0: absent */
    uint32_t extra;
    size_t bytes;
} enc_stored;
int enc_store_array(enc_store *store, void *pointer, enc_stored *what, enc_error *err);

/* `count` elements of `size` bytes; absent only if not `needed`. */
int enc_store_numbers(enc_store *store, void *pointer, size_t count, size_t size, bool needed,
                      enc_error *err);

/* The bytes of one value, which loading copies out. */
int enc_store_value(enc_store *store, void *value, size_t size, enc_error *err);

/* Loading: that nothing is left. */
int enc_store_end(const enc_store *store, enc_error *err);

/* ENC_CORRUPT "FILE: WEIGHTS: array 7 WHAT". */
int enc_store_refuse(const enc_store *store, const char *what, enc_error *err);

#endif
