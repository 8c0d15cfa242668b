/*
** lab_peak.c - what one core does on registers alone: multiply-adds of float32, dot products of
** bf16 pairs and of four 8-bit numbers.
*/
#include <string.h>

#include "cpu.h"
#include "lab.h"

#if defined(__x86_64__)
#include <immintrin.h>

static volatile int sink;

/* 16 sums that don't wait for each other: more than latency times units of any core today.
** `operations` of one instruction. */
#define PEAK(name, instructions, sums, zero, factors, factor, step, operations)            \
    __attribute__((target(instructions))) static double name(size_t turns)                 \
    {                                                                                      \
        sums sum[16];                                                                      \
        factors a = factor;                                                                \
        for (int i = 0; i < 16; i++)                                                       \
            sum[i] = zero;                                                                 \
        for (size_t t = 0; t < turns; t++) {                                               \
            sum[0] = step(sum[0], a), sum[1] = step(sum[1], a);                            \
            sum[2] = step(sum[2], a), sum[3] = step(sum[3], a);                            \
            sum[4] = step(sum[4], a), sum[5] = step(sum[5], a);                            \
            sum[6] = step(sum[6], a), sum[7] = step(sum[7], a);                            \
            sum[8] = step(sum[8], a), sum[9] = step(sum[9], a);                            \
            sum[10] = step(sum[10], a), sum[11] = step(sum[11], a);                        \
            sum[12] = step(sum[12], a), sum[13] = step(sum[13], a);                        \
            sum[14] = step(sum[14], a), sum[15] = step(sum[15], a);                        \
            __asm__ volatile("" : "+x"(a));                                                \
        }                                                                                  \
        int last = 0;                                                                      \
        for (int i = 0; i < 16; i++) {                                                     \
            int part;                                                                      \
            memcpy(&part, &sum[i], sizeof part);                                           \
            last += part;                                                                  \
        }                                                                                  \
        sink = last;                                                                       \
        return (operations) * 16.0 * (double)turns;                                        \
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

static double peaks[ENC_WEIGHT_TYPES];

static void measure(enum enc_weight_type type, double (*loop)(size_t))
{
    enum { REPEATS = 7, TURNS = 400000 };
    double got[REPEATS];
    for (int i = 0; i < REPEATS; i++) {
        int64_t start = lab_nanoseconds();
        double done = loop(TURNS);
        got[i] = done / (double)(lab_nanoseconds() - start);
    }
    peaks[type] = lab_median(got, REPEATS);
}

/* Of the widest instructions this processor has. */
static void measure_all(void)
{
#if defined(__x86_64__)
    enc_cpu cpu;
    enc_cpu_detect(&cpu);
    if (cpu.avx512)
        measure(ENC_WEIGHT_F32, fma_avx512);
    else if (cpu.avx2)
        measure(ENC_WEIGHT_F32, fma_avx2);
    if (cpu.avx512_bf16)
        measure(ENC_WEIGHT_BF16, bf16_avx512);
    if (cpu.avx512_vnni)
        measure(ENC_WEIGHT_INT8, int8_avx512);
    else if (cpu.avx_vnni)
        measure(ENC_WEIGHT_INT8, int8_avx_vnni);
#else
    (void)measure;
#endif
}

void lab_peaks(void)
{
    measure_all();
    for (enum enc_weight_type type = 0; type < ENC_WEIGHT_TYPES; type++) {
        const char *unit = type == ENC_WEIGHT_INT8 ? "GOP/s" : "GFLOP/s";
        if (peaks[type] <= 0)
            continue;
        lab_say("peak, %-8s %8.0f %s\n", lab_type_name(type), peaks[type], unit);
        lab_write(&(lab_figure){"peak", "registers", lab_type_name(type), "", 0, 0, 0,
                                peaks[type], unit, 0});
    }
}

double lab_peak(enum enc_weight_type type)
{
    return peaks[type];
}
