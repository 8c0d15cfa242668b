/*
** sentencepiece.h - the file that SentencePiece writes: pieces with their scores, and how text
** is to be normalised (sentencepiece_model.proto, in the wire format of Protocol Buffers).
**
** Only what decides tokens is taken out; other fields are stepped over. Everything points into
** the file's bytes, nothing is copied but the list of pieces.
*/
#ifndef ENC_SENTENCEPIECE_H
#define ENC_SENTENCEPIECE_H

#include "encoder.h"
#include "error.h"

enum enc_piece_type {
    ENC_PIECE_NORMAL = 1,
    ENC_PIECE_UNKNOWN = 2,
    ENC_PIECE_CONTROL = 3,
    ENC_PIECE_USER = 4, /* always cut out of the text */
    ENC_PIECE_UNUSED = 5,
    ENC_PIECE_BYTE = 6
};

enum enc_piece_model { ENC_PIECES_UNIGRAM = 1, ENC_PIECES_BPE = 2 };

typedef struct enc_piece {
    enc_text text; /* UTF-8, not empty */
    float score;   /* finite */
    int type;      /* enc_piece_type */
} enc_piece;

typedef struct enc_sentencepiece {
    enc_piece *piece; /* [count]; ids are places here */
    size_t count;
    int model;        /* enc_piece_model, or another number */
    int unknown_id;
    enc_text unknown;  /* the unknown piece's text; "<unk>" unless the file says another */
    enc_text charsmap; /* precompiled_charsmap; NULL: none */
} enc_sentencepiece;

/* `name` of the file is for messages. The bytes must outlive the result. */
int enc_sentencepiece_read(enc_text file, const char *name, enc_sentencepiece *out,
                           enc_error *err);
void enc_sentencepiece_close(enc_sentencepiece *pieces);

#endif
