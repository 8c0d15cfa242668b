/*
** characters.h - a text's characters one by one, and what few kinds of them it takes to see
** words and sentences.
*/
#ifndef CTX_CHARACTERS_H
#define CTX_CHARACTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The character at *at < end, which moves behind it. Ill-formed bytes read as U+FFFD, one for
** each maximal ill-formed subpart, as the encoder counts them. */
uint32_t ctx_character_next(const char **at, const char *end);

/* How many there are in [at, end). */
size_t ctx_character_count(const char *at, const char *end);

/* The character that ends at `at` > begin; *start is where it begins. */
uint32_t ctx_character_before(const char *begin, const char *at, const char **start);

/* The largest size <= `size` that cuts no character in two. */
size_t ctx_character_border(const char *text, size_t size);

bool ctx_is_space(uint32_t c);       /* White_Space */
bool ctx_is_opener(uint32_t c);      /* brackets and quotes that open */
bool ctx_is_closer(uint32_t c);      /* those that close; the straight quotes, too */
bool ctx_is_terminator(uint32_t c);  /* ends a sentence, of either kind below */
/* Ends a sentence with no space behind it: the ideographic full stop, a danda. */
bool ctx_is_strong_terminator(uint32_t c);
/* Of a script that puts no spaces between words, where a line may be broken: an ideograph, a
** hiragana, the full-width punctuation beside them. */
bool ctx_is_ideograph(uint32_t c);
/* Punctuation, ASCII symbols, controls, and U+FFFD. */
bool ctx_is_punctuation(uint32_t c);
/* Signs that are neither letters nor numbers nor in ctx_is_punctuation: currencies, arrows,
** emoji. */
bool ctx_is_symbol(uint32_t c);
/* Part of a word that white space or punctuation bounds: anything else, but for scripts that
** put no spaces between words (CJK, Thai, Lao, Khmer, Myanmar, Tibetan). */
bool ctx_is_word_part(uint32_t c);
/* A lower-case letter of the Latin, Greek, Cyrillic or Armenian script. */
bool ctx_is_lower(uint32_t c);

#endif
