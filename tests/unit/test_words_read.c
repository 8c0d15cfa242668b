/* test_words_read.c - core/text/words_read.c: which known words a text has. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

static enc_words known(const char *const *list)
{
    size_t count = 0;
    enc_words w;
    bool fresh;
    while (list[count])
        count++;
    CHECK_INT(enc_words_open(count, "here", &w, NULL), ENC_OK);
    for (size_t i = 0; i < count; i++)
        CHECK_INT(enc_words_add(&w, list[i], strlen(list[i]), "here", &fresh, NULL), ENC_OK);
    return w;
}

/* "text row|text row|": what the words are found to be. Checks that bytes and characters
** agree. */
static const char *read_words(const enc_words *w, const char *text, size_t limit)
{
    static char line[512];
    enc_arena arena = {0};
    enc_pieces pieces;
    enc_error err = {0};
    size_t used = 0, size = strlen(text);
    CHECK_INT(enc_words_pieces(w, &arena, (enc_text){text, size}, limit, false, NULL, &pieces,
                               &err), ENC_OK);
    for (size_t i = 0; i < pieces.count; i++) {
        const enc_token *t = &pieces.token[i];
        used += (size_t)snprintf(line + used, sizeof line - used, "%.*s %d|",
                                 (int)(t->byte_end - t->byte_start), text + t->byte_start,
                                 (int)t->id);
        size_t start = 0, end = 0;
        for (size_t k = 0; k < t->byte_end; k++) {
            bool begins = ((unsigned char)text[k] & 0xC0) != 0x80;
            start += begins && k < t->byte_start;
            end += begins;
        }
        CHECK_INT(t->char_start, start);
        CHECK_INT(t->char_end, end);
    }
    line[used] = '\0';
    enc_pieces counted;
    if (limit == 0) {
        CHECK_INT(enc_words_pieces(w, &arena, (enc_text){text, size}, 0, true, NULL, &counted,
                                   &err), ENC_OK);
        CHECK_INT(counted.count, pieces.count);
    }
    enc_arena_destroy(&arena);
    return line;
}

static const char *const list[] = {"the", "bank", "Bank", ",", ".", "don't", "don", "t",
                                   "1,000", "New_York", "café", "苹果", "公司", "-", "e",
                                   "http://a.b/c?d=e", "I", NULL};

TEST("words: white space and punctuation part words, unknown ones are left out")
{
    enc_words w = known(list);
    CHECK_STR(read_words(&w, "the bank, the river.", 0), "the 0|bank 1|, 3|the 0|. 4|");
    CHECK_STR(read_words(&w, "\tthe\xe3\x80\x80" "bank\x1c\n", 0), "the 0|bank 1|");
    CHECK_STR(read_words(&w, "thebank banks the_bank", 0), "");
    CHECK_STR(read_words(&w, "", 0), "");
    CHECK_STR(read_words(&w, "(bank)\"the\"", 0), "bank 1|the 0|");
    enc_words_close(&w);
}

TEST("words: as it is written comes before lower case, the longest known word before others")
{
    enc_words w = known(list);
    CHECK_STR(read_words(&w, "Bank BANK bAnk i I", 0), "Bank 2|BANK 1|bAnk 1|I 16|");
    CHECK_STR(read_words(&w, "don't DON'T don'ts", 0), "don't 5|DON'T 5|don 6|");
    CHECK_STR(read_words(&w, "1,000 1,0001 New_York,", 0), "1,000 8|, 3|New_York 9|, 3|");
    CHECK_STR(read_words(&w, "e-the http://a.b/c?d=e.", 0),
              "e 14|- 13|the 0|http://a.b/c?d=e 15|. 4|");
    enc_words_close(&w);
}

TEST("words: ideographs part anywhere, letters with accents nowhere")
{
    enc_words w = known(list);
    CHECK_STR(read_words(&w, "苹果公司bank苹", 0), "苹果 11|公司 12|bank 1|");
    CHECK_STR(read_words(&w, "CAFÉ cafés", 0), "CAFÉ 10|");
    CHECK_STR(read_words(&w, "\xff" "bank\xc3", 0), "bank 1|");
    enc_words_close(&w);
}

TEST("words: reading stops behind the limit")
{
    enc_words w = known(list);
    CHECK_STR(read_words(&w, "the the the the the", 2), "the 0|the 0|the 0|");
    CHECK_STR(read_words(&w, "the the", 2), "the 0|the 0|");
    enc_words_close(&w);
}

TEST("words: with sub-words every run of letters is a token, punctuation only if it is known")
{
    enc_words w = known(list);
    w.subwords = (enc_subwords){3, 6, 100};
    CHECK_STR(read_words(&w, "bankomat, BANK? the", 0), "bankomat -1|, 3|BANK -1|the 0|");
    CHECK_STR(read_words(&w, "</s> x", 0), "s -1|x -1|");
    w.subwords = (enc_subwords){6, 6, 100};
    CHECK_STR(read_words(&w, "x bankomat", 0), "bankomat -1|");
    enc_words_close(&w);
}

TEST("words: spelled words are those between white space, none of them with a row")
{
    enc_words w = {.spelled = true};
    CHECK_STR(read_words(&w, " the bank, (don't)  ", 0), "the -1|bank, -1|(don't) -1|");
    enc_words_close(&w);
}

TEST("words: a long text without white space is read in linear time")
{
    enum { SIZE = 1 << 20 };
    enc_words w = known(list);
    char *text = malloc(SIZE);
    REQUIRE(text);
    static const char *const fill[] = {"a", "-", "a-", "的", "I'"};
    for (size_t i = 0; i < sizeof fill / sizeof *fill; i++) {
        size_t length = strlen(fill[i]);
        for (size_t k = 0; k < SIZE; k++)
            text[k] = fill[i][k % length];
        enc_arena arena = {0};
        enc_pieces pieces;
        CHECK_INT(enc_words_pieces(&w, &arena, (enc_text){text, SIZE}, 0, true, NULL, &pieces,
                                   NULL), ENC_OK);
        enc_arena_destroy(&arena);
    }
    free(text);
    enc_words_close(&w);
}
