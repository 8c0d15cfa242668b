/* test_vocabulary.c - core/text/vocabulary.c: token strings and ids. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "vocabulary.h"

static enc_vocabulary_item item(const char *text, int32_t id)
{
    return (enc_vocabulary_item){text, strlen(text), id};
}

static int32_t id_of(const enc_vocabulary *v, const char *text)
{
    return enc_vocabulary_id(v, text, strlen(text));
}

TEST("vocabulary: every one of 50,000 tokens is found by its text and by its id, nothing else is")
{
    enum { COUNT = 50000, LENGTH = 12 };
    char *text = ENC_ALLOC(char, COUNT * LENGTH);
    enc_vocabulary_item *items = ENC_ALLOC(enc_vocabulary_item, COUNT);
    enc_vocabulary v;
    REQUIRE(text && items);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text + i * LENGTH, LENGTH, "w%d", i * 7);
        items[i] = item(text + i * LENGTH, COUNT - 1 - i);
    }
    REQUIRE(enc_vocabulary_open(items, COUNT, "here", &v, NULL) == ENC_OK);
    int found = 0, strings = 0, strangers = 0;
    for (int i = 0; i < COUNT; i++) {
        size_t size = 0;
        const char *string = enc_vocabulary_string(&v, COUNT - 1 - i, &size);
        char other[LENGTH];
        snprintf(other, sizeof other, "w%d", i * 7 + 1);
        found += id_of(&v, text + i * LENGTH) == COUNT - 1 - i;
        strings += string && strcmp(string, text + i * LENGTH) == 0 && size == strlen(string);
        strangers += id_of(&v, other) >= 0;
    }
    CHECK_INT(found, COUNT);
    CHECK_INT(strings, COUNT);
    CHECK_INT(strangers, 0);
    CHECK_INT(enc_vocabulary_max_id(&v), COUNT - 1);
    CHECK_INT(v.longest, 7);
    enc_vocabulary_close(&v);
    enc_free(items);
    enc_free(text);
}

TEST("vocabulary: a token is found as a head and a tail, wherever it is cut")
{
    enc_vocabulary_item items[] = {item("##able", 0), item("able", 1), item("", 2)};
    enc_vocabulary v;
    REQUIRE(enc_vocabulary_open(items, 3, "here", &v, NULL) == ENC_OK);
    for (size_t cut = 0; cut <= 6; cut++) {
        const char *text = "##able";
        uint64_t hash = enc_vocabulary_hash(ENC_VOCABULARY_SEED, text, cut);
        hash = enc_vocabulary_hash(hash, text + cut, 6 - cut);
        CHECK_INT(enc_vocabulary_find(&v, hash, text, cut, text + cut, 6 - cut), 0);
    }
    CHECK_INT(id_of(&v, "able"), 1);
    CHECK_INT(id_of(&v, ""), 2);
    CHECK_INT(id_of(&v, "##abl"), -1);
    enc_vocabulary_close(&v);
}

TEST("vocabulary: a text with a NUL in it is one token, and its prefix another")
{
    enc_vocabulary_item items[] = {{"a\0b", 3, 0}, {"a", 1, 1}};
    enc_vocabulary v;
    REQUIRE(enc_vocabulary_open(items, 2, "here", &v, NULL) == ENC_OK);
    CHECK_INT(enc_vocabulary_id(&v, "a\0b", 3), 0);
    CHECK_INT(enc_vocabulary_id(&v, "a", 1), 1);
    CHECK_INT(enc_vocabulary_id(&v, "a\0c", 3), -1);
    enc_vocabulary_close(&v);
}

TEST("vocabulary: ids may have gaps, up to the largest there is")
{
    enc_vocabulary_item items[] = {item("c", INT32_MAX), item("a", 0), item("b", 70000)};
    enc_vocabulary v;
    size_t size = 0;
    REQUIRE(enc_vocabulary_open(items, 3, "here", &v, NULL) == ENC_OK);
    CHECK_INT(id_of(&v, "b"), 70000);
    CHECK_STR(enc_vocabulary_string(&v, 0, &size), "a");
    CHECK_STR(enc_vocabulary_string(&v, 70000, &size), "b");
    CHECK_STR(enc_vocabulary_string(&v, INT32_MAX, &size), "c");
    CHECK(enc_vocabulary_string(&v, 1, &size) == NULL);
    CHECK(enc_vocabulary_string(&v, -1, &size) == NULL);
    CHECK_INT(enc_vocabulary_max_id(&v), INT32_MAX);
    enc_vocabulary_close(&v);
}

TEST("vocabulary: of equal texts the one with the largest id is found, and each id has its text")
{
    enc_vocabulary_item items[] = {item("a", 0), item("b", 1), item("a", 2), item("c", 3)};
    enc_vocabulary v;
    size_t size = 0;
    REQUIRE(enc_vocabulary_open(items, 4, "here", &v, NULL) == ENC_OK);
    CHECK_INT(v.count, 4);
    CHECK_INT(v.different, 3);
    CHECK_INT(id_of(&v, "a"), 2);
    CHECK_INT(id_of(&v, "b"), 1);
    CHECK_INT(id_of(&v, "c"), 3);
    CHECK_STR(enc_vocabulary_string(&v, 2, &size), "a");
    CHECK_STR(enc_vocabulary_string(&v, 0, &size), "a");
    enc_vocabulary_close(&v);
}

TEST("vocabulary: one id for two texts is refused with both")
{
    enc_vocabulary_item items[] = {item("a", 5), item("b", 4), item("c", 5)};
    enc_vocabulary v;
    enc_error err = {0};
    int64_t before = enc_memory_used();
    CHECK_INT(enc_vocabulary_open(items, 3, "file: vocab", &v, &err), ENC_CORRUPT);
    CHECK(strcmp(err.message, "file: vocab: id 5 belongs to both 'a' and 'c'") == 0 ||
          strcmp(err.message, "file: vocab: id 5 belongs to both 'c' and 'a'") == 0);
    CHECK_INT(enc_memory_used(), before);
}

TEST("vocabulary: an empty one finds nothing")
{
    enc_vocabulary v;
    size_t size;
    REQUIRE(enc_vocabulary_open(NULL, 0, "here", &v, NULL) == ENC_OK);
    CHECK_INT(id_of(&v, "a"), -1);
    CHECK_INT(id_of(&v, ""), -1);
    CHECK_INT(enc_vocabulary_max_id(&v), -1);
    CHECK(enc_vocabulary_string(&v, 0, &size) == NULL);
    enc_vocabulary_close(&v);
}
