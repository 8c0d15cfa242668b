/* test_torch.c - core/files/torch.c, gather.c: state dicts that torch.save wrote. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "checkpoint_copy.h"
#include "format.h"
#include "memory.h"
#include "model.h"
#include "safetensors.h"
#include "torch.h"

/* ---- What torch wrote ---- */

/* Both tensors say the same, number by number and bit by bit; integers are refused. */
static void check_same(enc_checkpoint *a, enc_tensor *x, enc_checkpoint *b, enc_tensor *y)
{
    enc_error err = {0}, other = {0};
    char shape[ENC_SHAPE_SHOWN], want[ENC_SHAPE_SHOWN];
    CHECK_STR(x->name, y->name);
    CHECK_STR(x->dtype_name, y->dtype_name);
    CHECK_STR(enc_shape_show(x->shape, x->rank, shape),
              enc_shape_show(y->shape, y->rank, want));
    size_t bytes = enc_tensor_elements(x) * sizeof(float);
    float *got = enc_alloc(bytes), *reference = enc_alloc(bytes);
    REQUIRE(got && reference);
    CHECK_INT(enc_checkpoint_read(a, x, got, NULL, &err),
              enc_checkpoint_read(b, y, reference, NULL, &other));
    if (!other.code && memcmp(got, reference, bytes) != 0)
        CHECK_STR(x->name, "(the same numbers)");
    enc_free(got);
    enc_free(reference);
}

static void check_same_files(const char *folder, const char *torch, const char *values)
{
    enc_checkpoint *a, *b;
    enc_error err = {0};
    int64_t before = enc_memory_used();
    REQUIRE(enc_checkpoint_open_file(folder, torch, &enc_format_torch, &a, &err) == ENC_OK);
    REQUIRE(enc_checkpoint_open_file(folder, values, &enc_format_safetensors, &b, &err) ==
            ENC_OK);
    CHECK_INT(enc_checkpoint_count(a), enc_checkpoint_count(b));
    for (size_t i = 0; i < enc_checkpoint_count(a); i++)
        check_same(a, enc_checkpoint_at(a, i), b, enc_checkpoint_at(b, i));
    enc_checkpoint_close(a);
    enc_checkpoint_close(b);
    CHECK_INT(enc_memory_used(), before);
}

TEST("torch: every kind of tensor that torch.save writes is what safetensors says")
{
    const char *folder = test_data("golden/torch");
    check_same_files(folder, "pytorch_model.bin", "values.safetensors");
    check_same_files(folder, "2_Dense/pytorch_model.bin", "2_Dense/values.safetensors");
    check_same_files(folder, "protocol4.bin", "2_Dense/values.safetensors");
    check_same_files(folder, "old.bin", "values.safetensors");
}

/* The model's embedding of one text. */
static int embed(const char *folder, float *vector)
{
    enc_error err = {0};
    enc_model *model = NULL;
    enc_session *session = NULL;
    enc_text text = {"the bank of a river", 19};
    enc_model_load(folder, NULL, &model, &err);
    if (!err.code)
        enc_session_open(&session, &err);
    if (!err.code)
        enc_embed(session, model, &text, 1, NULL, vector, NULL, &err);
    CHECK_STR(err.message, "");
    enc_session_close(session);
    enc_model_free(model);
    return err.code;
}

static void rename_file(const char *folder, const char *from, const char *to)
{
    size_t size;
    char *data = copy_read(folder, from, &size);
    CHECK(data && copy_write(folder, to, data, size) && copy_remove(folder, from));
    free(data);
}

TEST("torch: a folder with pytorch_model.bin embeds as one with safetensors does")
{
    float torch[8], safetensors[8];
    const char *folder = copy_checkpoint("torch");
    REQUIRE(embed(folder, torch) == ENC_OK);
    rename_file(folder, "values.safetensors", "model.safetensors");
    copy_remove(folder, "pytorch_model.bin");
    rename_file(folder, "2_Dense/values.safetensors", "2_Dense/model.safetensors");
    copy_write(folder, "2_Dense/pytorch_model.bin", "not looked at", 13);
    REQUIRE(embed(folder, safetensors) == ENC_OK);
    CHECK(memcmp(torch, safetensors, sizeof torch) == 0);
}

TEST("torch: shards are found by their index")
{
    enc_checkpoint *checkpoint;
    enc_error err = {0};
    const char *folder = copy_checkpoint("torch");
    rename_file(folder, "pytorch_model.bin", "one.bin");
    rename_file(folder, "protocol4.bin", "two.bin");
    copy_edit(folder, "pytorch_model.bin.index.json", "",
              "{\"weight_map\":{\"extra.tied\":\"one.bin\",\"linear.bias\":\"two.bin\"}}");
    REQUIRE(enc_checkpoint_open(folder, "", &checkpoint, &err) == ENC_OK);
    CHECK_STR(enc_checkpoint_file(checkpoint, enc_checkpoint_find(checkpoint, "linear.bias")),
              "two.bin");
    CHECK_STR(enc_checkpoint_file(checkpoint, enc_checkpoint_find(checkpoint, "extra.tied")),
              "one.bin");
    enc_checkpoint_close(checkpoint);
}

/* ---- What somebody else wrote ---- */

/* An archive with that pickle and storages data/0 of 24 bytes and data/1 of none. */
static const char *pickle_error(const void *pickle, size_t size)
{
    static enc_error err;
    static const float numbers[6] = {1, 2, 3, 4, 5, 6};
    archive a = {0};
    archive_add(&a, "m/data.pkl", pickle, size);
    archive_add(&a, "m/data/0", numbers, sizeof numbers);
    archive_add(&a, "m/data/1", "", 0);
    archive_end(&a);
    const char *folder = test_tmp("");
    copy_write(folder, "m.bin", a.data, a.size);
    archive_free(&a);
    enc_checkpoint *checkpoint;
    enc_error_clear(&err);
    int64_t before = enc_memory_used();
    if (enc_checkpoint_open_file(folder, "m.bin", &enc_format_torch, &checkpoint, &err) ==
        ENC_OK) {
        float out[64];
        enc_checkpoint_read(checkpoint, enc_checkpoint_at(checkpoint, 0), out, NULL, &err);
        enc_checkpoint_close(checkpoint);
    }
    CHECK_INT(enc_memory_used(), before);
    return err.message;
}

/* A dict of one tensor 'a': {'a': _rebuild_tensor_v2(STORAGE, OFFSET, SHAPE, STRIDES)}. */
#define TEXT(letter) "\x8c\x01" letter
#define STORAGE(class, key, numel)                                                         \
    "(" "\x8c\x07storage" "ctorch\n" class "\n" key "\x8c\x03" "cpu" numel "tQ"
#define TENSOR(storage, view) "ctorch._utils\n_rebuild_tensor_v2\n(" storage view "tR"
#define DICT(value) "\x80\x02}" TEXT("a") value "s."
#define FLOATS STORAGE("FloatStorage", TEXT("0"), "K\x06")

TEST("torch: a tensor that its storage does not hold is refused with both")
{
    static const struct { const char *pickle; size_t size; const char *message; } rows[] = {
#define ROW(pickle, message) {pickle, sizeof(pickle) - 1, message}
        ROW(DICT(TENSOR(FLOATS, "K\0K\x02K\x03\x86K\x03K\x01\x86")), ""),
        ROW(DICT(TENSOR(FLOATS, "K\0K\x03K\x02\x86K\x01K\x03\x86")), ""),
        ROW(DICT(TENSOR(FLOATS, "K\x06K\0\x85K\x01\x85")), ""),
        ROW(DICT(TENSOR(FLOATS, "K\x05))")), ""),
        ROW(DICT(TENSOR(STORAGE("FloatStorage", TEXT("1"), "K\0"), "K\0K\0\x85K\x01\x85")),
            ""),
        ROW(DICT(TENSOR(FLOATS, "K\x01K\x02K\x03\x86K\x03K\x01\x86")),
            "m.bin: tensor 'a' of shape [2, 3] with strides [3, 1] from element 1 does not "
            "fit in its storage of 6 elements"),
        ROW(DICT(TENSOR(FLOATS, "K\x07K\0\x85K\x01\x85")),
            "m.bin: tensor 'a' of shape [0] with strides [1] from element 7 does not fit in "
            "its storage of 6 elements"),
        ROW(DICT(TENSOR(FLOATS, "K\0\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85K\x02\x85")),
            "m.bin: tensor 'a' of shape [9223372036854775807] with strides [2] from element "
            "0 does not fit in its storage of 6 elements"),
        ROW(DICT(TENSOR(FLOATS, "K\0J\0\0\0\x7fJ\0\0\0\x7fJ\0\0\0\x7f\x87K\0K\0K\0\x87")),
            "m.bin: tensor 'a' of shape [2130706432, 2130706432, 2130706432] with strides "
            "[0, 0, 0] from element 0 does not fit in its storage of 6 elements"),
        ROW(DICT(TENSOR(FLOATS, "K\0K\x04K\x03\x86K\0K\x01\x86")),
            "m.bin: tensor 'a' of shape [4, 3] repeats 3 numbers (strides [0, 1]); save it "
            "with .contiguous()"),
        ROW(DICT(TENSOR(FLOATS, "K\0J\xff\xff\xff\xff\x85K\x01\x85")),
            "m.bin: tensor 'a': its shape has -1, must be from 0"),
        ROW(DICT(TENSOR(FLOATS, "K\0K\x02\x85J\xff\xff\xff\xff\x85")),
            "m.bin: tensor 'a': its strides has -1, must be from 0"),
        ROW(DICT(TENSOR(FLOATS, "J\xff\xff\xff\xffK\x02\x85K\x01\x85")),
            "m.bin: tensor 'a': its offset is -1, must be from 0"),
        ROW(DICT(TENSOR(FLOATS, "K\0K\x02\x85)")),
            "m.bin: tensor 'a' has 1 dimensions and 0 strides"),
        ROW(DICT(TENSOR(FLOATS, "K\0K\x02K\x01\x85")),
            "m.bin: tensor 'a': its shape is an integer, must be a tuple"),
        ROW(DICT(TENSOR(FLOATS, "K\0N\x85K\x01\x85")),
            "m.bin: tensor 'a': its shape is None, must be integers"),
        ROW(DICT(TENSOR(FLOATS, "K\0(K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01t)")),
            "m.bin: tensor 'a': its shape has 9 numbers, the limit is 8"),
        ROW(DICT(TENSOR(FLOATS, "K\0))\x89N}")),
            "m.bin: tensor 'a' is a view that negates or conjugates its storage; save it "
            "with .resolve_neg() or .resolve_conj()"),
        ROW(DICT(TENSOR(FLOATS, "")), "m.bin: tensor 'a' is made of 1 values, 4 are needed"),
        ROW(DICT(TENSOR("N", "K\0))")),
            "m.bin: tensor 'a': its storage is None, must be a storage"),
        ROW(DICT(TENSOR("K\x01\x85Q", "K\0))")),
            "m.bin: tensor 'a': its storage is not told as ('storage', class, key, device, "
            "size)"),
        ROW(DICT(TENSOR(STORAGE("FloatStorage", TEXT("7"), "K\x06"), "K\0))")),
            "m.bin: tensor 'a': its storage data/7 is not in the archive"),
        ROW(DICT(TENSOR(STORAGE("FloatStorage", TEXT("0"), "K\x07"), "K\0))")),
            "m.bin: tensor 'a': its storage data/0 has 24 bytes, not the 7 elements of F32 "
            "it is said to have"),
        ROW(DICT(TENSOR(STORAGE("LongStorage", TEXT("0"), "K\x03"), "K\0))")),
            "m.bin: tensor 'a' has dtype I64, weights are F32, F16, BF16 or F64")};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(pickle_error(rows[i].pickle, rows[i].size), rows[i].message);
}

TEST("torch: what is not a dict of tensors is refused with what it is")
{
    static const struct { const char *pickle; size_t size; const char *message; } rows[] = {
        ROW("\x80\x02}" TEXT("a") TENSOR(FLOATS, "K\0))") "s" TEXT("a")
            TENSOR(FLOATS, "K\0))") "s.", "m.bin: tensor 'a' is there twice"),
        ROW(DICT("K\x05"), "m.bin: 'a' is an integer, must be a tensor: a state dict is "
            "read, as torch.save(model.state_dict(), ...) writes it"),
        ROW(DICT("ccollections\nOrderedDict\n)R"), "m.bin: 'a' is a dict, must be a tensor: "
            "a state dict is read, as torch.save(model.state_dict(), ...) writes it"),
        ROW("\x80\x02]K\x01" "a.", "m.bin holds a list, must be a dict of "
            "tensors, as torch.save(model.state_dict(), ...) writes it"),
        ROW("\x80\x02" TENSOR(FLOATS, "K\0))") ".", "m.bin holds an object, must be a dict "
            "of tensors, as torch.save(model.state_dict(), ...) writes it"),
        ROW("\x80\x02}K\x01Ns.",
            "m.bin: a key of the dict is an integer, must be a tensor's name"),
        ROW("\x80\x02}" TEXT("\n") "Ns.",
            "m.bin: the tensor's name '?' is not printable ASCII"),
        ROW(DICT("cos\nsystem\n" TEXT("x") "\x85R"),
            "m.bin: the pickle asks for 'os.system', only OrderedDict and torch's tensors, "
            "parameters and storages are read")};
#undef ROW
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(pickle_error(rows[i].pickle, rows[i].size), rows[i].message);
}

TEST("torch: indices are read row by row alone")
{
    static const char pickle[] =
        DICT(TENSOR(STORAGE("LongStorage", TEXT("0"), "K\x03"), "K\0K\x02\x85K\x02\x85"));
    static const int64_t numbers[] = {4, 5, 6};
    enc_error err = {0};
    archive a = {0};
    enc_checkpoint *checkpoint;
    int32_t out[2];
    archive_add(&a, "m/data.pkl", pickle, sizeof pickle - 1);
    archive_add(&a, "m/data/0", numbers, sizeof numbers);
    archive_end(&a);
    copy_write(test_tmp(""), "m.bin", a.data, a.size);
    archive_free(&a);
    REQUIRE(enc_checkpoint_open_file(test_tmp(""), "m.bin", &enc_format_torch, &checkpoint,
                                     &err) == ENC_OK);
    CHECK_INT(enc_checkpoint_read_indices(checkpoint, enc_checkpoint_at(checkpoint, 0), 10, out,
                                          NULL, &err), ENC_UNSUPPORTED);
    CHECK_STR(err.message, "m.bin: tensor 'a' is a view with gaps between its numbers; save it "
              "with .contiguous()");
    enc_checkpoint_close(checkpoint);
}

TEST("torch: tensors that share one storage are not read without end")
{
    enum { NUMBERS = 1024, NAMES = 5 };
    static const char head[] = "\x80\x02}", item[] = "\x8c\x01" "x"
        TENSOR(STORAGE("FloatStorage", TEXT("0"), "M\0\x04"), "K\0M\0\x04\x85K\x01\x85") "s";
    static float numbers[NUMBERS], out[NUMBERS];
    char pickle[NAMES * sizeof item + 8], *at = pickle;
    enc_error err = {0};
    archive a = {0};
    enc_checkpoint *checkpoint;
    at = (char *)memcpy(at, head, sizeof head - 1) + sizeof head - 1;
    for (int i = 0; i < NAMES; i++) {
        memcpy(at, item, sizeof item - 1);
        at[2] = (char)('a' + i);
        at += sizeof item - 1;
    }
    *at++ = '.';
    archive_add(&a, "m/data.pkl", pickle, (size_t)(at - pickle));
    archive_add(&a, "m/data/0", numbers, sizeof numbers);
    archive_end(&a);
    copy_write(test_tmp(""), "m.bin", a.data, a.size);
    size_t size = a.size;
    archive_free(&a);
    REQUIRE(enc_checkpoint_open_file(test_tmp(""), "m.bin", &enc_format_torch, &checkpoint,
                                     &err) == ENC_OK);
    size_t read = 0;
    while (read < NAMES && enc_checkpoint_read(checkpoint, enc_checkpoint_at(checkpoint, read),
                                               out, NULL, &err) == ENC_OK)
        read++;
    CHECK_INT(read, 2 * size / sizeof numbers); /* whole tensors of so many bytes */
    CHECK_INT(err.code, ENC_UNSUPPORTED);
    CHECK(strstr(err.message, "bytes of numbers are asked for, the checkpoint has"));
    enc_checkpoint_close(checkpoint);
}

TEST("torch: one name recalled again and again takes no memory for each")
{
    enum { NAME = 1000, ITEMS = 500 };
    static const char tensor[] = TENSOR(FLOATS, "K\0))"), again[] = "h\0h\x01s";
    char *pickle = malloc(NAME + 5 * ITEMS + 100), *at = pickle;
    REQUIRE(pickle);
    at = (char *)memcpy(at, "\x80\x02}X\xe8\x03\0\0", 8) + 8;
    at = (char *)memset(at, 'k', NAME) + NAME;
    at = (char *)memcpy(at, "q\0", 2) + 2;
    at = (char *)memcpy(at, tensor, sizeof tensor - 1) + sizeof tensor - 1;
    at = (char *)memcpy(at, "q\x01s", 3) + 3;
    for (int i = 1; i < ITEMS; i++)
        at = (char *)memcpy(at, again, sizeof again - 1) + sizeof again - 1;
    *at++ = '.';
    const char *message = pickle_error(pickle, (size_t)(at - pickle));
    CHECK_STR(message, "m.bin: its 500 tensors have names of 500000 bytes, the pickle has "
              "3591: one name is there twice");
    free(pickle);
}

/* The message for an archive with these entries and this byte order. */
static const char *archive_error(const char *entry, const char *order)
{
    static const char pickle[] = "\x80\x02}.";
    static enc_error err;
    archive a = {0};
    enc_checkpoint *checkpoint;
    archive_add(&a, entry, pickle, sizeof pickle - 1);
    if (order)
        archive_add(&a, "m/byteorder", order, strlen(order));
    archive_end(&a);
    copy_write(test_tmp(""), "m.bin", a.data, a.size);
    archive_free(&a);
    enc_error_clear(&err);
    enc_checkpoint_open_file(test_tmp(""), "m.bin", &enc_format_torch, &checkpoint, &err);
    enc_checkpoint_close(checkpoint);
    return err.message;
}

static const char *bytes_error(const char *data, size_t size)
{
    static enc_error err;
    enc_checkpoint *checkpoint;
    copy_write(test_tmp(""), "m.bin", data, size);
    enc_error_clear(&err);
    enc_checkpoint_open_file(test_tmp(""), "m.bin", &enc_format_torch, &checkpoint, &err);
    enc_checkpoint_close(checkpoint);
    return err.message;
}

TEST("torch: other archives, byte orders and formats are named")
{
    CHECK_STR(archive_error("m/data.pkl", "little"), "");
    CHECK_STR(archive_error("m/data.pkl", NULL), "");
    CHECK_STR(archive_error("m/data.pkl", "big"),
              "m.bin: its byteorder is 'big', only little is read");
    CHECK_STR(archive_error("data.pkl", NULL),
              "m.bin is a zip archive without data.pkl: not what torch.save writes");
    CHECK_STR(archive_error("m/n/data.pkl", NULL),
              "m.bin is a zip archive without data.pkl: not what torch.save writes");
    CHECK_STR(bytes_error("version https://git-lfs.github.com/spec/v1\n", 43),
              "m.bin is a Git LFS pointer, not the file itself (run 'git lfs pull')");
    CHECK_STR(bytes_error("", 0),
              "m.bin does not begin as a zip archive, in which torch.save writes");
}

/* ---- What PyTorch before 1.6 wrote ---------------------------------------------------- */

#define OLD "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
#define OLD_VERSION "\x80\x02M\xe9\x03."
#define LITTLE "\x8c\x0d" "little_endian"
#define OLD_MACHINE "\x80\x02}" LITTLE "\x88s."
#define OLD_HEAD OLD OLD_VERSION OLD_MACHINE
#define OLD_STORAGE(class, key, count, view) \
    "(" "\x8c\x07storage" "ctorch\n" class "\n" key "\x8c\x03" "cpu" count view "tQ"
#define OLD_DICT(storage) DICT(TENSOR(storage, "K\0K\2\x85K\1\x85"))
#define OLD_KEYS(keys) "\x80\x02](" keys "e."
#define TWO "\2\0\0\0\0\0\0\0" "\0\0\x80?\0\0\0@"

TEST("torch: a file from before 1.6 that contradicts itself is refused with what it says")
{
    static const struct { const char *bytes; size_t size; const char *message; } rows[] = {
#define ROW(bytes, message) {bytes, sizeof bytes - 1, message}
#define PLAIN OLD_DICT(OLD_STORAGE("FloatStorage", TEXT("7"), "K\2", "N"))
        ROW(OLD_HEAD PLAIN OLD_KEYS(TEXT("7")) TWO, ""),
        ROW(OLD, "m.bin: the pickle is broken at byte 0: it ends early"),
        ROW(OLD "\x80\x02K\5.", "m.bin: its version is not 1001, which torch.save writes"),
        ROW(OLD OLD_VERSION "\x80\x02K\5.",
            "m.bin: of the machine it says an integer, must be a dict"),
        ROW(OLD OLD_VERSION "\x80\x02}" LITTLE "\x89s.",
            "m.bin: its little_endian is not True, other files are not read"),
        ROW(OLD_HEAD PLAIN "\x80\x02K\5.",
            "m.bin: the storages are told as an integer, must be a list"),
        ROW(OLD_HEAD PLAIN OLD_KEYS(TEXT("8")) TWO, "m.bin: its storage 8 is that of no tensor"),
        ROW(OLD_HEAD PLAIN OLD_KEYS("K\7") TWO,
            "m.bin: its storage an integer is that of no tensor"),
        ROW(OLD_HEAD PLAIN OLD_KEYS(TEXT("7") TEXT("7")) TWO,
            "m.bin: its storage 7 is there twice"),
        ROW(OLD_HEAD PLAIN OLD_KEYS(""),
            "m.bin: tensor 'a': its storage 7 is not in the file"),
        ROW(OLD_HEAD PLAIN OLD_KEYS(TEXT("7")) "\3\0\0\0\0\0\0\0" "\0\0\x80?\0\0\0@",
            "m.bin: its storage 7 has 3 elements, not the 2 it is said to have"),
        ROW(OLD_HEAD PLAIN OLD_KEYS(TEXT("7")) "\2\0\0\0\0\0\0\0" "\0\0\x80?",
            "m.bin: its storage 7 of 2 elements ends behind the file's 158 bytes"),
        ROW(OLD_HEAD PLAIN OLD_KEYS(TEXT("7")) "\2\0",
            "m.bin: its storage 7 of 2 elements ends behind the file's 148 bytes"),
        ROW(OLD_HEAD OLD_DICT(OLD_STORAGE("FloatStorage", TEXT("7"), "K\2", ")"))
            OLD_KEYS(TEXT("7")) TWO, "m.bin: tensor 'a': its storage is part of another, as "
            "PyTorch before 0.4 wrote it"),
        ROW(OLD_HEAD OLD_DICT(OLD_STORAGE("FloatStorage", TEXT("7"), "K\2", ""))
            OLD_KEYS(TEXT("7")) TWO, "m.bin: tensor 'a': its storage is not told as "
            "('storage', class, key, device, size)"),
        ROW(OLD_HEAD "\x80\x02K\5." OLD_KEYS(""), "m.bin holds an integer, must be a dict of "
            "tensors, as torch.save(model.state_dict(), ...) writes it"),
        ROW(OLD_HEAD "\x80\x02}" TEXT("a")
            TENSOR(OLD_STORAGE("FloatStorage", TEXT("7"), "K\2", "N"), "K\0))") "s" TEXT("b")
            TENSOR(OLD_STORAGE("HalfStorage", TEXT("7"), "K\2", "N"), "K\0))") "s."
            OLD_KEYS(TEXT("7")) TWO, "m.bin: its storage 7 is told in two ways")};
#undef ROW
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(bytes_error(rows[i].bytes, rows[i].size), rows[i].message);
}

TEST("torch: a folder from before 1.6 embeds as one of today")
{
    const char *folder = copy_checkpoint("torch");
    size_t size;
    char *bytes = copy_read(folder, "old.bin", &size);
    REQUIRE(bytes);
    CHECK(copy_write(folder, "pytorch_model.bin", bytes, size));
    free(bytes);
    enc_model *old = NULL, *today = NULL;
    enc_error err = {0};
    CHECK_INT(enc_model_load(folder, NULL, &old, &err), ENC_OK);
    CHECK_INT(enc_model_load(test_data("golden/torch"), NULL, &today, &err), ENC_OK);
    CHECK_STR(err.message, "");
    REQUIRE(old && today);
    CHECK_STR(enc_model_describe(old)->fingerprint, enc_model_describe(today)->fingerprint);
    enc_model_free(old);
    enc_model_free(today);
}
