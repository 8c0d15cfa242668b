/*
** bench_vectors.c - one vector compared with a great many, beside a plain read of the same bytes.
**
**     bench_vectors        lines "scan,kernel,type,metric,elements,GB/s,of the read" on
**                          standard output, for the kernel in use (CONTEXTUAL_KERNEL)
**     bench_vectors -k     the names of the kernels there are
**
** The vectors lie one behind the other in 256 MiB, which no cache holds. The fastest read
** (plain_read.h) is what the comparisons are measured by. Read and comparisons alternate; the figures are medians of REPEATS.
*/
#include <stdio.h>
#include <string.h>

#include "encoder.h"
#include "memory.h"
#include "ops.h"
#include "plain_read.h"
#include "timing.h"

enum { REPEATS = 7, RESULTS = 1024, MAX_LENGTH = 1536 };
enum { BYTES = 256 << 20, SLACK = 1 << 16 };

/* ---- Comparisons --------------------------------------------------------------------- */

typedef struct work {
    enum enc_vector_type type;
    enum enc_metric metric;
    const char *type_name, *metric_name;
    size_t bits; /* of an element */
} work;

static const work works[] = {
    {ENC_FLOAT32, ENC_COSINE, "float32", "cosine", 32},
    {ENC_FLOAT32, ENC_DOT, "float32", "dot", 32},
    {ENC_FLOAT32, ENC_L2, "float32", "l2", 32},
    {ENC_FLOAT32, ENC_L1, "float32", "l1", 32},
    {ENC_INT8, ENC_COSINE, "int8", "cosine", 8},
    {ENC_INT8, ENC_DOT, "int8", "dot", 8},
    {ENC_INT8, ENC_L2, "int8", "l2", 8},
    {ENC_INT8, ENC_L1, "int8", "l1", 8},
    {ENC_BIT, ENC_COSINE, "bit", "cosine", 1},
    {ENC_BIT, ENC_HAMMING, "bit", "hamming", 1},
};

enum { WORKS = sizeof works / sizeof *works };

/* GB/s of one scan. The results go into an array, as a search would want them. */
static double scan_once(const work *w, const void *query, const char *data, size_t length)
{
    static double results[RESULTS];
    size_t size = length * w->bits / 8, rows = BYTES / size;
    int64_t start = nanoseconds();
    for (size_t i = 0; i < rows; i++)
        results[i % RESULTS] =
            enc_vector_compare(w->metric, w->type, query, data + i * size, length);
    double spent = (double)(nanoseconds() - start);
    sink = (uint64_t)(int64_t)results[sink % RESULTS];
    return (double)(rows * size) / spent;
}

static void bench_length(reader *read, const float *query, const char *data, size_t length)
{
    double seen[WORKS][REPEATS], share[WORKS][REPEATS];
    for (size_t i = 0; i < REPEATS; i++)
        for (size_t w = 0; w < WORKS; w++) {
            if (length * works[w].bits % 8)
                continue;
            double plain = read_once(read, data, BYTES);
            seen[w][i] = scan_once(&works[w], query, data, length);
            share[w][i] = seen[w][i] / plain;
        }
    for (size_t w = 0; w < WORKS; w++)
        if (length * works[w].bits % 8 == 0)
            printf("scan,%s,%s,%s,%zu,%.1f,GB/s,%.2f\n", enc_ops_get()->name,
                   works[w].type_name, works[w].metric_name, length,
                   median(seen[w], REPEATS), median(share[w], REPEATS));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const size_t lengths[] = {384, 385, 768, 1024, 1536};
    if (argc > 1 && !strcmp(argv[1], "-k")) {
        printf("%s\n", enc_ops_names());
        return 0;
    }
    float *data = enc_alloc(BYTES + SLACK), query[MAX_LENGTH];
    if (!data)
        return 1;
    fill_with_noise(data, (BYTES + SLACK) / sizeof *data);
    memcpy(query, data + 1000, sizeof query);
    reader *read = fastest_reader((const char *)data, BYTES);
    double plain[REPEATS];
    for (size_t i = 0; i < REPEATS; i++)
        plain[i] = read_once(read, (const char *)data, BYTES);
    printf("scan,%s,,plain read,,%.1f,GB/s,1.00\n", enc_ops_get()->name,
           median(plain, REPEATS));
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        bench_length(read, query, (const char *)data, lengths[i]);
    enc_free(data);
    return 0;
}
