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

void enc_relative_add(const enc_relative *relative, size_t head, size_t from,
                      const float *products, size_t rows, float scale, float *scores)
{
    const ptrdiff_t reach = relative->reach;
    const float *bias = relative->bias + head * (size_t)(2 * reach + 1) + reach;
    for (size_t i = 0; i < rows; i++) {
        ptrdiff_t distance = (ptrdiff_t)i - (ptrdiff_t)from;
        distance = distance < -reach ? -reach : distance > reach ? reach : distance;
        scores[i] = products[i] * scale + bias[distance];
    }
}
