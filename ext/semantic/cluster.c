/* cluster.c - see cluster.h. */
#include "cluster.h"

#include <string.h>

enum {
    ROUNDS = 8,
    PER_LIST = 64,            /* vectors of the sample */
    SAMPLE_BYTES = 32 << 20,
    ASK_EVERY = 256           /* vectors between two looks whether to stop */
};

typedef struct cluster {
    ctx_index *index;
    ctx_error *error;
    int dimensions, count;
    size_t code_size, head_size; /* of a code; its rest follows its head */
    uint8_t *code;     /* [samples, code_size] */
    float *scale;      /* [samples] */
    int *list;         /* [samples] where each is now */
    size_t samples, taken;
    float *vector;     /* [dimensions] scratch */
    float *centroid;   /* [count, dimensions] */
    int *members;      /* [count] */
    ctx_lists lists;
} cluster;

static void clear(cluster *c)
{
    sqlite3_free(c->code);
    sqlite3_free(c->scale);
    sqlite3_free(c->list);
    sqlite3_free(c->vector);
    sqlite3_free(c->centroid);
    sqlite3_free(c->members);
    ctx_lists_free(&c->lists);
}

static int open(cluster *c, ctx_index *index, sqlite3_int64 vectors, int count,
                ctx_error *error)
{
    size_t d = (size_t)index->config.dimensions, n = (size_t)count;
    *c = (cluster){.index = index, .error = error, .dimensions = (int)d, .count = count,
                   .code_size = enc_code_size(ENC_INT8, d),
                   .head_size = enc_code_head(ENC_INT8, d)};
    c->samples = n * PER_LIST;
    if (c->samples > SAMPLE_BYTES / c->code_size)
        c->samples = SAMPLE_BYTES / c->code_size;
    if (c->samples > (sqlite3_uint64)vectors)
        c->samples = (size_t)vectors;
    c->code = sqlite3_malloc64(c->samples * c->code_size);
    c->scale = sqlite3_malloc64(c->samples * sizeof *c->scale);
    c->list = sqlite3_malloc64(c->samples * sizeof *c->list);
    c->vector = sqlite3_malloc64(d * sizeof *c->vector);
    c->centroid = sqlite3_malloc64(n * d * sizeof *c->centroid);
    c->members = sqlite3_malloc64(n * sizeof *c->members);
    if (c->code && c->scale && c->list && c->vector && c->centroid && c->members &&
        ctx_lists_room(&c->lists, count, (int)d))
        return SQLITE_OK;
    return ctx_fail(error, SQLITE_NOMEM, index->config.name, "out of memory");
}

static int stopped(const cluster *c)
{
    if (!ctx_connection_stopped(c->index->connection))
        return SQLITE_OK;
    return ctx_fail(c->error, SQLITE_INTERRUPT, c->index->config.name, "interrupted");
}

/* ---- The sample ---- */

/* Takes the slots of a block whose turn it is; `seen` counts all vectors so far. */
static void sample_block(cluster *c, const ctx_block *block, sqlite3_int64 vectors,
                         sqlite3_int64 *seen)
{
    const ctx_config *config = &c->index->config;
    enum enc_vector_type type = ctx_config_codes(config);
    for (size_t i = 0; i < block->codes.count && c->taken < c->samples; i++) {
        if (block->chunk[i] == CTX_FREE)
            continue;
        double turn = ((double)c->taken + 0.5) * (double)vectors / (double)c->samples;
        if ((double)(*seen)++ < turn - 1 || block->codes.scale[i] == 0)
            continue;
        ctx_block_read(block, type, (size_t)c->dimensions, i, c->vector);
        uint8_t *code = c->code + c->taken * c->code_size;
        enc_code_numbers numbers;
        if (enc_code_make(ctx_lists_metric(config), ENC_INT8, c->vector,
                          (size_t)c->dimensions, false, code, code + c->head_size, &numbers))
            c->scale[c->taken++] = numbers.scale;
    }
}

static int sample(cluster *c, const ctx_block_entry *directory, int blocks,
                  sqlite3_int64 vectors)
{
    sqlite3_int64 seen = 0;
    int code = SQLITE_OK;
    for (int i = 0; i < blocks && code == SQLITE_OK; i++) {
        const ctx_block *block;
        code = ctx_storage_block(c->index->storage, &directory[i], &block, c->error);
        if (code == SQLITE_OK)
            sample_block(c, block, vectors, &seen);
        ctx_block_release(block);
        if (code == SQLITE_OK)
            code = stopped(c);
    }
    c->samples = c->taken;
    return code;
}

static void read_sample(const cluster *c, size_t i, float *out)
{
    const uint8_t *code = c->code + i * c->code_size;
    enc_code_read(ENC_INT8, code, code + c->head_size, c->scale[i], (size_t)c->dimensions,
                  out);
}

/* ---- k-means ---- */

static float *centroid_at(const cluster *c, int i)
{
    return c->centroid + (size_t)i * (size_t)c->dimensions;
}

static int assign(cluster *c)
{
    int code = SQLITE_OK;
    for (int i = 0; i < c->count; i++)
        ctx_lists_set(&c->lists, ctx_lists_metric(&c->index->config), i, centroid_at(c, i));
    for (size_t i = 0; i < c->samples && code == SQLITE_OK; i++) {
        read_sample(c, i, c->vector);
        code = ctx_lists_nearest(&c->lists, &c->index->config, c->vector, &c->list[i],
                                 c->error);
        if (code == SQLITE_OK && i % ASK_EVERY == 0)
            code = stopped(c);
    }
    return code;
}

/* The means of the lists' members. A list that has none takes one out of the next larger one. */
static void average(cluster *c)
{
    size_t d = (size_t)c->dimensions, next = 0;
    memset(c->centroid, 0, (size_t)c->count * d * sizeof *c->centroid);
    memset(c->members, 0, (size_t)c->count * sizeof *c->members);
    for (size_t i = 0; i < c->samples; i++)
        c->members[c->list[i]]++;
    for (int k = 0; k < c->count; k++) {
        while (!c->members[k] && next < c->samples && c->members[c->list[next]] < 2)
            next++;
        if (c->members[k] || next == c->samples)
            continue;
        c->members[c->list[next]]--;
        c->list[next] = k;
        c->members[k]++;
    }
    for (size_t i = 0; i < c->samples; i++) {
        float *sum = centroid_at(c, c->list[i]);
        read_sample(c, i, c->vector);
        for (size_t j = 0; j < d; j++)
            sum[j] += c->vector[j];
    }
    for (int k = 0; k < c->count; k++)
        for (size_t j = 0; c->members[k] && j < d; j++)
            centroid_at(c, k)[j] /= (float)c->members[k];
}

static int run(cluster *c)
{
    for (int k = 0; k < c->count; k++) {
        size_t i = (size_t)k * c->samples / (size_t)c->count;
        read_sample(c, i, centroid_at(c, k));
    }
    int code = SQLITE_OK;
    for (int round = 0; round < ROUNDS && code == SQLITE_OK; round++) {
        code = assign(c);
        if (code == SQLITE_OK)
            average(c);
    }
    return code;
}

int ctx_cluster(ctx_index *index, const ctx_block_entry *directory, int blocks,
                sqlite3_int64 vectors, int count, float **out, ctx_error *error)
{
    cluster c;
    *out = NULL;
    int code = open(&c, index, vectors, count, error);
    if (code == SQLITE_OK)
        code = sample(&c, directory, blocks, vectors);
    if (code == SQLITE_OK && c.samples > 0)
        code = run(&c);
    else if (code == SQLITE_OK) /* zero vectors alone */
        memset(c.centroid, 0, (size_t)count * (size_t)c.dimensions * sizeof *c.centroid);
    if (code == SQLITE_OK) {
        *out = c.centroid;
        c.centroid = NULL;
    }
    clear(&c);
    return code;
}
