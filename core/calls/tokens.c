/*
** tokens.c - enc_tokenize and enc_token_count: a text's tokens for their own sake.
*/
#include <string.h>

#include "reading.h"
#include "session.h"

/* The prompt's text for a name; "" for NULL: looking at tokens takes no default prompt. */
static int prompt_text(const enc_model *model, const char *name, const char **text,
                       enc_error *err)
{
    *text = "";
    return name ? enc_model_prompt(model, name, text, err) : ENC_OK;
}

static int copy_out(const enc_reading *reading, enc_tokens **out, enc_error *err)
{
    const enc_sequence *s = &reading->sequence[0];
    size_t bytes;
    if (__builtin_mul_overflow(s->count, sizeof(enc_token), &bytes) ||
        __builtin_add_overflow(bytes, sizeof(enc_tokens), &bytes))
        return enc_nomem(err);
    enc_tokens *tokens = enc_alloc(bytes);
    if (!tokens)
        return enc_nomem(err);
    tokens->count = s->count;
    tokens->total = reading->total;
    tokens->truncated = reading->truncated;
    if (s->count)
        memcpy(tokens->token, s->token, s->count * sizeof *s->token);
    *out = tokens;
    return ENC_OK;
}

int enc_tokenize(enc_session *session, const enc_model *model, enc_text text,
                 const char *prompt, enum enc_truncate truncate, enc_tokens **out,
                 enc_error *err)
{
    const char *prefix;
    enc_reading reading;
    *out = NULL;
    if (truncate == ENC_TRUNCATE_MEAN)
        return enc_fail(err, ENC_INVALID, "truncate 'mean' is for embeddings; tokens take "
                        "end, start, error or none");
    int rc = prompt_text(model, prompt, &prefix, err);
    if (rc != ENC_OK)
        return rc;
    enc_call call;
    enc_call_begin(&call, session);
    rc = enc_read(model, text, prefix, truncate, true, call.arena, &call.poll, &reading, err);
    if (rc == ENC_OK)
        rc = copy_out(&reading, out, err);
    enc_call_end(&call);
    return rc;
}

void enc_tokens_free(enc_tokens *tokens)
{
    enc_free(tokens);
}

int enc_token_count(enc_session *session, const enc_model *model, enc_text text,
                    size_t *total, size_t *kept, enc_error *err)
{
    enc_call call;
    enc_reading reading;
    enc_call_begin(&call, session);
    int rc = enc_read(model, text, "", ENC_TRUNCATE_DEFAULT, true, call.arena, &call.poll,
                      &reading, err);
    enc_call_end(&call);
    if (rc != ENC_OK)
        return rc;
    *total = reading.total;
    *kept = reading.kept;
    return ENC_OK;
}

const char *enc_token_string(const enc_model *model, int32_t id, size_t *size)
{
    return enc_tokenizer_string(model->tokenizer, id, size);
}
