/* test_cpu_count.c - how many CPUs this process may keep busy. */
#include "cpu_count.h"

#include <errno.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint_copy.h"
#include "encoding.h"

/* ---- Affinity ----------------------------------------------------------------------- */

static void count_on_one_cpu(void)
{
    cpu_set_t mine, one;
    REQUIRE(sched_getaffinity(0, sizeof mine, &mine) == 0);
    CPU_ZERO(&one);
    for (size_t cpu = 0; CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &mine))
            CPU_SET(cpu, &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    CHECK_INT(enc_cpu_count(), 1);
}

TEST("cpu count: at least one CPU, and no more than the process may run on")
{
    cpu_set_t mine;
    REQUIRE(sched_getaffinity(0, sizeof mine, &mine) == 0);
    CHECK(enc_cpu_count() >= 1);
    CHECK(enc_cpu_count() <= CPU_COUNT(&mine));
    unit_in_child(count_on_one_cpu);
}

/* ---- Control groups, in a folder of our own ----------------------------------------- */

/* Writes a file below the folder "cgroup", whose parents are made. */
static void put(const char *path, const char *text)
{
    char full[4096];
    snprintf(full, sizeof full, "%s", test_tmp(path));
    for (char *slash = strstr(full, "cgroup"); slash; slash = strchr(slash + 1, '/')) {
        if (*slash != '/')
            continue;
        *slash = '\0';
        CHECK(mkdir(full, 0777) == 0 || errno == EEXIST);
        *slash = '/';
    }
    char *name = strrchr(full, '/');
    *name = '\0';
    CHECK(copy_write(full, name + 1, text, strlen(text)));
}

static int quota(const char *groups, const char *mount)
{
    put("cgroup/list", groups);
    return enc_cpu_quota(test_tmp("cgroup/list"), test_tmp(mount));
}

TEST("cpu count: the quota of a control group is rounded up to whole CPUs")
{
    static const struct {
        const char *text;
        int cpus;
    } cases[] = {{"100000 100000\n", 1}, {"150000 100000\n", 2}, {"200000 100000\n", 2},
                 {"1 100000\n", 1},      {"50000 10000\n", 5},   {"max 100000\n", 0},
                 {"0 100000\n", 0},      {"100000 0\n", 0},      {"100000\n", 0},
                 {"", 0},                {"garbage", 0},         {"-5 100000\n", 0},
                 {"99999999999999999999 1\n", 100000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("cgroup/v2/job/cpu.max", cases[i].text);
        CHECK_INT(quota("0::/job\n", "cgroup/v2"), cases[i].cpus);
    }
}

TEST("cpu count: the tightest quota of a group and all groups above it counts")
{
    put("cgroup/deep/cpu.max", "800000 100000\n");
    put("cgroup/deep/a/cpu.max", "300000 100000\n");
    put("cgroup/deep/a/b/cpu.max", "max 100000\n");
    put("cgroup/deep/a/b/c/cpu.max", "600000 100000\n");
    CHECK_INT(quota("0::/a/b/c\n", "cgroup/deep"), 3);
    CHECK_INT(quota("0::/a/b\n", "cgroup/deep"), 3);
    CHECK_INT(quota("0::/\n", "cgroup/deep"), 8);
    CHECK_INT(quota("12:cpuset:/x\n1:name=systemd:/y\n0::/a\n", "cgroup/deep"), 3);
    /* A group that is not to be seen from here, as inside a container. */
    CHECK_INT(quota("0::/docker/0123456789\n", "cgroup/deep"), 8);
}

TEST("cpu count: the older form of control groups is understood, -1 being no quota")
{
    put("cgroup/v1/cpu/cpu.cfs_quota_us", "250000\n");
    put("cgroup/v1/cpu/cpu.cfs_period_us", "100000\n");
    CHECK_INT(quota("3:cpu,cpuacct:/\n", "cgroup/v1"), 3);
    put("cgroup/v1/cpu/cpu.cfs_quota_us", "-1\n");
    CHECK_INT(quota("3:cpu,cpuacct:/\n", "cgroup/v1"), 0);
}

TEST("cpu count: where there are no control groups there is no quota")
{
    CHECK_INT(enc_cpu_quota("/no/such/file", "/no/such/folder"), 0);
    CHECK_INT(quota("", "cgroup/nowhere"), 0);
    CHECK_INT(quota("0::/a\n", "cgroup/nowhere"), 0);
}
