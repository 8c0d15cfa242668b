/*
** code.c - vectors as codes of 8 bits or 1 bit a number, and how far off these are (encoder.h).
**
** The bytes of an int8 code are made, and read, by strips of a half, in each of which they are
** packed with those of the other half.
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

enum { LANES = 8, CODE_LINE = 64, STRIP = 64 };

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

size_t enc_code_head(enum enc_vector_type type, size_t length)
{
    const size_t size = enc_code_size(type, length);
    return type == ENC_INT8 ? size / 2 : size;
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

/* ---- Halves ---- */

/* The bytes of an int8 code of `length` elements, `size` in each half. */
typedef struct halves {
    uint8_t *head, *rest;
    size_t size, length;
} halves;

/* A strip of the elements whose bits are the lower ones of bytes (or the upper). */
typedef struct strip {
    size_t first; /* byte */
    size_t at;    /* element */
    size_t count; /* of elements; less than STRIP, or 0, at the end */
} strip;

static strip strip_of(const halves *code, size_t first, bool upper)
{
    const size_t at = first + (upper ? code->size : 0);
    const size_t ends = upper ? code->length
                        : code->length < code->size ? code->length : code->size;
    const size_t left = at < ends ? ends - at : 0;
    return (strip){first, at, left < STRIP ? left : STRIP};
}

static void strip_read(const halves *code, const strip *s, bool upper, uint8_t bytes[STRIP])
{
    const uint8_t *head = code->head + s->first, *rest = code->rest + s->first;
    if (upper)
        for (size_t i = 0; i < s->count; i++)
            bytes[i] = (uint8_t)((head[i] & 0xf0) | rest[i] >> 4);
    else
        for (size_t i = 0; i < s->count; i++)
            bytes[i] = (uint8_t)(head[i] << 4 | (rest[i] & 0x0f));
}

/* The bytes of x / step into the code; the sum of their squares, less 128 each. */
static int64_t bytes_of(const float *x, double step, const halves *code)
{
    const double by = 1 / step;
    int64_t squares = 0;
    for (size_t first = 0; first < code->size; first += STRIP) {
        const size_t left = code->size - first, n = left < STRIP ? left : STRIP;
        uint8_t bytes[2][STRIP];
        memset(bytes, 128, sizeof bytes);
        int32_t sum = 0;
        for (int upper = 0; upper < 2; upper++) {
            const strip s = strip_of(code, first, upper);
            uint8_t *to = bytes[upper];
            for (size_t i = 0; i < s.count; i++) {
                to[i] = byte_of((double)x[s.at + i] * by);
                sum += (to[i] - 128) * (to[i] - 128);
            }
        }
        for (size_t i = 0; i < n; i++) {
            code->head[first + i] = (uint8_t)((bytes[1][i] & 0xf0) | bytes[0][i] >> 4);
            code->rest[first + i] = (uint8_t)(bytes[1][i] << 4 | (bytes[0][i] & 0x0f));
        }
        squares += sum;
    }
    return squares;
}

/* ---- Errors ---- */

/* 16 times the upper half of a byte, less 120: the middle of the numbers with that half. */
static inline int coarse_number(uint8_t byte) { return (byte & 0xf0) - 120; }

/* Squares of what code and head leave of a vector. */
typedef struct errors {
    double fine, coarse;
} errors;

static void add_errors(const float *x, double by, size_t count, const uint8_t *bytes,
                       double scale, double fine[LANES], double coarse[LANES])
{
    for (size_t i = 0; i < count / LANES * LANES; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            const double number = by * (double)x[i + j];
            const double d = number - scale * (bytes[i + j] - 128);
            const double e = number - scale * coarse_number(bytes[i + j]);
            fine[j] += d * d;
            coarse[j] += e * e;
        }
    for (size_t i = count / LANES * LANES; i < count; i++) {
        const double d = by * (double)x[i] - scale * (bytes[i] - 128);
        const double e = by * (double)x[i] - scale * coarse_number(bytes[i]);
        fine[i % LANES] += d * d;
        coarse[i % LANES] += e * e;
    }
}

/* |by x - x'|^2 and |by x - x"|^2 of bytes, */
static errors squared_errors_int8(const float *x, double by, const halves *code, double scale)
{
    double fine[LANES] = {0}, coarse[LANES] = {0};
    for (size_t first = 0; first < code->size; first += STRIP)
        for (int upper = 0; upper < 2; upper++) {
            const strip s = strip_of(code, first, upper);
            uint8_t bytes[STRIP];
            strip_read(code, &s, upper, bytes);
            add_errors(x + s.at, by, s.count, bytes, scale, fine, coarse);
        }
    return (errors){lanes_sum(fine), lanes_sum(coarse)};
}

/* |x' - x"|^2, the code being alone, in units of the scale's square, */
static int64_t squares_of_rest(const halves *code)
{
    int64_t squares = 0;
    for (size_t first = 0; first < code->size; first += STRIP)
        for (int upper = 0; upper < 2; upper++) {
            const strip s = strip_of(code, first, upper);
            uint8_t bytes[STRIP];
            int32_t sum = 0;
            strip_read(code, &s, upper, bytes);
            for (size_t i = 0; i < s.count; i++)
                sum += ((bytes[i] & 15) - 8) * ((bytes[i] & 15) - 8);
            squares += sum;
        }
    return squares;
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

/* ---- Codes ---- */

/* A code's numbers are scale times whole ones, whose squares sum up to `squares`. */
typedef struct code_made {
    float scale;
    double squares;
} code_made;

static code_made make_int8(bool unit, const float *x, double largest, const halves *code)
{
    /* No step has fewer bits than others: below FLT_MIN floats are spaced as they are there. */
    const float step = (float)(largest / 127) < FLT_MIN ? FLT_MIN : (float)(largest / 127);
    const double squares = (double)bytes_of(x, unit ? largest / 127 : (double)step, code);
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

/* The error of this square, of a vector of length `size`. */
static float error_of(double squared, double size)
{
    const float error = rounded_up(sqrt(squared) * (1 + SUM_SLACK) + size * LENGTH_SLACK);
    return error < FLT_MIN ? FLT_MIN : error;
}

/* -squares / 2. What is beyond float32 is made up for by errors that are infinite, or is no
** number where the code is alone: either is a candidate for every question. */
static void set_half_square(double squares, bool alone, enc_code_numbers *numbers)
{
    if (squares / 2 <= (double)FLT_MAX) {
        numbers->offset = (float)(-squares / 2);
    } else if (alone) {
        numbers->offset = NAN;
    } else {
        numbers->offset = -FLT_MAX;
        numbers->error = numbers->coarse = INFINITY;
    }
}

bool enc_code_make(enum enc_metric metric, enum enc_vector_type type, const float *x,
                   size_t length, bool alone, uint8_t *code, uint8_t *rest,
                   enc_code_numbers *numbers)
{
    const sizes s = sizes_of(x, length);
    /* No sum of squares of floats is beyond double, but for those of infinities and NaN. */
    if (!(s.squares <= DBL_MAX))
        return false;
    const bool cosine = metric == ENC_COSINE, bytes = type == ENC_INT8;
    const halves both = {code, rest, enc_code_head(type, length), length};
    /* A number without an element is 128. */
    memset(code, bytes ? 0x88 : 0, both.size);
    if (bytes)
        memset(rest, 0, both.size);
    *numbers = (enc_code_numbers){0};
    if (s.largest == 0) {
        numbers->offset = cosine ? -INFINITY : 0;
        return true;
    }
    const double length_of_x = sqrt(s.squares), by = cosine ? 1 / length_of_x : 1;
    const code_made made =
        bytes ? make_int8(cosine, x, s.largest, &both)
              : make_bits(cosine && alone, x, length, by * s.sum / (double)length, code);
    const double step = numbers->scale = made.scale, size = by * length_of_x;
    if (!alone) {
        const errors squared =
            bytes ? squared_errors_int8(x, by, &both, step)
                  : (errors){squared_error_bits(x, by, length, step), 0};
        numbers->error = error_of(squared.fine, size);
        numbers->coarse = bytes ? error_of(squared.coarse, size) : 0;
    } else if (bytes) {
        numbers->coarse = error_of(step * step * (double)squares_of_rest(&both), size);
    }
    if (metric == ENC_L2)
        set_half_square(alone ? step * step * made.squares : s.squares, alone, numbers);
    return true;
}

static void read_int8(const halves *code, float scale, float *out)
{
    for (size_t first = 0; first < code->size; first += STRIP)
        for (int upper = 0; upper < 2; upper++) {
            const strip s = strip_of(code, first, upper);
            uint8_t bytes[STRIP];
            strip_read(code, &s, upper, bytes);
            for (size_t i = 0; i < s.count; i++)
                out[s.at + i] = scale * (float)(bytes[i] - 128);
        }
}

void enc_code_read(enum enc_vector_type type, const uint8_t *code, const uint8_t *rest,
                   float scale, size_t length, float *out)
{
    if (type == ENC_INT8)
        read_int8(&(halves){(uint8_t *)(uintptr_t)code, (uint8_t *)(uintptr_t)rest,
                            enc_code_head(type, length), length}, scale, out);
    else
        for (size_t i = 0; i < length; i++)
            out[i] = code[i / 8] >> i % 8 & 1 ? scale : -scale;
}
