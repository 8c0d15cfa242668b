/*
** storage.h - rows, chunks, codes and vectors of an index in its shadow tables.
**
**   NAME_rows    (generation, id, hash, chunks)  one for each indexed row: the hash of its text
**                and, for each chunk, its slot and its place in the text. PRIMARY KEY
**                (generation, id), WITHOUT ROWID
**   NAME_blocks  (block INTEGER PRIMARY KEY, generation, stamp, used, list)  directory: small
**                rows, read whole at each question; used: slots taken; list: IVF's, or NULL
**   NAME_codes   (block INTEGER PRIMARY KEY, data)  block_rows slots of ids, codes and scales
**   NAME_vectors (part INTEGER PRIMARY KEY, data)  part_rows float32 vectors; not where codes
**                are kept alone
**
** A slot is a number: slot / block_rows is its block, slot % block_rows its place there. Every
** block and part begins with a header: magic, version, length, the stamp (blocks) and checksums
** of everything (block.h); what doesn't fit is SQLITE_CORRUPT_VTAB with a sentence that names
** the row of the table and says 'rebuild'. A freed slot is zeroed.
**
** The stamp is random (enc_random) and new with every change of a block, so that a copy of the
** block in the process's cache (block_cache.h) is right exactly if its stamp is the one that the
** question's snapshot shows.
**
** Changes are collected in memory and written by ctx_storage_write; until then, and after
** ctx_storage_forget, the tables are as they were. Nothing here embeds or reads texts.
*/
#ifndef CTX_SEMANTIC_STORAGE_H
#define CTX_SEMANTIC_STORAGE_H

#include "config.h"

typedef struct ctx_storage ctx_storage; /* of one virtual table on one connection */

/* One chunk of a row. */
typedef struct ctx_chunk {
    sqlite3_int64 slot;   /* set by ctx_storage_put */
    sqlite3_int64 start;  /* characters of the row's text */
    sqlite3_int64 length;
} ctx_chunk;

/* What is known about an indexed row. */
typedef struct ctx_row_entry {
    sqlite3_uint64 hash;  /* of the text, and whether the row brought its vector: ctx_row_hash */
    int chunks;
    ctx_chunk *chunk;     /* [chunks] the storage's, until the next call on it */
} ctx_row_entry;

/* The slots of a block, whose codes then take about 256 KiB (a multiple of 16, 64 ... 4096; at
** most 128 where each list has blocks of its own), and of a part, a divisor, whose vectors take
** about 16 KiB. */
void ctx_storage_geometry(enum enc_vector_type codes, int dimensions, bool lists,
                          int *block_rows, int *part_rows);

/* CREATEs, DROPs and renames the tables. */
int ctx_storage_create(sqlite3 *db, const ctx_config *config, ctx_error *error);
int ctx_storage_drop(sqlite3 *db, const ctx_config *config, ctx_error *error);
int ctx_storage_rename(sqlite3 *db, const ctx_config *config, const char *name,
                       ctx_error *error);

/* The storage of `config`, which outlives it; statements are prepared as they are needed. */
int ctx_storage_open(sqlite3 *db, const ctx_config *config, ctx_storage **out,
                     ctx_error *error);
void ctx_storage_close(ctx_storage *storage);
/* SQLITE_TOOBIG: a host has limited values on this connection to less than the storage's. Every
** other call says so too; this one before a row is noted. */
int ctx_storage_fits(ctx_storage *storage, ctx_error *error);
/* Finalizes the statements (the table is renamed, dropped, or the schema is another). */
void ctx_storage_reset(ctx_storage *storage);

/* Reads the row's entry in `generation`; *found. Sees what was put and not yet written. */
int ctx_storage_get(ctx_storage *storage, int generation, sqlite3_int64 id,
                    ctx_row_entry *entry, bool *found, ctx_error *error);

/* No row of the generation has an id above *bound, until something is put. */
int ctx_storage_bound(ctx_storage *storage, int generation, sqlite3_int64 *bound,
                      ctx_error *error);

/* Proves that NAME_rows has the rows of the generation that were put, no others and none under
** another id: what a look-up does not find is then not there. SQLITE_CORRUPT_VTAB if it has not.
** One pass over the rows, once after each change by somebody else. */
int ctx_storage_prove(ctx_storage *storage, int generation, ctx_error *error);

/* Puts a row in place of the one with that id: `chunks` vectors [chunks, dimensions], float32,
** finite. Fills chunk[i].slot. */
int ctx_storage_put(ctx_storage *storage, int generation, sqlite3_int64 id,
                    sqlite3_uint64 hash, ctx_chunk *chunk, int chunks, const float *vectors,
                    ctx_error *error);
/* Gives the row's entry another id, or takes the row out; no such row: nothing happens. */
int ctx_storage_move(ctx_storage *storage, int generation, sqlite3_int64 id,
                     sqlite3_int64 to, ctx_error *error);
int ctx_storage_remove(ctx_storage *storage, int generation, sqlite3_int64 id,
                       ctx_error *error);
/* Removes all rows of a generation (everything of it, whatever its state). */
int ctx_storage_clear(ctx_storage *storage, int generation, ctx_error *error);

/* Writes what was changed; after a failure it is forgotten, and the statement must fail. */
int ctx_storage_write(ctx_storage *storage, ctx_error *error);
void ctx_storage_forget(ctx_storage *storage);

/* The vector [dimensions] in a slot: float32 as it was put, or what the code stands for. */
int ctx_storage_vector(ctx_storage *storage, sqlite3_int64 slot, float *out,
                       ctx_error *error);
/* Where ctx_storage_holds is: of slots in ascending order each part is read once. All 0 at first;
** only while nothing is written. */
typedef struct ctx_sums {
    sqlite3_blob *blob;
    sqlite3_int64 block, part; /* 0: none */
    int generation;            /* of the block; 0: its vectors are not those of the tables */
    uint64_t *sum;             /* [part_rows] of that part */
} ctx_sums;
/* *holds: the float32 vector in the slot is one whose bytes have that enc_checksum. Of the vector
** only its checksum is read. */
int ctx_storage_holds(ctx_storage *storage, ctx_sums *at, sqlite3_int64 slot,
                      uint64_t checksum, bool *holds, ctx_error *error);
void ctx_sums_close(ctx_sums *at);
/* Bytes that all these calls have read so far: whole parts, where it is float32. */
sqlite3_int64 ctx_storage_vector_bytes(const ctx_storage *storage);

/* ---- Blocks, for scans ---- */

typedef struct ctx_block {
    sqlite3_int64 number;
    sqlite3_uint64 stamp;
    int used;                 /* slots taken */
    const sqlite3_int64 *id;  /* [block_rows] row ids */
    const uint32_t *chunk;    /* [block_rows] number of the chunk in its row; CTX_FREE: free */
    enc_codes codes;          /* count = block_rows; a free slot has scale 0, offset -infinity */
} ctx_block;
#define CTX_FREE UINT32_C(0xffffffff)

typedef struct ctx_block_entry { /* one row of NAME_blocks */
    sqlite3_int64 number;
    sqlite3_uint64 stamp;
    int used;
    sqlite3_int64 list; /* -1: none */
} ctx_block_entry;

/* The directory of a generation in the order of block numbers, [*count], sqlite3_free'd. Writes
** nothing: call ctx_storage_write before. */
int ctx_storage_blocks(ctx_storage *storage, int generation, ctx_block_entry **out,
                       int *count, ctx_error *error);
/* The block, from the process's cache if the stamp is there; valid until ctx_block_release. */
int ctx_storage_block(ctx_storage *storage, const ctx_block_entry *entry,
                      const ctx_block **out, ctx_error *error);
void ctx_block_release(const ctx_block *block);
/* What the code of a slot stands for, [length]. */
static inline void ctx_block_read(const ctx_block *block, enum enc_vector_type type,
                                  size_t length, size_t slot, float *out)
{
    const size_t head = enc_code_head(type, length), rest = enc_code_size(type, length) - head;
    const uint8_t *rests = rest ? block->codes.rest + slot * rest : NULL;
    enc_code_read(type, block->codes.code + slot * head, rests, block->codes.scale[slot], length,
                  out);
}

/* Compares everything in the tables with everything else (headers, checksums, slots against
** rows, rows against slots, codes against vectors, counts) and hands each finding to `report`
** as a sentence, until it returns false. Needs no model. Of `generation`, whose geometry the
** configuration must have; rows and blocks of `other` (0: none) may be there and are passed over.
*/
typedef bool (*ctx_finding)(void *context, const char *sentence);
int ctx_storage_check(ctx_storage *storage, int generation, int other, ctx_finding report,
                      void *context, ctx_error *error);

/* Moves the rows of a generation so that no block but the last has free slots, at most `rows`
** rows (-1: all); *done says whether it is so. */
int ctx_storage_compact(ctx_storage *storage, int generation, sqlite3_int64 rows, bool *done,
                        ctx_error *error);

/* index='ivf': moves the slots of blocks that are in none of the configuration's lists into blocks
** of the list that `choose` says, 0 ... config.lists - 1, of a vector [dimensions]: at most *slots
** (-1: all), of which it takes away those it moved; *done: there are no more. Written when it
** returns; where it fails, the tables may be anywhere between the batches. */
typedef int ctx_choose_list(void *context, const float *vector, int *list, ctx_error *error);
int ctx_storage_sort(ctx_storage *storage, int generation, sqlite3_int64 *slots,
                     ctx_choose_list *choose, void *context, bool *done, ctx_error *error);

/* Bytes of all shadow tables of the storage. */
int ctx_storage_bytes(ctx_storage *storage, sqlite3_int64 *bytes, ctx_error *error);

#endif
