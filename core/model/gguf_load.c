/*
** gguf_load.c - a GGUF file becomes a model: settings, tokenizer, pooling and weights, all of them
** from the one file.
*/
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "gguf_config.h"
#include "gguf_tokenizer.h"
#include "load.h"

/* ---- Where it is -------------------------------------------------------------------------- */

static bool is_named(const char *name)
{
    static const char suffix[] = ".gguf";
    size_t length = strlen(name), tail = sizeof suffix - 1;
    return length > tail && strcmp(name + length - tail, suffix) == 0;
}

/* Whether a file begins as GGUF does: those of Ollama and the targets of links in Hugging Face's
** cache are called by a hash. */
static bool is_marked(const char *path)
{
    enc_error ignored = {0};
    enc_file file = ENC_FILE_CLOSED;
    char start[4] = {0};
    bool is = enc_file_open(path, "", UINT64_MAX, &file, &ignored) == ENC_OK &&
              file.size >= sizeof start &&
              enc_file_read(&file, 0, start, sizeof start, &ignored) == ENC_OK &&
              memcmp(start, "GGUF", sizeof start) == 0;
    enc_file_close(&file);
    return is;
}

/* The only NAME.gguf in a folder, for enc_free; NULL: there is none, or several. */
static char *find_only(const char *folder)
{
    DIR *listing = opendir(folder);
    struct dirent *found;
    char *name = NULL;
    int count = 0;
    while (listing && count < 2 && (found = readdir(listing))) {
        if (!is_named(found->d_name) || found->d_name[0] == '.')
            continue;
        count++;
        enc_free(name);
        name = enc_copy_string(found->d_name, strlen(found->d_name));
    }
    if (listing)
        closedir(listing);
    if (count == 1)
        return name;
    enc_free(name);
    return NULL;
}

bool enc_gguf_locate(const char *path, char **folder, char **file)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return false;
    if (S_ISDIR(status.st_mode)) {
        bool other = enc_file_exists(path, "config.json") || enc_file_exists(path, "modules.json");
        char *name = other ? NULL : find_only(path);
        bool found = name != NULL;
        if (folder && found)
            *folder = enc_copy_string(path, strlen(path));
        if (file && found)
            *file = name;
        else
            enc_free(name);
        return found;
    }
    if (!S_ISREG(status.st_mode) || !(is_named(path) || is_marked(path)))
        return false;
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    if (folder)
        *folder = slash ? enc_copy_string(path, slash > path ? (size_t)(slash - path) : 1)
                        : enc_copy_string(".", 1);
    if (file)
        *file = enc_copy_string(name, strlen(name));
    return true;
}

/* ---- Tokenizer, pooling ------------------------------------------------------------------------ */

static int load_tokenizer(enc_model *model, const enc_gguf *gguf, enc_digest *digest,
                          enc_error *err)
{
    enc_tokenizer_files files = {.value_name = gguf->name};
    int rc = enc_gguf_tokenizer(gguf, &files.value, err);
    if (rc != ENC_OK)
        return rc;
    char *text = enc_json_text(files.value);
    if (text)
        enc_digest_text(digest, text);
    else
        rc = enc_nomem(err);
    enc_free(text);
    if (rc == ENC_OK)
        rc = enc_tokenizer_open(&files, &model->tokenizer, err);
    json_decref(files.value);
    return rc == ENC_OK ? enc_model_accept_tokenizer(model, gguf->name, gguf->name, 0, digest,
                                                     err) : rc;
}

static int load_pooling(enc_model *model, const enc_gguf *gguf, enc_digest *digest,
                        enc_error *err)
{
    enc_modules *to = &model->modules;
    to->include_prompt = true;
    int rc = enc_gguf_pooling(gguf, model->config.causal, &to->pooling, err);
    enc_digest_number(digest, to->pooling);
    enc_digest_number(digest, to->include_prompt);
    return rc;
}

/* ---- Weights ------------------------------------------------------------------------------------ */

/* The layers behind the pooling that EmbeddingGemma's files have, and the normalisation. */
static int load_steps(enc_binder *binder, enc_error *err)
{
    static const char *const names[] = {"dense_2", "dense_3"};
    static const char *const tensors[] = {"dense_2.weight", "dense_3.weight"};
    enc_modules *to = &binder->model->modules;
    int rc = ENC_OK, width = binder->model->config.hidden_size;
    for (size_t i = 0; rc == ENC_OK && i < sizeof names / sizeof *names; i++) {
        const enc_tensor *tensor = enc_checkpoint_find(binder->checkpoint, tensors[i]);
        if (!tensor)
            continue;
        int out = tensor->shape[0] < 1 << 20 ? (int)tensor->shape[0] : 1 << 20;
        enc_step *step = &to->step[to->step_count++];
        step->kind = ENC_STEP_DENSE;
        step->activation = ENC_ACT_NONE;
        rc = enc_bind_linear(binder, ENC_ROLE_REST, names[i], width, out, false, &step->dense,
                             err);
        width = out;
    }
    to->step[to->step_count++].kind = ENC_STEP_NORMALIZE;
    binder->model->info.dimensions = width;
    return rc;
}

/* A tensor of a block that nothing asked for would have changed the result. */
static int check_used(const enc_checkpoint *checkpoint, enc_error *err)
{
    static const char *const blocks[] = {"blk.", "enc.blk."};
    for (size_t i = 0; i < enc_checkpoint_count(checkpoint); i++) {
        const enc_tensor *tensor = enc_checkpoint_at(checkpoint, i);
        for (size_t k = 0; k < sizeof blocks / sizeof *blocks; k++)
            if (!tensor->used && strncmp(tensor->name, blocks[k], strlen(blocks[k])) == 0)
                return enc_fail(err, ENC_UNSUPPORTED,
                                "%s: tensor '%s' has no place in this architecture as it is "
                                "implemented", enc_checkpoint_file(checkpoint, tensor),
                                enc_tail(tensor->name, ENC_TAIL));
    }
    return ENC_OK;
}

static int load_weights(enc_model *model, enc_checkpoint *checkpoint, const enc_gguf *gguf,
                        const enc_names *names, enc_digest *digest, enc_error *err)
{
    enc_binder binder = {.model = model, .checkpoint = checkpoint, .digest = digest,
                         .names = names, .prefix = "", .says = gguf->name};
    int rc = enc_bind_encoder(&binder, err);
    if (rc == ENC_OK)
        rc = load_steps(&binder, err);
    if (rc == ENC_OK)
        rc = check_used(checkpoint, err);
    if (rc == ENC_OK)
        rc = enc_checkpoint_unchanged(checkpoint, err);
    if (rc == ENC_OK)
        rc = enc_model_list_unused(model, checkpoint, err);
    model->signature = enc_checkpoint_signature(checkpoint);
    enc_binder_clear(&binder);
    return rc;
}

int enc_gguf_open(const char *path, enc_checkpoint **out, enc_error *err)
{
    char *folder = NULL, *file = NULL;
    int rc;
    *out = NULL;
    if (!enc_gguf_locate(path, &folder, &file))
        rc = enc_fail(err, ENC_CANTOPEN, "cannot open '%s': there is no such file",
                      enc_tail(path, ENC_TAIL));
    else if (folder && file)
        rc = enc_checkpoint_open_file(folder, file, &enc_format_gguf, out, err);
    else
        rc = enc_nomem(err);
    enc_free(folder);
    enc_free(file);
    return rc;
}

int enc_gguf_load(enc_model *model, const char *folder, const char *name, enc_digest *digest,
                  enc_error *err)
{
    enc_file file = ENC_FILE_CLOSED;
    enc_gguf gguf = {0};
    enc_names *names = enc_model_alloc(model, 1, sizeof *names);
    enc_checkpoint *checkpoint = NULL;
    int rc = names ? ENC_OK : enc_nomem(err);
    if (rc == ENC_OK)
        rc = enc_file_open(folder, name, INT64_MAX, &file, err);
    if (rc == ENC_OK)
        rc = enc_gguf_read(&file, 0, &gguf, NULL, err);
    if (rc == ENC_OK)
        rc = enc_checkpoint_open_file(folder, name, &enc_format_gguf, &checkpoint, err);
    if (rc == ENC_OK)
        rc = enc_gguf_config(&gguf, checkpoint, &model->family, &model->config, names, err);
    if (rc == ENC_OK) {
        enc_model_digest_config(digest, model);
        rc = load_tokenizer(model, &gguf, digest, err);
    }
    if (rc == ENC_OK)
        rc = load_pooling(model, &gguf, digest, err);
    if (rc == ENC_OK)
        rc = load_weights(model, checkpoint, &gguf, names, digest, err);
    if (rc == ENC_OK)
        rc = enc_file_unchanged(&file, err);
    enc_checkpoint_close(checkpoint);
    enc_gguf_free(&gguf);
    enc_file_close(&file);
    return rc;
}
