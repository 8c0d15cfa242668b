/* host.c - see host.h. */
#include "host.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- Connections ------------------------------------------------------------------- */

const char *host_library(void)
{
    const char *path = getenv("CONTEXTUAL_LIBRARY");
    return path ? path : test_data("../contextual.so");
}

int host_load(sqlite3 *db)
{
    char *message = NULL;
    sqlite3_enable_load_extension(db, 1);
    int rc = sqlite3_load_extension(db, host_library(), NULL, &message);
    CHECK_STR(message, NULL);
    sqlite3_free(message);
    return rc;
}

bool host_run(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    sqlite3_exec(db, sql, NULL, NULL, &message);
    bool good = CHECK_STR(message, NULL);
    sqlite3_free(message);
    return good;
}

bool host_bind(sqlite3 *db, const char *name, const char *path)
{
    char *sql = sqlite3_mprintf("SELECT embed_model(%Q, %Q)", name, path);
    bool good = host_run(db, sql);
    sqlite3_free(sql);
    return good;
}

sqlite3 *host_open(void)
{
    sqlite3 *db = NULL;
    if (CHECK_INT(sqlite3_open(":memory:", &db), SQLITE_OK) &&
        CHECK_INT(host_load(db), SQLITE_OK) && host_bind(db, "tiny", test_data("golden/bert")))
        return db;
    sqlite3_close(db);
    return NULL;
}

char *host_value(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    char *text = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        text = sqlite3_mprintf("%s", sqlite3_column_text(statement, 0));
    else
        CHECK_STR(sqlite3_errmsg(db), "not an error");
    sqlite3_finalize(statement);
    return text ? text : sqlite3_mprintf("");
}

long long host_number(sqlite3 *db, const char *sql)
{
    char *text = host_value(db, sql);
    long long result = atoll(text);
    sqlite3_free(text);
    return result;
}

char *host_embedding(sqlite3 *db)
{
    return host_value(db, "SELECT hex(embed('" TEXT "', 'tiny'))");
}

bool host_embeds_as(sqlite3 *db, const char *want)
{
    char *got = host_embedding(db);
    bool same = strlen(got) > 0 && strcmp(got, want) == 0;
    sqlite3_free(got);
    return same;
}

/* ---- The process ------------------------------------------------------------------- */

static int entries(const char *folder)
{
    int count = 0;
    DIR *directory = opendir(folder);
    for (struct dirent *entry; directory && (entry = readdir(directory)); )
        count += entry->d_name[0] != '.';
    if (directory)
        closedir(directory);
    return count;
}

int host_threads(void) { return entries("/proc/self/task"); }
int host_descriptors(void) { return entries("/proc/self/fd"); }

long long host_resident(void)
{
    long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %lld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

double host_milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void host_sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}
