/* archive.c - see archive.h. */
#include "archive.h"

#include <stdlib.h>
#include <string.h>

void archive_put(char *at, int width, uint64_t number)
{
    for (int i = 0; i < width; i++)
        at[i] = (char)(number >> (8 * i));
}

/* Room for `more` zeros behind what is there. */
static char *grow(char **data, size_t *size, size_t more)
{
    char *grown = realloc(*data, *size + more);
    if (!grown)
        abort();
    *data = grown;
    char *at = memset(grown + *size, 0, more);
    *size += more;
    return at;
}

void archive_add(archive *to, const char *name, const void *content, size_t size)
{
    size_t length = strlen(name), offset = to->size;
    char *local = grow(&to->data, &to->size, 30 + length + size);
    archive_put(local, 4, 0x04034b50);
    archive_put(local + 18, 4, size);
    archive_put(local + 22, 4, size);
    archive_put(local + 26, 2, length);
    memcpy(local + 30, name, length);
    if (size > 0)
        memcpy(local + 30 + length, content, size);
    char *entry = grow(&to->directory, &to->directory_size, 46 + length);
    archive_put(entry, 4, 0x02014b50);
    archive_put(entry + 20, 4, size);
    archive_put(entry + 24, 4, size);
    archive_put(entry + 28, 2, length);
    archive_put(entry + 42, 4, offset);
    memcpy(entry + 46, name, length);
    to->entries++;
}

static size_t add_directory(archive *to)
{
    size_t offset = to->size;
    char *at = grow(&to->data, &to->size, to->directory_size);
    if (to->directory_size > 0)
        memcpy(at, to->directory, to->directory_size);
    return offset;
}

static void add_end(archive *to, uint64_t entries, uint64_t size, uint64_t offset)
{
    to->end = to->size;
    char *end = grow(&to->data, &to->size, 22);
    archive_put(end, 4, 0x06054b50);
    archive_put(end + 8, 2, entries);
    archive_put(end + 10, 2, entries);
    archive_put(end + 12, 4, size);
    archive_put(end + 16, 4, offset);
}

void archive_end(archive *to)
{
    size_t offset = add_directory(to);
    add_end(to, to->entries, to->directory_size, offset);
}

void archive_end64(archive *to)
{
    size_t offset = add_directory(to), at = to->size;
    char *record = grow(&to->data, &to->size, 56);
    archive_put(record, 4, 0x06064b50);
    archive_put(record + 4, 8, 44);
    archive_put(record + 24, 8, to->entries);
    archive_put(record + 32, 8, to->entries);
    archive_put(record + 40, 8, to->directory_size);
    archive_put(record + 48, 8, offset);
    char *locator = grow(&to->data, &to->size, 20);
    archive_put(locator, 4, 0x07064b50);
    archive_put(locator + 8, 8, at);
    archive_put(locator + 16, 4, 1);
    add_end(to, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF);
}

void archive_free(archive *to)
{
    free(to->data);
    free(to->directory);
    *to = (archive){0};
}
