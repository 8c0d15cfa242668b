/* relative.c - see relative.h. */
#include "relative.h"

#include <limits.h>
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

/* The nearest distance whose bucket, of those behind the query, is `bucket` or a later one. */
static int nearest(int bucket, int buckets, int reach)
{
    int low = 1, high = reach;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (enc_relative_bucket(middle, buckets, reach) - buckets / 2 < bucket)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* On either side one for each bucket but the first, whose distance 0 has a run of its own. */
size_t enc_relative_runs(int buckets)
{
    return 2 * ((size_t)buckets / 2 - 1) + 1;
}

void enc_relative_spread(const float *table, int heads, int buckets, int reach, float *bias,
                         int *end)
{
    const int half = buckets / 2, middle = half - 1; /* the run of distance 0 */
    const size_t runs = enc_relative_runs(buckets);
    for (int run = 0; run < (int)runs; run++) {
        int away = run < middle ? middle - run : run - middle;
        const float *row = table + (size_t)(run > middle ? half + away : away) * (size_t)heads;
        if (run == middle)
            end[run] = 1;
        else if (run < middle)
            end[run] = 1 - nearest(away, buckets, reach);
        else
            end[run] = away + 1 < half ? nearest(away + 1, buckets, reach) : INT_MAX;
        for (int head = 0; head < heads; head++)
            bias[(size_t)head * runs + (size_t)run] = row[head];
    }
}

/* The slopes of the nearest lower power of two n, 2^(-8/n), 2^(-16/n), ...; further heads take
** every other one of 2n's. */
void enc_relative_slopes(int heads, float *slope)
{
    int power = 1;
    while (power * 2 <= heads)
        power *= 2;
    for (int head = 0; head < heads; head++)
        slope[head] = head < power
                          ? (float)pow(2.0, -8.0 * (head + 1) / power)
                          : (float)pow(2.0, -4.0 * (2 * (head - power) + 1) / power);
}

/* The run that a distance belongs to. */
static size_t run_of(const enc_relative *relative, ptrdiff_t distance)
{
    size_t low = 0, high = relative->runs - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (relative->end[middle] <= distance)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void enc_relative_add(const enc_relative *relative, size_t head, ptrdiff_t first, float *x,
                      size_t count, float scale)
{
    if (relative->slope) {
        for (size_t i = 0; i < count; i++)
            x[i] = x[i] * scale -
                   relative->slope[head] * fabsf((float)((ptrdiff_t)i + first));
        return;
    }
    size_t run = run_of(relative, first);
    for (size_t i = 0; i < count; run++) {
        ptrdiff_t left = relative->end[run] - first;
        size_t end = left < (ptrdiff_t)count ? (size_t)left : count;
        float bias = relative->bias[head * relative->runs + run];
        for (; i < end; i++)
            x[i] = x[i] * scale + bias;
    }
}
