/*
** pieces.h - a pre-tokenizer's operations, applied to pieces of normalised text.
**
** Pieces are stretches of one array of symbols. A cut makes more and shorter ones of them, a
** change writes a new array. All memory comes from an arena and is used again and again:
**
**     enc_pieces_list list;
**     enc_pieces_begin(&list, &arena);
**     ... list.symbol, list.piece[0 ... list.count - 1] are set to what is there ...
**     ok = enc_pieces_apply(&list, operation, true);
*/
#ifndef ENC_PIECES_H
#define ENC_PIECES_H

#include "memory.h"
#include "pretokenizer.h"

typedef struct enc_piece {
    size_t start, end; /* symbols [start, end) */
} enc_piece;

typedef struct enc_symbols {
    enc_symbol *symbol; /* [count] */
    size_t count, capacity;
} enc_symbols;

/* Makes room for `more` symbols. False: out of memory. */
bool enc_symbols_grow(enc_symbols *symbols, size_t more, enc_arena *arena);

typedef struct enc_piece_array {
    enc_piece *piece;
    size_t count, capacity;
} enc_piece_array;

typedef struct enc_pieces_list {
    enc_symbol *symbol;       /* what the pieces are of */
    enc_piece_array now;      /* the pieces */
    enc_piece_array next;     /* scratch */
    enc_symbols changed[2];   /* arrays of changed symbols, written in turn */
    int turn;
    enc_split_search *search; /* scratch */
    enc_arena *arena;
} enc_pieces_list;

bool enc_pieces_begin(enc_pieces_list *list, enc_arena *arena);

/* Applies an operation to all pieces; with `begins` false the first of them goes on a piece
** of before, in whose front something was put already. False: out of memory. */
bool enc_pieces_apply(enc_pieces_list *list, const enc_operation *operation, bool begins);

/* Cuts symbols [0, count) into the pieces of the list. Unless the text ends there (`whole`),
** only those that nothing after it can change: from `rest` on the text can be cut again, with
** more of it. Symbols [rest, open) belong to one piece, whatever follows, and cutting can
** also go on from any of them but the last. False: out of memory. */
typedef struct enc_remainder {
    size_t rest, open;
} enc_remainder;
bool enc_pieces_cut(enc_pieces_list *list, const enc_operation *operation,
                    enc_symbol *symbol, size_t count, bool whole, enc_remainder *remainder);

#endif
