/*
** lm.c - enc_lm: what a language model expects at each place of a text.
**
** Of the forward pass the rows that the head's table takes are kept, [T, E]; the table itself,
** most of the work and V numbers a row, comes when a place is asked for.
*/
#include <math.h>

#include "lm_scores.h"
#include "reading.h"
#include "session.h"

struct enc_lm {
    const enc_model *model;
    const enc_lm_head *head;
    enc_tokens *tokens;
    float *z; /* [T, E] */
};

/* ---- Running ---- */

static int run(enc_call *call, enc_lm *lm, enc_error *err)
{
    enc_sequence sequence = {.token = lm->tokens->token, .count = lm->tokens->count};
    size_t width = lm->head->width;
    enc_batch batch;
    float *x;
    lm->z = ENC_ALLOC(float, sequence.count * width); /* bounded by the model's length */
    if (!lm->z || !enc_pack(lm->model, &sequence, 1, call->arena, &batch))
        return enc_nomem(err);
    batch.alone = true;
    int rc = enc_forward(lm->model, &batch, lm->model->config.layers, call->arena,
                         &call->poll, NULL, &x);
    if (rc == ENC_OK && !enc_lm_project(lm->model, lm->head, x, sequence.count, lm->z,
                                        &call->poll))
        rc = ENC_INTERRUPTED;
    if (rc == ENC_INTERRUPTED)
        return enc_fail(err, rc, "interrupted");
    return rc == ENC_NOMEM ? enc_nomem(err) : rc;
}

int enc_lm_run(enc_session *session, const enc_model *model, enc_text text,
               const enc_lm_request *request, enc_lm **out, enc_error *err)
{
    const enc_lm_head *head;
    enc_tokens *tokens;
    *out = NULL;
    if (request->truncate == ENC_TRUNCATE_NONE || request->truncate == ENC_TRUNCATE_MEAN)
        return enc_fail(err, ENC_INVALID,
                        "truncate %s; a language model takes end, start or error",
                        request->truncate == ENC_TRUNCATE_NONE ? "'none' is for tokens"
                                                               : "'mean' is for embeddings");
    int rc = enc_lm_head_get(model, &head, err);
    if (rc == ENC_OK)
        rc = enc_tokenize(session, model, text, request->prompt, request->truncate, &tokens,
                          err);
    if (rc != ENC_OK)
        return rc;
    enc_lm *lm = ENC_ZALLOC(enc_lm, 1);
    if (!lm) {
        enc_tokens_free(tokens);
        return enc_nomem(err);
    }
    *lm = (enc_lm){.model = model, .head = head, .tokens = tokens};
    enc_call call;
    enc_call_begin(&call, session);
    rc = tokens->count > 0 ? run(&call, lm, err) : ENC_OK;
    enc_call_end(&call);
    if (rc == ENC_OK)
        *out = lm;
    else
        enc_lm_free(lm);
    return rc;
}

void enc_lm_free(enc_lm *lm)
{
    if (!lm)
        return;
    enc_tokens_free(lm->tokens);
    enc_free(lm->z);
    enc_free(lm);
}

/* ---- Looking ---- */

const enc_tokens *enc_lm_tokens(const enc_lm *lm)
{
    return lm->tokens;
}

/* How far behind its row of z the token stands that the row guesses. */
static size_t shift(const enc_lm *lm)
{
    return lm->model->config.causal ? 1 : 0;
}

void enc_lm_places(const enc_lm *lm, size_t *first, size_t *end)
{
    *first = lm->tokens->count > 0 ? shift(lm) : 0;
    *end = *first + lm->tokens->count;
}

int enc_lm_logprobs(enc_session *session, const enc_lm *lm, const size_t *place,
                    size_t count, float *out, enc_error *err)
{
    size_t first, end;
    enc_lm_places(lm, &first, &end);
    enc_call call;
    enc_call_begin(&call, session);
    size_t *row = ENC_ARENA(call.arena, size_t, count);
    int rc = row ? ENC_OK : enc_nomem(err);
    for (size_t i = 0; rc == ENC_OK && i < count; i++) {
        row[i] = place[i] - first;
        if (place[i] < first || place[i] >= end)
            rc = enc_fail(err, ENC_INVALID,
                          "no token is guessed at place %zu; the text has %zu tokens",
                          place[i], lm->tokens->count);
    }
    if (rc == ENC_OK) {
        rc = enc_lm_score(lm->model, lm->head, lm->z, row, count, out, call.arena,
                          &call.poll);
        if (rc == ENC_INTERRUPTED)
            rc = enc_fail(err, rc, "interrupted");
        else if (rc == ENC_NOMEM)
            rc = enc_nomem(err);
    }
    enc_call_end(&call);
    return rc;
}

size_t enc_lm_rank(const float *logprob, size_t vocabulary, int32_t id)
{
    size_t rank = 1;
    for (size_t v = 0; v < vocabulary; v++)
        rank += logprob[v] > logprob[id] || (logprob[v] == logprob[id] && v < (size_t)id);
    return rank;
}

double enc_lm_entropy(const float *logprob, size_t vocabulary)
{
    double sum = 0;
    for (size_t v = 0; v < vocabulary; v++)
        sum -= exp((double)logprob[v]) * (double)logprob[v];
    return sum;
}

/* Whether a stands before b. */
static bool likelier(const float *logprob, int32_t a, int32_t b)
{
    return logprob[a] > logprob[b] || (logprob[a] == logprob[b] && a < b);
}

/* id[at] moves down the heap, whose first is the least likely, to where it belongs. */
static void sink(const float *logprob, int32_t *id, size_t count, size_t at)
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && likelier(logprob, id[child], id[child + 1]))
            child++;
        if (!likelier(logprob, id[at], id[child]))
            return;
        int32_t moved = id[at];
        id[at] = id[child];
        id[child] = moved;
    }
}

void enc_lm_top(const float *logprob, size_t vocabulary, size_t count, int32_t *id)
{
    for (size_t i = 0; i < count; i++)
        id[i] = (int32_t)i;
    for (size_t i = count / 2; i > 0; i--)
        sink(logprob, id, count, i - 1);
    for (size_t v = count; v < vocabulary && count > 0; v++)
        if (likelier(logprob, (int32_t)v, id[0])) {
            id[0] = (int32_t)v;
            sink(logprob, id, count, 0);
        }
    for (size_t left = count; left > 1; left--) { /* the least likely to the end */
        int32_t least = id[0];
        id[0] = id[left - 1];
        id[left - 1] = least;
        sink(logprob, id, left - 1, 0);
    }
}
