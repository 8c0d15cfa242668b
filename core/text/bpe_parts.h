/* bpe_parts.h - what bpe.c and bpe_open.c share; for them alone. */
#ifndef ENC_BPE_PARTS_H
#define ENC_BPE_PARTS_H

#include "bpe.h"

/* Symbols of usual words, for arrays on the stack. */
enum { ENC_BPE_USUAL = 192 };

/* A part of a word. */
typedef struct enc_bpe_symbol {
    int32_t id;
    uint32_t length; /* bytes of the word; 0: merged into another symbol */
    uint32_t before; /* number of the symbol, UINT32_MAX: none; while many are merged */
    uint32_t after;
} enc_bpe_symbol;

static inline uint64_t enc_bpe_hash(int32_t left, int32_t right)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    key *= UINT64_C(0x9ddfea08eb382d69);
    return (key ^ key >> 32) * UINT64_C(0x9ae16a3b2f90404f);
}

/* Whether the pair with that hash may be a merge. */
static inline bool enc_bpe_perhaps(const enc_bpe *m, uint64_t hash)
{
    size_t bit = (size_t)(hash >> 16) & (((size_t)4 << m->bits) - 1);
    return m->perhaps[bit / 64] >> bit % 64 & 1;
}

/* Merges symbols where they lie; room [2 * count]. Returns how many there are then. */
size_t enc_bpe_merge_symbols(const enc_bpe *model, enc_bpe_symbol *symbol, size_t count,
                             uint64_t *room, enc_poll *poll);

/* The same for a long word, at least ENC_BPE_LONG symbols, in time linear in their number
** (bpe_blocks.c). */
enum { ENC_BPE_LONG = 2048 };
size_t enc_bpe_merge_blocks(const enc_bpe *model, enc_bpe_symbol *symbol, size_t count,
                            uint64_t *room, enc_poll *poll);

/* Most symbols that a text comes to; SIZE_MAX if that can't be counted. */
size_t enc_bpe_symbols_most(const enc_bpe *model, size_t characters, size_t size);

/* Text to symbols: symbol [enc_bpe_symbols_most], room [twice as many]. Returns how many
** there are. Sets *lost if a character would have to be the unknown token, which the
** vocabulary lacks. Where poll (may be NULL) says stop, merging ends before its time. */
size_t enc_bpe_merge_text(const enc_bpe *model, const char *text, size_t size,
                          enc_bpe_symbol *symbol, uint64_t *room, enc_poll *poll,
                          bool *lost);

#endif
