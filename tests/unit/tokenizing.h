/*
** tokenizing.h - what the tests of tokenizers share: a small vocabulary, tokenizers made from a
** few lines of JSON, and their tokens as one line of text.
**
** JSON is written with ' for " here. Expected tokens were taken from the reference (tokenizers
** 0.22.2) reading the same JSON.
*/
#ifndef TOKENIZING_H
#define TOKENIZING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "tokenizer.h"
#include "unit.h"

/* Ids are places in this list. */
static const char *const small_words[] = {
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the",  "un",   "##aff", "##able", "hello",
    "world", "a",     "b",     "ab",    "##b",    "##c",  "cafe", "caf\xC3\xA9", "naive", "!",
    ".",     ",",     "\xE4\xB8\xAD", "\xE6\x96\x87", "\xC3\xA9", "e",    "x",    "##x", "tok",
    "12",    "1",     "##2",   "The",   "  x",    "e\xCC\x81", "##\xCC\x81", "##\xEA\xA7\x80",
    "##e",   " ",     "##a",   "## ",   "##!"};
enum { SMALL_WORDS = sizeof small_words / sizeof *small_words };

#define BERT_NORMALIZER "{'type':'BertNormalizer','clean_text':true,'handle_chinese_chars':" \
                        "true,'strip_accents':null,'lowercase':true}"
#define BERT_SPLIT "{'type':'BertPreTokenizer'}"
#define BERT_TEMPLATE "{'type':'BertProcessing','sep':['[SEP]',3],'cls':['[CLS]',2]}"

/* A WordPiece tokenizer.json of the small vocabulary; any part may be NULL (then it is null).
** `added` are the elements of a list. Good until the next call. */
static inline const char *small_json(const char *normalizer, const char *pretokenizer,
                                     const char *processor, const char *added)
{
    static char json[16384];
    int at = snprintf(json, sizeof json,
                      "{'version':'1.0','added_tokens':[%s],'normalizer':%s,"
                      "'pre_tokenizer':%s,'post_processor':%s,'model':{'type':'WordPiece',"
                      "'unk_token':'[UNK]','continuing_subword_prefix':'##',"
                      "'max_input_chars_per_word':100,'vocab':{",
                      added ? added : "", normalizer ? normalizer : "null",
                      pretokenizer ? pretokenizer : "null", processor ? processor : "null");
    for (int i = 0; i < SMALL_WORDS; i++)
        at += snprintf(json + at, sizeof json - (size_t)at, "%s'%s':%d", i ? "," : "",
                       small_words[i], i);
    snprintf(json + at, sizeof json - (size_t)at, "}}}");
    return json;
}

/* With " for '. Good until the next call. */
static inline const char *real_quotes(const char *json)
{
    static char text[16384];
    size_t i = 0;
    for (; json[i] && i + 1 < sizeof text; i++)
        text[i] = json[i] == '\'' ? '"' : json[i];
    text[i] = '\0';
    return text;
}

static inline enc_text text_of(const char *text)
{
    return (enc_text){text, text ? strlen(text) : 0};
}

static inline int open_json(const char *json, enc_tokenizer **out, enc_error *err)
{
    enc_tokenizer_files files = {.folder = "small", .json = text_of(real_quotes(json))};
    enc_error_clear(err);
    return enc_tokenizer_open(&files, out, err);
}

/* The tokenizer, NULL (and a failed check) if it can't be opened. */
static inline enc_tokenizer *opened(const char *json)
{
    enc_tokenizer *t = NULL;
    enc_error err;
    open_json(json, &t, &err);
    CHECK_STR(err.message, "");
    return t;
}

/* The sentence that refuses the JSON; "" if nothing does. */
static inline const char *refusal(const char *json)
{
    static enc_error err;
    enc_tokenizer *t = NULL;
    int rc = open_json(json, &t, &err);
    CHECK((rc == ENC_OK) == (t != NULL));
    CHECK_INT(rc, err.code);
    enc_tokenizer_close(t);
    return err.message;
}

/* Field by field: what lies between the fields is anything. */
static inline bool same_tokens(const enc_token *a, const enc_token *b, size_t count)
{
    size_t i = 0;
    while (i < count && a[i].id == b[i].id && a[i].word == b[i].word &&
           a[i].type == b[i].type && a[i].special == b[i].special &&
           a[i].byte_start == b[i].byte_start && a[i].byte_end == b[i].byte_end &&
           a[i].char_start == b[i].char_start && a[i].char_end == b[i].char_end)
        i++;
    return i == count;
}

/* "9:0-5/0 10:6-11/1": id, characters, number of the word (special tokens: "2*"). */
static inline const char *shown(const enc_token *token, size_t count)
{
    static char text[4096];
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count && at + 64 < sizeof text; i++) {
        const enc_token *t = &token[i];
        at += (size_t)snprintf(text + at, sizeof text - at, t->special ? "%s%d*" :
                               "%s%d:%u-%u/%d", i ? " " : "", t->id, t->char_start,
                               t->char_end, t->word);
    }
    return text;
}

/* The text's tokens inside the template, as `shown`. */
static inline const char *tokenized(const enc_tokenizer *t, const char *data, size_t size)
{
    enc_arena arena = {0};
    enc_error err = {0};
    enc_pieces pieces;
    const char *line = "no tokenizer";
    if (!t)
        return line;
    /* Of the exact size: reading on is a fault. */
    char *copy = malloc(size ? size : 1);
    if (copy && size)
        memcpy(copy, data, size);
    enc_tokenizer_pieces(t, &arena, (enc_text){copy, size}, 0, NULL, &pieces, &err);
    CHECK_STR(err.message, "");
    enc_token *token = ENC_ARENA(&arena, enc_token, pieces.count + 64);
    if (copy && !err.code && token)
        line = shown(token, enc_tokenizer_wrap(t, &pieces, NULL, token));
    enc_arena_destroy(&arena);
    free(copy);
    return line;
}

/* Opens, tokenizes one text and closes. */
static inline const char *tokens_of(const char *json, const char *text)
{
    enc_tokenizer *t = opened(json);
    const char *line = tokenized(t, text, strlen(text));
    enc_tokenizer_close(t);
    return line;
}

#endif
