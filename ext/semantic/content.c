/*
** content.c - see content.h.
**
** Every statement names columns as content."name": a bare "name" that the table does not have
** (any more) would be read as a string by SQLite, and index the same word for every row.
*/
#include "content.h"

#include <string.h>

#include "follow.h"
#include "index.h"

enum { GET_TEXT, GET_ROW, HAS_ROW, NEXT_ROW, LAST_ROW, ADD_ROW, CHANGE_ROW, DROP_ROW, STATEMENTS };

struct ctx_content {
    sqlite3 *db;
    ctx_config *config;
    sqlite3_stmt *statement[STATEMENTS];
    bool at_hand;        /* GET_ROW stands on a row, that of `id` */
    sqlite3_int64 id;
};

/* ---- The table of own content ---- */

int ctx_content_create(sqlite3 *db, const ctx_config *config, ctx_error *error)
{
    if (config->content == CTX_CONTENT_EXTERNAL)
        return ctx_content_check(db, config, error);
    if (config->content == CTX_CONTENT_NONE)
        return SQLITE_OK;
    sqlite3_str *columns = sqlite3_str_new(db);
    for (int i = 0; i < config->columns; i++)
        sqlite3_str_appendf(columns, ", c%d", i);
    char *list = sqlite3_str_finish(columns);
    if (!list)
        return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    int rc = ctx_shadow_run(db, config, error,
                            "CREATE TABLE \"%w\".\"%w_content\"(id INTEGER PRIMARY KEY%s)",
                            list);
    sqlite3_free(list);
    return rc;
}

int ctx_content_drop(sqlite3 *db, const ctx_config *config, ctx_error *error)
{
    if (config->content != CTX_CONTENT_OWN)
        return SQLITE_OK;
    return ctx_shadow_run(db, config, error, "DROP TABLE IF EXISTS \"%w\".\"%w_content\"");
}

int ctx_content_rename(sqlite3 *db, const ctx_config *config, const char *name,
                       ctx_error *error)
{
    if (config->content != CTX_CONTENT_OWN)
        return SQLITE_OK;
    return ctx_shadow_run(db, config, error,
                          "ALTER TABLE \"%w\".\"%w_content\" RENAME TO \"%w_content\"", name);
}

/* ---- Life ---- */

int ctx_content_open(sqlite3 *db, ctx_config *config, ctx_content **out,
                     ctx_error *error)
{
    ctx_content *content = sqlite3_malloc64(sizeof *content);
    *out = content;
    if (!content)
        return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    memset(content, 0, sizeof *content);
    content->db = db;
    content->config = config;
    return SQLITE_OK;
}

void ctx_content_reset(ctx_content *content)
{
    for (int i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(content->statement[i]);
        content->statement[i] = NULL;
    }
    content->at_hand = false;
}

void ctx_content_close(ctx_content *content)
{
    if (!content)
        return;
    ctx_content_reset(content);
    sqlite3_free(content);
}

void ctx_content_rest(ctx_content *content)
{
    for (int i = 0; i < STATEMENTS; i++)
        if (content->statement[i])
            sqlite3_reset(content->statement[i]);
    content->at_hand = false;
}

/* ---- Statements ---- */

int ctx_content_failed(sqlite3 *db, const ctx_config *config, int code, ctx_error *error)
{
    if ((code & 0xff) != SQLITE_ERROR)
        return ctx_fail(error, code, config->name, "%s", ctx_sqlite_message(db, code));
    return ctx_fail(error, SQLITE_ERROR, config->name,
                    "content='%s' can't be read: %s; nothing in the index is lost: give the "
                    "table its names back, or name another one with such columns, INSERT INTO "
                    "\"%w\"(\"%w\", rank) VALUES('content', 'table'); with its triggers made an "
                    "index follows a RENAME", config->content_table, sqlite3_errmsg(db),
                    config->name, config->name);
}

static int failed(const ctx_content *content, int code, ctx_error *error)
{
    return content->config->content == CTX_CONTENT_OWN
               ? ctx_shadow_failed(content->db, content->config, code, error)
               : ctx_content_failed(content->db, content->config, code, error);
}

/* The columns that are embedded, or all. */
static void append_columns(sqlite3_str *sql, const ctx_config *config, bool all)
{
    const char *comma = "";
    for (int i = 0; i < config->columns; i++) {
        if (config->unindexed[i] && !all)
            continue;
        if (config->content == CTX_CONTENT_OWN)
            sqlite3_str_appendf(sql, "%scontent.c%d", comma, i);
        else
            sqlite3_str_appendf(sql, "%scontent.\"%w\"", comma, ctx_config_source(config, i));
        comma = ", ";
    }
    if (!*comma)
        sqlite3_str_appendall(sql, "NULL");
}

static void append_select(sqlite3_str *sql, const ctx_config *config, int which)
{
    bool own = config->content == CTX_CONTENT_OWN;
    const char *id = own ? "id" : config->content_rowid;
    sqlite3_str_appendall(sql, "SELECT ");
    if (which == GET_TEXT || which == GET_ROW)
        append_columns(sql, config, which == GET_ROW);
    else if (which == HAS_ROW)
        sqlite3_str_appendall(sql, "1");
    else
        sqlite3_str_appendf(sql, "content.\"%w\"", id);
    sqlite3_str_appendf(sql, " FROM \"%w\".\"%w%s\" AS content", config->schema,
                        own ? config->name : config->content_table, own ? "_content" : "");
    if (which == LAST_ROW)
        sqlite3_str_appendf(sql, " ORDER BY content.\"%w\" DESC LIMIT 1", id);
    else if (which == NEXT_ROW) /* a view may have other values in that column */
        sqlite3_str_appendf(sql, " WHERE content.\"%w\" >= ?1 AND typeof(content.\"%w\") ="
                            " 'integer' ORDER BY content.\"%w\" LIMIT 1", id, id, id);
    else
        sqlite3_str_appendf(sql, " WHERE content.\"%w\" = ?1", id);
}

/* Own content. A change gives each column as a pair: whether it changed, and to what. */
static void append_write(sqlite3_str *sql, const ctx_config *config, int which)
{
    static const char *const begin[] = {
        [ADD_ROW] = "INSERT OR REPLACE INTO \"%w\".\"%w_content\" VALUES(?1",
        [CHANGE_ROW] = "UPDATE \"%w\".\"%w_content\" SET id = ?2",
        [DROP_ROW] = "DELETE FROM \"%w\".\"%w_content\" WHERE id = ?1"};
    sqlite3_str_appendf(sql, begin[which], config->schema, config->name);
    if (which == DROP_ROW)
        return;
    for (int i = 0; i < config->columns; i++) {
        if (which == ADD_ROW)
            sqlite3_str_appendf(sql, ", ?%d", i + 2);
        else
            sqlite3_str_appendf(sql, ", c%d = CASE WHEN ?%d THEN ?%d ELSE c%d END", i,
                                2 * i + 3, 2 * i + 4, i);
    }
    sqlite3_str_appendall(sql, which == ADD_ROW ? ")" : " WHERE id = ?1");
}

/* The statement, ready to be bound; prepared at its first use. */
static int use(ctx_content *content, int which, sqlite3_stmt **out, ctx_error *error)
{
    sqlite3_stmt **place = &content->statement[which];
    *out = *place;
    if (*place)
        return SQLITE_OK;
    sqlite3_str *text = sqlite3_str_new(content->db);
    if (which < ADD_ROW)
        append_select(text, content->config, which);
    else
        append_write(text, content->config, which);
    char *sql = sqlite3_str_finish(text);
    if (!sql)
        return ctx_fail(error, SQLITE_NOMEM, content->config->name, "out of memory");
    int rc = sqlite3_prepare_v3(content->db, sql, -1, SQLITE_PREPARE_PERSISTENT, place, NULL);
    sqlite3_free(sql);
    if (rc != SQLITE_OK)
        return failed(content, rc, error);
    *out = *place;
    return SQLITE_OK;
}

static int seek_once(ctx_content *content, int which, sqlite3_int64 id, sqlite3_stmt **out,
                     bool *exists, ctx_error *error)
{
    *exists = false;
    int rc = use(content, which, out, error);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(*out, 1, id);
    rc = sqlite3_step(*out);
    *exists = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        return SQLITE_OK;
    failed(content, rc, error);
    sqlite3_reset(*out);
    return error->code;
}

/* Whether the content was renamed while a cursor stands open: its statement fails then or, if
** another table has the name now, was prepared anew. */
static int was_renamed(ctx_content *content, int which, int code, bool *renamed,
                       ctx_error *error)
{
    ctx_config *config = content->config;
    sqlite3_stmt *statement = content->statement[which];
    const int before = config->renames;
    *renamed = false;
    bool lost = (code & 0xff) == SQLITE_ERROR;
    bool anew = code == SQLITE_OK &&
                sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_REPREPARE, true) > 0;
    if (config->content != CTX_CONTENT_EXTERNAL || !(lost || anew))
        return code;
    ctx_error other = {0};
    int found = ctx_follow(content->db, config, &other);
    *renamed = found == SQLITE_OK && config->renames != before;
    if (code != SQLITE_OK || found == SQLITE_OK)
        return code;
    sqlite3_reset(statement);
    *error = other;
    return found;
}

/* Steps to the one row with that id; *exists. The caller resets the statement. */
static int seek(ctx_content *content, int which, sqlite3_int64 id, sqlite3_stmt **out,
                bool *exists, ctx_error *error)
{
    bool renamed;
    int rc = seek_once(content, which, id, out, exists, error);
    rc = was_renamed(content, which, rc, &renamed, error);
    if (!renamed)
        return rc;
    ctx_content_reset(content);
    *error = (ctx_error){0};
    return seek_once(content, which, id, out, exists, error);
}

/* Runs a write to its end. */
static int finish(ctx_content *content, sqlite3_stmt *statement, ctx_error *error)
{
    int rc = sqlite3_step(statement);
    if (rc != SQLITE_DONE)
        failed(content, rc, error);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : error->code;
}

/* ---- Texts ---- */

int ctx_buffer_append(ctx_buffer *text, const void *data, size_t size)
{
    if (size > text->room - text->size) {
        size_t room = text->size + size + text->room / 2 + 256;
        char *grown = sqlite3_realloc64(text->data, room);
        if (!grown)
            return SQLITE_NOMEM;
        text->data = grown;
        text->room = room;
    }
    if (size)
        memcpy(text->data + text->size, data, size);
    text->size += size;
    return SQLITE_OK;
}

/* Appends a column's text; a newline goes before all but the first. */
static int append_text(ctx_buffer *text, const void *data, int size, bool *any)
{
    if (!data)
        return SQLITE_NOMEM;
    int rc = *any ? ctx_buffer_append(text, "\n", 1) : SQLITE_OK;
    *any = true;
    return rc == SQLITE_OK ? ctx_buffer_append(text, data, (size_t)size) : rc;
}

/* Of nothing but empty texts the row is one without text, not one of newlines. */
static void drop_empty(ctx_buffer *text, int texts, bool *any)
{
    if (text->size < (size_t)texts) {
        text->size = 0;
        *any = false;
    }
}

/* Whether there is something to embed in a value that is no BLOB. */
static bool has_text(sqlite3_value *value)
{
    int type = sqlite3_value_type(value);
    return type == SQLITE_TEXT ? sqlite3_value_bytes(value) > 0 : type != SQLITE_NULL;
}

int ctx_content_weigh(const ctx_config *config, sqlite3_value *const *values, bool *any,
                      size_t *bytes, ctx_error *error)
{
    *any = false;
    *bytes = 0;
    for (int i = 0; i < config->columns; i++) {
        int type = config->unindexed[i] ? SQLITE_NULL : sqlite3_value_type(values[i]);
        if (type == SQLITE_NULL)
            continue;
        if (type == SQLITE_BLOB)
            return ctx_fail(error, SQLITE_ERROR, config->name,
                            "column %s must be TEXT: got BLOB of %d bytes; use CAST(x AS "
                            "TEXT) if it is UTF-8 text, or make the column UNINDEXED",
                            config->column[i], sqlite3_value_bytes(values[i]));
        *any |= has_text(values[i]);
        if (type == SQLITE_TEXT)
            *bytes += (size_t)sqlite3_value_bytes(values[i]);
    }
    return SQLITE_OK;
}

int ctx_content_join(const ctx_config *config, sqlite3_value *const *values, ctx_buffer *text,
                     bool *any, ctx_error *error)
{
    size_t bytes;
    int texts = 0, rc = ctx_content_weigh(config, values, any, &bytes, error);
    *any = false;
    text->size = 0;
    for (int i = 0; i < config->columns && rc == SQLITE_OK; i++) {
        if (config->unindexed[i] || sqlite3_value_type(values[i]) == SQLITE_NULL)
            continue;
        const void *data = sqlite3_value_text(values[i]);
        if (append_text(text, data, sqlite3_value_bytes(values[i]), any) != SQLITE_OK)
            rc = ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
        texts++;
    }
    drop_empty(text, texts, any);
    return rc;
}

/* The indexed columns, all that GET_TEXT selects. A BLOB can be there only if it came without
** the triggers, and COMMIT must not fail for it: it is no text. */
static int join_row(const ctx_content *content, sqlite3_stmt *row, ctx_buffer *text, bool *any,
                    ctx_error *error)
{
    int columns = sqlite3_column_count(row), texts = 0;
    for (int i = 0; i < columns; i++) {
        int type = sqlite3_column_type(row, i);
        if (type == SQLITE_NULL || type == SQLITE_BLOB)
            continue;
        const void *data = sqlite3_column_text(row, i);
        if (append_text(text, data, sqlite3_column_bytes(row, i), any) != SQLITE_OK)
            return ctx_fail(error, SQLITE_NOMEM, content->config->name, "out of memory");
        texts++;
    }
    drop_empty(text, texts, any);
    return SQLITE_OK;
}

int ctx_content_text(ctx_content *content, sqlite3_int64 id, ctx_buffer *text, bool *exists,
                     bool *any, ctx_error *error)
{
    sqlite3_stmt *row;
    *exists = content->config->content == CTX_CONTENT_NONE;
    *any = false;
    text->size = 0;
    if (*exists)
        return SQLITE_OK;
    int rc = seek(content, GET_TEXT, id, &row, exists, error);
    if (rc != SQLITE_OK)
        return rc;
    if (*exists)
        rc = join_row(content, row, text, any, error);
    sqlite3_reset(row);
    return rc;
}

/* Versions of SQLite differ in how many of the digits they write that a REAL needs. */
static bool is_written_in_one_way(double number)
{
    char few[64], all[64];
    sqlite3_snprintf(sizeof few, few, "%!.15g", number);
    sqlite3_snprintf(sizeof all, all, "%!.17g", number);
    return strcmp(few, all) == 0;
}

int ctx_content_has_real(ctx_content *content, sqlite3_int64 id, bool *has, ctx_error *error)
{
    sqlite3_stmt *row;
    bool exists;
    *has = false;
    int rc = seek(content, GET_TEXT, id, &row, &exists, error);
    if (rc != SQLITE_OK)
        return rc;
    for (int i = 0; exists && i < sqlite3_column_count(row); i++)
        *has |= sqlite3_column_type(row, i) == SQLITE_FLOAT &&
                !is_written_in_one_way(sqlite3_column_double(row, i));
    sqlite3_reset(row);
    return SQLITE_OK;
}

/* ---- Rows ---- */

int ctx_content_exists(ctx_content *content, sqlite3_int64 id, bool *exists,
                       ctx_error *error)
{
    sqlite3_stmt *row;
    *exists = true;
    if (content->config->content == CTX_CONTENT_NONE)
        return SQLITE_OK;
    int rc = seek(content, HAS_ROW, id, &row, exists, error);
    if (rc == SQLITE_OK)
        sqlite3_reset(row);
    return rc;
}

/* Brings a row to hand; *row NULL if there is none. */
static int fetch(ctx_content *content, sqlite3_int64 id, sqlite3_stmt **row, ctx_error *error)
{
    *row = content->statement[GET_ROW];
    if (content->at_hand && content->id == id)
        return SQLITE_OK;
    content->at_hand = false;
    if (*row)
        sqlite3_reset(*row);
    int rc = seek(content, GET_ROW, id, row, &content->at_hand, error);
    content->id = id;
    if (rc != SQLITE_OK)
        return rc;
    if (!content->at_hand) {
        sqlite3_reset(*row);
        *row = NULL;
    }
    return SQLITE_OK;
}

int ctx_content_shown(ctx_content *content, sqlite3_int64 id, ctx_buffer *text, bool *exists,
                      ctx_error *error)
{
    const ctx_config *config = content->config;
    sqlite3_stmt *row;
    bool any = false;
    int texts = 0, rc = fetch(content, id, &row, error);
    text->size = 0;
    *exists = rc == SQLITE_OK && row;
    for (int i = 0; *exists && i < config->columns && rc == SQLITE_OK; i++) {
        int type = config->unindexed[i] ? SQLITE_NULL : sqlite3_column_type(row, i);
        if (type == SQLITE_NULL || type == SQLITE_BLOB)
            continue;
        /* A number in a column that is to be shown stays one: its copy becomes text. */
        sqlite3_value *copy =
            type == SQLITE_TEXT ? NULL : sqlite3_value_dup(sqlite3_column_value(row, i));
        const void *data = copy ? sqlite3_value_text(copy) : sqlite3_column_text(row, i);
        int size = copy ? sqlite3_value_bytes(copy) : sqlite3_column_bytes(row, i);
        if (append_text(text, data, size, &any) != SQLITE_OK)
            rc = ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
        sqlite3_value_free(copy);
        texts++;
    }
    drop_empty(text, texts, &any);
    return rc;
}

int ctx_content_result(ctx_content *content, sqlite3_int64 id, int column,
                       sqlite3_context *context, ctx_error *error)
{
    sqlite3_stmt *row;
    if (content->config->content == CTX_CONTENT_NONE)
        return SQLITE_OK;
    int rc = fetch(content, id, &row, error);
    if (rc == SQLITE_OK && row)
        sqlite3_result_value(context, sqlite3_column_value(row, column));
    return rc;
}

static bool same_text(sqlite3_value *a, sqlite3_value *b)
{
    bool none = sqlite3_value_type(a) == SQLITE_NULL;
    if (none || sqlite3_value_type(b) == SQLITE_NULL)
        return none && sqlite3_value_type(b) == SQLITE_NULL;
    const void *left = sqlite3_value_text(a), *right = sqlite3_value_text(b);
    int size = sqlite3_value_bytes(a);
    return left && right && size == sqlite3_value_bytes(b) &&
           memcmp(left, right, (size_t)size) == 0;
}

int ctx_content_compare(ctx_content *content, sqlite3_int64 id, sqlite3_value *const *values,
                        bool *differs, bool *any, ctx_error *error)
{
    const ctx_config *config = content->config;
    sqlite3_stmt *row;
    *any = *differs = false;
    int rc = fetch(content, id, &row, error);
    for (int i = 0; i < config->columns && rc == SQLITE_OK; i++) {
        if (config->unindexed[i])
            continue;
        bool kept = sqlite3_value_nochange(values[i]);
        sqlite3_value *before = NULL, *after = values[i];
        /* A column's value is unprotected: to be looked at it is copied. */
        if (row && !(before = sqlite3_value_dup(sqlite3_column_value(row, i))))
            rc = ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
        if (kept && before)
            after = before;
        *any |= has_text(after);
        *differs |= !kept && (!before || !same_text(before, after));
        sqlite3_value_free(before);
    }
    ctx_content_rest(content);
    return rc;
}

int ctx_content_next(ctx_content *content, sqlite3_int64 from, sqlite3_int64 *id, bool *found,
                     ctx_error *error)
{
    sqlite3_stmt *row;
    *found = false;
    if (content->config->content == CTX_CONTENT_NONE)
        return SQLITE_OK;
    int rc = seek(content, NEXT_ROW, from, &row, found, error);
    if (rc != SQLITE_OK)
        return rc;
    if (*found)
        *id = sqlite3_column_int64(row, 0);
    sqlite3_reset(row);
    return SQLITE_OK;
}

int ctx_content_last(ctx_content *content, sqlite3_int64 *id, bool *found, ctx_error *error)
{
    sqlite3_stmt *row;
    int rc = use(content, LAST_ROW, &row, error);
    *found = false;
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(row);
    *found = rc == SQLITE_ROW;
    if (*found)
        *id = sqlite3_column_int64(row, 0);
    else if (rc != SQLITE_DONE)
        failed(content, rc, error);
    sqlite3_reset(row);
    return *found || rc == SQLITE_DONE ? SQLITE_OK : error->code;
}

/* ---- Writes ---- */

int ctx_content_write(ctx_content *content, sqlite3_int64 id, sqlite3_value *const *values,
                      ctx_error *error)
{
    sqlite3_stmt *statement;
    int rc = use(content, ADD_ROW, &statement, error);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(statement, 1, id);
    for (int i = 0; i < content->config->columns && rc == SQLITE_OK; i++)
        rc = sqlite3_bind_value(statement, i + 2, values[i]);
    if (rc != SQLITE_OK)
        return failed(content, rc, error);
    return finish(content, statement, error);
}

int ctx_content_change(ctx_content *content, sqlite3_int64 id, sqlite3_int64 to,
                       sqlite3_value *const *values, ctx_error *error)
{
    sqlite3_stmt *statement;
    int rc = use(content, CHANGE_ROW, &statement, error);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(statement, 1, id);
    sqlite3_bind_int64(statement, 2, to);
    for (int i = 0; i < content->config->columns && rc == SQLITE_OK; i++) {
        bool kept = sqlite3_value_nochange(values[i]);
        sqlite3_bind_int(statement, 2 * i + 3, !kept);
        if (!kept)
            rc = sqlite3_bind_value(statement, 2 * i + 4, values[i]);
    }
    if (rc != SQLITE_OK)
        return failed(content, rc, error);
    return finish(content, statement, error);
}

int ctx_content_erase(ctx_content *content, sqlite3_int64 id, ctx_error *error)
{
    sqlite3_stmt *statement;
    int rc = use(content, DROP_ROW, &statement, error);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(statement, 1, id);
    return finish(content, statement, error);
}
