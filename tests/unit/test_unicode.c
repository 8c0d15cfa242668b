/*
** test_unicode.c - UTF-8 and the properties of all 1,112,064 code points.
**
** What is compared is a digest (XXH3, 64 bits) of a serialisation: of a set, one byte for
** each code point in order, surrogates left out; of a mapping or a text, for each the
** length and the code points as little-endian 32-bit numbers. golden/unicode_digest.txt has
** the digests that core/text/gen_unicode.py took of the reference's own answers.
*/
#include "unit.h"

#include "unicode.h"

#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { CODE_POINTS = 0x110000, MAX_TEXT = 6 * ENC_EXPANSION };

/* ---- Digests ---- */

typedef struct digest {
    XXH3_state_t state;
    unsigned char buffer[4096];
    size_t used;
} digest;

static void digest_begin(digest *d)
{
    XXH3_64bits_reset(&d->state);
    d->used = 0;
}

static void digest_byte(digest *d, unsigned char byte)
{
    d->buffer[d->used++] = byte;
    if (d->used == sizeof d->buffer) {
        XXH3_64bits_update(&d->state, d->buffer, d->used);
        d->used = 0;
    }
}

static void digest_number(digest *d, uint32_t number)
{
    for (int shift = 0; shift < 32; shift += 8)
        digest_byte(d, (unsigned char)(number >> shift));
}

static void digest_text(digest *d, const uint32_t *text, size_t length)
{
    digest_number(d, (uint32_t)length);
    for (size_t i = 0; i < length; i++)
        digest_number(d, text[i]);
}

static void check_digest(digest *d, const char *name)
{
    char line[128], got[128], want[128] = "";
    XXH3_64bits_update(&d->state, d->buffer, d->used);
    snprintf(got, sizeof got, "%s %016llx\n", name,
             (unsigned long long)XXH3_64bits_digest(&d->state));
    FILE *file = fopen(test_data("golden/unicode_digest.txt"), "r");
    REQUIRE(file != NULL);
    size_t length = strlen(name);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, name, length) == 0 && line[length] == ' ')
            memcpy(want, line, sizeof want);
    fclose(file);
    CHECK_STR(got, want);
}

/* The next code point that is not a surrogate. */
static uint32_t after(uint32_t c) { return c == 0xD7FF ? 0xE000 : c + 1; }

/* ---- Properties ---- */

typedef struct property {
    const char *name;
    uint32_t bit;
    bool (*holds)(uint32_t c); /* the function with the same meaning, if there is one */
} property;

static const property properties[] = {
    {"bert_removed", ENC_BERT_REMOVED, enc_bert_is_removed},
    {"bert_space", ENC_BERT_SPACE, enc_bert_is_space},
    {"bert_chinese", ENC_BERT_CHINESE, enc_bert_is_chinese},
    {"bert_punctuation", ENC_BERT_PUNCTUATION, enc_bert_is_punctuation},
    {"whitespace", ENC_WHITESPACE, enc_is_whitespace},
    {"bert_mark", ENC_BERT_MARK, enc_is_mark},
    {"accent", ENC_ACCENT, NULL},
    {"word", ENC_WORD, enc_is_word},
    {"numeric", ENC_NUMERIC, NULL},
    {"pattern_word", ENC_PATTERN_WORD, NULL},
};

TEST("unicode: every code point has the properties the reference gives it")
{
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        const property *p = properties + i;
        long differ = 0;
        digest d;
        digest_begin(&d);
        for (uint32_t c = 0; c < CODE_POINTS; c = after(c)) {
            bool has = (enc_properties(c) & p->bit) != 0;
            differ += p->holds && p->holds(c) != has;
            digest_byte(&d, has);
        }
        check_digest(&d, p->name);
        CHECK_INT(differ, 0);
    }
}

TEST("unicode: every code point has the category that the pattern engine gives it")
{
    long letters = 0, numbers = 0;
    digest d;
    digest_begin(&d);
    for (uint32_t c = 0; c < CODE_POINTS; c = after(c)) {
        unsigned category = enc_category(c);
        /* the generator's order has \p{C} last */
        digest_byte(&d, (unsigned char)(category == ENC_CATEGORY_C ? 11 : category - 1));
        letters += enc_is_letter(c);
        numbers += enc_is_number(c);
    }
    check_digest(&d, "category");
    CHECK_INT(letters, 141028);
    CHECK_INT(numbers, 1911);
}

TEST("unicode: a number that is no code point has no properties and maps to itself")
{
    static const uint32_t outside[] = {0x110000, 0x110001, 0x7FFFFFFF, 0xFFFFFFFF};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        uint32_t out[ENC_EXPANSION] = {0}, c = outside[i];
        CHECK_INT(enc_properties(c), 0);
        CHECK(enc_lowercase(c, out) == 1 && out[0] == c);
        CHECK(enc_decompose(c, out) == 1 && out[0] == c);
        CHECK(enc_decompose_compat(c, out) == 1 && out[0] == c);
        CHECK_INT(enc_compose('a', c), 0);
        CHECK_INT(enc_compose(c, 0x301), 0);
    }
}

TEST("unicode: every code point is in grapheme clusters what the reference takes it for")
{
    digest d;
    digest_begin(&d);
    for (uint32_t c = 0; c < CODE_POINTS; c = after(c)) {
        digest_byte(&d, (unsigned char)enc_grapheme(c));
        digest_byte(&d, (unsigned char)(enc_grapheme(c) >> 8));
    }
    check_digest(&d, "grapheme");
    CHECK_INT(enc_grapheme(0x110000), 0);
    CHECK_INT(enc_grapheme(0xFFFFFFFF), 0);
}

/* ---- Mappings ---- */

/* Stable sort of every run of marks by combining class. */
static void reorder(uint32_t *text, size_t length)
{
    for (size_t i = 1; i < length; i++) {
        uint32_t c = text[i];
        uint8_t class = enc_combining_class(c);
        size_t j = i;
        for (; class > 0 && j > 0 && enc_combining_class(text[j - 1]) > class; j--)
            text[j] = text[j - 1];
        text[j] = c;
    }
}

/* Canonical composition algorithm, in place; returns the new length. */
static size_t compose(uint32_t *text, size_t length)
{
    size_t starter = length, count = 0;
    for (size_t i = 0; i < length; i++) {
        uint32_t c = text[i];
        uint8_t class = enc_combining_class(c);
        bool blocked = starter == length || (count > starter + 1 &&
                       enc_combining_class(text[count - 1]) >= class);
        uint32_t composite = blocked ? 0 : enc_compose(text[starter], c);
        if (composite > 0) {
            text[starter] = composite;
            continue;
        }
        if (class == 0)
            starter = count;
        text[count++] = c;
    }
    return count;
}

/* Normal form of `length` <= 6 characters in out[MAX_TEXT]; returns its length. */
static size_t normal_form(const uint32_t *text, size_t length, bool compat, bool composed,
                          uint32_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        uint32_t part[ENC_EXPANSION];
        size_t parts = compat ? enc_decompose_compat(text[i], part)
                              : enc_decompose(text[i], part);
        memcpy(out + count, part, parts * sizeof *part);
        count += parts;
    }
    reorder(out, count);
    return composed ? compose(out, count) : count;
}

static const struct {
    const char *name, *strings;
    bool compat, composed;
} forms[] = {
    {"nfd", "strings_nfd", false, false},
    {"nfc", "strings_nfc", false, true},
    {"nfkd", "strings_nfkd", true, false},
    {"nfkc", "strings_nfkc", true, true},
};

TEST("unicode: every code point has the normal forms the reference gives it")
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        digest d;
        digest_begin(&d);
        for (uint32_t c = 0; c < CODE_POINTS; c = after(c)) {
            uint32_t out[MAX_TEXT];
            size_t count = normal_form(&c, 1, forms[i].compat, forms[i].composed, out);
            digest_text(&d, out, count);
        }
        check_digest(&d, forms[i].name);
    }
}

/* The next string of random_strings() in gen_unicode.py. */
static void random_string(uint64_t *state, uint32_t text[6])
{
    static const uint32_t range[8][2] = {
        {0x41, 0x7B},     {0xC0, 0x250}, {0x300, 0x370},     {0x1100, 0x1200},
        {0xAC00, 0xB000}, {0x0, 0x3100}, {0x1D100, 0x1D300}, {0xF900, 0x10000},
    };
    for (int i = 0; i < 6; i++) {
        *state = *state * 6364136223846793005U + 1442695040888963407U;
        const uint32_t *r = range[*state >> 61];
        text[i] = r[0] + (uint32_t)(*state >> 29) % (r[1] - r[0]);
    }
}

TEST("unicode: normal forms of 100,000 mixed strings are the reference's")
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        uint64_t state = 1;
        digest d;
        digest_begin(&d);
        for (int k = 0; k < 100000; k++) {
            uint32_t text[6], out[MAX_TEXT];
            random_string(&state, text);
            size_t count = normal_form(text, 6, forms[i].compat, forms[i].composed, out);
            digest_text(&d, out, count);
        }
        check_digest(&d, forms[i].strings);
    }
}

TEST("unicode: every code point has its combining class, lowercase and stripped form")
{
    digest class, lower, stripped;
    digest_begin(&class);
    digest_begin(&lower);
    digest_begin(&stripped);
    for (uint32_t c = 0; c < CODE_POINTS; c = after(c)) {
        uint32_t out[ENC_EXPANSION];
        size_t kept = 0, count = enc_lowercase(c, out);
        digest_text(&lower, out, count);
        count = enc_decompose(c, out);
        bool decomposes = count > 1 || out[0] != c;
        digest_byte(&class, decomposes ? 0 : enc_combining_class(c));
        for (size_t i = 0; i < count; i++)
            if (!enc_is_mark(out[i]))
                out[kept++] = out[i];
        digest_text(&stripped, out, kept);
    }
    check_digest(&class, "combining_class");
    check_digest(&lower, "lowercase");
    check_digest(&stripped, "bert_strip_accents");
}

TEST("unicode: the bits that say a mapping changes a character say so exactly")
{
    long differ = 0;
    for (uint32_t c = 0; c < CODE_POINTS; c = after(c)) {
        uint32_t out[ENC_EXPANSION], has = enc_properties(c);
        size_t count = enc_lowercase(c, out);
        differ += (count > 1 || out[0] != c) != !!(has & ENC_LOWERCASES);
        count = enc_decompose(c, out);
        differ += (count > 1 || out[0] != c) != !!(has & ENC_DECOMPOSES);
        count = enc_decompose_compat(c, out);
        differ += (count > 1 || out[0] != c) != !!(has & ENC_DECOMPOSES_COMPAT);
    }
    CHECK_INT(differ, 0);
}

/* ---- UTF-8 ---- */

/* Decodes from memory that ends where the string does, so that a sanitizer sees a read past
** its end. */
static void digest_utf8(digest *d, const unsigned char *bytes, size_t size)
{
    uint32_t text[4];
    size_t count = 0;
    const char *at = (const char *)bytes, *end = at + size;
    while (at < end)
        text[count++] = enc_utf8_next(&at, end);
    digest_text(d, text, count);
    if (at != end || count != enc_utf8_count((const char *)bytes, size))
        digest_byte(d, 1); /* breaks the digest */
}

TEST("utf8: every string of one, two or three bytes decodes as Python does with 'replace'")
{
    digest d;
    unsigned char one[1], two[2], three[3];
    digest_begin(&d);
    for (int a = 0; a < 256; a++) {
        one[0] = (unsigned char)a;
        digest_utf8(&d, one, 1);
    }
    check_digest(&d, "utf8_1");
    digest_begin(&d);
    for (int a = 0; a < 0x10000; a++) {
        two[0] = (unsigned char)(a >> 8);
        two[1] = (unsigned char)a;
        digest_utf8(&d, two, 2);
    }
    check_digest(&d, "utf8_2");
    digest_begin(&d);
    for (int a = 0; a < 0x1000000; a++) {
        three[0] = (unsigned char)(a >> 16);
        three[1] = (unsigned char)(a >> 8);
        three[2] = (unsigned char)a;
        digest_utf8(&d, three, 3);
    }
    check_digest(&d, "utf8_3");
}

TEST("utf8: strings of four bytes at all limits decode as Python does with 'replace'")
{
    static const unsigned char tail[16] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0,
                                           0xBF, 0xC0, 0xC2, 0xE0, 0xED, 0xF0, 0xF4, 0xFF};
    digest d;
    unsigned char four[4];
    digest_begin(&d);
    for (int a = 0xE000; a < 0x10000; a++) {
        for (int b = 0; b < 256; b++) {
            four[0] = (unsigned char)(a >> 8);
            four[1] = (unsigned char)a;
            four[2] = tail[b / 16];
            four[3] = tail[b % 16];
            digest_utf8(&d, four, 4);
        }
    }
    check_digest(&d, "utf8_4");
}

TEST("utf8: one U+FFFD stands for each maximal ill-formed part")
{
    static const struct {
        const char *bytes;
        size_t characters;
    } cases[] = {
        {"\xC0\xAF", 2},                 /* overlong */
        {"\xE0\x80\xAF", 3},             /* overlong */
        {"\xED\xA0\x80", 3},             /* a surrogate */
        {"\xF4\x90\x80\x80", 4},         /* beyond U+10FFFF */
        {"\xF8\x88\x80\x80\x80", 5},     /* no such lead byte */
        {"\xE2\x82", 1},                 /* cut short */
        {"\xF0\x9F\x98", 1},             /* cut short */
        {"\xE2\x82" "A", 2},             /* cut short by a letter */
        {"\xF0\x9F\xE2\x82\xAC", 2},     /* cut short by a good character */
        {"\x80\x80", 2},                 /* no lead byte */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *at = cases[i].bytes, *end = at + strlen(at);
        CHECK_INT(enc_utf8_count(at, (size_t)(end - at)), cases[i].characters);
        CHECK_INT(enc_utf8_next(&at, end), 0xFFFD);
    }
    CHECK_INT(enc_utf8_count("", 0), 0);
}

TEST("utf8: every code point is written and read back, others are written as U+FFFD")
{
    long differ = 0;
    char bytes[4];
    for (uint32_t c = 0; c < CODE_POINTS; c = after(c)) {
        size_t size = enc_utf8_put(c, bytes);
        const char *at = bytes;
        differ += enc_utf8_next(&at, bytes + size) != c || at != bytes + size;
        differ += size != (c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
    }
    CHECK_INT(differ, 0);
    static const uint32_t outside[] = {0xD800, 0xDFFF, 0x110000, 0xFFFFFFFF};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        CHECK_INT(enc_utf8_put(outside[i], bytes), 3);
        CHECK(memcmp(bytes, "\xEF\xBF\xBD", 3) == 0);
    }
}
