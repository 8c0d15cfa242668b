/*
** test_golden_tokens.c - token ids, offsets, words and segments exactly as the reference's.
*/
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model.h"
#include "../unit/unit.h"
#include "golden.h"

/* ---- Single texts and pairs of the fixtures ------------------------------------------ */

static long long integer_at(const json_t *text, const char *key, size_t i)
{
    return json_integer_value(json_array_get(json_object_get(text, key), i));
}

/* One bound of a range: offsets[i][side]. */
static long long bound_at(const json_t *text, const char *key, size_t i, size_t side)
{
    const json_t *range = json_array_get(json_object_get(text, key), i);
    return json_integer_value(json_array_get(range, side));
}

static void check_value(const golden *g, const json_t *text, size_t i, const char *what,
                        long long got, long long want)
{
    char label[128];
    snprintf(label, sizeof label, "%s %s token %zu: %s", g->name, golden_id(text), i, what);
    unit_check_int(got, want, __FILE__, __LINE__, label);
}

/* For an added token the reference shows the piece of normalised text that matched it, in lower
** case and with the space that the token takes along: " <mask>", "[unk]"; for a piece that a
** Unigram model does not know the piece itself. */
static bool same_string(const char *got, size_t size, const json_t *want)
{
    static const char *const unknown[] = {"<unk>", "[UNK]"};
    const char *string = json_string_value(want);
    size_t length = json_string_length(want);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        if (size == strlen(unknown[i]) && memcmp(got, unknown[i], size) == 0)
            return true;
    if (size == length && memcmp(got, string, size) == 0)
        return true;
    while (length > 0 && *string == ' ')
        string++, length--;
    return size == length && strchr("<[", *got) && strncasecmp(got, string, size) == 0;
}

static void check_string(const golden *g, const json_t *text, size_t i, int32_t id)
{
    const json_t *want = json_array_get(json_object_get(text, "tokens"), i);
    size_t size = 0;
    const char *got = enc_token_string(g->model, id, &size);
    bool same = got && same_string(got, size, want);
    check_value(g, text, i, "string is the reference's", same, true);
}

static void check_tokens(golden *g, const json_t *text, const enc_token *token,
                         size_t count)
{
    size_t wanted = json_array_size(json_object_get(text, "input_ids"));
    check_value(g, text, 0, "count", (long long)count, (long long)wanted);
    for (size_t i = 0; i < count && i < wanted; i++) {
        const json_t *word = json_array_get(json_object_get(text, "word_ids"), i);
        const enc_token *t = &token[i];
        check_value(g, text, i, "id", t->id, integer_at(text, "input_ids", i));
        check_value(g, text, i, "segment", t->type, integer_at(text, "type_ids", i));
        check_value(g, text, i, "special", t->special,
                    integer_at(text, "special_tokens_mask", i));
        check_value(g, text, i, "word", t->word,
                    json_is_null(word) ? -1 : json_integer_value(word));
        check_value(g, text, i, "first character", (long long)t->char_start,
                    bound_at(text, "offsets", i, 0));
        check_value(g, text, i, "character behind it", (long long)t->char_end,
                    bound_at(text, "offsets", i, 1));
        check_value(g, text, i, "first byte", (long long)t->byte_start,
                    bound_at(text, "byte_offsets", i, 0));
        check_value(g, text, i, "byte behind it", (long long)t->byte_end,
                    bound_at(text, "byte_offsets", i, 1));
        check_string(g, text, i, t->id);
    }
    golden_count(g, GOLDEN_TEXT, 1);
    golden_count(g, GOLDEN_TOKEN, count);
}

static void check_single(golden *g, const json_t *text)
{
    enc_error err = {0};
    enc_text source = golden_text(json_object_get(text, "text"));
    long long total = json_integer_value(json_object_get(text, "n_untruncated"));
    enc_tokens *tokens = NULL;
    if (!CHECK_INT(enc_tokenize(g->session, g->model, source, NULL, ENC_TRUNCATE_END,
                                &tokens, &err), ENC_OK)) {
        printf("  %s %s: %s\n", g->name, golden_id(text), err.message);
        return;
    }
    check_tokens(g, text, tokens->token, tokens->count);
    check_value(g, text, 0, "total", (long long)tokens->total, total);
    check_value(g, text, 0, "truncated", tokens->truncated,
                json_is_true(json_object_get(text, "truncated")));
    size_t counted = 0, kept = 0;
    CHECK_INT(enc_token_count(g->session, g->model, source, &counted, &kept, &err), ENC_OK);
    check_value(g, text, 0, "enc_token_count's total", (long long)counted, total);
    check_value(g, text, 0, "enc_token_count's kept", (long long)kept,
                (long long)tokens->count);
    enc_tokens_free(tokens);
}

/* How many tokens of the pair's side the reference kept. */
static size_t kept_of_side(const json_t *text, int side)
{
    size_t kept = 0, i;
    json_t *sequence;
    json_array_foreach(json_object_get(text, "sequence_ids"), i, sequence)
        kept += json_is_integer(sequence) && json_integer_value(sequence) == side;
    return kept;
}

/* Pairs are the tokenizer's own. Nothing here cuts one to a model's length, so of a long pair
** what the reference kept of each side is compared. */
static void check_pair(golden *g, const json_t *text)
{
    const enc_tokenizer *tokenizer = g->model->tokenizer;
    enc_text side[2] = {golden_text(json_object_get(text, "text")),
                        golden_text(json_object_get(text, "pair"))};
    size_t specials = enc_tokenizer_specials(tokenizer, true), total = specials;
    enc_arena arena = {0};
    enc_pieces pieces[2] = {{0}, {0}};
    enc_error err = {0};
    for (int i = 0; i < 2; i++) {
        CHECK_INT(enc_tokenizer_pieces(tokenizer, &arena, side[i], 0, NULL, &pieces[i],
                                       &err), ENC_OK);
        total += pieces[i].count;
        if (kept_of_side(text, i) < pieces[i].count)
            pieces[i].count = kept_of_side(text, i);
    }
    check_value(g, text, 0, "total", (long long)total,
                json_integer_value(json_object_get(text, "n_untruncated")));
    size_t count = pieces[0].count + pieces[1].count + specials;
    enc_token *token = ENC_ARENA(&arena, enc_token, count);
    if (CHECK(token != NULL) &&
        CHECK_INT(enc_tokenizer_wrap(tokenizer, &pieces[0], &pieces[1], token), count))
        check_tokens(g, text, token, count);
    enc_arena_destroy(&arena);
}

static void check_all_tokens(void)
{
    const golden_case *c = unit_row();
    golden g;
    if (golden_open(&g, c)) {
        size_t i;
        json_t *text;
        json_array_foreach(g.texts, i, text) {
            if (json_is_null(json_object_get(text, "pair")))
                check_single(&g, text);
            else
                check_pair(&g, text);
        }
        golden_report(&g);
    }
    golden_close(&g);
}

GOLDEN_TESTS(GOLDEN_TOKENS, check_all_tokens,
             "tokens, offsets, words and segments are the reference's")

/* ---- Torture lines ------------------------------------------------------------------- */

static json_t *load_torture(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "golden/torture/%s.json", name);
    return json_load_file(test_data(path), JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
}

/* FNV-1a over four bytes of a number. */
static uint64_t mix(uint64_t mixed, size_t number)
{
    for (int shift = 0; shift < 32; shift += 8)
        mixed = (mixed ^ (number >> shift & 255)) * 1099511628211u;
    return mixed;
}

/* row: "COUNT DIGEST-OF-IDS DIGEST-OF-OFFSETS", as torture_rows.py writes it. */
static void check_line(const char *name, size_t line, const char *row,
                       const enc_tokens *tokens)
{
    uint64_t ids = 14695981039346656037u, offsets = ids;
    for (size_t i = 0; i < tokens->count; i++) {
        const enc_token *t = &tokens->token[i];
        ids = mix(ids, (size_t)t->id);
        offsets = mix(mix(offsets, t->char_start), t->char_end);
    }
    char got[64], label[96];
    snprintf(got, sizeof got, "%zu %016" PRIx64 " %016" PRIx64, tokens->count, ids, offsets);
    snprintf(label, sizeof label, "%s: line %zu of torture/lines.json: tokens, ids, offsets",
             name, line);
    unit_check_str(got, row, __FILE__, __LINE__, label);
    CHECK(!tokens->truncated);
}

static void check_torture(const char *name, const char *checkpoint)
{
    enc_error err = {0};
    enc_model *model = NULL;
    enc_session *session = NULL;
    json_t *lines = load_torture("lines"), *root = load_torture(name);
    const json_t *rows = json_object_get(root, "rows");
    if (CHECK(json_array_size(lines) > 300) &&
        CHECK_INT(json_array_size(rows), json_array_size(lines)) &&
        CHECK_INT(enc_model_open(checkpoint, NULL, &model, &err), ENC_OK) &&
        CHECK_INT(enc_session_open(&session, &err), ENC_OK)) {
        size_t i;
        json_t *line;
        json_array_foreach(lines, i, line) {
            enc_tokens *tokens = NULL;
            if (CHECK_INT(enc_tokenize(session, model, golden_text(line), NULL,
                                       ENC_TRUNCATE_NONE, &tokens, &err), ENC_OK))
                check_line(name, i, json_string_value(json_array_get(rows, i)), tokens);
            enc_tokens_free(tokens);
        }
    }
    enc_session_close(session);
    if (model)
        enc_model_close(model);
    json_decref(lines);
    json_decref(root);
}

static void check_torture_lines(void)
{
    const golden_case *c = unit_row();
    const char *checkpoint = golden_checkpoint(c);
    if (checkpoint)
        check_torture(c->torture ? c->torture : c->name, checkpoint);
}

GOLDEN_TESTS(GOLDEN_TORTURE, check_torture_lines,
             "the torture lines' ids and offsets are the reference's")

/* ---- Other files than tokenizer.json ------------------------------------------------- */

/* A folder with links to a checkpoint's files but tokenizer.json. */
static const char *without_json(const char *name)
{
    static const char *const files[] = {
        "config.json", "model.safetensors", "model.safetensors.index.json",
        "model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors",
        "model-00003-of-00003.safetensors", "tokenizer_config.json",
        "special_tokens_map.json", "added_tokens.json", "vocab.txt", "vocab.json",
        "merges.txt", "spiece.model", "spm.model", "sentencepiece.bpe.model",
        "tokenizer.model"};
    static char folder[1024];
    char to[1200], from[256];
    snprintf(from, sizeof from, "%s.without", name);
    snprintf(folder, sizeof folder, "%s", test_tmp(from));
    CHECK_INT(mkdir(folder, 0700), 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(from, sizeof from, "golden/%s/%s", name, files[i]);
        snprintf(to, sizeof to, "%s/%s", folder, files[i]);
        if (access(test_data(from), R_OK) == 0)
            CHECK_INT(symlink(test_data(from), to), 0);
    }
    return folder;
}

static void check_without_json(void)
{
    const golden_case *c = unit_row();
    check_torture(c->torture ? c->torture : c->name, without_json(c->name));
}

GOLDEN_TESTS(GOLDEN_OLD_FILES, check_without_json,
             "the torture lines' are, from the tokenizer's other files alone")
