/*
** block.h - the bytes of a block of codes and of a part of float32 vectors.
**
** A block is a header and, one after the other, the arrays of its block_rows slots:
**
**   header 64 | sums u64 | ids i64 | chunks u32 | scales | errors | coarse | offsets f32 |
**   heads | rests of the codes
**
** so that a scan reads what it needs in one piece: all behind the sums is as it lies in memory.
** The errors are left out where codes are kept alone, the coarse ones and the rests where codes
** are of bits. A part is a header, the sums of its part_rows slots and their vectors. Numbers are
** little-endian, as the machines are that the extension runs on.
**
** A slot's sum is the checksum of everything in the slot, its place included; 0: the slot is
** free and all its bytes are 0. The header holds the checksum of the sums and one of itself.
** So one changed slot is written as a few short pieces, and still every byte is covered.
*/
#ifndef CTX_SEMANTIC_BLOCK_H
#define CTX_SEMANTIC_BLOCK_H

#include <stdbool.h>

#include "storage.h"

/* Where the arrays are: `sums` and `body` in bytes from the start of the data, the others from
** the body's, where the ids are. */
typedef struct ctx_layout {
    enum enc_vector_type type; /* of the codes */
    bool vectors;              /* float32 is kept, and codes have errors */
    int dimensions;
    int rows;                  /* slots of a block */
    int part_rows;             /* slots of a part */
    size_t code_size;          /* of one code, head and rest */
    size_t head_size, rest_size;
    size_t vector_size;        /* of one vector */
    size_t sums, body;
    size_t chunks, scales, errors, coarse, offsets, heads, rests;
    size_t size;               /* of the whole data */
    size_t part_vectors, part_size; /* the sums of a part are where those of a block are */
} ctx_layout;

/* The layout of the configuration's blocks; its dimensions are known. False: the geometry is
** not one that ctx_storage_geometry gives. */
bool ctx_layout_make(const ctx_config *config, ctx_layout *out);

enum { CTX_HEADER_SIZE = 64, CTX_BLOCK_VERSION = 2 };

typedef struct ctx_block_header {
    char magic[4]; /* "CtxB": a block, "CtxV": a part */
    uint32_t version;
    uint64_t length;     /* of the data, header included */
    uint64_t stamp;      /* of blocks */
    int64_t number;      /* of the block or part */
    uint32_t generation;
    uint32_t rows;
    uint32_t dimensions;
    uint32_t type;       /* enum enc_vector_type */
    uint64_t sums;       /* checksum of the sums */
    uint64_t checksum;   /* of all before */
} ctx_block_header;

/* Fills in the header of a block (stamp 0: of a part) for its sums. */
void ctx_block_seal(const ctx_layout *layout, bool part, int64_t number, int generation,
                    uint64_t stamp, const uint64_t *sums, ctx_block_header *out);

/* What is wrong with a header's first words: a few words, or NULL. Blocks of another version may
** have another length. */
const char *ctx_block_kind_flaw(bool part, const ctx_block_header *header);
/* What is wrong with a header and the sums [rows] that follow it in `size` bytes of data: a few
** words, or NULL. The stamp is not looked at. */
const char *ctx_block_flaw(const ctx_layout *layout, bool part, int64_t number,
                           int generation, const ctx_block_header *header,
                           const uint64_t *sums, size_t size);

/* One slot of a block. */
typedef struct ctx_slot {
    int64_t id;
    uint32_t chunk;
    enc_code_numbers numbers; /* an error that is left out is 0 */
    const uint8_t *head, *rest;
} ctx_slot;

/* Where a piece of a slot lies in a block's body, and in a ctx_slot. */
typedef struct ctx_piece {
    size_t at, size;
    void *data;
} ctx_piece;
enum { CTX_PIECES = 8 };

/* The pieces that slot `index` has in this layout, the last ones where *slot says that its code
** is; how many. */
size_t ctx_slot_pieces(const ctx_layout *layout, int index, ctx_slot *slot,
                       ctx_piece piece[CTX_PIECES]);

/* Never 0. */
uint64_t ctx_slot_sum(const ctx_layout *layout, int index, const ctx_slot *slot);
uint64_t ctx_vector_sum(const ctx_layout *layout, int index, const float *vector);
/* The same of the enc_checksum of a vector's bytes. */
uint64_t ctx_checksum_sum(uint64_t checksum, int index);

/* Reads and writes slot `index` of a block's body. */
void ctx_slot_read(const ctx_layout *layout, const uint8_t *body, int index, ctx_slot *out);
void ctx_slot_write(const ctx_layout *layout, uint8_t *body, int index,
                    const ctx_slot *slot);
/* What the slot's code stands for, [dimensions]. */
void ctx_slot_vector(const ctx_layout *layout, const ctx_slot *slot, float *out);

/* Compares each slot of a block with its sum; -1: all are well, else the first that is not. */
int ctx_block_verify(const ctx_layout *layout, const uint64_t *sums, const uint8_t *body);
/* The same of a slot of a part. */
bool ctx_vector_verify(const ctx_layout *layout, int index, uint64_t sum,
                       const float *vector);

#endif
