/*
** saved.h - a model in a file of its own (files/saved_file.h), which is mapped and used as it
** is.
**
** What a model is, is told by saved_settings.c, its numbers by saved_weights.c; saved.c puts
** both together with the tokenizer. The file says which layout its float32 matrices have: where
** the kernel in use has another, they are packed anew when it is loaded. Those of the other
** number types have one layout everywhere.
*/
#ifndef ENC_SAVED_H
#define ENC_SAVED_H

#include "json_node.h"
#include "load.h"
#include "saved_file.h"
#include "store.h"

/* ---- Settings (saved_settings.c) ----------------------------------------------------- */

/* The model's settings as a fresh object; NULL: out of memory. */
json_t *enc_saved_settings(const enc_model *model);
/* From such an object into model, whose family is known. */
int enc_saved_settings_read(enc_model *model, const enc_node *root, enc_error *err);

/* ---- Numbers (saved_weights.c) ------------------------------------------------------- */

typedef struct enc_saved_numbers {
    enc_model *model;
    enc_store *store;
    /* Of the file's matrices, by their number type; NULL: there are none of it. */
    const char *layout[ENC_WEIGHT_TYPES];
} enc_saved_numbers;

/* Both ways: the encoder's weights; and those of a language-model head, which lie in the file's
** memory and of which enc_lm_head_free takes the struct alone. */
int enc_saved_weights(enc_saved_numbers *numbers, enc_error *err);
int enc_saved_head(enc_saved_numbers *numbers, enc_lm_head *head, enc_error *err);

/* ---- The file (saved.c) -------------------------------------------------------------- */

/* Writes the model to the file `path`, which comes to be when all of it is on the disk; `poll`,
** which may be NULL, is asked on the way. *bytes is its size. */
int enc_saved_write(const enc_model *model, const char *path, enc_poll *poll, uint64_t *bytes,
                    enc_error *err);
/* What was written into a fresh model; its fingerprint is that of the model that was saved, and
** the digest is of no account. */
int enc_saved_load(enc_model *model, const char *path, enc_digest *digest, enc_error *err);

#endif
