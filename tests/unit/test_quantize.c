/* test_quantize.c - core/model/quantize.c and settle.c: number types by role, SmoothQuant, and
** models of every family in bf16 and int8. */
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

/* ---- The parts ---- */

TEST("quantize: none keeps float32 everywhere; other names are not schemes")
{
    const enc_scheme *none = enc_scheme_find("none");
    REQUIRE(none);
    for (int role = 0; role < ENC_ROLES; role++)
        CHECK_INT(none->type[role], ENC_WEIGHT_F32);
    CHECK_INT(none->attention, ENC_WEIGHT_F32);
    CHECK(!enc_scheme_find("int4") && !enc_scheme_find("") && !enc_scheme_find("INT8"));
}

TEST("quantize: what stands behind the pooling is float32 in every scheme")
{
    static const char *const names[] = {"none", "bf16", "int8"};
    for (int i = 0; i < 3; i++)
        CHECK_INT(enc_scheme_find(names[i])->type[ENC_ROLE_REST], ENC_WEIGHT_F32);
}

TEST("quantize: smoothing leaves the product alone and evens out x and W")
{
    enum { OUT = 3, IN = 4 };
    float matrix[OUT * IN] = {1, 2, 0, .5f, -4, 1, 0, .25f, 2, -2, 0, .125f};
    const float before[OUT * IN] = {1, 2, 0, .5f, -4, 1, 0, .25f, 2, -2, 0, .125f};
    const float largest[IN] = {1, 200, 7, 0};
    float factor[IN];
    enc_smooth(largest, matrix, OUT, IN, factor);
    for (int i = 0; i < OUT * IN; i++)
        CHECK_NEAR((double)matrix[i] * (double)factor[i % IN], (double)before[i], 1e-6);
    /* largest |x| / s and largest |W| s are alike to five bits of s; of zeros nothing is known */
    for (int j = 0; j < 2; j++) {
        double most = 0;
        for (int i = 0; i < OUT; i++)
            most = fmax(most, fabs((double)matrix[i * IN + j]));
        CHECK_NEAR(most / ((double)largest[j] * (double)factor[j]), 1, .07);
    }
    CHECK(factor[2] == 1 && factor[3] == 1);
}

/* ---- Models ---- */

enum { WIDEST = 256 };

typedef struct vectors {
    int rc;
    int width;
    float x[3][WIDEST];
    char fingerprint[33];
    int64_t bytes;
} vectors;

static vectors embed(const char *folder, const char *quantize)
{
    static const char *const lines[] = {"the river bank was high", "A bank lends money, 3%.",
                                        "hello"};
    static vectors v;
    enc_error err = {0};
    enc_model *model = NULL;
    enc_session *session = NULL;
    const enc_model_options options = {quantize};
    memset(&v, 0, sizeof v);
    v.rc = enc_model_load(test_data(folder), &options, &model, &err);
    CHECK_STR(err.message, "");
    if (v.rc != ENC_OK)
        return v;
    const enc_model_info *info = enc_model_describe(model);
    CHECK_STR(info->quantize, quantize);
    memcpy(v.fingerprint, info->fingerprint, sizeof v.fingerprint);
    v.width = info->dimensions;
    v.bytes = info->bytes;
    enc_session_open(&session, &err);
    enc_text texts[3];
    for (int i = 0; i < 3; i++)
        texts[i] = (enc_text){lines[i], strlen(lines[i])};
    CHECK(v.width <= WIDEST);
    for (int i = 0; i < 3; i++)
        CHECK_INT(enc_embed(session, model, &texts[i], 1, NULL, v.x[i], NULL, &err), ENC_OK);
    /* together: the same bits */
    float *batch = calloc((size_t)(3 * v.width), sizeof *batch);
    CHECK_INT(enc_embed(session, model, texts, 3, NULL, batch, NULL, &err), ENC_OK);
    for (int i = 0; i < 3; i++)
        CHECK(memcmp(batch + i * v.width, v.x[i], (size_t)v.width * sizeof *batch) == 0);
    free(batch);
    enc_session_close(session);
    enc_model_free(model);
    return v;
}

static double cosine(const float *a, const float *b, int n)
{
    return enc_vector_compare(ENC_COSINE, ENC_FLOAT32, a, b, (size_t)n);
}

/* Tiny random models: their 32 numbers a row average less than those of real ones. */
static void check_family(const char *folder)
{
    vectors plain = embed(folder, "none"), bf16 = embed(folder, "bf16");
    vectors int8 = embed(folder, "int8"), again = embed(folder, "int8");
    CHECK(memcmp(int8.x, again.x, sizeof int8.x) == 0);
    CHECK_STR(int8.fingerprint, again.fingerprint);
    CHECK(strcmp(plain.fingerprint, bf16.fingerprint) != 0);
    CHECK(strcmp(plain.fingerprint, int8.fingerprint) != 0);
    CHECK(strcmp(bf16.fingerprint, int8.fingerprint) != 0);
    CHECK_INT(int8.bytes, again.bytes);
    for (int i = 0; i < 3; i++) {
        CHECK(cosine(plain.x[i], bf16.x[i], plain.width) > .9995);
        CHECK(cosine(plain.x[i], int8.x[i], plain.width) > .99);
    }
}

#define FAMILY(name)                                                                       \
    TEST("quantize: " name " embeds nearly as in float32, and the same each time")        \
    {                                                                                      \
        check_family("golden/" name);                                                      \
    }

FAMILY("bert")
FAMILY("distilbert")
FAMILY("roberta")
FAMILY("mpnet")
FAMILY("albert")
FAMILY("electra")
FAMILY("deberta")
FAMILY("deberta_v2_conv")
FAMILY("deberta_v3")
FAMILY("modernbert")
FAMILY("nomic_bert")
FAMILY("jina_embeddings_v3")
FAMILY("eurobert")
FAMILY("t5")
FAMILY("t5_gated")
FAMILY("gpt2")
FAMILY("llama")
FAMILY("mistral")
FAMILY("qwen3")
FAMILY("gemma3_embed")
FAMILY("model2vec")
FAMILY("static_embedding")

TEST("quantize: a file of word vectors keeps its table in the type asked for")
{
    static const char *const names[] = {"none", "bf16", "int8"};
    static const char *const files[] = {"glove.txt", "fasttext.bin"};
    for (int file = 0; file < 2; file++) {
        float x[3][WIDEST];
        int width = 0;
        for (int i = 0; i < 3; i++) {
            char path[64];
            enc_error err = {0};
            enc_model *model = NULL;
            enc_session *session = NULL;
            bool found = false;
            const enc_model_options options = {names[i]};
            snprintf(path, sizeof path, "golden/static/%s", files[file]);
            REQUIRE(enc_model_load(test_data(path), &options, &model, &err) == ENC_OK);
            enc_session_open(&session, &err);
            CHECK_INT(enc_static_embed(session, model, (enc_text){"the", 3}, x[i], &found, &err),
                      ENC_OK);
            CHECK(found);
            CHECK_INT(model->weights.tokens.type, i);
            width = model->config.embedding_size;
            enc_session_close(session);
            enc_model_free(model);
        }
        CHECK(cosine(x[0], x[1], width) > .9999);
        CHECK(cosine(x[0], x[2], width) > .999);
        CHECK(memcmp(x[0], x[2], (size_t)width * sizeof(float)) != 0);
    }
}

TEST("quantize: an ELMo model says that it is float32 alone")
{
    enc_error err = {0};
    enc_model *model = NULL;
    const enc_model_options options = {"int8"};
    CHECK_INT(enc_model_load(test_data("golden/elmo"), &options, &model, &err),
              ENC_UNSUPPORTED);
    CHECK_STR(err.message, "quantize is 'int8': an ELMo model is float32 alone, 'none'");
}
