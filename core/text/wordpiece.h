/*
** wordpiece.h - the WordPiece model: a word becomes the longest known pieces from its left.
**
** The first piece is looked for as it is, the others with a prefix ("##") in front. A word
** that can't be made of known pieces, or has too many characters, is one unknown token.
** (Schuster and Nakajima, "Japanese and Korean voice search", 2012; the greedy search is
** BERT's.)
*/
#ifndef ENC_WORDPIECE_H
#define ENC_WORDPIECE_H

#include "json_node.h"
#include "pretoken.h"
#include "vocabulary.h"

typedef struct enc_wordpiece {
    enc_vocabulary vocabulary;
    char *prefix;         /* of a piece that continues a word */
    size_t prefix_size;
    uint64_t prefix_hash;
    int32_t unknown;      /* id */
    size_t most;          /* characters; longer words are unknown */
} enc_wordpiece;

/* Takes over the vocabulary, also if it fails. `where` names the vocabulary in messages. */
int enc_wordpiece_open(enc_vocabulary *vocabulary, const char *unknown, const char *prefix,
                       size_t most, const char *where, enc_wordpiece *out, enc_error *err);
/* From a "model" value; with `store`, the vocabulary from that, as a saved model has it. */
int enc_wordpiece_read(const enc_node *node, enc_store *store, enc_wordpiece *out,
                       enc_error *err);
void enc_wordpiece_close(enc_wordpiece *model);

/* Appends the tokens of a word, at least one. */
void enc_wordpiece_tokenize(const enc_wordpiece *model, const enc_pretoken *word,
                            enc_token_list *list);

#endif
