/* fuzz_word_vectors.c - a file of word vectors, in any of its forms. */
#include "fuzz.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "word_vectors.h"

typedef struct table {
    float *rows; /* [most, width] */
    size_t words, most, width, count;
} table;

static int begin(void *context, size_t words, size_t rows, size_t width, enc_error *err)
{
    table *t = context;
    MUST(words <= rows && width > 0);
    t->words = words;
    t->most = rows;
    t->width = width;
    t->rows = enc_alloc_array(rows, width * sizeof(float));
    return t->rows ? ENC_OK : enc_nomem(err);
}

static int word(void *context, const char *text, size_t size, float **to, enc_error *err)
{
    table *t = context;
    (void)err;
    MUST(t->count < t->words);
    MUST(size == 0 || memchr(text, text[size - 1], size) != NULL); /* is there to be read */
    *to = t->rows + t->count++ * t->width;
    return ENC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("fuzz", 0);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        return -1;
    struct stat status;
    char name[] = "words.txt";
    if (fstat(fd, &status) != 0)
        return -1;
    enc_file file = {.fd = fd, .name = name, .size = size,
                     .seconds = (int64_t)status.st_mtim.tv_sec,
                     .nanoseconds = (int64_t)status.st_mtim.tv_nsec};
    table t = {.rows = NULL};
    enc_vectors_sink sink = {&t, begin, word};
    enc_vectors_info info;
    enc_error err = {0};
    int rc = enc_vectors_read(&file, NULL, &sink, &info, &err);
    MUST_EXPLAIN(rc, err);
    for (size_t i = 0; rc == ENC_OK && i < t.count * t.width; i++)
        MUST(t.rows[i] - t.rows[i] == 0); /* finite */
    enc_free(t.rows);
    MUST(enc_memory_used() == 0);
    return 0;
}
