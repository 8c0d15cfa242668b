/*
** columns.c - xColumn: the current row's columns, each made when it is asked for.
*/
#include <math.h>

#include "characters.h"
#include "cursor.h"
#include "embed_batch.h"
#include "options.h"
#include "pending.h"
#include "query.h"

/* Looks up the row's chunk: the nearest, without a question the first. The row may have been
** written since the cursor came to it: then it has none. */
static int find_chunk(ctx_index_cursor *cursor, ctx_error *error)
{
    ctx_index *index = ctx_cursor_index(cursor);
    ctx_row_entry entry;
    bool found;
    if (cursor->shown.known)
        return SQLITE_OK;
    int code = ctx_storage_get(index->storage, index->config.generation, cursor->row.id,
                               &entry, &found, error);
    if (code != SQLITE_OK)
        return code;
    cursor->shown.stored = found;
    cursor->shown.hash = found ? entry.hash : 0;
    if (cursor->nearest && isnan(cursor->row.distance)) { /* found by words, without a vector */
        cursor->shown.known = true;
        cursor->shown.is = false;
        return SQLITE_OK;
    }
    uint32_t at = cursor->row.chunk;
    cursor->shown.known = true;
    cursor->shown.is = found && at < (uint32_t)entry.chunks &&
                       (!cursor->nearest || entry.chunk[at].slot == cursor->row.slot);
    if (cursor->shown.is)
        cursor->shown.chunk = entry.chunk[at];
    else if (cursor->nearest || !found) /* written since, or lost? */
        code = ctx_storage_prove(index->storage, index->config.generation, error);
    return code;
}

static int give_vector(ctx_index_cursor *cursor, sqlite3_context *context, ctx_error *error)
{
    ctx_index *index = ctx_cursor_index(cursor);
    int code = SQLITE_OK;
    if (!cursor->nearest && !cursor->flushed) {
        code = ctx_cursor_flush(index, error);
        cursor->flushed = true;
        cursor->shown.known = cursor->shown.proven = false;
    }
    if (code == SQLITE_OK)
        code = find_chunk(cursor, error);
    if (code != SQLITE_OK || !cursor->shown.is)
        return code;
    int dimensions = index->config.dimensions;
    if (cursor->vector_room < dimensions) {
        float *more =
            sqlite3_realloc64(cursor->vector, (sqlite3_uint64)dimensions * sizeof *more);
        if (!more)
            return SQLITE_NOMEM;
        cursor->vector = more;
        cursor->vector_room = dimensions;
    }
    code = ctx_storage_vector(index->storage, cursor->shown.chunk.slot, cursor->vector, error);
    if (code == SQLITE_OK)
        ctx_result_vector(context, cursor->vector, dimensions, ENC_FLOAT32);
    return code;
}

/* Larger is better; of the cosine and the inner product it is these themselves, of a fusion its
** score. */
static void give_score(const ctx_index_cursor *cursor, sqlite3_context *context)
{
    double distance = cursor->row.distance;
    if (cursor->fusion) {
        sqlite3_result_double(context, cursor->fused.score);
        return;
    }
    bool cosine = ctx_cursor_index(cursor)->config.metric == ENC_COSINE;
    sqlite3_result_double(context, cosine ? 1 - distance : -distance);
}

static const char *skip_spaces(const char *at, const char *end)
{
    while (at < end) {
        const char *next = at;
        if (!ctx_is_space(ctx_character_next(&next, end)))
            break;
        at = next;
    }
    return at;
}

static const char *skip_characters(const char *at, const char *end, sqlite3_int64 count)
{
    while (count-- > 0 && at < end)
        ctx_character_next(&at, end);
    return at;
}

/* Whether the content's row, in cursor->text if it is there, is what the entry was made of. */
static bool is_indexed(const ctx_index_cursor *cursor, bool stored, sqlite3_uint64 hash,
                       bool exists)
{
    enc_text text = {cursor->text.data, cursor->text.size};
    return exists == stored &&
           (!exists ||
            ctx_same_text(hash, ctx_row_hash(ctx_cursor_index(cursor), text, NULL)));
}

/* Whether the content may differ from the entry: the row waits, or was written since the cursor
** came to it; how SQLite writes a REAL is up to its version. */
static int may_differ(ctx_index_cursor *cursor, bool *exists, bool *may, ctx_error *error)
{
    ctx_index *index = ctx_cursor_index(cursor);
    const sqlite3_int64 id = cursor->row.id;
    enum ctx_pending_state state;
    ctx_row_entry entry;
    bool found, any;
    *may = false;
    int code = ctx_pending_state(index->pending, id, &state, error);
    if (code == SQLITE_OK)
        code = ctx_storage_get(index->storage, index->config.generation, id, &entry, &found,
                               error);
    if (code == SQLITE_OK)
        code = ctx_content_text(index->content, id, &cursor->text, exists, &any, error);
    if (code != SQLITE_OK)
        return code;
    *may = state != CTX_NOT_PENDING || is_indexed(cursor, found, entry.hash, *exists);
    return *may || !*exists ? SQLITE_OK
                           : ctx_content_has_real(index->content, id, may, error);
}

/* Own content that nobody has written to has the text that was indexed; without a model none
** was. */
static int prove_content(ctx_index_cursor *cursor, ctx_error *error)
{
    ctx_index *index = ctx_cursor_index(cursor);
    const ctx_config *config = &index->config;
    bool exists;
    if (cursor->shown.proven || config->content != CTX_CONTENT_OWN || !*config->model)
        return SQLITE_OK;
    int code = find_chunk(cursor, error);
    if (code == SQLITE_OK)
        code = ctx_content_shown(index->content, cursor->row.id, &cursor->text, &exists, error);
    if (code != SQLITE_OK)
        return code;
    cursor->shown.proven =
        is_indexed(cursor, cursor->shown.stored, cursor->shown.hash, exists);
    if (!cursor->shown.proven)
        code = may_differ(cursor, &exists, &cursor->shown.proven, error);
    if (code != SQLITE_OK || cursor->shown.proven)
        return code;
    return ctx_fail(error, SQLITE_CORRUPT_VTAB, config->name,
                    "row %lld of \"%w_content\" %s: 'rebuild' indexes what is there",
                    cursor->row.id, config->name,
                    exists ? "is not what was indexed" : "is missing");
}

/* The chunk's text, with an ellipsis where more than white space was left out. */
static int give_snippet(ctx_index_cursor *cursor, sqlite3_context *context, ctx_error *error)
{
    static const char ellipsis[] = "\xE2\x80\xA6";
    ctx_index *index = ctx_cursor_index(cursor);
    bool exists, any;
    int code = find_chunk(cursor, error);
    if (code == SQLITE_OK)
        code = prove_content(cursor, error);
    if (code != SQLITE_OK || !cursor->shown.is)
        return code;
    code = ctx_content_text(index->content, cursor->row.id, &cursor->text, &exists, &any,
                            error);
    if (code != SQLITE_OK || !exists || !any)
        return code;
    const char *text = cursor->text.data, *end = text + cursor->text.size;
    const char *from = skip_characters(text, end, cursor->shown.chunk.start);
    const char *to = skip_characters(from, end, cursor->shown.chunk.length);
    sqlite3_str *out = sqlite3_str_new(index->db);
    if (skip_spaces(text, from) < from)
        sqlite3_str_appendall(out, ellipsis);
    sqlite3_str_append(out, from, (int)(to - from));
    if (skip_spaces(to, end) < end)
        sqlite3_str_appendall(out, ellipsis);
    code = sqlite3_str_errcode(out);
    int size = sqlite3_str_length(out);
    char *snippet = sqlite3_str_finish(out);
    if (code == SQLITE_OK)
        sqlite3_result_text(context, snippet ? snippet : "", snippet ? size : 0,
                            snippet ? sqlite3_free : SQLITE_STATIC);
    return code;
}

static int give_place(ctx_index_cursor *cursor, sqlite3_context *context, bool start,
                      ctx_error *error)
{
    int code = find_chunk(cursor, error);
    if (code == SQLITE_OK && cursor->shown.is)
        sqlite3_result_int64(context, start ? cursor->shown.chunk.start + 1
                                            : cursor->shown.chunk.length);
    return code;
}

static void give_argument(sqlite3_context *context, sqlite3_value *value)
{
    if (value)
        sqlite3_result_value(context, value);
}

/* NULL for a list that does not have the row. */
static void give_position(sqlite3_context *context, sqlite3_int64 position)
{
    if (position > 0)
        sqlite3_result_int64(context, position);
}

/* What only a question gives. */
static int give_found(ctx_index_cursor *cursor, sqlite3_context *context, int hidden,
                      ctx_error *error)
{
    switch (hidden) {
    case CTX_COLUMN_RANK:
        sqlite3_result_double(context,
                              cursor->fusion ? -cursor->fused.score : cursor->row.distance);
        return SQLITE_OK;
    case CTX_COLUMN_DISTANCE: /* NaN becomes NULL */
        sqlite3_result_double(context, cursor->row.distance);
        return SQLITE_OK;
    case CTX_COLUMN_SCORE: give_score(cursor, context); return SQLITE_OK;
    case CTX_COLUMN_CHUNK_START: return give_place(cursor, context, true, error);
    case CTX_COLUMN_CHUNK_LENGTH: return give_place(cursor, context, false, error);
    case CTX_COLUMN_SNIPPET: return give_snippet(cursor, context, error);
    case CTX_COLUMN_SEMANTIC_RANK:
        give_position(context,
                      cursor->fusion ? cursor->fused.semantic_rank : cursor->counted);
        return SQLITE_OK;
    case CTX_COLUMN_BM25_RANK:
        give_position(context, cursor->fusion ? cursor->fused.bm25_rank : 0);
        return SQLITE_OK;
    default: return SQLITE_OK;
    }
}

static int give(ctx_index_cursor *cursor, sqlite3_context *context, int column, ctx_error *error)
{
    ctx_index *index = ctx_cursor_index(cursor);
    int hidden = column - index->config.columns;
    if (hidden < 0) {
        int code = prove_content(cursor, error);
        return code == SQLITE_OK ? ctx_content_result(index->content, cursor->row.id, column,
                                                      context, error)
                                 : code;
    }
    switch (hidden) {
    case CTX_COLUMN_MATCH: give_argument(context, cursor->question); return SQLITE_OK;
    case CTX_COLUMN_K: give_argument(context, cursor->k); return SQLITE_OK;
    case CTX_COLUMN_AMONG: give_argument(context, cursor->among); return SQLITE_OK;
    case CTX_COLUMN_VECTOR: return give_vector(cursor, context, error);
    default: return cursor->nearest ? give_found(cursor, context, hidden, error) : SQLITE_OK;
    }
}

int ctx_cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    ctx_index_cursor *cursor = (ctx_index_cursor *)base;
    ctx_error error = {0};
    int hidden = column - ctx_cursor_index(cursor)->config.columns;
    bool is_distance = hidden == CTX_COLUMN_RANK ||
                       (hidden == CTX_COLUMN_DISTANCE && !cursor->fusion);
    cursor->reads = cursor->reads == CTX_READ_NOTHING && is_distance ? CTX_READ_DISTANCE
                                                                      : CTX_READ_MORE;
    /* An UPDATE that leaves the column alone asks for nothing. */
    if (sqlite3_vtab_nochange(context))
        return SQLITE_OK;
    int code = give(cursor, context, column, &error);
    if (code != SQLITE_OK && error.code == SQLITE_OK)
        return code;
    if (code != SQLITE_OK)
        ctx_result_error(context, &error);
    return SQLITE_OK;
}
