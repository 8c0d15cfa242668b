/* test_decimal.c - core/text/decimal.c: numbers as the reference's JSON parser reads them. */
#include "decimal.h"
#include "unit.h"

TEST("decimal: numbers of 15 digits and fewer are read exactly")
{
    static const double values[] = {0, 1, -1, -3.5, 0.1, -10.25, 1e15, 123456789012345.0, -0.001,
                                    1e300, 1e-300, 2.5e-7};
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++)
        CHECK(enc_decimal_as_reference(values[i]) == values[i]);
}

TEST("decimal: of 17 digits the integer is rounded first, then the quotient")
{
    /* The decimal, and its digits divided by their power of ten in doubles. */
    CHECK(enc_decimal_as_reference(-3.4635426998138428) == -(34635426998138428.0 / 1e16));
    CHECK(enc_decimal_as_reference(12.072731018066406) == 12072731018066406.0 / 1e15);
    CHECK(enc_decimal_as_reference(179.85011685273030) == 179850116852730.30 / 1e12);
    int changed = 0;
    double value = 0.7071067811865476;
    for (int i = 0; i < 1000; i++, value = value * 1.0137) {
        double read = enc_decimal_as_reference(value);
        changed += read != value;
        CHECK(read > value * 0.9999999999999995 && read < value * 1.0000000000000005);
    }
    CHECK(changed > 50 && changed < 700);
}
