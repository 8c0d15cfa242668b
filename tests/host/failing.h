/*
** failing.h - SQLite's allocator, one call of which fails.
*/
#ifndef FAILING_H
#define FAILING_H

#include <stdbool.h>

/* Before SQLite is used otherwise: from now on it allocates here. */
bool failing_use(void);
/* The allocation after the next n fails, and none after it; -1: none. Returns what was left of
** the n before. */
long failing_after(long n);
/* Whether one failed since failing_forget. */
bool failing_has_failed(void);
void failing_forget(void);

#endif
