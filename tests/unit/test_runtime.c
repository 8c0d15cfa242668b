/* test_runtime.c - what this library and this process are. */
#include "encoding.h"
#include "ops.h"
#include "pool.h"

TEST("runtime: the version is three numbers with dots")
{
    int dots = 0;
    for (const char *c = enc_version(); *c; c++) {
        CHECK(*c == '.' || (*c >= '0' && *c <= '9'));
        dots += *c == '.';
    }
    CHECK_INT(dots, 2);
}

TEST("runtime: the kernel in use is one of those named, and every one named can be had")
{
    enc_runtime_info info;
    char names[512];
    bool listed = false;
    enc_runtime_describe(&info);
    CHECK_STR(info.kernel, enc_ops_get()->name);
    snprintf(names, sizeof names, "%s", info.kernels);
    char *note = strstr(names, " (");
    if (note)
        *note = '\0';
    for (char *name = strtok(names, ", "); name; name = strtok(NULL, ", ")) {
        CHECK(enc_ops_find(name) != NULL);
        listed = listed || strcmp(name, info.kernel) == 0;
    }
    CHECK(listed);
}

TEST("runtime: processor, BLAS and threads are told")
{
    enc_runtime_info info;
    enc_runtime_describe(&info);
    CHECK(info.cpu && info.cpu[0]);
    CHECK(info.blas != NULL);
    CHECK_INT(info.threads, enc_pool_size());
    CHECK(info.threads >= 1);
    CHECK(info.threads_running >= 0 && info.threads_running < info.threads);
}
