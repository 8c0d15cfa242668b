/*
** update.c - xUpdate: INSERT, UPDATE and DELETE of rows. See update.h.
**
** What a row brings is checked first, all of it, and written last: the statement that brings
** something wrong fails and has changed nothing, and what is found later, when the row is
** embedded, is no fault of the row's.
**
** An UPDATE gives the columns that it leaves alone as sqlite3_value_nochange. UPDATE ... FROM
** does not: there every column comes with the value that a reader sees, hidden ones too.
*/
#include "update.h"

#include <string.h>

#include "brought.h"
#include "pending.h"
#include "query.h"
#include "rebuild.h"
#include "row_ids.h"
#include "words.h"

enum change_kind { INSERTED, CHANGED, ERASED, COMMAND };

typedef struct change {
    enum change_kind kind;
    ctx_index *index;
    ctx_error *error;
    sqlite3_value **value;  /* [columns] of the user's */
    sqlite3_value **hidden; /* [CTX_HIDDEN_COLUMNS] */
    bool from;              /* UPDATE ... FROM */
    sqlite3_int64 old, id;
    bool any;               /* there is text to be embedded */
    size_t bytes;           /* of text */
    ctx_buffer text;        /* content='': the joined text */
    bool given;             /* the column `vector` is written */
    float *vector;          /* [length] what it brings, or NULL */
    int length;
} change;

static const char *name_of(const change *c)
{
    return c->index->config.name;
}

/* ---- Ids ---- */

/* A whole number, in whatever type an INTEGER PRIMARY KEY takes one. */
static int read_id(change *c, sqlite3_value *value, sqlite3_int64 *id)
{
    sqlite3_value_numeric_type(value); /* of TEXT, too */
    if (ctx_is_whole(value, id))
        return SQLITE_OK;
    return ctx_fail(c->error, SQLITE_MISMATCH, name_of(c),
                    "datatype mismatch: rowid must be an integer");
}

/* Another row that has the id already: an error, unless it is to be replaced. External content
** has its own constraints, and its rows come here again and again. */
static int check_conflict(change *c, bool *replaced)
{
    bool there;
    *replaced = false;
    if (c->index->config.content == CTX_CONTENT_EXTERNAL || (c->kind == CHANGED && c->id == c->old))
        return SQLITE_OK;
    int rc = ctx_row_ids_have(c->index, c->id, &there, c->error);
    if (rc != SQLITE_OK || !there)
        return rc;
    *replaced = sqlite3_vtab_on_conflict(c->index->db) == SQLITE_REPLACE;
    if (*replaced)
        return SQLITE_OK;
    return ctx_fail(c->error, SQLITE_CONSTRAINT_ROWID, name_of(c),
                    "UNIQUE constraint failed: %s.rowid", name_of(c));
}

/* ---- Hidden columns ---- */

static bool is_kept(sqlite3_value *value)
{
    return sqlite3_value_nochange(value);
}

/* Of the hidden columns a row brings its vector alone. */
static int check_hidden(change *c)
{
    for (int i = 0; i < CTX_HIDDEN_COLUMNS; i++) {
        sqlite3_value *value = c->hidden[i];
        if (i == CTX_COLUMN_VECTOR || sqlite3_value_type(value) == SQLITE_NULL)
            continue;
        return ctx_fail(c->error, SQLITE_ERROR, name_of(c),
                        "column %s can't be written: of the hidden columns a row has `vector` "
                        "alone", ctx_hidden_column(&c->index->config, i));
    }
    return SQLITE_OK;
}

static bool is_from(const change *c)
{
    for (int i = 0; i < CTX_HIDDEN_COLUMNS; i++)
        if (is_kept(c->hidden[i]))
            return false;
    return true;
}

/* UPDATE ... FROM gives back the vector that the row has. */
static int drop_unchanged(change *c)
{
    const size_t size = (size_t)c->length * sizeof *c->vector;
    float *now;
    bool brought;
    int rc = ctx_brought_current(c->index, c->old, &now, &brought, c->error);
    if (rc == SQLITE_OK && now && memcmp(now, c->vector, size) == 0) {
        c->given = false;
        sqlite3_free(c->vector);
        c->vector = NULL;
    }
    sqlite3_free(now);
    return rc;
}

static int read_vector(change *c)
{
    sqlite3_value *value = c->hidden[CTX_COLUMN_VECTOR];
    bool null = sqlite3_value_type(value) == SQLITE_NULL;
    c->given = !is_kept(value) && !(c->from && null);
    if (!c->given || null)
        return SQLITE_OK;
    int rc = ctx_brought_read(c->index, value, &c->vector, &c->length, c->error);
    return rc == SQLITE_OK && c->from ? drop_unchanged(c) : rc;
}

/* An index without a model learns the length of its vectors from the first one. */
static int learn_dimensions(change *c)
{
    ctx_config *config = &c->index->config;
    if (!c->vector || config->dimensions > 0)
        return SQLITE_OK;
    ctx_config_set_dimensions(config, c->length);
    return ctx_config_save(c->index->db, config, c->error);
}

/* ---- The model ---- */

/* What embedding the row will need is looked for now, so that it is this statement that fails. */
static int check_model(change *c)
{
    const ctx_config *config = &c->index->config;
    enc_model *model;
    if (c->vector || !c->any || (config->manual && *config->model))
        return SQLITE_OK;
    return ctx_index_model(c->index, &model, c->error);
}

/* ---- INSERT ---- */

/* Whether a table that is the content has the row at this moment. Of a view nothing is known: the
** triggers of its tables may run before it shows what they do. Nor of what can't be read, which is
** for those to say who read it. */
static int is_there(change *c, sqlite3_int64 id, bool otherwise, bool *there)
{
    const ctx_config *config = &c->index->config;
    bool view = sqlite3_table_column_metadata(c->index->db, config->schema,
                                              config->content_table, NULL, NULL, NULL, NULL,
                                              NULL, NULL) != SQLITE_OK;
    *there = otherwise;
    int rc = view ? SQLITE_OK : ctx_content_exists(c->index->content, id, there, c->error);
    if (rc != SQLITE_ERROR)
        return rc;
    *c->error = (ctx_error){0};
    *there = otherwise;
    return SQLITE_OK;
}

/* The triggers' way to say that a row of external content is no more: a DELETE would first look
** for it, and there it is gone already. Unless another trigger, whose turn came before, has made
** it anew: then it stays, to be looked at. */
static int run_delete(change *c, sqlite3_value *id)
{
    const ctx_config *config = &c->index->config;
    bool there = false;
    if (config->content != CTX_CONTENT_EXTERNAL)
        return ctx_fail(c->error, SQLITE_ERROR, config->name,
                        "'delete' is for rows of external content: DELETE FROM \"%w\" WHERE"
                        " rowid = ...", config->name);
    int rc = read_id(c, id, &c->old);
    if (rc == SQLITE_OK)
        rc = is_there(c, c->old, false, &there);
    if (rc == SQLITE_OK && there)
        return ctx_pending_add(c->index->pending, c->old, (enc_text){NULL, 0}, NULL, c->error);
    if (rc == SQLITE_OK)
        rc = ctx_words_remove(c->index->words, c->old, c->error);
    return rc == SQLITE_OK ? ctx_pending_remove(c->index->pending, c->old, c->error) : rc;
}

static int run_command(change *c, sqlite3_value *id)
{
    const ctx_config *config = &c->index->config;
    sqlite3_value *command = c->hidden[CTX_COLUMN_MATCH];
    bool has_id = sqlite3_value_type(id) != SQLITE_NULL;
    bool alone = sqlite3_value_type(command) == SQLITE_TEXT;
    for (int i = 0; i < CTX_HIDDEN_COLUMNS; i++)
        if (i != CTX_COLUMN_MATCH && i != CTX_COLUMN_RANK)
            alone &= sqlite3_value_type(c->hidden[i]) == SQLITE_NULL;
    for (int i = 0; i < config->columns; i++)
        alone &= sqlite3_value_type(c->value[i]) == SQLITE_NULL;
    const char *text = (const char *)sqlite3_value_text(command);
    if (!text)
        return ctx_fail(c->error, SQLITE_NOMEM, config->name, "out of memory");
    if (alone && has_id && strcmp(text, "delete") == 0)
        return run_delete(c, id);
    if (!alone || has_id)
        return ctx_fail(c->error, SQLITE_ERROR, config->name,
                        "a command is a text and comes without a row: INSERT INTO \"%w\"(\"%w\")"
                        " VALUES('rebuild')", config->name, config->name);
    return ctx_index_command(c->index, text, c->hidden[CTX_COLUMN_RANK], c->error);
}

static int insert_id(change *c, sqlite3_value *value)
{
    const ctx_config *config = &c->index->config;
    if (sqlite3_value_type(value) != SQLITE_NULL)
        return read_id(c, value, &c->id);
    if (config->content == CTX_CONTENT_EXTERNAL)
        return ctx_fail(c->error, SQLITE_ERROR, config->name,
                        "a row needs its rowid, %s of '%s'", config->content_rowid,
                        config->content_table);
    return ctx_row_ids_next(c->index, &c->id, c->error);
}

static int read_texts(change *c)
{
    const ctx_config *config = &c->index->config;
    int rc;
    if (config->content == CTX_CONTENT_NONE)
        rc = ctx_content_join(config, c->value, &c->text, &c->any, c->error);
    else
        rc = ctx_content_weigh(config, c->value, &c->any, &c->bytes, c->error);
    return rc;
}

/* What ctx_pending_add wants to know of the text. */
static enc_text noted_text(const change *c)
{
    if (c->index->config.content != CTX_CONTENT_NONE)
        return (enc_text){NULL, c->bytes};
    if (!c->any)
        return (enc_text){NULL, 0};
    return (enc_text){c->text.size ? c->text.data : "", c->text.size};
}

/* A row of external content that another trigger has taken away again has no words to be found
** by. */
static int insert_words(change *c)
{
    ctx_words *words = c->index->words;
    bool there = true;
    int rc = SQLITE_OK;
    if (c->index->config.fts && c->index->config.content == CTX_CONTENT_EXTERNAL)
        rc = is_there(c, c->id, true, &there);
    if (rc != SQLITE_OK)
        return rc;
    return there ? ctx_words_put(words, c->id, c->id, c->value, c->error)
                 : ctx_words_remove(words, c->id, c->error);
}

static int insert(change *c, sqlite3_value *id, sqlite3_int64 *rowid)
{
    ctx_index *index = c->index;
    bool replaced;
    int rc = check_hidden(c);
    if (rc == SQLITE_OK)
        rc = insert_id(c, id);
    if (rc == SQLITE_OK)
        rc = read_vector(c);
    if (rc == SQLITE_OK)
        rc = read_texts(c);
    if (rc == SQLITE_OK)
        rc = check_model(c);
    if (rc == SQLITE_OK && sqlite3_value_type(id) != SQLITE_NULL)
        rc = check_conflict(c, &replaced);
    if (rc == SQLITE_OK)
        rc = learn_dimensions(c);
    if (rc == SQLITE_OK)
        rc = insert_words(c);
    if (rc == SQLITE_OK && index->config.content == CTX_CONTENT_OWN)
        rc = ctx_content_write(index->content, c->id, c->value, c->error);
    if (rc != SQLITE_OK)
        return rc;
    *rowid = c->id;
    if (index->config.content == CTX_CONTENT_EXTERNAL)
        return ctx_pending_add(index->pending, c->id, noted_text(c), c->vector, c->error);
    return ctx_pending_add_fresh(index->pending, c->id, noted_text(c), c->vector, c->error);
}

/* ---- UPDATE ---- */

/* Notes the row under its id, old or new. `anew`: a vector that is stored there is not its. */
static int note(change *c, bool anew, enc_text text)
{
    ctx_pending *pending = c->index->pending;
    int rc = SQLITE_OK;
    if (c->id != c->old)
        rc = ctx_pending_remove(pending, c->old, c->error);
    if (rc != SQLITE_OK)
        return rc;
    if (anew || c->id != c->old)
        return ctx_pending_add_fresh(pending, c->id, text, c->vector, c->error);
    return ctx_pending_add(pending, c->id, text, c->vector, c->error);
}

/* Takes along the vector that the row brought once; without a model it can have no other. */
static int keep_vector(change *c)
{
    float *now;
    bool brought;
    int rc = ctx_brought_current(c->index, c->old, &now, &brought, c->error);
    if (rc == SQLITE_OK && brought) {
        c->vector = now;
        c->length = c->index->config.dimensions;
    } else {
        sqlite3_free(now);
    }
    return rc;
}

static int update_own(change *c)
{
    ctx_index *index = c->index;
    const bool moved = c->id != c->old;
    bool differs = false, any, replaced = false;
    int rc = ctx_content_weigh(&index->config, c->value, &any, &c->bytes, c->error);
    if (rc == SQLITE_OK)
        rc = ctx_content_compare(index->content, c->old, c->value, &differs, &c->any, c->error);
    if (rc == SQLITE_OK)
        rc = check_conflict(c, &replaced);
    if (rc == SQLITE_OK && !c->given && (differs ? !*index->config.model : moved))
        rc = keep_vector(c);
    bool changed = moved || differs || c->given;
    if (rc == SQLITE_OK && changed)
        rc = check_model(c);
    if (rc == SQLITE_OK)
        rc = learn_dimensions(c);
    if (rc == SQLITE_OK && (moved || differs))
        rc = ctx_words_put(index->words, c->old, c->id, c->value, c->error);
    if (rc == SQLITE_OK && replaced)
        rc = ctx_content_erase(index->content, c->id, c->error);
    if (rc == SQLITE_OK)
        rc = ctx_content_change(index->content, c->old, c->id, c->value, c->error);
    if (rc != SQLITE_OK || !changed)
        return rc;
    return note(c, c->given && !c->vector, noted_text(c));
}

static int update_external(change *c)
{
    const ctx_config *config = &c->index->config;
    bool changed = c->id != c->old || c->given;
    for (int i = 0; i < config->columns; i++)
        changed |= !config->unindexed[i] && !is_kept(c->value[i]);
    int rc = read_texts(c);
    if (rc == SQLITE_OK && changed)
        rc = check_model(c);
    if (rc == SQLITE_OK && changed)
        rc = learn_dimensions(c);
    if (rc == SQLITE_OK && changed)
        rc = ctx_words_put(c->index->words, c->old, c->id, c->value, c->error);
    return rc == SQLITE_OK && changed ? note(c, false, noted_text(c)) : rc;
}

/* ---- UPDATE with content='' ---- */

/* Texts are forgotten once they are embedded: a new one must be there wholly. *kept: the UPDATE
** leaves the text alone. */
static int read_whole_text(change *c, bool *kept)
{
    const ctx_config *config = &c->index->config;
    const char *missing = NULL;
    *kept = true;
    for (int i = 0; i < config->columns; i++) {
        if (config->unindexed[i])
            continue;
        if (is_kept(c->value[i]))
            missing = config->column[i];
        else
            *kept = false;
    }
    if (*kept)
        return SQLITE_OK;
    if (missing)
        return ctx_fail(c->error, SQLITE_ERROR, config->name,
                        "content='' keeps no texts: an UPDATE of one column must set all, and "
                        "column %s is missing", missing);
    return read_texts(c);
}

/* Only the id changes, and the row does not wait: what is stored gets another id. */
static int move_stored(change *c, bool replaced)
{
    ctx_storage *storage = c->index->storage;
    const int generation = c->index->config.generation;
    int rc = ctx_answers_settle(c->index, c->error);
    if (rc == SQLITE_OK && replaced)
        rc = ctx_storage_remove(storage, generation, c->id, c->error);
    if (rc == SQLITE_OK)
        rc = ctx_storage_move(storage, generation, c->old, c->id, c->error);
    if (rc == SQLITE_OK)
        rc = ctx_storage_write(storage, c->error);
    if (rc == SQLITE_OK)
        rc = ctx_rebuild_moved(c->index, c->old, c->id, c->error);
    if (rc != SQLITE_OK)
        ctx_storage_forget(storage);
    return rc == SQLITE_OK ? ctx_pending_forget(c->index->pending, c->id, c->error) : rc;
}

/* The text is left alone; `row`: what waits of it. */
static int update_kept(change *c, ctx_pending_row *row, bool replaced)
{
    const bool moved = c->id != c->old;
    if (!c->given && !moved)
        return SQLITE_OK;
    if (!c->given && row->state == CTX_NOT_PENDING)
        return move_stored(c, replaced);
    if (!c->given) {
        c->vector = row->vector;
        row->vector = NULL;
    }
    c->any = row->has_text;
    ctx_buffer text = c->text;
    c->text = row->text;
    row->text = text;
    int rc = check_model(c);
    if (rc == SQLITE_OK)
        rc = learn_dimensions(c);
    return rc == SQLITE_OK ? note(c, c->given && !c->vector, noted_text(c)) : rc;
}

static int update_none(change *c)
{
    ctx_index *index = c->index;
    ctx_pending_row row = {0};
    bool kept, replaced = false;
    int rc = read_whole_text(c, &kept);
    if (rc == SQLITE_OK)
        rc = check_conflict(c, &replaced);
    if (rc != SQLITE_OK)
        return rc;
    if (kept) {
        rc = ctx_pending_get(index->pending, c->old, &row, c->error);
        if (rc == SQLITE_OK)
            rc = update_kept(c, &row, replaced);
        ctx_pending_row_clear(&row);
        return rc;
    }
    if (!c->given && !*index->config.model)
        rc = keep_vector(c);
    if (rc == SQLITE_OK)
        rc = check_model(c);
    if (rc == SQLITE_OK)
        rc = learn_dimensions(c);
    return rc == SQLITE_OK ? note(c, c->given && !c->vector, noted_text(c)) : rc;
}

static int update(change *c, sqlite3_value *id)
{
    c->from = is_from(c);
    int rc = read_id(c, id, &c->id);
    if (rc == SQLITE_OK && !c->from)
        rc = check_hidden(c);
    if (rc == SQLITE_OK)
        rc = read_vector(c);
    if (rc != SQLITE_OK)
        return rc;
    switch (c->index->config.content) {
    case CTX_CONTENT_OWN: return update_own(c);
    case CTX_CONTENT_EXTERNAL: return update_external(c);
    default: return update_none(c);
    }
}

/* ---- DELETE and all ---- */

static int erase(change *c)
{
    ctx_index *index = c->index;
    int rc = ctx_words_remove(index->words, c->old, c->error);
    if (rc == SQLITE_OK && index->config.content == CTX_CONTENT_OWN)
        rc = ctx_content_erase(index->content, c->old, c->error);
    return rc == SQLITE_OK ? ctx_pending_remove(index->pending, c->old, c->error) : rc;
}

static int change_row(change *c, int argc, sqlite3_value **argv, sqlite3_int64 *rowid)
{
    bool is_new = argc > 1 && sqlite3_value_type(argv[0]) == SQLITE_NULL;
    if (c->index->busy)
        return ctx_fail(c->error, SQLITE_LOCKED, name_of(c),
                        "rows of the index are being embedded: it can't be written now");
    if (!ctx_row_ids_steady(c->index)) {
        ctx_row_ids_forget(c->index);
        int rc = ctx_index_refresh(c->index, c->error);
        if (rc == SQLITE_OK && c->index->config.moved)
            rc = ctx_config_save_names(c->index->db, &c->index->config, c->error);
        if (rc != SQLITE_OK)
            return rc;
    }
    if (argc > 1) {
        c->value = argv + 2;
        c->hidden = c->value + c->index->config.columns;
    }
    if (argc == 1)
        c->kind = ERASED;
    else if (!is_new)
        c->kind = CHANGED;
    else if (sqlite3_value_type(c->hidden[CTX_COLUMN_MATCH]) != SQLITE_NULL)
        c->kind = COMMAND;
    if (!is_new)
        c->old = sqlite3_value_int64(argv[0]);
    switch (c->kind) {
    case ERASED: return erase(c);
    case CHANGED: return update(c, argv[1]);
    case COMMAND: return run_command(c, argv[1]);
    default: return insert(c, argv[1], rowid);
    }
}

/* OR IGNORE goes on with the next row. A sentence would stand with the statement, as that of
** whatever stops it later. */
static bool is_ignored(sqlite3 *db, int code)
{
    return (code & 0xff) == SQLITE_CONSTRAINT && sqlite3_vtab_on_conflict(db) == SQLITE_IGNORE;
}

int ctx_index_update(sqlite3_vtab *table, int argc, sqlite3_value **argv,
                     sqlite3_int64 *rowid)
{
    ctx_index *index = (ctx_index *)table;
    ctx_error error = {0};
    change c = {.index = index, .error = &error};
    const sqlite3_int64 last = sqlite3_last_insert_rowid(index->db);
    *rowid = last; /* a command's: SQLite makes it last_insert_rowid() */
    int rc = change_row(&c, argc, argv, rowid);
    if (rc == SQLITE_OK && c.kind != COMMAND) /* which may have done anything */
        ctx_row_ids_note(index, c.kind == INSERTED ? NULL : &c.old,
                         c.kind == ERASED ? NULL : &c.id);
    else
        ctx_row_ids_forget(index);
    sqlite3_free(c.text.data);
    sqlite3_free(c.vector);
    sqlite3_set_last_insert_rowid(index->db, last);
    if (rc == SQLITE_OK || is_ignored(index->db, rc))
        return rc;
    return ctx_vtab_error(table, &error);
}
