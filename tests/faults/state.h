/*
** state.h - databases that are copied, opened and looked at.
*/
#ifndef STATE_H
#define STATE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MOST_SHOWN = 24, MOST_ROWS = 4096 };

/* A database at rest. */
typedef struct state {
    const char *journal; /* NULL: in memory */
    sqlite3 *memory;     /* that one; no extension is loaded there */
    char *file;          /* the bytes of a database in a file */
    size_t size;
} state;

/* An empty one, after `setup`. */
bool state_make(state *out, const char *journal, const char *setup);
void state_free(state *s);
/* A connection to a copy, with the extension, the tiny model and place('NAME'), a path; NULL and a
** failed check. */
sqlite3 *state_open(const state *s);
/* Another to the copy that state_open made last; of a database in a file alone. */
sqlite3 *state_reopen(const state *s);
/* Another to a copy of what `db` has in memory. */
sqlite3 *state_copy(sqlite3 *db);
/* Of a connection what no database has is as state_open left it: no `far` is attached, no `passing`
** is among temporary tables, 'tiny' is the tiny model. */
void state_tidy(sqlite3 *db);
/* Makes it what `db` has, and closes that. */
bool state_take(state *s, sqlite3 *db);

/* The extension's entry point, as loading would call it. */
int state_load(sqlite3 *db);

/* Rows that statements gave, a number each that stands for its values. */
typedef struct rows {
    uint64_t row[MOST_ROWS];
    int count;
    bool known; /* these are to come again: */
    bool wrong; /* others came */
    uint64_t changes; /* what the statements, all of which got through, have told of theirs */
} rows;

/* Runs statements; of the first that fails the code, and its place in *rest. */
int state_play(sqlite3 *db, const char *sql, rows *seen, const char **rest);
/* The same for statements that have to get through; a failed check else. */
bool state_run(sqlite3 *db, const char *sql);

/* What a user sees: of each statement a number that stands for its rows. */
typedef struct view {
    uint64_t of[MOST_SHOWN];
} view;

/* false and a failed check: a statement did not get through. */
bool state_look(sqlite3 *db, const char *const *shown, view *out);
/* The first statement of which they differ; NULL: none. */
const char *state_differs(const char *const *shown, const view *a, const view *b);
/* Whether SQLite's own check finds as much as it does in another. */
bool state_is_sound(const char *const *shown, const view *v, const view *other);

#endif
