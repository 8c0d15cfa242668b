/*
** format.h - what a file format of tensors has to give: the list of what a file holds.
**
** The list says of each tensor its name, dtype, shape and place; checkpoint.c reads the
** numbers, and widen.c knows how each dtype is stored. A format in which weights come in
** a folder is a row of `formats` in checkpoint.c; one whose file may have any name is opened
** with enc_checkpoint_open_file. Numbers that are stored otherwise than one by one are a
** dtype of their own (enc_dtype_block), whichever format they come in.
*/
#ifndef ENC_FORMAT_H
#define ENC_FORMAT_H

#include "checkpoint.h"
#include "file.h"

typedef struct enc_tensor_list {
    enc_tensor *at;
    size_t count;
} enc_tensor_list; /* all zero: empty */

typedef struct enc_format {
    const char *name;    /* for messages: "safetensors" */
    const char *weights; /* the file in a checkpoint's folder; NULL: any name */
    const char *index;   /* of its shards: JSON with a weight_map; NULL: never in shards */
    /* Appends the file's tensors, with `index` as their file, and checks that all of them
    ** lie inside the file. On failure what was appended stays in the list. */
    int (*list)(const enc_file *file, int index, enc_tensor_list *list, enc_error *err);
    const char *dtypes;  /* that are read, for messages; NULL: "F32, F16, BF16 or F64" */
} enc_format;

/* Room for `more` tensors behind those that are there; false: out of memory. */
bool enc_tensor_list_reserve(enc_tensor_list *list, size_t more);
void enc_tensor_list_free(enc_tensor_list *list);

/* Opens folder/name, a file of that format with any name, as a whole checkpoint. */
int enc_checkpoint_open_file(const char *folder, const char *name, const enc_format *format,
                             enc_checkpoint **out, enc_error *err);

#endif
