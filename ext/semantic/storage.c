/*
** storage.c - the storage of an index: its life, and rows put, moved and removed. See storage.h
** and storage_parts.h.
*/
#include "storage_parts.h"

#include <string.h>

enum { RECORD_HEADER = 32 }; /* what SQLite puts around the data of a row, at most */

/* ---- What all files of the storage use ---- */

int ctx_storage_damaged(const ctx_storage *storage, ctx_error *error, const char *table,
                        sqlite3_int64 row, const char *why)
{
    const char *name = storage->config->name;
    return ctx_fail(error, SQLITE_CORRUPT_VTAB, name,
                    "row %lld of the table '%s_%s' is damaged: %s; run 'integrity-check' or "
                    "'rebuild'", row, name, table, why);
}

int ctx_storage_nomem(const ctx_storage *storage, ctx_error *error)
{
    return ctx_fail(error, SQLITE_NOMEM, storage->config->name, "out of memory");
}

bool ctx_grow(void **data, size_t *room, size_t count, size_t size)
{
    if (count <= *room)
        return true;
    size_t wanted = *room + *room / 2 < count ? count + 16 : *room + *room / 2;
    size_t bytes;
    if (__builtin_mul_overflow(wanted, size, &bytes))
        return false;
    void *grown = sqlite3_realloc64(*data, bytes);
    if (!grown)
        return false;
    *data = grown;
    *room = wanted;
    return true;
}

uint8_t *ctx_storage_scratch(ctx_storage *storage, size_t size)
{
    bool fits = ctx_grow((void **)&storage->scratch, &storage->scratch_room, size + 1, 1);
    return fits ? storage->scratch : NULL;
}

/* A host may set how long values are at most. Beyond that SQLite would bind NULL, and fail to
** read in the midst of things. */
static int fits(const ctx_storage *storage, ctx_error *error)
{
    const ctx_layout *l = &storage->layout;
    size_t longest = (l->size > l->part_size ? l->size : l->part_size) + RECORD_HEADER;
    int limit = sqlite3_limit(storage->db, SQLITE_LIMIT_LENGTH, -1);
    if (longest <= (size_t)limit)
        return SQLITE_OK;
    return ctx_fail(error, SQLITE_TOOBIG, storage->config->name,
                    "SQLITE_LIMIT_LENGTH of this connection is %d: a semantic index of vectors "
                    "of %d numbers needs %d", limit, l->dimensions, (int)longest);
}

int ctx_storage_layout(ctx_storage *storage, ctx_error *error)
{
    const ctx_config *config = storage->config;
    const ctx_layout *l = &storage->layout;
    if (l->dimensions && l->dimensions == config->dimensions &&
        l->rows == config->block_rows && l->part_rows == config->part_rows &&
        l->type == ctx_config_codes(config))
        return fits(storage, error);
    if (l->dimensions) { /* another model; rows without a chunk may have been put before any */
        ctx_storage_forget(storage);
        for (int i = 0; i < 2; i++)
            ctx_directory_forget(&storage->directory[i]);
        sqlite3_free(storage->code); /* their rooms are counted in codes and vectors */
        sqlite3_free(storage->vector);
        storage->code = NULL;
        storage->vector = NULL;
        storage->data_room = 0;
    }
    if (!ctx_layout_make(config, &storage->layout)) {
        storage->layout.dimensions = 0;
        return ctx_fail(error, SQLITE_CORRUPT_VTAB, config->name,
                        "blocks of %d rows in parts of %d, vectors of %d numbers: the table "
                        "'%s_config' is damaged; run 'rebuild'", config->block_rows,
                        config->part_rows, config->dimensions, config->name);
    }
    return fits(storage, error);
}

int ctx_storage_fits(ctx_storage *storage, ctx_error *error)
{
    return storage->config->dimensions > 0 ? ctx_storage_layout(storage, error) : SQLITE_OK;
}

/* ---- Life ---- */

int ctx_storage_open(sqlite3 *db, const ctx_config *config, ctx_storage **out,
                     ctx_error *error)
{
    ctx_storage *storage = sqlite3_malloc64(sizeof *storage);
    *out = storage;
    if (!storage)
        return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    memset(storage, 0, sizeof *storage);
    storage->db = db;
    storage->config = config;
    storage->cache = ctx_block_cache_open(db, config);
    if (storage->cache)
        return SQLITE_OK;
    sqlite3_free(storage);
    *out = NULL;
    return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
}

void ctx_storage_reset(ctx_storage *storage)
{
    for (int i = 0; i < CTX_STORAGE_STATEMENTS; i++) {
        sqlite3_finalize(storage->statement[i]);
        storage->statement[i] = NULL;
    }
}

void ctx_storage_close(ctx_storage *storage)
{
    if (!storage)
        return;
    ctx_storage_reset(storage);
    ctx_storage_forget(storage);
    for (int i = 0; i < 2; i++)
        ctx_directory_forget(&storage->directory[i]);
    ctx_block_cache_close(storage->cache);
    sqlite3_free(storage->changes);
    sqlite3_free(storage->slot);
    sqlite3_free(storage->code);
    sqlite3_free(storage->vector);
    sqlite3_free(storage->entry);
    sqlite3_free(storage->bucket);
    sqlite3_free(storage->chunk);
    sqlite3_free(storage->found);
    sqlite3_free(storage->scratch);
    sqlite3_free(storage);
}

void ctx_storage_forget(ctx_storage *storage)
{
    for (int i = 0; i < 2; i++)
        if (storage->directory[i].changed)
            ctx_directory_forget(&storage->directory[i]);
    ctx_slots_forget(storage);
    ctx_entries_forget(storage);
}

/* ---- Rows ---- */

/* What a failure leaves half done is no state that may be written. */
static int done(ctx_storage *storage, int code)
{
    if (code != SQLITE_OK)
        ctx_storage_forget(storage);
    return code;
}

/* Frees the slots of a row's chunks. */
static int free_chunks(ctx_storage *storage, ctx_directory *directory,
                       const ctx_entry_change *change, ctx_error *error)
{
    int code = SQLITE_OK;
    for (int i = 0; !change->gone && i < change->chunks && code == SQLITE_OK; i++)
        code = ctx_slot_free(storage, directory, storage->chunk[change->chunk + (size_t)i].slot,
                             change->id, (uint32_t)i, error);
    return code;
}

static int put(ctx_storage *storage, int generation, sqlite3_int64 id, sqlite3_uint64 hash,
               ctx_chunk *chunk, int chunks, const float *vectors, ctx_error *error)
{
    ctx_directory *directory;
    ctx_entry_change *change = NULL;
    int code = ctx_directory_open(storage, generation, &directory, error);
    if (code == SQLITE_OK)
        code = ctx_entry_touch(storage, directory, id, &change, error);
    if (code == SQLITE_OK && chunks)
        code = ctx_storage_layout(storage, error);
    if (code == SQLITE_OK)
        code = free_chunks(storage, directory, change, error);
    for (int i = 0; i < chunks && code == SQLITE_OK; i++)
        code = ctx_slot_take(storage, directory, id, (uint32_t)i,
                             vectors + (size_t)i * (size_t)storage->layout.dimensions,
                             &chunk[i].slot, error);
    if (code == SQLITE_OK)
        code = ctx_entry_set(storage, change, hash, chunk, chunks, error);
    if (code == SQLITE_OK)
        directory->changed = true;
    return code;
}

int ctx_storage_put(ctx_storage *storage, int generation, sqlite3_int64 id,
                    sqlite3_uint64 hash, ctx_chunk *chunk, int chunks, const float *vectors,
                    ctx_error *error)
{
    return done(storage, put(storage, generation, id, hash, chunk, chunks, vectors, error));
}

int ctx_storage_remove(ctx_storage *storage, int generation, sqlite3_int64 id,
                       ctx_error *error)
{
    ctx_directory *directory;
    ctx_entry_change *change = NULL;
    int code = ctx_directory_open(storage, generation, &directory, error);
    if (code == SQLITE_OK)
        code = ctx_entry_touch(storage, directory, id, &change, error);
    if (code == SQLITE_OK)
        code = free_chunks(storage, directory, change, error);
    if (code == SQLITE_OK) {
        change->gone = true;
        directory->changed = true;
    }
    return done(storage, code);
}

static int move(ctx_storage *storage, int generation, sqlite3_int64 id, sqlite3_int64 to,
                ctx_error *error)
{
    ctx_directory *directory;
    ctx_entry_change *change = NULL, *target = NULL;
    int code = ctx_directory_open(storage, generation, &directory, error);
    if (code == SQLITE_OK)
        code = ctx_entry_touch(storage, directory, id, &change, error);
    if (code != SQLITE_OK || change->gone || id == to)
        return code;
    ctx_entry_change old = *change;
    change->gone = true;
    directory->changed = true;
    code = ctx_entry_touch(storage, directory, to, &target, error);
    if (code == SQLITE_OK)
        code = free_chunks(storage, directory, target, error);
    for (int i = 0; i < old.chunks && code == SQLITE_OK; i++)
        code = ctx_slot_move(storage, directory, storage->chunk[old.chunk + (size_t)i].slot,
                             id, (uint32_t)i, to, error);
    if (code == SQLITE_OK) {
        target->gone = false;
        target->hash = old.hash;
        target->chunks = old.chunks;
        target->chunk = old.chunk;
    }
    return code;
}

int ctx_storage_move(ctx_storage *storage, int generation, sqlite3_int64 id,
                     sqlite3_int64 to, ctx_error *error)
{
    return done(storage, move(storage, generation, id, to, error));
}

/* ---- Writing ---- */

int ctx_storage_write(ctx_storage *storage, ctx_error *error)
{
    int code = ctx_slots_write(storage, error);
    if (code == SQLITE_OK)
        code = ctx_entries_write(storage, error);
    for (int i = 0; i < 2 && code == SQLITE_OK; i++)
        if (storage->directory[i].changed)
            code = ctx_directory_close(storage, &storage->directory[i], error);
    ctx_storage_forget(storage);
    return code;
}
