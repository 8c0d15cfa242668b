/* rotary.c - see rotary.h. */
#include "rotary.h"

#include <math.h>

#define PI 3.14159265358979323846

/* ---- Frequencies --------------------------------------------------------------------- */

/* base^(2i/n) */
static float power_of(const enc_rope *rope, size_t turned, size_t i)
{
    return powf(rope->base, (float)(2 * i) / (float)turned);
}

/* f -> f / factor for long waves, f for short ones. */
static void stretch_llama3(const enc_rope *rope, size_t pairs, float *frequency)
{
    const float factor = (float)rope->factor;
    const float low = (float)rope->low, band = (float)(rope->high - rope->low);
    const float longest = (float)(rope->original / rope->low);
    const float shortest = (float)(rope->original / rope->high);
    for (size_t i = 0; i < pairs; i++) {
        float wave = 1 / frequency[i] * (float)(2 * PI);
        if (wave > longest) {
            frequency[i] /= factor;
        } else if (wave >= shortest) {
            float smooth = (1 / wave * (float)rope->original - low) / band;
            frequency[i] = (1 - smooth) * frequency[i] / factor + smooth * frequency[i];
        }
    }
}

/* The pair, as a real number, that turns `times` within the original length. */
static double pair_of(const enc_rope *rope, size_t turned, double times)
{
    return (double)turned * log(rope->original / (times * 2 * PI)) /
           (2 * log((double)rope->base));
}

static void stretch_yarn(const enc_rope *rope, size_t turned, float *frequency)
{
    double first = pair_of(rope, turned, rope->fast), last = pair_of(rope, turned, rope->slow);
    if (rope->truncate) {
        first = floor(first);
        last = ceil(last);
    }
    first = first > 0 ? first : 0;
    last = last < (double)turned - 1 ? last : (double)turned - 1;
    if (first == last)
        last += 0.001; /* as the reference, against a division by 0 */
    for (size_t i = 0; i < turned / 2; i++) {
        float ramp = ((float)i - (float)first) / (float)(last - first);
        ramp = ramp < 0 ? 0 : ramp > 1 ? 1 : ramp;
        float keeps = 1 - ramp, power = power_of(rope, turned, i);
        frequency[i] = 1 / ((float)rope->factor * power) * (1 - keeps) + 1 / power * keeps;
    }
}

void enc_rotary_frequencies(const enc_rope *rope, size_t turned, float *frequency)
{
    const size_t pairs = turned / 2;
    for (size_t i = 0; i < pairs; i++)
        frequency[i] = 1.0f / power_of(rope, turned, i);
    for (size_t i = 0; rope->kind == ENC_ROPE_LINEAR && i < pairs; i++)
        frequency[i] /= (float)rope->factor;
    if (rope->kind == ENC_ROPE_LLAMA3)
        stretch_llama3(rope, pairs, frequency);
    if (rope->kind == ENC_ROPE_YARN)
        stretch_yarn(rope, turned, frequency);
}

/* ---- Turning ------------------------------------------------------------------------- */

/* Angles are rounded to float32 where the reference rounds them: far from the text's beginning
** a more exact angle would be another one. */
void enc_rotary_fill(const enc_rotary *rotary, size_t positions, float *turns)
{
    const size_t pairs = rotary->turned / 2;
    for (size_t i = 0; i < pairs; i++)
        for (size_t position = 0; position < positions; position++) {
            float angle = (float)position * rotary->frequency[i];
            float *to = turns + position * rotary->turned + i;
            to[0] = cosf(angle) * rotary->attention;
            to[pairs] = sinf(angle) * rotary->attention;
        }
}

/* Pairs whose first numbers stand in a row, and so do their second ones. */
static void turn_halves(float *restrict low, float *restrict high, const float *cosine,
                        const float *sine, size_t pairs)
{
    for (size_t i = 0; i < pairs; i++) {
        float a = low[i], b = high[i];
        low[i] = a * cosine[i] - b * sine[i];
        high[i] = b * cosine[i] + a * sine[i];
    }
}

void enc_rotary_turn(const enc_rotary *rotary, float *x, size_t heads, size_t d,
                     const float *turns)
{
    const size_t pairs = rotary->turned / 2;
    const float *cosine = turns, *sine = turns + pairs;
    for (size_t head = 0; head < heads; head++, x += d) {
        if (!rotary->interleaved) {
            turn_halves(x, x + pairs, cosine, sine, pairs);
            continue;
        }
        for (size_t i = 0; i < pairs; i++) {
            float a = x[2 * i], b = x[2 * i + 1];
            x[2 * i] = a * cosine[i] - b * sine[i];
            x[2 * i + 1] = b * cosine[i] + a * sine[i];
        }
    }
}
