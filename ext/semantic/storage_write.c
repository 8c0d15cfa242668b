/*
** storage_write.c - changed slots into NAME_codes, NAME_vectors and NAME_blocks.
**
** First everything is read that has to be, so that damage is met before the first write. Then a
** block or part that is in the table is changed in place, by runs of slots that follow each
** other, or as a whole where these are many; new ones go in as a whole, those without a slot in
** use go out.
*/
#include "storage_parts.h"

#include <string.h>

enum { MOST_RUNS = 16 }; /* with more runs of changed slots a block is written whole */

/* A part with changed slots. */
typedef struct part_change {
    ctx_changes *changes;
    int first;       /* slot */
    bool there;      /* in the table */
    bool wanted;     /* one of its slots is taken */
} part_change;

typedef struct writer {
    ctx_storage *storage;
    ctx_error *error;
    sqlite3_blob *codes, *vectors; /* handles for writing */
    part_change *part;
    uint64_t *sum;   /* [parts, part_rows] */
    size_t parts, part_room, sum_room;
    uint8_t *image;  /* of a block or part */
    uint8_t *zeros;  /* [of a code or vector] */
} writer;

static const ctx_slot_change *change_of(const writer *w, const ctx_changes *changes, int slot)
{
    int32_t which = changes->change[slot];
    return which < 0 ? NULL : &w->storage->slot[which];
}

/* The slot as it is to be written, its code where it lies now. */
static ctx_slot slot_of(const writer *w, const ctx_slot_change *change)
{
    ctx_slot slot = change->slot;
    const ctx_layout *layout = &w->storage->layout;
    slot.head = change->data == CTX_FREED ? w->zeros
                                          : w->storage->code + change->data * layout->code_size;
    slot.rest = change->data == CTX_FREED ? w->zeros : slot.head + layout->head_size;
    return slot;
}

static const uint8_t *vector_of(const writer *w, const ctx_slot_change *change)
{
    if (change->data == CTX_FREED)
        return w->zeros;
    return (const uint8_t *)(w->storage->vector +
                             change->data * (size_t)w->storage->layout.dimensions);
}

static ctx_place *place_of(const ctx_changes *changes)
{
    return ctx_directory_find(changes->directory, changes->number);
}

/* ---- Reading ahead ---- */

/* The whole of a block that will be written whole. */
static int read_block(writer *w, ctx_changes *changes)
{
    ctx_storage *storage = w->storage;
    size_t size = storage->layout.size;
    changes->data = sqlite3_malloc64(size);
    if (!changes->data)
        return ctx_storage_nomem(storage, w->error);
    int code = ctx_storage_blob(storage, "codes", changes->number, true, &w->codes, w->error);
    if (code != SQLITE_OK)
        return code;
    code = sqlite3_blob_read(w->codes, changes->data, (int)size, 0);
    if (code != SQLITE_OK)
        return ctx_storage_blob_failed(storage, "codes", changes->number, code, w->error);
    return SQLITE_OK;
}

/* Notes the part that begins at slot `first` if its vectors changed. */
static int read_part(writer *w, ctx_changes *changes, int first)
{
    ctx_storage *storage = w->storage;
    const ctx_layout *layout = &storage->layout;
    part_change part = {.changes = changes, .first = first,
                        .there = changes->part[first / layout->part_rows]};
    bool changed = false;
    for (int i = first; i < first + layout->part_rows; i++) {
        const ctx_slot_change *change = change_of(w, changes, i);
        changed |= change && !change->moved;
        part.wanted |= changes->sum[i] != 0;
    }
    if (!changed || (!part.there && !part.wanted))
        return SQLITE_OK;
    size_t rows = (size_t)layout->part_rows;
    if (!ctx_grow((void **)&w->part, &w->part_room, w->parts + 1, sizeof *w->part) ||
        !ctx_grow((void **)&w->sum, &w->sum_room, (w->parts + 1) * rows, sizeof *w->sum))
        return ctx_storage_nomem(storage, w->error);
    uint64_t *sum = w->sum + w->parts * rows;
    memset(sum, 0, rows * sizeof *sum);
    w->part[w->parts++] = part;
    if (!part.there || !part.wanted)
        return SQLITE_OK;
    ctx_block_header header;
    sqlite3_int64 number = ctx_part_number(layout, changes->number, first);
    int code = ctx_storage_blob(storage, "vectors", number, true, &w->vectors, w->error);
    if (code == SQLITE_OK)
        code = ctx_block_open(storage, true, number, changes->directory->generation,
                              w->vectors, &header, sum, w->error);
    return code;
}

/* Whether a block's changed slots are in many runs. */
static bool is_scattered(const ctx_layout *layout, const ctx_changes *changes)
{
    int runs = 0;
    for (int i = 0; i < layout->rows; i++)
        runs += changes->change[i] >= 0 && (i == 0 || changes->change[i - 1] < 0);
    return runs > MOST_RUNS;
}

static int read_ahead(writer *w)
{
    ctx_storage *storage = w->storage;
    const ctx_layout *layout = &storage->layout;
    int code = SQLITE_OK;
    for (int k = 0; k < storage->changes_count && code == SQLITE_OK; k++) {
        ctx_changes *changes = &storage->changes[k];
        if (!changes->fresh && place_of(changes)->entry.used && is_scattered(layout, changes))
            code = read_block(w, changes);
        for (int i = 0; layout->vectors && i < layout->rows && code == SQLITE_OK;
             i += layout->part_rows)
            code = read_part(w, changes, i);
    }
    return code;
}

/* ---- Blocks ---- */

static int write_piece(writer *w, sqlite3_blob *blob, const char *table, sqlite3_int64 row,
                       const void *data, size_t size, size_t at)
{
    int code = sqlite3_blob_write(blob, data, (int)size, (int)at);
    if (code != SQLITE_OK)
        return ctx_storage_blob_failed(w->storage, table, row, code, w->error);
    return SQLITE_OK;
}

/* The changed slots [first, last) of a block, one write for each array; `data` holds them where
** they belong in a block. */
static int write_run(writer *w, sqlite3_int64 number, const uint8_t *data, int first, int last)
{
    const ctx_layout *l = &w->storage->layout;
    const size_t i = (size_t)first, count = (size_t)(last - first);
    ctx_piece piece[CTX_PIECES]; /* of the first slot; the others' follow it */
    const size_t pieces = ctx_slot_pieces(l, first, &(ctx_slot){0}, piece);
    int code = write_piece(w, w->codes, "codes", number, data + l->sums + i * sizeof(uint64_t),
                           count * sizeof(uint64_t), l->sums + i * sizeof(uint64_t));
    for (size_t k = 0; k < pieces && code == SQLITE_OK; k++)
        code = write_piece(w, w->codes, "codes", number, data + l->body + piece[k].at,
                           count * piece[k].size, l->body + piece[k].at);
    return code;
}

/* Header, sums and changed slots into a block's data. */
static void fill_block(writer *w, const ctx_changes *changes, const ctx_block_header *header,
                       uint8_t *data)
{
    const ctx_layout *layout = &w->storage->layout;
    memcpy(data, header, sizeof *header);
    memcpy(data + layout->sums, changes->sum, (size_t)layout->rows * sizeof *changes->sum);
    for (int i = 0; i < layout->rows; i++) {
        const ctx_slot_change *change = change_of(w, changes, i);
        if (change) {
            ctx_slot slot = slot_of(w, change);
            ctx_slot_write(layout, data + layout->body, i, &slot);
        }
    }
}

/* Changes a block of the table in place. */
static int update_block(writer *w, ctx_changes *changes, const ctx_block_header *header)
{
    const ctx_layout *layout = &w->storage->layout;
    int code = ctx_storage_blob(w->storage, "codes", changes->number, true, &w->codes,
                                w->error);
    if (code == SQLITE_OK && changes->data) {
        fill_block(w, changes, header, changes->data);
        return write_piece(w, w->codes, "codes", changes->number, changes->data,
                           layout->size, 0);
    }
    if (code == SQLITE_OK)
        fill_block(w, changes, header, w->image);
    for (int i = 0; i < layout->rows && code == SQLITE_OK; i++) {
        const int first = i;
        while (i < layout->rows && change_of(w, changes, i))
            i++;
        if (i > first)
            code = write_run(w, changes->number, w->image, first, i);
    }
    if (code == SQLITE_OK)
        code = write_piece(w, w->codes, "codes", changes->number, header, sizeof *header, 0);
    return code;
}

/* Inserts a row of data (NULL: deletes it). */
static int put_row(writer *w, enum ctx_storage_statement which, sqlite3_int64 row,
                   const uint8_t *data, size_t size)
{
    sqlite3_stmt *s;
    int code = ctx_storage_statement(w->storage, which, &s, w->error);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int64(s, 1, row);
    if (data)
        code = sqlite3_bind_blob64(s, 2, data, size, SQLITE_STATIC);
    if (code != SQLITE_OK)
        return ctx_shadow_failed(w->storage->db, w->storage->config, code, w->error);
    return ctx_storage_run(w->storage, s, w->error);
}

/* One block under a new stamp, in place (`insert` false) or as a new row. */
static int write_block(writer *w, ctx_changes *changes, bool insert)
{
    const ctx_layout *layout = &w->storage->layout;
    ctx_place *place = place_of(changes);
    if (changes->fresh != insert || !place->entry.used)
        return SQLITE_OK;
    ctx_block_header header;
    if (!insert)
        ctx_block_cache_outdate(&place->entry.stamp, 1);
    place->entry.stamp = enc_random();
    ctx_block_seal(layout, false, changes->number, changes->directory->generation,
                   place->entry.stamp, changes->sum, &header);
    if (!insert)
        return update_block(w, changes, &header);
    memset(w->image, 0, layout->size);
    fill_block(w, changes, &header, w->image);
    return put_row(w, CTX_PUT_CODES, changes->number, w->image, layout->size);
}

/* ---- Parts ---- */

/* The vector in slot `index` of a part, if it changed, to where it belongs in the image, and its
** sum; whether it did. */
static bool fill_vector(writer *w, const part_change *part, int index, uint64_t *sum)
{
    const ctx_layout *l = &w->storage->layout;
    const ctx_slot_change *change = change_of(w, part->changes, part->first + index);
    if (!change || change->moved)
        return false;
    const uint8_t *vector = vector_of(w, change);
    memcpy(w->image + l->part_vectors + (size_t)index * l->vector_size, vector,
           l->vector_size);
    sum[index] = change->data == CTX_FREED
                     ? 0 : ctx_vector_sum(l, index, (const float *)(const void *)vector);
    return true;
}

/* One part, in place or as a new row. */
static int write_part(writer *w, size_t which, bool insert)
{
    const part_change *part = &w->part[which];
    const ctx_layout *l = &w->storage->layout;
    if (!part->wanted || part->there == insert)
        return SQLITE_OK;
    sqlite3_int64 number = ctx_part_number(l, part->changes->number, part->first);
    uint64_t *sum = w->sum + which * (size_t)l->part_rows;
    size_t sums_size = (size_t)l->part_rows * sizeof *sum;
    int code = SQLITE_OK;
    if (insert)
        memset(w->image, 0, l->part_size);
    else
        code = ctx_storage_blob(w->storage, "vectors", number, true, &w->vectors, w->error);
    for (int i = 0; i < l->part_rows && code == SQLITE_OK; i++) {
        const int first = i;
        while (i < l->part_rows && fill_vector(w, part, i, sum))
            i++;
        size_t at = l->part_vectors + (size_t)first * l->vector_size;
        if (i > first && !insert)
            code = write_piece(w, w->vectors, "vectors", number, w->image + at,
                               (size_t)(i - first) * l->vector_size, at);
    }
    memcpy(w->image + l->sums, sum, sums_size);
    ctx_block_seal(l, true, number, part->changes->directory->generation, 0, sum,
                   (ctx_block_header *)(void *)w->image);
    if (insert)
        return put_row(w, CTX_PUT_PART, number, w->image, l->part_size);
    if (code == SQLITE_OK)
        code = write_piece(w, w->vectors, "vectors", number, w->image, l->part_vectors, 0);
    return code;
}

/* ---- All ---- */

static int write_all(writer *w, bool insert)
{
    int code = SQLITE_OK;
    for (int k = 0; k < w->storage->changes_count && code == SQLITE_OK; k++)
        code = write_block(w, &w->storage->changes[k], insert);
    for (size_t k = 0; k < w->parts && code == SQLITE_OK; k++)
        code = write_part(w, k, insert);
    return code;
}

static void close_handles(writer *w)
{
    sqlite3_blob_close(w->codes);
    sqlite3_blob_close(w->vectors);
    w->codes = w->vectors = NULL;
}

/* Takes out what has no slot in use any more, and writes the directory. */
static int finish(writer *w)
{
    ctx_storage *storage = w->storage;
    int code = SQLITE_OK;
    for (size_t k = 0; k < w->parts && code == SQLITE_OK; k++) {
        const part_change *part = &w->part[k];
        if (!part->wanted)
            code = put_row(w, CTX_DELETE_PART,
                           ctx_part_number(&storage->layout, part->changes->number,
                                           part->first), NULL, 0);
    }
    for (int k = 0; k < storage->changes_count && code == SQLITE_OK; k++) {
        ctx_changes *changes = &storage->changes[k];
        ctx_place *place = place_of(changes);
        if (!place->entry.used && changes->fresh)
            continue;
        if (!place->entry.used) {
            ctx_block_cache_outdate(&place->entry.stamp, 1);
            code = put_row(w, CTX_DELETE_CODES, changes->number, NULL, 0);
        }
        if (code == SQLITE_OK)
            code = ctx_directory_put(storage, changes->directory, place, w->error);
    }
    for (int k = 0; k < storage->changes_count; k++)
        place_of(&storage->changes[k])->changes = -1;
    return code;
}

int ctx_slots_write(ctx_storage *storage, ctx_error *error)
{
    if (!storage->changes_count)
        return SQLITE_OK;
    const ctx_layout *layout = &storage->layout;
    writer w = {.storage = storage, .error = error};
    size_t zeros = layout->vector_size > layout->code_size ? layout->vector_size
                                                           : layout->code_size;
    size_t image = layout->size > layout->part_size ? layout->size : layout->part_size;
    w.zeros = sqlite3_malloc64(zeros);
    w.image = sqlite3_malloc64(image);
    int code = w.zeros && w.image ? SQLITE_OK : ctx_storage_nomem(storage, error);
    if (code == SQLITE_OK) {
        memset(w.zeros, 0, zeros);
        code = read_ahead(&w);
    }
    if (code == SQLITE_OK)
        code = write_all(&w, false);
    close_handles(&w);
    if (code == SQLITE_OK)
        code = write_all(&w, true);
    if (code == SQLITE_OK)
        code = finish(&w);
    sqlite3_free(w.zeros);
    sqlite3_free(w.image);
    sqlite3_free(w.part);
    sqlite3_free(w.sum);
    return code;
}
