/*
** bpe.h - the BPE model: a word's characters, of which known pairs grow together, the pair
** that was learnt first before all others.
**
** A word begins as one symbol for each character, looked up in the vocabulary with `prefix`
** in front of it unless it is the first, and `suffix` behind it if it is the last. Of all
** pairs of neighbours that the list of merges has, the one that stands first in the list is
** merged (the leftmost of equals), until there is none. (Sennrich, Haddow and Birch, "Neural
** Machine Translation of Rare Words with Subword Units", 2016.)
**
** A character that is no token becomes the tokens <0x00> ... <0xFF> of its bytes (where
** byte_fallback and the vocabulary say so), else the unknown token, else nothing.
*/
#ifndef ENC_BPE_H
#define ENC_BPE_H

#include "json_node.h"
#include "pretoken.h"
#include "trie.h"

/* Most bytes of prefix and of suffix; characters whose ids are in a table. */
enum { ENC_BPE_AFFIX = 64, ENC_BPE_LETTERS = 512 };

/* Merge of two tokens; rank is its place in the list of merges. */
typedef struct enc_bpe_pair {
    int32_t left, right;
    uint32_t rank; /* UINT32_MAX: a free slot */
    int32_t made;  /* what becomes of them */
} enc_bpe_pair;

/* How the token comes of its own text, and what else that text begins with. */
enum { ENC_BPE_NEVER, ENC_BPE_IN_ORDER, ENC_BPE_OUT_OF_ORDER };
typedef struct enc_bpe_part {
    int32_t left, right; /* of its last merge, -1: it is a character (or a byte) */
    uint32_t rank;       /* of that merge */
    int32_t shorter;     /* the longest token but itself that its text begins with, -1: none */
    uint16_t size;       /* bytes of its text */
    uint16_t made;       /* ENC_BPE_IN_ORDER: each merge behind those that made its parts;
                         ** ENC_BPE_NEVER: its text comes to other tokens */
} enc_bpe_part;

/* In the trie: a token that is found where its text is a whole word, and nowhere else. */
enum { ENC_BPE_WHOLE_ONLY = 1 << 30 };

typedef struct enc_bpe {
    enc_vocabulary vocabulary;
    enc_bpe_pair *pair; /* [1 << bits], by open addressing */
    int bits;
    uint64_t *perhaps;  /* [1 << bits >> 4] four bits a slot, found by the pair's hash: 0 if
                        ** it is no merge, as most pairs are; small enough to stay in cache */
    int32_t *made;      /* [merges] what becomes of the pair of that rank */
    unsigned char *whole; /* a bit for each id < whole_ids: the token's text becomes that */
    size_t whole_ids;     /* token alone, so that words are looked up before all else */
    enc_trie trie;        /* tokens that words are matched with (bpe_match.c); empty: they */
    enc_bpe_part *part;   /* are merged, and `whole` is there instead. [parts] by id */
    size_t parts;
    bool raw;             /* it is of bytes, and words are to be (enc_pretoken.raw) */
    bool apart;           /* what becomes of unknown characters merges with nothing */
    int32_t letter[ENC_BPE_LETTERS]; /* id of the character alone, -1 if it is no token */
    int32_t byte[256];  /* id of <0x..>, -1 if it is no token */
    int32_t unknown;    /* id, -1: none */
    bool unknown_lost;  /* there is to be an unknown token, but the vocabulary lacks it */
    bool fuse_unknown;  /* neighbouring unknown characters are one token */
    bool byte_fallback;
    bool ignore_merges; /* a word that is a token is that token, whatever the merges say */
    bool growing;       /* each merge makes the text of its symbol longer */
    char prefix[ENC_BPE_AFFIX];
    char suffix[ENC_BPE_AFFIX];
    size_t prefix_size;
    size_t suffix_size;
    size_t bytes;       /* held beside the vocabulary's */
    size_t merges;
    bool borrowed;      /* all tables lie in a saved model's file */
} enc_bpe;

typedef struct enc_bpe_merge {
    const char *left, *right;
    size_t left_size, right_size;
} enc_bpe_merge;

typedef struct enc_bpe_settings {
    const char *unknown; /* token; NULL: none */
    const char *prefix;  /* NULL is as "" */
    const char *suffix;
    bool fuse_unknown, byte_fallback, ignore_merges;
} enc_bpe_settings;

/* Takes over the vocabulary, also if it fails. `where` names the model in messages. */
int enc_bpe_open(enc_vocabulary *vocabulary, const enc_bpe_settings *settings,
                 const enc_bpe_merge *merges, size_t count, const char *where, enc_bpe *out,
                 enc_error *err);
/* Makes the tables for whole words, once it is known how they come: `raw`, as the bytes that
** byte-level letters would stand for, if the model has all of these letters. */
int enc_bpe_settle(enc_bpe *model, bool raw, enc_error *err);
/* From a "model" value; with `store`, vocabulary and merges from that, as a saved model has
** them. */
int enc_bpe_read(const enc_node *node, enc_store *store, enc_bpe *out, enc_error *err);
/* Vocabulary and merges to a saved model or out of one (stored_models.c). */
int enc_bpe_store(enc_bpe *model, enc_store *store, enc_error *err);
void enc_bpe_close(enc_bpe *model);

/* Appends the tokens of a word, of which all characters must be kept. Time n log n for n
** characters. */
void enc_bpe_tokenize(const enc_bpe *model, const enc_pretoken *word, enc_token_list *list);

#endif
