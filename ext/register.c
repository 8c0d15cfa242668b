/* register.c - see register.h. */
#include "register.h"

/* SQLite calls the destructor also when it fails: the reference is always given back. */
static int register_one(ctx_connection *connection, const ctx_function *row)
{
    sqlite3 *db = ctx_connection_db(connection);
    void *reference = ctx_connection_retain(connection);
    if (row->inverse)
        return sqlite3_create_window_function(db, row->name, row->arguments, row->flags,
                                              reference, row->step, row->final, row->value,
                                              row->inverse, ctx_connection_release);
    return sqlite3_create_function_v2(db, row->name, row->arguments, row->flags, reference,
                                      row->call, row->step, row->final,
                                      ctx_connection_release);
}

int ctx_register_functions(ctx_connection *connection, const ctx_function *rows, int count)
{
    for (int i = 0; i < count; i++) {
        int code = register_one(connection, &rows[i]);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}
