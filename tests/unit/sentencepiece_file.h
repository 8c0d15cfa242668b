/*
** sentencepiece_file.h - what the tests of SentencePiece's file share: writing one.
**
**     piece_file file = {0};
**     put_piece(&file, "a", -1, ENC_PIECE_NORMAL);
**     put_trainer(&file, ENC_PIECES_UNIGRAM, 0);
*/
#ifndef SENTENCEPIECE_FILE_H
#define SENTENCEPIECE_FILE_H

#include <string.h>

#include "sentencepiece.h"

typedef struct piece_file {
    char data[16384];
    size_t size;
} piece_file;

static inline void put_bytes(piece_file *f, const void *data, size_t size)
{
    if (size)
        memcpy(f->data + f->size, data, size);
    f->size += size;
}

static inline void put_varint(piece_file *f, uint64_t value)
{
    for (; value > 127; value >>= 7)
        f->data[f->size++] = (char)(value | 128);
    f->data[f->size++] = (char)value;
}

static inline void put_number(piece_file *f, int field, int64_t value)
{
    put_varint(f, (uint64_t)field << 3);
    put_varint(f, (uint64_t)value);
}

static inline void put_field(piece_file *f, int field, const void *data, size_t size)
{
    put_varint(f, (uint64_t)field << 3 | 2);
    put_varint(f, size);
    put_bytes(f, data, size);
}

static inline void put_piece(piece_file *f, const char *text, float score, int type)
{
    piece_file piece = {.size = 0};
    put_field(&piece, 1, text, strlen(text));
    put_varint(&piece, 2 << 3 | 5);
    put_bytes(&piece, &score, sizeof score);
    put_number(&piece, 3, type);
    put_field(f, 1, piece.data, piece.size);
}

static inline void put_trainer(piece_file *f, int model, int unknown_id)
{
    piece_file trainer = {.size = 0};
    put_number(&trainer, 3, model);
    put_number(&trainer, 40, unknown_id);
    put_field(f, 2, trainer.data, trainer.size);
}

static inline enc_text text_of_file(const piece_file *f)
{
    return (enc_text){f->data, f->size};
}

#endif
