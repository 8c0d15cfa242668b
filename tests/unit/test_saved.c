/* test_saved.c - core/model/saved*.c: a model in a file of its own. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint_copy.h"
#include "memory.h"
#include "model.h"
#include "same_model.h"
#include "saved_file.h"
#include "saved_seal.h"

static enc_error err;

/* Saves the checkpoint to a fresh file. */
static bool save(const char *checkpoint, const char *quantize, const char *path)
{
    const enc_model_options options = {quantize};
    enc_model *model = NULL;
    enc_session *session = NULL;
    enc_error_clear(&err);
    int rc = enc_model_load(checkpoint, &options, &model, &err);
    if (rc == ENC_OK)
        rc = enc_session_open(&session, &err);
    if (rc == ENC_OK)
        rc = enc_model_save(session, model, path, NULL, &err);
    enc_session_close(session);
    enc_model_free(model);
    return rc == ENC_OK;
}

static const enc_text texts[] = {{"The bank of the river.", 22},
                                 {"We'd 1,000 caf\xc3\xa9s", 17},
                                 {"", 0},
                                 {"\xe6\x97\xa5\xe6\x9c\xac  unaffable\n", 18}};

static void check_same(const char *checkpoint)
{
    char path[512];
    enc_model *own = NULL, *saved = NULL;
    snprintf(path, sizeof path, "%s", test_tmp("same.contextual"));
    REQUIRE(CHECK(save(checkpoint, "none", path)));
    CHECK_INT(enc_model_load(checkpoint, NULL, &own, &err), ENC_OK);
    CHECK_INT(enc_model_load(path, NULL, &saved, &err), ENC_OK);
    CHECK_STR(err.message, "");
    if (own && saved)
        same_model(own, saved, texts, sizeof texts / sizeof *texts, 0, checkpoint);
    enc_model_free(own);
    enc_model_free(saved);
    unlink(path);
}

TEST("saved: checkpoints without tokenizer.json are saved too")
{
    static const char *const names[] = {"bert", "bert_cased", "bert_gamma", "albert", "gpt2",
                                        "qwen2", "deberta_v3", "xlm_roberta", "t5", "llama"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *folder = copy_checkpoint(names[i]);
        REQUIRE(folder);
        copy_remove(folder, "tokenizer.json");
        check_same(folder);
    }
}

TEST("saved: tables of vectors, files of PyTorch, modules and prompts")
{
    static const char *const names[] = {"golden/model2vec", "golden/model2vec_mapped",
                                        "golden/static_embedding", "golden/torch",
                                        "golden/bert_prompt", "golden/bert_pooling",
                                        "golden/gpt2_prompt", "golden/nomic_bert_hub"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_same(test_data(names[i]));
}

TEST("saved: what is taken is given back, and the memory is the file's")
{
    enc_model *model = NULL, *own = NULL;
    char path[512];
    snprintf(path, sizeof path, "%s", test_tmp("memory.contextual"));
    REQUIRE(CHECK(save(test_data("golden/bert"), "none", path)));
    int64_t before = enc_memory_used();
    CHECK_INT(enc_model_load(path, NULL, &model, &err), ENC_OK);
    REQUIRE(model);
    CHECK(enc_memory_used() - before < 64 * 1024);
    CHECK(model->info.bytes > model->info.parameters * 4);
    CHECK(model->saved && model->saved->data);
    CHECK((uintptr_t)model->weights.layer[0].qkv.packed % 64 == 0);
    enc_model_free(model);
    CHECK_INT(enc_memory_used(), before);
    enc_model_free(own);
}

TEST("saved: quantize is the file's, and asking for another is an error")
{
    char path[512];
    static const char *const types[] = {"none", "bf16", "int8"};
    snprintf(path, sizeof path, "%s", test_tmp("types.contextual"));
    for (int has = 0; has < 3; has++) {
        REQUIRE(CHECK(save(test_data("golden/bert"), types[has], path)));
        for (int asked = -1; asked < 3; asked++) {
            const enc_model_options options = {asked < 0 ? NULL : types[asked]};
            enc_model *model = NULL;
            enc_error_clear(&err);
            int rc = enc_model_open(path, &options, &model, &err);
            CHECK_INT(rc, asked < 0 || asked == has ? ENC_OK : ENC_INVALID);
            if (model)
                CHECK_STR(enc_model_describe(model)->quantize, types[has]);
            enc_model_discard(model);
        }
    }
    CHECK_STR(err.message, "");
    const enc_model_options options = {"bf16"};
    enc_model *model = NULL;
    CHECK_INT(enc_model_open(path, &options, &model, &err), ENC_INVALID);
    CHECK_STR(err.message, "quantize is 'bf16', but the model was saved with 'int8'");
    enc_model_trim();
}

/* The settings' text with `from` in place of `to`, of the same length, checksums put right; the
** sentence of the refusal. */
static const char *change(const char *path, const char *from, const char *to)
{
    static char message[ENC_MESSAGE_SIZE];
    enc_model *model = NULL;
    size_t size;
    char *data = copy_read("", path, &size);
    char *at = data ? memmem(data, size, from, strlen(from)) : NULL;
    if (!CHECK(at))
        return "";
    memcpy(at, to, strlen(to));
    seal(data, size);
    const char *changed = test_tmp("saved_changed");
    copy_write("", changed, data, size);
    free(data);
    enc_error_clear(&err);
    enc_model_load(changed, NULL, &model, &err);
    enc_model_free(model);
    return strcpy(message, err.message);
}

TEST("saved: settings that do not fit are refused, although the checksums are right")
{
    char path[512];
    snprintf(path, sizeof path, "%s", test_tmp("settings.contextual"));
    REQUIRE(CHECK(save(test_data("golden/bert"), "none", path)));
    CHECK_STR(change(path, "\"family\":\"bert\"", "\"family\":\"bort\""),
              "saved_changed: the family 'bort' is not one of this library (albert, bert, "
              "camembert, deberta, "
              "deberta-v2, distilbert, electra, eurobert, gemma3_text, gpt2, jina_bert_v2, "
              "jina_embeddings_v3, llama, mistral, modernbert, mpnet, nomic_bert, qwen2, "
              "qwen3, roberta, t5, "
              "xlm-roberta)");
    CHECK_STR(change(path, "\"heads\":4", "\"heads\":0"),
              "saved_changed: settings contradict one another (sizes)");
    CHECK_STR(change(path, "\"heads\":4", "\"heads\":5"),
              "saved_changed: settings contradict one another (sizes)");
    CHECK_STR(change(path, "\"hidden_size\":32", "\"hidden_size\":33"),
              "saved_changed: weights: array 7 is no matrix");
    CHECK_STR(change(path, "\"vocabulary\":588", "\"vocabulary\":589"),
              "saved_changed: weights: array 1 has 75264 bytes, must have 75392");
    CHECK_STR(change(path, "\"vocabulary\":588", "\"vocabulary\":099"),
              "saved_changed is not valid JSON at byte 169: invalid token");
    CHECK_STR(change(path, "\"first_position\":0", "\"first_position\":0"), "");
    CHECK_STR(change(path, "\"gated\":false", "\"gated\":null "),
              "saved_changed: config.gated is null, must be true or false");
    CHECK_STR(change(path, "\"kernel\":0", "\"kernel\":1"),
              "saved_changed: settings contradict one another (distances)");
    CHECK_STR(change(path, "\"causal\"", "\"casual\""),
              "saved_changed: config.causal is missing, must be true or false");
    CHECK_STR(change(path, "\"modules.similarity\":\"cosine\"",
                     "\"modules.similarity\":\"cosign\""),
              "saved_changed is an object, must be settings with a known similarity");
    CHECK_STR(change(path, "\"version\"", "\"vursion\""), "");
}

TEST("saved: a layout that nobody knows is refused, another kernel's is not")
{
    char path[512];
    const char *layout = enc_ops_get()->product[ENC_WEIGHT_F32]->layout;
    snprintf(path, sizeof path, "%s", test_tmp("layouts.contextual"));
    REQUIRE(CHECK(save(test_data("golden/bert"), "none", path)));
    char from[64], to[64];
    snprintf(from, sizeof from, "\"layouts\":[\"%s\"", layout);
    snprintf(to, sizeof to, "\"layouts\":[\"floot%s\"", layout + 5);
    const char *message = change(path, from, to);
    CHECK(strstr(message, "saved_changed: its matrices have the layout 'floot"));
    CHECK(strstr(message, "', which this library does not know"));
    REQUIRE(CHECK(save(test_data("golden/bert"), "int8", path)));
    message = change(path, "\"int8x32\"", "\"int8x99\"");
    CHECK_STR(message, "saved_changed: its matrices have the layout 'int8x99', this library has "
              "'int8x32'; save it again from its checkpoint");
}

TEST("saved: ELMo and whole words are refused and no file is made")
{
    const char *path = test_tmp("refused.contextual");
    CHECK(!save(test_data("golden/elmo"), "none", path));
    CHECK_STR(err.message, "ELMo can't be saved; it is read from options.json and weights.hdf5");
    CHECK(!save(test_data("golden/static/glove.txt"), "none", path));
    CHECK_STR(err.message, "tables of whole words (GloVe, word2vec, fastText) can't be saved; "
              "their files are read as they are");
    CHECK(access(path, F_OK) != 0);
}

TEST("saved: a language-model head that is no longer there is told")
{
    enc_model *model = NULL;
    enc_session *session = NULL;
    const char *folder = copy_checkpoint("bert");
    enc_error_clear(&err);
    REQUIRE(folder && enc_model_load(folder, NULL, &model, &err) == ENC_OK);
    CHECK_INT(enc_session_open(&session, &err), ENC_OK);
    copy_remove(folder, "model.safetensors");
    CHECK(enc_model_save(session, model, test_tmp("headless"), NULL, &err) != ENC_OK);
    CHECK(strstr(err.message, "model.safetensors"));
    CHECK(access(test_tmp("headless"), F_OK) != 0);
    enc_session_close(session);
    enc_model_free(model);
}
