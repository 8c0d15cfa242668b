/*
** index.h - one semantic index on one connection: the virtual table's object and the parts that
** it is made of.
**
**   config.h    what CREATE said, what was learnt    content.h   the texts
**   storage.h   rows, codes and vectors in tables    lists.h     which of them to read (ivf)
**   pending.h   rows that wait                       chunk.h     texts into chunks
**   update.h    xUpdate, and the commands            rebuild.h   all rows anew
**   plan.h      xBestIndex                           cursor.h    xFilter, rows and columns
**   answer.h    the nearest rows                     scan.h      one pass over the codes
**   words.h     an FTS5 table beside it              fuse.h      words and meaning in one
**   module.c    xCreate ... xRename, registration    shadow.c    statements, declared below
**
** ext/README.md tells how they work together.
**
** Messages begin with the index's name: "search: ...". A part that fails returns a SQLite code
** and leaves the sentence in a ctx_error; module.c hands it to SQLite once.
*/
#ifndef CTX_SEMANTIC_INDEX_H
#define CTX_SEMANTIC_INDEX_H

#include "config.h"
#include "content.h"
#include "storage.h"

/* What the last xUpdate knew, for the next one of the same transaction: see row_ids.h. */
typedef struct ctx_seen {
    bool steady;        /* the fields below are set */
    int changes;        /* sqlite3_total_changes() after it */
    int rows;           /* xUpdates of its statement, which counts them at its end */
    bool last_known;    /* the fields below are set */
    bool any;           /* there is a row */
    sqlite3_int64 last; /* the largest id of one */
} ctx_seen;

typedef struct ctx_index {
    sqlite3_vtab base;
    ctx_connection *connection; /* one reference */
    sqlite3 *db;
    ctx_config config;
    ctx_content *content;
    ctx_storage *storage;
    struct ctx_pending *pending;
    enc_model *model; /* one reference, once found; see ctx_index_model */
    struct ctx_lists *lists; /* of an approximate index, once read; see lists.h */
    sqlite3_stmt *rows_next; /* compare.c's */
    struct ctx_words *words; /* words.h; NULL: the index is not hybrid */
    struct ctx_answer *answers; /* that cursors are giving now; see answer.h */
    int cursors;                /* open now */
    struct ctx_kept *kept;      /* of the cursor closed last, while others are open; see kept.h */
    unsigned rollbacks;         /* seen; may wrap */
    struct ctx_index *next;      /* open on the connection */
    sqlite3_int64 question_bytes; /* that the last question read; -1: there was none */
    bool renamed;     /* SQLite makes another object then, but has this one sync at COMMIT */
    bool wrote;       /* a flush has begun to write */
    ctx_seen seen;
    int busy;         /* > 0 while a flush or command runs: nothing may come back in */
} ctx_index;

/* Columns as the table declares them: the user's 0 ... columns-1, then these, all hidden. The
** first two are the arguments of search('question', k). */
enum ctx_index_column {
    CTX_COLUMN_MATCH,  /* named as the table: MATCH, and commands */
    CTX_COLUMN_K,
    CTX_COLUMN_AMONG,  /* JSON array of row ids to choose among */
    CTX_COLUMN_VECTOR, /* the row's vector; with several chunks the best one's, else the first's */
    CTX_COLUMN_DISTANCE,
    CTX_COLUMN_RANK,   /* smaller is better; of an INSERT: a command's number */
    CTX_COLUMN_SCORE,
    CTX_COLUMN_CHUNK_START,
    CTX_COLUMN_CHUNK_LENGTH,
    CTX_COLUMN_SNIPPET,
    CTX_COLUMN_BM25_RANK,
    CTX_COLUMN_SEMANTIC_RANK,
    CTX_HIDDEN_COLUMNS
};
/* Its name; valid as long as config (config_parse.c). */
const char *ctx_hidden_column(const ctx_config *config, int column);

/* The model that the index was made with, by its name on this connection: loaded if need be. A
** model of another fingerprint is refused with a sentence that says how to rebuild; so is an
** index without a model. *out is the index's reference, valid until the next call. */
int ctx_index_model(ctx_index *index, enc_model **out, ctx_error *error);

/* The same model as it is today, whatever its fingerprint: what a rebuild takes. */
int ctx_index_model_today(ctx_index *index, enc_model **out, ctx_error *error);

/* Reads the configuration again if another connection changed it, and the names of external
** content if a schema changed; the first thing that every statement on the index does. */
int ctx_index_refresh(ctx_index *index, ctx_error *error);

/* Forgets what is in memory and not in the tables: after a ROLLBACK, a failure. */
void ctx_index_forget(ctx_index *index);
/* Finalizes all statements of all parts. */
void ctx_index_reset(ctx_index *index);

/* Prepares `format` (printf of SQLite: %Q, %w), whose first two conversions are %w: they take
** schema and name, then come the arguments, as in ctx_shadow_prepare(db, config, &s, error,
** "SELECT id FROM \"%w\".\"%w_rows\" WHERE generation = %d", generation). Failures are
** sentences: a missing shadow table is SQLITE_CORRUPT_VTAB. */
int ctx_shadow_prepare(sqlite3 *db, const ctx_config *config, sqlite3_stmt **out,
                       ctx_error *error, const char *format, ...);
/* The same with the schema alone in front, for other tables of it. */
int ctx_schema_prepare(sqlite3 *db, const ctx_config *config, sqlite3_stmt **out,
                       ctx_error *error, const char *format, ...);
/* Runs a statement of ctx_shadow_prepare to its end. */
int ctx_shadow_run(sqlite3 *db, const ctx_config *config, ctx_error *error,
                   const char *format, ...);
/* The failure of a step of one: interrupt, memory, I/O as SQLite says it; a mistyped or missing
** table is SQLITE_CORRUPT_VTAB. */
int ctx_shadow_failed(sqlite3 *db, const ctx_config *config, int code, ctx_error *error);

#endif
