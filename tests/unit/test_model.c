/* test_model.c - core/model/model.c: a folder becomes a model, or a sentence. */
#include "unit.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "memory.h"
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

/* ---- What is known ---- */

TEST("model: the golden checkpoints are what their files say")
{
    static const struct {
        const char *name, *pooling, *activation;
        int dimensions, hidden, layers, heads, max_tokens, vocabulary;
        bool normalize;
    } rows[] = {
        {"golden/bert", "mean", "gelu", 32, 32, 2, 4, 24, 588, true},
        {"golden/bert_cased", "cls+mean", "gelu_new", 40, 48, 3, 6, 32, 672, false},
        {"golden/bert_gamma", "max", "gelu", 24, 24, 2, 3, 32, 520, false},
        {"golden/bert_v5", "cls", "gelu", 24, 24, 2, 3, 24, 588, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enc_model *model = load(test_data(rows[i].name));
        REQUIRE(model);
        const enc_model_info *info = enc_model_describe(model);
        CHECK_STR(info->family, "bert");
        CHECK_STR(info->quantize, "none");
        CHECK_STR(info->similarity, "cosine");
        CHECK_STR(info->path, test_data(rows[i].name));
        CHECK_STR(info->pooling, rows[i].pooling);
        CHECK_STR(info->activation, rows[i].activation);
        CHECK_INT(info->dimensions, rows[i].dimensions);
        CHECK_INT(info->hidden_size, rows[i].hidden);
        CHECK_INT(info->layers, rows[i].layers);
        CHECK_INT(info->heads, rows[i].heads);
        CHECK_INT(info->head_size, 8);
        CHECK_INT(info->max_tokens, rows[i].max_tokens);
        CHECK_INT(info->vocabulary, rows[i].vocabulary);
        CHECK_INT(info->normalize, rows[i].normalize);
        CHECK_INT(strlen(info->fingerprint), 32);
        CHECK(info->bytes > info->parameters * 4);
        enc_model_free(model);
    }
}

TEST("model: the real MiniLM has its known sizes")
{
    if (!test_model())
        SKIP("there is no real model");
    enc_model *model = load(test_model());
    REQUIRE(model);
    CHECK_INT(model->info.dimensions, 384);
    CHECK_INT(model->info.max_tokens, 256);
    CHECK_INT(model->info.vocabulary, 30522);
    CHECK_INT(model->info.parameters, 22565376);
    CHECK_STR(model->info.pooling, "mean");
    CHECK(model->info.normalize);
    CHECK_STR(model->info.unused_tensors,
              "[\"embeddings.position_ids\",\"pooler.dense.bias\","
              "\"pooler.dense.weight\"]");
    enc_model_free(model);
}

TEST("model: everything it took is given back")
{
    int64_t before = enc_memory_used();
    enc_model_free(load(test_data("golden/bert_cased")));
    enc_model_free(NULL);
    CHECK_INT(enc_memory_used(), before);
}

TEST("model: memory it owns is aligned for the kernels")
{
    enc_model *model = load(test_data("golden/bert"));
    REQUIRE(model);
    for (size_t i = 1; i < 200; i += 13)
        CHECK((uintptr_t)enc_model_alloc(model, i, 4) % ENC_ALIGNMENT == 0);
    CHECK(!enc_model_alloc(model, SIZE_MAX, 2));
    CHECK(!enc_model_alloc(model, SIZE_MAX, 1));
    CHECK((uintptr_t)model->weights.tokens.rows % ENC_ALIGNMENT == 0);
    CHECK((uintptr_t)model->weights.layer[0].qkv.packed % ENC_ALIGNMENT == 0);
    enc_model_free(model);
}

/* ---- The fingerprint ---- */

static void fingerprint(const char *folder, char out[33])
{
    enc_model *model = load(folder);
    snprintf(out, 33, "%s", model ? model->info.fingerprint : "");
    enc_model_free(model);
}

/* Moves half of the tensors of model.safetensors into a second file with an index. */
static bool split(const char *folder)
{
    size_t size;
    char *data = copy_read(folder, "model.safetensors", &size);
    uint64_t length = 0;
    memcpy(&length, data, 8);
    json_t *header = json_loadb(data + 8, length, 0, NULL), *entry;
    json_t *map = json_object();
    const char *key, *const names[] = {"b.safetensors", "a.safetensors"};
    bool done = header && map;
    json_object_del(header, "__metadata__");
    for (size_t part = 0; done && part < 2; part++) {
        json_t *own = json_object();
        char *bytes = malloc(size), *text;
        size_t at = 0, number = 0;
        json_object_foreach(header, key, entry) {
            if (number++ % 2 != part)
                continue;
            json_t *place = json_object_get(entry, "data_offsets");
            json_int_t from = json_integer_value(json_array_get(place, 0));
            json_int_t to = json_integer_value(json_array_get(place, 1));
            size_t bytes_here = (size_t)(to - from);
            memcpy(bytes + at, data + 8 + length + from, bytes_here);
            json_object_set_new(own, key, json_pack("{s:O,s:O,s:[I,I]}", "dtype",
                json_object_get(entry, "dtype"), "shape", json_object_get(entry, "shape"),
                "data_offsets", (json_int_t)at, (json_int_t)(at + bytes_here)));
            json_object_set_new(map, key, json_string(names[part]));
            at += bytes_here;
        }
        text = json_dumps(own, JSON_COMPACT);
        uint64_t own_length = strlen(text);
        char *file = malloc(8 + own_length + at);
        memcpy(file, &own_length, 8);
        memcpy(file + 8, text, own_length);
        memcpy(file + 8 + own_length, bytes, at);
        done = copy_write(folder, names[part], file, 8 + own_length + at);
        free(file);
        free(text);
        free(bytes);
        json_decref(own);
    }
    json_t *index = json_pack("{s:o}", "weight_map", map);
    char *text = json_dumps(index, JSON_COMPACT);
    done = done && copy_edit(folder, "model.safetensors.index.json", "", text) &&
           copy_remove(folder, "model.safetensors");
    free(text);
    json_decref(index);
    json_decref(header);
    free(data);
    return done;
}

TEST("model: shards, another path and what nothing uses leave the fingerprint alone")
{
    char plain[33], other[33];
    const char *folder = copy_checkpoint("bert");
    fingerprint(test_data("golden/bert"), plain);
    CHECK_INT(strlen(plain), 32);
    fingerprint(folder, other);
    CHECK_STR(other, plain);
    copy_poke_tensor(folder, "model.safetensors", "cls.predictions.bias", 0, "\1\2", 2);
    copy_edit(folder, "config.json", "initializer_range", "0.5");
    copy_edit(folder, "config_sentence_transformers.json", "similarity_fn_name", "\"dot\"");
    fingerprint(folder, other);
    CHECK_STR(other, plain);
    REQUIRE(split(folder));
    fingerprint(folder, other);
    CHECK_STR(other, plain);
}

TEST("model: which end of a long text counts is tokenizer_config.json's word, else tokenizer.json's")
{
    static const struct { const char *config, *json; bool keeps_end; } rows[] = {
        {NULL, NULL, false}, {NULL, "\"Left\"", true}, {NULL, "\"Right\"", false},
        {"\"right\"", "\"Left\"", false}, {"\"left\"", "\"Right\"", true}};
    const char *folder = copy_checkpoint("bert_gamma");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        copy_edit(folder, "tokenizer_config.json", "truncation_side", rows[i].config);
        copy_edit(folder, "tokenizer.json", "truncation.direction", rows[i].json);
        enc_model *model = load(folder);
        REQUIRE(model);
        CHECK_INT(model->keeps_end, rows[i].keeps_end);
        CHECK_INT(model->max_tokens, 32);
        enc_model_free(model);
    }
    copy_edit(folder, "tokenizer.json", "truncation.direction", "\"Up\"");
    CHECK_STR(copy_load_error(folder, NULL),
              "tokenizer.json: truncation.direction is 'Up', must be 'Right' or 'Left'");
}

TEST("model: whatever can change a vector changes the fingerprint")
{
    static const struct { const char *file, *path, *value; } rows[] = {
        {"config.json", "hidden_act", "\"relu\""},
        {"config.json", "num_attention_heads", "8"},
        {"config.json", "layer_norm_eps", "1e-5"},
        {"config.json", "num_hidden_layers", "1"},
        {"1_Pooling/config.json", "pooling_mode_cls_token", "true"},
        {"1_Pooling/config.json", "include_prompt", "false"},
        {"sentence_bert_config.json", "max_seq_length", "20"},
        {"sentence_bert_config.json", "do_lower_case", "true"},
        {"tokenizer_config.json", "truncation_side", "\"left\""},
        {"tokenizer_config.json", "model_input_names", "[\"input_ids\"]"},
        {"config_sentence_transformers.json", "prompts.query", "\"q\""},
        {"config_sentence_transformers.json", "default_prompt_name", "\"query\""},
        {"config_sentence_transformers.json", "truncate_dim", "16"},
        {"modules.json", "2", NULL},
        {"tokenizer.json", "truncation", "{\"max_length\":9}"}};
    enum { ROWS = sizeof rows / sizeof *rows };
    static char seen[ROWS + 2][33];
    fingerprint(test_data("golden/bert"), seen[0]);
    const char *folder = copy_checkpoint("bert");
    copy_poke_tensor(folder, "model.safetensors", "bert.encoder.layer.0.output.dense.bias",
                     3, "\x3e", 1);
    fingerprint(folder, seen[1]);
    for (size_t i = 0; i < ROWS; i++) {
        folder = copy_checkpoint("bert");
        REQUIRE(copy_edit(folder, rows[i].file, rows[i].path, rows[i].value));
        fingerprint(folder, seen[i + 2]);
    }
    for (size_t i = 0; i < ROWS + 2; i++)
        for (size_t j = 0; j < i; j++)
            CHECK(strcmp(seen[i], seen[j]) != 0);
}

TEST("model: so do the settings that families have of their own")
{
    static const struct { const char *name, *key, *value; } rows[] = {
        {"roberta", "pad_token_id", "2"},
        {"t5", "relative_attention_max_distance", "31"},
        {"t5", "dense_act_fn", "\"silu\""},
        {"gpt2", "scale_attn_weights", "false"},
        {"gpt2", "scale_attn_by_inverse_layer_idx", "true"},
        {"gpt2", "is_causal", "false"},
        {"llama", "rope_theta", "5000"},
        {"llama", "rope_scaling", "{\"type\": \"linear\", \"factor\": 2}"},
        {"llama3", "rope_scaling.low_freq_factor", "2"},
        {"mistral", "sliding_window", "11"},
        {"mistral", "sliding_window", "null"},
        {"gemma3_embed", "use_bidirectional_attention", "false"},
        {"gemma3_embed", "query_pre_attn_scalar", "5"},
        {"gemma3_embed", "rope_local_base_freq", "20000"},
        {"gemma3_embed", "layer_types.1", "\"full_attention\""},
        {"modernbert", "global_attn_every_n_layers", "2"},
        {"modernbert", "local_rope_theta", "5000"},
        {"qwen3", "rms_norm_eps", "1e-5"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char plain[33], other[33];
        const char *folder = copy_checkpoint(rows[i].name);
        fingerprint(folder, plain);
        REQUIRE(copy_edit(folder, "config.json", rows[i].key, rows[i].value));
        fingerprint(folder, other);
        CHECK(strcmp(plain, other) != 0);
        if (strcmp(plain, other) == 0)
            printf("%s %s\n", rows[i].name, rows[i].key);
    }
}

TEST("model: every kernel gives one fingerprint")
{
    /* The digest takes the tensors as they are stored, before a kernel packs them. */
    enc_model *model = load(test_data("golden/bert"));
    REQUIRE(model);
    CHECK_STR(model->info.fingerprint, "1f8c9ba57a55323c961dc66a3250bf8f");
    enc_model_free(model);
}

/* ---- Refusals ---- */

TEST("model: what is no checkpoint folder is told what one is")
{
    int code;
    const char *folder = copy_checkpoint("bert");
    char file[PATH_MAX];
    snprintf(file, sizeof file, "%s/nowhere", folder);
    enc_error err = {0};
    enc_model *model;
    char want[PATH_MAX + 200];
    snprintf(want, sizeof want, "cannot open '%s': there is no such folder or file", file);
    CHECK_INT(enc_model_load(file, NULL, &model, &err), ENC_CANTOPEN);
    CHECK_STR(err.message, want);
    CHECK(!model);
    CHECK(!enc_model_exists(file));
    enc_error_clear(&err);
    snprintf(file, sizeof file, "%s/model.safetensors", folder);
    CHECK_INT(enc_model_load(file, NULL, &model, &err), ENC_UNSUPPORTED);
    CHECK_STR(err.message, "model.safetensors is no file of word vectors (GloVe's, word2vec's "
              "or fastText's); other models are files NAME.gguf or folders with config.json, "
              "model.safetensors and tokenizer.json");
    CHECK(enc_model_exists(folder));
    copy_remove(folder, "modules.json");
    CHECK(enc_model_exists(folder));
    copy_remove(folder, "config.json");
    CHECK(!enc_model_exists(folder));
    CHECK_STR(copy_load_error(folder, &code), "'@' has no config.json; a checkpoint is a "
              "folder with config.json, model.safetensors and tokenizer.json, a GGUF file, "
              "a saved model or a file of word vectors");
    CHECK_INT(code, ENC_CANTOPEN);
}

TEST("model: a checkpoint without tokenizer, or with one larger than its table, is refused")
{
    int code;
    const char *folder = copy_checkpoint("bert");
    copy_edit(folder, "tokenizer.json", "model.vocab.the", "588");
    CHECK_STR(copy_load_error(folder, &code), "tokenizer.json: token 'the' has id 588, the "
              "table of embeddings has 588 rows");
    CHECK_INT(code, ENC_CORRUPT);
    copy_remove(folder, "tokenizer.json");
    CHECK_STR(copy_load_error(folder, &code), "");
    copy_remove(folder, "vocab.txt");
    CHECK_STR(copy_load_error(folder, &code),
              "'@' has neither tokenizer.json nor vocab.txt, vocab.json or "
              "SentencePiece's spiece.model");
    CHECK_INT(code, ENC_CANTOPEN);
}

TEST("model: an added token beyond the table is refused only where a text holds it")
{
    static const char refusal[] = "the text holds the token '<image_soft_token>' of id 668, "
                                  "the model's table of embeddings has 668 rows";
    enc_error err = {0};
    int code;
    const char *folder = copy_checkpoint("gemma3_embed");
    copy_edit(folder, "tokenizer.json", "added_tokens.10.id", "668");
    copy_edit(folder, "tokenizer.json", "added_tokens.10.content", "\"<image_soft_token>\"");
    CHECK_STR(copy_load_error(folder, &code), "");
    enc_model *model = load(folder);
    REQUIRE(model);
    enc_session *session = NULL;
    REQUIRE(enc_session_open(&session, &err) == ENC_OK);
    const enc_embed_options options = ENC_EMBED_DEFAULTS;
    enc_text plain = {"an image", 8}, image = {"an <image_soft_token>", 21};
    float *out = malloc((size_t)enc_model_describe(model)->dimensions * sizeof *out);
    bool found;
    REQUIRE(out);
    CHECK_INT(enc_embed(session, model, &plain, 1, &options, out, NULL, &err), ENC_OK);
    CHECK_INT(enc_embed(session, model, &image, 1, &options, out, NULL, &err), ENC_INVALID);
    CHECK_STR(err.message, refusal);
    CHECK_INT(enc_static_embed(session, model, image, out, &found, &err), ENC_INVALID);
    CHECK_STR(err.message, refusal);
    free(out);
    enc_session_close(session);
    enc_model_free(model);
}

TEST("model: an adapter beside the weights, or alone, is not left out in silence")
{
    static const char refusal[] = "adapter_config.json is there: adapters are not implemented; "
                                  "save the model with them merged (peft's merge_and_unload)";
    const char *folder = copy_checkpoint("bert");
    copy_write(folder, "adapter_config.json", "{}", 2);
    CHECK_STR(copy_load_error(folder, NULL), refusal);
    copy_remove(folder, "modules.json");
    copy_remove(folder, "config.json");
    CHECK_STR(copy_load_error(folder, NULL), refusal);
}

TEST("model: an option that is not there is refused with the choices")
{
    enc_error err = {0};
    enc_model *model;
    enc_model_options options = {"int7"};
    CHECK_INT(enc_model_load(test_data("golden/bert"), &options, &model, &err),
              ENC_INVALID);
    CHECK_STR(err.message, "quantize is 'int7', must be none, bf16 or int8");
    options.quantize = NULL;
    enc_error_clear(&err);
    CHECK_INT(enc_model_load(test_data("golden/bert"), &options, &model, &err), ENC_OK);
    enc_model_free(model);
}

/* ---- Out of memory ---- */

static long countdown; /* allocations that still succeed */

static void *take_some(size_t bytes) { return countdown-- > 0 ? malloc(bytes) : NULL; }
static void *take_all(size_t bytes) { return malloc(bytes); }

/* jansson does not notice when the buffer of the token it reads can't grow; the buffer's
** sizes are 16, 32, 64 ..., and these are granted. */
static void *take_for_json(size_t bytes)
{
    bool buffer = bytes >= 16 && (bytes & (bytes - 1)) == 0;
    return buffer ? malloc(bytes) : take_some(bytes);
}

static void give(void *block) { free(block); }

/* Loads with the n-th allocation, and all after it, failing; true once it succeeds. */
static bool load_short_of_memory(const char *folder, long n)
{
    static const enc_allocator some = {take_some, give}, all = {take_all, give};
    enc_error err = {0};
    enc_model *model = NULL;
    countdown = n;
    json_set_alloc_funcs(take_for_json, give);
    enc_set_allocator(&some);
    int rc = enc_model_load(folder, NULL, &model, &err);
    enc_set_allocator(&all);
    json_set_alloc_funcs(malloc, free);
    if (rc != ENC_OK) {
        CHECK_INT(rc, ENC_NOMEM);
        CHECK_STR(err.message, "out of memory");
        CHECK(!model);
    }
    enc_model_free(model);
    return rc == ENC_OK;
}

TEST("model: out of memory at any place is that error, and nothing stays behind")
{
    const char *folder = copy_checkpoint("bert_cased");
    int64_t before = enc_memory_used();
    long n = 0, step = 1;
    while (!load_short_of_memory(folder, n) && n < 100000) {
        if (enc_memory_used() != before) {
            CHECK_INT(n, -1);
            break;
        }
        n += step;
        step = n > 300 ? 1 + n / 100 : 1; /* the tokenizer's many entries are alike */
    }
    CHECK(n > 100 && n < 100000);
    CHECK_INT(enc_memory_used(), before);
}
