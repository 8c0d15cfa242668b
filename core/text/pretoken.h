/*
** pretoken.h - what passes between the pre-tokenizer and the model: a word, and the list of
** the tokens it becomes.
**
** A word keeps its text and where each character lies in the source, for the model's limit
** of characters at most; beyond that it only counts. Words of plain ASCII, by far the most,
** keep no places: their characters follow one another in the source.
*/
#ifndef ENC_PRETOKEN_H
#define ENC_PRETOKEN_H

#include "memory.h"
#include "source.h"

typedef struct enc_pretoken {
    char *text;       /* normalised UTF-8 of the characters kept */
    uint32_t *end;    /* [kept] where each character ends in `text` */
    enc_symbol *symbol; /* [kept] its place in the source */
    uint64_t *hash;   /* [kept] scratch of the model */
    size_t kept;      /* characters in these arrays */
    size_t size;      /* bytes in `text` */
    size_t characters; /* of the word; may be more than `kept` */
    size_t most;      /* characters to keep */
    size_t capacity;  /* characters the arrays hold */
    bool straight;    /* ASCII, in the source as here: end, symbol and last are unused */
    enc_symbol first; /* the word's first symbol */
    enc_symbol last;
    enc_arena *arena; /* for growth */
} enc_pretoken;

/* Arrays for words of usual length, on the caller's stack. */
enum { ENC_PRETOKEN_USUAL = 128 };
typedef struct enc_pretoken_usual {
    char text[4 * ENC_PRETOKEN_USUAL];
    uint32_t end[ENC_PRETOKEN_USUAL];
    enc_symbol symbol[ENC_PRETOKEN_USUAL];
    uint64_t hash[ENC_PRETOKEN_USUAL];
} enc_pretoken_usual;

void enc_pretoken_begin(enc_pretoken *word, enc_pretoken_usual *usual, size_t most,
                        enc_arena *arena);

/* Makes the word empty. */
static inline void enc_pretoken_clear(enc_pretoken *word)
{
    word->kept = word->size = word->characters = 0;
    word->straight = true;
}

/* Makes room for one more character, if there is to be one. False: out of memory. */
bool enc_pretoken_grow(enc_pretoken *word);

/* Fills in the places of a straight word, which is straight no longer. */
void enc_pretoken_bend(enc_pretoken *word);

/* Appends a character. False: out of memory. */
bool enc_pretoken_add(enc_pretoken *word, const enc_symbol *symbol);

/* Makes the word of these characters, at least one, which it borrows as its `symbol`: it
** must not be appended to. False: out of memory. */
bool enc_pretoken_set(enc_pretoken *word, enc_symbol *symbol, size_t count);

/* ---- Tokens -------------------------------------------------------------------------- */

typedef struct enc_token_list {
    enc_token *token; /* [count], in the arena; NULL if they are only counted */
    size_t count;
    size_t capacity;
    size_t limit;     /* more than so many are not wanted; SIZE_MAX: no limit */
    int32_t word;     /* number of the word they belong to */
    bool counting;
    bool failed;      /* out of memory, or `unknown` */
    bool unknown;     /* the model met a character it has no token for, nor one for unknown */
    bool dropped;     /* the model left characters out, and counted on as if they were not */
    void *scratch;    /* of the model, kept from word to word */
    size_t scratch_size;
    enc_poll *poll;   /* models ask it within long words, and may leave those half done */
    enc_arena *arena;
} enc_token_list;

bool enc_token_list_grow(enc_token_list *list);

/* Whether more tokens than are wanted are there, or there was no memory for one. */
static inline bool enc_token_list_is_over(const enc_token_list *list)
{
    return list->count > list->limit || list->failed;
}

/* Scratch memory of at least so many bytes, good until the next call. NULL: out of memory,
** which list->failed then says too. */
void *enc_token_list_scratch(enc_token_list *list, size_t bytes);

/* Appends a token from the source character of `first` to that of `last`. */
static inline void enc_token_list_add(enc_token_list *list, int32_t id,
                                      const enc_symbol *first, const enc_symbol *last)
{
    if (!list->counting) {
        if (list->count == list->capacity && !enc_token_list_grow(list))
            return;
        list->token[list->count] = (enc_token){.id = id,
                                               .word = list->word,
                                               .byte_start = first->byte,
                                               .byte_end = last->byte + last->size,
                                               .char_start = first->character,
                                               .char_end = last->character + 1};
    }
    list->count++;
}

/* Appends the token that characters [from, to) of the word became; to <= kept. */
static inline void enc_token_list_add_part(enc_token_list *list, int32_t id,
                                           const enc_pretoken *word, size_t from, size_t to)
{
    if (!word->straight) {
        enc_token_list_add(list, id, &word->symbol[from], &word->symbol[to - 1]);
        return;
    }
    enc_symbol first = word->first, last = word->first;
    first.byte += from;
    first.character += from;
    last.byte += to - 1;
    last.character += to - 1;
    enc_token_list_add(list, id, &first, &last);
}

/* Appends the token that the whole word became. */
static inline void enc_token_list_add_word(enc_token_list *list, int32_t id,
                                           const enc_pretoken *word)
{
    enc_symbol last = word->last;
    if (word->straight) {
        last = word->first;
        last.byte += word->characters - 1;
        last.character += word->characters - 1;
    }
    enc_token_list_add(list, id, &word->first, &last);
}

#endif
