/*
** test_golden_saved.c - every family saved to a file of its own and opened again: to the last
** bit the model it was saved from, on each kernel also if another one saved it.
*/
#include <stdio.h>
#include <string.h>

#include "../unit/kernels.h"
#include "../unit/same_model.h"
#include "../unit/unit.h"
#include "golden.h"
#include "model.h"

enum { MOST_TEXTS = 6 };

static enc_error err;

/* Saves to a fresh file; its path, or NULL. */
static const char *save(const enc_model *model, uint64_t *bytes)
{
    enc_session *session = NULL;
    const char *path = test_tmp("golden.contextual");
    enc_error_clear(&err);
    if (!CHECK_INT(enc_session_open(&session, &err), ENC_OK))
        return NULL;
    int rc = enc_model_save(session, model, path, bytes, &err);
    enc_session_close(session);
    CHECK_STR(err.message, model->elmo ? "ELMo can't be saved; it is read from options.json and "
                                         "weights.hdf5" : "");
    return rc == ENC_OK ? path : NULL;
}

/* DeBERTa's projections of distances are computed by the kernel that loads the checkpoint: what
** another one takes from the file differs from its own in the last bits, of the number type. */
static double tolerance_of(const enc_model *model)
{
    bool computed = model->config.disentangled.span > 0;
    return !computed ? 0 : strcmp(model->info.quantize, "none") == 0 ? 1e-4 : 4e-2;
}

/* `path` holds what `checkpoint` is, saved on the kernel in use. */
static void check_kernel(const enc_ops *ops, const char *path, const char *checkpoint,
                         const char *quantize, const enc_text *texts, size_t count)
{
    const enc_model_options options = {quantize};
    enc_model *saved = NULL, *own = NULL;
    CHECK_INT(enc_model_load_on(ops, path, NULL, &saved, &err), ENC_OK);
    CHECK_INT(enc_model_load_on(ops, checkpoint, &options, &own, &err), ENC_OK);
    CHECK_STR(err.message, "");
    bool alike = ops == enc_ops_get();
    if (saved && own)
        same_model(own, saved, texts, count, alike ? 0 : tolerance_of(own), ops->name);
    enc_model_free(own);
    enc_model_free(saved);
}

static void check_checkpoint(const char *checkpoint, const char *quantize,
                             const enc_text *texts, size_t count, bool all_kernels)
{
    const enc_model_options options = {quantize};
    uint64_t bytes = 0, again = 0;
    enc_model *model = NULL, *saved = NULL;
    enc_error_clear(&err);
    REQUIRE(CHECK_INT(enc_model_load(checkpoint, &options, &model, &err), ENC_OK));
    const char *path = save(model, &bytes);
    enc_model_free(model);
    REQUIRE(path);
    check_kernel(enc_ops_get(), path, checkpoint, quantize, texts, count);
    FOR_KERNELS(ops)
        if (ops != enc_ops_get() && all_kernels)
            check_kernel(ops, path, checkpoint, quantize, texts, count < 2 ? count : 2);
    /* What was saved can be saved. */
    CHECK_INT(enc_model_load(path, NULL, &saved, &err), ENC_OK);
    if (saved && CHECK(save(saved, &again))) {
        CHECK_INT(again, bytes);
        check_kernel(enc_ops_get(), path, checkpoint, quantize, texts, 1);
    }
    enc_model_free(saved);
}

static void check_saved(void)
{
    golden g;
    const golden_case *row = unit_row();
    if (golden_open(&g, row)) {
        const char *checkpoint = golden_checkpoint(row);
        enc_text texts[MOST_TEXTS];
        size_t count = 0, i;
        json_t *text;
        json_array_foreach(g.texts, i, text)
            if (count < MOST_TEXTS && json_string_length(json_object_get(text, "text")) < 400)
                texts[count++] = golden_text(json_object_get(text, "text"));
        if (checkpoint && g.model->elmo)
            CHECK(!save(g.model, NULL));
        else if (checkpoint)
            check_checkpoint(checkpoint, "none", texts, count, !row->real);
        if (checkpoint && !g.model->elmo && row->parts & GOLDEN_STATES) {
            check_checkpoint(checkpoint, "bf16", texts, count < 2 ? count : 2, !row->real);
            check_checkpoint(checkpoint, "int8", texts, count < 2 ? count : 2, !row->real);
        }
    }
    golden_close(&g);
}

GOLDEN_TESTS((enum golden_part)(GOLDEN_TOKENS | GOLDEN_STATES | GOLDEN_EMBEDDINGS), check_saved,
             "saved and opened again it is the same to the last bit")

TEST("golden gguf: saved and opened again they are the same to the last bit")
{
    static const char *const names[] = {"bert", "nomic-bert", "jina-bert-v2", "modern-bert",
                                        "llama", "llama3", "qwen2", "qwen3", "gemma-embedding",
                                        "t5encoder"};
    static const char one[] = "The bank of the river.", two[] = "naïve \xe6\x97\xa5 1,000";
    const enc_text texts[] = {{one, sizeof one - 1}, {two, sizeof two - 1}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[96];
        snprintf(path, sizeof path, "golden/gguf/%s.gguf", names[i]);
        check_checkpoint(test_data(path), i % 2 ? "int8" : "none", texts, 2, i < 2);
    }
}
