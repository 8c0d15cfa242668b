/*
** fn_vector.c - SQL functions that compare two vectors; registers all functions on vectors.
**
**   cosine(a, b)       cosine similarity, -1 to 1; NULL if a vector is zero
**   cosine_distance(a, b)   1 - cosine
**   dot(a, b)   l2_distance(a, b)   l1_distance(a, b)
**   hamming_distance(a, b)  bits that differ, of two bit vectors
**
** NULL in, NULL out. Sums are carried in double.
*/
#include "register.h"
#include "vector_argument.h"

#include <math.h>

typedef struct measure {
    const char *function;
    enum enc_metric metric;
    bool complement; /* 1 - the metric */
    unsigned types;  /* those it is defined for */
} measure;

/* Sums of squares and products of finite float32 are finite doubles: the elements are
** looked at only if the result is not finite. If they are finite, it was the cosine of a
** zero vector, which is NULL. */
static int give_measure(ctx_vector_call *call, const measure *m, const ctx_vector *a,
                        const ctx_vector *b)
{
    int rc = ctx_vector_check_alike(call, a, b);
    if (rc == SQLITE_OK)
        rc = ctx_vector_check_type(call, a, m->types);
    if (rc != SQLITE_OK)
        return rc;
    double result = enc_vector_compare(m->metric, a->type, a->data, b->data, a->length);
    if (isfinite(result)) {
        sqlite3_result_double(call->context, m->complement ? 1 - result : result);
        return SQLITE_OK;
    }
    rc = ctx_vector_check_finite(call, 1, a);
    return rc == SQLITE_OK ? ctx_vector_check_finite(call, 2, b) : rc;
}

static void compare(sqlite3_context *context, sqlite3_value **argv, const measure *m)
{
    ctx_vector_call call; /* its message is not cleared in every row of a scan */
    call.context = context;
    call.argument = argv;
    call.function = m->function;
    call.keep = true;
    call.error.code = SQLITE_OK;
    ctx_vector a, b;
    int rc = ctx_vector_read(&call, 1, &a);
    if (rc == SQLITE_OK) {
        rc = ctx_vector_read(&call, 2, &b);
        if (rc == SQLITE_OK) {
            if (a.data && b.data)
                rc = give_measure(&call, m, &a, &b);
            ctx_vector_done(&call, 2, &b);
        }
        ctx_vector_done(&call, 1, &a);
    }
    if (rc != SQLITE_OK)
        ctx_result_error(context, &call.error);
}

/* The user data of every function is the connection, so that each measure needs a C
** function of its own around `compare`. */
#define MEASURE(name, metric, complement, types)                                           \
    static void name(sqlite3_context *context, int argc, sqlite3_value **argv)             \
    {                                                                                      \
        static const measure m = {#name, metric, complement, types};                       \
        (void)argc;                                                                        \
        compare(context, argv, &m);                                                        \
    }

MEASURE(cosine, ENC_COSINE, false, CTX_ANY)
MEASURE(cosine_distance, ENC_COSINE, true, CTX_ANY)
MEASURE(dot, ENC_DOT, false, CTX_NUMBERS)
MEASURE(l2_distance, ENC_L2, false, CTX_NUMBERS)
MEASURE(l1_distance, ENC_L1, false, CTX_NUMBERS)
MEASURE(hamming_distance, ENC_HAMMING, false, CTX_BITS)

int ctx_register_vector(ctx_connection *connection)
{
    enum { FLAGS = CTX_PURE | CTX_TAKES_VECTOR };
    static const ctx_function rows[] = {
        {"cosine", 2, FLAGS, cosine, NULL, NULL, NULL, NULL},
        {"cosine_distance", 2, FLAGS, cosine_distance, NULL, NULL, NULL, NULL},
        {"dot", 2, FLAGS, dot, NULL, NULL, NULL, NULL},
        {"l2_distance", 2, FLAGS, l2_distance, NULL, NULL, NULL, NULL},
        {"l1_distance", 2, FLAGS, l1_distance, NULL, NULL, NULL, NULL},
        {"hamming_distance", 2, FLAGS, hamming_distance, NULL, NULL, NULL, NULL},
    };
    int rc = ctx_register_functions(connection, rows, sizeof rows / sizeof *rows);
    if (rc == SQLITE_OK)
        rc = ctx_register_vector_makers(connection);
    return rc == SQLITE_OK ? ctx_register_vector_aggregates(connection) : rc;
}
