/*
** config.c - a configuration's life and its shadow table: see config.h.
**
**   NAME_config (name TEXT PRIMARY KEY, value, sum INTEGER) WITHOUT ROWID
**
** One row for each setting, for each column ('column 0', ... : its name; 'unindexed 0', ...;
** 'source 0', ... : the content's name for it where that is another one, from format 2 on),
** 'format', 'version', 'fingerprint' and 'weights'. `sum` is a checksum of name and value, so
** that a damaged row is found when it is read.
*/
#include "config.h"

#include <string.h>

#include "config_settings.h"
#include "index.h"

enum { FORMAT = 2, FORMAT_WITH_SOURCES = 2 };

static int out_of_memory(const ctx_config *config, ctx_error *error)
{
    return ctx_fail(error, SQLITE_NOMEM, config->name ? config->name : "semantic",
                    "out of memory");
}

/* ---- Life ---- */

int ctx_config_name(const char *const *argv, ctx_config *config, ctx_error *error)
{
    memset(config, 0, sizeof *config);
    config->version = -1;
    config->schema = sqlite3_mprintf("%s", argv[1]);
    config->name = sqlite3_mprintf("%s", argv[2]);
    return config->schema && config->name ? SQLITE_OK : out_of_memory(config, error);
}

void ctx_config_reset(ctx_config *config)
{
    sqlite3_finalize(config->watch);
    config->watch = NULL;
    config->followed = false;
}

/* Frees what ctx_config_load reads. */
static void clear_settings(ctx_config *config)
{
    for (int i = 0; i < config->columns; i++) {
        sqlite3_free(config->column[i]);
        sqlite3_free(config->source[i]);
    }
    sqlite3_free(config->column);
    sqlite3_free(config->source);
    sqlite3_free(config->unindexed);
    for (int i = 0; i < ctx_setting_count; i++)
        if (ctx_settings[i].kind == CTX_SETTING_TEXT)
            sqlite3_free(*(char **)ctx_setting_place(&ctx_settings[i], config));
}

void ctx_config_clear(ctx_config *config)
{
    ctx_config_reset(config);
    clear_settings(config);
    sqlite3_free(config->schema);
    sqlite3_free(config->name);
    memset(config, 0, sizeof *config);
}

/* ---- The geometry ---- */

void ctx_config_set_dimensions(ctx_config *config, int dimensions)
{
    config->dimensions = dimensions;
    ctx_storage_geometry(ctx_config_codes(config), dimensions, config->index == CTX_INDEX_IVF,
                         &config->block_rows, &config->part_rows);
}

/* ---- Rows of the table ---- */

static sqlite3_int64 sum_of(const char *name, int type, const char *text, size_t size)
{
    uint64_t sum = enc_checksum(name, strlen(name)) * 31 + (uint64_t)type;
    return (sqlite3_int64)(sum * 31 + enc_checksum(text, size));
}

sqlite3_int64 ctx_config_sum(const char *name, sqlite3_int64 value)
{
    char digits[32];
    sqlite3_snprintf(sizeof digits, digits, "%lld", value);
    return sum_of(name, SQLITE_INTEGER, digits, strlen(digits));
}

/* The checksum of a row: its name, its value's type, its value; 0 for NULL. SQLITE_NOMEM. */
static int row_sum(const char *name, sqlite3_value *value, sqlite3_int64 *out)
{
    int type = sqlite3_value_type(value);
    *out = 0;
    if (type == SQLITE_NULL)
        return SQLITE_OK;
    if (type == SQLITE_INTEGER) {
        *out = ctx_config_sum(name, sqlite3_value_int64(value));
        return SQLITE_OK;
    }
    const char *text = (const char *)sqlite3_value_text(value);
    if (!text)
        return SQLITE_NOMEM;
    *out = sum_of(name, type, text, (size_t)sqlite3_value_bytes(value));
    return SQLITE_OK;
}

typedef struct writer {
    sqlite3 *db;
    const ctx_config *config;
    ctx_error *error;
    sqlite3_stmt *value; /* SELECT ?1: makes a value of what is bound */
    sqlite3_stmt *insert;
} writer;

static int writer_open(writer *w, sqlite3 *db, const ctx_config *config, ctx_error *error)
{
    *w = (writer){.db = db, .config = config, .error = error};
    int code = sqlite3_prepare_v2(db, "SELECT ?1", -1, &w->value, NULL);
    if (code != SQLITE_OK)
        return ctx_shadow_failed(db, config, code, error);
    return ctx_shadow_prepare(db, config, &w->insert, error,
                              "REPLACE INTO \"%w\".\"%w_config\" VALUES (?1, ?2, ?3)");
}

static void writer_close(writer *w)
{
    sqlite3_finalize(w->value);
    sqlite3_finalize(w->insert);
}

/* Binds the row `name` with a copy of what w->value gives. A value that could not be bound
** would be written as NULL. */
static int bind_row(writer *w, const char *name)
{
    sqlite3_int64 sum;
    sqlite3_value *copy = sqlite3_value_dup(sqlite3_column_value(w->value, 0));
    if (!copy)
        return SQLITE_NOMEM;
    int code = row_sum(name, copy, &sum);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(w->insert, 1, name, -1, SQLITE_TRANSIENT);
    if (code == SQLITE_OK)
        code = sqlite3_bind_value(w->insert, 2, copy);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(w->insert, 3, sum);
    sqlite3_value_free(copy);
    return code;
}

/* Writes the row `name` with what is bound to w->value; `bound`: how that went. */
static int write_row(writer *w, const char *name, int bound)
{
    int code = bound == SQLITE_OK ? sqlite3_step(w->value) : bound;
    if (code == SQLITE_ROW) {
        code = bind_row(w, name);
        if (code == SQLITE_OK) {
            sqlite3_step(w->insert);
            code = sqlite3_reset(w->insert);
        }
    }
    sqlite3_reset(w->value);
    return code == SQLITE_OK ? code : ctx_shadow_failed(w->db, w->config, code, w->error);
}

static int write_text(writer *w, const char *name, const char *text)
{
    return write_row(w, name, sqlite3_bind_text(w->value, 1, text, -1, SQLITE_STATIC));
}

static int write_integer(writer *w, const char *name, sqlite3_int64 number)
{
    return write_row(w, name, sqlite3_bind_int64(w->value, 1, number));
}

static int write_weights(writer *w, const char *name, const double *weights)
{
    char text[64];
    sqlite3_snprintf(sizeof text, text, "%.8f,%.8f", weights[0], weights[1]);
    return write_text(w, name, text);
}

static int write_setting(writer *w, const ctx_setting *setting)
{
    const void *place = ctx_setting_place(setting, w->config);
    switch (setting->kind) {
    case CTX_SETTING_TEXT: return write_text(w, setting->name, *(char *const *)place);
    case CTX_SETTING_BOOLEAN: return write_integer(w, setting->name, *(const bool *)place);
    case CTX_SETTING_LARGE:
        return write_integer(w, setting->name, *(const sqlite3_int64 *)place);
    case CTX_SETTING_WEIGHTS: return write_weights(w, setting->name, place);
    default: return write_integer(w, setting->name, *(const int *)place);
    }
}

static int write_source(writer *w, int column)
{
    char name[40];
    sqlite3_snprintf(sizeof name, name, "source %d", column);
    return write_text(w, name, w->config->source[column]);
}

static int write_columns(writer *w)
{
    const ctx_config *config = w->config;
    char name[40];
    int code = write_integer(w, "columns", config->columns);
    for (int i = 0; i < config->columns && code == SQLITE_OK; i++) {
        sqlite3_snprintf(sizeof name, name, "column %d", i);
        code = write_text(w, name, config->column[i]);
        sqlite3_snprintf(sizeof name, name, "unindexed %d", i);
        if (code == SQLITE_OK)
            code = write_integer(w, name, config->unindexed[i]);
        if (code == SQLITE_OK)
            code = write_source(w, i);
    }
    return code;
}

/* All of it; `learnt`: only what may change after CREATE. */
static int write_all(sqlite3 *db, ctx_config *config, bool learnt, ctx_error *error)
{
    writer w;
    int code = writer_open(&w, db, config, error);
    if (code == SQLITE_OK && !learnt)
        code = write_integer(&w, "format", FORMAT);
    if (code == SQLITE_OK && !learnt)
        code = write_columns(&w);
    for (int i = 0; i < ctx_setting_count && code == SQLITE_OK; i++)
        if (!learnt || !ctx_settings[i].option)
            code = write_setting(&w, &ctx_settings[i]);
    if (code == SQLITE_OK)
        code = write_text(&w, "fingerprint", config->fingerprint);
    if (code == SQLITE_OK)
        code = write_integer(&w, "version", config->version + 1);
    if (code == SQLITE_OK)
        config->version++;
    writer_close(&w);
    return code;
}

int ctx_config_create(sqlite3 *db, ctx_config *config, ctx_error *error)
{
    int code = ctx_shadow_run(db, config, error,
                              "CREATE TABLE \"%w\".\"%w_config\"(name TEXT PRIMARY KEY, value, "
                              "sum INTEGER) WITHOUT ROWID");
    /* An object of another index that had this name must not take this one for its own. */
    config->version = (sqlite3_int64)(enc_random() >> 2);
    return code == SQLITE_OK ? write_all(db, config, false, error) : code;
}

int ctx_config_save(sqlite3 *db, ctx_config *config, ctx_error *error)
{
    return write_all(db, config, true, error);
}

/* The format, too: an older one may be without the rows of `source`. */
int ctx_config_save_names(sqlite3 *db, ctx_config *config, ctx_error *error)
{
    writer w;
    int code = writer_open(&w, db, config, error);
    if (code == SQLITE_OK)
        code = write_integer(&w, "format", FORMAT);
    for (int i = 0; i < config->columns && code == SQLITE_OK; i++)
        code = write_source(&w, i);
    if (code == SQLITE_OK)
        code = write_text(&w, "content_rowid", config->content_rowid);
    writer_close(&w);
    if (code == SQLITE_OK)
        code = ctx_config_save(db, config, error);
    if (code == SQLITE_OK)
        config->moved = false;
    return code;
}

/* ---- Reading ---- */

static int damaged(const ctx_config *config, const char *name, ctx_error *error)
{
    return ctx_fail(error, SQLITE_CORRUPT_VTAB, config->name,
                    "row '%s' of %s_config is missing or damaged: drop the index and make it "
                    "anew", name, config->name);
}

typedef struct reader {
    sqlite3 *db;
    ctx_config *config;
    ctx_error *error;
    sqlite3_stmt *select;
    sqlite3_int64 format;
} reader;

static int reader_open(reader *r, sqlite3 *db, ctx_config *config, ctx_error *error)
{
    *r = (reader){.db = db, .config = config, .error = error};
    return ctx_shadow_prepare(db, config, &r->select, error,
                              "SELECT value, sum FROM \"%w\".\"%w_config\" WHERE name = ?1");
}

/* The value of row `name`, valid until the next call; NULL in *out if there is no such row. */
static int find_row(reader *r, const char *name, sqlite3_value **out)
{
    sqlite3_reset(r->select);
    *out = NULL;
    int code = sqlite3_bind_text(r->select, 1, name, -1, SQLITE_TRANSIENT);
    if (code == SQLITE_OK)
        code = sqlite3_step(r->select);
    if (code == SQLITE_DONE)
        return SQLITE_OK;
    if (code != SQLITE_ROW)
        return ctx_shadow_failed(r->db, r->config, code, r->error);
    int type = sqlite3_column_type(r->select, 0);
    bool whole = sqlite3_column_type(r->select, 1) == SQLITE_INTEGER &&
                 (type == SQLITE_INTEGER || type == SQLITE_TEXT || type == SQLITE_NULL);
    sqlite3_int64 sum = sqlite3_column_int64(r->select, 1), right = 0;
    *out = sqlite3_column_value(r->select, 0);
    /* The text of an integer would change the value's type: the sum is over a copy. */
    sqlite3_value *copy = sqlite3_value_dup(*out);
    if (!copy)
        return out_of_memory(r->config, r->error);
    code = whole ? row_sum(name, copy, &right) : SQLITE_OK;
    sqlite3_value_free(copy);
    if (code != SQLITE_OK)
        return out_of_memory(r->config, r->error);
    whole = whole && sum == right;
    return whole ? SQLITE_OK : damaged(r->config, name, r->error);
}

static int read_integer(reader *r, const char *name, sqlite3_int64 least, sqlite3_int64 most,
                        sqlite3_int64 *number)
{
    sqlite3_value *value;
    int code = find_row(r, name, &value);
    if (code != SQLITE_OK)
        return code;
    if (!value || sqlite3_value_type(value) != SQLITE_INTEGER)
        return damaged(r->config, name, r->error);
    *number = sqlite3_value_int64(value);
    if (*number < least || *number > most)
        return damaged(r->config, name, r->error);
    return SQLITE_OK;
}

/* *text: sqlite3_malloc'ed, or NULL. */
static int read_text(reader *r, const char *name, char **text)
{
    sqlite3_value *value;
    *text = NULL;
    int code = find_row(r, name, &value);
    if (code != SQLITE_OK)
        return code;
    if (!value || sqlite3_value_type(value) == SQLITE_INTEGER)
        return damaged(r->config, name, r->error);
    if (sqlite3_value_type(value) == SQLITE_NULL)
        return SQLITE_OK;
    const unsigned char *found = sqlite3_value_text(value); /* of UTF-16 a conversion */
    *text = found ? sqlite3_mprintf("%s", found) : NULL;
    return *text ? SQLITE_OK : out_of_memory(r->config, r->error);
}

static int read_weights(reader *r, const char *name, double *weights)
{
    char *text;
    int code = read_text(r, name, &text);
    if (code == SQLITE_OK && (!text || !ctx_weights_parse(text, weights)))
        code = damaged(r->config, name, r->error);
    sqlite3_free(text);
    return code;
}

static int read_setting(reader *r, const ctx_setting *setting)
{
    void *place = ctx_setting_place(setting, r->config);
    sqlite3_int64 number, least = setting->least, most = setting->most;
    if (setting->kind == CTX_SETTING_TEXT)
        return read_text(r, setting->name, place);
    if (setting->kind == CTX_SETTING_WEIGHTS)
        return read_weights(r, setting->name, place);
    if (setting->choices[0])
        for (least = 0, most = -1; setting->choices[most + 1];)
            most++;
    int code = read_integer(r, setting->name, least, most, &number);
    if (code != SQLITE_OK)
        return code;
    if (setting->kind == CTX_SETTING_BOOLEAN)
        *(bool *)place = number;
    else if (setting->kind == CTX_SETTING_LARGE)
        *(sqlite3_int64 *)place = number;
    else
        *(int *)place = (int)number;
    return SQLITE_OK;
}

static int read_columns(reader *r)
{
    sqlite3_int64 columns, unindexed;
    char name[40], *column;
    int code = read_integer(r, "columns", 1, CTX_MOST_COLUMNS, &columns);
    for (int i = 0; code == SQLITE_OK && i < columns; i++) {
        sqlite3_snprintf(sizeof name, name, "unindexed %d", i);
        code = read_integer(r, name, 0, 1, &unindexed);
        sqlite3_snprintf(sizeof name, name, "column %d", i);
        if (code == SQLITE_OK)
            code = read_text(r, name, &column);
        if (code == SQLITE_OK && !column)
            code = damaged(r->config, name, r->error);
        if (code == SQLITE_OK &&
            ctx_config_add_column(r->config, column, unindexed != 0) != SQLITE_OK)
            code = out_of_memory(r->config, r->error);
        sqlite3_snprintf(sizeof name, name, "source %d", i);
        if (code == SQLITE_OK && r->format >= FORMAT_WITH_SOURCES)
            code = read_text(r, name, &r->config->source[i]);
    }
    return code;
}

static int read_fingerprint(reader *r)
{
    char *text;
    int code = read_text(r, "fingerprint", &text);
    if (code == SQLITE_OK && (!text || strlen(text) >= CTX_FINGERPRINT_SIZE))
        code = damaged(r->config, "fingerprint", r->error);
    if (code == SQLITE_OK)
        memcpy(r->config->fingerprint, text, strlen(text) + 1);
    sqlite3_free(text);
    return code;
}

/* What must hold between settings for the code to rely on them. */
static int check_loaded(const ctx_config *c, ctx_error *error)
{
    bool geometry = c->dimensions == 0 ||
                    (c->part_rows > 0 && c->block_rows > 0 &&
                     c->block_rows % c->part_rows == 0);
    if (!geometry)
        return damaged(c, "block_rows", error);
    if (c->content == CTX_CONTENT_EXTERNAL && (!c->content_table || !c->content_rowid))
        return damaged(c, "content_table", error);
    return c->model ? SQLITE_OK : damaged(c, "model", error);
}

static int read_format(reader *r)
{
    int code = read_integer(r, "format", 1, INT32_MAX, &r->format);
    if (code == SQLITE_OK && r->format > FORMAT)
        return ctx_fail(r->error, SQLITE_ERROR, r->config->name,
                        "a newer version of the extension made this index: it has format %lld, "
                        "and this one, contextual %s, knows %d", r->format, enc_version(),
                        FORMAT);
    return code;
}

/* Into a new structure, so that a failure leaves the old one as it was. */
int ctx_config_load(sqlite3 *db, ctx_config *config, ctx_error *error)
{
    ctx_config fresh = {.schema = config->schema, .name = config->name};
    reader r;
    sqlite3_int64 version = 0;
    int code = reader_open(&r, db, &fresh, error);
    if (code == SQLITE_OK)
        code = read_format(&r);
    if (code == SQLITE_OK)
        code = read_integer(&r, "version", 0, INT64_MAX - 1, &version);
    if (code == SQLITE_OK)
        code = read_columns(&r);
    for (int i = 0; i < ctx_setting_count && code == SQLITE_OK; i++)
        code = read_setting(&r, &ctx_settings[i]);
    if (code == SQLITE_OK)
        code = read_fingerprint(&r);
    if (code == SQLITE_OK)
        code = check_loaded(&fresh, error);
    sqlite3_finalize(r.select);
    if (code != SQLITE_OK) {
        clear_settings(&fresh);
        return code;
    }
    clear_settings(config);
    fresh.version = version;
    fresh.watch = config->watch;
    *config = fresh;
    return SQLITE_OK;
}

int ctx_config_refresh(sqlite3 *db, ctx_config *config, ctx_error *error)
{
    int code = SQLITE_OK;
    if (!config->watch)
        code = ctx_shadow_prepare(db, config, &config->watch, error,
                                  "SELECT value FROM \"%w\".\"%w_config\" "
                                  "WHERE name = 'version'");
    if (code != SQLITE_OK)
        return code;
    bool same = sqlite3_step(config->watch) == SQLITE_ROW &&
                sqlite3_column_int64(config->watch, 0) == config->version;
    code = sqlite3_reset(config->watch);
    /* Whatever changes the schema, here or in another process, has it prepared anew. */
    if (sqlite3_stmt_status(config->watch, SQLITE_STMTSTATUS_REPREPARE, true) > 0)
        config->followed = false;
    if (!config->followed && config->moved) /* from the names that are stored, then */
        same = false;
    if (code != SQLITE_OK)
        return ctx_shadow_failed(db, config, code, error);
    return same ? SQLITE_OK : ctx_config_load(db, config, error);
}

/* ---- Single values ---- */

int ctx_config_put(sqlite3 *db, const ctx_config *config, const char *name,
                   sqlite3_int64 value, ctx_error *error)
{
    writer w;
    int code = writer_open(&w, db, config, error);
    if (code == SQLITE_OK)
        code = write_integer(&w, name, value);
    writer_close(&w);
    return code;
}

int ctx_config_put_text(sqlite3 *db, const ctx_config *config, const char *name,
                        const char *text, ctx_error *error)
{
    writer w;
    int code = writer_open(&w, db, config, error);
    if (code == SQLITE_OK)
        code = write_text(&w, name, text);
    writer_close(&w);
    return code;
}

int ctx_config_drop(sqlite3 *db, const ctx_config *config, const char *name, ctx_error *error)
{
    return ctx_shadow_run(db, config, error,
                          "DELETE FROM \"%w\".\"%w_config\" WHERE name = %Q", name);
}

int ctx_config_get(sqlite3 *db, const ctx_config *config, const char *name,
                   sqlite3_int64 *value, bool *found, ctx_error *error)
{
    ctx_config place = *config; /* the reader's, which writes only what is asked */
    reader r;
    sqlite3_value *row = NULL;
    int code = reader_open(&r, db, &place, error);
    if (code == SQLITE_OK)
        code = find_row(&r, name, &row);
    *found = row != NULL;
    if (code == SQLITE_OK && row && sqlite3_value_type(row) != SQLITE_INTEGER)
        code = damaged(config, name, error);
    if (code == SQLITE_OK && row)
        *value = sqlite3_value_int64(row);
    sqlite3_finalize(r.select);
    return code;
}

int ctx_config_get_text(sqlite3 *db, const ctx_config *config, const char *name, char **text,
                        ctx_error *error)
{
    ctx_config place = *config;
    reader r;
    *text = NULL;
    int code = reader_open(&r, db, &place, error);
    if (code == SQLITE_OK)
        code = read_text(&r, name, text);
    sqlite3_finalize(r.select);
    return code;
}
