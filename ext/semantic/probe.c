/* probe.c - see probe.h. */
#include "probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scan.h"

enum { LEAST_ROOTS = 2, MOST_SHARE = 600000 }; /* see probe.h; the share in millionths */

typedef struct ranked {
    int list; /* 0 ... count - 1 */
    float score;
} ranked;

struct ctx_probe {
    const ctx_config *config;
    int count;          /* lists */
    int near;           /* that a question reads by rule */
    int read;           /* that the last call chose */
    ranked *order;      /* [count] best first */
    int *rank;          /* [count] the place of each list in `order` */
    sqlite3_int64 bytes; /* of the centroids */
    sqlite3_int64 *used; /* [count] vectors of the list at each rank */
};

static int no_memory(const ctx_config *config, ctx_error *error)
{
    return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
}

/* The double of these bits; infinite if it is not known. */
static double gap_of(const ctx_config *config)
{
    double gap;
    if (config->lists_gap < 0)
        return HUGE_VAL;
    memcpy(&gap, &config->lists_gap, sizeof gap);
    return gap;
}

void ctx_probe_close(ctx_probe *probe)
{
    if (!probe)
        return;
    sqlite3_free(probe->order);
    sqlite3_free(probe->rank);
    sqlite3_free(probe->used);
    sqlite3_free(probe);
}

static int by_score(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->list > y->list) - (x->list < y->list);
}

/* Puts the lists in order; those without a score, as zero vectors have, come last. */
static int rank(ctx_probe *probe, const ctx_lists *lists, const float *q, ctx_error *error)
{
    const ctx_config *config = probe->config;
    size_t scored;
    int code = ctx_lists_score(lists, config->metric, q, config->name, &scored, error);
    if (code != SQLITE_OK)
        return code;
    for (int i = 0; i < probe->count; i++)
        probe->order[i] = (ranked){i, -HUGE_VALF};
    for (size_t i = 0; i < scored; i++)
        probe->order[lists->candidate[i].index].score = lists->candidate[i].score;
    qsort(probe->order, (size_t)probe->count, sizeof *probe->order, by_score);
    for (int i = 0; i < probe->count; i++)
        probe->rank[probe->order[i].list] = i;
    return SQLITE_OK;
}

static int make(const ctx_config *config, const ctx_lists *lists, ctx_probe **out,
                ctx_error *error)
{
    size_t n = (size_t)lists->count;
    ctx_probe *probe = sqlite3_malloc64(sizeof *probe);
    *out = probe;
    if (!probe)
        return no_memory(config, error);
    *probe = (ctx_probe){.config = config, .count = lists->count,
                         .bytes = ctx_lists_bytes(lists)};
    probe->order = sqlite3_malloc64(n * sizeof *probe->order);
    probe->rank = sqlite3_malloc64(n * sizeof *probe->rank);
    probe->used = sqlite3_malloc64(n * sizeof *probe->used);
    return probe->order && probe->rank && probe->used ? SQLITE_OK : no_memory(config, error);
}

/* How many lists the measured gap leads to. */
static int near_lists(const ctx_probe *probe)
{
    double least = (double)probe->order[0].score - gap_of(probe->config);
    int near = (int)ceil(LEAST_ROOTS * sqrt(probe->count));
    while (near < probe->count && (double)probe->order[near].score >= least)
        near++;
    return near < probe->count ? near : probe->count;
}

int ctx_probe_open(ctx_index *index, const float *q, ctx_probe **out, ctx_error *error)
{
    const ctx_config *config = &index->config;
    const ctx_lists *lists;
    *out = NULL;
    if (config->probes == 0 && (config->lists_gap < 0 || config->lists_share > MOST_SHARE))
        return SQLITE_OK;
    int code = ctx_lists_open(index, &lists, error);
    if (code != SQLITE_OK || !lists)
        return code;
    code = make(config, lists, out, error);
    if (code == SQLITE_OK)
        code = rank(*out, lists, q, error);
    if (code == SQLITE_OK) {
        (*out)->near = config->probes == 0 ? near_lists(*out)
                       : config->probes < lists->count ? config->probes : lists->count;
        return SQLITE_OK;
    }
    ctx_probe_close(*out);
    *out = NULL;
    return code;
}

sqlite3_int64 ctx_probe_bytes(const ctx_probe *probe)
{
    return probe ? probe->bytes : 0;
}

/* ---- Choosing ---- */

/* The rank of a block's list; 0 for those without one, which are read with the first. */
static int rank_of(const ctx_probe *probe, const ctx_block_entry *entry)
{
    const ctx_config *config = probe->config;
    return ctx_lists_has(config, entry->list) ? probe->rank[entry->list - config->lists_first]
                                              : 0;
}

/* Sorts by rank, keeping the order of numbers within each; `start` [count + 1] is scratch. */
static void sort_blocks(const ctx_probe *probe, const ctx_block_entry *from,
                        ctx_block_entry *to, int blocks, int *start)
{
    memset(start, 0, ((size_t)probe->count + 1) * sizeof *start);
    for (int i = 0; i < blocks; i++)
        start[rank_of(probe, &from[i]) + 1]++;
    for (int r = 0; r < probe->count; r++)
        start[r + 1] += start[r];
    for (int i = 0; i < blocks; i++)
        to[start[rank_of(probe, &from[i])]++] = from[i];
}

/* How many lists to read. */
static int reach(const ctx_probe *probe, sqlite3_int64 vectors, bool further)
{
    int least = probe->near > probe->read ? probe->near : probe->read;
    if (further)
        least = least > probe->count / 2 ? probe->count : 2 * least;
    sqlite3_int64 held = 0;
    int read = 0;
    while (read < probe->count && (read < least || held < vectors))
        held += probe->used[read++];
    return read;
}

int ctx_probe_choose(ctx_probe *probe, ctx_block_entry *directory, int blocks,
                     sqlite3_int64 vectors, bool further, int *count, ctx_error *error)
{
    size_t size = (size_t)blocks * sizeof *directory;
    ctx_block_entry *sorted = sqlite3_malloc64(size + sizeof *sorted);
    int *start = sqlite3_malloc64(((size_t)probe->count + 1) * sizeof *start);
    *count = 0;
    if (!sorted || !start) {
        sqlite3_free(sorted);
        sqlite3_free(start);
        return no_memory(probe->config, error);
    }
    memset(probe->used, 0, (size_t)probe->count * sizeof *probe->used);
    for (int i = 0; i < blocks; i++)
        probe->used[rank_of(probe, &directory[i])] += directory[i].used;
    sort_blocks(probe, directory, sorted, blocks, start);
    probe->read = reach(probe, vectors, further);
    while (*count < blocks && rank_of(probe, &sorted[*count]) < probe->read)
        ++*count;
    if (blocks)
        memcpy(directory, sorted, size);
    sqlite3_free(sorted);
    sqlite3_free(start);
    return SQLITE_OK;
}

/* ---- Measuring ---- */

enum { QUESTIONS = 128, NEIGHBOURS = 10 };
static const double share_wanted = 0.98;

typedef struct measure {
    ctx_index *index;
    ctx_error *error;
    ctx_probe *probe;
    const ctx_lists *lists;
    ctx_block_entry *directory; /* by number */
    int blocks;
    ctx_filter filter;          /* all rows */
    ctx_scan scan;
    float *q;                   /* [QUESTIONS, dimensions] */
    int questions;
    double *gap;                /* [QUESTIONS * NEIGHBOURS] */
    int gaps;
} measure;

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int by_hit_score(const void *a, const void *b)
{
    const ctx_hit *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

static int by_number(const void *a, const void *b)
{
    const ctx_block_entry *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

/* The gap that leads to the vector in the slot. */
static double gap_to(const measure *m, sqlite3_int64 slot)
{
    ctx_block_entry key = {.number = slot / m->index->config.block_rows};
    const ctx_block_entry *entry = bsearch(&key, m->directory, (size_t)m->blocks,
                                           sizeof key, by_number);
    int rank = entry ? rank_of(m->probe, entry) : 0;
    return (double)m->probe->order[0].score - m->probe->order[rank].score;
}

/* The gaps to the nearest neighbours of one vector, by their codes. */
static int ask(measure *m, const float *q, sqlite3_int64 id)
{
    const ctx_config *config = &m->index->config;
    ctx_scan *scan = &m->scan;
    enc_question *question;
    enc_error failure = {0};
    if (enc_question_open(config->metric, ctx_config_codes(config), q,
                          (size_t)config->dimensions, &question, &failure) != ENC_OK)
        return ctx_fail_encoder(m->error, config->name, &failure);
    scan->question = question;
    int code = ctx_scan_run(scan, m->directory, m->blocks, m->error);
    enc_question_close(question);
    if (code == SQLITE_OK)
        code = rank(m->probe, m->lists, q, m->error);
    if (code != SQLITE_OK || scan->hits == 0)
        return code;
    qsort(scan->hit, scan->hits, sizeof *scan->hit, by_hit_score);
    for (size_t i = 0, n = 0; i < scan->hits && n < NEIGHBOURS; i++) {
        double gap = gap_to(m, scan->hit[i].slot);
        if (scan->hit[i].id == id || !isfinite(gap))
            continue;
        m->gap[m->gaps++] = gap;
        n++;
    }
    return SQLITE_OK;
}

/* Takes vectors at equal distances as questions. */
static int ask_all(measure *m)
{
    const ctx_config *config = &m->index->config;
    const int d = config->dimensions;
    int code = SQLITE_OK;
    for (int i = 0; i < QUESTIONS && code == SQLITE_OK; i++) {
        const ctx_block_entry *entry = &m->directory[(sqlite3_int64)i * m->blocks / QUESTIONS];
        const ctx_block *block;
        float *q = m->q + (size_t)m->questions * (size_t)d;
        code = ctx_storage_block(m->index->storage, entry, &block, m->error);
        if (code != SQLITE_OK)
            return code;
        int slot = i % config->block_rows;
        for (int k = 0; k < config->block_rows && block->chunk[slot] == CTX_FREE; k++)
            slot = (slot + 1) % config->block_rows;
        sqlite3_int64 id = block->id[slot];
        float scale = block->codes.scale[slot];
        ctx_block_read(block, ctx_config_codes(config), (size_t)d, (size_t)slot, q);
        ctx_block_release(block);
        if (scale == 0)
            continue;
        m->questions++;
        code = ask(m, q, id);
        if (code == SQLITE_OK && ctx_connection_stopped(m->index->connection))
            code = ctx_fail(m->error, SQLITE_INTERRUPT, config->name, "interrupted");
    }
    return code;
}

/* The share of the vectors that the questions read with the gap. */
static int find_share(measure *m)
{
    ctx_config *config = &m->index->config;
    double read = 0, all = 0;
    int code = SQLITE_OK;
    for (int i = 0; i < m->questions && code == SQLITE_OK; i++) {
        code = rank(m->probe, m->lists, m->q + (size_t)i * (size_t)config->dimensions,
                    m->error);
        int near = near_lists(m->probe);
        for (int k = 0; k < m->blocks && code == SQLITE_OK; k++) {
            all += m->directory[k].used;
            read += rank_of(m->probe, &m->directory[k]) < near ? m->directory[k].used : 0;
        }
    }
    config->lists_share = all > 0 ? (int)(1e6 * read / all) : 0;
    if (config->lists_share > MOST_SHARE)
        config->lists_share = 1000000;
    return code;
}

static int open(measure *m)
{
    ctx_index *index = m->index;
    const ctx_config *config = &index->config;
    int code = ctx_lists_open(index, &m->lists, m->error);
    if (code == SQLITE_OK)
        code = make(config, m->lists, &m->probe, m->error);
    if (code == SQLITE_OK)
        code = ctx_storage_blocks(index->storage, config->generation, &m->directory,
                                  &m->blocks, m->error);
    if (code != SQLITE_OK)
        return code;
    ctx_filter_open(&m->filter);
    m->q = sqlite3_malloc64(QUESTIONS * (size_t)config->dimensions * sizeof *m->q);
    m->gap = sqlite3_malloc64(QUESTIONS * NEIGHBOURS * sizeof *m->gap);
    m->scan = (ctx_scan){.connection = index->connection, .storage = index->storage,
                         .config = config, .filter = &m->filter, .low = -HUGE_VAL,
                         .high = HUGE_VAL, .wanted = NEIGHBOURS + 1,
                         .several = config->chunk > 0};
    if (!m->q || !m->gap || ctx_filter_ready(&m->filter) != SQLITE_OK)
        return no_memory(config, m->error);
    return SQLITE_OK;
}

int ctx_probe_measure(ctx_index *index, ctx_error *error)
{
    ctx_config *config = &index->config;
    measure m = {.index = index, .error = error};
    int code = open(&m);
    if (code == SQLITE_OK && m.blocks > 0)
        code = ask_all(&m);
    if (code == SQLITE_OK) {
        double gap = 0;
        qsort(m.gap, (size_t)m.gaps, sizeof *m.gap, by_value);
        if (m.gaps > 0)
            gap = m.gap[(int)(share_wanted * (m.gaps - 1))];
        memcpy(&config->lists_gap, &gap, sizeof gap);
        code = find_share(&m);
    }
    ctx_scan_clear(&m.scan);
    ctx_filter_clear(&m.filter);
    ctx_probe_close(m.probe);
    sqlite3_free(m.directory);
    sqlite3_free(m.q);
    sqlite3_free(m.gap);
    return code;
}
