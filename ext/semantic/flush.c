/*
** flush.c - see flush.h.
**
** A batch is read from NAME_pending with the texts as they are now, and each row's hash is
** compared with the one that is stored: the same text needs nothing; a text that is stored under
** an id of this batch which loses it (a row got another id) gives its vectors on; the rest is
** embedded. All of that comes before the first write.
*/
#include "flush.h"

#include <stdlib.h>
#include <string.h>

#include "embed_batch.h"
#include "pending_sum.h"
#include "query.h"
#include "rebuild.h"

enum { MOVED_BYTES = 16 << 20 }; /* of vectors that are held for rows with another id */

typedef struct waiting {
    sqlite3_int64 id;
    bool gone;
    bool fresh;
    bool any;            /* has text: [offset, offset + size) of the batch's texts */
    size_t offset, size;
    float *vector;       /* brought along, or NULL */
} waiting;

/* The vectors of a stored row that its text's new row takes over. */
typedef struct moved {
    sqlite3_uint64 hash;
    sqlite3_int64 from;
    bool taken;          /* the fields below are filled */
    ctx_chunk *chunk;
    int chunks;
    float *vectors;
} moved;

typedef struct batch {
    ctx_index *index;
    int generation;      /* that is being brought up to date */
    ctx_error *error;
    waiting *row;
    int count;
    bool all;            /* these are all that wait */
    ctx_buffer texts;
    ctx_buffer text;     /* of one row */
    moved *moved;        /* [moves], by hash */
    int moves;
    size_t moved_bytes;
    ctx_batch_row *embed; /* [embeds] */
    int embeds;
} batch;

static int no_memory(batch *b)
{
    return ctx_fail(b->error, SQLITE_NOMEM, b->index->config.name, "out of memory");
}

static void clear_moves(batch *b)
{
    for (int i = 0; i < b->moves; i++) {
        sqlite3_free(b->moved[i].chunk);
        sqlite3_free(b->moved[i].vectors);
    }
    b->moves = 0;
    b->moved_bytes = 0;
}

static void clear(batch *b)
{
    for (int i = 0; i < b->count; i++)
        sqlite3_free(b->row[i].vector);
    clear_moves(b);
    sqlite3_free(b->row);
    sqlite3_free(b->moved);
    sqlite3_free(b->embed);
    sqlite3_free(b->texts.data);
    sqlite3_free(b->text.data);
}

static int open(batch *b, ctx_index *index, int rows, ctx_error *error)
{
    sqlite3_uint64 n = (sqlite3_uint64)rows;
    *b = (batch){.index = index, .error = error};
    b->row = sqlite3_malloc64(n * sizeof *b->row);
    b->moved = sqlite3_malloc64(n * sizeof *b->moved);
    b->embed = sqlite3_malloc64(n * sizeof *b->embed);
    return b->row && b->moved && b->embed ? SQLITE_OK : no_memory(b);
}

/* ---- Reading ---- */

static int damaged(batch *b, sqlite3_int64 id)
{
    return ctx_pending_damaged(&b->index->config, id, b->error);
}

/* Keeps a copy of `size` bytes behind the texts of the batch. */
static int keep_text(batch *b, waiting *row, const void *data, size_t size)
{
    row->offset = b->texts.size;
    row->size = size;
    row->any = true;
    return ctx_buffer_append(&b->texts, data, size) == SQLITE_OK ? SQLITE_OK : no_memory(b);
}

/* The text as it is now; the row is gone where external content has lost it. */
static int read_text(batch *b, sqlite3_stmt *from, waiting *row)
{
    if (b->index->config.content == CTX_CONTENT_NONE) {
        if (sqlite3_column_type(from, CTX_PENDING_TEXT) == SQLITE_NULL)
            return SQLITE_OK;
        const void *text = sqlite3_column_blob(from, CTX_PENDING_TEXT);
        size_t length = (size_t)sqlite3_column_bytes(from, CTX_PENDING_TEXT);
        return text || !length ? keep_text(b, row, length ? text : "", length) : no_memory(b);
    }
    bool exists, any;
    int rc = ctx_content_text(b->index->content, row->id, &b->text, &exists, &any, b->error);
    row->gone = !exists;
    if (rc != SQLITE_OK || !exists || !any)
        return rc;
    return keep_text(b, row, b->text.data, b->text.size);
}

/* A vector of another length came before a rebuild with another model: the text is embedded. */
static int read_vector(batch *b, sqlite3_stmt *from, waiting *row)
{
    size_t size = (size_t)b->index->config.dimensions * sizeof(float);
    if (sqlite3_column_type(from, CTX_PENDING_VECTOR) == SQLITE_NULL)
        return SQLITE_OK;
    const void *data = sqlite3_column_blob(from, CTX_PENDING_VECTOR);
    if (size == 0)
        return damaged(b, row->id);
    if ((size_t)sqlite3_column_bytes(from, CTX_PENDING_VECTOR) != size)
        return *b->index->config.model ? SQLITE_OK : damaged(b, row->id);
    row->vector = data ? sqlite3_malloc64(size) : NULL;
    if (!row->vector)
        return no_memory(b);
    memcpy(row->vector, data, size);
    if (enc_vector_not_finite(row->vector, size / sizeof(float)) >= 0)
        return damaged(b, row->id);
    return SQLITE_OK;
}

static int read_row(batch *b, sqlite3_stmt *from)
{
    waiting *row = &b->row[b->count++];
    *row = (waiting){.id = sqlite3_column_int64(from, CTX_PENDING_ID)};
    if (!ctx_pending_sound(from))
        return damaged(b, row->id);
    row->gone = sqlite3_column_int(from, CTX_PENDING_GONE_COLUMN);
    row->fresh = sqlite3_column_int(from, CTX_PENDING_FRESH);
    if (row->gone)
        return SQLITE_OK;
    int rc = read_text(b, from, row);
    return rc == SQLITE_OK && !row->gone ? read_vector(b, from, row) : rc;
}

static int read_rows(batch *b, int rows)
{
    const ctx_config *config = &b->index->config;
    sqlite3_stmt *from;
    int rc = ctx_pending_first(b->index->pending, rows, &from, b->error);
    if (rc != SQLITE_OK)
        return rc;
    while (rc == SQLITE_OK && b->count < rows && b->texts.size < CTX_PENDING_BYTES) {
        int step = sqlite3_step(from);
        b->all = step == SQLITE_DONE; /* before `rows` have come */
        if (b->all)
            break;
        rc = step == SQLITE_ROW ? read_row(b, from)
                                : ctx_shadow_failed(b->index->db, config, step, b->error);
    }
    ctx_pending_first_read(b->index->pending, from);
    return rc;
}

/* ---- What is to be done ---- */

static enc_text text_of(const batch *b, const waiting *row)
{
    if (!row->any)
        return (enc_text){NULL, 0};
    return (enc_text){row->size ? b->texts.data + row->offset : "", row->size};
}

/* Whether the stored row is right as it is. */
static bool is_stored(const batch *b, const waiting *row, const ctx_row_entry *entry)
{
    sqlite3_uint64 hash = ctx_row_hash(b->index, text_of(b, row), row->vector);
    if (row->vector || (row->fresh && ctx_brought_vector(entry->hash)))
        return false;
    return ctx_same_text(hash, entry->hash);
}

/* Sorts out what is to be done in the generation. What it has under the id of a row that is gone
** or has another text may be what a row with another id needs: it is noted in `moved`. */
static int sort_out(batch *b)
{
    ctx_storage *storage = b->index->storage;
    sqlite3_int64 bound;
    int rc = ctx_storage_bound(storage, b->generation, &bound, b->error);
    if (rc != SQLITE_OK)
        return rc;
    for (int i = 0; i < b->count; i++) {
        waiting *row = &b->row[i];
        ctx_row_entry entry;
        bool found = false;
        if (row->id <= bound)
            rc = ctx_storage_get(storage, b->generation, row->id, &entry, &found, b->error);
        if (rc != SQLITE_OK)
            return rc;
        if (!row->gone && found && is_stored(b, row, &entry))
            continue;
        if (!row->gone)
            b->embed[b->embeds++] =
                (ctx_batch_row){row->id, text_of(b, row), row->vector};
        if (found && entry.chunks > 0 && !ctx_brought_vector(entry.hash))
            b->moved[b->moves++] = (moved){.hash = entry.hash, .from = row->id};
    }
    return SQLITE_OK;
}

static int by_hash(const void *a, const void *b)
{
    const moved *left = a, *right = b;
    return (left->hash > right->hash) - (left->hash < right->hash);
}

/* Reads the vectors of a stored row. */
static int take(batch *b, moved *m)
{
    ctx_storage *storage = b->index->storage;
    size_t dimensions = (size_t)b->index->config.dimensions;
    ctx_row_entry entry;
    bool found;
    int rc = ctx_storage_get(storage, b->generation, m->from, &entry, &found, b->error);
    if (rc != SQLITE_OK || !found)
        return rc;
    size_t chunks = (size_t)entry.chunks, bytes = chunks * dimensions * sizeof(float);
    if (bytes > MOVED_BYTES - b->moved_bytes)
        return SQLITE_OK;
    m->chunk = sqlite3_malloc64(chunks * sizeof *m->chunk);
    m->vectors = sqlite3_malloc64(bytes);
    if (!m->chunk || !m->vectors)
        return no_memory(b);
    memcpy(m->chunk, entry.chunk, chunks * sizeof *m->chunk);
    m->chunks = entry.chunks;
    for (size_t i = 0; i < chunks && rc == SQLITE_OK; i++)
        rc = ctx_storage_vector(storage, m->chunk[i].slot, m->vectors + i * dimensions,
                                b->error);
    b->moved_bytes += bytes;
    m->taken = rc == SQLITE_OK;
    return rc;
}

/* The vectors of the row's text under another id, if there are; NULL in *out if not. */
static int find_moved(batch *b, const ctx_batch_row *row, moved **out)
{
    moved key = {.hash = ctx_row_hash(b->index, row->text, NULL)};
    *out = NULL;
    if (row->vector || !row->text.size || b->moves == 0)
        return SQLITE_OK;
    moved *m = bsearch(&key, b->moved, (size_t)b->moves, sizeof *b->moved, by_hash);
    if (!m)
        return SQLITE_OK;
    int rc = m->taken ? SQLITE_OK : take(b, m);
    *out = m->taken ? m : NULL;
    return rc;
}

/* ---- Doing it ---- */

/* Rows whose text has vectors already are put, and leave the list of those to embed. `source`
** [embeds] is where they come from: all are read before the first is put. */
static int put_moved(batch *b, moved **source)
{
    int rc = SQLITE_OK, rest = 0;
    for (int i = 0; i < b->embeds && rc == SQLITE_OK; i++)
        rc = find_moved(b, &b->embed[i], &source[i]);
    for (int i = 0; i < b->embeds && rc == SQLITE_OK; i++) {
        moved *m = source[i];
        if (m)
            rc = ctx_storage_put(b->index->storage, b->generation, b->embed[i].id, m->hash,
                                 m->chunk, m->chunks, m->vectors, b->error);
        else
            b->embed[rest++] = b->embed[i];
    }
    b->embeds = rest;
    return rc;
}

static int move(batch *b)
{
    if (b->moves == 0 || b->embeds == 0)
        return SQLITE_OK;
    qsort(b->moved, (size_t)b->moves, sizeof *b->moved, by_hash);
    moved **source = sqlite3_malloc64((sqlite3_uint64)b->embeds * sizeof *source);
    if (!source)
        return no_memory(b);
    int rc = put_moved(b, source);
    sqlite3_free(source);
    return rc;
}

static int remove_gone(batch *b)
{
    int rc = SQLITE_OK;
    for (int i = 0; i < b->count && rc == SQLITE_OK; i++)
        if (b->row[i].gone)
            rc = ctx_storage_remove(b->index->storage, b->generation, b->row[i].id, b->error);
    return rc;
}

/* Brings a generation up to date with the rows that were read. */
static int write(batch *b, int generation)
{
    b->generation = generation;
    b->embeds = 0;
    clear_moves(b);
    int rc = sort_out(b);
    if (rc == SQLITE_OK)
        rc = move(b);
    if (rc == SQLITE_OK)
        rc = remove_gone(b);
    if (rc == SQLITE_OK) /* writes what was put and removed before, too */
        rc = ctx_embed_batch(b->index, generation, b->embed, b->embeds, b->error);
    return rc;
}

/* The same for the generation that a stepwise rebuild writes, with the model of that one: rows
** that it has done. The batch is in the order of ids. */
static int write_other(batch *b, const ctx_rebuild_state *state)
{
    bool same = state->dimensions == b->index->config.dimensions;
    const int count = b->count;
    ctx_rebuild_saved saved;
    int rc = ctx_rebuild_enter(b->index, state, &saved, b->error);
    if (rc != SQLITE_OK)
        return rc;
    b->count = 0;
    while (b->count < count && b->row[b->count].id < state->place) {
        waiting *row = &b->row[b->count++];
        if (!same && row->vector) {
            sqlite3_free(row->vector);
            row->vector = NULL;
        }
    }
    rc = write(b, state->generation);
    b->count = count;
    int left = ctx_rebuild_leave(b->index, &saved, b->error);
    return rc == SQLITE_OK ? left : rc;
}

static int write_all(batch *b)
{
    ctx_rebuild_state state;
    int rc = ctx_rebuild_read(b->index, &state, b->error);
    if (rc == SQLITE_OK)
        rc = write(b, b->index->config.generation);
    if (rc == SQLITE_OK && state.active)
        rc = write_other(b, &state);
    if (rc != SQLITE_OK)
        return rc;
    return ctx_pending_done(b->index->pending, b->row[b->count - 1].id, b->all, b->error);
}

int ctx_flush_batch(ctx_index *index, int rows, int *done, ctx_error *error)
{
    batch b;
    *done = 0;
    int rc = open(&b, index, rows, error);
    if (rc == SQLITE_OK)
        rc = read_rows(&b, rows);
    if (rc == SQLITE_OK && b.count > 0) {
        rc = ctx_answers_settle(index, error);
        index->wrote |= rc == SQLITE_OK;
        if (rc == SQLITE_OK)
            rc = write_all(&b);
        if (rc == SQLITE_OK)
            *done = b.count;
        else
            ctx_storage_forget(index->storage);
    }
    clear(&b);
    ctx_content_rest(index->content);
    return rc;
}
