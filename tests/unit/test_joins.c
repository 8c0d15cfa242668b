/* test_joins.c - core/text/joins.c: which characters a BPE model may put into one token. */
#include "joins.h"

#include <stdlib.h>
#include <string.h>

#include "unicode.h"
#include "unit.h"

static const char *const words[] = {"?", "_", "a", "b", "_a", "ab", "\xC3\xA9", "b\xC3\xA9",
                                    "<0x41>", "a<0x41>"};

static bool open_model(const enc_bpe_settings *settings, const enc_bpe_merge *merges,
                       size_t count, enc_bpe *out)
{
    enc_vocabulary_item items[sizeof words / sizeof *words];
    enc_vocabulary vocabulary;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        items[i] = (enc_vocabulary_item){words[i], strlen(words[i]), (int32_t)i};
    return enc_vocabulary_open(items, sizeof words / sizeof *words, "v", &vocabulary, NULL) ==
               ENC_OK &&
           enc_bpe_open(&vocabulary, settings, merges, count, "m", out, NULL) == ENC_OK;
}

TEST("joins: only what ends and begins the two tokens of a merge is joined")
{
    static const enc_bpe_merge merges[] = {{"_", "a", 1, 1}, {"a", "b", 1, 1},
                                           {"b", "\xC3\xA9", 1, 2}};
    enc_bpe model;
    enc_joins joins;
    REQUIRE(open_model(&(enc_bpe_settings){.unknown = "?"}, merges, 3, &model));
    REQUIRE(enc_joins_open(&model, &joins, NULL) == ENC_OK);
    CHECK(enc_joins_may(&joins, '_', 'a'));
    CHECK(enc_joins_may(&joins, 'a', 'b'));
    CHECK(enc_joins_may(&joins, 'b', 0xE9));
    CHECK(!enc_joins_may(&joins, 'b', 'a'));
    CHECK(!enc_joins_may(&joins, 'b', '_'));
    CHECK(!enc_joins_may(&joins, 'x', '_'));
    CHECK(enc_joins_may(&joins, '_', 'x')); /* unknown ones may be one token */
    enc_joins_close(&joins);
    enc_bpe_close(&model);
}

/* A vocabulary of characters and pairs of them, and a merge for each pair. */
typedef struct crowd {
    char text[2 * 4096 + 64][9];
    enc_vocabulary_item item[2 * 4096 + 64];
    enc_bpe_merge merge[4096];
    size_t words, merges;
} crowd;

static size_t add_word(crowd *c, uint32_t left, uint32_t right)
{
    char *text = c->text[c->words];
    size_t size = enc_utf8_put(left, text);
    size += right ? enc_utf8_put(right, text + size) : 0;
    c->item[c->words] = (enc_vocabulary_item){text, size, (int32_t)c->words};
    return c->words++;
}

/* Merges of characters that the table puts in one place: their numbers, times the table's odd
** constant, begin alike. */
static void fill_crowd(crowd *c, size_t merges)
{
    for (uint32_t left = 0x4E00; c->merges < merges; left++) {
        size_t first = add_word(c, left, 0);
        for (uint32_t right = 0x10000; right < 0x110000 && c->merges < merges; right++) {
            uint64_t pair = (uint64_t)left << 32 | right | UINT64_C(1) << 63;
            if (pair * UINT64_C(0x9ddfea08eb382d69) >> 51 != 5)
                continue;
            size_t second = add_word(c, right, 0);
            add_word(c, left, right);
            c->merge[c->merges++] = (enc_bpe_merge){c->text[first], c->text[second],
                                                    c->item[first].size,
                                                    c->item[second].size};
        }
    }
}

TEST("joins: pairs made to stand in one place are given up, not searched one by one")
{
    enum { MERGES = 3000 };
    static const enc_bpe_settings plain;
    crowd *c = calloc(1, sizeof *c);
    enc_vocabulary vocabulary;
    enc_bpe model;
    enc_joins joins;
    REQUIRE(c);
    fill_crowd(c, MERGES);
    CHECK_INT(c->merges, MERGES);
    REQUIRE(enc_vocabulary_open(c->item, c->words, "v", &vocabulary, NULL) == ENC_OK);
    REQUIRE(enc_bpe_open(&vocabulary, &plain, c->merge, MERGES, "m", &model, NULL) == ENC_OK);
    CHECK_INT(enc_joins_open(&model, &joins, NULL), ENC_OK);
    CHECK_INT(joins.bits, 0);
    CHECK(enc_joins_may(&joins, 'b', 'a')); /* nothing is known */
    enc_joins_close(&joins);
    enc_bpe_close(&model);
    free(c);
}

TEST("joins: where merges say nothing of characters, any two may be joined")
{
    static const enc_bpe_merge merges[] = {{"_", "a", 1, 1}}, bytes[] = {{"a", "<0x41>", 1, 6}};
    static const struct { enc_bpe_settings settings; const enc_bpe_merge *merges; } rows[] = {
        {{.prefix = "_"}, NULL}, {{.suffix = "b"}, NULL}, {{.ignore_merges = true}, merges},
        {{.byte_fallback = true}, bytes}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enc_bpe model;
        enc_joins joins;
        REQUIRE(open_model(&rows[i].settings, rows[i].merges, rows[i].merges != NULL, &model));
        REQUIRE(enc_joins_open(&model, &joins, NULL) == ENC_OK);
        CHECK(enc_joins_may(&joins, 'b', '_'));
        enc_joins_close(&joins);
        enc_bpe_close(&model);
    }
}
