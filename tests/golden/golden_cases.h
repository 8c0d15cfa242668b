/*
** golden_cases.h - the checkpoints with goldens, a row each, and tests made from the rows.
**
**     static void check(void)
**     {
**         const golden_case *c = unit_row();
**         ...
**     }
**     GOLDEN_TESTS(GOLDEN_STATES, check, "hidden states are the reference's")
**
** makes a test "golden NAME: hidden states are the reference's" of each row that has such
** goldens.
*/
#ifndef GOLDEN_CASES_H
#define GOLDEN_CASES_H

#include "../unit/unit.h"

/* What a folder's goldens hold. */
enum golden_part {
    GOLDEN_TOKENS = 1,     /* every token with its offsets */
    GOLDEN_STATES = 2,     /* hidden states of every layer, and attention */
    GOLDEN_EMBEDDINGS = 4, /* what encode() gives, and of which token ids */
    GOLDEN_TORTURE = 8,    /* tokens of the torture lines */
    GOLDEN_OLD_FILES = 128, /* ... also where tokenizer.json is not there */
    GOLDEN_SIMILARITY = 16, /* the cosine of every two embeddings */
    GOLDEN_HEADS = 32,     /* log-probabilities of a language-model head */
    GOLDEN_HEADLESS = 64   /* there is no such head */
};

typedef struct golden_case {
    const char *name;    /* folder below tests/golden: goldens, and the checkpoint */
    unsigned parts;      /* bits of golden_part */
    double hidden;       /* tolerance, relative to max(1, largest |reference|) of a vector */
    double attention;    /* tolerance, absolute */
    const char *torture; /* its file below torture/, NULL: of the case's own name */
    bool real;           /* the checkpoint is test_model() */
    const char *folder;  /* in place of that of its name, with the name as config.json's
                         ** model_type: families that differ in nothing else */
} golden_case;

/* Where its goldens are, below tests/golden. */
const char *golden_folder(const golden_case *c);

/* The case's checkpoint, good for 15 more calls of test_data; NULL after it has skipped the
** test, where the real model is not there. */
const char *golden_checkpoint(const golden_case *c);

/* Makes a test of every row that has `part`. */
void golden_register(enum golden_part part, void (*run)(void), const char *sentence,
                     const char *file, int line);

#define GOLDEN_TESTS(part, run, sentence)                                                  \
    __attribute__((constructor)) static void UNIT_NAME(golden_enter_, __LINE__)(void)      \
    {                                                                                      \
        golden_register(part, run, sentence, __FILE__, __LINE__);                          \
    }

#endif
