/* test_phrase_cache.c - core/text/phrase_cache.c: what short phrases came to. */
#include "phrase_cache.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

static enc_phrase_key key_of(const char *text, uint32_t owner, unsigned kind)
{
    enc_phrase_key key = {0};
    size_t size = strlen(text);
    char *copy = malloc(size); /* of the exact size: reading on is a fault */
    if (copy) {
        memcpy(copy, text, size);
        enc_phrase_key_set(&key, copy, size, copy + size, owner, kind);
    }
    free(copy);
    return key;
}

static void put(enc_phrase_cache *cache, const char *text, uint32_t owner, unsigned kind,
                int32_t id, size_t count)
{
    enc_phrase_key key = key_of(text, owner, kind);
    enc_phrase *phrase = enc_phrase_cache_put(cache, &key, count);
    for (size_t i = 0; i < count; i++)
        enc_phrase_tokens(phrase)[i] = (enc_phrase_token){.id = (uint32_t)id + (uint32_t)i};
}

/* The id of the phrase's last token; -1: it is not there. */
static int32_t id_of(enc_phrase_cache *cache, const char *text, uint32_t owner, unsigned kind)
{
    enc_phrase_key key = key_of(text, owner, kind);
    enc_phrase *phrase = enc_phrase_cache_find(cache, &key);
    return phrase ? (int32_t)enc_phrase_tokens(phrase)[phrase->count - 1].id : -1;
}

TEST("phrase cache: a phrase is found by its bytes, its tokenizer and its kind")
{
    enc_arena arena = {0};
    enc_phrase_cache *cache = enc_phrase_cache_of(&arena);
    REQUIRE(cache);
    CHECK(enc_phrase_cache_of(&arena) == cache);
    put(cache, " the", 1, 0, 7, 1);
    put(cache, " the", 1, 1, 8, 2);
    put(cache, " the", 2, 0, 9, 4);
    CHECK_INT(id_of(cache, " the", 1, 0), 7);
    CHECK_INT(id_of(cache, " the", 1, 1), 9);
    CHECK_INT(id_of(cache, " the", 2, 0), 12);
    CHECK_INT(id_of(cache, " thf", 1, 0), -1);
    CHECK_INT(id_of(cache, " the ", 1, 0), -1);
    CHECK_INT(id_of(cache, " the", 3, 0), -1);
    enc_arena_destroy(&arena);
}

TEST("phrase cache: phrases of every length and number of tokens come back as they were put")
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    enc_arena arena = {0};
    enc_phrase_cache *cache = enc_phrase_cache_of(&arena);
    REQUIRE(cache);
    for (size_t size = 1; size <= ENC_PHRASE_MOST; size++)
        for (size_t count = 1; count <= ENC_PHRASE_MOST_TOKENS && count <= size; count++) {
            char text[ENC_PHRASE_MOST + 1];
            for (size_t i = 0; i < size; i++)
                text[i] = letters[i % 26];
            text[size] = '\0';
            put(cache, text, 1, (unsigned)count, (int32_t)size, count);
            CHECK_INT(id_of(cache, text, 1, (unsigned)count), (int)(size + count - 1));
            text[size - 1] = '?';
            CHECK_INT(id_of(cache, text, 1, (unsigned)count), -1);
        }
    enc_arena_destroy(&arena);
}

TEST("phrase cache: it grows, keeps what it had, and stays below its bound")
{
    enc_arena arena = {0};
    int64_t before = enc_memory_used();
    enc_phrase_cache *cache = enc_phrase_cache_of(&arena);
    REQUIRE(cache);
    CHECK(enc_memory_used() - before < 100 << 10);
    size_t there = 0;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 200000; i++) {
            char text[64];
            snprintf(text, sizeof text, i % 3 ? " word%d" : " a word that is longer %d", i);
            if (round == 0)
                put(cache, text, 1, 0, i, 1);
            int32_t id = id_of(cache, text, 1, 0);
            CHECK(round == 0 ? id == i : id == i || id == -1);
            there += round == 1 && id == i;
            if (i % 1000 == 0)
                CHECK(enc_memory_used() - before <= ENC_PHRASE_CACHE_MOST);
        }
    CHECK(there > 20000);
    enc_arena_destroy(&arena);
    CHECK_INT(enc_memory_used(), before);
}

TEST("phrase cache: what is asked for stays when the oldest go")
{
    enc_arena arena = {0};
    enc_phrase_cache *cache = enc_phrase_cache_of(&arena);
    REQUIRE(cache);
    put(cache, " often", 1, 0, 1, 1);
    size_t kept = 0;
    for (int i = 0; i < 400000; i++) {
        char text[32];
        snprintf(text, sizeof text, " w%d", i);
        put(cache, text, 1, 0, 2, 1);
        if (i % 100 == 0) {
            bool there = id_of(cache, " often", 1, 0) == 1;
            kept += there;
            if (!there)
                put(cache, " often", 1, 0, 1, 1);
        }
    }
    CHECK(kept > 3900);
    enc_arena_destroy(&arena);
}

TEST("phrase cache: long phrases have room for as many bytes as short ones")
{
    enum { PHRASES = 12000 };
    enc_arena arena = {0};
    enc_phrase_cache *cache = enc_phrase_cache_of(&arena);
    REQUIRE(cache);
    size_t there = 0;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < PHRASES; i++) {
            char text[ENC_PHRASE_MOST];
            snprintf(text, sizeof text, "%0*d", 100 + i % 60, i);
            if (round == 0)
                put(cache, text, 1, 0, i, 20);
            else
                there += id_of(cache, text, 1, 0) == i + 19;
        }
    CHECK(there > PHRASES * 99 / 100);
    enc_arena_destroy(&arena);
}

TEST("phrase cache: where all were asked for, the oldest go all the same")
{
    enc_arena arena = {0};
    enc_phrase_cache *cache = enc_phrase_cache_of(&arena);
    REQUIRE(cache);
    for (int i = 0; i < 300000; i++) {
        char text[ENC_PHRASE_MOST];
        int size = snprintf(text, sizeof text, "%0*d", 10 + i * 7 % 230, i);
        size_t count = 1 + (size_t)(i * 5 % (size < 128 ? size : 128));
        put(cache, text, 1, 0, i, count);
        CHECK_INT(id_of(cache, text, 1, 0), i + (int)count - 1);
    }
    enc_arena_destroy(&arena);
}
