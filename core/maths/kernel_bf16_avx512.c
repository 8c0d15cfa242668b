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
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernel_bf16_pack.inc"

enum { WIDTH = 16, TILE_ROWS = 12, CACHE_LINE = 64 };

static ALWAYS_INLINE __mmask16 first_lanes(size_t count)
{
    return count < WIDTH ? (__mmask16)((1u << count) - 1) : (__mmask16)0xffff;
}

static ALWAYS_INLINE __m512 load_part(const float *x, size_t left)
{
    return _mm512_maskz_loadu_ps(first_lanes(left), x);
}

/* ---- Packing: as bf16_pack(), which says what comes out ---- */

/* bf16 in the upper halves, as bf16_of() does it. */
static ALWAYS_INLINE __m512i rounded(__m512 x)
{
    const __m512i bits = _mm512_castps_si512(x);
    const __m512i even = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i up = _mm512_add_epi32(_mm512_add_epi32(bits, even),
                                        _mm512_set1_epi32(0x7fff));
    return _mm512_mask_or_epi32(up, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), bits,
                                _mm512_set1_epi32(0x400000));
}

/* Row i becomes column i, 16 x 16. */
static ALWAYS_INLINE void transpose(__m512i x[WIDTH])
{
    __m512i t[WIDTH];
    UNROLL
    for (size_t i = 0; i < WIDTH; i += 2) {
        t[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
    }
    UNROLL
    for (size_t i = 0; i < WIDTH; i += 4) {
        x[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        x[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        x[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        x[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    UNROLL
    for (size_t i = 0; i < 4; i++) {
        const __m512i a = _mm512_shuffle_i32x4(x[i], x[i + 4], 0x88);
        const __m512i b = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0x88);
        const __m512i c = _mm512_shuffle_i32x4(x[i], x[i + 4], 0xdd);
        const __m512i d = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0xdd);
        t[i] = _mm512_shuffle_i32x4(a, b, 0x88);
        t[i + 8] = _mm512_shuffle_i32x4(a, b, 0xdd);
        t[i + 4] = _mm512_shuffle_i32x4(c, d, 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(c, d, 0xdd);
    }
    UNROLL
    for (size_t i = 0; i < WIDTH; i++)
        x[i] = t[i];
}

/* Half a panel, 16 columns, whose depths run along the source's rows: 32 depths at a time. */
static void pack_transposed(const float *source, size_t columns, size_t k,
                            size_t column_stride, char *half)
{
    static const uint16_t upper[32] = {1,  3,  5,  7,  9,  11, 13, 15, 17, 19, 21,
                                       23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43,
                                       45, 47, 49, 51, 53, 55, 57, 59, 61, 63};
    const __m512i halves = _mm512_loadu_si512(upper);
    for (size_t j = 0; j < k; j += 2 * WIDTH) {
        __m512i word[WIDTH]; /* pairs of one column each */
        UNROLL
        for (size_t i = 0; i < WIDTH; i++) {
            const float *from = source + (i < columns ? i : 0) * column_stride + j;
            const size_t left = i < columns ? k - j : 0;
            const __m512 low = load_part(from, left);
            const __m512 high = left > WIDTH ? load_part(from + WIDTH, left - WIDTH)
                                             : _mm512_setzero_ps();
            word[i] = _mm512_permutex2var_epi16(rounded(low), halves, rounded(high));
        }
        transpose(word);
        UNROLL
        for (size_t i = 0; i < WIDTH; i++, half += BF16_PAIR_BYTES)
            if (j + 2 * i < k)
                _mm512_storeu_si512((void *)half, word[i]);
    }
}

/* Half a panel whose columns run along the source's rows. */
static void pack_rows(const float *source, size_t columns, size_t k, size_t depth_stride,
                      char *half)
{
    for (size_t j = 0; j < k; j += 2, source += 2 * depth_stride, half += BF16_PAIR_BYTES) {
        const __m512i even = rounded(load_part(source, columns));
        __m512i odd = _mm512_setzero_si512();
        if (j + 1 < k)
            odd = rounded(load_part(source + depth_stride, columns));
        const __m512i pair = _mm512_mask_mov_epi16(_mm512_srli_epi32(even, 16), 0xaaaaaaaa,
                                                   odd);
        _mm512_storeu_si512((void *)half, pair);
    }
}

static void pack_halves(const float *source, size_t n, size_t k, size_t column_stride,
                        size_t depth_stride, void *packed)
{
    if (depth_stride != 1 && column_stride != 1) {
        bf16_pack(source, n, k, column_stride, depth_stride, packed);
        return;
    }
    for (size_t first = 0; first < (n + BF16_PANEL - 1) / BF16_PANEL * BF16_PANEL;
         first += WIDTH) {
        char *half = (char *)packed + bf16_packed_size(first / BF16_PANEL * BF16_PANEL, k) +
                     first % BF16_PANEL * sizeof(uint32_t);
        size_t columns = first >= n ? 0 : n - first < WIDTH ? n - first : WIDTH;
        const float *from = columns > 0 ? source + first * column_stride : source;
        if (depth_stride == 1)
            pack_transposed(from, columns, k, column_stride, half);
        else
            pack_rows(from, columns, k, depth_stride, half);
    }
}

/* ---- Rows ---- */

static size_t bf16_prepared_size(size_t k)
{
    return (k + 31) / 32 * CACHE_LINE;
}

/* x times its factor; zeros stand beyond `left`. */
static ALWAYS_INLINE __m512 scaled_part(const float *x, const float *factor, size_t at, size_t k)
{
    const size_t left = at < k ? k - at : 0;
    const __m512 v = load_part(x + at, left);
    return factor ? _mm512_mul_ps(v, load_part(factor + at, left)) : v;
}

static void bf16_prepare(const float *x, size_t ldx, size_t rows, size_t k, const float *factor,
                         void *prepared)
{
    char *to = prepared;
    for (size_t row = 0; row < rows; row++, x += ldx)
        for (size_t j = 0; j < k; j += 32, to += CACHE_LINE) {
            const __m512 low = scaled_part(x, factor, j, k);
            const __m512 high = scaled_part(x, factor, j + WIDTH, k);
            _mm512_store_si512((void *)to, (__m512i)_mm512_cvtne2ps_pbh(high, low));
        }
}

/* 2^(x·by + offset), not above 1 but for rounding: relative error <= 7.6e-5, a fiftieth of what
** bf16 then rounds; 0 for -inf. 2^y = 2^floor(y) · 2^(y - floor(y)), of which the latter is a
** polynomial, fitted as those of vector_math.inc are. */
static ALWAYS_INLINE __m512 exp2_of(__m512 x, __m512 by, __m512 offset)
{
    enum { LESS_FLOOR = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC };
    const __m512 y = _mm512_fmadd_ps(x, by, offset);
    const __m512 rest = _mm512_reduce_ps(y, LESS_FLOOR);
    __m512 p = _mm512_set1_ps(7.802452266e-02f);
    p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(2.260671554e-01f));
    p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(6.958335405e-01f));
    p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(9.999252186e-01f));
    return _mm512_scalef_ps(p, y);
}

/* 32 numbers from x on; what is beyond `left` of them is -inf. */
static ALWAYS_INLINE void load_32(const float *x, size_t left, __m512 v[2])
{
    const __m512 least = _mm512_set1_ps(-INFINITY);
    if (left >= 2 * WIDTH) {
        v[0] = _mm512_loadu_ps(x);
        v[1] = _mm512_loadu_ps(x + WIDTH);
    } else {
        v[0] = _mm512_mask_loadu_ps(least, first_lanes(left), x);
        v[1] = left > WIDTH
                   ? _mm512_mask_loadu_ps(least, first_lanes(left - WIDTH), x + WIDTH)
                   : least;
    }
}

static void bf16_prepare_exp(const float *x, size_t ldx, size_t rows, size_t k, float scale,
                             void *prepared, float *sum)
{
    const float log2_e = 1.44269504f;
    const __m512 by = _mm512_set1_ps(scale * log2_e);
    char *to = prepared;
    for (size_t row = 0; row < rows; row++, x += ldx) {
        __m512 v[2], most[2], total[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
        load_32(x, k, most);
        for (size_t j = 2 * WIDTH; j < k; j += 2 * WIDTH) {
            load_32(x + j, k - j, v);
            most[0] = _mm512_max_ps(most[0], v[0]);
            most[1] = _mm512_max_ps(most[1], v[1]);
        }
        const float top = _mm512_reduce_max_ps(_mm512_max_ps(most[0], most[1]));
        const __m512 offset = _mm512_set1_ps(-(top * (scale * log2_e)));
        for (size_t j = 0; j < k; j += 2 * WIDTH, to += CACHE_LINE) {
            load_32(x + j, k - j, v);
            UNROLL
            for (size_t i = 0; i < 2; i++) {
                v[i] = exp2_of(v[i], by, offset);
                total[i] = _mm512_add_ps(total[i], v[i]);
            }
            _mm512_store_si512((void *)to, (__m512i)_mm512_cvtne2ps_pbh(v[1], v[0]));
        }
        sum[row] = _mm512_reduce_add_ps(_mm512_add_ps(total[0], total[1]));
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
    return first_lanes(columns > v * WIDTH ? columns - v * WIDTH : 0);
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
    .pack = pack_halves,
    .unpack = bf16_unpack,
    .prepared_size = bf16_prepared_size,
    .prepare = bf16_prepare,
    .prepare_exp = bf16_prepare_exp,
    .multiply = bf16_multiply,
};

#endif
