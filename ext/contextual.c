/*
** contextual.c - the entry point: what happens when SQLite loads the extension.
**
** It registers functions and tables on one connection and does no more: no thread, no file,
** no model before they are used. The library stays mapped after the last connection closes
** (the linker's -z nodelete), since models and threads outlive connections.
*/
#include "sqlite3ext.h"
SQLITE_EXTENSION_INIT1

#include "register.h"
#include "search.h"

enum { OLDEST_SQLITE = 3034000 };

/* One process can hold two SQLite libraries (Python's and another package's), and each
** brings its own table of functions; ours is one per process, so the first library keeps
** it. */
static int adopt_sqlite(const sqlite3_api_routines *api)
{
    ctx_process_lock();
    if (!sqlite3_api) {
        sqlite3_api = api;
        ctx_search_locate_library();
    }
    int ours = sqlite3_api == api;
    ctx_process_unlock();
    return ours;
}

static int register_all(ctx_connection *connection)
{
    static int (*const parts[])(ctx_connection *) = {
        ctx_register_embed, ctx_register_words, ctx_register_models, ctx_register_save,
        ctx_register_vector, ctx_register_tables, ctx_register_semantic,
        ctx_register_late};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int code = parts[i](connection);
        if (code != SQLITE_OK)
            return code;
    }
    ctx_connection_set_registered(connection);
    return SQLITE_OK;
}

/* Loading it again on a connection that has it changes nothing. */
__attribute__((visibility("default")))
int sqlite3_contextual_init(sqlite3 *db, char **message, const sqlite3_api_routines *api);

int sqlite3_contextual_init(sqlite3 *db, char **message, const sqlite3_api_routines *api)
{
    if (api->libversion_number() < OLDEST_SQLITE) {
        *message = api->mprintf("contextual needs SQLite 3.34 or later: this is %s",
                                api->libversion());
        return SQLITE_ERROR;
    }
    if (!adopt_sqlite(api)) {
        *message = api->mprintf("contextual is in use by another SQLite library of this "
                                "process: load a copy of the file from another path");
        return SQLITE_ERROR;
    }
    ctx_connection *connection;
    int code = ctx_connection_open(db, &connection);
    if (code != SQLITE_OK)
        return code;
    if (!ctx_connection_registered(connection))
        code = register_all(connection);
    if (code != SQLITE_OK && code != SQLITE_NOMEM)
        *message = sqlite3_mprintf("contextual: %s", sqlite3_errstr(code));
    ctx_connection_release(connection);
    return code;
}
