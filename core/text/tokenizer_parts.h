/*
** tokenizer_parts.h - what a tokenizer is made of; for tokenizer*.c alone.
**
** Each part is a list or a table that tokenizer_json.c fills in from tokenizer.json, or
** tokenizer_vocab.c from vocab.txt; then tokenizer.c derives the tables for ASCII from them.
*/
#ifndef ENC_TOKENIZER_PARTS_H
#define ENC_TOKENIZER_PARTS_H

#include "added_matcher.h"
#include "added_tokens.h"
#include "bpe.h"
#include "joins.h"
#include "normalizer.h"
#include "phrases.h"
#include "pretokenizer.h"
#include "template.h"
#include "tokenizer.h"
#include "unigram.h"
#include "wordpiece.h"
#include "words.h"

/* What an ASCII byte of the source comes to, if it stands among its like. */
enum enc_ascii_kind {
    ENC_ASCII_SLOW, /* not to be decided by itself */
    ENC_ASCII_GAP,  /* between words */
    ENC_ASCII_PART  /* character of a word */
};

typedef struct enc_ascii {
    uint32_t left, right; /* enc_sides */
    unsigned char c;      /* normalised */
    unsigned char kind;
} enc_ascii;

struct enc_tokenizer {
    enc_normalizer normalizer;
    enc_pretokenizer pretokenizer;
    enc_added_tokens added;
    enc_templates templates;

    /* The model: `tokenize` appends the tokens of a word of at most `most` characters (of
    ** longer ones it sees the beginning). */
    void (*tokenize)(const enc_tokenizer *tokenizer, const enc_pretoken *word,
                     enc_token_list *list);
    void (*close)(enc_tokenizer *tokenizer);
    int (*store)(enc_tokenizer *tokenizer, enc_store *store, enc_error *err); /* its tables */
    const enc_vocabulary *vocabulary;
    enc_store *stored;  /* while it is opened: where a saved model has the tables; or NULL */
    char *settings;     /* what tokenizer.json says without vocabulary and merges, as JSON */
    bool bare;          /* the template was dropped */
    bool from_text;     /* the model was read from tokenizer.json, not made of other files */
    size_t model_bytes; /* held beside the vocabulary's */
    const enc_bpe *merging; /* the model, if it is BPE */
    size_t most;
    union {
        enc_wordpiece wordpiece;
        enc_bpe bpe;
        enc_unigram unigram;
    };

    enc_words *words;      /* NULL, or in place of all the above but normaliser and template */
    bool keeps_end;        /* what enc_tokenizer_keeps_end says */
    bool drops_unknown;    /* tokens `unknown` are left out */
    int32_t unknown;       /* unk_token's id, -1 if the model has none */

    enc_ascii ascii[256];  /* by source byte; beyond ASCII all slow */
    enc_sides sides[128];  /* by normalised character */
    bool removes_space;    /* white space is no part of any word */
    bool by_sections;      /* read as tokenizer_sections.c does */
    enc_joins joins;       /* of the model, where words may be as long as the text */
    enc_phrases phrases;
};

int enc_tokenizer_read_json(enc_tokenizer *tokenizer, const enc_tokenizer_files *files,
                            enc_error *err);
/* The same from a value that is already there; `file_name` is for messages. */
int enc_tokenizer_read_value(enc_tokenizer *tokenizer, const char *file_name, json_t *root,
                             enc_error *err);
/* Its "model". */
int enc_tokenizer_read_model(enc_tokenizer *tokenizer, const enc_node *node, enc_error *err);

/* Keeps what a tokenizer.json says, but for vocabulary and merges, for whoever saves it. */
int enc_tokenizer_keep_settings(enc_tokenizer *tokenizer, json_t *root, enc_error *err);

/* Takes over an opened model. */
void enc_tokenizer_set_wordpiece(enc_tokenizer *tokenizer, enc_wordpiece *model);
/* enc_tokenizer_fold with all that the normaliser does. */
int enc_tokenizer_normalize(const enc_tokenizer *tokenizer, enc_arena *arena, enc_text text,
                            enc_folded *out, enc_error *err);
/* Once normaliser and model are there. */
int enc_tokenizer_set_added(enc_tokenizer *tokenizer, const enc_added_token *tokens,
                            size_t count, const char *where, enc_error *err);

#endif
