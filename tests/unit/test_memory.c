/* test_memory.c - core/base/memory.c: the one place that takes memory. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

static bool aligned(const void *block)
{
    return (uintptr_t)block % ENC_ALIGNMENT == 0;
}

TEST("memory: every block is aligned to a cache line and can be written to its end")
{
    for (size_t bytes = 0; bytes < 300; bytes += 7) {
        char *block = enc_alloc(bytes);
        REQUIRE(block);
        CHECK(aligned(block));
        memset(block, 1, bytes);
        enc_free(block);
    }
}

TEST("memory: zero bytes give a block that differs from every other")
{
    void *a = enc_alloc(0), *b = enc_alloc(0);
    CHECK(a && b && a != b);
    enc_free(a);
    enc_free(b);
}

TEST("memory: freeing nothing is allowed")
{
    enc_free(NULL);
}

TEST("memory: a product of sizes that does not fit gives no block")
{
    CHECK(!enc_alloc_array(SIZE_MAX / 2, 3));
    CHECK(!enc_alloc_zero(SIZE_MAX, 2));
    CHECK(!enc_alloc(SIZE_MAX));
    CHECK(!enc_alloc(SIZE_MAX - ENC_ALIGNMENT));
    CHECK(!enc_realloc_array(NULL, SIZE_MAX, SIZE_MAX));
    CHECK(!enc_copy_string("x", SIZE_MAX));
}

TEST("memory: a zeroed block is zero")
{
    unsigned char *block = enc_alloc_zero(1000, 3);
    REQUIRE(block);
    int sum = 0;
    for (size_t i = 0; i < 3000; i++)
        sum += block[i];
    CHECK_INT(sum, 0);
    enc_free(block);
}

TEST("memory: a block that grows or shrinks keeps its content and its alignment")
{
    char *block = enc_realloc(NULL, 10);
    REQUIRE(block);
    memcpy(block, "0123456789", 10);
    block = enc_realloc(block, 100000);
    REQUIRE(block);
    CHECK(aligned(block));
    CHECK(memcmp(block, "0123456789", 10) == 0);
    block = enc_realloc_array(block, 2, 2);
    REQUIRE(block);
    CHECK(aligned(block));
    CHECK(memcmp(block, "0123", 4) == 0);
    enc_free(block);
}

TEST("memory: a block that can't grow stays as it was")
{
    char *block = enc_alloc(4);
    REQUIRE(block);
    memcpy(block, "abcd", 4);
    CHECK(!enc_realloc(block, SIZE_MAX));
    CHECK(!enc_realloc_array(block, SIZE_MAX, 4));
    CHECK(memcmp(block, "abcd", 4) == 0);
    enc_free(block);
}

TEST("memory: a copy of a string ends with NUL and may hold NULs")
{
    char *copy = enc_copy_string("a\0b", 3);
    REQUIRE(copy);
    CHECK(memcmp(copy, "a\0b", 4) == 0);
    enc_free(copy);
    copy = enc_copy_string(NULL, 0);
    CHECK_STR(copy, "");
    enc_free(copy);
}

TEST("memory: the count of bytes held goes up and comes back")
{
    int64_t before = enc_memory_used();
    void *a = enc_alloc(1000), *b = enc_alloc_zero(10, 100);
    CHECK_INT(enc_memory_used() - before, 2000);
    a = enc_realloc(a, 5000);
    CHECK_INT(enc_memory_used() - before, 6000);
    enc_free(a);
    enc_free(b);
    CHECK_INT(enc_memory_used() - before, 0);
}

/* ---- The hook ---- */

static int blocks_until_failure;

static void *failing_take(size_t bytes)
{
    return blocks_until_failure-- > 0 ? malloc(bytes) : NULL;
}

static void libc_give(void *block)
{
    free(block);
}

static void *libc_take(size_t bytes)
{
    return malloc(bytes);
}

TEST("memory: the hook decides whether there is memory, and nothing is counted where not")
{
    int64_t before = enc_memory_used();
    enc_set_allocator(&(enc_allocator){failing_take, libc_give});
    blocks_until_failure = 1;
    void *block = enc_alloc(10);
    CHECK(block != NULL);
    CHECK(!enc_alloc(10));
    CHECK(!enc_realloc(block, 20));
    CHECK_INT(enc_memory_used() - before, 10);
    enc_free(block);
    enc_set_allocator(&(enc_allocator){libc_take, libc_give});
    CHECK_INT(enc_memory_used() - before, 0);
}

/* ---- Arena ---- */

TEST("arena: blocks are aligned, apart from each other, and do not move")
{
    enc_arena arena = {0};
    char *block[200];
    for (int i = 0; i < 200; i++) {
        block[i] = enc_arena_take(&arena, 1000);
        REQUIRE(block[i]);
        CHECK(aligned(block[i]));
        memset(block[i], i, 1000);
    }
    for (int i = 0; i < 200; i++)
        for (int j = 0; j < 1000; j++)
            if ((unsigned char)block[i][j] != i) {
                CHECK((unsigned char)block[i][j] == i);
                break;
            }
    enc_arena_destroy(&arena);
}

TEST("arena: memory taken after a release is the same memory")
{
    enc_arena arena = {0};
    REQUIRE(enc_arena_take(&arena, 100));
    enc_mark mark = enc_arena_mark(&arena);
    void *first = enc_arena_take(&arena, 5000);
    enc_arena_release(&arena, mark);
    CHECK(enc_arena_take(&arena, 5000) == first);
    enc_arena_destroy(&arena);
}

TEST("arena: an inner release leaves what the outer call took")
{
    enc_arena arena = {0};
    char *outer = enc_arena_take(&arena, 16);
    REQUIRE(outer);
    memcpy(outer, "still here......", 16);
    enc_mark mark = enc_arena_mark(&arena);
    for (int i = 0; i < 20; i++) /* many chunks */
        memset(enc_arena_take(&arena, 50000), 0xff, 50000);
    enc_arena_release(&arena, mark);
    CHECK(memcmp(outer, "still here......", 16) == 0);
    enc_arena_destroy(&arena);
}

TEST("arena: the last block grows where it is, as far as there is room behind it")
{
    enc_arena arena = {0};
    char *first = enc_arena_take(&arena, 100), *last = enc_arena_take(&arena, 100);
    REQUIRE(first && last);
    CHECK(!enc_arena_extend(&arena, first, 100, 200));
    CHECK(enc_arena_extend(&arena, last, 100, 5000));
    memset(last, 1, 5000);
    char *after = enc_arena_take(&arena, 1);
    CHECK(after >= last + 5000);
    CHECK(!enc_arena_extend(&arena, after, 1, 1 << 20));
    CHECK(!enc_arena_extend(&arena, after, 1, SIZE_MAX));
    enc_arena_destroy(&arena);
    CHECK(!enc_arena_extend(&arena, after, 1, 2));
}

static int dropped;
static void count_drop(void *kept) { dropped += *(int *)kept; }

TEST("arena: what is kept with it outlives the calls, and goes when it is destroyed")
{
    int one = 1;
    enc_arena arena = {.kept = &one, .drop = count_drop};
    enc_mark mark = enc_arena_mark(&arena);
    for (int i = 0; i < 30; i++)
        CHECK(enc_arena_take(&arena, 30000) != NULL);
    enc_arena_release(&arena, mark);
    CHECK(arena.kept == &one && dropped == 0);
    enc_arena_destroy(&arena);
    CHECK(!arena.kept && dropped == 1);
    enc_arena_destroy(&arena);
    CHECK_INT(dropped, 1);
}

TEST("arena: the second run of the same work allocates nothing")
{
    enc_arena arena = {0};
    int64_t held = 0;
    for (int run = 0; run < 3; run++) {
        enc_mark mark = enc_arena_mark(&arena);
        blocks_until_failure = 0;
        if (run > 0)
            enc_set_allocator(&(enc_allocator){failing_take, libc_give});
        for (int i = 0; i < 30; i++)
            CHECK(enc_arena_take(&arena, 30000) != NULL);
        enc_arena_release(&arena, mark);
        enc_set_allocator(&(enc_allocator){libc_take, libc_give});
        if (run == 0)
            held = enc_memory_used();
        CHECK_INT(enc_memory_used(), held);
    }
    enc_arena_destroy(&arena);
}

TEST("arena: what a huge text needs stays while such texts come, and goes with the first other")
{
    const size_t mib = 1 << 20, takes[] = {100, 90, 100, 1, 600, 600, 1};
    const size_t kept[] = {100, 100, 100, 0, 0, 0, 0};
    enc_arena arena = {0};
    int64_t held = enc_memory_used();
    for (size_t i = 0; i < sizeof takes / sizeof *takes; i++) {
        enc_mark mark = enc_arena_mark(&arena);
        REQUIRE(enc_arena_take(&arena, 1000) != NULL);
        REQUIRE(enc_arena_take(&arena, takes[i] * mib) != NULL);
        enc_arena_release(&arena, mark);
        int64_t now = enc_memory_used() - held;
        CHECK(kept[i] ? now >= (int64_t)(kept[i] * mib) && now < (int64_t)((kept[i] + 1) * mib)
                      : now <= (int64_t)(65 * mib));
    }
    enc_arena_destroy(&arena);
    CHECK_INT(enc_memory_used(), held);
}

TEST("arena: a size that does not fit, or no memory, gives NULL and harms nothing")
{
    enc_arena arena = {0};
    char *block = enc_arena_take(&arena, 8);
    REQUIRE(block);
    memcpy(block, "kept...", 8);
    CHECK(!enc_arena_take(&arena, SIZE_MAX));
    CHECK(!enc_arena_take(&arena, SIZE_MAX - ENC_ALIGNMENT));
    CHECK(!enc_arena_array(&arena, SIZE_MAX / 2, 3));
    blocks_until_failure = 0;
    enc_set_allocator(&(enc_allocator){failing_take, libc_give});
    CHECK(!enc_arena_take(&arena, 1 << 20));
    enc_set_allocator(&(enc_allocator){libc_take, libc_give});
    CHECK(enc_arena_take(&arena, 1 << 20) != NULL);
    CHECK_STR(block, "kept...");
    enc_arena_destroy(&arena);
}

TEST("arena: short of memory, it takes just what is wanted instead of twice the last chunk")
{
    enc_arena arena = {0};
    REQUIRE(enc_arena_take(&arena, 60000));
    blocks_until_failure = 0;
    enc_set_allocator(&(enc_allocator){failing_take, libc_give});
    CHECK(!enc_arena_take(&arena, 10000));
    enc_set_allocator(&(enc_allocator){libc_take, libc_give});
    CHECK(enc_arena_take(&arena, 10000) != NULL);
    enc_arena_destroy(&arena);
}

TEST("arena: when it is destroyed everything is given back, and it can be used again")
{
    int64_t before = enc_memory_used();
    enc_arena arena = {0};
    for (int i = 0; i < 10; i++)
        CHECK(enc_arena_take(&arena, 100000) != NULL);
    CHECK(enc_memory_used() - before >= 1000000);
    enc_arena_destroy(&arena);
    CHECK_INT(enc_memory_used() - before, 0);
    CHECK(enc_arena_take(&arena, 10) != NULL);
    enc_arena_destroy(&arena);
    CHECK_INT(enc_memory_used() - before, 0);
}
