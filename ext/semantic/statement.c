/* statement.c - see statement.h. */
#include "statement.h"

#include <string.h>

#include "connection.h"

#define SPACE " \t\r\n\f"
#define MARKS ",=().;"

const char *ctx_skip_space(const char *at)
{
    return at + strspn(at, SPACE);
}

bool ctx_is_mark(char c)
{
    return c && strchr(MARKS, c);
}

bool ctx_is_quote(char c)
{
    return c && strchr("\"'`[", c);
}

void ctx_take_word(const char **at, char **word)
{
    const char *from = *at;
    char close = *from == '[' ? ']' : *from;
    if (!ctx_is_quote(*from)) {
        size_t size = strcspn(from, SPACE MARKS);
        *at = from + size;
        *word = sqlite3_mprintf("%.*s", (int)size, from);
        return;
    }
    sqlite3_str *out = sqlite3_str_new(NULL);
    const char *c = from + 1;
    for (; *c && (*c != close || c[1] == close); c++) {
        sqlite3_str_appendchar(out, 1, *c);
        c += *c == close; /* a doubled one is one */
    }
    *at = *c ? c + 1 : c;
    bool empty = sqlite3_str_length(out) == 0 && sqlite3_str_errcode(out) == SQLITE_OK;
    *word = sqlite3_str_finish(out);
    if (empty)
        *word = sqlite3_mprintf("");
}
