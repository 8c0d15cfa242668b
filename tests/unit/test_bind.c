/* test_bind.c - core/model/bind.c, core/model/family.c: each tensor lands where it is read later. */
#include "unit.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "model.h"
#include "checkpoint_copy.h"

static const char weights[] = "model.safetensors";

/* The tensor's numbers for free(), NULL if it is not there. */
static float *numbers_of(const char *folder, const char *name)
{
    enc_checkpoint *checkpoint = NULL;
    if (enc_checkpoint_open(folder, "", &checkpoint, NULL) != ENC_OK)
        return NULL;
    enc_tensor *tensor = enc_checkpoint_find(checkpoint, name);
    float *numbers = tensor ? malloc(enc_tensor_elements(tensor) * sizeof *numbers) : NULL;
    if (numbers && enc_checkpoint_read(checkpoint, tensor, numbers, NULL, NULL) != ENC_OK) {
        free(numbers);
        numbers = NULL;
    }
    enc_checkpoint_close(checkpoint);
    return numbers;
}

static void check_same(const char *folder, const char *name, const float *got, size_t count)
{
    float *want = numbers_of(folder, name);
    REQUIRE(want && got);
    CHECK(memcmp(got, want, count * sizeof *got) == 0);
    free(want);
}

/* Columns first ... first + out of the layer compute x Wᵀ + b of `name`'s tensors. */
static void check_linear(const char *folder, const enc_model *model,
                         const enc_linear *linear,
                         const char *name, size_t first, size_t out)
{
    char full[128];
    float x[128], y[256];
    REQUIRE(linear->in <= 128 && linear->out <= 256);
    snprintf(full, sizeof full, "%s.weight", name);
    float *weight = numbers_of(folder, full);
    snprintf(full, sizeof full, "%s.bias", name);
    float *bias = numbers_of(folder, full);
    REQUIRE(weight && bias);
    for (size_t j = 0; j < linear->in; j++)
        x[j] = (float)(j % 5) - 2;
    model->ops->multiply(x, linear->in, 1, linear->packed, linear->out, linear->in,
                         linear->bias, y, linear->out);
    for (size_t i = 0; i < out; i++) {
        double sum = (double)bias[i];
        for (size_t j = 0; j < linear->in; j++)
            sum += (double)x[j] * (double)weight[i * linear->in + j];
        CHECK_NEAR(y[first + i], sum, 2e-5);
    }
    free(weight);
    free(bias);
}

static enc_model *load(const char *folder)
{
    enc_error err = {0};
    enc_model *model = NULL;
    CHECK_INT(enc_model_load(folder, NULL, &model, &err), ENC_OK);
    CHECK_STR(err.message, "");
    return model;
}

TEST("bind: tables, norms and linear layers are the file's; query, key, value side by side")
{
    const char *folder = test_data("golden/bert");
    char copy[4200];
    folder = strcpy(copy, folder); /* test_data's buffer is used again */
    enc_model *model = load(folder);
    REQUIRE(model);
    const enc_weights *w = &model->weights;
    const enc_layer *layer = &w->layer[1];
    check_same(folder, "bert.embeddings.word_embeddings.weight", w->tokens.rows, 588 * 32);
    check_same(folder, "bert.embeddings.position_embeddings.weight", w->positions, 64 * 32);
    check_same(folder, "bert.embeddings.token_type_embeddings.weight", w->types, 2 * 32);
    check_same(folder, "bert.embeddings.LayerNorm.weight", w->embedding_norm.weight, 32);
    check_same(folder, "bert.embeddings.LayerNorm.bias", w->embedding_norm.bias, 32);
    check_same(folder, "bert.encoder.layer.1.attention.output.LayerNorm.weight",
               layer->attention_norms.after.weight, 32);
    check_same(folder, "bert.encoder.layer.1.output.LayerNorm.bias", layer->ffn_norms.after.bias,
               32);
    CHECK_INT(layer->qkv.out, 96);
    check_linear(folder, model, &layer->qkv, "bert.encoder.layer.1.attention.self.query", 0,
                 32);
    check_linear(folder, model, &layer->qkv, "bert.encoder.layer.1.attention.self.key", 32,
                 32);
    check_linear(folder, model, &layer->qkv, "bert.encoder.layer.1.attention.self.value",
                 64, 32);
    check_linear(folder, model, &layer->attention_out,
                 "bert.encoder.layer.1.attention.output.dense", 0, 32);
    check_linear(folder, model, &layer->ffn_up, "bert.encoder.layer.1.intermediate.dense",
                 0, 64);
    check_linear(folder, model, &layer->ffn_down, "bert.encoder.layer.1.output.dense", 0,
                 32);
    enc_model_free(model);
}

TEST("bind: older spellings of norms are found, what nothing uses is listed")
{
    enc_model *model = load(test_data("golden/bert_gamma"));
    REQUIRE(model);
    char copy[4200];
    snprintf(copy, sizeof copy, "%s", test_data("golden/bert_gamma"));
    check_same(copy, "bert.encoder.layer.0.output.LayerNorm.gamma",
               model->weights.layer[0].ffn_norms.after.weight, 24);
    check_same(copy, "bert.encoder.layer.0.output.LayerNorm.beta",
               model->weights.layer[0].ffn_norms.after.bias, 24);
    CHECK_STR(model->info.unused_tensors,
              "[\"bert.embeddings.position_ids\"]");
    enc_model_free(model);
}

TEST("bind: every tensor of the encoder is needed, by the name the checkpoint uses")
{
    static const char *const names[] = {
        "bert.embeddings.position_embeddings.weight",
        "bert.embeddings.token_type_embeddings.weight",
        "bert.embeddings.LayerNorm.weight",
        "bert.embeddings.LayerNorm.bias"};
    static const char *const of_layer[] = {
        "attention.self.query.weight", "attention.self.query.bias",
        "attention.self.key.weight", "attention.self.key.bias",
        "attention.self.value.weight", "attention.self.value.bias",
        "attention.output.dense.weight", "attention.output.dense.bias",
        "attention.output.LayerNorm.weight", "attention.output.LayerNorm.bias",
        "intermediate.dense.weight", "intermediate.dense.bias", "output.dense.weight",
        "output.dense.bias", "output.LayerNorm.weight", "output.LayerNorm.bias"};
    const char *folder = copy_checkpoint("bert");
    size_t size, count = sizeof names / sizeof *names;
    size_t all = count + sizeof of_layer / sizeof *of_layer;
    char *plain = copy_read(folder, weights, &size), name[128], want[256];
    REQUIRE(plain);
    for (size_t i = 0; i < all; i++) {
        if (i < count)
            snprintf(name, sizeof name, "%s", names[i]);
        else
            snprintf(name, sizeof name, "bert.encoder.layer.1.%s", of_layer[i - count]);
        REQUIRE(copy_rename_tensor(folder, weights, name, "another name"));
        snprintf(want, sizeof want, "model.safetensors: tensor '%s' is missing%s", name,
                 i < count ? "" : " (config.json says 2 layers)");
        CHECK_STR(copy_load_error(folder, NULL), want);
        copy_write(folder, weights, plain, size);
    }
    copy_rename_tensor(folder, weights, "bert.embeddings.word_embeddings.weight", "x");
    CHECK_STR(copy_load_error(folder, NULL),
              "model.safetensors: tensor 'embeddings.word_embeddings.weight' is missing");
    copy_write(folder, weights, plain, size);
    copy_edit(folder, "config.json", "num_hidden_layers", "3");
    CHECK_STR(copy_load_error(folder, NULL),
              "model.safetensors: tensor "
              "'bert.encoder.layer.2.attention.self.query.weight' is missing (config.json "
              "says 3 layers)");
    free(plain);
}

TEST("bind: a shape that is not what config.json says is refused with both")
{
    static const struct { const char *key, *value, *message; } rows[] = {
        {"vocab_size", "600",
         "model.safetensors: tensor 'bert.embeddings.word_embeddings.weight' has shape "
         "[588, 32], config.json says [600, 32]"},
        {"hidden_size", "64",
         "model.safetensors: tensor 'bert.embeddings.word_embeddings.weight' has shape "
         "[588, 32], config.json says [588, 64]"},
        {"max_position_embeddings", "512",
         "model.safetensors: tensor 'bert.embeddings.position_embeddings.weight' has shape "
         "[64, 32], config.json says [512, 32]"},
        {"type_vocab_size", "1",
         "model.safetensors: tensor 'bert.embeddings.token_type_embeddings.weight' has "
         "shape [2, 32], config.json says [1, 32]"},
        {"intermediate_size", "128",
         "model.safetensors: tensor 'bert.encoder.layer.0.intermediate.dense.weight' has "
         "shape [64, 32], config.json says [128, 32]"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *folder = copy_checkpoint("bert");
        copy_edit(folder, "config.json", rows[i].key, rows[i].value);
        copy_edit(folder, "1_Pooling/config.json", "word_embedding_dimension", "null");
        CHECK_STR(copy_load_error(folder, NULL), rows[i].message);
    }
}

TEST("bind: one NaN in any tensor in use is refused by the tensor's name")
{
    static const char nan[] = "\0\0\xc0\x7f";
    const char *folder = copy_checkpoint("bert");
    enc_checkpoint *checkpoint = NULL;
    size_t size;
    char *plain = copy_read(folder, weights, &size), want[256];
    REQUIRE(plain && enc_checkpoint_open(folder, "", &checkpoint, NULL) == ENC_OK);
    for (size_t i = 0; i < enc_checkpoint_count(checkpoint); i++) {
        const enc_tensor *tensor = enc_checkpoint_at(checkpoint, i);
        uint64_t last = enc_tensor_elements(tensor) - 1;
        copy_poke_tensor(folder, weights, tensor->name, last * 4, nan, 4);
        snprintf(want, sizeof want, "model.safetensors: tensor '%s' is not finite at "
                                    "element %u", tensor->name, (unsigned)last);
        bool used = strncmp(tensor->name, "cls.", 4) != 0;
        CHECK_STR(copy_load_error(folder, NULL), used ? want : "");
        copy_write(folder, weights, plain, size);
    }
    enc_checkpoint_close(checkpoint);
    free(plain);
}

static bool same_linear(const enc_linear *a, const enc_linear *b)
{
    return a->packed == b->packed && a->bias == b->bias && a->in == b->in && a->out == b->out &&
           a->type == b->type;
}

TEST("bind: matrices that are stored the other way round compute the same product")
{
    char folder[4200];
    snprintf(folder, sizeof folder, "%s", test_data("golden/gpt2"));
    enc_model *model = load(folder);
    REQUIRE(model);
    const enc_linear *up = &model->weights.layer[1].ffn_up;
    float *weight = numbers_of(folder, "transformer.h.1.mlp.c_fc.weight"); /* [in, out] */
    float *bias = numbers_of(folder, "transformer.h.1.mlp.c_fc.bias"), x[32], y[128];
    REQUIRE(weight && bias);
    CHECK_INT(up->in, 32);
    CHECK_INT(up->out, 128);
    for (int j = 0; j < 32; j++)
        x[j] = (float)(j % 5) - 2;
    model->ops->multiply(x, 32, 1, up->packed, 128, 32, up->bias, y, 128);
    for (int i = 0; i < 128; i++) {
        double sum = (double)bias[i];
        for (int j = 0; j < 32; j++)
            sum += (double)x[j] * (double)weight[j * 128 + i];
        CHECK_NEAR(y[i], sum, 2e-5);
    }
    CHECK_INT(model->weights.layer[0].qkv.out, 96);
    free(weight), free(bias);
    enc_model_free(model);
}

TEST("bind: blocks of one group share their weights, and no memory is spent on the others")
{
    enc_model *model = load(test_data("golden/albert"));
    REQUIRE(model);
    const enc_layer *layer = model->weights.layer;
    CHECK_INT(model->config.layers, 3);
    for (int i = 1; i < 3; i++) {
        CHECK(same_linear(&layer[i].qkv, &layer[0].qkv));
        CHECK(same_linear(&layer[i].ffn_down, &layer[0].ffn_down));
        CHECK(layer[i].ffn_norms.after.weight == layer[0].ffn_norms.after.weight);
    }
    enc_model_free(model);
}

TEST("bind: norms stand where the family has them, and nowhere else")
{
    enum { BEFORE = 1, WITHIN = 2, AFTER = 4 };
    static const struct { const char *name; int first, attention, ffn; bool end, heads; }
    rows[] = {{"bert", AFTER, AFTER, AFTER, false, false},
              {"llama", BEFORE, BEFORE, BEFORE, true, false},
              {"qwen3", BEFORE, BEFORE, BEFORE, true, true},
              {"t5", BEFORE, BEFORE, BEFORE, true, false},
              {"modernbert", 0, BEFORE, BEFORE, true, false},
              {"gemma3_embed", BEFORE | WITHIN, BEFORE | WITHIN, BEFORE | WITHIN, true, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[64];
        snprintf(path, sizeof path, "golden/%s", rows[i].name);
        enc_model *model = load(test_data(path));
        REQUIRE(model);
        for (int block = 0; block < 2; block++) {
            const enc_layer *layer = &model->weights.layer[block];
            const enc_norms *parts[] = {&layer->attention_norms, &layer->ffn_norms};
            int want[] = {block ? rows[i].attention : rows[i].first, rows[i].ffn};
            for (int part = 0; part < 2; part++)
                CHECK_INT((parts[part]->before.weight ? BEFORE : 0) |
                              (parts[part]->within.weight ? WITHIN : 0) |
                              (parts[part]->after.weight ? AFTER : 0),
                          want[part]);
            CHECK((layer->query_norm.weight != NULL) == rows[i].heads);
            CHECK((layer->key_norm.weight != NULL) == rows[i].heads);
        }
        CHECK((model->weights.final_norm.weight != NULL) == rows[i].end);
        enc_model_free(model);
    }
}

TEST("bind: norms that are stored less 1 are read as they are meant")
{
    char folder[4200];
    snprintf(folder, sizeof folder, "%s", test_data("golden/gemma3_embed"));
    enc_model *model = load(folder);
    float *stored = numbers_of(folder, "layers.1.post_feedforward_layernorm.weight");
    REQUIRE(model && stored);
    for (int i = 0; i < 32; i++)
        CHECK(model->weights.layer[1].ffn_norms.within.weight[i] == stored[i] + 1);
    CHECK_NEAR(model->config.embedding_scale, sqrt(32), 1e-6);
    free(stored);
    enc_model_free(model);
}

TEST("bind: a token table is found under its second name where it has no other")
{
    const char *folder = copy_checkpoint("t5");
    CHECK(copy_rename_tensor(folder, weights, "shared.weight", "encoder.embed_tokens.weight"));
    CHECK_STR(copy_load_error(folder, NULL), "");
    CHECK(copy_rename_tensor(folder, weights, "encoder.embed_tokens.weight", "decoder.x"));
    CHECK_STR(copy_load_error(folder, NULL),
              "model.safetensors: tensor 'shared.weight' is missing");
}

TEST("family: each is known by its name, and by that alone")
{
    CHECK(enc_family_find("bert") != NULL);
    CHECK(!enc_family_find("BERT") && !enc_family_find("") && !enc_family_find("bert2"));
    char names[512], *rest = names;
    snprintf(names, sizeof names, "%s", enc_family_names());
    for (char *name; (name = strtok_r(rest, ", ", &rest)) != NULL;) {
        REQUIRE(enc_family_find(name));
        CHECK_STR(enc_family_find(name)->model_type, name);
    }
}
