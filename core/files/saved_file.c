/* saved_file.c - see saved_file.h. */
#include "saved_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "memory.h"

#if !defined(MAP_POPULATE) /* Linux's: all pages at once instead of one fault after another */
#define MAP_POPULATE 0
#endif

enum { LINE = 64, PIECE = 1 << 20, ATTEMPTS = 100 };

/* Not text, and not to be taken for it by what rewrites the ends of lines. */
static const char mark[8] = {'\x89', 'C', 'T', 'X', 'M', '\r', '\n', '\x1a'};
static const uint32_t byte_order = 0x01020304;

typedef struct header {
    char mark[8];
    uint32_t version;
    uint32_t order;
    uint64_t size[ENC_SAVED_PARTS]; /* multiples of LINE */
    char checksum[ENC_SAVED_PARTS][32];
    char zero[48];
    char own[32]; /* of all before it */
} header;

_Static_assert(sizeof(header) == ENC_SAVED_HEADER, "the header has no gaps");

static const char *const names[] = {"settings", "tokenizer", "weights", "language-model head"};

const char *enc_saved_part_name(enum enc_saved_part part) { return names[part]; }

/* What digest.h makes of the bytes, as the file has it: 32 digits. */
static bool checksum(const void *data, size_t size, char hex[ENC_DIGEST_HEX])
{
    enc_digest *digest = enc_digest_new();
    if (!digest)
        return false;
    enc_digest_part(digest, data, size);
    enc_digest_hex(digest, hex);
    enc_digest_free(digest);
    return true;
}

/* No memory is taken: it is a question without an error. */
bool enc_saved_is_file(const char *path)
{
    char start[sizeof mark];
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool is = fd >= 0 && read(fd, start, sizeof start) == (ssize_t)sizeof start &&
              memcmp(start, mark, sizeof mark) == 0;
    if (fd >= 0)
        close(fd);
    return is;
}

/* ---- Reading ------------------------------------------------------------------------- */

static int check_sum(const char *name, const char *what, const void *data, size_t size,
                     const char said[32], enc_error *err)
{
    enum { SHOWN = 8 };
    char hex[ENC_DIGEST_HEX], shown[SHOWN + 1] = "";
    if (!checksum(data, size, hex))
        return enc_nomem(err);
    if (memcmp(hex, said, 32) == 0)
        return ENC_OK;
    for (int i = 0; i < SHOWN; i++) /* what the file says may be no digits */
        shown[i] = memchr("0123456789abcdef", said[i], 16) ? said[i] : '?';
    return enc_fail(err, ENC_CORRUPT, "%s is damaged: its %s has checksum %.*s, the file says "
                    "%s", name, what, SHOWN, hex, shown);
}

static int check_header(const char *name, const header *h, uint64_t size, enc_error *err)
{
    uint64_t sum = ENC_SAVED_HEADER;
    if (memcmp(h->mark, mark, sizeof mark) != 0)
        return enc_fail(err, ENC_CORRUPT, "%s does not begin as a saved model does", name);
    if (h->order != byte_order)
        return enc_fail(err, ENC_UNSUPPORTED, "%s was saved on a machine with another order of "
                        "bytes; save it here from its checkpoint", name);
    if (h->version != ENC_SAVED_VERSION)
        return enc_fail(err, ENC_UNSUPPORTED, "%s has format version %u, this library reads "
                        "%d; save it again from its checkpoint", name, (unsigned)h->version,
                        ENC_SAVED_VERSION);
    int rc = check_sum(name, "header", h, offsetof(header, own), h->own, err);
    if (rc != ENC_OK)
        return rc;
    for (int i = 0; i < ENC_SAVED_PARTS; i++)
        if (h->size[i] % LINE != 0 || __builtin_add_overflow(sum, h->size[i], &sum))
            return enc_fail(err, ENC_CORRUPT, "%s: the size of its %s is %llu", name, names[i],
                            (unsigned long long)h->size[i]);
    if (sum != size)
        return enc_fail(err, ENC_CORRUPT, "%s has %llu bytes, its header says %llu: it was cut "
                        "short or written to", name, (unsigned long long)size,
                        (unsigned long long)sum);
    return ENC_OK;
}

static int check_parts(const char *name, const header *h, enc_saved_map *map, enc_error *err)
{
    const char *at = (const char *)map->data + ENC_SAVED_HEADER;
    int rc = ENC_OK;
    for (int i = 0; rc == ENC_OK && i < ENC_SAVED_PARTS; i++) {
        map->part[i].data = at;
        map->part[i].size = (size_t)h->size[i];
        rc = check_sum(name, names[i], at, map->part[i].size, h->checksum[i], err);
        at += map->part[i].size;
    }
    return rc;
}

int enc_saved_open(const char *path, const char *name, enc_saved_map *out, enc_error *err)
{
    header h;
    enc_file file;
    *out = (enc_saved_map){0};
    int rc = enc_file_open(path, "", SIZE_MAX / 2, &file, err);
    if (rc != ENC_OK)
        return rc;
    if (file.size < sizeof h)
        rc = enc_fail(err, ENC_CORRUPT, "%s has %llu bytes, the header of a saved model has %d",
                      name, (unsigned long long)file.size, ENC_SAVED_HEADER);
    if (rc == ENC_OK)
        rc = enc_file_read(&file, 0, &h, sizeof h, err);
    if (rc == ENC_OK)
        rc = check_header(name, &h, file.size, err);
    if (rc == ENC_OK) {
        void *data = mmap(NULL, (size_t)file.size, PROT_READ, MAP_PRIVATE | MAP_POPULATE,
                          file.fd, 0);
        if (data == MAP_FAILED)
            rc = enc_file_cannot("map", path, errno, err);
        else
            *out = (enc_saved_map){.data = data, .size = (size_t)file.size};
    }
    if (rc == ENC_OK)
        rc = check_parts(name, &h, out, err);
    if (rc == ENC_OK)
        rc = enc_file_unchanged(&file, err);
    enc_file_close(&file);
    if (rc != ENC_OK)
        enc_saved_close(out);
    return rc;
}

void enc_saved_close(enc_saved_map *map)
{
    if (map->data)
        munmap(map->data, map->size);
    *map = (enc_saved_map){0};
}

/* ---- Writing ------------------------------------------------------------------------- */

/* Saved models may be replaced; nothing else is ours to take away. */
static int check_target(const char *path, enc_error *err)
{
    const char *shown = enc_tail(path, ENC_TAIL);
    struct stat status;
    if (lstat(path, &status) != 0)
        return errno == ENOENT ? ENC_OK : enc_file_cannot("save to", path, errno, err);
    if (S_ISDIR(status.st_mode))
        return enc_fail(err, ENC_INVALID, "cannot save to '%s': it is a folder; give the file "
                        "a name in it", shown);
    if (!S_ISREG(status.st_mode) || !enc_saved_is_file(path))
        return enc_fail(err, ENC_INVALID, "cannot save to '%s': it is there already and no "
                        "saved model, which alone is replaced", shown);
    return ENC_OK;
}

static int make_names(const char *path, enc_saved_writer *w, enc_error *err)
{
    const char *slash = strrchr(path, '/');
    if (slash ? !slash[1] : !path[0])
        return enc_fail(err, ENC_INVALID, "cannot save to '%s': a file's name is missing",
                        enc_tail(path, ENC_TAIL));
    size_t length = slash ? (size_t)(slash - path) : 1;
    w->path = enc_copy_string(path, strlen(path));
    w->folder = enc_copy_string(slash ? path : ".", length ? length : 1);
    return w->path && w->folder ? ENC_OK : enc_nomem(err);
}

/* A file in the same folder whose name nobody has. Once it is there, nobody may write to it. */
static int open_temporary(enc_saved_writer *w, enc_error *err)
{
    for (unsigned attempt = 0;; attempt++) {
        char name[64];
        snprintf(name, sizeof name, ".saving-%ld-%llx", (long)getpid(),
                 (unsigned long long)enc_nanoseconds() + attempt);
        w->temporary = enc_path_join(w->folder, name);
        if (!w->temporary)
            return enc_nomem(err);
        w->fd = open(w->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
        if (w->fd >= 0)
            return ENC_OK;
        enc_free(w->temporary);
        w->temporary = NULL;
        if (errno == ENOENT)
            return enc_fail(err, ENC_CANTOPEN, "cannot save to '%s': there is no such folder",
                            enc_tail(w->path, ENC_TAIL));
        if ((errno != EEXIST && errno != EINTR) || attempt == ATTEMPTS)
            return enc_file_cannot("save to", w->path, errno, err);
    }
}

static int write_all(const enc_saved_writer *w, const char *data, size_t size, enc_error *err)
{
    while (size > 0) {
        size_t piece = size < PIECE ? size : PIECE;
        if (enc_poll_stop(w->poll))
            return enc_fail(err, ENC_INTERRUPTED, "interrupted");
        ssize_t done = write(w->fd, data, piece);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return enc_file_cannot("save to", w->path, errno, err);
        data += done;
        size -= (size_t)done;
    }
    return ENC_OK;
}

int enc_saved_create(const char *path, enc_poll *poll, enc_saved_writer *out, enc_error *err)
{
    static const char zeros[ENC_SAVED_HEADER];
    *out = (enc_saved_writer){.fd = -1, .poll = poll, .part = ENC_SAVED_PARTS};
    int rc = make_names(path, out, err);
    if (rc == ENC_OK)
        rc = check_target(path, err);
    if (rc == ENC_OK)
        rc = open_temporary(out, err);
    if (rc == ENC_OK)
        rc = write_all(out, zeros, sizeof zeros, err); /* the header's place */
    if (rc != ENC_OK)
        enc_saved_abandon(out);
    return rc;
}

/* White space to the next line, which is no matter to JSON, and the checksum. */
static int end_part(enc_saved_writer *w, enc_error *err)
{
    char spaces[LINE];
    if (w->part == ENC_SAVED_PARTS)
        return ENC_OK;
    memset(spaces, ' ', sizeof spaces);
    size_t over = (size_t)(w->size[w->part] % LINE);
    int rc = over ? enc_saved_append(w, spaces, LINE - over, err) : ENC_OK;
    enc_digest_hex(w->digest, w->checksum[w->part]);
    enc_digest_free(w->digest);
    w->digest = NULL;
    w->part = ENC_SAVED_PARTS;
    return rc;
}

int enc_saved_begin(enc_saved_writer *w, enum enc_saved_part part, enc_error *err)
{
    int rc = end_part(w, err);
    if (rc != ENC_OK)
        return rc;
    w->digest = enc_digest_new();
    if (!w->digest)
        return enc_nomem(err);
    w->part = part;
    return ENC_OK;
}

int enc_saved_append(void *writer, const void *data, size_t size, enc_error *err)
{
    enc_saved_writer *w = writer;
    enc_digest_part(w->digest, data, size);
    w->size[w->part] += size;
    return write_all(w, data, size, err);
}

static int write_header(enc_saved_writer *w, uint64_t *bytes, enc_error *err)
{
    char own[ENC_DIGEST_HEX];
    header h = {.version = ENC_SAVED_VERSION, .order = byte_order};
    memcpy(h.mark, mark, sizeof mark);
    *bytes = sizeof h;
    for (int i = 0; i < ENC_SAVED_PARTS; i++) {
        h.size[i] = w->size[i];
        memcpy(h.checksum[i], w->checksum[i], sizeof h.checksum[i]);
        *bytes += w->size[i];
    }
    if (!checksum(&h, offsetof(header, own), own))
        return enc_nomem(err);
    memcpy(h.own, own, sizeof h.own);
    if (lseek(w->fd, 0, SEEK_SET) != 0)
        return enc_file_cannot("save to", w->path, errno, err);
    return write_all(w, (const char *)&h, sizeof h, err);
}

/* That the name is on the disk too; where a folder can't be asked for that, it is not. */
static void sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

int enc_saved_commit(enc_saved_writer *w, uint64_t *bytes, enc_error *err)
{
    int rc = end_part(w, err);
    if (rc == ENC_OK)
        rc = write_header(w, bytes, err);
    if (rc == ENC_OK && fsync(w->fd) != 0 && errno != EINVAL)
        rc = enc_file_cannot("save to", w->path, errno, err);
    if (rc == ENC_OK && rename(w->temporary, w->path) != 0)
        rc = enc_file_cannot("save to", w->path, errno, err);
    if (rc != ENC_OK)
        return rc;
    enc_free(w->temporary);
    w->temporary = NULL;
    sync_folder(w->folder);
    return ENC_OK;
}

void enc_saved_abandon(enc_saved_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    if (w->temporary)
        unlink(w->temporary);
    enc_free(w->temporary);
    enc_free(w->path);
    enc_free(w->folder);
    enc_digest_free(w->digest);
    w->temporary = w->path = w->folder = NULL;
    w->digest = NULL;
}
