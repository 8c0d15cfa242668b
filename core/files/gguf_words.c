/* gguf_words.c - see gguf_tokenizer.h; the tokens of a GGUF file, and merges from their scores. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gguf_tokenizer.h"
#include "memory.h"

enum {
    MAX_TOKENS = 1 << 22,
    MAX_MERGED = 256, /* bytes of a token that merges make */
    /* Merges: trained vocabularies have two or three for each token; one made to have hundreds
    ** would cost thousands of times its file. */
    MERGES_PER_TOKEN = 8,
    MERGES_ALWAYS = 4096
};

/* U+2581, with which SentencePiece writes a space. */
static const char space[] = "\xe2\x96\x81";
enum { SPACE = sizeof space - 1 };

/* ---- Tokens ---------------------------------------------------------------------------- */

static int read_tokens(enc_gguf_words *words, const enc_gguf_value *value, enc_error *err)
{
    const enc_gguf *gguf = words->gguf;
    size_t at = value->at;
    if (value->count == 0 || value->count > MAX_TOKENS)
        return enc_fail(err, ENC_CORRUPT, "%s: %s has %" PRIu64 " elements, must have 1 ... %d",
                        gguf->name, value->key, value->count, MAX_TOKENS);
    words->token = ENC_ALLOC(enc_text, value->count);
    if (!words->token)
        return enc_nomem(err);
    words->count = value->count;
    for (uint64_t i = 0; i < words->count; i++) {
        words->token[i] = enc_gguf_next(gguf, &at);
        if (!enc_gguf_is_utf8(words->token[i]) ||
            memchr(words->token[i].data, 0, words->token[i].size))
            return enc_fail(err, ENC_CORRUPT, "%s: %s[%" PRIu64 "] is not UTF-8 without NUL",
                            gguf->name, value->key, i);
    }
    return ENC_OK;
}

/* A list that says something of every token; NULL without it. */
static int find_beside(const enc_gguf_words *words, const char *key, enum enc_gguf_type kind,
                       const enc_gguf_value **out, enc_error *err)
{
    int rc = enc_gguf_list(words->gguf, key, kind, out, err);
    if (rc == ENC_OK && *out && (*out)->count != words->count)
        rc = enc_fail(err, ENC_CORRUPT,
                      "%s: %s has %" PRIu64 " elements, there are %" PRIu64 " tokens",
                      words->gguf->name, key, (*out)->count, words->count);
    return rc;
}

static int check_scores(const enc_gguf_words *words, enc_error *err)
{
    const enc_gguf_value *scores = words->scores;
    for (uint64_t i = 0; scores && i < scores->count; i++)
        if (!isfinite(enc_gguf_real_at(words->gguf, scores, i)))
            return enc_fail(err, ENC_CORRUPT, "%s: %s[%" PRIu64 "] is not finite",
                            words->gguf->name, scores->key, i);
    return ENC_OK;
}

static int read_specials(enc_gguf_words *words, enc_error *err)
{
    static const char *const keys[ENC_GGUF_SPECIAL_COUNT] = {
        "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id",
        "tokenizer.ggml.unknown_token_id", "tokenizer.ggml.seperator_token_id",
        "tokenizer.ggml.padding_token_id", "tokenizer.ggml.cls_token_id",
        "tokenizer.ggml.mask_token_id"};
    int rc = ENC_OK;
    for (int i = 0; rc == ENC_OK && i < ENC_GGUF_SPECIAL_COUNT; i++) {
        words->special[i] = -1;
        rc = enc_gguf_int(words->gguf, keys[i], 0, (int64_t)words->count - 1,
                          &words->special[i], err);
    }
    return rc;
}

int enc_gguf_words_open(const enc_gguf *gguf, enc_gguf_words *out, enc_error *err)
{
    static const char key[] = "tokenizer.ggml.tokens";
    const enc_gguf_value *tokens = NULL;
    *out = (enc_gguf_words){.gguf = gguf};
    int rc = enc_gguf_require(gguf, key, err);
    if (rc == ENC_OK)
        rc = enc_gguf_list(gguf, key, ENC_GGUF_STRING, &tokens, err);
    if (rc == ENC_OK)
        rc = read_tokens(out, tokens, err);
    if (rc == ENC_OK)
        rc = find_beside(out, "tokenizer.ggml.scores", ENC_GGUF_F32, &out->scores, err);
    if (rc == ENC_OK)
        rc = check_scores(out, err);
    if (rc == ENC_OK)
        rc = find_beside(out, "tokenizer.ggml.token_type", ENC_GGUF_I32, &out->types, err);
    return rc == ENC_OK ? read_specials(out, err) : rc;
}

void enc_gguf_words_close(enc_gguf_words *words)
{
    enc_free(words->token);
    enc_free(words->text);
    words->token = NULL;
    words->text = NULL;
}

enum enc_gguf_token enc_gguf_word_type(const enc_gguf_words *words, uint64_t id)
{
    int64_t type = words->types ? enc_gguf_int_at(words->gguf, words->types, id)
                                : ENC_GGUF_NORMAL;
    return type >= ENC_GGUF_UNDEFINED && type <= ENC_GGUF_BYTE ? (enum enc_gguf_token)type
                                                               : ENC_GGUF_UNDEFINED;
}

bool enc_gguf_word_special(const enc_gguf_words *words, uint64_t id)
{
    enum enc_gguf_token type = enc_gguf_word_type(words, id);
    if (type == ENC_GGUF_CONTROL || type == ENC_GGUF_UNKNOWN)
        return true;
    for (int i = 0; i < ENC_GGUF_SPECIAL_COUNT; i++)
        if (words->special[i] == (int64_t)id)
            return true;
    return false;
}

/* ---- The vocabulary --------------------------------------------------------------------- */

bool enc_gguf_unphantom(enc_gguf_words *words)
{
    size_t bytes = 0;
    for (uint64_t i = 0; i < words->count; i++)
        bytes += words->token[i].size + 2;
    char *to = words->text = enc_alloc(bytes);
    if (!to)
        return false;
    for (uint64_t i = 0; i < words->count; i++) {
        enc_text token = words->token[i];
        bool begins = token.size >= SPACE && memcmp(token.data, space, SPACE) == 0;
        bool named = token.size > 2 && token.data[0] == '[' && token.data[token.size - 1] == ']';
        bool bare = begins || named || enc_gguf_word_special(words, i);
        size_t cut = begins ? SPACE : 0, sharps = bare ? 0 : 2;
        memcpy(to, "##", sharps);
        memcpy(to + sharps, token.data + cut, token.size - cut);
        words->token[i] = (enc_text){to, sharps + token.size - cut};
        to += words->token[i].size;
    }
    return true;
}

bool enc_gguf_respace(enc_gguf_words *words)
{
    size_t bytes = 0;
    for (uint64_t i = 0; i < words->count; i++)
        if (enc_gguf_word_type(words, i) == ENC_GGUF_USER_DEFINED)
            bytes += words->token[i].size * SPACE;
    char *to = words->text = enc_alloc(bytes);
    if (!to)
        return false;
    for (uint64_t i = 0; i < words->count; i++) {
        enc_text token = words->token[i];
        if (enc_gguf_word_type(words, i) != ENC_GGUF_USER_DEFINED)
            continue;
        words->token[i].data = to;
        for (size_t at = 0; at < token.size; at++) {
            bool spaced = token.data[at] == ' ';
            memcpy(to, spaced ? space : token.data + at, spaced ? SPACE : 1);
            to += spaced ? SPACE : 1;
        }
        words->token[i].size = (size_t)(to - words->token[i].data);
    }
    return true;
}

static int add_token(const enc_gguf_words *words, uint64_t id, json_t *vocabulary,
                     enc_error *err)
{
    enc_text token = words->token[id];
    if (json_object_getn(vocabulary, token.data, token.size))
        return enc_fail(err, ENC_CORRUPT,
                        "%s: tokenizer.ggml.tokens[%" PRIu64 "] '%.*s' is there twice",
                        words->gguf->name, id, (int)(token.size < 60 ? token.size : 0),
                        token.data);
    return json_object_setn_new_nocheck(vocabulary, token.data, token.size,
                                        json_integer((json_int_t)id)) == 0
               ? ENC_OK : enc_nomem(err);
}

int enc_gguf_vocabulary(const enc_gguf_words *words, json_t **out, enc_error *err)
{
    json_t *vocabulary = json_object();
    int rc = vocabulary ? ENC_OK : enc_nomem(err);
    for (uint64_t i = 0; rc == ENC_OK && i < words->count; i++)
        rc = add_token(words, i, vocabulary, err);
    if (rc == ENC_OK)
        *out = vocabulary;
    else
        json_decref(vocabulary);
    return rc;
}

/* ---- Merges ------------------------------------------------------------------------------ */

typedef struct merge {
    double score;
    int32_t id;    /* of what is made */
    int32_t left;  /* bytes of the first part */
    int32_t first, second; /* lengths in characters */
    int32_t parts[2];      /* ids */
} merge;

typedef struct merge_list {
    merge *at;
    size_t count, room;
    size_t most;
} merge_list;

/* Higher scores first, then the longer first part, then the longer second. Tokens that are alike
** in this come in the order of the file, and of one token's pairs that of their ids. */
static int best_first(const void *a, const void *b)
{
    const merge *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    if (x->first != y->first)
        return x->first > y->first ? -1 : 1;
    if (x->second != y->second)
        return x->second > y->second ? -1 : 1;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    if (x->parts[0] != y->parts[0])
        return x->parts[0] < y->parts[0] ? -1 : 1;
    return (x->parts[1] > y->parts[1]) - (x->parts[1] < y->parts[1]);
}

static bool add_merge(merge_list *list, const merge *one)
{
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 4096;
        merge *grown = enc_realloc_array(list->at, room, sizeof *grown);
        if (!grown)
            return false;
        list->at = grown;
        list->room = room;
    }
    list->at[list->count++] = *one;
    return true;
}

static bool begins_character(char c) { return ((unsigned char)c & 0xc0) != 0x80; }

static int32_t characters(const char *text, size_t size)
{
    int32_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += begins_character(text[i]);
    return count;
}

/* All ways of cutting one token into two tokens. */
static bool add_cuts(const enc_gguf_words *words, const json_t *vocabulary, uint64_t id,
                     merge_list *list)
{
    enc_text token = words->token[id];
    merge one = {.id = (int32_t)id};
    int32_t total = characters(token.data, token.size);
    /* No text that is merged has a space in it: they are all U+2581 by then. */
    if (token.size > MAX_MERGED || memchr(token.data, ' ', token.size))
        return true;
    /* SentencePiece makes what users defined before all else; converters write other scores. */
    one.score = enc_gguf_word_type(words, id) == ENC_GGUF_USER_DEFINED
                    ? HUGE_VAL : enc_gguf_real_at(words->gguf, words->scores, id);
    for (size_t cut = 1; cut < token.size && list->count <= list->most; cut++) {
        if (!begins_character(token.data[cut]))
            continue;
        const json_t *left = json_object_getn(vocabulary, token.data, cut);
        const json_t *right = left ? json_object_getn(vocabulary, token.data + cut,
                                                      token.size - cut) : NULL;
        if (!right)
            continue;
        one.left = (int32_t)cut;
        one.first = characters(token.data, cut);
        one.second = total - one.first;
        one.parts[0] = (int32_t)json_integer_value(left);
        one.parts[1] = (int32_t)json_integer_value(right);
        if (!add_merge(list, &one))
            return false;
    }
    return true;
}

static json_t *write_merge(const enc_gguf_words *words, const merge *one)
{
    char text[MAX_MERGED + 1];
    enc_text token = words->token[one->id];
    size_t left = (size_t)one->left;
    memcpy(text, token.data, left);
    text[left] = ' ';
    memcpy(text + left + 1, token.data + left, token.size - left);
    return json_stringn_nocheck(text, token.size + 1);
}

int enc_gguf_merges(const enc_gguf_words *words, const json_t *vocabulary, json_t **out,
                    enc_error *err)
{
    merge_list list = {.most = MERGES_PER_TOKEN * (size_t)words->count + MERGES_ALWAYS};
    json_t *merges = json_array();
    bool done = merges != NULL;
    for (uint64_t i = 0; done && i < words->count; i++)
        if (!enc_gguf_word_special(words, i) && enc_gguf_word_type(words, i) != ENC_GGUF_BYTE)
            done = add_cuts(words, vocabulary, i, &list);
    bool many = list.count > list.most;
    if (done && !many && list.count > 0)
        qsort(list.at, list.count, sizeof *list.at, best_first);
    for (size_t i = 0; done && !many && i < list.count; i++)
        done = json_array_append_new(merges, write_merge(words, &list.at[i])) == 0;
    enc_free(list.at);
    if (!done || many) {
        json_decref(merges);
        return done ? enc_fail(err, ENC_UNSUPPORTED, "%s: its %" PRIu64 " tokens are made of "
                               "two others in more than %zu ways, which no trained "
                               "vocabulary has", words->gguf->name, words->count, list.most)
                    : enc_nomem(err);
    }
    *out = merges;
    return ENC_OK;
}
