/* char_set.c - see char_set.h. */
#include "char_set.h"

#include <string.h>

enum { LONG_S = 0x17F, KELVIN = 0x212A };

static bool is_left_out(uint32_t c)
{
    return c == 0xB2 || c == 0xB3 || c == 0xB9 || (c >= 0xBC && c <= 0xBE);
}

static bool is_range(const enc_char_term *t) { return !t->properties && !t->categories; }

static bool asks(const enc_char_set *set, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count; i++) {
        const enc_char_term *t = &set->term[i];
        bool has = is_range(t) ? c >= t->low && c <= t->high
                               : enc_properties(c) & t->properties ||
                                     1u << enc_category(c) & t->categories;
        has = has && !(t->bracketed && is_left_out(c));
        if (has != t->negated)
            return !set->negated;
    }
    return set->negated;
}

bool enc_char_set_asks(const enc_char_set *set, uint32_t c)
{
    return asks(set, set->beyond, c);
}

bool enc_char_set_is_space(const enc_char_set *set)
{
    if (set->negated)
        return false;
    for (size_t i = 0; i < set->count; i++) {
        const enc_char_term *t = &set->term[i];
        bool range = is_range(t);
        if (t->negated || (range ? t->low != t->high || !enc_is_whitespace(t->low)
                                 : t->categories || t->properties != ENC_WHITESPACE))
            return false;
    }
    return true;
}

static void settle(enc_char_set *set)
{
    set->ascii[0] = set->ascii[1] = 0;
    for (uint32_t c = 0; c < 128; c++)
        set->ascii[c / 64] |= (uint64_t)asks(set, set->count, c) << c % 64;
    set->beyond = 0;
    for (size_t i = 0; i < set->count; i++) {
        enc_char_term term = set->term[i];
        if (is_range(&term) && !term.negated && term.high < 128)
            continue;
        set->term[i] = set->term[set->beyond];
        set->term[set->beyond++] = term;
    }
}

static bool add(enc_char_set *set, enc_char_term term)
{
    if (set->count == ENC_CHAR_TERMS_MOST)
        return false;
    set->term[set->count++] = term;
    return true;
}

static bool add_range(enc_char_set *set, uint32_t low, uint32_t high)
{
    return low <= high && add(set, (enc_char_term){.low = low, .high = high});
}

void enc_char_set_fold(enc_char_set *set)
{
    for (uint32_t c = 'a'; c <= 'z'; c++) {
        uint32_t upper = c - 'a' + 'A';
        bool has = enc_char_set_has(set, c) || enc_char_set_has(set, upper);
        if (!has)
            continue;
        add_range(set, c, c);
        add_range(set, upper, upper);
        if (c == 's')
            add_range(set, LONG_S, LONG_S);
        if (c == 'k')
            add_range(set, KELVIN, KELVIN);
    }
    settle(set);
}

void enc_char_set_one(uint32_t c, bool fold, enc_char_set *out)
{
    *out = (enc_char_set){0};
    add_range(out, c, c);
    settle(out);
    if (fold)
        enc_char_set_fold(out);
}

/* ---- Reading ------------------------------------------------------------------------- */

enum {
    LETTERS = 1 << ENC_CATEGORY_LU | 1 << ENC_CATEGORY_LL | 1 << ENC_CATEGORY_LT |
              1 << ENC_CATEGORY_LM | 1 << ENC_CATEGORY_LO
};

static const struct name {
    const char *name;
    uint16_t categories;
} names[] = {
    {"L", LETTERS},
    {"Lu", 1 << ENC_CATEGORY_LU},
    {"Ll", 1 << ENC_CATEGORY_LL},
    {"Lt", 1 << ENC_CATEGORY_LT},
    {"Lm", 1 << ENC_CATEGORY_LM},
    {"Lo", 1 << ENC_CATEGORY_LO},
    {"M", 1 << ENC_CATEGORY_M},
    {"N", 1 << ENC_CATEGORY_ND | 1 << ENC_CATEGORY_NL_NO},
    {"Nd", 1 << ENC_CATEGORY_ND},
    {"P", 1 << ENC_CATEGORY_P},
    {"S", 1 << ENC_CATEGORY_S},
    {"Z", 1 << ENC_CATEGORY_Z},
    {"C", 1 << ENC_CATEGORY_C},
};

/* {Name} after \p. */
static bool read_name(const char **at, const char *end, uint16_t *categories)
{
    const char *close = *at < end && **at == '{' ? memchr(*at, '}', (size_t)(end - *at))
                                                 : NULL;
    if (!close)
        return false;
    size_t size = (size_t)(close - *at - 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == size && memcmp(names[i].name, *at + 1, size) == 0) {
            *categories = names[i].categories;
            *at = close + 1;
            return true;
        }
    return false;
}

static int hexadecimal(char c)
{
    return c >= '0' && c <= '9' ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Exactly `digits` of them. */
static bool read_number(const char **at, const char *end, int digits, uint32_t *out)
{
    *out = 0;
    for (; digits > 0; digits--, ++*at) {
        if (*at == end || hexadecimal(**at) < 0)
            return false;
        *out = *out << 4 | (uint32_t)hexadecimal(**at);
    }
    return true;
}

/* What follows a backslash: a character (then term->low is it, and *one), or a class. */
static bool read_escape(const char **at, const char *end, enc_char_term *term, bool *one)
{
    static const char controls[] = "nrtfvae", codes[] = "\n\r\t\f\v\a\x1B";
    if (*at == end)
        return false;
    *term = (enc_char_term){0};
    uint32_t c = enc_utf8_next(at, end);
    *one = false;
    switch (c) {
    case 's': case 'S':
        term->properties = ENC_WHITESPACE;
        term->negated = c == 'S';
        return true;
    case 'w': case 'W':
        term->properties = ENC_PATTERN_WORD;
        term->negated = c == 'W';
        return true;
    case 'd': case 'D':
        term->categories = 1 << ENC_CATEGORY_ND;
        term->negated = c == 'D';
        return true;
    case 'p': case 'P':
        term->negated = c == 'P';
        return read_name(at, end, &term->categories);
    case 'x': case 'u':
        *one = true;
        return read_number(at, end, c == 'x' ? 2 : 4, &term->low) &&
               (c == 'u' || term->low < 0x80);
    default:
        break;
    }
    *one = true;
    term->low = c;
    const char *control = c < 128 ? strchr(controls, (int)c) : NULL;
    if (control && c)
        term->low = (unsigned char)codes[control - controls];
    else if (enc_properties(c) & ENC_PATTERN_WORD || c >= 128)
        return false; /* some other escape */
    return true;
}

/* A bracket expression after its '['. One level of brackets inside it is a union. */
static bool read_bracket(const char **at, const char *end, enc_char_set *set)
{
    bool inside = false, first = true;
    if (*at < end && **at == '^') {
        set->negated = true;
        ++*at;
    }
    while (*at < end) {
        enc_char_term term = {0};
        bool one = true;
        uint32_t c = enc_utf8_next(at, end);
        if (c == ']' && !first) {
            if (!inside)
                return true;
            inside = false;
            continue;
        }
        if ((c == ']' && first) || (c == '&' && *at < end && **at == '&'))
            return false;
        if (c == '[') {
            if (inside || (*at < end && (**at == ':' || **at == '^' || **at == ']')))
                return false;
            inside = true;
            continue;
        }
        first = false;
        term.low = c;
        if (c == '\\' && !read_escape(at, end, &term, &one))
            return false;
        term.high = term.low;
        if (one && end - *at > 1 && **at == '-' && (*at)[1] != ']') {
            enc_char_term last = {0};
            ++*at;
            last.low = enc_utf8_next(at, end);
            if (last.low == '[' ||
                (last.low == '\\' && (!read_escape(at, end, &last, &one) || !one)))
                return false;
            term.high = last.low;
        }
        term.bracketed = term.properties & ENC_PATTERN_WORD;
        if (term.low > term.high || !add(set, term))
            return false;
    }
    return false;
}

bool enc_char_set_read(const char **at, const char *end, enc_char_set *out)
{
    bool one = true;
    enc_char_term term = {0};
    *out = (enc_char_set){0};
    if (*at == end)
        return false;
    uint32_t c = enc_utf8_next(at, end);
    if (c == '[') {
        if (!read_bracket(at, end, out))
            return false;
    } else if (c == '.') {
        out->negated = true;
        add_range(out, '\n', '\n');
    } else {
        term.low = c;
        if (c < 128 && strchr("()|?*+{}^$]", (int)c) && c)
            return false;
        if (c == '\\' && !read_escape(at, end, &term, &one))
            return false;
        term.high = term.low;
        add(out, term);
    }
    settle(out);
    return true;
}
