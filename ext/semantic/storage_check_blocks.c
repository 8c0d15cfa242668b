/*
** storage_check_blocks.c - integrity-check of NAME_codes and NAME_vectors: each block against
** the directory, its slots against the rows, its parts against its slots, its codes against the
** vectors.
*/
#include "storage_check.h"

#include <math.h>
#include <string.h>

/* Statements and memory of the walk over the blocks. */
typedef struct walk {
    ctx_check *check;
    sqlite3_stmt *block; /* of NAME_codes */
    sqlite3_stmt *part;  /* of NAME_vectors */
    sqlite3_stmt *row;   /* of NAME_rows */
    float *vector, *guess;
    uint64_t *sum, *part_sum; /* [rows] of the block and part at hand */
} walk;

static const ctx_checked_place *find_place(const ctx_check *check, sqlite3_int64 number)
{
    size_t low = 0, high = check->places;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (check->place[middle].place.entry.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < check->places && check->place[low].place.entry.number == number;
    return found ? &check->place[low] : NULL;
}

/* ---- Rows that no block names ---- */

static int check_codes_row(ctx_check *check, sqlite3_stmt *row)
{
    sqlite3_int64 number = sqlite3_column_int64(row, 0);
    if (!find_place(check, number))
        ctx_check_found(check, "codes", number, "it is a block that the directory has not");
    return SQLITE_OK;
}

static int check_vectors_row(ctx_check *check, sqlite3_stmt *row)
{
    sqlite3_int64 number = sqlite3_column_int64(row, 0);
    const ctx_layout *layout = &check->storage->layout;
    const ctx_checked_place *place = NULL;
    if (number >= 0 && layout->vectors)
        place = find_place(check, number / CTX_PARTS);
    if (!place || (place->generation == check->generation[0].generation &&
                   number % CTX_PARTS >= layout->rows / layout->part_rows))
        ctx_check_found(check, "vectors", number, "it is a part of no block");
    return SQLITE_OK;
}

/* ---- Slots ---- */

/* The row of a slot has its chunk there. */
static int check_owner(walk *w, const ctx_checked_place *place, int index,
                       const ctx_slot *slot)
{
    ctx_check *check = w->check;
    ctx_storage *storage = check->storage;
    sqlite3_bind_int(w->row, 1, place->generation);
    sqlite3_bind_int64(w->row, 2, slot->id);
    int code = sqlite3_step(w->row);
    const char *why = NULL;
    if (code == SQLITE_ROW) {
        ctx_row_entry entry = {0};
        uint64_t sum;
        why = ctx_entry_read(storage, place->generation, slot->id,
                             sqlite3_column_value(w->row, 0), sqlite3_column_value(w->row, 1),
                             &entry, &sum);
        if (!why && (slot->chunk >= (uint32_t)entry.chunks ||
                     entry.chunk[slot->chunk].slot !=
                         place->place.entry.number * storage->layout.rows + index))
            why = "its chunks do not lie where the blocks have them";
    } else if (code == SQLITE_DONE) {
        why = "it is missing, and a block has it";
    } else {
        code = ctx_shadow_failed(storage->db, storage->config, code, check->error);
        sqlite3_reset(w->row);
        return code;
    }
    sqlite3_reset(w->row);
    if (why && !*why)
        return ctx_storage_nomem(storage, check->error);
    if (why)
        ctx_check_found(check, "rows", slot->id, why);
    return SQLITE_OK;
}

/* Whether a code is one of the vector: no further from it than its error says. */
static bool fits(const walk *w, const ctx_slot *slot)
{
    const ctx_storage *storage = w->check->storage;
    const ctx_layout *layout = &storage->layout;
    bool cosine = storage->config->metric == ENC_COSINE;
    double square = 0, away = 0;
    for (int i = 0; i < layout->dimensions; i++)
        square += (double)w->vector[i] * w->vector[i];
    if (cosine && square == 0)
        return slot->numbers.scale == 0 && isinf(slot->numbers.offset);
    double length = cosine ? sqrt(square) : 1;
    ctx_slot_vector(layout, slot, w->guess);
    for (int i = 0; i < layout->dimensions; i++) {
        double d = w->vector[i] / length - w->guess[i];
        away += d * d;
    }
    double offset = storage->config->metric == ENC_L2 ? -square / 2 : 0;
    double slack = 1e-5 * (sqrt(square) / length + 1e-30);
    return sqrt(away) <= slot->numbers.error * (1 + 1e-5) + slack &&
           fabs(slot->numbers.offset - offset) <= 1e-5 * square + 1e-30;
}

/* ---- Parts ---- */

/* What is wrong with the data of a part, in the row at hand. */
static const char *part_flaw(walk *w, const ctx_checked_place *place, sqlite3_int64 number,
                             const uint8_t *body, int first)
{
    const ctx_layout *l = &w->check->storage->layout;
    const uint8_t *data = sqlite3_column_blob(w->part, 0);
    size_t size = (size_t)sqlite3_column_bytes(w->part, 0);
    if (!data || sqlite3_column_type(w->part, 0) != SQLITE_BLOB || size != l->part_size)
        return "its data is no BLOB, or has the wrong length";
    ctx_block_header header;
    uint64_t *sums = w->part_sum;
    memcpy(&header, data, sizeof header);
    memcpy(sums, data + l->sums, (size_t)l->part_rows * sizeof *sums);
    const char *why = ctx_block_flaw(l, true, number, place->generation, &header, sums, size);
    for (int i = 0; i < l->part_rows && !why; i++) {
        ctx_slot slot;
        memcpy(w->vector, data + l->part_vectors + (size_t)i * l->vector_size,
               l->vector_size);
        ctx_slot_read(l, body, first + i, &slot);
        if (!ctx_vector_verify(l, i, sums[i], w->vector) || !sums[i] != !w->sum[first + i])
            why = "the checksum of a vector does not fit";
        else if (sums[i] && !fits(w, &slot))
            why = "a vector is not the one of its code";
    }
    return why;
}

/* The part of the slots from `first` on. */
static int check_part(walk *w, const ctx_checked_place *place, const uint8_t *body, int first)
{
    ctx_check *check = w->check;
    ctx_storage *storage = check->storage;
    const ctx_layout *l = &storage->layout;
    sqlite3_int64 number = ctx_part_number(l, place->place.entry.number, first);
    bool wanted = false;
    for (int i = first; i < first + l->part_rows; i++)
        wanted |= w->sum[i] != 0;
    sqlite3_bind_int64(w->part, 1, number);
    int step = sqlite3_step(w->part), code = SQLITE_OK;
    const char *why = NULL;
    if (step == SQLITE_ROW)
        why = wanted ? part_flaw(w, place, number, body, first) : "it is a part without a row";
    else if (step == SQLITE_DONE)
        why = wanted ? "it is missing" : NULL;
    else
        code = ctx_shadow_failed(storage->db, storage->config, step, check->error);
    sqlite3_reset(w->part);
    if (why)
        ctx_check_found(check, "vectors", number, why);
    return code;
}

/* ---- Blocks ---- */

/* A block whose header and sums are well. */
static int check_slots(walk *w, const ctx_checked_place *place, const uint8_t *body)
{
    ctx_check *check = w->check;
    const ctx_layout *layout = &check->storage->layout;
    sqlite3_int64 number = place->place.entry.number;
    if (ctx_block_verify(layout, w->sum, body) >= 0)
        ctx_check_found(check, "codes", number, "the checksum of a slot does not fit");
    int used = 0, code = SQLITE_OK;
    for (int i = 0; i < layout->rows && code == SQLITE_OK && !check->stopped; i++) {
        ctx_slot slot;
        ctx_slot_read(layout, body, i, &slot);
        used += w->sum[i] != 0;
        if (w->sum[i])
            code = check_owner(w, place, i, &slot);
    }
    if (used != place->place.entry.used)
        ctx_check_found(check, "codes", number,
                        "it has not as many rows as the directory says");
    for (int i = 0; layout->vectors && i < layout->rows && code == SQLITE_OK &&
                    !check->stopped; i += layout->part_rows)
        code = check_part(w, place, body, i);
    return code;
}

static int check_block(walk *w, const ctx_checked_place *place)
{
    ctx_check *check = w->check;
    ctx_storage *storage = check->storage;
    const ctx_layout *layout = &storage->layout;
    sqlite3_int64 number = place->place.entry.number;
    sqlite3_bind_int64(w->block, 1, number);
    int step = sqlite3_step(w->block);
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        return ctx_shadow_failed(storage->db, storage->config, step, check->error);
    const char *why = NULL;
    const uint8_t *data = step == SQLITE_ROW ? sqlite3_column_blob(w->block, 0) : NULL;
    size_t size = data ? (size_t)sqlite3_column_bytes(w->block, 0) : 0;
    ctx_block_header header;
    if (step == SQLITE_DONE) {
        why = "it is missing";
    } else if (!data || sqlite3_column_type(w->block, 0) != SQLITE_BLOB ||
               size != layout->size) {
        why = "its data is no BLOB, or has the wrong length";
    } else {
        memcpy(&header, data, sizeof header);
        memcpy(w->sum, data + layout->sums, (size_t)layout->rows * sizeof *w->sum);
        why = ctx_block_flaw(layout, false, number, place->generation, &header, w->sum, size);
        if (!why && header.stamp != place->place.entry.stamp)
            why = "its stamp is not the one of the directory";
    }
    if (!why)
        return check_slots(w, place, data + layout->body);
    ctx_check_found(check, "codes", number, why);
    return SQLITE_OK;
}

static int open_walk(walk *w)
{
    ctx_storage *storage = w->check->storage;
    const ctx_layout *layout = &storage->layout;
    w->vector = sqlite3_malloc64(layout->vector_size);
    w->guess = sqlite3_malloc64(layout->vector_size);
    w->sum = sqlite3_malloc64((size_t)layout->rows * sizeof *w->sum);
    w->part_sum = sqlite3_malloc64((size_t)layout->part_rows * sizeof *w->part_sum);
    if (!w->vector || !w->guess || !w->sum || !w->part_sum)
        return ctx_storage_nomem(storage, w->check->error);
    ctx_error *error = w->check->error;
    int code = ctx_shadow_prepare(storage->db, storage->config, &w->block, error,
                                  "SELECT data FROM \"%w\".\"%w_codes\" WHERE block = ?1");
    if (code == SQLITE_OK)
        code = ctx_shadow_prepare(storage->db, storage->config, &w->part, error,
                                  "SELECT data FROM \"%w\".\"%w_vectors\" WHERE part = ?1");
    if (code == SQLITE_OK)
        code = ctx_shadow_prepare(storage->db, storage->config, &w->row, error,
                                  "SELECT hash, chunks FROM \"%w\".\"%w_rows\""
                                  " WHERE generation = ?1 AND id = ?2");
    return code;
}

int ctx_check_blocks(ctx_check *check)
{
    walk w = {.check = check};
    int code = SQLITE_OK;
    if (check->places)
        code = open_walk(&w);
    for (size_t i = 0; i < check->places && code == SQLITE_OK && !check->stopped; i++) {
        if (check->place[i].generation == check->generation[0].generation)
            code = check_block(&w, &check->place[i]);
        sqlite3_reset(w.block);
    }
    sqlite3_finalize(w.block);
    sqlite3_finalize(w.part);
    sqlite3_finalize(w.row);
    sqlite3_free(w.vector);
    sqlite3_free(w.guess);
    sqlite3_free(w.sum);
    sqlite3_free(w.part_sum);
    if (code == SQLITE_OK)
        code = ctx_check_walk(check, "SELECT block FROM \"%w\".\"%w_codes\"", check_codes_row);
    if (code == SQLITE_OK)
        code = ctx_check_walk(check, "SELECT part FROM \"%w\".\"%w_vectors\"",
                              check_vectors_row);
    return code;
}
