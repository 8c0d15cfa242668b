/* grapheme.c - see grapheme.h. The numbers of rules are those of UAX #29. */
#include "grapheme.h"

enum { ZERO_WIDTH_JOINER = 0x200D, SYLLABLES = 0xAC00, SYLLABLES_END = 0xD7A4 };
/* Kinds of Hangul syllables, above the bits of enc_grapheme. */
enum { SYLLABLE_LV = 1 << 16, SYLLABLE_LVT = 1 << 17 };

static unsigned bits_of(uint32_t c)
{
    if (c >= SYLLABLES && c < SYLLABLES_END)
        return (c - SYLLABLES) % 28 == 0 ? SYLLABLE_LV : SYLLABLE_LVT;
    return enc_grapheme(c);
}

static void append(enc_grapheme_cluster *g, uint32_t c, unsigned bits)
{
    bool goes_on = bits & (ENC_GRAPHEME_INDIC_EXTEND | ENC_GRAPHEME_INDIC_LINKER);
    g->picture_joins = g->pictographic && c == ZERO_WIDTH_JOINER;
    g->pictographic = bits & ENC_GRAPHEME_PICTOGRAPHIC ||
                      (g->pictographic && bits & ENC_GRAPHEME_EXTEND);
    g->linked = g->consonant && goes_on &&
                (g->linked || bits & ENC_GRAPHEME_INDIC_LINKER);
    g->consonant = bits & ENC_GRAPHEME_INDIC_CONSONANT || (g->consonant && goes_on);
    g->last = c;
    g->bits = bits;
}

void enc_grapheme_begin(enc_grapheme_cluster *g, uint32_t c)
{
    *g = (enc_grapheme_cluster){0};
    append(g, c, bits_of(c));
}

static bool joins(const enc_grapheme_cluster *g, uint32_t c, unsigned bits)
{
    if (g->bits & ENC_GRAPHEME_CONTROL || bits & ENC_GRAPHEME_CONTROL)
        return g->last == '\r' && c == '\n'; /* GB3, GB4, GB5 */
    if (g->bits & ENC_GRAPHEME_L) /* GB6 */
        if (bits & (ENC_GRAPHEME_L | ENC_GRAPHEME_V | SYLLABLE_LV | SYLLABLE_LVT))
            return true;
    if (g->bits & (SYLLABLE_LV | ENC_GRAPHEME_V)) /* GB7 */
        if (bits & (ENC_GRAPHEME_V | ENC_GRAPHEME_T))
            return true;
    if (g->bits & (SYLLABLE_LVT | ENC_GRAPHEME_T) && bits & ENC_GRAPHEME_T) /* GB8 */
        return true;
    if (bits & ENC_GRAPHEME_JOINS || g->bits & ENC_GRAPHEME_PREPEND) /* GB9, GB9a, GB9b */
        return true;
    if (g->linked && bits & ENC_GRAPHEME_INDIC_CONSONANT) /* GB9c */
        return true;
    return g->picture_joins && bits & ENC_GRAPHEME_PICTOGRAPHIC; /* GB11 */
}

bool enc_grapheme_joins(enc_grapheme_cluster *g, uint32_t c)
{
    unsigned bits = bits_of(c);
    if (!joins(g, c, bits))
        return false;
    append(g, c, bits);
    return true;
}
