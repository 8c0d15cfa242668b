/*
** block_memory.h - memory for the blocks of the cache.
**
** A large index takes it in slabs of 16 MiB, of which each block is a cell: asked for in pages of
** 2 MiB, where the system has such, all of it costs a few hundred page faults in place of a
** hundred thousand, which take as long as the blocks are read. A slab goes with its last cell.
*/
#ifndef CTX_SEMANTIC_BLOCK_MEMORY_H
#define CTX_SEMANTIC_BLOCK_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

enum { CTX_SLAB = 16 << 20 };

/* Memory of `size` bytes, aligned to 64, its pages at hand; NULL: there is none. `many`: as much
** will be asked for as fills slabs. For any thread, but not under ctx_process_lock. */
void *ctx_block_memory_take(size_t size, bool many);
void ctx_block_memory_give(void *memory);

#endif
