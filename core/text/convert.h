/*
** convert.h - a tokenizer.json for checkpoints that have none: made of the files that
** transformers' slow tokenizers read, as its convert_slow_tokenizer makes it (4.57).
**
** A tokenizer class says which files it reads and how; tokenizer_config.json, else
** config.json, names it. For tokenizer*.c and convert*.c alone.
*/
#ifndef ENC_CONVERT_H
#define ENC_CONVERT_H

#include "sentencepiece.h"
#include "tokenizer_parts.h"
#include "tokenizer_settings.h"

enum enc_vocabulary_files {
    ENC_FILES_VOCAB,  /* vocab.txt */
    ENC_FILES_MERGES, /* vocab.json and merges.txt */
    ENC_FILES_PIECES  /* SentencePiece's file */
};

/* Ids of a SentencePiece file's pieces. */
enum enc_layout {
    ENC_LAYOUT_PLAIN,
    ENC_LAYOUT_FAIRSEQ,   /* <s> <pad> </s> <unk>, the pieces from the 4th on, <mask> */
    ENC_LAYOUT_CAMEMBERT, /* five tokens, the pieces from the 2nd on, <mask> */
    ENC_LAYOUT_EXTRA,     /* the pieces, <extra_id_N> ... <extra_id_0> */
    ENC_LAYOUT_ROLES      /* pad, eos and bos token in place of the first three */
};

/* What is done to a text before pieces are looked for. */
enum enc_preparation {
    ENC_PREPARE_SPACES,  /* charsmap; runs of spaces are one */
    ENC_PREPARE_ALBERT,  /* quotes, accents, case, charsmap; ... */
    ENC_PREPARE_DEBERTA, /* case, white space at the ends, charsmap; ... */
    ENC_PREPARE_LLAMA,   /* spaces become letters, one is put in front */
    ENC_PREPARE_GEMMA    /* spaces become letters */
};

typedef struct enc_tokenizer_class {
    const char *name; /* also with "Fast" behind it */
    enum enc_vocabulary_files files;
    enc_role_defaults roles;
    /* Template of one text and of two: $A, $B, tokens, or roles as #cls; ":1" behind it is the
    ** type. NULL: none, or as add_bos_token and add_eos_token say. */
    const char *single, *pair;
    /* ENC_FILES_MERGES */
    const char *pattern; /* that cuts words before their bytes become letters; NULL: GPT-2's */
    bool nfc;
    bool trims;          /* RobertaProcessing's trim_offsets */
    bool lines_as_read;  /* merges.txt: only a first line #version is no merge */
    /* ENC_FILES_PIECES */
    enum enc_layout layout;
    enum enc_preparation preparation;
    bool byte_fallback;
    bool adds_bos;       /* add_bos_token counts; if it is absent it is `bos` */
    bool bos;
} enc_tokenizer_class;

typedef struct enc_conversion {
    const enc_tokenizer_files *files;
    const enc_tokenizer_class *class;
    enc_settings settings;
    json_t *texts; /* array of T5's extra tokens, in their order */
    json_t *owned; /* array of pieces that are added tokens */
    enc_error *err;
} enc_conversion;

/* The tokenizer of a checkpoint without tokenizer.json. */
int enc_tokenizer_convert(enc_tokenizer *tokenizer, const enc_tokenizer_files *files,
                          enc_error *err);

/* By kind of files; the settings are open. The first makes the tokenizer, the others a whole
** tokenizer.json, which the caller owns. */
int enc_convert_vocab(enc_conversion *conversion, enc_tokenizer *tokenizer);
int enc_convert_merges(enc_conversion *conversion, json_t **out);
int enc_convert_pieces(enc_conversion *conversion, json_t **out);

/* ---- Parts of a tokenizer.json ------------------------------------------------------- */

/* Id of a token: in the vocabulary (an object of ids, an array of pieces, or a model's), else
** but for a model as an added one; -1: it has none. */
int32_t enc_convert_id(const enc_conversion *conversion, const json_t *vocab,
                       const enc_vocabulary *vocabulary, const char *text);
/* TemplateProcessing of the class, or null. */
int enc_convert_template(const enc_conversion *conversion, const json_t *vocab,
                         const enc_vocabulary *vocabulary, json_t **out);
/* The whole, taking over the parts, of which none may be NULL but for lack of memory. */
int enc_convert_join(const enc_conversion *conversion, json_t *model, json_t *normalizer,
                     json_t *pretokenizer, json_t *processor, json_t **out);

#endif
