/*
** hub_cache.h - a model's folder in Hugging Face's cache, as their programs download it:
**
**     models--ORGANISATION--NAME/
**         blobs/                       the files' contents
**         refs/main                    which snapshot the branch main is
**         snapshots/0123ab.../         the checkpoint: links to blobs
*/
#ifndef ENC_HUB_CACHE_H
#define ENC_HUB_CACHE_H

#include "error.h"

/* Whether `path` is such a folder. */
bool enc_hub_is_folder(const char *path);

/* *out is the folder of its snapshot, for enc_free: the one that refs/main names, else the only
** one that there is. NULL where `path` is no such folder. */
int enc_hub_snapshot(const char *path, char **out, enc_error *err);

#endif
