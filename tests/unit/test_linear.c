/* test_linear.c - linear layers over many rows: the same result however they are cut. */
#include <string.h>

#include "kernels.h"
#include "model.h"
#include "unit.h"

typedef struct layer {
    enc_linear linear;
    float *packed, *bias, *x, *y;
} layer;

static bool layer_make(layer *l, const enc_ops *ops, size_t rows, size_t in, size_t out)
{
    float *weights = noises(in * out);
    l->packed = ENC_ALLOC(float, ops->packed_size(out, in));
    l->bias = noises(out);
    l->x = noises(rows * in);
    l->y = ENC_ALLOC(float, rows * out);
    bool made = weights && l->packed && l->bias && l->x && l->y;
    if (made)
        ops->pack(weights, out, in, in, 1, l->packed);
    l->linear = (enc_linear){.in = in, .out = out, .packed = l->packed, .bias = l->bias};
    enc_free(weights);
    return made;
}

static void layer_free(layer *l)
{
    enc_free(l->packed), enc_free(l->bias), enc_free(l->x), enc_free(l->y);
}

TEST("linear: a text's rows have the same bits alone and in the middle of a batch")
{
    static const size_t starts[] = {0, 1, 19, 27, 123, 223, 250};
    enum { TEXTS = 6, ROWS = 250, IN = 70, OUT = 100 };
    FOR_KERNELS(ops)
    {
        layer l;
        if (!ops->row_invariant)
            continue;
        REQUIRE(layer_make(&l, ops, ROWS, IN, OUT));
        float *alone = ENC_ALLOC(float, ROWS * OUT);
        REQUIRE(alone != NULL);
        CHECK(enc_linear_apply(ops, &l.linear, l.x, ROWS, NULL, l.y, NULL, NULL) == ENC_OK);
        for (size_t t = 0; t < TEXTS; t++) {
            size_t rows = starts[t + 1] - starts[t];
            CHECK(enc_linear_apply(ops, &l.linear, l.x + starts[t] * IN, rows, NULL, alone, NULL,
                                   NULL) == ENC_OK);
            CHECK(!memcmp(alone, l.y + starts[t] * OUT, rows * OUT * sizeof *alone));
        }
        enc_free(alone);
        layer_free(&l);
    }
}

TEST("linear: a layer too large for one call is cut over its columns and stays the same")
{
    /* 96 rows of 2048 leave 672 columns for a call. */
    enum { ROWS = 97, IN = 2048, OUT = 1000 };
    const enc_ops *ops = enc_ops_get();
    layer l;
    REQUIRE(layer_make(&l, ops, ROWS, IN, OUT));
    float *whole = ENC_ALLOC(float, ROWS * OUT);
    REQUIRE(whole != NULL);
    CHECK(enc_linear_apply(ops, &l.linear, l.x, ROWS, NULL, l.y, NULL, NULL) == ENC_OK);
    ops->multiply(l.x, IN, ROWS, l.packed, OUT, IN, l.bias, whole, OUT);
    size_t unlike = 0;
    for (size_t i = 0; i < ROWS * OUT; i++) {
        float difference = l.y[i] - whole[i];
        unlike += ops->row_invariant ? difference != 0
                                     : !(difference < 1e-3f && difference > -1e-3f);
    }
    CHECK_INT(unlike, 0);
    enc_free(whole);
    layer_free(&l);
}

static int count_and_stop(void *context)
{
    int *left = context;
    return --*left <= 0;
}

TEST("linear: stops between two calls when the progress callback says so")
{
    enum { ROWS = 500, IN = 64, OUT = 64 };
    FOR_KERNELS(ops)
    {
        layer l;
        REQUIRE(layer_make(&l, ops, ROWS, IN, OUT));
        int left = 1;
        enc_poll poll;
        enc_poll_begin(&poll, count_and_stop, &left, 0);
        CHECK(enc_linear_apply(ops, &l.linear, l.x, ROWS, NULL, l.y, NULL, &poll) != ENC_OK);
        left = 1000000;
        enc_poll_begin(&poll, count_and_stop, &left, 0);
        CHECK(enc_linear_apply(ops, &l.linear, l.x, ROWS, NULL, l.y, NULL, &poll) == ENC_OK);
        layer_free(&l);
    }
}

TEST("linear: no rows are nothing to do")
{
    FOR_KERNELS(ops)
    {
        layer l;
        REQUIRE(layer_make(&l, ops, 1, 8, 8));
        CHECK(enc_linear_apply(ops, &l.linear, l.x, 0, NULL, l.y, NULL, NULL) == ENC_OK);
        layer_free(&l);
    }
}
