/* test_bpe_blocks.c - core/text/bpe_blocks.c: long words come to the same block by block. */
#include "bpe_parts.h"

#include <stdlib.h>
#include <string.h>

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

static uint32_t chance(uint64_t *state, uint32_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33) % below;
}

static void begin_letters(trial *t)
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
static void add_merge(trial *t, size_t left, size_t right)
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

static bool open_model(trial *t, enc_bpe *out)
{
    enc_vocabulary_item items[WORDS];
    enc_vocabulary vocabulary;
    for (size_t i = 0; i < t->words; i++)
        items[i] = (enc_vocabulary_item){t->text[i], t->size[i], (int32_t)i};
    return enc_vocabulary_open(items, t->words, "v", &vocabulary, NULL) == ENC_OK &&
           enc_bpe_open(&vocabulary, &(enc_bpe_settings){0}, t->merge, t->merges, "m", out,
                        NULL) == ENC_OK;
}

/* Whether the word of symbols[0] comes to the same both ways. */
static bool agrees(trial *t, const enc_bpe *model)
{
    memcpy(t->symbol[1], t->symbol[0], sizeof t->symbol[0]);
    size_t whole = enc_bpe_merge_symbols(model, t->symbol[0], LENGTH, t->room, NULL);
    size_t count = enc_bpe_merge_blocks(model, t->symbol[1], LENGTH, t->room, NULL);
    bool same = whole == count;
    for (size_t i = 0; i < whole && same; i++)
        same = t->symbol[0][i].id == t->symbol[1][i].id &&
               t->symbol[0][i].length == t->symbol[1][i].length;
    return same;
}

static void set_letter(trial *t, size_t at, uint32_t letter)
{
    t->symbol[0][at] = (enc_bpe_symbol){.id = (int32_t)letter, .length = 1};
}

TEST("bpe blocks: whatever the merges and their order, a long word comes to the same")
{
    uint64_t state = 7;
    trial *t = malloc(sizeof *t);
    REQUIRE(t);
    for (int round = 0; round < 300; round++) {
        enc_bpe model;
        begin_letters(t);
        while (t->merges < MADE) {
            size_t left = chance(&state, (uint32_t)t->words);
            size_t right = chance(&state, (uint32_t)t->words);
            if (t->size[left] + t->size[right] <= (round % 3 ? 24 : 200))
                add_merge(t, left, right);
        }
        for (size_t i = MADE; i > 1 && round % 2; i--) { /* also before what it is made of */
            size_t j = chance(&state, (uint32_t)i);
            enc_bpe_merge other = t->merge[i - 1];
            t->merge[i - 1] = t->merge[j];
            t->merge[j] = other;
        }
        REQUIRE(open_model(t, &model));
        uint32_t letters = 1 + chance(&state, LETTERS), period = 1 + chance(&state, 40);
        for (size_t i = 0; i < LENGTH; i++)
            set_letter(t, i, round % 5 == 0 && i >= period
                                 ? (uint32_t)t->symbol[0][i - period].id
                                 : chance(&state, letters));
        CHECK(agrees(t, &model));
        enc_bpe_close(&model);
    }
    free(t);
}

TEST("bpe blocks: tokens longer than a block, and a word that can't be taken apart")
{
    trial *t = malloc(sizeof *t);
    enc_bpe model;
    REQUIRE(t);
    begin_letters(t);
    add_merge(t, 0, 0);
    while (2 * t->size[t->words - 1] <= LONGEST)
        add_merge(t, t->words - 1, t->words - 1);
    REQUIRE(open_model(t, &model));
    for (size_t i = 0; i < LENGTH; i++)
        set_letter(t, i, 0);
    CHECK(agrees(t, &model));
    for (size_t i = 0; i < LENGTH; i++)
        set_letter(t, i, i % 3000 == 2999);
    CHECK(agrees(t, &model));
    enc_bpe_close(&model);
    free(t);
}

TEST("bpe blocks: a letter that changes forty before it does so across the end of a block")
{
    enum { CHAIN = 40 };
    uint64_t state = 3;
    enc_bpe model;
    trial *t = malloc(sizeof *t);
    REQUIRE(t);
    begin_letters(t);
    add_merge(t, 1, 2);
    for (size_t i = 1; i < CHAIN; i++)
        add_merge(t, i % 2 ? 0 : 1, t->words - 1);
    add_merge(t, 0, 1);
    REQUIRE(open_model(t, &model));
    for (int round = 0; round < 50; round++) {
        size_t next = 0, begin = 0;
        for (size_t i = 0; i < LENGTH; i++) {
            bool changes = i == next;
            next = changes ? i + 101 + 2 * chance(&state, 300) : next;
            begin = changes ? i + 1 : begin;
            set_letter(t, i, changes ? 2 : (i - begin) % 2);
        }
        CHECK(agrees(t, &model));
    }
    enc_bpe_close(&model);
    free(t);
}
