/*
** kernel_compare_avx512_popcnt.c - bits that differ, with AVX512_VPOPCNTDQ; compiled as
** kernel_avx512.c and with -mavx512vpopcntdq.
*/
#include "kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

static ALWAYS_INLINE __m256i bits32(const uint8_t *a, const uint8_t *b)
{
    const __m256i x = _mm256_loadu_si256((const void *)a);
    return _mm256_popcnt_epi64(_mm256_xor_si256(x, _mm256_loadu_si256((const void *)b)));
}

static ALWAYS_INLINE __m128i bits16(const uint8_t *a, const uint8_t *b)
{
    const __m128i x = _mm_loadu_si128((const void *)a);
    return _mm_popcnt_epi64(_mm_xor_si128(x, _mm_loadu_si128((const void *)b)));
}

/* n < 16 */
static __attribute__((noinline)) int64_t bits_left(const uint8_t *a, const uint8_t *b,
                                                   size_t n)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += __builtin_popcount(a[i] ^ b[i]);
    return sum;
}

/* Whole blocks of 64 bytes. */
static ALWAYS_INLINE __m128i bits_blocks(const uint8_t *a, const uint8_t *b, size_t n)
{
    __m256i sums[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t i = 0; i < n; i += 64) {
        enc_fetch_ahead(b + i);
        sums[0] = _mm256_add_epi64(sums[0], bits32(a + i, b + i));
        sums[1] = _mm256_add_epi64(sums[1], bits32(a + i + 32, b + i + 32));
    }
    sums[0] = _mm256_add_epi64(sums[0], sums[1]);
    return _mm_add_epi64(_mm256_castsi256_si128(sums[0]),
                         _mm256_extracti128_si256(sums[0], 1));
}

/* Vectors of bits are so short that every instruction counts: what is below 64 bytes, 384 bits
** for one, goes by 16, for which no upper halves of registers have to be cleared at the end. */
static ALWAYS_INLINE int64_t bits_differing(const uint8_t *a, const uint8_t *b, size_t n)
{
    __m128i sum = _mm_setzero_si128();
    if (__builtin_expect(n >= 64, 0)) {
        const size_t blocks = n & ~(size_t)63;
        sum = bits_blocks(a, b, blocks);
        a += blocks, b += blocks;
    }
    enc_fetch_ahead(b);
    if (__builtin_expect(n & 32, 1)) {
        sum = _mm_add_epi64(sum, _mm_add_epi64(bits16(a, b), bits16(a + 16, b + 16)));
        a += 32, b += 32;
    }
    if (__builtin_expect(n & 16, 1)) {
        sum = _mm_add_epi64(sum, bits16(a, b));
        a += 16, b += 16;
    }
    sum = _mm_add_epi64(sum, _mm_unpackhi_epi64(sum, sum));
    int64_t total = _mm_cvtsi128_si64(sum);
    if (__builtin_expect(n % 16, 0))
        total += bits_left(a, b, n % 16);
    return total;
}

#include "kernel_bits.inc"

void enc_compare_avx512_popcnt(enc_ops *row)
{
    row->compare[ENC_BIT][ENC_COSINE] = kernel_bit_cosine;
    row->compare[ENC_BIT][ENC_HAMMING] = kernel_bit_hamming;
}

#endif
