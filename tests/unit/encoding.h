/*
** encoding.h - what the tests of the encoder share: a checkpoint and a session, texts, and
** arithmetic in double precision to compare with.
*/
#ifndef ENCODING_H
#define ENCODING_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encoder.h"
#include "memory.h"
#include "unit.h"

/* The golden checkpoint "bert". */
enum { WIDTH = 32, BLOCKS = 2, HEADS = 4, HEAD_SIZE = 8, MAX_TOKENS = 24 };

typedef struct encoder {
    enc_model *model;
    enc_session *session;
    enc_error err;
} encoder;

/* `checkpoint`: a folder, or the name of one below tests/golden. */
static inline bool encoder_open(encoder *e, const char *checkpoint)
{
    char golden[64];
    *e = (encoder){0};
    snprintf(golden, sizeof golden, "golden/%s", checkpoint ? checkpoint : "");
    const char *path = checkpoint && checkpoint[0] == '/' ? checkpoint : test_data(golden);
    bool opened = enc_model_open(path, NULL, &e->model, &e->err) == ENC_OK &&
                  enc_session_open(&e->session, &e->err) == ENC_OK;
    return CHECK_STR(e->err.message, "") && opened;
}

static inline void encoder_close(encoder *e)
{
    enc_session_close(e->session);
    enc_model_discard(e->model);
}

static inline enc_text text_of(const char *text)
{
    return (enc_text){text, strlen(text)};
}

/* The sentence of the last failure, which is forgotten. */
static inline const char *take_message(encoder *e)
{
    static char message[ENC_MESSAGE_SIZE];
    memcpy(message, e->err.message, sizeof message);
    e->err = (enc_error){0};
    return message;
}

/* One text's embedding; NULL (and a failed check) if there is none. To be freed. */
static inline float *embedded(encoder *e, const char *text, const enc_embed_options *options)
{
    int length = 0;
    enc_text one = text_of(text);
    float *out = NULL;
    if (enc_embed_check(e->model, options, &length, &e->err) == ENC_OK)
        out = calloc((size_t)length, sizeof *out);
    if (out && enc_embed(e->session, e->model, &one, 1, options, out, NULL, &e->err)) {
        free(out);
        out = NULL;
    }
    CHECK_STR(take_message(e), "");
    return out;
}

/* Every hidden state, and what every block's heads saw. */
static inline enc_trace *traced(encoder *e, const char *text, enum enc_truncate truncate)
{
    static const bool every[BLOCKS + 1] = {true, true, true};
    enc_trace_request request = {NULL, truncate, every, every, false};
    enc_trace *trace = NULL;
    enc_trace_run(e->session, e->model, text_of(text), &request, &trace, &e->err);
    CHECK_STR(take_message(e), "");
    return trace;
}

static inline bool same_bits(const float *a, const float *b, size_t count)
{
    return a && b && memcmp(a, b, count * sizeof *a) == 0;
}

/* Largest |x - reference| over max(1, largest |reference|); infinite for a NaN. */
static inline double distance(const float *x, const double *reference, size_t count)
{
    double worst = 0, largest = 1;
    for (size_t i = 0; i < count; i++) {
        double error = fabs((double)x[i] - reference[i]);
        if (!(error <= worst))
            worst = isnan(error) ? INFINITY : error;
        if (fabs(reference[i]) > largest)
            largest = fabs(reference[i]);
    }
    return worst / largest;
}

static inline void scale_to_one(double *v, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += v[i] * v[i];
    for (size_t i = 0; sum > 0 && i < count; i++)
        v[i] /= sqrt(sum);
}

/* In place: exp(scale * x) over the sum of all. */
static inline void softmax(double *x, size_t count, double scale)
{
    double largest = -INFINITY, sum = 0;
    for (size_t i = 0; i < count; i++)
        largest = x[i] > largest ? x[i] : largest;
    for (size_t i = 0; i < count; i++)
        sum += x[i] = exp(scale * (x[i] - largest));
    for (size_t i = 0; i < count; i++)
        x[i] /= sum;
}

#endif
