/*
** register.h - what each file of functions or tables adds to a connection.
**
** Registration is by table: a row is a name, the number of arguments, flags and callbacks.
*/
#ifndef CTX_REGISTER_H
#define CTX_REGISTER_H

#include "connection.h"

/* Results depend on the arguments alone; harmless in any schema. */
#define CTX_PURE (SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS)
/* Depends on the connection's state; harmless. */
#define CTX_STATEFUL (SQLITE_UTF8 | SQLITE_INNOCUOUS)
/* Opens files or changes state: never from a schema. */
#define CTX_DIRECT (SQLITE_UTF8 | SQLITE_DIRECTONLY)
#define CTX_GIVES_VECTOR SQLITE_RESULT_SUBTYPE
#define CTX_TAKES_VECTOR SQLITE_SUBTYPE

typedef struct ctx_function {
    const char *name;
    int arguments; /* -1: any number */
    int flags;
    void (*call)(sqlite3_context *, int, sqlite3_value **);  /* scalar; or NULL */
    void (*step)(sqlite3_context *, int, sqlite3_value **);
    void (*final)(sqlite3_context *);
    void (*value)(sqlite3_context *);   /* with inverse: also a window function; or NULL */
    void (*inverse)(sqlite3_context *, int, sqlite3_value **);
} ctx_function;

/* Registers the rows with `connection` as user data (one more reference each). */
int ctx_register_functions(ctx_connection *connection, const ctx_function *rows, int count);

int ctx_register_embed(ctx_connection *connection);  /* fn_embed.c: embed, similarity... */
int ctx_register_words(ctx_connection *connection);  /* fn_word.c: token_embedding, ... */
int ctx_register_models(ctx_connection *connection); /* fn_models.c: embed_model, ... */
int ctx_register_save(ctx_connection *connection);   /* fn_save.c: embed_model_save */
int ctx_register_vector(ctx_connection *connection); /* fn_vector.c: cosine, vector_... */
int ctx_register_tables(ctx_connection *connection); /* tvf.c: tokens, hidden_states, ... */
int ctx_register_semantic(ctx_connection *connection); /* semantic/module.c: semantic */
int ctx_register_late(ctx_connection *connection);   /* semantic/late.c: maxsim, align, ... */

#endif
