/*
** charsmap.h - SentencePiece's precompiled map of characters: what a short text becomes.
**
** The map is a double-array trie (Darts-clone) over UTF-8 bytes, whose values are places in
** a list of NUL-terminated replacements. tokenizer.json holds it in base64.
*/
#ifndef ENC_CHARSMAP_H
#define ENC_CHARSMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

typedef struct enc_charsmap {
    uint32_t *unit; /* [units] the trie */
    size_t units;
    char *text;     /* [size] the replacements */
    size_t size;
    size_t longest; /* replacement, in characters */
    bool begins[256]; /* whether a key may begin with that byte */
} enc_charsmap;

/* From base64 text, or (binary) the bytes themselves; `where` names them in messages. */
int enc_charsmap_open(const char *text, size_t size, bool binary, const char *where,
                      enc_charsmap **out, enc_error *err);
void enc_charsmap_close(enc_charsmap *map);

/* What replaces the text: the value of the shortest key that it begins with, as the
** reference has it. *out is then [*length] bytes of UTF-8. False: no key. */
bool enc_charsmap_find(const enc_charsmap *map, const char *text, size_t size,
                       const char **out, size_t *length);

#endif
