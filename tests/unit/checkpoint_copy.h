/*
** checkpoint_copy.h - copies of the golden checkpoints, for breaking.
**
**     const char *folder = copy_checkpoint("bert");
**     copy_edit(folder, "config.json", "hidden_size", "33");
**     CHECK_STR(copy_load_error(folder), "config.json: ...");
*/
#ifndef CHECKPOINT_COPY_H
#define CHECKPOINT_COPY_H

#include <stdbool.h>
#include <stddef.h>

/* Copies tests/golden/NAME, goldens left out, into a fresh folder; its path, good for the
** whole run. NULL: that can't be done. */
const char *copy_checkpoint(const char *name);

/* A file's bytes with a NUL behind them, for free(); NULL if there is none. */
char *copy_read(const char *folder, const char *file, size_t *size);
bool copy_write(const char *folder, const char *file, const void *data, size_t size);
bool copy_remove(const char *folder, const char *file);
bool copy_make_folder(const char *folder, const char *name);

/* Sets what stands at `path` ("model.vocab.[PAD]"; numbers index arrays) of a JSON file to
** the JSON text `value`; NULL deletes it; path "": the whole file. */
bool copy_edit(const char *folder, const char *file, const char *path, const char *value);

/* Writes a safetensors file: the length, the header, `bytes` zeros. */
bool copy_safetensors(const char *folder, const char *file, const char *header,
                      size_t bytes);

/* Renames a tensor, or writes `bytes` over its data at `offset`, keeping all else. */
bool copy_rename_tensor(const char *folder, const char *file, const char *from,
                        const char *to);
bool copy_poke_tensor(const char *folder, const char *file, const char *tensor,
                      size_t offset, const void *bytes, size_t size);

/* Loads the checkpoint and frees it again. The sentence of the refusal ("" if there is
** none), with the folder's path in it written as "@"; *code, if not NULL, is its code. */
const char *copy_load_error(const char *folder, int *code);

#endif
