/* table.c - see table.h. */
#include "table.h"

#include <math.h>
#include <string.h>

#include "float_bits.h"

enum { STEPS = 127 }; /* of an int8 to each side of 0 */

static const float TINY = 1e-30f; /* a row without larger numbers is 0: its scale has no inverse */

size_t enc_table_number(enum enc_weight_type type)
{
    static const size_t bytes[ENC_WEIGHT_TYPES] = {
        [ENC_WEIGHT_F32] = sizeof(float), [ENC_WEIGHT_BF16] = sizeof(uint16_t),
        [ENC_WEIGHT_INT8] = sizeof(int8_t)};
    return bytes[type];
}

/* Of finite numbers. The largest ones would round to infinity: they are cut. */
static uint16_t narrow(float x)
{
    const uint32_t bits = enc_bits_of_float(x), rounded = enc_bf16_rounded(bits) >> 16;
    return (uint16_t)((rounded & 0x7F80) == 0x7F80 ? bits >> 16 : rounded);
}

static const void *row_at(const enc_table *table, size_t row)
{
    return (const char *)table->rows + row * table->width * enc_table_number(table->type);
}

void enc_table_read(const enc_table *table, size_t row, float *to)
{
    const void *from = row_at(table, row);
    if (table->type == ENC_WEIGHT_F32) {
        memcpy(to, from, table->width * sizeof *to);
    } else if (table->type == ENC_WEIGHT_BF16) {
        const uint16_t *x = from;
        for (size_t i = 0; i < table->width; i++)
            to[i] = enc_float_of_bf16(x[i]);
    } else {
        const int8_t *x = from;
        const float scale = table->scale[row];
        for (size_t i = 0; i < table->width; i++)
            to[i] = scale * (float)x[i];
    }
}

const float *enc_table_row(const enc_table *table, size_t row, float *room)
{
    if (table->type == ENC_WEIGHT_F32)
        return row_at(table, row);
    enc_table_read(table, row, room);
    return room;
}

void enc_table_add(const enc_table *table, const enc_ops *ops, size_t row, float *to)
{
    const void *from = row_at(table, row);
    if (table->type == ENC_WEIGHT_F32) {
        ops->add(from, to, table->width);
    } else if (table->type == ENC_WEIGHT_BF16) {
        const uint16_t *x = from;
        for (size_t i = 0; i < table->width; i++)
            to[i] += enc_float_of_bf16(x[i]);
    } else {
        const int8_t *x = from;
        const float scale = table->scale[row];
        for (size_t i = 0; i < table->width; i++)
            to[i] += scale * (float)x[i];
    }
}

static void write_int8(const float *from, size_t width, int8_t *to, float *scale)
{
    float largest = 0;
    for (size_t i = 0; i < width; i++)
        largest = fabsf(from[i]) > largest ? fabsf(from[i]) : largest;
    const bool zero = largest < TINY;
    const float steps = zero ? 0 : (float)STEPS / largest;
    *scale = zero ? 0 : largest / STEPS;
    for (size_t i = 0; i < width; i++)
        to[i] = (int8_t)enc_nearest(from[i] * steps);
}

void enc_table_write(const enc_table *table, void *rows, float *scale, size_t row,
                     const float *from)
{
    const size_t width = table->width;
    if (table->type == ENC_WEIGHT_F32) {
        memcpy((float *)rows + row * width, from, width * sizeof *from);
    } else if (table->type == ENC_WEIGHT_BF16) {
        uint16_t *to = (uint16_t *)rows + row * width;
        for (size_t i = 0; i < width; i++)
            to[i] = narrow(from[i]);
    } else {
        write_int8(from, width, (int8_t *)rows + row * width, &scale[row]);
    }
}
