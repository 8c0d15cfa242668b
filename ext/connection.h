/*
** connection.h - what one database connection knows: names of models, the default, a
** session for scratch memory, and a small cache of recent embeddings.
**
** Every SQL function and table of the extension gets the ctx_connection as its user data;
** it is counted, and freed when SQLite has destroyed the last of them (closing the
** connection). SQLite serialises the calls on one connection, so its object needs no lock.
**
** Messages: a function that fails returns a SQLite result code and leaves a sentence in a
** ctx_error, to be handed to SQLite once, at the border, by ctx_result_error (functions) or
** ctx_vtab_error (tables). The sentence begins with the name of the SQL function.
*/
#ifndef CTX_CONNECTION_H
#define CTX_CONNECTION_H

#include "sqlite3ext.h"
SQLITE_EXTENSION_INIT3

#include "../core/encoder.h"

#ifndef SQLITE_RESULT_SUBTYPE /* from 3.45; ignored before */
#define SQLITE_RESULT_SUBTYPE 0x001000000
#endif
#ifndef SQLITE_SUBTYPE /* from 3.41 headers on; value since 3.30 */
#define SQLITE_SUBTYPE 0x000100000
#endif

typedef struct ctx_connection ctx_connection;

typedef struct ctx_error {
    int code;                                 /* SQLITE_... */
    char message[ENC_MESSAGE_SIZE + 64];
} ctx_error;

/* Records "function: sentence" (printf of SQLite, so %Q is known) and returns code. */
int ctx_fail(ctx_error *error, int code, const char *function, const char *format, ...);
/* The same from a failure of the encoder: maps enum enc_code to SQLITE_... once, here. */
int ctx_fail_encoder(ctx_error *error, const char *function, const enc_error *failure);
/* SQLite's sentence about `code`, which a call on db gave; its general one where another call has
** replaced that since. */
const char *ctx_sqlite_message(sqlite3 *db, int code);
/* The code of a failure that says nothing of what was read: memory, the disk, the host's patience,
** locks. SQLITE_OK for any other, of a table that is damaged, forbidden or gone. */
int ctx_passing(int code);
/* Makes the error the function's result. */
void ctx_result_error(sqlite3_context *context, const ctx_error *error);
/* Sets vtab->zErrMsg and returns error->code. */
int ctx_vtab_error(sqlite3_vtab *vtab, const ctx_error *error);

/* ---- The process ---- */

/* Guards what belongs to the process here: which SQLite library this is (contextual.c), the
** list of open connections, the blocks of semantic indexes (semantic/block_cache.c,
** block_memory.c). Held for an instant, and no other lock of the extension's is taken meanwhile;
** fork-safe. */
void ctx_process_lock(void);
void ctx_process_unlock(void);

/* ---- Life ---- */

/* The connection's object, with one reference for the caller: a new one, or the one that an
** earlier load of the extension made (*out then is registered: see below). */
int ctx_connection_open(sqlite3 *db, ctx_connection **out);
ctx_connection *ctx_connection_retain(ctx_connection *connection);
void ctx_connection_release(void *connection); /* xDestroy of functions and modules */
sqlite3 *ctx_connection_db(const ctx_connection *connection);

/* Whether all functions and tables stand on the connection; set once by the entry point. */
int ctx_connection_registered(const ctx_connection *connection);
void ctx_connection_set_registered(ctx_connection *connection);

/* What the connection holds for names.c and for the functions. */
struct ctx_names *ctx_connection_names(ctx_connection *connection);
struct ctx_cache *ctx_connection_cache(ctx_connection *connection);
/* The first of its semantic indexes that are open: semantic/index.h links them. */
struct ctx_index **ctx_connection_indexes(ctx_connection *connection);

/* The session, opened at first use, with a progress callback that runs a short counting
** statement on the connection: it sees sqlite3_interrupt on every SQLite and feeds the
** host's progress handler. The statement is finalized before the callback returns, so
** callers have nothing to end and sqlite3_close never finds it. NULL: out of memory, with
** error set. */
enc_session *ctx_session(ctx_connection *connection, const char *function,
                         ctx_error *error);

/* Asks the host as the session's callback does, for work that is not the encoder's; to be called
** every few milliseconds. Not 0: stop, with SQLITE_INTERRUPT. */
int ctx_connection_stopped(ctx_connection *connection);

/* ---- Models by name ---- */

/* The model an SQL argument means: a name, "name@fingerprint", or NULL / absent (value
** NULL) for the default. Loads it from the search path if need be. The model holds as long
** as the caller needs it: *out carries one reference, given back by enc_model_close. */
int ctx_model_find(ctx_connection *connection, sqlite3_value *value, const char *function,
                   enc_model **out, ctx_error *error);

/* embed_model: binds `name` to the checkpoint at `path`. The same checkpoint again is fine,
** another one is an error until the name is dropped. */
int ctx_model_bind(ctx_connection *connection, const char *name, const char *path,
                   const char *quantize, ctx_error *error);
/* embed_model_drop: forgets a name that is open here, and frees the weights if nobody else
** holds them. */
int ctx_model_drop(ctx_connection *connection, const char *name, ctx_error *error);
/* embed_model_default; name NULL: back to the environment's default. */
int ctx_model_set_default(ctx_connection *connection, const char *name, ctx_error *error);
/* contextual_release: drops names that came from the search path and frees every model of
** the process that nobody holds; the number of bytes freed. */
sqlite3_int64 ctx_model_release(ctx_connection *connection);

/* One row of embed_models: names bound on this connection first, then what the search path
** offers. Strings and model belong to the list (a reference each). The list gives SQLITE_OK
** or SQLITE_NOMEM. */
typedef struct ctx_model_entry {
    char *name;
    char *path;
    enc_model *model; /* NULL: found on the search path, not loaded */
    int is_default;
} ctx_model_entry;
int ctx_model_list(ctx_connection *connection, ctx_model_entry **out, int *count);
void ctx_model_list_free(ctx_model_entry *list, int count);

/* ---- Values ---- */

/* Subtypes. */
enum {
    CTX_SUBTYPE_JSON = 'J', /* what SQLite's own JSON functions look for */
    CTX_SUBTYPE_FLOAT32 = 223, /* these as sqlite-vec reads and writes them */
    CTX_SUBTYPE_BIT = 224,
    CTX_SUBTYPE_INT8 = 225
};

/* TEXT (numbers by SQLite's own coercion); a BLOB is an error that says CAST. *is_null is
** set for NULL and out is untouched. `what` names the argument: "argument 1", "text". */
int ctx_text_argument(sqlite3_value *value, const char *function, const char *what,
                      enc_text *out, int *is_null, ctx_error *error);

/* Whether the value is an integer, or a REAL that is one: languages with one type of numbers, as
** JavaScript, bind 3 as 3.0. */
int ctx_is_whole(sqlite3_value *value, sqlite3_int64 *out);

/* Whether two values have the same type and are the same; NULL pointers are the same, too. */
int ctx_is_same(sqlite3_value *a, sqlite3_value *b);

#endif
