/* test_lm_head.c - which head a checkpoint has, whose table it uses, and what it holds. */
#include <fenv.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#include "checkpoint_copy.h"
#include "encoding.h"
#include "lm_head.h"
#include "model.h"

static const char FILE_NAME[] = "model.safetensors";

static enc_model *load(const char *folder)
{
    enc_error err = {0};
    enc_model *model = NULL;
    if (folder)
        enc_model_load(folder, NULL, &model, &err);
    CHECK_STR(err.message, "");
    return model;
}

static const enc_lm_head *head_of(const enc_model *model)
{
    const enc_lm_head *head = NULL;
    enc_error err = {0};
    enc_lm_head_get(model, &head, &err);
    CHECK_STR(err.message, "");
    return head;
}

static void check_refused(const enc_model *model, int code, const char *sentence)
{
    const enc_lm_head *head = NULL;
    enc_error err = {0};
    REQUIRE(model != NULL);
    CHECK_INT(enc_lm_head_get(model, &head, &err), code);
    CHECK_STR(err.message, sentence);
    CHECK(head == NULL);
}

/* Adds a tensor of `count` doubles, all of them `number`, to the folder's weights. */
static bool add_tensor(const char *folder, const char *name, const char *shape, size_t count,
                       double number)
{
    size_t size = 0, length;
    uint64_t header;
    char *old = copy_read(folder, FILE_NAME, &size);
    if (!CHECK(old && size > sizeof header))
        return false;
    memcpy(&header, old, sizeof header);
    json_t *directory = json_loadb(old + sizeof header, header, 0, NULL);
    size_t data = size - sizeof header - header;
    json_object_set_new(directory, name,
                        json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F64", "shape",
                                  json_loads(shape, 0, NULL), "data_offsets",
                                  (json_int_t)data,
                                  (json_int_t)(data + count * sizeof number)));
    char *text = json_dumps(directory, JSON_COMPACT);
    length = strlen(text);
    size_t all = sizeof header + length + data + count * sizeof number;
    char *fresh = malloc(all);
    uint64_t fresh_header = length;
    memcpy(fresh, &fresh_header, sizeof fresh_header);
    memcpy(fresh + sizeof header, text, length);
    memcpy(fresh + sizeof header + length, old + sizeof header + header, data);
    for (size_t i = 0; i < count; i++)
        memcpy(fresh + all - (i + 1) * sizeof number, &number, sizeof number);
    bool written = copy_write(folder, FILE_NAME, fresh, all);
    free(fresh);
    free(text);
    json_decref(directory);
    free(old);
    return CHECK(written);
}

TEST("lm_head: a tied head uses the model's table, and costs nothing before it is asked for")
{
    int64_t before = enc_memory_used();
    enc_model *model = load(test_data("golden/bert"));
    REQUIRE(model);
    int64_t loaded = enc_memory_used();
    CHECK_INT(enc_model_bytes(model), enc_model_describe(model)->bytes);
    const enc_lm_head *head = head_of(model);
    REQUIRE(head);
    CHECK(head->table.rows == model->weights.tokens.rows);
    CHECK(head->own_table == NULL);
    CHECK_INT(head->width, 32);
    CHECK_INT(head->vocabulary, 588);
    CHECK(head == head_of(model)); /* read once */
    int64_t held = enc_model_bytes(model) - enc_model_describe(model)->bytes;
    CHECK(held > (32 * 32 + 588) * 4 && held < 588 * 32 * 4);
    CHECK(enc_memory_used() - loaded >= held && enc_memory_used() - loaded < held + 1024);
    enc_model_free(model);
    CHECK_INT(enc_memory_used(), before);
}

TEST("lm_head: a table of its own is used where config.json says that it isn't tied")
{
    const char *folder = copy_checkpoint("bert_v5");
    REQUIRE(folder && copy_edit(folder, "config.json", "tie_word_embeddings", "false"));
    enc_model *model = load(folder);
    check_refused(model, ENC_UNSUPPORTED,
                  "the checkpoint has no language-model head: tensor "
                  "'cls.predictions.decoder.weight' is missing (it was saved as "
                  "BertForMaskedLM)");
    enc_model_free(model);

    REQUIRE(add_tensor(folder, "cls.predictions.decoder.weight", "[588, 24]", 588 * 24, 0.5));
    model = load(folder);
    REQUIRE(model);
    const enc_lm_head *head = head_of(model);
    REQUIRE(head);
    CHECK(head->table.rows == head->own_table);
    CHECK(head->table.rows != model->weights.tokens.rows);
    CHECK(head->own_table[588 * 24 - 1] == 0.5F);
    CHECK(head->bias && head->bias[0] != 0.25F);
    CHECK(enc_model_bytes(model) - enc_model_describe(model)->bytes > 588 * 24 * 4);
    enc_model_free(model);

    /* So is a bias beside it. */
    REQUIRE(add_tensor(folder, "cls.predictions.decoder.bias", "[588]", 588, 0.25));
    model = load(folder);
    REQUIRE(model);
    head = head_of(model);
    CHECK(head && head->bias && head->bias[0] == 0.25F);
    enc_model_free(model);

    /* The reference ties what config.json ties, whatever else the file has. */
    REQUIRE(copy_edit(folder, "config.json", "tie_word_embeddings", "true"));
    model = load(folder);
    REQUIRE(model);
    head = head_of(model);
    CHECK(head && head->table.rows == model->weights.tokens.rows && !head->own_table);
    CHECK(head && head->bias && head->bias[0] != 0.25F);
    enc_model_free(model);
}

TEST("lm_head: a bias may stand beside the table, or not be there")
{
    const char *folder = copy_checkpoint("bert");
    REQUIRE(folder && copy_rename_tensor(folder, FILE_NAME, "cls.predictions.bias",
                                         "cls.predictions.decoder.bias"));
    enc_model *plain = load(test_data("golden/bert")), *model = load(folder);
    REQUIRE(plain && model);
    const enc_lm_head *want = head_of(plain), *head = head_of(model);
    CHECK(want && head && same_bits(head->bias, want->bias, 588));
    enc_model_free(model);
    enc_model_free(plain);
    REQUIRE(copy_rename_tensor(folder, FILE_NAME, "cls.predictions.decoder.bias", "other"));
    model = load(folder);
    REQUIRE(model);
    head = head_of(model);
    CHECK(head && !head->bias);
    enc_model_free(model);
}

TEST("lm_head: a tensor of another shape is refused with both shapes")
{
    const char *folder = copy_checkpoint("bert");
    REQUIRE(folder && copy_rename_tensor(folder, FILE_NAME, "cls.predictions.bias", "other"));
    REQUIRE(add_tensor(folder, "cls.predictions.bias", "[587]", 587, 0));
    enc_model *model = load(folder);
    check_refused(model, ENC_CORRUPT, "model.safetensors: tensor 'cls.predictions.bias' has "
                                      "shape [587], config.json says [588]");
    enc_model_free(model);
}

TEST("lm_head: files that changed after the model was loaded are not mixed with it")
{
    const char *folder = copy_checkpoint("bert");
    REQUIRE(folder);
    enc_model *model = load(folder);
    REQUIRE(model && add_tensor(folder, "more", "[1]", 1, 0));
    check_refused(model, ENC_CORRUPT,
                  "model.safetensors has changed since the model was loaded");
    enc_model_free(model);
}

TEST("lm_head: kinds of models that have none say so")
{
    enc_model *model = load(test_data("golden/nomic_bert"));
    check_refused(model, ENC_UNSUPPORTED,
                  "the checkpoint has no language-model head: of the family 'nomic_bert' "
                  "none is known (it was saved as NomicBertModel)");
    enc_model_free(model);
}

enum { THREADS = 4 };

static void *ask(void *context)
{
    const enc_lm_head *head = NULL;
    enc_error err = {0};
    enc_lm_head_get(context, &head, &err);
    return (void *)head;
}

TEST("lm_head: threads that ask at once get the same head")
{
    enc_model *model = load(test_data("golden/bert"));
    pthread_t thread[THREADS];
    void *head[THREADS];
    REQUIRE(model);
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&thread[i], NULL, ask, model) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], &head[i]);
    for (int i = 0; i < THREADS; i++)
        CHECK(head[i] && head[i] == head[0]);
    enc_model_free(model);
}

TEST("lm_head: the host's rounding does not reach its numbers")
{
    const char *folder = copy_checkpoint("bert_v5");
    REQUIRE(folder && copy_edit(folder, "config.json", "tie_word_embeddings", "false"));
    REQUIRE(add_tensor(folder, "cls.predictions.decoder.weight", "[588, 24]", 588 * 24, 0.7));
    enc_model *model = load(folder);
    REQUIRE(model);
    fesetround(FE_UPWARD);
    const enc_lm_head *head = head_of(model);
    CHECK_INT(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
    CHECK(head && *(const float *)head->table.rows == 0.7F);
    enc_model_free(model);
}
