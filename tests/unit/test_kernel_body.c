/*
** test_kernel_body.c - what every kernel does element by element and row by row, against
** double precision and against the portable kernel.
*/
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "unit.h"

/* ---- Activations --------------------------------------------------------------------- */

static double exact(enum enc_activation kind, double x)
{
    switch (kind) {
    case ENC_ACT_GELU: return x / 2 * erfc(-x / sqrt(2.0));
    case ENC_ACT_GELU_TANH: {
        double u = sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x);
        return x / (1 + exp(-2 * u));
    }
    case ENC_ACT_GELU_QUICK: return x / (1 + exp(-1.702 * x));
    case ENC_ACT_RELU: return x > 0 ? x : 0;
    case ENC_ACT_SILU: return x / (1 + exp(-x));
    case ENC_ACT_TANH: return tanh(x);
    case ENC_ACT_SIGMOID: return 1 / (1 + exp(-x));
    default: return x;
    }
}

/* Largest error over `count` values from `first` on, in steps; absolute up to 1,
** relative to x beyond. */
static double activation_error(const enc_ops *ops, enum enc_activation kind, float first,
                               float step, size_t count)
{
    float x[128], y[128];
    double worst = 0;
    for (size_t done = 0; done < count; done += 128) {
        for (size_t i = 0; i < 128; i++)
            y[i] = x[i] = first + step * (float)(done + i);
        ops->activate[kind](y, 128);
        for (size_t i = 0; i < 128; i++) {
            double error = fabs((double)y[i] - exact(kind, (double)x[i]));
            error /= fabs((double)x[i]) > 1 ? fabs((double)x[i]) : 1;
            worst = error > worst || isnan(error) ? error : worst;
        }
    }
    return worst;
}

TEST("kernel: activations are right to 2e-7 (relative to x beyond 1) everywhere")
{
    FOR_KERNELS(ops)
        for (int kind = 1; kind < ENC_ACT_COUNT; kind++) {
            CHECK_NEAR(activation_error(ops, kind, -12.0f, 0x1p-10f, 25000), 0, 2e-7);
            CHECK_NEAR(activation_error(ops, kind, -120.0f, 0x1p-5f, 8000), 0, 2e-7);
            if (kind != ENC_ACT_SIGMOID)
                CHECK_NEAR(activation_error(ops, kind, -1e-3f, 4e-7f, 5000), 0, 2e-10);
        }
}

TEST("kernel: activations for 8 bits are right to 1e-4, and do not depend on what is beside")
{
    enum { ROWS = 7, N = 32, LD = 37 };
    static const float sizes[] = {0, 1e-45f, 1e-20f, 4.1f, 4.15f, 50, 1e4f, 1e30f};
    FOR_KERNELS(ops)
        for (int kind = 1; kind < ENC_ACT_COUNT; kind++) {
            for (float first = -12; first < 12; first += 0x1p-7f * ROWS * N) {
                float x[ROWS * LD], y[ROWS * LD], one[1];
                for (size_t i = 0; i < ROWS * LD; i++)
                    y[i] = x[i] = first + (float)(i / LD * N + i % LD) * 0x1p-7f;
                ops->activate_roughly[kind](y, LD, ROWS, N);
                for (size_t i = 0; i < ROWS * LD; i++) {
                    one[0] = x[i];
                    if (i % LD < N) {
                        CHECK_NEAR((double)y[i], exact(kind, (double)x[i]), 1e-4);
                        ops->activate_roughly[kind](one, 1, 1, 1);
                    }
                    CHECK(one[0] == y[i]);
                }
            }
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                float rough[2] = {sizes[i], -sizes[i]}, y[2] = {sizes[i], -sizes[i]};
                ops->activate_roughly[kind](rough, 2, 1, 2);
                ops->activate[kind](y, 2);
                for (size_t j = 0; j < 2; j++)
                    CHECK_NEAR((double)rough[j], (double)y[j],
                               1e-4 + (y[j] > 50 ? 2e-6 * (double)y[j] : 0));
            }
        }
}

TEST("kernel: tanh and sigmoid keep their relative accuracy where they are small")
{
    FOR_KERNELS(ops)
        for (int i = 0; i < 2000; i++) {
            float x = ldexpf(1 + fabsf(noise()), -(i % 100)), y[2] = {x, -x};
            ops->activate[ENC_ACT_TANH](y, 2);
            CHECK_NEAR((double)y[0] / tanh((double)x), 1, 5e-7);
            CHECK(y[1] == -y[0]);
            float s[1] = {-(float)i * 0.04f};
            double want = exact(ENC_ACT_SIGMOID, (double)s[0]);
            ops->activate[ENC_ACT_SIGMOID](s, 1);
            CHECK_NEAR((double)s[0] / want, 1, 5e-7);
        }
}

TEST("kernel: huge, tiny and zero values give the limits of an activation, never NaN")
{
    static const float sizes[] = {0, 1e-45f, 1e-38f, 1e-20f, 90, 104, 1e4f, 1e10f, 1e30f};
    FOR_KERNELS(ops)
        for (int kind = 1; kind < ENC_ACT_COUNT; kind++)
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                float y[2] = {sizes[i], -sizes[i]};
                ops->activate[kind](y, 2);
                bool bounded = kind == ENC_ACT_TANH || kind == ENC_ACT_SIGMOID;
                if (sizes[i] > 80) {
                    CHECK(y[0] == (bounded ? 1 : sizes[i]));
                    CHECK(y[1] == (kind == ENC_ACT_TANH ? -1.0f : 0.0f));
                }
                CHECK(isfinite(y[0]) && isfinite(y[1]));
            }
}

TEST("kernel: an activation does not depend on an element's place or on their number")
{
    FOR_KERNELS(ops)
        for (int kind = 1; kind < ENC_ACT_COUNT; kind++)
            for (size_t n = 1; n <= 130; n++) {
                float x[132], y[132];
                for (size_t i = 0; i < 132; i++)
                    y[i] = x[i] = 6 * noise();
                ops->activate[kind](y + 1, n);
                size_t wrong = y[0] != x[0] || y[n + 1] != x[n + 1];
                for (size_t i = 1; i <= n; i++) {
                    ops->activate[kind](x + i, 1);
                    wrong += x[i] != y[i];
                }
                CHECK_INT(wrong, 0);
            }
}

/* ---- Rows ---------------------------------------------------------------------------- */

static void check_softmax(const enc_ops *ops, size_t n, float size, float scale)
{
    float *x = noises(n + 2), *y = noises(n + 2);
    REQUIRE(x && y);
    double sum = 0, most = -1e300, total = 0;
    for (size_t i = 0; i < n + 2; i++) {
        y[i] = x[i] *= size;
        double at = (double)x[i] * (double)scale;
        most = i > 0 && i <= n && at > most ? at : most;
    }
    for (size_t i = 1; i <= n; i++)
        sum += exp((double)x[i] * (double)scale - most);
    ops->softmax(y + 1, n, scale);
    CHECK(x[0] == y[0] && x[n + 1] == y[n + 1]);
    for (size_t i = 1; i <= n; i++) {
        double want = exp((double)x[i] * (double)scale - most) / sum;
        /* Rounding of the exponent itself counts as many times as it is large. */
        CHECK_NEAR((double)y[i], want, want * (6e-7 + 1.3e-7 * fabs(most)) + 1e-37);
        total += (double)y[i];
    }
    CHECK_NEAR(total, 1, 1e-6);
    enc_free(x), enc_free(y);
}

TEST("kernel: softmax of any length agrees with double precision and sums to 1")
{
    FOR_KERNELS(ops)
    {
        for (size_t n = 1; n <= 130; n++)
            check_softmax(ops, n, 8, 0.17677669f);
        check_softmax(ops, 512, 100, 1);
        check_softmax(ops, 4097, 1, 0.125f);
        check_softmax(ops, 33, 1e-30f, 1);
    }
}

/* The argument is rounded once on its way to a power of 2, which costs in proportion to it: a
** weight of a softmax is wrong by 1e-7 at most. */
TEST("kernel: exp, as softmax takes it, is right to 3e-7 and 1.2e-7 of x from -86.5 to 0")
{
    FOR_KERNELS(ops)
        for (float x = -86.5f; x <= 0; x += 0.0037f) {
            float pair[2] = {0, x};
            ops->softmax(pair, 2, 1);
            CHECK_NEAR((double)pair[1] / (double)pair[0] / exp((double)x), 1,
                       3e-7 - 1.2e-7 * (double)x);
        }
}

TEST("kernel: softmax gives exactly 0 for -inf, 1 for a row of one, and bears huge scores")
{
    FOR_KERNELS(ops)
    {
        float one[1] = {-1e30f}, wide[40], huge[3] = {1e30f, -1e30f, 1e30f};
        ops->softmax(one, 1, 1);
        CHECK(one[0] == 1);
        for (size_t i = 0; i < 40; i++)
            wide[i] = i % 3 ? -INFINITY : 2;
        ops->softmax(wide, 40, 0.5f);
        for (size_t i = 0; i < 40; i++)
            CHECK(i % 3 ? wide[i] == 0 : fabsf(wide[i] * 14 - 1) < 1e-6f);
        ops->softmax(huge, 3, 0.125f);
        CHECK(huge[0] == 0.5f && huge[1] == 0 && huge[2] == 0.5f);
    }
}

static void check_layer_norm(const enc_ops *ops, size_t n, float center, float spread)
{
    float *x = noises(n + 2), *w = noises(n), *b = noises(n), *y = noises(n + 2);
    REQUIRE(x && w && b && y);
    double mean = 0, variance = 0;
    for (size_t i = 0; i < n + 2; i++)
        y[i] = x[i] = center + spread * x[i];
    for (size_t i = 1; i <= n; i++)
        mean += (double)x[i] / (double)n;
    for (size_t i = 1; i <= n; i++)
        variance += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)n;
    double scale = 1 / sqrt(variance + (double)1e-12f);
    ops->layer_norm(y + 1, n, w, b, 1e-12f);
    CHECK(x[0] == y[0] && x[n + 1] == y[n + 1]);
    for (size_t i = 1; i <= n; i++) {
        double unit = ((double)x[i] - mean) * scale;
        double want = (double)w[i - 1] * unit + (double)b[i - 1];
        CHECK_NEAR((double)y[i], want, 1e-6 * (fabs(unit) + 1));
    }
    enc_free(x), enc_free(w), enc_free(b), enc_free(y);
}

TEST("kernel: layer norm of any length agrees with double precision, also far from 0")
{
    FOR_KERNELS(ops)
    {
        for (size_t n = 2; n <= 130; n++)
            check_layer_norm(ops, n, 0.3f, 2);
        check_layer_norm(ops, 384, 0, 1);
        check_layer_norm(ops, 768, 100, 1);
        check_layer_norm(ops, 1024, -1, 1e-3f);
        check_layer_norm(ops, 1023, 0, 1e15f);
    }
}

TEST("kernel: layer norm of a constant row is the bias")
{
    FOR_KERNELS(ops)
    {
        float x[50], w[50], b[50];
        for (size_t i = 0; i < 50; i++) {
            x[i] = 0.75f;
            w[i] = noise();
            b[i] = noise();
        }
        ops->layer_norm(x, 50, w, b, 1e-5f);
        CHECK(!memcmp(x, b, sizeof x));
    }
}

static void check_rms_norm(const enc_ops *ops, size_t n, float shift, float scale)
{
    float *x = noises(n), *w = noises(n), *y = noises(n);
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        y[i] = x[i] = shift + scale * x[i];
        squares += (double)x[i] * (double)x[i];
    }
    double root = sqrt(squares / (double)n + 1e-6);
    ops->rms_norm(y, n, w, 1e-6f);
    for (size_t i = 0; i < n; i++) {
        double want = (double)w[i] * ((double)x[i] / root);
        CHECK_NEAR((double)y[i], want, 1e-6 * (fabs(want) + 1));
    }
    enc_free(x), enc_free(w), enc_free(y);
}

TEST("kernel: RMS norm of any length agrees with double precision")
{
    FOR_KERNELS(ops)
    {
        for (size_t n = 1; n <= 130; n++)
            check_rms_norm(ops, n, 0.3f, 2);
        check_rms_norm(ops, 768, 100, 1);
        check_rms_norm(ops, 1023, 0, 1e15f);
        check_rms_norm(ops, 2048, 0, 1e-3f);
    }
}

TEST("kernel: rows of any distance and width are activated as they are alone")
{
    static const size_t widths[] = {1, 8, 15, 16, 17, 31, 32, 33, 64, 100};
    enum { ROWS = 11, GAP = 5 };
    FOR_KERNELS(ops)
        for (int kind = 1; kind < ENC_ACT_COUNT; kind++)
            for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
                size_t n = widths[w], ld = n + GAP, wrong = 0;
                float *x = noises(ROWS * ld), *y = noises(ROWS * ld);
                REQUIRE(x && y);
                memcpy(y, x, ROWS * ld * sizeof *x);
                ops->activate_rows[kind](x, ld, ROWS, n);
                for (size_t row = 0; row < ROWS; row++)
                    ops->activate[kind](y + row * ld, n);
                for (size_t i = 0; i < ROWS * ld; i++)
                    wrong += x[i] != y[i];
                CHECK_INT(wrong, 0);
                enc_free(x), enc_free(y);
            }
}

TEST("kernel: rows of attention divided by their sums are softmax, and 0 stands beyond them")
{
    enum { ROWS = 7 };
    FOR_KERNELS(ops)
        for (size_t n = 1; n <= 200; n++) {
            const size_t ld = (n + 31) / 32 * 32;
            float *x = noises(ROWS * ld), *y = noises(ROWS * ld), sum[ROWS];
            size_t wrong = 0;
            REQUIRE(x && y);
            for (size_t i = 0; i < ROWS * ld; i++)
                y[i] = x[i] *= 20;
            ops->exp_rows(x, ld, ROWS, n, 0.7f, sum);
            for (size_t row = 0; row < ROWS; row++)
                for (size_t i = n; i < ld; i++)
                    wrong += x[row * ld + i] != 0;
            ops->divide_rows(x, ld, ROWS, n, sum);
            for (size_t row = 0; row < ROWS; row++) {
                ops->softmax(y + row * ld, n, 0.7f);
                wrong += !!memcmp(x + row * ld, y + row * ld, n * sizeof *x);
            }
            CHECK_INT(wrong, 0);
            enc_free(x), enc_free(y);
        }
}

TEST("kernel: a row of attention has the same bits alone and among others")
{
    enum { ROWS = 6, LD = 64 };
    FOR_KERNELS(ops)
        for (size_t n = 1; n <= LD; n++) {
            float *x = noises(ROWS * LD), *y = noises(ROWS * LD), sum[ROWS], alone;
            REQUIRE(x && y);
            memcpy(y, x, ROWS * LD * sizeof *x);
            ops->exp_rows(x, LD, ROWS, n, 3, sum);
            for (size_t row = 0; row < ROWS; row++) {
                ops->exp_rows(y + row * LD, LD, 1, n, 3, &alone);
                CHECK(alone == sum[row]);
                CHECK(!memcmp(x + row * LD, y + row * LD, n * sizeof *x));
            }
            enc_free(x), enc_free(y);
        }
}

TEST("kernel: add, scale and accumulate work on any number of elements at any address")
{
    FOR_KERNELS(ops)
        for (size_t n = 0; n <= 130; n++) {
            float x[140], y[140], sum[140], more[140], scaled[140];
            for (size_t i = 0; i < 140; i++) {
                x[i] = noise();
                sum[i] = more[i] = scaled[i] = y[i] = noise();
            }
            ops->add(x + 3, sum + 1, n);
            ops->scale(x + 3, scaled + 1, n);
            ops->accumulate(0.3f, x + 3, more + 1, n);
            size_t wrong = 0;
            for (size_t i = 0; i < 140; i++) {
                bool in = i >= 1 && i <= n;
                double a = in ? (double)x[i + 2] : 0;
                wrong += sum[i] != (float)((double)y[i] + a);
                wrong += scaled[i] != (in ? y[i] * (float)a : y[i]);
                double error = (double)more[i] - ((double)y[i] + (double)0.3f * a);
                wrong += !(fabs(error) <= 1e-7);
            }
            CHECK_INT(wrong, 0);
        }
}

/* ---- Against portable C -------------------------------------------------------------- */

/* In units of the last place of the largest of a, b and `small`. */
static double ulps(float a, float b, float small)
{
    float size = fmaxf(fmaxf(fabsf(a), fabsf(b)), small);
    int exponent;
    frexpf(size, &exponent);
    return fabs((double)a - (double)b) / ldexp(1, exponent - 24);
}

TEST("kernel: every kernel agrees with portable C to a few units of the last place")
{
    const enc_ops *plain = enc_ops_find("portable");
    enum { N = 384 };
    FOR_KERNELS(ops)
    {
        float x[N], y[N], w[N], b[N], given[N];
        double worst = 0;
        for (int kind = 1; kind < ENC_ACT_COUNT; kind++) {
            for (size_t i = 0; i < N; i++)
                given[i] = y[i] = x[i] = 5 * noise();
            ops->activate[kind](x, N);
            plain->activate[kind](y, N);
            for (size_t i = 0; i < N; i++)
                worst = fmax(worst, ulps(x[i], y[i], fmaxf(0.5f, fabsf(given[i]))));
        }
        CHECK_NEAR(worst, 0, 5);
        for (size_t i = 0; i < N; i++) {
            y[i] = x[i] = 5 * noise();
            w[i] = noise();
            b[i] = noise();
        }
        ops->layer_norm(x, N, w, b, 1e-12f);
        plain->layer_norm(y, N, w, b, 1e-12f);
        worst = 0;
        for (size_t i = 0; i < N; i++)
            worst = fmax(worst, ulps(x[i], y[i], 0.25f));
        ops->rms_norm(x, N, w, 1e-6f);
        plain->rms_norm(y, N, w, 1e-6f);
        for (size_t i = 0; i < N; i++)
            worst = fmax(worst, ulps(x[i], y[i], 0.25f));
        ops->softmax(x, N, 3);
        plain->softmax(y, N, 3);
        for (size_t i = 0; i < N; i++)
            worst = fmax(worst, ulps(x[i], y[i], 0.01f));
        CHECK_NEAR(worst, 0, 24);
    }
}
