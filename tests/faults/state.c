/*
** state.c - see state.h.
*/
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/unit.h"

/* In every state, whatever the scenario. */
static const char *const always[] = {
    "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name",
    "SELECT \"index\", rows, chunks, pending, stale, model, fingerprint, dimensions, progress, "
    "lists, probes FROM semantic_status",
    "PRAGMA integrity_check",
    NULL,
};

/* ---- Statements -------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *byte = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * 0x100000001b3u;
    return hash;
}

/* Reads values as they are: turning one into another takes memory. */
static uint64_t hash_row(sqlite3_stmt *statement, bool wide)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        int type = sqlite3_column_type(statement, i);
        hash = mix(hash, &type, sizeof type);
        sqlite3_int64 whole = 0;
        double number = 0;
        if (type == SQLITE_INTEGER)
            whole = sqlite3_column_int64(statement, i);
        else if (type == SQLITE_FLOAT)
            number = sqlite3_column_double(statement, i);
        else if (type != SQLITE_NULL) {
            const void *data = sqlite3_column_blob(statement, i);
            int size = wide && type == SQLITE_TEXT ? sqlite3_column_bytes16(statement, i)
                                                   : sqlite3_column_bytes(statement, i);
            hash = data ? mix(hash, data, (size_t)size) : hash;
        }
        hash = mix(hash, &whole, sizeof whole);
        hash = mix(hash, &number, sizeof number);
    }
    return hash;
}

static void see(rows *seen, uint64_t row, int *count)
{
    if (!seen->known && seen->count < MOST_ROWS)
        seen->row[seen->count++] = row;
    else if (*count >= seen->count || seen->row[*count] != row)
        seen->wrong = true;
    ++*count;
}

static void mix_changes(uint64_t *hash, sqlite3 *db)
{
    const sqlite3_int64 changes[] = {sqlite3_changes(db), sqlite3_last_insert_rowid(db)};
    *hash = mix(*hash, changes, sizeof changes);
}

static bool wide_text; /* the database's texts are in UTF-16 */

int state_play(sqlite3 *db, const char *sql, rows *seen, const char **rest)
{
    int rc = SQLITE_OK, count = 0;
    uint64_t changes = 0;
    while (rc == SQLITE_OK && *sql) {
        sqlite3_stmt *statement = NULL;
        sql += strspn(sql, " ");
        *rest = sql;
        rc = sqlite3_prepare_v2(db, sql, -1, &statement, &sql);
        if (rc != SQLITE_OK || !statement)
            break;
        while (sqlite3_step(statement) == SQLITE_ROW)
            if (seen)
                see(seen, hash_row(statement, wide_text), &count);
        rc = sqlite3_finalize(statement);
        if (rc == SQLITE_OK)
            mix_changes(&changes, db);
    }
    if (seen)
        seen->changes = changes;
    if (rc == SQLITE_OK && seen && count != seen->count)
        seen->wrong = true;
    return rc;
}

bool state_run(sqlite3 *db, const char *sql)
{
    const char *rest = sql;
    bool good = CHECK_INT(state_play(db, sql, NULL, &rest), SQLITE_OK);
    if (!good)
        printf("    %s: %s\n", rest, sqlite3_errmsg(db));
    return good;
}

/* ---- What a user sees -------------------------------------------------------------- */

static bool look_at(sqlite3 *db, const char *sql, uint64_t *out)
{
    static const char absent[] = "no such table: ";
    static rows seen;
    const char *rest = sql;
    seen.count = 0;
    seen.known = seen.wrong = false;
    int rc = state_play(db, sql, &seen, &rest);
    *out = mix((uint64_t)seen.count, seen.row, (size_t)seen.count * sizeof *seen.row);
    if (rc == SQLITE_OK)
        return true;
    if (strncmp(sqlite3_errmsg(db), absent, sizeof absent - 1) == 0) {
        *out = 1;
        return true;
    }
    CHECK_STR(sqlite3_errmsg(db), "");
    printf("    when looking: %s\n", sql);
    return false;
}

bool state_look(sqlite3 *db, const char *const *shown, view *out)
{
    bool good = true;
    int n = 0;
    for (int i = 0; shown[i]; i++)
        good = look_at(db, shown[i], &out->of[n++]) && good;
    for (int i = 0; always[i]; i++)
        good = look_at(db, always[i], &out->of[n++]) && good;
    return good;
}

const char *state_differs(const char *const *shown, const view *a, const view *b)
{
    int n = 0;
    for (int i = 0; shown[i]; i++, n++)
        if (a->of[n] != b->of[n])
            return shown[i];
    for (int i = 0; always[i]; i++, n++)
        if (a->of[n] != b->of[n])
            return always[i];
    return NULL;
}

bool state_is_sound(const char *const *shown, const view *v, const view *other)
{
    int n = 0;
    while (shown[n])
        n++;
    n += (int)(sizeof always / sizeof *always) - 2; /* the last of them */
    return v->of[n] == other->of[n];
}

/* ---- The extension ----------------------------------------------------------------- */

struct sqlite3_api_routines;
int sqlite3_contextual_init(sqlite3 *db, char **message,
                            const struct sqlite3_api_routines *api);

static const struct sqlite3_api_routines *routines;

static int note_routines(sqlite3 *db, char **message, const struct sqlite3_api_routines *api)
{
    (void)db, (void)message;
    routines = api;
    return SQLITE_OK;
}

/* SQLite gives its functions to who is loaded alone. */
static void find_routines(void)
{
    sqlite3 *db = NULL;
    sqlite3_auto_extension((void (*)(void))note_routines);
    sqlite3_open(":memory:", &db);
    sqlite3_close(db);
    sqlite3_reset_auto_extension(); /* gives its memory back, too */
}

int state_load(sqlite3 *db)
{
    char *message = NULL;
    if (!routines)
        find_routines();
    int rc = sqlite3_contextual_init(db, &message, routines);
    sqlite3_free(message);
    return rc;
}

/* ---- Databases --------------------------------------------------------------------- */

static const char *path_of(const char *end)
{
    char name[64];
    snprintf(name, sizeof name, "faults.db%s", end);
    return test_tmp(name);
}

static bool copy(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    return CHECK(backup && sqlite3_backup_step(backup, -1) == SQLITE_DONE &&
                 sqlite3_backup_finish(backup) == SQLITE_OK);
}

static bool write_file(const state *s)
{
    FILE *file = fopen(path_of(""), "wb");
    bool good = file && fwrite(s->file, 1, s->size, file) == s->size;
    remove(path_of("-journal"));
    remove(path_of("-wal"));
    remove(path_of("-shm"));
    return CHECK((!file || fclose(file) == 0) && good);
}

static bool read_file(state *s)
{
    FILE *file = fopen(path_of(""), "rb");
    bool good = file && fseek(file, 0, SEEK_END) == 0;
    s->size = good ? (size_t)ftell(file) : 0;
    free(s->file);
    s->file = malloc(s->size + 1);
    good = good && s->file && fseek(file, 0, SEEK_SET) == 0 &&
           fread(s->file, 1, s->size, file) == s->size;
    if (file)
        fclose(file);
    return CHECK(good);
}

/* place('golden/...'): a test's data; place('NAME'): a file for the test. */
static void place(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const char *name = argc == 1 ? (const char *)sqlite3_value_text(argv[0]) : NULL;
    if (!name)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_text(context,
                            strncmp(name, "golden", 6) == 0 ? test_data(name) : test_tmp(name),
                            -1, SQLITE_TRANSIENT);
}

static const char open_tiny[] =
    "SELECT embed_model('tiny', place('golden/bert')), embed_model_default('tiny')";

void state_tidy(sqlite3 *db)
{
    sqlite3_exec(db, "DROP TABLE IF EXISTS temp.passing", NULL, NULL, NULL);
    sqlite3_exec(db, "DETACH far", NULL, NULL, NULL);
    if (sqlite3_exec(db, open_tiny, NULL, NULL, NULL) == SQLITE_OK)
        return;
    sqlite3_exec(db, "SELECT embed_model_drop('tiny')", NULL, NULL, NULL);
    sqlite3_exec(db, open_tiny, NULL, NULL, NULL);
}

/* The journal's mode is the file's where that is WAL; pages go to it early. */
static bool prepare(sqlite3 *db, const state *s)
{
    bool good = CHECK_INT(state_load(db), SQLITE_OK);
    if (good && s->journal)
        good = state_run(db, "PRAGMA wal_autocheckpoint = 30; PRAGMA cache_size = 20");
    good = good && CHECK_INT(sqlite3_create_function(db, "place", 1, SQLITE_UTF8, NULL, place,
                                                     NULL, NULL), SQLITE_OK);
    good = good && state_run(db, open_tiny);
    /* Values are in the encoding that the connection takes the database to have. */
    return good && (!wide_text || state_run(db, "SELECT 1 FROM sqlite_master"));
}

sqlite3 *state_reopen(const state *s)
{
    sqlite3 *db = NULL;
    const char *path = s->journal ? path_of("") : ":memory:";
    bool good = CHECK_INT(sqlite3_open(path, &db), SQLITE_OK) &&
                (s->journal || copy(s->memory, db)) && prepare(db, s);
    if (good)
        return db;
    sqlite3_close(db);
    return NULL;
}

sqlite3 *state_copy(sqlite3 *db)
{
    const state s = {.memory = db};
    return state_reopen(&s);
}

sqlite3 *state_open(const state *s)
{
    if (s->journal && !write_file(s))
        return NULL;
    return state_reopen(s);
}

bool state_take(state *s, sqlite3 *db)
{
    bool good = s->journal || copy(db, s->memory);
    good = CHECK_INT(sqlite3_close(db), SQLITE_OK) && good;
    return good && (!s->journal || read_file(s));
}

bool state_make(state *out, const char *journal, const char *setup)
{
    sqlite3 *db = NULL;
    *out = (state){.journal = journal};
    bool good = journal || CHECK_INT(sqlite3_open(":memory:", &out->memory), SQLITE_OK);
    wide_text = strstr(setup, "UTF-16") != NULL;
    remove(path_of(""));
    good = good && CHECK_INT(sqlite3_open(journal ? path_of("") : ":memory:", &db), SQLITE_OK);
    char *sql = sqlite3_mprintf("PRAGMA journal_mode = %s; %s", journal ? journal : "MEMORY",
                                setup);
    good = good && state_run(db, sql);
    sqlite3_free(sql);
    return good && state_take(out, db);
}

void state_free(state *s)
{
    sqlite3_close(s->memory);
    free(s->file);
}
