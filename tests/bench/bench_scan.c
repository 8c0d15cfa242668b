/*
** bench_scan.c - one question against a million codes, beside a plain read of the same bytes.
**
**     bench_scan        lines of CSV (bench_scan.sh has their head) for each type of code on
**                       standard output, for the kernel in use (CONTEXTUAL_KERNEL)
**     bench_scan -k     the names of the kernels there are
**
** The codes lie in runs of RUN one behind the other, as an index keeps them. Some dozens of
** them reach the threshold. How many int8 codes are looked at as a whole depends on how far
** their heads are off: a few of them, 6 in a hundred, which vectors of noise come to, half and
** all. Read and scan alternate; the figures are medians of REPEATS.
*/
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "encoder.h"
#include "memory.h"
#include "ops.h"
#include "plain_read.h"
#include "timing.h"

enum { REPEATS = 9, ROWS = 1000000, LENGTH = 384, RUN = 672 };

typedef struct bench {
    uint8_t *code; /* [ROWS, LENGTH], in runs */
    float *scale, *error, *coarse;
    size_t size, head;
    enc_question *question;
    enc_candidate *out; /* [RUN] */
} bench;

/* A run as an index keeps it: heads, then rests. */
static enc_codes run_of(const bench *b, size_t first)
{
    const size_t count = ROWS - first < RUN ? ROWS - first : RUN;
    const uint8_t *code = b->code + first * b->size;
    const uint8_t *next = first + count < ROWS ? code + count * b->size : NULL;
    return (enc_codes){code, code + count * b->head, b->scale + first, b->error + first,
                       b->coarse + first, NULL, count, next};
}

static size_t scan_once(const bench *b, float threshold)
{
    size_t found = 0;
    for (size_t first = 0; first < ROWS; first += RUN) {
        const enc_codes run = run_of(b, first);
        found += enc_question_scan(b->question, &run, threshold, b->out, NULL, NULL);
    }
    return found;
}

/* How far the scores of codes are spread. */
static float spread_of(const bench *b)
{
    const enc_codes run = run_of(b, 0);
    const size_t found = enc_question_scan(b->question, &run, -INFINITY, b->out, NULL, NULL);
    double squares = 0;
    for (size_t i = 0; i < found; i++)
        squares += (double)b->out[i].score * (double)b->out[i].score;
    return (float)sqrt(squares / (double)found);
}

/* `off`: how many spreads of scores heads are off; `bytes`: what is read of each code. */
static void bench_once(bench *b, const char *name, float off, size_t bytes)
{
    const float spread = spread_of(b), threshold = 4 * spread + b->error[0];
    for (size_t i = 0; i < ROWS; i++)
        b->coarse[i] = off * spread + b->error[0];
    const size_t all = ROWS * bytes;
    const char *data = (const char *)b->code;
    reader *read = fastest_reader(data, all);
    double plain[REPEATS], seen[REPEATS], times[REPEATS];
    for (size_t i = 0; i < REPEATS; i++) {
        plain[i] = read_once(read, data, all);
        const int64_t start = nanoseconds();
        sink = scan_once(b, threshold);
        seen[i] = (double)all / (double)(nanoseconds() - start);
        times[i] = plain[i] / seen[i];
    }
    const double speed = median(seen, REPEATS);
    printf("%s,%s,%d,%d,%.1f,%.1f,%.2f,%.1f\n", enc_ops_get()->name, name, ROWS, LENGTH, speed,
           median(plain, REPEATS), median(times, REPEATS), (double)all / speed / 1e6);
}

static bool bench_type(bench *b, enum enc_vector_type type, const float *q)
{
    enc_error err = {0};
    if (enc_question_open(ENC_COSINE, type, q, LENGTH, &b->question, &err))
        return false;
    b->size = enc_code_size(type, LENGTH);
    b->head = enc_code_head(type, LENGTH);
    const float length = type == ENC_BIT ? sqrtf(LENGTH) : 74 * sqrtf(LENGTH);
    for (size_t i = 0; i < ROWS; i++) {
        b->scale[i] = 1 / length;
        b->error[i] = 0.01f;
    }
    if (type == ENC_BIT) {
        bench_once(b, "bit", 0, b->size);
    } else {
        bench_once(b, "int8: heads", 0, b->head);
        bench_once(b, "int8: 6 % of the rests", 2.45f, b->head);
        bench_once(b, "int8: half of the rests", 4, b->size);
        bench_once(b, "int8: all", 9, b->size);
    }
    enc_question_close(b->question);
    return true;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "-k")) {
        printf("%s\n", enc_ops_names());
        return 0;
    }
    bench b = {.code = enc_alloc((size_t)ROWS * LENGTH), .scale = ENC_ALLOC(float, ROWS),
               .error = ENC_ALLOC(float, ROWS), .coarse = ENC_ALLOC(float, ROWS),
               .out = ENC_ALLOC(enc_candidate, RUN)};
    float q[LENGTH];
    if (!b.code || !b.scale || !b.error || !b.coarse || !b.out)
        return 1;
    fill_with_noise(q, LENGTH);
    uint64_t state = 1;
    for (size_t i = 0; i < (size_t)ROWS * LENGTH; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        b.code[i] = (uint8_t)(state >> 56);
    }
    const bool done = bench_type(&b, ENC_INT8, q) && bench_type(&b, ENC_BIT, q);
    enc_free(b.code);
    enc_free(b.scale);
    enc_free(b.error);
    enc_free(b.coarse);
    enc_free(b.out);
    return !done;
}
