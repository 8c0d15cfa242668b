/* test_unigram.c - core/text/unigram.c: the best way to cut a word into pieces. */
#include "tokenizing.h"

#define UNIGRAM(options, vocab) "{'model':{'type':'Unigram'," options "'vocab':[" vocab "]}}"
#define VOCAB "['<unk>',0],['a',-1],['b',-1],['c',-1],['ab',-1.5],['abc',-4.5],['bc',-1.25]"

TEST("unigram: the pieces with the largest sum of scores win, of equal sums the longest last one")
{
    static const struct { const char *text, *tokens; } rows[] = {
        {"ab", "4:0-2/0"},
        {"abc", "1:0-1/0 6:1-3/0"},
        {"aab", "1:0-1/0 4:1-3/0"},
        {"abab", "4:0-2/0 4:2-4/0"},
        {"", ""},
    };
    enc_tokenizer *t = opened(UNIGRAM("'unk_id':0,", VOCAB));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(tokenized(t, rows[i].text, strlen(rows[i].text)), rows[i].tokens);
    enc_tokenizer_close(t);
    CHECK_STR(tokens_of(UNIGRAM("'unk_id':0,", "['<unk>',0],['a',-1],['aa',-2]"), "aa"),
              "2:0-2/0");
}

TEST("unigram: unknown characters side by side are one token")
{
    CHECK_STR(tokens_of(UNIGRAM("'unk_id':0,", VOCAB), "axyb\xC3\xA9"),
              "1:0-1/0 0:1-3/0 2:3-4/0 0:4-5/0");
    /* The piece <unk> in the text is the unknown token, and fused as such. */
    CHECK_STR(tokens_of(UNIGRAM("'unk_id':0,", VOCAB), "a<unk>x"), "1:0-1/0 0:1-7/0");
}

TEST("unigram: unknown characters that together are a piece are that piece")
{
    /* Scores are so high that two unknown characters are better than their piece. */
    CHECK_STR(tokens_of(UNIGRAM("'unk_id':0,", "['<unk>',100],['a',100],['xy',100]"), "axy"),
              "1:0-1/0 2:1-3/0");
}

TEST("unigram: unknown characters become their bytes where all of them are pieces")
{
    static const char model[] =
        UNIGRAM("'unk_id':0,'byte_fallback':true,", VOCAB ",['<0xC3>',-9],['<0xA9>',-9]");
    CHECK_STR(tokens_of(model, "a\xC3\xA9" "b"), "1:0-1/0 7:1-2/0 8:1-2/0 2:2-3/0");
    CHECK_STR(tokens_of(model, "\xC3\xA9\xC3\xA9"), "7:0-2/0 8:0-2/0 7:0-2/0 8:0-2/0");
    CHECK_STR(tokens_of(model, "\xC3\xA9x"), "0:0-2/0");
}

TEST("unigram: without an unknown token a text with an unknown character is refused")
{
    enc_tokenizer *t = opened(UNIGRAM("'unk_id':null,", "['a',-1]"));
    enc_arena arena = {0};
    enc_pieces pieces;
    enc_error err = {0};
    CHECK_STR(tokenized(t, "aa", 2), "0:0-1/0 0:1-2/0");
    CHECK_INT(enc_tokenizer_pieces(t, &arena, text_of("ax"), 0, NULL, &pieces, &err),
              ENC_UNSUPPORTED);
    enc_arena_destroy(&arena);
    enc_tokenizer_close(t);
}

TEST("unigram: of equal pieces the last counts")
{
    CHECK_STR(tokens_of(UNIGRAM("'unk_id':0,", "['<unk>',0],['a',-1],['a',-3],['b',-1]"), "ab"),
              "2:0-1/0 3:1-2/0");
}

TEST("unigram: words of thousands of characters are read in a line")
{
    enum { LENGTH = 3000 };
    static char text[LENGTH];
    enc_arena arena = {0};
    enc_pieces pieces = {0};
    enc_tokenizer *t = opened(UNIGRAM("'unk_id':0,", VOCAB));
    REQUIRE(t);
    for (int i = 0; i < LENGTH; i++)
        text[i] = "ab"[i % 2];
    CHECK_INT(enc_tokenizer_pieces(t, &arena, (enc_text){text, LENGTH}, 0, NULL, &pieces, NULL),
              ENC_OK);
    CHECK_INT(pieces.count, LENGTH / 2);
    enc_arena_destroy(&arena);
    enc_tokenizer_close(t);
}

TEST("unigram: what can't be is refused by path and value")
{
    static const struct { const char *json, *message; } rows[] = {
        {UNIGRAM("'unk_id':7,", VOCAB), "tokenizer.json: model.unk_id is 7, must be an integer 0 "
         "... 6"},
        {UNIGRAM("'unk_id':0,", ""), "tokenizer.json: model.unk_id is 0, must be null, as there "
         "are no tokens"},
        {UNIGRAM("", "['a']"), "tokenizer.json: model.vocab[0] is an array, must be a token and "
         "its score"},
        {UNIGRAM("", "['a',-1],['b','x']"), "tokenizer.json: model.vocab[1] is an array, must be "
         "a token and its score"},
        {UNIGRAM("", "{}"), "tokenizer.json: model.vocab[0] is an object, must be a token and its "
         "score"},
        {UNIGRAM("'byte_fallback':0,", VOCAB), "tokenizer.json: model.byte_fallback is 0, must be "
         "true or false"},
        {"{'model':{'type':'Unigram','vocab':{}}}", "tokenizer.json: model.vocab is an object, "
         "must be an array"},
    };
    int64_t before = enc_memory_used();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(refusal(rows[i].json), rows[i].message);
    CHECK_INT(enc_memory_used(), before);
}
