/* file.c - see file.h. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

enum { LONGEST_PATH = 4096 }; /* that Linux opens */

/* ---- Names --------------------------------------------------------------------------- */

const char *enc_tail(const char *text, size_t most)
{
    size_t length = strlen(text);
    if (length <= most)
        return text;
    text += length - most;
    while (((unsigned char)*text & 0xC0) == 0x80)
        text++;
    return text;
}

char *enc_path_join(const char *a, const char *b)
{
    size_t before = strlen(a), after = strlen(b), slash = before > 0 && after > 0;
    char *path = enc_alloc(before + slash + after + 1);
    if (!path)
        return NULL;
    memcpy(path, a, before);
    if (slash)
        path[before] = '/';
    memcpy(path + before + slash, b, after + 1);
    return path;
}

bool enc_path_is_inside(const char *path)
{
    if (strchr(path, '\\'))
        return false;
    for (;;) {
        size_t length = strcspn(path, "/");
        if (length == 0 || (length == 1 && path[0] == '.') ||
            (length == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        if (!path[length])
            return true;
        path += length + 1;
    }
}

/* ---- Opening ------------------------------------------------------------------------- */

/* In our own words: strerror reads the locale. */
static const char *reason(int error)
{
    switch (error) {
    case ENOENT: return "no such file";
    case ENOTDIR: return "part of the path is not a folder";
    case EACCES: case EPERM: return "permission denied";
    case ELOOP: return "too many symbolic links";
    case ENAMETOOLONG: return "the path is too long";
    case EMFILE: case ENFILE: return "too many open files";
    case EIO: return "input/output error";
    case ENXIO: case ENODEV: return "not a regular file";
    case ENOSPC: case EDQUOT: return "there is no room left";
    case EROFS: return "it can only be read there";
    case EISDIR: return "it is a folder";
    default: return NULL;
    }
}

int enc_file_cannot(const char *what, const char *path, int error, enc_error *err)
{
    const char *why = reason(error);
    if (error == ENOMEM)
        return enc_nomem(err);
    if (why)
        return enc_fail(err, ENC_CANTOPEN, "cannot %s '%s': %s", what,
                        enc_tail(path, ENC_TAIL), why);
    return enc_fail(err, ENC_CANTOPEN, "cannot %s '%s': system error %d", what,
                    enc_tail(path, ENC_TAIL), error);
}

static int check_status(int fd, const char *path, uint64_t limit, enc_file *out,
                        enc_error *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return enc_file_cannot("open", path, errno, err);
    if (!S_ISREG(status.st_mode))
        return enc_fail(err, ENC_CANTOPEN, "'%s' is %s", enc_tail(path, ENC_TAIL),
                        S_ISDIR(status.st_mode) ? "a folder, not a file"
                                                : "not a regular file");
    out->size = (uint64_t)status.st_size;
    out->seconds = (int64_t)status.st_mtim.tv_sec;
    out->nanoseconds = (int64_t)status.st_mtim.tv_nsec;
    if (out->size > limit)
        return enc_fail(err, ENC_UNSUPPORTED, "'%s' is %llu bytes, the limit is %llu",
                        enc_tail(path, ENC_TAIL), (unsigned long long)out->size,
                        (unsigned long long)limit);
    return ENC_OK;
}

int enc_file_open(const char *folder, const char *name, uint64_t limit, enc_file *out,
                  enc_error *err)
{
    *out = (enc_file)ENC_FILE_CLOSED;
    char *path = enc_path_join(folder, name);
    out->name = enc_copy_string(name, strlen(name));
    if (!path || !out->name) {
        enc_free(path);
        enc_file_close(out);
        return enc_nomem(err);
    }
    /* O_NONBLOCK: opening a FIFO must not wait for a writer. */
    do
        out->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    while (out->fd < 0 && errno == EINTR);
    int rc = out->fd < 0 ? enc_file_cannot("open", path, errno, err)
                         : check_status(out->fd, path, limit, out, err);
    enc_free(path);
    if (rc != ENC_OK)
        enc_file_close(out);
    return rc;
}

void enc_file_close(enc_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    enc_free(file->name);
    *file = (enc_file)ENC_FILE_CLOSED;
}

bool enc_file_exists(const char *folder, const char *name)
{
    struct stat status;
    char path[LONGEST_PATH]; /* no memory is taken: it is a question without an error */
    const char *slash = folder[0] && name[0] ? "/" : "";
    int length = snprintf(path, sizeof path, "%s%s%s", folder, slash, name);
    return length >= 0 && (size_t)length < sizeof path && stat(path, &status) == 0;
}

/* ---- Reading ------------------------------------------------------------------------- */

int enc_file_read(const enc_file *file, uint64_t offset, void *out, size_t size,
                  enc_error *err)
{
    char *to = out;
    while (size > 0) {
        ssize_t got = pread(file->fd, to, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return enc_file_cannot("read", file->name, errno, err);
        if (got == 0)
            return enc_fail(err, ENC_CORRUPT,
                            "%s ended at byte %llu while it was read; it had %llu bytes",
                            enc_tail(file->name, ENC_TAIL), (unsigned long long)offset,
                            (unsigned long long)file->size);
        to += got;
        size -= (size_t)got;
        offset += (uint64_t)got;
    }
    return ENC_OK;
}

int enc_file_unchanged(const enc_file *file, enc_error *err)
{
    struct stat status;
    if (fstat(file->fd, &status) != 0)
        return enc_file_cannot("read", file->name, errno, err);
    if ((uint64_t)status.st_size == file->size &&
        (int64_t)status.st_mtim.tv_sec == file->seconds &&
        (int64_t)status.st_mtim.tv_nsec == file->nanoseconds)
        return ENC_OK;
    return enc_fail(err, ENC_CORRUPT, "%s changed while it was read; try again",
                    enc_tail(file->name, ENC_TAIL));
}

int enc_file_load(const char *folder, const char *name, uint64_t limit, char **data,
                  size_t *size, enc_error *err)
{
    enc_file file;
    *data = NULL;
    *size = 0;
    int rc = enc_file_open(folder, name, limit, &file, err);
    if (rc != ENC_OK)
        return rc;
    char *content = file.size < SIZE_MAX ? enc_alloc((size_t)file.size + 1) : NULL;
    rc = content ? ENC_OK : enc_nomem(err);
    if (rc == ENC_OK)
        rc = enc_file_read(&file, 0, content, (size_t)file.size, err);
    if (rc == ENC_OK)
        rc = enc_file_unchanged(&file, err);
    if (rc == ENC_OK) {
        content[file.size] = '\0';
        *data = content;
        *size = (size_t)file.size;
    } else {
        enc_free(content);
    }
    enc_file_close(&file);
    return rc;
}

/* ---- Files that are something else --------------------------------------------------- */

static bool begins(const char *data, size_t size, const char *with, size_t length)
{
    return size >= length && memcmp(data, with, length) == 0;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

/* "<!doctype html" or "<html" in any case, after white space. */
static bool is_html(const char *data, size_t size)
{
    static const char *const starts[] = {"<!doctype html", "<html"};
    while (size > 0 && (*data == ' ' || *data == '\n' || *data == '\r' || *data == '\t'))
        data++, size--;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        size_t at = 0;
        while (starts[i][at] && at < size && lower(data[at]) == starts[i][at])
            at++;
        if (!starts[i][at])
            return true;
    }
    return false;
}

const char *enc_file_disguise(const char *data, size_t size)
{
    static const struct { const char *bytes; size_t length; const char *what; } starts[] = {
        {"version https://git-lfs", 23,
         "a Git LFS pointer, not the file itself (run 'git lfs pull')"},
        {"PK\003\004", 4,
         "a zip archive or PyTorch file, whose name is pytorch_model.bin"},
        {"\x80\x02", 2, "a Python pickle; of these what torch.save writes to pytorch_model.bin is read"},
        {"\x80\x04", 2, "a Python pickle; of these what torch.save writes to pytorch_model.bin is read"},
        {"\x89HDF", 4, "an HDF5 file; weights are read from safetensors"},
        {"GGUF", 4, "a GGUF file; weights are read from safetensors"},
        {"\x1f\x8b", 2, "a gzip archive; unpack it first"}};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (begins(data, size, starts[i].bytes, starts[i].length))
            return starts[i].what;
    return is_html(data, size) ? "a web page (HTML): the download has failed" : NULL;
}
