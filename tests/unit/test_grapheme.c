/* test_grapheme.c - core/text/grapheme.c: where grapheme clusters end. */
#include "grapheme.h"

#include <string.h>

#include "unit.h"

TEST("grapheme: clusters end where the standard says")
{
    /* Characters of each text, and of its first cluster. */
    static const struct { const char *text; int first; } rows[] = {
        {"ab", 1}, {"\r\n", 2}, {"\n\r", 1}, {"\r\xCC\x81", 1}, {"e\xCC\x81", 2},
        {"e\xCC\x81\xCC\xA3x", 3}, {"\xD8\x80" "1", 2}, {"\xD8\x80\n", 1},
        {"\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8", 3}, {"\xEA\xB0\x80\xE1\x86\xA8", 2},
        {"\xEA\xB0\x81\xE1\x85\xA1", 1}, {"\xEA\xB0\x81\xE1\x86\xA8", 2},
        {"\xE1\x85\xA1\xE1\x84\x80", 1}, {"\xE0\xA4\x95\xE0\xA5\x8D\xE0\xA4\x95", 3},
        {"\xE0\xA4\x95\xE0\xA4\xBE\xE0\xA4\x95", 2},
        {"\xE0\xA4\x95\xE0\xA5\x8D\xE2\x80\x8D\xE0\xA4\x95", 4},
        {"\xE2\x98\xBA\xE2\x80\x8D\xE2\x98\xBA", 3}, {"a\xE2\x80\x8D\xE2\x98\xBA", 2},
        {"\xC2\xA9\xCC\x81\xE2\x80\x8D\xE2\x98\xBA", 4}, {"\xE2\x80\x8B\xCC\x81", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *at = rows[i].text, *end = at + strlen(at);
        enc_grapheme_cluster cluster;
        int count = 1;
        enc_grapheme_begin(&cluster, enc_utf8_next(&at, end));
        while (at < end && enc_grapheme_joins(&cluster, enc_utf8_next(&at, end)))
            count++;
        CHECK_INT(count, rows[i].first);
    }
}
