/* decimal.c - see decimal.h. */
#include "decimal.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* Digits that any double has at least, and at most; the largest power of ten that is one; the
** products below fit into 128 bits. */
enum { DIGITS_SURE = 15, DIGITS_MOST = 17, PLACES_MOST = 22, DOUBLE_BITS = 53 };

__extension__ typedef unsigned __int128 wide;

/* value = mantissa / 2^shift; scaled = mantissa * 5^places, so that value * 10^places is
** scaled / 2^(shift - places). Rounds that to the nearest integer; false unless that, divided
** again, is nearer to `value` than to any other double. */
static bool write_digits(uint64_t mantissa, int shift, int places, uint64_t *digits)
{
    wide scaled = mantissa, unit = 1;
    int right = shift - places;
    if (right < 1 || right > 100)
        return false;
    for (int i = 0; i < places; i++)
        unit *= 5;
    scaled *= unit;
    *digits = (uint64_t)((scaled + ((wide)1 << (right - 1))) >> right);
    wide back = (wide)*digits << right;
    wide error = back > scaled ? back - scaled : scaled - back;
    bool narrow = back < scaled && mantissa == UINT64_C(1) << (DOUBLE_BITS - 1);
    return error * (narrow ? 4 : 2) < unit;
}

double enc_decimal_as_reference(double value)
{
    int exponent;
    double positive = fabs(value);
    if (!(positive > 0) || !isfinite(positive))
        return value;
    int before = (int)floor(log10(positive)) + 1; /* digits before the point */
    uint64_t mantissa = (uint64_t)ldexp(frexp(positive, &exponent), DOUBLE_BITS);
    for (int count = DIGITS_SURE; count <= DIGITS_MOST; count++) {
        uint64_t digits;
        int places = count - before;
        if (places < 1 || places > PLACES_MOST)
            return value;
        if (!write_digits(mantissa, DOUBLE_BITS - exponent, places, &digits))
            continue;
        double power = 1;
        for (int i = 0; i < places && count > DIGITS_SURE; i++)
            power *= 10;
        double result = (double)digits / power;
        return count == DIGITS_SURE ? value : value < 0 ? -result : result;
    }
    return value;
}
