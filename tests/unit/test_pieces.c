/* test_pieces.c - core/text/pieces.c: a pre-tokenizer's operations on pieces of text. */
#include "pieces.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static size_t decode(const char *text, enc_symbol *out)
{
    size_t count = 0;
    for (const char *at = text, *end = text + strlen(text); at < end; count++)
        out[count] = (enc_symbol){.c = enc_utf8_next(&at, end), .byte = count,
                                  .size = 1, .character = count};
    return count;
}

static const char *shown(const enc_pieces_list *list)
{
    static char line[1024];
    size_t at = 0;
    line[0] = '\0';
    for (size_t i = 0; i < list->now.count; i++)
        at += (size_t)snprintf(line + at, sizeof line - at, "%s%zu-%zu", i ? " " : "",
                               list->now.piece[i].start, list->now.piece[i].end);
    return line;
}

static enc_operation splitting(const char *expression, enum enc_behavior behavior,
                               bool invert)
{
    enc_operation o = {.kind = ENC_CUT_BY_PATTERN, .behavior = behavior, .invert = invert};
    CHECK_INT(enc_split_pattern_open(expression, strlen(expression), false, &o.pattern, NULL),
              ENC_OK);
    return o;
}

enum { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous };

static const struct {
    const char *expression;
    int behavior;
    bool invert;
    const char *pieces;
} rows[] = {
        {"\\s+", Removed, false, "0-2 4-5 6-7 8-11 12-13"},
        {"\\s+", Isolated, false, "0-2 2-4 4-5 5-6 6-7 7-8 8-11 11-12 12-13 13-14"},
        {"\\s+", MergedWithPrevious, false, "0-4 4-6 6-8 8-12 12-14"},
        {"\\s+", MergedWithNext, false, "0-2 2-5 5-7 7-11 11-13 13-14"},
        {"\\s+", Contiguous, false, "0-2 2-4 4-5 5-6 6-7 7-8 8-11 11-12 12-13 13-14"},
        {"\\s+", Removed, true, "2-4 5-6 7-8 11-12 13-14"},
        {"\\s+", Isolated, true, "0-2 2-4 4-5 5-6 6-7 7-8 8-11 11-12 12-13 13-14"},
        {"\\s+", MergedWithPrevious, true, "0-2 2-5 5-7 7-11 11-13 13-14"},
        {"\\s+", MergedWithNext, true, "0-4 4-6 6-8 8-12 12-14"},
        {"\\s+", Contiguous, true, "0-2 2-4 4-5 5-6 6-7 7-8 8-11 11-12 12-13 13-14"},
        {"[a-c]", Removed, false, "2-4 5-8 11-12 13-14"},
        {"[a-c]", Isolated, false, "0-1 1-2 2-4 4-5 5-8 8-9 9-10 10-11 11-12 12-13 13-14"},
        {"[a-c]", MergedWithPrevious, false, "0-1 1-2 2-5 5-9 9-10 10-11 11-13 13-14"},
        {"[a-c]", MergedWithNext, false, "0-1 1-4 4-8 8-9 9-10 10-12 12-14"},
        {"[a-c]", Contiguous, false, "0-2 2-4 4-5 5-8 8-11 11-12 12-13 13-14"},
        {"[a-c]", Removed, true, "0-1 1-2 4-5 8-9 9-10 10-11 12-13"},
        {"[a-c]", Isolated, true, "0-1 1-2 2-4 4-5 5-8 8-9 9-10 10-11 11-12 12-13 13-14"},
        {"[a-c]", MergedWithPrevious, true, "0-1 1-4 4-8 8-9 9-10 10-12 12-14"},
        {"[a-c]", MergedWithNext, true, "0-1 1-2 2-5 5-9 9-10 10-11 11-13 13-14"},
        {"[a-c]", Contiguous, true, "0-2 2-4 4-5 5-8 8-11 11-12 12-13 13-14"},
        {" ", Removed, false, "0-2 4-5 6-7 8-11 12-13"},
        {" ", Isolated, false, "0-2 2-3 3-4 4-5 5-6 6-7 7-8 8-11 11-12 12-13 13-14"},
        {" ", MergedWithPrevious, false, "0-3 3-4 4-6 6-8 8-12 12-14"},
        {" ", MergedWithNext, false, "0-2 2-3 3-5 5-7 7-11 11-13 13-14"},
        {" ", Contiguous, false, "0-2 2-4 4-5 5-6 6-7 7-8 8-11 11-12 12-13 13-14"},
};
enum { ROWS = sizeof rows / sizeof *rows };
static const char text[] = "ab  c d aab b ";

TEST("pieces: all five behaviours do with matches what the reference does, inverted or not")
{
    enc_arena arena = {0};
    for (size_t i = 0; i < ROWS; i++) {
        enc_symbol symbol[32];
        enc_pieces_list list;
        enc_remainder left;
        size_t count = decode(text, symbol);
        enc_operation o = splitting(rows[i].expression, (enum enc_behavior)rows[i].behavior,
                                    rows[i].invert);
        REQUIRE(enc_pieces_begin(&list, &arena));
        CHECK(enc_pieces_cut(&list, &o, symbol, count, true, &left));
        CHECK_STR(shown(&list), rows[i].pieces);
        CHECK_INT(left.rest, count);
        enc_split_pattern_close(o.pattern);
    }
    enc_arena_destroy(&arena);
}

TEST("pieces: a text cut in two windows gives the pieces of the whole")
{
    enc_arena arena = {0};
    for (size_t i = 0; i < ROWS; i++) {
        enc_symbol symbol[32];
        enc_pieces_list list;
        enc_remainder left;
        size_t count = decode(text, symbol);
        enc_operation o = splitting(rows[i].expression, (enum enc_behavior)rows[i].behavior,
                                    rows[i].invert);
        REQUIRE(enc_pieces_begin(&list, &arena));
        for (size_t window = 1; window < count; window++) {
            char line[1024] = "";
            CHECK(enc_pieces_cut(&list, &o, symbol, window, false, &left));
            CHECK(left.rest <= left.open && left.open <= window);
            size_t rest = left.rest, at = (size_t)snprintf(line, sizeof line, "%s",
                                                           shown(&list));
            CHECK(enc_pieces_cut(&list, &o, symbol + rest, count - rest, true, &left));
            for (size_t j = 0; j < list.now.count; j++)
                at += (size_t)snprintf(line + at, sizeof line - at, "%s%zu-%zu",
                                       at ? " " : "", list.now.piece[j].start + rest,
                                       list.now.piece[j].end + rest);
            CHECK_STR(line, rows[i].pieces);
        }
        enc_split_pattern_close(o.pattern);
    }
    enc_arena_destroy(&arena);
}

TEST("pieces: changes keep each character's place, and put in front only what is missing")
{
    enc_arena arena = {0};
    enc_symbol symbol[32];
    enc_pieces_list list;
    enc_remainder left;
    enc_operation cut = splitting("\\s+", ENC_REMOVED, false);
    enc_operation front = {.kind = ENC_PUT_IN_FRONT, .c = 'a'};
    enc_operation begin = {.kind = ENC_PUT_AT_BEGINNING, .c = '_'};
    enc_operation bytes = {.kind = ENC_TO_BYTES};
    REQUIRE(enc_pieces_begin(&list, &arena));
    CHECK(enc_pieces_cut(&list, &cut, symbol, decode("b\xC3\xA9 ac d", symbol), true, &left));
    CHECK_STR(shown(&list), "0-2 3-5 6-7");
    CHECK(enc_pieces_apply(&list, &front, true));
    CHECK_STR(shown(&list), "0-3 3-5 5-7");
    CHECK(enc_pieces_apply(&list, &begin, true));
    CHECK_STR(shown(&list), "0-4 4-6 6-8");
    CHECK(enc_pieces_apply(&list, &bytes, true));
    CHECK_STR(shown(&list), "0-5 5-7 7-9");
    static const uint32_t want[] = {'_', 'a', 'b', 0xC3, 0xA9, 'a', 'c', 'a', 'd'};
    static const size_t places[] = {0, 0, 0, 1, 1, 3, 4, 6, 6};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        CHECK_INT(list.symbol[i].c, want[i]);
        CHECK_INT(list.symbol[i].character, places[i]);
    }
    enc_split_pattern_close(cut.pattern);
    enc_arena_destroy(&arena);
}
