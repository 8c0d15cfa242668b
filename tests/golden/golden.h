/*
** golden.h - what the reference implementation gave: golden.json and golden.safetensors.
**
** tests/golden/README.md says where the files come from and what the keys mean.
*/
#ifndef GOLDEN_H
#define GOLDEN_H

#include <jansson.h>

#include "../../core/encoder.h"

typedef struct golden {
    const char *name;   /* folder below tests/golden */
    json_t *root;       /* golden.json */
    json_t *texts;      /* its array of texts */
    json_t *directory;  /* of golden.safetensors: name -> shape, data_offsets */
    char *arrays;       /* its numbers */
    size_t arrays_size;
    enc_model *model;
    enc_session *session;
} golden;

/* Opens the goldens in tests/golden/NAME and the model in `checkpoint`, NULL for the same
** folder. False, after a failed check has said why, if that can't be done. Close always. */
bool golden_open(golden *g, const char *name, const char *checkpoint);
void golden_close(golden *g);

const char *golden_id(const json_t *text); /* "t07" */
enc_text golden_text(const json_t *string);

enum { GOLDEN_RANK = 4 };
typedef struct golden_array {
    float *data; /* to be freed */
    int64_t shape[GOLDEN_RANK];
    size_t count; /* of all numbers */
} golden_array;

/* The array ID.KEY of a text; false, and out all zero, if the text has none. */
bool golden_read(const golden *g, const json_t *text, const char *key, golden_array *out);
/* The array of this name that belongs to no text. */
bool golden_read_named(const golden *g, const char *name, golden_array *out);

/* Largest |x - reference| over max(1, largest |reference|); infinite where x is NaN. */
double golden_error(const float *x, const float *reference, size_t count);
/* Largest |x - reference|, likewise. */
double golden_distance(const float *x, const float *reference, size_t count);

/* The largest errors that were seen, and what they may be. */
enum golden_kind { GOLDEN_HIDDEN, GOLDEN_ATTENTION, GOLDEN_EMBEDDING, GOLDEN_KINDS };
typedef struct golden_worst {
    double error[GOLDEN_KINDS];
    size_t compared[GOLDEN_KINDS]; /* vectors */
} golden_worst;

/* Notes an error and checks that it is within `tolerance`; `label` says of what. */
void golden_note(golden_worst *worst, enum golden_kind kind, double error, double tolerance,
                 const char *label);
/* Prints a line with the largest errors, for the kernel in use. */
void golden_report(const golden *g, const golden_worst *worst);

#endif
