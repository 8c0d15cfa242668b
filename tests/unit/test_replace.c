/* test_replace.c - core/text/replace.c: texts and runs of characters replaced by others. */
#include "normalizing.h"

TEST("replace: each match of a text from the left, aligned to the match's last character")
{
    static const normalizing_row rows[] = {
        {"{'type':'Replace','pattern':{'String':' '},'content':'▁'}", "a b  c",
         "a\xE2\x96\x81" "b\xE2\x96\x81\xE2\x96\x81" "c", "0-1 1-2 2-3 3-4 4-5 5-6"},
        {"{'type':'Replace','pattern':{'String':'``'},'content':'Q'}", "a``b`c```", "aQb`cQ`",
         "0-1 2-3 3-4 4-5 5-6 7-8 8-9"},
        {"{'type':'Replace','pattern':{'String':'aba'},'content':'x'}", "ababa abab",
         "xba xb", "2-3 3-4 4-5 5-6 8-9 9-10"},
        {"{'type':'Replace','pattern':{'String':'aab'},'content':'Z'}", "aaab aabaab",
         "aZ ZZ", "0-1 3-4 4-5 7-8 10-11"},
        {"{'type':'Replace','pattern':{'String':'ab'},'content':''}", "abcab", "c", "2-3"},
        {"{'type':'Replace','pattern':{'String':'b'},'content':'123'}", "abc", "a123c",
         "0-1 1-2 1-2 1-2 2-3"},
         {"{'type':'Sequence','normalizers':[{'type':'Replace','pattern':{'String':'a'},'"
         "content':'b'},{'type':'Replace','pattern':{'String':'bb'},'content':'c'}]}",
         "ab ba aa", "c c c", "1-2 2-3 4-5 5-6 7-8"},
    };
    CHECK_NORMALIZED(rows);
}

TEST("replace: runs of one kind of characters, as long as they go on")
{
    static const normalizing_row rows[] = {
        {"{'type':'Replace','pattern':{'Regex':' {2,}'},'content':' '}", "a  b c    d  ",
         "a b c d ", "0-1 2-3 3-4 4-5 5-6 9-10 10-11 12-13"},
        {"{'type':'Replace','pattern':{'Regex':' {2,}'},'content':'▁'}", " a   b",
         " a\xE2\x96\x81" "b", "0-1 1-2 4-5 5-6"},
        {"{'type':'Replace','pattern':{'Regex':'\\\\s+'},'content':' '}", "a \n\t b\n",
         "a b ", "0-1 4-5 5-6 6-7"},
        {"{'type':'Replace','pattern':{'Regex':'\\\\s'},'content':'__'}", "a  b", "a____b",
         "0-1 1-2 1-2 2-3 2-3 3-4"},
        {"{'type':'Replace','pattern':{'Regex':'[a-c]{3,}'},'content':'z'}",
         "ab abc abcabc x", "ab z z x", "0-1 1-2 2-3 5-6 6-7 12-13 13-14 14-15"},
        {"{'type':'Replace','pattern':{'Regex':'\\\\n'},'content':''}", "a\n\nb", "ab",
         "0-1 3-4"},
    };
    CHECK_NORMALIZED(rows);
}

TEST("replace: what is no text and no run is refused by name")
{
    static const struct { const char *pattern, *message; } rows[] = {
        {"{'Regex':'a|b'}", "tokenizer.json: normalizer.pattern.Regex 'a|b' is not supported "
                            "(runs of one kind of characters are, as ' {2,}')"},
        {"{'Regex':'(?<=x)a'}",
         "tokenizer.json: normalizer.pattern.Regex '(?<=x)a' is not supported (runs of one "
         "kind of characters are, as ' {2,}')"},
        {"{'Regex':'a*'}", "tokenizer.json: normalizer.pattern.Regex 'a*' is not supported "
                           "(runs of one kind of characters are, as ' {2,}')"},
        {"{'String':''}", "tokenizer.json: normalizer.pattern.String has 0 characters, 1 ... "
                          "128 are supported"},
        {"{'String':7}",
         "tokenizer.json: normalizer.pattern.String is 7, must be a string"},
        {"{}", "tokenizer.json: normalizer.pattern.Regex is missing, must be a string"},
        {"' '", "tokenizer.json: normalizer.pattern is ' ', must be an object"},
    };
    char json[256];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(json, sizeof json, "{'type':'Replace','pattern':%s,'content':' '}",
                 rows[i].pattern);
        CHECK_STR(refusal(small_json(json, NULL, NULL, NULL)), rows[i].message);
    }
}

TEST("replace: steps that together make thousands of characters of one are refused")
{
    enc_error err = {0};
    enc_normalizer n;
    json_t *one = json_pack("{s:s, s:{s:s}, s:s}", "type", "Replace", "pattern", "String", "a",
                            "content", "aaaaaaaaaa");
    json_t *list = json_array();
    for (int i = 0; i < 12; i++)
        json_array_append(list, one);
    json_t *value = json_pack("{s:s, s:o}", "type", "Sequence", "normalizers", list);
    const enc_node node = enc_node_file("t.json", value);
    enc_normalizer_begin(&n);
    CHECK_INT(enc_normalizer_read(&n, &node, &err), ENC_UNSUPPORTED);
    CHECK_STR(err.message, "t.json: normalizers[3]: with it one character may become 10000, the "
              "limit is 4096");
    enc_normalizer_close(&n);
    json_decref(one);
    json_decref(value);
}
