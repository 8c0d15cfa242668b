/* test_normalizer.c - core/text/normalizer.c: what happens to characters before words are cut. */
#include "normalizing.h"

#define BERT(clean, chinese, strip, lower)                                                \
    "{'type':'BertNormalizer','clean_text':" clean ",'handle_chinese_chars':" chinese     \
    ",'strip_accents':" strip ",'lowercase':" lower "}"
#define LIST(elements) "{'type':'Sequence','normalizers':[" elements "]}"

TEST("normalizer: every setting of BertNormalizer does what it does in the reference")
{
    static const struct { const char *normalizer, *text, *tokens; } rows[] = {
        {BERT_NORMALIZER, "Hello\tWORLD", "9:0-5/0 10:6-11/1"},
        {BERT_NORMALIZER, "a\x01\xE2\x80\x8B" "b", "13:0-4/0"},
        {BERT("false", "true", "null", "true"), "a\x01" "b", "1:0-3/0"},
        {BERT_NORMALIZER, "a\xE4\xB8\xAD\xE6\x96\x87" "b",
         "11:0-1/0 22:1-2/1 23:2-3/2 12:3-4/3"},
        {BERT("true", "false", "null", "true"), "\xE4\xB8\xAD\xE6\x96\x87", "1:0-2/0"},
        {BERT_NORMALIZER, "CAF\xC3\x89 caf\xC3\xA9 cafe\xCC\x81",
         "16:0-4/0 16:5-9/1 16:10-14/2"},
        {BERT("true", "true", "false", "true"), "CAF\xC3\x89", "17:0-4/0"},
        {BERT("true", "true", "null", "false"), "CAF\xC3\x89 The", "1:0-4/0 32:5-8/1"},
        {BERT("true", "true", "true", "false"), "caf\xC3\xA9 The", "16:0-4/0 32:5-8/1"},
        {BERT_NORMALIZER, "\xC4\xB0x", "1:0-2/0"},
        {BERT_NORMALIZER, "\xEF\xBF\xBD\xEF\xBB\xBFthe\xC2\xA0" "a\xE3\x80\x80" "b",
         "5:2-5/0 11:6-7/1 12:8-9/2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(tokens_of(small_json(rows[i].normalizer, "{'type':'WhitespaceSplit'}", NULL,
                                       NULL), rows[i].text), rows[i].tokens);
}

TEST("normalizer: the others, and any list of them, do what they do in the reference")
{
    static const struct { const char *normalizer, *text, *tokens; } rows[] = {
        {"null", "THE the", "1:0-3/0 5:4-7/1"},
        {"{'type':'Lowercase'}", "THE", "5:0-3/0"},
        {LIST("{'type':'Lowercase'}," BERT("true", "true", "null", "false")),
         "CAF\xC3\x89 The", "17:0-4/0 5:5-8/1"},
        {LIST("{'type':'NFD'},{'type':'StripAccents'},{'type':'Lowercase'}"), "CAF\xC3\x89",
         "16:0-4/0"},
        {LIST(""), "The", "32:0-3/0"},
        {LIST(LIST(LIST("{'type':'Lowercase'}"))), "The", "5:0-3/0"},
        {"{'type':'NFKD'}", "\xEF\xAC\x81 \xEF\xBC\x91\xEF\xBC\x92 \xC3\xA9",
         "1:0-1/0 29:2-4/1 34:5-6/2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(tokens_of(small_json(rows[i].normalizer, "{'type':'WhitespaceSplit'}", NULL,
                                       NULL), rows[i].text), rows[i].tokens);
}

TEST("normalizer: what is not supported or not complete is refused by its path")
{
    static const struct { const char *normalizer, *message; } rows[] = {
        {"{'type':'Nmt'}",
         "tokenizer.json: normalizer.type 'Nmt' is not supported "
         "(BertNormalizer, Lowercase, StripAccents, NFC, NFD, NFKC, NFKD, Strip, Replace, "
         "Prepend, Precompiled, ByteLevel, Sequence)"},
        {LIST("{'type':'Lowercase'},{'type':'Uppercase'}"),
         "tokenizer.json: normalizer.normalizers[1].type 'Uppercase' is not supported "
         "(BertNormalizer, Lowercase, StripAccents, NFC, NFD, NFKC, NFKD, Strip, Replace, "
         "Prepend, Precompiled, ByteLevel, Sequence)"},
        {"[]", "tokenizer.json: normalizer is an array, must be an object"},
        {"{}", "tokenizer.json: normalizer.type is missing, must be a string"},
        {"{'type':7}", "tokenizer.json: normalizer.type is 7, must be a string"},
        {"{'type':'Sequence'}",
         "tokenizer.json: normalizer.normalizers is missing, must be an array"},
        {LIST("null"),
         "tokenizer.json: normalizer.normalizers[0] is null, must be an object"},
        {BERT("1", "true", "null", "true"),
         "tokenizer.json: normalizer.clean_text is 1, must be true or false"},
        {BERT("true", "true", "'no'", "true"),
         "tokenizer.json: normalizer.strip_accents is 'no', must be true or false"},
        {"{'type':'BertNormalizer','clean_text':true,'handle_chinese_chars':true}",
         "tokenizer.json: normalizer.lowercase is missing, must be true or false"},
        {LIST("{'type':'NFD'},{'type':'NFD'},{'type':'NFD'},{'type':'NFD'}"),
         "tokenizer.json: normalizer.normalizers[3]: too many steps that reorder characters"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(refusal(small_json(rows[i].normalizer, NULL, NULL, NULL)), rows[i].message);
}

TEST("normalizer: a list of more than 16 steps is refused")
{
    char list[1024] = "{'type':'Sequence','normalizers':[{'type':'Lowercase'}";
    for (int i = 0; i < 16; i++)
        strcat(list, ",{'type':'Lowercase'}");
    strcat(list, "]}");
    CHECK_STR(refusal(small_json(list, NULL, NULL, NULL)),
              "tokenizer.json: normalizer.normalizers[16]: more than 16 steps");
}

TEST("normalizer: ByteLevel writes each byte as its letter")
{
    static const normalizing_row rows[] = {
        {"{'type':'ByteLevel'}", "a \xC3\xA9\xE4\xB8\xAD\n",
         "a\xC4\xA0\xC3\x83\xC2\xA9\xC3\xA4\xC2\xB8\xC5\x83\xC4\x8A",
         "0-1 1-2 2-3 2-3 3-4 3-4 3-4 4-5"},
        {"{'type':'Sequence','normalizers':[{'type':'Lowercase'},{'type':'ByteLevel'}]}",
         "\xC4\xB0", "i\xC3\x8C\xC4\xA9", "0-1 0-1 0-1"},
    };
    CHECK_NORMALIZED(rows);
}
