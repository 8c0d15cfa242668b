/* gather.c - see gather.h. */
#include "gather.h"

#include <string.h>

#include "memory.h"

bool enc_tensor_span(const enc_tensor *tensor, uint64_t *span)
{
    int64_t last = 0, step;
    *span = 0;
    for (int i = 0; i < tensor->rank; i++)
        if (tensor->shape[i] == 0)
            return true;
    for (int i = 0; i < tensor->rank; i++)
        if (__builtin_mul_overflow(tensor->shape[i] - 1, tensor->stride[i], &step) ||
            __builtin_add_overflow(last, step, &last))
            return false;
    *span = (uint64_t)last + 1;
    return true;
}

int enc_gather_open(const enc_file *file, const enc_tensor *tensor, size_t width,
                    enc_gather *out, enc_error *err)
{
    uint64_t span;
    size_t bytes;
    *out = (enc_gather){.tensor = tensor, .width = width};
    if (!enc_tensor_span(tensor, &span) || __builtin_mul_overflow(span, width, &bytes))
        return enc_nomem(err);
    out->stored = enc_alloc(bytes);
    if (!out->stored)
        return enc_nomem(err);
    return enc_file_read(file, tensor->offset, out->stored, bytes, err);
}

/* Moves on to the next number as an odometer does; `at` is the place of the present one. */
static size_t advance(enc_gather *gather, size_t at)
{
    const enc_tensor *tensor = gather->tensor;
    for (int d = tensor->rank - 1; d >= 0; d--) {
        size_t stride = (size_t)tensor->stride[d];
        if (++gather->index[d] < tensor->shape[d])
            return at + stride;
        at -= stride * (size_t)(tensor->shape[d] - 1);
        gather->index[d] = 0;
    }
    return 0;
}

void enc_gather_next(enc_gather *gather, size_t n, void *raw)
{
    char *to = raw;
    size_t at = 0, width = gather->width;
    for (int d = 0; d < gather->tensor->rank; d++)
        at += (size_t)gather->index[d] * (size_t)gather->tensor->stride[d];
    for (size_t i = 0; i < n; i++) {
        memcpy(to + i * width, gather->stored + at * width, width);
        at = advance(gather, at);
    }
}

void enc_gather_close(enc_gather *gather)
{
    enc_free(gather->stored);
    *gather = (enc_gather){0};
}
