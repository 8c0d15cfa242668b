/*
** storage_change.c - slots that are taken, freed and given on, in memory until
** ctx_storage_write. See storage_parts.h.
*/
#include "storage_parts.h"

#include <string.h>

/* ---- Blocks with changes ---- */

static void free_changes(ctx_changes *changes)
{
    sqlite3_free(changes->sum);
    sqlite3_free(changes->data);
}

void ctx_slots_forget(ctx_storage *storage)
{
    enum { KEPT = 4096 }; /* codes and vectors that the next batch may find room for */
    for (int i = 0; i < storage->changes_count; i++)
        free_changes(&storage->changes[i]);
    storage->changes_count = 0;
    storage->slot_count = 0;
    storage->data_count = 0;
    if (storage->data_room > KEPT) {
        sqlite3_free(storage->code);
        sqlite3_free(storage->vector);
        storage->code = NULL;
        storage->vector = NULL;
        storage->data_room = 0;
    }
}

/* The arrays of a block's slots, all free; one piece of memory, which is that of `sum`. */
static bool make_changes(const ctx_layout *layout, ctx_changes *out)
{
    size_t rows = (size_t)layout->rows;
    size_t size = rows * (sizeof *out->sum + sizeof *out->id + sizeof *out->chunk +
                          sizeof *out->change + sizeof *out->part);
    uint8_t *memory = sqlite3_malloc64(size);
    if (!memory)
        return false;
    memset(memory, 0, size);
    out->sum = (uint64_t *)(void *)memory;
    out->id = (int64_t *)(void *)(out->sum + rows);
    out->chunk = (uint32_t *)(void *)(out->id + rows);
    out->change = (int32_t *)(void *)(out->chunk + rows);
    out->part = (bool *)(void *)(out->change + rows);
    memset(out->change, 0xff, rows * sizeof *out->change); /* -1 */
    return true;
}

/* Reads what slots a block of the tables has. */
static int read_changes(ctx_storage *storage, const ctx_place *place, ctx_changes *out,
                        ctx_error *error)
{
    const ctx_layout *layout = &storage->layout;
    size_t rows = (size_t)layout->rows;
    ctx_block_header header;
    sqlite3_blob *blob = NULL;
    int code = ctx_storage_blob(storage, "codes", out->number, false, &blob, error);
    if (code == SQLITE_OK)
        code = ctx_block_open(storage, false, out->number, out->directory->generation, blob,
                              &header, out->sum, error);
    if (code == SQLITE_OK && header.stamp != place->entry.stamp)
        code = ctx_storage_damaged(storage, error, "codes", out->number,
                                   "its stamp is not the one of the directory");
    int failed = SQLITE_OK;
    if (code == SQLITE_OK)
        failed = sqlite3_blob_read(blob, out->id, (int)(rows * sizeof *out->id),
                                   (int)layout->body);
    if (code == SQLITE_OK && failed == SQLITE_OK)
        failed = sqlite3_blob_read(blob, out->chunk, (int)(rows * sizeof *out->chunk),
                                   (int)(layout->body + layout->chunks));
    if (failed != SQLITE_OK)
        code = ctx_storage_blob_failed(storage, "codes", out->number, failed, error);
    sqlite3_blob_close(blob);
    int used = 0;
    for (int i = 0; i < layout->rows && code == SQLITE_OK; i++) {
        used += out->sum[i] != 0;
        out->part[i / layout->part_rows] |= out->sum[i] != 0;
    }
    if (code == SQLITE_OK && used != place->entry.used)
        code = ctx_storage_damaged(storage, error, "codes", out->number,
                                   "it has not as many rows as the directory says");
    return code;
}

/* The changes of the block; its place may have moved in memory by then. */
static int open_changes(ctx_storage *storage, ctx_directory *directory, ctx_place *place,
                        ctx_changes **out, ctx_error *error)
{
    if (place->changes >= 0) {
        *out = &storage->changes[place->changes];
        return SQLITE_OK;
    }
    size_t room = (size_t)storage->changes_room;
    if (!ctx_grow((void **)&storage->changes, &room, (size_t)storage->changes_count + 1,
                  sizeof *storage->changes))
        return ctx_storage_nomem(storage, error);
    storage->changes_room = (int)room;
    ctx_changes made = {.directory = directory,
                        .number = place->entry.number,
                        .fresh = place->sum == 0};
    if (!make_changes(&storage->layout, &made))
        return ctx_storage_nomem(storage, error);
    int code = SQLITE_OK;
    if (!made.fresh)
        code = read_changes(storage, place, &made, error);
    if (code != SQLITE_OK) {
        free_changes(&made);
        return code;
    }
    directory->changed = true;
    place->changes = storage->changes_count;
    *out = &storage->changes[storage->changes_count++];
    **out = made;
    return SQLITE_OK;
}

/* ---- Slots ---- */

/* The slot's change, a new one if it had none. */
static int open_slot(ctx_storage *storage, ctx_changes *changes, int index,
                     ctx_slot_change **out, ctx_error *error)
{
    int32_t *which = &changes->change[index];
    if (*which < 0) {
        size_t room = (size_t)storage->slot_room;
        if (!ctx_grow((void **)&storage->slot, &room, (size_t)storage->slot_count + 1,
                      sizeof *storage->slot))
            return ctx_storage_nomem(storage, error);
        storage->slot_room = (int)room;
        *which = storage->slot_count++;
        storage->slot[*which] = (ctx_slot_change){.data = CTX_FREED};
    }
    *out = &storage->slot[*which];
    return SQLITE_OK;
}

/* Room for a code and a vector, at index *data. */
static int open_data(ctx_storage *storage, size_t *data, ctx_error *error)
{
    const ctx_layout *layout = &storage->layout;
    size_t room = storage->data_room, same = room;
    size_t vector_size = layout->vectors ? layout->vector_size : 0;
    if (!ctx_grow((void **)&storage->code, &room, storage->data_count + 1,
                  layout->code_size) ||
        (vector_size && !ctx_grow((void **)&storage->vector, &same, storage->data_count + 1,
                                  vector_size)))
        return ctx_storage_nomem(storage, error);
    storage->data_room = room;
    *data = storage->data_count++;
    return SQLITE_OK;
}

/* The code there, head and rest one after the other. */
static uint8_t *code_at(const ctx_storage *storage, size_t data)
{
    return storage->code + data * storage->layout.code_size;
}

static void set_code(const ctx_storage *storage, ctx_slot *slot, size_t data)
{
    slot->head = code_at(storage, data);
    slot->rest = slot->head + storage->layout.head_size;
}

/* The block of a slot that a row of NAME_rows names, which must hold that row's chunk. */
static int find_slot(ctx_storage *storage, ctx_directory *directory, sqlite3_int64 slot,
                     sqlite3_int64 id, uint32_t chunk, ctx_place **place,
                     ctx_changes **changes, int *index, ctx_error *error)
{
    *place = ctx_directory_find(directory, slot / storage->layout.rows);
    *index = (int)(slot % storage->layout.rows);
    if (!*place)
        return ctx_storage_damaged(storage, error, "rows", id,
                                   "it lies in a block that there is not");
    int code = open_changes(storage, directory, *place, changes, error);
    if (code == SQLITE_OK && (!(*changes)->sum[*index] || (*changes)->id[*index] != id ||
                              (*changes)->chunk[*index] != chunk))
        code = ctx_storage_damaged(storage, error, "codes", (*place)->entry.number,
                                   "a slot does not hold the row that lies there");
    return code;
}

int ctx_slot_free(ctx_storage *storage, ctx_directory *directory, sqlite3_int64 slot,
                  sqlite3_int64 id, uint32_t chunk, ctx_error *error)
{
    ctx_place *place;
    ctx_changes *changes = NULL;
    ctx_slot_change *change;
    int index;
    int code = find_slot(storage, directory, slot, id, chunk, &place, &changes, &index, error);
    if (code == SQLITE_OK)
        code = open_slot(storage, changes, index, &change, error);
    if (code != SQLITE_OK)
        return code;
    *change = (ctx_slot_change){.data = CTX_FREED};
    changes->sum[index] = 0;
    changes->id[index] = 0;
    changes->chunk[index] = 0;
    if (index < changes->search)
        changes->search = index;
    place->entry.used--;
    int at = (int)(place - directory->place);
    if (at < directory->search)
        directory->search = at;
    return SQLITE_OK;
}

/* Takes the first free slot for what is in `made`, whose code is at index `data`. */
static int take(ctx_storage *storage, ctx_directory *directory, const ctx_slot *made,
                size_t data, sqlite3_int64 *slot, ctx_error *error)
{
    const ctx_layout *layout = &storage->layout;
    ctx_place *place;
    ctx_changes *changes;
    ctx_slot_change *change;
    int code = ctx_directory_room(storage, directory, &place, error);
    if (code == SQLITE_OK)
        code = open_changes(storage, directory, place, &changes, error);
    if (code != SQLITE_OK)
        return code;
    int index = changes->search;
    while (index < layout->rows && changes->sum[index])
        index++;
    if (index == layout->rows)
        return ctx_storage_damaged(storage, error, "codes", place->entry.number,
                                   "it has no free slot, and the directory says it has");
    changes->search = index;
    code = open_slot(storage, changes, index, &change, error);
    if (code != SQLITE_OK)
        return code;
    *change = (ctx_slot_change){.slot = *made, .data = data};
    changes->sum[index] = ctx_slot_sum(layout, index, made);
    changes->id[index] = made->id;
    changes->chunk[index] = made->chunk;
    place->entry.used++;
    *slot = place->entry.number * layout->rows + index;
    return SQLITE_OK;
}

int ctx_slot_take(ctx_storage *storage, ctx_directory *directory, sqlite3_int64 id,
                  uint32_t chunk, const float *vector, sqlite3_int64 *slot, ctx_error *error)
{
    const ctx_layout *layout = &storage->layout;
    size_t data;
    int code = open_data(storage, &data, error);
    if (code != SQLITE_OK)
        return code;
    ctx_slot made = {.id = id, .chunk = chunk};
    uint8_t *head = code_at(storage, data);
    set_code(storage, &made, data);
    /* Where codes are kept alone, what the code stands for is the vector from now on. */
    if (!enc_code_make(storage->config->metric, layout->type, vector,
                       (size_t)layout->dimensions, !layout->vectors, head,
                       head + layout->head_size, &made.numbers))
        return ctx_fail(error, SQLITE_ERROR, storage->config->name,
                        "a vector of row %lld has an element that is not finite", id);
    if (layout->vectors)
        memcpy(storage->vector + data * (size_t)layout->dimensions, vector,
               layout->vector_size);
    return take(storage, directory, &made, data, slot, error);
}

int ctx_slot_stored(ctx_storage *storage, const ctx_changes *changes, int index,
                    uint8_t *code, ctx_slot *out, ctx_error *error)
{
    const ctx_layout *l = &storage->layout;
    sqlite3_blob *blob = NULL;
    int failed = ctx_storage_blob(storage, "codes", changes->number, false, &blob, error);
    if (failed != SQLITE_OK) {
        sqlite3_blob_close(blob);
        return failed;
    }
    *out = (ctx_slot){.head = code, .rest = code + l->head_size};
    ctx_piece piece[CTX_PIECES];
    size_t count = ctx_slot_pieces(l, index, out, piece);
    for (size_t k = 0; k < count && failed == SQLITE_OK; k++)
        failed = sqlite3_blob_read(blob, piece[k].data, (int)piece[k].size,
                                   (int)(l->body + piece[k].at));
    out->id = changes->id[index];
    out->chunk = changes->chunk[index];
    sqlite3_blob_close(blob);
    if (failed != SQLITE_OK)
        return ctx_storage_blob_failed(storage, "codes", changes->number, failed, error);
    if (ctx_slot_sum(l, index, out) != changes->sum[index])
        return ctx_storage_damaged(storage, error, "codes", changes->number,
                                   "the checksum of a slot does not fit");
    return SQLITE_OK;
}

int ctx_slot_move(ctx_storage *storage, ctx_directory *directory, sqlite3_int64 slot,
                  sqlite3_int64 id, uint32_t chunk, sqlite3_int64 to, ctx_error *error)
{
    ctx_place *place;
    ctx_changes *changes = NULL;
    ctx_slot_change *change = NULL;
    int index;
    int code = find_slot(storage, directory, slot, id, chunk, &place, &changes, &index, error);
    if (code == SQLITE_OK && changes->change[index] < 0) {
        size_t data = 0;
        ctx_slot old = {0};
        code = open_data(storage, &data, error);
        if (code == SQLITE_OK)
            code = ctx_slot_stored(storage, changes, index, code_at(storage, data), &old,
                                   error);
        if (code == SQLITE_OK)
            code = open_slot(storage, changes, index, &change, error);
        if (code == SQLITE_OK)
            *change = (ctx_slot_change){.slot = old, .data = data, .moved = true};
    }
    if (code != SQLITE_OK)
        return code;
    change = &storage->slot[changes->change[index]];
    change->slot.id = to;
    set_code(storage, &change->slot, change->data);
    changes->id[index] = to;
    changes->sum[index] = ctx_slot_sum(&storage->layout, index, &change->slot);
    return SQLITE_OK;
}

int ctx_slot_relocate(ctx_storage *storage, ctx_directory *directory, ctx_place *from,
                      float *vector, sqlite3_int64 *id, uint32_t *chunk, sqlite3_int64 *to,
                      ctx_error *error)
{
    const ctx_layout *layout = &storage->layout;
    ctx_changes *changes;
    ctx_slot old = {0};
    size_t data = 0;
    int code = open_changes(storage, directory, from, &changes, error);
    int index = layout->rows - 1;
    while (code == SQLITE_OK && index > 0 && !changes->sum[index])
        index--;
    sqlite3_int64 slot = from->entry.number * layout->rows + index;
    if (code == SQLITE_OK)
        code = open_data(storage, &data, error);
    if (code == SQLITE_OK)
        code = ctx_slot_stored(storage, changes, index, code_at(storage, data), &old, error);
    if (code == SQLITE_OK && layout->vectors)
        code = ctx_storage_vector(storage, slot, vector, error);
    if (code != SQLITE_OK)
        return code;
    if (layout->vectors)
        memcpy(storage->vector + data * (size_t)layout->dimensions, vector,
               layout->vector_size);
    *id = old.id;
    *chunk = old.chunk;
    code = ctx_slot_free(storage, directory, slot, old.id, old.chunk, error);
    if (code == SQLITE_OK)
        code = take(storage, directory, &old, data, to, error);
    return code;
}

int ctx_slot_copy(ctx_storage *storage, ctx_directory *directory, const ctx_block *block,
                  int index, const float *vector, sqlite3_int64 *to, ctx_error *error)
{
    const ctx_layout *layout = &storage->layout;
    const size_t i = (size_t)index;
    size_t data;
    int code = open_data(storage, &data, error);
    if (code != SQLITE_OK)
        return code;
    uint8_t *head = code_at(storage, data);
    memcpy(head, block->codes.code + i * layout->head_size, layout->head_size);
    if (layout->rest_size)
        memcpy(head + layout->head_size, block->codes.rest + i * layout->rest_size,
               layout->rest_size);
    if (layout->vectors)
        memcpy(storage->vector + data * (size_t)layout->dimensions, vector,
               layout->vector_size);
    ctx_slot old = {.id = block->id[index], .chunk = block->chunk[index],
                    .numbers = {.scale = block->codes.scale[index],
                                .error = layout->vectors ? block->codes.error[index] : 0,
                                .coarse = layout->rest_size ? block->codes.coarse[index] : 0,
                                .offset = block->codes.offset[index]}};
    set_code(storage, &old, data);
    code = ctx_slot_free(storage, directory, block->number * layout->rows + index, old.id,
                         old.chunk, error);
    return code == SQLITE_OK ? take(storage, directory, &old, data, to, error) : code;
}
