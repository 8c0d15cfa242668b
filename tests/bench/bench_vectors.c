/*
** bench_vectors.c - one vector compared with a great many, beside a plain read of the same bytes.
**
**     bench_vectors        lines "scan,kernel,type,metric,elements,GB/s,of the read" on
**                          standard output, for the kernel in use (CONTEXTUAL_KERNEL)
**     bench_vectors -k     the names of the kernels there are
**
** The vectors lie one behind the other in 256 MiB, which no cache holds. The read adds up all
** 64-bit words, with the widest and second widest registers there are and with prefetching at
** several distances; the fastest of these is what the comparisons are measured by. Read and
** comparisons alternate; the figures are medians of REPEATS.
*/
#include <stdio.h>
#include <string.h>

#include "encoder.h"
#include "memory.h"
#include "ops.h"
#include "timing.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { REPEATS = 7, RESULTS = 1024, MAX_LENGTH = 1536 };
enum { BYTES = 256 << 20, SLACK = 1 << 16 };

static volatile uint64_t sink;

/* ---- The plain read ------------------------------------------------------------------ */

typedef uint64_t reader(const char *at, size_t size);

/* Reads 8 vectors of `type` at a time into 8 sums; `size` is a multiple of 512. */
#define READER(name, instructions, type, ahead)                                        \
    instructions static uint64_t name(const char *at, size_t size)                     \
    {                                                                                  \
        type sum[8] = {{0}};                                                           \
        for (const char *end = at + size; at < end; at += sizeof sum) {                \
            for (size_t i = 0; ahead && i < sizeof sum; i += 64)                       \
                __builtin_prefetch((const void *)((uintptr_t)at + ahead + i));         \
            const type *from = (const type *)(const void *)at;                         \
            sum[0] += from[0], sum[1] += from[1], sum[2] += from[2];                   \
            sum[3] += from[3], sum[4] += from[4], sum[5] += from[5];                   \
            sum[6] += from[6], sum[7] += from[7];                                      \
        }                                                                              \
        type all = sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7]; \
        return all[0] + all[1];                                                        \
    }

typedef uint64_t vector16 __attribute__((vector_size(16)));
READER(read_16, , vector16, 0)
READER(read_16_near, , vector16, 4096)
READER(read_16_far, , vector16, 8192)

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f")))
typedef uint64_t vector32 __attribute__((vector_size(32)));
typedef uint64_t vector64 __attribute__((vector_size(64)));
READER(read_32, AVX2, vector32, 0)
READER(read_32_near, AVX2, vector32, 4096)
READER(read_32_far, AVX2, vector32, 8192)
READER(read_64, AVX512, vector64, 0)
READER(read_64_near, AVX512, vector64, 4096)
READER(read_64_far, AVX512, vector64, 8192)
#endif

static double read_once(reader *read, const char *data)
{
    int64_t start = nanoseconds();
    sink = read(data, BYTES);
    return BYTES / (double)(nanoseconds() - start);
}

static reader *fastest_reader(const char *data)
{
    reader *readers[9] = {read_16, read_16_near, read_16_far};
    size_t count = 3;
#if defined(__x86_64__)
    if (enc_ops_find("avx2")) {
        readers[count++] = read_32;
        readers[count++] = read_32_near;
        readers[count++] = read_32_far;
    }
    if (enc_ops_find("avx512")) {
        readers[count++] = read_64;
        readers[count++] = read_64_near;
        readers[count++] = read_64_far;
    }
#endif
    double seen[9][REPEATS];
    for (size_t i = 0; i < REPEATS; i++)
        for (size_t r = 0; r < count; r++)
            seen[r][i] = read_once(readers[r], data);
    size_t best = 0;
    for (size_t r = 0; r < count; r++)
        if (median(seen[r], REPEATS) > median(seen[best], REPEATS))
            best = r;
    return readers[best];
}

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
            double plain = read_once(read, data);
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
    reader *read = fastest_reader((const char *)data);
    double plain[REPEATS];
    for (size_t i = 0; i < REPEATS; i++)
        plain[i] = read_once(read, (const char *)data);
    printf("scan,%s,,plain read,,%.1f,GB/s,1.00\n", enc_ops_get()->name,
           median(plain, REPEATS));
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        bench_length(read, query, (const char *)data, lengths[i]);
    enc_free(data);
    return 0;
}
