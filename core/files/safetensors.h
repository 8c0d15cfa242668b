/*
** safetensors.h - the header of one safetensors file.
**
** Such a file is 8 bytes of length (little-endian), JSON that gives each tensor's dtype,
** shape and place, then the data. The rules are those of the format's own reader: places
** begin at 0, follow one another without hole or overlap, are as long as shape and dtype
** say, and the last one ends with the file; and names are unique.
*/
#ifndef ENC_SAFETENSORS_H
#define ENC_SAFETENSORS_H

#include "format.h"

/* Appends the file's tensors, with `index` as their file; checks the whole header. */
int enc_safetensors_read(const enc_file *file, int index, enc_tensor_list *list,
                         enc_error *err);

extern const enc_format enc_format_safetensors;

#endif
