/*
** question.c - a question made ready for scans over codes (encoder.h).
**
** The question q (scaled to length 1 for ENC_COSINE) becomes q^ = step * (256 high + low), 15
** bits and a sign in two planes of int8, and r = q - q^. With a code's x', |x - x'| <= error:
**
**   q.x - q^.x' = q.(x - x') + r.x',   at most |q| error + |r| |x'|,
**
** and |x'| is known from the code's scale. The score of x' is summed exactly in integers and
** then rounded seven times in float32 (u = 2^-24 each), relative to |256 step high| |x'| +
** |step low| |x'|; x' itself, as it is read, and its length are rounded, too. A score computed
** in double is off by less than u |q| |x| for all lengths allowed. The same holds of x", what
** the head of an int8 code says, and of `coarse`; its length is not 1, but no number of it is
** larger than 120 times the scale.
*/
#include <float.h>
#include <math.h>

#include "encoder.h"
#include "error.h"
#include "memory.h"
#include "ops.h"

enum { MAX_LENGTH = 65536, LINE = 64, LARGEST = 127 * 256 };

#define ROUNDING 0x1p-24
#define ROUNDINGS (12 * ROUNDING)
/* For those of the reach itself, and of doubles. */
#define SLACK (1 + 0x1p-20)
/* Where numbers are so small that float32 has fewer bits for them, or none. */
#define VANISHING ((double)FLT_MIN)

struct enc_question {
    enc_planes planes;
    enc_scan *scan, *settle;
    size_t head;   /* bytes of a code's head */
    size_t turn;   /* the element that the second half of a plane begins with */
    int8_t *plane; /* [2, planes.size] */
};

static float rounded_up(double x)
{
    if (!(x <= (double)FLT_MAX))
        return INFINITY;
    const float to = (float)x;
    return (double)to < x ? nextafterf(to, INFINITY) : to;
}

static size_t whole_lines(size_t size) { return (size + LINE - 1) / LINE * LINE; }

/* Lengths of vectors, squared. */
typedef struct lengths {
    double q, rest, high, low;
} lengths;

/* Fills the planes with by * q. */
static lengths fill_planes(enc_question *to, const float *q, double by, size_t length)
{
    enc_planes *planes = &to->planes;
    int8_t *high = to->plane, *low = to->plane + planes->size;
    const double step = (double)planes->low_step;
    lengths sum = {0, 0, 0, 0};
    for (size_t i = 0; i < length; i++) {
        const size_t at = i < to->turn ? i : i - to->turn + planes->size / 2;
        const double x = by * (double)q[i];
        const int32_t number = (int32_t)lrint(x / step);
        low[at] = (int8_t)(((number + 128) & 255) - 128);
        high[at] = (int8_t)((number - low[at]) / 256);
        planes->high_sum += high[at];
        planes->low_sum += low[at];
        const double rest = x - step * number;
        sum.q += x * x;
        sum.rest += rest * rest;
        sum.high += (double)(high[at] * high[at]);
        sum.low += (double)(low[at] * low[at]);
    }
    return sum;
}

/* How far off a score may be. */
static void bound(enc_planes *planes, lengths sum, enum enc_metric metric,
                  enum enc_vector_type type, size_t length)
{
    const double q = sqrt(sum.q);
    const double sums = (double)planes->high_step * sqrt(sum.high) +
                        (double)planes->low_step * sqrt(sum.low);
    const double of_length = sqrt(sum.rest) + ROUNDINGS * sums + ROUNDING * q;
    const double by_numbers = of_length * 128 * sqrt((double)length);
    double always = 8 * VANISHING, by_scale = 4 * VANISHING;
    planes->by_scale_coarse = rounded_up((by_scale + by_numbers) * SLACK);
    if (type == ENC_BIT)
        by_scale += of_length * sqrt((double)length);
    else if (metric == ENC_COSINE)
        always += of_length; /* x' has length 1 */
    else
        by_scale += by_numbers;
    planes->by_error = rounded_up(q * (1 + ROUNDING) * SLACK + VANISHING);
    planes->by_scale = rounded_up(by_scale * SLACK);
    planes->always = rounded_up(always * SLACK);
}

static int check(enum enc_metric metric, enum enc_vector_type type, const float *q,
                 size_t length, enc_error *err)
{
    if (metric != ENC_COSINE && metric != ENC_DOT && metric != ENC_L2)
        return enc_fail(err, ENC_INVALID, "codes are scanned by cosine, dot or l2");
    if (type != ENC_INT8 && type != ENC_BIT)
        return enc_fail(err, ENC_INVALID, "codes are of int8 or bit");
    if (length == 0 || length > MAX_LENGTH)
        return enc_fail(err, ENC_INVALID, "the question has %zu dimensions, not 1 to %d",
                        length, MAX_LENGTH);
    const ptrdiff_t bad = enc_vector_not_finite(q, length);
    if (bad >= 0)
        return enc_fail(err, ENC_INVALID, "element %td of the question is not finite", bad);
    return ENC_OK;
}

int enc_question_open(enum enc_metric metric, enum enc_vector_type type, const float *q,
                      size_t length, enc_question **out, enc_error *err)
{
    int code = check(metric, type, q, length, err);
    *out = NULL;
    if (code)
        return code;
    double largest = 0, squares = 0;
    for (size_t i = 0; i < length; i++) {
        const double size = fabs((double)q[i]);
        largest = size > largest ? size : largest;
        squares += size * size;
    }
    if (metric == ENC_COSINE && largest == 0)
        return enc_fail(err, ENC_INVALID,
                        "the question is the zero vector, which has no cosine");
    enc_question *to = ENC_ZALLOC(enc_question, 1);
    if (!to)
        return enc_nomem(err);
    to->head = enc_code_head(type, length);
    to->turn = type == ENC_INT8 ? to->head : length;
    const size_t size = type == ENC_INT8 ? 2 * whole_lines(to->head) : whole_lines(length);
    to->plane = ENC_ZALLOC(int8_t, 2 * size);
    if (!to->plane) {
        enc_question_close(to);
        return enc_nomem(err);
    }
    const double by = metric == ENC_COSINE ? 1 / sqrt(squares) : 1;
    const float step = rounded_up(by * largest / LARGEST);
    to->planes.size = size;
    to->planes.high = to->plane;
    to->planes.low = to->plane + size;
    to->planes.low_step = step < FLT_MIN ? FLT_MIN : step;
    to->planes.high_step = 256 * to->planes.low_step;
    bound(&to->planes, fill_planes(to, q, by, length), metric, type, length);
    to->scan = enc_ops_get()->scan[type];
    to->settle = enc_ops_get()->scan[ENC_SETTLE];
    *out = to;
    return ENC_OK;
}

void enc_question_close(enc_question *question)
{
    if (!question)
        return;
    enc_free(question->plane);
    enc_free(question);
}

size_t enc_question_scan(const enc_question *question, const enc_codes *codes, float threshold,
                         enc_candidate *out, enc_doubts *later, size_t *rests)
{
    size_t nobody = 0;
    return question->scan(&question->planes, codes, question->head, threshold, out, later,
                          rests ? rests : &nobody);
}

size_t enc_question_settle(const enc_question *question, const enc_codes *codes,
                           float threshold, enc_candidate *out, const enc_doubts *doubts,
                           size_t *rests)
{
    size_t nobody = 0;
    enc_doubts given = *doubts;
    return question->settle(&question->planes, codes, question->head, threshold, out, &given,
                            rests ? rests : &nobody);
}

void enc_question_fetch(const enc_question *question, const enc_codes *codes,
                        const enc_doubts *doubts)
{
    for (size_t i = 0; i < doubts->count; i++) {
        const enc_doubt *doubt = &doubts->doubt[i];
        const uint8_t *rest = codes->rest + doubt->index * question->head;
        for (size_t at = 0; at < question->head; at += LINE)
            __builtin_prefetch(rest + at, 0, 2);
        __builtin_prefetch(rest + question->head - 1, 0, 2);
        __builtin_prefetch(codes->scale + doubt->index);
        if (codes->error)
            __builtin_prefetch(codes->error + doubt->index);
        if (codes->offset)
            __builtin_prefetch(codes->offset + doubt->index);
    }
}
