/*
** call.h - what one call of a scalar function works with: its model and options.
**
** Both are kept with the statement (sqlite3_set_auxdata) where their arguments are
** constant, so that `embed(body, 'e5', '{"dimensions": 64}')` looks up and parses once per
** statement.
**
** A function is a body, which sets a result or leaves call->error, and ctx_call_run around
** it.
*/
#ifndef CTX_CALL_H
#define CTX_CALL_H

#include "cache.h"
#include "options.h"

typedef struct ctx_call {
    sqlite3_context *context;
    ctx_connection *connection;
    const char *function;
    enc_session *session;
    enc_model *model;
    const ctx_options *options;
    ctx_error error;
    int model_slot;        /* argument with which the model is kept; -1: none */
    int model_is_new;      /* it was found by this call */
    int options_slot;
    ctx_options *own_options; /* parsed by this call */
} ctx_call;

/* Opens the session. Every step leaves its failure in call->error and returns the code. */
int ctx_call_begin(ctx_call *call, sqlite3_context *context, const char *function);

/* The model that argument `index` means; index >= argc: the default. */
int ctx_call_model(ctx_call *call, int argc, sqlite3_value **argv, int index);

/* The options of argument `index`; index >= argc: none given. */
int ctx_call_options(ctx_call *call, int argc, sqlite3_value **argv, int index,
                     unsigned keys);

/* A text argument. */
int ctx_call_text(ctx_call *call, sqlite3_value **argv, int index, enc_text *out,
                  int *is_null);

/* Memory of `count` floats, freed by the caller with sqlite3_free. */
int ctx_call_floats(ctx_call *call, size_t count, float **out);

/* The encoder's failure as the call's own. */
int ctx_call_failed(ctx_call *call, const enc_error *failure);

/* JSON as the result; takes over the reference to json (NULL: out of memory). */
struct json_t;
void ctx_result_json(sqlite3_context *context, struct json_t *json);

/* One call: begin, body, end. */
typedef void ctx_body(ctx_call *call, int argc, sqlite3_value **argv);
void ctx_call_run(sqlite3_context *context, int argc, sqlite3_value **argv,
                  const char *function, ctx_body *body);

/* Hands model and options to the statement, or lets go of them, and reports call->error, if
** there is one, as the result. */
void ctx_call_end(ctx_call *call);

#endif
