/* convolution.c - see convolution.h. */
#include "convolution.h"

#include <string.h>

/* Floats between the right-hand sides of two groups. */
static size_t group_size(const enc_ops *ops, size_t part, size_t kernel)
{
    return ops->packed_size(part, kernel * part);
}

size_t enc_convolution_packed_size(const enc_ops *ops, size_t width, size_t kernel,
                                   size_t groups)
{
    return groups * group_size(ops, width / groups, kernel);
}

/* The neighbours of a token lie one after another, so each output takes its weights in the
** order [kernel, D/groups]. */
void enc_convolution_pack(const enc_ops *ops, const float *weight, size_t width, size_t kernel,
                          size_t groups, float *scratch, float *packed)
{
    const size_t part = width / groups, depth = kernel * part;
    for (size_t group = 0; group < groups; group++) {
        const float *from = weight + group * part * depth;
        for (size_t out = 0; out < part; out++)
            for (size_t in = 0; in < part; in++)
                for (size_t j = 0; j < kernel; j++)
                    scratch[out * depth + j * part + in] = from[(out * part + in) * kernel + j];
        ops->pack(scratch, part, depth, depth, 1,
                  packed + group * group_size(ops, part, kernel));
    }
}

/* unfolded [count, kernel, part] = the numbers from `column` on of each token's neighbours. */
static void unfold(const enc_convolution *c, const float *x, size_t rows, size_t first,
                   size_t count, size_t column, size_t part, float *unfolded)
{
    const size_t half = (c->kernel - 1) / 2;
    for (size_t t = first; t < first + count; t++)
        for (size_t j = 0; j < c->kernel; j++, unfolded += part) {
            if (t + j >= half && t + j - half < rows)
                memcpy(unfolded, x + (t + j - half) * c->width + column, part * sizeof *x);
            else
                memset(unfolded, 0, part * sizeof *x);
        }
}

void enc_convolve(const enc_convolution *c, const enc_ops *ops, const float *x, size_t rows,
                  size_t first, size_t count, float *scratch, float *y)
{
    const size_t part = c->width / c->groups, depth = c->kernel * part;
    for (size_t group = 0; group < c->groups; group++) {
        size_t column = group * part;
        unfold(c, x, rows, first, count, column, part, scratch);
        ops->multiply(scratch, depth, count,
                      c->packed + group * group_size(ops, part, c->kernel), part, depth,
                      c->bias + column, y + column, c->width);
    }
    if (ops->activate[c->activation])
        ops->activate[c->activation](y, count * c->width);
}
