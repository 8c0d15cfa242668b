/*
** fts_rank.c - semantic_rank(fts, question [, column or index]): FTS5's hits by meaning.
**
**   SELECT title FROM fts WHERE fts MATCH 'bank'
**    ORDER BY semantic_rank(fts, 'river side') LIMIT 10;
**
** The cosine distance, smaller is nearer, of the row's text to the question: of all columns,
** joined by newlines, or of the one named or numbered (from 0) by the third argument. The
** default model reads the question with its prompt 'query' and texts with its prompt
** 'document'. The question is embedded once per statement; the connection's cache keeps
** vectors of texts by their hashes.
**
** The third argument can name a semantic index with the same rowids: then the distance is the
** index's own and no text is read. A row that has no text, or is not in the index, is
** infinitely far, so that it comes last.
*/
#include "fts_rank.h"

#include <math.h>
#include <string.h>

#include "cache.h"
#include "fts_columns.h"

static const char *const NAME = "semantic_rank";

/* What one query asks; kept by FTS5 as long as the query runs. */
typedef struct ranking {
    ctx_connection *connection;
    sqlite3_value *question;  /* copies of the arguments */
    sqlite3_value *where;     /* NULL pointer: not given */
    int column;               /* -1: all */
    sqlite3_stmt *index;      /* gives a row's distance; or NULL, and there are: */
    enc_model *model;         /* one reference */
    int dimensions;
    float *vector;            /* [dimensions] the question's; then room for a row's */
} ranking;

static void free_ranking(void *memory)
{
    ranking *r = memory;
    if (!r)
        return;
    sqlite3_finalize(r->index);
    sqlite3_value_free(r->question);
    sqlite3_value_free(r->where);
    enc_model_close(r->model);
    sqlite3_free(r->vector);
    sqlite3_free(r);
}

/* ---- Vectors ---- */

/* The text's vector into out, from the cache or the model. */
static int embed(const ranking *r, const char *prompt, enc_text text, float *out,
                 ctx_error *error)
{
    const enc_model_info *info = enc_model_describe(r->model);
    const uint64_t hash[] = {enc_checksum(text.data, text.size), text.size};
    const enc_text parts[] = {ctx_text_of("fts"), ctx_text_of(info->fingerprint),
                              ctx_text_of(info->quantize), ctx_text_of(prompt),
                              {(const char *)hash, sizeof hash}};
    const ctx_key key = {parts, sizeof parts / sizeof *parts};
    ctx_cache *cache = ctx_connection_cache(r->connection);
    int length;
    const float *kept = ctx_cache_get(cache, key, &length);
    if (kept && length == r->dimensions) {
        memcpy(out, kept, (size_t)length * sizeof *out);
        return SQLITE_OK;
    }
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    options.prompt = prompt;
    options.nothing_is_zero = true;
    enc_error failure = {0};
    enc_session *session = ctx_session(r->connection, NAME, error);
    if (!session)
        return error->code;
    if (enc_embed(session, r->model, &text, 1, &options, out, NULL, &failure) != ENC_OK)
        return ctx_fail_encoder(error, NAME, &failure);
    ctx_cache_put(cache, key, out, r->dimensions);
    return SQLITE_OK;
}

/* ---- The third argument ---- */

static int failed(sqlite3 *db, int code, ctx_error *error)
{
    return ctx_fail(error, code, NAME, "%s", ctx_sqlite_message(db, code));
}

/* A semantic index is known by its hidden columns. */
static int find_index(sqlite3 *db, const char *name, bool *is_one, ctx_error *error)
{
    static const char *const sql =
        "SELECT count(*) = 3 FROM pragma_table_xinfo(?1)"
        " WHERE hidden = 1 AND name IN ('distance', 'chunk_start', 'among')";
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    *is_one = code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW &&
              sqlite3_column_int(statement, 0);
    int end = sqlite3_finalize(statement);
    code = code == SQLITE_OK ? end : code;
    return code == SQLITE_OK ? code : failed(db, code, error);
}

/* Prepares *out to give the distance of row ?2 to question ?1, if `name` is a semantic index. */
static int open_index(sqlite3 *db, const char *name, sqlite3_stmt **out, ctx_error *error)
{
    bool is_index;
    *out = NULL;
    int code = find_index(db, name, &is_index, error);
    if (code != SQLITE_OK || !is_index)
        return code;
    char *sql = sqlite3_mprintf("SELECT distance FROM \"%w\""
                                " WHERE \"%w\" MATCH ?1 AND rowid = ?2", name, name);
    if (!sql)
        return ctx_fail(error, SQLITE_NOMEM, NAME, "out of memory");
    code = sqlite3_prepare_v2(db, sql, -1, out, NULL);
    sqlite3_free(sql);
    return code == SQLITE_OK ? code : failed(db, code, error);
}

static int read_name(ranking *r, const ctx_fts_row *row, ctx_error *error)
{
    const char *name = (const char *)sqlite3_value_text(r->where);
    char *choices = NULL;
    if (!name)
        return ctx_fail(error, SQLITE_NOMEM, NAME, "out of memory");
    int code = ctx_fts_column(row, name, &r->column, &choices, error);
    if (code == SQLITE_OK && r->column < 0)
        code = open_index(row->db, name, &r->index, error);
    if (code == SQLITE_OK && r->column < 0 && !r->index)
        code = ctx_fail(error, SQLITE_ERROR, NAME, "%Q is neither a column of the table nor a "
                        "semantic index; its columns are %s", name, choices);
    sqlite3_free(choices);
    return code;
}

static int read_where(ranking *r, const ctx_fts_row *row, ctx_error *error)
{
    int type = r->where ? sqlite3_value_type(r->where) : SQLITE_NULL;
    int columns = row->api->xColumnCount(row->fts);
    r->column = -1;
    if (type == SQLITE_NULL)
        return SQLITE_OK;
    if (type == SQLITE_TEXT)
        return read_name(r, row, error);
    sqlite3_int64 number;
    if (!ctx_is_whole(r->where, &number))
        return ctx_fail(error, SQLITE_ERROR, NAME, "argument 3 must be a column's name or "
                        "number, or a semantic index's name");
    if (number < 0 || number >= columns)
        return ctx_fail(error, SQLITE_ERROR, NAME, "column %lld is out of range: the table has "
                        "columns 0 to %d", number, columns - 1);
    r->column = (int)number;
    return SQLITE_OK;
}

/* ---- A query's ranking ---- */

static int new_ranking(ctx_connection *connection, sqlite3_value **argv, int argc,
                       ranking **out, ctx_error *error)
{
    ranking *r = sqlite3_malloc64(sizeof *r);
    *out = r;
    if (!r)
        return ctx_fail(error, SQLITE_NOMEM, NAME, "out of memory");
    *r = (ranking){.connection = connection, .question = sqlite3_value_dup(argv[0]),
                   .where = argc > 1 ? sqlite3_value_dup(argv[1]) : NULL};
    if (r->question && (argc < 2 || r->where))
        return SQLITE_OK;
    free_ranking(r);
    return ctx_fail(error, SQLITE_NOMEM, NAME, "out of memory");
}

/* Finds the model and embeds the question. */
static int begin(ranking *r, enc_text question, ctx_error *error)
{
    enc_error failure = {0};
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    options.prompt = "query";
    int code = ctx_model_find(r->connection, NULL, NAME, &r->model, error);
    if (code != SQLITE_OK)
        return code;
    if (enc_embed_check(r->model, &options, &r->dimensions, &failure) != ENC_OK)
        return ctx_fail_encoder(error, NAME, &failure);
    r->vector = sqlite3_malloc64(2 * (size_t)r->dimensions * sizeof *r->vector);
    if (!r->vector)
        return ctx_fail(error, SQLITE_NOMEM, NAME, "out of memory");
    return embed(r, "query", question, r->vector, error);
}

/* The ranking of the query that runs, made when its first row comes, or when the arguments are
** others than at the row before. NULL question: *out NULL. */
static int find_ranking(const ctx_fts_row *row, int argc, sqlite3_value **argv, ranking **out,
                        ctx_error *error)
{
    enc_text question;
    int is_null;
    ranking *r = row->api->xGetAuxdata(row->fts, 0);
    *out = r;
    if (r && ctx_is_same(r->question, argv[0]) &&
        ctx_is_same(r->where, argc > 1 ? argv[1] : NULL))
        return SQLITE_OK;
    *out = NULL;
    int code = ctx_text_argument(argv[0], NAME, "argument 2", &question, &is_null, error);
    if (code != SQLITE_OK || is_null)
        return code;
    code = new_ranking(row->api->xUserData(row->fts), argv, argc, &r, error);
    if (code != SQLITE_OK)
        return code;
    code = read_where(r, row, error);
    if (code == SQLITE_OK && !r->index)
        code = begin(r, question, error);
    if (code != SQLITE_OK) {
        free_ranking(r);
        return code;
    }
    if (row->api->xSetAuxdata(row->fts, r, free_ranking) != SQLITE_OK) /* it has freed r */
        return ctx_fail(error, SQLITE_NOMEM, NAME, "out of memory");
    *out = r;
    return SQLITE_OK;
}

/* ---- A row ---- */

static int ask_index(ranking *r, const ctx_fts_row *row, double *distance, ctx_error *error)
{
    sqlite3_stmt *s = r->index;
    *distance = INFINITY;
    int code = sqlite3_bind_value(s, 1, r->question);
    sqlite3_bind_int64(s, 2, row->api->xRowid(row->fts));
    if (code == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW &&
        sqlite3_column_type(s, 0) != SQLITE_NULL)
        *distance = sqlite3_column_double(s, 0);
    int end = sqlite3_reset(s);
    code = code == SQLITE_OK ? end : code;
    return code == SQLITE_OK ? code : failed(row->db, code, error);
}

static int compare_text(ranking *r, const ctx_fts_row *row, double *distance, ctx_error *error)
{
    char *text = NULL;
    size_t size;
    bool stored;
    *distance = INFINITY;
    int code = ctx_fts_text(row, r->column, &text, &size, &stored, error);
    if (code == SQLITE_OK && !stored)
        code = ctx_fail(error, SQLITE_ERROR, NAME, "the table keeps no text (content=''), so "
                        "there is nothing to compare; name a semantic index as third argument");
    if (code == SQLITE_OK && size > 0) {
        float *vector = r->vector + r->dimensions;
        code = embed(r, "document", (enc_text){text, size}, vector, error);
        /* words that the model does not know have no direction: as far as no text */
        if (code == SQLITE_OK &&
            enc_vector_compare(ENC_DOT, ENC_FLOAT32, vector, vector, (size_t)r->dimensions) > 0)
            *distance = 1 - enc_vector_compare(ENC_COSINE, ENC_FLOAT32, r->vector, vector,
                                               (size_t)r->dimensions);
    }
    sqlite3_free(text);
    return code;
}

static void semantic_rank(const Fts5ExtensionApi *api, Fts5Context *fts,
                          sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const ctx_fts_row row = {api, fts, sqlite3_context_db_handle(context), NAME};
    ctx_error error = {0};
    ranking *r = NULL;
    double distance = 0;
    if (argc < 1 || argc > 2)
        ctx_fail(&error, SQLITE_ERROR, NAME, "takes 2 or 3 arguments: semantic_rank(table, "
                 "question [, column or index])");
    else if (find_ranking(&row, argc, argv, &r, &error) == SQLITE_OK && r)
        r->index ? ask_index(r, &row, &distance, &error)
                 : compare_text(r, &row, &distance, &error);
    if (error.code != SQLITE_OK)
        ctx_result_error(context, &error);
    else if (r)
        sqlite3_result_double(context, distance); /* NaN, a zero vector's, becomes NULL */
}

/* ---- Registration ---- */

int ctx_register_fts(ctx_connection *connection)
{
    sqlite3 *db = ctx_connection_db(connection);
    sqlite3_stmt *statement = NULL;
    fts5_api *api = NULL;
    if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_pointer(statement, 1, &api, "fts5_api_ptr", NULL);
        sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    if (!api || api->iVersion < 2)
        return SQLITE_OK;
    ctx_connection_retain(connection);
    int code = api->xCreateFunction(api, NAME, connection, semantic_rank,
                                    ctx_connection_release);
    if (code != SQLITE_OK)
        ctx_connection_release(connection);
    return code;
}
