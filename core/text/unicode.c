/*
** unicode.c - UTF-8 and look-ups in the generated tables.
*/
#include "unicode.h"
#include "unicode_data.h"

#include <string.h>

enum { REPLACEMENT = 0xFFFD, CODE_POINTS = 0x110000 };

/* ---- UTF-8 ---- */

uint32_t enc_utf8_next_long(const char **at, const char *end)
{
    const unsigned char *p = (const unsigned char *)*at;
    const unsigned char *stop = (const unsigned char *)end;
    unsigned lead = *p++;
    /* Range of the byte after the lead, which shuts out overlong forms, surrogates and what
    ** lies beyond U+10FFFF (The Unicode Standard, table 3-7); then 80..BF. */
    unsigned low = 0x80, high = 0xBF, more = 0;
    uint32_t c = 0;
    if (lead >= 0xC2 && lead <= 0xDF) {
        more = 1;
        c = lead & 0x1F;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        more = 2;
        c = lead & 0x0F;
        if (lead == 0xE0)
            low = 0xA0;
        if (lead == 0xED)
            high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        more = 3;
        c = lead & 0x07;
        if (lead == 0xF0)
            low = 0x90;
        if (lead == 0xF4)
            high = 0x8F;
    } else {
        c = lead < 0x80 ? lead : REPLACEMENT;
    }
    for (; more > 0; more--) {
        if (p == stop || *p < low || *p > high) {
            c = REPLACEMENT;
            break;
        }
        c = c << 6 | (*p++ & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    *at = (const char *)p;
    return c;
}

size_t enc_utf8_put(uint32_t c, char out[4])
{
    if (c >= CODE_POINTS || (c >= 0xD800 && c < 0xE000))
        c = REPLACEMENT;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    out[0] = (char)(lead[size] | c);
    return size;
}

bool enc_utf8_is_valid(const char *text, size_t size)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    const char *at = text, *end = text + size;
    while (at < end) {
        const char *begin = at;
        if (enc_utf8_next(&at, end) == REPLACEMENT &&
            (at - begin != 3 || memcmp(begin, replacement, 3) != 0))
            return false;
    }
    return true;
}

size_t enc_utf8_count(const char *text, size_t size)
{
    const char *at = text, *end = text + size;
    size_t count = 0;
    while (at < end) {
        enc_utf8_next(&at, end);
        count++;
    }
    return count;
}

size_t enc_utf8_prefix(const char *text, size_t size, size_t characters)
{
    const char *at = text, *end = text + size;
    if (size <= characters)
        return size;
    while (at < end && characters-- > 0)
        enc_utf8_next(&at, end);
    return (size_t)(at - text);
}

/* ---- Properties ---- */

uint32_t enc_properties_beyond_latin1(uint32_t c)
{
    if (c >= CODE_POINTS)
        return 0;
    uint32_t block = enc_property_index[c / ENC_BLOCK];
    return enc_property_record[enc_property_leaf[block * ENC_BLOCK + c % ENC_BLOCK]];
}

unsigned enc_grapheme(uint32_t c)
{
    if (c / ENC_BLOCK >= enc_unicode_size.grapheme_blocks)
        return 0;
    uint32_t block = enc_grapheme_index[c / ENC_BLOCK];
    return enc_grapheme_record[enc_grapheme_leaf[block * ENC_BLOCK + c % ENC_BLOCK]];
}

/* ---- Mappings ---- */

size_t enc_lowercase(uint32_t c, uint32_t out[3])
{
    out[0] = c;
    if (c < 0x80) {
        if (c >= 'A' && c <= 'Z')
            out[0] = c + ('a' - 'A');
        return 1;
    }
    if (c == 0x130) { /* I with dot above: the one that becomes two characters */
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    if (c / ENC_BLOCK >= enc_unicode_size.lower_blocks)
        return 1;
    uint32_t block = enc_lower_index[c / ENC_BLOCK];
    int32_t delta = enc_lower_delta[enc_lower_leaf[block * ENC_BLOCK + c % ENC_BLOCK]];
    out[0] = (uint32_t)((int32_t)c + delta);
    return 1;
}

/* Hangul syllables compose by arithmetic (The Unicode Standard, section 3.12). */
enum {
    SYLLABLE = 0xAC00,
    LEADING = 0x1100,
    VOWEL = 0x1161,
    TRAILING = 0x11A7, /* this one stands for no trailing consonant */
    LEADINGS = 19,
    VOWELS = 21,
    TRAILINGS = 28,
    SYLLABLES = LEADINGS * VOWELS * TRAILINGS
};

static size_t decompose_hangul(uint32_t syllable, uint32_t *out)
{
    uint32_t trailing = syllable % TRAILINGS;
    out[0] = LEADING + syllable / (VOWELS * TRAILINGS);
    out[1] = VOWEL + syllable / TRAILINGS % VOWELS;
    out[2] = TRAILING + trailing;
    return trailing > 0 ? 3 : 2;
}

static size_t copy_sequence(uint32_t place, uint32_t *out)
{
    const uint32_t *sequence = enc_decomposition_pool + place;
    size_t length = sequence[0] >> 24;
    memcpy(out, sequence, length * sizeof *out);
    out[0] &= 0xFFFFFF;
    return length;
}

size_t enc_decompose(uint32_t c, uint32_t out[ENC_EXPANSION])
{
    if (c >= SYLLABLE && c < SYLLABLE + SYLLABLES) {
        return decompose_hangul(c - SYLLABLE, out);
    }
    if (c / ENC_BLOCK < enc_unicode_size.canonical_blocks) {
        uint32_t block = enc_canonical_index[c / ENC_BLOCK];
        uint32_t place = enc_canonical_leaf[block * ENC_BLOCK + c % ENC_BLOCK];
        if (place > 0)
            return copy_sequence(place, out);
    }
    out[0] = c;
    return 1;
}

size_t enc_decompose_compat(uint32_t c, uint32_t out[ENC_EXPANSION])
{
    if (c / ENC_BLOCK < enc_unicode_size.compat_blocks) {
        uint32_t block = enc_compat_index[c / ENC_BLOCK];
        uint32_t place = enc_compat_leaf[block * ENC_BLOCK + c % ENC_BLOCK];
        if (place > 0)
            return copy_sequence(place, out);
    }
    return enc_decompose(c, out);
}

static uint32_t compose_hangul(uint32_t first, uint32_t second)
{
    if (first >= LEADING && first < LEADING + LEADINGS && second >= VOWEL &&
        second < VOWEL + VOWELS) {
        return SYLLABLE + ((first - LEADING) * VOWELS + (second - VOWEL)) * TRAILINGS;
    }
    if (first >= SYLLABLE && first < SYLLABLE + SYLLABLES &&
        (first - SYLLABLE) % TRAILINGS == 0 && second > TRAILING &&
        second < TRAILING + TRAILINGS) {
        return first + (second - TRAILING);
    }
    return 0;
}

uint32_t enc_compose(uint32_t first, uint32_t second)
{
    if (!(enc_properties(second) & ENC_COMPOSES))
        return 0;
    uint32_t low = 0, high = enc_unicode_size.compositions;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        uint32_t a = enc_composition_first[middle], b = enc_composition_second[middle];
        if (a == first && b == second)
            return enc_composition[middle];
        if (a < first || (a == first && b < second)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return compose_hangul(first, second);
}
