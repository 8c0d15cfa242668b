/*
** bytes.h - the letters that stand for single bytes in byte-level vocabularies.
**
** The bytes that are visible characters of Latin-1 stand for themselves; the others are
** numbered in order from U+0100 on, so that a space is U+0120.
*/
#ifndef ENC_BYTES_H
#define ENC_BYTES_H

#include <stdint.h>

static inline uint32_t enc_byte_letter(unsigned char byte)
{
    if ((byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD))
        return byte;
    return 0x100 + (byte <= ' ' ? byte : byte <= 0xA0 ? byte - 0x7F + 33u : 67u);
}

#endif
