/* runtime.c - what this library and this process are; see encoder.h. */
#include "encoder.h"
#include "ops.h"
#include "pool.h"

const char *enc_version(void)
{
    return "0.1.0";
}

void enc_runtime_describe(enc_runtime_info *info)
{
    info->cpu = enc_cpu_describe();
    info->kernel = enc_ops_get()->name;
    info->kernels = enc_ops_names();
    info->note = enc_ops_note();
    info->blas = enc_blas_describe();
    info->threads = enc_pool_size();
    info->threads_running = enc_pool_helpers();
}
