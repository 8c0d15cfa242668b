/*
** plain_read.h - a plain read of memory, what the benchmarks of vectors are measured by.
**
** It adds up all 64-bit words, with the widest and second widest registers there are and with
** prefetching at several distances; the fastest of these counts.
*/
#ifndef PLAIN_READ_H
#define PLAIN_READ_H

#include <stdint.h>

#include "ops.h"
#include "timing.h"

enum { READS = 7 };

static volatile uint64_t sink;

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

/* GB/s. */
static double read_once(reader *read, const char *data, size_t size)
{
    int64_t start = nanoseconds();
    sink = read(data, size / 512 * 512);
    return (double)size / (double)(nanoseconds() - start);
}

static reader *fastest_reader(const char *data, size_t size)
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
    double seen[9][READS];
    for (size_t i = 0; i < READS; i++)
        for (size_t r = 0; r < count; r++)
            seen[r][i] = read_once(readers[r], data, size);
    size_t best = 0;
    for (size_t r = 0; r < count; r++)
        if (median(seen[r], READS) > median(seen[best], READS))
            best = r;
    return readers[best];
}

#endif
