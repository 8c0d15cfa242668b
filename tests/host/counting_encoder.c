/*
** counting_encoder.c - see counting_encoder.h.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../ext/register.h"
SQLITE_EXTENSION_INIT1

#include "counting_encoder.h"

counting counting_encoder;

enum { HIDDEN = 4, HEAD_SIZE = 2, DIMENSIONS = 8 };

struct enc_model {
    enc_model_info info;
};

static enc_model the_model = {{
    .path = "/counting", .family = "counting", .quantize = "none", .pooling = "mean",
    .similarity = "cosine", .prompts = "{}",
    .fingerprint = "0123456789abcdef0123456789abcdef",
    .unused_tensors = "[]", .activation = "none", .dimensions = DIMENSIONS,
    .hidden_size = HIDDEN, .embedding_size = HIDDEN, .layers = COUNTING_LAYERS,
    .heads = COUNTING_HEADS, .head_size = HEAD_SIZE, .vocabulary = 256, .parameters = 1, .bytes = 1,
}};

/* ---- Models ---- */

int enc_model_open(const char *path, const enc_model_options *options, enc_model **out,
                   enc_error *err)
{
    (void)path, (void)options, (void)err;
    counting_encoder.models++;
    *out = &the_model;
    return ENC_OK;
}

void enc_model_retain(enc_model *model)
{
    (void)model;
    counting_encoder.models++;
}

void enc_model_close(enc_model *model)
{
    if (model)
        counting_encoder.models--;
}

void enc_model_discard(enc_model *model)
{
    enc_model_close(model);
}

int64_t enc_model_trim(void) { return 0; }

const enc_model_info *enc_model_describe(const enc_model *model) { return &model->info; }

int64_t enc_model_bytes(const enc_model *model) { return model->info.bytes; }

bool enc_model_exists(const char *path)
{
    (void)path;
    return false;
}

/* ---- Sessions ---- */

struct enc_session {
    enc_progress progress;
    void *context;
};

int enc_session_open(enc_session **out, enc_error *err)
{
    (void)err;
    *out = calloc(1, sizeof **out);
    return *out ? ENC_OK : ENC_NOMEM;
}

void enc_session_close(enc_session *session) { free(session); }

void enc_session_set_progress(enc_session *session, enc_progress progress, void *context)
{
    session->progress = progress;
    session->context = context;
}

/* ---- Tokens ---- */

static enc_tokens *tokenize(enc_text text)
{
    enc_tokens *t = calloc(1, sizeof *t + (text.size + 3) * sizeof *t->token);
    if (!t)
        return NULL;
    t->token[t->count++] = (enc_token){.id = 'C', .word = -1, .special = true};
    int word = 0;
    for (size_t i = 0; i < text.size;) {
        size_t end = i;
        while (end < text.size && text.data[end] != ' ')
            end++;
        if (end > i)
            t->token[t->count++] = (enc_token){.id = (unsigned char)text.data[i],
                                               .word = word++, .byte_start = i,
                                               .byte_end = end, .char_start = i,
                                               .char_end = end};
        i = end + 1;
    }
    t->token[t->count++] = (enc_token){.id = 'S', .word = -1, .special = true};
    t->total = t->count;
    return t;
}

int enc_tokenize(enc_session *session, const enc_model *model, enc_text text,
                 const char *prompt, enum enc_truncate truncate, enc_tokens **out,
                 enc_error *err)
{
    (void)session, (void)model, (void)prompt, (void)truncate, (void)err;
    counting_encoder.tokenized++;
    *out = tokenize(text);
    return *out ? ENC_OK : ENC_NOMEM;
}

void enc_tokens_free(enc_tokens *tokens) { free(tokens); }

const char *enc_token_string(const enc_model *model, int32_t id, size_t *size)
{
    static char one[2];
    (void)model;
    one[0] = (char)id;
    *size = 1;
    return id == 'C' ? (*size = 5, "[CLS]") : id == 'S' ? (*size = 5, "[SEP]") : one;
}

/* ---- Looking inside ---- */

struct enc_trace {
    enc_tokens *tokens;
    bool hidden[COUNTING_LAYERS + 1];
    bool attention[COUNTING_LAYERS + 1];
};

int enc_trace_run(enc_session *session, const enc_model *model, enc_text text,
                  const enc_trace_request *request, enc_trace **out, enc_error *err)
{
    (void)session, (void)model, (void)err;
    enc_trace *t = calloc(1, sizeof *t);
    if (!t)
        return ENC_NOMEM;
    int highest = 0;
    for (int i = 0; i <= COUNTING_LAYERS; i++) {
        t->hidden[i] = request->hidden && request->hidden[i];
        t->attention[i] = request->attention && request->attention[i];
        counting_encoder.states += t->hidden[i];
        if (t->hidden[i] || t->attention[i])
            highest = i;
    }
    t->tokens = tokenize(text);
    counting_encoder.passes++;
    counting_encoder.blocks += highest;
    counting_encoder.traces++;
    *out = t;
    return ENC_OK;
}

void enc_trace_free(enc_trace *trace)
{
    if (!trace)
        return;
    counting_encoder.traces--;
    free(trace->tokens);
    free(trace);
}

const enc_tokens *enc_trace_tokens(const enc_trace *trace) { return trace->tokens; }

/* Good until 16 more vectors have been asked for. */
static const float *vector(float a, float b)
{
    static float ring[16][HIDDEN];
    static unsigned turn;
    float *v = ring[turn++ % 16];
    v[0] = v[2] = a;
    v[1] = v[3] = b;
    return v;
}

const float *enc_trace_hidden(const enc_trace *trace, int layer, size_t position)
{
    return trace->hidden[layer] ? vector((float)layer, (float)position) : NULL;
}

const float *enc_trace_head(const enc_trace *trace, enum enc_head_part part, int layer,
                            int head, size_t position)
{
    (void)head;
    return trace->attention[layer] ? vector((float)part, (float)position) : NULL;
}

bool enc_trace_attention(const enc_trace *trace, int layer, int head, size_t from,
                         float *score, float *weight)
{
    (void)head, (void)from;
    counting_encoder.attended++;
    for (size_t i = 0; i < trace->tokens->count; i++) {
        score[i] = (float)i;
        weight[i] = 1.0f / (float)trace->tokens->count;
    }
    return trace->attention[layer];
}

/* ---- A language model ---- */

enum { VOCABULARY = 256 };

struct enc_lm {
    enc_tokens *tokens;
};

int enc_lm_run(enc_session *session, const enc_model *model, enc_text text,
               const enc_lm_request *request, enc_lm **out, enc_error *err)
{
    (void)session, (void)model, (void)request, (void)err;
    *out = calloc(1, sizeof **out);
    if (!*out)
        return ENC_NOMEM;
    (*out)->tokens = tokenize(text);
    counting_encoder.passes++;
    counting_encoder.blocks += COUNTING_LAYERS;
    counting_encoder.traces++;
    return ENC_OK;
}

void enc_lm_free(enc_lm *lm)
{
    if (!lm)
        return;
    counting_encoder.traces--;
    free(lm->tokens);
    free(lm);
}

const enc_tokens *enc_lm_tokens(const enc_lm *lm) { return lm->tokens; }

void enc_lm_places(const enc_lm *lm, size_t *first, size_t *end)
{
    *first = 0;
    *end = lm->tokens->count;
}

int enc_lm_logprobs(enc_session *session, const enc_lm *lm, const size_t *place,
                    size_t count, float *out, enc_error *err)
{
    (void)session, (void)lm, (void)err;
    for (size_t i = 0; i < count * VOCABULARY; i++)
        out[i] = -(float)llabs((long long)(i % VOCABULARY) -
                               (long long)place[i / VOCABULARY]);
    counting_encoder.guessed += (int)count;
    return ENC_OK;
}

size_t enc_lm_rank(const float *logprob, size_t vocabulary, int32_t id)
{
    (void)vocabulary;
    return (size_t)-logprob[id];
}

double enc_lm_entropy(const float *logprob, size_t vocabulary)
{
    (void)logprob;
    return (double)vocabulary;
}

void enc_lm_top(const float *logprob, size_t vocabulary, size_t count, int32_t *id)
{
    size_t best = 0;
    while (best + 1 < vocabulary && logprob[best] < 0)
        best++;
    for (size_t i = 0; i < count; i++)
        id[i] = (int32_t)(best + i);
}

/* ---- Embeddings ---- */

unsigned enc_pooling_parse(const char *name)
{
    (void)name;
    return ENC_POOL_MEAN;
}

const char *enc_pooling_names(void) { return "mean"; }

int enc_embed_check(const enc_model *model, const enc_embed_options *options,
                    int *dimensions, enc_error *err)
{
    (void)model, (void)options, (void)err;
    *dimensions = DIMENSIONS;
    return ENC_OK;
}

int enc_embed(enc_session *session, const enc_model *model, const enc_text *texts,
              size_t count, const enc_embed_options *options, float *out,
              enc_embed_report *report, enc_error *err)
{
    (void)model, (void)options;
    counting *c = &counting_encoder;
    c->embed_calls++;
    if ((int)count > c->largest)
        c->largest = (int)count;
    for (size_t i = 0; i < count; i++) {
        out[i * DIMENSIONS] = (float)texts[i].size;
        memset(out + i * DIMENSIONS + 1, 0, (DIMENSIONS - 1) * sizeof *out);
        report[i] = (enc_embed_report){texts[i].size, texts[i].size, false};
        c->embedded++;
        if (c->interrupt_at && c->embedded == c->interrupt_at)
            sqlite3_interrupt(c->db);
        if (!c->delay)
            continue;
        usleep((useconds_t)c->delay);
        if (session->progress && session->progress(session->context)) {
            err->code = ENC_INTERRUPTED;
            snprintf(err->message, sizeof err->message, "interrupted");
            return ENC_INTERRUPTED;
        }
    }
    return ENC_OK;
}

void enc_vector_to_bit(const float *v, size_t length, uint8_t *out)
{
    (void)v;
    memset(out, 0, length / 8);
}

void enc_vector_to_int8(const float *v, size_t length, int8_t *out)
{
    (void)v;
    memset(out, 0, length);
}

/* ---- The connection ---- */

int counting_load(sqlite3 *db, char **message, const struct sqlite3_api_routines *api)
{
    (void)message;
    SQLITE_EXTENSION_INIT2(api);
    ctx_connection *connection;
    ctx_error error = {0};
    int rc = ctx_connection_open(db, &connection);
    if (rc != SQLITE_OK)
        return rc;
    rc = ctx_register_tables(connection);
    if (rc == SQLITE_OK)
        rc = ctx_model_bind(connection, "counting", "/counting", "none", &error);
    if (rc == SQLITE_OK)
        rc = ctx_model_set_default(connection, "counting", &error);
    ctx_connection_release(connection);
    return rc;
}
