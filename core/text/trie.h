/*
** trie.h - a set of texts, each with a number, read byte by byte: all texts that begin at a
** place of another text are found in one walk.
**
**     uint32_t node = ENC_TRIE_ROOT;
**     while (at < end && enc_trie_step(&trie, &node, *at++))
**         if ((value = enc_trie_value(&trie, node)) >= 0)
**             the text read so far is one of the set
**
** A double array, one cell a node: the child for a byte stands at the node's base XOR that
** byte, which never leaves a block of 256 cells, and says which byte it is for. No two nodes
** have the same base, so that a child is its parent's alone. (Aoe, "An efficient digital
** search algorithm by using a double-array structure", 1989.)
*/
#ifndef ENC_TRIE_H
#define ENC_TRIE_H

#include "vocabulary.h"

enum { ENC_TRIE_ROOT = 0 };

typedef struct enc_trie_cell {
    uint32_t link; /* base << 9 | byte; the byte is 256 for the root and where no node is */
    int32_t value; /* -1: no text ends here */
} enc_trie_cell;

typedef struct enc_trie {
    enc_trie_cell *cell; /* [count] */
    size_t count;        /* a multiple of 256 */
} enc_trie;

/* The items' texts with their ids as values; sorts the items. Of equal texts the one with
** the largest id counts; the empty text is left out. `where` names the items in messages. */
int enc_trie_open(enc_vocabulary_item *items, size_t count, const char *where, enc_trie *out,
                  enc_error *err);
void enc_trie_close(enc_trie *trie);

/* Moves to the child for the byte; false if there is none. */
static inline bool enc_trie_step(const enc_trie *trie, uint32_t *node, char byte)
{
    uint32_t c = (unsigned char)byte, child = trie->cell[*node].link >> 9 ^ c;
    *node = child;
    return (trie->cell[child].link & 511) == c;
}

static inline int32_t enc_trie_value(const enc_trie *trie, uint32_t node)
{
    return trie->cell[node].value;
}

#endif
