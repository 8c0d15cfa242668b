/* test_digest.c - core/base/digest.c: the hash behind a checkpoint's fingerprint. */
#include "unit.h"

#include <string.h>

#include "digest.h"
#include "encoder.h"

static const char *hex_of_parts(const char *a, const char *b)
{
    static char hex[4][ENC_DIGEST_HEX];
    static int next;
    char *out = hex[next++ % 4];
    enc_digest *digest = enc_digest_new();
    if (!digest)
        return "";
    enc_digest_text(digest, a);
    enc_digest_text(digest, b);
    enc_digest_hex(digest, out);
    enc_digest_free(digest);
    return out;
}

TEST("digest: it is 32 lower-case hex digits and the same on every machine")
{
    CHECK_INT(strlen(hex_of_parts("a", "b")), 32);
    CHECK_INT(strspn(hex_of_parts("a", "b"), "0123456789abcdef"), 32);
    enc_digest *empty = enc_digest_new();
    char hex[ENC_DIGEST_HEX];
    REQUIRE(empty);
    enc_digest_hex(empty, hex);
    CHECK_STR(hex, "99aa06d3014798d86001c324468d497f"); /* XXH3-128 of nothing */
    enc_digest_free(empty);
}

TEST("digest: where one value ends and the next begins matters")
{
    CHECK(strcmp(hex_of_parts("ab", "c"), hex_of_parts("a", "bc")) != 0);
    CHECK(strcmp(hex_of_parts("", "abc"), hex_of_parts("abc", "")) != 0);
    CHECK(strcmp(hex_of_parts(NULL, "x"), hex_of_parts("", "x")) != 0);
    CHECK_STR(hex_of_parts("ab", "c"), hex_of_parts("ab", "c"));
}

TEST("digest: a value fed in stretches is the value fed at once")
{
    char text[5000], whole[ENC_DIGEST_HEX], parts[ENC_DIGEST_HEX];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 7);
    enc_digest *a = enc_digest_new(), *b = enc_digest_new();
    REQUIRE(a && b);
    enc_digest_bytes(a, text, sizeof text);
    enc_digest_number(b, sizeof text);
    enc_digest_part(b, text, 1);
    enc_digest_part(b, text + 1, 3000);
    enc_digest_part(b, text + 3001, sizeof text - 3001);
    enc_digest_hex(a, whole);
    enc_digest_hex(b, parts);
    CHECK_STR(parts, whole);
    enc_digest_free(a);
    enc_digest_free(b);
}

TEST("checksum: it is XXH3 of 64 bits, as others compute it, and sees every byte")
{
    char text[300];
    CHECK(enc_checksum("", 0) == 0x2d06800538d394c2u);
    memset(text, 'a', sizeof text);
    const uint64_t whole = enc_checksum(text, sizeof text);
    CHECK(enc_checksum(text, sizeof text - 1) != whole);
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] ^= 1;
        CHECK(enc_checksum(text, sizeof text) != whole);
        text[i] ^= 1;
    }
}
