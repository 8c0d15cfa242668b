/*
** failing.c - see failing.h.
*/
#include <sqlite3.h>
#include <stddef.h>

#include "failing.h"

static sqlite3_mem_methods plain;
static long countdown = -1; /* calls until one fails; below 0: none will */
static bool has_failed;
static long counted, begin = -1; /* calls since failing_count; the one that fails */
static bool counts, for_ever;

static bool fails_now(void)
{
    if (counts) {
        long now = counted++;
        return begin >= 0 && (for_ever ? now >= begin : now == begin);
    }
    if (countdown < 0 || countdown-- > 0)
        return false;
    has_failed = true;
    return true;
}

static void *failing_malloc(int size)
{
    return fails_now() ? NULL : plain.xMalloc(size);
}

static void *failing_realloc(void *block, int size)
{
    return fails_now() ? NULL : plain.xRealloc(block, size);
}

bool failing_use(void)
{
    sqlite3_shutdown();
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain);
    sqlite3_mem_methods failing = plain;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) == SQLITE_OK &&
           sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) == SQLITE_OK;
}

long failing_after(long n)
{
    long left = countdown;
    countdown = n;
    return left;
}

void failing_count(long n, bool on)
{
    counts = true;
    begin = n;
    for_ever = on;
    counted = 0;
}

long failing_counted(void)
{
    counts = false;
    return counted;
}

bool failing_has_failed(void)
{
    return has_failed;
}

void failing_forget(void)
{
    has_failed = false;
}
