/* reading.c - see reading.h. */
#include "reading.h"

#include <string.h>

#include "unicode.h"
#include "words.h"

typedef struct reader {
    const enc_model *model;
    enc_arena *arena;
    enc_poll *poll;
    enc_error *err;
    size_t prompt_bytes;
    size_t prompt_chars;
    const char *source; /* the text without prompt */
    size_t room; /* tokens of the text that fit beside the special ones; SIZE_MAX: no limit */
} reader;

/* sentence-transformers puts the prompt's text in front, with no space of its own. */
static int put_prompt(reader *r, const char *prompt, enc_text *text)
{
    size_t size = strlen(prompt);
    if (size == 0)
        return ENC_OK;
    char *joined = text->size <= SIZE_MAX - size
                       ? ENC_ARENA(r->arena, char, size + text->size) : NULL;
    if (!joined)
        return enc_nomem(r->err);
    memcpy(joined, prompt, size);
    if (text->size)
        memcpy(joined + size, text->data, text->size);
    *text = (enc_text){joined, size + text->size};
    r->prompt_bytes = size;
    r->prompt_chars = enc_utf8_count(prompt, size);
    return ENC_OK;
}

static size_t less(size_t a, size_t b) { return a > b ? a - b : 0; }

static void shift_offsets(const reader *r, enc_token *token, size_t count)
{
    if (r->prompt_bytes == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        token[i].byte_start = less(token[i].byte_start, r->prompt_bytes);
        token[i].byte_end = less(token[i].byte_end, r->prompt_bytes);
        token[i].char_start = less(token[i].char_start, r->prompt_chars);
        token[i].char_end = less(token[i].char_end, r->prompt_chars);
    }
}

int enc_check_rows(const enc_model *model, const enc_token *token, size_t count, enc_error *err)
{
    for (size_t i = 0; model->tokens_beyond && i < count; i++)
        if (token[i].id >= model->config.vocabulary) {
            size_t size = 0;
            const char *text = enc_tokenizer_string(model->tokenizer, token[i].id, &size);
            return enc_fail(err, ENC_INVALID, "the text holds the token '%.*s' of id %d, the "
                            "model's table of embeddings has %d rows",
                            (int)(size < 60 ? size : 0), text ? text : "", (int)token[i].id,
                            model->config.vocabulary);
        }
    return ENC_OK;
}

static int wrap(const reader *r, const enc_pieces *pieces, size_t first, size_t count,
                enc_sequence *out)
{
    enc_pieces part = {pieces->token + first, count, true};
    size_t specials = enc_tokenizer_specials(r->model->tokenizer, false);
    out->source = r->source;
    out->token = ENC_ARENA(r->arena, enc_token, count + specials);
    if (!out->token)
        return enc_nomem(r->err);
    out->count = enc_tokenizer_wrap(r->model->tokenizer, &part, NULL, out->token);
    shift_offsets(r, out->token, out->count);
    return enc_check_rows(r->model, out->token, out->count, r->err);
}

/* A template's, or one that stands in the text itself. */
static bool is_special(const reader *r, const enc_token *token)
{
    return token->special || enc_tokenizer_is_special(r->model->tokenizer, token->id);
}

/* sentence-transformers tokenizes the prompt alone, as it would a text, and leaves so many
** leading tokens out, less one if the last is a special one, whoever put it there. */
static int prompt_skip(reader *r, const char *prompt, size_t *skip)
{
    *skip = 0;
    if (r->prompt_bytes == 0 || r->model->modules.include_prompt)
        return ENC_OK;
    enc_pieces pieces;
    enc_sequence alone;
    enc_text text = {prompt, r->prompt_bytes};
    int rc = enc_tokenizer_pieces(r->model->tokenizer, r->arena, text, 0, r->poll, &pieces,
                                  r->err);
    if (rc != ENC_OK)
        return rc;
    size_t count = pieces.count < r->room ? pieces.count : r->room;
    rc = wrap(r, &pieces, r->model->keeps_end ? pieces.count - count : 0, count, &alone);
    if (rc == ENC_OK && alone.count > 0)
        *skip = alone.count - (is_special(r, &alone.token[alone.count - 1]) ? 1 : 0);
    return rc;
}

/* Every window of `room` tokens as a sequence of its own. */
static int cut_windows(const reader *r, const enc_pieces *pieces, enc_reading *out)
{
    bool one = r->room == 0 || pieces->count <= r->room;
    size_t windows = one ? 1 : (pieces->count - 1) / r->room + 1;
    out->sequence = ENC_ARENA(r->arena, enc_sequence, windows);
    if (!out->sequence)
        return enc_nomem(r->err);
    for (size_t i = 0; i < windows; i++) {
        size_t first = i == 0 ? 0 : i * r->room; /* room may be SIZE_MAX */
        size_t count = pieces->count - first < r->room ? pieces->count - first : r->room;
        enc_sequence *s = &out->sequence[i];
        *s = (enc_sequence){.part = windows};
        int rc = wrap(r, pieces, first, count, s);
        if (rc != ENC_OK)
            return rc;
        if (enc_poll_stop(r->poll))
            return enc_fail(r->err, ENC_INTERRUPTED, "interrupted");
    }
    out->count = windows;
    return ENC_OK;
}

static int cut_one(const reader *r, const enc_pieces *pieces, enum enc_truncate truncate,
                   enc_reading *out)
{
    size_t count = pieces->count < r->room ? pieces->count : r->room;
    size_t first = truncate == ENC_TRUNCATE_START ? pieces->count - count : 0;
    out->sequence = ENC_ARENA(r->arena, enc_sequence, 1);
    if (!out->sequence)
        return enc_nomem(r->err);
    *out->sequence = (enc_sequence){.part = 1};
    out->count = 1;
    return wrap(r, pieces, first, count, out->sequence);
}

int enc_read(const enc_model *model, enc_text text, const char *prompt,
             enum enc_truncate truncate, bool want_total, enc_arena *arena, enc_poll *poll,
             enc_reading *out, enc_error *err)
{
    size_t specials = enc_tokenizer_specials(model->tokenizer, false);
    reader r = {.model = model, .arena = arena, .poll = poll, .err = err, .room = SIZE_MAX,
                .source = text.data};
    if (model->max_tokens && truncate != ENC_TRUNCATE_NONE)
        r.room = less(model->max_tokens, specials);
    if (r.room == 0 && model->max_tokens < specials)
        return enc_fail(err, ENC_INVALID, "the model reads %zu tokens, its special tokens "
                        "alone are %zu", model->max_tokens, specials);
    if (truncate == ENC_TRUNCATE_DEFAULT)
        truncate = model->keeps_end ? ENC_TRUNCATE_START : ENC_TRUNCATE_END;
    bool only_start = (truncate == ENC_TRUNCATE_END || truncate == ENC_TRUNCATE_ERROR) &&
                      r.room != SIZE_MAX && r.room > 0;
    enc_pieces pieces;
    size_t skip;
    int rc = put_prompt(&r, prompt, &text);
    if (rc == ENC_OK && model->max_characters && truncate == ENC_TRUNCATE_END)
        text.size = enc_utf8_prefix(text.data, text.size, model->max_characters);
    if (rc == ENC_OK)
        rc = prompt_skip(&r, prompt, &skip);
    if (rc == ENC_OK)
        rc = enc_tokenizer_pieces(model->tokenizer, arena, text, only_start ? r.room : 0, poll,
                                  &pieces, err);
    if (rc != ENC_OK)
        return rc;
    size_t total = pieces.count;
    if (!pieces.complete && (want_total || truncate == ENC_TRUNCATE_ERROR))
        rc = enc_tokenizer_count(model->tokenizer, arena, text, poll, &total, err);
    if (rc != ENC_OK)
        return rc;
    if (truncate == ENC_TRUNCATE_ERROR && total > r.room)
        return enc_fail(err, ENC_INVALID, "the text has %zu tokens, the model reads %zu "
                        "(special tokens included)", total + specials, model->max_tokens);
    rc = truncate == ENC_TRUNCATE_MEAN ? cut_windows(&r, &pieces, out)
                                       : cut_one(&r, &pieces, truncate, out);
    if (rc != ENC_OK)
        return rc;
    out->sequence[0].skip = skip < out->sequence[0].count ? skip : out->sequence[0].count;
    out->total = total + specials;
    /* Windows hold all of the text, if they have room for any of it. */
    out->truncated = total > r.room && (truncate != ENC_TRUNCATE_MEAN || r.room == 0);
    out->kept = out->truncated ? r.room + specials : out->total;
    return ENC_OK;
}

bool enc_pack(const enc_model *model, const enc_sequence *sequence, size_t count,
              enc_arena *arena, enc_batch *out)
{
    bool reads_text = model->words && enc_words_read_text(model->words);
    size_t rows = 0;
    for (size_t i = 0; i < count; i++)
        rows += sequence[i].count;
    int32_t *id = ENC_ARENA(arena, int32_t, rows);
    int32_t *type = ENC_ARENA(arena, int32_t, rows);
    size_t *start = ENC_ARENA(arena, size_t, count + 1);
    enc_text *word = reads_text ? ENC_ARENA(arena, enc_text, rows) : NULL;
    if (!id || !type || !start || (reads_text && !word))
        return false;
    start[0] = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < sequence[i].count; j++) {
            const enc_token *token = &sequence[i].token[j];
            id[start[i] + j] = token->id;
            type[start[i] + j] = token->type;
            if (word)
                word[start[i] + j] = (enc_text){sequence[i].source + token->byte_start,
                                                token->byte_end - token->byte_start};
        }
        start[i + 1] = start[i] + sequence[i].count;
    }
    *out = (enc_batch){.id = id, .type = type, .start = start, .word = word, .count = count};
    return true;
}
