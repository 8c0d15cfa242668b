/* test_pooling.c - from hidden states to an embedding, against sums in double precision. */
#include "pooling.h"

#include "checkpoint_copy.h"
#include "encoding.h"
#include "kernels.h"

enum { MODES = 6, ALL_MODES = (1 << MODES) - 1 };

/* ---- Names -------------------------------------------------------------------------- */

TEST("pooling: each mode is known by its name, two by a second one, several joined by +")
{
    CHECK_INT(enc_pooling_parse("cls"), ENC_POOL_CLS);
    CHECK_INT(enc_pooling_parse("first"), ENC_POOL_CLS);
    CHECK_INT(enc_pooling_parse("max"), ENC_POOL_MAX);
    CHECK_INT(enc_pooling_parse("mean"), ENC_POOL_MEAN);
    CHECK_INT(enc_pooling_parse("mean_sqrt_len"), ENC_POOL_MEAN_SQRT_LEN);
    CHECK_INT(enc_pooling_parse("weightedmean"), ENC_POOL_WEIGHTEDMEAN);
    CHECK_INT(enc_pooling_parse("lasttoken"), ENC_POOL_LASTTOKEN);
    CHECK_INT(enc_pooling_parse("last"), ENC_POOL_LASTTOKEN);
    CHECK_INT(enc_pooling_parse("mean+cls"), ENC_POOL_CLS | ENC_POOL_MEAN);
    CHECK_INT(enc_pooling_parse("cls+max+mean+mean_sqrt_len+weightedmean+last"), ALL_MODES);
}

TEST("pooling: a name that is not quite one is none")
{
    static const char *const names[] = {"", "+", "mean+", "+mean", "mean++cls", "Mean",
                                        "mea", "meanx", "mean,cls", "mean cls", "average"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK_INT(enc_pooling_parse(names[i]), 0);
}

TEST("pooling: every name in the list for messages can be parsed")
{
    char names[128];
    int modes = 0;
    snprintf(names, sizeof names, "%s", enc_pooling_names());
    for (char *name = strtok(names, ", "); name; name = strtok(NULL, ", "), modes++)
        CHECK_INT(enc_pooling_parse(name), 1 << modes);
    CHECK_INT(modes, MODES);
}

/* ---- A model that ends where pooling begins ----------------------------------------- */

/* No weights, no tokenizer; `steps` are copied. */
static enc_model made_model(const enc_ops *ops, int width, const enc_step *steps, int count)
{
    enc_model model = {.ops = ops, .modules = {.pooling = ENC_POOL_MEAN, .step_count = count,
                                               .default_prompt = -1}};
    model.config.hidden_size = width;
    model.config.layers = 3;
    for (int i = 0; i < count; i++)
        model.modules.step[i] = steps[i];
    return model;
}

/* The result in `out`; its length, 0 (and a failed check) if the options are refused. */
static size_t pooled(const enc_model *model, const enc_embed_options *options, const float *x,
                     size_t rows, size_t skip, float *out)
{
    enc_finish finish;
    enc_error err = {0};
    int rc = enc_finish_plan(model, options, &finish, &err);
    CHECK_STR(err.message, "");
    if (rc != ENC_OK)
        return 0;
    float *scratch = ENC_ALLOC(float, enc_pool_scratch(model, &finish));
    enc_pool_sequence(model, &finish, x, rows, skip, scratch, out);
    enc_free(scratch);
    return (size_t)finish.dimensions;
}

/* ---- Modes -------------------------------------------------------------------------- */

/* As sentence-transformers defines them; rows before `skip` do not count. */
static double pool_exactly(unsigned mode, const float *x, size_t rows, size_t skip,
                           size_t width, size_t column)
{
    double sum = 0, rising = 0, weights = 0, largest = -1e9;
    double count = rows > skip ? (double)(rows - skip) : 0;
    for (size_t i = skip; i < rows; i++) {
        double value = x[i * width + column];
        sum += value;
        rising += (double)(i + 1) * value;
        weights += (double)(i + 1);
        largest = value > largest ? value : largest;
    }
    switch (mode) {
    case ENC_POOL_CLS: return x[(skip < rows ? skip : 0) * width + column];
    case ENC_POOL_MAX: return largest;
    case ENC_POOL_MEAN: return sum / fmax(count, 1e-9);
    case ENC_POOL_MEAN_SQRT_LEN: return sum / sqrt(fmax(count, 1e-9));
    case ENC_POOL_WEIGHTEDMEAN: return rising / fmax(weights, 1e-9);
    default: return skip < rows ? x[(rows - 1) * width + column] : 0;
    }
}

static void check_modes(const enc_ops *ops, size_t width, size_t rows, size_t skip)
{
    enc_model model = made_model(ops, (int)width, NULL, 0);
    float *x = noises(rows * width), out[MODES * 40];
    double want[MODES * 40];
    for (unsigned modes = 1; modes <= ALL_MODES; modes++) {
        enc_embed_options options = ENC_EMBED_DEFAULTS;
        size_t count = 0;
        options.pooling = modes;
        for (unsigned i = 0; i < MODES; i++)
            for (size_t j = 0; modes & 1u << i && j < width; j++)
                want[count++] = pool_exactly(1u << i, x, rows, skip, width, j);
        CHECK_INT(pooled(&model, &options, x, rows, skip, out), count);
        CHECK_NEAR(distance(out, want, count), 0, 2e-6);
    }
    enc_free(x);
}

TEST("pooling: every mode, and all joined in the order of their bits, is what it says")
{
    FOR_KERNELS(ops)
    {
        check_modes(ops, 32, 1, 0);
        check_modes(ops, 32, 7, 0);
        check_modes(ops, 33, 100, 0);
    }
}

TEST("pooling: rows of the prompt count for nothing; the first one is the first behind them")
{
    check_modes(enc_ops_get(), 32, 9, 3);
    check_modes(enc_ops_get(), 32, 9, 8);
}

TEST("pooling: where no row counts the result is the reference's, and finite")
{
    check_modes(enc_ops_get(), 32, 4, 4);
}

/* ---- Steps after pooling ------------------------------------------------------------ */

enum { IN = 12, OUT = 20 };

typedef struct dense {
    float *weight, *bias, *packed, *scale, *shift;
    enc_step step[3]; /* Dense(tanh), LayerNorm, Normalize */
} dense;

static void dense_make(dense *d, const enc_ops *ops)
{
    d->weight = noises(OUT * IN), d->bias = noises(OUT);
    d->scale = noises(OUT), d->shift = noises(OUT);
    d->packed = ENC_ALLOC(float, ops->packed_size(OUT, IN));
    ops->pack(d->weight, OUT, IN, IN, 1, d->packed);
    d->step[0] = (enc_step){.kind = ENC_STEP_DENSE, .dense = {.in = IN, .out = OUT, .packed = d->packed, .bias = d->bias},
                            .activation = ENC_ACT_TANH};
    d->step[1] = (enc_step){.kind = ENC_STEP_LAYER_NORM,
                            .norm = {.width = OUT, .weight = d->scale, .bias = d->shift,
                                     .eps = 1e-5f}};
    d->step[2] = (enc_step){.kind = ENC_STEP_NORMALIZE};
}

static void dense_free(dense *d)
{
    enc_free(d->weight), enc_free(d->bias), enc_free(d->packed);
    enc_free(d->scale), enc_free(d->shift);
}

static void steps_exactly(const dense *d, const double *x, double *y)
{
    double mean = 0, variance = 0;
    for (int i = 0; i < OUT; i++) {
        y[i] = d->bias[i];
        for (int j = 0; j < IN; j++)
            y[i] += d->weight[i * IN + j] * x[j];
        y[i] = tanh(y[i]);
        mean += y[i] / OUT;
    }
    for (int i = 0; i < OUT; i++)
        variance += (y[i] - mean) * (y[i] - mean) / OUT;
    for (int i = 0; i < OUT; i++)
        y[i] = d->scale[i] * (y[i] - mean) / sqrt(variance + 1e-5f) + d->shift[i];
}

TEST("pooling: Dense with its activation, LayerNorm and Normalize follow in their order")
{
    FOR_KERNELS(ops)
    {
        dense d;
        dense_make(&d, ops);
        float *x = noises(5 * IN), out[OUT];
        double mean[IN], want[OUT];
        for (size_t j = 0; j < IN; j++)
            mean[j] = pool_exactly(ENC_POOL_MEAN, x, 5, 0, IN, j);
        steps_exactly(&d, mean, want);
        enc_model model = made_model(ops, IN, d.step, 2);
        CHECK_INT(pooled(&model, NULL, x, 5, 0, out), OUT);
        CHECK_NEAR(distance(out, want, OUT), 0, 5e-6);
        model = made_model(ops, IN, d.step, 3);
        scale_to_one(want, OUT);
        CHECK_INT(pooled(&model, NULL, x, 5, 0, out), OUT);
        CHECK_NEAR(distance(out, want, OUT), 0, 5e-6);
        enc_free(x);
        dense_free(&d);
    }
}

/* ---- Dimensions and length ---------------------------------------------------------- */

typedef struct shape {
    bool ends_in_normalize;
    int truncate_dim; /* of the checkpoint */
    int dimensions, normalize; /* options */
    int length;      /* of the result */
    bool first_unit; /* scaled to 1 before it was cut, */
    bool last_unit;  /* after it was */
} shape;

static const shape shapes[] = {
    {false, 0, 0, -1, 32, false, false}, {false, 0, 0, 0, 32, false, false},
    {false, 0, 0, 1, 32, false, true},   {false, 0, 8, -1, 8, false, false},
    {false, 0, 8, 0, 8, false, false},   {false, 0, 8, 1, 8, false, true},
    {true, 0, 0, -1, 32, true, false},   {true, 0, 0, 0, 32, false, false},
    {true, 0, 0, 1, 32, true, true},     {true, 0, 8, -1, 8, true, true},
    {true, 0, 8, 0, 8, false, false},    {true, 0, 8, 1, 8, true, true},
    {true, 0, 32, -1, 32, true, true},   {false, 10, 0, -1, 10, false, false},
    {true, 10, 0, -1, 10, true, false},  {true, 10, 0, 1, 10, true, true},
    {true, 10, 16, -1, 16, true, true},  {true, 99, 0, -1, 32, true, false}};

TEST("pooling: dimensions cut, normalize scales, both as asked or as the checkpoint does")
{
    static const enc_step normalize = {.kind = ENC_STEP_NORMALIZE};
    float *x = noises(3 * 32), out[32];
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const shape *s = &shapes[i];
        enc_model model = made_model(enc_ops_get(), 32, &normalize, s->ends_in_normalize);
        model.modules.truncate_dim = s->truncate_dim;
        enc_embed_options options = ENC_EMBED_DEFAULTS;
        options.dimensions = s->dimensions;
        options.normalize = s->normalize;
        double want[32];
        for (size_t j = 0; j < 32; j++)
            want[j] = pool_exactly(ENC_POOL_MEAN, x, 3, 0, 32, j);
        if (s->first_unit)
            scale_to_one(want, 32);
        if (s->last_unit)
            scale_to_one(want, (size_t)s->length);
        CHECK_INT(pooled(&model, &options, x, 3, 0, out), s->length);
        CHECK_NEAR(distance(out, want, (size_t)s->length), 0, 2e-6);
    }
    enc_free(x);
}

TEST("pooling: a zero vector scaled to length 1 stays zero")
{
    static const enc_step normalize = {.kind = ENC_STEP_NORMALIZE};
    enc_model model = made_model(enc_ops_get(), 32, &normalize, 1);
    float x[32] = {0}, out[32];
    CHECK_INT(pooled(&model, NULL, x, 1, 0, out), 32);
    for (int i = 0; i < 32; i++)
        CHECK(out[i] == 0);
}

/* ---- Refusals ----------------------------------------------------------------------- */

static const char *refusal(const enc_model *model, const enc_embed_options *options)
{
    static enc_error err;
    enc_finish finish;
    err = (enc_error){0};
    int rc = enc_finish_plan(model, options, &finish, &err);
    CHECK_INT(rc, err.code);
    CHECK(rc == ENC_OK || rc == ENC_INVALID);
    return err.message;
}

TEST("pooling: options that the model can't follow are refused with the choices")
{
    enc_model model = made_model(enc_ops_get(), 32, NULL, 0);
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    options.dimensions = 33;
    CHECK_STR(refusal(&model, &options), "dimensions is 33, must be 1 to 32");
    options.dimensions = -1;
    CHECK_STR(refusal(&model, &options), "dimensions is -1, must be 1 to 32");
    options = (enc_embed_options)ENC_EMBED_DEFAULTS;
    options.layer = 4;
    CHECK_STR(refusal(&model, &options), "layer 4 is out of range: the model has layers 0 to "
                                         "3, or -1 to -4 from the end");
    options.layer = INT32_MAX;
    CHECK_STR(refusal(&model, &options), "layer 2147483647 is out of range: the model has "
                                         "layers 0 to 3, or -1 to -4 from the end");
    options = (enc_embed_options)ENC_EMBED_DEFAULTS;
    options.truncate = ENC_TRUNCATE_NONE;
    CHECK_STR(refusal(&model, &options), "truncate 'none' is for tokens; an embedding takes "
                                         "end, start, error or mean");
    options = (enc_embed_options)ENC_EMBED_DEFAULTS;
    options.pooling = 1u << MODES | ENC_POOL_CLS;
    CHECK_STR(refusal(&model, &options), "pooling 0x41 is unknown, must be made of cls, max, "
                                         "mean, mean_sqrt_len, weightedmean, lasttoken");
}

TEST("pooling: a pooling that does not fit the checkpoint's next layer names both widths")
{
    dense d;
    dense_make(&d, enc_ops_get());
    enc_model model = made_model(enc_ops_get(), IN, d.step, 1);
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    CHECK_STR(refusal(&model, &options), "");
    options.pooling = ENC_POOL_CLS | ENC_POOL_MEAN;
    CHECK_STR(refusal(&model, &options),
              "this pooling gives 24 numbers, the checkpoint's Dense layer takes 12");
    model = made_model(enc_ops_get(), OUT, d.step + 1, 1);
    CHECK_STR(refusal(&model, &options),
              "this pooling gives 40 numbers, the checkpoint's LayerNorm layer takes 20");
    dense_free(&d);
}

TEST("pooling: layers count from the end where they are negative")
{
    enc_model model = made_model(enc_ops_get(), 32, NULL, 0);
    enc_error err = {0};
    for (int layer = 0; layer <= 3; layer++) {
        CHECK_INT(enc_layer_number(&model, layer, &err), layer);
        CHECK_INT(enc_layer_number(&model, layer - 4, &err), layer);
    }
    CHECK_INT(err.code, ENC_OK);
    CHECK_INT(enc_layer_number(&model, -5, &err), -1);
    CHECK_INT(err.code, ENC_INVALID);
}

TEST("pooling: the check before embedding knows the length and the prompts")
{
    encoder e;
    int length = -1;
    REQUIRE(encoder_open(&e, "bert_pooling"));
    CHECK_INT(enc_embed_check(e.model, NULL, &length, &e.err), ENC_OK);
    CHECK_INT(length, 40);
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    options.prompt = "query";
    options.dimensions = 48;
    CHECK_INT(enc_embed_check(e.model, &options, &length, &e.err), ENC_OK);
    CHECK_INT(length, 48);
    options.prompt = "nonsense";
    CHECK_INT(enc_embed_check(e.model, &options, &length, &e.err), ENC_INVALID);
    CHECK_INT(length, 0);
    CHECK_STR(take_message(&e),
              "there is no prompt 'nonsense'; the model has: query, document");
    encoder_close(&e);
}
