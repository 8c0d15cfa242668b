/* fuzz_gguf.c - a GGUF file: its header, and its tokenizer told as tokenizer.json and read. */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "error.h"
#include "gguf_tokenizer.h"
#include "memory.h"
#include "tokenizer.h"

static void check_list(const enc_tensor_list *list, uint64_t file_size)
{
    uint64_t end = 0;
    for (size_t i = 0; i < list->count; i++) {
        const enc_tensor *tensor = &list->at[i];
        MUST(tensor->name != NULL);
        MUST(tensor->rank >= 1 && tensor->rank <= ENC_MAX_RANK);
        MUST(tensor->offset >= end && tensor->offset <= file_size);
        MUST(tensor->bytes <= file_size - tensor->offset);
        end = tensor->offset + tensor->bytes;
        for (int d = 0; d < tensor->rank; d++)
            MUST(tensor->shape[d] >= 1);
    }
}

static void read_tokenizer(const enc_gguf *gguf)
{
    enc_tokenizer_files files = {.value_name = gguf->name};
    enc_tokenizer *tokenizer = NULL;
    enc_error err = {0};
    int rc = enc_gguf_tokenizer(gguf, &files.value, &err);
    MUST_EXPLAIN(rc, err);
    MUST((rc == ENC_OK) == (files.value != NULL));
    if (rc != ENC_OK)
        return;
    rc = enc_tokenizer_open(&files, &tokenizer, &err);
    MUST_EXPLAIN(rc, err);
    json_decref(files.value);
    enc_tokenizer_close(tokenizer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("fuzz", 0);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        return -1;
    char name[] = "m.gguf";
    enc_file file = {.fd = fd, .name = name, .size = size};
    enc_tensor_list list = {0};
    enc_gguf gguf = {0};
    enc_error err = {0};
    int rc = enc_gguf_read(&file, 0, &gguf, &list, &err);
    MUST_EXPLAIN(rc, err);
    if (rc == ENC_OK) {
        check_list(&list, size);
        read_tokenizer(&gguf);
    }
    enc_gguf_free(&gguf);
    enc_tensor_list_free(&list);
    MUST(enc_memory_used() == 0);
    return 0;
}
