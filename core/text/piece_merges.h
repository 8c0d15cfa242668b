/*
** piece_merges.h - the merges of a BPE model that SentencePiece made.
**
** Its file has no list of merges: any two neighbours may merge whose texts together are a
** piece, that with the largest score first. Transformers spells that out as a list: all ways
** to cut a piece into two pieces, by score, then by the characters left and right of the cut
** (both downwards), then by where the piece stands and by the ids of the two.
*/
#ifndef ENC_PIECE_MERGES_H
#define ENC_PIECE_MERGES_H

#include "json.h"
#include "sentencepiece.h"

/* Most bytes of a piece, each of which has as many cuts. */
enum { ENC_PIECE_BYTES_MOST = 512 };

/* Most merges of so many pieces. Trained vocabularies have two or three for each piece; one made
** to have hundreds would cost thousands of times its file. */
static inline size_t enc_piece_merges_most(size_t pieces)
{
    return 8 * pieces + 4096;
}

/* The pieces [count] with their final texts and scores are cut into pieces of the file; `tab`:
** it counts as having a tab where it has its byte. The caller owns *out, an array. */
int enc_piece_merges(const enc_sentencepiece *file, const enc_piece *piece, size_t count,
                     bool tab, const char *name, json_t **out, enc_error *err);

#endif
