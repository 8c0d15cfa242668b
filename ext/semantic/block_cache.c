/*
** block_cache.c - see block_cache.h: a hash table of blocks that also stand in a list by use.
**
** ctx_process_lock guards everything here and a block's count of references; it is held to look
** up, link and unlink. Memory is taken and given back outside.
*/
#include "block_cache.h"

#include <string.h>

#include "block_memory.h"

enum { BUCKETS = 4096, ALIGNMENT = 64, MOST_OUTDATED = 8 << 20 /* bytes */ };

/* A database file, or a connection with databases that have none. */
typedef struct file {
    struct file *next;
    sqlite3 *db; /* NULL: the name says all */
    int references;
    char name[];
} file;

struct ctx_block_cache {
    file *file;
    sqlite3_int64 budget; /* bytes; -1: any number */
    ctx_block_cache *next;
};

static struct {
    ctx_cached_block *bucket[BUCKETS];
    ctx_cached_block *newest, *oldest;
    sqlite3_int64 bytes, outdated; /* in all; of outdated blocks */
    uint64_t uses;           /* counts ctx_block_cache_find */
    file *files;
    ctx_block_cache *open;
} all;

/* ---- Lists; all under the lock ---- */

/* Marks a block, or takes the mark away. */
static void set_outdated(ctx_cached_block *block, bool outdated)
{
    if (block->outdated != outdated)
        all.outdated += outdated ? (sqlite3_int64)block->bytes : -(sqlite3_int64)block->bytes;
    block->outdated = outdated;
}

static void unlink_use(ctx_cached_block *block)
{
    *(block->newer ? &block->newer->older : &all.newest) = block->older;
    *(block->older ? &block->older->newer : &all.oldest) = block->newer;
}

static void link_newest(ctx_cached_block *block)
{
    block->newer = NULL;
    block->older = all.newest;
    *(all.newest ? &all.newest->newer : &all.oldest) = block;
    all.newest = block;
    block->used_at = all.uses;
}

static void link_oldest(ctx_cached_block *block)
{
    block->older = NULL;
    block->newer = all.oldest;
    *(all.oldest ? &all.oldest->older : &all.newest) = block;
    all.oldest = block;
}

static ctx_cached_block *find(uint64_t stamp)
{
    ctx_cached_block *block = all.bucket[stamp % BUCKETS];
    while (block && block->block.stamp != stamp)
        block = block->chain;
    return block;
}

static void keep(ctx_cached_block *block)
{
    ctx_cached_block **bucket = &all.bucket[block->block.stamp % BUCKETS];
    block->chain = *bucket;
    *bucket = block;
    link_newest(block);
    block->kept = true;
    all.bytes += (sqlite3_int64)block->bytes;
}

/* Takes a kept block out. If nobody uses it, it goes in front of *victims; else its last user
** frees it. */
static void let_go(ctx_cached_block *block, ctx_cached_block **victims)
{
    ctx_cached_block **link = &all.bucket[block->block.stamp % BUCKETS];
    while (*link != block)
        link = &(*link)->chain;
    *link = block->chain;
    unlink_use(block);
    set_outdated(block, false);
    block->kept = false;
    all.bytes -= (sqlite3_int64)block->bytes;
    block->chain = NULL;
    if (block->references == 0) {
        block->chain = *victims;
        *victims = block;
    }
}

/* Not under the lock. */
static sqlite3_int64 free_blocks(ctx_cached_block *victims)
{
    sqlite3_int64 bytes = 0;
    while (victims) {
        ctx_cached_block *next = victims->chain;
        bytes += (sqlite3_int64)victims->bytes;
        ctx_block_memory_give(victims);
        victims = next;
    }
    return bytes;
}

static sqlite3_int64 budget(void)
{
    sqlite3_int64 largest = 0;
    for (ctx_block_cache *c = all.open; c; c = c->next) {
        if (c->budget < 0)
            return INT64_MAX;
        if (c->budget > largest)
            largest = c->budget;
    }
    return largest;
}

/* Lets the least used blocks go until `bytes` more fit. With `owner` only that file's, and none
** that was used in the last `uses` uses. Whether they fit. */
static bool make_room(sqlite3_int64 bytes, const file *owner, uint64_t uses,
                      ctx_cached_block **victims)
{
    sqlite3_int64 most = budget();
    ctx_cached_block *block = all.oldest;
    while (block && all.bytes > most - bytes) {
        ctx_cached_block *newer = block->newer;
        if (owner && all.uses - block->used_at <= uses)
            break;
        if (block->references == 0 && (!owner || block->file == owner))
            let_go(block, victims);
        block = newer;
    }
    return all.bytes <= most - bytes;
}

/* ---- Files ---- */

static bool is_file(const file *f, sqlite3 *db, const char *name)
{
    return f->db == db && strcmp(f->name, name) == 0;
}

/* The entry of a file with one more reference; takes `made`, or leaves it to be freed. */
static file *find_file(file **made)
{
    file *f = all.files;
    while (f && !is_file(f, (*made)->db, (*made)->name))
        f = f->next;
    if (!f) {
        f = *made;
        *made = NULL;
        f->next = all.files;
        all.files = f;
    }
    f->references++;
    return f;
}

ctx_block_cache *ctx_block_cache_open(sqlite3 *db, const ctx_config *config)
{
    const char *name = sqlite3_db_filename(db, config->schema);
    name = name ? name : "";
    size_t size = strlen(name) + 1;
    ctx_block_cache *cache = sqlite3_malloc64(sizeof *cache);
    file *made = sqlite3_malloc64(sizeof *made + size);
    if (!cache || !made) {
        sqlite3_free(cache);
        sqlite3_free(made);
        return NULL;
    }
    memset(made, 0, sizeof *made);
    memcpy(made->name, name, size);
    made->db = *name ? NULL : db;
    cache->budget = config->cache;
    ctx_process_lock();
    cache->file = find_file(&made);
    cache->next = all.open;
    all.open = cache;
    ctx_process_unlock();
    sqlite3_free(made);
    return cache;
}

void ctx_block_cache_close(ctx_block_cache *cache)
{
    if (!cache)
        return;
    ctx_cached_block *victims = NULL;
    ctx_process_lock();
    ctx_block_cache **link = &all.open;
    while (*link != cache)
        link = &(*link)->next;
    *link = cache->next;
    file *last = --cache->file->references == 0 ? cache->file : NULL;
    if (last) {
        file **place = &all.files;
        while (*place != last)
            place = &(*place)->next;
        *place = last->next;
        ctx_cached_block *newer;
        for (ctx_cached_block *block = all.oldest; block; block = newer) {
            newer = block->newer;
            if (block->file == last)
                let_go(block, &victims);
        }
    }
    make_room(0, NULL, 0, &victims);
    ctx_process_unlock();
    free_blocks(victims);
    sqlite3_free(last);
    sqlite3_free(cache);
}

/* ---- Blocks ---- */

ctx_cached_block *ctx_block_cache_find(uint64_t stamp)
{
    ctx_process_lock();
    all.uses++;
    ctx_cached_block *block = find(stamp);
    if (block) {
        block->references++;
        set_outdated(block, false);
        unlink_use(block);
        link_newest(block);
    }
    ctx_process_unlock();
    return block;
}

/* Whether an index of that many blocks fills slabs that are kept. */
static bool fills_slabs(const ctx_block_cache *cache, size_t bytes, int blocks)
{
    const sqlite3_int64 size = (sqlite3_int64)bytes * blocks;
    return size >= 2 * CTX_SLAB && (cache->budget < 0 || size <= cache->budget);
}

ctx_cached_block *ctx_block_cache_make(ctx_block_cache *cache, const ctx_layout *layout,
                                       int blocks)
{
    size_t body = (sizeof(ctx_cached_block) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t bytes = body + layout->size - layout->body;
    ctx_cached_block *block = ctx_block_memory_take(bytes, fills_slabs(cache, bytes, blocks));
    if (!block)
        return NULL;
    memset(block, 0, sizeof *block);
    block->body = (uint8_t *)block + body;
    block->layout = *layout;
    block->bytes = bytes;
    block->references = 1;
    block->file = cache->file;
    block->block.id = (const sqlite3_int64 *)(const void *)block->body;
    block->block.chunk = (const uint32_t *)(const void *)(block->body + layout->chunks);
    enc_codes *codes = &block->block.codes;
    codes->code = block->body + layout->heads;
    codes->rest = layout->rest_size ? block->body + layout->rests : NULL;
    codes->scale = (const float *)(const void *)(block->body + layout->scales);
    codes->offset = (const float *)(const void *)(block->body + layout->offsets);
    if (layout->vectors)
        codes->error = (const float *)(const void *)(block->body + layout->errors);
    if (layout->rest_size)
        codes->coarse = (const float *)(const void *)(block->body + layout->coarse);
    codes->count = (size_t)layout->rows;
    return block;
}

ctx_cached_block *ctx_block_cache_keep(ctx_block_cache *cache, ctx_cached_block *block,
                                       int blocks)
{
    ctx_cached_block *victims = NULL;
    sqlite3_int64 bytes = (sqlite3_int64)block->bytes;
    ctx_process_lock();
    ctx_cached_block *twin = find(block->block.stamp);
    if (twin) {
        twin->references++;
        block->chain = NULL;
        victims = block;
        block = twin;
    } else {
        bool streams = bytes > budget() / (blocks > 0 ? blocks : 1);
        /* What two whole scans did not ask for is an older state of a block. */
        if (make_room(bytes, streams ? cache->file : NULL, 2 * (uint64_t)blocks, &victims))
            keep(block);
    }
    ctx_process_unlock();
    free_blocks(victims);
    return block;
}

void ctx_block_release(const ctx_block *block)
{
    if (!block)
        return;
    ctx_cached_block *cached = (ctx_cached_block *)(uintptr_t)block;
    ctx_process_lock();
    bool last = --cached->references == 0 && !cached->kept;
    ctx_process_unlock();
    if (last)
        ctx_block_memory_give(cached);
}

/* From the old end of the list: outdated blocks stand there. */
static void drop_outdated(ctx_cached_block **victims)
{
    ctx_cached_block *block = all.oldest;
    while (block && all.outdated > MOST_OUTDATED) {
        ctx_cached_block *newer = block->newer;
        if (block->outdated && block->references == 0)
            let_go(block, victims);
        block = newer;
    }
}

void ctx_block_cache_outdate(const sqlite3_uint64 *stamps, size_t count)
{
    ctx_cached_block *victims = NULL;
    ctx_process_lock();
    for (size_t i = 0; i < count; i++) {
        ctx_cached_block *block = find(stamps[i]);
        if (!block)
            continue;
        set_outdated(block, true);
        unlink_use(block);
        link_oldest(block);
    }
    drop_outdated(&victims);
    ctx_process_unlock();
    free_blocks(victims);
}

sqlite3_int64 ctx_block_cache_release(void)
{
    ctx_cached_block *victims = NULL, *newer;
    ctx_process_lock();
    for (ctx_cached_block *block = all.oldest; block; block = newer) {
        newer = block->newer;
        if (block->references == 0)
            let_go(block, &victims);
    }
    ctx_process_unlock();
    return free_blocks(victims);
}
