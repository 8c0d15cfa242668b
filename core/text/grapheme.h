/*
** grapheme.h - where a grapheme cluster ends (Unicode Standard Annex #29, extended
** clusters), character by character.
**
**     enc_grapheme_cluster cluster;
**     enc_grapheme_begin(&cluster, first);
**     while (there is a next one && enc_grapheme_joins(&cluster, next)) ...
**
** Pairs of regional indicators are not joined: those who ask want to know of clusters of
** less than 6 bytes, and an indicator has 4.
*/
#ifndef ENC_GRAPHEME_H
#define ENC_GRAPHEME_H

#include "unicode.h"

/* What is known of a cluster that has begun. */
typedef struct enc_grapheme_cluster {
    uint32_t last;      /* its last character */
    unsigned bits;      /* enc_grapheme of that, with Hangul syllables */
    bool pictographic;  /* a pictograph, then nothing but extending characters */
    bool picture_joins; /* ... and a zero width joiner at the end */
    bool consonant;     /* an Indic consonant, then nothing but linkers and extending ones */
    bool linked;        /* ... with a linker among them */
} enc_grapheme_cluster;

/* A cluster of one character. */
void enc_grapheme_begin(enc_grapheme_cluster *cluster, uint32_t c);
/* Appends `c` if it belongs to the cluster; false: it begins the next one. */
bool enc_grapheme_joins(enc_grapheme_cluster *cluster, uint32_t c);

#endif
