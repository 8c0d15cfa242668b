/*
** elmo_forward.c - ELMo's hidden states (elmo.h): 0 is what a word's characters come to, twice;
** k is what the LSTMs of layer k give, forwards and backwards side by side.
**
** Each text is read between two words that mark its ends, which are in no result.
*/
#include <string.h>

#include "forward.h"
#include "lstm.h"
#include "share.h"

typedef struct pass {
    const enc_model *model;
    const enc_elmo *elmo;
    const enc_batch *batch;
    enc_poll *poll;
    size_t *start;    /* [count + 1] sequences with their marks */
    size_t rows;      /* of all of them */
    enc_text *word;   /* [rows]; data NULL: a mark, of which size says which */
    float *in;        /* [rows, P] word vectors */
    float *way[2];    /* [rows, P] forwards and backwards: what a layer takes, */
    float *next[2];   /* and what it gives */
    float *spare[2];  /* for the second layer to give */
    float *x;         /* [T, 2P] hidden state */
    int layer;        /* at work, from 0 */
} pass;

/* ---- Characters ---------------------------------------------------------------------- */

/* chars [word_length]: mark, bytes, mark, padding; what is too long is cut. */
static void spell(const enc_elmo *e, enc_text word, int *chars)
{
    size_t length = 0, most = e->word_length - 2;
    chars[length++] = ENC_ELMO_WORD_START;
    if (!word.data)
        chars[length++] = (int)word.size;
    for (size_t i = 0; word.data && i < word.size && i < most; i++)
        chars[length++] = (unsigned char)word.data[i];
    chars[length++] = ENC_ELMO_WORD_END;
    while (length < e->word_length)
        chars[length++] = ENC_ELMO_PADDING;
}

typedef struct scratch {
    int *chars;     /* [word_length] */
    float *table;   /* [word_length, character_width] */
    float *windows; /* [word_length, widest filter · character_width] */
    float *maps;    /* [word_length, largest filter] */
} scratch;

static bool take_scratch(const enc_elmo *e, enc_arena *arena, scratch *s)
{
    size_t widest = 0, largest = 0;
    for (int i = 0; i < e->filters; i++) {
        const enc_linear *linear = &e->filter[i].linear;
        widest = linear->in > widest ? linear->in : widest;
        largest = linear->out > largest ? linear->out : largest;
    }
    s->chars = ENC_ARENA(arena, int, e->word_length);
    s->table = ENC_ARENA(arena, float, e->word_length * e->character_width);
    s->windows = ENC_ARENA(arena, float, e->word_length * widest);
    s->maps = ENC_ARENA(arena, float, e->word_length * largest);
    return s->chars && s->table && s->windows && s->maps;
}

/* out [count] = max over the filter's places in the word */
static bool convolve(const pass *p, const enc_elmo_filter *filter, const scratch *s, float *out)
{
    const enc_elmo *e = p->elmo;
    size_t places = e->word_length - filter->width + 1, in = filter->linear.in;
    size_t count = filter->linear.out;
    for (size_t i = 0; i < places; i++)
        memcpy(s->windows + i * in, s->table + i * e->character_width, in * sizeof(float));
    if (enc_linear_apply(p->model->ops, &filter->linear, s->windows, places, NULL, s->maps,
                         NULL, p->poll) != ENC_OK)
        return false;
    memcpy(out, s->maps, count * sizeof *out);
    for (size_t i = 1; i < places; i++)
        for (size_t j = 0; j < count; j++) {
            float value = s->maps[i * count + j];
            out[j] = value > out[j] ? value : out[j];
        }
    return true;
}

/* x [features] = carry·relu(transform(x)) + (1 - carry)·x, of one word */
static bool highway(const pass *p, const enc_elmo_highway *h, float *x, float *room)
{
    const enc_ops *ops = p->model->ops;
    size_t n = p->elmo->features;
    float *transformed = room, *carry = room + n;
    if (enc_linear_apply(ops, &h->transform, x, 1, NULL, transformed, NULL, p->poll) ||
        enc_linear_apply(ops, &h->carry, x, 1, NULL, carry, NULL, p->poll))
        return false;
    ops->activate[ENC_ACT_RELU](transformed, n);
    ops->activate[ENC_ACT_SIGMOID](carry, n);
    for (size_t i = 0; i < n; i++)
        x[i] = carry[i] * transformed[i] + (1 - carry[i]) * x[i];
    return true;
}

/* The vector of one word of one sequence. */
static int embed_word(void *context, size_t index, enc_arena *arena)
{
    const pass *p = context;
    const enc_elmo *e = p->elmo;
    scratch s;
    float *features = ENC_ARENA(arena, float, e->features);
    float *room = ENC_ARENA(arena, float, 2 * e->features);
    if (!features || !room || !take_scratch(e, arena, &s))
        return ENC_NOMEM;
    spell(e, p->word[index], s.chars);
    for (size_t i = 0; i < e->word_length; i++)
        memcpy(s.table + i * e->character_width,
               e->characters + (size_t)s.chars[i] * e->character_width,
               e->character_width * sizeof(float));
    float *to = features;
    for (int i = 0; i < e->filters; i++) {
        if (!convolve(p, &e->filter[i], &s, to))
            return ENC_INTERRUPTED;
        to += e->filter[i].linear.out;
    }
    p->model->ops->activate[e->activation](features, e->features);
    for (int i = 0; i < e->highways; i++)
        if (!highway(p, &e->highway[i], features, room))
            return ENC_INTERRUPTED;
    return enc_linear_apply(p->model->ops, &e->projection, features, 1, NULL,
                            p->in + index * e->width, NULL, p->poll);
}

/* ---- Layers -------------------------------------------------------------------------- */

/* One direction of a layer. */
static int run_way(void *context, size_t direction, enc_arena *arena)
{
    const pass *p = context;
    const enc_elmo *e = p->elmo;
    int rc = enc_lstm_run(p->model->ops, e, &e->lstm[p->layer][direction], direction == 1,
                          p->way[direction], p->start, p->batch->count, arena, p->poll,
                          p->next[direction]);
    if (rc == ENC_OK && e->skips && p->layer > 0)
        p->model->ops->add(p->way[direction], p->next[direction], p->rows * e->width);
    return rc;
}

/* x = both ways side by side, without the marks. */
static void join(const pass *p, float *const way[2])
{
    size_t width = p->elmo->width;
    for (size_t i = 0; i < p->batch->count; i++)
        for (size_t row = p->batch->start[i]; row < p->batch->start[i + 1]; row++) {
            size_t from = p->start[i] + 1 + row - p->batch->start[i];
            for (int direction = 0; direction < 2; direction++)
                memcpy(p->x + (2 * row + (size_t)direction) * width,
                       way[direction] + from * width, width * sizeof(float));
        }
}

/* ---- All ----------------------------------------------------------------------------- */

static bool take(pass *p, enc_arena *arena)
{
    size_t count = p->batch->count, width = p->elmo->width, tokens = p->batch->start[count];
    p->rows = tokens + 2 * count;
    p->start = ENC_ARENA(arena, size_t, count + 1);
    p->word = ENC_ARENA(arena, enc_text, p->rows);
    p->in = ENC_ARENA(arena, float, p->rows * width);
    p->x = ENC_ARENA(arena, float, tokens * 2 * width);
    bool all = p->start && p->word && p->in && p->x;
    float *spare[4];
    for (int i = 0; i < 4; i++)
        all = (spare[i] = ENC_ARENA(arena, float, p->rows * width)) && all;
    p->way[0] = p->way[1] = p->in;
    p->next[0] = spare[0];
    p->next[1] = spare[1];
    /* behind layer 1 each way needs two of its own */
    p->spare[0] = spare[2];
    p->spare[1] = spare[3];
    return all;
}

static void mark_texts(const pass *p)
{
    enc_text *word = p->word;
    for (size_t i = 0; i <= p->batch->count; i++)
        p->start[i] = p->batch->start[i] + 2 * i;
    for (size_t i = 0; i < p->batch->count; i++) {
        *word++ = (enc_text){NULL, ENC_ELMO_TEXT_START};
        for (size_t row = p->batch->start[i]; row < p->batch->start[i + 1]; row++)
            *word++ = p->batch->word[row];
        *word++ = (enc_text){NULL, ENC_ELMO_TEXT_END};
    }
}

static void show(const pass *p, const enc_observer *observer, int layer)
{
    if (observer && observer->hidden)
        observer->hidden(observer->context, layer, p->x);
}

int enc_elmo_forward(const enc_model *model, const enc_batch *batch, int layers,
                     enc_arena *arena, enc_poll *poll, const enc_observer *observer,
                     float **out)
{
    pass p = {.model = model, .elmo = model->elmo, .batch = batch, .poll = poll};
    if (!take(&p, arena))
        return ENC_NOMEM;
    mark_texts(&p);
    const enc_elmo *e = p.elmo; /* numbers that it multiplies, roughly */
    size_t products = p.rows * e->width * (e->features + 16 * e->cell * (size_t)layers);
    enc_share share = enc_share_begin(batch->alone, products, arena, poll);
    int rc = enc_share_run(&share, embed_word, &p, p.rows);
    if (rc != ENC_OK)
        return rc;
    join(&p, p.way);
    show(&p, observer, 0);
    for (p.layer = 0; rc == ENC_OK && p.layer < layers; p.layer++) {
        rc = enc_share_run(&share, run_way, &p, 2);
        if (rc != ENC_OK)
            break;
        join(&p, p.next);
        show(&p, observer, p.layer + 1);
        for (int i = 0; i < 2; i++) { /* what was given is taken next */
            float *done = p.layer == 0 ? p.spare[i] : p.way[i];
            p.way[i] = p.next[i];
            p.next[i] = done;
        }
    }
    enc_share_end(&share);
    *out = p.x;
    return rc;
}
