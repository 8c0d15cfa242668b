/*
** decimal.h - how the reference reads decimal numbers.
**
** Its JSON parser takes all digits as one integer, rounds that to a double and divides by a
** power of ten, which rounds again: of numbers with 16 digits and more the result may be the
** double beside the nearest one. Where sums of scores are equal but for the last bit (any run
** of one character), that decides between tokens.
*/
#ifndef ENC_DECIMAL_H
#define ENC_DECIMAL_H

/* What the reference reads where the shortest decimal of this double is written. */
double enc_decimal_as_reference(double value);

#endif
