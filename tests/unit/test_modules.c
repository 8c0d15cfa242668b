/* test_modules.c - core/model/modules.c: which modules, which pooling, which steps after it. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "checkpoint_copy.h"

static enc_model *load(const char *folder)
{
    enc_error err = {0};
    enc_model *model = NULL;
    CHECK_INT(enc_model_load(folder, NULL, &model, &err), ENC_OK);
    CHECK_STR(err.message, "");
    return model;
}

TEST("modules: the old booleans and the new names of pooling are both obeyed")
{
    static const struct {
        const char *config;
        unsigned pooling;
        const char *name;
    } rows[] = {
        {"{\"pooling_mode_cls_token\":true}", ENC_POOL_CLS, "cls"},
        {"{\"pooling_mode_max_tokens\":true}", ENC_POOL_MAX, "max"},
        {"{\"pooling_mode_mean_tokens\":true}", ENC_POOL_MEAN, "mean"},
        {"{\"pooling_mode_mean_sqrt_len_tokens\":true}", ENC_POOL_MEAN_SQRT_LEN,
         "mean_sqrt_len"},
        {"{\"pooling_mode_weightedmean_tokens\":true}", ENC_POOL_WEIGHTEDMEAN,
         "weightedmean"},
        {"{\"pooling_mode_lasttoken\":true}", ENC_POOL_LASTTOKEN, "lasttoken"},
        {"{\"pooling_mode_mean_tokens\":true,\"pooling_mode_cls_token\":true}",
         ENC_POOL_CLS | ENC_POOL_MEAN, "cls+mean"},
        {"{}", ENC_POOL_MEAN, "mean"},
        {"{\"pooling_mode_mean_tokens\":false}", ENC_POOL_MEAN, "mean"},
        {"{\"pooling_mode\":\"max\"}", ENC_POOL_MAX, "max"},
        {"{\"pooling_mode\":\"mean_sqrt_len_tokens\"}", ENC_POOL_MEAN_SQRT_LEN,
         "mean_sqrt_len"},
        {"{\"pooling_mode\":[\"cls\",\"lasttoken\"]}", ENC_POOL_CLS | ENC_POOL_LASTTOKEN,
         "cls+lasttoken"},
        {"{\"pooling_mode\":\"cls\",\"pooling_mode_mean_tokens\":true}", ENC_POOL_CLS,
         "cls"}};
    const char *folder = copy_checkpoint("bert");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        copy_edit(folder, "1_Pooling/config.json", "", rows[i].config);
        enc_model *model = load(folder);
        REQUIRE(model);
        CHECK_INT(model->modules.pooling, rows[i].pooling);
        CHECK_STR(model->info.pooling, rows[i].name);
        CHECK_INT(model->info.dimensions, 32 * __builtin_popcount(rows[i].pooling));
        CHECK(model->modules.include_prompt);
        enc_model_free(model);
    }
    copy_edit(folder, "1_Pooling/config.json", "", "{\"include_prompt\":false}");
    enc_model *model = load(folder);
    REQUIRE(model);
    CHECK(!model->modules.include_prompt);
    enc_model_free(model);
}

TEST("modules: a path may end in a slash, or begin with a dot")
{
    static const char *const paths[] = {"\"1_Pooling/\"", "\"./1_Pooling\"",
                                        "\".//1_Pooling/./\"", "\"1_Pooling//\""};
    const char *folder = copy_checkpoint("bert");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        copy_edit(folder, "modules.json", "0.path", i % 2 ? "\".\"" : "\"./\"");
        copy_edit(folder, "modules.json", "1.path", paths[i]);
        enc_model_free(load(folder));
    }
}

TEST("modules: without modules.json the mean is taken, unscaled, and no prompt is known")
{
    const char *folder = copy_checkpoint("bert_prompt");
    copy_remove(folder, "modules.json");
    enc_model *model = load(folder);
    REQUIRE(model);
    CHECK_STR(model->info.pooling, "mean");
    CHECK(!model->info.normalize);
    CHECK(model->modules.include_prompt);
    CHECK_STR(model->info.prompts, "{}");
    CHECK(!model->info.default_prompt);
    CHECK_INT(model->info.max_tokens, 64); /* tokenizer_config.json's, not max_seq_length */
    enc_model_free(model);
}

TEST("modules: the transformer may stand in a folder of its own")
{
    static const char *const files[] = {"config.json", "model.safetensors",
                                        "tokenizer.json", "tokenizer_config.json",
                                        "sentence_bert_config.json"};
    const char *folder = copy_checkpoint("bert");
    char name[64];
    REQUIRE(copy_make_folder(folder, "0_Transformer"));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t size;
        char *data = copy_read(folder, files[i], &size);
        snprintf(name, sizeof name, "0_Transformer/%s", files[i]);
        CHECK(data && copy_write(folder, name, data, size));
        CHECK(copy_remove(folder, files[i]));
        free(data);
    }
    copy_edit(folder, "modules.json", "0.path", "\"0_Transformer\"");
    enc_model *model = load(folder);
    REQUIRE(model);
    CHECK_INT(model->info.max_tokens, 24);
    enc_model_free(model);
    copy_edit(folder, "0_Transformer/config.json", "hidden_size", "-1");
    CHECK_STR(copy_load_error(folder, NULL),
              "0_Transformer/config.json: hidden_size is -1, must be 1 ... 65536");
}

TEST("modules: Dense, LayerNorm, Dropout and Normalize come in the order of modules.json")
{
    const char *folder = copy_checkpoint("bert_pooling");
    size_t size;
    char *list = copy_read(folder, "modules.json", &size);
    REQUIRE(list);
    char *end = strrchr(list, ']');
    char longer[2000];
    snprintf(longer, sizeof longer,
             "%.*s,{\"path\":\"\",\"type\":\"sentence_transformers.models.Dropout\"},"
             "{\"path\":\"5\",\"type\":\"sentence_transformers.models.Normalize\"}]",
             (int)(end - list), list);
    free(list);
    copy_edit(folder, "modules.json", "", longer);
    enc_model *model = load(folder);
    REQUIRE(model);
    const enc_modules *modules = &model->modules;
    CHECK_INT(modules->step_count, 3);
    CHECK_INT(modules->step[0].kind, ENC_STEP_DENSE);
    CHECK_INT(modules->step[0].dense.in, 6 * 32);
    CHECK_INT(modules->step[0].dense.out, 48);
    CHECK_INT(modules->step[1].kind, ENC_STEP_LAYER_NORM);
    CHECK_INT(modules->step[1].norm.width, 48);
    CHECK_NEAR(modules->step[1].norm.eps, 1e-5, 1e-11);
    CHECK_INT(modules->step[2].kind, ENC_STEP_NORMALIZE);
    CHECK(model->info.normalize);
    CHECK_INT(model->info.dimensions, 40); /* truncate_dim */
    enc_model_free(model);
}

TEST("modules: Dense computes what its own weights say, with the activation named there")
{
    static const struct { const char *name; int activation; } rows[] = {
        {"\"torch.nn.modules.linear.Identity\"", ENC_ACT_NONE},
        {"\"torch.nn.modules.activation.Tanh\"", ENC_ACT_TANH},
        {"null", ENC_ACT_TANH},
        {"\"torch.nn.modules.activation.ReLU\"", ENC_ACT_RELU},
        {"\"torch.nn.modules.activation.GELU\"", ENC_ACT_GELU},
        {"\"torch.nn.modules.activation.Sigmoid\"", ENC_ACT_SIGMOID},
        {"\"torch.nn.SiLU\"", ENC_ACT_SILU}};
    const char *folder = copy_checkpoint("bert_cased");
    size_t size;
    float x[96], y[40];
    for (int i = 0; i < 96; i++)
        x[i] = (float)(i % 7) - 3;
    char *file = copy_read(folder, "2_Dense/model.safetensors", &size);
    REQUIRE(file && size == 15672);
    const char *data = file + size - 4 * (40 + 40 * 96); /* bias, then weight */
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        copy_edit(folder, "2_Dense/config.json", "activation_function", rows[k].name);
        enc_model *model = load(folder);
        REQUIRE(model);
        const enc_linear *dense = &model->modules.step[0].dense;
        CHECK_INT(model->modules.step[0].activation, rows[k].activation);
        model->ops->multiply(x, 96, 1, dense->packed, 40, 96, dense->bias, y, 40);
        for (int i = 0; i < 40; i++) {
            float number;
            memcpy(&number, data + 4 * i, 4);
            double sum = number;
            for (int j = 0; j < 96; j++) {
                memcpy(&number, data + 4 * (40 + 96 * i + j), 4);
                sum += (double)number * (double)x[j];
            }
            CHECK_NEAR(y[i], sum, 1e-5);
        }
        enc_model_free(model);
    }
    free(file);
}

TEST("modules: those of sentence-transformers that are not implemented are refused by name")
{
    static const char *const names[] = {
        "models.Asym", "models.BoW", "models.CLIPModel", "models.CNN", "models.LSTM",
        "models.Router", "models.WeightedLayerPooling", "models.WordEmbeddings",
        "models.WordWeights", "sparse_encoder.models.MLMTransformer",
        "sparse_encoder.models.SparseAutoEncoder",
        "sparse_encoder.models.SparseStaticEmbedding", "sparse_encoder.models.SpladePooling", "base.modules.router.Router",
        "sentence_transformer.modules.cnn.CNN", "sentence_transformer.modules.lstm.LSTM",
        "sentence_transformer.modules.clip_model.CLIPModel",
        "sentence_transformer.modules.weighted_layer_pooling.WeightedLayerPooling"};
    const char *folder = copy_checkpoint("bert");
    for (size_t i = 0; i < 3 * (sizeof names / sizeof *names); i++) {
        char place[8], value[120], message[200];
        snprintf(place, sizeof place, "%d.type", (int)(i % 3));
        snprintf(value, sizeof value, "\"sentence_transformers.%s\"", names[i / 3]);
        snprintf(message, sizeof message, "modules.json: module %d is "
                 "'sentence_transformers.%s', which is not implemented", (int)(i % 3), names[i / 3]);
        REQUIRE(folder && copy_edit(folder, "modules.json", "",
            "[{\"type\": \"sentence_transformers.models.Transformer\", \"path\": \"\"},"
            "{\"type\": \"sentence_transformers.models.Pooling\", \"path\": \"1_Pooling\"},"
            "{\"type\": \"sentence_transformers.models.Normalize\", \"path\": \"2_N\"}]"));
        REQUIRE(copy_edit(folder, "modules.json", place, value));
        CHECK(strncmp(copy_load_error(folder, NULL), message, strlen(message)) == 0);
    }
}

TEST("modules: what is not implemented, or contradicts itself, is refused by name")
{
    static const struct {
        const char *golden, *file, *path, *value;
        int code;
        const char *message;
    } rows[] = {
        {"bert", "modules.json", "", "{}", ENC_CORRUPT,
         "modules.json holds an object, must be an array"},
        {"bert", "modules.json", "", "[]", ENC_UNSUPPORTED,
         "modules.json lists no Pooling, which makes one vector of a text's tokens"},
        {"bert", "modules.json", "",
         "[{\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"}]",
         ENC_UNSUPPORTED,
         "modules.json lists no Pooling, which makes one vector of a text's tokens"},
        {"bert", "modules.json", "",
         "[{\"path\":\"\",\"type\":\"sentence_transformers.models.StaticEmbedding\"}]",
         ENC_CORRUPT,
         "model.safetensors has neither a tensor 'embeddings' nor 'embedding.weight'"},
        {"bert", "modules.json", "", "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]", ENC_UNSUPPORTED,
         "modules.json lists 17 modules, the limit is 16"},
        {"bert", "modules.json", "0", "7", ENC_CORRUPT,
         "modules.json: module 0 is 7, must be an object"},
        {"bert", "modules.json", "0.type", NULL, ENC_CORRUPT,
         "modules.json: module 0: type is missing"},
        {"bert", "modules.json", "0.path", "3", ENC_CORRUPT,
         "modules.json: module 0: path is 3, must be a string"},
        {"bert", "modules.json", "0.path", "\"../elsewhere\"", ENC_CORRUPT,
         "modules.json: path '../elsewhere' of module 0 leads out of the folder"},
        {"bert", "modules.json", "1.path", "\"/etc\"", ENC_CORRUPT,
         "modules.json: path '/etc' of module 1 leads out of the folder"},
        {"bert", "modules.json", "1.path", "\"./../1_Pooling\"", ENC_CORRUPT,
         "modules.json: path './../1_Pooling' of module 1 leads out of the folder"},
        {"bert", "modules.json", "1.path", "\"//etc/\"", ENC_CORRUPT,
         "modules.json: path '//etc/' of module 1 leads out of the folder"},
        {"bert", "modules.json", "2.type", "\"sentence_transformers.models.LSTM\"",
         ENC_UNSUPPORTED,
         "modules.json: module 2 is 'sentence_transformers.models.LSTM', which is not "
         "implemented (Transformer, Pooling, Dense, Normalize, LayerNorm, Dropout, "
         "StaticEmbedding)"},
        {"bert", "modules.json", "0.type", "\"custom_st.Transformer\"", ENC_UNSUPPORTED,
         "modules.json: module 0 is 'custom_st.Transformer', which is not implemented "
         "(Transformer, Pooling, Dense, Normalize, LayerNorm, Dropout, "
         "StaticEmbedding)"},
        {"bert", "modules.json", "1.type",
         "\"sentence_transformers.models.WeightedLayerPooling\"", ENC_UNSUPPORTED,
         "modules.json: module 1 is 'sentence_transformers.models.WeightedLayerPooling', "
         "which is not implemented (Transformer, Pooling, Dense, Normalize, LayerNorm, "
         "Dropout, StaticEmbedding)"},
        {"bert", "modules.json", "0.type", "\"sentence_transformers.models.Pooling\"",
         ENC_UNSUPPORTED, "modules.json: module 0 is Pooling, must be Transformer"},
        {"bert", "modules.json", "1.type", "\"sentence_transformers.models.Normalize\"",
         ENC_UNSUPPORTED, "modules.json: module 1 is Normalize, must be Pooling"},
        {"bert", "modules.json", "2.type", "\"sentence_transformers.models.Pooling\"",
         ENC_UNSUPPORTED,
         "modules.json: module 2 is Pooling, must be a step after the Pooling"},
        {"bert", "1_Pooling/config.json", "word_embedding_dimension", "48", ENC_CORRUPT,
         "1_Pooling/config.json: word_embedding_dimension is 48, config.json says "
         "hidden_size 32"},
        {"bert_v5", "1_Pooling/config.json", "embedding_dimension", "0", ENC_CORRUPT,
         "1_Pooling/config.json: embedding_dimension is 0, must be 1 ... 2147483647"},
        {"bert_v5", "1_Pooling/config.json", "pooling_mode", "\"attention\"",
         ENC_UNSUPPORTED,
         "1_Pooling/config.json: pooling_mode is 'attention', must be cls, max, mean, "
         "mean_sqrt_len_tokens, weightedmean or lasttoken"},
        {"bert_v5", "1_Pooling/config.json", "pooling_mode", "[\"mean\",\"cls\"]",
         ENC_UNSUPPORTED,
         "1_Pooling/config.json: pooling_mode lists 'cls' out of order (cls, max, mean, "
         "mean_sqrt_len_tokens, weightedmean, lasttoken)"},
        {"bert_v5", "1_Pooling/config.json", "pooling_mode", "[\"cls\",\"cls\"]",
         ENC_UNSUPPORTED,
         "1_Pooling/config.json: pooling_mode lists 'cls' out of order (cls, max, mean, "
         "mean_sqrt_len_tokens, weightedmean, lasttoken)"},
        {"bert", "1_Pooling/config.json", "pooling_mode_new_idea", "true", ENC_UNSUPPORTED,
         "1_Pooling/config.json: pooling_mode_new_idea is not implemented"},
        {"bert", "1_Pooling/config.json", "pooling_mode_cls_token", "1", ENC_CORRUPT,
         "1_Pooling/config.json: pooling_mode_cls_token is 1, must be true or false"},
        {"bert_cased", "2_Dense/config.json", "in_features", "48", ENC_CORRUPT,
         "2_Dense/config.json: in_features is 48, the module before it gives 96 numbers"},
        {"bert_cased", "2_Dense/config.json", "in_features", NULL, ENC_CORRUPT,
         "2_Dense/config.json: in_features is missing"},
        {"bert_cased", "2_Dense/config.json", "out_features", "41", ENC_CORRUPT,
         "2_Dense/model.safetensors: tensor 'linear.weight' has shape [40, 96], "
         "2_Dense/config.json says [41, 96]"},
        {"bert_cased", "2_Dense/config.json", "activation_function",
         "\"torch.nn.modules.activation.Mish\"", ENC_UNSUPPORTED,
         "2_Dense/config.json: activation_function 'torch.nn.modules.activation.Mish' is "
         "not implemented (torch.nn's Identity, Tanh, ReLU, GELU, Sigmoid, SiLU)"},
        {"bert_cased", "2_Dense/config.json", "activation_function", "\"my.Tanh\"",
         ENC_UNSUPPORTED,
         "2_Dense/config.json: activation_function 'my.Tanh' is not implemented "
         "(torch.nn's Identity, Tanh, ReLU, GELU, Sigmoid, SiLU)"},
        {"bert_cased", "2_Dense/config.json", "module_input_name", "\"token_embeddings\"",
         ENC_UNSUPPORTED,
         "2_Dense/config.json: module_input_name 'token_embeddings' is not implemented "
         "(sentence_embedding)"},
        {"bert_pooling", "3_LayerNorm/config.json", "dimension", "40", ENC_CORRUPT,
         "3_LayerNorm/config.json: dimension is 40, the module before it gives 48 "
         "numbers"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int code;
        const char *folder = copy_checkpoint(rows[i].golden);
        REQUIRE(copy_edit(folder, rows[i].file, rows[i].path, rows[i].value));
        CHECK_STR(copy_load_error(folder, &code), rows[i].message);
        CHECK_INT(code, rows[i].code);
    }
}

TEST("modules: the absent files of a module are named")
{
    int code;
    const char *folder = copy_checkpoint("bert_cased");
    copy_rename_tensor(folder, "2_Dense/model.safetensors", "linear.bias", "linear.b");
    CHECK_STR(copy_load_error(folder, &code),
              "2_Dense/model.safetensors: tensor 'linear.bias' is missing");
    copy_remove(folder, "2_Dense/model.safetensors");
    CHECK_STR(copy_load_error(folder, &code), "'@/2_Dense' has none of "
              "model.safetensors, model.safetensors.index.json, pytorch_model.bin, "
              "pytorch_model.bin.index.json");
    copy_remove(folder, "2_Dense/config.json");
    CHECK_STR(copy_load_error(folder, &code),
              "cannot open '@/2_Dense/config.json': no such file");
    copy_remove(folder, "1_Pooling/config.json");
    CHECK_STR(copy_load_error(folder, &code),
              "cannot open '@/1_Pooling/config.json': no such file");
    CHECK_INT(code, ENC_CANTOPEN);
}
