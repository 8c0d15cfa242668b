/* cpu_count.c - see cpu_count.h. */
#include "cpu_count.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
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
static long read_number(const char **at)
{
    while (**at == ' ' || **at == '\n')
        (*at)++;
    if (**at < '0' || **at > '9')
        return -1;
    long value = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        if (value < 1000000000000L)
            value = value * 10 + (**at - '0');
    return value;
}

static int cpus_of(long quota, long period)
{
    if (quota <= 0 || period <= 0)
        return 0;
    long cpus = (quota + period - 1) / period;
    return cpus > 100000 ? 100000 : (int)cpus;
}

static int smaller(int a, int b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* cpu.max of the group and of each of its ancestors: "max 100000" or "150000 100000". */
static int quota_v2(void)
{
    char line[LINE_SIZE];
    char path[LINE_SIZE + 64];
    char text[64];
    int limit = 0;
    if (!read_small("/proc/self/cgroup", line, sizeof line))
        return 0;
    char *group = strstr(line, "0::/");
    if (!group)
        return 0;
    group += 3;
    group[strcspn(group, "\n")] = '\0';
    for (;;) {
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
        if (read_small(path, text, sizeof text)) {
            const char *at = text;
            long quota = read_number(&at);
            limit = smaller(limit, cpus_of(quota, quota < 0 ? 0 : read_number(&at)));
        }
        char *slash = strrchr(group, '/');
        if (!slash)
            return limit;
        *slash = '\0';
    }
}

static int quota_v1(void)
{
    char quota[64], period[64];
    if (!read_small("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof quota) ||
        !read_small("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof period))
        return 0;
    const char *a = quota, *b = period;
    return cpus_of(read_number(&a), read_number(&b));
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
    return smaller(count, smaller(quota_v2(), quota_v1()));
}
