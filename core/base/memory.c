/* memory.c - see memory.h. */
#define _DEFAULT_SOURCE /* madvise */
#include "memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Stands in the ENC_ALIGNMENT bytes before every block. */
typedef struct header {
    void *base;   /* what the hook gave */
    size_t bytes; /* what the caller asked for */
} header;

static void *libc_take(size_t bytes) { return malloc(bytes); }
static void libc_give(void *block) { free(block); }

static enc_allocator hook = {libc_take, libc_give};
static _Atomic int64_t held;

void enc_set_allocator(const enc_allocator *allocator) { hook = *allocator; }
int64_t enc_memory_used(void) { return atomic_load(&held); }

static header *header_of(void *block)
{
    return (header *)(void *)((char *)block - sizeof(header));
}

void *enc_alloc(size_t bytes)
{
    size_t total;
    if (__builtin_add_overflow(bytes, sizeof(header) + ENC_ALIGNMENT, &total))
        return NULL;
    char *base = hook.take(total);
    if (!base)
        return NULL;
    uintptr_t first = (uintptr_t)base + sizeof(header);
    uintptr_t aligned = (first + ENC_ALIGNMENT - 1) & ~(uintptr_t)(ENC_ALIGNMENT - 1);
    char *block = base + (aligned - (uintptr_t)base);
    *header_of(block) = (header){base, bytes};
    atomic_fetch_add(&held, (int64_t)bytes);
    return block;
}

void *enc_alloc_array(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return enc_alloc(bytes);
}

void *enc_alloc_zero(size_t count, size_t size)
{
    void *block = enc_alloc_array(count, size);
    if (block)
        memset(block, 0, count * size);
    return block;
}

void *enc_realloc(void *block, size_t bytes)
{
    void *fresh = enc_alloc(bytes);
    if (!fresh || !block)
        return fresh;
    size_t old = header_of(block)->bytes;
    memcpy(fresh, block, old < bytes ? old : bytes);
    enc_free(block);
    return fresh;
}

void *enc_realloc_array(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return enc_realloc(block, bytes);
}

void enc_free(void *block)
{
    if (!block)
        return;
    atomic_fetch_sub(&held, (int64_t)header_of(block)->bytes);
    hook.give(header_of(block)->base);
}

char *enc_copy_string(const char *text, size_t size)
{
    if (size == SIZE_MAX)
        return NULL;
    char *copy = enc_alloc(size + 1);
    if (!copy)
        return NULL;
    if (size)
        memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

/* ---- Arena --------------------------------------------------------------------------- */

struct enc_chunk {
    enc_chunk *older;
    size_t size; /* bytes after this header */
};

enum {
    FIRST_CHUNK = 64 * 1024,
    LARGEST_KEPT = 64 * 1024 * 1024,
    LARGEST_IN_USE = 8 * LARGEST_KEPT,
    HUGE_FROM = 8 * 1024 * 1024, /* bytes of a chunk that is to lie in huge pages, */
    HUGE_PAGE = 2 * 1024 * 1024, /* which are so large */
    CHUNK_HEADER = ENC_ALIGNMENT
};

static char *chunk_bytes(enc_chunk *chunk) { return (char *)chunk + CHUNK_HEADER; }

/* First touching a megabyte in pages of 4 KiB takes as long as tokenizing it, in huge pages a
** seventh of that. A system that has none ignores the advice. */
static void ask_for_huge_pages(void *block, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    uintptr_t begin = ((uintptr_t)block + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
    uintptr_t end = ((uintptr_t)block + bytes) & ~(uintptr_t)(HUGE_PAGE - 1);
    if (bytes >= HUGE_FROM)
        (void)madvise((char *)block + (begin - (uintptr_t)block), end - begin, MADV_HUGEPAGE);
#else
    (void)block;
    (void)bytes;
#endif
}

static enc_chunk *chunk_new(size_t size, enc_chunk *older)
{
    size_t total;
    if (__builtin_add_overflow(size, (size_t)CHUNK_HEADER, &total))
        return NULL;
    enc_chunk *chunk = enc_alloc(total);
    if (!chunk)
        return NULL;
    ask_for_huge_pages(chunk, total);
    *chunk = (enc_chunk){older, size};
    return chunk;
}

static size_t aligned(size_t bytes)
{
    return (bytes + ENC_ALIGNMENT - 1) & ~(size_t)(ENC_ALIGNMENT - 1);
}

void *enc_arena_take(enc_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX - ENC_ALIGNMENT)
        return NULL;
    bytes = aligned(bytes);
    if (!arena->chunk || arena->chunk->size - arena->used < bytes) {
        size_t size = arena->chunk ? arena->chunk->size * 2 : FIRST_CHUNK;
        enc_chunk *chunk = chunk_new(size < bytes ? bytes : size, arena->chunk);
        if (!chunk && size > bytes)
            chunk = chunk_new(bytes, arena->chunk);
        if (!chunk)
            return NULL;
        arena->chunk = chunk;
        arena->used = 0;
    }
    void *block = chunk_bytes(arena->chunk) + arena->used;
    arena->used += bytes;
    arena->depth += bytes;
    if (arena->depth > arena->peak)
        arena->peak = arena->depth;
    return block;
}

bool enc_arena_extend(enc_arena *arena, const void *block, size_t bytes, size_t longer)
{
    if (!arena->chunk || longer < bytes || longer > SIZE_MAX - ENC_ALIGNMENT)
        return false;
    size_t more = aligned(longer) - aligned(bytes);
    const char *end = (const char *)block + aligned(bytes);
    if (end != chunk_bytes(arena->chunk) + arena->used ||
        more > arena->chunk->size - arena->used)
        return false;
    arena->used += more;
    arena->depth += more;
    if (arena->depth > arena->peak)
        arena->peak = arena->depth;
    return true;
}

void *enc_arena_array(enc_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return enc_arena_take(arena, bytes);
}

enc_mark enc_arena_mark(const enc_arena *arena)
{
    return (enc_mark){arena->chunk, arena->used, arena->depth};
}

static void free_chunks(enc_arena *arena)
{
    while (arena->chunk) {
        enc_chunk *older = arena->chunk->older;
        enc_free(arena->chunk);
        arena->chunk = older;
    }
    arena->used = arena->depth = 0;
}

/* Back at the start with several chunks, or with one smaller than the peak: replace them by
** one chunk that the same work will fit into next time. A huge one is given back by the first
** work that needs little of it. */
static void settle(enc_arena *arena)
{
    size_t peak = arena->peak;
    bool large = peak > LARGEST_KEPT && peak <= LARGEST_IN_USE;
    size_t most = large ? LARGEST_IN_USE : LARGEST_KEPT;
    peak = peak < most ? peak : most;
    arena->peak = 0;
    if (arena->chunk && arena->chunk->size > most)
        free_chunks(arena);
    if (!arena->chunk || (!arena->chunk->older && arena->chunk->size >= peak))
        return;
    free_chunks(arena);
    arena->chunk = chunk_new(peak, NULL);
}

void enc_arena_release(enc_arena *arena, enc_mark mark)
{
    if (mark.depth == 0) {
        arena->used = 0;
        arena->depth = 0;
        settle(arena);
        return;
    }
    while (arena->chunk != mark.chunk) {
        enc_chunk *older = arena->chunk->older;
        enc_free(arena->chunk);
        arena->chunk = older;
    }
    arena->used = mark.used;
    arena->depth = mark.depth;
}

void enc_arena_destroy(enc_arena *arena)
{
    free_chunks(arena);
    if (arena->kept)
        arena->drop(arena->kept);
    *arena = (enc_arena){0};
}
