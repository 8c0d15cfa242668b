/*
** plan.c - xBestIndex: which constraints a scan takes over, at what price.
**
** A question (MATCH, or = on the column that is named as the table), k and `among` are
** arguments: where one stands and is not known yet in this order of a join, the plan is
** refused. Bounds on row ids and distances are checked by the cursor exactly as SQLite would,
** so they are taken whole (`omit`) and filter before k is counted.
**
** rowid = X beside k needs care. Of a constant it is a filter like the others; of another
** table's column it is a join, and `search('...', 20) s JOIN articles a ON a.id = s.rowid`
** means 20 rows, whichever table SQLite reads first. xBestIndex is not told which it is. So
** the price of such a plan is set beyond any that asks the index first, and where the order
** is forced (LEFT JOIN) the cursor sees whether the value came from outside: see cursor.c.
** In a hybrid index the same holds without k: rows are scored by their positions among all.
*/
#include <string.h>

#include "plan.h"
#include "query.h"
#include "words.h"

#ifndef SQLITE_INDEX_CONSTRAINT_LIMIT /* from 3.38 */
#define SQLITE_INDEX_CONSTRAINT_LIMIT 73
#define SQLITE_INDEX_CONSTRAINT_OFFSET 74
#endif

/* Prices; what counts is which is less. A scan of a million codes takes as long as a few
** ten thousand look-ups by row id. */
static const double PRICE_SCAN = 1e5, PRICE_LOOKUP = 20, PRICE_WALK = 1e6,
                    PRICE_RANGE = 2.5e5, PRICE_FORCED = 1e12;
enum { ROWS_NEAREST = 64, ROWS_ALL = 1000000, ROWS_RANGE = 250000, ROWS_SET = 16 };

typedef struct planner {
    const ctx_index *index;
    sqlite3_index_info *info;
    char *plan;      /* idxStr, two characters for each argument so far */
    int arguments;
    bool match, k, set;
    bool same;       /* rowid = */
    bool range;      /* of row ids */
    bool everything; /* every constraint but LIMIT and OFFSET is taken over whole */
} planner;

static bool since_3_38(void)
{
    return sqlite3_libversion_number() >= 3038000;
}

static int refuse(const planner *p, const char *format, const char *detail)
{
    ctx_error error = {0};
    ctx_fail(&error, SQLITE_ERROR, p->index->config.name, format, detail);
    return ctx_vtab_error((sqlite3_vtab *)&p->index->base, &error);
}

/* Which hidden column it is; -1: none. */
static int hidden_column(const planner *p, int column)
{
    int hidden = column - p->index->config.columns;
    return hidden >= 0 && hidden < CTX_HIDDEN_COLUMNS ? hidden : -1;
}

static bool is_row_limit(unsigned char op)
{
    return op == SQLITE_INDEX_CONSTRAINT_LIMIT || op == SQLITE_INDEX_CONSTRAINT_OFFSET;
}

static void take(planner *p, int constraint, char what, char op)
{
    p->plan[2 * p->arguments] = what;
    p->plan[2 * p->arguments + 1] = op;
    p->info->aConstraintUsage[constraint].argvIndex = ++p->arguments;
    p->info->aConstraintUsage[constraint].omit = 1;
}

/* What an = or MATCH on this column gives, or 0. */
static char argument_of(int hidden, unsigned char op)
{
    if (hidden == CTX_COLUMN_MATCH && op == SQLITE_INDEX_CONSTRAINT_MATCH)
        return CTX_PLAN_QUESTION;
    if (op != SQLITE_INDEX_CONSTRAINT_EQ)
        return 0;
    return hidden == CTX_COLUMN_MATCH   ? CTX_PLAN_QUESTION
           : hidden == CTX_COLUMN_K     ? CTX_PLAN_K
           : hidden == CTX_COLUMN_AMONG ? CTX_PLAN_AMONG
                                        : 0;
}

/* k <= 10 would choose among rows whose k is NULL: none. */
static bool is_bound(unsigned char op)
{
    return op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE ||
           op == SQLITE_INDEX_CONSTRAINT_GT || op == SQLITE_INDEX_CONSTRAINT_GE ||
           op == SQLITE_INDEX_CONSTRAINT_NE;
}

/* Takes the arguments. */
static int plan_arguments(planner *p)
{
    const ctx_config *config = &p->index->config;
    for (int i = 0; i < p->info->nConstraint; i++) {
        unsigned char op = p->info->aConstraint[i].op;
        int column = p->info->aConstraint[i].iColumn;
        if (is_row_limit(op))
            continue;
        int hidden = hidden_column(p, column);
        if (op == SQLITE_INDEX_CONSTRAINT_MATCH && column >= 0 && hidden != CTX_COLUMN_MATCH)
            return refuse(p, "MATCH asks the whole table: write \"%w\" MATCH '...'",
                          config->name);
        if (hidden == CTX_COLUMN_K && is_bound(op))
            return refuse(p, "%s", "k says how many rows a question gets: write k = 10");
        char what = argument_of(hidden, op);
        if (!what)
            continue;
        if (!p->info->aConstraint[i].usable)
            return SQLITE_CONSTRAINT;
        if (what == CTX_PLAN_QUESTION && p->match)
            return refuse(p, "%s", "one question at a time: MATCH stands twice");
        if (what == CTX_PLAN_K && p->k)
            return refuse(p, "%s", "k is given twice");
        p->match |= what == CTX_PLAN_QUESTION;
        p->k |= what == CTX_PLAN_K;
        p->set |= what == CTX_PLAN_AMONG;
        take(p, i, what, CTX_PLAN_EQ);
    }
    if (p->k && !p->match)
        return refuse(p, "k says how many rows a question gets: \"%w\" MATCH '...' is missing",
                      config->name);
    return SQLITE_OK;
}

/* Whether the other side is a literal: SQLite tells from 3.38 on. */
static bool is_literal(const planner *p, int constraint)
{
    sqlite3_value *value = NULL;
    return since_3_38() &&
           sqlite3_vtab_rhs_value(p->info, constraint, &value) == SQLITE_OK && value;
}

/* Takes = and IN on the row id. */
static void plan_same_rowid(planner *p, int i)
{
    if (since_3_38() && sqlite3_vtab_in(p->info, i, 1)) {
        p->set = true;
        take(p, i, CTX_PLAN_ROWID, CTX_PLAN_IN);
    } else {
        p->same = true;
        take(p, i, CTX_PLAN_ROWID, is_literal(p, i) ? CTX_PLAN_IS : CTX_PLAN_EQ);
    }
}

/* Takes bounds on row ids and distances. SQLite shows of (distance, rowid) > (?, ?) that
** distance >= ?, and checks the rest by itself whatever `omit` says: beside >= and <= there may
** be more than is seen here, so LIMIT is not to be taken, and k is to be counted with care: see
** cursor.c. Nothing tells the two apart but a literal, and that only from 3.38 on: their
** collation, the value that comes to xFilter and all else that is shown are the same. */
static void plan_bounds(planner *p)
{
    for (int i = 0; i < p->info->nConstraint; i++) {
        unsigned char op = p->info->aConstraint[i].op;
        if (is_row_limit(op) || p->info->aConstraintUsage[i].argvIndex > 0)
            continue;
        int column = p->info->aConstraint[i].iColumn, hidden = hidden_column(p, column);
        char compare = ctx_plan_comparison(op);
        bool is_rank = hidden == CTX_COLUMN_RANK && ctx_is_hybrid(&p->index->config);
        bool is_distance = p->match && compare != CTX_PLAN_EQ &&
                           (hidden == CTX_COLUMN_DISTANCE || hidden == CTX_COLUMN_RANK);
        if (!p->info->aConstraint[i].usable || !compare || (column >= 0 && !is_distance)) {
            p->everything = false;
            continue;
        }
        if (column < 0 && compare == CTX_PLAN_EQ) {
            plan_same_rowid(p, i);
            continue;
        }
        bool literal = is_literal(p, i);
        if ((compare == CTX_PLAN_GE || compare == CTX_PLAN_LE) && !literal)
            p->everything = false;
        if (compare == CTX_PLAN_GE && literal)
            compare = CTX_PLAN_FROM;
        take(p, i, !is_distance ? CTX_PLAN_ROWID : is_rank ? CTX_PLAN_RANK : CTX_PLAN_DISTANCE,
             compare);
        p->range |= !is_distance;
    }
}

/* Whether rows come in the order that is asked for: with a question by (rank, rowid), where
** rank is the distance unless words are fused with it, else by row id, which also can go down. */
static bool plan_order(planner *p)
{
    const sqlite3_index_info *info = p->info;
    if (info->nOrderBy == 0)
        return true;
    int column = info->aOrderBy[0].iColumn, hidden = hidden_column(p, column);
    bool down = info->aOrderBy[0].desc;
    if (!p->match) {
        if (column >= 0)
            return false;
        p->info->idxNum |= down ? CTX_PLAN_DESCENDING : 0;
        return true;
    }
    bool fused = ctx_is_hybrid(&p->index->config);
    if (hidden == CTX_COLUMN_SEMANTIC_RANK)
        return !fused && !down;
    if (hidden == CTX_COLUMN_SCORE)
        return down && info->nOrderBy == 1;
    if (down || (hidden != CTX_COLUMN_RANK && (fused || hidden != CTX_COLUMN_DISTANCE)))
        return false;
    return info->nOrderBy == 1 ||
           (info->aOrderBy[1].iColumn < 0 && !info->aOrderBy[1].desc);
}

/* LIMIT and OFFSET, both or neither. */
static void plan_limit(planner *p)
{
    for (int i = 0; i < p->info->nConstraint; i++)
        if (is_row_limit(p->info->aConstraint[i].op) && !p->info->aConstraint[i].usable)
            return;
    for (int i = 0; i < p->info->nConstraint; i++) {
        unsigned char op = p->info->aConstraint[i].op;
        if (is_row_limit(op))
            take(p, i, op == SQLITE_INDEX_CONSTRAINT_LIMIT ? CTX_PLAN_LIMIT : CTX_PLAN_OFFSET,
                 CTX_PLAN_EQ);
    }
}

static void plan_price(planner *p)
{
    sqlite3_index_info *info = p->info;
    bool counts = p->k || (p->match && ctx_is_hybrid(&p->index->config));
    if (p->same) {
        /* Before 3.38 it may be one value of IN, which must come to the cursor, to be
        ** refused there; a join must not: between the two lies the number of its rows. */
        info->estimatedCost = !counts        ? PRICE_LOOKUP
                              : since_3_38() ? PRICE_FORCED
                                             : PRICE_SCAN * 0.9;
        info->estimatedRows = 1;
        if (!counts)
            info->idxFlags |= SQLITE_INDEX_SCAN_UNIQUE;
    } else if (p->match) {
        info->estimatedCost = PRICE_SCAN;
        info->estimatedRows = p->set ? ROWS_SET : ROWS_NEAREST;
    } else {
        info->estimatedCost = p->set     ? PRICE_LOOKUP * ROWS_SET
                              : p->range ? PRICE_RANGE
                                         : PRICE_WALK;
        info->estimatedRows = p->set ? ROWS_SET : p->range ? ROWS_RANGE : ROWS_ALL;
    }
}

int ctx_index_best(sqlite3_vtab *table, sqlite3_index_info *info)
{
    planner p = {.index = (const ctx_index *)table, .info = info, .everything = true};
    p.plan = sqlite3_malloc64(2 * (sqlite3_uint64)info->nConstraint + 1);
    if (!p.plan)
        return SQLITE_NOMEM;
    info->idxStr = p.plan;
    info->needToFreeIdxStr = 1;
    int code = plan_arguments(&p);
    if (code != SQLITE_OK)
        return code;
    plan_bounds(&p);
    bool in_order = plan_order(&p);
    info->orderByConsumed = in_order && info->nOrderBy > 0;
    if (p.everything && in_order)
        plan_limit(&p);
    p.plan[2 * p.arguments] = '\0';
    info->idxNum |= p.match ? CTX_PLAN_MATCH : 0;
    info->idxNum |= p.match && info->orderByConsumed ? CTX_PLAN_ORDERED : 0;
    plan_price(&p);
    return SQLITE_OK;
}
