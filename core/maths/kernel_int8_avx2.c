/*
** kernel_int8_avx2.c - products with 8-bit weights for AVX2; compiled with -mavx2 -mfma.
**
** Its product of 8-bit numbers sums two neighbours in 16 bits, which they may leave, so numbers
** are widened to 16 bits first. A prepared row has them so already. The weights' 16-bit words
** hold an even and an odd depth each: shifts bring forth the even ones, then the odd ones, and a
** prepared row's groups are in that order: 0, 2, 1, 3.
*/
#include "kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "kernel_int8.h"

#define PRODUCT enc_int8_avx2
#define ROW_BYTES 2
#define PARTS 2

#include "kernel_int8_avx2.inc"

static inline weights weights_load(const int8_t *group, int part)
{
    const ivec both = ivec_load(group);
    return _mm256_srai_epi16(part ? both : _mm256_slli_epi16(both, 8), 8);
}

static inline taken taken_load(const uint8_t *x, int part)
{
    return four_bytes(x + 4 * part);
}

static inline sum sum_dot(sum s, taken t, weights w)
{
    s = _mm256_add_epi32(s, _mm256_madd_epi16(t, w));
    __asm__("" : "+x"(s)); /* sums of two parts first would take twice the registers */
    return s;
}

static ALWAYS_INLINE void row_quantise(const float *x, const float *factor, size_t k,
                                       float inverse, int32_t zero, uint8_t *to)
{
    const fvec scale = fvec_set(inverse);
    const ivec middle = ivec_set(zero);
    const ivec order = _mm256_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15, 0,
                                        1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15);
    for (size_t j = 0; j < k; j += 16) {
        ivec q = quantise_16(x, factor, j, k, scale, middle);
        q = _mm256_shuffle_epi8(q, order);
        if (k - j >= 16)
            _mm256_storeu_si256((__m256i *)(void *)(to + j * ROW_BYTES), q);
        else
            memcpy(to + j * ROW_BYTES, &q, int8_groups(k - j) * INT8_DEPTHS * ROW_BYTES);
    }
}

#include "kernel_int8.inc"

#endif
