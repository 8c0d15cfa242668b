/* relative.c - see relative.h. */
#include "relative.h"

#include <math.h>
#include <stdlib.h>

/* In float32 as the reference, so that a distance on a border falls on the same side. */
int enc_relative_bucket(int distance, int buckets, int reach)
{
    int half = buckets / 2, exact = half / 2, away = abs(distance);
    int first = distance > 0 ? half : 0;
    if (away < exact)
        return first + away;
    float part = logf((float)away / (float)exact) /
                 (float)log((double)reach / (double)exact);
    int bucket = exact + (int)(part * (float)(half - exact));
    return first + (bucket < half ? bucket : half - 1);
}

void enc_relative_spread(const float *table, int heads, int buckets, int reach, float *bias)
{
    for (int head = 0; head < heads; head++)
        for (int distance = -reach; distance <= reach; distance++)
            *bias++ = table[enc_relative_bucket(distance, buckets, reach) * heads + head];
}

/* The slopes of the nearest lower power of two n, 2^(-8/n), 2^(-16/n), ...; further heads take
** every other one of 2n's. */
static float slope(int head, int heads)
{
    int power = 1;
    while (power * 2 <= heads)
        power *= 2;
    if (head < power)
        return (float)pow(2.0, -8.0 * (head + 1) / power);
    return (float)pow(2.0, -4.0 * (2 * (head - power) + 1) / power);
}

void enc_relative_fall(int heads, int reach, float *bias)
{
    for (int head = 0; head < heads; head++)
        for (int distance = -reach; distance <= reach; distance++)
            *bias++ = -slope(head, heads) * (float)abs(distance);
}

void enc_relative_add(const enc_relative *relative, size_t head, ptrdiff_t first,
                      const float *products, size_t count, float scale, float *scores)
{
    const ptrdiff_t reach = relative->reach;
    const float *bias = relative->bias + head * (size_t)(2 * reach + 1) + reach;
    for (size_t i = 0; i < count; i++) {
        ptrdiff_t distance = (ptrdiff_t)i + first;
        distance = distance < -reach ? -reach : distance > reach ? reach : distance;
        scores[i] = products[i] * scale + bias[distance];
    }
}
