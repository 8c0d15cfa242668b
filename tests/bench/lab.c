/*
** lab.c - the kernel laboratory: how fast each kernel is beside OpenBLAS, oneDNN and the
** machine's own peak, on one core.
**
**     lab [quick] [PART ...] [-o FILE]     a table, and CSV into FILE (-: CSV alone)
**
** part "peak"      multiply-adds on registers alone
** part "products"  "layers": all linear layers of MiniLM (6 x 4 matrices) in turn, as the
**                  forward pass goes through them; "matrix": one again and again, so that it
**                  stays in cache. x is ready in the number type of the product
** part "rest"      softmax, activations, norms, what x becomes before a product, attention
** part "errors"    how far exp, GELU, tanh and the others are from libm's double
** Without a part: all. A figure is the median of repeats, in which the kernels take turns.
*/
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"
#include "memory.h"
#include "timing.h"

enum { REPEATS = 7 };
static const double REPEAT_NANOSECONDS = 3e6;

static FILE *csv;
static int silent;

static double spend(const lab_way *way, size_t turns)
{
    int64_t start = nanoseconds();
    for (size_t t = 0; t < turns; t++)
        way->call(way->state);
    return (double)(nanoseconds() - start) / (double)turns;
}

void lab_race(lab_way *ways, size_t count)
{
    double got[LAB_WAYS][REPEATS];
    size_t turns[LAB_WAYS];
    for (size_t i = 0; i < count; i++) {
        double once = spend(&ways[i], 1);
        if (once < REPEAT_NANOSECONDS / 10)
            once = spend(&ways[i], 10);
        turns[i] = (size_t)(REPEAT_NANOSECONDS / (once + 1)) + 1;
    }
    for (int repeat = 0; repeat < REPEATS; repeat++)
        for (size_t i = 0; i < count; i++)
            got[i][repeat] = spend(&ways[i], turns[i]);
    for (size_t i = 0; i < count; i++)
        ways[i].nanoseconds = median(got[i], REPEATS);
}

void *lab_alloc(size_t bytes)
{
    void *memory = enc_alloc(bytes + 64);
    if (!memory) {
        fprintf(stderr, "lab: out of memory\n");
        exit(1);
    }
    return memory;
}

float *lab_noises(size_t count)
{
    float *x = lab_alloc(count * sizeof *x);
    fill_with_noise(x, count);
    return x;
}

size_t lab_kernels(const enc_ops *kernels[LAB_KERNELS], int own)
{
    char names[256];
    size_t count = 0;
    snprintf(names, sizeof names, "%s", enc_ops_names());
    for (char *at, *name = strtok_r(names, ", ", &at); name && count < LAB_KERNELS;
         name = strtok_r(NULL, ", ", &at))
        if (!own || (strcmp(name, "openblas") != 0 && strcmp(name, "portable") != 0))
            kernels[count++] = enc_ops_find(name);
    if (count == 0)
        kernels[count++] = enc_ops_find("portable");
    return count;
}

const char *lab_type_name(enum enc_weight_type type)
{
    switch (type) {
    case ENC_WEIGHT_F32: return "float32";
    case ENC_WEIGHT_BF16: return "bf16";
    case ENC_WEIGHT_INT8: return "int8";
    default: return "?";
    }
}

void lab_say(const char *format, ...)
{
    va_list list;
    if (silent)
        return;
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    fflush(stdout);
}

static void write_size(size_t size)
{
    if (size > 0)
        fprintf(csv, "%zu", size);
    fputc(',', csv);
}

void lab_write(const lab_figure *f)
{
    if (!csv)
        return;
    fprintf(csv, "%s,%s,%s,%s,", f->part, f->what, f->type, f->kernel);
    write_size(f->k);
    write_size(f->n);
    write_size(f->rows);
    fprintf(csv, "%.4g,%s,", f->value, f->unit);
    if (f->of_peak > 0)
        fprintf(csv, "%.3f", f->of_peak);
    fputc('\n', csv);
    fflush(csv);
}

/* The libraries beside us read these when they are loaded: one thread, and OpenBLAS at its best
** rather than as this machine's owner set it. */
static void begin_again(char **argv)
{
    const char *threads = getenv("OMP_NUM_THREADS");
    if (threads && !strcmp(threads, "1") && !getenv("OPENBLAS_CORETYPE") &&
        !getenv("OPENBLAS_L2_SIZE"))
        return;
    setenv("OMP_NUM_THREADS", "1", 1);
    unsetenv("OPENBLAS_CORETYPE");
    unsetenv("OPENBLAS_L2_SIZE");
    execv("/proc/self/exe", argv);
}

static void open_csv(const char *path)
{
    char date[32];
    time_t now = time(NULL);
    silent = !strcmp(path, "-");
    csv = silent ? stdout : fopen(path, "w");
    if (!csv) {
        perror(path);
        exit(1);
    }
    strftime(date, sizeof date, "%Y-%m-%d", localtime(&now));
    fprintf(csv, "# %s; %s; %s; %s; one core\n", date, enc_cpu_describe(),
            *enc_blas_describe() ? enc_blas_describe() : "no OpenBLAS", lab_dnnl_describe());
    fprintf(csv, "part,what,type,kernel,k,n,rows,value,unit,of_peak\n");
}

int main(int argc, char **argv)
{
    int quick = 0, parts = 0;
    begin_again(argv);
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-o") && i + 1 < argc)
            open_csv(argv[++i]);
        else if (!strcmp(argv[i], "quick"))
            quick = 1;
        else
            parts++;
    }
    lab_say("%s\n%s\n%s\n", enc_cpu_describe(), enc_blas_describe(), lab_dnnl_describe());
    lab_peaks();
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-o"))
            i++;
        else if (!strcmp(argv[i], "products"))
            lab_products(quick);
        else if (!strcmp(argv[i], "rest"))
            lab_rest();
        else if (!strcmp(argv[i], "errors"))
            lab_errors();
    }
    if (parts == 0) {
        lab_products(quick);
        lab_rest();
        lab_errors();
    }
    return 0;
}
