/* bpe_parts.h - what bpe*.c share; for them alone. */
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

/* Text to symbols, before any merge: symbol [enc_bpe_symbols_most]. Returns how many there
** are. Sets *lost if a character would have to be the unknown token, which the vocabulary
** lacks. */
size_t enc_bpe_begin_symbols(const enc_bpe *model, const char *text, size_t size,
                             enc_bpe_symbol *symbol, bool *lost);

/* The same and merged, with room for twice as many numbers. Where poll (may be NULL) says stop,
** merging ends before its time. */
size_t enc_bpe_merge_text(const enc_bpe *model, const char *text, size_t size,
                          enc_bpe_symbol *symbol, uint64_t *room, enc_poll *poll,
                          bool *lost);

/* Fills in `letter` and `byte`. */
void enc_bpe_find_letters(enc_bpe *model);

/* The pair's place in the list of merges; UINT32_MAX if it has none. */
uint32_t enc_bpe_rank(const enc_bpe *model, int32_t left, int32_t right);

/* Bytes of the character that begins there, in valid UTF-8. */
static inline size_t enc_bpe_character(const char *text)
{
    unsigned lead = (unsigned char)*text;
    return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* ---- Tokens of a word, one after another --------------------------------------------- */

typedef struct enc_bpe_output {
    const enc_pretoken *word;
    enc_token_list *list;
    size_t at;       /* bytes of the word so far */
    size_t from, to; /* characters of the last token */
} enc_bpe_output; /* to = 1, the others 0: nothing so far */

/* A token's bytes may begin and end within characters, which are then all its own. */
static inline void enc_bpe_output_add(enc_bpe_output *o, int32_t id, size_t length)
{
    const enc_pretoken *word = o->word;
    size_t end = o->at + length;
    if (word->straight) {
        o->from = o->at;
        o->to = end < word->kept ? end : word->kept;
    } else {
        while (o->from + 1 < word->kept && word->end[o->from] <= o->at)
            o->from++;
        while (o->to < word->kept && word->end[o->to - 1] < end)
            o->to++;
    }
    o->from = o->from < o->to ? o->from : o->to - 1;
    enc_token_list_add_part(o->list, id, word, o->from, o->to);
    o->at = end;
}

/* Finds the tokens of a word that comes as the model wants it, without merging. False: it has to
** be merged; nothing was added. (bpe_match.c) */
bool enc_bpe_match(const enc_bpe *model, const enc_pretoken *word, enc_token_list *list);

#endif
