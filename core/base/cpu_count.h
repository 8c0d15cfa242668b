/*
** cpu_count.h - how many CPUs this process may keep busy.
*/
#ifndef ENC_CPU_COUNT_H
#define ENC_CPU_COUNT_H

/* The CPUs of the process's affinity mask, capped by the CPU quota of its control group (v2 and
** v1) where there is one, rounded up; at least 1. */
int enc_cpu_count(void);

/* The CPUs that the quota of a control group and those above it comes to, rounded up; 0 where
** there is none. `groups` is the file that lists the process's groups, `mount` the folder where
** the groups' files are. */
int enc_cpu_quota(const char *groups, const char *mount);

#endif
