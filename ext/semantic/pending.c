/*
** pending.c - the notes on rows that wait, and when they are flushed: see pending.h.
*/
#include "pending.h"

#include <string.h>

#include "flush.h"
#include "pending_sum.h"

enum { ADD, FIND, FORGET, FORGET_FIRST, FORGET_ALL, FIRST, ANY, LAST, STATEMENTS };

struct ctx_pending {
    ctx_index *index;
    sqlite3_stmt *statement[STATEMENTS];
    unsigned resets; /* of the statements, and how many there were when FIRST was handed out */
    unsigned resets_then;
    /* Noted since the last flush. A row may be noted twice, and a rollback takes notes back: so
    ** it may be fewer that wait, and they are counted before anything follows from it. */
    sqlite3_int64 rows;
    sqlite3_int64 bytes;
    sqlite3_int64 brought; /* rows of them that brought their vectors */
    ctx_pending_total total;
    bool flushing; /* what a flush reads of a view may ask the index itself */
};

/* ---- The table ---- */

int ctx_pending_create(sqlite3 *db, const ctx_config *config, ctx_error *error)
{
    ctx_pending_total total = {.db = db, .config = config};
    int rc = ctx_shadow_run(db, config, error,
                            "CREATE TABLE \"%w\".\"%w_pending\"(id INTEGER PRIMARY KEY, gone,"
                            " fresh, body INTEGER, sum INTEGER, text, vector)");
    if (rc == SQLITE_OK)
        rc = ctx_pending_total_renew(&total, error);
    ctx_pending_total_reset(&total);
    return rc;
}

int ctx_pending_drop(sqlite3 *db, const ctx_config *config, ctx_error *error)
{
    return ctx_shadow_run(db, config, error, "DROP TABLE IF EXISTS \"%w\".\"%w_pending\"");
}

int ctx_pending_rename(sqlite3 *db, const ctx_config *config, const char *name,
                       ctx_error *error)
{
    return ctx_shadow_run(db, config, error,
                          "ALTER TABLE \"%w\".\"%w_pending\" RENAME TO \"%w_pending\"", name);
}

/* ---- Life ---- */

int ctx_pending_open(ctx_index *index, ctx_pending **out, ctx_error *error)
{
    ctx_pending *pending = sqlite3_malloc64(sizeof *pending);
    *out = pending;
    if (!pending)
        return ctx_fail(error, SQLITE_NOMEM, index->config.name, "out of memory");
    memset(pending, 0, sizeof *pending);
    pending->index = index;
    pending->total = (ctx_pending_total){.db = index->db, .config = &index->config};
    return SQLITE_OK;
}

void ctx_pending_reset(ctx_pending *pending)
{
    for (int i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(pending->statement[i]);
        pending->statement[i] = NULL;
    }
    pending->resets++;
    ctx_pending_total_reset(&pending->total);
}

void ctx_pending_close(ctx_pending *pending)
{
    if (!pending)
        return;
    ctx_pending_reset(pending);
    sqlite3_free(pending);
}

/* ---- Statements ---- */

static int prepare(ctx_pending *pending, int which, sqlite3_stmt **out, ctx_error *error)
{
    static const char *const sql[] = {
        [ADD] = "INSERT OR REPLACE INTO \"%w\".\"%w_pending\""
                " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        [FIND] = "SELECT " CTX_PENDING_COLUMNS " FROM \"%w\".\"%w_pending\" WHERE id = ?1",
        [FORGET] = "DELETE FROM \"%w\".\"%w_pending\" WHERE id = ?1",
        [FORGET_FIRST] = "DELETE FROM \"%w\".\"%w_pending\" WHERE id <= ?1",
        /* Without WHERE, SQLite empties the table without looking at its rows. */
        [FORGET_ALL] = "DELETE FROM \"%w\".\"%w_pending\"",
        [FIRST] = "SELECT " CTX_PENDING_COLUMNS " FROM \"%w\".\"%w_pending\""
                  " ORDER BY id LIMIT ?1",
        [ANY] = "SELECT 1 FROM \"%w\".\"%w_pending\" LIMIT 1",
        /* Of content='': what is stored and not gone, and what waits. */
        [LAST] = "SELECT max((SELECT coalesce(max(p.id), -9223372036854775808) FROM"
                 " \"%w\".\"%w_pending\" AS p WHERE NOT p.gone), coalesce((SELECT r.id FROM"
                 " \"%w\".\"%w_rows\" AS r WHERE r.generation = ?1 AND NOT EXISTS (SELECT 1 FROM"
                 " \"%w\".\"%w_pending\" AS p WHERE p.id = r.id AND p.gone) ORDER BY r.id DESC"
                 " LIMIT 1), -9223372036854775808))"};
    const ctx_config *config = &pending->index->config;
    sqlite3_stmt **place = &pending->statement[which];
    int rc = SQLITE_OK;
    if (!*place)
        rc = ctx_shadow_prepare(pending->index->db, config, place, error, sql[which],
                                config->schema, config->name, config->schema, config->name);
    *out = *place;
    return rc;
}

static int failed(ctx_pending *pending, int code, ctx_error *error)
{
    return ctx_shadow_failed(pending->index->db, &pending->index->config, code, error);
}

/* Runs a write to its end. */
static int finish(ctx_pending *pending, sqlite3_stmt *statement, ctx_error *error)
{
    int rc = sqlite3_step(statement);
    if (rc != SQLITE_DONE)
        rc = failed(pending, rc, error);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Steps a question that has one row at most; *there. A note is one that is sound. The caller
** resets the statement. */
static int look(ctx_pending *pending, int which, sqlite3_int64 value, sqlite3_stmt **out,
                bool *there, ctx_error *error)
{
    int rc = prepare(pending, which, out, error);
    *there = false;
    if (rc != SQLITE_OK)
        return rc;
    if (which == FIND || which == LAST)
        sqlite3_bind_int64(*out, 1, value);
    rc = sqlite3_step(*out);
    *there = rc == SQLITE_ROW;
    if (*there && which == FIND && !ctx_pending_sound(*out))
        rc = ctx_pending_damaged(&pending->index->config, value, error);
    else if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        return SQLITE_OK;
    else
        rc = failed(pending, rc, error);
    sqlite3_reset(*out);
    return rc;
}

/* ---- Notes ---- */

static int flush_rows(ctx_pending *pending, sqlite3_int64 rows, ctx_error *error)
{
    int done = 1, rc = pending->index->config.manual ? ctx_pending_count(pending, NULL, error)
                                                     : SQLITE_OK;
    pending->flushing = true;
    pending->index->busy++;
    while (rc == SQLITE_OK && done > 0 && rows != 0) {
        bool few = rows > 0 && rows < CTX_PENDING_ROWS;
        rc = ctx_flush_batch(pending->index, few ? (int)rows : CTX_PENDING_ROWS, &done, error);
        if (rows > 0)
            rows -= done;
    }
    pending->index->busy--;
    pending->flushing = false;
    if (rc == SQLITE_OK && rows < 0)
        pending->rows = pending->bytes = pending->brought = 0;
    return rc;
}

static int count_note(ctx_pending *pending, size_t bytes, bool brought, ctx_error *error)
{
    pending->rows++;
    pending->bytes += (sqlite3_int64)bytes;
    pending->brought += brought;
    const sqlite3_int64 most = pending->brought == pending->rows ? CTX_PENDING_VECTORS
                                                                 : CTX_PENDING_BYTES;
    if (pending->index->config.manual ||
        (pending->rows < CTX_PENDING_ROWS && pending->bytes < most))
        return SQLITE_OK;
    if (pending->bytes < most) {
        int rc = ctx_pending_count(pending, &pending->rows, error);
        if (rc != SQLITE_OK || pending->rows < CTX_PENDING_ROWS)
            return rc;
    }
    return flush_rows(pending, -1, error); /* within xUpdate SQLite restores changes() */
}

/* The note that there is on the row, and its checksum. */
static int find(ctx_pending *pending, sqlite3_int64 id, bool *there, bool *fresh,
                sqlite3_int64 *sum, ctx_error *error)
{
    sqlite3_stmt *row;
    int rc = look(pending, FIND, id, &row, there, error);
    *fresh = false;
    if (rc != SQLITE_OK)
        return rc;
    if (*there) {
        *fresh = sqlite3_column_int(row, CTX_PENDING_GONE_COLUMN) ||
                 sqlite3_column_int(row, CTX_PENDING_FRESH);
        *sum = sqlite3_column_int64(row, CTX_PENDING_SUM);
    }
    sqlite3_reset(row);
    return SQLITE_OK;
}

/* A note in the place of any that there is on the row. `text` is what it is to have. */
static int write_note(ctx_pending *pending, sqlite3_int64 id, bool gone, bool fresh,
                      enc_text text, const float *vector, ctx_error *error)
{
    const ctx_config *config = &pending->index->config;
    size_t bytes = vector ? (size_t)config->dimensions * sizeof *vector : 0;
    sqlite3_int64 was, body = ctx_pending_body(text, vector, bytes);
    sqlite3_int64 sum = ctx_pending_sum(id, gone, fresh, body);
    bool there = false, stale;
    sqlite3_stmt *add;
    int rc = config->manual ? find(pending, id, &there, &stale, &was, error) : SQLITE_OK;
    if (rc == SQLITE_OK)
        rc = ctx_pending_total_change(&pending->total, there ? &was : NULL, &sum, error);
    if (rc == SQLITE_OK)
        rc = prepare(pending, ADD, &add, error);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(add, 1, id);
    sqlite3_bind_int(add, 2, gone);
    sqlite3_bind_int(add, 3, fresh);
    sqlite3_bind_int64(add, 4, body);
    sqlite3_bind_int64(add, 5, sum);
    if (text.data)
        rc = sqlite3_bind_blob64(add, 6, text.data, text.size, SQLITE_STATIC);
    if (rc == SQLITE_OK && vector)
        rc = sqlite3_bind_blob64(add, 7, vector, bytes, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        return finish(pending, add, error);
    sqlite3_clear_bindings(add); /* they point to memory that goes */
    return failed(pending, rc, error);
}

static int note(ctx_pending *pending, sqlite3_int64 id, bool fresh, enc_text text,
                const float *vector, ctx_error *error)
{
    const ctx_config *config = &pending->index->config;
    const bool keeps = config->content == CTX_CONTENT_NONE;
    size_t bytes = vector ? (size_t)config->dimensions * sizeof *vector : 0;
    int rc = ctx_storage_fits(pending->index->storage, error);
    if (rc == SQLITE_OK)
        rc = write_note(pending, id, false, fresh, keeps ? text : (enc_text){NULL, 0}, vector,
                        error);
    return rc == SQLITE_OK ? count_note(pending, text.size + bytes, vector != NULL, error)
                           : rc;
}

int ctx_pending_add_fresh(ctx_pending *pending, sqlite3_int64 id, enc_text text,
                          const float *vector, ctx_error *error)
{
    return note(pending, id, true, text, vector, error);
}

int ctx_pending_add(ctx_pending *pending, sqlite3_int64 id, enc_text text,
                    const float *vector, ctx_error *error)
{
    bool fresh = false;
    /* With external content a row may come and go many times in a transaction, and only what
    ** it is at the end matters. */
    if (pending->index->config.content != CTX_CONTENT_EXTERNAL) {
        sqlite3_int64 sum;
        bool there;
        int rc = find(pending, id, &there, &fresh, &sum, error);
        if (rc != SQLITE_OK)
            return rc;
    }
    return note(pending, id, fresh, text, vector, error);
}

int ctx_pending_remove(ctx_pending *pending, sqlite3_int64 id, ctx_error *error)
{
    int rc = write_note(pending, id, true, false, (enc_text){NULL, 0}, NULL, error);
    return rc == SQLITE_OK ? count_note(pending, 0, false, error) : rc;
}

static int forget(ctx_pending *pending, int which, sqlite3_int64 id, ctx_error *error)
{
    sqlite3_stmt *statement;
    int rc = prepare(pending, which, &statement, error);
    if (rc != SQLITE_OK)
        return rc;
    if (which != FORGET_ALL)
        sqlite3_bind_int64(statement, 1, id);
    return finish(pending, statement, error);
}

int ctx_pending_forget(ctx_pending *pending, sqlite3_int64 id, ctx_error *error)
{
    sqlite3_int64 sum;
    bool there, fresh;
    int rc = find(pending, id, &there, &fresh, &sum, error);
    if (rc != SQLITE_OK || !there)
        return rc;
    rc = ctx_pending_total_change(&pending->total, &sum, NULL, error);
    return rc == SQLITE_OK ? forget(pending, FORGET, id, error) : rc;
}

/* ---- Many notes ---- */

int ctx_pending_first(ctx_pending *pending, int rows, sqlite3_stmt **out, ctx_error *error)
{
    int rc = prepare(pending, FIRST, out, error);
    if (rc != SQLITE_OK)
        return rc;
    /* What its reader asks may be the index itself, and that may reset the statements. */
    pending->statement[FIRST] = NULL;
    pending->resets_then = pending->resets;
    sqlite3_bind_int(*out, 1, rows);
    return SQLITE_OK;
}

void ctx_pending_first_read(ctx_pending *pending, sqlite3_stmt *statement)
{
    if (pending->statement[FIRST] || pending->resets != pending->resets_then) {
        sqlite3_finalize(statement);
        return;
    }
    sqlite3_reset(statement);
    pending->statement[FIRST] = statement;
}

int ctx_pending_done(ctx_pending *pending, sqlite3_int64 last, bool all, ctx_error *error)
{
    int rc = ctx_pending_total_done(&pending->total, last, error);
    return rc == SQLITE_OK ? forget(pending, all ? FORGET_ALL : FORGET_FIRST, last, error) : rc;
}

int ctx_pending_clear(ctx_pending *pending, ctx_error *error)
{
    int rc = forget(pending, FORGET_ALL, 0, error);
    return rc == SQLITE_OK ? ctx_pending_total_renew(&pending->total, error) : rc;
}

int ctx_pending_mend(ctx_pending *pending, ctx_error *error)
{
    const ctx_config *config = &pending->index->config;
    sqlite3_stmt *row;
    int step, rc = ctx_shadow_prepare(pending->index->db, config, &row, error,
                                      "SELECT " CTX_PENDING_COLUMNS " FROM "
                                      "\"%w\".\"%w_pending\" ORDER BY id");
    if (rc != SQLITE_OK)
        return rc;
    while (rc == SQLITE_OK && (step = sqlite3_step(row)) == SQLITE_ROW)
        if (!ctx_pending_sound(row))
            rc = forget(pending, FORGET, sqlite3_column_int64(row, CTX_PENDING_ID), error);
    if (rc == SQLITE_OK && step != SQLITE_DONE)
        rc = failed(pending, step, error);
    sqlite3_finalize(row);
    return rc == SQLITE_OK ? ctx_pending_total_renew(&pending->total, error) : rc;
}

/* ---- What is noted ---- */

int ctx_pending_state(ctx_pending *pending, sqlite3_int64 id, enum ctx_pending_state *state,
                      ctx_error *error)
{
    sqlite3_stmt *row;
    bool there;
    int rc = look(pending, FIND, id, &row, &there, error);
    *state = CTX_NOT_PENDING;
    if (rc != SQLITE_OK)
        return rc;
    if (there)
        *state = sqlite3_column_int(row, CTX_PENDING_GONE_COLUMN) ? CTX_PENDING_GONE
                                                                  : CTX_PENDING_HERE;
    sqlite3_reset(row);
    return SQLITE_OK;
}

static int copy_row(ctx_pending *pending, sqlite3_stmt *from, ctx_pending_row *row,
                    ctx_error *error)
{
    const ctx_config *config = &pending->index->config;
    size_t bytes = (size_t)config->dimensions * sizeof(float);
    row->state = sqlite3_column_int(from, CTX_PENDING_GONE_COLUMN) ? CTX_PENDING_GONE
                                                                   : CTX_PENDING_HERE;
    row->fresh = sqlite3_column_int(from, CTX_PENDING_FRESH);
    row->has_text = sqlite3_column_type(from, CTX_PENDING_TEXT) != SQLITE_NULL;
    const void *text = sqlite3_column_blob(from, CTX_PENDING_TEXT);
    size_t size = (size_t)sqlite3_column_bytes(from, CTX_PENDING_TEXT);
    const void *vector = sqlite3_column_blob(from, CTX_PENDING_VECTOR);
    bool has_vector = vector && bytes > 0 &&
                      (size_t)sqlite3_column_bytes(from, CTX_PENDING_VECTOR) == bytes;
    row->text.data = row->has_text ? sqlite3_malloc64(size + 1) : NULL;
    row->vector = has_vector ? sqlite3_malloc64(bytes) : NULL;
    if ((row->has_text && ((size && !text) || !row->text.data)) || (has_vector && !row->vector))
        return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    if (size)
        memcpy(row->text.data, text, size);
    row->text.size = row->text.room = size;
    if (has_vector)
        memcpy(row->vector, vector, bytes);
    return SQLITE_OK;
}

int ctx_pending_get(ctx_pending *pending, sqlite3_int64 id, ctx_pending_row *row,
                    ctx_error *error)
{
    sqlite3_stmt *found;
    bool there;
    memset(row, 0, sizeof *row);
    int rc = look(pending, FIND, id, &found, &there, error);
    if (rc != SQLITE_OK)
        return rc;
    if (there)
        rc = copy_row(pending, found, row, error);
    sqlite3_reset(found);
    return rc;
}

void ctx_pending_row_clear(ctx_pending_row *row)
{
    sqlite3_free(row->text.data);
    sqlite3_free(row->vector);
    memset(row, 0, sizeof *row);
}

int ctx_pending_count(ctx_pending *pending, sqlite3_int64 *count, ctx_error *error)
{
    sqlite3_int64 rows = 0;
    int rc = ctx_pending_total_prove(&pending->total, &rows, error);
    if (count)
        *count = rows;
    return rc;
}

int ctx_pending_prove(ctx_pending *pending, ctx_error *error)
{
    pending->total.known = false;
    return ctx_pending_count(pending, NULL, error);
}

int ctx_pending_last(ctx_pending *pending, sqlite3_int64 *id, bool *found, ctx_error *error)
{
    sqlite3_stmt *row;
    int rc = look(pending, LAST, pending->index->config.generation, &row, found, error);
    if (rc != SQLITE_OK)
        return rc;
    *id = sqlite3_column_int64(row, 0);
    *found = *id != INT64_MIN;
    sqlite3_reset(row);
    return SQLITE_OK;
}

/* ---- Flushing from outside xUpdate ---- */

int ctx_pending_read_only(const ctx_pending *pending, bool *is)
{
    sqlite3 *db = pending->index->db;
    sqlite3_stmt *pragma = NULL;
    *is = sqlite3_db_readonly(db, pending->index->config.schema) == 1;
    if (*is)
        return SQLITE_OK;
    int rc = sqlite3_prepare_v2(db, "PRAGMA query_only", -1, &pragma, NULL);
    *is = rc == SQLITE_OK && sqlite3_step(pragma) == SQLITE_ROW && sqlite3_column_int(pragma, 0);
    int end = sqlite3_finalize(pragma);
    return rc == SQLITE_OK ? end : rc;
}

/* Makes changes() what it was: nothing but a statement that changes as many rows can. It writes
** one row of NAME_config again and again, as it is. */
static int restore_changes(ctx_index *index, int changes, ctx_error *error)
{
    if (sqlite3_changes(index->db) == changes)
        return SQLITE_OK;
    if (changes <= 0)
        return ctx_shadow_run(index->db, &index->config, error,
                              "DELETE FROM \"%w\".\"%w_pending\" WHERE id IS NULL");
    return ctx_shadow_run(
        index->db, &index->config, error,
        "REPLACE INTO \"%w\".\"%w_config\" WITH RECURSIVE kept AS"
        " (SELECT * FROM \"%w\".\"%w_config\" WHERE name = 'version'), times(i) AS"
        " (SELECT 1 UNION ALL SELECT i + 1 FROM times LIMIT %d) SELECT kept.* FROM times, kept",
        index->config.schema, index->config.name, changes);
}

/* As flush_rows; last_insert_rowid() and changes() stay. */
static int flush_unseen(ctx_pending *pending, sqlite3_int64 rows, ctx_error *error)
{
    ctx_index *index = pending->index;
    sqlite3_int64 last = sqlite3_last_insert_rowid(index->db);
    int changes = sqlite3_changes(index->db);
    int rc = flush_rows(pending, rows, error);
    if (rc == SQLITE_OK)
        rc = restore_changes(index, changes, error);
    sqlite3_set_last_insert_rowid(index->db, last);
    return rc;
}

static int any_waits(ctx_pending *pending, bool *any, ctx_error *error)
{
    sqlite3_stmt *row;
    int rc = look(pending, ANY, 0, &row, any, error);
    if (rc == SQLITE_OK)
        sqlite3_reset(row);
    return rc;
}

int ctx_pending_commit(ctx_pending *pending, ctx_error *error)
{
    bool any = false, read_only = false;
    int rc = SQLITE_OK;
    if (!pending->index->config.manual)
        rc = any_waits(pending, &any, error);
    if (rc == SQLITE_OK && any)
        rc = ctx_pending_read_only(pending, &read_only);
    if ((rc & 0xff) == SQLITE_AUTH) /* the rows were let through */
        rc = SQLITE_OK;
    if (rc == SQLITE_OK && any && !read_only)
        rc = flush_unseen(pending, -1, error);
    return rc == SQLITE_ERROR || rc == SQLITE_CANTOPEN ? SQLITE_OK : rc;
}

/* After an interrupt no statement runs, ROLLBACK TO neither, and what a question has written by
** then would stay half done in its transaction. Of a statement that only reads SQLite rolls back
** for memory, I/O and a full disk, so it is told one of these. */
static int torn(ctx_pending *pending, int code, ctx_error *error)
{
    if ((code & 0xff) != SQLITE_INTERRUPT)
        return error->code ? error->code : failed(pending, code, error);
    return ctx_fail(error, SQLITE_IOERR, pending->index->config.name,
                    "the transaction is rolled back, since embedding what waits was interrupted");
}

/* A question is no statement that writes, and what it writes must stand or fall together. Within
** one that does it does so anyway, and SQLite refuses the savepoint. */
static int flush_whole(ctx_pending *pending, sqlite3_int64 rows, ctx_error *error)
{
    sqlite3 *db = pending->index->db;
    const bool outside = sqlite3_get_autocommit(db);
    int begun = sqlite3_exec(db, "SAVEPOINT contextual_flush", 0, 0, 0), undone = SQLITE_OK;
    if (begun != SQLITE_OK && begun != SQLITE_BUSY)
        return torn(pending, begun, error);
    pending->index->wrote = false;
    int rc = flush_unseen(pending, rows, error);
    if (begun != SQLITE_OK)
        return rc;
    if (rc != SQLITE_OK)
        undone = sqlite3_exec(db, "ROLLBACK TO contextual_flush", 0, 0, 0);
    int released = sqlite3_exec(db, "RELEASE contextual_flush", 0, 0, 0);
    bool clean = !outside && !pending->index->wrote; /* the transaction is as it was */
    if ((undone == SQLITE_OK && released == SQLITE_OK) || (clean && rc != SQLITE_OK))
        return rc;
    return torn(pending, undone != SQLITE_OK ? undone : released, error);
}

int ctx_pending_flush(ctx_pending *pending, sqlite3_int64 rows, ctx_error *error)
{
    bool any;
    int rc = any_waits(pending, &any, error);
    if (rc != SQLITE_OK || !any || pending->flushing)
        return rc;
    return flush_whole(pending, rows, error);
}
