/* fuzz_safetensors.c - a safetensors file, header and data. */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "error.h"
#include "memory.h"
#include "safetensors.h"

/* The rules of the format, checked anew: places lie in the file and names differ. */
static void check_list(const enc_tensor_list *list, uint64_t file_size)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < list->count; i++) {
        const enc_tensor *tensor = &list->at[i];
        MUST(tensor->name != NULL);
        MUST(tensor->rank >= 0 && tensor->rank <= ENC_MAX_RANK);
        MUST(tensor->offset >= 8 && tensor->offset <= file_size);
        MUST(tensor->bytes <= file_size - tensor->offset);
        for (int d = 0; d < tensor->rank; d++)
            MUST(tensor->shape[d] >= 0);
        for (size_t j = 0; j < i && list->count < 100; j++)
            MUST(strcmp(tensor->name, list->at[j].name) != 0);
        bytes += tensor->bytes;
    }
    MUST(list->count == 0 || bytes < file_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("fuzz", 0);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        return -1;
    char name[] = "model.safetensors";
    enc_file file = {.fd = fd, .name = name, .size = size};
    enc_tensor_list list = {0};
    enc_error err = {0};
    int rc = enc_safetensors_read(&file, 0, &list, &err);
    MUST_EXPLAIN(rc, err);
    if (rc == ENC_OK)
        check_list(&list, size);
    enc_tensor_list_free(&list);
    MUST(enc_memory_used() == 0);
    return 0;
}
