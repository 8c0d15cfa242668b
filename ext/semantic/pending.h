/*
** pending.h - rows that wait to be embedded, and when they are.
**
**   NAME_pending (id INTEGER PRIMARY KEY, gone, fresh, body, sum, text, vector)
**
** xUpdate notes here what it changed and returns; the rows wait in this table, so that ROLLBACK
** and ROLLBACK TO are SQLite's own. `gone` 1: the row is no more. `text` is filled for content=''
** alone; elsewhere the text is read from the content when its turn comes, so that a row that
** changed ten times is embedded once. `vector` is what the row brought (float32). `fresh` 1: a
** vector that is stored under this id was brought by another row, that is no more. `body` and
** `sum` are checksums (pending_sum.h); the text is a BLOB, so that its bytes stay what they are
** whatever the file's encoding. A row is in the index if it is pending and not gone, or not
** pending and stored.
**
** ctx_pending_flush embeds all that waits, in packed batches over all cores, and stores it. It
** runs before a question, at COMMIT (xSync), when CTX_PENDING_ROWS rows or CTX_PENDING_BYTES bytes
** wait, and by the command 'sync'; with embed='manual' by the command alone. A row whose text has
** the hash that is stored is not embedded again, nor one that got another id. Everything that can
** be wrong with a row was refused when it came: a flush fails on interrupt, memory, I/O or damage
** alone. Vectors are computed before the first write, a batch at a time.
*/
#ifndef CTX_SEMANTIC_PENDING_H
#define CTX_SEMANTIC_PENDING_H

#include "index.h"

enum { CTX_PENDING_ROWS = 1024, CTX_PENDING_BYTES = 4 << 20 };
/* Rows that all brought their vectors gain nothing from waiting: of these so many bytes, which
** SQLite's page cache can hold, so that they never go to the file and back. */
enum { CTX_PENDING_VECTORS = 128 << 10 };

int ctx_pending_create(sqlite3 *db, const ctx_config *config, ctx_error *error);
int ctx_pending_drop(sqlite3 *db, const ctx_config *config, ctx_error *error);
int ctx_pending_rename(sqlite3 *db, const ctx_config *config, const char *name,
                       ctx_error *error);

typedef struct ctx_pending ctx_pending;
int ctx_pending_open(ctx_index *index, ctx_pending **out, ctx_error *error);
void ctx_pending_close(ctx_pending *pending);
void ctx_pending_reset(ctx_pending *pending);

/* Notes that the row came or changed: `text` its joined text (data NULL: no text; only its size
** matters where the content keeps it), `vector` [dimensions] what it brought, or NULL; a vector
** brought before stays while the text does. Flushes if enough waits and embed is not 'manual'. */
int ctx_pending_add(ctx_pending *pending, sqlite3_int64 id, enc_text text,
                    const float *vector, ctx_error *error);
/* The same for a row that has nothing to do with an earlier one of that id. */
int ctx_pending_add_fresh(ctx_pending *pending, sqlite3_int64 id, enc_text text,
                          const float *vector, ctx_error *error);
/* Notes that the row is no more. */
int ctx_pending_remove(ctx_pending *pending, sqlite3_int64 id, ctx_error *error);

enum ctx_pending_state { CTX_NOT_PENDING, CTX_PENDING_HERE, CTX_PENDING_GONE };
int ctx_pending_state(ctx_pending *pending, sqlite3_int64 id, enum ctx_pending_state *state,
                      ctx_error *error);
/* What a pending row has: its text (content=''), its vector and whether it is fresh. */
typedef struct ctx_pending_row {
    enum ctx_pending_state state;
    bool fresh;
    bool has_text;
    ctx_buffer text;
    float *vector; /* [dimensions], NULL: none */
} ctx_pending_row;
int ctx_pending_get(ctx_pending *pending, sqlite3_int64 id, ctx_pending_row *row,
                    ctx_error *error);
void ctx_pending_row_clear(ctx_pending_row *row);
/* Checks all notes, but for texts and vectors; *count, not NULL: how many there are. */
int ctx_pending_count(ctx_pending *pending, sqlite3_int64 *count, ctx_error *error);
/* The same, also of what was found right before. */
int ctx_pending_prove(ctx_pending *pending, ctx_error *error);
/* Takes all notes away; those that are damaged. */
int ctx_pending_clear(ctx_pending *pending, ctx_error *error);
int ctx_pending_mend(ctx_pending *pending, ctx_error *error);
/* A statement that reads CTX_PENDING_COLUMNS of the first `rows` notes, by id; the caller gives it
** back when it has read. */
int ctx_pending_first(ctx_pending *pending, int rows, sqlite3_stmt **out, ctx_error *error);
void ctx_pending_first_read(ctx_pending *pending, sqlite3_stmt *statement);
/* The notes of rows with ids up to `last` are done with; `all`: there are no others. */
int ctx_pending_done(ctx_pending *pending, sqlite3_int64 last, bool all, ctx_error *error);
/* Takes the note away, as if the row had not been touched. */
int ctx_pending_forget(ctx_pending *pending, sqlite3_int64 id, ctx_error *error);
/* content='': the largest id of a row that is there, *found. */
int ctx_pending_last(ctx_pending *pending, sqlite3_int64 *id, bool *found, ctx_error *error);

/* Embeds and stores what waits, at most `rows` rows (-1: all). last_insert_rowid() and changes() stay
** what they were. */
int ctx_pending_flush(ctx_pending *pending, sqlite3_int64 rows, ctx_error *error);

/* *is: nobody may write, since the file is read-only or the connection is (PRAGMA query_only); for
** those that flush without being statements that write. SQLITE_AUTH: an authorizer does not let
** that be asked. */
int ctx_pending_read_only(const ctx_pending *pending, bool *is);

/* xSync: the same, unless embed is 'manual'. Where the content table or the model was renamed or
** taken away since the rows came, they go on waiting, and the next question says what is
** missing: COMMIT would undo all that the transaction did. */
int ctx_pending_commit(ctx_pending *pending, ctx_error *error);

#endif
