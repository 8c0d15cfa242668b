/* pending_sum.c - see pending_sum.h. */
#include "pending_sum.h"

static const char total_name[] = "pending"; /* in NAME_config */

/* ---- Rows ---- */

sqlite3_int64 ctx_pending_body(enc_text text, const void *vector, size_t bytes)
{
    uint64_t parts[2] = {text.data ? enc_checksum(text.data, text.size) : 0,
                         vector ? enc_checksum(vector, bytes) : 0};
    return (sqlite3_int64)enc_checksum(parts, sizeof parts);
}

sqlite3_int64 ctx_pending_sum(sqlite3_int64 id, int gone, int fresh, sqlite3_int64 body)
{
    const sqlite3_int64 parts[4] = {id, gone, fresh, body};
    return (sqlite3_int64)(enc_checksum(parts, sizeof parts) >> 32);
}

static bool is_flag(sqlite3_stmt *row, int column)
{
    sqlite3_int64 value = sqlite3_column_int64(row, column);
    return sqlite3_column_type(row, column) == SQLITE_INTEGER && (value == 0 || value == 1);
}

bool ctx_pending_head_sound(sqlite3_stmt *row)
{
    if (!is_flag(row, CTX_PENDING_GONE_COLUMN) || !is_flag(row, CTX_PENDING_FRESH) ||
        sqlite3_column_type(row, CTX_PENDING_BODY) != SQLITE_INTEGER ||
        sqlite3_column_type(row, CTX_PENDING_SUM) != SQLITE_INTEGER)
        return false;
    return ctx_pending_sum(sqlite3_column_int64(row, CTX_PENDING_ID),
                           sqlite3_column_int(row, CTX_PENDING_GONE_COLUMN),
                           sqlite3_column_int(row, CTX_PENDING_FRESH),
                           sqlite3_column_int64(row, CTX_PENDING_BODY)) ==
           sqlite3_column_int64(row, CTX_PENDING_SUM);
}

/* A BLOB's bytes; NULL for NULL, and never for an empty one. */
static const void *bytes_of(sqlite3_stmt *row, int column, size_t *size)
{
    const void *data = sqlite3_column_blob(row, column);
    *size = (size_t)sqlite3_column_bytes(row, column);
    return !data && sqlite3_column_type(row, column) == SQLITE_BLOB ? "" : data;
}

static bool is_bytes(sqlite3_stmt *row, int column)
{
    int type = sqlite3_column_type(row, column);
    return type == SQLITE_BLOB || type == SQLITE_NULL;
}

bool ctx_pending_sound(sqlite3_stmt *row)
{
    size_t size, bytes;
    if (!ctx_pending_head_sound(row) || !is_bytes(row, CTX_PENDING_TEXT) ||
        !is_bytes(row, CTX_PENDING_VECTOR))
        return false;
    const char *text = bytes_of(row, CTX_PENDING_TEXT, &size);
    const void *vector = bytes_of(row, CTX_PENDING_VECTOR, &bytes);
    return ctx_pending_body((enc_text){text, size}, vector, bytes) ==
           sqlite3_column_int64(row, CTX_PENDING_BODY);
}

static const char *remedy(const ctx_config *config)
{
    return config->content == CTX_CONTENT_NONE ? "'delete-all', and give the rows again"
                                               : "'rebuild' makes the index anew";
}

int ctx_pending_damaged(const ctx_config *config, sqlite3_int64 id, ctx_error *error)
{
    return ctx_fail(error, SQLITE_CORRUPT_VTAB, config->name,
                    "row %lld of %s_pending is damaged: %s", id, config->name, remedy(config));
}

/* ---- The total ---- */

void ctx_pending_total_reset(ctx_pending_total *total)
{
    sqlite3_finalize(total->read);
    sqlite3_finalize(total->write);
    total->read = total->write = NULL;
    total->known = false;
}

static int failed(ctx_pending_total *total, int code, ctx_error *error)
{
    return ctx_shadow_failed(total->db, total->config, code, error);
}

static int wrong_total(const ctx_pending_total *total, ctx_error *error)
{
    const char *name = total->config->name;
    return ctx_fail(error, SQLITE_CORRUPT_VTAB, name,
                    "rows of %s_pending are missing or damaged, or row '%s' of %s_config: %s",
                    name, total_name, name, remedy(total->config));
}

static int read_total(ctx_pending_total *total, sqlite3_int64 *value, ctx_error *error)
{
    sqlite3_stmt **read = &total->read;
    int code = SQLITE_OK;
    if (!*read)
        code = ctx_shadow_prepare(total->db, total->config, read, error, "SELECT value, sum "
                                  "FROM \"%w\".\"%w_config\" WHERE name = %Q", total_name);
    if (code != SQLITE_OK)
        return code;
    code = sqlite3_step(*read);
    bool sound = code == SQLITE_ROW && sqlite3_column_type(*read, 0) == SQLITE_INTEGER &&
                 sqlite3_column_type(*read, 1) == SQLITE_INTEGER &&
                 ctx_config_sum(total_name, sqlite3_column_int64(*read, 0)) ==
                     sqlite3_column_int64(*read, 1);
    if (sound)
        *value = sqlite3_column_int64(*read, 0);
    sqlite3_reset(*read);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return failed(total, code, error);
    return sound ? SQLITE_OK : wrong_total(total, error);
}

static int write_total(ctx_pending_total *total, sqlite3_int64 value, ctx_error *error)
{
    sqlite3_stmt **write = &total->write;
    int code = SQLITE_OK;
    if (!*write)
        code = ctx_shadow_prepare(total->db, total->config, write, error,
                                  "REPLACE INTO \"%w\".\"%w_config\" VALUES(%Q, ?1, ?2)",
                                  total_name);
    if (code != SQLITE_OK)
        return code;
    sqlite3_bind_int64(*write, 1, value);
    sqlite3_bind_int64(*write, 2, ctx_config_sum(total_name, value));
    sqlite3_step(*write);
    code = sqlite3_reset(*write);
    return code == SQLITE_OK ? code : failed(total, code, error);
}

static sqlite3_int64 weight(sqlite3_int64 sum)
{
    return (sqlite3_int64)((1ull << 32) + ((uint64_t)sum & 0xffffffffu));
}

/* Adds to the total, and `rows` to their number; what is proven stays so. Without signs: what is
** damaged may be as large as it likes. */
static int add(ctx_pending_total *total, uint64_t more, sqlite3_int64 rows, ctx_error *error)
{
    sqlite3_int64 value;
    int code = read_total(total, &value, error);
    if (code != SQLITE_OK)
        return code;
    const bool proven = total->known && total->proven == value;
    value = (sqlite3_int64)((uint64_t)value + more);
    code = write_total(total, value, error);
    total->known = proven && code == SQLITE_OK;
    total->proven = value;
    total->rows += rows;
    return code;
}

int ctx_pending_total_change(ctx_pending_total *total, const sqlite3_int64 *was,
                             const sqlite3_int64 *is, ctx_error *error)
{
    uint64_t more = (uint64_t)(is ? weight(*is) : 0) - (uint64_t)(was ? weight(*was) : 0);
    if (!total->config->manual)
        return SQLITE_OK;
    return add(total, more, (is != NULL) - (was != NULL), error);
}

/* Adds up the rows with ids up to `last`; stops at one that is not sound, unless `any` do. */
static int add_up(ctx_pending_total *total, sqlite3_int64 last, bool any, sqlite3_int64 *value,
                  sqlite3_int64 *rows, ctx_error *error)
{
    sqlite3_stmt *row;
    uint64_t sum = 0;
    int step, code = ctx_shadow_prepare(total->db, total->config, &row, error,
                                        "SELECT id, gone, fresh, body, sum FROM "
                                        "\"%w\".\"%w_pending\" WHERE id <= %lld", last);
    if (code != SQLITE_OK)
        return code;
    *rows = 0;
    while ((step = sqlite3_step(row)) == SQLITE_ROW && code == SQLITE_OK) {
        if (!any && !ctx_pending_head_sound(row))
            code = ctx_pending_damaged(total->config, sqlite3_column_int64(row, 0), error);
        sum += (uint64_t)weight(sqlite3_column_int64(row, CTX_PENDING_SUM));
        ++*rows;
    }
    if (code == SQLITE_OK && step != SQLITE_DONE)
        code = failed(total, step, error);
    sqlite3_finalize(row);
    *value = (sqlite3_int64)sum;
    return code;
}

int ctx_pending_total_done(ctx_pending_total *total, sqlite3_int64 last, ctx_error *error)
{
    sqlite3_int64 value, rows;
    if (!total->config->manual)
        return SQLITE_OK;
    int code = add_up(total, last, false, &value, &rows, error);
    return code == SQLITE_OK ? add(total, 0 - (uint64_t)value, -rows, error) : code;
}

int ctx_pending_total_renew(ctx_pending_total *total, ctx_error *error)
{
    sqlite3_int64 value, rows;
    total->known = false;
    if (!total->config->manual)
        return SQLITE_OK;
    int code = add_up(total, INT64_MAX, true, &value, &rows, error);
    return code == SQLITE_OK ? write_total(total, value, error) : code;
}

int ctx_pending_total_prove(ctx_pending_total *total, sqlite3_int64 *rows, ctx_error *error)
{
    const bool manual = total->config->manual;
    sqlite3_int64 wanted = 0, value;
    int code = manual ? read_total(total, &wanted, error) : SQLITE_OK;
    if (code == SQLITE_OK && manual && total->known && total->proven == wanted) {
        *rows = total->rows;
        return SQLITE_OK;
    }
    if (code == SQLITE_OK)
        code = add_up(total, INT64_MAX, false, &value, rows, error);
    if (code != SQLITE_OK)
        return code;
    if (manual && value != wanted)
        return wrong_total(total, error);
    total->known = manual;
    total->proven = value;
    total->rows = *rows;
    return SQLITE_OK;
}
