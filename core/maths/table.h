/*
** table.h - a table of vectors that is read row by row: embeddings of tokens, in the number type
** that the weights have.
**
** bf16: the upper half of each float32, rounded to nearest even. int8: a row's largest absolute
** value over 127 is the row's scale; numbers are round(x / scale).
*/
#ifndef ENC_TABLE_H
#define ENC_TABLE_H

#include "ops.h"

typedef struct enc_table {
    enum enc_weight_type type;
    size_t width;       /* E */
    const void *rows;   /* [V, E] of float, uint16_t or int8_t; NULL: there is no table */
    const float *scale; /* [V]; int8 */
} enc_table;

/* Bytes of one number of that type. */
size_t enc_table_number(enum enc_weight_type type);

/* to [E] = the row. */
void enc_table_read(const enc_table *table, size_t row, float *to);

/* The row as float32: where it stands, or in `room` [E]. */
const float *enc_table_row(const enc_table *table, size_t row, float *room);

/* to [E] += the row. */
void enc_table_add(const enc_table *table, const enc_ops *ops, size_t row, float *to);

/* rows [V, E] and, for int8, scale [V], of a table under way: writes the row. */
void enc_table_write(const enc_table *table, void *rows, float *scale, size_t row,
                     const float *from);

#endif
