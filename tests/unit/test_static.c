/* test_static.c - core/model/static.c: models of zero layers. */
#include "encoding.h"

#include <jansson.h>

#include "checkpoint_copy.h"
#include "model.h"

/* The array of a golden.safetensors in tests/golden/static. */
static float *golden_rows(const char *name, size_t *count)
{
    size_t size, from, to;
    char *data = copy_read(test_data("golden/static"), "golden.safetensors", &size);
    uint64_t length;
    if (!data)
        return NULL;
    memcpy(&length, data, 8);
    json_t *header = json_loadb(data + 8, length, 0, NULL);
    json_unpack(json_object_get(json_object_get(header, name), "data_offsets"), "[II]", &from,
                &to);
    json_decref(header);
    *count = (to - from) / sizeof(float);
    float *rows = malloc(to - from);
    if (rows)
        memcpy(rows, data + 8 + length + from, to - from);
    free(data);
    return rows;
}

TEST("static: every word of GloVe's, word2vec's and fastText's files has its row, to the bit")
{
    static const struct {
        const char *file, *array;
    } files[] = {{"glove.txt", "glove"},
                 {"fasttext.vec", "fasttext"},
                 {"word2vec.bin", "word2vec"},
                 {"word2vec_nonewline.bin", "word2vec"}};
    json_t *root = json_load_file(test_data("golden/static/golden.json"), 0, NULL);
    json_array_append_new(json_object_get(root, "words"), json_string(". . ."));
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        encoder e;
        char path[64];
        size_t count = 0;
        snprintf(path, sizeof path, "golden/static/%s", files[k].file);
        float *rows = golden_rows(files[k].array, &count);
        REQUIRE(rows && encoder_open(&e, test_data(path)));
        const enc_model_info *info = enc_model_describe(e.model);
        CHECK_STR(info->family, "static");
        CHECK_INT(info->dimensions, 12);
        CHECK_INT((size_t)info->vocabulary * 12, count);
        CHECK_INT(info->layers + info->heads + info->max_tokens, 0);
        for (size_t i = 0; i < count / 12; i++) {
            float out[12];
            bool found = false;
            const char *word =
                json_string_value(json_array_get(json_object_get(root, "words"), i));
            CHECK_INT(enc_static_embed(e.session, e.model, text_of(word), out, &found, &e.err),
                      ENC_OK);
            CHECK(found && memcmp(out, rows + 12 * i, sizeof out) == 0);
            enc_tokens *tokens;
            if (!strchr(word, ' ') &&
                enc_tokenize(e.session, e.model, text_of(word), NULL, ENC_TRUNCATE_NONE,
                             &tokens, &e.err) == ENC_OK) {
                CHECK(tokens->count == 1 && tokens->token[0].id == (int32_t)i);
                enc_tokens_free(tokens);
            }
        }
        free(rows);
        encoder_close(&e);
    }
    json_decref(root);
}

TEST("static: a text's vector is the mean of its known words' rows; without any it is refused")
{
    encoder e;
    float out[12], bank[12], river[12];
    bool found;
    REQUIRE(encoder_open(&e, test_data("golden/static/glove.txt")));
    enc_text text = text_of("RIVER zzz bank");
    CHECK_INT(enc_embed(e.session, e.model, &text, 1, NULL, out, NULL, &e.err), ENC_OK);
    enc_static_embed(e.session, e.model, text_of("bank"), bank, &found, &e.err);
    enc_static_embed(e.session, e.model, text_of("river"), river, &found, &e.err);
    for (int i = 0; i < 12; i++)
        CHECK_NEAR(out[i], (bank[i] + river[i]) / 2, 1e-5);
    text = text_of("zzz qqq!");
    CHECK_INT(enc_embed(e.session, e.model, &text, 1, NULL, out, NULL, &e.err), ENC_INVALID);
    CHECK_STR(take_message(&e), "none of the text's words has a vector, so there is nothing to "
              "embed");
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    options.nothing_is_zero = true;
    CHECK_INT(enc_embed(e.session, e.model, &text, 1, &options, out, NULL, &e.err), ENC_OK);
    for (int i = 0; i < 12; i++)
        CHECK(out[i] == 0);
    enc_static_embed(e.session, e.model, text_of("zzz"), out, &found, &e.err);
    CHECK(!found);
    CHECK_INT(enc_word_embed(e.session, e.model, text_of("the RiVeR here"), text_of("river"),
                             NULL, out, &found, &e.err), ENC_OK);
    CHECK(found && same_bits(out, river, 12));
    CHECK_INT(enc_word_embed(e.session, e.model, text_of("Bank bank"), text_of("bank"), NULL,
                             out, &found, &e.err), ENC_OK);
    CHECK(found && same_bits(out, bank, 12));
    encoder_close(&e);
}

TEST("static: hidden state 0 is all there is; there is no attention to look at")
{
    encoder e;
    REQUIRE(encoder_open(&e, test_data("golden/static/glove.txt")));
    enc_trace *trace = NULL;
    bool layers[2] = {true, true};
    enc_trace_request request = {.hidden = layers};
    CHECK_INT(enc_trace_run(e.session, e.model, text_of("the bank"), &request, &trace, &e.err),
              ENC_OK);
    CHECK_INT(enc_trace_tokens(trace)->count, 2);
    CHECK(enc_trace_hidden(trace, 0, 1) != NULL && enc_trace_hidden(trace, 1, 1) == NULL);
    enc_trace_free(trace);
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    int length;
    options.layer = 1;
    CHECK_INT(enc_embed_check(e.model, &options, &length, &e.err), ENC_INVALID);
    encoder_close(&e);
}

/* The words.json of a folder: texts with the ids and the embedding of the library. */
static void check_folder(const char *name, int max_tokens)
{
    encoder e;
    char path[80];
    snprintf(path, sizeof path, "golden/%s/words.json", name);
    json_t *root = json_load_file(test_data(path), 0, NULL), *text;
    size_t i;
    REQUIRE(root && encoder_open(&e, name));
    CHECK_INT(enc_model_describe(e.model)->max_tokens, max_tokens);
    json_array_foreach(json_object_get(root, "texts"), i, text) {
        json_t *ids = json_object_get(text, "ids"), *want = json_object_get(text, "embedding");
        const char *string = json_string_value(json_object_get(text, "text"));
        enc_text source = text_of(string);
        enc_tokens *tokens = NULL;
        float out[16] = {0};
        REQUIRE(enc_tokenize(e.session, e.model, source, NULL, ENC_TRUNCATE_END, &tokens,
                             &e.err) == ENC_OK);
        bool same = tokens->count == json_array_size(ids);
        for (size_t k = 0; same && k < tokens->count; k++)
            same = tokens->token[k].id == json_integer_value(json_array_get(ids, k));
        if (!CHECK(same))
            printf("  %s %zu: %zu tokens, not %zu\n", name, i, tokens->count,
                   json_array_size(ids));
        enc_tokens_free(tokens);
        CHECK_INT(enc_embed(e.session, e.model, &source, 1, NULL, out, NULL, &e.err), ENC_OK);
        for (size_t k = 0; k < json_array_size(want); k++)
            CHECK_NEAR(out[k], json_number_value(json_array_get(want, k)), 2e-6);
    }
    json_decref(root);
    encoder_close(&e);
}

TEST("static: model2vec's folders, with rows and weights by token, give its ids and vectors")
{
    check_folder("model2vec_mapped", 512);
}

TEST("static: sentence-transformers' StaticEmbedding and what follows it give its vectors")
{
    check_folder("static_embedding", 0);
}

TEST("static: a folder without modules.json is model2vec's by its config.json")
{
    const char *folder = copy_checkpoint("model2vec");
    encoder one, two;
    float x[24], y[24];
    enc_text text = text_of("the bank of the river");
    REQUIRE(folder && copy_remove(folder, "modules.json"));
    REQUIRE(encoder_open(&one, folder));
    REQUIRE(encoder_open(&two, "model2vec"));
    CHECK(enc_model_describe(one.model)->normalize);
    CHECK_INT(enc_embed(one.session, one.model, &text, 1, NULL, x, NULL, &one.err), ENC_OK);
    CHECK_INT(enc_embed(two.session, two.model, &text, 1, NULL, y, NULL, &two.err), ENC_OK);
    CHECK(same_bits(x, y, 24));
    encoder_close(&one);
    encoder_close(&two);
}

TEST("static: files and folders that contradict themselves are refused by name")
{
    int code;
    const char *folder = copy_checkpoint("model2vec_mapped");
    REQUIRE(copy_rename_tensor(folder, "model.safetensors", "embeddings", "embeddingz"));
    CHECK_STR(copy_load_error(folder, &code),
              "model.safetensors has neither a tensor 'embeddings' nor 'embedding.weight'");
    folder = copy_checkpoint("model2vec_mapped");
    int64_t row = 40;
    REQUIRE(copy_poke_tensor(folder, "model.safetensors", "mapping", 16, &row, sizeof row));
    CHECK_STR(copy_load_error(folder, &code),
              "model.safetensors: tensor 'mapping' has 40 at element 2, must be 0 to 39");
    folder = copy_checkpoint("model2vec_mapped");
    REQUIRE(copy_rename_tensor(folder, "model.safetensors", "mapping", "mappinj"));
    CHECK_STR(copy_load_error(folder, &code),
              "model.safetensors: tensor 'weights' has 588 numbers for 40 tokens");
    folder = copy_checkpoint("static_embedding");
    REQUIRE(copy_remove(folder, "tokenizer.json"));
    CHECK(strstr(copy_load_error(folder, &code), "tokenizer.json") != NULL);
    CHECK_INT(code, ENC_CANTOPEN);
}

TEST("static: files that begin as word vectors exist, others don't")
{
    CHECK(enc_model_exists(test_data("golden/static/glove.txt")));
    CHECK(enc_model_exists(test_data("golden/static/word2vec.bin")));
    CHECK(enc_model_exists(test_data("golden/static/fasttext.bin")));
    CHECK(enc_model_exists(test_data("golden/model2vec")));
    CHECK(!enc_model_exists(test_data("golden/static/golden.json")));
    CHECK(!enc_model_exists(test_data("golden/static")));
    CHECK(!enc_model_exists("/dev/null"));
    CHECK(!enc_model_exists(""));
}
