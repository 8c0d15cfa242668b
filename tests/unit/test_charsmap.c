/* test_charsmap.c - core/text/charsmap.c, charsmap_step.c: SentencePiece's map of characters. */
#include "charsmap.h"
#include "normalizing.h"

/* ---- A map made of a few keys -------------------------------------------------------- */

static const struct { const char *key, *value; } keys[] = {
    {"a", "xyz"},          {"e\xCC\x81", "\xC3\xA9"}, {"\t", " "},
    {"\xE2\x80\x8B", ""}, {"b", ""},                 {"\xEF\xBC\xA1", "A"},
    {"\xC3\xA9", "e"},     {"cd", "Q"}};

enum { NODES = 24 };

static void put_u32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> 8 * i);
}

static uint32_t get_u32(const unsigned char *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* A block of 256 units for each node; returns the bytes. */
static size_t make_map(unsigned char *out)
{
    unsigned char *unit = out + 4;
    size_t blocks = 2, text = 0, trie = (size_t)4 * 256 * NODES;
    memset(out, 0, trie + 4);
    put_u32(out, (uint32_t)trie);
    put_u32(unit, 256u << 10);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        uint32_t block = 1, place = 0;
        for (const char *at = keys[i].key; *at; at++) {
            place = 256 * block + (unsigned char)*at;
            if (!get_u32(unit + 4 * place))
                put_u32(unit + 4 * place, (uint32_t)(place ^ 256 * blocks++) << 10 |
                                              (unsigned char)*at);
            block = (get_u32(unit + 4 * place) >> 10 ^ place) / 256;
        }
        put_u32(unit + 4 * place, get_u32(unit + 4 * place) | 1 << 8);
        put_u32(unit + 4 * 256 * block, (uint32_t)text | UINT32_C(1) << 31);
        strcpy((char *)unit + trie + text, keys[i].value);
        text += strlen(keys[i].value) + 1;
    }
    CHECK(blocks <= NODES);
    return 4 + trie + text;
}

static unsigned char bytes[4 + 4 * 256 * NODES + 256];

static enc_charsmap *small_map(void)
{
    enc_charsmap *map = NULL;
    size_t size = make_map(bytes);
    CHECK_INT(enc_charsmap_open((const char *)bytes, size, true, "m", &map, NULL), ENC_OK);
    return map;
}

TEST("charsmap: the shortest key that a text begins with counts")
{
    static const struct { const char *text, *value; } rows[] = {
        {"a", "xyz"}, {"ab", "xyz"}, {"e\xCC\x81", "\xC3\xA9"}, {"e", NULL}, {"b", ""},
        {"cd", "Q"}, {"cda", "Q"}, {"c", NULL}, {"", NULL}, {"x", NULL}};
    enc_charsmap *map = small_map();
    REQUIRE(map);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *value = NULL;
        size_t length;
        bool found = enc_charsmap_find(map, rows[i].text, strlen(rows[i].text), &value,
                                       &length);
        CHECK_INT(found, rows[i].value != NULL);
        if (found && rows[i].value) {
            CHECK_STR(value, rows[i].value);
            CHECK_INT(length, strlen(rows[i].value));
        }
    }
    enc_charsmap_close(map);
}

TEST("charsmap: clusters, characters and places are the reference's, its oddities too")
{
    static const struct { const char *text, *want, *places; } rows[] = {
        {"\xEF\xBC\xA1\tc", "A c", "0-1 1-2 2-3"},
        {"bbcc\xE2\x80\x8B" "c", "ccc", "0-1 1-2 3-4"},
        {"ca\xE2\x80\x8B" "c", "cxyzc", "0-1 1-2 1-2 2-3 3-4"},
        {"cabbc", "cxyzc", "0-1 1-2 1-2 2-3 4-5"},
        {"e\xCC\x81", "\xC3\xA9", "0-1"},
        {"e\xCC\x81\xCC\x81" "c", "\xC3\xA9" "c", "0-1 3-4"},
        {"a\xCC\x81" "c", "xyzc", "0-1 1-2 1-2 2-3"},
        {"a\xCC\x81\xCC\x81" "c", "xyzc", "0-1 1-2 2-3 3-4"},
        {"\xD8\x80" "ac", "\xD8\x80xyzc", "0-1 1-2 1-2 1-2 2-3"},
        {"\xC3\xA9", "e", "0-1"},
        {"\xE2\x80\x8B" "c\xEF\xBC\xA1\xE2\x80\x8B" "ac", "cAxyzc", "0-1 1-2 3-4 3-4 3-4 4-5"},
        {"cdd", "cdd", "0-1 1-2 2-3"},
        {"", "", ""},
        {"ab", "xyz", "0-1 0-1 1-2"},
        {"bab", "xyz", "0-1 0-1 1-2"},
    };
    enc_normalizer n;
    enc_normalizer_begin(&n);
    REQUIRE(enc_normalizer_add_charsmap(&n, small_map(), "m", NULL) == ENC_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_with(&n, rows[i].text, rows[i].want, rows[i].places);
    enc_normalizer_close(&n);
}

TEST("charsmap: the places of a long text stay exact behind what was forgotten")
{
    enum { LEADING = 3000 };
    char text[LEADING + 8], want[8] = "cec", places[64];
    enc_normalizer n;
    memset(text, 'b', LEADING);
    memcpy(text + LEADING, "c\xC3\xA9" "c", 5);
    snprintf(places, sizeof places, "0-1 1-2 2-3");
    enc_normalizer_begin(&n);
    REQUIRE(enc_normalizer_add_charsmap(&n, small_map(), "m", NULL) == ENC_OK);
    check_with(&n, text, want, places);
    enc_normalizer_close(&n);
}

TEST("charsmap: any damage gives a map or a sentence, and no key leads out of it")
{
    size_t size = make_map(bytes);
    unsigned char *copy = malloc(size);
    REQUIRE(copy);
    for (size_t round = 0; round < 20000; round++) {
        enc_charsmap *map = NULL;
        enc_error err;
        uint64_t random = (round + 1) * UINT64_C(0x9ddfea08eb382d69);
        size_t cut = round % 16 == 0 ? random >> 8 & 1023 : size;
        memcpy(copy, bytes, size);
        for (int i = 0; i < 1 + (int)(round % 3); i++, random *= 0x9E3779B97F4A7C15u)
            copy[random % (round % 2 ? 64 : size)] ^= (unsigned char)(1 << (random >> 60 & 7));
        enc_error_clear(&err);
        int rc = enc_charsmap_open((const char *)copy, cut, true, "m", &map, &err);
        CHECK_INT(rc == ENC_OK, map != NULL);
        CHECK_INT(rc == ENC_OK, err.message[0] == '\0');
        for (size_t i = 0; map && i < sizeof keys / sizeof *keys; i++) {
            const char *value;
            size_t length;
            if (enc_charsmap_find(map, keys[i].key, strlen(keys[i].key), &value, &length))
                CHECK(length <= map->size);
        }
        enc_charsmap_close(map);
    }
    free(copy);
}

TEST("charsmap: what is no map is refused with what is wrong of it")
{
    static const struct { const char *base64, *message; } rows[] = {
        {"'AAAA'", "tokenizer.json: normalizer.precompiled_charsmap has 3 bytes, its trie "
                   "must have 0"},
        {"''", "tokenizer.json: normalizer.precompiled_charsmap has 0 bytes, its trie must "
               "have 0"},
        {"'AAA'", "tokenizer.json: normalizer.precompiled_charsmap is not base64"},
        {"'AA=A'", "tokenizer.json: normalizer.precompiled_charsmap is not base64"},
        {"'AB=='", "tokenizer.json: normalizer.precompiled_charsmap is not base64"},
        {"'AAAAAA=='", "tokenizer.json: normalizer.precompiled_charsmap: its trie is empty"},
        {"'CAAAAAAAAAA='", "tokenizer.json: normalizer.precompiled_charsmap has 8 bytes, its "
                           "trie must have 8"},
        {"'BAAAAAAAAAD/'", "tokenizer.json: normalizer.precompiled_charsmap: its "
                           "replacements are not UTF-8"},
        {"7", "tokenizer.json: normalizer.precompiled_charsmap is 7, must be a string"},
    };
    char json[256];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(json, sizeof json, "{'type':'Precompiled','precompiled_charsmap':%s}",
                 rows[i].base64);
        CHECK_STR(refusal(small_json(json, NULL, NULL, NULL)), rows[i].message);
    }
}
