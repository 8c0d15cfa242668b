/* test_trie.c - core/text/trie.c: all texts that begin at a place. */
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "trie.h"
#include "unit.h"

static int32_t value_of(const enc_trie *t, const char *text, size_t size)
{
    uint32_t node = ENC_TRIE_ROOT;
    for (size_t i = 0; i < size; i++)
        if (!enc_trie_step(t, &node, text[i]))
            return -2;
    return enc_trie_value(t, node);
}

TEST("trie: every one of 40,000 texts is found, nothing else is")
{
    enum { COUNT = 40000, LENGTH = 16 };
    char *text = ENC_ALLOC(char, COUNT * LENGTH);
    enc_vocabulary_item *items = ENC_ALLOC(enc_vocabulary_item, COUNT);
    enc_trie t;
    REQUIRE(text && items);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text + i * LENGTH, LENGTH, "%dx%d", i * 7, i % 13);
        items[i] = (enc_vocabulary_item){text + i * LENGTH, strlen(text + i * LENGTH), i};
    }
    REQUIRE(enc_trie_open(items, COUNT, "here", &t, NULL) == ENC_OK);
    int found = 0, strangers = 0;
    for (int i = 0; i < COUNT; i++) {
        char other[LENGTH];
        found += value_of(&t, text + i * LENGTH, strlen(text + i * LENGTH)) == i;
        snprintf(other, sizeof other, "%dx%d", i * 7 + 1, i % 13);
        strangers += value_of(&t, other, strlen(other)) >= 0;
    }
    CHECK_INT(found, COUNT);
    CHECK_INT(strangers, 0);
    enc_trie_close(&t);
    enc_free(items);
    enc_free(text);
}

TEST("trie: texts of all bytes, one the beginning of another, and equal ones")
{
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    enc_vocabulary_item items[260];
    for (int i = 0; i < 256; i++)
        items[i] = (enc_vocabulary_item){all + i, 1, i};
    items[256] = (enc_vocabulary_item){all, 256, 256};
    items[257] = (enc_vocabulary_item){all, 200, 257};
    items[258] = (enc_vocabulary_item){all, 200, 258};
    items[259] = (enc_vocabulary_item){"", 0, 259};
    enc_trie t;
    REQUIRE(enc_trie_open(items, 260, "here", &t, NULL) == ENC_OK);
    int found = 0;
    for (int i = 0; i < 256; i++)
        found += value_of(&t, all + i, 1) == i;
    CHECK_INT(found, 256);
    CHECK_INT(value_of(&t, all, 256), 256);
    CHECK_INT(value_of(&t, all, 200), 258);
    CHECK_INT(value_of(&t, all, 100), -1);
    CHECK_INT(value_of(&t, "", 0), -1);
    CHECK_INT(value_of(&t, "ab", 2), -2);
    enc_trie_close(&t);
}

TEST("trie: an empty set has no text")
{
    enc_trie t;
    REQUIRE(enc_trie_open(NULL, 0, "here", &t, NULL) == ENC_OK);
    CHECK_INT(value_of(&t, "a", 1), -2);
    enc_trie_close(&t);
}
