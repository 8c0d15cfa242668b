/* embed_batch.c - see embed_batch.h. */
#include "embed_batch.h"

#include <string.h>

#include "characters.h"
#include "chunk.h"

enum { VECTOR_BYTES = 16 << 20 }; /* of vectors that are computed before they are put */

/* ---- Hashes ---- */

/* What rows' hashes have in common: the options and the prompt. */
typedef struct common {
    sqlite3_uint64 options, prompt;
} common;

static common common_hashes(const ctx_config *config)
{
    char options[CTX_FINGERPRINT_SIZE + 64];
    sqlite3_snprintf(sizeof options, options, "%s %d %d %d %d", config->fingerprint,
                     config->chunk, config->overlap, config->late, config->prompt != NULL);
    const char *prompt = config->prompt ? config->prompt : "";
    return (common){enc_checksum(options, strlen(options)),
                    enc_checksum(prompt, strlen(prompt))};
}

static sqlite3_uint64 row_hash(common all, enc_text text, const float *vector)
{
    const sqlite3_uint64 parts[] = {all.options, all.prompt,
                                    enc_checksum(text.size ? text.data : "", text.size)};
    sqlite3_uint64 hash = enc_checksum(parts, sizeof parts);
    return (hash & ~(sqlite3_uint64)1) | (vector != NULL);
}

sqlite3_uint64 ctx_row_hash(const ctx_index *index, enc_text text, const float *vector)
{
    return row_hash(common_hashes(&index->config), text, vector);
}

/* ---- Batches ---- */

/* A batch under way. Chunks of all its rows lie side by side; rows are embedded and put as soon
** as their chunks' vectors fill VECTOR_BYTES. */
typedef struct work {
    ctx_index *index;
    int generation;
    ctx_error *error;
    common hashes;
    enc_model *model;      /* NULL: every row brings its vector or has no text */
    enc_session *session;
    enc_embed_options options;
    size_t dimensions;
    ctx_chunks cut;        /* of the row at hand */
    enc_text *text;        /* [room] of each chunk */
    ctx_chunk *chunk;      /* [room] */
    size_t count, room;
    float *vectors;        /* [vector_room / dimensions, dimensions] */
    size_t vector_room;
} work;

static int no_memory(work *w)
{
    return ctx_fail(w->error, SQLITE_NOMEM, w->index->config.name, "out of memory");
}

static int encoder_failed(work *w, const enc_error *failure)
{
    return ctx_fail_encoder(w->error, w->index->config.name, failure);
}

static bool is_embedded(const ctx_batch_row *row)
{
    return !row->vector && row->text.size > 0;
}

/* ---- Life ---- */

static int find_model(work *w)
{
    const ctx_config *config = &w->index->config;
    enc_error failure = {0};
    int dimensions, rc = ctx_index_model(w->index, &w->model, w->error);
    if (rc != SQLITE_OK)
        return rc;
    w->session = ctx_session(w->index->connection, config->name, w->error);
    if (!w->session)
        return w->error->code;
    if (enc_embed_check(w->model, &w->options, &dimensions, &failure) != ENC_OK)
        return encoder_failed(w, &failure);
    if (dimensions == config->dimensions)
        return SQLITE_OK;
    return ctx_fail(w->error, SQLITE_CORRUPT_VTAB, config->name,
                    "the index has vectors of %d dimensions, its model '%s' makes %d: 'rebuild' "
                    "makes the index anew", config->dimensions, config->model, dimensions);
}

static int begin(work *w, const ctx_batch_row *row, int count)
{
    const ctx_config *config = &w->index->config;
    w->options = (enc_embed_options)ENC_EMBED_DEFAULTS;
    w->options.prompt = config->prompt ? config->prompt : "document";
    w->options.nothing_is_zero = true; /* a row of words unknown to the model is still a row */
    w->dimensions = (size_t)config->dimensions;
    for (int i = 0; i < count; i++)
        if (is_embedded(&row[i]))
            return find_model(w);
    return SQLITE_OK;
}

static void end(work *w)
{
    ctx_chunks_clear(&w->cut);
    sqlite3_free(w->text);
    sqlite3_free(w->chunk);
    sqlite3_free(w->vectors);
}

/* ---- Chunks ---- */

static int reserve(work *w, size_t more)
{
    if (more <= w->room - w->count)
        return SQLITE_OK;
    size_t room = w->count + more + w->room / 2 + 64;
    enc_text *text = sqlite3_realloc64(w->text, room * sizeof *text);
    if (text)
        w->text = text;
    ctx_chunk *chunk = sqlite3_realloc64(w->chunk, room * sizeof *chunk);
    if (chunk)
        w->chunk = chunk;
    if (!text || !chunk)
        return no_memory(w);
    w->room = room;
    return SQLITE_OK;
}

static void add_chunk(work *w, enc_text text, size_t start, size_t length)
{
    w->text[w->count] = text;
    w->chunk[w->count++] = (ctx_chunk){0, (sqlite3_int64)start, (sqlite3_int64)length};
}

/* Cuts the row's text and adds its chunks; *chunks says how many. Without the option `chunk` the
** text is one, and no token is looked at. */
static int cut_row(work *w, const ctx_batch_row *row, size_t *chunks)
{
    const ctx_config *config = &w->index->config;
    enc_error failure = {0};
    bool whole = row->vector || config->chunk == 0;
    *chunks = 0;
    if (!row->vector && row->text.size == 0)
        return SQLITE_OK;
    if (!whole && ctx_chunk_text(w->session, w->model, row->text, w->options.prompt,
                                 config->chunk, config->overlap, &w->cut, &failure) != ENC_OK)
        return encoder_failed(w, &failure);
    *chunks = whole ? 1 : w->cut.count;
    int rc = reserve(w, *chunks);
    if (rc != SQLITE_OK)
        return rc;
    if (whole) {
        const char *text = row->text.size ? row->text.data : "";
        add_chunk(w, row->text, 0, ctx_character_count(text, text + row->text.size));
        return SQLITE_OK;
    }
    for (size_t i = 0; i < *chunks; i++) {
        enc_span span = w->cut.span[i];
        add_chunk(w, (enc_text){row->text.data + span.start, span.end - span.start},
                  w->cut.place[i].start, w->cut.place[i].length);
    }
    return SQLITE_OK;
}

/* ---- Vectors ---- */

static int reserve_vectors(work *w, size_t count)
{
    size_t floats;
    if (__builtin_mul_overflow(count, w->dimensions, &floats) || floats > SIZE_MAX / 8)
        return no_memory(w);
    if (floats <= w->vector_room)
        return SQLITE_OK;
    sqlite3_free(w->vectors);
    w->vectors = sqlite3_malloc64(floats * sizeof *w->vectors);
    w->vector_room = w->vectors ? floats : 0;
    return w->vectors ? SQLITE_OK : no_memory(w);
}

/* The spans of a row within its text, which is encoded as one. */
static int embed_late(work *w, const ctx_batch_row *row, const enc_text *text, size_t count,
                      float *out)
{
    enc_error failure = {0};
    enc_span *span = sqlite3_malloc64(count * sizeof *span);
    if (!span)
        return no_memory(w);
    for (size_t i = 0; i < count; i++) {
        span[i].start = (size_t)(text[i].data - row->text.data);
        span[i].end = span[i].start + text[i].size;
    }
    int code = enc_embed_spans(w->session, w->model, row->text, span, count, &w->options, out,
                               &failure);
    sqlite3_free(span);
    return code == ENC_OK ? SQLITE_OK : encoder_failed(w, &failure);
}

/* The vectors of all chunks of rows that bring none; chunks [count] says how many each has. */
static int embed(work *w, const ctx_batch_row *row, const size_t *chunks, int count)
{
    const ctx_config *config = &w->index->config;
    enc_error failure = {0};
    int rc = reserve_vectors(w, w->count);
    if (rc != SQLITE_OK || w->count == 0)
        return rc;
    if (!config->late || config->chunk == 0) {
        if (enc_embed(w->session, w->model, w->text, w->count, &w->options, w->vectors, NULL,
                      &failure) != ENC_OK)
            return encoder_failed(w, &failure);
        return SQLITE_OK;
    }
    size_t at = 0;
    for (int i = 0; i < count && rc == SQLITE_OK; i++) {
        if (!row[i].vector && chunks[i])
            rc = embed_late(w, &row[i], w->text + at, chunks[i],
                            w->vectors + at * w->dimensions);
        if (!row[i].vector)
            at += chunks[i];
    }
    return rc;
}

/* ---- Rows ---- */

static int put(work *w, const ctx_batch_row *row, ctx_chunk *chunk, size_t chunks,
               const float *vectors)
{
    sqlite3_uint64 hash = row_hash(w->hashes, row->text, row->vector);
    return ctx_storage_put(w->index->storage, w->generation, row->id, hash, chunk, (int)chunks,
                           vectors, w->error);
}

/* Rows that bring a vector are put at once and leave no chunk behind. */
static int add_row(work *w, const ctx_batch_row *row, size_t *chunks)
{
    int rc = cut_row(w, row, chunks);
    if (rc == SQLITE_OK && row->vector) {
        w->count--;
        rc = put(w, row, &w->chunk[w->count], 1, row->vector);
    } else if (rc == SQLITE_OK && *chunks == 0) {
        rc = put(w, row, NULL, 0, NULL);
    }
    return rc;
}

/* Embeds the chunks gathered and puts their rows. */
static int finish_rows(work *w, const ctx_batch_row *row, const size_t *chunks, int count)
{
    size_t at = 0;
    int rc = embed(w, row, chunks, count);
    for (int i = 0; i < count && rc == SQLITE_OK; i++) {
        if (row[i].vector || chunks[i] == 0)
            continue;
        rc = put(w, &row[i], w->chunk + at, chunks[i], w->vectors + at * w->dimensions);
        at += chunks[i];
    }
    w->count = 0;
    return rc;
}

static int run(work *w, const ctx_batch_row *row, size_t *chunks, int count)
{
    const size_t most = VECTOR_BYTES / sizeof(float) / (w->dimensions ? w->dimensions : 1);
    int rc = SQLITE_OK, first = 0;
    w->hashes = common_hashes(&w->index->config); /* the model is there, if there is one */
    for (int i = 0; i < count && rc == SQLITE_OK; i++) {
        rc = add_row(w, &row[i], &chunks[i]);
        if (rc == SQLITE_OK && w->count >= most) {
            rc = finish_rows(w, row + first, chunks + first, i + 1 - first);
            first = i + 1;
        }
    }
    return rc == SQLITE_OK ? finish_rows(w, row + first, chunks + first, count - first) : rc;
}

int ctx_embed_batch(ctx_index *index, int generation, const ctx_batch_row *row, int count,
                    ctx_error *error)
{
    work w = {.index = index, .generation = generation, .error = error};
    size_t *chunks = sqlite3_malloc64(((sqlite3_uint64)count + 1) * sizeof *chunks);
    int rc = chunks ? begin(&w, row, count) : no_memory(&w);
    if (rc == SQLITE_OK)
        rc = run(&w, row, chunks, count);
    end(&w);
    sqlite3_free(chunks);
    if (rc == SQLITE_OK)
        rc = ctx_storage_write(index->storage, error);
    if (rc != SQLITE_OK)
        ctx_storage_forget(index->storage);
    return rc;
}
