/*
** torch.h - the state dict in a file that torch.save wrote (pytorch_model.bin).
**
** Such a file is a zip archive (or of the kind before: torch_old.h): data.pkl says which tensors there are and how each is laid
** over a storage, and data/0, data/1, ... are the storages. Many tensors may share one. The
** pickle is read as a list of values, of which nothing is executed; a dict of names
** and tensors is what it must be.
*/
#ifndef ENC_TORCH_H
#define ENC_TORCH_H

#include "format.h"

/* Appends the file's tensors, with `index` as their file; checks that each lies inside its
** storage. */
int enc_torch_read(const enc_file *file, int index, enc_tensor_list *list, enc_error *err);

extern const enc_format enc_format_torch;

#endif
