/* test_fasttext.c - core/files/fasttext.c: fastText's own model files. */
#include "encoding.h"

#include <jansson.h>
#include <limits.h>
#include <stdint.h>

#include "checkpoint_copy.h"
#include "model.h"

/* Places in tests/golden/static/fasttext.bin. */
enum { VERSION = 4, DIM = 8, BUCKET = 40, MAXN = 48, WORDS = 68, PRUNED = 84, DICTIONARY = 92 };

/* The refusal of the golden model with an int32 in it replaced. */
static const char *refusal(size_t at, int32_t value, const char *name)
{
    static enc_error err;
    size_t size;
    char *data = copy_read(test_data("golden/static"), "fasttext.bin", &size);
    enc_model *model = NULL;
    char path[PATH_MAX];
    err = (enc_error){0};
    memcpy(data + at, &value, sizeof value);
    copy_write(test_tmp(""), name, data, size);
    snprintf(path, sizeof path, "%s/%s", test_tmp(""), name);
    enc_model_load(path, NULL, &model, &err);
    enc_model_free(model);
    free(data);
    return err.message;
}

TEST("fastText: words in its dictionary and any others have fastText's own vectors")
{
    encoder e;
    json_t *root = json_load_file(test_data("golden/static/fasttext_bin.json"), 0, NULL);
    REQUIRE(root && encoder_open(&e, test_data("golden/static/fasttext.bin")));
    const char *word;
    json_t *vector;
    int compared = 0;
    json_object_foreach(json_object_get(root, "vectors"), word, vector) {
        float out[6];
        bool found = false;
        CHECK_INT(enc_static_embed(e.session, e.model, text_of(word), out, &found, &e.err),
                  ENC_OK);
        REQUIRE(found);
        for (size_t i = 0; i < 6; i++)
            CHECK_NEAR(out[i], json_number_value(json_array_get(vector, i)), 1e-7);
        compared++;
    }
    CHECK(compared > 20);
    json_decref(root);
    encoder_close(&e);
}

TEST("fastText: an embedding is the mean of the words' vectors, sub-words included")
{
    encoder e;
    REQUIRE(encoder_open(&e, test_data("golden/static/fasttext.bin")));
    float out[6], one[6], two[6];
    bool found;
    enc_text text = text_of("the bankomat.");
    CHECK_INT(enc_embed(e.session, e.model, &text, 1, NULL, out, NULL, &e.err), ENC_OK);
    enc_static_embed(e.session, e.model, text_of("the"), one, &found, &e.err);
    enc_static_embed(e.session, e.model, text_of("bankomat"), two, &found, &e.err);
    for (int i = 0; i < 6; i++)
        CHECK_NEAR(out[i], (one[i] + two[i]) / 2, 1e-7);
    enc_static_embed(e.session, e.model, text_of(""), one, &found, &e.err);
    CHECK(found); /* its n-gram "<>" */
    const enc_model_info *info = enc_model_describe(e.model);
    CHECK_INT(info->layers, 0);
    CHECK_INT(info->dimensions, 6);
    CHECK_INT(info->parameters, (info->vocabulary + 60) * 6);
    encoder_close(&e);
}

TEST("fastText: what contradicts itself or is of another kind is refused with both numbers")
{
    CHECK_STR(refusal(VERSION, 13, "v.bin"),
              "v.bin: fastText's version is 13, 11 and 12 are read");
    CHECK_STR(refusal(DIM, 0, "v.bin"), "v.bin: dim is 0, must be 1 to 65536");
    CHECK_STR(refusal(BUCKET, -1, "v.bin"), "v.bin: bucket is -1, must be 0 or more");
    CHECK_STR(refusal(MAXN, 65, "v.bin"), "v.bin: maxn is 65, must be 0 to 64");
    CHECK_STR(refusal(DIM, 5, "v.bin"),
              "v.bin: its matrix is [75, 6], words, buckets and dim make it [75, 5]");
    CHECK_STR(refusal(BUCKET, 59, "v.bin"),
              "v.bin: its matrix is [75, 6], words, buckets and dim make it [74, 6]");
    CHECK_STR(refusal(WORDS, 13, "v.bin"),
              "v.bin: the dictionary has 13 words and 0 labels, and 15 entries in all");
    CHECK_STR(refusal(PRUNED + 4, 0, "v.ftz"),
              "v.ftz is a pruned model (4294967295 n-grams kept): only fastText's full models "
              "(.bin) are read");
    CHECK_STR(refusal(DICTIONARY, 0x41414141, "v.bin"), "");
}

TEST("fastText: a quantized model is refused for what it is")
{
    size_t size;
    char *data = copy_read(test_data("golden/static"), "fasttext.bin", &size);
    const int64_t shape[] = {75, 6};
    size_t at = DICTIONARY;
    REQUIRE(data);
    while (at + 16 < size && memcmp(data + at, shape, sizeof shape) != 0)
        at++;
    uint8_t flag = 1;
    int32_t word;
    memcpy(data + at - 1, &flag, 1);
    memcpy(&word, data + at - 4, sizeof word);
    CHECK_STR(refusal(at - 4, word, "v.ftz"), "v.ftz is a quantized model (.ftz): only "
              "fastText's full models (.bin) are read");
    free(data);
}
