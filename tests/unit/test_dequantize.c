/* test_dequantize.c - core/files/dequantize.c: the bits that ggml's own code gives. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "checkpoint_copy.h"
#include "dequantize.h"

TEST("dequantize: every block type gives the bits that the gguf package gives")
{
    /* For each dtype: a byte of its number, one of how many blocks; blocks; float32s. */
    static const enum enc_dtype dtypes[] = {
        [2] = ENC_DTYPE_Q4_0, [3] = ENC_DTYPE_Q4_1, [6] = ENC_DTYPE_Q5_0,
        [7] = ENC_DTYPE_Q5_1, [8] = ENC_DTYPE_Q8_0, [10] = ENC_DTYPE_Q2_K,
        [11] = ENC_DTYPE_Q3_K, [12] = ENC_DTYPE_Q4_K, [13] = ENC_DTYPE_Q5_K,
        [14] = ENC_DTYPE_Q6_K};
    size_t size = 0;
    int seen = 0;
    char *data = copy_read(test_data("golden/gguf"), "blocks.bin", &size);
    REQUIRE(data);
    for (size_t at = 0; at + 2 <= size; seen++) {
        enum enc_dtype dtype = dtypes[(unsigned char)data[at]];
        size_t blocks = (unsigned char)data[at + 1];
        enc_block block = enc_dtype_block(dtype);
        size_t n = blocks * block.elements, raw = blocks * block.bytes;
        float out[1024];
        REQUIRE(n <= 1024 && at + 2 + raw + n * sizeof *out <= size);
        enc_widen(dtype, data + at + 2, n, out);
        if (!CHECK(memcmp(out, data + at + 2 + raw, n * sizeof *out) == 0))
            CHECK_INT(data[at], -1);
        at += 2 + raw + n * sizeof *out;
    }
    CHECK_INT(seen, 10);
    free(data);
}
