/*
** storage_read.c - blocks for scans, vectors for rescoring.
*/
#include "storage_parts.h"

#include <string.h>

sqlite3_int64 ctx_part_number(const ctx_layout *layout, sqlite3_int64 block, int index)
{
    return block * CTX_PARTS + index / layout->part_rows;
}

int ctx_block_open(ctx_storage *storage, bool part, sqlite3_int64 number, int generation,
                   sqlite3_blob *blob, ctx_block_header *header, uint64_t *sums,
                   ctx_error *error)
{
    const ctx_layout *layout = &storage->layout;
    const char *table = part ? "vectors" : "codes";
    size_t rows = (size_t)(part ? layout->part_rows : layout->rows);
    int size = sqlite3_blob_bytes(blob), code = SQLITE_OK;
    const char *flaw = NULL;
    if (size >= CTX_HEADER_SIZE) {
        code = sqlite3_blob_read(blob, header, sizeof *header, 0);
        flaw = code == SQLITE_OK ? ctx_block_kind_flaw(part, header) : NULL;
    }
    if (!flaw && (size_t)size != (part ? layout->part_size : layout->size))
        flaw = "its data has the wrong length";
    if (code == SQLITE_OK && flaw)
        return ctx_storage_damaged(storage, error, table, number, flaw);
    if (code == SQLITE_OK)
        code = sqlite3_blob_read(blob, sums, (int)(rows * sizeof *sums), (int)layout->sums);
    if (code != SQLITE_OK)
        return ctx_storage_blob_failed(storage, table, number, code, error);
    flaw = ctx_block_flaw(layout, part, number, generation, header, sums, (size_t)size);
    return flaw ? ctx_storage_damaged(storage, error, table, number, flaw) : SQLITE_OK;
}

/* ---- Blocks ---- */

/* Compares what was read with the directory and with itself; marks the free slots. */
static const char *finish_block(const ctx_layout *layout, const ctx_block_entry *entry,
                                const ctx_block_header *header, const uint64_t *sums,
                                ctx_cached_block *block)
{
    if (header->stamp != entry->stamp)
        return "its stamp is not the one of the directory";
    if (ctx_block_verify(layout, sums, block->body) >= 0)
        return "the checksum of a slot does not fit";
    uint32_t *chunk = (uint32_t *)(void *)(block->body + layout->chunks);
    float *offset = (float *)(void *)(block->body + layout->offsets);
    int used = 0;
    for (int i = 0; i < layout->rows; i++) {
        used += sums[i] != 0;
        if (!sums[i]) {
            chunk[i] = CTX_FREE;
            offset[i] = -__builtin_inff();
        }
    }
    if (used != entry->used)
        return "it has not as many rows as the directory says";
    block->block.number = entry->number;
    block->block.stamp = entry->stamp;
    block->block.used = used;
    return NULL;
}

static int read_block(ctx_storage *storage, const ctx_block_entry *entry, int generation,
                      ctx_cached_block *block, ctx_error *error)
{
    const ctx_layout *layout = &storage->layout;
    uint64_t *sums = (uint64_t *)(void *)ctx_storage_scratch(
        storage, (size_t)layout->rows * sizeof *sums);
    if (!sums)
        return ctx_storage_nomem(storage, error);
    ctx_block_header header;
    sqlite3_blob *blob = NULL;
    int code = ctx_storage_blob(storage, "codes", entry->number, false, &blob, error);
    if (code == SQLITE_OK)
        code = ctx_block_open(storage, false, entry->number, generation, blob, &header, sums,
                              error);
    if (code == SQLITE_OK) {
        int failed = sqlite3_blob_read(blob, block->body, (int)(layout->size - layout->body),
                                       (int)layout->body);
        if (failed != SQLITE_OK)
            code = ctx_storage_blob_failed(storage, "codes", entry->number, failed, error);
    }
    sqlite3_blob_close(blob);
    if (code != SQLITE_OK)
        return code;
    const char *flaw = finish_block(layout, entry, &header, sums, block);
    return flaw ? ctx_storage_damaged(storage, error, "codes", entry->number, flaw)
                : SQLITE_OK;
}

/* The directory in memory that has the block: the one ctx_storage_blocks read. */
static const ctx_directory *directory_of(ctx_storage *storage, const ctx_block_entry *entry)
{
    for (int i = 0; i < 2; i++) {
        ctx_directory *d = &storage->directory[i];
        const ctx_place *place = d->loaded ? ctx_directory_find(d, entry->number) : NULL;
        if (place && place->entry.stamp == entry->stamp)
            return d;
    }
    return NULL;
}

/* Whether a block that was found by its stamp can be the one of the directory. Two indexes whose
** directories were made to name one stamp may have codes of other lengths. */
static bool is_block(const ctx_cached_block *block, const ctx_block_entry *entry,
                     const ctx_layout *layout)
{
    const ctx_layout *its = &block->layout;
    return block->block.number == entry->number && block->block.used == entry->used &&
           its->type == layout->type && its->vectors == layout->vectors &&
           its->dimensions == layout->dimensions && its->rows == layout->rows;
}

int ctx_storage_block(ctx_storage *storage, const ctx_block_entry *entry,
                      const ctx_block **out, ctx_error *error)
{
    *out = NULL;
    int code = ctx_storage_layout(storage, error);
    if (code != SQLITE_OK)
        return code;
    ctx_cached_block *block = ctx_block_cache_find(entry->stamp);
    if (!block) {
        const ctx_directory *directory = directory_of(storage, entry);
        if (!directory)
            return ctx_storage_damaged(storage, error, "blocks", entry->number,
                                       "it went while it was read");
        block = ctx_block_cache_make(storage->cache, &storage->layout, directory->count);
        if (!block)
            return ctx_storage_nomem(storage, error);
        code = read_block(storage, entry, directory->generation, block, error);
        if (code != SQLITE_OK) {
            ctx_block_release(&block->block);
            return code;
        }
        block = ctx_block_cache_keep(storage->cache, block, directory->count);
    }
    if (!is_block(block, entry, &storage->layout)) {
        ctx_block_release(&block->block);
        return ctx_storage_damaged(storage, error, "blocks", entry->number,
                                   "its stamp is another block's");
    }
    *out = &block->block;
    return SQLITE_OK;
}

int ctx_storage_blocks(ctx_storage *storage, int generation, ctx_block_entry **out,
                       int *count, ctx_error *error)
{
    *out = NULL;
    *count = 0;
    ctx_directory *directory;
    int code = ctx_directory_open(storage, generation, &directory, error);
    if (code != SQLITE_OK || directory->count == 0)
        return code;
    *out = sqlite3_malloc64((size_t)directory->count * sizeof **out);
    if (!*out)
        return ctx_storage_nomem(storage, error);
    for (int i = 0; i < directory->count; i++)
        (*out)[i] = directory->place[i].entry;
    *count = directory->count;
    return SQLITE_OK;
}

/* ---- Vectors ---- */

/* One vector out of a part's data. */
static const char *take_vector(const ctx_layout *layout, sqlite3_int64 number, int generation,
                               int index, const uint8_t *data, size_t size, float *out)
{
    ctx_block_header header;
    if (size != layout->part_size)
        return "its data has the wrong length";
    uint64_t sum;
    memcpy(&header, data, sizeof header);
    memcpy(&sum, data + layout->sums + (size_t)index * sizeof sum, sizeof sum);
    memcpy(out, data + layout->part_vectors + (size_t)index * layout->vector_size,
           layout->vector_size);
    const char *flaw = ctx_block_flaw(layout, true, number, generation, &header,
                                      (const uint64_t *)(const void *)(data + layout->sums),
                                      size);
    if (!flaw && (!sum || !ctx_vector_verify(layout, index, sum, out)))
        flaw = "the checksum of a vector does not fit";
    return flaw;
}

/* A vector that was put and not yet written. */
static bool find_changed(const ctx_storage *storage, const ctx_place *place, int index,
                         float *out)
{
    const ctx_layout *layout = &storage->layout;
    if (place->changes < 0)
        return false;
    int32_t which = storage->changes[place->changes].change[index];
    if (which < 0 || (storage->slot[which].moved && layout->vectors) ||
        storage->slot[which].data == CTX_FREED)
        return false;
    const ctx_slot_change *change = &storage->slot[which];
    const uint8_t *code = storage->code + change->data * layout->code_size;
    if (layout->vectors)
        memcpy(out, storage->vector + change->data * (size_t)layout->dimensions,
               layout->vector_size);
    else
        ctx_slot_vector(layout, &(ctx_slot){.numbers = change->slot.numbers,
                                            .head = code, .rest = code + layout->head_size}, out);
    return true;
}

static int read_vector(ctx_storage *storage, sqlite3_int64 block, int generation, int index,
                       float *out, ctx_error *error)
{
    const ctx_layout *layout = &storage->layout;
    sqlite3_int64 number = ctx_part_number(layout, block, index);
    sqlite3_stmt *s;
    int code = ctx_storage_statement(storage, CTX_GET_PART, &s, error);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int64(s, 1, number);
    code = sqlite3_step(s);
    if (code == SQLITE_ROW) {
        const uint8_t *data = sqlite3_column_blob(s, 0);
        const char *flaw = "its data is no BLOB";
        storage->vector_bytes += sqlite3_column_bytes(s, 0);
        if (!data && sqlite3_column_type(s, 0) == SQLITE_BLOB &&
            sqlite3_errcode(storage->db) == SQLITE_NOMEM)
            flaw = "";
        else if (data && sqlite3_column_type(s, 0) == SQLITE_BLOB)
            flaw = take_vector(layout, number, generation, index % layout->part_rows, data,
                               (size_t)sqlite3_column_bytes(s, 0), out);
        code = SQLITE_OK;
        if (flaw)
            code = *flaw ? ctx_storage_damaged(storage, error, "vectors", number, flaw)
                         : ctx_storage_nomem(storage, error);
    } else if (code == SQLITE_DONE) {
        code = ctx_storage_damaged(storage, error, "vectors", number, "it is missing");
    } else {
        code = ctx_shadow_failed(storage->db, storage->config, code, error);
    }
    sqlite3_reset(s);
    return code;
}

/* The generation that a block belongs to, as the table says; 0: there is no such block. */
static int find_generation(ctx_storage *storage, sqlite3_int64 number, int *generation,
                           ctx_error *error)
{
    sqlite3_stmt *s;
    int code = ctx_storage_statement(storage, CTX_GENERATION, &s, error);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int64(s, 1, number);
    code = sqlite3_step(s);
    *generation = code == SQLITE_ROW ? sqlite3_column_int(s, 0) : 0;
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        code = SQLITE_OK;
    else
        code = ctx_shadow_failed(storage->db, storage->config, code, error);
    sqlite3_reset(s);
    return code;
}

/* What the code in a slot stands for. */
static int read_code(ctx_storage *storage, const ctx_place *place, int index, float *out,
                     ctx_error *error)
{
    const ctx_layout *layout = &storage->layout;
    ctx_slot slot = {0};
    const ctx_block *block = NULL;
    bool taken;
    int code = SQLITE_OK;
    if (place->changes >= 0) { /* the block is no longer, or not yet, the one of its stamp */
        const ctx_changes *changes = &storage->changes[place->changes];
        uint8_t *bytes = ctx_storage_scratch(storage, layout->code_size);
        if (!bytes)
            return ctx_storage_nomem(storage, error);
        taken = changes->sum[index] != 0;
        if (taken)
            code = ctx_slot_stored(storage, changes, index, bytes, &slot, error);
        if (taken && code == SQLITE_OK)
            ctx_slot_vector(layout, &slot, out);
    } else {
        code = ctx_storage_block(storage, &place->entry, &block, error);
        taken = code == SQLITE_OK && block->chunk[index] != CTX_FREE;
        if (taken)
            ctx_block_read(block, layout->type, (size_t)layout->dimensions, (size_t)index, out);
    }
    if (code == SQLITE_OK && !taken)
        code = ctx_storage_damaged(storage, error, "codes", place->entry.number,
                                   "a slot that a row lies in is free");
    if (code == SQLITE_OK)
        storage->vector_bytes += (sqlite3_int64)layout->code_size;
    ctx_block_release(block);
    return code;
}

/* The directory and place of a block as the snapshot shows them: in the generation of questions,
** else in the one that a rebuild makes, which this connection may not have seen yet. */
static int find_block(ctx_storage *storage, sqlite3_int64 number, ctx_directory **directory,
                      ctx_place **place, ctx_error *error)
{
    int current = storage->config->generation, other = 0;
    int code = ctx_directory_open(storage, current, directory, error);
    *place = code == SQLITE_OK ? ctx_directory_find(*directory, number) : NULL;
    if (code != SQLITE_OK || *place)
        return code;
    for (int i = 0; i < 2; i++) /* a new block may be in memory alone */
        if (storage->directory[i].changed && ctx_directory_find(&storage->directory[i], number))
            other = storage->directory[i].generation;
    if (!other)
        code = find_generation(storage, number, &other, error);
    if (code == SQLITE_OK && other > 0)
        code = ctx_directory_open(storage, other, directory, error);
    if (code == SQLITE_OK && other > 0)
        *place = ctx_directory_find(*directory, number);
    if (code == SQLITE_OK && !*place)
        code = ctx_storage_damaged(storage, error, "blocks", number, "it is missing");
    return code;
}

sqlite3_int64 ctx_storage_vector_bytes(const ctx_storage *storage)
{
    return storage->vector_bytes;
}

int ctx_storage_vector(ctx_storage *storage, sqlite3_int64 slot, float *out,
                       ctx_error *error)
{
    int code = ctx_storage_layout(storage, error);
    if (code != SQLITE_OK)
        return code;
    const ctx_layout *layout = &storage->layout;
    sqlite3_int64 number = slot / layout->rows;
    int index = (int)(slot % layout->rows);
    if (slot < 0)
        return ctx_storage_damaged(storage, error, "blocks", number, "it is missing");
    ctx_directory *directory;
    ctx_place *place;
    code = find_block(storage, number, &directory, &place, error);
    if (code != SQLITE_OK || find_changed(storage, place, index, out))
        return code;
    if (layout->vectors)
        return read_vector(storage, number, directory->generation, index, out, error);
    return read_code(storage, place, index, out, error);
}

/* ---- Equal vectors ---- */

void ctx_sums_close(ctx_sums *at)
{
    sqlite3_blob_close(at->blob);
    sqlite3_free(at->sum);
    *at = (ctx_sums){0};
}

static int go_to_block(ctx_storage *storage, ctx_sums *at, sqlite3_int64 number,
                       ctx_error *error)
{
    ctx_directory *directory;
    ctx_place *place;
    at->block = at->part = 0;
    int code = find_block(storage, number, &directory, &place, error);
    if (code != SQLITE_OK)
        return code;
    at->block = number;
    at->generation = place->changes >= 0 ? 0 : directory->generation;
    return SQLITE_OK;
}

static int go_to_part(ctx_storage *storage, ctx_sums *at, sqlite3_int64 part, ctx_error *error)
{
    const size_t size = (size_t)storage->layout.part_rows * sizeof *at->sum;
    ctx_block_header header;
    at->part = 0;
    if (!at->sum)
        at->sum = sqlite3_malloc64(size);
    if (!at->sum)
        return ctx_storage_nomem(storage, error);
    int code = ctx_storage_blob(storage, "vectors", part, false, &at->blob, error);
    if (code == SQLITE_OK)
        code = ctx_block_open(storage, true, part, at->generation, at->blob, &header,
                              at->sum, error);
    if (code != SQLITE_OK)
        return code;
    storage->vector_bytes += (sqlite3_int64)(sizeof header + size);
    at->part = part;
    return SQLITE_OK;
}

int ctx_storage_holds(ctx_storage *storage, ctx_sums *at, sqlite3_int64 slot,
                      uint64_t checksum, bool *holds, ctx_error *error)
{
    *holds = false;
    int code = ctx_storage_layout(storage, error);
    const ctx_layout *layout = &storage->layout;
    if (code != SQLITE_OK || !layout->vectors || slot < 0)
        return code;
    const sqlite3_int64 block = slot / layout->rows;
    const int index = (int)(slot % layout->rows);
    if (block != at->block)
        code = go_to_block(storage, at, block, error);
    if (code != SQLITE_OK || at->generation == 0)
        return code;
    const sqlite3_int64 part = ctx_part_number(layout, block, index);
    if (part != at->part)
        code = go_to_part(storage, at, part, error);
    if (code == SQLITE_OK)
        *holds = at->sum[index % layout->part_rows] ==
                 ctx_checksum_sum(checksum, index % layout->part_rows);
    return code;
}
