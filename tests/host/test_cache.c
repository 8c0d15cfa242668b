/*
** test_cache.c - the cache of recent results: what it keeps, what it forgets, how keys
** differ. Linked with test_tables.c, whose encoder also brings SQLite's interface.
*/
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "../../ext/cache.h"
#include "counting_encoder.h"

/* The extension's code calls SQLite through the table that loading it sets. */
static ctx_cache *open_cache(void)
{
    sqlite3 *db = NULL;
    sqlite3_auto_extension((void (*)(void))counting_load);
    sqlite3_open(":memory:", &db);
    sqlite3_cancel_auto_extension((void (*)(void))counting_load);
    sqlite3_close(db);
    return ctx_cache_open();
}

static ctx_key key_of(enc_text parts[2], const char *first, const char *second)
{
    parts[0] = (enc_text){first, strlen(first)};
    parts[1] = (enc_text){second, strlen(second)};
    return (ctx_key){parts, 2};
}

static void put(ctx_cache *cache, const char *first, const char *second, float value)
{
    enc_text parts[2];
    ctx_cache_put(cache, key_of(parts, first, second), &value, 1);
}

/* The value of the key, -1 for none. */
static double get(ctx_cache *cache, const char *first, const char *second)
{
    enc_text parts[2];
    int length = 0;
    const float *value = ctx_cache_get(cache, key_of(parts, first, second), &length);
    return value && length == 1 ? (double)*value : -1;
}

TEST("cache: a value is there under its key and no other")
{
    ctx_cache *cache = open_cache();
    put(cache, "model", "text", 1);
    CHECK_NEAR(get(cache, "model", "text"), 1, 0);
    CHECK_NEAR(get(cache, "model", "texts"), -1, 0);
    CHECK_NEAR(get(cache, "text", "model"), -1, 0);
    ctx_cache_close(cache);
}

TEST("cache: the border between two parts is part of the key")
{
    ctx_cache *cache = open_cache();
    put(cache, "ab", "c", 1);
    put(cache, "a", "bc", 2);
    CHECK_NEAR(get(cache, "ab", "c"), 1, 0);
    CHECK_NEAR(get(cache, "a", "bc"), 2, 0);
    CHECK_NEAR(get(cache, "", "abc"), -1, 0);
    ctx_cache_close(cache);
}

TEST("cache: a value without elements is a value too")
{
    ctx_cache *cache = open_cache();
    enc_text parts[2];
    int length = -1;
    ctx_cache_put(cache, key_of(parts, "word", "not there"), NULL, 0);
    CHECK(ctx_cache_get(cache, key_of(parts, "word", "not there"), &length) != NULL);
    CHECK_INT(length, 0);
    ctx_cache_close(cache);
}

TEST("cache: what was used last stays, what was not used goes first")
{
    enum { TEXTS = 100, SIZE = 100000 }; /* more than twice what the cache holds */
    ctx_cache *cache = open_cache();
    char *text = calloc(SIZE, 1);
    REQUIRE(text);
    memset(text, 'x', SIZE - 1);
    char number[16];
    put(cache, "kept", "in use", 7);
    for (int i = 0; i < TEXTS; i++) {
        sqlite3_snprintf((int)sizeof number, number, "%d", i);
        put(cache, number, text, (float)i);
        CHECK_NEAR(get(cache, "kept", "in use"), 7, 0);
        CHECK_NEAR(get(cache, number, text), i, 0);
    }
    CHECK_NEAR(get(cache, "0", text), -1, 0);
    CHECK_NEAR(get(cache, "90", text), 90, 0);
    ctx_cache_clear(cache);
    CHECK_NEAR(get(cache, "90", text), -1, 0);
    put(cache, "90", text, 5);
    CHECK_NEAR(get(cache, "90", text), 5, 0);
    free(text);
    ctx_cache_close(cache);
}

TEST("cache: its memory stays below 4 MiB and all of it is given back")
{
    sqlite3_int64 before = sqlite3_memory_used();
    ctx_cache *cache = open_cache();
    char number[16];
    for (int i = 0; i < 100000; i++) {
        sqlite3_snprintf((int)sizeof number, number, "%d", i);
        put(cache, "model", number, (float)i);
    }
    CHECK_NEAR(get(cache, "model", "99999"), 99999, 0);
    CHECK_NEAR(get(cache, "model", "0"), -1, 0);
    CHECK(sqlite3_memory_used() - before < 5 << 20); /* SQLite rounds blocks up */
    ctx_cache_close(cache);
    CHECK_INT(sqlite3_memory_used(), before);
}

TEST("cache: a text too long to keep is not kept and drives nothing out")
{
    enum { SIZE = 1000000 };
    ctx_cache *cache = open_cache();
    char *text = calloc(SIZE, 1);
    REQUIRE(text);
    memset(text, 'x', SIZE - 1);
    put(cache, "short", "one", 1);
    put(cache, "long", text, 2);
    CHECK_NEAR(get(cache, "long", text), -1, 0);
    CHECK_NEAR(get(cache, "short", "one"), 1, 0);
    free(text);
    ctx_cache_close(cache);
}
