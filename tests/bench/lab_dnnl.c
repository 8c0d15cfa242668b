/*
** lab_dnnl.c - the same products by oneDNN, of which Debian 12 has version 2.6 (libdnnl-dev);
** without it, or with a version of another interface, the laboratory does without.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"
#include "memory.h"

#if defined(LAB_DNNL)
#include <dnnl.h>
#endif

#if defined(LAB_DNNL) && DNNL_VERSION_MAJOR == 2

enum { MATRICES = 24 };

/* One product with its memory. */
typedef struct step {
    dnnl_primitive_t primitive;
    dnnl_memory_t x, weights, bias, y;
} step;

struct lab_dnnl {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    step steps[MATRICES];
    size_t count;
};

static const dnnl_data_type_t x_types[ENC_WEIGHT_TYPES] = {dnnl_f32, dnnl_bf16, dnnl_u8};
static const dnnl_data_type_t weight_types[ENC_WEIGHT_TYPES] = {dnnl_f32, dnnl_bf16, dnnl_s8};

const char *lab_dnnl_describe(void)
{
    static char text[64];
    const dnnl_version_t *version = dnnl_version();
    snprintf(text, sizeof text, "oneDNN %d.%d.%d", version->major, version->minor,
             version->patch);
    return text;
}

static dnnl_memory_desc_t matrix(size_t rows, size_t columns, dnnl_data_type_t type,
                                 dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t made;
    dnnl_dims_t dims = {(int64_t)rows, (int64_t)columns};
    dnnl_memory_desc_init_by_tag(&made, 2, dims, type, tag);
    return made;
}

static dnnl_memory_t memory(lab_dnnl *d, const dnnl_memory_desc_t *desc)
{
    dnnl_memory_t made = NULL;
    if (dnnl_memory_create(&made, desc, d->engine, DNNL_MEMORY_ALLOCATE) != dnnl_success)
        return NULL;
    void *data = NULL;
    dnnl_memory_get_data_handle(made, &data);
    memset(data, 0, dnnl_memory_desc_get_size(desc));
    return made;
}

/* float32 numbers laid out and rounded as `desc` wants them. */
static dnnl_memory_t reordered(lab_dnnl *d, size_t rows, size_t columns,
                               const dnnl_memory_desc_t *desc)
{
    dnnl_memory_desc_t plain = matrix(rows, columns, dnnl_f32, dnnl_ab);
    dnnl_memory_t from = memory(d, &plain), to = memory(d, desc);
    dnnl_primitive_desc_t how = NULL;
    dnnl_primitive_t reorder = NULL;
    void *data = NULL;
    dnnl_memory_get_data_handle(from, &data);
    float *noise = lab_noises(rows * columns);
    float scale = desc->data_type == dnnl_u8 || desc->data_type == dnnl_s8 ? 100.0f : 1.0f;
    for (size_t i = 0; i < rows * columns; i++)
        ((float *)data)[i] = scale * noise[i];
    enc_free(noise);
    dnnl_reorder_primitive_desc_create(&how, &plain, d->engine, desc, d->engine, NULL);
    dnnl_primitive_create(&reorder, how);
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    dnnl_primitive_execute(reorder, d->stream, 2, arguments);
    dnnl_stream_wait(d->stream);
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(how);
    dnnl_memory_destroy(from);
    return to;
}

/* Scales of columns, as weights quantised column by column need them. */
static dnnl_primitive_attr_t scales(size_t columns)
{
    dnnl_primitive_attr_t attributes = NULL;
    float *scale = lab_noises(columns);
    dnnl_primitive_attr_create(&attributes);
    dnnl_primitive_attr_set_output_scales(attributes, (int64_t)columns, 1 << 1, scale);
    enc_free(scale);
    return attributes;
}

static int add_step(lab_dnnl *d, enum enc_weight_type type, size_t k, size_t n, size_t rows)
{
    dnnl_memory_desc_t x = matrix(rows, k, x_types[type], dnnl_ab);
    dnnl_memory_desc_t weights = matrix(k, n, weight_types[type], dnnl_format_tag_any);
    dnnl_memory_desc_t bias = matrix(1, n, dnnl_f32, dnnl_ab);
    dnnl_memory_desc_t y = matrix(rows, n, dnnl_f32, dnnl_ab);
    dnnl_matmul_desc_t product;
    dnnl_primitive_desc_t how = NULL;
    step *s = &d->steps[d->count];
    dnnl_primitive_attr_t attributes = type == ENC_WEIGHT_INT8 ? scales(n) : NULL;
    int made = dnnl_matmul_desc_init(&product, &x, &weights, &bias, &y) == dnnl_success &&
               dnnl_primitive_desc_create(&how, &product, attributes, d->engine, NULL) ==
                   dnnl_success &&
               dnnl_primitive_create(&s->primitive, how) == dnnl_success;
    if (attributes)
        dnnl_primitive_attr_destroy(attributes);
    if (!made)
        return 0;
    s->x = reordered(d, rows, k, &x);
    s->weights = reordered(d, k, n,
                           dnnl_primitive_desc_query_md(how, dnnl_query_weights_md, 0));
    s->bias = memory(d, &bias);
    s->y = memory(d, &y);
    dnnl_primitive_desc_destroy(how);
    d->count++;
    return 1;
}

lab_dnnl *lab_dnnl_new(enum enc_weight_type type, const size_t (*shapes)[2], size_t count,
                       size_t rows)
{
    lab_dnnl *d = calloc(1, sizeof *d);
    int made = d && dnnl_engine_create(&d->engine, dnnl_cpu, 0) == dnnl_success &&
               dnnl_stream_create(&d->stream, d->engine, dnnl_stream_default_flags) ==
                   dnnl_success;
    for (size_t i = 0; made && i < count; i++)
        made = add_step(d, type, shapes[i][0], shapes[i][1], rows);
    if (made)
        return d;
    lab_dnnl_free(d);
    return NULL;
}

void lab_dnnl_call(void *dnnl)
{
    lab_dnnl *d = dnnl;
    for (size_t i = 0; i < d->count; i++) {
        step *s = &d->steps[i];
        dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, s->x},
                                       {DNNL_ARG_WEIGHTS, s->weights},
                                       {DNNL_ARG_BIAS, s->bias},
                                       {DNNL_ARG_DST, s->y}};
        dnnl_primitive_execute(s->primitive, d->stream, 4, arguments);
    }
    dnnl_stream_wait(d->stream);
}

void lab_dnnl_free(lab_dnnl *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->count; i++) {
        step *s = &d->steps[i];
        dnnl_primitive_destroy(s->primitive);
        dnnl_memory_destroy(s->x), dnnl_memory_destroy(s->weights);
        dnnl_memory_destroy(s->bias), dnnl_memory_destroy(s->y);
    }
    if (d->stream)
        dnnl_stream_destroy(d->stream);
    if (d->engine)
        dnnl_engine_destroy(d->engine);
    free(d);
}

#else

const char *lab_dnnl_describe(void)
{
#if defined(LAB_DNNL)
    return "this oneDNN is not of version 2: measured without it";
#else
    return "oneDNN is not installed (Debian's libdnnl-dev): measured without it";
#endif
}

lab_dnnl *lab_dnnl_new(enum enc_weight_type type, const size_t (*shapes)[2], size_t count,
                       size_t rows)
{
    (void)type, (void)shapes, (void)count, (void)rows;
    return NULL;
}

void lab_dnnl_call(void *dnnl)
{
    (void)dnnl;
}

void lab_dnnl_free(lab_dnnl *d)
{
    (void)d;
}

#endif
