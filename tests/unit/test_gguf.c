/* test_gguf.c - core/files/gguf.c and gguf_value.c: the header of a file, believed in nothing. */
#include "unit.h"

#include <math.h>
#include <stdint.h>

#include "checkpoint_copy.h"
#include "gguf.h"
#include "gguf_file.h"
#include "memory.h"

static enc_file file;
static enc_gguf gguf;
static enc_tensor_list list;
static enc_error err;

static void drop(void)
{
    enc_gguf_free(&gguf);
    enc_tensor_list_free(&list);
    enc_file_close(&file);
}

/* Reads what has been built; "" or the refusal. Stays open until drop. */
static const char *take(void)
{
    enc_error_clear(&err);
    file = (enc_file)ENC_FILE_CLOSED;
    if (!gguf_write(test_tmp(""), "m.gguf"))
        return "can't write";
    if (enc_file_open(test_tmp(""), "m.gguf", INT64_MAX, &file, &err) == ENC_OK)
        enc_gguf_read(&file, 5, &gguf, &list, &err);
    return err.message;
}

static const char *refusal(void)
{
    take();
    drop();
    return err.message;
}

static const uint64_t three[] = {3};

TEST("gguf: keys have their values and tensors their places, in versions 2 and 3")
{
    for (uint32_t version = 2; version <= 3; version++) {
        gguf_begin(version, 2, 9);
        gguf_text("z.name", "gr\xc3\xb6\xc3\x9f" "e");
        gguf_u32("a.layers", 7);
        gguf_f32("a.eps", 0.5f);
        gguf_bool("a.causal", 1);
        gguf_key("a.small", 1);
        gguf_number(0xff, 1);
        gguf_key("a.long", 11);
        gguf_number((uint64_t)-5, 8);
        gguf_key("a.exact", 12);
        gguf_bytes(&(double){0.1}, 8);
        gguf_list("tokens", 8, 2);
        gguf_string("one");
        gguf_string("");
        gguf_list("scores", 6, 2);
        gguf_bytes((float[]){1.5f, -2}, 8);
        gguf_tensor("t.weight", 1, 0, 2, (uint64_t[]){5, 3});
        gguf_tensor("q.weight", 12, 32, 2, (uint64_t[]){256, 2});
        gguf_data(32 + 288);
        CHECK_STR(take(), "");
        REQUIRE(gguf.count == 9);

        int64_t number = 0;
        double real = 0;
        bool flag = false;
        char *text = NULL;
        CHECK_INT(enc_gguf_int(&gguf, "a.layers", 1, 7, &number, &err), ENC_OK);
        CHECK_INT(number, 7);
        enc_gguf_int(&gguf, "a.small", -1, 1, &number, &err);
        CHECK_INT(number, -1);
        enc_gguf_int(&gguf, "a.long", -9, 9, &number, &err);
        CHECK_INT(number, -5);
        enc_gguf_int(&gguf, "absent", 0, 0, &number, &err);
        CHECK_INT(number, -5);
        enc_gguf_real(&gguf, "a.eps", &real, &err);
        CHECK(real == 0.5);
        enc_gguf_real(&gguf, "a.exact", &real, &err);
        CHECK(real == 0.1);
        enc_gguf_real(&gguf, "a.layers", &real, &err);
        CHECK(real == 7);
        enc_gguf_bool(&gguf, "a.causal", &flag, &err);
        CHECK(flag);
        enc_gguf_string(&gguf, "z.name", &text, &err);
        CHECK_STR(text, "gr\xc3\xb6\xc3\x9f" "e");
        enc_free(text);

        const enc_gguf_value *tokens = NULL, *scores = NULL;
        CHECK_INT(enc_gguf_list(&gguf, "tokens", ENC_GGUF_STRING, &tokens, &err), ENC_OK);
        REQUIRE(tokens && tokens->count == 2);
        size_t at = tokens->at;
        CHECK_INT(enc_gguf_next(&gguf, &at).size, 3);
        CHECK_INT(enc_gguf_next(&gguf, &at).size, 0);
        CHECK_INT(enc_gguf_list(&gguf, "scores", ENC_GGUF_F32, &scores, &err), ENC_OK);
        REQUIRE(scores && scores->count == 2);
        CHECK(enc_gguf_real_at(&gguf, scores, 1) == -2);
        CHECK_STR(err.message, "");

        REQUIRE(list.count == 2);
        uint64_t start = gguf_size() - 32 - 288;
        CHECK_STR(list.at[0].name, "t.weight");
        CHECK_STR(list.at[0].dtype_name, "F16");
        CHECK_INT(list.at[0].dtype, ENC_DTYPE_F16);
        CHECK_INT(list.at[0].file, 5);
        CHECK_INT(list.at[0].shape[0], 3);
        CHECK_INT(list.at[0].shape[1], 5);
        CHECK_INT(list.at[0].bytes, 30);
        CHECK_INT(list.at[0].offset, start);
        CHECK_INT(list.at[1].dtype, ENC_DTYPE_Q4_K);
        CHECK_INT(list.at[1].bytes, 2 * 144);
        CHECK_INT(list.at[1].offset, start + 32);
        drop();
    }
}

TEST("gguf: a value of another type or range is refused by its key")
{
    int64_t number;
    double real;
    bool flag;
    char *text;
    const enc_gguf_value *value;
    gguf_begin(3, 0, 6);
    gguf_text("text", "a");
    gguf_text("broken", "a\xff");
    gguf_u32("number", 8);
    gguf_f32("wild", INFINITY);
    gguf_list("list", 4, 1);
    gguf_number(1, 4);
    gguf_key("huge", 10);
    gguf_number(UINT64_MAX, 8);
    CHECK_STR(take(), "");
#define REFUSES(call, sentence)                                                            \
    do {                                                                                   \
        enc_error_clear(&err);                                                             \
        CHECK_INT(call, ENC_CORRUPT);                                                      \
        CHECK_STR(err.message, sentence);                                                  \
    } while (0)
    REFUSES(enc_gguf_int(&gguf, "number", 1, 7, &number, &err),
            "m.gguf: number is 8, must be 1 ... 7");
    REFUSES(enc_gguf_int(&gguf, "huge", 1, 7, &number, &err),
            "m.gguf: huge is 9223372036854775807, must be 1 ... 7");
    REFUSES(enc_gguf_int(&gguf, "text", 1, 7, &number, &err),
            "m.gguf: text is a string, must be an integer");
    REFUSES(enc_gguf_int(&gguf, "list", 1, 7, &number, &err),
            "m.gguf: list is a list, each element an integer, must be an integer");
    REFUSES(enc_gguf_real(&gguf, "wild", &real, &err), "m.gguf: wild is not finite");
    REFUSES(enc_gguf_bool(&gguf, "number", &flag, &err),
            "m.gguf: number is an integer, must be true or false");
    REFUSES(enc_gguf_string(&gguf, "number", &text, &err),
            "m.gguf: number is an integer, must be a string");
    REFUSES(enc_gguf_string(&gguf, "broken", &text, &err),
            "m.gguf: broken is not UTF-8 without NUL");
    REFUSES(enc_gguf_list(&gguf, "number", ENC_GGUF_STRING, &value, &err),
            "m.gguf: number is an integer, must be a list of strings");
    REFUSES(enc_gguf_list(&gguf, "list", ENC_GGUF_STRING, &value, &err),
            "m.gguf: list is a list, each element an integer, must be a list of strings");
    REFUSES(enc_gguf_require(&gguf, "absent", &err), "m.gguf: absent is missing");
    drop();
}

TEST("gguf: what is no such file is recognised by its first bytes")
{
    gguf_begin(3, 0, 0);
    CHECK_STR(refusal(), "");
    gguf_begin(1, 0, 0);
    CHECK_STR(refusal(), "m.gguf: GGUF version is 1, must be 2 or 3");
    gguf_begin(4, 0, 0);
    CHECK_STR(refusal(), "m.gguf: GGUF version is 4, must be 2 or 3");
    gguf_begin(3u << 24, 0, 0);
    CHECK_STR(refusal(), "m.gguf is a big-endian GGUF file; little-endian ones are read");
    CHECK(copy_write(test_tmp(""), "m.gguf", "FUGG00000000000000000000", 24));
    file = (enc_file)ENC_FILE_CLOSED;
    enc_error_clear(&err);
    enc_file_open(test_tmp(""), "m.gguf", 99, &file, &err);
    enc_gguf_read(&file, 0, NULL, NULL, &err);
    CHECK_STR(err.message, "m.gguf is a big-endian GGUF file; little-endian ones are read");
    drop();
    CHECK(copy_write(test_tmp(""), "m.gguf", "GGUF", 4));
    enc_error_clear(&err);
    enc_file_open(test_tmp(""), "m.gguf", 99, &file, &err);
    enc_gguf_read(&file, 0, NULL, NULL, &err);
    CHECK_STR(err.message, "m.gguf has 4 bytes, a GGUF file begins with 24");
    drop();
    CHECK(copy_write(test_tmp(""), "m.gguf", "abcdefghijklmnopqrstuvwxyz", 26));
    enc_error_clear(&err);
    enc_file_open(test_tmp(""), "m.gguf", 99, &file, &err);
    enc_gguf_read(&file, 0, NULL, NULL, &err);
    CHECK_STR(err.message, "m.gguf does not begin with 'GGUF'");
    drop();
}

TEST("gguf: counts and lengths that don't fit are refused before memory is taken")
{
    gguf_begin(3, UINT64_MAX, 0);
    CHECK_STR(refusal(),
              "m.gguf: the number of tensors is 18446744073709551615, the limit is 65536");
    gguf_begin(3, 0, 4097);
    CHECK_STR(refusal(), "m.gguf: the number of keys is 4097, the limit is 4096");
    gguf_begin(3, 0, 2);
    gguf_u32("a", 1);
    CHECK_STR(refusal(), "m.gguf: key 1 takes 8 bytes at 41, the file has 41 bytes");
    gguf_begin(3, 0, 1);
    gguf_number(UINT64_MAX, 8);
    CHECK_STR(refusal(), "m.gguf: the name of key 0 has 18446744073709551615 bytes, must "
                         "have 1 ... 1024");
    gguf_begin(3, 0, 1);
    gguf_number(1000, 8);
    CHECK_STR(refusal(), "m.gguf: key 0 takes 1000 bytes at 32, the file has 32 bytes");
    gguf_begin(3, 0, 1);
    gguf_key("text", 8);
    gguf_number(UINT64_MAX, 8);
    CHECK_STR(refusal(),
              "m.gguf: text takes 18446744073709551615 bytes at 48, the file has 48 bytes");
    gguf_begin(3, 0, 1);
    gguf_list("tokens", 8, 1);
    gguf_number(20, 8);
    gguf_bytes("short", 5);
    CHECK_STR(refusal(), "m.gguf: tokens[0] takes 20 bytes at 62, the file has 67 bytes");
    gguf_begin(3, 0, 1);
    gguf_list("tokens", 8, UINT64_MAX / 4);
    CHECK_STR(refusal(),
              "m.gguf: tokens takes 18446744073709551615 bytes at 54, the file has 54 bytes");
    gguf_begin(3, 0, 1);
    gguf_list("scores", 6, UINT64_MAX / 2);
    CHECK_STR(refusal(),
              "m.gguf: scores takes 18446744073709551615 bytes at 54, the file has 54 bytes");
    gguf_begin(3, 0, 1);
    gguf_list("scores", 6, 100);
    CHECK_STR(refusal(), "m.gguf: scores takes 400 bytes at 54, the file has 54 bytes");
    gguf_begin(3, 1, 0);
    CHECK_STR(refusal(), "m.gguf: tensor 0 takes 8 bytes at 24, the file has 24 bytes");
}

TEST("gguf: keys and values that can't be are refused by name")
{
    gguf_begin(3, 0, 1);
    gguf_key("a", 13);
    CHECK_STR(refusal(), "m.gguf: a has type 13, types are 0 ... 12");
    gguf_begin(3, 0, 1);
    gguf_list("a", 9, 1);
    CHECK_STR(refusal(), "m.gguf: a is a list of lists, which is not read");
    gguf_begin(3, 0, 1);
    gguf_bool("a", 2);
    CHECK_STR(refusal(), "m.gguf: a is 2, a bool must be 0 or 1");
    gguf_begin(3, 0, 1);
    gguf_number(3, 8);
    gguf_bytes("a\0b", 3);
    CHECK_STR(refusal(), "m.gguf: the name of key 0 has byte 0x00 at 1, names are ASCII");
    gguf_begin(3, 0, 1);
    gguf_string("");
    CHECK_STR(refusal(), "m.gguf: the name of key 0 has 0 bytes, must have 1 ... 1024");
    gguf_begin(3, 0, 3);
    gguf_u32("b", 1);
    gguf_u32("a", 1);
    gguf_u32("b", 1);
    CHECK_STR(refusal(), "m.gguf: key 'b' is there twice");
    gguf_begin(3, 0, 1);
    gguf_u32("general.alignment", 24);
    CHECK_STR(refusal(), "m.gguf: general.alignment is 24, must be a power of two");
    gguf_begin(3, 0, 1);
    gguf_u32("general.alignment", 0);
    CHECK_STR(refusal(), "m.gguf: general.alignment is 0, must be 1 ... 1048576");
    gguf_begin(3, 0, 1);
    gguf_key("split.count", 2);
    gguf_number(3, 2);
    CHECK_STR(refusal(), "m.gguf: split.count is 3: it is one part of a model; join the "
                         "parts first");
}

TEST("gguf: tensors whose shape, type or place can't be are refused by name")
{
    gguf_begin(3, 1, 0);
    gguf_tensor("t", 0, 0, 0, three);
    CHECK_STR(refusal(), "m.gguf: tensor 't' has 0 dimensions, must have 1 ... 4");
    gguf_begin(3, 1, 0);
    gguf_tensor("t", 0, 0, 1, (uint64_t[]){0});
    CHECK_STR(refusal(), "m.gguf: tensor 't': dimension 0 is 0, must be 1 ... 2^63 - 1");
    gguf_begin(3, 1, 0);
    gguf_tensor("t", 0, 0, 2, (uint64_t[]){UINT64_C(1) << 40, UINT64_C(1) << 40});
    CHECK_STR(refusal(),
              "m.gguf: tensor 't': shape [1099511627776, 1099511627776] overflows");
    gguf_begin(3, 1, 0);
    gguf_tensor("t", 5, 0, 1, three);
    CHECK_STR(refusal(), "m.gguf: tensor 't' has type 5, which is not known (F32, F16, BF16, "
                         "F64, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K)");
    gguf_begin(3, 1, 0);
    gguf_tensor("t", 8, 0, 2, (uint64_t[]){48, 2});
    CHECK_STR(refusal(), "m.gguf: tensor 't': rows of 48 numbers are no whole blocks of type "
                         "Q8_0, which have 32");
    gguf_begin(3, 1, 0);
    gguf_tensor("t", 0, 32, 1, three);
    gguf_data(64);
    CHECK_STR(refusal(), "m.gguf: tensor 't' is at 32 of the data, must be at 0");
    gguf_begin(3, 1, 0);
    gguf_tensor("t", 0, 0, 1, three);
    gguf_data(11);
    CHECK_STR(refusal(),
              "m.gguf: tensor 't' takes 12 bytes at 64, the file has 75 bytes");
    gguf_begin(3, 1, 0);
    gguf_tensor("t", 0, 0, 1, three);
    CHECK_STR(refusal(), "m.gguf: the data begin at 64, the file has 57 bytes");
    gguf_begin(3, 1, 0);
    gguf_tensor("t", 0, 0, 1, three);
    gguf_data(33);
    CHECK_STR(refusal(), "m.gguf: the tensors end at 76, the file has 97 bytes");
    gguf_begin(3, 2, 0);
    gguf_tensor("t", 0, 0, 1, three);
    gguf_tensor("u", 0, 12, 1, three);
    gguf_data(64);
    CHECK_STR(refusal(), "m.gguf: tensor 'u' is at 12 of the data, must be at 32");
}

TEST("gguf: tensors are read as float32, and a type that is not implemented is named")
{
    enc_checkpoint *checkpoint = NULL;
    float row[32];
    enc_error_clear(&err);
    gguf_begin(3, 2, 0);
    gguf_tensor("q", 8, 0, 1, (uint64_t[]){32});
    gguf_tensor("iq", 20, 64, 1, (uint64_t[]){32});
    gguf_data(0);
    gguf_number(0x3800, 2); /* 0.5 */
    for (int i = 0; i < 32; i++)
        gguf_number((uint64_t)(i - 16) & 255, 1);
    gguf_data(32);
    REQUIRE(gguf_write(test_tmp(""), "m.gguf"));
    REQUIRE(enc_checkpoint_open_file(test_tmp(""), "m.gguf", &enc_format_gguf, &checkpoint,
                                     &err) == ENC_OK);
    enc_tensor *q = enc_checkpoint_find(checkpoint, "q");
    enc_tensor *iq = enc_checkpoint_find(checkpoint, "iq");
    REQUIRE(q && iq);
    CHECK_INT(enc_checkpoint_read(checkpoint, q, row, NULL, &err), ENC_OK);
    for (int i = 0; i < 32; i++)
        CHECK(row[i] == 0.5f * (float)(i - 16));
    CHECK_INT(enc_checkpoint_read(checkpoint, iq, row, NULL, &err), ENC_UNSUPPORTED);
    CHECK_STR(err.message, "m.gguf: tensor 'iq' has dtype IQ4_NL, weights are F32, F16, BF16, "
              "F64, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K");
    enc_checkpoint_close(checkpoint);
}
