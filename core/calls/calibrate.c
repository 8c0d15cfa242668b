/*
** calibrate.c - the calibration texts on their way through a model that is being loaded (load.h):
** read by its own tokenizer, then block by block through the forward pass that embeds.
*/
#include <string.h>

#include "load.h"
#include "quantize.h"
#include "reading.h"

enum { BATCH_TOKENS = 256 }; /* what a pass needs beside is little, whatever the model */

/* Texts that go through a block together. */
typedef struct part {
    enc_batch batch;
    float *x; /* [T, D] */
} part;

struct enc_calibration {
    const enc_model *model;
    enc_arena arena; /* holds the next */
    part *part;
    size_t parts;
    enc_poll poll;
};

/* The texts' sequences; those that the model can't read are left out. */
static int read_texts(enc_calibration *c, enc_sequence *sequence, size_t *count, enc_error *err)
{
    for (size_t i = 0; enc_calibration_texts[i]; i++) {
        enc_reading reading;
        enc_error ignored = {0};
        const enc_text text = {enc_calibration_texts[i], strlen(enc_calibration_texts[i])};
        int rc = enc_read(c->model, text, "", ENC_TRUNCATE_END, false, &c->arena, &c->poll,
                          &reading, &ignored);
        if (rc == ENC_NOMEM)
            return enc_nomem(err);
        if (rc == ENC_OK && reading.sequence[0].count > 0)
            sequence[(*count)++] = reading.sequence[0];
    }
    return ENC_OK;
}

/* Hidden state 0 of the sequences. */
static int add_part(enc_calibration *c, const enc_sequence *sequence, size_t count)
{
    part *p = &c->part[c->parts++];
    float *x;
    if (!enc_pack(c->model, sequence, count, &c->arena, &p->batch))
        return ENC_NOMEM;
    p->batch.alone = c->model->ops->row_invariant; /* else threads would note numbers at once */
    const size_t numbers = p->batch.start[count] * (size_t)c->model->config.hidden_size;
    p->x = ENC_ARENA(&c->arena, float, numbers);
    if (!p->x)
        return ENC_NOMEM;
    enc_mark mark = enc_arena_mark(&c->arena);
    int rc = enc_forward(c->model, &p->batch, 0, &c->arena, &c->poll, NULL, &x);
    if (rc == ENC_OK)
        memcpy(p->x, x, numbers * sizeof *x);
    enc_arena_release(&c->arena, mark);
    return rc;
}

static int begin(enc_calibration *c, enc_error *err)
{
    size_t texts = 0, count = 0;
    while (enc_calibration_texts[texts])
        texts++;
    enc_sequence *sequence = ENC_ARENA(&c->arena, enc_sequence, texts);
    c->part = ENC_ARENA(&c->arena, part, texts);
    int rc = sequence && c->part ? read_texts(c, sequence, &count, err) : enc_nomem(err);
    if (rc != ENC_OK)
        return rc;
    for (size_t first = 0, end; rc == ENC_OK && first < count; first = end) {
        size_t tokens = sequence[first].count;
        for (end = first + 1; end < count; end++) {
            tokens += sequence[end].count;
            if (tokens > BATCH_TOKENS)
                break;
        }
        rc = add_part(c, sequence + first, end - first);
    }
    return rc == ENC_OK ? ENC_OK : enc_nomem(err);
}

int enc_calibration_open(const enc_model *model, enc_calibration **out, enc_error *err)
{
    enc_calibration *c = *out = ENC_ZALLOC(enc_calibration, 1);
    if (!c)
        return enc_nomem(err);
    c->model = model;
    enc_poll_begin(&c->poll, NULL, NULL, 0);
    return begin(c, err);
}

int enc_calibration_step(enc_calibration *c, int number, enc_error *err)
{
    int rc = ENC_OK;
    for (size_t i = 0; rc == ENC_OK && i < c->parts; i++)
        rc = enc_forward_block(c->model, &c->part[i].batch, number, c->part[i].x, &c->arena,
                               &c->poll);
    return rc == ENC_OK ? ENC_OK : enc_nomem(err);
}

void enc_calibration_close(enc_calibration *c)
{
    if (!c)
        return;
    enc_arena_destroy(&c->arena);
    enc_free(c);
}
