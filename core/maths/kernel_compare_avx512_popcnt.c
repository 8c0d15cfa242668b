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

/* `sum` and how many bits of n differ, 16 and 32 bytes of which n says that they are there. In
** both lanes. */
static ALWAYS_INLINE __m128i bits_rest(__m128i sum, const uint8_t *a, const uint8_t *b,
                                       size_t n)
{
    enc_fetch_ahead(b);
    if (__builtin_expect(n & 32, 1)) {
        sum = _mm_add_epi64(sum, _mm_add_epi64(bits16(a, b), bits16(a + 16, b + 16)));
        a += 32, b += 32;
    }
    if (__builtin_expect(n & 16, 1))
        sum = _mm_add_epi64(sum, bits16(a, b));
    return _mm_add_epi64(sum, _mm_shuffle_epi32(sum, 0x4e));
}

static ALWAYS_INLINE __m128i bits_differing(const uint8_t *a, const uint8_t *b, size_t n)
{
    const size_t blocks = n & ~(size_t)63, whole = n & ~(size_t)15;
    const __m128i left =
        n > whole ? _mm_cvtsi64_si128(bits_left(a + whole, b + whole, n % 16))
                  : _mm_setzero_si128();
    return bits_rest(_mm_add_epi64(left, bits_blocks(a, b, blocks)), a + blocks, b + blocks, n);
}

static ALWAYS_INLINE double hamming_of(__m128i differing)
{
    return _mm_cvtsd_f64(_mm_cvtepi64_pd(differing));
}

/* As kernel_bits.inc has it, without the way through general registers. */
static ALWAYS_INLINE double cosine_of(__m128i differing, size_t n)
{
    const __m128i elements = _mm_cvtsi64_si128((long long)n);
    const __m128i same = _mm_sub_epi64(elements, _mm_add_epi64(differing, differing));
    const __m128d both = _mm_cvtepi64_pd(_mm_unpacklo_epi64(same, elements));
    return _mm_cvtsd_f64(_mm_div_sd(both, _mm_unpackhi_pd(both, both)));
}

static __attribute__((noinline)) double long_hamming(const void *a, const void *b, size_t n)
{
    return hamming_of(bits_differing(a, b, n / 8));
}

static __attribute__((noinline)) double long_cosine(const void *a, const void *b, size_t n)
{
    return cosine_of(bits_differing(a, b, n / 8), n);
}

/* Vectors of bits are so short that every instruction counts. One test finds those of up to 384
** bits that are whole registers of 128 bits, for which no upper halves of registers have to be
** cleared at the end. */
static ALWAYS_INLINE bool is_short(size_t n)
{
    return __builtin_expect((n & ~(size_t)384) == 0, 1);
}

static double kernel_bit_hamming(const void *a, const void *b, size_t n)
{
    if (is_short(n))
        return hamming_of(bits_rest(_mm_setzero_si128(), a, b, n / 8));
    return long_hamming(a, b, n);
}

static double kernel_bit_cosine(const void *a, const void *b, size_t n)
{
    if (is_short(n))
        return cosine_of(bits_rest(_mm_setzero_si128(), a, b, n / 8), n);
    return long_cosine(a, b, n);
}

void enc_compare_avx512_popcnt(enc_ops *row)
{
    row->compare[ENC_BIT][ENC_COSINE] = kernel_bit_cosine;
    row->compare[ENC_BIT][ENC_HAMMING] = kernel_bit_hamming;
}

#endif
