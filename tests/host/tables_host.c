/*
** tables_host.c - see tables_host.h.
*/
#include "tables_host.h"

#include "../unit/unit.h"
#include "counting_encoder.h"

sqlite3 *open_db(void)
{
    sqlite3 *db = NULL;
    sqlite3_auto_extension((void (*)(void))counting_load);
    sqlite3_open(":memory:", &db);
    sqlite3_cancel_auto_extension((void (*)(void))counting_load);
    int models = counting_encoder.models;
    counting_encoder = (counting){.models = models, .db = db};
    return db;
}

void close_db(sqlite3 *db)
{
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
    CHECK_INT(counting_encoder.traces, 0);
    CHECK_INT(counting_encoder.models, 0);
}

char *all_rows(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    sqlite3_str *out = sqlite3_str_new(NULL);
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    while (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *text = (const char *)sqlite3_column_text(statement, i);
            sqlite3_str_appendf(out, "%s%s", i ? " " : "", text ? text : "NULL");
        }
        sqlite3_str_appendall(out, "; ");
    }
    if (sqlite3_finalize(statement) != SQLITE_OK || rc != SQLITE_OK)
        sqlite3_str_appendf(out, "error: %s", sqlite3_errmsg(db));
    char *text = sqlite3_str_finish(out);
    return text ? text : sqlite3_mprintf("");
}

void check_rows(sqlite3 *db, const char *sql, const char *want)
{
    char *got = all_rows(db, sql);
    CHECK_STR(got, want);
    sqlite3_free(got);
}

void run(sqlite3 *db, const char *sql)
{
    CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}
