/*
** spans.c - enc_embed_spans: late chunking. A window of text is encoded once, and each of its
** spans is pooled from the hidden states of its tokens, which have seen the window.
**
** A window begins with a span, the first one with the text where the span then still fits, and
** holds as many of the following spans as the model reads whole; the last one goes on behind
** its spans as far as the model reads. Every window has the prompt in front and the special
** tokens around it, which no span takes part in. A token that lies in two spans belongs to
** both.
*/
#include <string.h>

#include "pooling.h"
#include "reading.h"
#include "session.h"

/* A model without limit reads windows of so many tokens; a token rarely has more bytes than
** this, so that a window is seldom shorter for it. */
enum { UNLIMITED_TOKENS = 8192, BYTES_PER_TOKEN = 32 };

typedef struct late {
    enc_call *call;
    const enc_model *model;
    enc_text text;
    const enc_span *span;
    size_t count;
    const char *prompt; /* text */
    enum enc_truncate truncate;
    enc_finish finish;
    float *out;
    enc_error *err;
} late;

/* What is read for one pass, in the arena. */
typedef struct window {
    size_t base;      /* places of tokens are bytes behind it */
    size_t spans;     /* how many of those from `first` on it holds whole */
    enc_sequence *sequence;
} window;

/* ---- Windows ---- */

static bool is_in(const enc_token *token, size_t base, enc_span span)
{
    return !token->special && base + token->byte_end > span.start &&
           base + token->byte_start < span.end;
}

static size_t max(size_t a, size_t b) { return a > b ? a : b; }
static size_t min(size_t a, size_t b) { return a < b ? a : b; }

/* The end of the text that a window from byte `base` on may need, and *spans, how many spans
** from `first` on lie in it. */
static size_t reach(const late *l, size_t first, size_t base, size_t *spans)
{
    size_t tokens = l->model->max_tokens ? l->model->max_tokens : UNLIMITED_TOKENS;
    size_t budget = tokens * BYTES_PER_TOKEN, taken = strlen(l->prompt);
    if (l->model->max_characters)
        budget = min(budget, l->model->max_characters - min(taken, l->model->max_characters));
    budget = min(budget, l->text.size - base);
    size_t end = l->span[first].end;
    *spans = 1;
    while (first + *spans < l->count) {
        size_t longer = max(end, l->span[first + *spans].end);
        if (longer > base + budget)
            return end;
        end = longer;
        *spans += 1;
    }
    if (end >= base + budget)
        return end;
    const char *text = l->text.data + base; /* the rest is context: cut between characters */
    size_t at = budget;
    while (at > end - base && base + at < l->text.size &&
           ((unsigned char)text[at] & 0xC0) == 0x80)
        at--;
    return base + at;
}

/* Nothing was cut, and the pass has a bounded length where the model's has none; one without
** blocks, a table of vectors, takes any. */
static bool is_whole(const late *l, const enc_reading *reading)
{
    return !reading->truncated && (l->model->max_tokens > 0 || l->model->config.layers == 0 ||
                                   reading->sequence->count <= UNLIMITED_TOKENS);
}

static int read_text(const late *l, size_t base, size_t end, enum enc_truncate truncate,
                     enc_reading *out)
{
    enc_text text = {l->text.data + base, end - base};
    return enc_read(l->model, text, l->prompt, truncate, false, l->call->arena, &l->call->poll,
                    out, l->err);
}

/* Reads from byte `base` on as many spans from number `first` on as fit; 0 in out->spans: not
** even that one does. The text is read once more where the last span that fits ends. */
static int fit(const late *l, size_t first, size_t base, window *out)
{
    enc_reading reading;
    size_t spans, end = reach(l, first, base, &spans);
    *out = (window){.base = base};
    int rc = read_text(l, base, end, ENC_TRUNCATE_END, &reading);
    if (rc != ENC_OK)
        return rc;
    out->sequence = reading.sequence;
    if (is_whole(l, &reading)) {
        out->spans = spans;
        return ENC_OK;
    }
    /* The last token read may be followed by others of the same span. */
    const enc_sequence *s = reading.sequence;
    size_t most = l->model->max_tokens ? s->count : min(s->count, UNLIMITED_TOKENS), seen = 0;
    for (size_t i = 0; i < most; i++)
        if (!s->token[i].special)
            seen = max(seen, base + s->token[i].byte_start);
    size_t last = 0;
    while (out->spans < spans && l->span[first + out->spans].end <= seen)
        last = max(last, l->span[first + out->spans++].end);
    if (out->spans == 0 || out->spans == spans)
        return ENC_OK;
    rc = read_text(l, base, last, ENC_TRUNCATE_END, &reading);
    out->sequence = reading.sequence;
    return rc;
}

/* The window that begins with span number `first`. */
static int next_window(const late *l, size_t first, window *out)
{
    enc_mark mark = enc_arena_mark(l->call->arena);
    int rc = ENC_OK;
    out->spans = 0;
    if (first == 0)
        rc = fit(l, 0, 0, out);
    if (rc != ENC_OK || out->spans > 0)
        return rc;
    enc_arena_release(l->call->arena, mark);
    size_t base = l->span[first].start;
    if (first > 0 || base > 0)
        rc = fit(l, first, base, out);
    if (rc != ENC_OK || out->spans > 0)
        return rc;
    /* longer than the model reads: cut as any text is */
    enc_reading reading;
    enc_arena_release(l->call->arena, mark);
    rc = read_text(l, base, l->span[first].end, l->truncate, &reading);
    *out = (window){base, 1, reading.sequence};
    return rc;
}

/* ---- Vectors ---- */

/* x [T, D]: what is pooled. */
static int encode(const late *l, const enc_sequence *s, float **x)
{
    enc_batch batch;
    enc_arena *arena = l->call->arena;
    if (!enc_pack(l->model, s, 1, arena, &batch))
        return enc_nomem(l->err);
    batch.alone = true;
    int rc = enc_pooled_states(l->model, &l->finish, &batch, arena, &l->call->poll, x);
    if (rc == ENC_NOMEM)
        return enc_nomem(l->err);
    if (rc != ENC_OK)
        return enc_fail(l->err, rc, "interrupted");
    return ENC_OK;
}

static int pool(const late *l, size_t first, const window *w, const float *x)
{
    const size_t n = (size_t)l->finish.dimensions;
    const size_t width = (size_t)l->model->config.hidden_size;
    float *scratch = ENC_ARENA(l->call->arena, float, enc_pool_scratch(l->model, &l->finish));
    if (!scratch)
        return enc_nomem(l->err);
    size_t from = 0; /* no token before it lies in a span that is still to come */
    for (size_t i = first; i < first + w->spans; i++) {
        const enc_sequence *s = w->sequence;
        while (from < s->count &&
               (s->token[from].special ||
                w->base + s->token[from].byte_end <= l->span[i].start))
            from++;
        size_t end = from;
        while (end < s->count && is_in(&s->token[end], w->base, l->span[i]))
            end++;
        if (end > from)
            enc_pool_sequence(l->model, &l->finish, x + from * width, end - from, 0, scratch,
                              l->out + i * n);
        else
            memset(l->out + i * n, 0, n * sizeof *l->out);
    }
    return ENC_OK;
}

static int embed_window(const late *l, size_t first, size_t *spans)
{
    window w;
    float *x = NULL;
    enc_mark mark = enc_arena_mark(l->call->arena);
    int rc = next_window(l, first, &w);
    if (rc == ENC_OK && w.sequence->count > 0)
        rc = encode(l, w.sequence, &x);
    if (rc == ENC_OK)
        rc = pool(l, first, &w, x);
    *spans = w.spans;
    enc_arena_release(l->call->arena, mark);
    return rc;
}

/* ---- Interface ---- */

static int check_spans(const late *l)
{
    for (size_t i = 0; i < l->count; i++) {
        const enc_span s = l->span[i];
        if (s.start > s.end || s.end > l->text.size)
            return enc_fail(l->err, ENC_INVALID, "span %zu is bytes %zu to %zu of a text of "
                            "%zu", i, s.start, s.end, l->text.size);
        if (i > 0 && s.start < l->span[i - 1].start)
            return enc_fail(l->err, ENC_INVALID, "span %zu begins at byte %zu, before span %zu "
                            "at byte %zu", i, s.start, i - 1, l->span[i - 1].start);
    }
    return ENC_OK;
}

int enc_embed_spans(enc_session *session, const enc_model *model, enc_text text,
                    const enc_span *spans, size_t count, const enc_embed_options *options,
                    float *out, enc_error *err)
{
    static const enc_embed_options plain = ENC_EMBED_DEFAULTS;
    enc_call call;
    if (!options)
        options = &plain;
    late l = {.call = &call, .model = model, .text = text, .span = spans, .count = count,
              .truncate = options->truncate, .out = out, .err = err};
    if (options->truncate == ENC_TRUNCATE_MEAN)
        return enc_fail(err, ENC_INVALID, "truncate 'mean' reads windows of its own; spans "
                        "take end, start or error");
    int rc = enc_finish_plan(model, options, &l.finish, err);
    if (rc == ENC_OK)
        rc = enc_model_prompt(model, options->prompt, &l.prompt, err);
    if (rc == ENC_OK)
        rc = check_spans(&l);
    enc_call_begin(&call, session);
    for (size_t first = 0, done; rc == ENC_OK && first < count; first += done)
        rc = embed_window(&l, first, &done);
    enc_call_end(&call);
    return rc;
}
