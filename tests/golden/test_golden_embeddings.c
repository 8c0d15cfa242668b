/*
** test_golden_embeddings.c - embeddings as sentence-transformers' encode() gives them, with
** every prompt of the checkpoint, alone and in a batch.
**
** Each number of an embedding of length 1 is within 2e-6 of the reference; of others within
** 2e-5 * max(1, largest |reference| of that vector).
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "golden.h"

/* ---- What the reference embedded ----------------------------------------------------- */

/* What Python's str.strip takes away at an end of a text: the bytes of one such character
** there, 0 for another. */
static size_t blank_at(const char *at, size_t size)
{
    static const char *const blanks[] = {
        "\t", "\n", "\v", "\f", "\r", " ", "\x1c", "\x1d", "\x1e", "\x1f", "\xc2\x85",
        "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005",
        "\u2006", "\u2007", "\u2008", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f",
        "\u205f", "\u3000"};
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
        size_t length = strlen(blanks[i]);
        if (length <= size && memcmp(at, blanks[i], length) == 0)
            return length;
    }
    return 0;
}

static enc_text strip(enc_text text)
{
    size_t length;
    while ((length = blank_at(text.data, text.size)) > 0)
        text = (enc_text){text.data + length, text.size - length};
    for (size_t last = 1; last <= 3 && last <= text.size; last++)
        if (blank_at(text.data + text.size - last, last) == last) {
            text.size -= last;
            last = 0;
        }
    return text;
}

/* What encode() was asked, as this encoder is asked for the same. */
typedef struct question {
    enc_text text;
    const char *prompt; /* "": none */
    char *joined;       /* prompt and text; to be freed */
} question;

/* sentence-transformers up to 5.1 strips each text, with its prompt in front, before it does
** anything else; 5.6 does not, nor does this encoder: goldens of the former are those of what
** is left, which may be less than the prompt. */
static question question_of(const golden *g, const json_t *text, const char *prompt)
{
    const json_t *stack = json_object_get(g->root, "stack");
    const char *version = json_string_value(json_object_get(stack, "sentence_transformers"));
    question q = {golden_text(json_object_get(text, "text")), prompt, NULL};
    const char *front = "";
    enc_error err = {0};
    if (!version || strncmp(version, "5.1.", 4) != 0)
        return q;
    CHECK_INT(enc_model_prompt(g->model, prompt, &front, &err), ENC_OK);
    size_t size = strlen(front);
    q.joined = malloc(size + q.text.size + 1);
    memcpy(q.joined, front, size);
    memcpy(q.joined + size, q.text.data, q.text.size);
    q.text = strip((enc_text){q.joined, size + q.text.size});
    if (q.text.data == q.joined && q.text.size >= size)
        q.text = (enc_text){q.joined + size, q.text.size - size};
    else
        q.prompt = "";
    return q;
}

/* Of the keys "embedding" and "embedding_NAME" of a text's arrays, the prompt's name: NULL,
** the checkpoint's default prompt, for the first. False for other keys. */
static bool prompt_of(const char *key, const char **prompt)
{
    static const char stem[] = "embedding";
    if (strncmp(key, stem, strlen(stem)) != 0)
        return false;
    key += strlen(stem);
    *prompt = *key == '_' ? key + 1 : NULL;
    return *key == '_' || *key == '\0';
}

/* ---- One text at a time -------------------------------------------------------------- */

/* The tokens that are embedded are those the reference embedded. */
static void check_ids(const golden *g, const json_t *text, const char *prompt)
{
    char key[96];
    snprintf(key, sizeof key, "embedding_input_ids%s%s", prompt ? "_" : "",
             prompt ? prompt : "");
    const json_t *ids = json_object_get(text, key);
    if (!ids && !prompt) /* where nothing changes a text on its way */
        ids = json_object_get(text, "input_ids");
    question q = question_of(g, text, prompt);
    const char *asked = q.prompt ? q.prompt : enc_model_describe(g->model)->default_prompt;
    enc_error err = {0};
    enc_tokens *tokens = NULL;
    bool same = enc_tokenize(g->session, g->model, q.text, asked,
                             ENC_TRUNCATE_END, &tokens, &err) == ENC_OK &&
                tokens->count == json_array_size(ids);
    for (size_t i = 0; same && i < tokens->count; i++)
        same = tokens->token[i].id == json_integer_value(json_array_get(ids, i));
    char label[160];
    snprintf(label, sizeof label, "%s %s: %s right", g->name, golden_id(text), key);
    unit_check(same, __FILE__, __LINE__, label);
    enc_tokens_free(tokens);
    free(q.joined);
}

static void check_embedding(golden *g, const json_t *text, const char *key,
                            const char *prompt)
{
    golden_array reference;
    if (!golden_read(g, text, key, &reference))
        return;
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    question q = question_of(g, text, prompt);
    options.prompt = q.prompt;
    int length = 0;
    enc_error err = {0};
    float *out = calloc(reference.count, sizeof *out);
    char label[160];
    snprintf(label, sizeof label, "%s %s: %s, error", g->name, golden_id(text), key);
    if (CHECK_INT(enc_embed_check(g->model, &options, &length, &err), ENC_OK) &&
        CHECK_INT(length, reference.count) &&
        CHECK_INT(enc_embed(g->session, g->model, &q.text, 1, &options, out, NULL, &err),
                  ENC_OK)) {
        if (enc_model_describe(g->model)->normalize)
            golden_note(g, GOLDEN_EMBEDDING,
                        golden_distance(out, reference.data, reference.count), 2e-6, label);
        else
            golden_note(g, GOLDEN_EMBEDDING,
                        golden_error(out, reference.data, reference.count), g->row->hidden,
                        label);
    } else {
        printf("  %s %s\n", label, err.message);
    }
    free(out);
    free(q.joined);
    free(reference.data);
}

/* Of a text without tokens there is no embedding. */
static void check_refusal(const golden *g, const json_t *text)
{
    question q = question_of(g, text, NULL);
    enc_error err = {0};
    int length = 0;
    CHECK_INT(enc_embed_check(g->model, NULL, &length, &err), ENC_OK);
    float *out = calloc((size_t)length, sizeof *out);
    CHECK_INT(enc_embed(g->session, g->model, &q.text, 1, NULL, out, NULL, &err),
              ENC_INVALID);
    CHECK(strstr(err.message, "no tokens") != NULL);
    free(out);
    free(q.joined);
}

static void check_embeddings(void)
{
    golden g;
    if (golden_open(&g, unit_row())) {
        size_t i;
        json_t *text, *shape;
        json_array_foreach(g.texts, i, text) {
            const char *key, *prompt;
            json_object_foreach(json_object_get(text, "arrays"), key, shape) {
                if (prompt_of(key, &prompt)) {
                    check_ids(&g, text, prompt);
                    check_embedding(&g, text, key, prompt);
                }
            }
            if (json_object_get(text, "embedding_error"))
                check_refusal(&g, text);
        }
        CHECK(g.seen[GOLDEN_EMBEDDING].count > 0);
        golden_report(&g);
    }
    golden_close(&g);
}

GOLDEN_TESTS(GOLDEN_EMBEDDINGS, check_embeddings,
             "embeddings with every prompt are the reference's")

/* ---- Many at once -------------------------------------------------------------------- */

/* Whether it is one text, and not one without tokens. */
static bool is_embedded(const json_t *text)
{
    const json_t *pair = json_object_get(text, "pair");
    const json_t *ids = json_object_get(text, "input_ids");
    return (!pair || json_is_null(pair)) && (!ids || json_array_size(ids) > 0);
}

/* Embeds all texts that can be, in their order or the other way round:
** [count, length], to be freed. */
static float *embed_all(const golden *g, bool backwards, size_t *count, int *length)
{
    size_t size = json_array_size(g->texts), i;
    json_t *text;
    enc_text *source = calloc(size, sizeof *source);
    *count = 0;
    json_array_foreach(g->texts, i, text)
        if (is_embedded(text))
            source[(*count)++] = golden_text(json_object_get(text, "text"));
    for (i = 0; backwards && i < *count / 2; i++) {
        enc_text swapped = source[i];
        source[i] = source[*count - 1 - i];
        source[*count - 1 - i] = swapped;
    }
    enc_error err = {0};
    CHECK_INT(enc_embed_check(g->model, NULL, length, &err), ENC_OK);
    float *out = calloc(*count * (size_t)*length, sizeof *out);
    CHECK_INT(enc_embed(g->session, g->model, source, *count, NULL, out, NULL, &err),
              ENC_OK);
    free(source);
    return out;
}

static void check_batches(void)
{
    golden g;
    if (golden_open(&g, unit_row())) {
        size_t count, i, row = 0;
        int length;
        float *forwards = embed_all(&g, false, &count, &length);
        float *backwards = embed_all(&g, true, &count, &length);
        float *alone = calloc((size_t)length, sizeof *alone);
        size_t bytes = (size_t)length * sizeof *alone;
        json_t *text;
        json_array_foreach(g.texts, i, text) {
            if (!is_embedded(text))
                continue;
            enc_text source = golden_text(json_object_get(text, "text"));
            enc_error err = {0};
            CHECK_INT(enc_embed(g.session, g.model, &source, 1, NULL, alone, NULL, &err),
                      ENC_OK);
            const float *same = forwards + row * (size_t)length;
            const float *turned = backwards + (count - 1 - row) * (size_t)length;
            CHECK(memcmp(same, alone, bytes) == 0);
            CHECK(memcmp(turned, alone, bytes) == 0);
            row++;
        }
        free(forwards);
        free(backwards);
        free(alone);
    }
    golden_close(&g);
}

GOLDEN_TESTS(GOLDEN_EMBEDDINGS, check_batches,
             "an embedding has the same bits alone, in a batch and in the batch turned round")

static void check_similarity(void)
{
    golden g;
    golden_array similarity = {0};
    if (golden_open(&g, unit_row()) &&
        CHECK(golden_read_named(&g, "similarity", &similarity))) {
        size_t count;
        int length;
        float *v = embed_all(&g, false, &count, &length);
        size_t width = (size_t)length;
        CHECK_INT(similarity.count, count * count);
        for (size_t i = 0; i < count && similarity.count == count * count; i++)
            for (size_t j = 0; j < count; j++)
                CHECK_NEAR(enc_vector_compare(ENC_COSINE, ENC_FLOAT32, v + i * width,
                                              v + j * width, width),
                           similarity.data[i * count + j], 2e-6);
        free(v);
    }
    free(similarity.data);
    golden_close(&g);
}

GOLDEN_TESTS(GOLDEN_SIMILARITY, check_similarity,
             "the cosine of every two embeddings is the reference's")
