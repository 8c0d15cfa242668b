/*
** unit.h - the smallest thing that a unit test needs.
**
**     #include "unit.h"
**
**     TEST("arena: memory taken after a release is the same memory")
**     {
**         CHECK(a == b);               a condition
**         CHECK_INT(got, want);        integers
**         CHECK_STR(got, want);        NUL-terminated strings, NULL allowed
**         CHECK_NEAR(got, want, tol);  |got - want| <= tol; never true for a NaN
**     }
**
** A TEST registers itself; all files are linked into one runner (run.c). A failed check
** prints file, line, the test's sentence and both values, and the test goes on; REQUIRE is
** a CHECK that leaves the test, for what the rest of it stands on. SKIP("why") leaves the
** test and counts it as skipped.
*/
#ifndef UNIT_H
#define UNIT_H

#include <stdbool.h>
#include <stddef.h>

/* The sanitizers' own threads and signals stand in the way of some tests. */
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#if !defined(UNDER_TSAN)
#define UNDER_TSAN 0
#endif

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#if !defined(UNDER_ASAN)
#define UNDER_ASAN 0
#endif

typedef struct unit_test {
    const char *sentence;
    const char *file;
    int line;
    void (*run)(void);
    const void *row; /* of the table that the test was made from, or NULL */
    struct unit_test *next;
} unit_test;

void unit_register(unit_test *test);
bool unit_check(bool holds, const char *file, int line, const char *condition);
bool unit_check_int(long long got, long long want, const char *file, int line,
                    const char *expression);
bool unit_check_str(const char *got, const char *want, const char *file, int line,
                    const char *expression);
bool unit_check_near(double got, double want, double tolerance, const char *file, int line,
                     const char *expression);
void unit_skip(const char *why);
/* `row` of the test that runs: for one function that tests each row of a table. */
const void *unit_row(void);

/* Runs `body` in a process of its own: its checks and SKIP count as this test's; so does a
** crash, an exit with another status, or no end within five minutes. */
void unit_in_child(void (*body)(void));

/* Whether valgrind runs this program: its floating point has no exceptions and no modes. */
bool unit_under_valgrind(void);

/* Path of a file below tests/, e.g. test_data("golden/bert"). Good for 15 more calls. */
const char *test_data(const char *relative);
/* Path of `name` in a temporary folder made for this run and removed after it. Likewise. */
const char *test_tmp(const char *name);
/* Folder of the real all-MiniLM-L6-v2, or NULL where there is none (SKIP then): the
** environment variable CONTEXTUAL_TEST_MODEL (empty: none), else
** models/all-MiniLM-L6-v2. */
const char *test_model(void);

#define UNIT_PASTE(a, b) a##b
#define UNIT_NAME(a, b) UNIT_PASTE(a, b)

#define TEST(sentence)                                                                     \
    static void UNIT_NAME(unit_run_, __LINE__)(void);                                      \
    __attribute__((constructor)) static void UNIT_NAME(unit_enter_, __LINE__)(void)        \
    {                                                                                      \
        static unit_test test = {sentence, __FILE__, __LINE__,                             \
                                 UNIT_NAME(unit_run_, __LINE__), NULL, NULL};                            \
        unit_register(&test);                                                              \
    }                                                                                      \
    static void UNIT_NAME(unit_run_, __LINE__)(void)

#define CHECK(condition)                                                                   \
    unit_check((condition) ? true : false, __FILE__, __LINE__, #condition)
#define CHECK_INT(got, want)                                                               \
    unit_check_int((long long)(got), (long long)(want), __FILE__, __LINE__, #got)
#define CHECK_STR(got, want) unit_check_str((got), (want), __FILE__, __LINE__, #got)
#define CHECK_NEAR(got, want, tolerance)                                                   \
    unit_check_near((got), (want), (tolerance), __FILE__, __LINE__, #got)
#define REQUIRE(condition)                                                                 \
    do {                                                                                   \
        if (!CHECK(condition))                                                             \
            return;                                                                        \
    } while (0)
#define SKIP(why)                                                                          \
    do {                                                                                   \
        unit_skip(why);                                                                    \
        return;                                                                            \
    } while (0)

#endif
