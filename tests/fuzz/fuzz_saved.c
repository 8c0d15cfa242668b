/* fuzz_saved.c - a saved model, its checksums put right: what loads can be used. */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "../unit/saved_seal.h"
#include "memory.h"
#include "model.h"

static void use(const enc_model *model)
{
    static const enc_text text = {"The bank of the river, na\xc3\xafve.", 30};
    enc_error err = {0};
    enc_session *session = NULL;
    enc_tokens *tokens = NULL;
    int dimensions = 0;
    MUST(enc_session_open(&session, &err) == ENC_OK);
    int rc = enc_tokenize(session, model, text, NULL, ENC_TRUNCATE_NONE, &tokens, &err);
    MUST_EXPLAIN(rc, err);
    for (size_t i = 0, size; tokens && i < tokens->count; i++)
        enc_token_string(model, tokens->token[i].id, &size);
    enc_tokens_free(tokens);
    err = (enc_error){0};
    rc = enc_embed_check(model, NULL, &dimensions, &err);
    MUST_EXPLAIN(rc, err);
    float *vector = rc == ENC_OK ? ENC_ALLOC(float, (size_t)dimensions) : NULL;
    if (vector) {
        rc = enc_embed(session, model, &text, 1, NULL, vector, NULL, &err);
        MUST_EXPLAIN(rc, err);
    }
    enc_free(vector);
    enc_session_close(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    char path[64], *copy = malloc(size + 1);
    enc_error err = {0};
    enc_model *model = NULL;
    if (fd < 0)
        fd = memfd_create("fuzz", 0);
    MUST(copy);
    memcpy(copy, data, size);
    seal(copy, size);
    bool written = ftruncate(fd, 0) == 0 && pwrite(fd, copy, size, 0) == (ssize_t)size;
    free(copy);
    if (!written)
        return -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int rc = enc_model_load(path, NULL, &model, &err);
    MUST_EXPLAIN(rc, err);
    MUST((rc == ENC_OK) == (model != NULL));
    if (model)
        use(model);
    enc_model_free(model);
    return 0;
}
