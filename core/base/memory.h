/*
** memory.h - the only way core/ takes memory.
**
** enc_alloc and its kin go through a hook (tests make the n-th call fail); every block is
** aligned to 64 bytes, a cache line and the widest vector register. Sizes are multiplied with
** overflow checks in one place, enc_alloc_array and enc_arena_array.
**
** An arena is scratch for one call: take by bumping, give back all at once by a mark. Blocks
** never move. After the outermost release it keeps one chunk as large as was ever needed, so
** that a steady state allocates nothing: up to 64 MiB for good, up to 512 MiB as long as each
** work needs more than 64. What shall outlive the calls (a cache) can be left with it, to be
** dropped when the arena is destroyed.
*/
#ifndef ENC_MEMORY_H
#define ENC_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ENC_ALIGNMENT = 64 };

/* Uninitialised bytes, NULL if there are none; bytes 0 gives a unique pointer. */
void *enc_alloc(size_t bytes);
void *enc_alloc_array(size_t count, size_t size);
void *enc_alloc_zero(size_t count, size_t size);
/* As realloc: on failure NULL, and the old block is still valid. block NULL: a new one. */
void *enc_realloc(void *block, size_t bytes);
void *enc_realloc_array(void *block, size_t count, size_t size);
void enc_free(void *block);
/* A NUL-terminated copy of `size` bytes. */
char *enc_copy_string(const char *text, size_t size);

/* The hook: what enc_alloc calls underneath. Set before anything is allocated. */
typedef struct enc_allocator {
    void *(*take)(size_t bytes);
    void (*give)(void *block);
} enc_allocator;
void enc_set_allocator(const enc_allocator *allocator);

/* Bytes now held through enc_alloc by the whole process. */
int64_t enc_memory_used(void);

typedef struct enc_chunk enc_chunk;

typedef struct enc_arena {
    enc_chunk *chunk; /* newest first */
    size_t used;      /* bytes taken of the newest chunk */
    size_t depth;     /* bytes taken of all chunks together */
    size_t peak;      /* largest depth since the last outermost release */
    void *kept;       /* left with it by its one user of such a thing; NULL: nothing */
    void (*drop)(void *kept);
} enc_arena; /* all zero: empty */

typedef struct enc_mark {
    enc_chunk *chunk;
    size_t used;
    size_t depth;
} enc_mark;

/* Uninitialised bytes that live until the mark before them is released; NULL if none. */
void *enc_arena_take(enc_arena *arena, size_t bytes);
void *enc_arena_array(enc_arena *arena, size_t count, size_t size);
/* Makes the block taken last longer where it is; false: it is not the last, or there is no room
** behind it. */
bool enc_arena_extend(enc_arena *arena, const void *block, size_t bytes, size_t longer);
enc_mark enc_arena_mark(const enc_arena *arena);
void enc_arena_release(enc_arena *arena, enc_mark mark);
/* Frees everything, and drops what is kept; the arena is empty and usable. */
void enc_arena_destroy(enc_arena *arena);

#define ENC_ARENA(arena, type, count) ((type *)enc_arena_array((arena), (count), sizeof(type)))
#define ENC_ALLOC(type, count) ((type *)enc_alloc_array((count), sizeof(type)))
#define ENC_ZALLOC(type, count) ((type *)enc_alloc_zero((count), sizeof(type)))

#endif
