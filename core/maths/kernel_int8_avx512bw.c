/*
** kernel_int8_avx512bw.c - products with 8-bit weights for AVX-512 without VNNI, in the way of
** kernel_int8_avx2.c; compiled like kernel_avx512.c.
*/
#include "kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "kernel_int8.h"

#define PRODUCT enc_int8_avx512
#define ROW_BYTES 2
#define PARTS 2

#include "kernel_int8_avx512.inc"

static inline weights weights_load(const int8_t *group, int part)
{
    const ivec both = ivec_load(group);
    return _mm512_srai_epi16(part ? both : _mm512_slli_epi16(both, 8), 8);
}

static inline taken taken_load(const uint8_t *x, int part)
{
    return four_bytes(x + 4 * part);
}

/* With the intrinsics gcc 12 sums two parts first, in twice the registers, or copies sums. */
static inline sum sum_dot(sum s, taken t, weights w)
{
    __asm__("vpaddd %1, %0, %0" : "+v"(s) : "v"(_mm512_madd_epi16(t, w)));
    return s;
}

static ALWAYS_INLINE void row_quantise(const float *x, const float *factor, size_t k,
                                       float inverse, int32_t zero, uint8_t *to)
{
    const fvec scale = fvec_set(inverse);
    const ivec middle = ivec_set(zero), most = ivec_set(255);
    const __m256i order = _mm256_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15,
                                           0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15);
    for (size_t j = 0; j < k; j += WIDTH) {
        const ivec wide = quantise_16(x, factor, j, k, scale, middle);
        const __m256i words = _mm512_cvtepi32_epi16(_mm512_min_epi32(wide, most));
        const __m256i q = _mm256_shuffle_epi8(words, order);
        if (k - j >= WIDTH)
            _mm256_storeu_si256((__m256i *)(void *)(to + j * ROW_BYTES), q);
        else
            memcpy(to + j * ROW_BYTES, &q, int8_groups(k - j) * INT8_DEPTHS * ROW_BYTES);
    }
}

#include "kernel_int8.inc"

#endif
