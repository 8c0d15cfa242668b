/* shadow.c - statements on shadow tables, and what their failures mean: see index.h. */
#include <stdarg.h>
#include <string.h>

#include "index.h"

/* The text of the statement; NULL: out of memory. The first %w of the format takes the schema,
** the second, if `named`, the name. */
static char *statement_text(const ctx_config *config, bool named, const char *format,
                            va_list arguments)
{
    const char *rest = format;
    for (int i = 0; i <= named; i++)
        rest = strstr(rest, "%w") + 2;
    char *head = sqlite3_mprintf("%.*s", (int)(rest - format), format);
    if (!head)
        return NULL;
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendf(sql, head, config->schema, config->name);
    sqlite3_str_vappendf(sql, rest, arguments);
    sqlite3_free(head);
    return sqlite3_str_finish(sql);
}

static int prepare(sqlite3 *db, const ctx_config *config, char *sql, unsigned flags,
                   sqlite3_stmt **out, ctx_error *error)
{
    *out = NULL;
    if (!sql)
        return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    int code = sqlite3_prepare_v3(db, sql, -1, flags, out, NULL);
    sqlite3_free(sql);
    return code == SQLITE_OK ? code : ctx_shadow_failed(db, config, code, error);
}

int ctx_schema_prepare(sqlite3 *db, const ctx_config *config, sqlite3_stmt **out,
                       ctx_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = statement_text(config, false, format, arguments);
    va_end(arguments);
    return prepare(db, config, sql, 0, out, error);
}

int ctx_shadow_prepare(sqlite3 *db, const ctx_config *config, sqlite3_stmt **out,
                       ctx_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = statement_text(config, true, format, arguments);
    va_end(arguments);
    return prepare(db, config, sql, SQLITE_PREPARE_PERSISTENT, out, error);
}

int ctx_shadow_run(sqlite3 *db, const ctx_config *config, ctx_error *error,
                   const char *format, ...)
{
    sqlite3_stmt *statement;
    va_list arguments;
    va_start(arguments, format);
    char *sql = statement_text(config, true, format, arguments);
    va_end(arguments);
    int code = prepare(db, config, sql, 0, &statement, error);
    if (code != SQLITE_OK)
        return code;
    while (sqlite3_step(statement) == SQLITE_ROW)
        continue;
    code = sqlite3_finalize(statement);
    return code == SQLITE_OK ? code : ctx_shadow_failed(db, config, code, error);
}

int ctx_shadow_failed(sqlite3 *db, const ctx_config *config, int code, ctx_error *error)
{
    const char *message = ctx_sqlite_message(db, code);
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    case SQLITE_INTERRUPT:
        return ctx_fail(error, SQLITE_INTERRUPT, config->name, "interrupted");
    case SQLITE_MISMATCH:
    case SQLITE_ERROR:
        if (strcmp(message, sqlite3_errstr(SQLITE_INTERRUPT)) == 0) /* when it was parsed */
            return ctx_fail(error, SQLITE_INTERRUPT, config->name, "interrupted");
        if ((code & 0xff) == SQLITE_MISMATCH || strncmp(message, "no such ", 8) == 0 ||
            strstr(message, " has no column named ") || strstr(message, "may not be modified"))
            return ctx_fail(error, SQLITE_CORRUPT_VTAB, config->name,
                            "a shadow table of the index is missing or altered: %s", message);
        break;
    default:
        break;
    }
    return ctx_fail(error, code, config->name, "%s", message);
}
