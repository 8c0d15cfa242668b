/*
** test_golden_gguf.c - GGUF files of each architecture, quantised in several ways: token ids as
** the checkpoint's own tokenizer gives them, embeddings as transformers computes them from the
** weights as the gguf package dequantises them. make_gguf.py writes both.
**
** Each number of an embedding, which has length 1, is within 2e-6 of the reference.
*/
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "../../core/encoder.h"
#include "../unit/unit.h"
#include "model.h"

enum { WIDTH = 128 };

static enc_error err;

static void check_text(enc_session *session, const enc_model *model, const json_t *entry)
{
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
    enc_tokens_free(tokens);

    CHECK_INT(enc_embed_check(model, NULL, &width, &err), ENC_OK);
    CHECK_INT(width, json_array_size(want));
    REQUIRE(width <= WIDTH);
    CHECK_INT(enc_embed(session, model, &text, 1, NULL, got, NULL, &err), ENC_OK);
    for (int i = 0; i < width; i++)
        CHECK_NEAR(got[i], json_real_value(json_array_get(want, (size_t)i)), 2e-6);
}

static void check_file(const char *name, const char *family, const char *pooling)
{
    char path[96];
    size_t i;
    json_t *entry;
    enc_model *model = NULL;
    enc_error_clear(&err);
    snprintf(path, sizeof path, "golden/gguf/%s.json", name);
    json_t *root = json_load_file(test_data(path), 0, NULL);
    REQUIRE(root);
    snprintf(path, sizeof path, "golden/gguf/%s.gguf", name);
    CHECK_INT(enc_model_load(test_data(path), NULL, &model, &err), ENC_OK);
    CHECK_STR(err.message, "");
    enc_session *session = NULL;
    CHECK_INT(enc_session_open(&session, &err), ENC_OK);
    if (model && session) {
        const enc_model_info *info = enc_model_describe(model);
        CHECK_STR(info->family, family);
        CHECK_STR(info->pooling, pooling);
        CHECK(info->normalize);
        CHECK_STR(info->unused_tensors, "[]");
        CHECK(json_array_size(json_object_get(root, "texts")) >= 5);
        json_array_foreach(json_object_get(root, "texts"), i, entry)
            check_text(session, model, entry);
    }
    enc_session_close(session);
    enc_model_free(model);
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
