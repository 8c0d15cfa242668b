/* test_float_text.c - core/base/decimal.c: decimal numbers to float32. */
#include "unit.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "float_text.h"

/* The number at the text's beginning, NaN for none; *used is how long it is. */
static float read_number(const char *text, size_t *used)
{
    const char *at = text;
    float value = NAN;
    if (!enc_float_read(&at, text + strlen(text), &value))
        value = NAN;
    *used = (size_t)(at - text);
    return value;
}

/* The C library's, under the locale "C" of the tests. */
static void check_same(const char *text)
{
    size_t used;
    float got = read_number(text, &used), want = strtof(text, NULL);
    if (!CHECK(memcmp(&got, &want, sizeof got) == 0 && used == strlen(text)))
        printf("  %s\n", text);
}

TEST("float text: signs, points and exponents are read, and what follows is left")
{
    static const struct {
        const char *text;
        float value;
        size_t used;
    } rows[] = {{"1", 1, 1}, {"-2.5", -2.5f, 4}, {"+3", 3, 2}, {".5 ", .5f, 2}, {"7.", 7, 2},
                {"1e3", 1000, 3}, {"1E-2x", .01f, 4}, {"1e", 1, 1}, {"1e+", 1, 1},
                {"0000012", 12, 7}, {"-0", -0.0f, 2}, {"0e999999999999", 0, 14},
                {"1e-999999999999", 0, 15}, {"3,5", 3, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t used;
        float value = read_number(rows[i].text, &used);
        CHECK(memcmp(&value, &rows[i].value, sizeof value) == 0);
        CHECK_INT(used, rows[i].used);
    }
}

TEST("float text: what is no number, or none that float32 can hold, is refused and left")
{
    static const char *const rows[] = {"", "-", ".", "e5", "nan", "inf", "-inf", "0x1",
                                       "1e39", "3.4028236e38", "1e999999999999", "+-1", " 1"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t used;
        bool hex = strcmp(rows[i], "0x1") == 0; /* that is 0, and an x */
        CHECK(isnan(read_number(rows[i], &used)) == !hex);
        CHECK_INT(used, hex ? 1 : 0);
    }
}

TEST("float text: the nearest float is found, also between two and among denormals")
{
    static const char *const rows[] = {
        "16777217", "16777219", "16777217.00000000000000000000000000000000000001",
        "16777216.99999999999999999999999999999999999999", "3.4028235e38",
        "3.40282356779733661637539395458142568447e38", "1.1754943508222875e-38",
        "1.4012984643248170e-45", "7.0064923216240853e-46", "7.0064923216240854e-46",
        "7.00649232162408613e-46", "2.1019476964872255e-45", "1e-46", "1e-60", "1e-61",
        "9007199254740993", "0.1", "0.30000001192092896", "123456789012345678901234567890"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_same(rows[i]);
}

static uint32_t draw(void)
{
    static uint64_t state = 7;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}

TEST("float text: 60,000 numbers of all magnitudes and lengths are the C library's")
{
    char text[400];
    for (int i = 0; i < 20000; i++) {
        uint32_t word = draw() & 0xFF7FFFFF;
        float value;
        memcpy(&value, &word, sizeof value);
        snprintf(text, sizeof text, "%.*e", (int)(draw() % 20), (double)value);
        if (isfinite(strtof(text, NULL)))
            check_same(text);
        float next = nextafterf(value, 2 * value);
        if (isfinite(next)) { /* the very middle of two floats */
            snprintf(text, sizeof text, "%.*f", 170, ((double)value + (double)next) / 2);
            check_same(text);
        }
        snprintf(text, sizeof text, "%u%u%u.%ue%d", draw(), draw(), draw(), draw(),
                 (int)(draw() % 60) - 40);
        if (isfinite(strtof(text, NULL)))
            check_same(text);
    }
}
