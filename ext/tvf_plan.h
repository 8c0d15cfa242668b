/*
** tvf_plan.h - the plan that xBestIndex hands to xFilter.
**
** idxNum   bit i is set: hidden argument i has a value. The values of these arguments come
**          first in argv, in the order of the arguments.
** idxStr   two characters for each further value of argv: the column ('a' is column 0) and
**          what is compared, one of the codes below. "a=c<" reads: column 0 is equal to the
**          first of these values, column 2 is less than the second.
*/
#ifndef CTX_TVF_PLAN_H
#define CTX_TVF_PLAN_H

#include "sqlite3ext.h"

enum ctx_plan {
    CTX_PLAN_COLUMN = 'a', /* plus the column's number */
    CTX_PLAN_EQ = '=',
    CTX_PLAN_LT = '<',
    CTX_PLAN_LE = '{', /* <= */
    CTX_PLAN_GT = '>',
    CTX_PLAN_GE = '}', /* >= */
    CTX_PLAN_IN = '*'  /* the value is a set: sqlite3_vtab_in_first */
};

/* The code of a constraint's operator; 0: none of these. */
static inline char ctx_plan_comparison(unsigned char op)
{
    switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ: return CTX_PLAN_EQ;
    case SQLITE_INDEX_CONSTRAINT_LT: return CTX_PLAN_LT;
    case SQLITE_INDEX_CONSTRAINT_LE: return CTX_PLAN_LE;
    case SQLITE_INDEX_CONSTRAINT_GT: return CTX_PLAN_GT;
    case SQLITE_INDEX_CONSTRAINT_GE: return CTX_PLAN_GE;
    default: return 0;
    }
}

#endif
