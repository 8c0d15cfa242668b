/* cpu_count.c - see cpu_count.h. */
#include "cpu_count.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 4096 };

/* The file's first bytes as a string; false if there is none. */
static bool read_small(const char *path, char *text, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t got = read(file, text, size - 1);
    close(file);
    if (got <= 0)
        return false;
    text[got] = '\0';
    return true;
}

/* The decimal number at *at, which moves past it; -1 if there is none. */
static int64_t read_number(const char **at)
{
    while (**at == ' ' || **at == '\n')
        (*at)++;
    if (**at < '0' || **at > '9')
        return -1;
    int64_t value = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        if (value < 1000000000000)
            value = value * 10 + (**at - '0');
    return value;
}

static int cpus_of(int64_t quota, int64_t period)
{
    if (quota <= 0 || period <= 0)
        return 0;
    int64_t cpus = (quota + period - 1) / period;
    return cpus > 100000 ? 100000 : (int)cpus;
}

/* 0 stands for no limit. */
static int smaller(int a, int b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* cpu.max of the group and of each of its ancestors: "max 100000" or "150000 100000". */
static int quota_v2(const char *groups, const char *mount)
{
    char line[LINE_SIZE];
    char path[2 * LINE_SIZE];
    char text[64];
    int limit = 0;
    if (!read_small(groups, line, sizeof line))
        return 0;
    char *group = strstr(line, "0::/");
    if (!group)
        return 0;
    group += 3;
    group[strcspn(group, "\n")] = '\0';
    for (;;) {
        snprintf(path, sizeof path, "%s%s/cpu.max", mount, group);
        if (read_small(path, text, sizeof text)) {
            const char *at = text;
            int64_t quota = read_number(&at);
            limit = smaller(limit, cpus_of(quota, quota < 0 ? 0 : read_number(&at)));
        }
        char *slash = strrchr(group, '/');
        if (!slash)
            return limit;
        *slash = '\0';
    }
}

static int quota_v1(const char *mount)
{
    char path[LINE_SIZE], quota[64], period[64];
    snprintf(path, sizeof path, "%s/cpu/cpu.cfs_quota_us", mount);
    if (!read_small(path, quota, sizeof quota))
        return 0;
    snprintf(path, sizeof path, "%s/cpu/cpu.cfs_period_us", mount);
    if (!read_small(path, period, sizeof period))
        return 0;
    const char *a = quota, *b = period;
    return cpus_of(read_number(&a), read_number(&b));
}

int enc_cpu_quota(const char *groups, const char *mount)
{
    return smaller(quota_v2(groups, mount), quota_v1(mount));
}

int enc_cpu_count(void)
{
    int count = 0;
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        count = CPU_COUNT(&set);
    if (count < 1)
        count = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (count < 1)
        count = 1;
    return smaller(count, enc_cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup"));
}
