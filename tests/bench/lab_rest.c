/*
** lab_rest.c - what of a forward pass is not a product with weights, in microseconds for one
** layer of MiniLM over a text of so many tokens; and how far functions are from libm's.
*/
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "forward.h"
#include "lab.h"

enum { D = 384, F = 1536, HEADS = 12, HEAD = 32, QKV = 3 * D, MOST_TOKENS = 512 };

/* One layer's worth of some work on a text of `tokens` tokens. */
typedef struct job {
    const enc_ops *ops;
    size_t tokens;
    float *x;
    float *y;
    const float *w;
    char *prepared;
    enc_arena *arena;
} job;

static void do_gelu(void *state)
{
    const job *j = state;
    j->ops->activate_rows[ENC_ACT_GELU](j->x, F, j->tokens, F);
}

static void do_silu(void *state)
{
    const job *j = state;
    j->ops->activate_rows[ENC_ACT_SILU](j->x, F, j->tokens, F);
}

static void do_tanh(void *state)
{
    const job *j = state;
    j->ops->activate[ENC_ACT_TANH](j->x, D);
}

/* As attention has it: what divides a row comes last, on its [HEAD] output. */
static void do_softmax(void *state)
{
    const job *j = state;
    size_t ld = (j->tokens + 31) / 32 * 32;
    for (size_t head = 0; head < HEADS; head++) {
        j->ops->exp_rows(j->x, ld, j->tokens, j->tokens, 0.17677669f, j->y);
        j->ops->divide_rows(j->y + MOST_TOKENS, D, j->tokens, HEAD, j->y);
    }
}

static void do_layer_norm(void *state)
{
    const job *j = state;
    for (size_t i = 0; i < 2 * j->tokens; i++)
        j->ops->layer_norm(j->x + i * D, D, j->w, j->w, 1e-12f);
}

/* The inputs of a layer's four products, each row once. */
static void prepare(const job *j, enum enc_weight_type type)
{
    const enc_product *product = j->ops->product[type];
    for (int i = 0; i < 3; i++)
        product->prepare(j->x, D, j->tokens, D, NULL, j->prepared);
    product->prepare(j->x, F, j->tokens, F, NULL, j->prepared);
}

static void do_bf16(void *state)
{
    prepare(state, ENC_WEIGHT_BF16);
}

static void do_int8(void *state)
{
    prepare(state, ENC_WEIGHT_INT8);
}

/* All heads of one text, as the forward pass has it; its products in float32 or bf16. */
static void attend(const job *j, enum enc_weight_type type)
{
    enc_model model = {.ops = j->ops};
    enc_layer layer = {.before = SIZE_MAX, .after = SIZE_MAX, .scale = 0.17677669f};
    model.config.heads = model.config.kv_heads = HEADS;
    model.config.head_size = HEAD;
    model.config.hidden_size = D;
    model.weights.attention = type;
    for (size_t head = 0; head < HEADS; head++) {
        enc_mark mark = enc_arena_mark(j->arena);
        enc_attend(&model, &layer, j->x, j->tokens, head, j->arena, NULL, j->y);
        enc_arena_release(j->arena, mark);
    }
}

static void do_attention(void *state)
{
    attend(state, ENC_WEIGHT_F32);
}

static void do_attention_bf16(void *state)
{
    attend(state, ENC_WEIGHT_BF16);
}

static const struct work {
    const char *name;
    void (*call)(void *job);
    enum enc_weight_type prepares; /* for products of that type; ENC_WEIGHT_F32: for none */
} works[] = {
    {"softmax", do_softmax, ENC_WEIGHT_F32},
    {"GELU", do_gelu, ENC_WEIGHT_F32},
    {"SiLU", do_silu, ENC_WEIGHT_F32},
    {"tanh of one row", do_tanh, ENC_WEIGHT_F32},
    {"LayerNorm twice", do_layer_norm, ENC_WEIGHT_F32},
    {"rounding to bf16", do_bf16, ENC_WEIGHT_BF16},
    {"quantising rows", do_int8, ENC_WEIGHT_INT8},
    {"attention", do_attention, ENC_WEIGHT_F32},
    {"attention, bf16", do_attention_bf16, ENC_WEIGHT_BF16},
};

/* Rows of the table of kernels that differ in their products alone are one here. */
static int same_functions(const enc_ops *a, const enc_ops *b)
{
    return a->activate[ENC_ACT_GELU] == b->activate[ENC_ACT_GELU];
}

static int can_do(const struct work *work, const enc_ops *const *kernels, size_t i)
{
    const enc_product *product = kernels[i]->product[work->prepares];
    int can = kernels[i]->row_invariant;
    if (work->prepares != ENC_WEIGHT_F32)
        can = can && product && product->prepare != NULL;
    for (size_t j = 0; j < i && can; j++)
        can = work->prepares == ENC_WEIGHT_F32
                  ? !same_functions(kernels[i], kernels[j])
                  : kernels[j]->product[work->prepares] != product;
    return can;
}

static void race_work(const struct work *work, size_t tokens, const enc_ops *const *kernels,
                      size_t count, float *x, float *y, const float *w, char *prepared)
{
    job jobs[LAB_KERNELS];
    lab_way ways[LAB_KERNELS];
    size_t ready = 0;
    enc_arena arena = {0};
    for (size_t i = 0; i < count; i++) {
        if (!can_do(work, kernels, i))
            continue;
        jobs[ready] = (job){kernels[i], tokens, x, y, w, prepared, &arena};
        ways[ready] = (lab_way){"", work->call, &jobs[ready], 0};
        snprintf(ways[ready].name, sizeof ways[ready].name, "%s", kernels[i]->name);
        ready++;
    }
    if (ready == 0)
        return;
    lab_race(ways, ready);
    lab_say("%6zu  %-18s", tokens, work->name);
    for (size_t i = 0; i < ready; i++) {
        lab_say("  %s %.2f", ways[i].name, ways[i].nanoseconds / 1000);
        lab_write(&(lab_figure){"rest", work->name, "", ways[i].name, 0, 0, tokens,
                                ways[i].nanoseconds / 1000, "us", 0});
    }
    lab_say("\n");
    enc_arena_destroy(&arena);
}

void lab_rest(void)
{
    static const size_t tokens[] = {18, 256};
    const enc_ops *kernels[LAB_KERNELS];
    size_t count = lab_kernels(kernels, 0);
    float *x = lab_noises((size_t)MOST_TOKENS * F);
    float *y = lab_noises((size_t)MOST_TOKENS * F * 2);
    float *w = lab_noises(F);
    char *prepared = lab_alloc((size_t)MOST_TOKENS * F * 4);
    lab_say("\none layer of MiniLM (microseconds)\ntokens\n");
    for (size_t t = 0; t < sizeof tokens / sizeof *tokens; t++)
        for (size_t i = 0; i < sizeof works / sizeof *works; i++)
            race_work(&works[i], tokens[t], kernels, count, x, y, w, prepared);
    enc_free(x), enc_free(y), enc_free(w), enc_free(prepared);
}

/* ---- Errors ------------------------------------------------------------------------------ */

static double gelu(double x)
{
    return x / 2 * erfc(-x / sqrt(2.0));
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double silu(double x)
{
    return x * sigmoid(x);
}

static double gelu_tanh(double x)
{
    return x * sigmoid(2 * sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x));
}

static void by_gelu(const enc_ops *ops, float *x, size_t n)
{
    ops->activate[ENC_ACT_GELU](x, n);
}

static void by_gelu_tanh(const enc_ops *ops, float *x, size_t n)
{
    ops->activate[ENC_ACT_GELU_TANH](x, n);
}

static void by_rough_gelu(const enc_ops *ops, float *x, size_t n)
{
    ops->activate_roughly[ENC_ACT_GELU](x, n, 1, n);
}

static void by_rough_gelu_tanh(const enc_ops *ops, float *x, size_t n)
{
    ops->activate_roughly[ENC_ACT_GELU_TANH](x, n, 1, n);
}

static void by_silu(const enc_ops *ops, float *x, size_t n)
{
    ops->activate[ENC_ACT_SILU](x, n);
}

static void by_sigmoid(const enc_ops *ops, float *x, size_t n)
{
    ops->activate[ENC_ACT_SIGMOID](x, n);
}

static void by_tanh(const enc_ops *ops, float *x, size_t n)
{
    ops->activate[ENC_ACT_TANH](x, n);
}

/* Softmax of {0, x} is {1, exp(x)} over their sum. */
static void by_softmax(const enc_ops *ops, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float pair[2] = {0, x[i]};
        ops->softmax(pair, 2, 1);
        x[i] = pair[1] / pair[0];
    }
}

static const struct function {
    const char *name;
    void (*call)(const enc_ops *ops, float *x, size_t n);
    double (*truth)(double x);
    float low;
    float high;
    double least; /* result whose last places count */
} functions[] = {
    {"exp (softmax)", by_softmax, exp, -80, 0, 0},
    {"erf (GELU)", by_gelu, gelu, -20, 20, 0.01},
    {"GELU tanh", by_gelu_tanh, gelu_tanh, -20, 20, 0.01},
    {"GELU for int8", by_rough_gelu, gelu, -20, 20, 0.01},
    {"... tanh", by_rough_gelu_tanh, gelu_tanh, -20, 20, 0.01},
    {"SiLU", by_silu, silu, -40, 40, 0},
    {"sigmoid", by_sigmoid, sigmoid, -80, 80, 0},
    {"tanh", by_tanh, tanh, -20, 20, 0},
};

/* Largest errors over a million points: absolute (relative to the result beyond 1), and in
** units of the last place of the right result rounded to float32, where it is not smaller
** than `least`. */
static void sweep(const enc_ops *ops, const struct function *f)
{
    enum { POINTS = 1 << 20, AT_ONCE = 1024 };
    double worst = 0, worst_units = 0;
    for (size_t i = 0; i < POINTS; i += AT_ONCE) {
        float x[AT_ONCE], y[AT_ONCE];
        for (size_t j = 0; j < AT_ONCE; j++)
            x[j] = y[j] = f->low + (f->high - f->low) * (float)(i + j) / POINTS;
        f->call(ops, y, AT_ONCE);
        for (size_t j = 0; j < AT_ONCE; j++) {
            double right = f->truth((double)x[j]), off = fabs((double)y[j] - right);
            float at = fabsf((float)right);
            double unit = (double)nextafterf(at, INFINITY) - (double)at;
            worst = fmax(worst, off / fmax(1, fabs(right)));
            if (fabs(right) >= f->least)
                worst_units = fmax(worst_units, off / unit);
        }
    }
    lab_say("  %-14s %-10s  %8.1e  %10.1f\n", f->name, ops->name, worst, worst_units);
    lab_write(&(lab_figure){"errors", f->name, "absolute", ops->name, 0, 0, 0, worst, "", 0});
    lab_write(&(lab_figure){"errors", f->name, "ulp", ops->name, 0, 0, 0, worst_units, "ulp",
                            0});
}

void lab_errors(void)
{
    const enc_ops *kernels[LAB_KERNELS];
    size_t count = lab_kernels(kernels, 0);
    lab_say("\nlargest errors to libm's double (absolute, beyond 1 relative; units of the last "
            "place)\n");
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        for (size_t k = 0; k < count; k++)
            if (kernels[k]->row_invariant &&
                (k == 0 || !same_functions(kernels[k], kernels[k - 1])))
                sweep(kernels[k], &functions[i]);
}
