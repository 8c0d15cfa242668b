/* fuzz_hdf5.c - an HDF5 file: its groups and the datasets in them. */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "hdf5.h"
#include "memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("fuzz", 0);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        return -1;
    char name[] = "weights.hdf5";
    enc_file file = {.fd = fd, .name = name, .size = size};
    enc_tensor_list list = {0};
    enc_error err = {0};
    int rc = enc_format_hdf5.list(&file, 0, &list, &err);
    MUST_EXPLAIN(rc, err);
    for (size_t i = 0; i < list.count; i++) {
        const enc_tensor *tensor = &list.at[i];
        MUST(tensor->name != NULL && tensor->dtype_name != NULL);
        MUST(tensor->rank >= 0 && tensor->rank <= ENC_MAX_RANK);
        MUST(tensor->bytes == 0 ||
             (tensor->bytes <= size && tensor->offset <= size - tensor->bytes));
        for (int d = 0; d < tensor->rank; d++)
            MUST(tensor->shape[d] >= 0);
    }
    enc_tensor_list_free(&list);
    MUST(enc_memory_used() == 0);
    return 0;
}
