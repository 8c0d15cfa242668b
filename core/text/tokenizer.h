/*
** tokenizer.h - text to token ids, as tokenizer.json (or vocab.txt) says.
**
**   source text -> added tokens cut out -> normaliser -> pre-tokenizer -> model (WordPiece)
**               -> truncation -> template ([CLS] ... [SEP])
**
** Every step keeps the alignment to the source, so that each token knows its bytes and
** characters there. Cost is linear in the text that is read, and reading stops early when
** no more tokens are wanted: memory is bounded by the tokens asked for, not by the text. A
** tokenizer is immutable after opening and shared by threads; scratch comes from an arena.
*/
#ifndef ENC_TOKENIZER_H
#define ENC_TOKENIZER_H

#include "encoder.h"
#include "error.h"
#include "memory.h"
#include "poll.h"

typedef struct enc_tokenizer enc_tokenizer;

/* Contents of a checkpoint's tokenizer files; data NULL where there is no such file. */
typedef struct enc_tokenizer_files {
    const char *folder; /* for messages */
    struct json_t *value; /* what tokenizer.json would hold, already parsed, or NULL; */
    const char *value_name; /* the file it comes from */
    struct enc_store *stored; /* where a saved model has vocabulary and merges, of which `value`
                        ** has none; or NULL */
    enc_text json;      /* tokenizer.json; of truncation and padding in it only the
                        ** side counts (enc_tokenizer_keeps_end) */
    /* What follows is used when json is absent, as transformers makes a tokenizer of it. */
    enc_text vocab;     /* vocab.txt: WordPiece, a token a line */
    enc_text vocab_json; /* vocab.json: BPE, with merges */
    enc_text merges;    /* merges.txt */
    enc_text pieces;    /* SentencePiece's file */
    const char *pieces_name; /* its name, of which there are several; NULL without it */
    enc_text config;    /* tokenizer_config.json: tokenizer_class, do_lower_case, ... */
    enc_text special;   /* special_tokens_map.json */
    enc_text added;     /* added_tokens.json */
    enc_text model;     /* config.json: tokenizer_class or model_type, if config has no class */
    bool lower_case;    /* sentence_bert_config.json's do_lower_case: Lowercase in front */
} enc_tokenizer_files;

/* A component that is not implemented is ENC_UNSUPPORTED naming it with its JSON path. */
int enc_tokenizer_open(const enc_tokenizer_files *files, enc_tokenizer **out,
                       enc_error *err);
void enc_tokenizer_close(enc_tokenizer *tokenizer);

/* A tokenizer of whole words (words.h), which it takes over, also if it fails. */
struct enc_words;
int enc_tokenizer_of_words(struct enc_words *words, enc_tokenizer **out, enc_error *err);
/* Those words; NULL for any other tokenizer. */
const struct enc_words *enc_tokenizer_words(const enc_tokenizer *tokenizer);

/* To a saved model and out of one (tokenizer_saved.c). What its settings are, as an object that the
** caller owns; the tables of its model, to `store`; and both together again. */
struct json_t;
struct enc_node;
int enc_tokenizer_describe(const enc_tokenizer *tokenizer, struct json_t **out, enc_error *err);
int enc_tokenizer_store(enc_tokenizer *tokenizer, struct enc_store *store, enc_error *err);
int enc_tokenizer_restore(const struct enc_node *node, bool lower_case, struct enc_store *store,
                          enc_tokenizer **out, enc_error *err);

/* From now on without template: no special tokens. */
void enc_tokenizer_drop_template(enc_tokenizer *tokenizer);
/* From now on tokens with the model's unk_token are left out, if it has one. */
void enc_tokenizer_drop_unknown(enc_tokenizer *tokenizer);

/* Whether tokenizer.json has a text that is too long lose its beginning (truncation.direction). */
bool enc_tokenizer_keeps_end(const enc_tokenizer *tokenizer);

/* Largest id that encoding can give; -1 for an empty vocabulary. */
int32_t enc_tokenizer_max_id(const enc_tokenizer *tokenizer);
/* The same without added tokens, of which a text may hold none: those of the vocabulary and the
** template. */
int32_t enc_tokenizer_max_plain_id(const enc_tokenizer *tokenizer);
/* Largest type (segment) that its template gives. */
int32_t enc_tokenizer_max_type(const enc_tokenizer *tokenizer);
const char *enc_tokenizer_string(const enc_tokenizer *tokenizer, int32_t id, size_t *size);
/* Whether the id is that of an added token marked special. */
bool enc_tokenizer_is_special(const enc_tokenizer *tokenizer, int32_t id);
/* Bytes held, but for what lies in a saved model's file. */
int64_t enc_tokenizer_bytes(const enc_tokenizer *tokenizer);
/* Special tokens that the template adds to one text, or to a pair. */
size_t enc_tokenizer_specials(const enc_tokenizer *tokenizer, bool pair);

typedef struct enc_pieces {
    enc_token *token;
    size_t count;
    bool complete; /* false: `limit` stopped the reading before the text's end */
} enc_pieces;

/* Bytes of a text, as tokens tell their places in 32 bits; more are ENC_INVALID. */
enum { ENC_TEXT_MOST = INT32_MAX };
int enc_check_text_size(enc_text text, enc_error *err);

/* Tokens of the text without template, in the arena. Stops once more than `limit` tokens
** are there (0: no limit); the pieces then hold limit + 1 and complete is false. */
int enc_tokenizer_pieces(const enc_tokenizer *tokenizer, enc_arena *arena, enc_text text,
                         size_t limit, enc_poll *poll, enc_pieces *out, enc_error *err);

/* Only how many there are, without memory for them. */
int enc_tokenizer_count(const enc_tokenizer *tokenizer, enc_arena *arena, enc_text text,
                        enc_poll *poll, size_t *count, enc_error *err);

/* Puts the template around a (and b, for a pair; NULL for one text) and writes the tokens
** to out [a->count + b->count + specials]; returns how many. */
size_t enc_tokenizer_wrap(const enc_tokenizer *tokenizer, const enc_pieces *a,
                          const enc_pieces *b, enc_token *out);

/* Text as the normaliser makes it, each character with the source bytes it came from. */
typedef struct enc_folded {
    uint32_t *character;
    size_t *byte_start; /* in the source */
    size_t *byte_end;
    size_t count;
} enc_folded;

/* Normalises the whole text (for finding a word in it), in the arena; but nothing is put in
** front of it (Prepend), so that a word is what it is inside a text. */
int enc_tokenizer_fold(const enc_tokenizer *tokenizer, enc_arena *arena, enc_text text,
                       enc_poll *poll, enc_folded *out, enc_error *err);

#endif
