/* test_pretoken.c - core/text/pretoken.c: words on their way to the model. */
#include "unit.h"

#include "pretoken.h"

static enc_symbol symbol(uint32_t c, size_t place)
{
    return (enc_symbol){c, 2, 2 * place, place};
}

TEST("pretoken: a word longer than usual keeps its characters and their places")
{
    enum { LENGTH = 1000 };
    enc_arena arena = {0};
    enc_pretoken_usual usual;
    enc_pretoken w;
    int wrong = 0;
    enc_pretoken_begin(&w, &usual, 5000, &arena);
    for (size_t i = 0; i < LENGTH; i++) {
        enc_symbol s = symbol(0xE4, 10 + i);
        REQUIRE(enc_pretoken_add(&w, &s));
    }
    CHECK_INT(w.kept, LENGTH);
    CHECK_INT(w.size, 2 * LENGTH);
    for (size_t i = 0; i < LENGTH; i++)
        wrong += w.end[i] != 2 * (i + 1) || w.symbol[i].character != 10 + i;
    CHECK_INT(wrong, 0);
    CHECK_INT(w.first.character, 10);
    CHECK_INT(w.last.character, 10 + LENGTH - 1);
    enc_arena_destroy(&arena);
}

TEST("pretoken: beyond the model's limit characters are counted and take no memory")
{
    enc_arena arena = {0};
    enc_pretoken_usual usual;
    enc_pretoken w;
    enc_pretoken_begin(&w, &usual, 100, &arena);
    for (size_t i = 0; i < 100000; i++) {
        enc_symbol s = symbol('x', i);
        REQUIRE(enc_pretoken_add(&w, &s));
    }
    CHECK_INT(w.kept, 100);
    CHECK_INT(w.characters, 100000);
    CHECK_INT(w.last.character, 99999);
    CHECK(arena.chunk == NULL);
}

TEST("pretoken: a straight word that bends has the places it had")
{
    enc_arena arena = {0};
    enc_pretoken_usual usual;
    enc_pretoken w;
    enc_pretoken_begin(&w, &usual, 100, &arena);
    w.first = (enc_symbol){'a', 1, 50, 40};
    w.text[0] = 'a';
    w.text[1] = 'b';
    w.kept = w.size = w.characters = 2;
    enc_symbol s = {0xE4, 2, 52, 42};
    REQUIRE(enc_pretoken_add(&w, &s));
    CHECK_INT(w.symbol[1].byte, 51);
    CHECK_INT(w.symbol[1].character, 41);
    CHECK_INT(w.end[1], 2);
    CHECK_INT(w.end[2], 4);
    CHECK_INT(w.last.byte, 52);
}

TEST("pretoken: a word made of characters that are there keeps as many as the model wants")
{
    enum { LENGTH = 700 };
    static enc_symbol symbols[LENGTH];
    enc_arena arena = {0};
    enc_pretoken_usual usual;
    enc_pretoken w;
    size_t wrong = 0;
    for (size_t i = 0; i < LENGTH; i++)
        symbols[i] = symbol(i % 2 ? 0xE9 : 'x', 5 + i);
    for (size_t most = 600; most > 0; most = most == 600 ? SIZE_MAX : 0) {
        size_t kept = most < LENGTH ? most : LENGTH;
        enc_pretoken_begin(&w, &usual, most, &arena);
        for (size_t count = 1; count <= LENGTH; count += 699) {
            REQUIRE(enc_pretoken_set(&w, symbols, count));
            CHECK_INT(w.characters, count);
            CHECK_INT(w.kept, count < kept ? count : kept);
            CHECK_INT(w.last.character, 5 + count - 1);
            for (size_t i = 0; i < w.kept; i++)
                wrong += w.end[i] != i + 1 + (i + 1) / 2 || w.symbol[i].c != symbols[i].c;
        }
    }
    CHECK_INT(wrong, 0);
    enc_arena_destroy(&arena);
}
