/*
** unigram.h - the Unigram model: of all ways to cut a word into known pieces, the one with
** the largest sum of scores.
**
** best(0) = 0, best(j) = max over pieces text[i, j) of best(i) + score(piece), found from the
** left in one walk over a trie for each character (Viterbi); of equal sums the one whose last
** piece begins first wins. A character that is no piece by itself may also be unknown, with
** the smallest score of all less 10. (Kudo, "Subword Regularization", 2018.)
**
** Unknown characters side by side are one token: the piece with that text if there is one,
** else <0x00> ... <0xFF> for its bytes (where byte_fallback and the vocabulary say so), each
** of which has the place of them all, else the unknown token.
*/
#ifndef ENC_UNIGRAM_H
#define ENC_UNIGRAM_H

#include "json_node.h"
#include "pretoken.h"
#include "trie.h"
#include "vocabulary.h"

typedef struct enc_unigram {
    enc_vocabulary vocabulary; /* ids are places in the file's list */
    enc_trie trie;
    double *score;          /* [ids] log probabilities */
    double unknown_score;
    int32_t unknown;        /* id, -1: none */
    int32_t byte[256];      /* id of <0x..>, -1 if it is no piece */
    bool byte_fallback;
    size_t bytes;           /* held beside the vocabulary's */
    bool borrowed;          /* score and trie lie in a saved model's file */
} enc_unigram;

/* From a "model" value. `text`: it was read from text, where the reference reads scores in a
** way of its own (decimal.h). With `store`, the pieces from that, as a saved model has them. */
int enc_unigram_read(const enc_node *node, bool text, enc_store *store, enc_unigram *out,
                     enc_error *err);
/* The pieces to a saved model or out of one (stored_models.c). */
int enc_unigram_store(enc_unigram *model, enc_store *store, enc_error *err);
void enc_unigram_close(enc_unigram *model);

/* Appends the tokens of a word, of which all characters must be kept. Time linear in its
** length (times that of the longest piece that fits). */
void enc_unigram_tokenize(const enc_unigram *model, const enc_pretoken *word,
                          enc_token_list *list);

#endif
