/* test_source.c - core/text/source.c: text up to the next added token. */
#include "tokenizing.h"

#include "source.h"

/* Patterns for the tokens, matched as they are. */
static int open_tokens(const enc_added_token *tokens, size_t count, enc_added_tokens *out)
{
    enc_vocabulary v;
    int rc = enc_vocabulary_open(NULL, 0, "here", &v, NULL);
    if (rc == ENC_OK)
        rc = enc_added_tokens_open(tokens, count, &v, NULL, NULL, "here", out, NULL);
    enc_vocabulary_close(&v);
    return rc;
}

TEST("source: a token is found wherever it stands, also across the search's windows")
{
    enum { SIZE = 9000 };
    static const enc_added_token mask = {.text = "[MASK]", .size = 6, .lstrip = true};
    char *text = malloc(SIZE);
    enc_added_tokens added;
    int wrong = 0;
    REQUIRE(text && open_tokens(&mask, 1, &added) == ENC_OK);
    for (size_t place = 4080; place < 4110; place++) {
        enc_source source;
        enc_symbol symbol = {0};
        enc_cut cut;
        size_t read = 0;
        memset(text, 'x', SIZE);
        memcpy(text + place - 5, "     [MASK]", 11);
        enc_source_begin(&source, (enc_text){text, SIZE}, &added.raw, NULL);
        enc_cursor cursor = enc_source_cursor(&source);
        while (enc_source_next(&source, &cursor, &symbol))
            read++;
        wrong += read != place - 5 || !enc_source_cut(&source, &cursor, &cut) ||
                 cut.first.byte != place - 5 || cut.last.byte != place + 5;
        while (enc_source_next(&source, &cursor, &symbol))
            read++;
        wrong += read != SIZE - 11 || enc_source_cut(&source, &cursor, &cut);
    }
    CHECK_INT(wrong, 0);
    enc_added_tokens_close(&added);
    free(text);
}

TEST("source: characters are numbered, and a copy of the cursor reads the same again")
{
    static const char text[] = "a\xC3\xA4\x80\xE2\x82z";
    enc_source source;
    enc_symbol symbol = {0};
    enc_source_begin(&source, (enc_text){text, 7}, NULL, NULL);
    enc_cursor cursor = enc_source_cursor(&source), copy = cursor;
    static const enc_symbol want[] = {{'a', 1, 0, 0}, {0xE4, 2, 1, 1}, {0xFFFD, 1, 3, 2},
                                      {0xFFFD, 2, 4, 3}, {'z', 1, 6, 4}};
    for (int round = 0; round < 2; round++, cursor = copy) {
        for (size_t i = 0; i < 5; i++) {
            REQUIRE(enc_source_next(&source, &cursor, &symbol));
            CHECK_INT(symbol.c, want[i].c);
            CHECK_INT(symbol.size, want[i].size);
            CHECK_INT(symbol.byte, want[i].byte);
            CHECK_INT(symbol.character, want[i].character);
        }
        CHECK(!enc_source_next(&source, &cursor, &symbol));
    }
}

TEST("source: a window never ends inside a character")
{
    enum { SIZE = 3 * 4096 };
    static const enc_added_token bracket = {.text = "[", .size = 1};
    char *text = malloc(SIZE);
    enc_added_tokens added;
    REQUIRE(text && open_tokens(&bracket, 1, &added) == ENC_OK);
    for (int shift = 0; shift < 4; shift++) {
        enc_source source;
        enc_symbol symbol = {0};
        int wrong = 0, count = 0;
        memset(text, 'x', SIZE);
        for (int i = shift; i + 4 <= SIZE; i += 4)
            memcpy(text + i, "\xF0\x9F\x98\x80", 4);
        enc_source_begin(&source, (enc_text){text, SIZE}, &added.raw, NULL);
        enc_cursor cursor = enc_source_cursor(&source);
        for (; enc_source_next(&source, &cursor, &symbol); count++)
            wrong += symbol.c != 'x' && symbol.c != 0x1F600;
        CHECK_INT(wrong, 0);
        CHECK_INT(count, shift ? SIZE / 4 - 1 + 4 : SIZE / 4);
    }
    enc_added_tokens_close(&added);
    free(text);
}

TEST("source: the search does not run far ahead of the reading")
{
    enum { SIZE = 1 << 20 };
    static const enc_added_token mask = {.text = "[MASK]", .size = 6};
    char *text = malloc(SIZE);
    enc_added_tokens added;
    enc_source source;
    enc_symbol symbol = {0};
    REQUIRE(text && open_tokens(&mask, 1, &added) == ENC_OK);
    memset(text, 'x', SIZE);
    enc_source_begin(&source, (enc_text){text, SIZE}, &added.raw, NULL);
    enc_cursor cursor = enc_source_cursor(&source);
    for (int i = 0; i < 1000; i++)
        enc_source_next(&source, &cursor, &symbol);
    CHECK(source.search - source.data <= 8192);
    enc_added_tokens_close(&added);
    free(text);
}
