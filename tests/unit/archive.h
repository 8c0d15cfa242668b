/*
** archive.h - zip archives written by hand, whole or broken.
**
**     archive a = {0};
**     archive_add(&a, "m/data.pkl", pickle, size);
**     archive_end(&a);                     (a.data [a.size] is the archive)
**     copy_write(folder, "pytorch_model.bin", a.data, a.size);
**     archive_free(&a);
*/
#ifndef ARCHIVE_H
#define ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

typedef struct archive {
    char *data;
    size_t size;
    char *directory; /* what comes behind the entries */
    size_t directory_size;
    unsigned entries;
    size_t end; /* where the end record begins, once it is there */
} archive;      /* all zero: empty */

/* Appends a stored entry. */
void archive_add(archive *to, const char *name, const void *content, size_t size);
/* Appends the directory and the end record. */
void archive_end(archive *to);
/* The same in the zip64 form, with the plain record's numbers all "see there". */
void archive_end64(archive *to);
void archive_free(archive *to);

/* Puts a little-endian number of `width` bytes at `at`. */
void archive_put(char *at, int width, uint64_t number);

#endif
