/*
** failing.h - SQLite's allocator, calls of which fail.
*/
#ifndef FAILING_H
#define FAILING_H

#include <stdbool.h>

/* Before SQLite is used otherwise: from now on it allocates here. */
bool failing_use(void);
/* The allocation after the next n fails, and none after it; -1: none. Returns what was left of
** the n before. */
long failing_after(long n);
/* Calls are counted from now on, from 0; call n fails (below 0: none), `on`: and all after it. */
void failing_count(long n, bool on);
/* From now on none fails; how many calls were counted. */
long failing_counted(void);
/* Whether one failed since failing_forget. */
bool failing_has_failed(void);
void failing_forget(void);

#endif
