/*
** names.h - which model a name stands for on one connection.
**
** A binding comes from embed_model(name, path), from a name that the search path knew, or
** from the environment's default. It holds one reference to its model. Lookups are by exact
** name; "name@hex" asks besides that the fingerprint begins with these digits.
*/
#ifndef CTX_NAMES_H
#define CTX_NAMES_H

#include "connection.h"

enum ctx_origin {
    CTX_FROM_SQL,         /* embed_model: stays until dropped */
    CTX_FROM_SEARCH,      /* found on the search path */
    CTX_FROM_ENVIRONMENT  /* CONTEXTUAL_MODEL gave a path */
};

typedef struct ctx_binding {
    char *name;
    char *path;
    enum ctx_origin origin;
    enc_model *model;
} ctx_binding;

typedef struct ctx_names {
    ctx_binding *list;  /* in the order they were bound */
    int count;
    int capacity;
    char *chosen;       /* what embed_model_default said, or NULL */
    char *configured;   /* CONTEXTUAL_MODEL as it was at its first use, "" if unset */
} ctx_names;            /* all zero: nothing is bound */

void ctx_names_clear(ctx_names *names);

/* As ctx_model_find, but gives the binding: its name, path and model. Valid, without a
** reference of the caller's, until something is bound or dropped. */
int ctx_binding_find(ctx_connection *connection, sqlite3_value *value, const char *function,
                     const ctx_binding **out, ctx_error *error);

/* The same by a C string; NULL: the default. */
int ctx_binding_named(ctx_connection *connection, const char *name, const char *function,
                      const ctx_binding **out, ctx_error *error);

/* "name@1f3c9a20": what pins this model in a schema. Freed with sqlite3_free; NULL: no
** memory. */
char *ctx_binding_pin(const ctx_binding *binding);

#endif
