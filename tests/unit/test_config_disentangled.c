/* test_config_disentangled.c - core/model/config_disentangled.c and bind_disentangled.c: settings
** of DeBERTa, and the tensors that they ask for. */
#include "checkpoint_copy.h"
#include "encoding.h"
#include "model.h"

/* What is read of "deberta_v2_apart" with another value for `key`. */
static int read_with(const char *key, const char *value, enc_config *out, enc_error *err)
{
    static const char *folder;
    const enc_family *family;
    size_t size;
    folder = folder ? folder : copy_checkpoint("deberta_v2_apart");
    char *plain = copy_read(folder, "config.json", &size);
    enc_error_clear(err);
    if (!CHECK(plain && copy_edit(folder, "config.json", key, value)))
        return ENC_CANTOPEN;
    int rc = enc_config_read(folder, "", &family, out, err);
    copy_write(folder, "config.json", plain, size);
    free(plain);
    return rc;
}

TEST("disentangled: pos_att_type is a list or a string, and each term widens the scale")
{
    static const struct { const char *value; bool c2p, p2c; double divisor; } rows[] = {
        {"[\"c2p\",\"p2c\"]", true, true, 24}, {"[\"p2c\"]", false, true, 16},
        {"\"c2p|p2c\"", true, true, 24},       {"\" P2C | c2p \"", true, true, 24},
        {"\"c2p\"", true, false, 16},          {"[]", false, false, 8},
        {"null", false, false, 8},             {NULL, false, false, 8}};
    enc_config config;
    enc_error err;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_INT(read_with("pos_att_type", rows[i].value, &config, &err), ENC_OK);
        CHECK_INT(config.content_to_position, rows[i].c2p);
        CHECK_INT(config.position_to_content, rows[i].p2c);
        CHECK_INT(config.disentangled.span, rows[i].c2p || rows[i].p2c ? 16 : 0);
        CHECK_NEAR(config.attention_scale, 1 / sqrt(rows[i].divisor), 1e-7);
    }
    CHECK_INT(read_with("relative_attention", NULL, &config, &err), ENC_OK);
    CHECK_INT(config.disentangled.span, 0); /* but the scale is as if */
    CHECK_NEAR(config.attention_scale, 1 / sqrt(24.0), 1e-7);
}

TEST("disentangled: the span is max_relative_positions, else all positions, else the buckets")
{
    static const struct { const char *key, *value; int span, buckets, reach; } rows[] = {
        {"max_relative_positions", "-1", 16, 0, 16}, {"max_relative_positions", "0", 16, 0, 16},
        {"max_relative_positions", "5", 5, 0, 5},    {"position_buckets", "8", 8, 8, 16},
        {"position_buckets", "0", 16, 0, 16},        {"position_buckets", NULL, 16, 0, 16}};
    enc_config config;
    enc_error err;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_INT(read_with(rows[i].key, rows[i].value, &config, &err), ENC_OK);
        CHECK_INT(config.disentangled.span, rows[i].span);
        CHECK_INT(config.disentangled.buckets, rows[i].buckets);
        CHECK_INT(config.disentangled.reach, rows[i].reach);
    }
}

TEST("disentangled: what is not implemented, or lies, is refused by name")
{
    static const struct { const char *key, *value; int code; const char *message; } rows[] = {
        {"pos_att_type", "[\"c2p\",\"p2p\"]", ENC_UNSUPPORTED,
         "config.json: pos_att_type 'p2p' is not implemented (c2p, p2c)"},
        {"pos_att_type", "\"c2p|none\"", ENC_UNSUPPORTED,
         "config.json: pos_att_type 'none' is not implemented (c2p, p2c)"},
        {"pos_att_type", "\"\"", ENC_UNSUPPORTED,
         "config.json: pos_att_type '' is not implemented (c2p, p2c)"},
        {"pos_att_type", "[\"c2p\",\"c2p\"]", ENC_UNSUPPORTED,
         "config.json: pos_att_type lists 'c2p' twice"},
        {"pos_att_type", "[3]", ENC_CORRUPT,
         "config.json: pos_att_type holds 3, must hold strings"},
        {"pos_att_type", "{}", ENC_CORRUPT,
         "config.json: pos_att_type is an object, must be an array or a string"},
        {"norm_rel_ebd", "\"batch_norm\"", ENC_UNSUPPORTED,
         "config.json: norm_rel_ebd 'batch_norm' is not implemented (layer_norm, none)"},
        {"position_buckets", "1", ENC_CORRUPT,
         "config.json: position_buckets is 1, must be at least 2, or less than 1 for none"},
        {"conv_kernel_size", "4", ENC_CORRUPT,
         "config.json: conv_kernel_size is 4, must be odd: others change a text's length"},
        {"conv_groups", "5", ENC_CORRUPT,
         "config.json: hidden_size 32 is not divisible by conv_groups 5"},
        {"conv_groups", "0", ENC_CORRUPT, "config.json: conv_groups is 0, must be 1 ... 32"},
        {"conv_act", "\"mish\"", ENC_UNSUPPORTED,
         "config.json: conv_act 'mish' is not implemented (gelu, gelu_new, quick_gelu, relu, "
         "silu, tanh, ...)"},
        {"max_relative_positions", "1e9", ENC_CORRUPT, NULL},
        {"share_att_key", "1", ENC_CORRUPT,
         "config.json: share_att_key is 1, must be true or false"},
        {"type_vocab_size", "-1", ENC_CORRUPT,
         "config.json: type_vocab_size is -1, must be 0 ... 1024"}};
    enc_config config;
    enc_error err;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_INT(read_with(rows[i].key, rows[i].value, &config, &err), rows[i].code);
        if (rows[i].message)
            CHECK_STR(err.message, rows[i].message);
    }
    const char *folder = copy_checkpoint("deberta_absolute");
    copy_edit(folder, "config.json", "talking_head", "true");
    CHECK_STR(copy_load_error(folder, NULL),
              "config.json: talking_head is true, which is not implemented");
}

TEST("disentangled: a setting whose tensors are not there is told by their name or shape")
{
    static const struct { const char *name, *key, *value, *message; } rows[] = {
        {"deberta_v2_apart", "norm_rel_ebd", "\"layer_norm\"",
         "model.safetensors: tensor 'encoder.LayerNorm.weight' is missing"},
        {"deberta_v2_apart", "max_relative_positions", "8",
         "model.safetensors: tensor 'encoder.rel_embeddings.weight' has shape [32, 32], "
         "config.json says [16, 32]"},
        {"deberta_v2_apart", "conv_groups", "4",
         "model.safetensors: tensor 'encoder.conv.conv.weight' has shape [32, 16, 5], "
         "config.json says [32, 8, 5]"},
        {"deberta_v2_apart", "type_vocab_size", "2",
         "model.safetensors: tensor 'embeddings.token_type_embeddings.weight' is missing"},
        {"deberta_absolute", "pos_att_type", "[\"c2p\",\"p2c\"]",
         "model.safetensors: tensor 'encoder.layer.0.attention.self.pos_proj.weight' is "
         "missing (config.json says 2 layers)"},
        {"deberta_absolute", "embedding_size", "null",
         "model.safetensors: tensor 'embeddings.word_embeddings.weight' has shape [588, 20], "
         "config.json says [588, 32]"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *folder = copy_checkpoint(rows[i].name);
        REQUIRE(folder && copy_edit(folder, "config.json", rows[i].key, rows[i].value));
        CHECK_STR(copy_load_error(folder, NULL), rows[i].message);
    }
}

/* Token vectors of one text, [rows, 32]. */
static enc_trace *states(encoder *e, const char *text)
{
    static const bool last[3] = {false, false, true};
    enc_trace_request request = {NULL, ENC_TRUNCATE_DEFAULT, last, NULL, false};
    enc_trace *trace = NULL;
    enc_trace_run(e->session, e->model, text_of(text), &request, &trace, &e->err);
    CHECK_STR(take_message(e), "");
    return trace;
}

TEST("disentangled: without a table of positions max_seq_length and texts may exceed them")
{
    encoder e;
    const char *folder = copy_checkpoint("deberta_v2_apart");
    static const char modules[] =
        "[{\"type\": \"sentence_transformers.models.Transformer\", \"path\": \"\"},"
        " {\"type\": \"sentence_transformers.models.Pooling\", \"path\": \"1_Pooling\"}]";
    static const char length[] = "{\"max_seq_length\": 200}", pooling[] = "{}";
    REQUIRE(folder && copy_make_folder(folder, "1_Pooling") &&
            copy_write(folder, "modules.json", modules, sizeof modules - 1) &&
            copy_write(folder, "1_Pooling/config.json", pooling, 2) &&
            copy_write(folder, "sentence_bert_config.json", length, sizeof length - 1));
    REQUIRE(encoder_open(&e, folder));
    CHECK_INT(enc_model_describe(e.model)->max_tokens, 200);
    char text[800] = "";
    for (int i = 0; i < 150; i++)
        strcat(text, "bank ");
    enc_trace *trace = states(&e, text);
    CHECK_INT(enc_trace_tokens(trace)->count, 152);
    /* Far from both ends all is alike: equal words at unlike distances from the ends only. */
    CHECK(!same_bits(enc_trace_hidden(trace, 2, 1), enc_trace_hidden(trace, 2, 75), 32));
    enc_trace_free(trace);
    encoder_close(&e);
}
