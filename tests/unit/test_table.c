/* test_table.c - core/maths/table.c: rows in each number type. */
#include "unit.h"

#include <math.h>
#include <string.h>

#include "table.h"

enum { ROWS = 5, WIDTH = 37 };

static float noise(int i) { return (float)((i * 7919 + 13) % 2003 - 1001) / 997.0f; }

typedef struct made {
    enc_table table;
    char rows[ROWS * WIDTH * sizeof(float)];
    float scale[ROWS];
    float source[ROWS][WIDTH];
} made;

static void make(made *m, enum enc_weight_type type)
{
    m->table = (enc_table){type, WIDTH, m->rows, m->scale};
    for (int row = 0; row < ROWS; row++) {
        for (int i = 0; i < WIDTH; i++)
            m->source[row][i] = row == 3 ? 0 : noise(row * WIDTH + i) * (float)(1 << 4 * row);
        enc_table_write(&m->table, m->rows, m->scale, (size_t)row, m->source[row]);
    }
}

TEST("table: a row is read back to the bit, to 8 bits, or to a 254th of its range")
{
    static const double error[ENC_WEIGHT_TYPES] = {0, 1.0 / 256, 1.0 / 254};
    for (int type = 0; type < ENC_WEIGHT_TYPES; type++) {
        made m;
        float got[WIDTH];
        make(&m, (enum enc_weight_type)type);
        for (size_t row = 0; row < ROWS; row++) {
            double largest = 0, worst = 0;
            enc_table_read(&m.table, row, got);
            for (int i = 0; i < WIDTH; i++) {
                largest = fmax(largest, fabs((double)m.source[row][i]));
                worst = fmax(worst, fabs((double)m.source[row][i] - (double)got[i]));
            }
            CHECK(worst <= largest * error[type] * 1.00001);
        }
    }
}

TEST("table: adding a row, or looking at it where it stands, gives what reading it gives")
{
    for (int type = 0; type < ENC_WEIGHT_TYPES; type++) {
        made m;
        float read[WIDTH], room[WIDTH], sum[WIDTH] = {0};
        make(&m, (enum enc_weight_type)type);
        for (size_t row = 0; row < ROWS; row++) {
            memset(sum, 0, sizeof sum);
            enc_table_read(&m.table, row, read);
            enc_table_add(&m.table, enc_ops_get(), row, sum);
            const float *seen = enc_table_row(&m.table, row, room);
            CHECK(memcmp(seen, read, sizeof read) == 0);
            int wrong = 0;
            for (int i = 0; i < WIDTH; i++)
                wrong += sum[i] != read[i];
            CHECK_INT(wrong, 0);
        }
    }
}

TEST("table: rows of zeros and of numbers next to nothing have no scale to divide by")
{
    made m;
    float got[WIDTH], tiny[WIDTH] = {1e-38f, -1e-40f};
    make(&m, ENC_WEIGHT_INT8);
    enc_table_write(&m.table, m.rows, m.scale, 0, tiny);
    for (size_t row = 0; row < ROWS; row += 3) {
        enc_table_read(&m.table, row, got);
        for (int i = 0; i < WIDTH; i++)
            CHECK(got[i] == 0);
    }
}

TEST("table: the largest float32 does not become infinite in bf16")
{
    made m;
    float got[WIDTH], large[WIDTH] = {3.4028235e38f, -3.4028235e38f};
    make(&m, ENC_WEIGHT_BF16);
    enc_table_write(&m.table, m.rows, m.scale, 0, large);
    enc_table_read(&m.table, 0, got);
    CHECK(isfinite(got[0]) && isfinite(got[1]) && got[0] > 3.3e38f && got[1] < -3.3e38f);
}
