/* test_split_between.c - core/text/split_between.c: which neighbours a pattern parts. */
#include <string.h>

#include "split_pattern.h"
#include "unit.h"

enum {
    UNCERTAIN = ENC_SPLIT_UNCERTAIN,
    BEGINS = ENC_SPLIT_BEGINS,
    NOTHING = ENC_SPLIT_NOTHING
};

#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|" \
             "\\s+(?!\\S)|\\s+"
#define LLAMA3 "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|" \
               " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

TEST("split between: a match begins with white space where no match goes on to it")
{
    static const struct {
        const char *pattern;
        uint32_t left, right;
        int between;
    } rows[] = {
        {GPT2, 'a', ' ', BEGINS},
        {GPT2, ',', ' ', BEGINS},
        {GPT2, '1', '\n', BEGINS},
        {GPT2, 0x4E2D, ' ', BEGINS},
        {GPT2, 's', ' ', BEGINS},
        {GPT2, ' ', ' ', UNCERTAIN},
        {GPT2, ' ', 'a', UNCERTAIN},
        {GPT2, 'a', 'b', UNCERTAIN},
        {GPT2, '\'', 's', UNCERTAIN},
        {LLAMA3, 'a', '\n', BEGINS},
        {LLAMA3, ',', '\n', UNCERTAIN}, /* both are one match */
        {LLAMA3, ',', ' ', BEGINS},
        {LLAMA3, 0x3002, '\r', UNCERTAIN},
        {"\\p{L}+", 'a', ' ', UNCERTAIN}, /* what lies between matches goes on */
        {"\\p{L}+", ',', ' ', NOTHING},
        {"\\s+", 'a', ' ', BEGINS},
        {"\\s+", 0x2581, ' ', BEGINS},
        {"[0-9]{3}", 'a', ' ', NOTHING},
        {"\\s{2}", 'a', ' ', UNCERTAIN}, /* begins only if another one follows */
        {"\\S+(?!\\S)|\\s+", 'a', 0x2581, UNCERTAIN},
        {"\\s+$|\\s", 'a', ' ', UNCERTAIN}, /* would look for a line's end */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enc_split_pattern *p = NULL;
        REQUIRE(enc_split_pattern_open(rows[i].pattern, strlen(rows[i].pattern), false, &p,
                                       NULL) == ENC_OK && p);
        int between = enc_split_pattern_between(p, rows[i].left, rows[i].right);
        if (between != rows[i].between)
            CHECK_STR(rows[i].pattern, "another answer");
        CHECK_INT(between, rows[i].between);
        enc_split_pattern_close(p);
    }
}
