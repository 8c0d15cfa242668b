/*
** storage_parts.h - what the files of the storage share; for them alone.
**
**   storage.c            open, close, put, move, remove   storage_tables.c   CREATE, clear
**   storage_rows.c       entries of NAME_rows             storage_read.c     blocks, vectors
**   storage_directory.c  NAME_blocks                      storage_compact.c  fewer blocks
**   storage_change.c     changed slots in memory          storage_lists.c    blocks of lists
**   storage_write.c      ... and into the tables          storage_check.c, storage_check_blocks.c
**                                                                            integrity-check
**
** The directory of a generation has one row more, of number -generation: its totals. `stamp`
** there is as random and new with every change as those of blocks, so a directory in memory is
** right if its totals' stamp is the one that the snapshot shows; `used` is the sum of its
** blocks'; `list` is a BLOB, ctx_totals, whose checksums cover every row of the directory and
** of NAME_rows. A generation without that row has no row at all.
**
** Part i of block b is row b * CTX_PARTS + i of NAME_vectors, there if and only if one of its
** slots is taken; a block is there if one of its slots is.
*/
#ifndef CTX_SEMANTIC_STORAGE_PARTS_H
#define CTX_SEMANTIC_STORAGE_PARTS_H

#include "block.h"
#include "block_cache.h"
#include "index.h"
#include "storage.h"

enum { CTX_PARTS = 4096 }; /* more than the parts of any block */

enum ctx_storage_statement {
    CTX_GET_ROW,
    CTX_PUT_ROW,
    CTX_DELETE_ROW,
    CTX_ANY_ROW,
    CTX_ALL_ROWS,
    CTX_LAST_ROW,
    CTX_DIRECTORY,
    CTX_TOTALS,
    CTX_PUT_ENTRY,
    CTX_DELETE_ENTRY,
    CTX_LAST_BLOCK,
    CTX_GENERATION,
    CTX_PUT_CODES,
    CTX_DELETE_CODES,
    CTX_GET_PART,
    CTX_PUT_PART,
    CTX_DELETE_PART,
    CTX_STORAGE_STATEMENTS
};

/* A blob of NAME_blocks. */
typedef struct ctx_totals {
    uint64_t blocks;    /* rows of the directory */
    uint64_t directory; /* sum of their checksums */
    uint64_t rows;      /* rows of NAME_rows */
    uint64_t entries;   /* sum of their checksums */
    uint64_t checksum;  /* of all before and of the row's generation, stamp, used */
} ctx_totals;

typedef struct ctx_place { /* a block in the directory */
    ctx_block_entry entry;
    uint64_t sum;       /* checksum of its row */
    int changes;        /* index of its ctx_changes, or -1 */
} ctx_place;

typedef struct ctx_directory {
    bool loaded;
    bool changed;       /* in memory; the table is older */
    bool stored;        /* there is a row of totals */
    bool proved;        /* the rows are those that it counts */
    bool bounded;       /* no row has an id above `bound` */
    sqlite3_int64 bound;
    int generation;
    uint64_t stamp;     /* of the totals */
    ctx_totals totals;
    ctx_place *place;   /* [count] by number */
    int count, room;
    int search;         /* no place without a list before this one has a free slot */
} ctx_directory;

/* A slot that changed. */
typedef struct ctx_slot_change {
    ctx_slot slot;      /* code is set when it is written */
    size_t data;        /* index of its code and vector; CTX_FREED: the slot is free now */
    bool moved;         /* another id: the vector stays as it is */
} ctx_slot_change;
#define CTX_FREED SIZE_MAX

/* A block that has some; all arrays [rows]. */
typedef struct ctx_changes {
    ctx_directory *directory;
    sqlite3_int64 number;
    bool fresh;         /* not in the tables yet */
    int search;         /* no slot before this one is free */
    uint64_t *sum;      /* as they will be: 0 is free */
    int64_t *id;
    uint32_t *chunk;
    int32_t *change;    /* index of the slot's ctx_slot_change, or -1 */
    bool *part;         /* [rows / part_rows] the part is in the table */
    uint8_t *data;      /* the whole block, if most of it is written; else NULL */
} ctx_changes;

/* A row of NAME_rows that changed. */
typedef struct ctx_entry_change {
    int generation;
    sqlite3_int64 id;
    uint64_t hash;
    bool gone;
    int chunks;
    size_t chunk;       /* index of the first one in ctx_storage.chunk */
    bool stored;        /* in the table */
    uint64_t sum;       /* then: its checksum there */
} ctx_entry_change;

/* index='ivf': where slots are taken while vectors move to their lists. */
typedef struct ctx_rooms {
    sqlite3_int64 first;  /* the lists are first ... first + count - 1 */
    int count;
    sqlite3_int64 list;   /* of the next slot */
    sqlite3_int64 *block; /* [count] a block of the list that has room, or 0 */
    int *used;            /* [count] scratch */
} ctx_rooms;
static inline bool ctx_rooms_has(const ctx_rooms *rooms, sqlite3_int64 list)
{
    return list >= rooms->first && list - rooms->first < rooms->count;
}

struct ctx_storage {
    sqlite3 *db;
    const ctx_config *config;
    ctx_layout layout;  /* of config's dimensions; 0: not made */
    sqlite3_int64 vector_bytes; /* see ctx_storage_vector_bytes */
    ctx_block_cache *cache;
    sqlite3_stmt *statement[CTX_STORAGE_STATEMENTS];
    ctx_directory directory[2]; /* of the generation in use and of one that is being built */
    ctx_rooms *rooms;   /* NULL: slots are taken in blocks without a list */

    ctx_changes *changes;
    int changes_count, changes_room;
    ctx_slot_change *slot;
    int slot_count, slot_room;
    uint8_t *code;      /* [data_count, code_size] */
    float *vector;      /* [data_count, dimensions] */
    size_t data_count, data_room;

    ctx_entry_change *entry;
    int entry_count, entry_room;
    uint32_t *bucket;   /* [buckets] open addressing: 1 + index of an entry, or 0 */
    size_t buckets;
    ctx_chunk *chunk;
    size_t chunk_count, chunk_room;

    ctx_chunk *found;   /* chunks of the last ctx_storage_get */
    size_t found_room;
    uint8_t *scratch;
    size_t scratch_room;
};

/* ---- storage.c ---- */

/* The layout, once dimensions are known. */
int ctx_storage_layout(ctx_storage *storage, ctx_error *error);
/* SQLITE_CORRUPT_VTAB: that row of the table ("codes") is damaged, and why. */
int ctx_storage_damaged(const ctx_storage *storage, ctx_error *error, const char *table,
                        sqlite3_int64 row, const char *why);
int ctx_storage_nomem(const ctx_storage *storage, ctx_error *error);
/* Makes *data hold `count` elements of `size` bytes, more if it has to grow. */
bool ctx_grow(void **data, size_t *room, size_t count, size_t size);
/* Memory of at least `size` bytes, the storage's, until the next call. */
uint8_t *ctx_storage_scratch(ctx_storage *storage, size_t size);

/* ---- storage_tables.c ---- */

/* The prepared statement. */
int ctx_storage_statement(ctx_storage *storage, enum ctx_storage_statement which,
                          sqlite3_stmt **out, ctx_error *error);
/* Steps a statement that gives no rows, and resets it. */
int ctx_storage_run(ctx_storage *storage, sqlite3_stmt *statement, ctx_error *error);
/* Opens the data of a row of "codes" or "vectors", or goes on to it with the same handle. A row
** that is not there or holds no data is damage. */
int ctx_storage_blob(ctx_storage *storage, const char *table, sqlite3_int64 row, bool write,
                     sqlite3_blob **blob, ctx_error *error);
/* The code of a failed blob call. */
int ctx_storage_blob_failed(ctx_storage *storage, const char *table, sqlite3_int64 row,
                            int code, ctx_error *error);

/* ---- storage_rows.c ---- */

/* The row's change, made from what the table has if there was none: *out is valid until the
** next. The directory is open. */
int ctx_entry_touch(ctx_storage *storage, ctx_directory *directory, sqlite3_int64 id,
                    ctx_entry_change **out, ctx_error *error);
/* Makes directory->bound known, if it is not; the directory is open. */
int ctx_rows_bound(ctx_storage *storage, ctx_directory *directory, ctx_error *error);
/* Gives the change `chunks` chunks. */
int ctx_entry_set(ctx_storage *storage, ctx_entry_change *change, uint64_t hash,
                  const ctx_chunk *chunk, int chunks, ctx_error *error);
/* Writes all changes of entries and their sums into the directories' totals. */
int ctx_entries_write(ctx_storage *storage, ctx_error *error);
void ctx_entries_forget(ctx_storage *storage);
/* Reads an entry from its columns into storage->found; what is wrong with it, or NULL; or
** "" for want of memory. */
const char *ctx_entry_read(ctx_storage *storage, int generation, sqlite3_int64 id,
                           sqlite3_value *hash, sqlite3_value *chunks, ctx_row_entry *out,
                           uint64_t *sum);

/* ---- storage_directory.c ---- */

/* The directory as the snapshot shows it, or with changes in memory. */
int ctx_directory_open(ctx_storage *storage, int generation, ctx_directory **out,
                       ctx_error *error);
ctx_place *ctx_directory_find(ctx_directory *directory, sqlite3_int64 number);
/* A place with a free slot (see ctx_storage.rooms), a new block if there is none. */
int ctx_directory_room(ctx_storage *storage, ctx_directory *directory, ctx_place **out,
                       ctx_error *error);
/* Writes one block's row, or deletes it (used = 0); then the totals. */
int ctx_directory_put(ctx_storage *storage, ctx_directory *directory, ctx_place *place,
                      ctx_error *error);
int ctx_directory_close(ctx_storage *storage, ctx_directory *directory, ctx_error *error);
void ctx_directory_forget(ctx_directory *directory);
/* Reads a row of NAME_blocks; what is wrong, or NULL. */
const char *ctx_place_read(const ctx_storage *storage, sqlite3_stmt *row, ctx_place *out);
const char *ctx_totals_read(sqlite3_stmt *row, int generation, uint64_t *stamp,
                            ctx_totals *out);
uint64_t ctx_place_sum(int generation, const ctx_block_entry *entry);

/* ---- storage_change.c ---- */

/* Takes a free slot for the row's chunk and puts the vector into it. */
int ctx_slot_take(ctx_storage *storage, ctx_directory *directory, sqlite3_int64 id,
                  uint32_t chunk, const float *vector, sqlite3_int64 *slot,
                  ctx_error *error);
/* Frees the slot of the row's chunk. */
int ctx_slot_free(ctx_storage *storage, ctx_directory *directory, sqlite3_int64 slot,
                  sqlite3_int64 id, uint32_t chunk, ctx_error *error);
/* Gives the slot to another row. */
int ctx_slot_move(ctx_storage *storage, ctx_directory *directory, sqlite3_int64 slot,
                  sqlite3_int64 id, uint32_t chunk, sqlite3_int64 to, ctx_error *error);
/* Reads an unchanged slot of a block with changes, its code into `code` [code_size]. */
int ctx_slot_stored(ctx_storage *storage, const ctx_changes *changes, int index,
                    uint8_t *code, ctx_slot *out, ctx_error *error);
/* Moves the last slot in use of a block, of which none was changed but freed, to the first free
** slot of all: whose it is and where it is then. `vector` [dimensions] is scratch memory. */
int ctx_slot_relocate(ctx_storage *storage, ctx_directory *directory, ctx_place *from,
                      float *vector, sqlite3_int64 *id, uint32_t *chunk, sqlite3_int64 *to,
                      ctx_error *error);
/* Moves slot `index` of `block`, whose float32 vector is given, to a free slot. */
int ctx_slot_copy(ctx_storage *storage, ctx_directory *directory, const ctx_block *block,
                  int index, const float *vector, sqlite3_int64 *to, ctx_error *error);
void ctx_slots_forget(ctx_storage *storage);

/* ---- storage_write.c ---- */

int ctx_slots_write(ctx_storage *storage, ctx_error *error);

/* ---- storage_read.c ---- */

/* Reads header and sums (into memory that the caller has) of a block or part through an open
** handle and checks them. */
int ctx_block_open(ctx_storage *storage, bool part, sqlite3_int64 number, int generation,
                   sqlite3_blob *blob, ctx_block_header *header, uint64_t *sums,
                   ctx_error *error);
/* The number of the part of a slot. */
sqlite3_int64 ctx_part_number(const ctx_layout *layout, sqlite3_int64 block, int index);

#endif
