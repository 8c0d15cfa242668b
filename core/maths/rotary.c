/* rotary.c - see rotary.h. */
#include "rotary.h"

#include <math.h>

/* Angles are rounded to float32 where the reference rounds them: far from the text's beginning
** a more exact angle would be another one. */
void enc_rotary_fill(float base, size_t positions, size_t d, float *turns)
{
    size_t pairs = d / 2;
    for (size_t i = 0; i < pairs; i++) {
        float frequency = 1.0f / powf(base, (float)(2 * i) / (float)d);
        for (size_t position = 0; position < positions; position++) {
            float angle = (float)position * frequency;
            turns[position * d + i] = cosf(angle);
            turns[position * d + pairs + i] = sinf(angle);
        }
    }
}

void enc_rotary_turn(float *x, size_t heads, size_t d, const float *turns)
{
    const size_t pairs = d / 2;
    const float *cosine = turns, *sine = turns + pairs;
    for (size_t head = 0; head < heads; head++) {
        float *low = x + head * d, *high = low + pairs;
        for (size_t i = 0; i < pairs; i++) {
            float a = low[i], b = high[i];
            low[i] = a * cosine[i] - b * sine[i];
            high[i] = b * cosine[i] + a * sine[i];
        }
    }
}
