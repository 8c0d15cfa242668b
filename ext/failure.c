/*
** failure.c - sentences on their way to SQLite: ctx_fail and its kin, declared in
** connection.h.
*/
#include "connection.h"

#include <stdarg.h>
#include <string.h>

/* Makes a message fit for a terminal: no control characters (names and JSON may hold some),
** and no UTF-8 sequence cut in two by the end of the buffer. */
static void clean(char *message)
{
    size_t length = strlen(message);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)message[i];
        if (c < 0x20 || c == 0x7f)
            message[i] = '?';
    }
    size_t lead = length;
    while (lead > 0 && length - lead < 3 &&
           ((unsigned char)message[lead - 1] & 0xC0) == 0x80)
        lead--;
    if (lead == 0)
        return;
    unsigned char first = (unsigned char)message[lead - 1];
    size_t wanted = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
    if (wanted > length - lead + 1)
        message[lead - 1] = '\0';
}

int ctx_fail(ctx_error *error, int code, const char *function, const char *format, ...)
{
    int size = (int)sizeof error->message;
    va_list arguments;
    va_start(arguments, format);
    error->code = code;
    sqlite3_snprintf(size, error->message, "%s: ", function);
    int used = (int)strlen(error->message);
    sqlite3_vsnprintf(size - used, error->message + used, format, arguments);
    va_end(arguments);
    clean(error->message);
    return code;
}

int ctx_fail_encoder(ctx_error *error, const char *function, const enc_error *failure)
{
    int code = SQLITE_ERROR;
    if (failure->code == ENC_NOMEM)
        code = SQLITE_NOMEM;
    else if (failure->code == ENC_INTERRUPTED)
        code = SQLITE_INTERRUPT;
    else if (failure->code == ENC_CANTOPEN)
        code = SQLITE_CANTOPEN;
    return ctx_fail(error, code, function, "%s", failure->message);
}

const char *ctx_sqlite_message(sqlite3 *db, int code)
{
    bool same = (sqlite3_errcode(db) & 0xff) == (code & 0xff);
    return same ? sqlite3_errmsg(db) : sqlite3_errstr(code);
}

int ctx_passing(int code)
{
    switch (code & 0xff) {
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return code;
    default: return SQLITE_OK;
    }
}

void ctx_result_error(sqlite3_context *context, const ctx_error *error)
{
    /* These have sentences of SQLite's own, which hosts know. */
    if (error->code == SQLITE_NOMEM) {
        sqlite3_result_error_nomem(context);
    } else if (error->code == SQLITE_INTERRUPT) {
        sqlite3_result_error_code(context, SQLITE_INTERRUPT);
    } else {
        sqlite3_result_error(context, error->message, -1);
        sqlite3_result_error_code(context, error->code);
    }
}

int ctx_vtab_error(sqlite3_vtab *vtab, const ctx_error *error)
{
    if (error->code != SQLITE_NOMEM && error->code != SQLITE_INTERRUPT) {
        sqlite3_free(vtab->zErrMsg);
        vtab->zErrMsg = sqlite3_mprintf("%s", error->message);
        if (!vtab->zErrMsg)
            return SQLITE_NOMEM;
    }
    return error->code;
}
