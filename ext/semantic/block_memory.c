/*
** block_memory.c - see block_memory.h. ctx_process_lock guards the list of slabs and what is in it.
*/
#include "block_memory.h"

#include <stdint.h>
#include <sys/mman.h>

#include "connection.h"

enum { ALIGNMENT = 64, PAGE = 4096, HUGE_PAGE = 2 << 20 };

/* In front of the memory that is handed out; a free cell has the next one there. */
typedef struct cell {
    struct slab *slab; /* NULL: it is a piece of its own, */
    void *memory;      /* which this is */
    struct cell *next;
} cell;
enum { HEAD = ALIGNMENT };
_Static_assert(sizeof(cell) <= HEAD, "the memory behind it is aligned");

typedef struct slab {
    struct slab *next;
    uint8_t *first;
    size_t cell;    /* bytes of one */
    size_t cells, fresh, used; /* in all; taken once at least; taken now */
    cell *free;     /* of the fresh ones */
} slab;

static slab *slabs;

static uint8_t *align(void *memory, size_t to)
{
    return (uint8_t *)(((uintptr_t)memory + to - 1) & ~(uintptr_t)(to - 1));
}

/* Asks for the pages of new memory at once: one by one, at their first use, they cost as much as
** reading the block. */
static void touch(uint8_t *data, size_t size)
{
#ifdef MADV_POPULATE_WRITE
    size_t before = (size_t)(-(uintptr_t)data & (PAGE - 1));
    if (size > before + PAGE)
        madvise(data + before, (size - before) & ~(size_t)(PAGE - 1), MADV_POPULATE_WRITE);
#else
    (void)data;
    (void)size;
#endif
}

static cell *take_piece(size_t bytes)
{
    void *memory = sqlite3_malloc64(bytes + ALIGNMENT);
    if (!memory)
        return NULL;
    cell *made = (cell *)(void *)align(memory, ALIGNMENT);
    *made = (cell){.memory = memory};
    return made;
}

static slab *make_slab(size_t bytes)
{
    slab *made = sqlite3_malloc64(sizeof *made + CTX_SLAB + HUGE_PAGE);
    if (!made)
        return NULL;
    *made = (slab){.first = align(made + 1, HUGE_PAGE), .cell = bytes,
                   .cells = CTX_SLAB / bytes};
#ifdef MADV_HUGEPAGE
    madvise(made->first, CTX_SLAB, MADV_HUGEPAGE);
#endif
    return made;
}

/* Under the lock: a cell of a slab that has one, or NULL. */
static cell *take_cell(size_t bytes)
{
    slab *s = slabs;
    while (s && (s->cell != bytes || s->used == s->cells))
        s = s->next;
    if (!s)
        return NULL;
    cell *taken = s->free;
    if (taken)
        s->free = taken->next;
    else
        taken = (cell *)(void *)(s->first + s->fresh++ * bytes);
    *taken = (cell){.slab = s};
    s->used++;
    return taken;
}

/* A cell of any slab, else of a new one. */
static cell *find_cell(size_t bytes)
{
    ctx_process_lock();
    cell *taken = take_cell(bytes);
    ctx_process_unlock();
    slab *made = taken ? NULL : make_slab(bytes);
    if (!made)
        return taken;
    ctx_process_lock();
    made->next = slabs;
    slabs = made;
    taken = take_cell(bytes);
    ctx_process_unlock();
    return taken;
}

void *ctx_block_memory_take(size_t size, bool many)
{
    const size_t bytes = (HEAD + size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    cell *taken = many && bytes <= CTX_SLAB / 8 ? find_cell(bytes) : take_piece(bytes);
    if (!taken)
        return NULL;
    uint8_t *memory = (uint8_t *)taken + HEAD;
    touch(memory, size);
    return memory;
}

void ctx_block_memory_give(void *memory)
{
    cell *given = (cell *)(void *)((uint8_t *)memory - HEAD);
    slab *s = given->slab;
    if (!s) {
        sqlite3_free(given->memory);
        return;
    }
    ctx_process_lock();
    given->next = s->free;
    s->free = given;
    bool empty = --s->used == 0;
    if (empty) {
        slab **link = &slabs;
        while (*link != s)
            link = &(*link)->next;
        *link = s->next;
    }
    ctx_process_unlock();
    if (empty)
        sqlite3_free(s);
}
