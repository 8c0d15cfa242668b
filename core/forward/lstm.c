/*
** lstm.c - see lstm.h.
**
** Gates of all tokens take their part of the input in one product; the part of the state is a
** product for each step, of all sequences that still have tokens together.
**
**   i, j, f, o = x·W + h·U + b
**   c = clip(sigmoid(f)·c + sigmoid(i)·tanh(j))
**   h = clip((sigmoid(o)·tanh(c))·P)
*/
#include "lstm.h"

#include <string.h>

typedef struct run {
    const enc_ops *ops;
    const enc_elmo *elmo;
    const enc_lstm *lstm;
    enc_poll *poll;
    float *gates;   /* [T, 4C] of the input */
    float *cell;    /* [count, C] */
    float *state;   /* [count, P] */
    float *h;       /* [count, P] of those at work, */
    float *now;     /* [count, 4C] and what they come to */
    float *inner;   /* [count, C] */
    size_t *active; /* [count] sequences at work */
    size_t *row;    /* [count] and their token */
} run;

static bool take(run *r, size_t rows, size_t count, enc_arena *arena)
{
    size_t c = r->elmo->cell, p = r->elmo->width;
    r->gates = ENC_ARENA(arena, float, rows * 4 * c);
    r->cell = ENC_ARENA(arena, float, count * c);
    r->state = ENC_ARENA(arena, float, count * p);
    r->h = ENC_ARENA(arena, float, count * p);
    r->now = ENC_ARENA(arena, float, count * 4 * c);
    r->inner = ENC_ARENA(arena, float, count * c);
    r->active = ENC_ARENA(arena, size_t, count);
    r->row = ENC_ARENA(arena, size_t, count);
    if (!r->gates || !r->cell || !r->state || !r->h || !r->now || !r->inner || !r->active ||
        !r->row)
        return false;
    memset(r->cell, 0, count * c * sizeof(float));
    memset(r->state, 0, count * p * sizeof(float));
    return true;
}

/* Where a kernel's bits depend on the rows beside a row, each goes alone. */
static bool project(const run *r, const enc_linear *linear, const float *x, size_t rows,
                    float *y)
{
    size_t step = r->ops->row_invariant ? rows : 1;
    for (size_t row = 0; row < rows; row += step)
        if (enc_linear_apply(r->ops, linear, x + row * linear->in, step, NULL,
                             y + row * linear->out, NULL, r->poll) != ENC_OK)
            return false;
    return true;
}

static void clip(float *x, size_t n, float limit)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] > limit ? limit : x[i] < -limit ? -limit : x[i];
}

/* now [4C] becomes the inner output [C], and the cell goes on. */
static void turn(const run *r, float *now, float *cell, float *inner)
{
    size_t c = r->elmo->cell;
    float *in = now, *candidate = now + c, *forget = now + 2 * c, *out = now + 3 * c;
    r->ops->activate[ENC_ACT_SIGMOID](in, c);
    r->ops->activate[ENC_ACT_TANH](candidate, c);
    r->ops->activate[ENC_ACT_SIGMOID](forget, 2 * c);
    for (size_t i = 0; i < c; i++)
        cell[i] = in[i] * candidate[i] + forget[i] * cell[i];
    clip(cell, c, r->elmo->cell_clip);
    memcpy(inner, cell, c * sizeof *inner);
    r->ops->activate[ENC_ACT_TANH](inner, c);
    for (size_t i = 0; i < c; i++)
        inner[i] *= out[i];
}

/* One token of each of the `count` sequences in r->active. False: stopped. */
static bool step(const run *r, size_t count, float *y)
{
    size_t c = r->elmo->cell, p = r->elmo->width;
    for (size_t i = 0; i < count; i++)
        memcpy(r->h + i * p, r->state + r->active[i] * p, p * sizeof(float));
    if (!project(r, &r->lstm->recurrent, r->h, count, r->now))
        return false;
    for (size_t i = 0; i < count; i++) {
        r->ops->add(r->gates + r->row[i] * 4 * c, r->now + i * 4 * c, 4 * c);
        turn(r, r->now + i * 4 * c, r->cell + r->active[i] * c, r->inner + i * c);
    }
    if (!project(r, &r->lstm->projection, r->inner, count, r->h))
        return false;
    clip(r->h, count * p, r->elmo->projection_clip);
    for (size_t i = 0; i < count; i++) {
        memcpy(r->state + r->active[i] * p, r->h + i * p, p * sizeof(float));
        memcpy(y + r->row[i] * p, r->h + i * p, p * sizeof(float));
    }
    return true;
}

/* Sequences that have a token at step `at`, from the one end or the other. */
static size_t find_active(const run *r, bool backwards, const size_t *start, size_t count,
                          size_t at)
{
    size_t active = 0;
    for (size_t i = 0; i < count; i++) {
        if (start[i + 1] - start[i] <= at)
            continue;
        r->active[active] = i;
        r->row[active++] = backwards ? start[i + 1] - 1 - at : start[i] + at;
    }
    return active;
}

int enc_lstm_run(const enc_ops *ops, const enc_elmo *elmo, const enc_lstm *lstm,
                 bool backwards, const float *x, const size_t *start, size_t count,
                 enc_arena *arena, enc_poll *poll, float *y)
{
    run r = {.ops = ops, .elmo = elmo, .lstm = lstm, .poll = poll};
    enc_mark mark = enc_arena_mark(arena);
    int rc = take(&r, start[count], count, arena) ? ENC_OK : ENC_NOMEM;
    for (size_t i = 0; rc == ENC_OK && i < count; i++)
        rc = enc_linear_apply(ops, &lstm->input, x + start[i] * elmo->width,
                              start[i + 1] - start[i], NULL,
                              r.gates + start[i] * 4 * elmo->cell, NULL, poll);
    size_t active;
    for (size_t at = 0;
         rc == ENC_OK && (active = find_active(&r, backwards, start, count, at)) > 0; at++)
        if (!step(&r, active, y))
            rc = ENC_INTERRUPTED;
    enc_arena_release(arena, mark);
    return rc;
}
