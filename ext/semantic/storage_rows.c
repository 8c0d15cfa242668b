/*
** storage_rows.c - NAME_rows: what is known about each indexed row.
**
** The column `chunks` is a BLOB: a byte for its version, the number of chunks and for each its
** slot (the difference from the one before, less one: 0 where chunks lie side by side), start
** (likewise) and length, all as varints of 7 bits a byte; then the checksum of the row, all
** columns. An entry of one chunk takes some 15 bytes.
*/
#include "storage_parts.h"

#include <string.h>

enum { ENTRY_VERSION = 1, VARINT_SIZE = 10, SUM_SIZE = 8 };

/* ---- Bytes ---- */

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
    for (; value > 0x7f; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

/* NULL: it does not end before `end`, or is longer than 64 bits. */
static const uint8_t *get_varint(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; at && at < end && shift < 64; shift += 7) {
        *value |= (uint64_t)(*at & 0x7f) << shift;
        if (!(*at++ & 0x80))
            return at;
    }
    return NULL;
}

/* Signed numbers near 0 become small ones: 0, -1, 1, -2 ... as 0, 1, 2, 3. */
static uint64_t zigzag(uint64_t value)
{
    return value << 1 ^ (value >> 63 ? UINT64_MAX : 0);
}

static uint64_t unzigzag(uint64_t value)
{
    return value >> 1 ^ (value & 1 ? UINT64_MAX : 0);
}

static uint64_t entry_sum(int generation, sqlite3_int64 id, uint64_t hash,
                          const uint8_t *data, size_t size)
{
    uint64_t all[4] = {(uint64_t)(int64_t)generation, (uint64_t)id, hash,
                       enc_checksum(data, size)};
    return enc_checksum(all, sizeof all);
}

/* Writes an entry's bytes, checksum included; how many. */
static size_t write_entry(const ctx_entry_change *entry, const ctx_chunk *chunk,
                          uint8_t *data, uint64_t *sum)
{
    uint8_t *at = data;
    uint64_t slot = UINT64_MAX, start = 0;
    *at++ = ENTRY_VERSION;
    at = put_varint(at, (uint64_t)entry->chunks);
    for (int i = 0; i < entry->chunks; i++) {
        at = put_varint(at, zigzag((uint64_t)chunk[i].slot - slot - 1));
        at = put_varint(at, zigzag((uint64_t)chunk[i].start - start));
        at = put_varint(at, zigzag((uint64_t)chunk[i].length));
        slot = (uint64_t)chunk[i].slot;
        start = (uint64_t)chunk[i].start;
    }
    *sum = entry_sum(entry->generation, entry->id, entry->hash, data, (size_t)(at - data));
    memcpy(at, sum, SUM_SIZE);
    return (size_t)(at - data) + SUM_SIZE;
}

/* The chunks of an entry's bytes; `count` was compared with the bytes there are. */
static const char *read_chunks(const uint8_t *at, const uint8_t *end, size_t count,
                               ctx_chunk *out)
{
    uint64_t slot = UINT64_MAX, start = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t a, b, c;
        at = get_varint(at, end, &a);
        at = get_varint(at, end, &b);
        at = get_varint(at, end, &c);
        if (!at)
            return "its chunks end too early";
        slot += unzigzag(a) + 1;
        start += unzigzag(b);
        out[i] = (ctx_chunk){.slot = (sqlite3_int64)slot,
                             .start = (sqlite3_int64)start,
                             .length = (sqlite3_int64)unzigzag(c)};
        if (out[i].slot < 0 || out[i].start < 0 || out[i].length < 0)
            return "a chunk's place is negative";
    }
    return at == end ? NULL : "there is more after its chunks";
}

const char *ctx_entry_read(ctx_storage *storage, int generation, sqlite3_int64 id,
                           sqlite3_value *hash, sqlite3_value *chunks, ctx_row_entry *out,
                           uint64_t *sum)
{
    if (sqlite3_value_type(hash) != SQLITE_INTEGER)
        return "its hash is not INTEGER";
    if (sqlite3_value_type(chunks) != SQLITE_BLOB)
        return "its chunks are no BLOB";
    const uint8_t *data = sqlite3_value_blob(chunks);
    size_t size = (size_t)sqlite3_value_bytes(chunks);
    if (!data || size < 2 + SUM_SIZE)
        return "its chunks are too short";
    const uint8_t *end = data + size - SUM_SIZE;
    out->hash = (uint64_t)sqlite3_value_int64(hash);
    *sum = entry_sum(generation, id, out->hash, data, size - SUM_SIZE);
    if (memcmp(end, sum, SUM_SIZE) != 0)
        return "its checksum does not fit";
    if (data[0] != ENTRY_VERSION)
        return "it is of a version that this extension does not know";
    uint64_t count;
    const uint8_t *at = get_varint(data + 1, end, &count);
    if (!at || count > (uint64_t)(end - at) / 3)
        return "it counts more chunks than it has";
    if (!ctx_grow((void **)&storage->found, &storage->found_room, (size_t)count,
                  sizeof *storage->found))
        return "";
    out->chunks = (int)count;
    out->chunk = storage->found;
    return read_chunks(at, end, (size_t)count, storage->found);
}

/* ---- Entries by id ---- */

static size_t bucket_of(const ctx_storage *storage, int generation, sqlite3_int64 id)
{
    uint64_t mix = ((uint64_t)id ^ (uint64_t)generation << 56) * 0x9E3779B97F4A7C15u;
    return (size_t)(mix >> 32) & (storage->buckets - 1);
}

/* The change of that row, or NULL. */
static ctx_entry_change *find(const ctx_storage *storage, int generation, sqlite3_int64 id)
{
    if (!storage->entry_count)
        return NULL;
    size_t b = bucket_of(storage, generation, id);
    for (; storage->bucket[b]; b = (b + 1) & (storage->buckets - 1)) {
        ctx_entry_change *e = &storage->entry[storage->bucket[b] - 1];
        if (e->id == id && e->generation == generation)
            return e;
    }
    return NULL;
}

static void enter(ctx_storage *storage, int index)
{
    const ctx_entry_change *e = &storage->entry[index];
    size_t b = bucket_of(storage, e->generation, e->id);
    while (storage->bucket[b])
        b = (b + 1) & (storage->buckets - 1);
    storage->bucket[b] = (uint32_t)index + 1;
}

/* Room for one change more; the table is at most half full. */
static bool make_room(ctx_storage *storage)
{
    size_t room = (size_t)storage->entry_room;
    if (!ctx_grow((void **)&storage->entry, &room, (size_t)storage->entry_count + 1,
                  sizeof *storage->entry))
        return false;
    storage->entry_room = (int)room;
    if (storage->buckets >= 2 * ((size_t)storage->entry_count + 1))
        return true;
    size_t buckets = storage->buckets ? 2 * storage->buckets : 256;
    uint32_t *bucket = sqlite3_malloc64(buckets * sizeof *bucket);
    if (!bucket)
        return false;
    memset(bucket, 0, buckets * sizeof *bucket);
    sqlite3_free(storage->bucket);
    storage->bucket = bucket;
    storage->buckets = buckets;
    for (int i = 0; i < storage->entry_count; i++)
        enter(storage, i);
    return true;
}

void ctx_entries_forget(ctx_storage *storage)
{
    if (storage->entry_count)
        memset(storage->bucket, 0, storage->buckets * sizeof *storage->bucket);
    storage->entry_count = 0;
    storage->chunk_count = 0;
}

/* ---- Reading ---- */

static int read_entry(ctx_storage *storage, int generation, sqlite3_int64 id,
                      ctx_row_entry *entry, bool *found, uint64_t *sum, ctx_error *error)
{
    sqlite3_stmt *s;
    int code = ctx_storage_statement(storage, CTX_GET_ROW, &s, error);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int(s, 1, generation);
    sqlite3_bind_int64(s, 2, id);
    code = sqlite3_step(s);
    *found = code == SQLITE_ROW;
    if (code == SQLITE_ROW) {
        const char *flaw = ctx_entry_read(storage, generation, id, sqlite3_column_value(s, 0),
                                          sqlite3_column_value(s, 1), entry, sum);
        code = SQLITE_OK;
        if (flaw)
            code = *flaw ? ctx_storage_damaged(storage, error, "rows", id, flaw)
                         : ctx_storage_nomem(storage, error);
    } else if (code == SQLITE_DONE) {
        code = SQLITE_OK;
    } else {
        code = ctx_shadow_failed(storage->db, storage->config, code, error);
    }
    sqlite3_reset(s);
    return code;
}

/* ---- The bound ---- */

int ctx_rows_bound(ctx_storage *storage, ctx_directory *directory, ctx_error *error)
{
    sqlite3_stmt *s;
    if (directory->bounded)
        return SQLITE_OK;
    int code = ctx_storage_statement(storage, CTX_LAST_ROW, &s, error);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int(s, 1, directory->generation);
    code = sqlite3_step(s);
    directory->bound = INT64_MIN;
    if (code == SQLITE_ROW) /* of a damaged id nothing follows */
        directory->bound = sqlite3_column_type(s, 0) == SQLITE_INTEGER
                               ? sqlite3_column_int64(s, 0) : INT64_MAX;
    directory->bounded = code == SQLITE_ROW || code == SQLITE_DONE;
    code = directory->bounded ? SQLITE_OK
                              : ctx_shadow_failed(storage->db, storage->config, code, error);
    sqlite3_reset(s);
    return code;
}

int ctx_storage_bound(ctx_storage *storage, int generation, sqlite3_int64 *bound,
                      ctx_error *error)
{
    ctx_directory *directory;
    int code = ctx_directory_open(storage, generation, &directory, error);
    if (code == SQLITE_OK)
        code = ctx_rows_bound(storage, directory, error);
    *bound = code == SQLITE_OK ? directory->bound : INT64_MAX;
    return code;
}

/* Reads a row's entry unless the bound says that there is none; there will be one now. */
static int read_bounded(ctx_storage *storage, ctx_directory *directory, sqlite3_int64 id,
                        ctx_row_entry *entry, ctx_entry_change *change, ctx_error *error)
{
    int code = ctx_rows_bound(storage, directory, error);
    if (code != SQLITE_OK)
        return code;
    if (id <= directory->bound)
        return read_entry(storage, directory->generation, id, entry, &change->stored,
                          &change->sum, error);
    directory->bound = id;
    return SQLITE_OK;
}

/* ---- Looking up ---- */

int ctx_storage_get(ctx_storage *storage, int generation, sqlite3_int64 id,
                    ctx_row_entry *entry, bool *found, ctx_error *error)
{
    memset(entry, 0, sizeof *entry);
    const ctx_entry_change *change = find(storage, generation, id);
    if (!change) {
        uint64_t sum;
        return read_entry(storage, generation, id, entry, found, &sum, error);
    }
    *found = !change->gone;
    entry->hash = change->hash;
    entry->chunks = change->gone ? 0 : change->chunks;
    if (!ctx_grow((void **)&storage->found, &storage->found_room, (size_t)entry->chunks,
                  sizeof *storage->found))
        return ctx_storage_nomem(storage, error);
    if (entry->chunks)
        memcpy(storage->found, storage->chunk + change->chunk,
               (size_t)entry->chunks * sizeof *storage->found);
    entry->chunk = storage->found;
    return SQLITE_OK;
}

/* ---- Proof ---- */

/* Counts the rows of a generation and adds their checksums up. */
static int count_rows(ctx_storage *storage, int generation, ctx_totals *out, ctx_error *error)
{
    sqlite3_stmt *s;
    int code = ctx_storage_statement(storage, CTX_ALL_ROWS, &s, error), step = SQLITE_DONE;
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int(s, 1, generation);
    while (code == SQLITE_OK && (step = sqlite3_step(s)) == SQLITE_ROW) {
        ctx_row_entry entry;
        uint64_t sum = 0;
        sqlite3_int64 id = sqlite3_column_int64(s, 0);
        const char *flaw = "its id is not INTEGER";
        if (sqlite3_column_type(s, 0) == SQLITE_INTEGER)
            flaw = ctx_entry_read(storage, generation, id, sqlite3_column_value(s, 1),
                                  sqlite3_column_value(s, 2), &entry, &sum);
        if (flaw)
            code = *flaw ? ctx_storage_damaged(storage, error, "rows", id, flaw)
                         : ctx_storage_nomem(storage, error);
        out->rows++;
        out->entries += sum;
    }
    if (code == SQLITE_OK && step != SQLITE_DONE)
        code = ctx_shadow_failed(storage->db, storage->config, step, error);
    sqlite3_reset(s);
    return code;
}

int ctx_storage_prove(ctx_storage *storage, int generation, ctx_error *error)
{
    ctx_directory *directory;
    ctx_totals met = {0};
    int code = ctx_directory_open(storage, generation, &directory, error);
    if (code != SQLITE_OK || directory->proved || directory->changed)
        return code;
    code = count_rows(storage, generation, &met, error);
    if (code == SQLITE_OK && (met.rows != directory->totals.rows ||
                              met.entries != directory->totals.entries))
        code = ctx_storage_damaged(storage, error, "blocks", -generation,
                                   "the rows are not those that its totals count");
    directory->proved = code == SQLITE_OK;
    return code;
}

/* ---- Changes ---- */

int ctx_entry_set(ctx_storage *storage, ctx_entry_change *change, uint64_t hash,
                  const ctx_chunk *chunk, int chunks, ctx_error *error)
{
    if (!ctx_grow((void **)&storage->chunk, &storage->chunk_room,
                  storage->chunk_count + (size_t)chunks, sizeof *storage->chunk))
        return ctx_storage_nomem(storage, error);
    if (chunks)
        memcpy(storage->chunk + storage->chunk_count, chunk,
               (size_t)chunks * sizeof *chunk);
    change->hash = hash;
    change->gone = false;
    change->chunks = chunks;
    change->chunk = storage->chunk_count;
    storage->chunk_count += (size_t)chunks;
    return SQLITE_OK;
}

int ctx_entry_touch(ctx_storage *storage, ctx_directory *directory, sqlite3_int64 id,
                    ctx_entry_change **out, ctx_error *error)
{
    const int generation = directory->generation;
    *out = find(storage, generation, id);
    if (*out)
        return SQLITE_OK;
    ctx_row_entry entry = {0};
    ctx_entry_change change = {.generation = generation, .id = id};
    int code = read_bounded(storage, directory, id, &entry, &change, error);
    if (code != SQLITE_OK)
        return code;
    if (!make_room(storage))
        return ctx_storage_nomem(storage, error);
    code = ctx_entry_set(storage, &change, entry.hash, entry.chunk, entry.chunks, error);
    if (code != SQLITE_OK)
        return code;
    change.gone = !change.stored;
    storage->entry[storage->entry_count] = change;
    enter(storage, storage->entry_count);
    *out = &storage->entry[storage->entry_count++];
    return SQLITE_OK;
}

/* ---- Writing ---- */

static int put_row(ctx_storage *storage, const ctx_entry_change *change, uint64_t *sum,
                   ctx_error *error)
{
    size_t most = 2 + VARINT_SIZE + (size_t)change->chunks * 3 * VARINT_SIZE + SUM_SIZE;
    uint8_t *data = ctx_storage_scratch(storage, most);
    if (!data)
        return ctx_storage_nomem(storage, error);
    sqlite3_stmt *s;
    int code = ctx_storage_statement(storage, CTX_PUT_ROW, &s, error);
    if (code != SQLITE_OK)
        return code;
    size_t size = write_entry(change, storage->chunk + change->chunk, data, sum);
    sqlite3_bind_int(s, 1, change->generation);
    sqlite3_bind_int64(s, 2, change->id);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)change->hash);
    code = sqlite3_bind_blob64(s, 4, data, size, SQLITE_STATIC);
    if (code != SQLITE_OK)
        return ctx_shadow_failed(storage->db, storage->config, code, error);
    return ctx_storage_run(storage, s, error);
}

static int delete_row(ctx_storage *storage, const ctx_entry_change *change, ctx_error *error)
{
    sqlite3_stmt *s;
    int code = ctx_storage_statement(storage, CTX_DELETE_ROW, &s, error);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int(s, 1, change->generation);
    sqlite3_bind_int64(s, 2, change->id);
    return ctx_storage_run(storage, s, error);
}

int ctx_entries_write(ctx_storage *storage, ctx_error *error)
{
    int code = SQLITE_OK;
    for (int i = 0; i < storage->entry_count && code == SQLITE_OK; i++) {
        const ctx_entry_change *change = &storage->entry[i];
        ctx_directory *directory;
        uint64_t sum = 0;
        if (change->gone && !change->stored)
            continue;
        code = ctx_directory_open(storage, change->generation, &directory, error);
        if (code != SQLITE_OK)
            return code;
        directory->totals.rows += (uint64_t)!change->gone - (uint64_t)change->stored;
        if (change->gone)
            code = delete_row(storage, change, error);
        else
            code = put_row(storage, change, &sum, error);
        directory->totals.entries += sum - (change->stored ? change->sum : 0);
    }
    return code;
}
