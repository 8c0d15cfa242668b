/*
** run.c - runs the tests that are linked in.
**
**     run [-k] [-l] [-v] [WORD...]
**
** -l lists the tests, -v names each one before it runs, -k lists the kernels that this CPU
** can run; with words, only tests whose "file: sentence" contains one of them. Prints a
** line for each failed check and closes with "N passed, N failed, N skipped". Exit status 1
** if a test failed or none was there to run.
*/
#include "unit.h"

#include <ftw.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATHS = 16, CHECKS_SHOWN = 8, CHILD_SECONDS = 300 };

/* The encoder's, where it is linked in. */
extern const char *enc_ops_names(void) __attribute__((weak));

static unit_test *first, **last = &first;
static const unit_test *current;
static int failed_checks; /* of the current test */
static bool skipped;
static char folder[512]; /* temporary; empty until it is wanted */
static pid_t folder_owner;

void unit_register(unit_test *test)
{
    *last = test;
    last = &test->next;
}

/* ---- Checks ------------------------------------------------------------------------ */

/* True if this failure should still be shown: a loop that fails says so a few times. */
static bool begin_failure(const char *file, int line)
{
    if (++failed_checks > CHECKS_SHOWN)
        return false;
    printf("FAILED %s:%d: %s: ", file, line, current->sentence);
    return true;
}

bool unit_check(bool holds, const char *file, int line, const char *condition)
{
    if (!holds && begin_failure(file, line))
        printf("%s does not hold\n", condition);
    return holds;
}

bool unit_check_int(long long got, long long want, const char *file, int line,
                    const char *expression)
{
    if (got != want && begin_failure(file, line))
        printf("%s is %lld, not %lld\n", expression, got, want);
    return got == want;
}

bool unit_check_str(const char *got, const char *want, const char *file, int line,
                    const char *expression)
{
    bool same = got && want ? strcmp(got, want) == 0 : got == want;
    if (!same && begin_failure(file, line))
        printf("%s is\n    %s\n  not\n    %s\n", expression, got ? got : "(null)",
               want ? want : "(null)");
    return same;
}

bool unit_check_near(double got, double want, double tolerance, const char *file, int line,
                     const char *expression)
{
    bool near = fabs(got - want) <= tolerance;
    if (!near && begin_failure(file, line))
        printf("%s is %.9g, not %.9g within %.3g\n", expression, got, want, tolerance);
    return near;
}

void unit_skip(const char *why)
{
    skipped = true;
    printf("skipped %s: %s\n", current->sentence, why);
}

const void *unit_row(void)
{
    return current->row;
}

/* ---- Processes --------------------------------------------------------------------- */

enum child_status { CHILD_PASSED, CHILD_FAILED, CHILD_SKIPPED };

static bool has_threads(void)
{
    struct stat tasks;
    return stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > 3; /* ., .., one */
}

/* Tells the parent how it went. What threads held that the fork has ended is a leak to any
** detector that runs at the end of a process, so there this one waits to be killed. */
static void end_child(int parent, bool had_threads)
{
    char status = failed_checks ? CHILD_FAILED : skipped ? CHILD_SKIPPED : CHILD_PASSED;
    fflush(stdout);
    if (write(parent, &status, 1) != 1)
        exit(2);
    while (had_threads)
        pause();
    exit(0);
}

static void judge_child(int told, int status, bool had_threads)
{
    const char *file = current->file;
    int line = current->line;
    bool killed = told == CHILD_PASSED && had_threads; /* by us */
    if (told == CHILD_FAILED)
        failed_checks++; /* the child has said what */
    else if (told == CHILD_SKIPPED)
        skipped = true;
    else if (WIFSIGNALED(status) && !killed)
        unit_check_int(WTERMSIG(status), 0, file, line, "its signal");
    else if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        unit_check_int(WEXITSTATUS(status), 0, file, line, "its exit status");
    else
        unit_check(told == CHILD_PASSED, file, line, "it came to its end");
}

void unit_in_child(void (*body)(void))
{
    bool had_threads = has_threads();
    int ends[2], status = 0;
    char told = -1;
    fflush(stdout);
    if (!unit_check(pipe(ends) == 0, current->file, current->line, "pipe"))
        return;
    pid_t child = fork();
    if (child == 0) {
        alarm(CHILD_SECONDS);
        body();
        end_child(ends[1], had_threads);
    }
    close(ends[1]);
    if (read(ends[0], &told, 1) == 1 && had_threads)
        kill(child, SIGKILL);
    close(ends[0]);
    bool ended = child > 0 && waitpid(child, &status, 0) == child;
    if (unit_check(ended, current->file, current->line, "fork"))
        judge_child(told, status, had_threads);
}

bool unit_under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload");
}

/* ---- Files ------------------------------------------------------------------------- */

static const char *join(const char *directory, const char *name)
{
    static _Thread_local char paths[PATHS][PATH_MAX];
    static _Thread_local unsigned turn;
    char *path = paths[turn++ % PATHS];
    snprintf(path, PATH_MAX, "%s/%s", directory, name);
    return path;
}

const char *test_data(const char *relative)
{
    return join(TEST_FOLDER, relative);
}

static int remove_entry(const char *path, const struct stat *status, int kind,
                        struct FTW *where)
{
    (void)status, (void)kind, (void)where;
    return remove(path);
}

static void remove_folder(void)
{
    if (getpid() == folder_owner)
        nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *test_tmp(const char *name)
{
    if (!folder[0]) {
        const char *parent = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/contextual.XXXXXX", parent ? parent : "/tmp");
        if (!mkdtemp(folder)) {
            perror(folder);
            exit(2);
        }
        folder_owner = getpid();
        atexit(remove_folder);
    }
    return join(folder, name);
}

const char *test_model(void)
{
    const char *model = getenv("CONTEXTUAL_TEST_MODEL");
    if (!model)
        model = test_data("../models/all-MiniLM-L6-v2");
    return *model && access(join(model, "model.safetensors"), R_OK) == 0 ? model : NULL;
}

/* ---- The run ----------------------------------------------------------------------- */

static bool selected(const unit_test *test, char **words)
{
    if (!*words)
        return true;
    char line[1024];
    snprintf(line, sizeof line, "%s: %s", test->file, test->sentence);
    for (; *words; words++)
        if (strstr(line, *words))
            return true;
    return false;
}

static void print_place(const unit_test *test)
{
    printf("%s:%d: %s\n", test->file, test->line, test->sentence);
}

static void run_one(const unit_test *test)
{
    current = test;
    failed_checks = 0;
    skipped = false;
    test->run();
    if (failed_checks > CHECKS_SHOWN)
        printf("  ... and %d more checks of it\n", failed_checks - CHECKS_SHOWN);
}

int main(int count, char **arguments)
{
    bool list = false, verbose = false, kernels = false;
    int option;
    while ((option = getopt(count, arguments, "klv")) != -1) {
        kernels |= option == 'k';
        list |= option == 'l';
        verbose |= option == 'v';
    }
    if (kernels && enc_ops_names) {
        for (const char *name = enc_ops_names(); *name; name++)
            putchar(*name == ',' ? ' ' : *name);
        putchar('\n');
        return 0;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* a crash must not swallow what was said */
    int passed = 0, failed = 0, left_out = 0;
    for (const unit_test *test = first; test; test = test->next) {
        if (!selected(test, arguments + optind))
            continue;
        if (list || verbose)
            print_place(test);
        if (list)
            continue;
        run_one(test);
        failed += failed_checks > 0;
        left_out += !failed_checks && skipped;
        passed += !failed_checks && !skipped;
    }
    if (!list)
        printf("%d passed, %d failed, %d skipped\n", passed, failed, left_out);
    return !list && (failed || passed + left_out == 0);
}
