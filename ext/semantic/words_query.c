/*
** words_query.c - a question's text as a query of FTS5: see ctx_words_query in words.h.
**
** A word is what stands between white space, NULs and bytes that are no UTF-8; the table's own
** tokenizer makes tokens of it, several of which are a phrase ("well-known"), or none, which
** finds nothing.
*/
#include "words.h"

#include "characters.h"

typedef struct word {
    const char *at;
    int size;
} word;

static bool is_gap(uint32_t c)
{
    return c == 0 || c == 0xFFFD || ctx_is_space(c);
}

/* The next word in [*at, end), which moves behind it; false: there is none. */
static bool next_word(const char **at, const char *end, word *out)
{
    const char *next = *at;
    out->at = NULL;
    while (*at < end) {
        bool gap = is_gap(ctx_character_next(&next, end));
        if (!gap && !out->at)
            out->at = *at;
        if (gap && out->at)
            break;
        *at = next;
    }
    if (out->at)
        out->size = (int)(*at - out->at);
    return out->at != NULL;
}

static bool is_known(const word *known, int count, const word *w)
{
    for (int i = 0; i < count; i++)
        if (known[i].size == w->size && sqlite3_strnicmp(known[i].at, w->at, w->size) == 0)
            return true;
    return false;
}

static void append_word(sqlite3_str *query, const word *w)
{
    sqlite3_str_appendchar(query, 1, '"');
    for (int i = 0; i < w->size; i++)
        sqlite3_str_appendchar(query, w->at[i] == '"' ? 2 : 1, w->at[i]);
    sqlite3_str_appendchar(query, 1, '"');
}

int ctx_words_query(const char *text, size_t size, char **query)
{
    word known[CTX_WORDS_MOST], w;
    const char *at = text, *end = text + size;
    int count = 0;
    sqlite3_str *out = sqlite3_str_new(NULL);
    while (count < CTX_WORDS_MOST && next_word(&at, end, &w)) {
        if (is_known(known, count, &w))
            continue;
        if (count > 0)
            sqlite3_str_appendall(out, " OR ");
        append_word(out, &w);
        known[count++] = w;
    }
    int code = sqlite3_str_errcode(out);
    *query = sqlite3_str_finish(out);
    return code == SQLITE_TOOBIG ? SQLITE_NOMEM : code;
}
