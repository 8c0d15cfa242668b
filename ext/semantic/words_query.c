/*
** words_query.c - a question's text as a query of FTS5: see ctx_words_query in words.h.
**
** A word is what stands between white space, NULs and bytes that are no UTF-8; the table's own
** tokenizer makes tokens of it, several of which are a phrase ("well-known"), or none, which
** finds nothing. A table with detail=none or detail=column refuses phrases: there a word's parts
** between marks and symbols must all be in the row, wherever.
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

/* A mark or a symbol, which no tokenizer of FTS5's own but trigram takes into a token. */
static bool is_mark(uint32_t c)
{
    return is_gap(c) || ctx_is_punctuation(c) || ctx_is_symbol(c);
}

/* The next word in [*at, end), which moves behind it; false: there is none. */
static bool next_word(const char **at, const char *end, bool (*parts)(uint32_t), word *out)
{
    const char *next = *at;
    out->at = NULL;
    while (*at < end) {
        bool gap = parts(ctx_character_next(&next, end));
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

/* ("well" AND "known"); a word of marks alone is one that finds nothing. */
static void append_parts(sqlite3_str *query, const word *w)
{
    const char *at = w->at, *end = w->at + w->size, *before = "(";
    word part;
    while (next_word(&at, end, is_mark, &part)) {
        sqlite3_str_appendall(query, before);
        append_word(query, &part);
        before = " AND ";
    }
    sqlite3_str_appendall(query, *before == '(' ? "\"\"" : ")");
}

int ctx_words_query(const char *text, size_t size, bool phrases, char **query)
{
    word known[CTX_WORDS_MOST], w;
    const char *at = text, *end = text + size;
    int count = 0;
    sqlite3_str *out = sqlite3_str_new(NULL);
    while (count < CTX_WORDS_MOST && next_word(&at, end, is_gap, &w)) {
        if (is_known(known, count, &w))
            continue;
        if (count > 0)
            sqlite3_str_appendall(out, " OR ");
        phrases ? append_word(out, &w) : append_parts(out, &w);
        known[count++] = w;
    }
    int code = sqlite3_str_errcode(out);
    *query = sqlite3_str_finish(out);
    return code == SQLITE_TOOBIG ? SQLITE_NOMEM : code;
}
