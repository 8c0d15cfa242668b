/*
** pickle.h - the values in a Python pickle, none of which is ever brought to life.
**
** A pickle is a program for a stack machine. Of its instructions only those are obeyed that
** lay down plain values; a call of a class is laid down as a call and never made, and only
** classes that the caller lists may be named at all. Anything else is refused by name. There
** is no recursion, stack and memory are bounded, and a text is a place in the pickle.
*/
#ifndef ENC_PICKLE_H
#define ENC_PICKLE_H

#include <stdint.h>

#include "error.h"
#include "memory.h"

enum enc_pickle_kind {
    ENC_PICKLE_NONE,
    ENC_PICKLE_BOOL,
    ENC_PICKLE_INT,
    ENC_PICKLE_OTHER, /* a float, of which nothing is kept */
    ENC_PICKLE_TEXT,
    ENC_PICKLE_CLASS, /* number: its index in the caller's list */
    ENC_PICKLE_TUPLE,
    ENC_PICKLE_ID,    /* what stands outside of the pickle under this tuple's values */
    ENC_PICKLE_DICT,
    ENC_PICKLE_LIST,
    ENC_PICKLE_CALL,
    ENC_PICKLE_MARK   /* on the stack alone */
};

typedef struct enc_pickle {
    enum enc_pickle_kind kind;
    uint32_t length; /* of a text in bytes, of a tuple or ID in values */
    union {
        int64_t number;              /* BOOL, INT, CLASS */
        const char *text;            /* not terminated; any bytes */
        const struct enc_pickle *at; /* TUPLE, ID: [length] */
        struct enc_pickle_object *object; /* DICT, LIST, CALL */
    };
} enc_pickle;

typedef struct enc_pickle_item {
    enc_pickle key, value;
    struct enc_pickle_item *next;
} enc_pickle_item;

typedef struct enc_pickle_object {
    int64_t called;         /* CALL: the class; else -1 */
    enc_pickle arguments;   /* CALL: a tuple */
    enc_pickle_item *items; /* what was put into it, in that order; a list's are keys alone */
    enc_pickle_item *last;
    size_t count;
} enc_pickle_object;

/* Reads the pickle's one value into *out; what it holds lives in `arena` (at most `most`
** bytes of it) and in `data`. `classes` is a list of "module.name" with NULL at its end;
** `name` is for messages. */
int enc_pickle_read(const char *data, size_t size, const char *const *classes, size_t most,
                    const char *name, enc_arena *arena, enc_pickle *out, enc_error *err);

/* The same of the first of several pickles that stand one behind the other; *used bytes. */
int enc_pickle_read_first(const char *data, size_t size, const char *const *classes, size_t most,
                          const char *name, enc_arena *arena, enc_pickle *out, size_t *used,
                          enc_error *err);

/* "a dict", "a text", ...: what the value is, for messages. */
const char *enc_pickle_what(const enc_pickle *value);

/* At most 79 bytes of a text from a pickle, made printable. */
enum { ENC_PICKLE_SHOWN = 80 };
const char *enc_pickle_show(const char *text, size_t length, char buffer[ENC_PICKLE_SHOWN]);

#endif
