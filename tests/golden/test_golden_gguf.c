/*
** test_golden_gguf.c - GGUF files of each architecture, quantised in several ways: token ids as
** the checkpoint's own tokenizer gives them, embeddings as transformers computes them from the
** weights as the gguf package dequantises them. make_gguf.py writes both.
**
** Each number of an embedding, which has length 1, is within 2e-6 of the reference; a
** log-probability within 2e-5 * max(1, |reference|).
*/
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../unit/unit.h"
#include "golden.h"
#include "model.h"

enum { WIDTH = 128 };

static enc_error err;

/* What a causal model expects of each token but the first, given those before it. */
static void check_guesses(golden *g, enc_text text, const json_t *want)
{
    enc_session *session = g->session;
    const enc_model *model = g->model;
    const enc_lm_request request = {NULL, ENC_TRUNCATE_END};
    const size_t vocabulary = (size_t)enc_model_describe(model)->vocabulary;
    float *row = calloc(vocabulary, sizeof *row);
    enc_lm *lm = NULL;
    CHECK_INT(enc_lm_run(session, model, text, &request, &lm, &err), ENC_OK);
    for (size_t i = 0; lm && i < json_array_size(want); i++) {
        double reference = json_number_value(json_array_get(want, i));
        size_t place = i + 1;
        int32_t id = enc_lm_tokens(lm)->token[place].id;
        CHECK_INT(enc_lm_logprobs(session, lm, &place, 1, row, &err), ENC_OK);
        golden_note(g, GOLDEN_LM, fabs(row[id] - reference) / fmax(1, fabs(reference)), 2e-5,
                    "a log-probability's error");
    }
    enc_lm_free(lm);
    free(row);
}

static void check_text(golden *g, const json_t *entry)
{
    enc_session *session = g->session;
    const enc_model *model = g->model;
    const json_t *string = json_object_get(entry, "text");
    const json_t *ids = json_object_get(entry, "input_ids");
    const json_t *want = json_object_get(entry, "embedding");
    enc_text text = {json_string_value(string), json_string_length(string)};
    enc_tokens *tokens = NULL;
    float got[WIDTH];
    int width = 0;
    CHECK_INT(enc_tokenize(session, model, text, NULL, ENC_TRUNCATE_END, &tokens, &err), ENC_OK);
    REQUIRE(tokens);
    CHECK_INT(tokens->count, json_array_size(ids));
    for (size_t i = 0; i < tokens->count && i < json_array_size(ids); i++)
        CHECK_INT(tokens->token[i].id, json_integer_value(json_array_get(ids, i)));
    golden_count(g, GOLDEN_TEXT, 1);
    golden_count(g, GOLDEN_TOKEN, tokens->count);
    enc_tokens_free(tokens);

    if (json_object_get(entry, "logprobs"))
        check_guesses(g, text, json_object_get(entry, "logprobs"));

    CHECK_INT(enc_embed_check(model, NULL, &width, &err), ENC_OK);
    CHECK_INT(width, json_array_size(want));
    REQUIRE(width <= WIDTH);
    CHECK_INT(enc_embed(session, model, &text, 1, NULL, got, NULL, &err), ENC_OK);
    double worst = 0;
    for (int i = 0; i < width; i++)
        worst = fmax(worst, fabs(got[i] - json_real_value(json_array_get(want, (size_t)i))));
    CHECK(isfinite(got[0]));
    golden_note(g, GOLDEN_EMBEDDING, worst, 2e-6, "an embedding's error");
}

static void check_file(const char *name, const char *family, const char *pooling)
{
    char path[96];
    size_t i;
    json_t *entry;
    golden g = {.name = path};
    enc_error_clear(&err);
    snprintf(path, sizeof path, "golden/gguf/%s.json", name);
    json_t *root = json_load_file(test_data(path), 0, NULL);
    REQUIRE(root);
    snprintf(path, sizeof path, "golden/gguf/%s.gguf", name);
    CHECK_INT(enc_model_load(test_data(path), NULL, &g.model, &err), ENC_OK);
    CHECK_STR(err.message, "");
    CHECK_INT(enc_session_open(&g.session, &err), ENC_OK);
    if (g.model && g.session) {
        const enc_model_info *info = enc_model_describe(g.model);
        CHECK_STR(info->family, family);
        CHECK_STR(info->pooling, pooling);
        CHECK(info->normalize);
        CHECK_STR(info->unused_tensors, "[]");
        CHECK(json_array_size(json_object_get(root, "texts")) >= 5);
        json_array_foreach(json_object_get(root, "texts"), i, entry)
            check_text(&g, entry);
        golden_report(&g);
    }
    enc_session_close(g.session);
    enc_model_free(g.model);
    json_decref(root);
}

TEST("golden gguf: bert") { check_file("bert", "bert", "mean"); }
TEST("golden gguf: nomic-bert") { check_file("nomic-bert", "nomic_bert", "mean"); }
TEST("golden gguf: jina-bert-v2, with ALiBi") { check_file("jina-bert-v2", "jina_bert_v2", "mean"); }
TEST("golden gguf: modern-bert") { check_file("modern-bert", "modernbert", "cls"); }
TEST("golden gguf: llama without a pooling type") { check_file("llama", "llama", "lasttoken"); }
TEST("golden gguf: llama with rotary factors") { check_file("llama3", "llama", "lasttoken"); }
TEST("golden gguf: qwen2") { check_file("qwen2", "qwen2", "lasttoken"); }
TEST("golden gguf: qwen3") { check_file("qwen3", "qwen3", "lasttoken"); }
TEST("golden gguf: gemma-embedding") { check_file("gemma-embedding", "gemma3_text", "mean"); }
TEST("golden gguf: t5encoder") { check_file("t5encoder", "t5", "mean"); }
