/* test_hdf5.c - core/files/hdf5.c, hdf5_object.c: datasets of HDF5 files. */
#include "unit.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint_copy.h"
#include "hdf5.h"
#include "memory.h"

static const char *list_error(const char *folder, const char *name, enc_tensor_list *list)
{
    static enc_error err;
    enc_file file;
    *list = (enc_tensor_list){0};
    err = (enc_error){0};
    if (enc_file_open(folder, name, INT64_MAX, &file, &err) == ENC_OK)
        enc_format_hdf5.list(&file, 0, list, &err);
    enc_file_close(&file);
    return err.message;
}

static const enc_tensor *find(const enc_tensor_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i].name, name) == 0)
            return &list->at[i];
    return NULL;
}

/* h5py's oldest form and its newest hold the same. */
static void check_list(const char *folder, const char *name)
{
    enc_tensor_list list;
    CHECK_STR(list_error(folder, name, &list), "");
    CHECK_INT(list.count, 25);
    const enc_tensor *t = find(&list, "RNN_1/RNN/MultiRNNCell/Cell1/LSTMCell/W_0");
    REQUIRE(t);
    CHECK(t->dtype == ENC_DTYPE_F32 && t->rank == 2 && t->shape[0] == 32 && t->shape[1] == 96);
    CHECK_INT(t->bytes, 32 * 96 * 4);
    CHECK(find(&list, "char_embed") && find(&list, "CNN/W_cnn_0")->rank == 4);
    enc_tensor_list_free(&list);
}

TEST("hdf5: datasets are listed with path, type, shape and place, in old files and in new ones")
{
    check_list(test_data("golden/elmo"), "weights.hdf5");
    check_list(test_data("golden/elmo"), "weights_latest.hdf5");
}

TEST("hdf5: what is no such file, or is cut, is refused")
{
    enc_tensor_list list;
    size_t size;
    char *data = copy_read(test_data("golden/elmo"), "weights.hdf5", &size);
    REQUIRE(data);
    copy_write(test_tmp(""), "x.hdf5", "\x89HDF\r\n\x1a\n", 8);
    CHECK_STR(list_error(test_tmp(""), "x.hdf5", &list),
              "x.hdf5 does not begin as an HDF5 file");
    copy_write(test_tmp(""), "x.hdf5", data, 60);
    CHECK_STR(list_error(test_tmp(""), "x.hdf5", &list), "x.hdf5 ends inside its superblock");
    copy_write(test_tmp(""), "x.hdf5", data, size - 4);
    CHECK(strstr(list_error(test_tmp(""), "x.hdf5", &list), "the file has ") != NULL);
    enc_tensor_list_free(&list);
    data[8] = 9;
    copy_write(test_tmp(""), "x.hdf5", data, size);
    CHECK_STR(list_error(test_tmp(""), "x.hdf5", &list),
              "x.hdf5: HDF5 superblock version 9 is not read");
    free(data);
}

/* Of 2,000 places each is set to values that sizes and addresses lie with. */
static void survive_pokes(const char *file)
{
    static const unsigned char values[] = {0, 1, 0x7f, 0xff};
    size_t size;
    char *data = copy_read(test_data("golden/elmo"), file, &size);
    REQUIRE(data);
    int64_t before = enc_memory_used();
    for (size_t at = 0; at < size && at < 40000; at += 11) {
        char was = data[at];
        enc_tensor_list list;
        data[at] = (char)(values[at % 4] == (unsigned char)was ? was ^ 1 : values[at % 4]);
        copy_write(test_tmp(""), "x.hdf5", data, size);
        const char *message = list_error(test_tmp(""), "x.hdf5", &list);
        CHECK(message[0] == '\0' || strstr(message, "x.hdf5") != NULL);
        enc_tensor_list_free(&list);
        data[at] = was;
    }
    CHECK_INT(enc_memory_used(), before);
    free(data);
}

TEST("hdf5: files with a byte replaced are read or refused") { survive_pokes("weights.hdf5"); }

TEST("hdf5: so are files of the newest form") { survive_pokes("weights_latest.hdf5"); }
