/*
** file.h - bounded reading of a checkpoint's files.
**
** A file is named by the checkpoint's folder and a path relative to it; messages show the
** relative path where the content is wrong and the whole path where it can't be opened.
** Only regular files are read (a FIFO or a device neither blocks nor is touched), into the
** caller's memory and never by mmap, so that a file cut short meanwhile is an error and not
** a signal. (Saved models alone are mapped: saved_file.h says what that asks for.) Messages never quote what a file holds.
*/
#ifndef ENC_FILE_H
#define ENC_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

typedef struct enc_file {
    int fd;            /* -1: closed */
    char *name;        /* relative path, for messages */
    uint64_t size;     /* when it was opened, as are the times */
    int64_t seconds;
    int64_t nanoseconds;
} enc_file;

#define ENC_FILE_CLOSED {-1, NULL, 0, 0, 0}

/* Bytes that a file of settings may have. */
enum { ENC_SETTINGS_LIMIT = 4 * 1024 * 1024 };

/* Opens folder/name if it is a regular file of at most `limit` bytes. */
int enc_file_open(const char *folder, const char *name, uint64_t limit, enc_file *out,
                  enc_error *err);
/* Closing a closed file does nothing. */
void enc_file_close(enc_file *file);

/* Reads exactly `size` bytes from `offset`; a file that has become shorter: ENC_CORRUPT. */
int enc_file_read(const enc_file *file, uint64_t offset, void *out, size_t size,
                  enc_error *err);

/* ENC_CORRUPT if size or time of modification are not what they were at opening. */
int enc_file_unchanged(const enc_file *file, enc_error *err);

/* The whole content with a NUL behind it, for enc_free. */
int enc_file_load(const char *folder, const char *name, uint64_t limit, char **data,
                  size_t *size, enc_error *err);

/* Whether there is anything at folder/name. */
bool enc_file_exists(const char *folder, const char *name);

/* ENC_CANTOPEN "cannot WHAT 'PATH': why", by the errno that was left; what: "open". */
int enc_file_cannot(const char *what, const char *path, int error, enc_error *err);

/* "a/b", or the other one if one is "", for enc_free; NULL: out of memory. */
char *enc_path_join(const char *a, const char *b);

/* Whether the path, as a file of the checkpoint names it, stays inside its folder: names
** joined by '/', none of them empty, "." or "..", and no backslash. */
bool enc_path_is_inside(const char *path);

/* What the first bytes of a file show it to be instead of what its name says ("a Git LFS
** pointer, ..."); NULL if nothing is recognised. 64 bytes are enough. */
const char *enc_file_disguise(const char *data, size_t size);

/* The last `most` bytes of the text, from the start of a character: names and paths in
** messages, whose end tells more than their beginning. */
const char *enc_tail(const char *text, size_t most);

enum { ENC_TAIL = 160 };

#endif
