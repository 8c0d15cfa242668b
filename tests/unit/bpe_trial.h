/*
** bpe_trial.h - models of random merges over four letters, for tests of how words are merged.
*/
#ifndef BPE_TRIAL_H
#define BPE_TRIAL_H

#include <stdlib.h>
#include <string.h>

#include "bpe_parts.h"
#include "unit.h"

enum { LETTERS = 4, MADE = 60, WORDS = LETTERS + MADE, LONGEST = 4096, LENGTH = 9000 };

typedef struct trial {
    char text[WORDS][LONGEST + 1];
    size_t size[WORDS];
    size_t words;
    enc_bpe_merge merge[MADE];
    size_t merges;
    enc_bpe_symbol symbol[2][LENGTH];
    uint64_t room[2 * LENGTH];
} trial;

static inline uint32_t chance(uint64_t *state, uint32_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33) % below;
}

static inline void begin_letters(trial *t)
{
    t->words = LETTERS;
    t->merges = 0;
    for (size_t i = 0; i < LETTERS; i++) {
        t->text[i][0] = (char)('a' + i);
        t->text[i][1] = '\0';
        t->size[i] = 1;
    }
}

/* A merge of two words, and the word that it makes unless it is there. */
static inline void add_merge(trial *t, size_t left, size_t right)
{
    char *made = t->text[t->words];
    size_t size = t->size[left] + t->size[right];
    memcpy(made, t->text[left], t->size[left]);
    memcpy(made + t->size[left], t->text[right], t->size[right] + 1);
    t->merge[t->merges++] = (enc_bpe_merge){t->text[left], t->text[right], t->size[left],
                                            t->size[right]};
    for (size_t i = 0; i < t->words; i++)
        if (strcmp(t->text[i], made) == 0)
            return;
    t->size[t->words++] = size;
}

static inline bool open_model(trial *t, enc_bpe *out)
{
    enc_vocabulary_item items[WORDS];
    enc_vocabulary vocabulary;
    for (size_t i = 0; i < t->words; i++)
        items[i] = (enc_vocabulary_item){t->text[i], t->size[i], (int32_t)i};
    return enc_vocabulary_open(items, t->words, "v", &vocabulary, NULL) == ENC_OK &&
           enc_bpe_open(&vocabulary, &(enc_bpe_settings){0}, t->merge, t->merges, "m", out,
                        NULL) == ENC_OK;
}

/* As many merges as there are to be, of words of at most `longest` letters; `mixed`: in any
** order, also before what they are made of. */
static inline void add_merges(trial *t, uint64_t *state, size_t longest, bool mixed)
{
    while (t->merges < MADE) {
        size_t left = chance(state, (uint32_t)t->words);
        size_t right = chance(state, (uint32_t)t->words);
        if (t->size[left] + t->size[right] <= longest)
            add_merge(t, left, right);
    }
    for (size_t i = MADE; i > 1 && mixed; i--) {
        size_t j = chance(state, (uint32_t)i);
        enc_bpe_merge other = t->merge[i - 1];
        t->merge[i - 1] = t->merge[j];
        t->merge[j] = other;
    }
}

#endif
