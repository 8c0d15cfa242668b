/*
** pending_sum.h - what shows that NAME_pending is damaged: checksums of its rows, and their total.
**
** `body` of a row is the checksum of its text and vector, `sum` that of all else and `body`, in 32
** bits: so the small cells of all rows are checked without reading texts and vectors.
**
** Where rows wait from one transaction to the next (embed='manual'), the row 'pending' of
** NAME_config holds the total of 2^32 + sum over all rows, so that a row that is missing is
** noticed, too. Elsewhere they are flushed by the transaction that brought them.
*/
#ifndef CTX_SEMANTIC_PENDING_SUM_H
#define CTX_SEMANTIC_PENDING_SUM_H

#include "index.h"

/* What a statement selects that is handed to the functions below: these first. */
#define CTX_PENDING_COLUMNS "id, gone, fresh, body, sum, text, vector"
enum ctx_pending_column {
    CTX_PENDING_ID, CTX_PENDING_GONE_COLUMN, CTX_PENDING_FRESH, CTX_PENDING_BODY,
    CTX_PENDING_SUM, CTX_PENDING_TEXT, CTX_PENDING_VECTOR
};

/* The checksums of a row; `text` data NULL: none, `vector` [bytes] NULL: none. */
sqlite3_int64 ctx_pending_body(enc_text text, const void *vector, size_t bytes);
sqlite3_int64 ctx_pending_sum(sqlite3_int64 id, int gone, int fresh, sqlite3_int64 body);
/* Whether the current row is as it was written: all of it, or all but text and vector. */
bool ctx_pending_sound(sqlite3_stmt *row);
bool ctx_pending_head_sound(sqlite3_stmt *row);
/* The sentence for one that is not: SQLITE_CORRUPT_VTAB. */
int ctx_pending_damaged(const ctx_config *config, sqlite3_int64 id, ctx_error *error);

/* The total on one connection. What was proven of it is remembered, so that the rows are read
** again only when somebody else changed it. */
typedef struct ctx_pending_total {
    sqlite3 *db;
    const ctx_config *config;
    sqlite3_stmt *read, *write;
    bool known;
    sqlite3_int64 proven, rows; /* if known */
} ctx_pending_total;

void ctx_pending_total_reset(ctx_pending_total *total);
/* A row with the checksum *was goes (NULL: none), one with *is comes. */
int ctx_pending_total_change(ctx_pending_total *total, const sqlite3_int64 *was,
                             const sqlite3_int64 *is, ctx_error *error);
/* The rows with ids up to `last` are about to go. */
int ctx_pending_total_done(ctx_pending_total *total, sqlite3_int64 last, ctx_error *error);
/* Makes the total that of the rows that there are: at CREATE, and after rows were taken out. */
int ctx_pending_total_renew(ctx_pending_total *total, ctx_error *error);
/* Checks all rows, but for texts and vectors, against the total; *rows: their number. */
int ctx_pending_total_prove(ctx_pending_total *total, sqlite3_int64 *rows, ctx_error *error);

#endif
