/*
** cpu_count.h - how many CPUs this process may keep busy.
*/
#ifndef ENC_CPU_COUNT_H
#define ENC_CPU_COUNT_H

/* The CPUs of the process's affinity mask, capped by the CPU quota of its control group (v2 and
** v1) where there is one, rounded up; at least 1. */
int enc_cpu_count(void);

#endif
