/*
** unicode.h - UTF-8 and the character properties the reference tokenizers see.
**
** The tables behind this are generated (unicode_data.c) by asking the reference about every
** code point, because its parts follow different Unicode versions: no general library
** agrees with it. Nothing here reads the locale.
**
** A loop that asks several things of a character calls enc_properties once and tests bits.
*/
#ifndef ENC_UNICODE_H
#define ENC_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- UTF-8 ---- */

/* enc_utf8_next for what does not begin with an ASCII byte. */
uint32_t enc_utf8_next_long(const char **at, const char *end);

/* The next character of [*at, end), at least one byte; *at moves past it. One U+FFFD for
** each maximal ill-formed subpart, as Python's errors='replace'. *at < end is the caller's
** duty. */
static inline uint32_t enc_utf8_next(const char **at, const char *end)
{
    unsigned char lead = (unsigned char)**at;
    if (lead >= 0x80)
        return enc_utf8_next_long(at, end);
    ++*at;
    return lead;
}

/* Writes `c` as UTF-8; returns the number of bytes, 1 to 4. A surrogate, or a number beyond
** U+10FFFF, is written as U+FFFD. */
size_t enc_utf8_put(uint32_t c, char out[4]);

/* Whether all of it is well-formed. */
bool enc_utf8_is_valid(const char *text, size_t size);

/* Number of characters, counted as enc_utf8_next does. */
size_t enc_utf8_count(const char *text, size_t size);

/* Bytes of the first `characters` characters; `size` if there are no more. */
size_t enc_utf8_prefix(const char *text, size_t size, size_t characters);

/* ---- Properties ---- */

/* Bits of enc_properties. Above them lie the category (enc_category) from bit 16 and the
** canonical combining class (enc_combining_class) from bit 24. */
enum {
    ENC_BERT_REMOVED = 1 << 0,       /* BertNormalizer, clean_text: removed */
    ENC_BERT_SPACE = 1 << 1,         /* BertNormalizer, clean_text: becomes a space */
    ENC_BERT_CHINESE = 1 << 2,       /* BertNormalizer: set between spaces */
    ENC_BERT_PUNCTUATION = 1 << 3,   /* BertPreTokenizer, Punctuation: a word of its own */
    ENC_WHITESPACE = 1 << 4,         /* pre-tokenizers, Strip, lstrip and rstrip, \s */
    ENC_BERT_MARK = 1 << 5,          /* BertNormalizer, strip_accents: removed after NFD */
    ENC_ACCENT = 1 << 6,             /* StripAccents: removed (without decomposition) */
    ENC_WORD = 1 << 7,               /* \w of single_word, Whitespace pre-tokenizer */
    ENC_NUMERIC = 1 << 8,            /* Digits pre-tokenizer */
    ENC_PATTERN_WORD = 1 << 9,       /* \w of the Split pre-tokenizer's patterns */
    ENC_LOWERCASES = 1 << 10,        /* enc_lowercase changes it */
    ENC_DECOMPOSES = 1 << 11,        /* enc_decompose changes it */
    ENC_DECOMPOSES_COMPAT = 1 << 12, /* enc_decompose_compat changes it */
    ENC_COMPOSES = 1 << 13           /* may be second of a pair that enc_compose joins */
};

/* General category as the Split pre-tokenizer's patterns see it: \p{Lu} ... */
enum enc_category {
    ENC_CATEGORY_C, /* \p{C}: controls, unassigned, private use */
    ENC_CATEGORY_LU,
    ENC_CATEGORY_LL,
    ENC_CATEGORY_LT,
    ENC_CATEGORY_LM,
    ENC_CATEGORY_LO,
    ENC_CATEGORY_M,
    ENC_CATEGORY_ND, /* also \d */
    ENC_CATEGORY_NL_NO,
    ENC_CATEGORY_P,
    ENC_CATEGORY_S,
    ENC_CATEGORY_Z
};

/* Indexed by a character below 256. */
extern const uint32_t enc_properties_latin1[256];
/* enc_properties for the others; 0 beyond U+10FFFF. */
uint32_t enc_properties_beyond_latin1(uint32_t c);

static inline uint32_t enc_properties(uint32_t c)
{
    return c < 256 ? enc_properties_latin1[c] : enc_properties_beyond_latin1(c);
}

/* ---- BertNormalizer ---- */
/* clean_text: true if the character is removed (NUL, U+FFFD, controls ...) */
static inline bool enc_bert_is_removed(uint32_t c)
{
    return enc_properties(c) & ENC_BERT_REMOVED;
}
/* clean_text: true if the character becomes a space */
static inline bool enc_bert_is_space(uint32_t c)
{
    return enc_properties(c) & ENC_BERT_SPACE;
}
/* handle_chinese_chars: set between spaces */
static inline bool enc_bert_is_chinese(uint32_t c)
{
    return enc_properties(c) & ENC_BERT_CHINESE;
}
/* BertPreTokenizer: isolated as a word of its own */
static inline bool enc_bert_is_punctuation(uint32_t c)
{
    return enc_properties(c) & ENC_BERT_PUNCTUATION;
}
/* where the pre-tokenizers split: more than enc_bert_is_space by U+000B, U+000C, U+0085 */
static inline bool enc_is_whitespace(uint32_t c)
{
    return enc_properties(c) & ENC_WHITESPACE;
}
/* strip_accents: a nonspacing mark, removed after canonical decomposition */
static inline bool enc_is_mark(uint32_t c)
{
    return enc_properties(c) & ENC_BERT_MARK;
}

/* A letter or digit in the sense of \w: decides where a whole word ends. */
static inline bool enc_is_word(uint32_t c)
{
    return enc_properties(c) & ENC_WORD;
}

/* ---- Classes of the Split pre-tokenizer's patterns ---- */
static inline enum enc_category enc_category(uint32_t c)
{
    return (enum enc_category)(enc_properties(c) >> 16 & 15);
}
/* \p{L} */
static inline bool enc_is_letter(uint32_t c)
{
    enum enc_category category = enc_category(c);
    return category >= ENC_CATEGORY_LU && category <= ENC_CATEGORY_LO;
}
/* \p{N} */
static inline bool enc_is_number(uint32_t c)
{
    enum enc_category category = enc_category(c);
    return category == ENC_CATEGORY_ND || category == ENC_CATEGORY_NL_NO;
}

/* ---- Grapheme clusters (grapheme.h) ---- */

/* Bits of enc_grapheme. */
enum {
    ENC_GRAPHEME_JOINS = 1 << 0,   /* goes on with what is before it, but for controls */
    ENC_GRAPHEME_EXTEND = 1 << 1,  /* of these: Grapheme_Cluster_Break=Extend */
    ENC_GRAPHEME_INDIC_EXTEND = 1 << 2, /* Indic_Conjunct_Break=Extend */
    ENC_GRAPHEME_INDIC_LINKER = 1 << 3,
    ENC_GRAPHEME_INDIC_CONSONANT = 1 << 4,
    ENC_GRAPHEME_PREPEND = 1 << 5, /* what follows it goes on with it, but for controls */
    ENC_GRAPHEME_PICTOGRAPHIC = 1 << 6,
    ENC_GRAPHEME_CONTROL = 1 << 7, /* stands alone */
    ENC_GRAPHEME_L = 1 << 8,       /* Hangul jamo; of syllables it says nothing */
    ENC_GRAPHEME_V = 1 << 9,
    ENC_GRAPHEME_T = 1 << 10
};
unsigned enc_grapheme(uint32_t c);

/* ---- Mappings ---- */

/* Canonical combining class, 0 for starters. Of a character that decomposes it says
** nothing: ask those it decomposes into. */
static inline uint8_t enc_combining_class(uint32_t c)
{
    return (uint8_t)(enc_properties(c) >> 24);
}

enum { ENC_EXPANSION = 18 };

/* Full canonical decomposition (NFD, Hangul too) of one character, before reordering;
** returns how many, at least 1. */
size_t enc_decompose(uint32_t c, uint32_t out[ENC_EXPANSION]);

/* The same for compatibility decomposition (NFKD). */
size_t enc_decompose_compat(uint32_t c, uint32_t out[ENC_EXPANSION]);

/* The character that the pair composes to (NFC and NFKC, Hangul too); 0 if there is none.
** `first` and `second` are neighbours in a decomposed and reordered text. */
uint32_t enc_compose(uint32_t first, uint32_t second);

/* Lowercase mapping of the single character, as Lowercase and BertNormalizer apply it (no
** rule for a final sigma); returns how many, 1 or 2. */
size_t enc_lowercase(uint32_t c, uint32_t out[3]);

#endif
