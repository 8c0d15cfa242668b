/*
** lab_peak.c - what one core does on registers alone: multiply-adds of float32, dot products of
** bf16 pairs and of four 8-bit numbers.
*/
#include "cpu.h"
#include "lab.h"
#include "timing.h"

#if defined(__x86_64__)
#include <immintrin.h>

/* 12 sums that don't wait for each other: more than latency times units of any core today, and
** with the factor they fit AVX2's registers. `operations` of one instruction. */
#define PEAK(name, instructions, sums, zero, factors, factor, step, operations)            \
    __attribute__((target(instructions))) static double name(size_t turns)                 \
    {                                                                                      \
        sums s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero;             \
        sums s6 = zero, s7 = zero, s8 = zero, s9 = zero, s10 = zero, s11 = zero;           \
        factors a = factor;                                                                \
        /* What the compiler knows to be equal it computes once. */                        \
        __asm__ volatile("" : "+x"(s0), "+x"(s1), "+x"(s2), "+x"(s3), "+x"(s4), "+x"(s5)); \
        __asm__ volatile("" : "+x"(s6), "+x"(s7), "+x"(s8), "+x"(s9), "+x"(s10),           \
                         "+x"(s11));                                                       \
        for (size_t t = 0; t < turns; t++) {                                               \
            s0 = step(s0, a), s1 = step(s1, a), s2 = step(s2, a), s3 = step(s3, a);        \
            s4 = step(s4, a), s5 = step(s5, a), s6 = step(s6, a), s7 = step(s7, a);        \
            s8 = step(s8, a), s9 = step(s9, a), s10 = step(s10, a), s11 = step(s11, a);    \
            __asm__ volatile("" : "+x"(a));                                                \
        }                                                                                  \
        __asm__ volatile("" : : "x"(s0), "x"(s1), "x"(s2), "x"(s3), "x"(s4), "x"(s5));     \
        __asm__ volatile("" : : "x"(s6), "x"(s7), "x"(s8), "x"(s9), "x"(s10), "x"(s11));   \
        return (operations) * 12.0 * (double)turns;                                        \
    }

#define FMA256(s, a) _mm256_fmadd_ps(a, a, s)
#define FMA512(s, a) _mm512_fmadd_ps(a, a, s)
#define BF512(s, a) _mm512_dpbf16_ps(s, (__m512bh)(a), (__m512bh)(a))
#define VNNI256(s, a) _mm256_dpbusd_avx_epi32(s, a, a)
#define VNNI512(s, a) _mm512_dpbusd_epi32(s, a, a)
PEAK(fma_avx2, "avx2,fma", __m256, _mm256_setzero_ps(), __m256, _mm256_setzero_ps(), FMA256,
     16)
PEAK(fma_avx512, "avx512f", __m512, _mm512_setzero_ps(), __m512, _mm512_setzero_ps(), FMA512,
     32)
PEAK(bf16_avx512, "avx512f,avx512bw,avx512bf16", __m512, _mm512_setzero_ps(), __m512i,
     _mm512_setzero_si512(), BF512, 64)
PEAK(int8_avx512, "avx512f,avx512vnni", __m512i, _mm512_setzero_si512(), __m512i,
     _mm512_setzero_si512(), VNNI512, 128)
PEAK(int8_avx_vnni, "avx2,avxvnni", __m256i, _mm256_setzero_si256(), __m256i,
     _mm256_setzero_si256(), VNNI256, 64)

#endif

typedef struct loop {
    const char *what;
    enum enc_weight_type type;
    double (*run)(size_t turns);
} loop;

/* The loops this processor can run, for each number type the widest first. */
static size_t find_loops(loop loops[8])
{
    size_t count = 0;
#if defined(__x86_64__)
    enc_cpu cpu;
    enc_cpu_detect(&cpu);
    if (cpu.avx512)
        loops[count++] = (loop){"avx512", ENC_WEIGHT_F32, fma_avx512};
    if (cpu.avx2)
        loops[count++] = (loop){"avx2", ENC_WEIGHT_F32, fma_avx2};
    if (cpu.avx512_bf16)
        loops[count++] = (loop){"avx512-bf16", ENC_WEIGHT_BF16, bf16_avx512};
    if (cpu.avx512_vnni)
        loops[count++] = (loop){"avx512-vnni", ENC_WEIGHT_INT8, int8_avx512};
    if (cpu.avx_vnni)
        loops[count++] = (loop){"avx-vnni", ENC_WEIGHT_INT8, int8_avx_vnni};
#else
    (void)loops;
#endif
    return count;
}

static double measure(const loop *l)
{
    enum { REPEATS = 7, TURNS = 400000 };
    double got[REPEATS];
    for (int i = 0; i < REPEATS; i++) {
        int64_t start = nanoseconds();
        double done = l->run(TURNS);
        got[i] = done / (double)(nanoseconds() - start);
    }
    return median(got, REPEATS);
}

static double peaks[ENC_WEIGHT_TYPES];

void lab_peaks(void)
{
    loop loops[8];
    size_t count = find_loops(loops);
    for (size_t i = 0; i < count; i++) {
        const loop *l = &loops[i];
        const char *unit = l->type == ENC_WEIGHT_INT8 ? "GOP/s" : "GFLOP/s";
        double peak = measure(l);
        if (peaks[l->type] <= 0)
            peaks[l->type] = peak;
        lab_say("peak  %-8s %-12s %6.0f %s\n", lab_type_name(l->type), l->what, peak, unit);
        lab_write(&(lab_figure){"peak", "registers", lab_type_name(l->type), l->what, 0, 0, 0,
                                peak, unit, 0});
    }
}

double lab_peak(enum enc_weight_type type)
{
    return peaks[type];
}
