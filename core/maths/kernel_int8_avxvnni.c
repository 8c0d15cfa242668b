/*
** kernel_int8_avxvnni.c - products with 8-bit weights for AVX-VNNI, whose one instruction
** multiplies and sums four depths of 8 columns; compiled with -mavx2 -mfma -mavxvnni.
*/
#include "kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "kernel_int8.h"

#define PRODUCT enc_int8_avx_vnni
#define ROW_BYTES 1
#define PARTS 1

#include "kernel_int8_avx2.inc"

static inline weights weights_load(const int8_t *group, int part)
{
    (void)part;
    return ivec_load(group);
}

static inline taken taken_load(const uint8_t *x, int part)
{
    (void)part;
    return four_bytes(x);
}

/* With the intrinsic gcc 12 copies sums from register to register and to the stack. */
static inline sum sum_dot(sum s, taken t, weights w)
{
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(s) : "x"(t), "x"(w));
    return s;
}

static ALWAYS_INLINE void row_quantise(const float *x, const float *factor, size_t k,
                                       float inverse, int32_t zero, uint8_t *to)
{
    const fvec scale = fvec_set(inverse);
    const ivec middle = ivec_set(zero);
    for (size_t j = 0; j < k; j += 16) {
        const ivec words = quantise_16(x, factor, j, k, scale, middle);
        const __m128i q = _mm_packus_epi16(_mm256_castsi256_si128(words),
                                           _mm256_extracti128_si256(words, 1));
        if (k - j >= 16)
            _mm_storeu_si128((__m128i *)(void *)(to + j), q);
        else
            memcpy(to + j, &q, k - j);
    }
}

#include "kernel_int8.inc"

#endif
