/* test_hub_cache.c - core/model/hub_cache.c: a folder of Hugging Face's cache. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint_copy.h"
#include "hub_cache.h"
#include "model.h"
#include "unit.h"

/* A folder with blobs, and snapshots of which `count` are there. */
static const char *cache_of(const char *name, const char *const *snapshots, int count)
{
    char path[4096];
    const char *folder = test_tmp(name);
    CHECK_INT(mkdir(folder, 0700), 0);
    copy_make_folder(folder, "blobs");
    copy_make_folder(folder, "refs");
    copy_make_folder(folder, "snapshots");
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "snapshots/%s", snapshots[i]);
        copy_make_folder(folder, path);
    }
    return folder;
}

/* The snapshot's path with the folder's written as "@", or the refusal's sentence. */
static const char *snapshot_of(const char *folder)
{
    static char shown[2 * ENC_MESSAGE_SIZE];
    enc_error err = {0};
    char *found = (char *)&err;
    int rc = enc_hub_snapshot(folder, &found, &err);
    const char *text = rc != ENC_OK ? err.message : found ? found : "none";
    const char *at = strstr(text, folder);
    snprintf(shown, sizeof shown, "%.*s%s%s", (int)(at ? at - text : 0), text, at ? "@" : "",
             at ? at + strlen(folder) : text);
    enc_free(rc == ENC_OK ? found : NULL);
    return shown;
}

TEST("hub cache: a downloaded model is the snapshot that refs/main names")
{
    static const char *const names[] = {"0123ab", "4567cd"};
    const char *folder = cache_of("models--org--two", names, 2);
    CHECK(enc_hub_is_folder(folder));
    CHECK_STR(snapshot_of(folder), "'@' has several folders in snapshots and no refs/main; "
              "give the path of one of them");
    copy_write(folder, "refs/main", "4567cd\n", 7);
    CHECK_STR(snapshot_of(folder), "@/snapshots/4567cd");
    copy_write(folder, "refs/main", "../../etc", 9);
    CHECK_STR(snapshot_of(folder), "@/refs/main must hold the name of a folder in snapshots");
    copy_write(folder, "refs/main", "", 0);
    CHECK_STR(snapshot_of(folder), "@/refs/main must hold the name of a folder in snapshots");
}

TEST("hub cache: without refs/main the only snapshot is meant")
{
    static const char *const names[] = {"0123ab"};
    CHECK_STR(snapshot_of(cache_of("models--org--one", names, 1)), "@/snapshots/0123ab");
    CHECK_STR(snapshot_of(cache_of("models--org--none", NULL, 0)),
              "'@' has nothing in snapshots and no refs/main; give the path of one of them");
}

TEST("hub cache: a checkpoint is no such folder, whatever else lies in it")
{
    const char *folder = copy_checkpoint("bert");
    copy_make_folder(folder, "snapshots");
    copy_make_folder(folder, "refs");
    CHECK(!enc_hub_is_folder(folder));
    CHECK_STR(snapshot_of(folder), "none");
    copy_remove(folder, "config.json");
    copy_remove(folder, "modules.json");
    CHECK(enc_hub_is_folder(folder));
    CHECK(rmdir(test_data("missing")) != 0 && !enc_hub_is_folder(test_data("missing")));
}

/* A checkpoint as it lies in the cache: every file a relative link to a blob. */
static void link_file(const char *folder, const char *golden, const char *file, int blob)
{
    char name[64], from[4096], target[4096];
    size_t size;
    char *data = copy_read(test_data(golden), file, &size);
    REQUIRE(data);
    snprintf(name, sizeof name, "blobs/%d", blob);
    CHECK(copy_write(folder, name, data, size));
    free(data);
    snprintf(from, sizeof from, "%s/snapshots/0123ab/%s", folder, file);
    snprintf(target, sizeof target, "../..%s/blobs/%d", strchr(file, '/') ? "/.." : "", blob);
    CHECK_INT(symlink(target, from), 0);
}

TEST("hub cache: a model opens by its folder, and is the one that its snapshot is")
{
    static const char *const names[] = {"0123ab"};
    static const char *const files[] = {"config.json", "modules.json", "tokenizer.json",
                                        "model.safetensors", "sentence_bert_config.json",
                                        "tokenizer_config.json", "1_Pooling/config.json"};
    const char *folder = cache_of("models--org--real", names, 1);
    enc_error err = {0};
    enc_model *model = NULL, *same = NULL;
    char path[4096];
    copy_make_folder(folder, "snapshots/0123ab/1_Pooling");
    for (int i = 0; i < (int)(sizeof files / sizeof *files); i++)
        link_file(folder, "golden/bert", files[i], i);
    copy_write(folder, "refs/main", "0123ab", 6);
    CHECK(enc_model_exists(folder));
    CHECK_INT(enc_model_open(folder, NULL, &model, &err), ENC_OK);
    CHECK_STR(err.message, "");
    REQUIRE(model);
    snprintf(path, sizeof path, "%s/snapshots/0123ab", folder);
    CHECK_STR(enc_model_describe(model)->path, path);
    CHECK_STR(enc_model_describe(model)->pooling, "mean");
    CHECK_INT(enc_model_open(path, NULL, &same, &err), ENC_OK);
    CHECK(model == same);
    enc_model_close(model);
    enc_model_discard(same);
    copy_write(folder, "refs/main", "4567cd", 6);
    CHECK_INT(enc_model_open(folder, NULL, &model, &err), ENC_CANTOPEN);
    CHECK(strstr(err.message, "/snapshots/4567cd': there is no such folder or file"));
}
