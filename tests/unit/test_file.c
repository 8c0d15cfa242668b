/* test_file.c - core/base/file.c: bounded reading of regular files. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "memory.h"

static void put(const char *name, const char *text, size_t size)
{
    FILE *out = fopen(test_tmp(name), "wb");
    if (out) {
        fwrite(text, 1, size, out);
        fclose(out);
    }
}

/* Loads name from the temporary folder; the message, "@" for the folder's path. */
static const char *load_error(const char *name, uint64_t limit, int *code)
{
    static char message[ENC_MESSAGE_SIZE + 1];
    const char *folder = test_tmp("");
    enc_error err = {0};
    char *data;
    size_t size, length = strlen(folder);
    *code = enc_file_load(folder, name, limit, &data, &size, &err);
    enc_free(data);
    while (length > 0 && folder[length - 1] == '/')
        length--;
    char *at = memmem(err.message, strlen(err.message), folder, length);
    if (!at)
        return strcpy(message, err.message);
    const char *rest = at + length;
    while (rest[0] == '/' && rest[1] == '/')
        rest++;
    snprintf(message, sizeof message, "%.*s@%s", (int)(at - err.message), err.message,
             rest);
    return message;
}

TEST("file: the whole content is read, NULs too, with a NUL behind it")
{
    char *data = NULL;
    size_t size = 0;
    put("whole", "a\0b", 3);
    CHECK_INT(enc_file_load(test_tmp(""), "whole", 100, &data, &size, NULL), ENC_OK);
    CHECK_INT(size, 3);
    CHECK(data && memcmp(data, "a\0b", 4) == 0);
    enc_free(data);
    put("empty", "", 0);
    CHECK_INT(enc_file_load(test_tmp(""), "empty", 100, &data, &size, NULL), ENC_OK);
    CHECK_INT(size, 0);
    CHECK(data && data[0] == '\0');
    enc_free(data);
}

TEST("file: what can't be opened is told with its path and the reason")
{
    int code;
    CHECK_STR(load_error("absent", 9, &code), "cannot open '@/absent': no such file");
    CHECK_INT(code, ENC_CANTOPEN);
    mkdir(test_tmp("a_folder"), 0777);
    CHECK_STR(load_error("a_folder", 9, &code), "'@/a_folder' is a folder, not a file");
    CHECK_INT(code, ENC_CANTOPEN);
    put("plain", "x", 1);
    CHECK_STR(load_error("plain/x", 9, &code),
              "cannot open '@/plain/x': part of the path is not a folder");
    CHECK(symlink("loop", test_tmp("loop")) == 0);
    CHECK_STR(load_error("loop", 9, &code),
              "cannot open '@/loop': too many symbolic links");
}

TEST("file: a FIFO and a device are refused without waiting for them")
{
    int code;
    enc_error err = {0};
    char *data;
    size_t size;
    REQUIRE(mkfifo(test_tmp("fifo"), 0600) == 0);
    CHECK_STR(load_error("fifo", 9, &code), "'@/fifo' is not a regular file");
    CHECK_INT(code, ENC_CANTOPEN);
    CHECK_INT(enc_file_load("/dev", "zero", 9, &data, &size, &err), ENC_CANTOPEN);
    CHECK_STR(err.message, "'/dev/zero' is not a regular file");
}

TEST("file: a file beyond the limit is refused with both numbers, before memory is taken")
{
    int code;
    put("eleven", "12345678901", 11);
    CHECK_STR(load_error("eleven", 10, &code), "'@/eleven' is 11 bytes, the limit is 10");
    CHECK_INT(code, ENC_UNSUPPORTED);
    CHECK_STR(load_error("eleven", 11, &code), "");
}

TEST("file: one that is cut or rewritten while it is read is an error, not a fault")
{
    enc_file file;
    enc_error err = {0};
    char out[100];
    put("cut", "0123456789", 10);
    REQUIRE(enc_file_open(test_tmp(""), "cut", 100, &file, &err) == ENC_OK);
    CHECK_INT(enc_file_read(&file, 2, out, 8, &err), ENC_OK);
    CHECK(memcmp(out, "23456789", 8) == 0);
    CHECK_INT(enc_file_unchanged(&file, &err), ENC_OK);
    REQUIRE(truncate(test_tmp("cut"), 6) == 0);
    CHECK_INT(enc_file_read(&file, 2, out, 8, &err), ENC_CORRUPT);
    CHECK_STR(err.message, "cut ended at byte 6 while it was read; it had 10 bytes");
    enc_error_clear(&err);
    CHECK_INT(enc_file_unchanged(&file, &err), ENC_CORRUPT);
    CHECK_STR(err.message, "cut changed while it was read; try again");
    enc_file_close(&file);
    enc_file_close(&file);
}

TEST("file: a path named inside a checkpoint can't lead out of its folder")
{
    static const char *const inside[] = {"a", "1_Pooling", "a/b/c", "...", "..a",
                                         ".hidden"};
    static const char *const outside[] = {"", ".", "..", "/", "/etc/passwd", "../x",
                                          "a/../b", "a//b", "a/", "a/.", "..\\x", "a\\b"};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        CHECK(enc_path_is_inside(inside[i]));
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        CHECK(!enc_path_is_inside(outside[i]));
}

TEST("file: joining with nothing adds no separator")
{
    char *path = enc_path_join("", "b");
    CHECK_STR(path, "b");
    enc_free(path);
    path = enc_path_join("a", "");
    CHECK_STR(path, "a");
    enc_free(path);
    path = enc_path_join("a", "b");
    CHECK_STR(path, "a/b");
    enc_free(path);
}

TEST("file: a long name is shown by its end, from the start of a character")
{
    CHECK_STR(enc_tail("abc", 3), "abc");
    CHECK_STR(enc_tail("abcd", 3), "bcd");
    CHECK_STR(enc_tail("a\xC3\xA4""bc", 3), "bc");
    CHECK_STR(enc_tail("", 3), "");
}

TEST("file: what is not what its name says is recognised by its first bytes")
{
    static const struct { const char *bytes; size_t size; const char *what; } rows[] = {
        {"version https://git-lfs.github.com/spec/v1\n", 43,
         "a Git LFS pointer, not the file itself (run 'git lfs pull')"},
        {"PK\003\004rest", 8,
         "a zip archive or PyTorch file, whose name is pytorch_model.bin"},
        {"\x80\x02}q", 4, "a Python pickle; of these what torch.save writes to pytorch_model.bin is read"},
        {"GGUF\3\0\0\0", 8, "a GGUF file; weights are read from safetensors"},
        {"\x89HDF\r\n", 6, "an HDF5 file; weights are read from safetensors"},
        {"\n <!DOCTYPE HTML><p>", 19, "a web page (HTML): the download has failed"},
        {"<html>", 6, "a web page (HTML): the download has failed"},
        {"<htm", 4, NULL},
        {"{}", 2, NULL},
        {"", 0, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(enc_file_disguise(rows[i].bytes, rows[i].size), rows[i].what);
}
