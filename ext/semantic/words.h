/*
** words.h - the words' side of a hybrid index: an FTS5 table on the same rows.
**
** With fts='1' the index keeps it, NAME_fts: the indexed columns under their own names, with a
** copy of their texts, so that a row is taken out of it without its old text (FTS5 tables that
** keep no texts need SQLite 3.43 for that), and so that it moves with a RENAME. The statement
** that writes the row writes it, in xUpdate: in xSync SQLite answers SQLITE_LOCKED. External
** content is read for it then, as it is at that moment.
**
** With hybrid='table' it is the user's, who keeps it in step; here it is only read.
**
** Where SQLite comes without FTS5, whatever needs the table fails with a sentence.
*/
#ifndef CTX_SEMANTIC_WORDS_H
#define CTX_SEMANTIC_WORDS_H

#include "index.h"

typedef struct ctx_words ctx_words;

static inline bool ctx_is_hybrid(const ctx_config *config)
{
    return config->hybrid || config->fts;
}

/* At CREATE: FTS5 is there; hybrid names an FTS5 table, of the same content where both it and
** the index have external content. */
int ctx_words_fit(sqlite3 *db, const ctx_config *config, ctx_error *error);

/* Creates, drops, renames NAME_fts; each does nothing without fts='1'. */
int ctx_words_create(sqlite3 *db, const ctx_config *config, ctx_error *error);
int ctx_words_drop(sqlite3 *db, const ctx_config *config, ctx_error *error);
int ctx_words_rename(sqlite3 *db, const ctx_config *config, const char *name,
                     ctx_error *error);

/* *out NULL for an index that is not hybrid; the calls below take that, too, and do nothing. */
int ctx_words_open(sqlite3 *db, const ctx_config *config, ctx_words **out, ctx_error *error);
void ctx_words_close(ctx_words *words);
void ctx_words_reset(ctx_words *words);

/* A row comes, or changes from id `old`: before own content is written. `values` [columns] as
** xUpdate brings them; a column that is left alone has the text that the content has under
** `old`. External content counts before them, where it has row `id`. */
int ctx_words_put(ctx_words *words, sqlite3_int64 old, sqlite3_int64 id,
                  sqlite3_value *const *values, ctx_error *error);
int ctx_words_remove(ctx_words *words, sqlite3_int64 id, ctx_error *error);

/* NAME_fts: writes what differs from the content; that, and FTS5's own 'rebuild' before;
** deletes all rows. */
int ctx_words_sync(ctx_words *words, ctx_error *error);
int ctx_words_rebuild(ctx_words *words, ctx_error *error);
int ctx_words_clear(ctx_words *words, ctx_error *error);

/* A question as a query of FTS5: its words, parted by white space, quoted, joined by OR. No
** text makes a query that FTS5 refuses, unless its table takes no `phrases`: then a word's parts
** are asked for one by one. At most the first CTX_WORDS_MOST different words are taken.
** NULL in *query: there is no word. sqlite3_free. */
enum { CTX_WORDS_MOST = 256 };
int ctx_words_query(const char *text, size_t size, bool phrases, char **query);

/* Called for each row that the words find, best first; SQLITE_DONE ends it. */
typedef int (*ctx_on_word)(void *context, sqlite3_int64 id, ctx_error *error);

/* The rows low ... high that a question's words find, by rank (BM25 unless the table was told
** otherwise) and row id; `limit` of them at most, -1: all. No lock is held afterwards. */
int ctx_words_find(ctx_words *words, const char *text, size_t size, sqlite3_int64 low,
                   sqlite3_int64 high, int limit, ctx_on_word on, void *context,
                   ctx_error *error);

/* 'integrity-check': FTS5's own of the table, and its rows against the content; each finding is
** handed to `report`, which returns false when it has heard enough. */
int ctx_words_check(ctx_words *words, bool (*report)(void *context, const char *sentence),
                    void *context, ctx_error *error);

/* ---- For words_*.c ---- */

sqlite3 *ctx_words_db(const ctx_words *words);
const ctx_config *ctx_words_config(const ctx_words *words);
/* The failure of a statement on the table. */
int ctx_words_failed(sqlite3 *db, const ctx_config *config, int code, ctx_error *error);
/* Runs a statement to its end; `sql` is the caller's (sqlite3_mprintf), freed here. */
int ctx_words_run(const ctx_words *words, char *sql, ctx_error *error);
/* What follows FROM in a SELECT of `content`'s rows that NAME_fts, `f`, lacks or has with
** another text; and `content`'s row id. */
void ctx_words_append_differing(const ctx_words *words, sqlite3_str *sql);
void ctx_words_append_id(const ctx_words *words, sqlite3_str *sql);

#endif
