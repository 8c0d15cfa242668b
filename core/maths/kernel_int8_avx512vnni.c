/*
** kernel_int8_avx512vnni.c - products with 8-bit weights for AVX-512 with VNNI, whose one
** instruction multiplies and sums four depths of 16 columns; compiled with -mavx512vnni besides
** what kernel_avx512.c takes.
*/
#include "kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "kernel_int8.h"

#define PRODUCT enc_int8_avx512_vnni
#define ROW_BYTES 1
#define PARTS 1

#include "kernel_int8_avx512.inc"

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
    __asm__("vpdpbusd %2, %1, %0" : "+v"(s) : "v"(t), "v"(w));
    return s;
}

static ALWAYS_INLINE void row_quantise(const float *x, const float *factor, size_t k,
                                       float inverse, int32_t zero, uint8_t *to)
{
    const fvec scale = fvec_set(inverse);
    const ivec middle = ivec_set(zero);
    const ivec order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    size_t j = 0;
    for (; j + 4 * WIDTH <= k; j += 4 * WIDTH) {
        ivec part[4];
        UNROLL
        for (size_t i = 0; i < 4; i++)
            part[i] = quantise_16(x, factor, j + i * WIDTH, k, scale, middle);
        const ivec q = _mm512_packus_epi16(_mm512_packs_epi32(part[0], part[1]),
                                           _mm512_packs_epi32(part[2], part[3]));
        _mm512_storeu_si512(to + j, _mm512_permutexvar_epi32(order, q));
    }
    for (; j < k; j += WIDTH) {
        const __m128i q =
            _mm512_cvtusepi32_epi8(quantise_16(x, factor, j, k, scale, middle));
        if (k - j >= WIDTH)
            _mm_storeu_si128((__m128i *)(void *)(to + j), q);
        else
            memcpy(to + j, &q, k - j);
    }
}

#include "kernel_int8.inc"

#endif
