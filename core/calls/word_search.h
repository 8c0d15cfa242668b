/*
** word_search.h - where a word or phrase stands in a text.
**
** The word is looked for in the source text, never among token ids: how a word is cut into
** sub-tokens depends on what stands around it.
*/
#ifndef ENC_WORD_SEARCH_H
#define ENC_WORD_SEARCH_H

#include "reading.h"

/* Finds occurrence 1, 2, ... (or -1, -2, ... from the end) of `word` as a whole word inside what
** `sequence`, the text's tokens, covers. *found is false where it does not stand there. */
int enc_word_find(const enc_model *model, enc_text text, enc_text word, int occurrence,
                  const enc_sequence *sequence, enc_arena *arena, enc_poll *poll,
                  enc_span *where, bool *found, enc_error *err);

#endif
