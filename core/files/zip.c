/* zip.c - see zip.h. The layout is that of PKWARE's APPNOTE, sections 4.3 and 4.5. */
#include "zip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum {
    END_BYTES = 22,       /* end of central directory record, without its comment */
    LOCATOR_BYTES = 20,   /* zip64 end of central directory locator */
    END64_BYTES = 56,     /* zip64 end of central directory record */
    ENTRY_BYTES = 46,     /* central directory header, without its three texts */
    LOCAL_BYTES = 30,     /* local file header, likewise */
    COMMENT_LIMIT = 65535,
    ZIP64_EXTRA = 1,      /* extra field with the sizes that do not fit 32 bits */
    FLAG_ENCRYPTED = 1,
};

#define END_MARK 0x06054b50u
#define LOCATOR_MARK 0x07064b50u
#define END64_MARK 0x06064b50u
#define ENTRY_MARK 0x02014b50u
#define LOCAL_MARK 0x04034b50u
#define FULL16 0xFFFFu     /* "too large: see the zip64 form" */
#define FULL32 0xFFFFFFFFu

static uint64_t number(const char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

static unsigned get16(const char *at) { return (unsigned)number(at, 2); }
static uint32_t get32(const char *at) { return (uint32_t)number(at, 4); }
static uint64_t get64(const char *at) { return number(at, 8); }

static const char *name_of(const enc_zip *zip) { return enc_tail(zip->file->name, ENC_TAIL); }

const char *enc_zip_show(const enc_zip_entry *entry, char buffer[ENC_ZIP_SHOWN])
{
    size_t length = entry->length < ENC_ZIP_SHOWN ? entry->length : ENC_ZIP_SHOWN - 1;
    for (size_t i = 0; i < length; i++) {
        char c = entry->name[entry->length - length + i];
        buffer[i] = c >= 0x20 && c < 0x7f ? c : '?';
    }
    buffer[length] = '\0';
    return buffer;
}

/* ---- The archive's end --------------------------------------------------------------- */

typedef struct directory {
    uint64_t offset, size, entries;
} directory;

/* The end record stands last but for a comment, whose length it gives. */
static int find_end(const enc_zip *zip, char record[END_BYTES], uint64_t *at,
                    enc_error *err)
{
    uint64_t size = zip->file->size;
    size_t there = size < END_BYTES + COMMENT_LIMIT ? (size_t)size : END_BYTES + COMMENT_LIMIT;
    char *tail = enc_alloc(there);
    int rc = tail ? enc_file_read(zip->file, size - there, tail, there, err) : enc_nomem(err);
    bool found = false;
    for (size_t i = there < END_BYTES ? 0 : there - END_BYTES + 1; rc == ENC_OK && i-- > 0;)
        if (get32(tail + i) == END_MARK && get16(tail + i + 20) == there - END_BYTES - i) {
            memcpy(record, tail + i, END_BYTES);
            *at = size - there + i;
            found = true;
            break;
        }
    enc_free(tail);
    if (rc == ENC_OK && !found)
        rc = enc_fail(err, ENC_CORRUPT,
                      "%s: the directory at the archive's end is missing in its %" PRIu64
                      " bytes: it is cut short, or not a zip archive", name_of(zip), size);
    return rc;
}

/* The zip64 form of the end record, which a locator in front of the plain one points to. */
static int read_end64(const enc_zip *zip, uint64_t end, directory *out, uint64_t *before,
                      enc_error *err)
{
    char locator[LOCATOR_BYTES], record[END64_BYTES];
    int rc = ENC_OK;
    uint64_t at = 0;
    bool there = end >= LOCATOR_BYTES;
    if (there) {
        rc = enc_file_read(zip->file, end - LOCATOR_BYTES, locator, sizeof locator, err);
        at = get64(locator + 8);
        there = get32(locator) == LOCATOR_MARK && at <= end - LOCATOR_BYTES &&
                end - LOCATOR_BYTES - at >= END64_BYTES;
    }
    if (rc == ENC_OK && there) {
        rc = enc_file_read(zip->file, at, record, sizeof record, err);
        there = get32(record) == END64_MARK;
    }
    if (rc == ENC_OK && !there)
        rc = enc_fail(err, ENC_CORRUPT, "%s: the archive's zip64 directory is missing",
                      name_of(zip));
    if (rc != ENC_OK)
        return rc;
    *out = (directory){get64(record + 48), get64(record + 40), get64(record + 32)};
    *before = at;
    return ENC_OK;
}

static int read_end(enc_zip *zip, directory *out, enc_error *err)
{
    char record[END_BYTES];
    uint64_t end = 0;
    int rc = find_end(zip, record, &end, err);
    if (rc != ENC_OK)
        return rc;
    *out = (directory){get32(record + 16), get32(record + 12), get16(record + 10)};
    if (out->offset == FULL32 || out->size == FULL32 || out->entries == FULL16)
        rc = read_end64(zip, end, out, &end, err);
    if (rc != ENC_OK)
        return rc;
    if (out->offset > end || out->size > end - out->offset)
        return enc_fail(err, ENC_CORRUPT,
                        "%s: the archive's directory is said to be %" PRIu64
                        " bytes from %" PRIu64 ", it ends before %" PRIu64, name_of(zip),
                        out->size, out->offset, end);
    if (out->entries > out->size / ENTRY_BYTES)
        return enc_fail(err, ENC_CORRUPT,
                        "%s: the archive's directory of %" PRIu64 " bytes is said to have %"
                        PRIu64 " entries", name_of(zip), out->size, out->entries);
    zip->end = out->offset;
    return ENC_OK;
}

/* ---- The directory ------------------------------------------------------------------- */

/* Replaces what is too large for 32 bits by what the zip64 extra field says. */
static bool read_extra(const char *extra, size_t length, uint64_t *size, uint64_t *stored,
                       uint64_t *header)
{
    uint64_t *const wanted[] = {size, stored, header};
    while (length >= 4) {
        size_t field = get16(extra + 2);
        const char *at = extra + 4, *end = at + field;
        if (field > length - 4)
            return false;
        if (get16(extra) == ZIP64_EXTRA) {
            for (int i = 0; i < 3; i++)
                if (*wanted[i] == FULL32) {
                    if (end - at < 8)
                        return false;
                    *wanted[i] = get64(at);
                    at += 8;
                }
            return true;
        }
        extra = end;
        length -= 4 + field;
    }
    return *size != FULL32 && *stored != FULL32 && *header != FULL32;
}

/* One entry of the directory; *at moves behind it. */
static int read_entry(const enc_zip *zip, const char **at, const char *end,
                      enc_zip_entry *out, enc_error *err)
{
    const char *entry = *at;
    char shown[ENC_ZIP_SHOWN];
    size_t left = (size_t)(end - entry);
    size_t texts = left < ENTRY_BYTES ? 0 : (size_t)get16(entry + 28) + get16(entry + 30) +
                                            get16(entry + 32);
    if (left < ENTRY_BYTES || get32(entry) != ENTRY_MARK || texts > left - ENTRY_BYTES)
        return enc_fail(err, ENC_CORRUPT,
                        "%s: the archive's directory is broken at byte %" PRIu64,
                        name_of(zip), zip->end + (uint64_t)(entry - zip->directory));
    *at = entry + ENTRY_BYTES + texts;
    uint64_t stored = get32(entry + 20);
    *out = (enc_zip_entry){entry + ENTRY_BYTES, get32(entry + 42), get32(entry + 24),
                           get16(entry + 28)};
    unsigned method = get16(entry + 10);
    if (method != 0)
        return enc_fail(err, ENC_UNSUPPORTED,
                        "%s: entry '%s' is compressed (method %u), only stored ones are "
                        "read, as torch.save writes them", name_of(zip),
                        enc_zip_show(out, shown), method);
    if (get16(entry + 8) & FLAG_ENCRYPTED)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: entry '%s' is encrypted", name_of(zip),
                        enc_zip_show(out, shown));
    if (!read_extra(out->name + out->length, get16(entry + 30), &out->size, &stored,
                    &out->header))
        return enc_fail(err, ENC_CORRUPT, "%s: entry '%s' has broken zip64 sizes",
                        name_of(zip), enc_zip_show(out, shown));
    if (out->size != stored)
        return enc_fail(err, ENC_CORRUPT,
                        "%s: entry '%s' is stored in %" PRIu64 " bytes and has %" PRIu64,
                        name_of(zip), enc_zip_show(out, shown), stored, out->size);
    return ENC_OK;
}

static int compare(const char *a, size_t m, const char *b, size_t n)
{
    int order = memcmp(a, b, m < n ? m : n);
    return order != 0 ? order : (m > n) - (m < n);
}

static int by_name(const void *a, const void *b)
{
    const enc_zip_entry *x = a, *y = b;
    return compare(x->name, x->length, y->name, y->length);
}

static int read_entries(enc_zip *zip, size_t size, enc_error *err)
{
    char shown[ENC_ZIP_SHOWN];
    const char *at = zip->directory, *end = at + size;
    for (size_t i = 0; i < zip->count; i++) {
        int rc = read_entry(zip, &at, end, &zip->entry[i], err);
        if (rc != ENC_OK)
            return rc;
    }
    if (zip->count > 0)
        qsort(zip->entry, zip->count, sizeof *zip->entry, by_name);
    for (size_t i = 1; i < zip->count; i++)
        if (by_name(&zip->entry[i - 1], &zip->entry[i]) == 0)
            return enc_fail(err, ENC_CORRUPT, "%s: entry '%s' is there twice",
                            name_of(zip), enc_zip_show(&zip->entry[i], shown));
    return ENC_OK;
}

int enc_zip_open(const enc_file *file, enc_zip *out, enc_error *err)
{
    directory where;
    *out = (enc_zip){.file = file};
    int rc = read_end(out, &where, err);
    if (rc != ENC_OK)
        return rc;
    out->directory = enc_alloc((size_t)where.size);
    out->entry = ENC_ALLOC(enc_zip_entry, where.entries);
    out->count = (size_t)where.entries;
    rc = out->directory && out->entry ? ENC_OK : enc_nomem(err);
    if (rc == ENC_OK)
        rc = enc_file_read(file, where.offset, out->directory, (size_t)where.size, err);
    if (rc == ENC_OK)
        rc = read_entries(out, (size_t)where.size, err);
    if (rc != ENC_OK)
        enc_zip_close(out);
    return rc;
}

void enc_zip_close(enc_zip *zip)
{
    enc_free(zip->directory);
    enc_free(zip->entry);
    *zip = (enc_zip){0};
}

/* ---- Entries ------------------------------------------------------------------------- */

const enc_zip_entry *enc_zip_find(const enc_zip *zip, const char *name, size_t length)
{
    size_t low = 0, high = zip->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const enc_zip_entry *entry = &zip->entry[middle];
        int order = compare(name, length, entry->name, entry->length);
        if (order == 0)
            return entry;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* The local header's name and extra field may be longer than the directory's: torch fills
** up the latter so that numbers are aligned. */
int enc_zip_place(const enc_zip *zip, const enc_zip_entry *entry, uint64_t *offset,
                  enc_error *err)
{
    char local[LOCAL_BYTES], shown[ENC_ZIP_SHOWN];
    uint64_t room = entry->header <= zip->end ? zip->end - entry->header : 0;
    bool fits = room >= LOCAL_BYTES;
    if (fits) {
        int rc = enc_file_read(zip->file, entry->header, local, sizeof local, err);
        if (rc != ENC_OK)
            return rc;
        uint64_t before = LOCAL_BYTES + (uint64_t)get16(local + 26) + get16(local + 28);
        *offset = entry->header + before;
        fits = get32(local) == LOCAL_MARK && before <= room && entry->size <= room - before;
    }
    if (!fits)
        return enc_fail(err, ENC_CORRUPT,
                        "%s: entry '%s' of %" PRIu64 " bytes is not at byte %" PRIu64
                        ", where the archive's directory says", name_of(zip),
                        enc_zip_show(entry, shown), entry->size, entry->header);
    return ENC_OK;
}
