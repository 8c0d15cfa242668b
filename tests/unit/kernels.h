/*
** kernels.h - what the tests of kernels share: every kernel there is, and noise.
*/
#ifndef KERNELS_H
#define KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "memory.h"
#include "ops.h"

static const char *const kernel_names[] = {
    "avx512-bf16", "avx512-vnni", "avx512", "avx2-vnni", "avx2", "neon-dotprod", "neon",
    "openblas", "portable"};

/* Runs the block after it once for every kernel that this processor can run. */
#define FOR_KERNELS(ops)                                                                  \
    for (size_t kernel_ = 0; kernel_ < sizeof kernel_names / sizeof *kernel_names;        \
         kernel_++)                                                                       \
        for (const enc_ops *ops = enc_ops_find(kernel_names[kernel_]); ops; ops = NULL)

/* Between -1 and 1, the same ones in every run. Not for several threads. */
static inline float noise(void)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(state >> 32) * 0x1p-31f;
}

/* To be freed with enc_free; NULL without memory. */
static inline float *noises(size_t count)
{
    float *x = ENC_ALLOC(float, count > 0 ? count : 1);
    for (size_t i = 0; x && i < count; i++)
        x[i] = noise();
    return x;
}

#endif
