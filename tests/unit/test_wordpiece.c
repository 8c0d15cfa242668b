/* test_wordpiece.c - core/text/wordpiece.c: words to pieces. */
#include "tokenizing.h"

TEST("wordpiece: a word becomes the longest known pieces from its left")
{
    static const struct { const char *text, *tokens; } rows[] = {
        {"unaffable", "6:0-2/0 7:2-5/0 8:5-9/0"},
        {"hello", "9:0-5/0"},
        {"abb", "13:0-2/0 14:2-3/0"},
        {"abbc", "13:0-2/0 14:2-3/0 15:3-4/0"},
        {"xx12", "1:0-4/0"},                  /* no ##12, and ##1 neither */
        {"helloz", "1:0-6/0"},                /* all or nothing */
        {"caf\xC3\xA9x", "17:0-4/0 27:4-5/0"}, /* pieces end between characters */
        {"\xE4\xB8\xAD\xE6\x96\x87", "1:0-2/0"},
        {"un un", "6:0-2/0 6:3-5/1"},
        {"", ""},
    };
    enc_tokenizer *t = opened(small_json(NULL, BERT_SPLIT, NULL, NULL));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(tokenized(t, rows[i].text, strlen(rows[i].text)), rows[i].tokens);
    enc_tokenizer_close(t);
}

TEST("wordpiece: a word of 100 characters is cut up, one of 101 is unknown")
{
    char word[101], want[101 * 16] = "26:0-1/0";
    size_t at = strlen(want);
    memset(word, 'x', sizeof word);
    for (int i = 1; i < 100; i++)
        at += (size_t)sprintf(want + at, " 27:%d-%d/0", i, i + 1);
    enc_tokenizer *t = opened(small_json(NULL, BERT_SPLIT, NULL, NULL));
    CHECK_STR(tokenized(t, word, 100), want);
    CHECK_STR(tokenized(t, word, 101), "1:0-101/0");
    enc_tokenizer_close(t);
}

TEST("wordpiece: the prefix of continuing pieces may be anything, also nothing")
{
    static const char json[] =
        "{'model':{'type':'WordPiece','unk_token':'?','continuing_subword_prefix':'%s',"
        "'max_input_chars_per_word':%d,'vocab':{'?':0,'a':1,'b':2,'__b':3,'ab':4,'c':5}}}";
    char text[512];
    snprintf(text, sizeof text, json, "", 9);
    CHECK_STR(tokens_of(text, "aba"), "4:0-2/0 1:2-3/0");
    CHECK_STR(tokens_of(text, "ba"), "2:0-1/0 1:1-2/0");
    snprintf(text, sizeof text, json, "__", 9);
    CHECK_STR(tokens_of(text, "abb"), "4:0-2/0 3:2-3/0");
    CHECK_STR(tokens_of(text, "ba"), "0:0-2/0");
    snprintf(text, sizeof text, json, "longer than any token", 9);
    CHECK_STR(tokens_of(text, "ab"), "4:0-2/0");
    CHECK_STR(tokens_of(text, "abb"), "0:0-3/0");
    snprintf(text, sizeof text, json, "", 1);
    CHECK_STR(tokens_of(text, "a"), "1:0-1/0");
    CHECK_STR(tokens_of(text, "ab"), "0:0-2/0");
    snprintf(text, sizeof text, json, "", 0);
    CHECK_STR(tokens_of(text, "a"), "0:0-1/0");
}

TEST("wordpiece: words of thousands of characters are cut up where the model allows them")
{
    enum { LENGTH = 5000 };
    char text[LENGTH];
    enc_arena arena = {0};
    enc_error err;
    enc_pieces pieces = {0};
    enc_tokenizer *t = opened("{'model':{'type':'WordPiece','unk_token':'?',"
                              "'continuing_subword_prefix':'','max_input_chars_per_word':100000,"
                              "'vocab':{'?':0,'xy':1}}}");
    REQUIRE(t);
    for (int i = 0; i < LENGTH; i++)
        text[i] = i % 2 ? 'y' : 'x';
    enc_tokenizer_pieces(t, &arena, (enc_text){text, LENGTH}, 0, NULL, &pieces, &err);
    CHECK_INT(pieces.count, LENGTH / 2);
    CHECK_INT(pieces.token[LENGTH / 2 - 1].byte_start, LENGTH - 2);
    enc_arena_destroy(&arena);
    enc_tokenizer_close(t);
}
