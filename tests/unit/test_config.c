/* test_config.c - core/model/config.c: config.json, each key believed only inside its range. */
#include "unit.h"

#include <stdlib.h>

#include "load.h"
#include "checkpoint_copy.h"

static int read_config(const char *folder, enc_config *config, enc_error *err)
{
    const enc_family *family = NULL;
    *err = (enc_error){0};
    return enc_config_read(folder, "", &family, config, err);
}

TEST("config: the sizes of the golden checkpoints are read")
{
    enc_config config;
    enc_error err;
    CHECK_INT(read_config(test_data("golden/bert_cased"), &config, &err), ENC_OK);
    CHECK_INT(config.hidden_size, 48);
    CHECK_INT(config.layers, 3);
    CHECK_INT(config.heads, 6);
    CHECK_INT(config.head_size, 8);
    CHECK_INT(config.ffn_size, 80);
    CHECK_INT(config.vocabulary, 672);
    CHECK_INT(config.positions, 32);
    CHECK_INT(config.types, 2);
    CHECK_NEAR(config.norm_eps, 1e-12, 1e-19);
    CHECK_INT(config.activation, ENC_ACT_GELU_TANH);
    CHECK_STR(config.activation_name, "gelu_new");
}

TEST("config: absent keys mean what the reference takes for them")
{
    static const char *const keys[] = {"hidden_act", "layer_norm_eps", "type_vocab_size",
                                       "position_embedding_type", "is_decoder"};
    const char *folder = copy_checkpoint("bert_cased");
    enc_config config;
    enc_error err;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        copy_edit(folder, "config.json", keys[i], "null");
    CHECK_INT(read_config(folder, &config, &err), ENC_OK);
    CHECK_INT(config.activation, ENC_ACT_GELU);
    CHECK_INT(config.types, 2);
    CHECK_NEAR(config.norm_eps, 1e-12, 1e-19);
}

TEST("config: every name of an activation that transformers has is known or refused")
{
    static const struct { const char *name; int activation; } rows[] = {
        {"\"gelu\"", ENC_ACT_GELU},
        {"\"gelu_python\"", ENC_ACT_GELU},
        {"\"gelu_new\"", ENC_ACT_GELU_TANH},
        {"\"gelu_fast\"", ENC_ACT_GELU_TANH},
        {"\"gelu_pytorch_tanh\"", ENC_ACT_GELU_TANH},
        {"\"quick_gelu\"", ENC_ACT_GELU_QUICK},
        {"\"relu\"", ENC_ACT_RELU},
        {"\"silu\"", ENC_ACT_SILU},
        {"\"swish\"", ENC_ACT_SILU},
        {"\"tanh\"", ENC_ACT_TANH},
        {"\"sigmoid\"", ENC_ACT_SIGMOID},
        {"\"linear\"", ENC_ACT_NONE}};
    const char *folder = copy_checkpoint("bert");
    enc_config config;
    enc_error err;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        copy_edit(folder, "config.json", "hidden_act", rows[i].name);
        CHECK_INT(read_config(folder, &config, &err), ENC_OK);
        CHECK_INT(config.activation, rows[i].activation);
    }
    copy_edit(folder, "config.json", "hidden_act", "\"gelu_10\"");
    CHECK_INT(read_config(folder, &config, &err), ENC_UNSUPPORTED);
    CHECK_STR(err.message, "config.json: hidden_act 'gelu_10' is not implemented (gelu, "
                           "gelu_new, quick_gelu, relu, silu, tanh, ...)");
}

#define FAMILIES                                                                       \
    "albert, bert, camembert, deberta, deberta-v2, distilbert, electra, eurobert, "    \
    "gemma3_text, gpt2, jina_bert_v2, jina_embeddings_v3, llama, mistral, modernbert, mpnet, " \
    "nomic_bert, qwen2, qwen3, roberta, t5, xlm-roberta"

TEST("config: T5's activation and gate may be said apart, and then count")
{
    const char *folder = copy_checkpoint("t5_gated");
    enc_config config = {0};
    enc_error err = {0};
    REQUIRE(folder && copy_edit(folder, "config.json", "dense_act_fn", "null") &&
            copy_edit(folder, "config.json", "is_gated_act", "null"));
    CHECK_INT(read_config(folder, &config, &err), ENC_OK);
    CHECK(config.gated && config.activation == ENC_ACT_GELU_TANH);
    copy_edit(folder, "config.json", "dense_act_fn", "\"silu\"");
    CHECK_INT(read_config(folder, &config, &err), ENC_OK);
    CHECK(config.gated && config.activation == ENC_ACT_SILU);
    copy_edit(folder, "config.json", "is_gated_act", "false");
    CHECK_INT(read_config(folder, &config, &err), ENC_OK);
    CHECK(!config.gated && config.activation == ENC_ACT_SILU);
    copy_edit(folder, "config.json", "dense_act_fn", "\"mish\"");
    CHECK_INT(read_config(folder, &config, &err), ENC_UNSUPPORTED);
    CHECK_STR(err.message, "config.json: dense_act_fn 'mish' is not implemented (gelu, gelu_new, "
              "quick_gelu, relu, silu, tanh, ...)");
}

TEST("config: a key that lies is refused with what it says and what it may say")
{
    static const struct {
        const char *key, *value;
        int code;
        const char *message;
    } rows[] = {
        {"model_type", "5", ENC_CORRUPT, "config.json: model_type is 5, must be a string"},
        {"model_type", "\"umt5\"", ENC_UNSUPPORTED,
         "config.json: model_type 'umt5' is not an encoder this build runs (" FAMILIES ")"},
        {"hidden_size", NULL, ENC_CORRUPT, "config.json: hidden_size is missing"},
        {"hidden_size", "null", ENC_CORRUPT, "config.json: hidden_size is missing"},
        {"hidden_size", "0", ENC_CORRUPT,
         "config.json: hidden_size is 0, must be 1 ... 65536"},
        {"hidden_size", "1e9", ENC_CORRUPT,
         "config.json: hidden_size is 1e9, must be an integer 1 ... 65536"},
        {"hidden_size", "\"32\"", ENC_CORRUPT,
         "config.json: hidden_size is '32', must be an integer 1 ... 65536"},
        {"hidden_size", "31", ENC_CORRUPT,
         "config.json: hidden_size 31 is not divisible by num_attention_heads 4"},
        {"num_attention_heads", "7", ENC_CORRUPT,
         "config.json: hidden_size 32 is not divisible by num_attention_heads 7"},
        {"num_attention_heads", "0", ENC_CORRUPT,
         "config.json: num_attention_heads is 0, must be 1 ... 1024"},
        {"num_attention_heads", "-1", ENC_CORRUPT,
         "config.json: num_attention_heads is -1, must be 1 ... 1024"},
        {"num_hidden_layers", "0", ENC_CORRUPT,
         "config.json: num_hidden_layers is 0, must be 1 ... 1024"},
        {"num_hidden_layers", "1000000000", ENC_CORRUPT,
         "config.json: num_hidden_layers is 1000000000, must be 1 ... 1024"},
        {"intermediate_size", "1048577", ENC_CORRUPT,
         "config.json: intermediate_size is 1048577, must be 1 ... 1048576"},
        {"vocab_size", "1e19", ENC_CORRUPT,
         "config.json: vocab_size is 1e19, must be an integer 1 ... 16777216"},
        {"max_position_embeddings", "-5", ENC_CORRUPT,
         "config.json: max_position_embeddings is -5, must be 1 ... 16777216"},
        {"type_vocab_size", "0", ENC_CORRUPT,
         "config.json: type_vocab_size is 0, must be 1 ... 1024"},
        {"layer_norm_eps", "0", ENC_CORRUPT,
         "config.json: layer_norm_eps is 0, must be more than 0, at most 0.1"},
        {"layer_norm_eps", "-1e-12", ENC_CORRUPT,
         "config.json: layer_norm_eps is -1e-12, must be more than 0, at most 0.1"},
        {"layer_norm_eps", "\"1e-12\"", ENC_CORRUPT,
         "config.json: layer_norm_eps is '1e-12', must be more than 0, at most 0.1"},
        {"hidden_act", "[\"gelu\"]", ENC_CORRUPT,
         "config.json: hidden_act is an array, must be a string"},
        {"position_embedding_type", "\"relative_key\"", ENC_UNSUPPORTED,
         "config.json: position_embedding_type 'relative_key' is not implemented "
         "(absolute)"},
        {"is_decoder", "true", ENC_UNSUPPORTED,
         "config.json: is_decoder is true, which is not implemented"},
        {"is_decoder", "1", ENC_CORRUPT,
         "config.json: is_decoder is 1, must be true or false"},
        {"add_cross_attention", "true", ENC_UNSUPPORTED,
         "config.json: add_cross_attention is true, which is not implemented"},
        {"quantization_config", "{\"bits\":4}", ENC_UNSUPPORTED,
         "config.json: quantization_config is there: weights are read as floats only"},
        {"pruned_heads", "{\"0\":[1]}", ENC_UNSUPPORTED,
         "config.json: pruned_heads are not implemented"},
        {"", "[]", ENC_CORRUPT, "config.json holds an array, must be an object"},
        {"", "", ENC_CORRUPT, "config.json is empty"},
        {"", "{\"hidden_size\": 32, \"hidden_size\": 64}", ENC_CORRUPT,
         "config.json: 'hidden_size' appears twice"}};
    const char *folder = copy_checkpoint("bert");
    size_t size;
    char *plain = copy_read(folder, "config.json", &size);
    REQUIRE(plain);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enc_config config;
        enc_error err;
        REQUIRE(copy_edit(folder, "config.json", rows[i].key, rows[i].value));
        CHECK_INT(read_config(folder, &config, &err), rows[i].code);
        CHECK_STR(err.message, rows[i].message);
        copy_write(folder, "config.json", plain, size);
    }
    free(plain);
}

TEST("config: pruned_heads that prunes nothing is no reason to refuse")
{
    const char *folder = copy_checkpoint("bert");
    enc_config config;
    enc_error err;
    copy_edit(folder, "config.json", "pruned_heads", "{}");
    CHECK_INT(read_config(folder, &config, &err), ENC_OK);
}

TEST("config: a file from before model_type is BERT's, if nothing in it speaks against it")
{
    static const struct {
        const char *golden, *key, *value, *message;
    } rows[] = {
        {"bert", NULL, NULL, ""},
        {"bert", "architectures", NULL, ""},
        {"bert", "model_type", "null", ""},
        {"bert", "architectures", "[\"RobertaModel\"]", "config.json: model_type is missing"},
        {"bert", "type_vocab_size", "1", "config.json: model_type is missing"},
        {"roberta", NULL, NULL, "config.json: model_type is missing"},
        {"electra", "architectures", NULL, "config.json: model_type is missing"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *folder = copy_checkpoint(rows[i].golden);
        enc_config config;
        enc_error err = {0};
        REQUIRE(copy_edit(folder, "config.json", "model_type", NULL));
        if (rows[i].key)
            REQUIRE(copy_edit(folder, "config.json", rows[i].key, rows[i].value));
        int rc = read_config(folder, &config, &err);
        CHECK_INT(rc, rows[i].message[0] ? ENC_CORRUPT : ENC_OK);
        CHECK_STR(err.message, rows[i].message);
    }
}

TEST("config: each family's own names of settings are read, and named in refusals")
{
    const char *folder = copy_checkpoint("distilbert");
    enc_config config;
    enc_error err;
    CHECK_INT(read_config(folder, &config, &err), ENC_OK);
    CHECK_INT(config.hidden_size, 32);
    CHECK_INT(config.layers, 2);
    CHECK_INT(config.heads, 4);
    CHECK_INT(config.ffn_size, 96);
    copy_edit(folder, "config.json", "n_heads", "5");
    CHECK_INT(read_config(folder, &config, &err), ENC_CORRUPT);
    CHECK_STR(err.message, "config.json: dim 32 is not divisible by n_heads 5");
    copy_edit(folder, "config.json", "n_heads", "4");
    copy_edit(folder, "config.json", "activation", "\"mish\"");
    CHECK_INT(read_config(folder, &config, &err), ENC_UNSUPPORTED);
    CHECK_STR(err.message, "config.json: activation 'mish' is not implemented (gelu, "
                           "gelu_new, quick_gelu, relu, silu, tanh, ...)");
}

TEST("config: tables of their own width are a setting of the families that have them")
{
    enc_config config;
    enc_error err;
    CHECK_INT(read_config(test_data("golden/electra"), &config, &err), ENC_OK);
    CHECK_INT(config.embedding_size, 24);
    CHECK_INT(config.hidden_size, 32);
    CHECK_INT(read_config(test_data("golden/bert"), &config, &err), ENC_OK);
    CHECK_INT(config.embedding_size, 32);
}

TEST("config: a relative bias that reaches further than any text is refused")
{
    enc_config config;
    enc_error err = {0};
    const char *folder = copy_checkpoint("t5");
    copy_edit(folder, "config.json", "relative_attention_max_distance", "1048576");
    CHECK_INT(read_config(folder, &config, &err), ENC_CORRUPT);
    CHECK_STR(err.message, "config.json: relative_attention_max_distance is 1048576, must be "
                           "1 ... 16384");
}

TEST("config: mpnet's positions begin behind the padding, its buckets are at least 32")
{
    const char *folder = copy_checkpoint("mpnet");
    enc_config config;
    enc_error err;
    CHECK_INT(read_config(folder, &config, &err), ENC_OK);
    CHECK_INT(config.first_position, 2);
    CHECK_INT(config.relative_rows, 32);
    copy_edit(folder, "config.json", "relative_attention_num_buckets", "16");
    CHECK_INT(read_config(folder, &config, &err), ENC_CORRUPT);
    CHECK_STR(err.message, "config.json: relative_attention_num_buckets is 16, must be 32 "
                           "... 65536");
    copy_edit(folder, "config.json", "relative_attention_num_buckets", "40");
    copy_edit(folder, "config.json", "max_position_embeddings", "2");
    CHECK_INT(read_config(folder, &config, &err), ENC_CORRUPT);
    CHECK_STR(err.message, "config.json: max_position_embeddings is 2, positions begin at 2");
    copy_edit(folder, "config.json", "max_position_embeddings", "3");
    CHECK_INT(read_config(folder, &config, &err), ENC_OK);
    CHECK_INT(config.relative_rows, 40);
}

TEST("config: nomic_bert is read in both spellings, and means the same")
{
    static const char *const names[] = {"golden/nomic_bert", "golden/nomic_bert_hub"};
    for (size_t i = 0; i < 2; i++) {
        enc_config config;
        enc_error err;
        CHECK_INT(read_config(test_data(names[i]), &config, &err), ENC_OK);
        CHECK_INT(config.hidden_size, 32);
        CHECK_INT(config.head_size, 8);
        CHECK_INT(config.ffn_size, 64);
        CHECK_INT(config.positions, 64);
        CHECK_INT(config.activation, ENC_ACT_SILU);
        CHECK_NEAR(config.rope[0].base, 1000, 0);
        CHECK_NEAR(config.norm_eps, 1e-12, 1e-19);
    }
}

typedef struct refusal {
    const char *key, *value, *message;
} refusal;

static void check_refusals(const char *name, const refusal *rows, size_t count)
{
    const char *folder = copy_checkpoint(name);
    size_t size;
    char *plain = copy_read(folder, "config.json", &size);
    REQUIRE(plain);
    for (size_t i = 0; i < count; i++) {
        enc_config config;
        enc_error err;
        REQUIRE(copy_edit(folder, "config.json", rows[i].key, rows[i].value));
        CHECK(read_config(folder, &config, &err) != ENC_OK);
        CHECK_STR(err.message, rows[i].message);
        copy_write(folder, "config.json", plain, size);
    }
    free(plain);
}

TEST("config: rotary positions of another kind than the plain ones are refused by name")
{
    static const refusal rows[] = {
        {"rope_parameters", "{\"rope_theta\": 1000, \"rope_type\": \"yarn\"}",
         "config.json: factor is missing"},
        {"rope_parameters", "{\"rope_theta\": 1000, \"rope_type\": \"dynamic\"}",
         "config.json: rope_type 'dynamic' is not implemented (default, linear, llama3, "
         "yarn)"},
        {"rope_parameters", "{\"rope_theta\": 0}",
         "config.json: rope_theta is 0, must be more than 0, at most 1e12"},
        {"rope_parameters", "7", "config.json: rope_parameters is 7, must be an object"},
        {"rope_scaling", "{\"type\": \"longrope\", \"factor\": 2}",
         "config.json: rope_type 'longrope' is not implemented (default, linear, llama3, "
         "yarn)"},
        {"head_dim", "7",
         "config.json: heads have 7 numbers, rotary positions turn pairs of them"},
        {"hidden_act", "\"swiglu\"",
         "config.json: hidden_act 'swiglu' is not implemented (gelu, gelu_new, quick_gelu, "
         "relu, silu, tanh, ...)"}};
    check_refusals("nomic_bert", rows, sizeof rows / sizeof *rows);
}

TEST("config: what nomic-ai's code can do and is not implemented is refused by name")
{
    static const refusal rows[] = {
        {"prenorm", "true", "config.json: prenorm is true, which is not implemented"},
        {"causal", "true", "config.json: causal is true, which is not implemented"},
        {"qkv_proj_bias", NULL,
         "config.json: qkv_proj_bias is missing, which is not implemented"},
        {"rotary_emb_fraction", "0.5",
         "config.json: rotary_emb_fraction is 0.5, which is not implemented"},
        {"rotary_emb_fraction", NULL,
         "config.json: rotary_emb_fraction is missing, which is not implemented"},
        {"rotary_scaling_factor", "2",
         "config.json: rotary_scaling_factor is 2, which is not implemented"},
        {"moe_every_n_layers", "2",
         "config.json: moe_every_n_layers is 2, which is not implemented"},
        {"rotary_emb_interleaved", "\"no\"",
         "config.json: rotary_emb_interleaved is 'no', which is not implemented"},
        {"activation_function", "\"gelu\"",
         "config.json: activation_function 'gelu' is not implemented (swiglu, geglu, glu)"},
        {"activation_function", NULL,
         "config.json: activation_function 'gelu_new' is not implemented (swiglu, geglu, "
         "glu)"},
        {"n_inner", "null", "config.json: n_inner is missing"},
        {"n_head", "32", "config.json: heads have 1 numbers, rotary positions turn pairs of "
                         "them"}};
    check_refusals("nomic_bert_hub", rows, sizeof rows / sizeof *rows);
}
