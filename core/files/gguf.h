/*
** gguf.h - the header of one GGUF file (version 2 or 3): typed settings by key, tensors by name.
**
** Such a file is a count of tensors and of keys, the keys with their values, the tensors' names,
** shapes, types and places, then, from a multiple of general.alignment, the data. All numbers
** are little-endian. Here every length is compared with what remains of the file before
** anything is taken by it; a value inside a list of lists, a key or a tensor that stands there
** twice, and places that leave a hole, overlap or pass the file's end are refused.
**
**     enc_gguf gguf;
**     int64_t width = 0;
**     int rc = enc_gguf_read(&file, 0, &gguf, &tensors, err);
**     if (rc == ENC_OK)
**         rc = enc_gguf_int(&gguf, "bert.embedding_length", 1, 65536, &width, err);
**     enc_gguf_free(&gguf);
**
** "model.gguf: bert.embedding_length is -1, must be 1 ... 65536"
*/
#ifndef ENC_GGUF_H
#define ENC_GGUF_H

#include "format.h"

enum enc_gguf_type {
    ENC_GGUF_U8, ENC_GGUF_I8, ENC_GGUF_U16, ENC_GGUF_I16, ENC_GGUF_U32, ENC_GGUF_I32,
    ENC_GGUF_F32, ENC_GGUF_BOOL, ENC_GGUF_STRING, ENC_GGUF_LIST, ENC_GGUF_U64, ENC_GGUF_I64,
    ENC_GGUF_F64, ENC_GGUF_TYPE_COUNT
};

typedef struct enc_gguf_value {
    char *key;
    enum enc_gguf_type type; /* of the elements, if it is a list; never ENC_GGUF_LIST */
    bool list;
    uint64_t count;          /* elements; 1 if it is no list */
    size_t at;               /* of the first element, in the header */
} enc_gguf_value;

typedef struct enc_gguf {
    const char *name;      /* of the file, for messages; borrowed from it */
    unsigned char *header; /* [size] the file's bytes up to the data, or more */
    size_t size;
    enc_gguf_value *value; /* [count] in the order of the keys */
    size_t count;
} enc_gguf; /* all zero: empty */

/* Reads the header of an open file, which must stay open as long as `out` lives. Appends its
** tensors to `list`, with `index` as their file. Either of out and list may be NULL. */
int enc_gguf_read(const enc_file *file, int index, enc_gguf *out, enc_tensor_list *list,
                  enc_error *err);
void enc_gguf_free(enc_gguf *gguf);

extern const enc_format enc_format_gguf;

/* ---- Values ---- */

/* NULL: no such key. */
const enc_gguf_value *enc_gguf_find(const enc_gguf *gguf, const char *key);
/* ENC_CORRUPT "FILE: KEY is missing" unless it is there. */
int enc_gguf_require(const enc_gguf *gguf, const char *key, enc_error *err);

/* Each leaves *out alone if the key is absent, and refuses another type and a value outside
** its range with ENC_CORRUPT. Integers of any width are taken, as reals are. */
int enc_gguf_int(const enc_gguf *gguf, const char *key, int64_t min, int64_t max, int64_t *out,
                 enc_error *err);
/* Finite; an integer may stand for a real. */
int enc_gguf_real(const enc_gguf *gguf, const char *key, double *out, enc_error *err);
int enc_gguf_bool(const enc_gguf *gguf, const char *key, bool *out, enc_error *err);
/* Valid UTF-8 without NUL, in fresh memory for enc_free. */
int enc_gguf_string(const enc_gguf *gguf, const char *key, char **out, enc_error *err);
/* A list whose elements are of that kind: ENC_GGUF_STRING, or ENC_GGUF_F32 or ENC_GGUF_I32 for
** reals or integers of any width. */
int enc_gguf_list(const enc_gguf *gguf, const char *key, enum enc_gguf_type kind,
                  const enc_gguf_value **out, enc_error *err);

/* ---- Elements, checked already to lie within the header ---- */

/* Element `index` of a list (0: of a value that is none) of integers, bools or reals. */
int64_t enc_gguf_int_at(const enc_gguf *gguf, const enc_gguf_value *value, uint64_t index);
double enc_gguf_real_at(const enc_gguf *gguf, const enc_gguf_value *value, uint64_t index);

/* Walks a list of strings: *at begins as value->at and moves on by one string. The bytes lie
** in the header and may be anything. */
enc_text enc_gguf_next(const enc_gguf *gguf, size_t *at);

/* Whether the text is well-formed UTF-8. */
bool enc_gguf_is_utf8(enc_text text);

#endif
