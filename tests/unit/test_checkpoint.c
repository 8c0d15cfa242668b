/* test_checkpoint.c - core/files/checkpoint.c: tensors by name, in one file or in shards. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint.h"
#include "memory.h"
#include "checkpoint_copy.h"

static const char index_file[] = "model.safetensors.index.json";

/* A fresh folder below the temporary one, holding a checkpoint of two shards:
** a [2] and c [1] in one, b [3] in the other. */
static const char *sharded(void)
{
    const char *folder = copy_checkpoint("bert");
    copy_remove(folder, "model.safetensors");
    copy_safetensors(folder, "one.safetensors",
                     "{\"c\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]},"
                     "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 12);
    copy_safetensors(folder, "two.safetensors",
                     "{\"b\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[0,6]}}", 6);
    copy_edit(folder, index_file, "",
              "{\"metadata\":{\"total_size\":18},\"weight_map\":{\"a\":\"one.safetensors\","
              "\"b\":\"two.safetensors\",\"c\":\"one.safetensors\"}}");
    return folder;
}

static const char *open_error(const char *folder, int *code)
{
    static enc_error err;
    enc_checkpoint *checkpoint;
    enc_error_clear(&err);
    *code = enc_checkpoint_open(folder, "", &checkpoint, &err);
    CHECK((checkpoint != NULL) == (*code == ENC_OK));
    enc_checkpoint_close(checkpoint);
    return err.message;
}

TEST("checkpoint: tensors are found by name and listed in the order of their names")
{
    enc_checkpoint *checkpoint;
    enc_error err = {0};
    const char *folder = sharded();
    REQUIRE(enc_checkpoint_open(folder, "", &checkpoint, &err) == ENC_OK);
    CHECK_INT(enc_checkpoint_count(checkpoint), 3);
    CHECK_STR(enc_checkpoint_at(checkpoint, 0)->name, "a");
    CHECK_STR(enc_checkpoint_at(checkpoint, 1)->name, "b");
    CHECK_STR(enc_checkpoint_at(checkpoint, 2)->name, "c");
    CHECK(enc_checkpoint_find(checkpoint, "b") == enc_checkpoint_at(checkpoint, 1));
    CHECK(!enc_checkpoint_find(checkpoint, ""));
    CHECK(!enc_checkpoint_find(checkpoint, "bb"));
    CHECK(!enc_checkpoint_find(checkpoint, "z"));
    CHECK_STR(enc_checkpoint_file(checkpoint, enc_checkpoint_at(checkpoint, 1)),
              "two.safetensors");
    CHECK_STR(enc_checkpoint_file(checkpoint, NULL), index_file);
    enc_checkpoint_close(checkpoint);
    enc_checkpoint_close(NULL);
}

TEST("checkpoint: a tensor longer than one stretch of reading arrives whole")
{
    enum { COUNT = 300 * 1000 };
    static const char header[] =
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[300,1000],\"data_offsets\":[0,1200000]}}";
    const char *folder = copy_checkpoint("bert");
    float *in = malloc(COUNT * sizeof *in), *out = malloc(COUNT * sizeof *out);
    enc_checkpoint *checkpoint = NULL;
    enc_error err = {0};
    REQUIRE(in && out);
    for (int i = 0; i < COUNT; i++)
        in[i] = (float)i * 0.25f - 7;
    REQUIRE(copy_safetensors(folder, "model.safetensors", header, COUNT * sizeof *in));
    REQUIRE(copy_poke_tensor(folder, "model.safetensors", "w", 0, in, COUNT * sizeof *in));
    REQUIRE(enc_checkpoint_open(folder, "", &checkpoint, &err) == ENC_OK);
    enc_tensor *tensor = enc_checkpoint_find(checkpoint, "w");
    REQUIRE(tensor != NULL);
    CHECK(!tensor->used);
    CHECK_INT(enc_checkpoint_read(checkpoint, tensor, out, NULL, &err), ENC_OK);
    CHECK(memcmp(in, out, COUNT * sizeof *in) == 0);
    CHECK(tensor->used);
    CHECK_INT(enc_checkpoint_unchanged(checkpoint, &err), ENC_OK);
    enc_checkpoint_close(checkpoint);
    free(in);
    free(out);
}

TEST("checkpoint: a number that is not finite is refused with its place, whatever the type")
{
    static const struct { const char *dtype; size_t width; const char *bytes; } rows[] = {
        {"F32", 4, "\0\0\x80\x7f"},         {"F32", 4, "\1\0\xc0\xff"},
        {"F16", 2, "\0\x7c"},               {"F16", 2, "\0\xfe"},
        {"BF16", 2, "\x80\xff"},            {"F64", 8, "\0\0\0\0\0\0\xf0\x7f"},
        {"F64", 8, "\0\0\0\0\0\0\xf0\x7e"}, /* finite, but beyond float32 */
    };
    const char *folder = copy_checkpoint("bert");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum { COUNT = 70000 }; /* the last one is beyond the first stretch that is read */
        char header[128];
        float *out = malloc(COUNT * sizeof *out);
        enc_checkpoint *checkpoint = NULL;
        enc_error err = {0};
        snprintf(header, sizeof header,
                 "{\"w\":{\"dtype\":\"%s\",\"shape\":[%d],\"data_offsets\":[0,%zu]}}",
                 rows[i].dtype, COUNT, COUNT * rows[i].width);
        REQUIRE(copy_safetensors(folder, "model.safetensors", header,
                                 COUNT * rows[i].width));
        REQUIRE(copy_poke_tensor(folder, "model.safetensors", "w", 69999 * rows[i].width,
                                 rows[i].bytes, rows[i].width));
        REQUIRE(out && enc_checkpoint_open(folder, "", &checkpoint, &err) == ENC_OK);
        CHECK_INT(enc_checkpoint_read(checkpoint, enc_checkpoint_at(checkpoint, 0), out,
                                      NULL, &err), ENC_CORRUPT);
        CHECK_STR(err.message,
                  "model.safetensors: tensor 'w' is not finite at element 69999");
        enc_checkpoint_close(checkpoint);
        free(out);
    }
}

TEST("checkpoint: integers are listed, and refused as weights")
{
    const char *folder = copy_checkpoint("bert");
    enc_checkpoint *checkpoint = NULL;
    enc_error err = {0};
    float out[2];
    copy_safetensors(folder, "model.safetensors",
                     "{\"ids\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[0,16]}}",
                     16);
    REQUIRE(enc_checkpoint_open(folder, "", &checkpoint, &err) == ENC_OK);
    enc_tensor *tensor = enc_checkpoint_find(checkpoint, "ids");
    CHECK_INT(enc_checkpoint_read(checkpoint, tensor, out, NULL, &err), ENC_UNSUPPORTED);
    CHECK_STR(err.message, "model.safetensors: tensor 'ids' has dtype I64, weights are "
                           "F32, F16, BF16 or F64");
    CHECK(!tensor->used);
    enc_checkpoint_close(checkpoint);
}

TEST("checkpoint: a file cut short or rewritten after opening is an error")
{
    const char *folder = copy_checkpoint("bert");
    char path[4200];
    float *out = ENC_ALLOC(float, 588 * 32);
    enc_checkpoint *checkpoint = NULL;
    enc_error err = {0};
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    REQUIRE(out && enc_checkpoint_open(folder, "", &checkpoint, &err) == ENC_OK);
    enc_tensor *tensor =
        enc_checkpoint_find(checkpoint, "bert.embeddings.word_embeddings.weight");
    REQUIRE(tensor && truncate(path, 20000) == 0);
    CHECK_INT(enc_checkpoint_read(checkpoint, tensor, out, NULL, &err), ENC_CORRUPT);
    CHECK_STR(err.message, "model.safetensors ended at byte 20000 while it was read; it "
                           "had 163680 bytes");
    enc_error_clear(&err);
    CHECK_INT(enc_checkpoint_unchanged(checkpoint, &err), ENC_CORRUPT);
    CHECK_STR(err.message, "model.safetensors changed while it was read; try again");
    enc_checkpoint_close(checkpoint);
    enc_free(out);
}

TEST("checkpoint: a folder without weights is told what is there instead")
{
    int code;
    char want[600];
    const char *folder = copy_checkpoint("bert");
    copy_remove(folder, "model.safetensors");
    snprintf(want, sizeof want,
             "'%s' has none of model.safetensors, model.safetensors.index.json, "
             "pytorch_model.bin, pytorch_model.bin.index.json", folder);
    CHECK_STR(open_error(folder, &code), want);
    CHECK_INT(code, ENC_CANTOPEN);
    copy_write(folder, "tf_model.h5", "x", 1);
    strcat(want, "; tf_model.h5 is not a format that is read");
    CHECK_STR(open_error(folder, &code), want);
}

TEST("checkpoint: an index that contradicts its shards is refused")
{
    static const struct { const char *path, *value, *message; } rows[] = {
        {"weight_map", NULL, "model.safetensors.index.json: weight_map is missing"},
        {"weight_map", "[]",
         "model.safetensors.index.json: weight_map is an array, must be an object"},
        {"weight_map.a", "5",
         "model.safetensors.index.json: weight_map 'a' is 5, must be a string"},
        {"weight_map.a", "\"../../etc/passwd\"",
         "model.safetensors.index.json: shard name '../../etc/passwd' must be a plain file "
         "name"},
        {"weight_map.a", "\"/etc/passwd\"",
         "model.safetensors.index.json: shard name '/etc/passwd' must be a plain file "
         "name"},
        {"weight_map.a", "\"..\"",
         "model.safetensors.index.json: shard name '..' must be a plain file name"},
        {"weight_map.a", "\"\"",
         "model.safetensors.index.json: shard name '' must be a plain file name"},
        {"weight_map.a", "\"sub/one.safetensors\"",
         "model.safetensors.index.json: shard name 'sub/one.safetensors' must be a plain "
         "file name"},
        {"weight_map.a", "\"two.safetensors\"",
         "model.safetensors.index.json: tensor 'a' is not in two.safetensors"},
        {"weight_map.d", "\"one.safetensors\"",
         "model.safetensors.index.json: tensor 'd' is not in one.safetensors"},
        {"", "[]", "model.safetensors.index.json holds an array, must be an object"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int code;
        const char *folder = sharded();
        REQUIRE(copy_edit(folder, index_file, rows[i].path, rows[i].value));
        CHECK_STR(open_error(folder, &code), rows[i].message);
        CHECK_INT(code, ENC_CORRUPT);
    }
}

TEST("checkpoint: one tensor in two shards is refused, an absent shard is named")
{
    int code;
    char want[600];
    const char *folder = sharded();
    copy_rename_tensor(folder, "two.safetensors", "b", "a");
    copy_edit(folder, index_file, "weight_map.b", NULL);
    copy_edit(folder, index_file, "weight_map.z", "\"two.safetensors\"");
    CHECK_STR(open_error(folder, &code), "model.safetensors.index.json: tensor 'a' is in "
                                         "one.safetensors and in two.safetensors");
    copy_remove(folder, "two.safetensors");
    snprintf(want, sizeof want, "cannot open '%s/two.safetensors': no such file", folder);
    CHECK_STR(open_error(folder, &code), want);
    CHECK_INT(code, ENC_CANTOPEN);
}
