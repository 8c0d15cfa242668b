/*
** digest.h - a 128-bit hash over a sequence of values, for a checkpoint's fingerprint.
**
** Every value goes in with its length before it, so that two different sequences can't run
** into the same bytes. XXH3 is fast, not cryptographic: it tells checkpoints apart, it does
** not defend against one made to collide.
*/
#ifndef ENC_DIGEST_H
#define ENC_DIGEST_H

#include <stddef.h>
#include <stdint.h>

typedef struct enc_digest enc_digest;

enum { ENC_DIGEST_HEX = 33 }; /* 32 digits and the NUL */

/* NULL: out of memory. */
enc_digest *enc_digest_new(void);
void enc_digest_free(enc_digest *digest);

void enc_digest_number(enc_digest *digest, int64_t number);
void enc_digest_bytes(enc_digest *digest, const void *data, size_t size);
/* NULL is another value than "". */
void enc_digest_text(enc_digest *digest, const char *text);
/* A stretch of a value whose length went in before, by enc_digest_number. */
void enc_digest_part(enc_digest *digest, const void *data, size_t size);

void enc_digest_hex(const enc_digest *digest, char hex[ENC_DIGEST_HEX]);

#endif
