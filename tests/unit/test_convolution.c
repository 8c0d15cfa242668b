/* test_convolution.c - core/maths/convolution.c: each token's neighbours, weighted. */
#include "convolution.h"
#include "encoding.h"
#include "kernels.h"

/* What one token's number `out` is, in double precision; weight [D, D/groups, kernel]. */
static double exactly(const float *x, size_t rows, const float *weight, const float *bias,
                      size_t width, size_t kernel, size_t groups, size_t t, size_t out)
{
    size_t part = width / groups, first = out / part * part;
    double sum = bias[out];
    for (size_t j = 0; j < kernel; j++)
        for (size_t i = 0; i < part && t + j >= kernel / 2 && t + j - kernel / 2 < rows; i++)
            sum += (double)x[(t + j - kernel / 2) * width + first + i] *
                   (double)weight[(out * part + i) * kernel + j];
    return sum;
}

typedef struct convolved {
    enc_convolution c;
    float *x, *weight, *bias, *packed, *scratch, *y;
} convolved;

static convolved convolve(const enc_ops *ops, size_t rows, size_t width, size_t kernel,
                          size_t groups, size_t step)
{
    size_t part = width / groups, room = part * part * kernel;
    room = room > rows * kernel * part ? room : rows * kernel * part;
    convolved k = {.x = noises(rows * width), .weight = noises(width * part * kernel),
                   .bias = noises(width), .scratch = ENC_ALLOC(float, room),
                   .y = ENC_ALLOC(float, rows * width)};
    k.packed = ENC_ALLOC(float, enc_convolution_packed_size(ops, width, kernel, groups));
    k.c = (enc_convolution){width, kernel, groups, k.packed, k.bias, ENC_ACT_RELU};
    enc_convolution_pack(ops, k.weight, width, kernel, groups, k.scratch, k.packed);
    for (size_t first = 0; first < rows; first += step) {
        size_t count = rows - first < step ? rows - first : step;
        enc_convolve(&k.c, ops, k.x, rows, first, count, k.scratch, k.y + first * width);
    }
    return k;
}

static void convolved_free(convolved *k)
{
    enc_free(k->x), enc_free(k->weight), enc_free(k->bias);
    enc_free(k->packed), enc_free(k->scratch), enc_free(k->y);
}

TEST("convolution: a token is the weighted sum of its neighbours, with zeros beyond the ends")
{
    static const struct { size_t rows, width, kernel, groups; } shapes[] = {
        {1, 8, 3, 1}, {2, 8, 5, 1}, {7, 12, 1, 1}, {40, 32, 3, 1}, {40, 32, 5, 4},
        {3, 6, 9, 6}, {33, 48, 7, 3}};
    FOR_KERNELS(ops)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            size_t rows = shapes[i].rows, width = shapes[i].width;
            convolved k = convolve(ops, rows, width, shapes[i].kernel, shapes[i].groups, rows);
            for (size_t t = 0; t < rows; t++)
                for (size_t out = 0; out < width; out++) {
                    double want = exactly(k.x, rows, k.weight, k.bias, width,
                                          shapes[i].kernel, shapes[i].groups, t, out);
                    CHECK_NEAR(k.y[t * width + out], want > 0 ? want : 0, 1e-5);
                }
            convolved_free(&k);
        }
}

TEST("convolution: a token has the same bits whichever others are asked for with it")
{
    FOR_KERNELS(ops) {
        if (!ops->row_invariant)
            continue;
        convolved k = convolve(ops, 50, 64, 3, 2, 50);
        float *again = ENC_ALLOC(float, 64);
        for (size_t t = 0; t < 50; t++) {
            enc_convolve(&k.c, ops, k.x, 50, t, 1, k.scratch, again);
            CHECK(memcmp(again, k.y + t * 64, 64 * sizeof *again) == 0);
        }
        enc_free(again);
        convolved_free(&k);
    }
}
