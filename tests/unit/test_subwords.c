/* test_subwords.c - core/text/subwords.c: n-grams as fastText hashes them. */
#include "unit.h"

#include <string.h>

#include "words.h"

typedef struct rows {
    size_t row[64];
    size_t count;
} rows;

static bool note(void *context, size_t row)
{
    rows *r = context;
    if (r->count < 64)
        r->row[r->count++] = row;
    return true;
}

static rows rows_of(const enc_words *w, const char *word)
{
    rows r = {.count = 0};
    enc_text text = {word, strlen(word)};
    size_t count = enc_words_subwords(w, text, note, &r);
    CHECK_INT(count, r.count);
    CHECK_INT(enc_words_subwords(w, text, NULL, NULL), r.count);
    return r;
}

/* FNV-1a with each byte as a signed number, over 2,000,000 buckets. */
static size_t bucket(const char *gram)
{
    uint32_t hash = 2166136261u;
    for (; *gram; gram++)
        hash = (hash ^ (uint32_t)(int8_t)*gram) * 16777619u;
    return hash % 2000000u;
}

TEST("subwords: the n-grams of a word between its marks, in characters, in fastText's order")
{
    enc_words w = {.count = 5, .subwords = {3, 4, 2000000}};
    rows r = rows_of(&w, "éx");
    REQUIRE(r.count == 3);
    CHECK_INT(r.row[0], 5 + bucket("<éx"));
    CHECK_INT(r.row[1], 5 + bucket("<éx>"));
    CHECK_INT(r.row[2], 5 + bucket("éx>"));
}

TEST("subwords: a mark alone is no n-gram, the mark of a line's end is no word")
{
    enc_words w = {.count = 0, .subwords = {1, 2, 2000000}};
    rows r = rows_of(&w, "ab");
    REQUIRE(r.count == 5); /* <a a ab b b> */
    CHECK_INT(r.row[0], bucket("<a"));
    CHECK_INT(r.row[4], bucket("b>"));
    CHECK_INT(rows_of(&w, "</s>").count, 0);
    CHECK_INT(rows_of(&w, "").count, 1); /* <> */
    w.subwords = (enc_subwords){0, 0, 100};
    CHECK_INT(rows_of(&w, "ab").count, 0);
    w.subwords = (enc_subwords){1, 2, 0};
    CHECK_INT(rows_of(&w, "ab").count, 0);
}

TEST("subwords: a word is known by its row or by an n-gram")
{
    enc_words w = {.count = 3, .subwords = {4, 6, 100}};
    CHECK(enc_words_known(&w, ENC_NO_ROW, (enc_text){"ab", 2}));
    CHECK(!enc_words_known(&w, ENC_NO_ROW, (enc_text){"a", 1}));
    CHECK(enc_words_known(&w, 2, (enc_text){"a", 1}));
}
