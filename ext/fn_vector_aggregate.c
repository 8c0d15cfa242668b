/*
** fn_vector_aggregate.c - SQL aggregates over vectors, also as window functions.
**
**   vector_avg(v)              the mean of the vectors
**   vector_sum(v [, weight])   the sum of weight * v; with softmax weights, attention
**
** As with SQLite's own aggregates, a row with a NULL is passed over and no row at all gives
** NULL. All vectors of a group are float32 of one length.
*/
#include "register.h"
#include "vector_argument.h"

#include <math.h>
#include <string.h>

/* One running sum: total + error, where error gathers what rounding took from the total, so
** that what leaves a window again leaves no trace of its size (Neumaier, 1974). */
typedef struct sum {
    double total;
    double error;
} sum;

/* What SQLite keeps for a group; all zero before its first row. */
typedef struct group {
    sum *element; /* [length] */
    size_t length;
    sqlite3_int64 count; /* vectors in it now */
} group;

static void add(sum *s, double x)
{
    double total = s->total + x;
    if (fabs(s->total) >= fabs(x))
        s->error += (s->total - total) + x;
    else
        s->error += (x - total) + s->total;
    s->total = total;
}

/* The group is empty: its next vector may have another length. */
static void reset(group *g)
{
    sqlite3_free(g->element);
    *g = (group){0};
}

static int begin(ctx_vector_call *call, group *g, size_t length)
{
    g->element = sqlite3_malloc64(length * sizeof *g->element);
    if (!g->element)
        return ctx_fail(&call->error, SQLITE_NOMEM, call->function, "out of memory");
    memset(g->element, 0, length * sizeof *g->element);
    g->length = length;
    return SQLITE_OK;
}

/* Adds weight * v to the group, or takes it out (sign -1). */
static int gather(ctx_vector_call *call, const ctx_vector *v, double weight, int sign)
{
    group *g = sqlite3_aggregate_context(call->context, sizeof *g);
    if (!g)
        return ctx_fail(&call->error, SQLITE_NOMEM, call->function, "out of memory");
    int rc = ctx_vector_check_type(call, v, CTX_FLOATS);
    if (rc == SQLITE_OK)
        rc = ctx_vector_check_finite(call, 1, v);
    if (rc == SQLITE_OK && !g->element)
        rc = begin(call, g, v->length);
    if (rc != SQLITE_OK)
        return rc;
    if (g->length != v->length)
        return ctx_fail(&call->error, SQLITE_ERROR, call->function,
                        "vectors differ in length: %lld and %lld", (sqlite3_int64)g->length,
                        (sqlite3_int64)v->length);
    const char *at = v->data;
    for (size_t i = 0; i < v->length; i++, at += sizeof(float)) {
        float x;
        memcpy(&x, at, sizeof x);
        add(&g->element[i], sign * weight * x);
    }
    g->count += sign;
    if (g->count == 0)
        reset(g);
    return SQLITE_OK;
}

static void step(sqlite3_context *context, int argc, sqlite3_value **argv,
                 const char *function, int sign)
{
    for (int i = 0; i < argc; i++)
        if (sqlite3_value_type(argv[i]) == SQLITE_NULL)
            return;
    ctx_vector_call call = {context, argv, function, false, {0}};
    double weight = 1;
    ctx_vector v = {0};
    int rc = ctx_vector_read(&call, 1, &v);
    if (rc == SQLITE_OK && argc > 1)
        rc = ctx_number_argument(&call, 2, "argument 2 (weight)", &weight);
    if (rc == SQLITE_OK)
        rc = gather(&call, &v, weight, sign);
    ctx_vector_done(&call, 1, &v);
    if (rc != SQLITE_OK)
        ctx_result_error(context, &call.error);
}

/* The sums, each divided by `divisor`, as the result. */
static void give(sqlite3_context *context, const group *g, double divisor,
                 const char *function)
{
    ctx_vector_call call = {context, NULL, function, false, {0}};
    int rc;
    float *out = sqlite3_malloc64(g->length * sizeof *out);
    if (out) {
        for (size_t i = 0; i < g->length; i++)
            out[i] = (float)((g->element[i].total + g->element[i].error) / divisor);
        rc = ctx_vector_result_finite(&call, out, g->length);
    } else {
        rc = ctx_fail(&call.error, SQLITE_NOMEM, function, "out of memory");
    }
    if (rc != SQLITE_OK)
        ctx_result_error(context, &call.error);
}

/* The group's state, NULL if it holds no vector. */
static group *held(sqlite3_context *context)
{
    group *g = sqlite3_aggregate_context(context, 0);
    return g && g->element ? g : NULL;
}

static void finish(sqlite3_context *context)
{
    group *g = held(context);
    if (g)
        reset(g);
}

/* ---- vector_avg ---------------------------------------------------------------------- */

static void avg_step(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    step(context, argc, argv, "vector_avg", 1);
}

static void avg_inverse(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    step(context, argc, argv, "vector_avg", -1);
}

static void avg_value(sqlite3_context *context)
{
    group *g = held(context);
    if (g)
        give(context, g, (double)g->count, "vector_avg");
}

static void avg_final(sqlite3_context *context)
{
    avg_value(context);
    finish(context);
}

/* ---- vector_sum ---------------------------------------------------------------------- */

static void sum_step(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    step(context, argc, argv, "vector_sum", 1);
}

static void sum_inverse(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    step(context, argc, argv, "vector_sum", -1);
}

static void sum_value(sqlite3_context *context)
{
    group *g = held(context);
    if (g)
        give(context, g, 1, "vector_sum");
}

static void sum_final(sqlite3_context *context)
{
    sum_value(context);
    finish(context);
}

int ctx_register_vector_aggregates(ctx_connection *connection)
{
    enum { FLAGS = CTX_PURE | CTX_TAKES_VECTOR | CTX_GIVES_VECTOR };
    static const ctx_function rows[] = {
        {"vector_avg", 1, FLAGS, NULL, avg_step, avg_final, avg_value, avg_inverse},
        {"vector_sum", 1, FLAGS, NULL, sum_step, sum_final, sum_value, sum_inverse},
        {"vector_sum", 2, FLAGS, NULL, sum_step, sum_final, sum_value, sum_inverse},
    };
    return ctx_register_functions(connection, rows, sizeof rows / sizeof *rows);
}
