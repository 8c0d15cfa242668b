/*
** lab_products.c - products with packed weights in every number type and kernel, beside
** OpenBLAS and oneDNN.
*/
#include <stdio.h>
#include <string.h>

#include "lab.h"
#include "memory.h"

enum { MATRICES = 24, MOST_ROWS = 512, WIDEST = 3072 };

/* Products one after another, all of one kernel and number type. */
typedef struct walk {
    const enc_product *product;
    enum enc_weight_type type;
    size_t (*shapes)[2]; /* {in, out} */
    size_t count;
    void *packed[MATRICES];
    size_t rows;
    const float *x;    /* [rows, in] of every matrix */
    void *prepared[2]; /* for the two depths that a walk has */
    const float *bias;
    float *y;
} walk;

/* Which of the two depths a matrix has. */
static size_t depth_of(const walk *w, size_t i)
{
    return w->shapes[i][0] == w->shapes[0][0] ? 0 : 1;
}

static void walk_pack(walk *w)
{
    for (size_t i = 0; i < w->count; i++) {
        size_t k = w->shapes[i][0], n = w->shapes[i][1];
        float *source = lab_noises(n * k);
        w->packed[i] = lab_alloc(w->product->packed_size(n, k));
        w->product->pack(source, n, k, k, 1, w->packed[i]);
        enc_free(source);
    }
}

static void walk_prepare(walk *w)
{
    if (!w->product->prepare)
        return;
    for (size_t i = 0; i < w->count; i++) {
        size_t at = depth_of(w, i), k = w->shapes[i][0];
        enc_free(w->prepared[at]);
        w->prepared[at] = lab_alloc(w->rows * w->product->prepared_size(k));
        w->product->prepare(w->x, k, w->rows, k, NULL, w->prepared[at]);
    }
}

static void walk_free(walk *w)
{
    for (size_t i = 0; i < w->count; i++)
        enc_free(w->packed[i]);
    enc_free(w->prepared[0]);
    enc_free(w->prepared[1]);
}

static void walk_call(void *state)
{
    const walk *w = state;
    const enc_epilogue epilogue = {.bias = w->bias};
    for (size_t i = 0; i < w->count; i++) {
        size_t k = w->shapes[i][0], n = w->shapes[i][1];
        const void *x = w->x;
        size_t ld = k * sizeof(float);
        if (w->product->prepare) {
            x = w->prepared[depth_of(w, i)];
            ld = w->product->prepared_size(k);
        }
        w->product->multiply(x, ld, w->rows, w->packed[i], n, k, &epilogue, w->y, n);
    }
}

/* The walks of one number type: each kernel's own, and OpenBLAS's for float32. Kernels that
** share a product are one. Returns their number. */
static size_t find_walks(enum enc_weight_type type, walk *walks, lab_way *ways)
{
    const enc_ops *kernels[LAB_KERNELS];
    size_t count = 0, own = lab_kernels(kernels, 1);
    const enc_ops *blas = enc_ops_find("openblas");
    if (blas && type == ENC_WEIGHT_F32 && own < LAB_KERNELS)
        kernels[own++] = blas;
    for (size_t i = 0; i < own; i++) {
        const enc_product *product = kernels[i]->product[type];
        int seen = !product;
        for (size_t j = 0; j < count; j++)
            seen |= walks[j].product == product;
        if (seen)
            continue;
        walks[count] = (walk){.product = product, .type = type};
        snprintf(ways[count].name, sizeof ways[count].name, "%s", kernels[i]->name);
        ways[count].call = walk_call;
        ways[count].state = &walks[count];
        count++;
    }
    return count;
}

static void report(const char *what, enum enc_weight_type type, const walk *w, size_t rows,
                   const lab_way *ways, size_t count)
{
    double products = 0;
    for (size_t i = 0; i < w->count; i++)
        products += 2.0 * (double)w->shapes[i][0] * (double)w->shapes[i][1] * (double)rows;
    lab_say("%6zu", rows);
    for (size_t i = 0; i < count; i++) {
        double rate = products / ways[i].nanoseconds, peak = lab_peak(type);
        lab_say("  %8.0f %4.0f%%", rate, peak > 0 ? 100 * rate / peak : 0.0);
        lab_write(&(lab_figure){"products", what, lab_type_name(type), ways[i].name,
                                w->count > 1 ? 0 : w->shapes[0][0],
                                w->count > 1 ? 0 : w->shapes[0][1], rows, rate,
                                type == ENC_WEIGHT_INT8 ? "GOP/s" : "GFLOP/s",
                                peak > 0 ? rate / peak : 0});
    }
    lab_say("\n");
}

static void head(const char *what, enum enc_weight_type type, const walk *w,
                 const lab_way *ways, size_t count)
{
    if (w->count > 1)
        lab_say("\n%s of MiniLM, %s", what, lab_type_name(type));
    else
        lab_say("\n%s [%zu, %zu], %s", what, w->shapes[0][0], w->shapes[0][1],
                lab_type_name(type));
    lab_say(" (%s, share of the peak)\n  rows",
            type == ENC_WEIGHT_INT8 ? "GOP/s" : "GFLOP/s");
    for (size_t i = 0; i < count; i++)
        lab_say("  %14s", ways[i].name);
    lab_say("\n");
}

/* All ways of one number type through the same matrices, at each number of rows. */
static void race_type(const char *what, enum enc_weight_type type, size_t (*shapes)[2],
                      size_t matrices, const size_t *rows, size_t row_counts)
{
    walk walks[LAB_KERNELS];
    lab_way ways[LAB_WAYS];
    float *x = lab_noises((size_t)MOST_ROWS * WIDEST), *bias = lab_noises(WIDEST);
    float *y = lab_noises((size_t)MOST_ROWS * WIDEST);
    size_t own = find_walks(type, walks, ways);
    for (size_t i = 0; i < own; i++) {
        walks[i].shapes = shapes, walks[i].count = matrices;
        walks[i].x = x, walks[i].bias = bias, walks[i].y = y;
        walk_pack(&walks[i]);
    }
    for (size_t r = 0; own > 0 && r < row_counts; r++) {
        size_t count = own;
        lab_dnnl *dnnl = lab_dnnl_new(type, (const size_t(*)[2])shapes, matrices, rows[r]);
        if (dnnl) {
            ways[count] = (lab_way){"oneDNN", lab_dnnl_call, dnnl, 0};
            count++;
        }
        for (size_t i = 0; i < own; i++) {
            walks[i].rows = rows[r];
            walk_prepare(&walks[i]);
        }
        lab_race(ways, count);
        if (r == 0)
            head(what, type, &walks[0], ways, count);
        report(what, type, &walks[0], rows[r], ways, count);
        lab_dnnl_free(dnnl);
    }
    for (size_t i = 0; i < own; i++)
        walk_free(&walks[i]);
    enc_free(x), enc_free(y), enc_free(bias);
}

void lab_products(int quick)
{
    static const size_t all[] = {1, 2, 4, 8, 16, 18, 32, 64, 128, 256, 512};
    static const size_t some[] = {1, 8, 18, 256};
    static size_t layers[MATRICES][2];
    static size_t single[][1][2] = {{{384, 1152}}, {{384, 384}},  {{384, 1536}},
                                    {{1536, 384}}, {{768, 3072}}, {{3072, 768}}};
    const size_t *rows = quick ? some : all;
    size_t row_counts = quick ? sizeof some / sizeof *some : sizeof all / sizeof *all;
    for (size_t i = 0; i < MATRICES; i++)
        memcpy(layers[i], single[i % 4][0], sizeof layers[i]);
    for (enum enc_weight_type type = 0; type < ENC_WEIGHT_TYPES; type++)
        race_type("layers", type, layers, MATRICES, rows, row_counts);
    for (size_t i = 0; i < (quick ? 0 : sizeof single / sizeof *single); i++)
        for (enum enc_weight_type type = 0; type < ENC_WEIGHT_TYPES; type++)
            race_type("matrix", type, single[i], 1, rows, row_counts);
}
