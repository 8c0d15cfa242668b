/*
** bpe_blocks.c - merging a long word a block at a time, with the result of merging it whole.
**
** Let a text be merged on both sides of a place, each side by itself, and let the tokens
** beside that place be t1 and t2. If merging t1's and t2's symbols alone gives t1 and t2 again,
** then no merge of the whole text reaches across the place. For up to the first that would,
** each side goes on as if it were alone, and so do the symbols of t1 and t2 among themselves:
** which of these are merged next depends on ranks and places, whatever else is merged
** meanwhile. So that first merge would happen between t1 and t2 alone too.
**
** Blocks overlap: one begins at a token of the one before, near its end, and if the two tokens
** there are such a pair, what the one before has up to there is certain. That the right side of
** each place is merged as it will be in the end follows from the last block backwards, as no
** block loses its first token. Each symbol is looked at a bounded number of times, and the
** blocks stay in the cache; a word that has no such places is merged whole.
*/
#include "bpe_parts.h"

#include <string.h>

enum {
    BLOCK = 512,         /* symbols at first; twice as many after each failure, */
    BLOCK_MOST = 16384,  /* and at most */
    STAYS_BACK = 3,      /* tokens of a block's end that may change with what follows */
    PLACES = 8,          /* that are tried in a block */
    PAIR_MOST = 96       /* symbols of two tokens */
};

typedef struct block {
    size_t at;      /* number of its first symbol in the word */
    size_t symbols; /* of the word; */
    size_t count;   /* what these became: */
    enc_bpe_symbol *symbol;
} block;

typedef struct merger {
    const enc_bpe *model;
    const enc_bpe_symbol *word;
    size_t count;
    uint64_t *room; /* of a block */
    enc_poll *poll;
} merger;

static void merge_block(const merger *m, block *b, size_t at, size_t size)
{
    b->at = at;
    b->symbols = size < m->count - at ? size : m->count - at;
    memcpy(b->symbol, m->word + at, b->symbols * sizeof *b->symbol);
    b->count = enc_bpe_merge_symbols(m->model, b->symbol, b->symbols, m->room, m->poll);
}

/* How many of the word's symbols up to `end` make up so many bytes. */
static size_t symbols_before(const merger *m, size_t end, size_t bytes)
{
    size_t n = 0;
    for (size_t sum = 0; sum < bytes; n++)
        sum += m->word[end - 1 - n].length;
    return n;
}

/* Whether tokens that meet before the word's symbol `place` stay apart. */
static bool stay_apart(const merger *m, size_t place, const enc_bpe_symbol *left,
                       const enc_bpe_symbol *right)
{
    enc_bpe_symbol pair[PAIR_MOST];
    uint64_t room[2 * PAIR_MOST];
    size_t begin = place - symbols_before(m, place, left->length), count = place - begin;
    for (size_t bytes = 0; bytes < right->length && count <= PAIR_MOST; count++)
        bytes += m->word[begin + count].length;
    if (count > PAIR_MOST)
        return false;
    memcpy(pair, m->word + begin, count * sizeof *pair);
    return enc_bpe_merge_symbols(m->model, pair, count, room, NULL) == 2 &&
           pair[0].id == left->id && pair[1].id == right->id &&
           pair[0].length == left->length;
}

/* Merges `b` from a token of `a` on, near a's end, up to which a's tokens are then certain.
** Returns their number; 0: there is no such place. */
static size_t find_place(const merger *m, const block *a, block *b, size_t size)
{
    size_t place = a->at + a->symbols, token = a->count;
    for (size_t tried = 0; tried < STAYS_BACK + PLACES; tried++) {
        if (token <= 1)
            return 0;
        place -= symbols_before(m, place, a->symbol[--token].length);
        if (tried < STAYS_BACK)
            continue;
        merge_block(m, b, place, size);
        if (b->count > 1 && stay_apart(m, place, &a->symbol[token - 1], &b->symbol[0]))
            return token;
    }
    return 0;
}

/* Merges what no place was found in, from `at` on. */
static size_t merge_rest(const merger *m, enc_bpe_symbol *symbol, size_t at, size_t made,
                         uint64_t *room)
{
    size_t count = enc_bpe_merge_symbols(m->model, symbol + at, m->count - at, room, m->poll);
    memmove(symbol + made, symbol + at, count * sizeof *symbol);
    return made + count;
}

static void swap(block *a, block *b)
{
    block other = *a;
    *a = *b;
    *b = other;
}

/* The room, two numbers a symbol, holds two blocks and the room of one. */
size_t enc_bpe_merge_blocks(const enc_bpe *model, enc_bpe_symbol *symbol, size_t count,
                            uint64_t *room, enc_poll *poll)
{
    size_t most = count / 3 < BLOCK_MOST ? count / 3 : BLOCK_MOST;
    merger m = {model, symbol, count, room + 4 * most, poll};
    block a = {.symbol = (enc_bpe_symbol *)(void *)room};
    block b = {.symbol = a.symbol + most};
    size_t made = 0, size = BLOCK, steps = 0;
    for (merge_block(&m, &a, 0, size); a.at + a.symbols < count;) {
        size_t certain = find_place(&m, &a, &b, size);
        if (enc_poll_steps(poll, &steps, size))
            return made;
        if (certain > 0) {
            memcpy(symbol + made, a.symbol, certain * sizeof *symbol);
            made += certain;
            swap(&a, &b);
            size = BLOCK;
            continue;
        }
        size *= 2;
        if (size > most)
            return merge_rest(&m, symbol, a.at, made, room);
        merge_block(&m, &a, a.at, size);
    }
    memcpy(symbol + made, a.symbol, a.count * sizeof *symbol);
    return made + a.count;
}
