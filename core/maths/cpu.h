/*
** cpu.h - what the processor and the operating system let us run.
*/
#ifndef ENC_CPU_H
#define ENC_CPU_H

#include <stdbool.h>
#include <stddef.h>

typedef struct enc_cpu {
    bool avx2;   /* AVX2 and FMA, and the system saves the 256-bit registers */
    bool avx512; /* AVX-512 F, DQ, BW and VL besides, and the 512-bit registers are saved */
    bool avx_vnni;    /* avx2, and 8-bit products on 256-bit registers */
    bool avx512_vnni; /* avx512, and 8-bit products */
    bool avx512_bf16; /* avx512_vnni, and bf16 products */
    bool avx512_popcnt; /* avx512, and bits set */
    bool dotprod;     /* arm64: 8-bit products */
    char text[192]; /* "AMD EPYC (avx2 fma avx512f)" */
} enc_cpu;

/* Asks the processor; writes *cpu. */
void enc_cpu_detect(enc_cpu *cpu);

#endif
