/*
** block_cache.h - blocks of codes that the process keeps in memory, for all its connections.
**
** A block is found by its stamp. Stamps are random and new with every change (storage.h), so a
** block that is found is the one that the question's snapshot shows, whoever wrote it; nothing
** here is ever invalidated, what no snapshot names any more is merely not asked for (and goes
** soon: ctx_block_cache_outdate).
**
** The blocks of all files share one budget, the largest that an open index asks for. Beyond it
** the block goes that was not used for longest, and none that is in use. An index that is larger
** than the budget keeps what has found room and reads the rest from the file each time.
*/
#ifndef CTX_SEMANTIC_BLOCK_CACHE_H
#define CTX_SEMANTIC_BLOCK_CACHE_H

#include "block.h"

/* One index's access: the blocks of a database file are kept while one of these is open for
** it. A database without a file belongs to its connection. NULL: out of memory. */
typedef struct ctx_block_cache ctx_block_cache;
ctx_block_cache *ctx_block_cache_open(sqlite3 *db, const ctx_config *config);
void ctx_block_cache_close(ctx_block_cache *cache);

/* A block's memory: `body` is as block.h lays it out, aligned to 64 bytes. */
typedef struct ctx_cached_block {
    ctx_block block; /* first: ctx_block_release finds the whole by it */
    uint8_t *body;
    ctx_layout layout;                      /* how its bytes lie there */
    struct ctx_cached_block *chain;         /* of the same bucket */
    struct ctx_cached_block *newer, *older; /* kept blocks by use */
    const void *file;                       /* whose it is */
    uint64_t used_at;
    size_t bytes;
    int references;
    bool kept;                              /* it is in the cache */
    bool outdated;                          /* and an older state, as far as is known */
} ctx_cached_block;

/* The kept block of that stamp with one reference, or NULL. Stamps come from files: whether it is
** the block that is wanted is the caller's to see. */
ctx_cached_block *ctx_block_cache_find(uint64_t stamp);

/* Memory for a block that is about to be read, with one reference and its arrays set up; NULL:
** out of memory. `blocks` is how many the index has. */
ctx_cached_block *ctx_block_cache_make(ctx_block_cache *cache, const ctx_layout *layout,
                                       int blocks);

/* Keeps the block, once it is read and found whole, if there is room or room can be made;
** `blocks` as before. If the same block was kept meanwhile that one comes back
** and this one goes. Either way the result has one reference, for ctx_block_release. */
ctx_cached_block *ctx_block_cache_keep(ctx_block_cache *cache, ctx_cached_block *block,
                                       int blocks);

/* Says that these blocks have newer states. Older snapshots may still ask for them, so some are
** kept for a while: they are the first to go. */
void ctx_block_cache_outdate(const sqlite3_uint64 *stamps, size_t count);

/* Frees all blocks that are not in use; how many bytes that gave. */
sqlite3_int64 ctx_block_cache_release(void);

#endif
