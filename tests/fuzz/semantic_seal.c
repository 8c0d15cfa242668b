/* semantic_seal.c - see semantic_seal.h. The layouts are those of ext/semantic/storage_parts.h. */
#include "semantic_seal.h"

#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "lists.h"
#include "pending_sum.h"
#include "storage_parts.h"

typedef struct seal {
    sqlite3 *db;
    ctx_config config;
    ctx_layout layout;
    ctx_error error;
} seal;

/* A statement of "%s", the index's name; NULL: there is no such table. */
static sqlite3_stmt *prepare(const seal *s, const char *format)
{
    sqlite3_stmt *made = NULL;
    char *sql = sqlite3_mprintf(format, s->config.name);
    sqlite3_prepare_v2(s->db, sql, -1, &made, NULL);
    sqlite3_free(sql);
    return made;
}

static void run(sqlite3_stmt *statement)
{
    sqlite3_step(statement);
    sqlite3_reset(statement);
}

/* Calls `each` for the rows of SELECT with the statement that takes what it makes of them, and a
** copy of the BLOB in the last column, if that is one. */
static void walk(seal *s, const char *select, const char *update,
                 void (*each)(seal *s, sqlite3_stmt *row, sqlite3_stmt *to, uint8_t *data,
                              size_t size))
{
    sqlite3_stmt *row = prepare(s, select), *to = prepare(s, update);
    while (row && to && sqlite3_step(row) == SQLITE_ROW) {
        const int last = sqlite3_column_count(row) - 1;
        const bool blob = sqlite3_column_type(row, last) == SQLITE_BLOB;
        size_t size = blob ? (size_t)sqlite3_column_bytes(row, last) : 0;
        uint8_t *data = malloc(size + 1);
        if (data && size)
            memcpy(data, sqlite3_column_blob(row, last), size);
        if (data)
            each(s, row, to, data, size);
        free(data);
    }
    sqlite3_finalize(row);
    sqlite3_finalize(to);
}

static void seal_setting(seal *s, sqlite3_stmt *row, sqlite3_stmt *to, uint8_t *data, size_t size)
{
    const char *name = (const char *)sqlite3_column_text(row, 0);
    const int type = sqlite3_column_type(row, 1);
    uint64_t sum = 0;
    (void)s, (void)data, (void)size;
    if (name && type == SQLITE_INTEGER)
        sum = (uint64_t)ctx_config_sum(name, sqlite3_column_int64(row, 1));
    else if (name && type == SQLITE_TEXT)
        sum = (enc_checksum(name, strlen(name)) * 31 + SQLITE_TEXT) * 31 +
              enc_checksum(sqlite3_column_text(row, 1), (size_t)sqlite3_column_bytes(row, 1));
    sqlite3_bind_value(to, 1, sqlite3_column_value(row, 0));
    sqlite3_bind_int64(to, 2, (sqlite3_int64)sum);
    run(to);
}

static void seal_header(uint8_t *data, size_t rows, size_t sums)
{
    ctx_block_header header;
    memcpy(&header, data, sizeof header);
    header.sums = enc_checksum(data + sums, rows * sizeof(uint64_t));
    header.checksum = enc_checksum(&header, offsetof(ctx_block_header, checksum));
    memcpy(data, &header, sizeof header);
}

static void write_data(sqlite3_stmt *row, sqlite3_stmt *to, const uint8_t *data, size_t size)
{
    sqlite3_bind_value(to, 1, sqlite3_column_value(row, 0));
    sqlite3_bind_blob(to, 2, data, (int)size, SQLITE_STATIC);
    run(to);
}

static void seal_codes(seal *s, sqlite3_stmt *row, sqlite3_stmt *to, uint8_t *data, size_t size)
{
    const ctx_layout *l = &s->layout;
    if (size != l->size)
        return;
    for (int i = 0; i < l->rows; i++) {
        uint64_t sum;
        ctx_slot slot;
        memcpy(&sum, data + l->sums + (size_t)i * sizeof sum, sizeof sum);
        ctx_slot_read(l, data + l->body, i, &slot);
        sum = sum ? ctx_slot_sum(l, i, &slot) : 0;
        memcpy(data + l->sums + (size_t)i * sizeof sum, &sum, sizeof sum);
    }
    seal_header(data, (size_t)l->rows, l->sums);
    write_data(row, to, data, size);
}

static void seal_part(seal *s, sqlite3_stmt *row, sqlite3_stmt *to, uint8_t *data, size_t size)
{
    const ctx_layout *l = &s->layout;
    float *vector = malloc(l->vector_size);
    if (size == l->part_size && vector) {
        for (int i = 0; i < l->part_rows; i++) {
            uint64_t sum;
            memcpy(&sum, data + l->sums + (size_t)i * sizeof sum, sizeof sum);
            memcpy(vector, data + l->part_vectors + (size_t)i * l->vector_size, l->vector_size);
            sum = sum ? ctx_vector_sum(l, i, vector) : 0;
            memcpy(data + l->sums + (size_t)i * sizeof sum, &sum, sizeof sum);
        }
        seal_header(data, (size_t)l->part_rows, l->sums);
        write_data(row, to, data, size);
    }
    free(vector);
}

/* generation, id, hash, chunks */
static uint64_t entry_sum(sqlite3_stmt *row, const uint8_t *data, size_t size)
{
    uint64_t all[4] = {(uint64_t)sqlite3_column_int64(row, 0),
                       (uint64_t)sqlite3_column_int64(row, 1),
                       (uint64_t)sqlite3_column_int64(row, 2), enc_checksum(data, size)};
    return enc_checksum(all, sizeof all);
}

static void seal_row(seal *s, sqlite3_stmt *row, sqlite3_stmt *to, uint8_t *data, size_t size)
{
    uint64_t sum;
    (void)s;
    if (size < sizeof sum)
        return;
    sum = entry_sum(row, data, size - sizeof sum);
    memcpy(data + size - sizeof sum, &sum, sizeof sum);
    sqlite3_bind_value(to, 1, sqlite3_column_value(row, 0));
    sqlite3_bind_value(to, 2, sqlite3_column_value(row, 1));
    sqlite3_bind_blob(to, 3, data, (int)size, SQLITE_STATIC);
    run(to);
}

/* What the totals of a generation count; the row of the totals is -block. */
static void seal_totals(seal *s, sqlite3_stmt *row, sqlite3_stmt *to, uint8_t *data, size_t size)
{
    ctx_totals totals = {0};
    sqlite3_int64 used = 0, generation = -sqlite3_column_int64(row, 0);
    sqlite3_stmt *each = prepare(s, "SELECT block, used, stamp, list FROM \"%w_blocks\" "
                                    "WHERE generation = ?1 AND block > 0");
    (void)data, (void)size;
    sqlite3_bind_int64(each, 1, generation);
    while (sqlite3_step(each) == SQLITE_ROW) {
        const ctx_block_entry entry = {
            .number = sqlite3_column_int64(each, 0), .used = sqlite3_column_int(each, 1),
            .stamp = (uint64_t)sqlite3_column_int64(each, 2),
            .list = sqlite3_column_type(each, 3) == SQLITE_NULL ? -1
                                                                : sqlite3_column_int64(each, 3)};
        totals.blocks++;
        totals.directory += ctx_place_sum((int)generation, &entry);
        used = (sqlite3_int64)((uint64_t)used + (uint64_t)entry.used);
    }
    sqlite3_finalize(each);
    each = prepare(s, "SELECT generation, id, hash, chunks FROM \"%w_rows\" "
                      "WHERE generation = ?1");
    sqlite3_bind_int64(each, 1, generation);
    while (sqlite3_step(each) == SQLITE_ROW) {
        const uint8_t *chunks = sqlite3_column_blob(each, 3);
        const int bytes = sqlite3_column_bytes(each, 3);
        totals.rows++;
        if (chunks && bytes >= 8)
            totals.entries += entry_sum(each, chunks, (size_t)bytes - 8);
    }
    sqlite3_finalize(each);
    uint64_t all[7] = {(uint64_t)generation, (uint64_t)sqlite3_column_int64(row, 1),
                       (uint64_t)used};
    memcpy(all + 3, &totals, offsetof(ctx_totals, checksum));
    totals.checksum = enc_checksum(all, sizeof all);
    sqlite3_bind_value(to, 1, sqlite3_column_value(row, 0));
    sqlite3_bind_int64(to, 2, used);
    sqlite3_bind_blob(to, 3, &totals, sizeof totals, SQLITE_TRANSIENT);
    run(to);
}

/* A header of 40 bytes whose last 8 are a checksum, and the centroid. */
static void seal_list(seal *s, sqlite3_stmt *row, sqlite3_stmt *to, uint8_t *data, size_t size)
{
    enum { HEADER = 40, BEFORE = 32 };
    if (size < HEADER)
        return;
    uint64_t both[2] = {enc_checksum(data, BEFORE), enc_checksum(data + HEADER, size - HEADER)};
    const uint64_t sum = enc_checksum(both, sizeof both);
    memcpy(data + BEFORE, &sum, sizeof sum);
    write_data(row, to, data, size);
    s->config.lists_sum = (sqlite3_int64)((uint64_t)s->config.lists_sum + sum);
}

static void seal_pending(seal *s, sqlite3_stmt *row, sqlite3_stmt *to, uint8_t *data, size_t size)
{
    const void *text = sqlite3_column_blob(row, 3);
    const bool vector = sqlite3_column_type(row, 4) == SQLITE_BLOB;
    (void)s;
    if (!text && sqlite3_column_type(row, 3) == SQLITE_BLOB)
        text = "";
    const sqlite3_int64 body = ctx_pending_body(
        (enc_text){text, (size_t)sqlite3_column_bytes(row, 3)}, vector ? data : NULL, size);
    sqlite3_bind_value(to, 1, sqlite3_column_value(row, 0));
    sqlite3_bind_int64(to, 2, body);
    sqlite3_bind_int64(to, 3, ctx_pending_sum(sqlite3_column_int64(row, 0),
                                              sqlite3_column_int(row, 1),
                                              sqlite3_column_int(row, 2), body));
    run(to);
}

static void seal_data(seal *s)
{
    walk(s, "SELECT block, data FROM \"%w_codes\"",
         "UPDATE \"%w_codes\" SET data = ?2 WHERE block = ?1", seal_codes);
    walk(s, "SELECT part, data FROM \"%w_vectors\"",
         "UPDATE \"%w_vectors\" SET data = ?2 WHERE part = ?1", seal_part);
    walk(s, "SELECT generation, id, hash, chunks FROM \"%w_rows\"",
         "UPDATE \"%w_rows\" SET chunks = ?3 WHERE generation = ?1 AND id = ?2", seal_row);
    walk(s, "SELECT block, stamp FROM \"%w_blocks\" WHERE block < 0",
         "UPDATE \"%w_blocks\" SET used = ?2, list = ?3 WHERE block = ?1", seal_totals);
}

void semantic_seal(sqlite3 *db, const char *index)
{
    static char main_schema[] = "main";
    seal s = {.db = db};
    const char *arguments[] = {"semantic", main_schema, index};
    if (ctx_config_name(arguments, &s.config, &s.error) != SQLITE_OK)
        return;
    walk(&s, "SELECT name, value FROM \"%w_config\"",
         "UPDATE \"%w_config\" SET sum = ?2 WHERE name = ?1", seal_setting);
    if (ctx_config_load(db, &s.config, &s.error) == SQLITE_OK) {
        if (ctx_layout_make(&s.config, &s.layout))
            seal_data(&s);
        if (s.config.index == CTX_INDEX_IVF) {
            s.config.lists_sum = 0;
            walk(&s, "SELECT list, centroid FROM \"%w_lists\"",
                 "UPDATE \"%w_lists\" SET centroid = ?2 WHERE list = ?1", seal_list);
            ctx_config_put(db, &s.config, "lists_sum", s.config.lists_sum, &s.error);
        }
        walk(&s, "SELECT id, gone, fresh, text, vector FROM \"%w_pending\"",
             "UPDATE \"%w_pending\" SET body = ?2, sum = ?3 WHERE id = ?1", seal_pending);
        ctx_pending_total total = {.db = db, .config = &s.config};
        ctx_pending_total_renew(&total, &s.error);
        ctx_pending_total_reset(&total);
    }
    ctx_config_clear(&s.config);
}
