/* test_words.c - core/text/words.c: whole words and their rows. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "words.h"

/* Of a list without memory for more than `count` words. */
static enc_words words_of(const char *const *list, size_t count)
{
    enc_words w;
    bool fresh;
    CHECK_INT(enc_words_open(count, "here", &w, NULL), ENC_OK);
    for (size_t i = 0; i < count; i++)
        CHECK_INT(enc_words_add(&w, list[i], strlen(list[i]), "here", &fresh, NULL), ENC_OK);
    return w;
}

static int32_t find(const enc_words *w, const char *text)
{
    return enc_words_find(w, text, strlen(text));
}

TEST("words: each of 30,000 words has its row, both ways; no other is found")
{
    enum { COUNT = 30000 };
    enc_words w;
    char text[16];
    bool fresh;
    REQUIRE(enc_words_open(COUNT, "here", &w, NULL) == ENC_OK);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "w%d", i * 3);
        REQUIRE(enc_words_add(&w, text, strlen(text), "here", &fresh, NULL) == ENC_OK);
        CHECK(fresh);
    }
    for (int i = 0; i < COUNT; i++) {
        size_t size;
        snprintf(text, sizeof text, "w%d", i * 3);
        CHECK_INT(find(&w, text), i);
        CHECK_STR(enc_words_string(&w, i, &size), text);
        CHECK_INT(size, strlen(text));
        snprintf(text, sizeof text, "w%d", i * 3 + 1);
        CHECK_INT(find(&w, text), ENC_NO_ROW);
    }
    size_t size;
    CHECK(enc_words_string(&w, COUNT, &size) == NULL);
    CHECK(enc_words_string(&w, ENC_NO_ROW, &size) == NULL);
    CHECK(enc_words_bytes(&w) > COUNT * 8);
    enc_words_close(&w);
}

TEST("words: of a word that comes twice the first row counts")
{
    static const char *const list[] = {"a", "b", "a", "", "c", ""};
    enc_words w = words_of(list, 6);
    CHECK_INT(w.count, 4);
    CHECK_INT(find(&w, "a"), 0);
    CHECK_INT(find(&w, ""), 2);
    CHECK_INT(find(&w, "c"), 3);
    enc_words_close(&w);
}

TEST("words: a word is found as it is written, else in lower case")
{
    static const char *const list[] = {"Bank", "bank", "café", "new york", "straße"};
    static const struct {
        const char *text;
        int row;
    } rows[] = {{"Bank", 0}, {"bank", 1}, {"BANK", 1}, {"CAFÉ", 2}, {"New York", 3},
                {"STRAßE", 4}, {"river", -1}, {"", -1}};
    enc_words w = words_of(list, 5);
    enc_arena arena = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(enc_words_find_folded(&w, &arena,
                                        (enc_text){rows[i].text, strlen(rows[i].text)}, NULL),
                  rows[i].row);
    enc_arena_destroy(&arena);
    enc_words_close(&w);
}
