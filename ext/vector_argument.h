/*
** vector_argument.h - vectors as SQL values: reading arguments, setting results.
**
** A vector is a BLOB of little-endian float32 without a header, or a JSON array of numbers
** as TEXT. A BLOB's subtype says what it holds: 223 (or none) float32, 225 int8, 224 bits,
** eight to the byte and the lowest first. These are sqlite-vec's values, so that either
** extension reads what the other wrote. An empty vector is an error everywhere.
**
**     ctx_vector_call call = {context, argv, "vector_length", true, {0}};
**     ctx_vector v;
**     int rc = ctx_vector_read(&call, 1, &v);
**     if (rc == SQLITE_OK) {
**         ... v.data, unless it is NULL (SQL NULL) ...
**         ctx_vector_done(&call, 1, &v);
**     }
**     if (rc != SQLITE_OK)
**         ctx_result_error(context, &call.error);
*/
#ifndef CTX_VECTOR_ARGUMENT_H
#define CTX_VECTOR_ARGUMENT_H

#include "connection.h"

/* One call of an SQL function. */
typedef struct ctx_vector_call {
    sqlite3_context *context;
    sqlite3_value **argument;
    const char *function; /* its name, for messages */
    bool keep; /* the parsed form of a JSON text that is the same in every row is kept by
               ** SQLite; for scalar functions only: an aggregate's is never dropped */
    ctx_error error; /* set when one of the functions below does not return SQLITE_OK */
} ctx_vector_call;

typedef struct ctx_vector {
    const void *data; /* any alignment; NULL: the argument is SQL NULL */
    size_t length;    /* elements; at least 1 */
    enum enc_vector_type type;
    struct ctx_parsed *owned; /* what ctx_vector_done gives back, if anything */
} ctx_vector;

/* Name of a type, for messages: "float32", "int8", "bit". */
const char *ctx_vector_type_name(enum enc_vector_type type);
/* Bytes of `length` elements. */
size_t ctx_vector_bytes(enum enc_vector_type type, size_t length);

/* Reads the argument at `position`, counted from 1, in the type that its subtype says. The
** data of a BLOB is SQLite's own memory, valid during the call. Elements are not looked at:
** see ctx_vector_check_finite. */
int ctx_vector_read(ctx_vector_call *call, int position, ctx_vector *out);

/* The same for a BLOB or JSON array that is to be taken as `type`: a BLOB without subtype
** is one, a BLOB marked as another type is an error. */
int ctx_vector_read_as(ctx_vector_call *call, int position, enum enc_vector_type type,
                       ctx_vector *out);

/* Ends the use of a vector that was read. */
void ctx_vector_done(ctx_vector_call *call, int position, ctx_vector *vector);

/* An error if two vectors differ in type or length, naming both. */
int ctx_vector_check_alike(ctx_vector_call *call, const ctx_vector *a, const ctx_vector *b);

/* An error naming the first element that is NaN or infinite. */
int ctx_vector_check_finite(ctx_vector_call *call, int position, const ctx_vector *vector);

/* An error unless the vector's type is in `types`, bits 1 << enum enc_vector_type. */
enum { CTX_FLOATS = 1 << ENC_FLOAT32, CTX_NUMBERS = CTX_FLOATS | 1 << ENC_INT8 };
enum { CTX_BITS = 1 << ENC_BIT, CTX_ANY = CTX_NUMBERS | CTX_BITS };
int ctx_vector_check_type(ctx_vector_call *call, const ctx_vector *vector, unsigned types);

/* Hands over `data` (from sqlite3_malloc64) of `length` elements as the result. */
void ctx_vector_result(ctx_vector_call *call, void *data, size_t length,
                       enum enc_vector_type type);
/* The same for float32, with an error if an element is not finite. */
int ctx_vector_result_finite(ctx_vector_call *call, float *data, size_t length);

/* A finite number; TEXT that reads as one is taken. `what` names the argument in messages.
** SQL NULL is an error: callers look for it first. */
int ctx_number_argument(ctx_vector_call *call, int position, const char *what, double *out);
/* Likewise a whole number. */
int ctx_integer_argument(ctx_vector_call *call, int position, const char *what,
                         sqlite3_int64 *out);

/* "INTEGER 42", "TEXT 'abc...'", "BLOB of 3 bytes": a value for messages, cut after a few
** characters. */
enum { CTX_EXCERPT_SIZE = 64 };
const char *ctx_value_excerpt(sqlite3_value *value, char out[CTX_EXCERPT_SIZE]);

/* The other tables of functions on vectors: fn_vector_make.c and fn_vector_aggregate.c. */
int ctx_register_vector_makers(ctx_connection *connection);
int ctx_register_vector_aggregates(ctx_connection *connection);

#endif
