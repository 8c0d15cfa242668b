/*
** split_pattern.h - the patterns by which pre-tokenizers cut a text, matched in linear time.
**
** A pattern is a list of alternatives, of which at each place the first that matches counts.
** An alternative is a row of items, each a set of characters as often as possible between
** two bounds. Of what expressions can say this is the part that tokenizers use, chosen so
** that it never has to be tried in more than one way:
**
**   - giving characters back is needed only where a run of characters stands right before
**     an item that must match (\s*[\r\n]+, [\p{Lu}\p{Lo}]*[\p{Ll}\p{Lo}]+, \s+(?!\S)): then
**     the item begins as late in the run as it can, which is found by one look backwards;
**   - an optional item before one that must match (" ?\p{L}+") is two alternatives;
**   - groups hold strings alone, at an alternative's end or after items of fixed length.
**
** Whatever else a pattern says, it can't be opened.
**
** A text may be known only up to some place: then a match that what follows could change is
** reported as starved.
*/
#ifndef ENC_SPLIT_PATTERN_H
#define ENC_SPLIT_PATTERN_H

#include "char_set.h"
#include "error.h"
#include "source.h"

typedef struct enc_split_pattern enc_split_pattern;

/* The expression of `size` bytes, or (literal) exactly that text. *out is NULL, without an
** error, if it is none of those understood here. */
int enc_split_pattern_open(const char *text, size_t size, bool literal,
                           enc_split_pattern **out, enc_error *err);
void enc_split_pattern_close(enc_split_pattern *pattern);

/* If the pattern is one set of characters, at least *least times (and *once: not more), that
** set; else NULL. */
const enc_char_set *enc_split_pattern_run(const enc_split_pattern *pattern, size_t *least,
                                          bool *once);

/* What is known of two neighbours wherever they stand. */
enum enc_split_between {
    ENC_SPLIT_UNCERTAIN,
    ENC_SPLIT_BEGINS, /* a match begins with the second, and what stands before it matches as
                      ** if the text ended there */
    ENC_SPLIT_NOTHING /* no match holds either of them */
};
enum enc_split_between enc_split_pattern_between(const enc_split_pattern *pattern,
                                                 uint32_t left, uint32_t right);

/* ---- Matching ------------------------------------------------------------------------ */

/* What was seen of a run of characters, so that no run is read again from each of its
** characters. */
typedef struct enc_split_seen {
    size_t from, to; /* the run is known to go on to `to` from any place after `from` */
    size_t back;     /* the last place before `to` where the item after it can begin ... */
    size_t floor;    /* ... or there is none from here on (back: SIZE_MAX) */
    bool looked;     /* back and floor were filled in */
} enc_split_seen;

enum { ENC_SPLIT_ITEMS_MOST = 160 };

typedef struct enc_split_search {
    const enc_split_pattern *pattern;
    const enc_symbol *symbol; /* [count] */
    size_t count;
    bool whole;               /* the text ends there */
    bool starved;             /* something beyond was asked for */
    enc_split_seen seen[ENC_SPLIT_ITEMS_MOST];
} enc_split_search;

void enc_split_begin(enc_split_search *search, const enc_split_pattern *pattern,
                     const enc_symbol *symbol, size_t count, bool whole);

enum enc_split_result { ENC_SPLIT_NONE, ENC_SPLIT_FOUND, ENC_SPLIT_STARVED };

/* The first match from place `from` on: characters [*start, *end). Starved: nothing is known
** of what begins at *start or later; before that no match begins. */
enum enc_split_result enc_split_find(enc_split_search *search, size_t from, size_t *start,
                                     size_t *end);

#endif
