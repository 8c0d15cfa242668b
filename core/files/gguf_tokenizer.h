/*
** gguf_tokenizer.h - the tokenizer that a GGUF file holds, told as tokenizer.json tells it.
**
** llama.cpp's four kinds are known: "bert" (WordPiece, its vocabulary with a space in front of
** words instead of "##" in front of the other pieces), "gpt2" (byte-level BPE, whose words are
** cut as tokenizer.ggml.pre says), "llama" (SentencePiece BPE with scores instead of merges) and
** "t5" (Unigram). What such a file does not say is as in the checkpoints it was made from:
**
**   - a WordPiece lowercases unless its vocabulary has letters in upper case;
**   - NFC comes first where the pattern is Qwen's or ModernBERT's;
**   - tokens of the kinds control and unknown are special, user-defined ones are added tokens;
**     a mask token of another model than WordPiece takes the space in front of it (lstrip).
*/
#ifndef ENC_GGUF_TOKENIZER_H
#define ENC_GGUF_TOKENIZER_H

#include <jansson.h>

#include "gguf.h"

/* *out: an object in the form of tokenizer.json, the caller's. */
int enc_gguf_tokenizer(const enc_gguf *gguf, json_t **out, enc_error *err);

/* ---- Its parts, for gguf_tokenizer.c and gguf_words.c ---- */

enum enc_gguf_token { /* tokenizer.ggml.token_type */
    ENC_GGUF_UNDEFINED, ENC_GGUF_NORMAL, ENC_GGUF_UNKNOWN, ENC_GGUF_CONTROL,
    ENC_GGUF_USER_DEFINED, ENC_GGUF_UNUSED, ENC_GGUF_BYTE
};

enum enc_gguf_special {
    ENC_GGUF_BOS, ENC_GGUF_EOS, ENC_GGUF_UNK, ENC_GGUF_SEP, ENC_GGUF_PAD, ENC_GGUF_CLS,
    ENC_GGUF_MASK, ENC_GGUF_SPECIAL_COUNT
};

typedef struct enc_gguf_words {
    const enc_gguf *gguf;
    enc_text *token;              /* [count] UTF-8 without NUL, in the header or in `text` */
    char *text;                   /* of tokens rewritten; NULL: none are */
    uint64_t count;
    const enc_gguf_value *scores; /* [count]; NULL: none */
    const enc_gguf_value *types;  /* [count]; NULL: all are normal */
    int64_t special[ENC_GGUF_SPECIAL_COUNT]; /* ids; -1: none */
} enc_gguf_words;

int enc_gguf_words_open(const enc_gguf *gguf, enc_gguf_words *out, enc_error *err);
void enc_gguf_words_close(enc_gguf_words *words);
enum enc_gguf_token enc_gguf_word_type(const enc_gguf_words *words, uint64_t id);
/* Whether the id is one of the special ones, or its type control or unknown. */
bool enc_gguf_word_special(const enc_gguf_words *words, uint64_t id);

/* Writes the tokens as WordPiece does: without the space in front if they begin a word, with "##"
** if they don't; special ones and "[unused7]" stay as they are. False: out of memory. */
bool enc_gguf_unphantom(enc_gguf_words *words);
/* Writes U+2581 for spaces in user-defined tokens, as SentencePiece has them. Likewise. */
bool enc_gguf_respace(enc_gguf_words *words);
/* {token: id}. A token that stands there twice is ENC_CORRUPT. */
int enc_gguf_vocabulary(const enc_gguf_words *words, json_t **out, enc_error *err);
/* ["left right", ...] best first: the pairs of tokens that make a token, in the order of the
** score of what they make (as Hugging Face derives them from SentencePiece's files). */
int enc_gguf_merges(const enc_gguf_words *words, const json_t *vocabulary, json_t **out,
                    enc_error *err);

#endif
