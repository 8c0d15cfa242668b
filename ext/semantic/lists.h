/*
** lists.h - the lists of an approximate index (index='ivf'): NAME_lists and what is in memory of
** it.
**
**   NAME_lists (list INTEGER PRIMARY KEY, centroid)  one for each list: a header and the float32
**                                                    mean of the vectors that it was made for
**
** Every block of codes belongs to one list, or to none: new and changed rows come to blocks
** without a list, and the command 'optimize' takes them to the lists of the nearest centroids
** (optimize.h). A question reads the blocks of the nearest lists, and all that have none
** (probe.h). A block of a list that is not in the table, as those of an earlier clustering, counts
** as one without.
**
** The configuration says which lists there are (lists_first, lists), the sum of their checksums,
** which is what the copy in memory is known by, and how far questions go (lists_gap, probes).
*/
#ifndef CTX_SEMANTIC_LISTS_H
#define CTX_SEMANTIC_LISTS_H

#include "index.h"

typedef struct ctx_lists {
    sqlite3_int64 first; /* their numbers are first ... first + count - 1 */
    int count;           /* 0: none are in memory */
    int dimensions;
    sqlite3_int64 sum;
    enc_codes codes;     /* of the centroids, int8; its arrays are ours */
    enc_candidate *candidate; /* [count] */
} ctx_lists;

/* CREATEs, DROPs and renames the table; the first and the last only for index='ivf'. */
int ctx_lists_create(sqlite3 *db, const ctx_config *config, ctx_error *error);
int ctx_lists_drop(sqlite3 *db, const ctx_config *config, ctx_error *error);
int ctx_lists_rename(sqlite3 *db, const ctx_config *config, const char *name,
                     ctx_error *error);

/* The lists of the index's snapshot, read if they are not in memory: *out is the index's, until
** the next call; NULL: there are none. What does not fit is SQLITE_CORRUPT_VTAB. */
int ctx_lists_open(ctx_index *index, const ctx_lists **out, ctx_error *error);
void ctx_lists_close(ctx_lists *lists); /* frees it; NULL is fine */

/* Puts new lists in place of all others: centroids [count, dimensions]. The configuration is the
** caller's to save. */
int ctx_lists_put(ctx_index *index, const float *centroids, int count, ctx_error *error);
/* Takes all out; the same. */
int ctx_lists_clear(ctx_index *index, ctx_error *error);

/* What is wrong with the table, as ctx_storage_check says it. */
int ctx_lists_check(ctx_index *index, ctx_finding report, void *context, ctx_error *error);

/* Whether it is one of the configuration's lists. */
static inline bool ctx_lists_has(const ctx_config *config, sqlite3_int64 list)
{
    return list >= config->lists_first && list - config->lists_first < config->lists;
}

/* The metric by which vectors are taken to lists: ENC_COSINE or ENC_L2. */
static inline enum enc_metric ctx_lists_metric(const ctx_config *config)
{
    return config->metric == ENC_COSINE ? ENC_COSINE : ENC_L2;
}

/* Memory for `count` codes of centroids; false: out of memory. */
bool ctx_lists_room(ctx_lists *lists, int count, int dimensions);
/* Frees that memory. */
void ctx_lists_free(ctx_lists *lists);
/* Makes code `i` that of the centroid. */
void ctx_lists_set(ctx_lists *lists, enum enc_metric metric, int i, const float *centroid);

/* The scores (encoder.h, "Codes") of all centroids for a vector by `metric`, in the order of
** lists->candidate [*scored]; a vector or centroid without direction has none. */
int ctx_lists_score(const ctx_lists *lists, enum enc_metric metric, const float *vector,
                    const char *name, size_t *scored, ctx_error *error);
/* Bytes that one such call reads. */
sqlite3_int64 ctx_lists_bytes(const ctx_lists *lists);
/* The list of the nearest centroid, 0 ... count - 1. */
int ctx_lists_nearest(const ctx_lists *lists, const ctx_config *config, const float *vector,
                      int *list, ctx_error *error);

#endif
