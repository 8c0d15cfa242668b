/*
** rotary.h - positions as rotations of queries and keys (Su et al. 2021, "RoFormer").
**
** Of a head x [d], the pair (x[i], x[i + d/2]) is turned by the angle p · base^(-2i/d), p being
** the token's position: a product of a query with a key then depends on their distance alone.
*/
#ifndef ENC_ROTARY_H
#define ENC_ROTARY_H

#include <stddef.h>

/* turns [positions, d]: for each position the cosines of its d/2 angles, then their sines. */
void enc_rotary_fill(float base, size_t positions, size_t d, float *turns);

/* Turns `heads` heads side by side, x [heads · d], by one position's row of turns. */
void enc_rotary_turn(float *x, size_t heads, size_t d, const float *turns);

#endif
