/* trie.c - see trie.h; building a double array from a sorted list, in time linear in its
** bytes. */
#include "trie.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* Cells of a block; blocks in which room is looked for; vain searches in a block before it is
** left alone; most blocks, as bases have 23 bits. */
enum { BLOCK = 256, OPEN = 16, PATIENCE = 64, BLOCKS_MOST = (1 << 23) / BLOCK };
enum { NO_BYTE = 256 };

/* A block that still takes nodes; bits say which cells and which bases are taken. */
typedef struct block {
    uint64_t cell[BLOCK / 64], base[BLOCK / 64];
    uint32_t start; /* its first cell */
    unsigned failures;
} block;

/* A node whose children are still to be placed: they have items [from, to), which agree in
** `depth` bytes. */
typedef struct task {
    uint32_t node;
    uint32_t from, to;
    uint32_t depth;
} task;

typedef struct builder {
    const enc_vocabulary_item *item;
    enc_trie trie;
    size_t capacity; /* cells */
    block open[OPEN];
    size_t opened;
    task *task; /* [items]: they have different items */
    size_t tasks;
    const char *where;
    enc_error *err;
} builder;

static bool has(const uint64_t *bits, unsigned i) { return bits[i >> 6] >> (i & 63) & 1; }

static void set(uint64_t *bits, unsigned i) { bits[i >> 6] |= UINT64_C(1) << (i & 63); }

/* ---- Finding room -------------------------------------------------------------------- */

/* A base in the block, from 0, that puts all children on free cells; -1: none. */
static int find_base(const block *b, const unsigned char *byte, size_t count)
{
    for (unsigned word = 0; word < BLOCK / 64; word++) {
        for (uint64_t free = ~b->cell[word]; free; free &= free - 1) {
            unsigned base = (word * 64 + (unsigned)__builtin_ctzll(free)) ^ byte[0];
            if (has(b->base, base))
                continue;
            size_t i = 1;
            while (i < count && !has(b->cell, base ^ byte[i]))
                i++;
            if (i >= count)
                return (int)base;
        }
    }
    return -1;
}

static int add_block(builder *b, block **out)
{
    enc_trie *t = &b->trie;
    if (t->count / BLOCK == BLOCKS_MOST)
        return enc_fail(b->err, ENC_UNSUPPORTED, "%s has tokens with more than %d different "
                        "beginnings", b->where, BLOCKS_MOST * BLOCK / 2);
    if (t->count == b->capacity) {
        size_t capacity = b->capacity ? b->capacity + b->capacity / 2 : 16 * BLOCK;
        capacity -= capacity % BLOCK;
        enc_trie_cell *cell = enc_realloc_array(t->cell, capacity, sizeof *cell);
        if (!cell)
            return enc_nomem(b->err);
        t->cell = cell;
        b->capacity = capacity;
    }
    for (size_t i = 0; i < BLOCK; i++)
        t->cell[t->count + i] = (enc_trie_cell){NO_BYTE, -1};
    block *place = &b->open[0];
    if (b->opened < OPEN)
        place = &b->open[b->opened++];
    else
        for (size_t i = 1; i < OPEN; i++)
            place = b->open[i].failures > place->failures ? &b->open[i] : place;
    *place = (block){.start = (uint32_t)t->count};
    t->count += BLOCK;
    *out = place;
    return ENC_OK;
}

/* Takes cells for children; *base is where they stand, XOR their bytes. */
static int take(builder *b, const unsigned char *byte, size_t count, uint32_t *base)
{
    block *found = NULL;
    int low = -1;
    for (size_t i = b->opened; i > 0 && low < 0; i--) {
        found = &b->open[i - 1];
        if (found->failures >= PATIENCE)
            continue;
        low = find_base(found, byte, count);
        found->failures += low < 0;
    }
    if (low < 0) {
        int rc = add_block(b, &found);
        if (rc != ENC_OK)
            return rc;
        low = find_base(found, byte, count);
    }
    set(found->base, (unsigned)low);
    for (size_t i = 0; i < count; i++)
        set(found->cell, (unsigned)low ^ byte[i]);
    *base = found->start + (uint32_t)low;
    return ENC_OK;
}

/* ---- Nodes --------------------------------------------------------------------------- */

static unsigned char byte_at(const builder *b, uint32_t item, uint32_t depth)
{
    return (unsigned char)b->item[item].text[depth];
}

/* The children of one node. */
static int place_children(builder *b, task t)
{
    unsigned char byte[BLOCK];
    uint32_t start[BLOCK + 1], base;
    size_t count = 0;
    /* Items that end here come first; the last of them is the one that counts. */
    for (; t.from < t.to && b->item[t.from].size == t.depth; t.from++)
        if (t.depth > 0)
            b->trie.cell[t.node].value = b->item[t.from].id;
    if (t.from == t.to)
        return ENC_OK;
    for (uint32_t i = t.from; i < t.to; i++) {
        unsigned char c = byte_at(b, i, t.depth);
        if (count > 0 && byte[count - 1] == c)
            continue;
        byte[count] = c;
        start[count++] = i;
    }
    start[count] = t.to;
    int rc = take(b, byte, count, &base);
    if (rc != ENC_OK)
        return rc;
    b->trie.cell[t.node].link = base << 9 | (b->trie.cell[t.node].link & 511);
    for (size_t i = 0; i < count; i++) {
        b->trie.cell[base ^ byte[i]].link = byte[i];
        b->task[b->tasks++] = (task){base ^ byte[i], start[i], start[i + 1], t.depth + 1};
    }
    return ENC_OK;
}

static int compare(const void *a, const void *b)
{
    const enc_vocabulary_item *x = a, *y = b;
    int order = memcmp(x->text, y->text, x->size < y->size ? x->size : y->size);
    if (order != 0)
        return order;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* The first block is the root's, and nobody else's: leaves have base 0, where their children
** would be on its free cells. */
static int build(builder *b, size_t count)
{
    block *first;
    int rc = add_block(b, &first);
    b->opened = 0;
    if (rc == ENC_OK && count > 0)
        b->task[b->tasks++] = (task){ENC_TRIE_ROOT, 0, (uint32_t)count, 0};
    while (rc == ENC_OK && b->tasks > 0)
        rc = place_children(b, b->task[--b->tasks]);
    return rc;
}

int enc_trie_open(enc_vocabulary_item *items, size_t count, const char *where, enc_trie *out,
                  enc_error *err)
{
    builder b = {.item = items, .where = where, .err = err};
    size_t longest = 0;
    for (size_t i = 0; i < count; i++)
        longest = items[i].size > longest ? items[i].size : longest;
    if (count >= UINT32_MAX || longest >= UINT32_MAX)
        return enc_fail(err, ENC_UNSUPPORTED, "%s has %zu tokens of up to %zu bytes, the "
                        "limits are %u and %u", where, count, longest, UINT32_MAX - 1,
                        UINT32_MAX - 1);
    b.task = ENC_ALLOC(task, count);
    if (!b.task)
        return enc_nomem(err);
    if (count)
        qsort(items, count, sizeof *items, compare);
    int rc = build(&b, count);
    enc_free(b.task);
    enc_trie_cell *exact = rc == ENC_OK
        ? enc_realloc_array(b.trie.cell, b.trie.count, sizeof *b.trie.cell) : NULL;
    if (exact)
        b.trie.cell = exact;
    if (rc != ENC_OK)
        enc_trie_close(&b.trie);
    *out = b.trie;
    return rc;
}

void enc_trie_close(enc_trie *trie)
{
    enc_free(trie->cell);
    *trie = (enc_trie){0};
}
