/* fn_save.c - embed_model_save(name, path): a model in a file of its own. */
#include "call.h"
#include "register.h"
#include "search.h"

#include <string.h>

/* The path as embed_model takes one; NULL in *out for SQL NULL. Freed with sqlite3_free. */
static void read_path(ctx_call *call, sqlite3_value **argv, char **out)
{
    enc_text text;
    int is_null;
    *out = NULL;
    if (ctx_call_text(call, argv, 1, &text, &is_null) != SQLITE_OK || is_null)
        return;
    if (memchr(text.data, '\0', text.size)) {
        ctx_fail(&call->error, SQLITE_ERROR, call->function, "the path can't hold a NUL");
        return;
    }
    *out = ctx_search_expand(text.data);
    if (!*out)
        ctx_fail(&call->error, SQLITE_NOMEM, call->function, "out of memory");
}

/* Gives the file's size in bytes. */
static void save(ctx_call *call, int argc, sqlite3_value **argv)
{
    char *path;
    uint64_t bytes;
    enc_error failure = {0};
    read_path(call, argv, &path);
    if (!path || ctx_call_model(call, argc, argv, 0) != SQLITE_OK) {
        sqlite3_free(path);
        return;
    }
    if (enc_model_save(call->session, call->model, path, &bytes, &failure) == ENC_OK)
        sqlite3_result_int64(call->context, (sqlite3_int64)bytes);
    else
        ctx_call_failed(call, &failure);
    sqlite3_free(path);
}

static void embed_model_save(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    ctx_call_run(context, argc, argv, "embed_model_save", save);
}

int ctx_register_save(ctx_connection *connection)
{
    static const ctx_function rows[] = {
        {"embed_model_save", 2, CTX_DIRECT, embed_model_save, NULL, NULL, NULL, NULL},
    };
    return ctx_register_functions(connection, rows, sizeof rows / sizeof *rows);
}
