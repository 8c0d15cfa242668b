/* test_joins.c - core/text/joins.c: which characters a BPE model may put into one token. */
#include "joins.h"

#include <string.h>

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
