/* rebuild.c - see rebuild.h. */
#include "rebuild.h"

#include <limits.h>
#include <string.h>

#include "compare.h"
#include "create.h"
#include "embed_batch.h"
#include "lists.h"
#include "pending.h"
#include "words.h"

enum { BATCH_ROWS = 1024, BATCH_BYTES = 4 << 20 };

/* ---- The state in NAME_config ---- */

static int damaged(const ctx_config *config, ctx_error *error)
{
    return ctx_fail(error, SQLITE_CORRUPT_VTAB, config->name,
                    "a row 'rebuild_...' of %s_config is missing or damaged: 'rebuild' makes "
                    "the index anew", config->name);
}

/* How many rows of a state there are: none, or all. */
static int count_state(sqlite3 *db, const ctx_config *config, int *count, ctx_error *error)
{
    sqlite3_stmt *rows;
    int code = ctx_shadow_prepare(db, config, &rows, error, "SELECT count(*) FROM "
                                  "\"%w\".\"%w_config\" WHERE name GLOB 'rebuild_*'");
    if (code != SQLITE_OK)
        return code;
    *count = sqlite3_step(rows) == SQLITE_ROW ? sqlite3_column_int(rows, 0) : 0;
    code = sqlite3_finalize(rows);
    return code == SQLITE_OK ? code : ctx_shadow_failed(db, config, code, error);
}

int ctx_rebuild_load(sqlite3 *db, const ctx_config *config, ctx_rebuild_state *state,
                     ctx_error *error)
{
    static const char *const names[] = {"rebuild_generation", "rebuild_place",
                                        "rebuild_dimensions"};
    enum { NUMBERS = sizeof names / sizeof *names };
    sqlite3_int64 value[NUMBERS] = {0};
    char *fingerprint;
    bool found;
    int count;
    memset(state, 0, sizeof *state);
    int code = count_state(db, config, &count, error);
    if (code != SQLITE_OK || count == 0)
        return code;
    if (count != NUMBERS + 1)
        return damaged(config, error);
    for (int i = 0; i < NUMBERS; i++) {
        code = ctx_config_get(db, config, names[i], &value[i], &found, error);
        if (code != SQLITE_OK)
            return code;
        if (!found)
            return damaged(config, error);
    }
    if (value[0] != (sqlite3_int64)config->generation + 1 || value[2] < 0 ||
        value[2] > INT_MAX)
        return damaged(config, error);
    code = ctx_config_get_text(db, config, "rebuild_fingerprint", &fingerprint, error);
    if (code != SQLITE_OK)
        return code;
    *state = (ctx_rebuild_state){.active = true, .generation = (int)value[0],
                                 .place = value[1], .dimensions = (int)value[2]};
    sqlite3_snprintf(sizeof state->fingerprint, state->fingerprint, "%s", fingerprint);
    sqlite3_free(fingerprint);
    return SQLITE_OK;
}

static int save_state(ctx_index *index, const ctx_rebuild_state *state, ctx_error *error)
{
    const ctx_config *config = &index->config;
    int code = ctx_config_put(index->db, config, "rebuild_generation", state->generation,
                              error);
    if (code == SQLITE_OK)
        code = ctx_config_put(index->db, config, "rebuild_place", state->place, error);
    if (code == SQLITE_OK)
        code = ctx_config_put(index->db, config, "rebuild_dimensions", state->dimensions,
                              error);
    if (code == SQLITE_OK)
        code = ctx_config_put_text(index->db, config, "rebuild_fingerprint",
                                   state->fingerprint, error);
    return code;
}

static int drop_state(ctx_index *index, ctx_error *error)
{
    return ctx_shadow_run(index->db, &index->config, error,
                          "DELETE FROM \"%w\".\"%w_config\" WHERE name GLOB 'rebuild_*'");
}

/* ---- The configuration of what is being written ---- */

int ctx_rebuild_enter(ctx_index *index, const ctx_rebuild_state *state,
                      ctx_rebuild_saved *saved, ctx_error *error)
{
    ctx_config *config = &index->config;
    saved->dimensions = config->dimensions;
    saved->block_rows = config->block_rows;
    saved->part_rows = config->part_rows;
    memcpy(saved->fingerprint, config->fingerprint, sizeof saved->fingerprint);
    int code = ctx_storage_write(index->storage, error);
    if (code != SQLITE_OK)
        return code;
    if (state->dimensions != config->dimensions)
        ctx_config_set_dimensions(config, state->dimensions);
    memcpy(config->fingerprint, state->fingerprint, sizeof config->fingerprint);
    return SQLITE_OK;
}

int ctx_rebuild_leave(ctx_index *index, const ctx_rebuild_saved *saved, ctx_error *error)
{
    ctx_config *config = &index->config;
    int code = SQLITE_OK;
    if (error->code == SQLITE_OK)
        code = ctx_storage_write(index->storage, error);
    else
        ctx_storage_forget(index->storage);
    config->dimensions = saved->dimensions;
    config->block_rows = saved->block_rows;
    config->part_rows = saved->part_rows;
    memcpy(config->fingerprint, saved->fingerprint, sizeof config->fingerprint);
    return code;
}

/* ---- A batch ---- */

typedef struct batch {
    ctx_index *index;
    ctx_rebuild_state *state;
    ctx_error *error;
    int count;
    size_t bytes;
    bool copies;              /* rows keep their vectors, whatever their texts */
    ctx_buffer text;
    ctx_batch_row row[BATCH_ROWS]; /* texts and vectors are the batch's */
} batch;

static void batch_clear(batch *b)
{
    for (int i = 0; i < b->count; i++) {
        sqlite3_free((void *)b->row[i].text.data);
        sqlite3_free((void *)b->row[i].vector);
    }
    b->count = 0;
    b->bytes = 0;
}

static int out_of_memory(const batch *b)
{
    return ctx_fail(b->error, SQLITE_NOMEM, b->index->config.name, "out of memory");
}

/* Puts the row into the next generation as it is in this one. */
static int copy_row(ctx_index *index, const ctx_rebuild_state *state, sqlite3_int64 id,
                    const ctx_row_entry *entry, ctx_error *error)
{
    int chunks = entry->chunks, dimensions = index->config.dimensions;
    sqlite3_uint64 hash = entry->hash, size = (sqlite3_uint64)chunks * (unsigned)dimensions;
    if (state->dimensions != dimensions)
        return ctx_fail(error, SQLITE_ERROR, index->config.name,
                        "row %lld has no text, but a vector of its own of %d numbers; the "
                        "model makes %d: delete the row first", id, dimensions, state->dimensions);
    ctx_chunk *chunk = sqlite3_malloc64(((sqlite3_uint64)chunks + 1) * sizeof *chunk);
    float *vectors = sqlite3_malloc64((size + 1) * sizeof *vectors);
    int code = SQLITE_OK;
    if (!chunk || !vectors)
        code = ctx_fail(error, SQLITE_NOMEM, index->config.name, "out of memory");
    if (code == SQLITE_OK && chunks > 0)
        memcpy(chunk, entry->chunk, (size_t)chunks * sizeof *chunk);
    for (int i = 0; i < chunks && code == SQLITE_OK; i++)
        code = ctx_storage_vector(index->storage, chunk[i].slot,
                                  vectors + (size_t)i * (size_t)dimensions, error);
    if (code == SQLITE_OK)
        code = ctx_storage_put(index->storage, state->generation, id, hash, chunk, chunks,
                               vectors, error);
    sqlite3_free(chunk);
    sqlite3_free(vectors);
    return code;
}

/* Copies the row if its vector is its own, and not one of another length beside a text. */
static int try_copy(batch *b, sqlite3_int64 id, bool any, bool *copied)
{
    ctx_index *index = b->index;
    ctx_row_entry entry;
    bool found;
    int code = ctx_storage_get(index->storage, index->config.generation, id, &entry, &found,
                               b->error);
    if (code != SQLITE_OK || !found)
        return code;
    bool same_length = b->state->dimensions == index->config.dimensions;
    *copied = b->copies || (ctx_brought_vector(entry.hash) && (same_length || !any));
    return *copied ? copy_row(index, b->state, id, &entry, b->error) : SQLITE_OK;
}

static int keep_text(batch *b, sqlite3_int64 id, enc_text text)
{
    char *own = text.data ? sqlite3_malloc64(text.size + 1) : NULL;
    if (text.data && !own)
        return out_of_memory(b);
    if (own)
        memcpy(own, text.data, text.size);
    b->row[b->count++] = (ctx_batch_row){id, {own, text.size}, NULL};
    b->bytes += text.size;
    return SQLITE_OK;
}

/* Adds the row's text, or copies the row. What is damaged is made anew from the text. */
static int batch_add(batch *b, sqlite3_int64 id)
{
    ctx_index *index = b->index;
    bool exists = true, any = false, copied = false;
    int code = SQLITE_OK;
    if (index->config.content != CTX_CONTENT_NONE)
        code = ctx_content_text(index->content, id, &b->text, &exists, &any, b->error);
    if (code != SQLITE_OK || !exists)
        return code;
    code = try_copy(b, id, any, &copied);
    if (code == SQLITE_CORRUPT_VTAB && any && !b->copies) {
        b->error->code = SQLITE_OK;
        copied = false;
    } else if (code != SQLITE_OK) {
        return code;
    }
    if (copied || b->copies)
        return SQLITE_OK;
    return keep_text(b, id, (enc_text){any ? b->text.data : NULL, any ? b->text.size : 0});
}

static int batch_write(batch *b)
{
    ctx_rebuild_saved saved;
    int code = ctx_rebuild_enter(b->index, b->state, &saved, b->error);
    if (code != SQLITE_OK)
        return code;
    if (b->count > 0)
        code = ctx_embed_batch(b->index, b->state->generation, b->row, b->count, b->error);
    int left = ctx_rebuild_leave(b->index, &saved, b->error);
    return code == SQLITE_OK ? left : code;
}

/* The next rows, at most *rows of them (-1: all), until there are enough for one batch. *end:
** there are no more. */
static int batch_fill(batch *b, sqlite3_int64 *rows, bool *end)
{
    ctx_index *index = b->index;
    int walked = 0;
    while (*rows != 0 && walked < BATCH_ROWS && b->bytes < BATCH_BYTES) {
        sqlite3_int64 id;
        bool found;
        int code = b->copies ? ctx_stored_next(index, index->config.generation,
                                               b->state->place, &id, &found, b->error)
                             : ctx_content_next(index->content, b->state->place, &id, &found,
                                                b->error);
        if (code == SQLITE_OK && found)
            code = batch_add(b, id);
        if (code != SQLITE_OK)
            return code;
        *end = !found || id == INT64_MAX;
        if (*end)
            return SQLITE_OK;
        b->state->place = id + 1;
        *rows -= *rows > 0;
        walked++;
    }
    return SQLITE_OK;
}

int ctx_rebuild_moved(ctx_index *index, sqlite3_int64 old, sqlite3_int64 id, ctx_error *error)
{
    ctx_storage *storage = index->storage;
    ctx_rebuild_state state;
    ctx_row_entry entry;
    bool found = false;
    int code = ctx_rebuild_read(index, &state, error);
    if (code != SQLITE_OK || !state.active)
        return code;
    code = ctx_storage_remove(storage, state.generation, old, error);
    if (code == SQLITE_OK)
        code = ctx_storage_remove(storage, state.generation, id, error);
    if (code == SQLITE_OK && id < state.place)
        code = ctx_storage_get(storage, index->config.generation, id, &entry, &found, error);
    if (code == SQLITE_OK && found)
        code = copy_row(index, &state, id, &entry, error);
    return code == SQLITE_OK ? ctx_storage_write(storage, error) : code;
}

/* ---- Beginning and end ---- */

static int abandon(ctx_index *index, const ctx_rebuild_state *state, ctx_error *error)
{
    int code = ctx_storage_clear(index->storage, state->generation, error);
    if (code == SQLITE_OK)
        code = ctx_storage_write(index->storage, error);
    return code == SQLITE_OK ? drop_state(index, error) : code;
}

/* What the new generation will be made with. */
static int begin(ctx_index *index, ctx_rebuild_state *state, ctx_error *error)
{
    ctx_config *config = &index->config;
    ctx_config next = {.dimensions = config->dimensions};
    enc_model *model;
    memcpy(next.fingerprint, config->fingerprint, sizeof next.fingerprint);
    if (*config->model) {
        int code = ctx_index_model_today(index, &model, error);
        if (code != SQLITE_OK)
            return code;
        ctx_config_set_model(&next, model);
    }
    if (config->content == CTX_CONTENT_NONE &&
        strcmp(next.fingerprint, config->fingerprint) != 0)
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "content='' keeps no texts that model '%s', which has fingerprint %s "
                        "now and not %s, could embed: 'delete-all', and give the rows again",
                        config->model, next.fingerprint, config->fingerprint);
    if (state->active && strcmp(state->fingerprint, next.fingerprint) == 0)
        return SQLITE_OK;
    if (state->active) {
        int code = abandon(index, state, error);
        if (code != SQLITE_OK)
            return code;
    }
    *state = (ctx_rebuild_state){.active = true, .generation = config->generation + 1,
                                 .place = INT64_MIN, .dimensions = next.dimensions};
    memcpy(state->fingerprint, next.fingerprint, sizeof state->fingerprint);
    return save_state(index, state, error);
}

/* Questions see the new generation, the old one goes: it first, by the old geometry. */
static int end(ctx_index *index, const ctx_rebuild_state *state, bool by_steps,
               ctx_error *error)
{
    ctx_config *config = &index->config;
    int code = by_steps ? ctx_words_rebuild(index->words, error) : SQLITE_OK;
    if (code == SQLITE_OK)
        code = ctx_storage_clear(index->storage, config->generation, error);
    if (code == SQLITE_OK)
        code = ctx_storage_write(index->storage, error);
    if (code == SQLITE_OK)
        code = drop_state(index, error);
    if (code != SQLITE_OK)
        return code;
    config->generation = state->generation;
    if (state->dimensions != config->dimensions)
        ctx_config_set_dimensions(config, state->dimensions);
    memcpy(config->fingerprint, state->fingerprint, sizeof config->fingerprint);
    code = ctx_lists_clear(index, error);
    return code == SQLITE_OK ? ctx_config_save(index->db, config, error) : code;
}

static int run(ctx_index *index, ctx_rebuild_state *state, sqlite3_int64 rows,
               ctx_error *error)
{
    const ctx_config *config = &index->config;
    const bool by_steps = rows >= 0;
    bool finished = false, copies = config->content == CTX_CONTENT_NONE || !*config->model;
    batch *b = sqlite3_malloc64(sizeof *b);
    if (!b)
        return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    *b = (batch){.index = index, .state = state, .error = error, .copies = copies};
    int code = SQLITE_OK;
    while (code == SQLITE_OK && rows != 0 && !finished) {
        code = batch_fill(b, &rows, &finished);
        if (code == SQLITE_OK)
            code = batch_write(b);
        batch_clear(b);
    }
    sqlite3_free(b->text.data);
    sqlite3_free(b);
    if (code != SQLITE_OK)
        return code;
    return finished ? end(index, state, by_steps, error) : save_state(index, state, error);
}

/* A failure that SQLite does not roll back by itself leaves what it has written of the new
** generation: a rebuild of all rows takes it away again, one by steps does those rows again. */
int ctx_rebuild(ctx_index *index, sqlite3_int64 rows, ctx_error *error)
{
    ctx_rebuild_state state;
    ctx_error later = {0};
    int code = ctx_rebuild_read(index, &state, error);
    if (code == SQLITE_CORRUPT_VTAB || (code == SQLITE_OK && state.active && rows < 0)) {
        error->code = SQLITE_OK;
        state = (ctx_rebuild_state){.generation = index->config.generation + 1};
        code = abandon(index, &state, error);
    }
    if (code == SQLITE_OK && rows < 0 && index->config.content != CTX_CONTENT_NONE)
        code = ctx_pending_mend(index->pending, error);
    if (code == SQLITE_OK && rows < 0) /* what fails soon, first */
        code = ctx_words_rebuild(index->words, error);
    if (code == SQLITE_OK)
        code = begin(index, &state, error);
    if (code != SQLITE_OK)
        return code;
    code = run(index, &state, rows, error);
    if (code == SQLITE_OK)
        return rows < 0 ? ctx_pending_flush(index->pending, -1, error) : code;
    ctx_storage_forget(index->storage);
    if (rows < 0)
        abandon(index, &state, &later);
    return code;
}

int ctx_delete_all(ctx_index *index, ctx_error *error)
{
    ctx_config *config = &index->config;
    ctx_rebuild_state state;
    int code = ctx_rebuild_read(index, &state, error);
    if (code == SQLITE_OK && state.active)
        code = abandon(index, &state, error);
    if (code == SQLITE_OK)
        code = ctx_storage_clear(index->storage, config->generation, error);
    if (code == SQLITE_OK)
        code = ctx_storage_write(index->storage, error);
    if (code == SQLITE_OK)
        code = ctx_pending_clear(index->pending, error);
    if (code == SQLITE_OK)
        code = ctx_words_clear(index->words, error);
    if (code == SQLITE_OK && config->content == CTX_CONTENT_OWN)
        code = ctx_shadow_run(index->db, config, error, "DELETE FROM \"%w\".\"%w_content\"");
    return code;
}
