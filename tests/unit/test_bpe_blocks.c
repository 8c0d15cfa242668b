/* test_bpe_blocks.c - core/text/bpe_blocks.c: long words come to the same block by block. */
#include "bpe_trial.h"

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
        add_merges(t, &state, round % 3 ? 24 : 200, round % 2);
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
