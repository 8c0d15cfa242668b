/* optimize.c - see optimize.h. */
#include "optimize.h"

#include <math.h>

#include "cluster.h"
#include "probe.h"

/* Vectors of a list where there are few; where there are many, a square root's worth of lists
** makes finding them and reading them cost about the same. */
enum { LIST_VECTORS = 512, CENTROID_BYTES = 16 << 20 };

static int wanted_lists(const ctx_config *config, sqlite3_int64 vectors)
{
    double few = (double)vectors / LIST_VECTORS, many = 2 * sqrt((double)vectors);
    double most = (double)CENTROID_BYTES / (config->dimensions * (double)sizeof(float));
    double count = few < many ? few : many;
    count = count < most ? count : most;
    return count < 2 ? 0 : (int)count;
}

/* ---- New lists ---- */

static int make_lists(ctx_index *index, const ctx_block_entry *directory, int blocks,
                      sqlite3_int64 vectors, int count, ctx_error *error)
{
    ctx_config *config = &index->config;
    float *centroids;
    int code = ctx_cluster(index, directory, blocks, vectors, count, &centroids, error);
    if (code == SQLITE_OK)
        code = ctx_lists_put(index, centroids, count, error);
    if (code == SQLITE_OK)
        code = ctx_config_save(index->db, config, error);
    sqlite3_free(centroids);
    return code;
}

/* Makes lists if there are none that fit. */
static int renew(ctx_index *index, ctx_error *error)
{
    const ctx_config *config = &index->config;
    ctx_block_entry *directory;
    int blocks;
    sqlite3_int64 vectors = 0, loose = 0;
    int code = ctx_storage_blocks(index->storage, config->generation, &directory, &blocks,
                                  error);
    for (int i = 0; i < blocks; i++) {
        vectors += directory[i].used;
        loose += ctx_lists_has(config, directory[i].list) ? 0 : directory[i].used;
    }
    int wanted = wanted_lists(config, vectors);
    bool fits = wanted < 2 * config->lists && config->lists < 4 * (wanted + 1) &&
                (config->lists_gap < 0 || loose <= vectors / 2);
    if (code == SQLITE_OK && wanted > 0 && !fits)
        code = make_lists(index, directory, blocks, vectors, wanted, error);
    sqlite3_free(directory);
    return code;
}

/* ---- Moving ---- */

typedef struct mover {
    ctx_index *index;
    const ctx_lists *lists;
    int asked;
} mover;

static int choose(void *context, const float *vector, int *list, ctx_error *error)
{
    enum { ASK_EVERY = 256 };
    mover *m = context;
    const ctx_config *config = &m->index->config;
    if (++m->asked % ASK_EVERY == 0 && ctx_connection_stopped(m->index->connection))
        return ctx_fail(error, SQLITE_INTERRUPT, config->name, "interrupted");
    return ctx_lists_nearest(m->lists, config, vector, list, error);
}

static int sort(ctx_index *index, const ctx_lists *lists, sqlite3_int64 rows, ctx_error *error)
{
    ctx_config *config = &index->config;
    mover m = {.index = index, .lists = lists};
    bool done;
    int code = ctx_storage_sort(index->storage, config->generation, &rows, choose, &m, &done,
                                error);
    if (code != SQLITE_OK || !done || config->lists_gap >= 0)
        return code;
    code = ctx_probe_measure(index, error);
    return code == SQLITE_OK ? ctx_config_save(index->db, config, error) : code;
}

int ctx_optimize(ctx_index *index, sqlite3_int64 rows, ctx_error *error)
{
    const ctx_lists *lists = NULL;
    bool done;
    int code = ctx_storage_write(index->storage, error);
    if (code == SQLITE_OK && index->config.index == CTX_INDEX_IVF && index->config.dimensions)
        code = renew(index, error);
    if (code == SQLITE_OK)
        code = ctx_lists_open(index, &lists, error);
    if (code != SQLITE_OK)
        return code;
    if (lists)
        return sort(index, lists, rows, error);
    code = ctx_storage_compact(index->storage, index->config.generation, rows, &done, error);
    return code == SQLITE_OK ? ctx_storage_write(index->storage, error) : code;
}
