/* test_bpe_match.c - core/text/bpe_match.c, bpe_made.c: matching comes to what merging does. */
#include "bpe_trial.h"

#include "tokenizing.h"

enum { WORD = 700 };

/* Whether matching a word of those letters comes to what merging them does; *matched counts
** words that were not left to merging. */
static bool matches(trial *t, const enc_bpe *model, char *text, size_t size, size_t *matched)
{
    enc_arena arena = {0};
    enc_pretoken_usual usual;
    enc_pretoken word;
    enc_token_list list = {.arena = &arena, .limit = SIZE_MAX};
    enc_pretoken_begin(&word, &usual, SIZE_MAX, &arena);
    for (size_t i = 0; i < size; i++) {
        enc_pretoken_add(&word, &(enc_symbol){(unsigned char)text[i], 1, i, i});
        t->symbol[0][i] = (enc_bpe_symbol){.id = text[i] - 'a', .length = 1};
    }
    size_t count = enc_bpe_merge_symbols(model, t->symbol[0], size, t->room, NULL);
    bool same = true;
    if (enc_bpe_match(model, &word, &list)) {
        ++*matched;
        same = list.count == count;
        for (size_t i = 0, at = 0; i < count && same; at += t->symbol[0][i++].length)
            same = list.token[i].id == t->symbol[0][i].id && list.token[i].byte_start == at &&
                   list.token[i].byte_end == at + t->symbol[0][i].length;
    } else {
        same = list.count == 0;
    }
    enc_arena_destroy(&arena);
    return same;
}

static void match_random(bool mixed, size_t least_matched)
{
    uint64_t state = 11;
    size_t matched = 0, words = 0;
    trial *t = malloc(sizeof *t);
    REQUIRE(t);
    for (int round = 0; round < 300; round++) {
        enc_bpe model;
        char text[WORD];
        begin_letters(t);
        add_merges(t, &state, round % 3 ? 8 : 40, mixed);
        REQUIRE(open_model(t, &model) && enc_bpe_settle(&model, false, NULL) == ENC_OK);
        REQUIRE(model.trie.count > 0);
        for (int i = 0; i < 40; i++) {
            size_t size = i % 4 ? 1 + chance(&state, 30) : 1 + chance(&state, WORD);
            uint32_t letters = 1 + chance(&state, LETTERS), period = 1 + chance(&state, 9);
            for (size_t j = 0; j < size; j++)
                text[j] = i % 3 == 0 && j >= period ? text[j - period]
                                                    : (char)('a' + chance(&state, letters));
            CHECK(matches(t, &model, text, size, &matched));
            words++;
        }
        enc_bpe_close(&model);
    }
    CHECK(matched * 100 >= words * least_matched);
    free(t);
}

TEST("bpe match: words come to what merging them comes to, and hardly any needs that")
{
    match_random(false, 95);
}

TEST("bpe match: so they do where merges stand before those that lead to them")
{
    match_random(true, 80);
}

#define LETTER_MODEL(options)                                                              \
    "{'model':{'type':'BPE'," options "'vocab':{'<unk>':0,'a':1,'b':2,'c':3,'ab':4,'bc':5,"  \
    "'abc':6,'<0xC3>':7,'<0xA9>':8},'merges':['a b','b c','ab c']}}"

TEST("bpe match: unknown characters part a word only where they become something")
{
    CHECK_STR(tokens_of(LETTER_MODEL("'unk_token':'<unk>',"), "abcxxab"),
              "6:0-3/0 0:3-4/0 0:4-5/0 4:5-7/0");
    CHECK_STR(tokens_of(LETTER_MODEL("'unk_token':'<unk>','fuse_unk':true,"), "abcxxab"),
              "6:0-3/0 0:3-5/0 4:5-7/0");
    CHECK_STR(tokens_of(LETTER_MODEL("'unk_token':'<unk>','byte_fallback':true,"),
                        "ab\xC3\xA9\xC3\xA8" "bc"),
              "4:0-2/0 7:2-3/0 8:2-3/0 0:3-4/0 5:4-6/0");
    CHECK_STR(tokens_of(LETTER_MODEL(""), "abcxxab"), "6:0-3/0 4:3-5/0");
    CHECK_STR(tokens_of(LETTER_MODEL(""), "axb"), "4:0-2/0");
    /* The unknown token's own text is no word that means it. */
    CHECK_STR(tokens_of(LETTER_MODEL("'unk_token':'<unk>','fuse_unk':true,"), "x<unk>"),
              "0:0-6/0");
}

TEST("bpe match: a word that is a token is found whole, whatever the merges say, and only whole")
{
    static const char json[] =
        "{'model':{'type':'BPE','ignore_merges':true,'vocab':{'a':0,'b':1,'c':2,'abc':3,'ab':4},"
        "'merges':['a b']}}";
    CHECK_STR(tokens_of(json, "abc"), "3:0-3/0");
    CHECK_STR(tokens_of(json, "abcabc"), "4:0-2/0 2:2-3/0 4:3-5/0 2:5-6/0");
}

TEST("bpe match: characters left out shift the offsets of all that follows in the word")
{
    static const char json[] =
        "{'normalizer':{'type':'Replace','pattern':{'String':' '},'content':'\xE2\x96\x81'},"
        "'pre_tokenizer':{'type':'Split','pattern':{'String':' '},'behavior':"
        "'MergedWithPrevious','invert':false},'model':{'type':'BPE','vocab':{'a':0,'b':1,"
        "'\xE2\x96\x81':2,'ab':3,'\xE2\x96\x81" "a':4,'c':5},'merges':['a b','\xE2\x96\x81 a']}}";
    static const struct { const char *text, *tokens; } rows[] = {
        {"ab ab c", "3:0-2/0 2:2-3/0 3:3-5/0 2:5-6/0 5:6-7/0"},
        {"abx ab cab", "3:0-2/0 2:2-4/0 3:3-5/0 2:5-7/0 5:6-7/0 3:7-9/0"},
        {"ab axb c ab", "3:0-2/0 2:2-3/0 3:3-5/0 2:5-7/0 5:6-7/0 2:7-9/0 3:8-10/0"},
    };
    enc_tokenizer *t = opened(json);
    REQUIRE(t);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            CHECK_STR(tokenized(t, rows[i].text, strlen(rows[i].text)), rows[i].tokens);
    enc_tokenizer_close(t);
}
