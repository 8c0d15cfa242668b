/*
** lab.h - what the parts of the kernel laboratory share; lab.c tells how it is called.
*/
#ifndef LAB_H
#define LAB_H

#include <stddef.h>

#include "ops.h"

enum { LAB_WAYS = 16, LAB_KERNELS = 8 };

/* One way to do some work. */
typedef struct lab_way {
    char name[40];
    void (*call)(void *state);
    void *state;
    double nanoseconds; /* of a call: the median; written by lab_race */
} lab_way;

/* Times the ways in turns, so that a disturbance of the machine hits all of them. */
void lab_race(lab_way *ways, size_t count);

/* To be freed with enc_free; ends the program where there is no memory. */
void *lab_alloc(size_t bytes);
/* Between -1 and 1. */
float *lab_noises(size_t count);

/* Kernels this processor can run, best first; all but "openblas" and "portable" where `own`.
** Returns their number. */
size_t lab_kernels(const enc_ops *kernels[LAB_KERNELS], int own);

const char *lab_type_name(enum enc_weight_type type);

/* ---- Output ------------------------------------------------------------------------------ */

/* Text for people, silent where the CSV goes to standard output. */
__attribute__((format(printf, 1, 2))) void lab_say(const char *format, ...);

/* part,what,type,kernel,k,n,rows,value,unit,of_peak; sizes of 0 and of_peak 0 are left out. */
typedef struct lab_figure {
    const char *part;
    const char *what;
    const char *type;
    const char *kernel;
    size_t k;
    size_t n;
    size_t rows;
    double value;
    const char *unit;
    double of_peak;
} lab_figure;

void lab_write(const lab_figure *figure);

/* ---- Parts ------------------------------------------------------------------------------- */

/* Measures and writes what one core does on registers alone. */
void lab_peaks(void);
/* Of it, multiplications and additions a nanosecond with the widest instructions; 0 where
** nobody wrote the loop. */
double lab_peak(enum enc_weight_type type);

void lab_products(int quick);
void lab_rest(void);
void lab_errors(void);

/* ---- oneDNN, where it is ----------------------------------------------------------------- */

/* "oneDNN 2.6.0", or why it is not here. */
const char *lab_dnnl_describe(void);

typedef struct lab_dnnl lab_dnnl;

/* Products of x [rows, in] with `count` matrices of shapes[i] = {in, out}, one after another,
** weights packed as the library likes them best; x as the type has it (8 bits, bf16), y float32
** with a bias, for 8 bits with scales of columns too. NULL where the library is not here or has
** no such product. */
lab_dnnl *lab_dnnl_new(enum enc_weight_type type, const size_t (*shapes)[2], size_t count,
                       size_t rows);
void lab_dnnl_call(void *dnnl);
void lab_dnnl_free(lab_dnnl *dnnl);

#endif
