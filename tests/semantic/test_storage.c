/*
** test_storage.c - rows, blocks and vectors of an index in its shadow tables, against a plain
** array of what was put.
**
** Linked with the whole extension, on a database in memory.
*/
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"

int sqlite3_contextual_init(sqlite3 *db, char **message, const void *api);

/* Before sqlite3ext.h, whose names go by the table that comes with the first connection. */
static sqlite3 *open_database(void)
{
    sqlite3 *db = NULL;
    sqlite3_auto_extension((void (*)(void))sqlite3_contextual_init);
    sqlite3_open(":memory:", &db);
    sqlite3_cancel_auto_extension((void (*)(void))sqlite3_contextual_init);
    return db;
}

static void close_database(sqlite3 *db)
{
    CHECK_INT(sqlite3_close(db), SQLITE_OK); /* no statement is left */
}

#include "../../ext/semantic/block.h"
#include "../../ext/semantic/block_cache.h"
#include "../../ext/semantic/block_memory.h"

enum { DIMENSIONS = 8, IDS = 300, MOST_CHUNKS = 3 };

typedef struct fixture {
    sqlite3 *db;
    ctx_config config;
    ctx_storage *storage;
    ctx_error error;
    int chunks[IDS]; /* of the row, or -1: there is none */
    float vector[IDS][MOST_CHUNKS][DIMENSIONS];
    unsigned seed;
    int findings;
} fixture;

static void open_fixture(fixture *f, enum enc_vector_type quantize, sqlite3_int64 cache)
{
    memset(f, 0, sizeof *f);
    memset(f->chunks, 0xff, sizeof f->chunks);
    f->seed = 1;
    f->db = open_database();
    f->config = (ctx_config){.schema = "main", .name = "s\"t", .metric = ENC_COSINE,
                             .quantize = quantize, .cache = cache, .dimensions = DIMENSIONS,
                             .block_rows = 64, .part_rows = 8, .generation = 1};
    CHECK_INT(ctx_storage_create(f->db, &f->config, &f->error), SQLITE_OK);
    CHECK_INT(ctx_storage_open(f->db, &f->config, &f->storage, &f->error), SQLITE_OK);
}

static void close_fixture(fixture *f)
{
    CHECK_STR(f->error.message, "");
    ctx_storage_close(f->storage);
    close_database(f->db);
}

static unsigned next(fixture *f, unsigned below)
{
    f->seed = f->seed * 1103515245u + 12345u;
    return (f->seed >> 8) % below;
}

static void put(fixture *f, int id, int chunks)
{
    ctx_chunk chunk[MOST_CHUNKS] = {{0}};
    for (int c = 0; c < chunks; c++) {
        chunk[c] = (ctx_chunk){.start = 10 * c, .length = 9 + id};
        for (int i = 0; i < DIMENSIONS; i++)
            f->vector[id][c][i] = (float)next(f, 2001) / 1000 - 1;
    }
    f->chunks[id] = chunks;
    CHECK_INT(ctx_storage_put(f->storage, 1, id, (sqlite3_uint64)id * 77, chunk, chunks,
                              f->vector[id][0], &f->error), SQLITE_OK);
}

static void take_out(fixture *f, int id)
{
    f->chunks[id] = -1;
    CHECK_INT(ctx_storage_remove(f->storage, 1, id, &f->error), SQLITE_OK);
}

static void rename_row(fixture *f, int id, int to)
{
    CHECK_INT(ctx_storage_move(f->storage, 1, id, to, &f->error), SQLITE_OK);
    if (f->chunks[id] < 0 || id == to)
        return;
    f->chunks[to] = f->chunks[id];
    memcpy(f->vector[to], f->vector[id], sizeof f->vector[to]);
    f->chunks[id] = -1;
}

static void write_all(fixture *f)
{
    CHECK_INT(ctx_storage_write(f->storage, &f->error), SQLITE_OK);
}

static bool say(void *context, const char *sentence)
{
    ((fixture *)context)->findings++;
    CHECK_STR(sentence, "");
    return true;
}

/* The row and its vectors are what was put. */
static void check_row(fixture *f, int id)
{
    ctx_row_entry entry;
    bool found;
    float vector[DIMENSIONS];
    ctx_chunk chunk[MOST_CHUNKS] = {{0}};
    CHECK_INT(ctx_storage_get(f->storage, 1, id, &entry, &found, &f->error), SQLITE_OK);
    CHECK_INT(found ? entry.chunks : -1, f->chunks[id]);
    if (!found || entry.chunks != f->chunks[id])
        return;
    if (entry.chunks)
        memcpy(chunk, entry.chunk, (size_t)entry.chunks * sizeof *chunk);
    for (int c = 0; c < entry.chunks; c++) {
        CHECK_INT(chunk[c].start, 10 * c);
        CHECK_INT(ctx_storage_vector(f->storage, chunk[c].slot, vector, &f->error), SQLITE_OK);
        if (f->config.quantize == ENC_FLOAT32)
            CHECK(memcmp(vector, f->vector[id][c], sizeof vector) == 0);
    }
}

/* Everything in the tables is what was put, by each way to it; how many blocks there are. */
static int check_tables(fixture *f)
{
    ctx_block_entry *entry;
    int count, slots = 0, wanted = 0;
    CHECK_INT(ctx_storage_blocks(f->storage, 1, &entry, &count, &f->error), SQLITE_OK);
    for (int i = 0; i < count; i++) {
        const ctx_block *block;
        CHECK_INT(ctx_storage_block(f->storage, &entry[i], &block, &f->error), SQLITE_OK);
        for (int k = 0; block && k < f->config.block_rows; k++) {
            if (block->chunk[k] == CTX_FREE)
                continue;
            slots++;
            CHECK((int)block->chunk[k] < f->chunks[block->id[k]]);
        }
        CHECK(!block || (uintptr_t)block->codes.code % 64 == 0);
        ctx_block_release(block);
    }
    sqlite3_free(entry);
    for (int id = 0; id < IDS; id++) {
        check_row(f, id);
        wanted += f->chunks[id] > 0 ? f->chunks[id] : 0;
    }
    CHECK_INT(slots, wanted);
    CHECK_INT(ctx_storage_check(f->storage, 1, 0, say, f, &f->error), SQLITE_OK);
    CHECK_INT(ctx_storage_prove(f->storage, 1, &f->error), SQLITE_OK);
    CHECK_INT(f->findings, 0);
    return count;
}

static void change_at_random(fixture *f, int changes)
{
    for (int i = 0; i < changes; i++) {
        int id = (int)next(f, IDS);
        unsigned way = next(f, 10);
        if (way < 5)
            put(f, id, (int)next(f, MOST_CHUNKS + 1));
        else if (way < 8)
            take_out(f, id);
        else
            rename_row(f, id, (int)next(f, IDS));
        if (next(f, 20) == 0)
            check_row(f, id);
    }
}

static void run(enum enc_vector_type quantize, sqlite3_int64 cache)
{
    static fixture f;
    open_fixture(&f, quantize, cache);
    for (int round = 0; round < 60; round++) {
        change_at_random(&f, 1 << next(&f, 9));
        write_all(&f);
        check_tables(&f);
    }
    close_fixture(&f);
}

TEST("a semantic index has the rows that were put, whatever was put, removed and renamed")
{
    run(ENC_FLOAT32, -1);
    run(ENC_INT8, -1);
    run(ENC_BIT, -1);
}

TEST("a semantic index answers alike with room for no block in memory")
{
    run(ENC_FLOAT32, 0);
}

TEST("what is put is seen before it is written, and forgotten if it is not")
{
    static fixture f;
    open_fixture(&f, ENC_FLOAT32, -1);
    put(&f, 1, 2);
    check_row(&f, 1);
    write_all(&f);
    check_tables(&f);
    put(&f, 2, 1);
    check_row(&f, 2);
    ctx_storage_forget(f.storage);
    f.chunks[2] = -1;
    check_tables(&f);
    close_fixture(&f);
}

TEST("compacting leaves free slots in the last block alone")
{
    static fixture f;
    open_fixture(&f, ENC_FLOAT32, -1);
    int chunks = 0;
    bool done = false;
    for (int id = 0; id < IDS; id++)
        put(&f, id, 2);
    write_all(&f);
    for (int id = 0; id < IDS; id++)
        if (id % 3)
            take_out(&f, id);
    write_all(&f);
    CHECK_INT(check_tables(&f), 10);
    CHECK_INT(ctx_storage_compact(f.storage, 1, 5, &done, &f.error), SQLITE_OK);
    CHECK(!done);
    check_tables(&f);
    CHECK_INT(ctx_storage_compact(f.storage, 1, -1, &done, &f.error), SQLITE_OK);
    CHECK(done);
    for (int id = 0; id < IDS; id++)
        chunks += f.chunks[id] > 0 ? f.chunks[id] : 0;
    CHECK_INT(check_tables(&f), (chunks + 63) / 64);
    close_fixture(&f);
}

TEST("clearing a generation leaves the others, and nothing of it")
{
    static fixture f;
    open_fixture(&f, ENC_FLOAT32, -1);
    ctx_chunk chunk = {0};
    sqlite3_int64 bytes;
    put(&f, 1, 1);
    CHECK_INT(ctx_storage_put(f.storage, 2, 1, 5, &chunk, 1, f.vector[1][0], &f.error),
              SQLITE_OK);
    write_all(&f);
    CHECK_INT(ctx_storage_clear(f.storage, 2, &f.error), SQLITE_OK);
    check_tables(&f);
    CHECK_INT(ctx_storage_clear(f.storage, 1, &f.error), SQLITE_OK);
    f.chunks[1] = -1;
    CHECK_INT(check_tables(&f), 0);
    CHECK_INT(ctx_storage_bytes(f.storage, &bytes, &f.error), SQLITE_OK);
    CHECK_INT(bytes, 0);
    close_fixture(&f);
}

/* Whether some row of a table has these bytes. */
static bool has_bytes(fixture *f, const char *sql, const void *bytes, size_t size)
{
    sqlite3_stmt *s;
    bool has = false;
    CHECK_INT(sqlite3_prepare_v2(f->db, sql, -1, &s, NULL), SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW)
        has |= memmem(sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0), bytes,
                      size) != NULL;
    sqlite3_finalize(s);
    return has;
}

TEST("of a row that is removed nothing stays in its block and part")
{
    static fixture f;
    open_fixture(&f, ENC_FLOAT32, -1);
    const char *vectors = "SELECT data FROM \"s\"\"t_vectors\"";
    put(&f, 1, 1);
    put(&f, 2, 1);
    write_all(&f);
    CHECK(has_bytes(&f, vectors, f.vector[1][0], sizeof f.vector[1][0]));
    take_out(&f, 1);
    write_all(&f);
    CHECK(!has_bytes(&f, vectors, f.vector[1][0], sizeof f.vector[1][0]));
    CHECK(has_bytes(&f, vectors, f.vector[2][0], sizeof f.vector[2][0]));
    check_tables(&f);
    close_fixture(&f);
}

TEST("the cache of blocks keeps to its budget, and to what is asked for")
{
    static fixture f;
    open_fixture(&f, ENC_FLOAT32, 10000);
    for (int id = 0; id < IDS; id++)
        put(&f, id, 2);
    write_all(&f);
    ctx_block_cache_release();
    check_tables(&f);
    sqlite3_int64 kept = ctx_block_cache_release();
    CHECK(kept > 0 && kept <= 10000);
    close_fixture(&f);
    open_fixture(&f, ENC_FLOAT32, -1);
    for (int id = 0; id < IDS; id++)
        put(&f, id, 2);
    write_all(&f);
    int blocks = check_tables(&f);
    kept = ctx_block_cache_release();
    CHECK(kept > blocks * 64 * 64);
    check_tables(&f);
    close_fixture(&f);
    CHECK_INT(ctx_block_cache_release(), 0); /* the last index of the database is closed */
}

/* Another table of the database with one row of one chunk; what its directory says. */
static ctx_block_entry one_row_of(fixture *f, ctx_config *config, ctx_storage **storage)
{
    static const float vector[8 * DIMENSIONS] = {1};
    ctx_chunk chunk = {.length = 9};
    ctx_block_entry *entry = NULL, found = {0};
    int count = 0;
    config->name = "other";
    CHECK_INT(ctx_storage_create(f->db, config, &f->error), SQLITE_OK);
    CHECK_INT(ctx_storage_open(f->db, config, storage, &f->error), SQLITE_OK);
    CHECK_INT(ctx_storage_put(*storage, 1, 1, 5, &chunk, 1, vector, &f->error), SQLITE_OK);
    CHECK_INT(ctx_storage_write(*storage, &f->error), SQLITE_OK);
    CHECK_INT(ctx_storage_blocks(*storage, 1, &entry, &count, &f->error), SQLITE_OK);
    if (CHECK_INT(count, 1))
        found = *entry;
    sqlite3_free(entry);
    return found;
}

TEST("a block in memory with other codes than the index has is damage, whatever its stamp")
{
    static fixture f;
    static const struct {
        enum enc_vector_type quantize;
        int dimensions;
    } others[] = {{ENC_FLOAT32, 8 * DIMENSIONS}, {ENC_INT8, DIMENSIONS}, {ENC_BIT, DIMENSIONS}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        open_fixture(&f, ENC_FLOAT32, -1);
        put(&f, 1, 1);
        write_all(&f);
        check_tables(&f); /* its block is in memory now */
        ctx_block_entry *entry;
        const ctx_block *block;
        int count;
        CHECK_INT(ctx_storage_blocks(f.storage, 1, &entry, &count, &f.error), SQLITE_OK);
        ctx_config config = f.config;
        config.quantize = others[i].quantize;
        config.dimensions = others[i].dimensions;
        ctx_storage *other;
        ctx_block_entry one = one_row_of(&f, &config, &other);
        CHECK_INT(ctx_storage_block(other, &one, &block, &f.error), SQLITE_OK);
        ctx_block_release(block);
        one.stamp = entry->stamp;
        CHECK_INT(ctx_storage_block(other, &one, &block, &f.error), SQLITE_CORRUPT_VTAB);
        ctx_block_release(block);
        memset(&f.error, 0, sizeof f.error);
        sqlite3_free(entry);
        ctx_storage_close(other);
        close_fixture(&f);
    }
}

TEST("blocks and parts are of a fitting size for any vectors")
{
    for (int dimensions = 1; dimensions <= 8192; dimensions += 1 + dimensions / 16)
        for (int type = ENC_INT8; type <= ENC_BIT; type++) {
            int rows, part_rows;
            ctx_storage_geometry((enum enc_vector_type)type, dimensions, false, &rows,
                                 &part_rows);
            CHECK(rows % 16 == 0 && rows >= 64 && rows <= 4096);
            CHECK(part_rows >= 1 && rows % part_rows == 0);
            CHECK(part_rows == 1 || part_rows * dimensions * 4 <= 24 << 10);
        }
}

TEST("no settings make blocks larger than any index has")
{
    ctx_layout layout;
    for (int type = ENC_INT8; type <= ENC_BIT; type++)
        for (int dimensions = 1; dimensions <= 1 << 20; dimensions += 1 + dimensions / 3) {
            ctx_config config = {.quantize = (enum enc_vector_type)type,
                                 .dimensions = dimensions};
            ctx_storage_geometry((enum enc_vector_type)type, dimensions, false,
                                 &config.block_rows, &config.part_rows);
            CHECK(ctx_layout_make(&config, &layout));
            config.block_rows = 4096;
            CHECK(!ctx_layout_make(&config, &layout) || layout.size < 1 << 20);
        }
}

TEST("memory of blocks is each block's own and aligned, in slabs as alone, and goes with the last")
{
    enum { BLOCKS = 150, SIZE = 280000 };
    static uint8_t *block[BLOCKS];
    const sqlite3_int64 before = sqlite3_memory_used();
    for (int i = 0; i < BLOCKS; i++) {
        block[i] = ctx_block_memory_take(SIZE, i % 10 > 0);
        CHECK(block[i] && (uintptr_t)block[i] % 64 == 0);
        memset(block[i], i, SIZE);
    }
    for (int i = 0; i < BLOCKS; i += 2) /* free cells are found again */
        ctx_block_memory_give(block[i]);
    const sqlite3_int64 half = sqlite3_memory_used();
    for (int i = 0; i < BLOCKS; i += 2) {
        block[i] = ctx_block_memory_take(SIZE, i % 10 > 0);
        memset(block[i], i, SIZE);
    }
    CHECK(sqlite3_memory_used() <= half + BLOCKS / 10 * (SIZE + 4096));
    for (int i = 0; i < BLOCKS; i++)
        CHECK(block[i][0] == i && memcmp(block[i], block[i] + 1, SIZE - 1) == 0);
    for (int i = 0; i < BLOCKS; i++)
        ctx_block_memory_give(block[i]);
    CHECK_INT(sqlite3_memory_used(), before);
    uint8_t *large = ctx_block_memory_take(CTX_SLAB, true); /* no cell is so large */
    CHECK(large);
    ctx_block_memory_give(large);
    CHECK_INT(sqlite3_memory_used(), before);
}
