/* test_canonical_order.c - core/text/canonical_order.c: combining marks in their order. */
#include "tokenizing.h"

#include "normalizer.h"

TEST("canonical order: marks that are sorted align as in the reference")
{
    static const char nfd[] = "{'type':'NFD'}";
    static const struct { const char *normalizer, *text, *tokens; } rows[] = {
        {nfd, "e\xEA\xA7\x80\xCC\x81", "25:0-1/0 36:1-2/0 35:2-3/0"},
        {nfd, "e\xCC\x81\xEA\xA7\x80", "25:0-1/0 36:1-2/0 35:2-3/0"},
        {nfd, "\xC3\xA9\xEA\xA7\x80", "25:0-1/0 36:1-2/0 35:1-2/0"},
        {nfd, "\xC3\xA9\xCC\x81\xEA\xA7\x80\xC3\xA9",
         "25:0-1/0 36:1-2/0 35:1-2/0 35:2-3/0 37:3-4/0 35:3-4/0"},
        {BERT_NORMALIZER, "e\xCC\x81\xEA\xA7\x80", "25:0-1/0 36:1-2/0"},
        {BERT_NORMALIZER, "\xC3\xA9\xEA\xA7\x80\xEA\xA7\x80!",
         "25:0-1/0 36:1-2/0 36:2-3/0 19:3-4/1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(tokens_of(small_json(rows[i].normalizer, BERT_SPLIT, NULL, NULL),
                            rows[i].text), rows[i].tokens);
}

/* ---- Against the definition ---- */

enum { MOST = 64 };

typedef struct part {
    uint32_t c;
    size_t place; /* of the source character */
    bool first;
} part;

/* Decomposes all, sorts each run of marks stably by insertion, then hands out the source
** characters in order to the parts that are first in theirs. */
static size_t by_definition(const uint32_t *text, size_t count, bool drop, part *out)
{
    size_t parts = 0, kept = 0, place = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t pieces[ENC_EXPANSION];
        size_t n = enc_decompose(text[i], pieces);
        for (size_t j = 0; j < n; j++)
            out[parts++] = (part){pieces[j], 0, j == 0};
    }
    for (size_t i = 1; i < parts; i++)
        for (size_t j = i; j > 0 && enc_combining_class(out[j].c) > 0 &&
             enc_combining_class(out[j - 1].c) > enc_combining_class(out[j].c); j--) {
            part swapped = out[j];
            out[j] = out[j - 1];
            out[j - 1] = swapped;
        }
    for (size_t i = 0; i < parts; i++) {
        place += out[i].first;
        out[i].place = place - 1;
        if (!drop || !enc_is_mark(out[i].c))
            out[kept++] = out[i];
    }
    return kept;
}

static uint32_t random_below(uint32_t most)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % most;
}

static void compare_with_definition(const uint32_t *text, size_t count, bool drop)
{
    static const uint32_t order_flags[] = {0, ENC_ORDER_DROPS_MARKS};
    char bytes[MOST * 4];
    _Alignas(16) char state[8192];
    part want[MOST * ENC_EXPANSION];
    enc_normalizer n;
    enc_source source;
    enc_symbol symbol = {0};
    size_t size = 0, expected = by_definition(text, count, drop, want), got = 0, wrong = 0;
    for (size_t i = 0; i < count; i++)
        size += enc_utf8_put(text[i], bytes + size);
    enc_normalizer_begin(&n);
    enc_step step = {.kind = &enc_canonical_order, .flags = order_flags[drop]};
    enc_normalizer_add(&n, step, "here", NULL);
    REQUIRE(n.state_bytes <= sizeof state);
    enc_source_begin(&source, (enc_text){bytes, size}, NULL, NULL);
    enc_lane lane = {&n, &source, state, true, false};
    enc_lane_begin(&lane, enc_source_cursor(&source));
    for (; enc_lane_next(&lane, 1, &symbol); got++)
        wrong += got >= expected || symbol.c != want[got].c ||
                 symbol.character != want[got].place;
    CHECK_INT(wrong, 0);
    CHECK_INT(got, expected);
}

TEST("canonical order: 20,000 random runs of marks come out as the definition says")
{
    static const uint32_t pool[] = {
        'a', 0xE9, 0x1E69, 0xAC01, 0x300, 0x301, 0x323, 0x327, 0x345, 0x344, 0x94D, 0x302E,
        0x302F, 0xA9C0, 0xA9B3, 0x1B44, 0x1D165, 0x1D15E, 0x1D167, 0xF73, 0xF75, 0x3099, ' '};
    for (int round = 0; round < 20000; round++) {
        uint32_t text[MOST];
        size_t count = random_below(12);
        for (size_t i = 0; i < count; i++)
            text[i] = pool[random_below(sizeof pool / sizeof *pool)];
        compare_with_definition(text, count, round % 2);
    }
}

TEST("canonical order: a run of a million marks takes no memory")
{
    enum { MARKS = 1000000 };
    char *text = malloc(2 * MARKS + 1);
    enc_arena arena = {0};
    enc_error err;
    enc_pieces pieces = {0};
    enc_tokenizer *t = opened(small_json(BERT_NORMALIZER, BERT_SPLIT, NULL, NULL));
    REQUIRE(text && t);
    text[0] = 'a';
    for (int i = 0; i < MARKS; i++)
        memcpy(text + 1 + 2 * i, i % 2 ? "\xCC\xA3" : "\xCC\x81", 2);
    enc_tokenizer_pieces(t, &arena, (enc_text){text, 2 * MARKS + 1}, 10, NULL, &pieces, &err);
    CHECK_INT(pieces.count, 1);
    CHECK_INT(pieces.token[0].byte_end, 1);
    CHECK(arena.peak < 4096);
    enc_arena_destroy(&arena);
    enc_tokenizer_close(t);
    free(text);
}
