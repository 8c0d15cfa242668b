/* fuzz_charsmap.c - SentencePiece's map of characters, as bytes. */
#include "fuzz.h"

#include "charsmap.h"
#include "memory.h"

static const char text[] =
    "A\xc2\xa0\xef\xac\x81 \xe3\x8f\x80\xcc\x81\xf0\x9f\x98\x80\t\xe2\x84\xa2";
enum { TEXT_SIZE = sizeof text - 1 };

/* Replacements lie in the map, wherever a text begins. */
static void find_all(const enc_charsmap *map)
{
    for (size_t at = 0; at < TEXT_SIZE; at++) {
        const char *to = NULL;
        size_t length = 0;
        if (enc_charsmap_find(map, text + at, TEXT_SIZE - at, &to, &length))
            MUST(to >= map->text && length <= map->size &&
                 to + length <= map->text + map->size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enc_error err = {0};
    enc_charsmap *map = NULL;
    /* Base64 holds bytes that are all printable; a map's first is the length of its trie. */
    bool binary = size == 0 || data[0] < '+' || data[size / 2] < '+';
    int rc = enc_charsmap_open((const char *)data, size, binary, "charsmap", &map, &err);
    MUST_EXPLAIN(rc, err);
    if (rc == ENC_OK) {
        find_all(map);
        enc_charsmap_close(map);
    }
    MUST(enc_memory_used() == 0);
    return 0;
}
