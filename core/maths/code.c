/*
** code.c - vectors as codes of 8 bits or 1 bit a number, and how far off these are (encoder.h).
**
** An int8 code's step is a 127th of the largest number. (Others beside it lessen the error by a
** few percent at best.) For ENC_COSINE it is then chosen anew so that x' has length 1 as x has,
** which costs the error nothing that could be seen and makes the scores of codes alone cosines.
** A code of bits has the step that keeps the error least, or, where there is none, that gives
** x' length 1, too. The error is computed from the code as it is, in double, so every choice
** above is free.
*/
#include <float.h>
#include <math.h>
#include <string.h>

#include "encoder.h"

enum { LANES = 8, CODE_LINE = 64 };

/* More than the roundings of any sum of 2^16 doubles here, of the sum and of a vector's length;
** and the float32 that is surely no smaller. */
#define SUM_SLACK 1e-9
#define LENGTH_SLACK 1e-12

static float rounded_up(double x)
{
    if (!(x <= (double)FLT_MAX))
        return INFINITY;
    const float to = (float)x;
    return (double)to < x ? nextafterf(to, INFINITY) : to;
}

size_t enc_code_size(enum enc_vector_type type, size_t length)
{
    const size_t bytes = type == ENC_INT8 ? length
                         : type == ENC_BIT ? length / 8 + (length % 8 > 0)
                                           : 0;
    return (bytes + CODE_LINE - 1) / CODE_LINE * CODE_LINE;
}

/* Sums of the sizes and of the squares of x, and the largest size. */
typedef struct sizes {
    double sum, squares, largest;
} sizes;

static double lanes_sum(const double lane[LANES])
{
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

static sizes sizes_of(const float *x, size_t length)
{
    double sum[LANES] = {0}, squares[LANES] = {0};
    float largest[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= length; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            const float size = fabsf(x[i + j]);
            sum[j] += (double)size;
            squares[j] += (double)size * (double)size;
            largest[j] = size > largest[j] ? size : largest[j];
        }
    for (; i < length; i++) {
        const float size = fabsf(x[i]);
        sum[i % LANES] += (double)size;
        squares[i % LANES] += (double)size * (double)size;
        largest[i % LANES] = size > largest[i % LANES] ? size : largest[i % LANES];
    }
    for (size_t j = 1; j < LANES; j++)
        largest[0] = largest[j] > largest[0] ? largest[j] : largest[0];
    return (sizes){lanes_sum(sum), lanes_sum(squares), (double)largest[0]};
}

/* The nearest of -127 ... 127 and 128 more; |v| is 127 and a rounding at most. Adding
** 1.5 * 2^52 leaves it in the low bits of the sum. */
static inline uint8_t byte_of(double v)
{
    const double shifted = v + 0x1.8p52;
    int64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    return (uint8_t)(128 + (int8_t)bits);
}

/* The bytes of x / step into code; the sum of their squares, less 128 each. */
static int64_t bytes_of(const float *x, size_t length, double step, uint8_t *code)
{
    const double by = 1 / step;
    int64_t squares = 0;
    for (size_t first = 0; first < length; first += CODE_LINE) {
        const size_t left = length - first, n = left < CODE_LINE ? left : CODE_LINE;
        int32_t sum = 0;
        for (size_t i = first; i < first + n; i++) {
            code[i] = byte_of((double)x[i] * by);
            sum += (code[i] - 128) * (code[i] - 128);
        }
        squares += sum;
    }
    return squares;
}

/* |by x - x'|^2 of bytes, */
static double squared_error_int8(const float *x, double by, size_t length, const uint8_t *code,
                                 double scale)
{
    double lane[LANES] = {0};
    for (size_t i = 0; i < length / LANES * LANES; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            const double d = by * (double)x[i + j] - scale * (code[i + j] - 128);
            lane[j] += d * d;
        }
    for (size_t i = length / LANES * LANES; i < length; i++) {
        const double d = by * (double)x[i] - scale * (code[i] - 128);
        lane[i % LANES] += d * d;
    }
    return lanes_sum(lane);
}

/* and of bits, which have the signs of x: only the sizes differ. */
static double squared_error_bits(const float *x, double by, size_t length, double scale)
{
    double lane[LANES] = {0};
    for (size_t i = 0; i < length / LANES * LANES; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            const double d = by * fabs((double)x[i + j]) - scale;
            lane[j] += d * d;
        }
    for (size_t i = length / LANES * LANES; i < length; i++) {
        const double d = by * fabs((double)x[i]) - scale;
        lane[i % LANES] += d * d;
    }
    return lanes_sum(lane);
}

/* A code's numbers are scale times whole ones, whose squares sum up to `squares`. */
typedef struct code_made {
    float scale;
    double squares;
} code_made;

static code_made make_int8(bool unit, const float *x, size_t length, double largest,
                           uint8_t *code)
{
    /* No step has fewer bits than others: below FLT_MIN floats are spaced as they are there. */
    const float step = (float)(largest / 127) < FLT_MIN ? FLT_MIN : (float)(largest / 127);
    const double squares =
        (double)bytes_of(x, length, unit ? largest / 127 : (double)step, code);
    return (code_made){unit ? (float)(1 / sqrt(squares)) : step, squares};
}

static code_made make_bits(bool unit, const float *x, size_t length, double mean, uint8_t *code)
{
    enc_vector_to_bit(x, length / 8 * 8, code);
    for (size_t i = length / 8 * 8; i < length; i++)
        code[i / 8] = (uint8_t)(code[i / 8] | (unsigned)(x[i] > 0) << i % 8);
    const float step = (float)(unit ? 1 / sqrt((double)length) : mean);
    return (code_made){step < FLT_MIN ? FLT_MIN : step, (double)length};
}

/* -squares / 2. What is beyond float32 is made up for by an error that is infinite, or is no
** number where there is no error: either is a candidate for every question. */
static float half_square(double squares, float *error)
{
    if (squares / 2 <= (double)FLT_MAX)
        return (float)(-squares / 2);
    if (!error)
        return NAN;
    *error = INFINITY;
    return -FLT_MAX;
}

bool enc_code_make(enum enc_metric metric, enum enc_vector_type type, const float *x,
                   size_t length, uint8_t *code, float *scale, float *error, float *offset)
{
    if (enc_vector_not_finite(x, length) >= 0)
        return false;
    const sizes s = sizes_of(x, length);
    const bool cosine = metric == ENC_COSINE, bytes = type == ENC_INT8;
    memset(code, bytes ? 128 : 0, enc_code_size(type, length));
    *scale = *offset = 0;
    if (error)
        *error = 0;
    if (s.largest == 0) {
        *offset = cosine ? -INFINITY : 0;
        return true;
    }
    const double size = sqrt(s.squares), by = cosine ? 1 / size : 1;
    const code_made made =
        bytes ? make_int8(cosine, x, length, s.largest, code)
              : make_bits(cosine && !error, x, length, by * s.sum / (double)length, code);
    const double step = *scale = made.scale;
    if (error) {
        const double squared = bytes ? squared_error_int8(x, by, length, code, step)
                                     : squared_error_bits(x, by, length, step);
        *error = rounded_up(sqrt(squared) * (1 + SUM_SLACK) + by * size * LENGTH_SLACK);
        *error = *error < FLT_MIN ? FLT_MIN : *error;
    }
    if (metric == ENC_L2)
        *offset = half_square(error ? s.squares : step * step * made.squares, error);
    return true;
}

void enc_code_read(enum enc_vector_type type, const uint8_t *code, float scale, size_t length,
                   float *out)
{
    if (type == ENC_INT8)
        for (size_t i = 0; i < length; i++)
            out[i] = scale * (float)(code[i] - 128);
    else
        for (size_t i = 0; i < length; i++)
            out[i] = code[i / 8] >> i % 8 & 1 ? scale : -scale;
}
