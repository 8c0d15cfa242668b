/*
** plan.h - the plan that xBestIndex hands to xFilter.
**
** idxNum   bits of enum ctx_plan_flag.
** idxStr   two characters for each value of argv, in its order: what it says something about
**          (enum ctx_plan_what) and what it says (the codes of tvf_plan.h, and ctx_plan_op).
**          "m=k=i>" reads: the first value is the question, the second is k, the row id is
**          greater than the third.
*/
#ifndef CTX_SEMANTIC_PLAN_H
#define CTX_SEMANTIC_PLAN_H

#include "tvf_plan.h"

enum ctx_plan_flag {
    CTX_PLAN_MATCH = 1,      /* there is a question: rows come nearest first */
    CTX_PLAN_DESCENDING = 2, /* no question: the largest row id first */
    CTX_PLAN_ORDERED = 4     /* a question: ORDER BY asks for just this order */
};

enum ctx_plan_what {
    CTX_PLAN_QUESTION = 'm',
    CTX_PLAN_K = 'k',
    CTX_PLAN_AMONG = 'a',
    CTX_PLAN_ROWID = 'i',
    CTX_PLAN_DISTANCE = 'd',
    CTX_PLAN_RANK = 'r',     /* of a hybrid index; elsewhere rank is the distance */
    CTX_PLAN_LIMIT = 'l',
    CTX_PLAN_OFFSET = 'o'
};

/* CTX_PLAN_GE is also what SQLite shows of a row value's > or >=: see cursor.c. */
enum ctx_plan_op {
    CTX_PLAN_IS = '#',  /* =, of a literal */
    CTX_PLAN_FROM = ']' /* >=, of a literal */
};

#endif
