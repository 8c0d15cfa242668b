/* digest.c - see digest.h. */
#include "digest.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "encoder.h"
#include "memory.h"

uint64_t enc_checksum(const void *data, size_t size) { return XXH3_64bits(data, size); }

struct enc_digest {
    XXH3_state_t state; /* aligned to 64 bytes, as enc_alloc does */
};

enc_digest *enc_digest_new(void)
{
    enc_digest *digest = ENC_ZALLOC(enc_digest, 1);
    if (digest)
        XXH3_128bits_reset(&digest->state);
    return digest;
}

void enc_digest_free(enc_digest *digest) { enc_free(digest); }

void enc_digest_part(enc_digest *digest, const void *data, size_t size)
{
    if (size > 0)
        XXH3_128bits_update(&digest->state, data, size);
}

void enc_digest_number(enc_digest *digest, int64_t number)
{
    unsigned char bytes[8]; /* little-endian on every machine */
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)number >> (8 * i));
    enc_digest_part(digest, bytes, sizeof bytes);
}

void enc_digest_bytes(enc_digest *digest, const void *data, size_t size)
{
    enc_digest_number(digest, (int64_t)size);
    enc_digest_part(digest, data, size);
}

void enc_digest_text(enc_digest *digest, const char *text)
{
    if (text)
        enc_digest_bytes(digest, text, strlen(text));
    else
        enc_digest_number(digest, -1);
}

void enc_digest_hex(const enc_digest *digest, char hex[ENC_DIGEST_HEX])
{
    XXH128_hash_t hash = XXH3_128bits_digest(&digest->state);
    XXH64_hash_t halves[2] = {hash.high64, hash.low64};
    for (int i = 0; i < 32; i++)
        hex[i] = "0123456789abcdef"[halves[i / 16] >> (60 - 4 * (i % 16)) & 15];
    hex[32] = '\0';
}
