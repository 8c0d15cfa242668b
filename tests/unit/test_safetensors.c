/* test_safetensors.c - core/files/safetensors.c: the header of one file, believed in nothing. */
#include "unit.h"

#include <stdint.h>
#include <string.h>

#include "safetensors.h"
#include "checkpoint_copy.h"

/* The refusal of the file x.safetensors in the temporary folder; "" if it is taken. */
static const char *read_error(int *code, size_t *count)
{
    static enc_error err;
    enc_file file;
    enc_tensor_list list = {0};
    enc_error_clear(&err);
    int rc = enc_file_open(test_tmp(""), "x.safetensors", INT64_MAX, &file, &err);
    if (rc == ENC_OK)
        rc = enc_safetensors_read(&file, 0, &list, &err);
    enc_file_close(&file);
    *count = list.count;
    enc_tensor_list_free(&list);
    *code = rc;
    return err.message;
}

static const char *bytes_error(const void *bytes, size_t size, int *code)
{
    size_t count;
    if (!copy_write(test_tmp(""), "x.safetensors", bytes, size))
        return "can't write";
    return read_error(code, &count);
}

static const char *header_error(const char *header, size_t bytes)
{
    int code;
    size_t count;
    if (!copy_safetensors(test_tmp(""), "x.safetensors", header, bytes))
        return "can't write";
    return read_error(&code, &count);
}

#define TENSOR(name, dtype, shape, from, to)                                               \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape                               \
    ",\"data_offsets\":[" #from "," #to "]}"

TEST("safetensors: tensors are listed with type, shape and place, whatever their order")
{
    enc_file file;
    enc_tensor_list list = {0};
    enc_error err = {0};
    char header[] = "{\"__metadata__\":{\"format\":\"pt\"}, "
                    TENSOR("b", "F16", "[2,3]", 4, 16) ","
                    TENSOR("a", "F32", "[]", 0, 4) "," TENSOR("e", "I64", "[0,7]", 16, 16)
                    "}   ";
    REQUIRE(copy_safetensors(test_tmp(""), "x.safetensors", header, 16));
    REQUIRE(enc_file_open(test_tmp(""), "x.safetensors", 9999, &file, &err) == ENC_OK);
    CHECK_INT(enc_safetensors_read(&file, 7, &list, &err), ENC_OK);
    CHECK_STR(err.message, "");
    REQUIRE(list.count == 3);
    uint64_t start = 8 + strlen(header);
    CHECK_STR(list.at[0].name, "a");
    CHECK_INT(list.at[0].rank, 0);
    CHECK_INT(enc_tensor_elements(&list.at[0]), 1);
    CHECK_STR(list.at[1].name, "b");
    CHECK_INT(list.at[1].dtype, ENC_DTYPE_F16);
    CHECK_INT(list.at[1].offset, start + 4);
    CHECK_INT(list.at[1].bytes, 12);
    CHECK_INT(list.at[1].file, 7);
    CHECK_INT(list.at[2].dtype, ENC_DTYPE_OTHER);
    CHECK_STR(list.at[2].dtype_name, "I64");
    CHECK_INT(enc_tensor_elements(&list.at[2]), 0);
    enc_tensor_list_free(&list);
    enc_file_close(&file);
}

TEST("safetensors: a file without tensors is valid")
{
    CHECK_STR(header_error("{}", 0), "");
    CHECK_STR(header_error("{\"__metadata__\":{}}", 0), "");
}

TEST("safetensors: lengths that don't fit are refused before memory is taken")
{
    int code;
    CHECK_STR(bytes_error("", 0, &code),
              "x.safetensors is 0 bytes, shorter than its 8-byte header length");
    CHECK_INT(code, ENC_CORRUPT);
    CHECK_STR(bytes_error("1234567", 7, &code),
              "x.safetensors is 7 bytes, shorter than its 8-byte header length");
    CHECK_STR(bytes_error("\0\0\0\0\0\0\0\x80{}", 10, &code),
              "x.safetensors: header length 9223372036854775808 exceeds the limit "
              "100000000");
    CHECK_STR(bytes_error("\x01\xe1\xf5\x05\0\0\0\0{}", 10, &code),
              "x.safetensors: header length 100000001 exceeds the limit 100000000");
    CHECK_STR(bytes_error("\x88\x13\0\0\0\0\0\0{}", 10, &code),
              "x.safetensors: header of 5000 bytes does not fit in a file of 10 bytes");
    CHECK_STR(bytes_error("\x03\0\0\0\0\0\0\0{}", 10, &code),
              "x.safetensors: header of 3 bytes does not fit in a file of 10 bytes");
    CHECK_STR(bytes_error("\0\0\0\0\0\0\0\0{}", 10, &code),
              "x.safetensors: header is not a JSON object: it must begin with '{'");
    CHECK_STR(bytes_error("\x02\0\0\0\0\0\0\0[]", 10, &code),
              "x.safetensors: header is not a JSON object: it must begin with '{'");
    CHECK_STR(bytes_error("\x02\0\0\0\0\0\0\0{]", 10, &code),
              "x.safetensors: header is not valid JSON at byte 2: string or '}' expected");
}

TEST("safetensors: something else under that name is recognised")
{
    static const char pointer[] = "version https://git-lfs.github.com/spec/v1\noid "
                                  "sha256:0\n";
    static const char page[] = "<!DOCTYPE html><html><head></head></html>";
    int code;
    CHECK_STR(bytes_error(pointer, sizeof pointer - 1, &code), "x.safetensors is a Git LFS "
              "pointer, not the file itself (run 'git lfs pull')");
    CHECK_INT(code, ENC_UNSUPPORTED);
    CHECK_STR(bytes_error(page, sizeof page - 1, &code),
              "x.safetensors is a web page (HTML): the download has failed");
    CHECK_STR(bytes_error("PK\003\004\0\0\0\0\0\0\0\0", 12, &code),
              "x.safetensors is a zip archive or PyTorch file, whose name is pytorch_model.bin");
    CHECK_STR(bytes_error("\x80\x02\x8a\nl\xfc\x9c""F\xf9 j\xa8P\x19.", 15, &code),
              "x.safetensors is a Python pickle; of these what torch.save writes to "
              "pytorch_model.bin is read");
    CHECK_STR(bytes_error("GGUF\3\0\0\0\0\0\0\0\0\0\0\0", 16, &code),
              "x.safetensors is a GGUF file; weights are read from safetensors");
}

TEST("safetensors: a header of 640 bytes is not taken for a pickle, which begins alike")
{
    char header[641];
    memset(header, ' ', 640);
    header[640] = '\0';
    header[0] = '{';
    header[1] = '}';
    CHECK_STR(header_error(header, 0), "");
}

TEST("safetensors: an entry that lies about type, shape or place is refused by name")
{
    static const struct {
        const char *header;
        size_t bytes;
        const char *message;
    } rows[] = {
        {"{" TENSOR("a", "F32", "[1]", 0, 4) "," TENSOR("a", "F32", "[1]", 4, 8) "}", 8,
         "x.safetensors: header: 'a' appears twice"},
        {"{" TENSOR("a", "F32", "[2]", 0, 8) "," TENSOR("b", "F32", "[2]", 12, 20) "}", 20,
         "x.safetensors: tensor 'b': data_offsets [12, 20] do not begin at 8, where tensor "
         "'a' ends"},
        {"{" TENSOR("a", "F32", "[2]", 0, 8) "," TENSOR("b", "F32", "[2]", 4, 12) "}", 12,
         "x.safetensors: tensor 'b': data_offsets [4, 12] do not begin at 8, where tensor "
         "'a' ends"},
        {"{" TENSOR("a", "F32", "[2]", 0, 8) "," TENSOR("b", "F32", "[2]", 0, 8) "}", 8,
         "x.safetensors: tensor 'b': data_offsets [0, 8] do not begin at 8, where tensor "
         "'a' ends"},
        {"{" TENSOR("a", "F32", "[1]", 4, 8) "}", 8,
         "x.safetensors: tensor 'a': data_offsets [4, 8] do not begin at 0, where the "
         "header ends"},
        {"{" TENSOR("a", "F32", "[1]", 0, 4) "}", 5,
         "x.safetensors: the tensors take 4 bytes, the file holds 5 bytes of data"},
        {"{" TENSOR("a", "F32", "[2]", 0, 8) "}", 7,
         "x.safetensors: the tensors take 8 bytes, the file holds 7 bytes of data"},
        {"{}", 1, "x.safetensors: the tensors take 0 bytes, the file holds 1 bytes of "
                  "data"},
        {"{" TENSOR("w", "F32", "[10,4]", 0, 100) "}", 100,
         "x.safetensors: tensor 'w': shape [10, 4] of F32 takes 160 bytes, data_offsets "
         "are [0, 100]"},
        {"{" TENSOR("w", "F32", "[1]", 8, 4) "}", 8,
         "x.safetensors: tensor 'w': shape [1] of F32 takes 4 bytes, data_offsets are [8, "
         "4]"},
        {"{" TENSOR("w", "F32", "[4294967296,4294967296]", 0, 0) "}", 0,
         "x.safetensors: tensor 'w': shape [4294967296, 4294967296] overflows"},
        {"{" TENSOR("w", "F64", "[2305843009213693952]", 0, 0) "}", 0,
         "x.safetensors: tensor 'w': shape [2305843009213693952] overflows"},
        {"{" TENSOR("w", "F32", "[-1]", 0, 4) "}", 4,
         "x.safetensors: tensor 'w': shape[0] is -1, must be an integer from 0"},
        {"{" TENSOR("w", "F32", "[1.0]", 0, 4) "}", 4,
         "x.safetensors: tensor 'w': shape[0] is 1.0, must be an integer from 0"},
        {"{" TENSOR("w", "F32", "[\"1\"]", 0, 4) "}", 4,
         "x.safetensors: tensor 'w': shape[0] is '1', must be an integer from 0"},
        {"{" TENSOR("w", "F32", "4", 0, 4) "}", 4,
         "x.safetensors: tensor 'w': shape is 4, must be an array"},
        {"{" TENSOR("w", "F32", "[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4,
         "x.safetensors: tensor 'w': shape has 9 numbers, the limit is 8"},
        {"{" TENSOR("w", "F32", "[18446744073709551616]", 0, 4) "}", 4,
         "x.safetensors: header is not valid JSON at byte 49: the number is too large"},
        {"{" TENSOR("w", "F7", "[1]", 0, 4) "}", 4,
         "x.safetensors: tensor 'w': dtype 'F7' is not known (F32, F16, BF16, F64, ...)"},
        {"{\"w\":{\"dtype\":5,\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         "x.safetensors: tensor 'w': dtype is 5, must be a string"},
        {"{\"w\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         "x.safetensors: tensor 'w': dtype is missing, must be a string"},
        {"{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4,
         "x.safetensors: tensor 'w': shape is missing, must be an array"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4,
         "x.safetensors: tensor 'w': data_offsets is missing, must be an array"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4]}}", 4,
         "x.safetensors: tensor 'w': data_offsets has 1 numbers, must have 2"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4,
         "x.safetensors: tensor 'w': data_offsets has 3 numbers, the limit is 2"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4,
         "x.safetensors: tensor 'w': data_offsets[0] is -4, must be an integer from 0"},
        {"{\"w\":[]}", 0,
         "x.safetensors: tensor 'w': the entry is an array, must be an object"},
        {"{\"__metadata__\":1}", 0,
         "x.safetensors: __metadata__ is 1, must be an object"},
        {"{\"__metadata__\":{\"a\":1}}", 0,
         "x.safetensors: __metadata__ 'a' is 1, must be a string"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(header_error(rows[i].header, rows[i].bytes), rows[i].message);
}

TEST("safetensors: shapes are shown as the file spells them")
{
    char shown[ENC_SHAPE_SHOWN];
    int64_t shape[ENC_MAX_RANK] = {30522, 384};
    CHECK_STR(enc_shape_show(shape, 2, shown), "[30522, 384]");
    CHECK_STR(enc_shape_show(shape, 0, shown), "[]");
    for (int i = 0; i < ENC_MAX_RANK; i++)
        shape[i] = INT64_MIN;
    CHECK_INT(strlen(enc_shape_show(shape, ENC_MAX_RANK, shown)), 8 * 20 + 7 * 2 + 2);
}
