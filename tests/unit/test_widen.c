/* test_widen.c - core/files/widen.c: stored numbers made float32. */
#include "unit.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "widen.h"

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

TEST("widen: every float16 becomes the float32 of the same value")
{
    for (uint32_t h = 0; h < 65536; h++) {
        uint16_t half = (uint16_t)h;
        int exponent = half >> 10 & 31, fraction = half & 1023;
        float got, want;
        enc_widen(ENC_DTYPE_F16, &half, 1, &got);
        if (exponent == 31)
            want = fraction ? NAN : INFINITY;
        else if (exponent == 0)
            want = ldexpf((float)fraction, -24);
        else
            want = ldexpf((float)(1024 + fraction), exponent - 25);
        if (half & 0x8000)
            want = -want;
        if (isnan(want) ? !isnan(got) : bits_of(got) != bits_of(want))
            CHECK_INT(h, -1);
    }
}

TEST("widen: a bfloat16 is the upper half of a float32")
{
    for (uint32_t h = 0; h < 65536; h++) {
        uint16_t upper = (uint16_t)h;
        float got;
        enc_widen(ENC_DTYPE_BF16, &upper, 1, &got);
        if (bits_of(got) != h << 16)
            CHECK_INT(h, -1);
    }
}

TEST("widen: a float64 is rounded, and infinite only beyond the range of float32")
{
    const double largest = FLT_MAX, half_unit = 0x1p103;
    const double in[] = {0.1, -1e-50, largest, largest + half_unit * 0.99,
                         largest + half_unit, -largest - half_unit, 1e300, NAN};
    float out[8];
    enc_widen(ENC_DTYPE_F64, in, 8, out);
    CHECK(out[0] == 0.1f && out[1] == 0);
    CHECK(out[2] == FLT_MAX && out[3] == FLT_MAX);
    CHECK(isinf(out[4]) && out[4] > 0 && isinf(out[5]) && out[5] < 0);
    CHECK(isinf(out[6]) && isnan(out[7]));
}

TEST("widen: float32 is taken as it is, in place or not, at any alignment")
{
    float in[3] = {1.5f, -0.0f, 3e-45f}, out[3];
    char shifted[sizeof in + 1];
    memcpy(shifted + 1, in, sizeof in);
    enc_widen(ENC_DTYPE_F32, shifted + 1, 3, out);
    CHECK(memcmp(in, out, sizeof in) == 0);
    enc_widen(ENC_DTYPE_F32, out, 3, out);
    CHECK(memcmp(in, out, sizeof in) == 0);
}
