/*
** rebuild.h - all rows anew: the commands 'rebuild' and 'delete-all' (rebuild.c).
**
** Questions see the generation of rows and blocks that the configuration names. A rebuild
** writes the next one beside it, with the model as it is today, and switches at its end. With a
** number it does so many rows at a call and keeps its place in NAME_config:
**
**   rebuild_generation   what is being written; the row is there while a rebuild is under way
**   rebuild_place        rows with an id below are there already
**   rebuild_dimensions, rebuild_fingerprint   of the new vectors
**
** Between two calls a change of a row with an id below the place goes into both generations
** (pending.h), the second between ctx_rebuild_enter and ctx_rebuild_leave.
*/
#ifndef CTX_SEMANTIC_REBUILD_H
#define CTX_SEMANTIC_REBUILD_H

#include "index.h"

/* The stepwise rebuild that is under way, if there is one. */
typedef struct ctx_rebuild_state {
    bool active;
    int generation;      /* that is being written */
    sqlite3_int64 place; /* rows below it are written */
    int dimensions;      /* of its vectors; 0: not known */
    char fingerprint[CTX_FINGERPRINT_SIZE];
} ctx_rebuild_state;
int ctx_rebuild_load(sqlite3 *db, const ctx_config *config, ctx_rebuild_state *state,
                     ctx_error *error);
static inline int ctx_rebuild_read(ctx_index *index, ctx_rebuild_state *state,
                                   ctx_error *error)
{
    return ctx_rebuild_load(index->db, &index->config, state, error);
}

/* Makes the index's configuration the one of the generation that is being written, until _leave
** puts the old one back: ctx_embed_batch and ctx_storage_put between the two calls write the
** new vectors. What the storage holds in memory is written by both. */
typedef struct ctx_rebuild_saved {
    int dimensions, block_rows, part_rows;
    char fingerprint[CTX_FINGERPRINT_SIZE];
} ctx_rebuild_saved;
int ctx_rebuild_enter(ctx_index *index, const ctx_rebuild_state *state,
                      ctx_rebuild_saved *saved, ctx_error *error);
int ctx_rebuild_leave(ctx_index *index, const ctx_rebuild_saved *saved, ctx_error *error);

/* A stored row got another id, with no note to flush: so it does in the generation that is being
** written. */
int ctx_rebuild_moved(ctx_index *index, sqlite3_int64 old, sqlite3_int64 id, ctx_error *error);

/* 'rebuild': at most `rows` rows, -1: all. NAME_fts (words.h) is made anew, too: one by steps
** does so in its last step. */
int ctx_rebuild(ctx_index *index, sqlite3_int64 rows, ctx_error *error);

/* 'delete-all': the index without rows; external content stays. */
int ctx_delete_all(ctx_index *index, ctx_error *error);

#endif
