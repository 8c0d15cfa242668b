/* gguf_file.c - see gguf_file.h. */
#include "gguf_file.h"

#include <string.h>

#include "checkpoint_copy.h"

static unsigned char built[1 << 16];
static size_t size;

void gguf_bytes(const void *bytes, size_t count)
{
    if (count > sizeof built - size)
        count = sizeof built - size;
    memcpy(built + size, bytes, count);
    size += count;
}

void gguf_number(uint64_t number, unsigned width)
{
    for (unsigned i = 0; i < width; i++) {
        unsigned char byte = (unsigned char)(number >> 8 * i);
        gguf_bytes(&byte, 1);
    }
}

void gguf_string(const char *text)
{
    gguf_number(strlen(text), 8);
    gguf_bytes(text, strlen(text));
}

void gguf_begin(uint32_t version, uint64_t tensors, uint64_t keys)
{
    size = 0;
    gguf_bytes("GGUF", 4);
    gguf_number(version, 4);
    gguf_number(tensors, 8);
    gguf_number(keys, 8);
}

void gguf_key(const char *key, uint32_t type)
{
    gguf_string(key);
    gguf_number(type, 4);
}

void gguf_u32(const char *key, uint32_t value)
{
    gguf_key(key, 4);
    gguf_number(value, 4);
}

void gguf_f32(const char *key, float value)
{
    gguf_key(key, 6);
    gguf_bytes(&value, sizeof value);
}

void gguf_bool(const char *key, int value)
{
    gguf_key(key, 7);
    gguf_number((uint64_t)value, 1);
}

void gguf_text(const char *key, const char *value)
{
    gguf_key(key, 8);
    gguf_string(value);
}

void gguf_list(const char *key, uint32_t type, uint64_t count)
{
    gguf_key(key, 9);
    gguf_number(type, 4);
    gguf_number(count, 8);
}

void gguf_tensor(const char *name, uint32_t type, uint64_t offset, uint32_t rank,
                 const uint64_t *dimensions)
{
    gguf_string(name);
    gguf_number(rank, 4);
    for (uint32_t i = 0; i < rank; i++)
        gguf_number(dimensions[i], 8);
    gguf_number(type, 4);
    gguf_number(offset, 8);
}

void gguf_data(size_t bytes)
{
    while (size % 32 != 0)
        gguf_number(0, 1);
    for (size_t i = 0; i < bytes; i++)
        gguf_number(0, 1);
}

size_t gguf_size(void) { return size; }

bool gguf_write(const char *folder, const char *file)
{
    return copy_write(folder, file, built, size);
}
