/*
** storage_lists.c - index='ivf': slots move from blocks without a list to blocks of one. A block
** holds vectors of one list alone, so that questions can leave it out.
**
** The code moves as it is, so that no distance changes by a bit; the row's entry is told where
** its chunk lies now. Each batch is written before the next begins, and after each the tables are
** a whole state in which every row is found: so this can stop anywhere.
*/
#include "storage_parts.h"

#include <string.h>

enum { BATCH_BYTES = 24 << 20, SLOT_BYTES = 320 }; /* of codes, vectors and what notes them */

/* ---- Blocks with room ---- */

/* The emptiest block of each list. */
static void find_rooms(const ctx_storage *storage, const ctx_directory *directory,
                       ctx_rooms *rooms)
{
    memset(rooms->block, 0, (size_t)rooms->count * sizeof *rooms->block);
    memset(rooms->used, 0, (size_t)rooms->count * sizeof *rooms->used);
    for (int i = 0; i < directory->count; i++) {
        const ctx_block_entry *entry = &directory->place[i].entry;
        if (!ctx_rooms_has(rooms, entry->list) || entry->used == storage->layout.rows)
            continue;
        size_t list = (size_t)(entry->list - rooms->first);
        if (!rooms->block[list] || entry->used < rooms->used[list]) {
            rooms->block[list] = entry->number;
            rooms->used[list] = entry->used;
        }
    }
}

/* ---- Slots ---- */

typedef struct sorter {
    ctx_storage *storage;
    ctx_directory *directory;
    ctx_rooms rooms;
    ctx_choose_list *choose;
    void *context;
    float *vector;       /* [dimensions] */
    ctx_error *error;
} sorter;

static int move_slot(sorter *s, const ctx_block *block, int index)
{
    ctx_storage *storage = s->storage;
    const ctx_layout *layout = &storage->layout;
    sqlite3_int64 to = 0, slot = block->number * layout->rows + index, id = block->id[index];
    uint32_t chunk = block->chunk[index];
    ctx_entry_change *change = NULL;
    int list = 0, code = SQLITE_OK;
    if (layout->vectors)
        code = ctx_storage_vector(storage, slot, s->vector, s->error);
    else
        ctx_block_read(block, layout->type, (size_t)layout->dimensions, (size_t)index, s->vector);
    if (code == SQLITE_OK)
        code = s->choose(s->context, s->vector, &list, s->error);
    if (code != SQLITE_OK)
        return code;
    s->rooms.list = s->rooms.first + list;
    storage->rooms = &s->rooms;
    code = ctx_slot_copy(storage, s->directory, block, index, s->vector, &to, s->error);
    storage->rooms = NULL;
    if (code == SQLITE_OK)
        code = ctx_entry_touch(storage, s->directory, id, &change, s->error);
    if (code == SQLITE_OK && (change->gone || chunk >= (uint32_t)change->chunks ||
                              storage->chunk[change->chunk + chunk].slot != slot))
        code = ctx_storage_damaged(storage, s->error, "rows", id,
                                   "its chunks do not lie where the blocks have them");
    if (code == SQLITE_OK)
        storage->chunk[change->chunk + chunk].slot = to;
    return code;
}

/* The slots of a block, at most *slots. */
static int move_block(sorter *s, ctx_block_entry entry, sqlite3_int64 *slots, size_t *left)
{
    const ctx_block *block;
    int code = ctx_storage_block(s->storage, &entry, &block, s->error);
    for (int i = 0; code == SQLITE_OK && i < s->storage->layout.rows; i++) {
        if (block->chunk[i] == CTX_FREE)
            continue;
        if (*slots == 0 || *left == 0)
            break;
        code = move_slot(s, block, i);
        *slots -= *slots > 0;
        --*left;
    }
    ctx_block_release(block);
    return code;
}

/* Slots of a batch that makes the file no more than some percent larger. */
static size_t few(const ctx_directory *directory)
{
    enum { LEAST = 1024, SHARE = 16 };
    size_t all = 0;
    for (int i = 0; i < directory->count; i++)
        all += (size_t)directory->place[i].entry.used;
    return all / SHARE > LEAST ? all / SHARE : LEAST;
}

/* As many as fit into memory; *done: no block was left to move from. */
static int move_batch(sorter *s, int generation, sqlite3_int64 *slots, bool *done)
{
    ctx_storage *storage = s->storage;
    size_t left = BATCH_BYTES / (storage->layout.code_size + storage->layout.vector_size +
                                 SLOT_BYTES);
    int code = ctx_directory_open(storage, generation, &s->directory, s->error);
    if (code != SQLITE_OK)
        return code;
    find_rooms(storage, s->directory, &s->rooms);
    if (left > few(s->directory)) /* the pages of one batch are free once it is written */
        left = few(s->directory);
    const int blocks = s->directory->count; /* those after are new, and have a list */
    *done = true;
    for (int i = 0; i < blocks && code == SQLITE_OK; i++) {
        ctx_block_entry entry = s->directory->place[i].entry;
        if (ctx_rooms_has(&s->rooms, entry.list) || !entry.used)
            continue;
        *done = *slots != 0 && left > 0;
        if (!*done)
            break;
        code = move_block(s, entry, slots, &left);
        *done = s->directory->place[i].entry.used == 0;
    }
    return code == SQLITE_OK ? ctx_storage_write(storage, s->error) : code;
}

int ctx_storage_sort(ctx_storage *storage, int generation, sqlite3_int64 *slots,
                     ctx_choose_list *choose, void *context, bool *done, ctx_error *error)
{
    const ctx_config *config = storage->config;
    sorter s = {.storage = storage, .choose = choose, .context = context, .error = error,
                .rooms = {.first = config->lists_first, .count = config->lists}};
    *done = false;
    int code = ctx_storage_write(storage, error);
    if (code == SQLITE_OK)
        code = ctx_storage_layout(storage, error);
    if (code != SQLITE_OK)
        return code;
    s.vector = sqlite3_malloc64(storage->layout.vector_size);
    s.rooms.block = sqlite3_malloc64(((size_t)config->lists + 1) * sizeof *s.rooms.block);
    s.rooms.used = sqlite3_malloc64(((size_t)config->lists + 1) * sizeof *s.rooms.used);
    if (!s.vector || !s.rooms.block || !s.rooms.used)
        code = ctx_storage_nomem(storage, error);
    do {
        if (code == SQLITE_OK)
            code = move_batch(&s, generation, slots, done);
    } while (code == SQLITE_OK && !*done && *slots != 0);
    if (code != SQLITE_OK)
        ctx_storage_forget(storage);
    sqlite3_free(s.vector);
    sqlite3_free(s.rooms.block);
    sqlite3_free(s.rooms.used);
    return code;
}
