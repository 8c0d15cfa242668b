/*
** test_question.c - core/calls/question.c: a scan over codes misses nothing and shows little.
*/
#include <float.h>
#include <math.h>

#include "encoder.h"
#include "kernels.h"
#include "unit.h"

/* Codes of `count` vectors, one after the other. */
typedef struct run {
    size_t length, head, count;
    float *x; /* [count, length] */
    uint8_t *code, *rest;
    float *scale, *error, *coarse, *offset;
} run;

static bool run_open(run *r, size_t length, size_t count)
{
    *r = (run){.length = length, .count = count};
    r->x = ENC_ALLOC(float, length * count);
    r->code = ENC_ALLOC(uint8_t, (length + 128) * count);
    r->scale = ENC_ALLOC(float, 4 * count);
    if (!r->x || !r->code || !r->scale)
        return false;
    r->error = r->scale + count;
    r->coarse = r->error + count;
    r->offset = r->coarse + count;
    return true;
}

static void run_close(run *r)
{
    enc_free(r->x);
    enc_free(r->code);
    enc_free(r->scale);
}

/* The code of vector i, read back to `y` [length] if that is not NULL. */
static bool run_make_one(run *r, enum enc_metric metric, enum enc_vector_type type, size_t i,
                         bool alone, float *y)
{
    uint8_t *code = r->code + i * r->head, *rest = r->rest + i * r->head;
    enc_code_numbers n;
    if (!enc_code_make(metric, type, r->x + i * r->length, r->length, alone, code, rest, &n))
        return false;
    r->scale[i] = n.scale;
    r->error[i] = n.error;
    r->coarse[i] = n.coarse;
    r->offset[i] = n.offset;
    if (y)
        enc_code_read(type, code, rest, n.scale, r->length, y);
    return true;
}

static bool run_make_all(run *r, enum enc_metric metric, enum enc_vector_type type, bool alone)
{
    r->head = enc_code_head(type, r->length);
    r->rest = r->code + r->count * r->head;
    for (size_t i = 0; i < r->count; i++)
        if (!run_make_one(r, metric, type, i, alone, alone ? r->x + i * r->length : NULL))
            return false;
    return true;
}

static bool run_make(run *r, enum enc_metric metric, enum enc_vector_type type)
{
    return run_make_all(r, metric, type, false);
}

/* Codes that stand alone; x becomes what they stand for. */
static bool run_make_alone(run *r, enum enc_metric metric, enum enc_vector_type type)
{
    return run_make_all(r, metric, type, true);
}

static enc_codes run_codes(const run *r)
{
    return (enc_codes){r->code, r->rest, r->scale, r->error, r->coarse, r->offset, r->count, NULL};
}

/* As encoder.h defines a score. */
static double score_of(enum enc_metric metric, const float *q, const float *x, size_t length)
{
    double qx = 0, qq = 0, xx = 0;
    for (size_t i = 0; i < length; i++) {
        qx += (double)q[i] * (double)x[i];
        qq += (double)q[i] * (double)q[i];
        xx += (double)x[i] * (double)x[i];
    }
    return metric == ENC_COSINE ? qx / sqrt(qq * xx) : metric == ENC_DOT ? qx : qx - xx / 2;
}

/* Every score lies in its interval, and comes back for every threshold that it reaches. */
static void check_bounds(const run *r, enum enc_metric metric, enum enc_vector_type type,
                         const float *q)
{
    enc_question *question;
    enc_error err = {0};
    const enc_codes codes = run_codes(r);
    enc_candidate *found = ENC_ALLOC(enc_candidate, r->count);
    REQUIRE(found);
    REQUIRE(enc_question_open(metric, type, q, r->length, &question, &err) == ENC_OK);
    const size_t all = enc_question_scan(question, &codes, -INFINITY, found, NULL, NULL);
    for (size_t i = 0, next = 0; i < r->count; i++) {
        const double score = score_of(metric, q, r->x + i * r->length, r->length);
        if (isnan(score)) { /* no direction */
            CHECK(next == all || found[next].index > i);
            continue;
        }
        REQUIRE(next < all && found[next].index == i);
        const double near = (double)found[next].score, reach = (double)found[next].reach;
        CHECK(score >= near - reach && score <= near + reach);
        CHECK(found[next].score + found[next].reach >= score);
        next++;
    }
    for (int quarter = 1; quarter < 4 && all > 0; quarter++) {
        const size_t best = all * (size_t)quarter / 4;
        const float threshold = found[best].score;
        const size_t some = enc_question_scan(question, &codes, threshold, found, NULL, NULL);
        for (size_t i = 0, next = 0; i < r->count; i++) {
            const bool there = next < some && found[next].index == i;
            next += there;
            CHECK(there || !(score_of(metric, q, r->x + i * r->length, r->length) >=
                             (double)threshold));
        }
        enc_question_scan(question, &codes, -INFINITY, found, NULL, NULL);
    }
    enc_question_close(question);
    enc_free(found);
}

/* Vectors of numbers of every size, one-hot, constant, sparse, zero, and nearly the same. */
static void fill_adversarial(float *x, size_t length, int kind)
{
    static const float sizes[] = {1, 3e38f, 1e-30f, FLT_TRUE_MIN * 5, 1e19f, 1e-20f};
    const float size = sizes[kind % 6];
    for (size_t i = 0; i < length; i++)
        switch (kind / 6 % 7) {
        case 0: x[i] = noise() * size; break;
        case 1: x[i] = i == (size_t)kind % length ? size : 0; break;
        case 2: x[i] = -size; break;
        case 3: x[i] = size * (i == (size_t)kind % length ? 1 : noise() * 1e-4f); break;
        case 4: x[i] = size * (1 + noise() * 1e-6f) * (i % 2 ? 0.1f : -0.1f); break;
        case 5: x[i] = powf(10, noise() * 30) * (noise() < 0 ? -1.0f : 1.0f); break;
        default: x[i] = kind % 6 ? (noise() < 0 ? size : -size) : 0; break;
        }
}

enum { KINDS = 42 };

TEST("question: the score of every vector lies within the reach, whatever the numbers")
{
    static const size_t lengths[] = {1, 2, 7, 8, 63, 64, 65, 384, 1000};
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        run r;
        REQUIRE(run_open(&r, lengths[l], 3 * KINDS));
        float *q = noises(r.length);
        for (size_t i = 0; i < r.count; i++)
            fill_adversarial(r.x + i * r.length, r.length, (int)i);
        for (int metric = ENC_COSINE; metric <= ENC_L2; metric++)
            for (int type = ENC_INT8; type <= ENC_BIT; type++) {
                const enum enc_metric by = (enum enc_metric)metric;
                const enum enc_vector_type as = (enum enc_vector_type)type;
                REQUIRE(run_make(&r, by, as));
                for (int kind = 0; kind < KINDS; kind++) {
                    fill_adversarial(q, r.length, kind);
                    bool zero = true;
                    for (size_t i = 0; i < r.length; i++)
                        zero = zero && q[i] == 0;
                    if (!zero || by != ENC_COSINE)
                        check_bounds(&r, by, as, q);
                }
            }
        enc_free(q);
        run_close(&r);
    }
}

/* The part of its reach that a code needs. */
static double part_needed(const run *r, enum enc_metric metric, enum enc_vector_type type,
                          const float *q)
{
    enc_question *question;
    enc_error err = {0};
    enc_candidate found = {0, 0, 0};
    const enc_codes codes = run_codes(r);
    if (enc_question_open(metric, type, q, r->length, &question, &err))
        return NAN;
    const size_t count = enc_question_scan(question, &codes, -INFINITY, &found, NULL, NULL);
    enc_question_close(question);
    const double score = score_of(metric, q, r->x, r->length);
    return count == 1 ? fabs(score - (double)found.score) / (double)found.reach : NAN;
}

TEST("question: in the worst direction, that of x - x', a code needs nearly all of its reach")
{
    run r;
    float q[500], y[500];
    for (size_t length = 8; length <= 500; length += 7)
        for (int type = ENC_INT8; type <= ENC_BIT; type++)
            for (int metric = ENC_COSINE; metric <= ENC_L2; metric++)
                for (int sign = -1; sign <= 1; sign += 2) {
                    const enum enc_vector_type as = (enum enc_vector_type)type;
                    const enum enc_metric by = (enum enc_metric)metric;
                    double squares = 0;
                    REQUIRE(run_open(&r, length, 1));
                    for (size_t i = 0; i < length; i++) {
                        r.x[i] = noise();
                        squares += (double)r.x[i] * (double)r.x[i];
                    }
                    const double size = by == ENC_COSINE ? sqrt(squares) : 1;
                    REQUIRE(run_make(&r, by, as));
                    enc_code_read(as, r.code, r.rest, r.scale[0], length, y);
                    for (size_t i = 0; i < length; i++)
                        q[i] = (float)(sign * ((double)r.x[i] / size - (double)y[i]));
                    const double part = part_needed(&r, by, as, q);
                    CHECK(part <= 1);
                    CHECK(part > 0.9);
                    run_close(&r);
                }
}

TEST("question: what its planes leave of a question is within the reach of an exact code")
{
    enum { LENGTH = 384 };
    run r;
    float q[LENGTH];
    REQUIRE(run_open(&r, LENGTH, 1));
    for (int type = ENC_INT8; type <= ENC_BIT; type++)
        for (int round = 0; round < 50; round++) {
            float largest = 0;
            for (size_t i = 0; i < LENGTH; i++) {
                q[i] = noise();
                largest = fabsf(q[i]) > largest ? fabsf(q[i]) : largest;
            }
            const float step = nextafterf(largest / 32512, 1);
            for (size_t i = 0; i < LENGTH; i++) {
                const float level = q[i] / step;
                r.x[i] = level > rintf(level) ? 1 : -1;
            }
            REQUIRE(run_make(&r, ENC_DOT, (enum enc_vector_type)type));
            const double part = part_needed(&r, ENC_DOT, (enum enc_vector_type)type, q);
            CHECK(part <= 1 && part > 0.5);
        }
    run_close(&r);
}

TEST("question: scores of 65,536 dimensions lie within the reach")
{
    run r;
    REQUIRE(run_open(&r, 65536, 8));
    float *q = noises(r.length);
    for (size_t i = 0; i < r.count; i++)
        for (size_t j = 0; j < r.length; j++)
            r.x[i * r.length + j] = i % 2 ? noise() : q[j] + (float)i * 0.01f * noise();
    for (int type = ENC_INT8; type <= ENC_BIT; type++) {
        REQUIRE(run_make(&r, ENC_COSINE, (enum enc_vector_type)type));
        check_bounds(&r, ENC_COSINE, (enum enc_vector_type)type, q);
    }
    enc_free(q);
    run_close(&r);
}

TEST("question: among 20,000 vectors in clusters few can be among the nearest ten")
{
    enum { COUNT = 20000, LENGTH = 384, K = 10 };
    run r;
    REQUIRE(run_open(&r, LENGTH, COUNT));
    float *centre = noises(20 * LENGTH), q[LENGTH];
    for (size_t i = 0; i < COUNT * LENGTH; i++)
        r.x[i] = centre[i / LENGTH % 20 * LENGTH + i % LENGTH] + 0.7f * noise();
    for (size_t i = 0; i < LENGTH; i++)
        q[i] = centre[i] + 0.7f * noise();
    double best[K];
    for (int k = 0; k < K; k++)
        best[k] = -1;
    for (size_t i = 0; i < COUNT; i++) {
        double score = score_of(ENC_COSINE, q, r.x + i * LENGTH, LENGTH);
        for (int k = 0; k < K; k++)
            if (score > best[k]) {
                const double worse = best[k];
                best[k] = score;
                score = worse;
            }
    }
    enc_question *question;
    enc_error err = {0};
    enc_candidate *found = ENC_ALLOC(enc_candidate, COUNT);
    REQUIRE(found && run_make(&r, ENC_COSINE, ENC_INT8));
    REQUIRE(enc_question_open(ENC_COSINE, ENC_INT8, q, LENGTH, &question, &err) == ENC_OK);
    const enc_codes codes = run_codes(&r);
    size_t rests = 0;
    const size_t few = enc_question_scan(question, &codes, (float)best[K - 1], found, NULL,
                                         &rests);
    CHECK(few >= K && few <= 60);
    CHECK(rests >= few && rests < COUNT / 8);
    enc_doubts later = {ENC_ALLOC(enc_doubt, COUNT), 0, COUNT};
    REQUIRE(later.doubt);
    size_t now = 0, then = 0;
    const size_t sooner = enc_question_scan(question, &codes, (float)best[K - 1], found, &later,
                                            &now);
    enc_question_fetch(question, &codes, &later);
    const size_t rest = enc_question_settle(question, &codes, (float)best[K - 1],
                                            found + sooner, &later, &then);
    CHECK_INT(sooner + rest, few);
    CHECK(now + then == rests && then == later.count && sooner >= K - 1 && now <= rests / 2);
    enc_free(later.doubt);
    enc_question_close(question);
    enc_free(found);
    enc_free(centre);
    run_close(&r);
}

TEST("question: of codes that stand alone the scores are those of the vectors read from them")
{
    static const size_t lengths[] = {1, 7, 64, 100, 384};
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (int metric = ENC_COSINE; metric <= ENC_L2; metric++)
            for (int type = ENC_INT8; type <= ENC_BIT; type++) {
                const enum enc_metric by = (enum enc_metric)metric;
                const enum enc_vector_type as = (enum enc_vector_type)type;
                run r;
                REQUIRE(run_open(&r, lengths[l], 3 * KINDS));
                float *q = noises(r.length);
                for (size_t i = 0; i < r.count; i++)
                    fill_adversarial(r.x + i * r.length, r.length, (int)i);
                REQUIRE(run_make_alone(&r, by, as));
                check_bounds(&r, by, as, q);
                enc_free(q);
                run_close(&r);
            }
}

TEST("question: a code that stands alone needs no reach to speak of")
{
    enum { LENGTH = 384 };
    run r;
    float q[LENGTH];
    REQUIRE(run_open(&r, LENGTH, 1));
    for (int type = ENC_INT8; type <= ENC_BIT; type++) {
        enc_question *question;
        enc_error err = {0};
        enc_candidate found = {0, 0, 0};
        for (size_t i = 0; i < LENGTH; i++) {
            r.x[i] = noise();
            q[i] = noise();
        }
        const enum enc_vector_type as = (enum enc_vector_type)type;
        REQUIRE(run_make_alone(&r, ENC_COSINE, as));
        REQUIRE(enc_question_open(ENC_COSINE, as, q, LENGTH, &question, &err) == ENC_OK);
        const enc_codes codes = {r.code, r.rest, r.scale, NULL, r.coarse, NULL, 1, NULL};
        CHECK_INT(enc_question_scan(question, &codes, -INFINITY, &found, NULL, NULL), 1);
        CHECK(found.reach < 2e-4f);
        CHECK_NEAR(found.score, score_of(ENC_COSINE, q, r.x, LENGTH), (double)found.reach);
        enc_question_close(question);
    }
    run_close(&r);
}

static const char *refusal(enum enc_metric metric, enum enc_vector_type type, const float *q,
                           size_t length)
{
    static enc_error err;
    enc_question *question;
    err = (enc_error){0};
    CHECK_INT(enc_question_open(metric, type, q, length, &question, &err), ENC_INVALID);
    CHECK(!question);
    enc_question_close(question);
    return err.message;
}

TEST("question: what can't be asked is refused with a sentence")
{
    const float zero[2] = {0, 0}, bad[2] = {1, NAN}, good[2] = {1, 2};
    CHECK_STR(refusal(ENC_COSINE, ENC_INT8, zero, 2),
              "the question is the zero vector, which has no cosine");
    CHECK_STR(refusal(ENC_DOT, ENC_BIT, bad, 2), "element 1 of the question is not finite");
    CHECK_STR(refusal(ENC_L1, ENC_INT8, good, 2), "codes are scanned by cosine, dot or l2");
    CHECK_STR(refusal(ENC_DOT, ENC_FLOAT32, good, 2), "codes are of int8 or bit");
    CHECK_STR(refusal(ENC_DOT, ENC_INT8, good, 0),
              "the question has 0 dimensions, not 1 to 65536");
    CHECK_STR(refusal(ENC_DOT, ENC_INT8, good, 65537),
              "the question has 65537 dimensions, not 1 to 65536");
}
