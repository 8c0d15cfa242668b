/* characters.c - see characters.h. */
#include "characters.h"

/* ---- UTF-8 ---- */

/* Continuation bytes behind a first byte, 0 for one that begins no character; the range of the
** first of them. */
static int sequence(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    *high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (first >= 0xC2 && first <= 0xDF)
        return 1;
    if (first >= 0xE0 && first <= 0xEF)
        return 2;
    return first >= 0xF0 && first <= 0xF4 ? 3 : 0;
}

uint32_t ctx_character_next(const char **at, const char *end)
{
    unsigned char low, high, first = (unsigned char)*(*at)++;
    if (first < 0x80)
        return first;
    int more = sequence(first, &low, &high);
    if (more == 0)
        return 0xFFFD;
    uint32_t c = first & (0x3Fu >> more);
    for (int i = 0; i < more; i++) {
        unsigned char next = *at < end ? (unsigned char)**at : 0;
        if (next < low || next > high)
            return 0xFFFD;
        c = c << 6 | (next & 0x3F);
        low = 0x80;
        high = 0xBF;
        ++*at;
    }
    return c;
}

size_t ctx_character_count(const char *at, const char *end)
{
    size_t count = 0;
    while (at < end) {
        ctx_character_next(&at, end);
        count++;
    }
    return count;
}

uint32_t ctx_character_before(const char *begin, const char *at, const char **start)
{
    for (int back = 4; back > 1; back--) {
        const char *next = at - back;
        if (at - begin < back || ((unsigned char)*next & 0xC0) != 0xC0)
            continue;
        *start = next;
        uint32_t c = ctx_character_next(&next, at);
        if (next == at)
            return c;
    }
    *start = at - 1;
    return (unsigned char)at[-1] < 0x80 ? (unsigned char)at[-1] : 0xFFFD;
}

size_t ctx_character_border(const char *text, size_t size)
{
    for (size_t back = 1; back <= 3 && back <= size; back++) {
        unsigned char low, high, byte = (unsigned char)text[size - back];
        if ((byte & 0xC0) != 0x80)
            return (size_t)sequence(byte, &low, &high) >= back ? size - back : size;
    }
    return size;
}

/* ---- Kinds ---- */

typedef struct range {
    uint16_t first, last;
} range;

/* Few ranges: what comes often is asked for first. */
static bool among(uint32_t c, const range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}
#define AMONG(c, ranges) among((c), (ranges), sizeof(ranges) / sizeof *(ranges))

bool ctx_is_space(uint32_t c)
{
    static const range wide[] = {{0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
                                 {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F},
                                 {0x205F, 0x205F}, {0x3000, 0x3000}};
    return c < 0x80 ? c == ' ' || (c >= '\t' && c <= '\r') : AMONG(c, wide);
}

bool ctx_is_opener(uint32_t c)
{
    /* guillemets and brackets; of the CJK ones every other, from 3008 and 3014 on */
    static const range plain[] = {{'(', '('},       {'[', '['},       {'{', '{'},
                                  {0xAB, 0xAB},     {0x2018, 0x2018}, {0x201A, 0x201A},
                                  {0x201C, 0x201C}, {0x201E, 0x201E}, {0x2039, 0x2039},
                                  {0xFF08, 0xFF08}, {0xFF3B, 0xFF3B}, {0xFF5B, 0xFF5B},
                                  {0xFF62, 0xFF62}};
    bool pair = (c >= 0x3008 && c <= 0x3011) || (c >= 0x3014 && c <= 0x301B);
    return pair ? c % 2 == 0 : AMONG(c, plain);
}

bool ctx_is_closer(uint32_t c)
{
    static const range plain[] = {{'"', '"'},       {'\'', '\''},     {')', ')'},
                                  {']', ']'},       {'}', '}'},       {0xBB, 0xBB},
                                  {0x2019, 0x2019}, {0x201D, 0x201D}, {0x203A, 0x203A},
                                  {0xFF02, 0xFF02}, {0xFF07, 0xFF07}, {0xFF09, 0xFF09},
                                  {0xFF3D, 0xFF3D}, {0xFF5D, 0xFF5D}, {0xFF63, 0xFF63}};
    bool pair = (c >= 0x3008 && c <= 0x3011) || (c >= 0x3014 && c <= 0x301B);
    return pair ? c % 2 == 1 : AMONG(c, plain);
}

bool ctx_is_strong_terminator(uint32_t c)
{
    static const range strong[] = {
        {0x3002, 0x3002}, {0xFF01, 0xFF01}, {0xFF1F, 0xFF1F}, {0xFF61, 0xFF61}, /* CJK */
        {0x0964, 0x0965},                                     /* dandas */
        {0x0F0D, 0x0F0E}, {0x104A, 0x104B},                   /* Tibetan, Myanmar */
        {0x1362, 0x1362}, {0x1367, 0x1367}, {0x17D4, 0x17D5}, /* Ethiopic, Khmer */
        {0xFE52, 0xFE52}, {0xFE56, 0xFE57}};
    return c >= 0x0964 && AMONG(c, strong);
}

bool ctx_is_terminator(uint32_t c)
{
    static const range wide[] = {{0x0589, 0x0589}, {0x061E, 0x061F}, {0x06D4, 0x06D4},
                                 {0x2026, 0x2026}, {0x203C, 0x203D}, {0x2047, 0x2049},
                                 {0xFF0E, 0xFF0E}};
    if (c < 0x80)
        return c == '.' || c == '!' || c == '?';
    return AMONG(c, wide) || ctx_is_strong_terminator(c);
}

bool ctx_is_ideograph(uint32_t c)
{
    static const range wide[] = {{0x2E80, 0x2FDF}, {0x3001, 0x3029}, {0x3041, 0x309F},
                                 {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xF900, 0xFAFF},
                                 {0xFF01, 0xFF0B}, {0xFF1A, 0xFF20}};
    return c >= 0x2E80 && (AMONG(c, wide) || (c >= 0x20000 && c <= 0x3FFFD));
}

bool ctx_is_punctuation(uint32_t c)
{
    static const range wide[] = {{0xA1, 0xA1},     {0xA7, 0xA7},     {0xAB, 0xAB},
                                 {0xB6, 0xB7},     {0xBB, 0xBB},     {0xBF, 0xBF},
                                 {0x060C, 0x060D}, {0x061B, 0x061B}, {0x2010, 0x2027},
                                 {0x2030, 0x205E}, {0x3001, 0x3003}, {0x3008, 0x3011},
                                 {0x3014, 0x301F}, {0x30FB, 0x30FB}, {0xFF01, 0xFF0F},
                                 {0xFF1A, 0xFF20}, {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}};
    if (c < 0x80) /* controls, too */
        return !ctx_is_space(c) && !(c >= '0' && c <= '9') && !((c | 0x20) - 'a' < 26);
    return c == 0xFFFD || AMONG(c, wide) || ctx_is_terminator(c);
}

bool ctx_is_symbol(uint32_t c)
{
    static const range wide[] = {{0xA2, 0xA9},     {0xAC, 0xB1},     {0xB4, 0xB4},
                                 {0xB8, 0xB8},     {0xD7, 0xD7},     {0xF7, 0xF7},
                                 {0x2000, 0x206F}, {0x20A0, 0x20CF}, {0x2190, 0x245F},
                                 {0x2500, 0x2775}, {0x2794, 0x2BFF}, {0x2E00, 0x2E7F},
                                 {0x3000, 0x3004}, {0x3008, 0x3020}, {0x3030, 0x3030},
                                 {0xFE10, 0xFE1F}, {0xFE30, 0xFE6F}, {0xFFE0, 0xFFEF}};
    return c >= 0xA2 && (AMONG(c, wide) || (c >= 0x1F000 && c <= 0x1FAFF));
}

bool ctx_is_word_part(uint32_t c)
{
    static const range unspaced[] = {{0x0E00, 0x0FFF}, {0x1000, 0x109F}, {0x1780, 0x17FF},
                                     {0x30A0, 0x30FF}};
    return !ctx_is_space(c) && !ctx_is_punctuation(c) && !ctx_is_ideograph(c) &&
           !AMONG(c, unspaced);
}

bool ctx_is_lower(uint32_t c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z';
    if (c <= 0xFF)
        return c >= 0xDF && c != 0xF7;
    if (c >= 0x0100 && c <= 0x0137) /* pairs, the small letter second */
        return c % 2 == 1;
    return (c >= 0x03AC && c <= 0x03CE) || (c >= 0x0430 && c <= 0x045F) ||
           (c >= 0x0561 && c <= 0x0587);
}
