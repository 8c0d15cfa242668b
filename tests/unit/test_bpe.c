/* test_bpe.c - core/text/bpe.c, bpe_open.c: characters grow together by rank. */
#include "tokenizing.h"

/* Options, then merges; the vocabulary is the same in all tests but where it is said. */
#define BPE(options, merges)                                                               \
    "{'model':{'type':'BPE'," options "'vocab':{'<unk>':0,'a':1,'b':2,'c':3,'ab':4,'bc':5,"  \
    "'abc':6,'aa':7,'aaaa':8,'<0xC3>':9,'<0xA9>':10,'abcabc':11},'merges':" merges "}}"
#define MERGES "['b c','a b','a bc','a a','aa aa','abc abc']"

TEST("bpe: the pair that stands first in the list is merged first, then the leftmost")
{
    static const struct { const char *text, *tokens; } rows[] = {
        {"abc", "6:0-3/0"},
        {"ab", "4:0-2/0"},
        {"abab", "4:0-2/0 4:2-4/0"},
        {"aaa", "7:0-2/0 1:2-3/0"},
        {"aaaaaa", "8:0-4/0 7:4-6/0"},
        {"abcabc", "11:0-6/0"},
        {"cba", "3:0-1/0 2:1-2/0 1:2-3/0"},
        {"", ""},
    };
    enc_tokenizer *strings = opened(BPE("", MERGES));
    enc_tokenizer *pairs = opened(BPE("", "[['b','c'],['a','b'],['a','bc'],['a','a'],"
                                          "['aa','aa'],['abc','abc']]"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_STR(tokenized(strings, rows[i].text, strlen(rows[i].text)), rows[i].tokens);
        CHECK_STR(tokenized(pairs, rows[i].text, strlen(rows[i].text)), rows[i].tokens);
    }
    enc_tokenizer_close(strings);
    enc_tokenizer_close(pairs);
}

TEST("bpe: a token of the vocabulary that no merges lead to is found only where they are ignored")
{
    CHECK_STR(tokens_of(BPE("", "['a b']"), "abc"), "4:0-2/0 3:2-3/0");
    CHECK_STR(tokens_of(BPE("'ignore_merges':true,", "['a b']"), "abc"), "6:0-3/0");
    CHECK_STR(tokens_of(BPE("'ignore_merges':true,", "['a b']"), "abcc"),
              "4:0-2/0 3:2-3/0 3:3-4/0");
}

TEST("bpe: unknown characters are left out, or the unknown token, one for each or for all")
{
    CHECK_STR(tokens_of(BPE("", MERGES), "axyb"), "4:0-2/0");
    CHECK_STR(tokens_of(BPE("'unk_token':null,", MERGES), "xy"), "");
    CHECK_STR(tokens_of(BPE("'unk_token':'<unk>',", MERGES), "axyb"),
              "1:0-1/0 0:1-2/0 0:2-3/0 2:3-4/0");
    CHECK_STR(tokens_of(BPE("'unk_token':'<unk>','fuse_unk':true,", MERGES), "axyb"),
              "1:0-1/0 0:1-3/0 2:3-4/0");
}

TEST("bpe: an unknown character becomes its bytes where all of them are tokens")
{
    static const char model[] = BPE("'unk_token':'<unk>','byte_fallback':true,", MERGES);
    CHECK_STR(tokens_of(model, "a\xC3\xA9"), "1:0-1/0 9:1-2/0 10:1-2/0");
    CHECK_STR(tokens_of(model, "a\xC3\xA8"), "1:0-1/0 0:1-2/0");
    /* As the reference has it: the unknown token waits, and the bytes go by. */
    CHECK_STR(tokens_of(model, "x\xC3\xA9" "a"), "9:0-1/0 10:1-2/0 0:1-2/0 1:2-3/0");
}

TEST("bpe: an unknown token that the vocabulary lacks is a fault of the texts that need it")
{
    enc_tokenizer *t = opened(BPE("'unk_token':'none',", MERGES));
    enc_arena arena = {0};
    enc_pieces pieces;
    enc_error err = {0};
    CHECK_STR(tokenized(t, "abc", 3), "6:0-3/0");
    CHECK_INT(enc_tokenizer_pieces(t, &arena, text_of("abx"), 0, NULL, &pieces, &err),
              ENC_UNSUPPORTED);
    CHECK_STR(err.message, "the text has a character that the tokenizer does not know, and its "
                           "vocabulary has no token for those");
    enc_arena_destroy(&arena);
    enc_tokenizer_close(t);
}

TEST("bpe: prefix and suffix belong to characters that continue and that end a word")
{
    static const char json[] =
        "{'pre_tokenizer':{'type':'WhitespaceSplit'},'model':{'type':'BPE','unk_token':'?',"
        "'continuing_subword_prefix':'##','end_of_word_suffix':'$','vocab':{'?':0,'a':1,"
        "'##b':2,'##c$':3,'ab':4,'abc$':5,'a$':6,'##bc$':7},'merges':["
        "'##b ##c$','a ##b','a ##bc$']}}";
    CHECK_STR(tokens_of(json, "abc a ab"), "5:0-3/0 6:4-5/1 1:6-7/2 0:7-8/2");
    CHECK_STR(tokens_of(json, "abbc"), "4:0-2/0 7:2-4/0");
}

TEST("bpe: words of a thousand characters come to the same as short ones side by side")
{
    enum { LENGTH = 1200 };
    char text[LENGTH + 1];
    enc_arena arena = {0};
    enc_pieces pieces = {0};
    enc_tokenizer *t = opened(BPE("", "['b c','a b','a bc','a a','aa aa']"));
    REQUIRE(t);
    for (int i = 0; i < LENGTH; i++)
        text[i] = "abc"[i % 3];
    CHECK_INT(enc_tokenizer_pieces(t, &arena, (enc_text){text, LENGTH}, 0, NULL, &pieces, NULL),
              ENC_OK);
    CHECK_INT(pieces.count, LENGTH / 3);
    int right = 0;
    for (size_t i = 0; i < pieces.count; i++)
        right += pieces.token[i].id == 6 && pieces.token[i].char_start == 3 * i;
    CHECK_INT(right, LENGTH / 3);
    memset(text, 'a', LENGTH);
    CHECK_INT(enc_tokenizer_pieces(t, &arena, (enc_text){text, LENGTH}, 0, NULL, &pieces, NULL),
              ENC_OK);
    CHECK_INT(pieces.count, LENGTH / 4);
    enc_arena_destroy(&arena);
    enc_tokenizer_close(t);
}

TEST("bpe: of equal merges the last counts, and lines #version are none")
{
    CHECK_STR(tokens_of(BPE("", "['#version: 0.2','a b','b c','a b']"), "abc"),
              "1:0-1/0 5:1-3/0");
}

TEST("bpe: what can't be is refused by path, merge and token")
{
    static const struct { const char *json, *message; } rows[] = {
        {BPE("'dropout':0.1,", "[]"), "tokenizer.json: model.dropout is 0.1: tokens would be left "
         "to chance, only 0 and null are supported"},
        {BPE("'dropout':'x',", "[]"), "tokenizer.json: model.dropout is 'x', must be a number or "
         "null"},
        {BPE("'fuse_unk':1,", "[]"), "tokenizer.json: model.fuse_unk is 1, must be true or false"},
        {BPE("", "{}"), "tokenizer.json: model.merges is an object, must be an array"},
        {BPE("", "['ab']"), "tokenizer.json: model.merges[0] is 'ab', must be two tokens with one "
         "space between them"},
        {BPE("", "['a b c']"), "tokenizer.json: model.merges[0] is 'a b c', must be two tokens "
         "with one space between them"},
        {BPE("", "['a b',['a','b']]"), "tokenizer.json: model.merges[1] is an array, must be a "
         "string"},
        {BPE("", "[['a']]"), "tokenizer.json: model.merges[0] is an array, must be two strings"},
        {BPE("", "['a b','a x']"), "tokenizer.json: model.merges[1] is 'a' with 'x', but 'x' is "
         "not in the vocabulary"},
        {BPE("", "['c a']"), "tokenizer.json: model.merges[0]: 'c' with 'a' make no token of the "
         "vocabulary"},
        {BPE("'continuing_subword_prefix':'##',", "['a b']"), "tokenizer.json: model.merges[0]: "
         "'b' does not begin with the continuing_subword_prefix of 2 bytes"},
        {BPE("'end_of_word_suffix':'1234567890123456789012345678901234567890123456789012345678"
         "9012345',", "[]"), "tokenizer.json: model.end_of_word_suffix has 65 bytes, the limit is "
         "64"},
    };
    int64_t before = enc_memory_used();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(refusal(rows[i].json), rows[i].message);
    CHECK_INT(enc_memory_used(), before);
}
