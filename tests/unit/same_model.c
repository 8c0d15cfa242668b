/* same_model.c - see same_model.h. */
#include "same_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

enum { MOST_LAYERS = 64, MOST_TOKENS = 96 };

typedef struct pair {
    const enc_model *a, *b;
    enc_session *session;
    double tolerance;
    const char *label;
    enc_text text;
} pair;

static void check(const pair *p, bool holds, const char *what)
{
    char sentence[200];
    snprintf(sentence, sizeof sentence, "%s: %s of '%.20s' alike", p->label, what, p->text.data);
    unit_check(holds, __FILE__, __LINE__, sentence);
}

static bool alike(const pair *p, const float *x, const float *y, size_t count)
{
    if (p->tolerance == 0)
        return memcmp(x, y, count * sizeof *x) == 0;
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)x[i] - y[i]) <= p->tolerance * fmax(1, fabs((double)x[i]))))
            return isinf(x[i]) && x[i] == y[i];
    return true;
}

static void same_info(const pair *p)
{
    const enc_model_info *x = enc_model_describe(p->a), *y = enc_model_describe(p->b);
    CHECK_STR(y->family, x->family);
    CHECK_STR(y->quantize, x->quantize);
    CHECK_STR(y->pooling, x->pooling);
    CHECK_STR(y->similarity, x->similarity);
    CHECK_STR(y->prompts, x->prompts);
    CHECK_STR(y->default_prompt, x->default_prompt);
    CHECK_STR(y->fingerprint, x->fingerprint);
    CHECK_STR(y->unused_tensors, x->unused_tensors);
    CHECK_STR(y->activation, x->activation);
    CHECK_INT(y->dimensions, x->dimensions);
    CHECK_INT(y->hidden_size, x->hidden_size);
    CHECK_INT(y->embedding_size, x->embedding_size);
    CHECK_INT(y->layers, x->layers);
    CHECK_INT(y->heads, x->heads);
    CHECK_INT(y->head_size, x->head_size);
    CHECK_INT(y->max_tokens, x->max_tokens);
    CHECK_INT(y->vocabulary, x->vocabulary);
    CHECK_INT(y->parameters, x->parameters);
    CHECK_INT(y->normalize, x->normalize);
}

static bool same_token(const enc_token *x, const enc_token *y)
{
    return x->id == y->id && x->word == y->word && x->type == y->type &&
           x->special == y->special && x->byte_start == y->byte_start &&
           x->byte_end == y->byte_end && x->char_start == y->char_start &&
           x->char_end == y->char_end;
}

static void same_tokens(const pair *p)
{
    enc_error err = {0};
    enc_tokens *x = NULL, *y = NULL;
    int a = enc_tokenize(p->session, p->a, p->text, NULL, ENC_TRUNCATE_NONE, &x, &err);
    int b = enc_tokenize(p->session, p->b, p->text, NULL, ENC_TRUNCATE_NONE, &y, &err);
    bool same = a == b && (!x || x->count == y->count);
    for (size_t i = 0; same && x && i < x->count; i++) {
        size_t one = 0, other = 0;
        const char *s = enc_token_string(p->a, x->token[i].id, &one);
        const char *t = enc_token_string(p->b, y->token[i].id, &other);
        same = same_token(&x->token[i], &y->token[i]) && one == other &&
               (s && t ? memcmp(s, t, one) == 0 : s == t);
    }
    check(p, same, "tokens");
    enc_tokens_free(x);
    enc_tokens_free(y);
}

static void same_embedding(const pair *p)
{
    enc_error one = {0}, other = {0};
    int x_size = 0, y_size = 0;
    enc_embed_check(p->a, NULL, &x_size, &one);
    enc_embed_check(p->b, NULL, &y_size, &other);
    float *x = calloc((size_t)x_size + 1, sizeof *x), *y = calloc((size_t)y_size + 1, sizeof *y);
    int a = enc_embed(p->session, p->a, &p->text, 1, NULL, x, NULL, &one);
    int b = enc_embed(p->session, p->b, &p->text, 1, NULL, y, NULL, &other);
    CHECK_STR(other.message, one.message);
    check(p, a == b && x_size == y_size && alike(p, x, y, (size_t)x_size), "embedding");
    free(x);
    free(y);
}

static bool same_attention(const pair *p, const enc_trace *x, const enc_trace *y, int layer,
                           size_t from)
{
    size_t count = enc_trace_tokens(x)->count;
    float score[2][MOST_TOKENS], weight[2][MOST_TOKENS];
    bool same = true;
    for (int head = 0; same && head < enc_model_describe(p->a)->heads; head++)
        same = enc_trace_attention(x, layer, head, from, score[0], weight[0]) &&
               enc_trace_attention(y, layer, head, from, score[1], weight[1]) &&
               alike(p, score[0], score[1], count) && alike(p, weight[0], weight[1], count);
    return same;
}

static void same_states(const pair *p)
{
    bool all[MOST_LAYERS + 1];
    const enc_model_info *info = enc_model_describe(p->a);
    const enc_trace_request request = {NULL, ENC_TRUNCATE_END, all, all, false};
    enc_error one = {0}, other = {0};
    enc_trace *x = NULL, *y = NULL;
    memset(all, 1, sizeof all);
    int a = enc_trace_run(p->session, p->a, p->text, &request, &x, &one);
    int b = enc_trace_run(p->session, p->b, p->text, &request, &y, &other);
    CHECK_STR(other.message, one.message);
    bool same = a == b && info->layers <= MOST_LAYERS;
    size_t count = x ? enc_trace_tokens(x)->count : 0;
    for (int layer = 0; same && layer <= info->layers; layer++)
        for (size_t i = 0; same && i < count; i++) {
            same = alike(p, enc_trace_hidden(x, layer, i), enc_trace_hidden(y, layer, i),
                         (size_t)info->hidden_size);
            if (same && layer > 0 && info->heads > 0 && count <= MOST_TOKENS)
                same = same_attention(p, x, y, layer, i);
        }
    check(p, same, "states");
    enc_trace_free(x);
    enc_trace_free(y);
}

static void same_guesses(const pair *p)
{
    const enc_lm_request request = {NULL, ENC_TRUNCATE_END};
    size_t vocabulary = (size_t)enc_model_describe(p->a)->vocabulary, first = 0, end = 0;
    enc_error one = {0}, other = {0};
    enc_lm *x = NULL, *y = NULL;
    int a = enc_lm_run(p->session, p->a, p->text, &request, &x, &one);
    int b = enc_lm_run(p->session, p->b, p->text, &request, &y, &other);
    CHECK_STR(other.message, one.message);
    CHECK_INT(b, a);
    if (x && y) {
        float *logs = calloc(2 * vocabulary, sizeof *logs);
        enc_lm_places(x, &first, &end);
        bool same = true;
        for (; same && first < end; first++)
            same = enc_lm_logprobs(p->session, x, &first, 1, logs, &one) == ENC_OK &&
                   enc_lm_logprobs(p->session, y, &first, 1, logs + vocabulary, &one) ==
                       ENC_OK && alike(p, logs, logs + vocabulary, vocabulary);
        check(p, same, "guesses");
        free(logs);
    }
    enc_lm_free(x);
    enc_lm_free(y);
}

void same_model(const enc_model *a, const enc_model *b, const enc_text *text, size_t count,
                double tolerance, const char *label)
{
    enc_error err = {0};
    pair p = {a, b, NULL, tolerance, label, {NULL, 0}};
    if (!CHECK_INT(enc_session_open(&p.session, &err), ENC_OK))
        return;
    same_info(&p);
    for (size_t i = 0; i < count; i++) {
        p.text = text[i];
        same_tokens(&p);
        same_embedding(&p);
        same_states(&p);
        same_guesses(&p);
    }
    enc_session_close(p.session);
}
