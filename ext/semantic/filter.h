/*
** filter.h - which rows a question may be answered with: bounds and sets of row ids, bounds on
** the distance. Several at once are all to hold.
**
** Values compare as SQLite compares them with a row id, which is an INTEGER, and with a
** distance, which is a REAL in a column without a type.
*/
#ifndef CTX_SEMANTIC_FILTER_H
#define CTX_SEMANTIC_FILTER_H

#include "connection.h"

typedef struct ctx_filter {
    sqlite3_int64 low, high; /* row ids; low > high: none */
    bool chosen;             /* the row id must be a member */
    sqlite3_int64 *member;   /* [members] ascending, all different */
    size_t members;
    uint64_t *bits;          /* bit i: row id base + i is a member; NULL: search the list */
    sqlite3_int64 base;
    sqlite3_uint64 extent;   /* bits */
    double from, to;         /* bounds on the distance */
    bool beyond_from, before_to; /* strictly */
} ctx_filter;

void ctx_filter_open(ctx_filter *filter); /* lets everything pass */
void ctx_filter_clear(ctx_filter *filter);

/* A bound on the row id, on the distance: op is one of plan.h's. */
int ctx_filter_rowid(ctx_filter *filter, char op, sqlite3_value *operand);
void ctx_filter_distance(ctx_filter *filter, char op, sqlite3_value *operand);
/* rowid IN: the value is a set. */
int ctx_filter_in(ctx_filter *filter, sqlite3_value *set);
/* `among`: a JSON array of integers; NULL: nothing passes. */
int ctx_filter_among(ctx_filter *filter, sqlite3_value *json, const char *name,
                     ctx_error *error);

/* Makes the filter ready for ctx_filter_passes. */
int ctx_filter_ready(ctx_filter *filter);

/* Index of the first of the ids, ascending, that is >= id; `count`: there is none. */
size_t ctx_ids_from(const sqlite3_int64 *ids, size_t count, sqlite3_int64 id);

/* How many row ids could pass, INT64_MAX if very many. */
sqlite3_int64 ctx_filter_count(const ctx_filter *filter);
/* The smallest row id >= `from` that passes; false: none. */
bool ctx_filter_next(const ctx_filter *filter, sqlite3_int64 from, sqlite3_int64 *id);

bool ctx_filter_is_member(const ctx_filter *filter, sqlite3_int64 id);
static inline bool ctx_filter_passes(const ctx_filter *filter, sqlite3_int64 id)
{
    return filter->low <= id && id <= filter->high &&
           (!filter->chosen || ctx_filter_is_member(filter, id));
}

static inline bool ctx_filter_in_reach(const ctx_filter *filter, double distance)
{
    return (filter->beyond_from ? distance > filter->from : distance >= filter->from) &&
           (filter->before_to ? distance < filter->to : distance <= filter->to);
}

#endif
