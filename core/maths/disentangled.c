/* disentangled.c - see disentangled.h. */
#include "disentangled.h"

#include <math.h>
#include <stdlib.h>

enum {
    COLUMN_STEP = 32,  /* a packed matrix may be cut at multiples of it, see ops.h */
    KEYS_AT_ONCE = 16  /* the more keys, the more columns that some of them do not ask for */
};

/* A distance on the logarithmic scale; those up to `exact` either way are themselves. In
** float32 as the reference, so that a distance on a border falls on the same side. */
static float scaled(const enc_disentangled *way, ptrdiff_t distance)
{
    const int exact = way->buckets / 2;
    const size_t away = (size_t)llabs((long long)distance);
    if (away <= (size_t)exact)
        return (float)distance;
    float far = (float)log((double)((float)away / (float)exact));
    float farthest = (float)log((double)(float)((double)(way->reach - 1) / (double)exact));
    float bucket = ceilf(far / farthest * (float)(exact - 1)) + (float)exact;
    return distance < 0 ? -bucket : bucket;
}

int enc_disentangled_row(const enc_disentangled *way, ptrdiff_t distance)
{
    const ptrdiff_t span = way->span;
    if (way->buckets > 0) {
        float bucket = scaled(way, distance);
        /* Where the scale has no width (reach - 1 is buckets / 2) the reference turns an
        ** infinity into the least integer there is. */
        if (!isfinite(bucket))
            return 0;
        distance = bucket > (float)span ? span : bucket < (float)-span ? -span
                                               : (ptrdiff_t)bucket;
    }
    return distance < -span ? 0 : distance >= span ? (int)(2 * span - 1)
                                                   : (int)(distance + span);
}

enc_disentangled_head enc_disentangled_of(const enc_disentangled *way, const enc_ops *ops,
                                          const enc_disentangled_head *first, size_t head,
                                          size_t head_size)
{
    size_t at = head * ops->packed_size(2 * (size_t)way->span, head_size);
    return (enc_disentangled_head){first->keys ? first->keys + at : NULL,
                                   first->queries ? first->queries + at : NULL};
}

/* Columns of a packed right-hand side: all that stand between the rows of some distances. */
typedef struct columns {
    size_t first; /* a multiple of COLUMN_STEP */
    size_t count;
} columns;

static columns asked_for(const int32_t *row, size_t count)
{
    int32_t least = row[0], most = row[0];
    for (size_t i = 1; i < count; i++) {
        least = row[i] < least ? row[i] : least;
        most = row[i] > most ? row[i] : most;
    }
    size_t first = (size_t)least / COLUMN_STEP * COLUMN_STEP;
    return (columns){first, (size_t)most + 1 - first};
}

bool enc_disentangled_begin(const enc_disentangled *way, const enc_ops *ops, size_t rows,
                            size_t head_size, size_t block, enc_arena *arena,
                            enc_disentangled_work *out)
{
    size_t distances = 2 * rows - 1;
    int32_t *row = ENC_ARENA(arena, int32_t, distances);
    if (!row)
        return false;
    for (size_t i = 0; i < distances; i++)
        row[i] = enc_disentangled_row(way, (ptrdiff_t)i - (ptrdiff_t)(rows - 1));
    size_t most = block > KEYS_AT_ONCE ? block : KEYS_AT_ONCE;
    most = most < rows ? most : rows;
    float *products = ENC_ARENA(arena, float, most * asked_for(row, distances).count);
    *out = (enc_disentangled_work){ops, rows, head_size, row, products};
    return products;
}

/* products [count, columns] = x [count, d] · the columns of a packed right-hand side. */
static void multiply(const enc_disentangled_work *work, const float *x, size_t ld, size_t count,
                     const float *packed, columns at)
{
    const size_t d = work->head_size;
    work->ops->multiply(x, ld, count, packed + work->ops->packed_size(at.first, d), at.count, d,
                        NULL, work->products, at.count);
}

/* Query i and key j stand at row[i - j] here. */
static const int32_t *centre(const enc_disentangled_work *work)
{
    return work->row + (work->rows - 1);
}

static void add_content_to_position(const enc_disentangled_work *work, const float *keys,
                                    const float *q, size_t ld, size_t first, size_t count,
                                    float *scores, size_t ld_scores)
{
    const size_t rows = work->rows;
    const int32_t *lowest = centre(work) + (ptrdiff_t)first - (ptrdiff_t)(rows - 1);
    columns at = asked_for(lowest, count + rows - 1);
    multiply(work, q + first * ld, ld, count, keys, at);
    for (size_t i = 0; i < count; i++) {
        const float *product = work->products + i * at.count;
        const int32_t *row = centre(work) + first + i;
        float *score = scores + i * ld_scores;
        for (size_t j = 0; j < rows; j++)
            score[j] += product[(size_t)row[-(ptrdiff_t)j] - at.first];
    }
}

static void add_position_to_content(const enc_disentangled_work *work, const float *queries,
                                    const float *k, size_t ld, size_t first, size_t count,
                                    float *scores, size_t ld_scores)
{
    const size_t rows = work->rows;
    for (size_t key = 0; key < rows; key += KEYS_AT_ONCE) {
        size_t keys = rows - key < KEYS_AT_ONCE ? rows - key : KEYS_AT_ONCE;
        const int32_t *nearest = centre(work) + (ptrdiff_t)first - (ptrdiff_t)key;
        columns at = asked_for(nearest - (keys - 1), count + keys - 1);
        multiply(work, k + key * ld, ld, keys, queries, at);
        for (size_t i = 0; i < count; i++) {
            const int32_t *row = nearest + i;
            const float *product = work->products;
            float *score = scores + i * ld_scores + key;
            for (size_t j = 0; j < keys; j++, product += at.count)
                score[j] += product[(size_t)row[-(ptrdiff_t)j] - at.first];
        }
    }
}

void enc_disentangled_add(const enc_disentangled_work *work, const enc_disentangled_head *head,
                          const float *q, const float *k, size_t ld, size_t first,
                          size_t count, float *scores, size_t ld_scores)
{
    if (head->keys)
        add_content_to_position(work, head->keys, q, ld, first, count, scores, ld_scores);
    if (head->queries)
        add_position_to_content(work, head->queries, k, ld, first, count, scores,
                                ld_scores);
}
