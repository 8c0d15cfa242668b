/*
** embed.c - enc_embed: many texts, one vector each.
**
** The texts are put in order of length, longest first, and parted into groups of about
** GROUP_TOKENS tokens. A group is one item of work for the pool: its thread tokenizes the texts,
** packs their tokens end to end, runs one forward pass and pools each text's rows. Nothing is
** shared between groups but the model, and no result depends on the grouping (ops.h).
*/
#include <stdlib.h>
#include <string.h>

#include "pooling.h"
#include "pool.h"
#include "reading.h"
#include "session.h"
#include "words.h"

/* Enough rows for the kernels' full speed; small enough that scratch stays in the cache. The last
** groups are smaller, so that no thread is idle for long at the end. */
enum { GROUP_TOKENS = 256, LAST_GROUP_TOKENS = 48, BYTES_PER_TOKEN = 4 };

/* Readings of long texts, of which the model sees a part, don't wait for a full group. */
enum { READ_BYTES = 1024 * 1024 };

typedef struct work {
    const enc_model *model;
    const enc_text *text;
    enc_finish finish;
    const char *prompt; /* text */
    enum enc_truncate truncate;
    bool nothing_is_zero;
    const size_t *order; /* [texts] */
    const size_t *group; /* [groups + 1] places in order */
    float *out;          /* [texts, dimensions] */
    enc_embed_report *report;
    bool alone;            /* there is one group only */
    enc_poll *poll;
    pthread_mutex_t mutex; /* guards the two below */
    enc_error first;       /* of the lowest text, so that runs agree on it */
    size_t first_text;
} work;

/* Sequences that wait for a forward pass; in the arena. */
typedef struct waiting {
    enc_sequence *sequence; /* [capacity] */
    size_t count;
    size_t capacity;
    size_t rows;
} waiting;

static void note_error(work *w, size_t text, const enc_error *err)
{
    pthread_mutex_lock(&w->mutex);
    if (w->first.code == ENC_OK || text < w->first_text) {
        w->first = *err;
        w->first_text = text;
    }
    pthread_mutex_unlock(&w->mutex);
}

/* A text below `text` has failed. */
static bool failed_below(work *w, size_t text)
{
    pthread_mutex_lock(&w->mutex);
    bool failed = w->first.code != ENC_OK && w->first_text < text;
    pthread_mutex_unlock(&w->mutex);
    return failed;
}

/* ---- One forward pass ---- */

/* Writes a text's vector, or adds a window's share to it. */
static void deliver(const work *w, const enc_sequence *s, const float *vector)
{
    size_t n = (size_t)w->finish.dimensions;
    float *out = w->out + s->text * n;
    if (s->part == 1)
        memcpy(out, vector, n * sizeof *out);
    else
        w->model->ops->accumulate(1.0f / (float)s->part, vector, out, n);
}

static int encode(const work *w, const waiting *queue, enc_arena *arena)
{
    enc_batch batch;
    float *x;
    float *vector = ENC_ARENA(arena, float, (size_t)w->finish.dimensions);
    float *scratch = ENC_ARENA(arena, float, enc_pool_scratch(w->model, &w->finish));
    if (!vector || !scratch ||
        !enc_pack(w->model, queue->sequence, queue->count, arena, &batch))
        return ENC_NOMEM;
    batch.alone = w->alone;
    size_t width = (size_t)w->model->config.hidden_size;
    int rc = enc_pooled_states(w->model, &w->finish, &batch, arena, w->poll, &x);
    if (rc != ENC_OK)
        return rc;
    for (size_t i = 0; i < queue->count; i++) {
        const enc_sequence *s = &queue->sequence[i];
        enc_pool_sequence(w->model, &w->finish, x + batch.start[i] * width, s->count, s->skip,
                          scratch, vector);
        deliver(w, s, vector);
    }
    return ENC_OK;
}

static int flush(work *w, waiting *queue, enc_arena *arena, enc_error *err)
{
    enc_mark mark = enc_arena_mark(arena);
    bool wanted = queue->count > 0 && !failed_below(w, SIZE_MAX);
    int rc = wanted ? encode(w, queue, arena) : ENC_OK;
    enc_arena_release(arena, mark);
    queue->count = 0;
    queue->rows = 0;
    if (rc == ENC_NOMEM)
        return enc_nomem(err);
    return rc == ENC_OK ? ENC_OK : enc_fail(err, rc, "interrupted");
}

/* ---- A group of texts ---- */

/* The mean over windows has no length 1 even where each window's vector has. */
static void finish_windows(const work *w, size_t text)
{
    if (w->finish.unit)
        enc_vector_normalize(w->out + text * (size_t)w->finish.dimensions,
                             (size_t)w->finish.dimensions);
}

static int queue_reading(work *w, const enc_reading *reading, size_t text, waiting *queue,
                         enc_arena *arena, enc_error *err)
{
    if (reading->count > 1)
        memset(w->out + text * (size_t)w->finish.dimensions, 0,
               (size_t)w->finish.dimensions * sizeof(float));
    for (size_t i = 0; i < reading->count; i++) {
        reading->sequence[i].text = text;
        queue->sequence[queue->count++] = reading->sequence[i];
        queue->rows += reading->sequence[i].count;
        if (queue->rows < GROUP_TOKENS && queue->count < queue->capacity)
            continue;
        if (flush(w, queue, arena, err) != ENC_OK)
            return err->code;
    }
    /* windows are summed in their order, within this group: no other text's flush does it */
    if (reading->count > 1 && flush(w, queue, arena, err) == ENC_OK)
        finish_windows(w, text);
    return err->code;
}

/* A text without tokens. */
static int embed_nothing(const work *w, size_t text, enc_arena *arena, enc_error *err)
{
    const enc_model *model = w->model;
    if (model->empty_is_zero && w->finish.pooling == ENC_POOL_MEAN) {
        float *scratch = ENC_ARENA(arena, float, enc_pool_scratch(model, &w->finish));
        if (!scratch)
            return enc_nomem(err);
        enc_pool_sequence(model, &w->finish, NULL, 0, 0, scratch,
                          w->out + text * (size_t)w->finish.dimensions);
        return ENC_OK;
    }
    if (w->nothing_is_zero) {
        memset(w->out + text * (size_t)w->finish.dimensions, 0,
               (size_t)w->finish.dimensions * sizeof(float));
        return ENC_OK;
    }
    if (model->words && !model->words->spelled)
        return enc_fail(err, ENC_INVALID, "none of the text's words has a vector, so there is "
                        "nothing to embed");
    return enc_fail(err, ENC_INVALID, "the text has no tokens, so there is nothing to embed");
}

static int add_text(work *w, size_t text, waiting *queue, enc_arena *arena, enc_error *err)
{
    enc_reading reading;
    int rc = enc_read(w->model, w->text[text], w->prompt, w->truncate, w->report != NULL,
                      arena, w->poll, &reading, err);
    if (rc != ENC_OK)
        return rc;
    if (w->report)
        w->report[text] =
            (enc_embed_report){reading.total, reading.kept, reading.truncated};
    if (reading.sequence[0].count == 0)
        return embed_nothing(w, text, arena, err);
    return queue_reading(w, &reading, text, queue, arena, err);
}

/* A text whose reading fails makes the whole call fail. The error told is that of the lowest
** such text, so from then on only the texts below it are read, and nothing is computed. */
static void encode_group(void *context, size_t index, enc_arena *arena)
{
    work *w = context;
    enc_mark begin = enc_arena_mark(arena);
    enc_error err = {0};
    waiting queue = {.capacity = GROUP_TOKENS};
    size_t place = w->group[index], text = w->order[place];
    queue.sequence = ENC_ARENA(arena, enc_sequence, queue.capacity);
    if (!queue.sequence) {
        enc_nomem(&err);
        note_error(w, text, &err);
        return;
    }
    enc_mark empty = enc_arena_mark(arena);
    for (; place < w->group[index + 1]; place++) {
        text = w->order[place];
        if (failed_below(w, text))
            continue;
        err = (enc_error){0};
        if (add_text(w, text, &queue, arena, &err) != ENC_OK)
            note_error(w, text, &err);
        else if (arena->depth - empty.depth > READ_BYTES &&
                 flush(w, &queue, arena, &err) != ENC_OK)
            note_error(w, text, &err);
        if (queue.count == 0)
            enc_arena_release(arena, empty);
    }
    err = (enc_error){0};
    if (flush(w, &queue, arena, &err) != ENC_OK)
        note_error(w, text, &err);
    enc_arena_release(arena, begin);
}

/* ---- Order and groups ---- */

typedef struct sized {
    size_t size;
    size_t text;
} sized;

static int longest_first(const void *a, const void *b)
{
    const sized *x = a, *y = b;
    if (x->size != y->size)
        return x->size < y->size ? 1 : -1;
    return x->text < y->text ? -1 : 1;
}

/* The tokens of a text, as its bytes let one guess. */
static size_t guess(const work *w, size_t bytes)
{
    size_t limit = w->truncate == ENC_TRUNCATE_MEAN ? 0 : w->model->max_tokens;
    size_t tokens = bytes / BYTES_PER_TOKEN + 2;
    return limit && tokens > limit ? limit : tokens;
}

/* Of a group, where so many tokens are left to be parted. */
static size_t group_size(size_t left)
{
    size_t size = left / (2 * (size_t)enc_pool_size());
    size = size < GROUP_TOKENS ? size : GROUP_TOKENS;
    return size > LAST_GROUP_TOKENS ? size : LAST_GROUP_TOKENS;
}

/* Fills w->order and w->group; returns the number of groups, 0 if memory is out. */
static size_t arrange(work *w, size_t count, enc_arena *arena)
{
    sized *sizes = ENC_ARENA(arena, sized, count);
    size_t *order = ENC_ARENA(arena, size_t, count);
    size_t *group = ENC_ARENA(arena, size_t, count + 1);
    if (!sizes || !order || !group)
        return 0;
    size_t left = 0; /* tokens */
    for (size_t i = 0; i < count; i++) {
        sizes[i] = (sized){w->text[i].size, i};
        left += guess(w, w->text[i].size);
    }
    qsort(sizes, count, sizeof *sizes, longest_first);
    size_t groups = 0, tokens = 0, most = 0; /* of the group under way */
    for (size_t i = 0; i < count; i++) {
        order[i] = sizes[i].text;
        if (i == 0 || tokens >= most) {
            group[groups++] = i;
            most = group_size(left);
            tokens = 0;
        }
        size_t more = guess(w, sizes[i].size);
        tokens += more;
        left -= more;
    }
    group[groups] = count;
    w->order = order;
    w->group = group;
    return groups;
}

static int embed_all(work *w, size_t count, enc_arena *arena, enc_error *err)
{
    size_t groups = arrange(w, count, arena);
    if (groups == 0)
        return enc_nomem(err);
    w->alone = groups == 1;
    pthread_mutex_init(&w->mutex, NULL);
    enc_pool_run(encode_group, w, groups, false, SIZE_MAX, arena, w->poll);
    pthread_mutex_destroy(&w->mutex);
    if (atomic_load(&w->poll->stop))
        return enc_fail(err, ENC_INTERRUPTED, "interrupted");
    if (w->first.code != ENC_OK)
        return enc_fail(err, w->first.code, "%s", w->first.message);
    return ENC_OK;
}

int enc_embed(enc_session *session, const enc_model *model, const enc_text *texts,
              size_t count, const enc_embed_options *options, float *out,
              enc_embed_report *report, enc_error *err)
{
    static const enc_embed_options plain = ENC_EMBED_DEFAULTS;
    if (!options)
        options = &plain;
    work w = {.model = model, .text = texts, .truncate = options->truncate,
              .nothing_is_zero = options->nothing_is_zero, .out = out, .report = report};
    int rc = enc_finish_plan(model, options, &w.finish, err);
    if (rc == ENC_OK)
        rc = enc_model_prompt(model, options->prompt, &w.prompt, err);
    if (rc != ENC_OK || count == 0)
        return rc;
    enc_call call;
    enc_call_begin(&call, session);
    w.poll = &call.poll;
    rc = embed_all(&w, count, call.arena, err);
    enc_call_end(&call);
    return rc;
}
