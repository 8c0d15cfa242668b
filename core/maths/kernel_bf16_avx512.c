/*
** kernel_bf16_avx512.c - products of bf16 by the processor's own instruction, compiled with
** -mavx512bf16 besides what kernel_avx512.c has; nothing here may run before ops.c has asked the
** processor.
**
** Rows become bf16 too. VDPBF16PS adds the products of two depths to a sum in float32 at once:
** it rounds to nearest even whatever the mode, takes denormal operands and results for zero, and
** leaves to the processor's maker whether the sum of the two is rounded on its way. So bits are
** those of this processor, and the same for a row whatever stands beside it.
*/
#include "kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "kernel_bf16_pack.inc"

enum { WIDTH = 16, TILE_ROWS = 12, CACHE_LINE = 64 };

/* ---- Rows ---- */

static size_t bf16_prepared_size(size_t k)
{
    return (k + 31) / 32 * CACHE_LINE;
}

static __m512 load_part(const float *x, size_t left)
{
    if (left >= WIDTH)
        return _mm512_loadu_ps(x);
    return _mm512_maskz_loadu_ps((__mmask16)((1u << left) - 1), x);
}

/* Zeros stand beyond k. */
static void bf16_prepare(const float *x, size_t ldx, size_t rows, size_t k, void *prepared)
{
    char *to = prepared;
    for (size_t row = 0; row < rows; row++, x += ldx)
        for (size_t j = 0; j < k; j += 32, to += CACHE_LINE) {
            __m512 low = load_part(x + j, k - j);
            __m512 high = k - j > WIDTH ? load_part(x + j + WIDTH, k - j - WIDTH)
                                        : _mm512_setzero_ps();
            _mm512_store_si512((void *)to, (__m512i)_mm512_cvtne2ps_pbh(high, low));
        }
}

/* ---- Product ---- */

/* Memory that will be wanted soon: see kernel_body.inc. */
typedef struct ahead {
    uintptr_t address;
    size_t step; /* bytes per pair of depths */
} ahead;

static ALWAYS_INLINE __mmask16 lanes(size_t columns, size_t v)
{
    size_t left = columns > v * WIDTH ? columns - v * WIDTH : 0;
    return left < WIDTH ? (__mmask16)((1u << left) - 1) : (__mmask16)0xffff;
}

/* y [rows, columns] = bias + x [rows, 2·pairs] times one panel, in registers. */
static ALWAYS_INLINE void tile(const size_t rows, const char *x, size_t ldx, const char *panel,
                               size_t pairs, const float *bias, float *y, size_t ldy,
                               size_t columns, ahead next)
{
    __m512 sum[TILE_ROWS][2];
    UNROLL
    for (size_t v = 0; v < 2; v++) {
        __m512 first = _mm512_setzero_ps();
        if (bias)
            first = _mm512_maskz_loadu_ps(lanes(columns, v), bias + v * WIDTH);
        UNROLL
        for (size_t r = 0; r < rows; r++)
            sum[r][v] = first;
    }
    for (size_t j = 0; j < pairs; j++, panel += BF16_PAIR_BYTES, next.address += next.step) {
        UNROLL
        for (size_t line = 0; line < BF16_PAIR_BYTES; line += CACHE_LINE)
            __builtin_prefetch((const void *)(next.address + line), 0, 2);
        const __m512bh low = (__m512bh)_mm512_loadu_si512((const void *)panel);
        const __m512bh high = (__m512bh)_mm512_loadu_si512((const void *)(panel + CACHE_LINE));
        UNROLL
        for (size_t r = 0; r < rows; r++) {
            int32_t pair;
            memcpy(&pair, x + r * ldx + j * sizeof pair, sizeof pair);
            const __m512bh a = (__m512bh)_mm512_set1_epi32(pair);
            sum[r][0] = _mm512_dpbf16_ps(sum[r][0], low, a);
            sum[r][1] = _mm512_dpbf16_ps(sum[r][1], high, a);
        }
    }
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        float *to = y + r * ldy;
        if (columns == BF16_PANEL) {
            _mm512_storeu_ps(to, sum[r][0]);
            _mm512_storeu_ps(to + WIDTH, sum[r][1]);
        } else {
            _mm512_mask_storeu_ps(to, lanes(columns, 0), sum[r][0]);
            if (columns > WIDTH)
                _mm512_mask_storeu_ps(to + WIDTH, lanes(columns, 1), sum[r][1]);
        }
    }
}

#define TILE_CASE(r)                                                  \
    case r:                                                           \
        tile(r, x, ldx, panel, pairs, bias, y, ldy, columns, next);   \
        break;

/* All rows against one panel, in tiles of nearly equal height; what is fetched ahead as in
** kernel_body.inc. */
static void panel_product(size_t rows, const char *x, size_t ldx, const char *panel,
                          size_t pairs, const float *bias, float *y, size_t ldy, size_t columns)
{
    enum { FEW_ROWS_AHEAD = 8192 };
    size_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
    ahead next = {(uintptr_t)panel + FEW_ROWS_AHEAD, BF16_PAIR_BYTES};
    if (tiles > 1)
        next = (ahead){(uintptr_t)panel + pairs * BF16_PAIR_BYTES, BF16_PAIR_BYTES / 2};
    for (size_t done = 0; done < tiles; done++) {
        size_t height = (rows + tiles - done - 1) / (tiles - done);
        if (done == 1)
            next.address += pairs * next.step;
        else if (done == 2)
            next.step = 0;
        switch (height) {
            TILE_CASE(1)
            TILE_CASE(2)
            TILE_CASE(3)
            TILE_CASE(4)
            TILE_CASE(5)
            TILE_CASE(6)
            TILE_CASE(7)
            TILE_CASE(8)
            TILE_CASE(9)
            TILE_CASE(10)
            TILE_CASE(11)
            TILE_CASE(12)
        }
        rows -= height;
        x += height * ldx;
        y += height * ldy;
    }
}

static void bf16_multiply(const void *x, size_t ldx, size_t rows, const void *packed, size_t n,
                          size_t k, const enc_epilogue *epilogue, float *y, size_t ldy)
{
    const enc_ops *ops = &enc_ops_avx512;
    const float *bias = epilogue->bias, *residual = epilogue->residual;
    const size_t pairs = (k + 1) / 2;
    for (size_t first = 0; first < n; first += BF16_PANEL) {
        size_t columns = n - first < BF16_PANEL ? n - first : BF16_PANEL;
        panel_product(rows, x, ldx, (const char *)packed + bf16_packed_size(first, k), pairs,
                      bias ? bias + first : NULL, y + first, ldy, columns);
        if (epilogue->activation)
            ops->activate_rows[epilogue->activation](y + first, ldy, rows, columns);
        for (size_t row = 0; residual && row < rows; row++)
            ops->add(residual + first + row * epilogue->ld_residual, y + first + row * ldy,
                     columns);
    }
}

const enc_product enc_bf16_avx512 = {
    .layout = "bf16x32",
    .packed_size = bf16_packed_size,
    .pack = bf16_pack,
    .unpack = bf16_unpack,
    .prepared_size = bf16_prepared_size,
    .prepare = bf16_prepare,
    .multiply = bf16_multiply,
};

#endif
