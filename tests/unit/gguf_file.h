/*
** gguf_file.h - GGUF files made in memory, right and wrong ones.
**
**     gguf_begin(3, 1, 2);                       (version, tensors, keys)
**     gguf_text("general.architecture", "bert");
**     gguf_u32("bert.block_count", 2);
**     gguf_tensor("token_embd.weight", 0, 0, 2, (uint64_t[]){4, 3});
**     gguf_data(48);
**     gguf_write(folder, "m.gguf");
*/
#ifndef GGUF_FILE_H
#define GGUF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void gguf_begin(uint32_t version, uint64_t tensors, uint64_t keys);
void gguf_bytes(const void *bytes, size_t size);
void gguf_number(uint64_t number, unsigned width);
void gguf_string(const char *text);

/* A key with its type; the value is to follow. */
void gguf_key(const char *key, uint32_t type);
void gguf_u32(const char *key, uint32_t value);
void gguf_f32(const char *key, float value);
void gguf_bool(const char *key, int value);
void gguf_text(const char *key, const char *value);
void gguf_list(const char *key, uint32_t type, uint64_t count);

/* One tensor; dimensions as the file has them, last first. */
void gguf_tensor(const char *name, uint32_t type, uint64_t offset, uint32_t rank,
                 const uint64_t *dimensions);
/* Pads to a multiple of 32 and appends that many zeros. */
void gguf_data(size_t bytes);
size_t gguf_size(void);
bool gguf_write(const char *folder, const char *file);

#endif
