/*
** float_text.c - see float_text.h.
**
** A product of the first digits and a power of ten in double precision has an error far below
** half a step of float32. Where both ends of that error round to the same float, it is the
** answer; the few numbers beside the middle of two floats are divided out in exact arithmetic.
*/
#include "float_text.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stddef.h>

enum {
    EXACT_DIGITS = 120,  /* no middle of two floats has more significant digits */
    FIRST_DIGITS = 19,   /* that a uint64_t holds */
    WORDS = 40,          /* 1280 bits: EXACT_DIGITS + 1 digits, 10^181, and room to shift */
    LARGEST = 39,        /* numbers from 10^39 on, and below 10^-60, need no arithmetic */
    SMALLEST = -60
};

/* A number 0.d1 d2 d3 ... times ten to `point`. */
typedef struct decimal {
    char digit[EXACT_DIGITS + 1];
    int digits;
    int point;
    bool negative;
} decimal;

/* ---- Text ---------------------------------------------------------------------------- */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Digits beyond EXACT_DIGITS only say whether anything but zeros is there. */
static void take_digit(decimal *d, char c, bool *rest)
{
    if (d->digits == 0 && c == '0')
        return;
    if (d->digits < EXACT_DIGITS)
        d->digit[d->digits++] = (char)(c - '0');
    else
        *rest |= c != '0';
}

/* "e-12" or nothing; an exponent too large to matter stays so. */
static const char *read_exponent(const char *p, const char *end, int *exponent)
{
    *exponent = 0;
    if (p == end || (*p != 'e' && *p != 'E'))
        return p;
    const char *q = p + 1;
    bool negative = q < end && *q == '-';
    q += q < end && (*q == '-' || *q == '+');
    if (q == end || !is_digit(*q))
        return p;
    for (; q < end && is_digit(*q); q++)
        if (*exponent < 100000000)
            *exponent = *exponent * 10 + (*q - '0');
    if (negative)
        *exponent = -*exponent;
    return q;
}

/* NULL: no number. A digit string of 2^30 characters is none either. */
static const char *read_text(const char *p, const char *end, decimal *d)
{
    bool any = false, rest = false;
    int exponent;
    if (end - p > 1 << 30)
        end = p + (1 << 30);
    d->digits = d->point = 0;
    d->negative = p < end && *p == '-';
    p += p < end && (*p == '-' || *p == '+');
    for (; p < end && is_digit(*p); p++) {
        any = true;
        take_digit(d, *p, &rest);
        d->point += d->digits > 0;
    }
    if (p < end && *p == '.')
        for (p++; p < end && is_digit(*p); p++) {
            any = true;
            take_digit(d, *p, &rest);
            d->point -= d->digits == 0;
        }
    if (!any)
        return NULL;
    p = read_exponent(p, end, &exponent);
    d->point += exponent;
    if (rest)
        d->digit[d->digits++] = 1;
    return p;
}

/* ---- Close enough -------------------------------------------------------------------- */

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

enum { LARGEST_POWER = sizeof powers / sizeof *powers - 1 };

/* The number within 2^-50 of itself, by at most two products with exact powers. */
static double approximate(const decimal *d)
{
    uint64_t first = 0;
    int count = d->digits < FIRST_DIGITS ? d->digits : FIRST_DIGITS;
    for (int i = 0; i < count; i++)
        first = first * 10 + (uint64_t)d->digit[i];
    double value = (double)first;
    int exponent = d->point - count;
    for (; exponent > LARGEST_POWER; exponent -= LARGEST_POWER)
        value *= powers[LARGEST_POWER];
    for (; exponent < -LARGEST_POWER; exponent += LARGEST_POWER)
        value /= powers[LARGEST_POWER];
    return exponent < 0 ? value / powers[-exponent] : value * powers[exponent];
}

/* ---- Exact --------------------------------------------------------------------------- */

/* An unsigned integer, lowest word first; words from `used` on are 0. */
typedef struct big {
    uint32_t word[WORDS];
    int used;
} big;

/* b = b * factor + plus */
static void multiply(big *b, uint32_t factor, uint32_t plus)
{
    uint64_t carry = plus;
    for (int i = 0; i < b->used || carry; i++) {
        carry += (uint64_t)b->word[i] * factor;
        b->word[i] = (uint32_t)carry;
        carry >>= 32;
        b->used = i + 1 > b->used ? i + 1 : b->used;
    }
}

static void multiply_ten(big *b, int times)
{
    for (; times >= 9; times -= 9)
        multiply(b, 1000000000u, 0);
    for (; times > 0; times--)
        multiply(b, 10, 0);
}

static int bits(const big *b)
{
    int used = b->used;
    while (used > 0 && b->word[used - 1] == 0)
        used--;
    return used == 0 ? 0 : 32 * used - __builtin_clz(b->word[used - 1]);
}

static void shift(big *b, int by)
{
    for (; by >= 31; by -= 31)
        multiply(b, 1u << 31, 0);
    multiply(b, 1u << by, 0);
}

static int compare(const big *a, const big *b)
{
    for (int i = WORDS - 1; i >= 0; i--)
        if (a->word[i] != b->word[i])
            return a->word[i] < b->word[i] ? -1 : 1;
    return 0;
}

/* a = a - b, not negative */
static void subtract(big *a, const big *b)
{
    uint64_t borrow = 0;
    for (int i = 0; i < WORDS; i++) {
        uint64_t take = (uint64_t)b->word[i] + borrow;
        borrow = a->word[i] < take;
        a->word[i] = (uint32_t)(a->word[i] - take);
    }
}

/* The quotient of two integers, a power of two apart, bit by bit: 24 bits of a float (fewer of
** a denormal one), one to round, and whether anything is left. */
static float divide(big *a, big *b)
{
    int exponent = bits(a) - bits(b); /* 2^(exponent-1) < a/b < 2^(exponent+1) */
    if (exponent > 0)
        shift(b, exponent);
    else
        shift(a, -exponent);
    if (compare(a, b) < 0) {
        shift(a, 1);
        exponent--;
    }
    int wanted = exponent >= FLT_MIN_EXP - 1 ? FLT_MANT_DIG
                                             : FLT_MANT_DIG + exponent - (FLT_MIN_EXP - 1);
    uint32_t quotient = 0;
    if (wanted < 0) /* less than half of the smallest float */
        return 0;
    for (int i = 0; i <= wanted; i++) {
        bool one = compare(a, b) >= 0;
        if (one)
            subtract(a, b);
        quotient = quotient << 1 | one;
        shift(a, 1);
    }
    bool half = quotient & 1, more = bits(a) > 0;
    quotient >>= 1;
    quotient += half && (more || quotient & 1);
    return ldexpf((float)quotient, exponent - wanted + 1);
}

static float exact(const decimal *d)
{
    big a = {.used = 1}, b = {.word = {1}, .used = 1};
    for (int i = 0; i < d->digits; i++)
        multiply(&a, 10, (uint32_t)d->digit[i]);
    int exponent = d->point - d->digits;
    multiply_ten(exponent < 0 ? &b : &a, exponent < 0 ? -exponent : exponent);
    return divide(&a, &b);
}

/* ---- Both ---------------------------------------------------------------------------- */

bool enc_float_read(const char **at, const char *end, float *out)
{
    decimal d;
    float value = 0;
    const char *behind = read_text(*at, end, &d);
    if (!behind || (d.digits > 0 && d.point > LARGEST))
        return false;
    if (d.digits > 0 && d.point >= SMALLEST) {
        const double error = 0x1p-50;
        double near = approximate(&d);
        value = (float)(near * (1 - error));
        if (value != (float)(near * (1 + error)) || value < FLT_MIN)
            value = exact(&d);
    }
    if (value > FLT_MAX)
        return false;
    *at = behind;
    *out = d.negative ? -value : value;
    return true;
}
