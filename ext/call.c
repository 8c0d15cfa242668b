/* call.c - see call.h. */
#include "call.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void close_model(void *model)
{
    enc_model_close(model);
}

static void free_options(void *options)
{
    ctx_options_clear(options);
    sqlite3_free(options);
}

int ctx_call_begin(ctx_call *call, sqlite3_context *context, const char *function)
{
    memset(call, 0, sizeof *call);
    call->context = context;
    call->connection = sqlite3_user_data(context);
    call->function = function;
    call->model_slot = call->options_slot = -1;
    call->session = ctx_session(call->connection, function, &call->error);
    return call->error.code;
}

int ctx_call_model(ctx_call *call, int argc, sqlite3_value **argv, int index)
{
    sqlite3_value *name = index < argc ? argv[index] : NULL;
    if (name) {
        call->model_slot = index;
        call->model = sqlite3_get_auxdata(call->context, index);
    }
    if (call->model)
        return SQLITE_OK;
    int code = ctx_model_find(call->connection, name, call->function, &call->model,
                              &call->error);
    call->model_is_new = code == SQLITE_OK;
    return code;
}

int ctx_call_options(ctx_call *call, int argc, sqlite3_value **argv, int index,
                     unsigned keys)
{
    sqlite3_value *text = index < argc ? argv[index] : NULL;
    if (text) {
        call->options_slot = index;
        call->options = sqlite3_get_auxdata(call->context, index);
    }
    if (call->options)
        return SQLITE_OK;
    ctx_options *parsed = sqlite3_malloc64(sizeof *parsed);
    if (!parsed)
        return ctx_fail(&call->error, SQLITE_NOMEM, call->function, "out of memory");
    int code = ctx_options_parse(text, keys, call->function, parsed, &call->error);
    if (code != SQLITE_OK) {
        free_options(parsed);
        return code;
    }
    call->options = call->own_options = parsed;
    return SQLITE_OK;
}

int ctx_call_text(ctx_call *call, sqlite3_value **argv, int index, enc_text *out,
                  int *is_null)
{
    char what[32];
    sqlite3_snprintf((int)sizeof what, what, "argument %d", index + 1);
    return ctx_text_argument(argv[index], call->function, what, out, is_null, &call->error);
}

int ctx_call_floats(ctx_call *call, size_t count, float **out)
{
    *out = sqlite3_malloc64((count ? count : 1) * sizeof **out);
    return *out ? SQLITE_OK
                : ctx_fail(&call->error, SQLITE_NOMEM, call->function, "out of memory");
}

int ctx_call_failed(ctx_call *call, const enc_error *failure)
{
    return ctx_fail_encoder(&call->error, call->function, failure);
}

void ctx_result_json(sqlite3_context *context, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (text) {
        sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
        sqlite3_result_subtype(context, CTX_SUBTYPE_JSON);
    } else {
        sqlite3_result_error_nomem(context);
    }
    free(text);
    json_decref(json);
}

void ctx_call_run(sqlite3_context *context, int argc, sqlite3_value **argv,
                  const char *function, ctx_body *body)
{
    ctx_call call;
    if (ctx_call_begin(&call, context, function) == SQLITE_OK)
        body(&call, argc, argv);
    ctx_call_end(&call);
}

void ctx_call_end(ctx_call *call)
{
    /* SQLite frees at once what belongs to an argument that is not constant. */
    if (call->model_is_new && call->model_slot >= 0)
        sqlite3_set_auxdata(call->context, call->model_slot, call->model, close_model);
    else if (call->model_is_new)
        enc_model_close(call->model);
    if (call->own_options && call->options_slot >= 0)
        sqlite3_set_auxdata(call->context, call->options_slot, call->own_options,
                            free_options);
    else if (call->own_options)
        free_options(call->own_options);
    if (call->error.code != SQLITE_OK)
        ctx_result_error(call->context, &call->error);
}
