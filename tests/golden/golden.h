/*
** golden.h - what the reference implementation gave: golden.json and golden.safetensors.
**
** tests/golden/README.md says where the files come from and what the keys mean.
*/
#ifndef GOLDEN_H
#define GOLDEN_H

#include <jansson.h>

#include "../../core/encoder.h"
#include "golden_cases.h"

/* What is compared: counted in these, the last four with the largest error. */
enum golden_kind {
    GOLDEN_TEXT,
    GOLDEN_TOKEN,
    GOLDEN_LAYER,
    GOLDEN_HIDDEN,    /* vectors */
    GOLDEN_ATTENTION, /* rows: what one token of one head looks at */
    GOLDEN_EMBEDDING,
    GOLDEN_LM,        /* rows: log-probabilities of all tokens at one place */
    GOLDEN_KINDS
};

typedef struct golden_seen {
    size_t count;
    double error;     /* the largest */
    double tolerance; /* what it may be */
} golden_seen;

typedef struct golden {
    const char *name; /* folder below tests/golden */
    const golden_case *row;
    json_t *root;      /* golden.json */
    json_t *texts;     /* its array of texts */
    json_t *directory; /* of golden.safetensors: name -> shape, data_offsets */
    char *arrays;      /* its numbers */
    size_t arrays_size;
    enc_model *model;
    enc_session *session;
    golden_seen seen[GOLDEN_KINDS];
} golden;

/* Opens the goldens of a case, and its model. False, after a failed check has said why or
** after the test was skipped, if that can't be done. Close always. */
bool golden_open(golden *g, const golden_case *row);
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

/* Counts what was compared and found equal. */
void golden_count(golden *g, enum golden_kind kind, size_t count);
/* Notes an error and checks that it is within `tolerance`; `label` says of what. */
void golden_note(golden *g, enum golden_kind kind, double error, double tolerance,
                 const char *label);
/* Appends what was seen to the file that the environment names GOLDEN_REPORT, a line for each
** kind: family, folder, kernel, kind, count, largest error, tolerance, with tabs between.
** tests/golden/report.py makes the README's table of it. */
void golden_report(const golden *g);

#endif
