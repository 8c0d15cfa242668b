/*
** row_ids.c - see row_ids.h.
*/
#include "row_ids.h"

#include "pending.h"

/* The transaction keeps others out from the first row on (what it rolls back takes `seen` with
** it), and what this connection writes beside it is counted. A statement counts its rows all at
** once, when it ends. */
bool ctx_row_ids_steady(ctx_index *index)
{
    ctx_seen *seen = &index->seen;
    const unsigned now = (unsigned)sqlite3_total_changes(index->db);
    const unsigned since = now - (unsigned)seen->changes;
    if (!seen->steady || (since != 0 && since != (unsigned)seen->rows))
        return false;
    if (since)
        seen->rows = 0;
    return true;
}

void ctx_row_ids_forget(ctx_index *index)
{
    index->seen = (ctx_seen){0};
}

void ctx_row_ids_note(ctx_index *index, const sqlite3_int64 *old, const sqlite3_int64 *now)
{
    ctx_seen *seen = &index->seen;
    if (old && (!now || *now != *old) && *old >= seen->last)
        seen->last_known = false;
    if (now && (!seen->any || *now > seen->last))
        seen->last = *now;
    seen->any |= now != NULL;
    seen->steady = true;
    seen->changes = sqlite3_total_changes(index->db);
    seen->rows++;
}

/* The largest id of a row; *found. */
static int find_last(ctx_index *index, sqlite3_int64 *last, bool *found, ctx_error *error)
{
    ctx_seen *seen = &index->seen;
    int rc = SQLITE_OK;
    if (!seen->steady || !seen->last_known) {
        rc = index->config.content == CTX_CONTENT_OWN
                 ? ctx_content_last(index->content, &seen->last, &seen->any, error)
                 : ctx_pending_last(index->pending, &seen->last, &seen->any, error);
        seen->last_known = rc == SQLITE_OK;
    }
    *last = seen->last;
    *found = seen->any;
    return rc;
}

int ctx_row_ids_have(ctx_index *index, sqlite3_int64 id, bool *there, ctx_error *error)
{
    enum ctx_pending_state state;
    ctx_row_entry entry;
    if (index->seen.steady) {
        sqlite3_int64 last;
        int rc = find_last(index, &last, there, error);
        if (rc != SQLITE_OK || !*there || id > last) {
            *there = false;
            return rc;
        }
    }
    if (index->config.content == CTX_CONTENT_OWN)
        return ctx_content_exists(index->content, id, there, error);
    int rc = ctx_pending_state(index->pending, id, &state, error);
    *there = state == CTX_PENDING_HERE;
    if (rc != SQLITE_OK || state != CTX_NOT_PENDING)
        return rc;
    return ctx_storage_get(index->storage, index->config.generation, id, &entry, there, error);
}

int ctx_row_ids_next(ctx_index *index, sqlite3_int64 *id, ctx_error *error)
{
    sqlite3_int64 last = 0;
    bool found;
    int rc = find_last(index, &last, &found, error);
    if (rc != SQLITE_OK)
        return rc;
    *id = found ? last : 0;
    if (*id < INT64_MAX) {
        ++*id;
        return SQLITE_OK;
    }
    for (int tries = 0; tries < 100 && rc == SQLITE_OK; tries++) {
        *id = (sqlite3_int64)(enc_random() >> 2) + 1;
        rc = ctx_row_ids_have(index, *id, &found, error);
        if (rc == SQLITE_OK && !found)
            return SQLITE_OK;
    }
    return rc == SQLITE_OK ? ctx_fail(error, SQLITE_FULL, index->config.name,
                                      "there is no free rowid")
                           : rc;
}
