/* convert_pieces.c - see convert.h; SentencePiece's file alone. */
#include <stdio.h>
#include <string.h>

#include "convert.h"
#include "memory.h"
#include "piece_merges.h"

#define SPACE "\xE2\x96\x81" /* U+2581, the letter that stands for a space */

/* ---- Ids ----------------------------------------------------------------------------- */

static enc_piece named(const char *text, float score)
{
    return (enc_piece){{text, strlen(text)}, score, ENC_PIECE_NORMAL};
}

/* ALBERT's converter takes 100 off pieces that are digits with a comma. */
static void lower_numbers(enc_piece *piece, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enc_text t = piece[i].text;
        if (t.size >= 2 && t.data[t.size - 1] == ',' && t.data[t.size - 2] >= '0' &&
            t.data[t.size - 2] <= '9')
            piece[i].score -= 100;
    }
}

/* Token that added_tokens_decoder gives that id; else the piece. */
static enc_piece by_id(const enc_conversion *c, const enc_sentencepiece *file, size_t id)
{
    for (size_t i = 0; i < c->settings.count; i++)
        if (c->settings.token[i].id == (int32_t)id)
            return named(c->settings.token[i].text, 0);
    enc_piece piece = file->piece[id];
    piece.score = 0;
    return piece;
}

static size_t add_extra(const enc_conversion *c, enc_piece *out)
{
    size_t extra = json_array_size(c->texts);
    for (size_t i = 0; i < extra; i++)
        out[i] = named(json_string_value(json_array_get(c->texts, extra - 1 - i)), 0);
    return extra;
}

/* Pieces by id, out [pieces + 6 + texts]; returns how many. */
static size_t lay_out(const enc_conversion *c, const enc_sentencepiece *file, enc_piece *out)
{
    static const char *const fairseq[] = {"<s>", "<pad>", "</s>", "<unk>"};
    static const char *const camembert[] = {"<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>",
                                            "<unk>NOTUSED"};
    const enc_added_token *role = c->settings.role;
    size_t count = 0, from = 0;
    if (c->class->layout == ENC_LAYOUT_FAIRSEQ)
        for (from = 3; count < 4; count++)
            out[count] = named(fairseq[count], 0);
    if (c->class->layout == ENC_LAYOUT_CAMEMBERT)
        for (from = 1; count < 5; count++)
            out[count] = named(camembert[count], count == 4 ? -100 : 0);
    if (c->class->layout == ENC_LAYOUT_ROLES) {
        const enum enc_role order[] = {ENC_PAD, ENC_EOS, ENC_BOS};
        for (from = 3; count < 3; count++)
            out[count] = named(role[order[count]].text ? role[order[count]].text : "", 0);
    }
    if (c->class->preparation == ENC_PREPARE_LLAMA)
        for (from = 3; count < 3 && count < file->count; count++)
            out[count] = by_id(c, file, count);
    for (; from < file->count; from++)
        out[count++] = file->piece[from];
    if (c->class->layout == ENC_LAYOUT_FAIRSEQ || c->class->layout == ENC_LAYOUT_CAMEMBERT)
        out[count++] = named("<mask>", 0);
    if (c->class->layout == ENC_LAYOUT_EXTRA)
        count += add_extra(c, out + count);
    if (c->class->preparation == ENC_PREPARE_ALBERT)
        lower_numbers(out, count);
    return count;
}

/* Old Gemma files have no tab but its byte, which then becomes that. */
static void find_tab(enc_piece *piece, size_t count)
{
    enc_piece *byte = NULL;
    for (size_t i = count; i > 0; i--) {
        enc_text t = piece[i - 1].text;
        if (t.size == 1 && *t.data == '\t')
            return;
        if (t.size == 6 && memcmp(t.data, "<0x09>", 6) == 0)
            byte = &piece[i - 1];
    }
    if (byte)
        *byte = named("\t", 0);
}

static int unknown_id(const enc_conversion *c, const enc_sentencepiece *file)
{
    if (c->class->layout == ENC_LAYOUT_PLAIN || c->class->layout == ENC_LAYOUT_EXTRA)
        return c->class->preparation == ENC_PREPARE_LLAMA ? 0 : file->unknown_id;
    return 3;
}

/* ---- Model --------------------------------------------------------------------------- */

static json_t *unigram_vocab(const enc_piece *piece, size_t count)
{
    json_t *vocab = json_array();
    for (size_t i = 0; vocab && i < count; i++) {
        json_t *pair = json_pack("[s%, f]", piece[i].text.data, piece[i].text.size,
                                 (double)piece[i].score);
        if (json_array_append_new(vocab, pair)) {
            json_decref(vocab);
            vocab = NULL;
        }
    }
    return vocab;
}

static int bpe_vocab(const enc_conversion *c, const enc_piece *piece, size_t count,
                     json_t **out)
{
    json_t *vocab = json_object();
    int rc = vocab ? ENC_OK : enc_nomem(c->err);
    for (size_t i = 0; i < count && rc == ENC_OK; i++) {
        enc_text t = piece[i].text;
        char *key = enc_copy_string(t.data, t.size);
        if (key && memchr(key, '\0', t.size))
            rc = enc_fail(c->err, ENC_UNSUPPORTED, "%s: piece %zu has a NUL character",
                          c->files->pieces_name, i);
        else if (!key || json_object_set_new(vocab, key, json_integer((json_int_t)i)))
            rc = enc_nomem(c->err);
        enc_free(key);
    }
    *out = vocab;
    return rc;
}

static int bpe_model(const enc_conversion *c, const enc_sentencepiece *file,
                     const enc_piece *piece, size_t count, json_t **out)
{
    json_t *vocab = NULL, *merges = NULL;
    bool tab = c->class->preparation == ENC_PREPARE_GEMMA;
    int rc = bpe_vocab(c, piece, count, &vocab);
    if (rc == ENC_OK)
        rc = enc_piece_merges(file, piece, count, tab, c->files->pieces_name, &merges, c->err);
    if (rc != ENC_OK) {
        json_decref(vocab);
        return rc;
    }
    *out = json_pack("{s:s, s:n, s:s%, s:b, s:b, s:b, s:o, s:o}", "type", "BPE", "dropout",
                     "unk_token", file->unknown.data, file->unknown.size, "fuse_unk", 1,
                     "byte_fallback", c->class->byte_fallback, "ignore_merges", 0, "vocab",
                     vocab, "merges", merges);
    return *out ? ENC_OK : enc_nomem(c->err);
}

/* `vocab` is borrowed from the model. */
static int make_model(const enc_conversion *c, const enc_sentencepiece *file, json_t **out)
{
    size_t room = file->count + 6 + json_array_size(c->texts);
    enc_piece *piece = ENC_ALLOC(enc_piece, room);
    if (!piece)
        return enc_nomem(c->err);
    size_t count = lay_out(c, file, piece);
    int rc = ENC_OK;
    if (c->class->preparation == ENC_PREPARE_GEMMA)
        find_tab(piece, count);
    if (file->model == ENC_PIECES_BPE) {
        rc = bpe_model(c, file, piece, count, out);
    } else if (file->model == ENC_PIECES_UNIGRAM) {
        *out = json_pack("{s:s, s:i, s:b, s:o}", "type", "Unigram", "unk_id",
                         unknown_id(c, file), "byte_fallback", c->class->byte_fallback, "vocab",
                         unigram_vocab(piece, count));
        rc = *out ? ENC_OK : enc_nomem(c->err);
    } else {
        rc = enc_fail(c->err, ENC_UNSUPPORTED, "%s: model_type %d is not supported (1 for "
                      "unigram, 2 for BPE)", c->files->pieces_name, file->model);
    }
    enc_free(piece);
    return rc;
}

/* ---- Added tokens -------------------------------------------------------------------- */

/* Control pieces and those the user defined are cut out of the text first. */
static int add_pieces(enc_conversion *c, const enc_sentencepiece *file)
{
    int rc = ENC_OK;
    for (size_t i = 0; i < file->count && rc == ENC_OK; i++) {
        const enc_piece *piece = &file->piece[i];
        if (piece->type != ENC_PIECE_CONTROL && piece->type != ENC_PIECE_USER)
            continue;
        json_t *text = json_stringn(piece->text.data, piece->text.size);
        const char *string = json_string_value(text);
        bool turn = c->class->preparation == ENC_PREPARE_GEMMA && string &&
                    (strcmp(string, "<start_of_turn>") == 0 ||
                     strcmp(string, "<end_of_turn>") == 0);
        enc_added_token t = {.text = string,
                             .size = string ? strlen(string) : 0,
                             .id = ENC_NO_ID,
                             .special = turn || piece->type == ENC_PIECE_CONTROL};
        rc = string && json_array_append_new(c->owned, text) == 0
                 ? enc_settings_add(&c->settings, &t) : enc_nomem(c->err);
    }
    c->settings.pieces = c->settings.count;
    return rc;
}

/* T5's <extra_id_0> ...: as many as extra_ids says, of which a list of additional special
** tokens must have all or none. */
static int add_extra_ids(enc_conversion *c)
{
    static const char begin[] = "<extra_id_";
    enum { USUAL = 100, MOST = 100000 };
    int extra = USUAL, listed = 0;
    for (size_t i = 0; i < c->settings.count; i++)
        listed += c->settings.token[i].id == ENC_ADDITIONAL &&
                  strstr(c->settings.token[i].text, begin) != NULL;
    int rc = enc_settings_int(&c->settings, "extra_ids", 0, MOST, &extra);
    if (rc == ENC_OK && listed > 0 && extra > 0 && listed != extra)
        rc = enc_fail(c->err, ENC_CORRUPT, "tokenizer_config.json: extra_ids is %d, but "
                      "additional_special_tokens has %d tokens %s...", extra, listed, begin);
    for (int i = 0; i < extra && rc == ENC_OK; i++) {
        char text[32];
        enc_added_token t = {.text = text, .special = true, .id = ENC_ADDITIONAL};
        t.size = (size_t)snprintf(text, sizeof text, "%s%d>", begin, i);
        json_t *own = json_string(text);
        t.text = json_string_value(own);
        if (!t.text || json_array_append_new(c->texts, own))
            rc = enc_nomem(c->err);
        else if (listed == 0 && !enc_settings_has(&c->settings, t.text, t.size))
            rc = enc_settings_add(&c->settings, &t);
    }
    return rc;
}

/* CamemBERT's, unless others are listed. */
static int add_unused(enc_conversion *c)
{
    static const char *const names[] = {"<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"};
    int rc = ENC_OK;
    for (size_t i = 0; i < c->settings.count; i++)
        if (c->settings.token[i].id == ENC_ADDITIONAL)
            return ENC_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names && rc == ENC_OK; i++) {
        enc_added_token t = {.text = names[i], .size = strlen(names[i]), .special = true,
                             .id = ENC_ADDITIONAL};
        if (!enc_settings_has(&c->settings, t.text, t.size))
            rc = enc_settings_add(&c->settings, &t);
    }
    return rc;
}

/* ---- Normaliser and pre-tokenizer ---------------------------------------------------- */

static json_t *replace(const char *kind, const char *pattern, const char *content)
{
    return json_pack("{s:s, s:{s:s}, s:s}", "type", "Replace", "pattern", kind, pattern,
                     "content", content);
}

static json_t *strip(bool left, bool right)
{
    return json_pack("{s:s, s:b, s:b}", "type", "Strip", "strip_left", left, "strip_right",
                     right);
}

static json_t *step(const char *type) { return json_pack("{s:s}", "type", type); }

/* Base64 of the charsmap. */
static json_t *precompiled(enc_text bytes)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = enc_alloc(bytes.size / 3 * 4 + 5);
    size_t size = 0;
    for (size_t i = 0; text && i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        const unsigned char *b = (const unsigned char *)bytes.data + i;
        uint32_t group = (uint32_t)b[0] << 16 | (left > 1 ? (uint32_t)b[1] << 8 : 0) |
                         (left > 2 ? b[2] : 0);
        for (int digit = 0; digit < 4; digit++)
            text[size++] = (size_t)digit <= left ? digits[group >> (18 - 6 * digit) & 63]
                                                 : '=';
    }
    json_t *value = text ? json_pack("{s:s, s:s%}", "type", "Precompiled",
                                     "precompiled_charsmap", text, size) : NULL;
    enc_free(text);
    return value;
}

/* What tokenizer_config.json says about it. */
typedef struct flags {
    bool prefix, legacy;
    bool lower, keep_accents;
    bool punctuation; /* marks are words of their own */
} flags;

static int read_flags(const enc_conversion *c, flags *f)
{
    const enc_settings *s = &c->settings;
    enum enc_preparation kind = c->class->preparation;
    enc_node node = enc_node_member(&s->config, "legacy");
    int rc = ENC_OK;
    *f = (flags){.prefix = true, .legacy = true, .lower = kind == ENC_PREPARE_ALBERT};
    if (kind == ENC_PREPARE_LLAMA || c->class->layout == ENC_LAYOUT_EXTRA) {
        rc = enc_settings_bool(s, "add_prefix_space", &f->prefix);
        if (rc == ENC_OK && !enc_node_is_null(&node))
            rc = enc_settings_bool(s, "legacy", &f->legacy);
    }
    if (kind == ENC_PREPARE_ALBERT || kind == ENC_PREPARE_DEBERTA)
        rc = enc_settings_bool(s, "do_lower_case", &f->lower);
    if (rc == ENC_OK && kind == ENC_PREPARE_ALBERT)
        rc = enc_settings_bool(s, "keep_accents", &f->keep_accents);
    if (rc == ENC_OK && kind == ENC_PREPARE_DEBERTA)
        rc = enc_settings_bool(s, "split_by_punct", &f->punctuation);
    return rc;
}

static json_t *make_normalizer(const enc_conversion *c, enc_text charsmap, const flags *f)
{
    enum enc_preparation kind = c->class->preparation;
    const char *space = kind == ENC_PREPARE_SPACES ? SPACE : " ";
    json_t *list = json_array();
    int failed = !list;
    if (kind == ENC_PREPARE_GEMMA)
        failed |= json_array_append_new(list, replace("String", " ", SPACE));
    if (kind == ENC_PREPARE_LLAMA && f->legacy) {
        if (f->prefix)
            failed |= json_array_append_new(list, json_pack("{s:s, s:s}", "type", "Prepend",
                                                            "prepend", SPACE));
        failed |= json_array_append_new(list, replace("String", " ", SPACE));
    }
    if (kind == ENC_PREPARE_ALBERT) {
        failed |= json_array_append_new(list, replace("String", "``", "\""));
        failed |= json_array_append_new(list, replace("String", "''", "\""));
        if (!f->keep_accents) {
            failed |= json_array_append_new(list, step("NFKD"));
            failed |= json_array_append_new(list, step("StripAccents"));
        }
    }
    if (f->lower)
        failed |= json_array_append_new(list, step("Lowercase"));
    if (kind == ENC_PREPARE_DEBERTA)
        failed |= json_array_append_new(list, strip(true, true));
    if (kind <= ENC_PREPARE_DEBERTA && charsmap.data)
        failed |= json_array_append_new(list, precompiled(charsmap));
    if (kind == ENC_PREPARE_SPACES)
        failed |= json_array_append_new(list, strip(false, true));
    if (kind <= ENC_PREPARE_DEBERTA)
        failed |= json_array_append_new(list, replace("Regex", " {2,}", space));
    if (failed) {
        json_decref(list);
        return NULL;
    }
    if (json_array_size(list) > 0)
        return json_pack("{s:s, s:o}", "type", "Sequence", "normalizers", list);
    json_decref(list);
    return json_null();
}

static json_t *metaspace(const char *scheme, bool split)
{
    return json_pack("{s:s, s:s, s:s, s:b}", "type", "Metaspace", "replacement", SPACE,
                     "prepend_scheme", scheme, "split", split);
}

static json_t *make_pretokenizer(const enc_conversion *c, const flags *f)
{
    const char *scheme = !f->prefix ? "never" : f->legacy ? "always" : "first";
    if (c->class->preparation == ENC_PREPARE_GEMMA)
        return json_pack("{s:s, s:{s:s}, s:s, s:b}", "type", "Split", "pattern", "String", " ",
                         "behavior", "MergedWithPrevious", "invert", 0);
    if (c->class->preparation == ENC_PREPARE_LLAMA)
        return f->legacy ? json_null() : metaspace(scheme, false);
    if (!f->punctuation)
        return metaspace(scheme, true);
    return json_pack("{s:s, s:[{s:s, s:s}, o]}", "type", "Sequence", "pretokenizers", "type",
                     "Punctuation", "behavior", "Isolated", metaspace(scheme, true));
}

/* ---- The whole ----------------------------------------------------------------------- */

static int join(const enc_conversion *c, const enc_sentencepiece *file, json_t **out)
{
    flags f;
    json_t *model = NULL, *processor = NULL;
    int rc = read_flags(c, &f);
    if (rc == ENC_OK)
        rc = make_model(c, file, &model);
    if (rc == ENC_OK)
        rc = enc_convert_template(c, json_object_get(model, "vocab"), NULL, &processor);
    if (rc != ENC_OK) {
        json_decref(model);
        return rc;
    }
    return enc_convert_join(c, model, make_normalizer(c, file->charsmap, &f),
                            make_pretokenizer(c, &f), processor, out);
}

int enc_convert_pieces(enc_conversion *c, json_t **out)
{
    enc_sentencepiece file;
    int rc = enc_sentencepiece_read(c->files->pieces, c->files->pieces_name, &file, c->err);
    if (rc != ENC_OK)
        return rc;
    rc = add_pieces(c, &file);
    if (rc == ENC_OK)
        rc = enc_settings_read_tokens(&c->settings, &c->class->roles);
    if (rc == ENC_OK && c->class->layout == ENC_LAYOUT_EXTRA)
        rc = add_extra_ids(c);
    if (rc == ENC_OK && c->class->layout == ENC_LAYOUT_CAMEMBERT)
        rc = add_unused(c);
    if (rc == ENC_OK)
        rc = join(c, &file, out);
    enc_sentencepiece_close(&file);
    return rc;
}
