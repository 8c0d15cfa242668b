/* test_saved_file.c - core/files/saved_file.c: a file that is whole, or not there. */
#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "saved_file.h"
#include "saved_seal.h"

static const char *const parts[] = {"{}", "tokenizer", "", "head"};

/* Writes the four parts; the file's size. */
static uint64_t write_file(const char *path)
{
    enc_error err = {0};
    enc_saved_writer writer;
    uint64_t bytes = 0;
    if (!CHECK_INT(enc_saved_create(path, NULL, &writer, &err), ENC_OK))
        return 0;
    for (int i = 0; i < ENC_SAVED_PARTS; i++) {
        CHECK_INT(enc_saved_begin(&writer, (enum enc_saved_part)i, &err), ENC_OK);
        CHECK_INT(enc_saved_append(&writer, parts[i], strlen(parts[i]), &err), ENC_OK);
    }
    CHECK_INT(enc_saved_commit(&writer, &bytes, &err), ENC_OK);
    enc_saved_abandon(&writer);
    CHECK_STR(err.message, "");
    return bytes;
}

static int files_in(const char *folder)
{
    int count = 0;
    DIR *listing = opendir(folder);
    for (struct dirent *found; listing && (found = readdir(listing)); )
        count += strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0;
    if (listing)
        closedir(listing);
    return count;
}

TEST("saved file: parts come back, and the memory is given back")
{
    enc_error err = {0};
    enc_saved_map map;
    int64_t before = enc_memory_used();
    const char *path = test_tmp("sf_parts");
    uint64_t bytes = write_file(path);
    struct stat status;
    CHECK(stat(path, &status) == 0 && (uint64_t)status.st_size == bytes);
    CHECK_INT(status.st_mode & 0222, 0);
    CHECK(enc_saved_is_file(path));
    CHECK_INT(enc_saved_open(path, "parts", &map, &err), ENC_OK);
    for (int i = 0; i < ENC_SAVED_PARTS; i++) {
        CHECK_INT(map.part[i].size, (strlen(parts[i]) + 63) / 64 * 64);
        CHECK(memcmp(map.part[i].data, parts[i], strlen(parts[i])) == 0);
        CHECK((uintptr_t)map.part[i].data % 64 == 0);
    }
    enc_saved_close(&map);
    enc_saved_close(&map); /* twice is fine */
    CHECK_INT(enc_memory_used(), before);
}

TEST("saved file: what is not committed leaves the old file and nothing else")
{
    enc_error err = {0};
    enc_saved_writer writer;
    enc_saved_map map;
    const char *folder = test_tmp("sf_folder");
    char path[512];
    CHECK(mkdir(folder, 0777) == 0);
    snprintf(path, sizeof path, "%s/x", folder);
    write_file(path);
    CHECK_INT(enc_saved_create(path, NULL, &writer, &err), ENC_OK);
    CHECK_INT(enc_saved_begin(&writer, ENC_SAVED_SETTINGS, &err), ENC_OK);
    CHECK_INT(enc_saved_append(&writer, "other", 5, &err), ENC_OK);
    CHECK_INT(files_in(folder), 2);
    enc_saved_abandon(&writer);
    CHECK_INT(files_in(folder), 1);
    CHECK_INT(enc_saved_open(path, "x", &map, &err), ENC_OK);
    CHECK(memcmp(map.part[0].data, "{}", 2) == 0);
    enc_saved_close(&map);
}

TEST("saved file: only a saved model is replaced")
{
    enc_saved_writer writer;
    char link[512];
    const char *text = test_tmp("sf_text");
    FILE *file = fopen(text, "wb");
    REQUIRE(file);
    fputs("mine", file);
    fclose(file);
    write_file(test_tmp("sf_target"));
    snprintf(link, sizeof link, "%s", test_tmp("sf_link"));
    CHECK(symlink("sf_target", link) == 0);
    const char *const paths[] = {text, link, test_tmp("")};
    for (size_t i = 0; i < 3; i++) {
        enc_error err = {0};
        CHECK_INT(enc_saved_create(paths[i], NULL, &writer, &err), ENC_INVALID);
        CHECK(strncmp(err.message, "cannot save to '", 16) == 0);
        enc_saved_abandon(&writer);
    }
    CHECK(!enc_saved_is_file(text));
    CHECK(!enc_saved_is_file(test_tmp("")));
    CHECK(!enc_saved_is_file("/dev/zero"));
    CHECK(write_file(test_tmp("sf_target")) > 0);
}

/* Opens what is written of it; the sentence. */
static const char *open_error(const char *data, size_t size)
{
    static enc_error err;
    enc_saved_map map;
    const char *path = test_tmp("sf_damaged");
    unlink(path);
    FILE *file = fopen(path, "wb");
    if (!file)
        return "";
    fwrite(data, 1, size, file);
    fclose(file);
    err = (enc_error){0};
    if (enc_saved_open(path, "damaged", &map, &err) == ENC_OK)
        enc_saved_close(&map);
    else
        CHECK(!map.data);
    return err.message;
}

static char *read_file(const char *path, size_t *size)
{
    static char data[4096];
    FILE *file = fopen(path, "rb");
    *size = file ? fread(data, 1, sizeof data, file) : 0;
    if (file)
        fclose(file);
    return data;
}

TEST("saved file: every bit that flips is noticed")
{
    size_t size;
    write_file(test_tmp("sf_whole"));
    char *data = read_file(test_tmp("sf_whole"), &size);
    CHECK_STR(open_error(data, size), "");
    for (size_t place = 0; place < size; place++) {
        data[place] ^= (char)(1 << place % 8);
        CHECK(open_error(data, size)[0] != '\0');
        data[place] ^= (char)(1 << place % 8);
    }
    for (size_t shorter = 0; shorter < size; shorter += 13)
        CHECK(open_error(data, shorter)[0] != '\0');
    CHECK_STR(open_error(data, size + 1), "damaged has 449 bytes, its header says 448: it was cut "
              "short or written to");
}

TEST("saved file: versions, orders of bytes and sizes are told apart from damage")
{
    size_t size;
    write_file(test_tmp("sf_whole"));
    char *data = read_file(test_tmp("sf_whole"), &size), copy[4096];
    memcpy(copy, data, size);
    copy[8] = 1;
    CHECK_STR(open_error(copy, size), "damaged has format version 1, this library reads 2; save "
              "it again from its checkpoint");
    memcpy(copy, data, size);
    memcpy(copy + 12, "\x01\x02\x03\x04", 4);
    CHECK_STR(open_error(copy, size), "damaged was saved on a machine with another order of bytes; "
              "save it here from its checkpoint");
    memcpy(copy, data, size);
    copy[SEAL_SIZES + 1] = 1; /* 256 more */
    seal_sum(copy, SEAL_OWN, copy + SEAL_OWN);
    CHECK_STR(open_error(copy, size), "damaged has 448 bytes, its header says 704: it was cut "
              "short or written to");
    memset(copy + SEAL_SIZES, 0xff, 8);
    seal_sum(copy, SEAL_OWN, copy + SEAL_OWN);
    CHECK_STR(open_error(copy, size), "damaged: the size of its settings is 18446744073709551615");
    memcpy(copy, data, size);
    memset(copy + SEAL_SUMS, 0xb2, 32);
    seal_sum(copy, SEAL_OWN, copy + SEAL_OWN);
    const char *message = open_error(copy, size);
    CHECK(strstr(message, "damaged is damaged: its settings has checksum ") == message);
    CHECK(strstr(message, ", the file says ????????"));
}

static int stop(void *context)
{
    (void)context;
    return 1;
}

TEST("saved file: a call that is to stop leaves no file")
{
    enc_error err = {0};
    enc_saved_writer writer;
    enc_poll poll;
    const char *path = test_tmp("sf_stopped");
    enc_poll_begin(&poll, stop, NULL, 0);
    CHECK_INT(enc_saved_create(path, &poll, &writer, &err), ENC_INTERRUPTED);
    enc_saved_abandon(&writer);
    CHECK(access(path, F_OK) != 0);
}
