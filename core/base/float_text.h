/*
** float_text.h - decimal numbers of text files to float32, correctly rounded, in no locale.
*/
#ifndef ENC_FLOAT_TEXT_H
#define ENC_FLOAT_TEXT_H

#include <stdbool.h>

/* Reads "-12.5e-3" (sign, digits with or without a point, exponent; at least one digit) at
** *at < end or *at == end and moves *at behind it. The float32 nearest to the number, ties to
** even. False, leaving *at: no number is there, or none that float32 can hold ("inf", "nan",
** 1e39). Wants the default rounding mode. */
bool enc_float_read(const char **at, const char *end, float *out);

#endif
