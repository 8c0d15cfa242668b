/*
** cpu.c - see cpu.h. On x86-64 the CPUID instruction says what the processor has and XGETBV
** which registers the operating system saves at a task switch; both must agree.
*/
#include "cpu.h"

#include <string.h>

static void append(enc_cpu *cpu, const char *text)
{
    size_t used = strlen(cpu->text);
    size_t size = strlen(text);
    if (used + size < sizeof cpu->text)
        memcpy(cpu->text + used, text, size + 1);
}

#if defined(__x86_64__)

#include <cpuid.h>
#include <stdint.h>

enum { EAX, EBX, ECX, EDX };

typedef struct feature {
    const char *name;
    uint32_t leaf; /* 1 or 7, subleaf 0 or 1 */
    uint32_t subleaf;
    int reg;
    int bit;
} feature;

enum {
    HAS_FMA, HAS_OSXSAVE, HAS_AVX2, HAS_512F, HAS_512DQ, HAS_512BW, HAS_512VL,
    HAS_512VNNI, HAS_512BF16, HAS_AVXVNNI, HAS_512POPCNT, FEATURES
};

/* Bit numbers from Intel's "Software Developer's Manual", volume 2, CPUID. */
static const feature features[FEATURES] = {
    [HAS_FMA] = {"fma", 1, 0, ECX, 12},
    [HAS_OSXSAVE] = {NULL, 1, 0, ECX, 27},
    [HAS_AVX2] = {"avx2", 7, 0, EBX, 5},
    [HAS_512F] = {"avx512f", 7, 0, EBX, 16},
    [HAS_512DQ] = {"avx512dq", 7, 0, EBX, 17},
    [HAS_512BW] = {"avx512bw", 7, 0, EBX, 30},
    [HAS_512VL] = {"avx512vl", 7, 0, EBX, 31},
    [HAS_512VNNI] = {"avx512vnni", 7, 0, ECX, 11},
    [HAS_512BF16] = {"avx512bf16", 7, 1, EAX, 5},
    [HAS_AVXVNNI] = {"avxvnni", 7, 1, EAX, 4},
    [HAS_512POPCNT] = {"avx512vpopcntdq", 7, 0, ECX, 14},
};

static bool has_feature(const feature *f)
{
    uint32_t r[4] = {0};
    if (!__get_cpuid_count(f->leaf, f->subleaf, &r[EAX], &r[EBX], &r[ECX], &r[EDX]))
        return false;
    return r[f->reg] >> f->bit & 1;
}

/* XCR0: bits 1-2 are the 128 and 256-bit registers, 5-7 the 512-bit ones and the masks. */
static uint32_t saved_registers(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/* The name the maker wrote into the chip, 48 bytes with blanks to fill. */
static void append_brand(enc_cpu *cpu)
{
    uint32_t r[12] = {0};
    char brand[sizeof r + 1];
    for (uint32_t part = 0; part < 3; part++) {
        uint32_t *to = r + 4 * part;
        if (!__get_cpuid(0x80000002u + part, &to[EAX], &to[EBX], &to[ECX], &to[EDX]))
            break;
    }
    memcpy(brand, r, sizeof r);
    brand[sizeof r] = '\0';
    size_t size = strlen(brand);
    while (size > 0 && brand[size - 1] == ' ')
        brand[--size] = '\0';
    for (size_t i = 0; i < size; i++)
        if (brand[i] < ' ' || brand[i] > '~')
            brand[i] = '?';
    const char *first = brand;
    while (*first == ' ')
        first++;
    append(cpu, *first ? first : "x86-64");
}

void enc_cpu_detect(enc_cpu *cpu)
{
    enum { SAVES_YMM = 0x06, SAVES_ZMM = 0xe6 };
    bool has[FEATURES];
    for (int i = 0; i < FEATURES; i++)
        has[i] = has_feature(&features[i]);
    uint32_t saved = has[HAS_OSXSAVE] ? saved_registers() : 0;
    bool ymm = (saved & SAVES_YMM) == SAVES_YMM;
    bool zmm = (saved & SAVES_ZMM) == SAVES_ZMM;

    *cpu = (enc_cpu){0};
    cpu->avx2 = ymm && has[HAS_AVX2] && has[HAS_FMA];
    cpu->avx512 = cpu->avx2 && zmm && has[HAS_512F] && has[HAS_512DQ] && has[HAS_512BW] &&
                  has[HAS_512VL];
    cpu->avx_vnni = cpu->avx2 && has[HAS_AVXVNNI];
    cpu->avx512_vnni = cpu->avx512 && has[HAS_512VNNI];
    cpu->avx512_bf16 = cpu->avx512_vnni && has[HAS_512BF16];
    cpu->avx512_popcnt = cpu->avx512 && has[HAS_512POPCNT];

    append_brand(cpu);
    const char *separator = " (";
    for (int i = 0; i < FEATURES; i++) {
        bool wide = i == HAS_512F || i == HAS_512DQ || i == HAS_512BW || i == HAS_512VL ||
                    i == HAS_512VNNI || i == HAS_512BF16 || i == HAS_512POPCNT;
        if (!features[i].name || !has[i] || !(wide ? zmm : ymm))
            continue;
        append(cpu, separator);
        append(cpu, features[i].name);
        separator = " ";
    }
    if (*separator == ' ' && separator[1] == '\0')
        append(cpu, ")");
}

#else

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>

/* HWCAP_ASIMDDP of the kernel's asm/hwcap.h */
static bool has_dotprod(void)
{
    return getauxval(AT_HWCAP) >> 20 & 1;
}
#elif defined(__aarch64__) && defined(__APPLE__)
static bool has_dotprod(void)
{
    return true; /* every Apple CPU that runs macOS on arm64 */
}
#else
static bool has_dotprod(void)
{
    return false;
}
#endif

void enc_cpu_detect(enc_cpu *cpu)
{
    *cpu = (enc_cpu){0};
    cpu->dotprod = has_dotprod();
#if defined(__aarch64__)
    append(cpu, cpu->dotprod ? "arm64 (neon dotprod)" : "arm64 (neon)");
#else
    append(cpu, "unknown");
#endif
}

#endif
