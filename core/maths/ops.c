/*
** ops.c - the choice of a kernel: once per process, by what the processor can run.
*/
#include "ops.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "kernel.h"

enum { MAX_KERNELS = 8, NAMES_SIZE = 192, SHOWN = 32 };

const enc_ops *_Atomic enc_ops_chosen;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const enc_ops *kernels[MAX_KERNELS]; /* best first */
static size_t kernel_count;
static char names[NAMES_SIZE];
static char note[NAMES_SIZE];
static enc_cpu cpu;

/* Products and scans that a row of the table takes in place of those of the row it is made of;
** NULL: as they are there. `compare` do so with comparisons of vectors. */
typedef struct variant {
    const char *name;
    const enc_ops *of;
    const enc_product *product[ENC_WEIGHT_TYPES];
    enc_scan *const *scan;
    void (*compare[2])(enc_ops *row);
} variant;

static inline void add_variant(bool can_run, const variant *v)
{
    static enc_ops made[MAX_KERNELS];
    enc_ops *to = &made[kernel_count];
    if (!can_run)
        return;
    *to = *v->of;
    to->name = v->name;
    to->base = v->of;
    for (int type = 0; type < ENC_WEIGHT_TYPES; type++)
        if (v->product[type])
            to->product[type] = v->product[type];
    if (v->scan)
        to->scan = v->scan;
    for (int i = 0; i < 2; i++)
        if (v->compare[i])
            v->compare[i](to);
    kernels[kernel_count++] = to;
}

static const enc_ops *find(const char *name)
{
    for (size_t i = 0; i < kernel_count; i++)
        if (!strcmp(kernels[i]->name, name))
            return kernels[i];
    return NULL;
}

static void append(const char *text)
{
    size_t used = strlen(names);
    size_t size = strlen(text);
    if (used + size < sizeof names)
        memcpy(names + used, text, size + 1);
}

/* An environment variable may hold anything: printable ASCII is shown, and not much of it. */
static void note_unknown(const char *name)
{
    char shown[SHOWN + 1];
    size_t size = 0;
    for (; size < SHOWN && name[size]; size++)
        shown[size] = name[size] >= ' ' && name[size] <= '~' ? name[size] : '?';
    shown[size] = '\0';
    snprintf(note, sizeof note, "CONTEXTUAL_KERNEL: no kernel '%s' here", shown);
}

static void choose(void)
{
    enc_cpu_detect(&cpu);
#if defined(__x86_64__)
    void (*bits)(enc_ops *) = cpu.avx512_popcnt ? enc_compare_avx512_popcnt : NULL;
    add_variant(cpu.avx512_bf16, &(variant){"avx512-bf16", &enc_ops_avx512,
                                             {[ENC_WEIGHT_BF16] = &enc_bf16_avx512,
                                              [ENC_WEIGHT_INT8] = &enc_int8_avx512_vnni},
                                             enc_scan_avx512_vnni,
                                             {enc_compare_avx512_vnni, bits}});
    add_variant(cpu.avx512_vnni, &(variant){"avx512-vnni", &enc_ops_avx512,
                                             {[ENC_WEIGHT_INT8] = &enc_int8_avx512_vnni},
                                             enc_scan_avx512_vnni,
                                             {enc_compare_avx512_vnni, bits}});
    if (cpu.avx512)
        kernels[kernel_count++] = &enc_ops_avx512;
    add_variant(cpu.avx_vnni, &(variant){"avx2-vnni", &enc_ops_avx2,
                                           {[ENC_WEIGHT_INT8] = &enc_int8_avx_vnni},
                                           enc_scan_avx_vnni,
                                           {enc_compare_avx2_vnni}});
    if (cpu.avx2)
        kernels[kernel_count++] = &enc_ops_avx2;
#elif defined(__aarch64__)
    add_variant(cpu.dotprod, &(variant){"neon-dotprod", &enc_ops_neon,
                                         {[ENC_WEIGHT_INT8] = &enc_int8_dotprod},
                                         enc_scan_dotprod, {NULL}});
    kernels[kernel_count++] = &enc_ops_neon;
#endif
#if !defined(ENC_NO_OPENBLAS)
    const enc_ops *vectors = kernel_count > 0 ? kernels[0] : &enc_ops_portable;
    kernels[kernel_count++] = enc_ops_openblas(vectors);
#endif
    kernels[kernel_count++] = &enc_ops_portable;

    for (size_t i = 0; i < kernel_count; i++) {
        append(i > 0 ? ", " : "");
        append(kernels[i]->name);
    }
    const enc_ops *chosen = kernels[0];
    const char *wanted = getenv("CONTEXTUAL_KERNEL");
    if (wanted && *wanted) {
        const enc_ops *found = find(wanted);
        if (found)
            chosen = found;
        else
            note_unknown(wanted);
    }
    atomic_store_explicit(&enc_ops_chosen, chosen, memory_order_release);
}

const enc_ops *enc_ops_choose(void)
{
    pthread_once(&once, choose);
    return enc_ops_chosen;
}

const enc_ops *enc_ops_find(const char *name)
{
    pthread_once(&once, choose);
    return find(name);
}

const char *enc_ops_names(void)
{
    pthread_once(&once, choose);
    return names;
}

const char *enc_ops_note(void)
{
    pthread_once(&once, choose);
    return note;
}

const char *enc_cpu_describe(void)
{
    pthread_once(&once, choose);
    return cpu.text;
}
