/* test_compose.c - core/text/compose.c: canonical composition and what it is aligned to. */
#include "normalizing.h"

TEST("compose: NFC and NFKC give the reference's characters and places")
{
    static const normalizing_row rows[] = {
        {"{'type':'NFC'}", "cafe\xCC\x81", "caf\xC3\xA9", "0-1 1-2 2-3 3-4"},
        {"{'type':'NFC'}", "e\xCC\xA3\xCC\x81x", "\xE1\xBA\xB9\xCC\x81x", "0-1 2-3 3-4"},
        {"{'type':'NFC'}", "e\xCC\x81\xCC\xA3", "\xE1\xBA\xB9\xCC\x81", "0-1 2-3"},
        {"{'type':'NFC'}", "\xCE\xB1\xCD\x84\xCD\x85", "\xE1\xBE\xB3\xCC\x88\xCC\x81",
         "0-1 2-3 2-3"},
        {"{'type':'NFC'}", "\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8\xE1\x84\x80",
         "\xEA\xB0\x81\xE1\x84\x80", "0-1 3-4"},
        {"{'type':'NFC'}", "\xEA\xB0\x80\xE1\x86\xA8", "\xEA\xB0\x81", "0-1"},
        {"{'type':'NFC'}", "\xCC\x81" "a", "\xCC\x81" "a", "0-1 1-2"},
        {"{'type':'NFC'}", "a\xCC\xA7\xCC\x81" "b", "\xC3\xA1\xCC\xA7" "b", "0-1 2-3 3-4"},
        {"{'type':'NFC'}", "\xCD\x84", "\xCC\x88\xCC\x81", "0-1 0-1"},
        {"{'type':'NFC'}", "s\xCC\xA3\xCC\x87", "\xE1\xB9\xA9", "0-1"},
        {"{'type':'NFC'}", "q\xCC\xA3\xCC\x87\xCC\x81" "a", "q\xCC\xA3\xCC\x87\xCC\x81" "a",
         "0-1 1-2 2-3 3-4 4-5"},
        {"{'type':'NFC'}", "\xE0\xA7\x87\xE0\xA6\xBE", "\xE0\xA7\x8B", "0-1"},
        {"{'type':'NFC'}", "\xE0\xBD\xB3\xE0\xBD\xB1", "\xE0\xBD\xB1\xE0\xBD\xB1\xE0\xBD\xB2",
         "0-1 1-2 1-2"},
        {"{'type':'NFC'}", "", "", ""},
        {"{'type':'NFC'}", "\xE3\x81\x8C\xE3\x81\x8B\xE3\x82\x99" "a",
         "\xE3\x81\x8C\xE3\x81\x8C" "a", "0-1 1-2 3-4"},
        {"{'type':'NFC'}", "\xE0\xB8\x81\xE0\xB8\xB8\xE0\xB9\x89\xE0\xB8\x87",
         "\xE0\xB8\x81\xE0\xB8\xB8\xE0\xB9\x89\xE0\xB8\x87", "0-1 1-2 2-3 3-4"},
        {"{'type':'NFC'}", "\xE0\xB8\x81\xE0\xB9\x89\xE0\xB8\xB8\xE0\xB8\x87",
         "\xE0\xB8\x81\xE0\xB8\xB8\xE0\xB9\x89\xE0\xB8\x87", "0-1 1-2 2-3 3-4"},
        {"{'type':'NFKC'}", "\xEF\xAC\x81" "e\xCC\x81", "fi\xC3\xA9", "0-1 0-1 1-2"},
        {"{'type':'NFKC'}", "\xEF\xBC\xA1\xCC\x8A", "\xC3\x85", "0-1"},
        {"{'type':'NFKC'}", "\xE3\x8C\x80",
         "\xE3\x82\xA2\xE3\x83\x91\xE3\x83\xBC\xE3\x83\x88", "0-1 0-1 0-1 0-1"},
        {"{'type':'NFKC'}", "\xC2\xBD", "1\xE2\x81\x84" "2", "0-1 0-1 0-1"},
        {"{'type':'NFKC'}", "\xC5\xBF\xCC\x87", "\xE1\xB9\xA1", "0-1"},
        {"{'type':'NFKC'}", "\xE1\xBA\x9B\xCC\xA3", "\xE1\xB9\xA9", "0-1"},
         {"{'type':'Sequence','normalizers':[{'type':'NFD'},{'type':'StripAccents'},{'typ"
         "e':'NFC'}]}", "\xC3\xA9\xE1\x84\x80\xE1\x85\xA1", "e\xEA\xB0\x80", "0-1 1-2"},
    };
    CHECK_NORMALIZED(rows);
}

/* ---- Against the definition ---------------------------------------------------------- */

enum { MOST = 24 };

typedef struct part {
    uint32_t c;
    uint8_t class;
    bool first;
} part;

static size_t decomposed(const uint32_t *text, size_t count, part *out)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t c[ENC_EXPANSION];
        size_t length = enc_decompose(text[i], c);
        for (size_t j = 0; j < length; j++) {
            part p = {c[j], enc_combining_class(c[j]), j == 0};
            size_t at = n++;
            for (; p.class && at > 0 && out[at - 1].class > p.class; at--)
                out[at] = out[at - 1];
            out[at] = p;
        }
    }
    return n;
}

/* The composed text, with the number of the source character by counting. */
static size_t by_definition(const uint32_t *text, size_t count, uint32_t *c, size_t *place)
{
    part p[MOST * ENC_EXPANSION];
    size_t n = decomposed(text, count, p), out = 0, source = 0;
    for (size_t i = 0; i < n;) {
        size_t end = i + 1, taken = p[i].first, left = 0, marks[MOST * ENC_EXPANSION];
        int class = -1;
        uint32_t starter = p[i].c;
        for (; p[i].class == 0 && end < n; end++) {
            uint32_t joined = class < p[end].class ? enc_compose(starter, p[end].c) : 0;
            if (!joined && p[end].class == 0)
                break;
            if (joined) {
                starter = joined;
                taken += p[end].first;
            } else {
                marks[left++] = end;
                class = p[end].class;
            }
        }
        c[out] = starter;
        place[out++] = taken > 0 ? source : source - 1;
        source += taken;
        for (size_t j = 0; j < left; j++) {
            c[out] = p[marks[j]].c;
            source += p[marks[j]].first;
            place[out++] = source - 1;
        }
        i = end;
    }
    return out;
}

static uint32_t random_below(uint32_t most)
{
    static uint64_t state = 7;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % most;
}

TEST("compose: 20,000 random texts come out as the definition says")
{
    static const uint32_t pool[] = {
        'a', 'e', 's', 0xE9, 0x1E69, 0x3B1, 0xAC00, 0x1100, 0x1161, 0x11A8, 0x300, 0x301,
        0x308, 0x323, 0x327, 0x345, 0x344, 0x94D, 0x9C7, 0x9BE, 0xF73, 0xF71, 0x3099, ' '};
    enc_normalizer n;
    _Alignas(16) static char state[32768];
    REQUIRE(open_normalizer("{'type':'NFC'}", &n) && n.state_bytes <= sizeof state);
    for (int round = 0; round < 20000; round++) {
        uint32_t text[MOST], c[MOST * ENC_EXPANSION];
        size_t place[MOST * ENC_EXPANSION], count = random_below(14), size = 0, got = 0;
        char bytes[4 * MOST];
        enc_source source;
        enc_symbol symbol;
        for (size_t i = 0; i < count; i++) {
            text[i] = pool[random_below(sizeof pool / sizeof *pool)];
            size += enc_utf8_put(text[i], bytes + size);
        }
        size_t wrong = 0, want = by_definition(text, count, c, place);
        enc_source_begin(&source, (enc_text){bytes, size}, NULL, NULL);
        enc_lane lane = {&n, &source, state, true, false};
        enc_lane_begin(&lane, enc_source_cursor(&source));
        for (; enc_lane_next(&lane, n.steps, &symbol); got++)
            wrong += got >= want || symbol.c != c[got] || symbol.character != place[got];
        CHECK_INT(wrong, 0);
        CHECK_INT(got, want);
    }
    enc_normalizer_close(&n);
}

TEST("compose: a run of a million marks takes no memory")
{
    enum { MARKS = 1000000 };
    char *text = malloc(2 * MARKS + 1);
    enc_arena arena = {0};
    enc_pieces pieces = {0};
    enc_tokenizer *t = opened(small_json("{'type':'NFC'}", "{'type':'Whitespace'}", NULL,
                                         NULL));
    REQUIRE(text && t);
    text[0] = 'a';
    for (int i = 0; i < MARKS; i++)
        memcpy(text + 1 + 2 * i, i % 2 ? "\xCC\xA3" : "\xCC\x95", 2);
    enc_tokenizer_pieces(t, &arena, (enc_text){text, 2 * MARKS + 1}, 10, NULL, &pieces, NULL);
    CHECK_INT(pieces.count, 1);
    CHECK_INT(pieces.token[0].byte_end, 2 * MARKS + 1);
    CHECK(arena.peak < 64 * 1024);
    enc_arena_destroy(&arena);
    enc_tokenizer_close(t);
    free(text);
}
