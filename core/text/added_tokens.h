/*
** added_tokens.h - tokens that are recognised in the text before anything else.
**
** Some match the text as it is ("[MASK]"), others (`normalized: true`) what the normaliser
** makes of it. Of those that match, the one that begins first wins, then the longest. Each
** may take in the white space beside it (lstrip, rstrip) or refuse to be part of a longer
** word (single_word).
**
** Ids follow the reference: a token the model's vocabulary has keeps that id, others are
** numbered from the vocabulary's size on; the id a file states is not looked at.
*/
#ifndef ENC_ADDED_TOKENS_H
#define ENC_ADDED_TOKENS_H

#include "vocabulary.h"

typedef struct enc_added_token {
    const char *text;
    size_t size;
    int32_t id;
    bool single_word, lstrip, rstrip, normalized, special;
} enc_added_token;

/* One string to look for, as code points. */
typedef struct enc_pattern {
    uint32_t *character;
    size_t length;
    size_t place; /* of equal patterns the one with the lowest counts */
    const enc_added_token *token;
} enc_pattern;

/* Strings to look for together, sorted, so that those with a common prefix are
** neighbours. */
typedef struct enc_patterns {
    enc_pattern *pattern;
    size_t count;
    bool first[256];    /* bytes that a match in UTF-8 may begin with */
    bool any_lstrip;
    bool space_begins;  /* some pattern begins with white space */
} enc_patterns;

typedef struct enc_added_tokens {
    enc_added_token *token; /* [count] as the file has them, with their ids */
    size_t count;
    const enc_added_token **by_id; /* [ids] the one that counts for each id, by id */
    size_t ids;
    char *text; /* of all tokens */
    size_t bytes;
    enc_patterns raw;        /* matched on the text */
    enc_patterns normalized; /* matched on the normalised text */
} enc_added_tokens; /* all zero: none */

/* Turns a token's content into what the normaliser makes of it: code points in fresh
** memory. */
typedef int (*enc_normalize_text)(const void *context, const char *text, size_t size,
                                  uint32_t **out, size_t *length, enc_error *err);

enum { ENC_ADDED_TOKEN_MOST = 256 }; /* characters */

/* Copies the tokens (their ids are not looked at) and numbers them. `where` names the list
** in messages. `context` is handed to `normalize`. */
int enc_added_tokens_open(const enc_added_token *tokens, size_t count,
                          const enc_vocabulary *vocabulary, enc_normalize_text normalize,
                          const void *context, const char *where, enc_added_tokens *out,
                          enc_error *err);
void enc_added_tokens_close(enc_added_tokens *added);

int32_t enc_added_tokens_max_id(const enc_added_tokens *added);
/* NULL for an id that none has. */
const enc_added_token *enc_added_tokens_by_id(const enc_added_tokens *added, int32_t id);

/* ---- Matching, character by character ------------------------------------------------ */

/* The patterns that begin with what was read so far. */
typedef struct enc_match {
    size_t low, high; /* patterns [low, high) */
    size_t length;    /* characters read */
} enc_match;

static inline enc_match enc_match_begin(const enc_patterns *patterns)
{
    return (enc_match){0, patterns->count, 0};
}
/* Reads one more character; false: no pattern goes on like this. */
bool enc_match_step(const enc_patterns *patterns, enc_match *match, uint32_t c);
/* The pattern that ends here, NULL if none does. */
const enc_pattern *enc_match_complete(const enc_patterns *patterns, const enc_match *match);

#endif
