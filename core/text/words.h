/*
** words.h - whole words and the rows they have in a table of vectors: what tokenizes for word
** vectors, whose files know words as they stand in a text, and for encoders that spell words.
**
** A text is read word by word as white space parts it. In each the longest known word counts
** that ends between two characters that a word does not join ("don't" if it is known, else
** "don"), as it is written or else in lower case; what is not known is left out, and the search
** goes on behind it. Two more ways for words that are not known, each a property:
**
**   - sub-words (fastText): a word without a row has its n-grams' rows alone, so any run of
**     letters is a token, its id ENC_NO_ROW
**   - spelled: white space alone parts the text, and every word is a token without a row
**
** Words are added once, then the object is immutable and shared by threads.
*/
#ifndef ENC_WORDS_H
#define ENC_WORDS_H

#include "tokenizer.h"

enum { ENC_NO_ROW = -1 };

typedef struct enc_words_slot {
    uint32_t tag;  /* low half of the hash */
    uint32_t word; /* number of the word plus 1; 0: free */
} enc_words_slot;

typedef struct enc_words_entry {
    uint32_t start; /* in `text` */
    uint32_t size;
} enc_words_entry;

/* fastText's n-grams of a word between '<' and '>', hashed into buckets: rows behind those of
** the words (Bojanowski et al. 2017, "Enriching word vectors with subword information"). */
typedef struct enc_subwords {
    int shortest; /* characters of an n-gram */
    int longest;  /* 0: no n-grams */
    uint32_t buckets;
} enc_subwords;

typedef struct enc_words {
    enc_words_slot *slot;   /* [1 << bits] */
    enc_words_entry *entry; /* [capacity] */
    char *text;
    size_t count;    /* words, and rows they have */
    size_t capacity;
    size_t used;     /* bytes of text */
    size_t room;
    size_t longest;  /* bytes of the longest word */
    int bits;
    bool spelled;
    enc_subwords subwords;
} enc_words; /* all zero: no words, and no room for any */

/* Room for `capacity` words. */
int enc_words_open(size_t capacity, const char *where, enc_words *out, enc_error *err);
void enc_words_close(enc_words *words);

/* Adds a word, whose row is words->count of before; *fresh is false, and nothing is added, if
** it is there already. No more than `capacity`. `where` says in messages what is read. */
int enc_words_add(enc_words *words, const char *text, size_t size, const char *where,
                  bool *fresh, enc_error *err);

/* The word's row, ENC_NO_ROW if it has none. */
int32_t enc_words_find(const enc_words *words, const char *text, size_t size);
/* The same, in lower case if it is not there as it is written (with sub-words: not). */
int32_t enc_words_find_folded(const enc_words *words, enc_arena *arena, enc_text text,
                              enc_error *err);
const char *enc_words_string(const enc_words *words, int32_t row, size_t *size);
int64_t enc_words_bytes(const enc_words *words);

/* Whether a token's text, not its id alone, says what its vector is. */
static inline bool enc_words_read_text(const enc_words *w)
{
    return w->spelled || w->subwords.longest > 0;
}

/* Whether the word can have a vector: a row, or n-grams. */
bool enc_words_known(const enc_words *words, int32_t row, enc_text word);

/* Rows of the word's n-grams, one after another: calls `row` with each, which returns whether
** to go on. Returns how many it was called with; with row NULL, how many there are. */
size_t enc_words_subwords(const enc_words *words, enc_text word,
                          bool (*row)(void *context, size_t row), void *context);

/* As enc_tokenizer_pieces; out->token NULL with out->count if `counting`. */
int enc_words_pieces(const enc_words *words, enc_arena *arena, enc_text text, size_t limit,
                     bool counting, enc_poll *poll, enc_pieces *out, enc_error *err);

#endif
