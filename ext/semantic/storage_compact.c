/*
** storage_compact.c - fewer blocks: rows move from the last block into free slots before it.
*/
#include "storage_parts.h"

enum { BATCH = 1024 }; /* slots that move between two writes */

/* Moves one slot; *full: there was none to move. */
static int move_one(ctx_storage *storage, ctx_directory *directory, float *vector, bool *full,
                    ctx_error *error)
{
    int last = directory->count - 1;
    while (last >= 0 && !directory->place[last].entry.used)
        last--;
    int first = directory->search;
    while (first < last && directory->place[first].entry.used == storage->layout.rows)
        first++;
    *full = first >= last;
    if (*full)
        return SQLITE_OK;
    sqlite3_int64 id, to;
    uint32_t chunk;
    ctx_entry_change *change = NULL;
    int code = ctx_slot_relocate(storage, directory, &directory->place[last], vector, &id,
                                 &chunk, &to, error);
    if (code == SQLITE_OK)
        code = ctx_entry_touch(storage, directory, id, &change, error);
    if (code == SQLITE_OK && (change->gone || chunk >= (uint32_t)change->chunks))
        code = ctx_storage_damaged(storage, error, "rows", id,
                                   "its chunks do not lie where the blocks have them");
    if (code == SQLITE_OK)
        storage->chunk[change->chunk + chunk].slot = to;
    return code;
}

int ctx_storage_compact(ctx_storage *storage, int generation, sqlite3_int64 rows, bool *done,
                        ctx_error *error)
{
    *done = true;
    if (!storage->config->dimensions)
        return SQLITE_OK;
    int code = ctx_storage_write(storage, error);
    if (code == SQLITE_OK)
        code = ctx_storage_layout(storage, error);
    if (code != SQLITE_OK)
        return code;
    float *vector = sqlite3_malloc64(storage->layout.vector_size);
    if (!vector)
        return ctx_storage_nomem(storage, error);
    *done = false;
    while (code == SQLITE_OK && !*done && rows != 0) {
        ctx_directory *directory;
        code = ctx_directory_open(storage, generation, &directory, error);
        for (int i = 0; i < BATCH && rows != 0 && code == SQLITE_OK && !*done; i++) {
            code = move_one(storage, directory, vector, done, error);
            rows -= rows > 0 && !*done;
        }
        if (code == SQLITE_OK)
            code = ctx_storage_write(storage, error);
    }
    if (code != SQLITE_OK)
        ctx_storage_forget(storage);
    sqlite3_free(vector);
    return code;
}
