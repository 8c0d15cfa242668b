/* test_char_set.c - core/text/char_set.c: sets of characters as patterns write them. */
#include "char_set.h"

#include <string.h>

#include "unit.h"

TEST("char set: escapes, classes and brackets have the characters they say")
{
    static const struct { const char *text, *has, *lacks; } rows[] = {
        {"a", "a", "bA"}, {"\\.", ".", "a"}, {".", "a .", "\n"}, {"\\n", "\n", "n"},
        {"\\s", " \t\n\xE3\x80\x80", "a\xE2\x80\x8B"}, {"\\S", "a\xE2\x80\x8B", " \n"},
        {"\\d", "05\xD9\xA3", "a\xC2\xB2"}, {"\\p{N}", "0\xC2\xB2", "a"},
        {"\\p{Lu}", "A\xC3\x89", "a\xC3\xA9"}, {"\\P{L}", "1 ", "a\xE4\xB8\xAD"},
        {"[a-c]", "abc", "dA-"}, {"[^a-c\\s]", "d1", "a "}, {"[a\\-c]", "a-c", "b"},
        {"[ac-]", "ac-", "b"}, {"[^\\r\\n\\p{L}]", " 1", "\r\nx\xC3\xA9"},
        {"[a[bc]d]", "abcd", "e[]"}, {"[(\\s|[.,])]", "( |.,)", "a["},
        {"[\\x41\\u4e2d]", "A\xE4\xB8\xAD", "a"}, {"\\w", "a_\xC2\xB2", "- "},
        {"[\\w]", "a_", "- \xC2\xB2"}, {"[^\\w]", "-\xC2\xB2", "a"},
        {"[\xE4\xB8\x80-\xE9\xBE\xA5]", "\xE4\xB8\xAD", "a\xE3\x81\x82"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static enc_char_set set;
        const char *at = rows[i].text, *end = at + strlen(at);
        CHECK(enc_char_set_read(&at, end, &set));
        CHECK_STR(at, "");
        for (int lacks = 0; lacks < 2; lacks++) {
            const char *c = lacks ? rows[i].lacks : rows[i].has, *stop = c + strlen(c);
            while (c < stop)
                if (enc_char_set_has(&set, enc_utf8_next(&c, stop)) == lacks)
                    CHECK_STR(rows[i].text, c);
        }
    }
}

TEST("char set: letters without case are those the reference's engine takes for the same")
{
    static enc_char_set set;
    enc_char_set_one('s', true, &set);
    CHECK(enc_char_set_has(&set, 'S') && enc_char_set_has(&set, 0x17F));
    CHECK(!enc_char_set_has(&set, 'k'));
    enc_char_set_one('K', true, &set);
    CHECK(enc_char_set_has(&set, 'k') && enc_char_set_has(&set, 0x212A));
    enc_char_set_one('k', false, &set);
    CHECK(!enc_char_set_has(&set, 'K'));
}

TEST("char set: what it can't read it says so of, however it is cut")
{
    static const char *const texts[] = {"", "[", "[a", "[^", "\\", "\\p", "\\p{", "\\p{L",
                                        "\\p{Han}", "\\x4", "\\u12", "\\q", "[\\", "[a-",
                                        "[b-a]", "[]", "[[:digit:]]", "[a&&b]", "(", "*", "[",
                                        "[[a[b]]]", "\\xFF"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        static enc_char_set set;
        const char *at = texts[i], *end = at + strlen(at);
        if (enc_char_set_read(&at, end, &set))
            CHECK_STR(texts[i], "unreadable");
    }
}
