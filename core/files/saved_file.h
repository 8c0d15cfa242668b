/*
** saved_file.h - the container of a saved model: a header and four parts, each with a checksum.
**
**     header    256 bytes: mark, version, sizes and checksums of the parts, its own checksum
**     settings  JSON: what the model is (model/saved_settings.c)
**     tokenizer arrays (store.h): vocabulary with its hash table, merges, trie
**     weights   arrays, packed as a kernel wants them
**     head      arrays of a language-model head, if there is one
**
** Parts follow one another on lines of 64 bytes, and every byte belongs to the header or to a
** part, so that a checksum covers it. A file is written under another name in the same folder
** and renamed when all of it is on the disk: there is never half a file, and who has the old
** one open keeps it.
**
** Reading maps the file, so that processes share its pages. What is mapped must not be changed
** in place: a file cut short under a process that uses it ends that process (SIGBUS), as it
** does for any library or database that is mapped. Files are therefore written without
** permission to write; replacing one by renaming, as saving does, or deleting it harms nobody.
**
** The checksum tells damage, not malice: what a file holds is checked by who reads it.
*/
#ifndef ENC_SAVED_FILE_H
#define ENC_SAVED_FILE_H

#include "digest.h"
#include "error.h"
#include "poll.h"

enum enc_saved_part {
    ENC_SAVED_SETTINGS,
    ENC_SAVED_TOKENIZER,
    ENC_SAVED_WEIGHTS,
    ENC_SAVED_HEAD,
    ENC_SAVED_PARTS
};

enum { ENC_SAVED_VERSION = 2, ENC_SAVED_HEADER = 256 };

/* "weights": for messages. */
const char *enc_saved_part_name(enum enc_saved_part part);

/* Whether there is a regular file at `path` that begins as a saved model does. */
bool enc_saved_is_file(const char *path);

/* ---- Reading ------------------------------------------------------------------------- */

typedef struct enc_saved_map {
    void *data; /* NULL: nothing is mapped */
    size_t size;
    struct {
        const char *data;
        size_t size;
    } part[ENC_SAVED_PARTS];
} enc_saved_map;

/* Maps the file at `path` and compares all checksums; `name` is for messages. Another version,
** a file that is cut short or damaged is refused with a sentence. */
int enc_saved_open(const char *path, const char *name, enc_saved_map *out, enc_error *err);
void enc_saved_close(enc_saved_map *map);

/* ---- Writing ------------------------------------------------------------------------- */

typedef struct enc_saved_writer {
    int fd;               /* -1: closed */
    char *path;           /* what it is to be called */
    char *temporary;      /* what it is called until then */
    char *folder;
    enc_digest *digest;   /* of the part being written */
    enc_poll *poll;       /* asked between pieces; may be NULL */
    enum enc_saved_part part;
    uint64_t size[ENC_SAVED_PARTS];
    char checksum[ENC_SAVED_PARTS][ENC_DIGEST_HEX];
} enc_saved_writer;

/* A new file that is to be called `path`. Anything there but a saved model is not touched:
** ENC_INVALID. */
int enc_saved_create(const char *path, enc_poll *poll, enc_saved_writer *out, enc_error *err);

/* What is appended from now on belongs to that part; all parts come, in their order. */
int enc_saved_begin(enc_saved_writer *writer, enum enc_saved_part part, enc_error *err);
/* `writer` is an enc_saved_writer: the `append` of an enc_store. */
int enc_saved_append(void *writer, const void *data, size_t size, enc_error *err);

/* Finishes the last part, puts all on the disk and gives it its name; *bytes is its size. */
int enc_saved_commit(enc_saved_writer *writer, uint64_t *bytes, enc_error *err);
/* Closes the writer; without enc_saved_commit nothing is left of the file. */
void enc_saved_abandon(enc_saved_writer *writer);

#endif
