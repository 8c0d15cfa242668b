/*
** fasttext.h - fastText's own model file (.bin): words, and the matrix of their vectors and of
** those of the buckets that n-grams are hashed into.
*/
#ifndef ENC_FASTTEXT_H
#define ENC_FASTTEXT_H

#include "stream.h"
#include "word_vectors.h"

/* By a file's first bytes. */
bool enc_fasttext_recognised(const char *head, size_t size);

/* Reads the model at the stream's beginning; as enc_vectors_read. Words are those of the
** dictionary; the rows of buckets follow theirs in the same memory, so sink->word must give
** consecutive rows. A quantized or pruned model is ENC_UNSUPPORTED. */
int enc_fasttext_read(enc_stream *stream, const enc_vectors_sink *sink, enc_vectors_info *out,
                      enc_error *err);

#endif
