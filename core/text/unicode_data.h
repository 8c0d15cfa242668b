/*
** unicode_data.h - the generated tables, for unicode.c alone.
**
** A two-level table gives for a code point c the value leaf[index[c / B] * B + c % B]; B is
** ENC_BLOCK, and equal blocks are stored once. Tables of mappings end after the last block
** that has an entry: what lies beyond maps to itself.
*/
#ifndef ENC_UNICODE_DATA_H
#define ENC_UNICODE_DATA_H

#include "unicode.h"

enum { ENC_BLOCK = 128 };

typedef struct enc_unicode_sizes {
    uint32_t lower_blocks; /* entries of enc_lower_index */
    uint32_t canonical_blocks;
    uint32_t compat_blocks;
    uint32_t grapheme_blocks;
    uint32_t compositions;
} enc_unicode_sizes;
extern const enc_unicode_sizes enc_unicode_size;

/* The words of enc_properties(); the leaf holds the number of a record. All of Unicode. */
extern const uint32_t enc_property_record[];
extern const uint16_t enc_property_index[];
extern const uint8_t enc_property_leaf[];

/* The words of enc_grapheme(); the leaf holds the number of a record. */
extern const uint16_t enc_grapheme_record[];
extern const uint16_t enc_grapheme_index[];
extern const uint8_t enc_grapheme_leaf[];

/* What is added to a character for its lowercase; the leaf holds the number of a delta. */
extern const int32_t enc_lower_delta[];
extern const uint8_t enc_lower_index[];
extern const uint8_t enc_lower_leaf[];

/* Full decompositions, one after the other: the first code point of each carries its length
** from bit 24 up. The leaves hold places in the pool, 0 for none. The second table has only
** the characters whose NFKD differs from their NFD. Hangul syllables are in neither. */
extern const uint32_t enc_decomposition_pool[];
extern const uint8_t enc_canonical_index[];
extern const uint16_t enc_canonical_leaf[];
extern const uint8_t enc_compat_index[];
extern const uint16_t enc_compat_leaf[];

/* Canonical compositions, sorted by first, then second. */
extern const uint32_t enc_composition_first[];
extern const uint32_t enc_composition_second[];
extern const uint32_t enc_composition[];

#endif
