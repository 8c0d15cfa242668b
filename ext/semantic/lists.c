/* lists.c - see lists.h. */
#include "lists.h"

#include <math.h>
#include <string.h>

typedef struct list_header {
    char magic[4]; /* "CtxL" */
    uint32_t version;
    uint64_t length; /* of the data, header included */
    int64_t list;
    uint32_t dimensions;
    uint32_t unused;
    uint64_t checksum; /* of all before and of the checksum of what follows */
} list_header;
_Static_assert(sizeof(list_header) == 40, "the header has no padding");

enum { LIST_VERSION = 1 };
static const char magic[4] = {'C', 't', 'x', 'L'};

/* ---- The table ---- */

int ctx_lists_create(sqlite3 *db, const ctx_config *config, ctx_error *error)
{
    if (config->index != CTX_INDEX_IVF)
        return SQLITE_OK;
    return ctx_shadow_run(db, config, error,
                          "CREATE TABLE \"%w\".\"%w_lists\"(list INTEGER PRIMARY KEY,"
                          " centroid BLOB)");
}

int ctx_lists_drop(sqlite3 *db, const ctx_config *config, ctx_error *error)
{
    return ctx_shadow_run(db, config, error, "DROP TABLE IF EXISTS \"%w\".\"%w_lists\"");
}

int ctx_lists_rename(sqlite3 *db, const ctx_config *config, const char *name,
                     ctx_error *error)
{
    if (config->index != CTX_INDEX_IVF)
        return SQLITE_OK;
    return ctx_shadow_run(db, config, error,
                          "ALTER TABLE \"%w\".\"%w_lists\" RENAME TO \"%w_lists\"", name);
}

static uint64_t header_sum(const list_header *header, const void *centroid, size_t size)
{
    uint64_t both[2] = {enc_checksum(header, offsetof(list_header, checksum)),
                        enc_checksum(centroid, size)};
    return enc_checksum(both, sizeof both);
}

/* What is wrong with the row at hand of SELECT list, centroid; *centroid is its data's. */
static const char *row_flaw(sqlite3_stmt *row, const ctx_config *config,
                            const uint8_t **centroid, uint64_t *sum)
{
    list_header header;
    size_t size = (size_t)config->dimensions * sizeof(float);
    const uint8_t *data = sqlite3_column_blob(row, 1);
    if (sqlite3_column_type(row, 1) != SQLITE_BLOB || !data ||
        (size_t)sqlite3_column_bytes(row, 1) != sizeof header + size)
        return "its centroid is no BLOB, or has the wrong length";
    memcpy(&header, data, sizeof header);
    *centroid = data + sizeof header;
    *sum = header.checksum;
    if (memcmp(header.magic, magic, sizeof magic) != 0 || header.version != LIST_VERSION ||
        header.length != sizeof header + size ||
        header.list != sqlite3_column_int64(row, 0) ||
        header.dimensions != (uint32_t)config->dimensions)
        return "its header is not one of this list";
    if (header.checksum != header_sum(&header, *centroid, size))
        return "its checksum does not fit";
    return NULL;
}

static int damaged(const ctx_config *config, sqlite3_int64 list, const char *why,
                   ctx_error *error)
{
    return ctx_fail(error, SQLITE_CORRUPT_VTAB, config->name,
                    "row %lld of the table '%s_lists' is damaged: %s; run 'rebuild'", list,
                    config->name, why);
}

static int no_memory(const ctx_config *config, ctx_error *error)
{
    return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
}

/* ---- Memory ---- */

void ctx_lists_free(ctx_lists *lists)
{
    sqlite3_free((void *)lists->codes.code);
    sqlite3_free((void *)lists->codes.scale);
    sqlite3_free((void *)lists->codes.coarse);
    sqlite3_free((void *)lists->codes.offset);
    sqlite3_free(lists->candidate);
    *lists = (ctx_lists){0};
}

void ctx_lists_close(ctx_lists *lists)
{
    if (!lists)
        return;
    ctx_lists_free(lists);
    sqlite3_free(lists);
}

bool ctx_lists_room(ctx_lists *lists, int count, int dimensions)
{
    size_t n = (size_t)count;
    ctx_lists_free(lists);
    size_t head = enc_code_head(ENC_INT8, (size_t)dimensions);
    lists->codes.code = sqlite3_malloc64(n * 2 * head);
    lists->codes.rest = lists->codes.code ? lists->codes.code + n * head : NULL;
    lists->codes.scale = sqlite3_malloc64(n * sizeof(float));
    lists->codes.coarse = sqlite3_malloc64(n * sizeof(float));
    lists->codes.offset = sqlite3_malloc64(n * sizeof(float));
    lists->candidate = sqlite3_malloc64(n * sizeof *lists->candidate);
    lists->codes.count = n;
    lists->dimensions = dimensions;
    lists->count = count;
    return lists->codes.code && lists->codes.scale && lists->codes.coarse &&
           lists->codes.offset && lists->candidate;
}

void ctx_lists_set(ctx_lists *lists, enum enc_metric metric, int i, const float *centroid)
{
    size_t length = (size_t)lists->dimensions, at = (size_t)i;
    size_t head = enc_code_head(ENC_INT8, length);
    uint8_t *code = (uint8_t *)(uintptr_t)lists->codes.code + at * head;
    uint8_t *rest = (uint8_t *)(uintptr_t)lists->codes.rest + at * head;
    enc_code_numbers numbers;
    if (!enc_code_make(metric, ENC_INT8, centroid, length, false, code, rest, &numbers)) {
        memset(code, 0, head);
        memset(rest, 0, head);
        numbers = (enc_code_numbers){.offset = -HUGE_VALF};
    }
    ((float *)(uintptr_t)lists->codes.scale)[at] = numbers.scale;
    ((float *)(uintptr_t)lists->codes.coarse)[at] = numbers.coarse;
    ((float *)(uintptr_t)lists->codes.offset)[at] = numbers.offset;
}

/* Reads the rows into `lists`, which has room for as many as there are to be. */
static int read_rows(ctx_index *index, sqlite3_stmt *rows, ctx_lists *lists, float *centroid,
                     ctx_error *error)
{
    const ctx_config *config = &index->config;
    uint64_t sum = 0;
    int count = 0, step;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        sqlite3_int64 list = sqlite3_column_int64(rows, 0);
        const uint8_t *data;
        uint64_t one = 0;
        const char *flaw = row_flaw(rows, config, &data, &one);
        if (!flaw && (count == lists->count || list != config->lists_first + count))
            flaw = "it is none of the lists that there are";
        if (flaw)
            return damaged(config, list, flaw, error);
        memcpy(centroid, data, (size_t)config->dimensions * sizeof *centroid);
        ctx_lists_set(lists, ctx_lists_metric(config), count++, centroid);
        sum += one;
    }
    if (step != SQLITE_DONE)
        return ctx_shadow_failed(index->db, config, step, error);
    if (count != lists->count || (sqlite3_int64)sum != config->lists_sum)
        return damaged(config, config->lists_first + count,
                       "the lists are not those that the configuration counts", error);
    lists->first = config->lists_first;
    lists->sum = config->lists_sum;
    return SQLITE_OK;
}

static int load(ctx_index *index, ctx_lists *lists, ctx_error *error)
{
    const ctx_config *config = &index->config;
    sqlite3_stmt *rows = NULL;
    float *centroid = sqlite3_malloc64(((size_t)config->dimensions + 1) * sizeof *centroid);
    int code = centroid && ctx_lists_room(lists, config->lists, config->dimensions)
                   ? SQLITE_OK : no_memory(config, error);
    if (code == SQLITE_OK)
        code = ctx_shadow_prepare(index->db, config, &rows, error, "SELECT list, centroid FROM"
                                  " \"%w\".\"%w_lists\" ORDER BY list");
    if (code == SQLITE_OK)
        code = read_rows(index, rows, lists, centroid, error);
    sqlite3_finalize(rows);
    sqlite3_free(centroid);
    return code;
}

int ctx_lists_open(ctx_index *index, const ctx_lists **out, ctx_error *error)
{
    const ctx_config *config = &index->config;
    *out = NULL;
    if (config->index != CTX_INDEX_IVF || config->lists == 0 || config->dimensions == 0)
        return SQLITE_OK;
    if (!index->lists) {
        index->lists = sqlite3_malloc64(sizeof *index->lists);
        if (!index->lists)
            return no_memory(config, error);
        *index->lists = (ctx_lists){0};
    }
    ctx_lists *lists = index->lists;
    if (lists->count != config->lists || lists->first != config->lists_first ||
        lists->sum != config->lists_sum || lists->dimensions != config->dimensions) {
        int code = load(index, lists, error);
        if (code != SQLITE_OK) {
            ctx_lists_free(lists);
            return code;
        }
    }
    *out = lists;
    return SQLITE_OK;
}

/* ---- Writing ---- */

int ctx_lists_clear(ctx_index *index, ctx_error *error)
{
    ctx_config *config = &index->config;
    if (config->index != CTX_INDEX_IVF)
        return SQLITE_OK;
    config->lists_first += config->lists; /* no block has these numbers */
    config->lists = 0;
    config->lists_sum = 0;
    config->lists_gap = -1;
    config->lists_share = 0;
    return ctx_shadow_run(index->db, config, error, "DELETE FROM \"%w\".\"%w_lists\"");
}

static int put_one(ctx_index *index, sqlite3_stmt *insert, sqlite3_int64 list,
                   const float *centroid, uint8_t *data, ctx_error *error)
{
    ctx_config *config = &index->config;
    size_t size = (size_t)config->dimensions * sizeof *centroid;
    list_header header = {.version = LIST_VERSION, .length = sizeof header + size,
                          .list = list, .dimensions = (uint32_t)config->dimensions};
    memcpy(header.magic, magic, sizeof magic);
    header.checksum = header_sum(&header, centroid, size);
    memcpy(data, &header, sizeof header);
    memcpy(data + sizeof header, centroid, size);
    sqlite3_bind_int64(insert, 1, list);
    int code = sqlite3_bind_blob64(insert, 2, data, sizeof header + size, SQLITE_STATIC);
    if (code == SQLITE_OK)
        sqlite3_step(insert);
    int end = sqlite3_reset(insert);
    code = code == SQLITE_OK ? end : code;
    if (code != SQLITE_OK)
        return ctx_shadow_failed(index->db, config, code, error);
    config->lists_sum = (sqlite3_int64)((uint64_t)config->lists_sum + header.checksum);
    return SQLITE_OK;
}

int ctx_lists_put(ctx_index *index, const float *centroids, int count, ctx_error *error)
{
    ctx_config *config = &index->config;
    size_t length = (size_t)config->dimensions;
    sqlite3_stmt *insert = NULL;
    uint8_t *data = sqlite3_malloc64(sizeof(list_header) + length * sizeof *centroids);
    int code = data ? ctx_lists_clear(index, error) : no_memory(config, error);
    if (code == SQLITE_OK)
        code = ctx_shadow_prepare(index->db, config, &insert, error,
                                  "INSERT INTO \"%w\".\"%w_lists\" VALUES(?1, ?2)");
    for (int i = 0; i < count && code == SQLITE_OK; i++)
        code = put_one(index, insert, config->lists_first + i,
                       centroids + (size_t)i * length, data, error);
    config->lists = count;
    sqlite3_finalize(insert);
    sqlite3_free(data);
    return code;
}

/* ---- Checking ---- */

int ctx_lists_check(ctx_index *index, ctx_finding report, void *context, ctx_error *error)
{
    const ctx_config *config = &index->config;
    const ctx_lists *lists;
    ctx_error finding = {0};
    if (config->index != CTX_INDEX_IVF)
        return SQLITE_OK;
    ctx_lists_close(index->lists); /* what is in memory is no proof */
    index->lists = NULL;
    int code = ctx_lists_open(index, &lists, &finding);
    if (code == SQLITE_OK && !lists) {
        sqlite3_stmt *any;
        code = ctx_shadow_prepare(index->db, config, &any, &finding,
                                  "SELECT list FROM \"%w\".\"%w_lists\" LIMIT 1");
        if (code == SQLITE_OK && sqlite3_step(any) == SQLITE_ROW)
            code = damaged(config, sqlite3_column_int64(any, 0),
                           "it is none of the lists that there are", &finding);
        int end = sqlite3_finalize(any);
        if (code == SQLITE_OK && end != SQLITE_OK)
            code = ctx_shadow_failed(index->db, config, end, &finding);
    }
    if (code == SQLITE_CORRUPT_VTAB) {
        report(context, finding.message);
        return SQLITE_OK;
    }
    if (code != SQLITE_OK)
        *error = finding;
    return code;
}

/* ---- Scores ---- */

int ctx_lists_score(const ctx_lists *lists, enum enc_metric metric, const float *vector,
                    const char *name, size_t *scored, ctx_error *error)
{
    enc_question *question;
    enc_error failure = {0};
    enc_codes codes = lists->codes;
    *scored = 0;
    if (metric == ENC_COSINE &&
        enc_vector_compare(ENC_DOT, ENC_FLOAT32, vector, vector,
                           (size_t)lists->dimensions) == 0)
        return SQLITE_OK;
    if (metric == ENC_DOT)
        codes.offset = NULL;
    if (enc_question_open(metric, ENC_INT8, vector, (size_t)lists->dimensions, &question,
                          &failure) != ENC_OK)
        return ctx_fail_encoder(error, name, &failure);
    *scored = enc_question_scan(question, &codes, -HUGE_VALF, lists->candidate, NULL, NULL);
    enc_question_close(question);
    return SQLITE_OK;
}

sqlite3_int64 ctx_lists_bytes(const ctx_lists *lists)
{
    size_t code = enc_code_size(ENC_INT8, (size_t)lists->dimensions);
    return (sqlite3_int64)((size_t)lists->count *
                           (code + sizeof *lists->codes.scale + sizeof *lists->codes.coarse +
                            sizeof *lists->codes.offset));
}

int ctx_lists_nearest(const ctx_lists *lists, const ctx_config *config, const float *vector,
                      int *list, ctx_error *error)
{
    size_t scored;
    int code = ctx_lists_score(lists, ctx_lists_metric(config), vector, config->name, &scored,
                               error);
    *list = 0;
    float best = -HUGE_VALF;
    for (size_t i = 0; i < scored; i++) {
        if (lists->candidate[i].score > best) {
            best = lists->candidate[i].score;
            *list = (int)lists->candidate[i].index;
        }
    }
    return code;
}
