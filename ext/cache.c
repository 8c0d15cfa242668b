/*
** cache.c - see cache.h: a chained hash table whose entries also stand in a list by use.
*/
#include "cache.h"

#include <string.h>

#include "connection.h"

enum {
    MAX_BYTES = 4 << 20,       /* of all entries together */
    MAX_ENTRY_BYTES = 1 << 18, /* one long text does not drive out hundreds of short ones */
    BUCKETS = 1024
};

typedef struct entry {
    struct entry *chain;        /* next of the same bucket */
    struct entry *newer, *older;
    uint64_t hash;
    size_t bytes;               /* of the whole entry */
    size_t key_size;
    int length;                 /* of the value, in floats */
    float value[];              /* then the key's bytes, as write_key lays them out */
} entry;

struct ctx_cache {
    entry *newest, *oldest;
    size_t bytes;
    entry *bucket[BUCKETS];
};

static unsigned char *entry_key(const entry *e)
{
    return (unsigned char *)(e->value + e->length);
}

/* Each part follows its size, so that no two lists of parts have the same bytes. */
static size_t key_size(ctx_key key)
{
    size_t size = 0;
    for (int i = 0; i < key.count; i++) {
        if (key.parts[i].size > MAX_ENTRY_BYTES)
            return SIZE_MAX;
        size += sizeof(size_t) + key.parts[i].size;
    }
    return size;
}

static void write_key(ctx_key key, unsigned char *out)
{
    for (int i = 0; i < key.count; i++) {
        size_t size = key.parts[i].size;
        memcpy(out, &size, sizeof size);
        if (size)
            memcpy(out + sizeof size, key.parts[i].data, size);
        out += sizeof size + size;
    }
}

static bool key_equal(ctx_key key, const unsigned char *stored)
{
    for (int i = 0; i < key.count; i++) {
        size_t size = key.parts[i].size;
        if (memcmp(stored, &size, sizeof size) != 0)
            return false;
        if (size && memcmp(stored + sizeof size, key.parts[i].data, size) != 0)
            return false;
        stored += sizeof size + size;
    }
    return true;
}

/* FNV-1a over the bytes of the parts. */
static uint64_t key_hash(ctx_key key)
{
    uint64_t hash = 14695981039346656037u;
    for (int i = 0; i < key.count; i++)
        for (size_t k = 0; k < key.parts[i].size; k++)
            hash = (hash ^ (unsigned char)key.parts[i].data[k]) * 1099511628211u;
    return hash;
}

static void unlink_use(ctx_cache *cache, entry *e)
{
    *(e->newer ? &e->newer->older : &cache->newest) = e->older;
    *(e->older ? &e->older->newer : &cache->oldest) = e->newer;
}

static void link_newest(ctx_cache *cache, entry *e)
{
    e->newer = NULL;
    e->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = e;
    cache->newest = e;
}

static void forget(ctx_cache *cache, entry *e)
{
    entry **link = &cache->bucket[e->hash % BUCKETS];
    while (*link != e)
        link = &(*link)->chain;
    *link = e->chain;
    unlink_use(cache, e);
    cache->bytes -= e->bytes;
    sqlite3_free(e);
}

static entry *find(ctx_cache *cache, ctx_key key, size_t size, uint64_t hash)
{
    entry *e = cache->bucket[hash % BUCKETS];
    while (e && !(e->hash == hash && e->key_size == size && key_equal(key, entry_key(e))))
        e = e->chain;
    return e;
}

ctx_cache *ctx_cache_open(void)
{
    ctx_cache *cache = sqlite3_malloc64(sizeof *cache);
    if (cache)
        memset(cache, 0, sizeof *cache);
    return cache;
}

void ctx_cache_close(ctx_cache *cache)
{
    if (cache)
        ctx_cache_clear(cache);
    sqlite3_free(cache);
}

void ctx_cache_clear(ctx_cache *cache)
{
    while (cache->oldest)
        forget(cache, cache->oldest);
}

const float *ctx_cache_get(ctx_cache *cache, ctx_key key, int *length)
{
    size_t size = key_size(key);
    if (size > MAX_ENTRY_BYTES)
        return NULL;
    entry *e = find(cache, key, size, key_hash(key));
    if (!e)
        return NULL;
    unlink_use(cache, e);
    link_newest(cache, e);
    *length = e->length;
    return e->value;
}

void ctx_cache_put(ctx_cache *cache, ctx_key key, const float *value, int length)
{
    size_t size = key_size(key);
    size_t value_bytes = (size_t)length * sizeof *value;
    if (size > MAX_ENTRY_BYTES || value_bytes > MAX_ENTRY_BYTES)
        return;
    uint64_t hash = key_hash(key);
    if (find(cache, key, size, hash))
        return;
    size_t bytes = sizeof(entry) + value_bytes + size;
    while (cache->bytes + bytes > MAX_BYTES)
        forget(cache, cache->oldest);
    entry *e = sqlite3_malloc64(bytes);
    if (!e)
        return;
    e->hash = hash;
    e->bytes = bytes;
    e->key_size = size;
    e->length = length;
    if (length)
        memcpy(e->value, value, value_bytes);
    write_key(key, entry_key(e));
    e->chain = cache->bucket[hash % BUCKETS];
    cache->bucket[hash % BUCKETS] = e;
    link_newest(cache, e);
    cache->bytes += bytes;
}
