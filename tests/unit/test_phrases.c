/* test_phrases.c - core/text/phrases.c: where a text can be taken apart. */
#include "phrases.h"

#include "tokenizer_parts.h"
#include "tokenizing.h"

#define BYTE_LEVEL "{'type':'ByteLevel','add_prefix_space':false,'trim_offsets':true," \
                   "'use_regex':true}"
#define METASPACE "{'type':'Metaspace','replacement':'_','prepend_scheme':'always'," \
                  "'split':true}"
#define SPLIT(pattern, behavior) "{'type':'Split','pattern':{'Regex':'" pattern "'}," \
                                 "'behavior':'" behavior "','invert':false}"
#define REPLACE(from, to) "{'type':'Replace','pattern':{'String':'" from "'}," \
                          "'content':'" to "'}"
#define ADDED(text, more) "{'id':50,'content':'" text "','single_word':false," more \
                          "'normalized':true,'special':false}"

/* "": not taken apart; "always": at all white space; else what parts a letter, a comma and a
** character of Chinese from the four kinds of it, as hexadecimal numbers. */
static const char *borders_of(const char *normalizer, const char *pretokenizer,
                              const char *added)
{
    static char line[64];
    enc_tokenizer *t = opened(small_json(normalizer, pretokenizer, NULL, added));
    line[0] = '\0';
    if (t && t->phrases.owner && t->phrases.always)
        snprintf(line, sizeof line, t->phrases.chinese ? "always, Chinese" : "always");
    else if (t && t->phrases.owner)
        snprintf(line, sizeof line, "%x %x %x", enc_phrases_borders(t, 'a'),
                 enc_phrases_borders(t, ','), enc_phrases_borders(t, 0x4E2D));
    enc_tokenizer_close(t);
    return line;
}

TEST("phrases: a text is taken apart where normaliser and pre-tokenizer let it")
{
    static const struct { const char *normalizer, *pretokenizer, *borders; } rows[] = {
        {BERT_NORMALIZER, BERT_SPLIT, "always, Chinese"},
        {"{'type':'Lowercase'}", BERT_SPLIT, "always"},
        {"{'type':'NFC'}", BERT_SPLIT, ""},
        {NULL, NULL, ""},
        {NULL, BYTE_LEVEL, "f f f"},
        {"{'type':'NFC'}", BYTE_LEVEL, "f f f"},
        {NULL, METASPACE, "1 1 1"},
        {NULL, SPLIT("\\\\s+", "MergedWithNext"), "f f f"},
        {NULL, SPLIT("\\\\s+", "MergedWithPrevious"), ""},
        {NULL, SPLIT("\\\\s+", "Contiguous"), ""},
        {NULL, SPLIT("[^a]+|a[\\\\s,]*", "Isolated"), ""},
        {NULL, SPLIT("a+|,[\\\\n]*|\\\\s|\\\\S", "Isolated"), "f b f"},
        {REPLACE(" ", "_"), METASPACE, "1 1 1"},
        {REPLACE(", ", ","), METASPACE, ""},
        {REPLACE("  ", " "), METASPACE, "1 1 1"},
        {REPLACE(" ", ""), METASPACE, ""},
        {"{'type':'Strip','strip_left':true,'strip_right':true}", METASPACE, "1 1 1"},
        {"{'type':'Prepend','prepend':'_'}", METASPACE, "1 1 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = borders_of(rows[i].normalizer, rows[i].pretokenizer, NULL);
        if (strcmp(got, rows[i].borders) != 0)
            CHECK_STR(rows[i].pretokenizer, rows[i].normalizer);
        CHECK_STR(got, rows[i].borders);
    }
}

TEST("phrases: added tokens that could reach across a border keep a text together")
{
#define PLAIN "'lstrip':false,'rstrip':false,"
    static const struct { const char *added, *bert, *metaspace; } rows[] = {
        {ADDED("<x>", PLAIN), "always, Chinese", "1 1 1"},
        {ADDED("x y", PLAIN), "", ""},
        {ADDED("  ", PLAIN), "", "1 1 1"},
        {ADDED("x_", PLAIN), "always, Chinese", "1 1 1"},
        {ADDED("<x>", "'lstrip':true,'rstrip':false,"), "", ""},
        {ADDED("<x>", "'lstrip':false,'rstrip':true,"), "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_STR(borders_of(BERT_NORMALIZER, BERT_SPLIT, rows[i].added), rows[i].bert);
        CHECK_STR(borders_of(NULL, METASPACE, rows[i].added), rows[i].metaspace);
    }
    CHECK_STR(borders_of(REPLACE(" ", "_"), METASPACE, ADDED("x_", PLAIN)), "");
}

TEST("phrases: no two tokenizers have the same number")
{
    const char *json = small_json(BERT_NORMALIZER, BERT_SPLIT, NULL, NULL);
    enc_tokenizer *a = opened(json), *b = opened(json);
    REQUIRE(a && b);
    CHECK(a->phrases.owner != 0 && b->phrases.owner != 0);
    CHECK(a->phrases.owner != b->phrases.owner);
    enc_tokenizer_close(a);
    enc_tokenizer_close(b);
}
