/* fuzz_torch.c - a PyTorch file: the archive, the pickle in it, and each of its tensors. */
#include "fuzz.h"

#include <stdbool.h>
#include <unistd.h>

#include "memory.h"
#include "torch.h"

/* A folder with the file in it, in memory where there is /dev/shm. */
static const char *folder(void)
{
    static char path[64];
    if (!path[0]) {
        strcpy(path, access("/dev/shm", W_OK) == 0 ? "/dev/shm/contextual.XXXXXX"
                                                   : "/tmp/contextual.XXXXXX");
        MUST(mkdtemp(path));
    }
    return path;
}

static void remove_file(void)
{
    char path[96];
    snprintf(path, sizeof path, "%s/m.bin", folder());
    unlink(path);
    rmdir(folder());
}

static void write_file(const uint8_t *data, size_t size)
{
    static bool first = true;
    char path[96];
    snprintf(path, sizeof path, "%s/m.bin", folder());
    FILE *file = fopen(path, "wb");
    MUST(file && fwrite(data, 1, size, file) == size);
    fclose(file);
    if (first)
        atexit(remove_file);
    first = false;
}

/* No tensor has more numbers than the file has bytes, so all of them can be read. */
static void read_tensors(enc_checkpoint *checkpoint, size_t size)
{
    size_t count = enc_checkpoint_count(checkpoint);
    for (size_t i = 0; i < count && i < 100; i++) {
        enc_tensor *tensor = enc_checkpoint_at(checkpoint, i);
        enc_error err = {0};
        MUST(tensor->bytes <= size);
        if (tensor->dtype == ENC_DTYPE_OTHER)
            continue;
        MUST(enc_tensor_elements(tensor) <= size);
        float *out = ENC_ALLOC(float, enc_tensor_elements(tensor));
        MUST(out);
        int rc = enc_checkpoint_read(checkpoint, tensor, out, NULL, &err);
        MUST_EXPLAIN(rc, err);
        enc_free(out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enc_error err = {0};
    enc_checkpoint *checkpoint = NULL;
    write_file(data, size);
    int rc = enc_checkpoint_open_file(folder(), "m.bin", &enc_format_torch, &checkpoint, &err);
    MUST_EXPLAIN(rc, err);
    if (rc == ENC_OK)
        read_tensors(checkpoint, size);
    enc_checkpoint_close(checkpoint);
    MUST(enc_memory_used() == 0);
    return 0;
}
