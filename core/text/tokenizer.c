/* tokenizer.c - see tokenizer.h; opening and what a tokenizer tells of itself. */
#include "convert.h"

#include <string.h>

/* ---- Parts --------------------------------------------------------------------------- */

static void tokenize_wordpiece(const enc_tokenizer *t, const enc_pretoken *word,
                               enc_token_list *list)
{
    enc_wordpiece_tokenize(&t->wordpiece, word, list);
}

static void close_wordpiece(enc_tokenizer *t) { enc_wordpiece_close(&t->wordpiece); }

static int store_wordpiece(enc_tokenizer *t, enc_store *store, enc_error *err)
{
    return enc_vocabulary_store(&t->wordpiece.vocabulary, store, err);
}

void enc_tokenizer_set_wordpiece(enc_tokenizer *t, enc_wordpiece *model)
{
    t->wordpiece = *model;
    *model = (enc_wordpiece){0};
    t->tokenize = tokenize_wordpiece;
    t->close = close_wordpiece;
    t->store = store_wordpiece;
    t->vocabulary = &t->wordpiece.vocabulary;
    t->most = t->wordpiece.most;
    t->unknown = t->wordpiece.unknown;
}

/* An added token's content as the normaliser makes it. */
static int normalize_content(const void *context, const char *text, size_t size,
                             uint32_t **out, size_t *length, enc_error *err)
{
    const enc_tokenizer *t = context;
    enc_arena arena = {0};
    enc_folded folded;
    int rc = enc_tokenizer_normalize(t, &arena, (enc_text){text, size}, &folded, err);
    if (rc == ENC_OK) {
        *length = folded.count;
        *out = ENC_ALLOC(uint32_t, folded.count);
        if (!*out)
            rc = enc_nomem(err);
        else if (folded.count)
            memcpy(*out, folded.character, folded.count * sizeof **out);
    }
    enc_arena_destroy(&arena);
    return rc;
}

int enc_tokenizer_set_added(enc_tokenizer *t, const enc_added_token *tokens, size_t count,
                            const char *where, enc_error *err)
{
    return enc_added_tokens_open(tokens, count, t->vocabulary, normalize_content, t, where,
                                 &t->added, err);
}

/* ---- ASCII --------------------------------------------------------------------------- */

/* What the normaliser makes of one ASCII character, if that is one ASCII character; else
** 128. No step's result for such a character depends on what follows. */
static int normalize_ascii(const enc_tokenizer *t, enc_arena *arena, char byte,
                           uint32_t *out, enc_error *err)
{
    enc_folded folded;
    enc_mark mark = enc_arena_mark(arena);
    int rc = enc_tokenizer_fold(t, arena, (enc_text){&byte, 1}, NULL, &folded, err);
    bool one = rc == ENC_OK && folded.count == 1 && folded.character[0] < 128;
    *out = one ? folded.character[0] : 128;
    enc_arena_release(arena, mark);
    return rc;
}

/* Whether a byte-level model can be given the bytes themselves: words are cut before they would
** be spelled in letters, and nothing comes after that. */
static bool spells_last(const enc_pretokenizer *p)
{
    return p->operations > 0 && p->operation[p->operations - 1].kind == ENC_TO_BYTES &&
           enc_pretokenizer_first_cut(p) + 1 < p->operations;
}

static int settle_model(enc_tokenizer *t, enc_error *err)
{
    const enc_pretokenizer *p = &t->pretokenizer;
    bool raw = spells_last(p);
    int rc = ENC_OK;
    if (t->merging && !t->stored)
        rc = enc_bpe_settle(&t->bpe, raw, err);
    if (t->merging)
        t->model_bytes = t->bpe.bytes;
    if (rc == ENC_OK && t->merging && t->bpe.raw && !raw)
        rc = enc_fail(err, ENC_CORRUPT, "the saved model's tokenizer is made for bytes, but its "
                      "pre_tokenizer gives characters");
    if (rc == ENC_OK && t->merging && enc_pretokenizer_first_cut(p) + 1 >= p->operations)
        rc = enc_joins_open(t->merging, &t->joins, err);
    return rc;
}

static int settle(enc_tokenizer *t, enc_error *err)
{
    enc_arena arena = {0};
    int rc = settle_model(t, err);
    const enc_pretokenizer *p = &t->pretokenizer;
    t->removes_space = enc_pretokenizer_removes_space(p);
    t->by_sections = p->by_pieces || (p->operations == 0 && t->joins.bits);
    if (rc != ENC_OK || t->by_sections)
        return rc;
    for (uint32_t c = 0; c < 128; c++)
        t->sides[c] = enc_pretokenizer_sides(&t->pretokenizer, c);
    if (!enc_normalizer_is_local(&t->normalizer))
        return ENC_OK;
    for (int byte = 0; byte < 128 && rc == ENC_OK; byte++) {
        uint32_t c;
        rc = normalize_ascii(t, &arena, (char)byte, &c, err);
        if (rc != ENC_OK || c == 128 || !enc_matcher_ignores(&t->added.normalized, c))
            continue;
        enc_sides sides = t->sides[c];
        t->ascii[byte] = (enc_ascii){sides.left, sides.right, (unsigned char)c,
                                     sides.removed ? ENC_ASCII_GAP : ENC_ASCII_PART};
    }
    enc_arena_destroy(&arena);
    return rc;
}

/* do_lower_case of sentence-transformers: Lowercase in front of a normaliser without it.
** Added tokens stay as they were normalised before. */
static int lowercase_first(enc_tokenizer *t, enc_error *err)
{
    if (enc_normalizer_lowercases(&t->normalizer))
        return ENC_OK;
    return enc_normalizer_lowercase_first(&t->normalizer, "do_lower_case", err);
}

/* ---- Opening ------------------------------------------------------------------------- */

int enc_tokenizer_open(const enc_tokenizer_files *files, enc_tokenizer **out,
                       enc_error *err)
{
    int rc;
    enc_tokenizer *t = ENC_ZALLOC(enc_tokenizer, 1);
    *out = NULL;
    if (!t)
        return enc_nomem(err);
    enc_normalizer_begin(&t->normalizer);
    enc_templates_begin(&t->templates);
    t->unknown = -1;
    t->stored = files->stored;
    if (files->value)
        rc = enc_tokenizer_read_value(t, files->value_name, files->value, err);
    else if (files->json.data)
        rc = enc_tokenizer_read_json(t, files, err);
    else
        rc = enc_tokenizer_convert(t, files, err);
    if (rc == ENC_OK && files->lower_case)
        rc = lowercase_first(t, err);
    if (rc == ENC_OK)
        rc = settle(t, err);
    if (rc == ENC_OK)
        enc_phrases_settle(t);
    t->stored = NULL;
    if (rc != ENC_OK) {
        enc_tokenizer_close(t);
        return rc;
    }
    *out = t;
    return ENC_OK;
}

int enc_tokenizer_of_words(enc_words *words, enc_tokenizer **out, enc_error *err)
{
    enc_tokenizer *t = ENC_ZALLOC(enc_tokenizer, 1);
    enc_words *kept = ENC_ZALLOC(enc_words, 1);
    *out = NULL;
    if (!t || !kept) {
        enc_words_close(words);
        enc_free(kept);
        enc_free(t);
        return enc_nomem(err);
    }
    *kept = *words;
    *words = (enc_words){0};
    t->words = kept;
    t->unknown = -1;
    enc_normalizer_begin(&t->normalizer);
    enc_templates_begin(&t->templates);
    *out = t;
    return ENC_OK;
}

void enc_tokenizer_close(enc_tokenizer *t)
{
    if (!t)
        return;
    enc_normalizer_close(&t->normalizer);
    enc_pretokenizer_close(&t->pretokenizer);
    enc_joins_close(&t->joins);
    if (t->words)
        enc_words_close(t->words);
    enc_free(t->words);
    enc_added_tokens_close(&t->added);
    enc_free(t->settings);
    if (t->close)
        t->close(t);
    enc_free(t);
}

/* ---- What it tells ------------------------------------------------------------------- */

const enc_words *enc_tokenizer_words(const enc_tokenizer *t) { return t->words; }

void enc_tokenizer_drop_template(enc_tokenizer *t)
{
    enc_templates_begin(&t->templates);
    t->bare = true;
}
void enc_tokenizer_drop_unknown(enc_tokenizer *t) { t->drops_unknown = t->unknown >= 0; }

bool enc_tokenizer_keeps_end(const enc_tokenizer *t) { return t->keeps_end; }

int32_t enc_tokenizer_max_plain_id(const enc_tokenizer *t)
{
    if (t->words)
        return (int32_t)t->words->count - 1;
    int32_t id = enc_vocabulary_max_id(t->vocabulary);
    int32_t of_templates = enc_templates_max_id(&t->templates);
    return id > of_templates ? id : of_templates;
}

int32_t enc_tokenizer_max_id(const enc_tokenizer *t)
{
    int32_t id = enc_tokenizer_max_plain_id(t), added = enc_added_tokens_max_id(&t->added);
    return id > added ? id : added;
}

int32_t enc_tokenizer_max_type(const enc_tokenizer *t)
{
    return enc_templates_max_type(&t->templates);
}

const char *enc_tokenizer_string(const enc_tokenizer *t, int32_t id, size_t *size)
{
    if (t->words)
        return enc_words_string(t->words, id, size);
    const enc_added_token *added = enc_added_tokens_by_id(&t->added, id);
    if (!added)
        return enc_vocabulary_string(t->vocabulary, id, size);
    *size = added->size;
    return added->text;
}

bool enc_tokenizer_is_special(const enc_tokenizer *t, int32_t id)
{
    const enc_added_token *added = enc_added_tokens_by_id(&t->added, id);
    return added && added->special;
}

int64_t enc_tokenizer_bytes(const enc_tokenizer *t)
{
    if (t->words)
        return (int64_t)sizeof *t + enc_words_bytes(t->words);
    size_t tables = t->vocabulary->borrowed ? 0 : t->vocabulary->bytes + t->model_bytes;
    return (int64_t)(sizeof *t + tables + t->added.bytes);
}

size_t enc_tokenizer_specials(const enc_tokenizer *t, bool pair)
{
    return enc_templates_specials(&t->templates, pair);
}

size_t enc_tokenizer_wrap(const enc_tokenizer *t, const enc_pieces *a, const enc_pieces *b,
                          enc_token *out)
{
    return enc_templates_apply(&t->templates, a->token, a->count, b ? b->token : NULL,
                               b ? b->count : 0, b != NULL, out);
}
