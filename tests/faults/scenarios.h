/*
** scenarios.h - what is done to semantic indexes while something fails: one database each, acts
** that follow one another, and what a user sees of it.
*/
#ifndef SCENARIOS_H
#define SCENARIOS_H

#include <stdbool.h>

typedef struct scenario {
    const char *name;
    const char *setup;        /* statements of an empty database, before the acts */
    const char *const *acts;  /* NULL at the end; a transaction each, or a question */
    const char *const *shown; /* NULL at the end; statements that hold in every state */
    const char *waits;        /* statements of a transaction around an act; NULL: none */
    bool fts5;                /* the first of them asks an FTS5 table, too */
    int most;                 /* points that are tried of an act at most; 0: no limit */
} scenario;

extern const scenario scenarios[];
extern const int scenario_count;

#endif
