/*
** tvf_axis.c - axes: integer columns whose constraints decide what a table computes.
**
** A constraint on an axis is an interval of integers, IN is a union of intervals; an axis
** keeps the values of first ... last that lie in all of them. SQLite evaluates each
** constraint again with its own rules of affinity, so where those are not plain the
** interval is everything.
*/
#include <math.h>
#include <string.h>

#include "tvf.h"
#include "tvf_plan.h"

typedef struct interval {
    double low;
    double high; /* low > high: nothing */
} interval;

/* The integers v for which "v op operand" may be true. The column has INTEGER affinity:
** text that looks like a number compares as that number. sqlite3_value_double reads such
** text without changing the value, which may be a constant used elsewhere in the statement;
** it also reads a prefix ('4x' as 4), which for equality only keeps a value too many. */
static interval allowed(char op, sqlite3_value *operand)
{
    interval all = {-HUGE_VAL, HUGE_VAL};
    interval none = {1, 0};
    int type = sqlite3_value_type(operand);

    if (type == SQLITE_NULL)
        return none;
    if (type == SQLITE_BLOB || (type == SQLITE_TEXT && op != CTX_PLAN_EQ))
        return all;
    double x = sqlite3_value_double(operand);
    switch (op) {
    case CTX_PLAN_EQ: return (interval){ceil(x), floor(x)};
    case CTX_PLAN_LT: return (interval){-HUGE_VAL, ceil(x) - 1};
    case CTX_PLAN_LE: return (interval){-HUGE_VAL, floor(x)};
    case CTX_PLAN_GT: return (interval){floor(x) + 1, HUGE_VAL};
    case CTX_PLAN_GE: return (interval){ceil(x), HUGE_VAL};
    default: return all;
    }
}

static bool inside(interval range, int value)
{
    return range.low <= value && value <= range.high;
}

/* Drops the values outside the interval. */
static void keep_interval(ctx_axis *axis, interval range)
{
    int kept = 0;
    for (int i = 0; i < axis->count; i++)
        if (inside(range, axis->value[i]))
            axis->value[kept++] = axis->value[i];
    axis->count = kept;
}

/* Drops the values that are not in the right-hand side of an IN, read all at once. */
static int keep_members(ctx_axis *axis, sqlite3_value *set)
{
    bool *member = sqlite3_malloc64((sqlite3_uint64)axis->count + 1);
    if (!member)
        return SQLITE_NOMEM;
    memset(member, 0, (size_t)axis->count + 1);

    sqlite3_value *item = NULL;
    int rc = sqlite3_vtab_in_first(set, &item);
    for (; rc == SQLITE_OK && item; rc = sqlite3_vtab_in_next(set, &item)) {
        interval range = allowed(CTX_PLAN_EQ, item);
        for (int i = 0; i < axis->count; i++)
            if (inside(range, axis->value[i]))
                member[i] = true;
    }
    if (rc == SQLITE_DONE) {
        int kept = 0;
        for (int i = 0; i < axis->count; i++)
            if (member[i])
                axis->value[kept++] = axis->value[i];
        axis->count = kept;
        rc = SQLITE_OK;
    }
    sqlite3_free(member);
    return rc;
}

int ctx_axis_open(ctx_cursor *cursor, int axis, int first, int last)
{
    ctx_axis *a = &cursor->axis[axis];
    int column = ctx_cursor_vtab(cursor)->table->axis[axis];
    int extent = last < first ? 0 : last - first + 1;

    a->value = sqlite3_malloc64(((sqlite3_uint64)extent + 1) * sizeof *a->value);
    if (!a->value)
        return SQLITE_NOMEM;
    a->first = first;
    a->extent = a->count = extent;
    a->at = 0;
    for (int i = 0; i < extent; i++)
        a->value[i] = first + i;

    int rc = SQLITE_OK;
    const char *c = cursor->constraint;
    for (int i = 0; c[2 * i] && rc == SQLITE_OK; i++) {
        if (c[2 * i] - CTX_PLAN_COLUMN != column)
            continue;
        if (c[2 * i + 1] == CTX_PLAN_IN)
            rc = keep_members(a, cursor->operand[i]);
        else
            keep_interval(a, allowed(c[2 * i + 1], cursor->operand[i]));
    }
    return rc;
}

void ctx_axis_narrow(ctx_axis *axis, int value)
{
    keep_interval(axis, (interval){value, value});
}

bool ctx_axes_any(const ctx_cursor *cursor)
{
    int axes = ctx_cursor_vtab(cursor)->table->axes;
    for (int i = 0; i < axes; i++)
        if (cursor->axis[i].count == 0)
            return false;
    return true;
}

bool ctx_axes_next(ctx_cursor *cursor)
{
    for (int i = ctx_cursor_vtab(cursor)->table->axes - 1; i >= 0; i--) {
        if (++cursor->axis[i].at < cursor->axis[i].count)
            return true;
        cursor->axis[i].at = 0;
    }
    return false;
}

sqlite3_uint64 ctx_axes_number(const ctx_cursor *cursor)
{
    sqlite3_uint64 number = 0;
    int axes = ctx_cursor_vtab(cursor)->table->axes;
    for (int i = 0; i < axes; i++) {
        const ctx_axis *a = &cursor->axis[i];
        number = number * (sqlite3_uint64)a->extent +
                 (sqlite3_uint64)(ctx_axis_value(cursor, i) - a->first);
    }
    return number;
}

void ctx_axes_close(ctx_cursor *cursor)
{
    for (int i = 0; i < CTX_AXES; i++) {
        sqlite3_free(cursor->axis[i].value);
        cursor->axis[i] = (ctx_axis){0};
    }
}
