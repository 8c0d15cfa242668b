/*
** saved_seal.h - a saved model's bytes, taken apart and put together again with right checksums:
** damage that no checksum shows.
*/
#ifndef SAVED_SEAL_H
#define SAVED_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "digest.h"

enum { SEAL_HEADER = 256, SEAL_PARTS = 4, SEAL_SIZES = 16, SEAL_SUMS = 48, SEAL_OWN = 224 };

static inline uint64_t seal_size(const char *data, int part)
{
    uint64_t size;
    memcpy(&size, data + SEAL_SIZES + 8 * part, sizeof size);
    return size;
}

static inline void seal_sum(const char *data, size_t size, char *to)
{
    char hex[ENC_DIGEST_HEX] = "";
    enc_digest *digest = enc_digest_new();
    if (digest) {
        enc_digest_part(digest, data, size);
        enc_digest_hex(digest, hex);
    }
    enc_digest_free(digest);
    memcpy(to, hex, 32);
}

/* Where each part begins, and the last ends; false: the sizes are not those of the bytes. */
static inline bool seal_parts(const char *data, size_t size, size_t start[SEAL_PARTS + 1])
{
    start[0] = SEAL_HEADER;
    if (size < SEAL_HEADER)
        return false;
    for (int i = 0; i < SEAL_PARTS; i++) {
        if (seal_size(data, i) > size - start[i])
            return false;
        start[i + 1] = start[i] + (size_t)seal_size(data, i);
    }
    return start[SEAL_PARTS] == size;
}

/* Makes all checksums right; where sizes are not, nothing is changed. */
static inline void seal(char *data, size_t size)
{
    size_t start[SEAL_PARTS + 1];
    if (!seal_parts(data, size, start))
        return;
    for (int i = 0; i < SEAL_PARTS; i++)
        seal_sum(data + start[i], start[i + 1] - start[i], data + SEAL_SUMS + 32 * i);
    seal_sum(data, SEAL_OWN, data + SEAL_OWN);
}

#endif
