/*
** statement.h - the words of a statement, as sqlite_master keeps it: names, bare or quoted in
** any of SQLite's ways, and marks between them. For statements whose form is known; no parser.
*/
#ifndef CTX_SEMANTIC_STATEMENT_H
#define CTX_SEMANTIC_STATEMENT_H

#include <stdbool.h>

/* Behind white space. */
const char *ctx_skip_space(const char *at);
/* One of , = ( ) . ; which are words of their own. False at the end of the text. */
bool ctx_is_mark(char c);
/* One of " ' ` [ which begin a quoted word. False at the end of the text. */
bool ctx_is_quote(char c);
/* Takes the word at *at, which is neither white space nor a mark, and moves behind it. *word,
** without its quotes: sqlite3_free; NULL: out of memory. */
void ctx_take_word(const char **at, char **word);

#endif
