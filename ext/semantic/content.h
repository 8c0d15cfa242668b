/*
** content.h - the texts of an index's rows: its own, an external table's, or none.
**
** The text of a row is its indexed columns that are not NULL, joined by newlines, in the order of
** the columns. Numbers are taken as SQLite writes them. A BLOB is refused by the statement that
** brings it; one that stands in an external table all the same, put there while there were no
** triggers, is read as NULL. For content='' texts are with the pending rows alone (pending.h).
*/
#ifndef CTX_SEMANTIC_CONTENT_H
#define CTX_SEMANTIC_CONTENT_H

#include "config.h"

typedef struct ctx_content ctx_content; /* of one virtual table on one connection */

/* External content, at CREATE: checks that the table (or view) and its columns are there and that
** content_rowid is its INTEGER PRIMARY KEY or a NOT NULL UNIQUE integer column (of a view no
** column can be proven so: it is taken); a bare rowid is refused. */
int ctx_content_check(sqlite3 *db, const ctx_config *config, ctx_error *error);
/* What SQLite said of a statement on external content. The table may have been renamed or
** dropped since CREATE, or lost a column: that is no damage, and the sentence says what to do. */
int ctx_content_failed(sqlite3 *db, const ctx_config *config, int code, ctx_error *error);
/* Own content: creates, drops, renames NAME_content; creation checks external content. */
int ctx_content_create(sqlite3 *db, const ctx_config *config, ctx_error *error);
int ctx_content_drop(sqlite3 *db, const ctx_config *config, ctx_error *error);
int ctx_content_rename(sqlite3 *db, const ctx_config *config, const char *name,
                       ctx_error *error);

int ctx_content_open(sqlite3 *db, ctx_config *config, ctx_content **out,
                     ctx_error *error);
void ctx_content_close(ctx_content *content);
void ctx_content_reset(ctx_content *content);

/* A growing string that is kept from call to call. */
typedef struct ctx_buffer {
    char *data; /* sqlite3_free */
    size_t size;
    size_t room;
} ctx_buffer;

/* Adds bytes at its end. SQLITE_OK or SQLITE_NOMEM. */
int ctx_buffer_append(ctx_buffer *buffer, const void *data, size_t size);

/* The joined text of values [columns], as xUpdate brings them; ctx_fail for a BLOB, naming the
** column. *any is false if all indexed columns are NULL. */
int ctx_content_join(const ctx_config *config, sqlite3_value *const *values, ctx_buffer *text,
                     bool *any, ctx_error *error);
/* The same checks, and the size of the texts; nothing is joined. */
int ctx_content_weigh(const ctx_config *config, sqlite3_value *const *values, bool *any,
                      size_t *bytes, ctx_error *error);
/* What an UPDATE of own content means: `differs` if a column that it changes gets another text,
** `any` if a column has text afterwards. Unchanged columns are sqlite3_value_nochange. */
int ctx_content_compare(ctx_content *content, sqlite3_int64 id, sqlite3_value *const *values,
                        bool *differs, bool *any, ctx_error *error);

/* Whether a row of that id is there. content='': always. */
int ctx_content_exists(ctx_content *content, sqlite3_int64 id, bool *exists,
                       ctx_error *error);
/* The row's joined text as it is now; *exists, *any. */
int ctx_content_text(ctx_content *content, sqlite3_int64 id, ctx_buffer *text, bool *exists,
                     bool *any, ctx_error *error);
/* Whether a column of it is a REAL of so many digits that SQLite's versions write it in two
** ways. */
int ctx_content_has_real(ctx_content *content, sqlite3_int64 id, bool *has, ctx_error *error);
/* Gives a user column of the row as the result of xColumn; NULL where there is no such row. The
** last row asked for stays at hand. */
int ctx_content_result(ctx_content *content, sqlite3_int64 id, int column,
                       sqlite3_context *context, ctx_error *error);
/* The joined text of own content's row as ctx_content_result shows it: of the row at hand. */
int ctx_content_shown(ctx_content *content, sqlite3_int64 id, ctx_buffer *text, bool *exists,
                      ctx_error *error);
/* Forgets the row at hand; statements are reset, so that no lock or snapshot is held. */
void ctx_content_rest(ctx_content *content);

/* The smallest id >= `from` of the content (own or external), *found; for walks in bounded
** memory. */
int ctx_content_next(ctx_content *content, sqlite3_int64 from, sqlite3_int64 *id, bool *found,
                     ctx_error *error);

/* The largest id of own content, *found. */
int ctx_content_last(ctx_content *content, sqlite3_int64 *id, bool *found, ctx_error *error);

/* Own content: writes, changes (its id too) and takes out a row; SQLITE_CONSTRAINT is the
** caller's to prevent. */
int ctx_content_write(ctx_content *content, sqlite3_int64 id, sqlite3_value *const *values,
                      ctx_error *error);
int ctx_content_change(ctx_content *content, sqlite3_int64 id, sqlite3_int64 to,
                       sqlite3_value *const *values, ctx_error *error);
int ctx_content_erase(ctx_content *content, sqlite3_int64 id, ctx_error *error);

#endif
