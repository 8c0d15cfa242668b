/*
** split_parts.h - what a split pattern is made of; for split_*.c alone.
*/
#ifndef ENC_SPLIT_PARTS_H
#define ENC_SPLIT_PARTS_H

#include "split_pattern.h"

enum enc_split_kind {
    ENC_SPLIT_SET,          /* characters of a set */
    ENC_SPLIT_GROUP,        /* one of the strings whose characters follow as items */
    ENC_SPLIT_NO_WORD_NEXT, /* (?!\S): white space, or the text's end */
    ENC_SPLIT_LINE_END      /* $: before a line feed, or at the text's end */
};

typedef struct enc_split_item {
    enum enc_split_kind kind;
    enc_char_set *set;
    size_t least, most; /* how often */
    size_t size;        /* items up to the next one of the row */
    size_t string;      /* of a group: how many strings; of its characters: which, from 1 */
    bool possessive;    /* never gives back */
    bool gives;         /* the next item may begin inside this one's run */
    bool follows_run;   /* it is that next item */
} enc_split_item;

/* An alternative: items [begin, end). */
typedef struct enc_split_row {
    size_t begin, end;
} enc_split_row;

enum { ENC_SPLIT_ROWS_MOST = 32 };

struct enc_split_pattern {
    enc_split_item item[ENC_SPLIT_ITEMS_MOST];
    size_t items;
    enc_split_row row[ENC_SPLIT_ROWS_MOST];
    size_t rows;
    uint64_t ascii[2]; /* which of them a match may begin with, */
    bool beyond;       /* and whether with some other character */
};

#endif
