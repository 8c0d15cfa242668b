/*
** bench_scan.c - one question against a million codes, beside a plain read of the same bytes.
**
**     bench_scan        a line of CSV (bench_scan.sh has its head) for each type of code on
**                       standard output, for the kernel in use (CONTEXTUAL_KERNEL)
**     bench_scan -k     the names of the kernels there are
**
** The codes lie in runs of RUN one behind the other, as an index keeps them. Some dozens of
** them reach the threshold. Read and scan alternate; the figures are medians of REPEATS.
*/
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "encoder.h"
#include "memory.h"
#include "ops.h"
#include "plain_read.h"
#include "timing.h"

enum { REPEATS = 9, ROWS = 1000000, LENGTH = 384, RUN = 1000 };

typedef struct codes {
    uint8_t *code;
    float *scale, *error;
    size_t size;
} codes;

static size_t scan_once(const enc_question *question, const codes *c, float threshold,
                        enc_candidate *out)
{
    size_t found = 0;
    for (size_t first = 0; first < ROWS; first += RUN) {
        const enc_codes run = {c->code + first * c->size, c->scale + first, c->error + first,
                               NULL, RUN};
        found += enc_question_scan(question, &run, threshold, out);
    }
    return found;
}

/* One that some dozens of rows reach, of those that scores are spread like. */
static float threshold_of(const enc_question *question, const codes *c, enc_candidate *out)
{
    const enc_codes run = {c->code, c->scale, c->error, NULL, RUN};
    const size_t found = enc_question_scan(question, &run, -INFINITY, out);
    double squares = 0;
    for (size_t i = 0; i < found; i++)
        squares += (double)out[i].score * (double)out[i].score;
    return (float)(4 * sqrt(squares / (double)found)) + out[0].reach;
}

static bool bench_type(enum enc_vector_type type, const char *name, codes *c, const float *q,
                       enc_candidate *out)
{
    enc_question *question;
    enc_error err = {0};
    if (enc_question_open(ENC_COSINE, type, q, LENGTH, &question, &err))
        return false;
    c->size = enc_code_size(type, LENGTH);
    const float length = type == ENC_BIT ? sqrtf(LENGTH) : 74 * sqrtf(LENGTH);
    for (size_t i = 0; i < ROWS; i++) {
        c->scale[i] = 1 / length;
        c->error[i] = 0.01f;
    }
    const size_t bytes = ROWS * c->size;
    const char *data = (const char *)c->code;
    reader *read = fastest_reader(data, bytes);
    const float threshold = threshold_of(question, c, out);
    double plain[REPEATS], seen[REPEATS], times[REPEATS];
    for (size_t i = 0; i < REPEATS; i++) {
        plain[i] = read_once(read, data, bytes);
        const int64_t start = nanoseconds();
        sink = scan_once(question, c, threshold, out);
        seen[i] = (double)bytes / (double)(nanoseconds() - start);
        times[i] = plain[i] / seen[i];
    }
    const double speed = median(seen, REPEATS);
    printf("%s,%s,%d,%d,%.1f,%.1f,%.2f,%.1f\n", enc_ops_get()->name, name, ROWS, LENGTH, speed,
           median(plain, REPEATS), median(times, REPEATS), (double)bytes / speed / 1e6);
    enc_question_close(question);
    return true;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "-k")) {
        printf("%s\n", enc_ops_names());
        return 0;
    }
    codes c = {enc_alloc((size_t)ROWS * LENGTH), ENC_ALLOC(float, ROWS), ENC_ALLOC(float, ROWS),
               0};
    enc_candidate *out = ENC_ALLOC(enc_candidate, RUN);
    float q[LENGTH];
    if (!c.code || !c.scale || !c.error || !out)
        return 1;
    fill_with_noise(q, LENGTH);
    uint64_t state = 1;
    for (size_t i = 0; i < (size_t)ROWS * LENGTH; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        c.code[i] = (uint8_t)(state >> 56);
    }
    const bool done = bench_type(ENC_INT8, "int8", &c, q, out) &&
                      bench_type(ENC_BIT, "bit", &c, q, out);
    enc_free(c.code);
    enc_free(c.scale);
    enc_free(c.error);
    enc_free(out);
    return !done;
}
