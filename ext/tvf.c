/*
** tvf.c - the scaffold of the table-valued functions: see tvf.h.
**
** One sqlite3_module serves all of them; which table it is stands in its client data.
*/
#include "tvf.h"

#include <string.h>

#include "register.h"
#include "tvf_pass.h"
#include "tvf_plan.h"

/* Client data of a registered module. */
typedef struct registration {
    const ctx_table *table;
    const char *name;
    ctx_connection *connection;
} registration;

/* ---- The table ---- */

static int tvf_connect(sqlite3 *db, void *client, int argc, const char *const *argv,
                       sqlite3_vtab **out, char **message)
{
    (void)argc, (void)argv, (void)message;
    const registration *r = client;
    sqlite3_str *sql = sqlite3_str_new(db);
    sqlite3_str_appendf(sql, "CREATE TABLE x(%s", r->table->columns);
    for (int i = 0; i < CTX_ARGUMENTS && r->table->argument[i]; i++)
        sqlite3_str_appendf(sql, ", %s TEXT HIDDEN", r->table->argument[i]);
    sqlite3_str_appendchar(sql, 1, ')');
    char *declaration = sqlite3_str_finish(sql);
    ctx_vtab *v = sqlite3_malloc64(sizeof *v);
    int rc = SQLITE_NOMEM;
    if (declaration && v)
        rc = sqlite3_declare_vtab(db, declaration);
    sqlite3_free(declaration);
    if (rc == SQLITE_OK)
        rc = sqlite3_vtab_config(db, r->table->risk);
    if (rc != SQLITE_OK) {
        sqlite3_free(v);
        return rc;
    }
    memset(v, 0, sizeof *v);
    v->table = r->table;
    v->name = r->name;
    v->connection = r->connection;
    *out = &v->base;
    return SQLITE_OK;
}

static int tvf_disconnect(sqlite3_vtab *base)
{
    sqlite3_free(base);
    return SQLITE_OK;
}

/* ---- The plan ---- */

/* Rows that an axis stands for in the planner's eyes; only which is less counts. */
enum { AXIS_GUESS = 16, AXIS_GUESS_RANGE = 4 };

/* One argument's constraint for each hidden column. The last of several is taken, as SQLite
** puts the arguments in parentheses behind the WHERE clause; the others it checks itself.
** False: an argument is given but not known yet in this order of the joins. */
static bool choose_arguments(const ctx_table *table, const sqlite3_index_info *info,
                             int chosen[CTX_ARGUMENTS])
{
    bool unusable[CTX_ARGUMENTS] = {false};
    for (int i = 0; i < CTX_ARGUMENTS; i++)
        chosen[i] = -1;
    for (int i = 0; i < info->nConstraint; i++) {
        int argument = info->aConstraint[i].iColumn - table->column_count;
        if (info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ || argument < 0 ||
            argument >= CTX_ARGUMENTS)
            continue;
        if (info->aConstraint[i].usable)
            chosen[argument] = i;
        else
            unusable[argument] = true;
    }
    for (int i = 0; i < CTX_ARGUMENTS; i++)
        if (unusable[i] && chosen[i] < 0)
            return false;
    return true;
}

static int axis_of(const ctx_table *table, int column)
{
    for (int i = 0; i < table->axes; i++)
        if (table->axis[i] == column)
            return i;
    return -1;
}

/* The whole right-hand side of an IN as one value: SQLite can from 3.38 on. */
static bool takes_set(sqlite3_index_info *info, int constraint)
{
    return sqlite3_libversion_number() >= 3038000 && sqlite3_vtab_in(info, constraint, 1);
}

/* Writes idxStr and argvIndex of the constraints on axes; gives the rows to expect. */
static double plan_axes(const ctx_table *table, sqlite3_index_info *info, int argv_index,
                        char *plan)
{
    double guess[CTX_AXES];
    for (int i = 0; i < CTX_AXES; i++)
        guess[i] = AXIS_GUESS;
    for (int i = 0; i < info->nConstraint; i++) {
        char code = ctx_plan_comparison(info->aConstraint[i].op);
        if (!code || !info->aConstraint[i].usable)
            continue;
        int axis = axis_of(table, info->aConstraint[i].iColumn);
        if (axis < 0)
            continue;
        if (code == CTX_PLAN_EQ && takes_set(info, i))
            code = CTX_PLAN_IN;
        info->aConstraintUsage[i].argvIndex = argv_index++;
        *plan++ = (char)(CTX_PLAN_COLUMN + table->axis[axis]);
        *plan++ = code;
        double fraction = code == CTX_PLAN_EQ ? 1 : AXIS_GUESS_RANGE;
        if (fraction < guess[axis])
            guess[axis] = fraction;
    }
    *plan = '\0';
    double rows = 1;
    for (int i = 0; i < table->axes; i++)
        rows *= guess[i];
    return rows;
}

static int tvf_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const ctx_table *table = ((ctx_vtab *)base)->table;
    int chosen[CTX_ARGUMENTS];
    int argv_index = 1;

    if (!choose_arguments(table, info, chosen))
        return SQLITE_CONSTRAINT;
    for (int i = 0; i < CTX_ARGUMENTS; i++) {
        if (chosen[i] < 0)
            continue;
        info->idxNum |= 1 << i;
        info->aConstraintUsage[chosen[i]].argvIndex = argv_index++;
        info->aConstraintUsage[chosen[i]].omit = 1; /* model = NULL would never be true */
    }
    char *plan = sqlite3_malloc64(2 * (sqlite3_uint64)info->nConstraint + 1);
    if (!plan)
        return SQLITE_NOMEM;
    double rows = plan_axes(table, info, argv_index, plan);
    info->idxStr = plan;
    info->needToFreeIdxStr = 1;
    info->estimatedRows = (sqlite3_int64)rows;
    info->estimatedCost = 1000 + rows; /* a forward pass outweighs rows */
    if (table->argument[0] && chosen[0] < 0) {
        info->estimatedRows = (sqlite3_int64)1 << 40; /* xFilter will refuse: last resort */
        info->estimatedCost = 1e99;
    }
    return SQLITE_OK;
}

/* ---- The cursor ---- */

static int tvf_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    ctx_vtab *v = (ctx_vtab *)base;
    ctx_cursor *cursor = sqlite3_malloc64(v->table->cursor_size);
    if (!cursor)
        return SQLITE_NOMEM;
    memset(cursor, 0, v->table->cursor_size);
    v->cursors++;
    *out = &cursor->base;
    return SQLITE_OK;
}

/* Back to the state after xOpen, but for the pass. */
static void reset(ctx_cursor *cursor)
{
    const ctx_table *table = ctx_cursor_vtab(cursor)->table;
    if (table->clear)
        table->clear(cursor);
    ctx_axes_close(cursor);
    ctx_options_clear(&cursor->options);
    memset(&cursor->options, 0, sizeof cursor->options);
    enc_model_close(cursor->model);
    cursor->model = NULL;
    for (int i = 0; i < CTX_ARGUMENTS; i++) {
        sqlite3_value_free(cursor->argument[i]);
        cursor->argument[i] = NULL;
    }
    cursor->hashed = false;
    cursor->row = 0;
    cursor->eof = true;
}

static int tvf_close(sqlite3_vtab_cursor *base)
{
    ctx_cursor *cursor = (ctx_cursor *)base;
    ctx_vtab *v = ctx_cursor_vtab(cursor);
    reset(cursor);
    ctx_pass_release(cursor->pass);
    sqlite3_free(cursor);
    if (--v->cursors == 0) {
        ctx_pass_release(v->pass);
        v->pass = NULL;
    }
    return SQLITE_OK;
}

/* "tokens(text [, model [, options]])" */
static int missing_argument(const ctx_vtab *v, ctx_error *error)
{
    const char *const *a = v->table->argument;
    if (v->table->usage)
        return ctx_fail(error, SQLITE_ERROR, v->name, "%s is missing: %s(%s)", a[0], v->name,
                        v->table->usage);
    return ctx_fail(error, SQLITE_ERROR, v->name, "%s is missing: %s(%s [, %s%s%s%s])",
                    a[0], v->name, a[0], a[1], a[2] ? " [, " : "", a[2] ? a[2] : "",
                    a[2] ? "]" : "");
}

static int start(ctx_cursor *cursor, int given, sqlite3_value **argv, ctx_error *error)
{
    const ctx_vtab *v = ctx_cursor_vtab(cursor);
    if (v->table->argument[0] && !(given & 1))
        return missing_argument(v, error);
    for (int i = 0; i < CTX_ARGUMENTS; i++) {
        if (!(given & 1 << i))
            continue;
        cursor->argument[i] = sqlite3_value_dup(*argv++);
        if (!cursor->argument[i])
            return SQLITE_NOMEM;
    }
    cursor->operand = argv;
    int rc = v->table->start(cursor, error);
    if (rc == SQLITE_OK && v->table->axes)
        cursor->eof = !ctx_axes_any(cursor);
    return rc;
}

/* Hands a failure to SQLite, which has a sentence of its own for a code without one. */
static int finish(ctx_cursor *cursor, int rc, ctx_error *error)
{
    if (rc == SQLITE_OK)
        return SQLITE_OK;
    cursor->eof = true;
    return error->code ? ctx_vtab_error(cursor->base.pVtab, error) : rc;
}

static int tvf_filter(sqlite3_vtab_cursor *base, int given, const char *plan, int argc,
                      sqlite3_value **argv)
{
    (void)argc;
    ctx_cursor *cursor = (ctx_cursor *)base;
    ctx_error error = {0};
    reset(cursor);
    cursor->constraint = plan;
    int rc = start(cursor, given, argv, &error);
    cursor->constraint = NULL; /* plan and argv are SQLite's again */
    cursor->operand = NULL;
    return finish(cursor, rc, &error);
}

static int tvf_next(sqlite3_vtab_cursor *base)
{
    ctx_cursor *cursor = (ctx_cursor *)base;
    const ctx_table *table = ctx_cursor_vtab(cursor)->table;
    ctx_error error = {0};
    if (table->next)
        return finish(cursor, table->next(cursor, &error), &error);
    cursor->eof = !ctx_axes_next(cursor);
    return SQLITE_OK;
}

static int tvf_eof(sqlite3_vtab_cursor *base)
{
    return ((ctx_cursor *)base)->eof;
}

static int tvf_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    ctx_cursor *cursor = (ctx_cursor *)base;
    const ctx_table *table = ctx_cursor_vtab(cursor)->table;
    if (column < table->column_count)
        table->column(cursor, context, column);
    else if (cursor->argument[column - table->column_count])
        sqlite3_result_value(context, cursor->argument[column - table->column_count]);
    return SQLITE_OK;
}

/* FNV-1a over the arguments, with a mark after each. */
static sqlite3_uint64 hash_arguments(ctx_cursor *cursor)
{
    sqlite3_uint64 hash = 0xcbf29ce484222325u;
    for (int i = 0; i < CTX_ARGUMENTS; i++) {
        sqlite3_value *value = cursor->argument[i];
        const unsigned char *data = value ? sqlite3_value_blob(value) : NULL;
        int size = data ? sqlite3_value_bytes(value) : 0;
        for (int k = 0; k < size; k++)
            hash = (hash ^ data[k]) * 0x100000001b3u;
        hash = (hash ^ 0xff) * 0x100000001b3u;
    }
    return hash;
}

/* For WHERE a OR b SQLite may read the table once for each term and tells rows met twice by
** their id. So a row has the same id whatever the constraints, and another one for every
** text: a hash of the arguments plus the number of the row among all rows of the call. */
static int tvf_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    ctx_cursor *cursor = (ctx_cursor *)base;
    if (!cursor->hashed) {
        cursor->arguments_hash = 0;
        if (ctx_cursor_vtab(cursor)->table->argument[0])
            cursor->arguments_hash = hash_arguments(cursor);
        cursor->hashed = true;
    }
    sqlite3_uint64 row = ctx_cursor_vtab(cursor)->table->axes ? ctx_axes_number(cursor)
                                                              : (sqlite3_uint64)cursor->row;
    *out = (sqlite3_int64)(cursor->arguments_hash + row);
    return SQLITE_OK;
}

/* No xCreate: eponymous only. */
static const sqlite3_module module = {
    .xConnect = tvf_connect,
    .xDisconnect = tvf_disconnect,
    .xBestIndex = tvf_best_index,
    .xOpen = tvf_open,
    .xClose = tvf_close,
    .xFilter = tvf_filter,
    .xNext = tvf_next,
    .xEof = tvf_eof,
    .xColumn = tvf_column,
    .xRowid = tvf_rowid,
};

/* ---- What tables share ---- */

int ctx_cursor_arguments(ctx_cursor *cursor, unsigned keys, enc_text *text, bool *is_null,
                         ctx_error *error)
{
    const ctx_vtab *v = ctx_cursor_vtab(cursor);
    int null;
    int rc = ctx_text_argument(cursor->argument[0], v->name, v->table->argument[0], text,
                               &null, error);
    *is_null = null;
    if (rc != SQLITE_OK || null)
        return rc;
    rc = ctx_options_parse(cursor->argument[2], keys, v->name, &cursor->options, error);
    if (rc == SQLITE_OK)
        rc = ctx_model_find(v->connection, cursor->argument[1], v->name, &cursor->model,
                            error);
    if (rc != SQLITE_OK)
        return rc;
    cursor->session = ctx_session(v->connection, v->name, error);
    return cursor->session ? SQLITE_OK : error->code;
}

void ctx_token_string(sqlite3_context *context, const ctx_cursor *cursor, int argument,
                      const enc_token *token)
{
    size_t size;
    const char *string = enc_token_string(cursor->model, token->id, &size);
    sqlite3_value *value = cursor->argument[argument];
    const char *text = (const char *)sqlite3_value_text(value);
    if (!string && text && (int)token->byte_end <= sqlite3_value_bytes(value)) {
        string = text + token->byte_start;
        size = token->byte_end - token->byte_start;
    }
    if (string)
        sqlite3_result_text64(context, string, size, SQLITE_TRANSIENT, SQLITE_UTF8);
}

void ctx_token_result(sqlite3_context *context, const ctx_cursor *cursor,
                      const enc_token *token, enum ctx_token_column column)
{
    sqlite3_int64 number;

    switch (column) {
    case CTX_TOKEN_STRING:
        ctx_token_string(context, cursor, 0, token);
        return;
    case CTX_TOKEN_ID:
        if (token->id >= 0)
            sqlite3_result_int(context, token->id);
        return;
    case CTX_TOKEN_SPECIAL: sqlite3_result_int(context, token->special); return;
    case CTX_TOKEN_WORD: number = token->word; break;
    case CTX_TOKEN_START: number = (sqlite3_int64)token->char_start + 1; break;
    case CTX_TOKEN_LENGTH:
        number = (sqlite3_int64)(token->char_end - token->char_start);
        break;
    case CTX_TOKEN_BYTE_START: number = (sqlite3_int64)token->byte_start; break;
    default: number = (sqlite3_int64)token->byte_end; break;
    }
    if (!token->special)
        sqlite3_result_int64(context, number);
}

/* ---- Registration ---- */

static void forget(void *client)
{
    registration *r = client;
    ctx_connection_release(r->connection);
    sqlite3_free(r);
}

static int add(ctx_connection *connection, const ctx_table *table, const char *name)
{
    registration *r = sqlite3_malloc64(sizeof *r);
    if (!r)
        return SQLITE_NOMEM;
    *r = (registration){table, name, ctx_connection_retain(connection)};
    sqlite3 *db = ctx_connection_db(connection);
    return sqlite3_create_module_v2(db, name, &module, r, forget);
}

int ctx_register_table(ctx_connection *connection, const ctx_table *table)
{
    int rc = add(connection, table, table->name);
    if (rc == SQLITE_OK && table->synonym)
        rc = add(connection, table, table->synonym);
    return rc;
}

int ctx_register_tables(ctx_connection *connection)
{
    static const ctx_table *const tables[] = {
        &ctx_tokens_table,       &ctx_hidden_states_table, &ctx_attention_table,
        &ctx_attention_heads_table, &ctx_lm_head_table,    &ctx_embed_models_table,
        &ctx_embed_each_table,   &ctx_embed_query_table,
    };
    int rc = SQLITE_OK;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && rc == SQLITE_OK; i++)
        rc = ctx_register_table(connection, tables[i]);
    return rc;
}
