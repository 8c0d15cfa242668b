/* test_pretokenizer.c - core/text/pretokenizer.c: where words are cut. */
#include "tokenizing.h"

#define LIST(elements) "{'type':'Sequence','pretokenizers':[" elements "]}"
#define PUNCTUATION(behavior) "{'type':'Punctuation','behavior':'" behavior "'}"

TEST("pre-tokenizer: each one, and any list of them, cuts where the reference does")
{
    static const struct { const char *pretokenizer, *tokens; } rows[] = {
        {BERT_SPLIT, "11:0-1/0 21:1-2/1 5:2-5/2 20:5-6/3 20:6-7/4 10:7-12/5 29:13-15/6 "
                     "27:15-16/6"},
        {"{'type':'WhitespaceSplit'}", "1:0-12/0 29:13-15/1 27:15-16/1"},
        {"{'type':'Whitespace'}",
         "11:0-1/0 21:1-2/1 5:2-5/2 1:5-7/3 10:7-12/4 29:13-15/5 27:15-16/5"},
        {NULL, "1:0-16/0"},
        {PUNCTUATION("Removed"), "11:0-1/0 5:2-5/1 1:7-16/2"},
        {PUNCTUATION("Isolated"),
         "11:0-1/0 21:1-2/1 5:2-5/2 20:5-6/3 20:6-7/4 1:7-16/5"},
        {"{'type':'Punctuation'}",
         "11:0-1/0 21:1-2/1 5:2-5/2 20:5-6/3 20:6-7/4 1:7-16/5"},
        {PUNCTUATION("MergedWithPrevious"), "1:0-2/0 1:2-6/1 20:6-7/2 1:7-16/3"},
        {PUNCTUATION("MergedWithNext"), "11:0-1/0 1:1-5/1 20:5-6/2 1:6-16/3"},
        {PUNCTUATION("Contiguous"), "11:0-1/0 21:1-2/1 5:2-5/2 1:5-7/3 1:7-16/4"},
        {"{'type':'Digits','individual_digits':true}",
         "1:0-13/0 30:13-14/1 1:14-15/2 26:15-16/3"},
        {"{'type':'Digits','individual_digits':false}", "1:0-13/0 29:13-15/1 26:15-16/2"},
        {LIST(BERT_SPLIT ",{'type':'Digits','individual_digits':true}"),
         "11:0-1/0 21:1-2/1 5:2-5/2 20:5-6/3 20:6-7/4 10:7-12/5 30:13-14/6 1:14-15/7 "
         "26:15-16/8"},
        {LIST(""), "1:0-16/0"},
        {LIST("{'type':'WhitespaceSplit'}," PUNCTUATION("MergedWithNext")),
         "11:0-1/0 1:1-5/1 20:5-6/2 1:6-12/3 29:13-15/4 27:15-16/4"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(tokens_of(small_json(BERT_NORMALIZER, rows[i].pretokenizer, NULL, NULL),
                            "a,the..world 12x"), rows[i].tokens);
}

TEST("pre-tokenizer: what is not supported or not complete is refused by its path")
{
    static const struct { const char *pretokenizer, *message; } rows[] = {
        {"{'type':'UnicodeScripts'}",
         "tokenizer.json: pre_tokenizer.type 'UnicodeScripts' is not supported "
         "(BertPreTokenizer, Whitespace, WhitespaceSplit, ByteLevel, Metaspace, "
         "Punctuation, Digits, Split, Sequence)"},
        {LIST(BERT_SPLIT ",{'type':'CharDelimiterSplit'}"),
         "tokenizer.json: pre_tokenizer.pretokenizers[1].type 'CharDelimiterSplit' is not "
         "supported (BertPreTokenizer, Whitespace, WhitespaceSplit, ByteLevel, Metaspace, "
         "Punctuation, Digits, Split, Sequence)"},
        {"'BertPreTokenizer'",
         "tokenizer.json: pre_tokenizer is 'BertPreTokenizer', must be an object"},
        {PUNCTUATION("Melted"),
         "tokenizer.json: pre_tokenizer.behavior is 'Melted', must be Removed, Isolated, "
         "MergedWithPrevious, MergedWithNext or Contiguous"},
        {"{'type':'Digits'}",
         "tokenizer.json: pre_tokenizer.individual_digits is missing, must be true or false"},
        {"{'type':'Sequence','pretokenizers':{}}",
         "tokenizer.json: pre_tokenizer.pretokenizers is an object, must be an array"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(refusal(small_json(NULL, rows[i].pretokenizer, NULL, NULL)),
                  rows[i].message);
}

TEST("pre-tokenizer: a list of more than four that double a text is refused")
{
    static const char level[] = "{'type':'ByteLevel','add_prefix_space':false,'use_regex':false,"
                                "'trim_offsets':true}";
    char list[1024];
    snprintf(list, sizeof list, "{'type':'Sequence','pretokenizers':[%s,%s,%s,%s]}", level,
             level, level, level);
    enc_tokenizer *t = opened(small_json(NULL, list, NULL, NULL));
    CHECK(t != NULL);
    enc_tokenizer_close(t);
    snprintf(list, sizeof list, "{'type':'Sequence','pretokenizers':[%s,%s,%s,%s,%s]}", level,
             level, level, level, level);
    CHECK_STR(refusal(small_json(NULL, list, NULL, NULL)),
              "tokenizer.json: pre_tokenizer.pretokenizers[4]: more than 4 of type ByteLevel, "
              "each of which may double a text");
}

TEST("pre-tokenizer: a list of more than 16 is refused")
{
    char list[1024] = "{'type':'Sequence','pretokenizers':[{'type':'Whitespace'}";
    for (int i = 0; i < 16; i++)
        strcat(list, ",{'type':'Whitespace'}");
    strcat(list, "]}");
    CHECK_STR(refusal(small_json(NULL, list, NULL, NULL)),
              "tokenizer.json: pre_tokenizer.pretokenizers[16]: more than 16 pre-tokenizers");
}
