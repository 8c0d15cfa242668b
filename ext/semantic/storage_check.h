/*
** storage_check.h - what the two files of integrity-check share: storage_check.c (the directory,
** NAME_rows) and storage_check_blocks.c (NAME_codes, NAME_vectors).
*/
#ifndef CTX_SEMANTIC_STORAGE_CHECK_H
#define CTX_SEMANTIC_STORAGE_CHECK_H

#include "storage_parts.h"

/* A block of the directory. */
typedef struct ctx_checked_place {
    ctx_place place;
    int generation;
} ctx_checked_place;

/* What the tables have of one generation, to be compared with its totals. */
typedef struct ctx_checked_generation {
    int generation;
    bool stored;          /* there are totals */
    ctx_totals totals;
    sqlite3_int64 used;   /* as the totals say */
    ctx_totals counted;   /* blocks and rows that were met */
    sqlite3_int64 slots;  /* taken, as the directory says */
    sqlite3_int64 chunks; /* of the rows */
} ctx_checked_generation;

typedef struct ctx_check {
    ctx_storage *storage;
    ctx_finding report;
    void *context;
    ctx_error *error;
    bool stopped;         /* the caller has heard enough */
    ctx_checked_generation generation[2]; /* that is checked; that is passed over */
    ctx_checked_place *place; /* [places] by number */
    size_t places, place_room;
    bool damaged;         /* there was a finding */
} ctx_check;

/* Hands on "row 12 of the table 'search_codes' is damaged: why". */
void ctx_check_found(ctx_check *check, const char *table, sqlite3_int64 row, const char *why);
/* The generation's counts, or NULL if it is one that nobody knows. */
ctx_checked_generation *ctx_check_generation(ctx_check *check, sqlite3_int64 generation);

/* Calls `each` for every row of a SELECT (see ctx_shadow_prepare). */
int ctx_check_walk(ctx_check *check, const char *sql,
                   int (*each)(ctx_check *check, sqlite3_stmt *row));

/* Blocks and parts against the directory, the rows and each other. */
int ctx_check_blocks(ctx_check *check);

#endif
