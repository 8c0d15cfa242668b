/* test_zip.c - core/files/zip.c: the directory of a stored zip archive. */
#include "unit.h"

#include <string.h>

#include "archive.h"
#include "checkpoint_copy.h"
#include "memory.h"
#include "zip.h"

/* Writes the bytes as a file and opens it as an archive; the caller closes both. */
static int open_bytes(const void *data, size_t size, enc_file *file, enc_zip *zip,
                      enc_error *err)
{
    enc_error_clear(err);
    *zip = (enc_zip){0};
    const char *folder = test_tmp("");
    copy_write(folder, "a.zip", data, size);
    int rc = enc_file_open(folder, "a.zip", INT64_MAX, file, err);
    return rc == ENC_OK ? enc_zip_open(file, zip, err) : rc;
}

static const char *open_error(const void *data, size_t size)
{
    static enc_error err;
    enc_file file;
    enc_zip zip;
    int64_t before = enc_memory_used();
    open_bytes(data, size, &file, &zip, &err);
    enc_zip_close(&zip);
    enc_file_close(&file);
    CHECK_INT(enc_memory_used(), before);
    return err.message;
}

static archive two_entries(void)
{
    archive a = {0};
    archive_add(&a, "m/b", "second", 6);
    archive_add(&a, "m/a", "first", 5);
    archive_end(&a);
    return a;
}

static void check_content(const enc_zip *zip, const char *name, const char *content)
{
    char got[32] = "";
    uint64_t offset = 0;
    enc_error err = {0};
    const enc_zip_entry *entry = enc_zip_find(zip, name, strlen(name));
    REQUIRE(entry != NULL);
    REQUIRE(entry->size == strlen(content));
    REQUIRE(enc_zip_place(zip, entry, &offset, &err) == ENC_OK);
    CHECK_INT(enc_file_read(zip->file, offset, got, (size_t)entry->size, &err), ENC_OK);
    CHECK_STR(got, content);
}

TEST("zip: entries are found by name, with or without zip64, before a comment too")
{
    for (int form = 0; form < 3; form++) {
        archive a = {0};
        archive_add(&a, "m/b", "second", 6);
        archive_add(&a, "m/a", "first", 5);
        archive_add(&a, "m/empty", "", 0);
        if (form == 1)
            archive_end64(&a);
        else
            archive_end(&a);
        char with_comment[1024];
        memcpy(with_comment, a.data, a.size);
        if (form == 2) {
            archive_put(with_comment + a.end + 20, 2, 7);
            memcpy(with_comment + a.size, "comment", 7);
        }
        enc_error err = {0};
        enc_file file;
        enc_zip zip;
        CHECK_INT(open_bytes(with_comment, a.size + (form == 2 ? 7 : 0), &file, &zip, &err),
                  ENC_OK);
        CHECK_INT(zip.count, 3);
        check_content(&zip, "m/a", "first");
        check_content(&zip, "m/b", "second");
        check_content(&zip, "m/empty", "");
        CHECK(!enc_zip_find(&zip, "m/c", 3));
        CHECK(!enc_zip_find(&zip, "m/", 2));
        enc_zip_close(&zip);
        enc_file_close(&file);
        archive_free(&a);
    }
}

TEST("zip: what is compressed, encrypted or there twice is refused by its name")
{
    archive a = two_entries();
    size_t directory = a.end - a.directory_size;
    archive_put(a.data + directory + 10, 2, 8);
    CHECK_STR(open_error(a.data, a.size),
              "a.zip: entry 'm/b' is compressed (method 8), only stored ones are read, as "
              "torch.save writes them");
    archive_put(a.data + directory + 10, 2, 0);
    archive_put(a.data + directory + 8, 2, 1);
    CHECK_STR(open_error(a.data, a.size), "a.zip: entry 'm/b' is encrypted");
    archive_put(a.data + directory + 8, 2, 0);
    a.data[directory + 46 + 2] = 'a';
    CHECK_STR(open_error(a.data, a.size), "a.zip: entry 'm/a' is there twice");
    archive_free(&a);
}

TEST("zip: a directory that lies about sizes, places or numbers is refused")
{
    archive a = two_entries();
    size_t directory = a.end - a.directory_size;
    struct { size_t at; int width; uint64_t number; const char *message; } rows[] = {
        {directory + 20, 4, 5, "a.zip: entry 'm/b' is stored in 5 bytes and has 6"},
        {directory + 24, 4, 0xFFFFFFFF, "a.zip: entry 'm/b' has broken zip64 sizes"},
        {directory, 4, 0, "a.zip: the archive's directory is broken at byte 77"},
        {directory + 28, 2, 60000, "a.zip: the archive's directory is broken at byte 77"},
        {a.end + 16, 4, 5000, "a.zip: the archive's directory is said to be 98 bytes from "
                              "5000, it ends before 175"},
        {a.end + 12, 4, 100, "a.zip: the archive's directory is said to be 100 bytes from "
                             "77, it ends before 175"},
        {a.end + 10, 2, 3, "a.zip: the archive's directory of 98 bytes is said to have 3 "
                           "entries"},
        {a.end + 16, 4, 0xFFFFFFFF, "a.zip: the archive's zip64 directory is missing"},
        {a.end, 4, 0, "a.zip: the directory at the archive's end is missing in its 197 "
                      "bytes: it is cut short, or not a zip archive"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char mutant[512];
        memcpy(mutant, a.data, a.size);
        archive_put(mutant + rows[i].at, rows[i].width, rows[i].number);
        CHECK_STR(open_error(mutant, a.size), rows[i].message);
    }
    CHECK_STR(open_error("", 0), "a.zip: the directory at the archive's end is missing in "
                                 "its 0 bytes: it is cut short, or not a zip archive");
    for (size_t n = 0; n < a.size; n++)
        CHECK(open_error(a.data, n)[0] != '\0');
    archive_free(&a);
}

TEST("zip: an entry that is not where the directory says is refused when it is asked for")
{
    archive a = two_entries();
    size_t directory = a.end - a.directory_size;
    const struct { size_t at; int width; uint64_t number; } rows[] = {
        {0, 4, 0}, {26, 2, 60}, {directory + 42, 4, 5000}, {directory + 42, 4, 60}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char mutant[512];
        enc_error err = {0};
        enc_file file;
        enc_zip zip;
        uint64_t offset;
        memcpy(mutant, a.data, a.size);
        archive_put(mutant + rows[i].at, rows[i].width, rows[i].number);
        CHECK_INT(open_bytes(mutant, a.size, &file, &zip, &err), ENC_OK);
        const enc_zip_entry *entry = enc_zip_find(&zip, "m/b", 3);
        CHECK(entry && enc_zip_place(&zip, entry, &offset, &err) == ENC_CORRUPT);
        CHECK(strncmp(err.message, "a.zip: entry 'm/b' of 6 bytes is not at byte ", 44) == 0);
        enc_zip_close(&zip);
        enc_file_close(&file);
    }
    archive_free(&a);
}
