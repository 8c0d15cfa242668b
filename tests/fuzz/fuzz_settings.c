/*
** fuzz_settings.c - the small JSON files of a checkpoint: the first byte says which one,
** the rest is its content. Every other file is the tiny BERT's own. What loads must embed.
*/
#include "fuzz.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "encoder.h"
#include "memory.h"
#include "model.h"

#define FIXTURE TEST_FOLDER "/golden/bert"

static const char *const files[] = {
    "config.json", "modules.json", "1_Pooling/config.json", "sentence_bert_config.json",
    "config_sentence_transformers.json", "tokenizer_config.json", "special_tokens_map.json",
    "tokenizer.json", "model.safetensors", "vocab.txt"};
enum { FILES = sizeof files / sizeof *files, FUZZED = 7 };

static char folder[64];

static const char *place(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void remove_folder(void)
{
    for (int i = 0; i < FILES; i++)
        unlink(place(files[i]));
    rmdir(place("1_Pooling"));
    rmdir(folder);
}

static void make_folder(void)
{
    strcpy(folder, "/tmp/contextual.XXXXXX");
    MUST(mkdtemp(folder));
    MUST(mkdir(place("1_Pooling"), 0700) == 0);
    atexit(remove_folder);
}

/* Links to the fixture's files, and `content` as the one at `index`. */
static void fill_folder(int index, const uint8_t *content, size_t size)
{
    for (int i = 0; i < FILES; i++) {
        char original[PATH_MAX];
        snprintf(original, sizeof original, "%s/%s", FIXTURE, files[i]);
        unlink(place(files[i]));
        if (i != index && access(original, R_OK) == 0)
            MUST(symlink(original, place(files[i])) == 0);
    }
    FILE *file = fopen(place(files[index]), "wb");
    MUST(file && fwrite(content, 1, size, file) == size);
    fclose(file);
}

static void embed_with(const enc_model *model)
{
    enc_error err = {0};
    enc_session *session = NULL;
    int dimensions = 0;
    MUST(enc_session_open(&session, &err) == ENC_OK);
    int rc = enc_embed_check(model, NULL, &dimensions, &err);
    MUST_EXPLAIN(rc, err);
    if (rc == ENC_OK) {
        float *vector = ENC_ALLOC(float, (size_t)dimensions);
        enc_text text = {"the bank of the river", 21};
        MUST(vector && dimensions > 0);
        rc = enc_embed(session, model, &text, 1, NULL, vector, NULL, &err);
        MUST_EXPLAIN(rc, err);
        enc_free(vector);
    }
    enc_session_close(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return -1;
    if (!folder[0])
        make_folder();
    fill_folder(data[0] % FUZZED, data + 1, size - 1);
    int64_t before = enc_memory_used();
    enc_error err = {0};
    enc_model *model = NULL;
    int rc = enc_model_load(folder, NULL, &model, &err);
    MUST_EXPLAIN(rc, err);
    if (rc == ENC_OK) {
        embed_with(model);
        enc_model_free(model);
    }
    MUST(enc_memory_used() == before);
    return 0;
}
