/*
** test_kernel_scan.c - scans over codes on every kernel: the same candidates, bit for bit.
*/
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "unit.h"

enum { MAX_COUNT = 200, MAX_SIZE = 1024 };

static uint8_t any_byte(void) { return (uint8_t)(int)(noise() * 127.9f + 128); }

/* A question of noise, or of the largest numbers there are: of n elements in each of `halves`. */
static void fill_planes(enc_planes *planes, int8_t *plane, size_t n, size_t halves, bool largest)
{
    const size_t half = (n + 63) / 64 * 64, size = halves * half;
    *planes = (enc_planes){.high = plane, .low = plane + MAX_SIZE, .size = size, .high_step = 256 * 0.001f,
                           .low_step = 0.001f, .by_error = 1.5f, .by_scale = 1e-6f,
                           .by_scale_coarse = 1e-5f,
                           .always = 1e-7f};
    memset(plane, 0, 2 * MAX_SIZE);
    for (size_t i = 0; i < size; i++) {
        if (i % half >= n)
            continue;
        plane[i] = largest ? 127 : (int8_t)(noise() * 127);
        plane[MAX_SIZE + i] = largest ? -128 : (int8_t)(noise() * 128);
        planes->high_sum += plane[i];
        planes->low_sum += plane[MAX_SIZE + i];
    }
}

static bool same_candidates(const enc_candidate *a, const enc_candidate *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (a[i].index != b[i].index || memcmp(&a[i].score, &b[i].score, sizeof a[i].score) ||
            memcmp(&a[i].reach, &b[i].reach, sizeof a[i].reach))
            return false;
    return true;
}

/* Whether what can wait and then is settled gives what all at once gives, `want`, and on every
** kernel the same doubts, where there is room for `room` of them. */
static void compare_put_off(const enc_ops *ops, const enc_planes *planes, const enc_codes *codes,
                            size_t size, float threshold, const enc_candidate *want,
                            size_t wanted, size_t room)
{
    enc_doubt doubt[2][MAX_COUNT];
    enc_doubts later = {doubt[0], 0, room}, later_plain = {doubt[1], 0, room};
    enc_candidate now[MAX_COUNT], then[MAX_COUNT], plain[MAX_COUNT];
    size_t read = 0, read_plain = 0;
    const enc_ops *portable = enc_ops_find("portable");
    memset(doubt, 0, sizeof doubt);
    const size_t some = ops->scan[ENC_INT8](planes, codes, size, threshold, now, &later, &read);
    CHECK_INT(some, portable->scan[ENC_INT8](planes, codes, size, threshold, plain, &later_plain,
                                             &read_plain));
    CHECK_INT(read, read_plain);
    CHECK(same_candidates(now, plain, some));
    REQUIRE(later.count == later_plain.count && later.count <= room);
    CHECK(!memcmp(doubt[0], doubt[1], later.count * sizeof *doubt[0]));
    const size_t more = ops->scan[ENC_SETTLE](planes, codes, size, threshold, then, &later, &read);
    CHECK_INT(read, read_plain + later.count);
    REQUIRE(some + more == wanted);
    for (size_t i = 0, a = 0, b = 0; i < wanted; i++)
        CHECK(same_candidates(&want[i], b == more || (a < some && now[a].index < then[b].index)
                                            ? &now[a++] : &then[b++], 1));
    CHECK_INT(ops->scan[ENC_SETTLE](planes, codes, size, INFINITY, then, &later, &read), 0);
    CHECK_INT(read, read_plain + later.count);
}

/* Codes of the right size alone, so that the address sanitizer sees a byte too much. */
static void compare_with_portable(const enc_ops *ops, enum enc_vector_type type, size_t n,
                                  size_t count, float threshold)
{
    static int8_t plane[2 * MAX_SIZE] __attribute__((aligned(64)));
    enc_planes planes;
    fill_planes(&planes, plane, n, type == ENC_BIT ? 1 : 2, n % 7 == 3);
    const size_t size = type == ENC_BIT ? ((n + 7) / 8 + 63) / 64 * 64 : (n + 31) / 32 * 32;
    const size_t shift = n % 4;
    uint8_t *code = malloc(count * size + shift), *rest = malloc(count * size + shift);
    float scale[MAX_COUNT], error[MAX_COUNT], coarse[MAX_COUNT], offset[MAX_COUNT];
    enc_candidate got[MAX_COUNT], want[MAX_COUNT];
    REQUIRE(code && rest);
    for (size_t i = 0; i < count * size; i++) {
        code[shift + i] = n % 7 == 3 ? 255 : any_byte();
        rest[shift + i] = n % 7 == 3 ? 255 : any_byte();
    }
    for (size_t i = 0; i < count; i++) {
        scale[i] = 0.001f * (2 + noise());
        error[i] = 0.01f * (2 + noise());
        coarse[i] = error[i] * (float)(n % 5);
        offset[i] = noise();
    }
    const enc_codes codes = {code + shift, rest + shift, scale, count % 3 ? error : NULL,
                             coarse, count % 2 ? offset : NULL, count, NULL};
    const enc_ops *plain = enc_ops_find("portable");
    size_t read = 0, read_plain = 0;
    const size_t found = ops->scan[type](&planes, &codes, size, threshold, got, NULL, &read);
    CHECK_INT(found, plain->scan[type](&planes, &codes, size, threshold, want, NULL, &read_plain));
    CHECK_INT(read, read_plain);
    CHECK(read <= count);
    CHECK(same_candidates(got, want, found));
    CHECK(threshold > -FLT_MAX || found == count);
    for (size_t room = 0; type == ENC_INT8 && room <= MAX_COUNT; room += MAX_COUNT / 2)
        compare_put_off(ops, &planes, &codes, size, threshold, want, found, room);
    free(code);
    free(rest);
}

TEST("kernel: a scan gives the same candidates on every kernel, of any length and number")
{
    static const float thresholds[] = {-INFINITY, -1, 0, 1, 30, INFINITY};
    FOR_KERNELS(ops)
        for (size_t n = 1; n <= 400; n += n < 140 ? 1 : 13)
            for (size_t t = 0; t < sizeof thresholds / sizeof *thresholds; t++) {
                const size_t count = (n * 31 + t) % MAX_COUNT;
                compare_with_portable(ops, ENC_INT8, n, count, thresholds[t]);
                compare_with_portable(ops, ENC_BIT, n, count, thresholds[t]);
            }
}

TEST("kernel: a scan sums 65,536 products of the largest size exactly")
{
    enum { N = 65536 };
    int8_t *plane = ENC_ALLOC(int8_t, N);
    uint8_t *code = ENC_ALLOC(uint8_t, N);
    REQUIRE(plane && code);
    const float scale = 1;
    FOR_KERNELS(ops)
        for (int sign = -1; sign <= 1; sign += 2)
            for (int byte = 0; byte < 256; byte += 255) {
                const float coarse = 1;
                memset(plane, sign < 0 ? -128 : 127, N);
                memset(code, byte, N);
                const int32_t q = sign < 0 ? -128 : 127, sum = q * N;
                const enc_planes planes = {.high = plane, .low = plane, .size = N,
                                           .high_sum = sum, .low_sum = sum, .high_step = 1};
                const enc_codes codes = {code, code, &scale, NULL, &coarse, NULL, 1, NULL};
                enc_candidate one = {0, 0, 0};
                CHECK_INT(ops->scan[ENC_INT8](&planes, &codes, N / 2, -INFINITY, &one, NULL, &(size_t){0}), 1);
                CHECK(one.score == (float)((byte - 128) * sum));
                CHECK_INT(ops->scan[ENC_BIT](&planes, &codes, N / 8, -INFINITY, &one, NULL, &(size_t){0}), 1);
                CHECK(one.score == (float)(byte ? sum : -sum));
            }
    enc_free(plane);
    enc_free(code);
}

TEST("kernel: a scan passes by what matches nothing, and keeps what it can't judge")
{
    static int8_t plane[2 * MAX_SIZE] __attribute__((aligned(64)));
    enc_planes planes;
    fill_planes(&planes, plane, 10, 2, false);
    uint8_t code[64 * 5];
    memset(code, 200, sizeof code);
    const float scale[] = {1, 0, NAN, FLT_MAX, 1}, error[] = {0, 0, 0, 0, INFINITY};
    const float coarse[] = {0, 0, 0, 0, INFINITY};
    const float offset[] = {0, -INFINITY, 0, 0, 0};
    const enc_codes codes = {code, code, scale, error, coarse, offset, 5, NULL};
    FOR_KERNELS(ops) {
        enc_candidate got[5];
        const size_t found = ops->scan[ENC_INT8](&planes, &codes, 32, 1e30f, got, NULL, &(size_t){0});
        CHECK(found >= 2 && found <= 3); /* the largest may be a very small number */
        CHECK(got[0].index == 2 && got[found - 1].index == 4);
        for (size_t i = 0; i < found; i++)
            CHECK(got[i].index >= 2 && isfinite(got[i].score) && !isnan(got[i].reach));
        CHECK(isinf(got[0].reach) && isinf(got[found - 1].reach));
        CHECK_INT(ops->scan[ENC_INT8](&planes, &codes, 32, -INFINITY, got, NULL, &(size_t){0}), 4);
    }
}
