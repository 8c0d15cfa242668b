/*
** fn_models.c - models and the process: embed_model, embed_model_default, embed_model_drop,
** contextual_release, contextual_version, contextual_info.
*/
#include <jansson.h>
#include <string.h>

#include "block_cache.h"
#include "call.h"
#include "names.h"
#include "register.h"

/* Argument `index` as a C string; NULL in *out for SQL NULL. */
static int string_argument(sqlite3_value **argv, int index, const char *function,
                           const char *what, const char **out, ctx_error *error)
{
    enc_text text;
    int is_null;
    *out = NULL;
    int code = ctx_text_argument(argv[index], function, what, &text, &is_null, error);
    if (code != SQLITE_OK || is_null)
        return code;
    if (memchr(text.data, '\0', text.size))
        return ctx_fail(error, SQLITE_ERROR, function, "%s can't hold a NUL", what);
    *out = text.data;
    return SQLITE_OK;
}

/* ---- embed_model(name, path [, options]) ---- */

static int bind_model(ctx_connection *connection, int argc, sqlite3_value **argv,
                      char **result, ctx_error *error)
{
    static const char function[] = "embed_model";
    const char *name, *path;
    int code = string_argument(argv, 0, function, "the model's name", &name, error);
    if (code == SQLITE_OK)
        code = string_argument(argv, 1, function, "the path", &path, error);
    if (code != SQLITE_OK || !name || !path)
        return code;
    ctx_options options;
    const ctx_binding *binding;
    code = ctx_options_parse(argc > 2 ? argv[2] : NULL, CTX_MODEL_OPTIONS, function,
                             &options, error);
    if (code == SQLITE_OK)
        code = ctx_model_bind(connection, name, path, options.quantize, error);
    ctx_options_clear(&options);
    if (code == SQLITE_OK)
        code = ctx_binding_find(connection, argv[0], function, &binding, error);
    if (code != SQLITE_OK)
        return code;
    *result = ctx_binding_pin(binding);
    return *result ? SQLITE_OK : ctx_fail(error, SQLITE_NOMEM, function, "out of memory");
}

/* Gives the name with its pin, "name@1f3c9a20", for use in a schema. */
static void embed_model(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    ctx_error error = {0};
    char *pinned = NULL;
    if (bind_model(sqlite3_user_data(context), argc, argv, &pinned, &error) != SQLITE_OK)
        ctx_result_error(context, &error);
    else if (pinned)
        sqlite3_result_text(context, pinned, -1, sqlite3_free);
}

/* embed_model_default(name): the name; NULL goes back to the environment's default. */
static void embed_model_default(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    ctx_error error = {0};
    const char *name;
    (void)argc;
    if (string_argument(argv, 0, "embed_model_default", "the model's name", &name,
                        &error) != SQLITE_OK ||
        ctx_model_set_default(sqlite3_user_data(context), name, &error) != SQLITE_OK)
        ctx_result_error(context, &error);
    else
        sqlite3_result_value(context, argv[0]);
}

/* embed_model_drop(name): the name. */
static void embed_model_drop(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    ctx_error error = {0};
    const char *name;
    (void)argc;
    if (string_argument(argv, 0, "embed_model_drop", "the model's name", &name,
                        &error) != SQLITE_OK ||
        (name && ctx_model_drop(sqlite3_user_data(context), name, &error) != SQLITE_OK))
        ctx_result_error(context, &error);
    else
        sqlite3_result_value(context, argv[0]);
}

/* ---- The process ---- */

/* contextual_release(): bytes that were freed. */
static void contextual_release(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    (void)argv;
    sqlite3_int64 models = ctx_model_release(sqlite3_user_data(context));
    sqlite3_result_int64(context, models + ctx_block_cache_release());
}

static void contextual_version(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    (void)argv;
    sqlite3_result_text(context, enc_version(), -1, SQLITE_STATIC);
}

/* "a, b, c" as a JSON array. */
static json_t *split(const char *list)
{
    json_t *array = json_array();
    while (array && *list) {
        size_t length = strcspn(list, ",");
        if (json_array_append_new(array, json_stringn(list, length)) != 0) {
            json_decref(array);
            return NULL;
        }
        list += length;
        list += strspn(list, ", ");
    }
    return array;
}

static void contextual_info(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    (void)argv;
    enc_runtime_info info;
    enc_runtime_describe(&info);
    ctx_result_json(context, json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:s, s:i, s:i, s:s*}", "version", enc_version(),
        "sqlite", sqlite3_libversion(), "cpu", info.cpu, "kernel", info.kernel,
        "kernels", split(info.kernels), "blas", info.blas, "threads", info.threads,
        "threads_running", info.threads_running, "note", *info.note ? info.note : NULL));
}

/* ---- Registration ---- */

int ctx_register_models(ctx_connection *connection)
{
    static const int json = CTX_STATEFUL | SQLITE_RESULT_SUBTYPE;
    static const ctx_function rows[] = {
        {"embed_model", 2, CTX_DIRECT, embed_model, NULL, NULL, NULL, NULL},
        {"embed_model", 3, CTX_DIRECT, embed_model, NULL, NULL, NULL, NULL},
        {"embed_model_default", 1, CTX_DIRECT, embed_model_default, NULL, NULL, NULL, NULL},
        {"embed_model_drop", 1, CTX_DIRECT, embed_model_drop, NULL, NULL, NULL, NULL},
        {"contextual_release", 0, CTX_DIRECT, contextual_release, NULL, NULL, NULL, NULL},
        {"contextual_version", 0, CTX_PURE, contextual_version, NULL, NULL, NULL, NULL},
        {"contextual_info", 0, json, contextual_info, NULL, NULL, NULL, NULL},
    };
    return ctx_register_functions(connection, rows, sizeof rows / sizeof *rows);
}
