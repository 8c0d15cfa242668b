/*
** host.h - what the tests of the extension inside a C program share: connections, the process
** they run in, long statements.
**
** A HOST_TEST runs in a process of its own (unit_in_child), so that it sees the library as a host
** sees it that has just started.
*/
#ifndef HOST_H
#define HOST_H

#include <sqlite3.h>

#include "../unit/unit.h"

#define HOST_TEST(sentence)                                                                \
    static void UNIT_NAME(host_body_, __LINE__)(void);                                     \
    TEST(sentence)                                                                         \
    {                                                                                      \
        unit_in_child(UNIT_NAME(host_body_, __LINE__));                                    \
    }                                                                                      \
    static void UNIT_NAME(host_body_, __LINE__)(void)

/* Instrumented code is slower, and its memory is not the program's own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { INSTRUMENTED = 1 };
#else
enum { INSTRUMENTED = 0 };
#endif
#if defined(__SANITIZE_THREAD__)
enum { FORKS_WITH_THREADS = 0 }; /* the thread sanitizer does not go through such a fork */
#else
enum { FORKS_WITH_THREADS = 1 };
#endif

enum { ANSWER_MS = INSTRUMENTED ? 5000 : 100, ROUNDS = INSTRUMENTED ? 100 : 1000 };

#define TEXT "We sat on the bank of the river and watched the water."

/* Rows without end, for embed_query: SELECT ... FROM rows. */
#define ENDLESS                                                                            \
    "WITH RECURSIVE rows(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM rows) "             \
    "SELECT ''The fisherman rested on the bank. '' || n FROM rows"

#define COUNT_300 "SELECT count(*) FROM embed_query('" ENDLESS " LIMIT 300', 'tiny')"

#define LONG_QUERY "SELECT count(*) FROM embed_query('" ENDLESS "', 'tiny')"
#define LONG_EMBED                                                                         \
    "WITH RECURSIVE rows(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM rows) "             \
    "SELECT count(embed('The bank approved the loan. ' || n, 'tiny')) FROM rows"
#define LONG_TOKENS                                                                        \
    "SELECT count(*) FROM tokens((SELECT body FROM long_text), 'tiny', "                   \
    "'{\"truncate\":\"none\"}')"

/* Path of the extension: CONTEXTUAL_LIBRARY, else contextual.so at the top of the tree. */
const char *host_library(void);
/* Loads the extension; a failed check and SQLite's code where that fails. */
int host_load(sqlite3 *db);
/* Runs statements; false (and a failed check) on an error. */
bool host_run(sqlite3 *db, const char *sql);
bool host_bind(sqlite3 *db, const char *name, const char *path);
/* A connection with the extension and the tiny model, NULL (and a failed check) without. */
sqlite3 *host_open(void);
/* The first column of the first row as text, "" for none; for sqlite3_free. */
char *host_value(sqlite3 *db, const char *sql);
long long host_number(sqlite3 *db, const char *sql);
/* The tiny model's embedding of TEXT, in hexadecimal; for sqlite3_free. */
char *host_embedding(sqlite3 *db);
bool host_embeds_as(sqlite3 *db, const char *want);

/* Of this process, now. */
int host_threads(void);
int host_descriptors(void);
long long host_resident(void); /* bytes */

double host_milliseconds(void); /* monotonic clock */
void host_sleep_ms(long ms);

#endif
