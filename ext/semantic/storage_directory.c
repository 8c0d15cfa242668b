/*
** storage_directory.c - NAME_blocks: which blocks a generation has, and the totals that prove
** the directory whole. See storage_parts.h.
*/
#include "storage_parts.h"

#include <string.h>

/* ---- Rows ---- */

uint64_t ctx_place_sum(int generation, const ctx_block_entry *entry)
{
    int64_t all[5] = {entry->number, generation, (int64_t)entry->stamp, entry->used,
                      entry->list};
    return enc_checksum(all, sizeof all);
}

static uint64_t totals_sum(int generation, uint64_t stamp, sqlite3_int64 used,
                           const ctx_totals *totals)
{
    uint64_t all[7] = {(uint64_t)(int64_t)generation, stamp, (uint64_t)used};
    memcpy(all + 3, totals, offsetof(ctx_totals, checksum));
    return enc_checksum(all, sizeof all);
}

const char *ctx_place_read(const ctx_storage *storage, sqlite3_stmt *row, ctx_place *out)
{
    for (int i = 0; i < 4; i++)
        if (sqlite3_column_type(row, i) != SQLITE_INTEGER)
            return "a column that must be INTEGER is not";
    int list = sqlite3_column_type(row, 4);
    if (list != SQLITE_INTEGER && list != SQLITE_NULL)
        return "its list is neither INTEGER nor NULL";
    sqlite3_int64 used = sqlite3_column_int64(row, 3);
    sqlite3_int64 number = sqlite3_column_int64(row, 0);
    if (used < 1 || used > storage->layout.rows)
        return "more slots are used than there are, or none";
    if (number < 1 || number > INT64_MAX / CTX_PARTS - 1)
        return "its number is none of a block";
    if (list == SQLITE_INTEGER && sqlite3_column_int64(row, 4) < 0)
        return "its list is negative";
    memset(out, 0, sizeof *out);
    out->entry.number = number;
    out->entry.stamp = (uint64_t)sqlite3_column_int64(row, 2);
    out->entry.used = (int)used;
    out->entry.list = list == SQLITE_NULL ? -1 : sqlite3_column_int64(row, 4);
    out->changes = -1;
    out->sum = ctx_place_sum((int)sqlite3_column_int64(row, 1), &out->entry);
    return NULL;
}

const char *ctx_totals_read(sqlite3_stmt *row, int generation, uint64_t *stamp,
                            ctx_totals *out)
{
    for (int i = 0; i < 4; i++)
        if (sqlite3_column_type(row, i) != SQLITE_INTEGER)
            return "a column that must be INTEGER is not";
    if (sqlite3_column_int64(row, 1) != generation)
        return "its generation does not fit its number";
    const void *data = sqlite3_column_blob(row, 4);
    if (sqlite3_column_type(row, 4) != SQLITE_BLOB || !data ||
        sqlite3_column_bytes(row, 4) != (int)sizeof *out)
        return "its totals are not as long as they must be";
    memcpy(out, data, sizeof *out);
    *stamp = (uint64_t)sqlite3_column_int64(row, 2);
    if (out->checksum != totals_sum(generation, *stamp, sqlite3_column_int64(row, 3), out))
        return "the checksum of its totals does not fit";
    return NULL;
}

/* ---- Reading ---- */

static int add_place(ctx_storage *storage, ctx_directory *directory, const ctx_place *place,
                     ctx_error *error)
{
    size_t room = (size_t)directory->room;
    if (!ctx_grow((void **)&directory->place, &room, (size_t)directory->count + 1,
                  sizeof *place))
        return ctx_storage_nomem(storage, error);
    directory->room = (int)room;
    directory->place[directory->count++] = *place;
    return SQLITE_OK;
}

/* Tells the cache which blocks of `old` [count] the directory shows in another state, or not at
** all; both are in the order of numbers. `old` is overwritten. */
static void outdate(const ctx_directory *directory, ctx_place *old, int count)
{
    sqlite3_uint64 *stamp = (sqlite3_uint64 *)(void *)old; /* no longer than what was read */
    size_t gone = 0;
    int k = 0;
    for (int i = 0; i < count; i++) {
        ctx_block_entry was = old[i].entry;
        while (k < directory->count && directory->place[k].entry.number < was.number)
            k++;
        if (k == directory->count || directory->place[k].entry.stamp != was.stamp)
            stamp[gone++] = was.stamp;
    }
    if (gone)
        ctx_block_cache_outdate(stamp, gone);
}

static int read_places(ctx_storage *storage, ctx_directory *directory, ctx_error *error)
{
    sqlite3_stmt *s;
    int code = ctx_storage_statement(storage, CTX_DIRECTORY, &s, error);
    if (code != SQLITE_OK)
        return code;
    uint64_t sum = 0;
    directory->count = 0;
    sqlite3_bind_int(s, 1, directory->generation);
    int step;
    while (code == SQLITE_OK && (step = sqlite3_step(s)) == SQLITE_ROW) {
        ctx_place place;
        const char *flaw = ctx_place_read(storage, s, &place);
        if (flaw)
            code = ctx_storage_damaged(storage, error, "blocks", sqlite3_column_int64(s, 0),
                                       flaw);
        else
            code = add_place(storage, directory, &place, error);
        sum += code == SQLITE_OK ? place.sum : 0;
    }
    if (code == SQLITE_OK && step != SQLITE_DONE)
        code = ctx_shadow_failed(storage->db, storage->config, step, error);
    sqlite3_reset(s);
    if (code != SQLITE_OK)
        return code;
    if (directory->totals.blocks != (uint64_t)directory->count ||
        directory->totals.directory != sum)
        return ctx_storage_damaged(storage, error, "blocks", -directory->generation,
                                   "the blocks are not those that its totals count");
    return SQLITE_OK;
}

/* A generation without totals has no row: one that has lost them is damaged. */
static int prove_empty(ctx_storage *storage, ctx_directory *directory, ctx_error *error)
{
    sqlite3_stmt *s;
    int code = ctx_storage_statement(storage, CTX_ANY_ROW, &s, error);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int(s, 1, directory->generation);
    code = sqlite3_step(s);
    if (code == SQLITE_ROW)
        code = ctx_storage_damaged(storage, error, "blocks", -directory->generation,
                                   "it is missing, and there are rows");
    else if (code == SQLITE_DONE)
        code = SQLITE_OK;
    else
        code = ctx_shadow_failed(storage->db, storage->config, code, error);
    sqlite3_reset(s);
    return code;
}

/* Reads the totals; *same: they are those of the directory in memory. */
static int read_totals(ctx_storage *storage, ctx_directory *directory, bool *same,
                       ctx_error *error)
{
    sqlite3_stmt *s;
    int code = ctx_storage_statement(storage, CTX_TOTALS, &s, error);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int(s, 1, directory->generation);
    code = sqlite3_step(s);
    *same = false;
    if (code == SQLITE_ROW) {
        uint64_t stamp = 0;
        ctx_totals totals = {0};
        const char *flaw = ctx_totals_read(s, directory->generation, &stamp, &totals);
        *same = directory->loaded && directory->stored && directory->stamp == stamp;
        directory->stamp = stamp;
        directory->totals = totals;
        directory->stored = true;
        code = flaw ? ctx_storage_damaged(storage, error, "blocks", -directory->generation,
                                          flaw) : SQLITE_OK;
    } else if (code == SQLITE_DONE) {
        directory->stored = false;
        memset(&directory->totals, 0, sizeof directory->totals);
        code = SQLITE_OK;
    } else {
        code = ctx_shadow_failed(storage->db, storage->config, code, error);
    }
    sqlite3_reset(s);
    return code;
}

/* The one of the generation, or the one to be given up for it. */
static ctx_directory *choose(ctx_storage *storage, int generation)
{
    ctx_directory *both = storage->directory;
    for (int i = 0; i < 2; i++)
        if (both[i].loaded && both[i].generation == generation)
            return &both[i];
    for (int i = 0; i < 2; i++)
        if (!both[i].loaded)
            return &both[i];
    return &both[both[0].changed || both[0].generation == storage->config->generation];
}

int ctx_directory_open(ctx_storage *storage, int generation, ctx_directory **out,
                       ctx_error *error)
{
    int code = SQLITE_OK;
    if (storage->config->dimensions) /* else no vector has come yet, and there is no block */
        code = ctx_storage_layout(storage, error);
    if (code != SQLITE_OK)
        return code;
    ctx_directory *d = choose(storage, generation);
    *out = d;
    if (d->changed && d->generation != generation)
        return ctx_storage_damaged(storage, error, "blocks", -generation,
                                   "two other generations are being written");
    if (d->changed)
        return SQLITE_OK;
    if (d->generation != generation)
        ctx_directory_forget(d);
    d->generation = generation;
    bool same;
    code = read_totals(storage, d, &same, error);
    if (code == SQLITE_OK && !same) {
        ctx_place *old = d->place;
        int count = d->loaded ? d->count : 0;
        d->loaded = d->proved = d->bounded = false;
        d->place = NULL;
        d->count = d->room = d->search = 0;
        code = read_places(storage, d, error);
        if (code == SQLITE_OK)
            outdate(d, old, count);
        sqlite3_free(old);
        if (code == SQLITE_OK && !d->stored)
            code = prove_empty(storage, d, error);
    }
    d->loaded = code == SQLITE_OK;
    return code;
}

ctx_place *ctx_directory_find(ctx_directory *directory, sqlite3_int64 number)
{
    int low = 0, high = directory->count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (directory->place[middle].entry.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < directory->count && directory->place[low].entry.number == number;
    return found ? &directory->place[low] : NULL;
}

void ctx_directory_forget(ctx_directory *directory)
{
    sqlite3_free(directory->place);
    memset(directory, 0, sizeof *directory);
}

/* ---- Changes ---- */

/* A number that neither the table nor a directory in memory has. */
static int next_number(ctx_storage *storage, sqlite3_int64 *number, ctx_error *error)
{
    sqlite3_stmt *s;
    int code = ctx_storage_statement(storage, CTX_LAST_BLOCK, &s, error);
    if (code != SQLITE_OK)
        return code;
    code = sqlite3_step(s);
    if (code != SQLITE_ROW) {
        code = ctx_shadow_failed(storage->db, storage->config, code, error);
        sqlite3_reset(s);
        return code;
    }
    sqlite3_int64 last = sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    for (int i = 0; i < 2; i++) {
        const ctx_directory *d = &storage->directory[i];
        if (d->loaded && d->count && d->place[d->count - 1].entry.number > last)
            last = d->place[d->count - 1].entry.number;
    }
    if (last > INT64_MAX / CTX_PARTS - 2)
        return ctx_storage_damaged(storage, error, "blocks", last,
                                   "its number is none of a block");
    *number = last < 0 ? 1 : last + 1;
    return SQLITE_OK;
}

static int add_block(ctx_storage *storage, ctx_directory *directory, sqlite3_int64 list,
                     ctx_place **out, ctx_error *error)
{
    ctx_place place = {.entry.list = list, .changes = -1};
    int code = next_number(storage, &place.entry.number, error);
    if (code == SQLITE_OK)
        code = add_place(storage, directory, &place, error);
    if (code == SQLITE_OK)
        *out = &directory->place[directory->count - 1];
    return code;
}

static int room_of_list(ctx_storage *storage, ctx_directory *directory, ctx_place **out,
                        ctx_error *error)
{
    ctx_rooms *rooms = storage->rooms;
    sqlite3_int64 *block = &rooms->block[rooms->list - rooms->first];
    *out = *block ? ctx_directory_find(directory, *block) : NULL;
    if (*out && (*out)->entry.used < storage->layout.rows)
        return SQLITE_OK;
    int code = add_block(storage, directory, rooms->list, out, error);
    if (code == SQLITE_OK)
        *block = (*out)->entry.number;
    return code;
}

int ctx_directory_room(ctx_storage *storage, ctx_directory *directory, ctx_place **out,
                       ctx_error *error)
{
    if (storage->rooms)
        return room_of_list(storage, directory, out, error);
    int i = directory->search;
    while (i < directory->count && (directory->place[i].entry.list >= 0 ||
                                    directory->place[i].entry.used == storage->layout.rows))
        i++;
    directory->search = i;
    if (i == directory->count)
        return add_block(storage, directory, -1, out, error);
    *out = &directory->place[i];
    return SQLITE_OK;
}

int ctx_directory_put(ctx_storage *storage, ctx_directory *directory, ctx_place *place,
                      ctx_error *error)
{
    ctx_totals *totals = &directory->totals;
    if (place->sum) { /* it is in the table */
        totals->directory -= place->sum;
        totals->blocks--;
        place->sum = 0;
    }
    sqlite3_stmt *s;
    const ctx_block_entry *entry = &place->entry;
    int code = ctx_storage_statement(
        storage, entry->used ? CTX_PUT_ENTRY : CTX_DELETE_ENTRY, &s, error);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int64(s, 1, entry->number);
    if (entry->used) {
        sqlite3_bind_int(s, 2, directory->generation);
        sqlite3_bind_int64(s, 3, (sqlite3_int64)entry->stamp);
        sqlite3_bind_int(s, 4, entry->used);
        if (entry->list >= 0)
            sqlite3_bind_int64(s, 5, entry->list);
        place->sum = ctx_place_sum(directory->generation, entry);
        totals->directory += place->sum;
        totals->blocks++;
    }
    return ctx_storage_run(storage, s, error);
}

int ctx_directory_close(ctx_storage *storage, ctx_directory *directory, ctx_error *error)
{
    sqlite3_int64 used = 0;
    int count = 0;
    for (int i = 0; i < directory->count; i++) {
        if (!directory->place[i].entry.used)
            continue;
        used += directory->place[i].entry.used;
        directory->place[count++] = directory->place[i];
    }
    directory->count = count;
    directory->search = 0;
    directory->stamp = enc_random();
    ctx_totals *totals = &directory->totals;
    totals->checksum = totals_sum(directory->generation, directory->stamp, used, totals);
    sqlite3_stmt *s;
    int code = ctx_storage_statement(storage, CTX_PUT_ENTRY, &s, error);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int64(s, 1, -(sqlite3_int64)directory->generation);
    sqlite3_bind_int(s, 2, directory->generation);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)directory->stamp);
    sqlite3_bind_int64(s, 4, used);
    sqlite3_bind_blob(s, 5, totals, sizeof *totals, SQLITE_STATIC);
    code = ctx_storage_run(storage, s, error);
    directory->changed = false;
    directory->stored = true;
    return code;
}
