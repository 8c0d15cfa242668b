/* charsmap.c - see charsmap.h. */
#include "charsmap.h"

#include <string.h>

#include "memory.h"
#include "unicode.h"

/* ---- base64 -------------------------------------------------------------------------- */

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Padded base64 of [size] bytes into out [size / 4 * 3]; returns how many bytes, SIZE_MAX if
** it is none. */
static size_t decode(const char *text, size_t size, unsigned char *out)
{
    size_t count = 0;
    if (size % 4)
        return SIZE_MAX;
    for (size_t i = 0; i < size; i += 4) {
        size_t pad = i + 4 < size || text[i + 3] != '=' ? 0 : text[i + 2] == '=' ? 2 : 1;
        uint32_t bits = 0;
        for (size_t j = 0; j < 4; j++) {
            int digit = j < 4 - pad ? digit_of(text[i + j]) : 0;
            if (digit < 0)
                return SIZE_MAX;
            bits = bits << 6 | (uint32_t)digit;
        }
        if (bits & (pad ? (UINT32_C(1) << 8 * pad) - 1 : 0))
            return SIZE_MAX;
        for (size_t j = 0; j < 3 - pad; j++)
            out[count++] = (unsigned char)(bits >> (16 - 8 * j));
    }
    return count;
}

/* ---- The trie ------------------------------------------------------------------------ */

static uint32_t label_of(uint32_t unit) { return unit & (UINT32_C(1) << 31 | 0xFF); }

static size_t offset_of(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & UINT32_C(1) << 9) >> 6);
}

static bool has_value(uint32_t unit) { return unit >> 8 & 1; }

/* Moves *place along an edge; false if there is none. */
static bool follow(const enc_charsmap *map, size_t *place, unsigned char byte)
{
    size_t next = *place ^ byte;
    if (!byte || next >= map->units || label_of(map->unit[next]) != byte)
        return false;
    *place = next ^ offset_of(map->unit[next]);
    return true;
}

bool enc_charsmap_find(const enc_charsmap *map, const char *text, size_t size,
                       const char **out, size_t *length)
{
    size_t place = offset_of(map->unit[0]);
    for (size_t i = 0; i < size; i++) {
        size_t edge = place ^ (unsigned char)text[i];
        if (!follow(map, &place, (unsigned char)text[i]))
            return false;
        if (!has_value(map->unit[edge]))
            continue;
        if (place >= map->units)
            return false;
        size_t value = map->unit[place] & INT32_MAX;
        if (value > map->size)
            return false;
        *out = map->text + value;
        *length = strlen(*out);
        return true;
    }
    return false;
}

/* ---- Opening ------------------------------------------------------------------------- */

static uint32_t read_u32(const unsigned char *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Characters of the longest replacement; each ends in a NUL. */
static size_t find_longest(const enc_charsmap *map)
{
    size_t longest = 0;
    for (const char *at = map->text, *end = at + map->size; at < end;) {
        size_t size = strlen(at), count = enc_utf8_count(at, size);
        longest = count > longest ? count : longest;
        at += size + 1;
    }
    return longest;
}

/* The bytes: size of the trie in bytes, the trie, the replacements. */
static int parse(const unsigned char *bytes, size_t size, const char *where,
                 enc_charsmap *map, enc_error *err)
{
    size_t trie = size >= 4 ? read_u32(bytes) : 0;
    if (size < 4 || trie / 4 * 4 > size - 4)
        return enc_fail(err, ENC_CORRUPT, "%s has %zu bytes, its trie must have %zu", where,
                        size, trie);
    map->units = trie / 4;
    if (map->units == 0)
        return enc_fail(err, ENC_CORRUPT, "%s: its trie is empty", where);
    map->size = size - 4 - 4 * map->units;
    map->unit = ENC_ALLOC(uint32_t, map->units);
    map->text = enc_copy_string((const char *)bytes + 4 + 4 * map->units, map->size);
    if (!map->unit || !map->text)
        return enc_nomem(err);
    for (size_t i = 0; i < map->units; i++)
        map->unit[i] = read_u32(bytes + 4 + 4 * i);
    if (!enc_utf8_is_valid(map->text, map->size))
        return enc_fail(err, ENC_CORRUPT, "%s: its replacements are not UTF-8", where);
    map->longest = find_longest(map);
    for (unsigned byte = 0; byte < 256; byte++) {
        size_t place = offset_of(map->unit[0]);
        map->begins[byte] = follow(map, &place, (unsigned char)byte);
    }
    return ENC_OK;
}

int enc_charsmap_open(const char *text, size_t size, bool binary, const char *where,
                      enc_charsmap **out, enc_error *err)
{
    int rc = ENC_OK;
    enc_charsmap *map = ENC_ZALLOC(enc_charsmap, 1);
    unsigned char *bytes = NULL;
    *out = NULL;
    if (!map)
        return enc_nomem(err);
    if (!binary) {
        bytes = enc_alloc(size / 4 * 3);
        if (!bytes)
            rc = enc_nomem(err);
        else if ((size = decode(text, size, bytes)) == SIZE_MAX)
            rc = enc_fail(err, ENC_CORRUPT, "%s is not base64", where);
    }
    if (rc == ENC_OK)
        rc = parse(binary ? (const unsigned char *)text : bytes, size, where, map, err);
    enc_free(bytes);
    if (rc != ENC_OK) {
        enc_charsmap_close(map);
        return rc;
    }
    *out = map;
    return ENC_OK;
}

void enc_charsmap_close(enc_charsmap *map)
{
    if (!map)
        return;
    enc_free(map->unit);
    enc_free(map->text);
    enc_free(map);
}
