/*
** word_vectors.h - files of word vectors: GloVe's text, word2vec's text and binary forms,
** fastText's .vec and .bin. What a file is shows in its first bytes; its name does not matter.
**
**   GloVe           a line a word: the word, then its D numbers, which are the line's last D
**                   fields, as some words hold spaces
**   word2vec text,  the same below a line "WORDS D"
**   fastText .vec
**   word2vec binary "WORDS D\n", then for each word its bytes, a space, D float32, and, as
**                   one of the two spellings has it, a newline
**   fastText .bin   a model with n-grams (fasttext.c)
**
** Vectors are read in one pass into memory of the caller's.
*/
#ifndef ENC_WORD_VECTORS_H
#define ENC_WORD_VECTORS_H

#include "digest.h"
#include "file.h"

enum enc_vectors_kind {
    ENC_VECTORS_NONE,     /* no file of word vectors */
    ENC_VECTORS_TEXT,     /* with or without the line that counts */
    ENC_VECTORS_BINARY,
    ENC_VECTORS_FASTTEXT
};

enum { ENC_VECTORS_HEAD = 65536, ENC_VECTORS_WIDEST = 65536 };

/* By a file's first bytes, ENC_VECTORS_HEAD of them if it has so many. */
enum enc_vectors_kind enc_vectors_kind(const char *head, size_t size);

/* Where the vectors go. */
typedef struct enc_vectors_sink {
    void *context;
    /* Before the first word: there are at most `words` of them, `rows` vectors (more than
    ** words: those of n-grams) of `width` numbers. */
    int (*begin)(void *context, size_t words, size_t rows, size_t width, enc_error *err);
    /* The next word; *to is where its vector is to be written, NULL to leave it out. */
    int (*word)(void *context, const char *text, size_t size, float **to, enc_error *err);
} enc_vectors_sink;

typedef struct enc_vectors_info {
    int shortest; /* characters of a fastText model's n-grams; 0: it has none */
    int longest;
    uint32_t buckets;
} enc_vectors_info;

/* Reads the file, whose bytes go into `digest`. */
int enc_vectors_read(const enc_file *file, enc_digest *digest, const enc_vectors_sink *sink,
                     enc_vectors_info *out, enc_error *err);

#endif
